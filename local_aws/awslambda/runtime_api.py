"""Lambda's Runtime API for one container, over HTTP on the loopback.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from local_aws.awslambda.invocation import error_document

MAX_RESPONSE_BYTES = 6_291_556

_LOOPBACK = "127.0.0.1"
_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_ANSWER = re.compile(
    r"/2018-06-01/runtime/invocation/(?P<request_id>[^/]+)/(?P<kind>response|error)"
)


@dataclass(frozen=True)
class Task:
    """An invocation as the runtime gets it, with the deadline in seconds since 1970."""

    request_id: str
    payload: bytes
    deadline: float
    function_arn: str


@dataclass(frozen=True)
class Answer:
    """The answer of the runtime: the handler's result, or its error document."""

    payload: bytes
    failed: bool


class RuntimeApi:
    """The platform's side: gives tasks to a runtime and takes its answers.

    `changed` is notified whenever one of the attributes or the container's own state changes; hold
    it to read any of them.

    Attributes:
        waiting: the runtime has asked for the next task and has none yet.
        answer: to the current task.
        init_error: why the runtime could not load the handler.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting = False
        self.answer: Answer | None = None
        self.init_error: Answer | None = None
        self._offered: Task | None = None
        self._current: Task | None = None
        self._closed = False
        self._server = _Server(self)

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API has them."""
        return f"{_LOOPBACK}:{self._server.port}"

    def start(self) -> None:
        """Serve from now on."""
        self._server.start()

    def close(self) -> None:
        """Release the runtime, and end the threads of the server."""
        with self.changed:
            if self._closed:
                return
            self._closed = True
            self.changed.notify_all()
        self._server.stop()

    def give(self, task: Task) -> None:
        """Hand a task to the waiting runtime."""
        with self.changed:
            self._offered = task
            self.answer = None
            self.waiting = False
            self.changed.notify_all()

    def next_task(self) -> Task | None:
        """Wait for a task without a limit; None if no more will come."""
        with self.changed:
            self._current = None
            self.waiting = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._offered is not None or self._closed)
            self._current, self._offered = self._offered, None
            return self._current

    def take_answer(self, request_id: str, answer: Answer) -> bool:
        """Take the answer to the current task; False if it is for another task."""
        with self.changed:
            if self._current is None or self._current.request_id != request_id:
                return False
            self.answer = answer
            self.changed.notify_all()
            return True

    def take_init_error(self, answer: Answer) -> None:
        """Note that the handler cannot be loaded."""
        with self.changed:
            self.init_error = answer
            self.changed.notify_all()


class _Server(socketserver.TCPServer):
    """Accepts the connections of one runtime, and serves each in a thread."""

    # a runtime has one connection at a time, and another one for an init error
    request_queue_size = 8

    def __init__(self, api: RuntimeApi) -> None:
        # port 0: a free one
        super().__init__((_LOOPBACK, 0), _Handler)
        self.port = int(self.socket.getsockname()[1])
        self.api = api
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="lambda runtime", daemon=True)
        self._connections: list[tuple[threading.Thread, socket.socket]] = []

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        self._stopping = True
        if self._acceptor.ident is not None:
            # serve_forever would check for its end from time to time; a connection wakes it at once
            with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, self.port)):
                pass
            self._acceptor.join()
        self.server_close()
        for thread, connection in self._connections:
            with contextlib.suppress(OSError):  # most are closed already
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def verify_request(self, request: object, client_address: object) -> bool:
        del request, client_address
        return not self._stopping

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="lambda runtime", daemon=True
        )
        self._connections.append((thread, request))
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            self.handle_request()

    def _serve(self, request: Any, client_address: Any) -> None:
        # a process that is killed, for example after a timeout, breaks its connection at any point
        with contextlib.suppress(OSError):
            self.finish_request(request, client_address)
        self.shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # header and body in one packet: the second of two would wait for an acknowledgement
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def _api(self) -> RuntimeApi:
        return cast(_Server, self.server).api

    def do_GET(self) -> None:
        if self.path != _NEXT:
            self._refuse(HTTPStatus.NOT_FOUND, "ResourceNotFound", self.path)
            return
        task = self._api.next_task()
        if task is None:
            self.close_connection = True
            return
        trace = uuid.uuid4().hex
        self._send(
            HTTPStatus.OK,
            task.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": task.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(task.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": task.function_arn,
                "Lambda-Runtime-Trace-Id": f"Root=1-{trace[:8]}-{trace[8:]};Sampled=0",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == _INIT_ERROR:
            self._api.take_init_error(Answer(body, failed=True))
            self._accept()
            return
        match = _ANSWER.fullmatch(self.path)
        if match is None:
            self._refuse(HTTPStatus.NOT_FOUND, "ResourceNotFound", self.path)
            return
        answer = Answer(body, failed=match["kind"] == "error")
        too_large = len(body) > MAX_RESPONSE_BYTES
        if too_large:
            message = (
                f"Response payload size ({len(body)} bytes) exceeded maximum allowed payload "
                f"size ({MAX_RESPONSE_BYTES} bytes)."
            )
            document = error_document("Function.ResponseSizeTooLarge", message)
            answer = Answer(document, failed=True)
        if not self._api.take_answer(match["request_id"], answer):
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestID", match["request_id"])
        elif too_large:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            self._refuse(status, "RequestEntityTooLarge", "the response is too large")
        else:
            self._accept()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing, since the function's log has everything that matters."""

    def _accept(self) -> None:
        self._send(HTTPStatus.ACCEPTED, b'{"status": "OK"}', {})

    def _refuse(self, status: HTTPStatus, error_type: str, message: str) -> None:
        self._send(status, error_document(error_type, message), {})

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
