"""The answer of an invocation, and the record of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

# "error" is what the handler raised, "crash" the end of its process, "init failure" code that
# could not be started; events that are "expired" or had "no function" were never run.
Outcome = Literal[
    "running",
    "success",
    "error",
    "timeout",
    "crash",
    "init failure",
    "expired",
    "no function",
    "stopped",
]

REDACTED = "(redacted)"


@dataclass(frozen=True)
class InvocationResult:
    """The answer to a synchronous invocation.

    Attributes:
        payload: the JSON that the handler returned, or Lambda's error document.
        function_error: "Unhandled" when the function failed, otherwise None.
        log_tail: the last 4 KB of the invocation's log.
    """

    payload: bytes
    function_error: str | None
    log_tail: str


@dataclass
class InvocationRecord:
    """One run of a function; of an asynchronous event one for each attempt.

    Attributes:
        function: the function's name.
        request_id: the same for all attempts of an event.
        event: the event without its ResponseURL; the text, if it is no JSON.
        attempt: 1, then more for retries.
        started: seconds since 1970.
        ended: seconds since 1970, None while it runs.
        outcome: "running" while it runs.
    """

    function: str
    request_id: str
    event: Any
    attempt: int
    started: float
    ended: float | None = None
    outcome: Outcome = "running"


def redacted_event(payload: bytes) -> Any:
    """Return the event of a payload, without the presigned URL that lets anybody answer for it."""
    try:
        event = json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
    if isinstance(event, dict) and "ResponseURL" in event:
        event["ResponseURL"] = REDACTED
    return event


def error_document(error_type: str, message: str) -> bytes:
    """Return the payload with which Lambda itself reports a failure of a function."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
