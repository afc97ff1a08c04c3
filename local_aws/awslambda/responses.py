"""Lambda's API over HTTP: moto's, except that Invoke runs the function."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse

from local_aws.awslambda.configuration import logging_config_of, set_logging_config
from local_aws.awslambda.function_code import FunctionCodeError
from local_aws.awslambda.invocation import InvocationResult

MAX_SYNCHRONOUS_BYTES = 6_291_556
MAX_EVENT_BYTES = 1024 * 1024

_Answer = tuple[int, dict[str, str], str | bytes]


class _InvalidZipFileError(LambdaClientError):
    code = 502

    def __init__(self, message: str) -> None:
        super().__init__("InvalidZipFileException", message)


class _RequestTooLargeError(LambdaClientError):
    code = 413

    def __init__(self, message: str) -> None:
        super().__init__("RequestTooLargeException", message)


class _InvalidRequestContentError(LambdaClientError):
    code = 400

    def __init__(self, message: str) -> None:
        super().__init__("InvalidRequestContentException", message)


class RunsFunctions(Protocol):
    """The part of the data plane that the API uses."""

    def run_function(self, function: LambdaFunction, payload: bytes) -> InvocationResult:
        """Run a function and wait for its answer."""

    def queue_event(self, function: LambdaFunction, payload: bytes) -> str:
        """Have a function run asynchronously; returns the request id."""


class LocalLambdaResponse(LambdaResponse):
    """One request to Lambda's API."""

    def __init__(self, runtime: RunsFunctions) -> None:
        super().__init__()
        self._runtime = runtime

    def answer(self, request: Any, full_url: str, headers: Any) -> Any:
        """Return status, headers and body."""
        return self._dispatch(request, full_url, headers)

    def invoke(self) -> _Answer:
        """Invoke, in all three invocation types."""
        query = parse_qs(self.parsed_url.query)
        qualifier = query["Qualifier"][0] if "Qualifier" in query else None
        function = self._named_function(qualifier)
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "DryRun":
            return self._answer(HTTPStatus.NO_CONTENT, {}, b"")
        if kind == "Event":
            return self._queue(function)
        payload = self._payload(MAX_SYNCHRONOUS_BYTES)
        try:
            result = self._runtime.run_function(function, payload)
        except FunctionCodeError as error:
            raise _InvalidZipFileError(str(error)) from error
        headers = {"X-Amz-Executed-Version": str(function.version)}
        if result.function_error is not None:
            headers["X-Amz-Function-Error"] = result.function_error
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail.encode()).decode()
        return self._answer(HTTPStatus.OK, headers, result.payload)

    def invoke_async(self) -> _Answer:
        """InvokeAsync, the older API for an Event."""
        return self._queue(self._named_function(None))

    def create_function(self) -> Any:
        """CreateFunction, with the LoggingConfig that moto drops."""
        status, headers, body = super().create_function()
        name = json.loads(body)["FunctionName"]
        set_logging_config(self.backend.get_function(name), self.json_body.get("LoggingConfig"))
        return status, headers, self._with_logging_config(body)

    def update_function_configuration(self) -> Any:
        """UpdateFunctionConfiguration, with the LoggingConfig that moto drops."""
        status, headers, body = super().update_function_configuration()
        if "LoggingConfig" in self.json_body:
            function = self.backend.get_function(json.loads(body)["FunctionName"])
            set_logging_config(function, self.json_body["LoggingConfig"])
        return status, headers, self._with_logging_config(body)

    def get_function_configuration(self) -> str:
        """GetFunctionConfiguration, with the LoggingConfig."""
        return self._with_logging_config(super().get_function_configuration())

    def get_function(self) -> str:
        """GetFunction, with the LoggingConfig."""
        answer = json.loads(super().get_function())
        configuration = self._with_logging_config(json.dumps(answer["Configuration"]))
        return json.dumps(answer | {"Configuration": json.loads(configuration)})

    def _queue(self, function: LambdaFunction) -> _Answer:
        payload = self._payload(MAX_EVENT_BYTES)
        try:
            self._runtime.queue_event(function, payload)
        except FunctionCodeError as error:
            raise _InvalidZipFileError(str(error)) from error
        return self._answer(HTTPStatus.ACCEPTED, {}, b"")

    def _named_function(self, qualifier: str | None) -> LambdaFunction:
        # /2015-03-31/functions/<name or ARN>/invocations/ and /2014-11-13/…/invoke-async/
        name = unquote(self.path.rstrip("/").rsplit("/", 2)[-2])
        return self.backend.get_function(name, qualifier)

    def _payload(self, limit: int) -> bytes:
        body = self.body.encode() if isinstance(self.body, str) else bytes(self.body or b"")
        if len(body) > limit:
            message = f"{len(body)} byte payload is too large for this invocation (limit {limit})"
            raise _RequestTooLargeError(message)
        try:
            json.loads(body or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise _InvalidRequestContentError(message) from error
        return body or b"{}"

    def _with_logging_config(self, body: str | bytes) -> str:
        configuration: dict[str, Any] = json.loads(body)
        function = self.backend.get_function(configuration["FunctionName"])
        return json.dumps(configuration | {"LoggingConfig": logging_config_of(function)})

    @staticmethod
    def _answer(status: HTTPStatus, headers: dict[str, str], body: bytes) -> _Answer:
        # moto reads the status from the headers
        always = {"status": str(int(status)), "Content-Type": "application/json"}
        return int(status), always | headers, body
