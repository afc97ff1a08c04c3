"""The lines that Lambda itself writes into the log of a function."""

from __future__ import annotations

import math
import signal
from datetime import UTC, datetime

EXIT_ERROR = "Runtime.ExitError"
TIMEOUT_ERROR = "Sandbox.Timedout"


def milliseconds(seconds: float) -> str:
    """Return a duration as the REPORT line has it."""
    return f"{seconds * 1000:.2f} ms"


def timed_out(timeout_seconds: int) -> str:
    """The line about a function that did not end in time."""
    return f"Task timed out after {timeout_seconds:.2f} seconds"


def timeout_line(now: float, request_id: str, timeout_seconds: int) -> str:
    """Return the line in the log of an invocation that timed out; now in seconds since 1970."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return f"{moment.removesuffix('+00:00')}Z {request_id} {timed_out(timeout_seconds)}"


def exited(status: int) -> str:
    """The line about the end of the process; a negative status is the signal that ended it."""
    if status < 0:
        name = signal.strsignal(-status) or str(-status)
        return f"Runtime exited with error: signal: {name.lower()}"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"


def init_report(seconds: float, status: str, error_type: str | None) -> str:
    """Return the line about an init phase that failed or timed out."""
    fields = [
        f"INIT_REPORT Init Duration: {milliseconds(seconds)}",
        "Phase: init",
        f"Status: {status}",
    ]
    if error_type is not None:
        fields.append(f"Error Type: {error_type}")
    return "\t".join(fields)


def report(
    request_id: str,
    *,
    seconds: float,
    memory_size: int,
    memory_used: int | None,
    init_seconds: float | None,
    status: str | None,
    error_type: str | None,
) -> str:
    """Return the REPORT line, with memory in MB; values that are None are left out."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds(seconds)}",
        f"Billed Duration: {math.ceil(seconds * 1000)} ms",
        f"Memory Size: {memory_size} MB",
    ]
    if memory_used is not None:
        fields.append(f"Max Memory Used: {memory_used} MB")
    if init_seconds is not None:
        fields.append(f"Init Duration: {milliseconds(init_seconds)}")
    if status is not None:
        fields.append(f"Status: {status}")
    if error_type is not None:
        fields.append(f"Error Type: {error_type}")
    return "\t".join(fields)
