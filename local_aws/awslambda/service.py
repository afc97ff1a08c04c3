"""The local Lambda: invokes functions, at once or as events that are retried."""

from __future__ import annotations

import itertools
import json
import logging
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.awslambda.urls import url_paths as moto_url_paths

from local_aws.awslambda.configuration import EventSettings, FunctionConfiguration
from local_aws.awslambda.container import Container
from local_aws.awslambda.environment import FunctionEnvironment, link_runtime_modules
from local_aws.awslambda.function_code import FunctionCodeError, check_runnable, unpack
from local_aws.awslambda.invocation import (
    InvocationRecord,
    InvocationResult,
    Outcome,
    error_document,
    redacted_event,
)
from local_aws.awslambda.pool import ContainerPool, PoolStoppedError
from local_aws.awslambda.responses import MAX_EVENT_BYTES, LocalLambdaResponse
from local_aws.clock import Clock, Task

_logger = logging.getLogger(__name__)

# How long stop() waits for the threads of events, which end at once then.
_STOP_SECONDS = 10.0

_FUNCTION_ARN = re.compile(r"arn:[^:]+:lambda:(?P<region>[^:]+):(?P<account_id>\d+):function:")

Dispatch = Callable[[Any, str, Any], Any]


class LocalLambda:
    """Runs the functions of moto's Lambda backend, each in processes of its own.

    It needs real time, since processes do. The clock gives the time, starts threads, and waits
    between the attempts of an event.

    Args:
        clock: a real one.
        account_id: whose functions `invoke` and `invoke_async` find by name.
        region: the same.
        endpoint_url: where functions find the local AWS.
        ca_bundle: which certificates they trust, instead of the system's.
        retry_delays: seconds before the second and the third attempt of an event.
        work_dir: where code is unpacked; its owner removes it.

    Attributes:
        invocations: what ran, in the order in which it began.
        delivery_delay: seconds that each event waits before its first attempt.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        account_id: str = "123456789012",
        region: str = "eu-west-2",
        endpoint_url: str = "http://127.0.0.1:4566",
        ca_bundle: Path | None = None,
        retry_delays: Sequence[float] = (60.0, 120.0),
        work_dir: Path,
    ) -> None:
        self.invocations: list[InvocationRecord] = []
        self.delivery_delay = 0.0
        self.url_paths: dict[str, Dispatch] = dict.fromkeys(moto_url_paths, self.dispatch)
        self._clock = clock
        self._account_id = account_id
        self._region = region
        self._retry_delays = tuple(retry_delays)
        # processes run in the folder of their code, so relative paths would lead elsewhere
        self._code_folder = work_dir.resolve() / "code"
        self._environment = FunctionEnvironment(
            runtime_folder=work_dir.resolve() / "runtime",
            endpoint_url=endpoint_url,
            ca_bundle=None if ca_bundle is None else ca_bundle.resolve(),
        )
        self._pool = ContainerPool(clock)
        self._lock = threading.Lock()
        self._running = False
        self._stopping = False
        self._deliveries: list[Task] = []
        self._duplicates = 0
        self._kills: deque[float] = deque()

    def start(self) -> None:
        """Prepare the folder with the modules of Lambda's runtime.

        Raises:
            ModuleNotFoundError: one of them is not installed.
            RuntimeError: it was stopped; make another one.
        """
        if self._stopping:
            message = "starting the local Lambda: it was stopped, make another one"
            raise RuntimeError(message)
        link_runtime_modules(self._environment.runtime_folder)
        self._running = True

    def stop(self) -> None:
        """End all processes and threads that this object has started; idempotent.

        Running invocations end as crashes, waiting events are dropped.
        """
        self._stopping = True
        self._clock.changed()
        self._pool.stop()
        deadline = self._clock.now() + _STOP_SECONDS
        with self._lock:
            deliveries = list(self._deliveries)
        while any(not task.done for task in deliveries) and self._clock.now() < deadline:
            self._clock.sleep(0.002)

    def invoke_async(self, function_arn_or_name: str, event: dict[str, Any]) -> None:
        """Queue an event, as Lambda's invocation type Event: this returns before it runs.

        Raises:
            LookupError: there is no such function.
            ValueError: the event has more than 1 MB, or the function's code cannot run here.
            RuntimeError: not started, or stopped.
        """
        function = self._function(function_arn_or_name)
        payload = json.dumps(event).encode()
        if len(payload) > MAX_EVENT_BYTES:
            message = (
                f"invoking function {function.function_name!r}: the event has {len(payload)} "
                f"bytes, at most {MAX_EVENT_BYTES} are allowed"
            )
            raise ValueError(message)
        self.queue_event(function, payload)

    def invoke(self, function_arn_or_name: str, payload: bytes) -> InvocationResult:
        """Run a function and wait for its answer, as invocation type RequestResponse.

        Raises:
            LookupError: there is no such function.
            ValueError: the function's code cannot run here.
            RuntimeError: not started, or stopped.
        """
        return self.run_function(self._function(function_arn_or_name), payload)

    def dispatch(self, request: Any, full_url: str, headers: Any) -> Any:
        """Answer a request to Lambda's API; returns status, headers and body."""
        return LocalLambdaResponse(self).answer(request, full_url, headers)

    def duplicate_next_event(self) -> None:
        """Deliver the next event that is queued twice, both at the same time."""
        with self._lock:
            self._duplicates += 1

    def kill_next_invocation(self, after_seconds: float) -> None:
        """Kill the process of the next invocation, if that still runs after this many seconds."""
        with self._lock:
            self._kills.append(after_seconds)

    def run_function(self, function: LambdaFunction, payload: bytes) -> InvocationResult:
        """Run moto's function and wait for its answer.

        Raises:
            FunctionCodeError: its code cannot run here.
        """
        self._check_running()
        return self._run(function, payload, str(uuid.uuid4()), attempt=1)[1]

    def queue_event(self, function: LambdaFunction, payload: bytes) -> str:
        """Have moto's function run asynchronously, and return the request id.

        Raises:
            FunctionCodeError: its code cannot run here.
        """
        self._check_running()
        self._task_root(function)
        request_id = str(uuid.uuid4())
        queued = self._clock.now()
        arn = function.function_arn

        def deliver() -> None:
            self._deliver(arn, payload, request_id, queued)

        with self._lock:
            copies = 2 if self._duplicates else 1
            self._duplicates = max(0, self._duplicates - 1)
            self._deliveries = [task for task in self._deliveries if not task.done]
            for _ in range(copies):
                name = f"lambda event {request_id} to {function.function_name}"
                self._deliveries.append(self._clock.spawn(name, deliver))
        return request_id

    def _deliver(self, arn: str, payload: bytes, request_id: str, queued: float) -> None:
        """Run one event, again if it fails, until it is too old or has had all attempts."""
        self._pause(self.delivery_delay)
        for attempt in itertools.count(1):
            if self._stopping:
                return
            try:
                function = self._function(arn)
                settings = EventSettings.of(function)
                if self._clock.now() - queued > settings.age_seconds:
                    self._give_up(arn, payload, request_id, attempt, "expired")
                    return
                outcome, _ = self._run(function, payload, request_id, attempt)
            except LookupError:
                self._give_up(arn, payload, request_id, attempt, "no function")
                return
            except FunctionCodeError as error:
                # it could run when the event was queued, and nobody waits for this answer
                _logger.warning("%s", error)
                self._give_up(arn, payload, request_id, attempt, "init failure")
                return
            allowed = min(settings.retry_attempts, len(self._retry_delays))
            if outcome == "success" or attempt > allowed:
                return
            self._pause(self._retry_delays[attempt - 1])

    def _run(
        self, function: LambdaFunction, payload: bytes, request_id: str, attempt: int
    ) -> tuple[Outcome, InvocationResult]:
        task_root = self._task_root(function)
        configuration = FunctionConfiguration.of(function)
        record = InvocationRecord(
            function.function_name,
            request_id,
            redacted_event(payload),
            attempt,
            started=self._clock.now(),
        )
        with self._lock:
            self.invocations.append(record)
            kill_after = self._kills.popleft() if self._kills else None

        def start() -> Container:
            return Container(configuration, task_root, self._environment, self._clock)

        try:
            container = self._pool.acquire(configuration, start)
            try:
                outcome, result = container.invoke(
                    request_id, payload, function.function_arn, kill_after=kill_after
                )
            finally:
                self._pool.release(container)
        except PoolStoppedError:
            document = error_document("Runtime.ExitError", "the local Lambda was stopped")
            outcome, result = "stopped", InvocationResult(document, "Unhandled", "")
        if self._stopping and outcome in ("crash", "init failure"):
            outcome = "stopped"
        record.ended = self._clock.now()
        record.outcome = outcome
        # wakes callers that wait for a record or for an effect of an invocation
        self._clock.changed()
        return outcome, result

    def _give_up(
        self, arn: str, payload: bytes, request_id: str, attempt: int, outcome: Outcome
    ) -> None:
        now = self._clock.now()
        name = arn.partition(":function:")[2].partition(":")[0]
        record = InvocationRecord(
            name, request_id, redacted_event(payload), attempt, now, now, outcome
        )
        with self._lock:
            self.invocations.append(record)
        self._clock.changed()

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.wait_until(lambda: self._stopping, timeout=seconds)

    def _function(self, arn_or_name: str) -> LambdaFunction:
        region, account_id = self._region, self._account_id
        if match := _FUNCTION_ARN.match(arn_or_name):
            region, account_id = match["region"], match["account_id"]
        try:
            return lambda_backends[account_id][region].get_function(arn_or_name)
        # moto raises KeyError for a Region that does not exist
        except (UnknownFunctionException, InvalidParameterValueException, KeyError) as error:
            message = (
                f"invoking a function: there is none {arn_or_name!r} in {region} of account "
                f"{account_id}, deploy it first"
            )
            raise LookupError(message) from error

    def _task_root(self, function: LambdaFunction) -> Path:
        check_runnable(function)
        return unpack(function, self._code_folder)

    def _check_running(self) -> None:
        if not self._running or self._stopping:
            state = "was stopped" if self._stopping else "is not started, call start()"
            message = f"invoking a function: the local Lambda {state}"
            raise RuntimeError(message)
