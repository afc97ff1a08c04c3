"""One container: a process that serves one event at a time, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_aws.awslambda import platform_lines, process_entry
from local_aws.awslambda.configuration import FunctionConfiguration
from local_aws.awslambda.container_log import ContainerLog, ProcessOutput
from local_aws.awslambda.environment import FunctionEnvironment
from local_aws.awslambda.invocation import InvocationResult, Outcome, error_document
from local_aws.awslambda.runtime_api import RuntimeApi, Task
from local_aws.clock import Clock

# How long a process may take to end by itself after it has reported that it could not start.
_GRACE_SECONDS = 2.0
_PEAK_MEMORY = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_ERROR_TYPE = re.compile(rb'"errorType":\s*"([^"]*)"')


@dataclass(frozen=True)
class _Ending:
    """The end of an invocation, without its log.

    Attributes:
        status: as in the REPORT line; None where it has none.
        line: what the platform adds to the log before END.
    """

    outcome: Outcome
    payload: bytes
    status: str | None = None
    error_type: str | None = None
    line: str | None = None


class Container:
    """A process of a function, with its Runtime API and its log stream.

    Neither memory nor processor is limited: an address space as small as a function's memory is too
    small for Python's libraries. REPORT shows the memory.
    """

    def __init__(
        self,
        configuration: FunctionConfiguration,
        task_root: Path,
        environment: FunctionEnvironment,
        clock: Clock,
    ) -> None:
        self.configuration = configuration
        self._clock = clock
        self._log = ContainerLog(configuration, clock)
        self._output = ProcessOutput(self._log)
        self._api = RuntimeApi()
        self._exit_status: int | None = None
        self._init_seconds: float | None = None
        self._peak_megabytes: int | None = None
        self._fresh = True
        self._ended = False
        self._log.write(f"INIT_START Runtime Version: {configuration.runtime}")
        self._api.start()
        self._started = clock.now()
        self._process = subprocess.Popen(
            # no site-packages of this Python and of its user, no folder of the script:
            # the function sees only its zip and the runtime's modules
            [sys.executable, "-S", "-s", "-P", process_entry.__file__, configuration.handler],
            env=environment.variables(
                configuration, task_root, self._log.stream, self._api.address
            ),
            cwd=task_root,
            # its other end closes when this process ends: see process_entry
            stdin=subprocess.PIPE,
            stdout=self._output.write_end,
            stderr=subprocess.STDOUT,
            # a process group of its own: Ctrl-C does not reach it, and its children end with it
            start_new_session=True,
        )
        self._output.start()
        self._watcher = threading.Thread(target=self._watch, name="lambda process", daemon=True)
        self._watcher.start()

    @property
    def usable(self) -> bool:
        """Whether it can take an event now."""
        with self._api.changed:
            return self._api.waiting and self._exit_status is None

    def wait_ready(self, seconds: float) -> bool:
        """Wait until the handler is loaded or has failed to load; False after the time-out."""
        known = self._wait(self._init_over, seconds)
        if self._init_seconds is None and self.usable:
            self._init_seconds = self._clock.now() - self._started
        return known

    def give_up_init(self) -> None:
        """End a container whose handler takes too long to load."""
        self.kill()
        self._report_init("timeout", None)
        self.end()

    def invoke(
        self, request_id: str, payload: bytes, arn: str, *, kill_after: float | None = None
    ) -> tuple[Outcome, InvocationResult]:
        """Run one event, for as long as the function's timeout allows.

        Args:
            request_id: of the invocation.
            payload: the event, JSON.
            arn: by which the function was called.
            kill_after: seconds until the process is killed, if it still runs the event.
        """
        limit = self.configuration.timeout_seconds
        started = self._clock.now()
        first, self._fresh = self._fresh, False
        if not first:  # lines from loading the handler belong to the first event
            self._log.begin_tail()
        ready = self.wait_ready(limit)
        failed_init = self._failed_init(request_id) if ready and not self.usable else None
        # printed before, but the thread that carries lines may not have read it yet
        self._output.drain()
        self._log.write(f"START RequestId: {request_id} Version: {self.configuration.version}")
        if failed_init is not None:
            ending = failed_init
        else:
            deadline = started + limit
            if ready:
                self._api.give(Task(request_id, payload, deadline, arn))
            ending = self._finish(request_id, deadline - self._clock.now(), kill_after)
        seconds = self._clock.now() - started
        if ending.line is not None:
            self._log.write(ending.line)
        self._log.write(f"END RequestId: {request_id}")
        self._log.write(
            platform_lines.report(
                request_id,
                seconds=seconds,
                memory_size=self.configuration.memory_megabytes,
                memory_used=self._peak_megabytes,
                init_seconds=self._init_seconds if first else None,
                status=ending.status,
                error_type=ending.error_type,
            )
        )
        error = None if ending.outcome == "success" else "Unhandled"
        return ending.outcome, InvocationResult(ending.payload, error, self._log.tail())

    def kill(self) -> None:
        """End the process and its children at once, and wait until it has ended."""
        with self._api.changed:
            if self._exit_status is None:
                self._look_at_memory()
                self._kill_group()
        self._wait(self._has_exited, None)

    def end(self) -> None:
        """End the process, if it still runs, with its threads and servers; idempotent."""
        with self._api.changed:
            if self._ended:
                return
            self._ended = True
        self.kill()
        self._watcher.join()
        self._api.close()
        self._output.close()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _has_exited(self) -> bool:
        return self._exit_status is not None

    def _init_over(self) -> bool:
        return self._api.waiting or self._api.init_error is not None or self._has_exited()

    def _failed_init(self, request_id: str) -> _Ending:
        # it prints the reason and then ends; its lines come before ours
        if not self._wait(self._has_exited, _GRACE_SECONDS):
            self.kill()
        self._output.drain()
        reported = self._api.init_error
        if reported is None:
            ending = self._exited("init failure", request_id)
        else:
            found = _ERROR_TYPE.search(reported.payload)
            error_type = found[1].decode() if found else "Runtime.Unknown"
            ending = _Ending("init failure", reported.payload, "error", error_type)
        self._report_init("error", ending.error_type)
        return ending

    def _finish(self, request_id: str, seconds: float, kill_after: float | None) -> _Ending:
        """Wait for the end of the invocation, for at most this many seconds."""
        api = self._api

        def over() -> bool:
            return (api.answer is not None and api.waiting) or self._has_exited()

        if kill_after is not None and kill_after < seconds:
            if not self._wait(over, kill_after):
                self.kill()
            finished = True
        else:
            finished = self._wait(over, max(0.0, seconds))
        with api.changed:
            answer = api.answer
        if finished:
            self._look_at_memory()
        elif answer is None:
            self.kill()
        self._output.drain()
        if answer is not None:
            return _Ending("error" if answer.failed else "success", answer.payload)
        if finished:
            return self._exited("crash", request_id)
        limit = self.configuration.timeout_seconds
        message = f"RequestId: {request_id} Error: {platform_lines.timed_out(limit)}"
        return _Ending(
            "timeout",
            error_document(platform_lines.TIMEOUT_ERROR, message),
            "timeout",
            line=platform_lines.timeout_line(self._clock.now(), request_id, limit),
        )

    def _exited(self, outcome: Outcome, request_id: str) -> _Ending:
        error_type = platform_lines.EXIT_ERROR
        how = platform_lines.exited(self._exit_status or 0)
        message = f"RequestId: {request_id} Error: {how}"
        document = error_document(error_type, message)
        return _Ending(outcome, document, "error", error_type, f"{message}\n{error_type}")

    def _report_init(self, status: str, error_type: str | None) -> None:
        self._output.drain()
        seconds = self._clock.now() - self._started
        self._log.write(platform_lines.init_report(seconds, status, error_type))

    def _look_at_memory(self) -> None:
        if self._exit_status is not None:
            return
        # only Linux shows it cheaply, and only while the process exists
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
            if found := _PEAK_MEMORY.search(status):
                self._peak_megabytes = int(found[1]) // 1024

    def _wait(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        with self._api.changed:
            return self._api.changed.wait_for(condition, seconds)

    def _watch(self) -> None:
        status = self._process.wait()
        # processes that it started and left behind
        self._kill_group()
        with self._api.changed:
            self._exit_status = status
            self._api.changed.notify_all()

    def _kill_group(self) -> None:
        # it has just ended by itself; macOS reports that with a PermissionError
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
