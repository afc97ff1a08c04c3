"""The HTTP and HTTPS servers in front of the services."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

import trustme
from flask import Flask
from moto.core.utils import convert_regex_to_flask_path, convert_to_flask_response
from moto.moto_server.utilities import RegexConverter
from moto.moto_server.werkzeug_app import (
    HTTP_METHODS,
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.routing import Map
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local_aws import missing
from local_aws.faults import ConnectionCut

LOOPBACK = "127.0.0.1"

UrlPaths = Mapping[str, Callable[..., Any]]
"""A table as in moto's urls.py: patterns of paths with their handlers."""

_BACKLOG = 128

RESPONSE_PATH = "/cloudformation-custom-resource-response/"


class PortTakenError(Exception):
    """The port is in use, or not allowed."""


class _QuietHandler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Log nothing, since a line for each request is of no use here."""


class _QuietPlainHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """As above."""


class _Server:
    """A werkzeug server in its own thread."""

    def __init__(
        self,
        port: int,
        app: Callable[..., Any],
        handler: type[WSGIRequestHandler],
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        # werkzeug would print its own message about a port that is taken, and exit
        with _listen(port) as listening:
            self._server: BaseWSGIServer = make_server(
                LOOPBACK,
                port,
                app,
                threaded=True,
                request_handler=handler,
                ssl_context=ssl_context,
                fd=listening.fileno(),  # which it duplicates
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
    except OSError as error:
        msg = f"port {port} of {LOOPBACK} cannot be had, {error.strerror}: choose another port"
        if error.errno == errno.EADDRINUSE:
            msg = (
                f"port {port} of {LOOPBACK} is taken: end the program that listens there, "
                "or choose another port"
            )
        raise PortTakenError(msg) from error


class ApiServer(_Server):
    """AWS's APIs on one port: `own` services by their moto names, and moto's other ones."""

    def __init__(self, port: int, own: Mapping[str, UrlPaths]) -> None:
        def create_app(service: Any) -> Flask:
            paths = own.get(service)
            app = _app_of_moto(service) if paths is None else _app(paths)
            app.register_error_handler(404, _no_such_path)
            return app

        dispatcher = DomainDispatcherApplication(create_app)
        app = _naming_what_is_missing(_dropping_cut_connections(dispatcher))
        super().__init__(port, app, _QuietHandler)


def _app_of_moto(service: Any) -> Flask:
    """The app of moto for a service; NotImplementedError if it has none."""
    if service is None:
        msg = "no such service"
        raise NotImplementedError(msg)
    try:
        return create_backend_app(service)
    except ModuleNotFoundError as error:
        # moto needs more packages for some services than are installed here
        raise NotImplementedError(str(error)) from error


def _no_such_path(error: Exception) -> NoReturn:
    raise NotImplementedError(str(error)) from error


def _app(paths: UrlPaths) -> Flask:
    """A Flask app made as moto makes its own."""
    app = Flask("local_aws")
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.request_class = BackendRequest
    app.url_map = Map()
    app.url_map.converters["regex"] = RegexConverter
    for number, (path, handler) in enumerate(paths.items()):
        app.add_url_rule(
            convert_regex_to_flask_path(path.replace("{0}", "")),
            endpoint=str(number),
            methods=HTTP_METHODS,
            view_func=convert_to_flask_response(handler),
            strict_slashes=False,
        )
    return app


def _dropping_cut_connections(app: Callable[..., Any]) -> Callable[..., Any]:
    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except ConnectionCut:
            # for the client this is a lost connection: an end without an answer
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError from None

    return answer


def _naming_what_is_missing(app: Callable[..., Any]) -> Callable[..., Any]:
    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except NotImplementedError as error:
            status, content_type, body = missing.answer(environ, error)
            start_response(status, [("Content-Type", content_type)])
            return [body]

    return answer


class AnswerServer(_Server):
    """The HTTPS server to which functions PUT their answers, since crhelper only uses HTTPS."""

    def __init__(self, deliver: Callable[[str, bytes], int]) -> None:
        authority = trustme.CA()
        self.ca_certificate: bytes = authority.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(LOOPBACK, "localhost").configure_cert(context)

        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            path = cast("str", environ["PATH_INFO"])
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            status = 404
            if path.startswith(RESPONSE_PATH):
                status = 405
                if environ["REQUEST_METHOD"] == "PUT":
                    status = deliver(path.removeprefix(RESPONSE_PATH), body)
            start_response(f"{status} {'OK' if status == 200 else 'No'}", [])  # noqa: PLR2004
            return [b""]

        super().__init__(0, answer, _QuietPlainHandler, context)

    def url_for(self, token: str) -> str:
        """The URL for an answer; its token makes it secret."""
        return f"https://{LOOPBACK}:{self.port}{RESPONSE_PATH}{token}"
