"""A service that answers a few calls as a test says: for what the local AWS does not have."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

Answer = tuple[int, str, str]
"""Status, content type and body."""


class ScriptedService:
    """Answers at a port of the loopback, for as long as the `with` lasts.

    Args:
        answers: By the name of an action in a form, or by what the path of a request begins with.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is http.server's
                service._reply(self, self.path)

            def do_POST(self) -> None:  # the same
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                service.requests.append(form)
                service._reply(self, form.get("Action", self.path))

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.answers = dict(answers)
        self.requests: list[dict[str, str]] = []
        """The forms that arrived."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _reply(self, handler: BaseHTTPRequestHandler, wanted: str) -> None:
        found = next((one for name, one in self.answers.items() if wanted.startswith(name)), None)
        status, content_type, text = found or (404, "text/plain", f"nothing is said of {wanted}")
        body = text.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
