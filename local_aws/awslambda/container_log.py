"""The log of a container in CloudWatch Logs: output of its process, and Lambda's own lines."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import uuid
from datetime import UTC, datetime

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

from local_aws.awslambda.configuration import FunctionConfiguration
from local_aws.clock import Clock

TAIL_BYTES = 4096
# CloudWatch's quota for an event: a longer line becomes several.
MAX_LINE_BYTES = 256 * 1024
_READ_BYTES = 64 * 1024


class ContainerLog:
    """One log stream.

    The log group is created if there is none. A group that is deleted while the container
    lives stays deleted, and further lines are lost, as for a role that may not create groups.
    """

    def __init__(self, configuration: FunctionConfiguration, clock: Clock) -> None:
        self._clock = clock
        self._group = configuration.log_group
        day = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y/%m/%d")
        self.stream = f"{day}/[{configuration.version}]{uuid.uuid4().hex}"
        self._backend = logs_backends[configuration.account_id][configuration.region]
        self._backend.ensure_log_group(self._group)
        self._backend.ensure_log_stream(self._group, self.stream)
        self._lock = threading.Lock()
        self._tail: list[str] = []

    def write(self, text: str) -> None:
        """Write one event, which may have several lines."""
        with self._lock:
            message = f"{text}\n"
            self._tail.append(message)
            event = {"timestamp": int(self._clock.now() * 1000), "message": message}
            with contextlib.suppress(ResourceNotFoundException):
                self._backend.put_log_events(self._group, self.stream, [event])

    def begin_tail(self) -> None:
        """Begin the log of an invocation."""
        with self._lock:
            self._tail.clear()

    def tail(self) -> str:
        """Return the last 4 KB since `begin_tail`."""
        with self._lock:
            return "".join(self._tail).encode()[-TAIL_BYTES:].decode(errors="ignore")


class ProcessOutput:
    """Carries the lines that a process prints into its log, through one pipe for both streams.

    One pipe, so that lines of stdout and stderr stay in their order.
    """

    def __init__(self, log: ContainerLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._unfinished = b""
        self._closed = False
        self._reader, self.write_end = os.pipe()
        os.set_blocking(self._reader, False)
        # closing this pipe ends the thread even while a stray grandchild holds the other one
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="lambda output", daemon=True)

    def start(self) -> None:
        """Start; the process has the write end now, so it is closed here."""
        os.close(self.write_end)
        self._thread.start()

    def drain(self) -> None:
        """Log everything that was printed so far, including a line without its end.

        After `close` there is nothing left to log; an invocation whose container was ended may
        still call this.
        """
        with self._lock:
            if not self._closed:
                self._drain()

    def close(self) -> None:
        """Log the rest and end the thread."""
        os.close(self._stop)
        self._thread.join()
        with self._lock:
            self._drain()
            self._closed = True
            os.close(self._reader)
            os.close(self._stopped)

    def _drain(self) -> None:
        self._read()
        if self._unfinished:
            self._write(self._unfinished)
            self._unfinished = b""

    def _carry(self) -> None:
        while True:
            readable, _, _ = select.select([self._reader, self._stopped], [], [])
            if self._stopped in readable:
                return
            with self._lock:
                if not self._read():
                    return

    def _read(self) -> bool:
        """Read the pipe; False at its end."""
        while True:
            try:
                data = os.read(self._reader, _READ_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            *lines, self._unfinished = (self._unfinished + data).split(b"\n")
            for line in lines:
                self._write(line)
            while len(self._unfinished) > MAX_LINE_BYTES:
                self._write(self._unfinished[:MAX_LINE_BYTES])
                self._unfinished = self._unfinished[MAX_LINE_BYTES:]

    def _write(self, line: bytes) -> None:
        # awslambdaric ends the lines of a traceback with \r, so that they are one event
        self._log.write(line.decode(errors="replace").rstrip("\r").replace("\r", "\n"))
