"""crhelper made safe, and the way from an event to its resource."""

from __future__ import annotations

import logging
import os
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import boto3
from botocore.config import Config
from crhelper import CfnResource

from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.entry import answer as answers
from connect_hierarchy_lambda.entry import drift_check, logs
from connect_hierarchy_lambda.entry.continuation import Continuation
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.model.properties import (
    DRIFT_CHECK,
    LEDGER_VARIABLE,
    DriftCheckProperty,
)
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.dynamodb_ledger import DynamoDbLedger
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.stack import OwnStack
from connect_hierarchy_lambda.ports.time import Clock, Schedule, SystemClock
from connect_hierarchy_lambda.resources.request import Request
from connect_hierarchy_lambda.resources.serving import answer_to

logger = logging.getLogger(__name__)

ANSWER_RESERVE = 60.0
"""Seconds of the function's timeout that are kept for ending work and sending the answer."""

_SHARE_FOR_ANSWER = 0.2
_REQUIRED = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId")
_REQUEST_TYPES = ("Create", "Update", "Delete")

ClientFactory = Callable[[str], Any]
"""Returns the boto3 client of a service."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that the handler uses."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""


class _Clients:
    """boto3 clients, one for each service, made when first needed; the engine does all retries."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            make_client: Any = boto3.client  # its types know literal names only
            self._made[service] = make_client(
                service,
                config=Config(
                    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20
                ),
            )
        return self._made[service]


class Function:
    """The function; tests can replace everything outside of it."""

    def __init__(
        self,
        clients: ClientFactory | None = None,
        clock: Clock | None = None,
        put: answers.Put = answers.https_put,
        jitter: Callable[[], float] = random.random,
        rate: Rate | None = None,
        ledger_of: Callable[[str], Ledger] | None = None,
    ) -> None:
        self._clients = clients or _Clients()
        self._clock = clock or SystemClock()
        self._put = put
        self._jitter = jitter
        self._rate = rate or Rate.of(os.environ)
        self._ledger_of = ledger_of or self._ledger_in_table

    def __call__(self, received: Any, context: LambdaContext) -> Any:
        """Serve one event. Nothing is raised: Lambda would run the same event again.

        Returns the report of a check for drift, and None for anything else.
        """
        event = _mapping(received)
        if DRIFT_CHECK in event and "RequestType" not in event:
            return self._check_for_drift(event, context)
        self._serve_cloudformation(event, context)
        return None

    def _check_for_drift(self, event: Mapping[str, Any], context: LambdaContext) -> Any:
        wanted = _mapping(event[DRIFT_CHECK])
        stack_id = str(wanted.get(DriftCheckProperty.STACK_ID) or "")
        stack = stack_name_and_uuid(stack_id)
        logs.set_up({"RequestType": "DriftCheck", "StackId": stack_id})
        left, now = context.get_remaining_time_in_millis() / 1000, self._clock.now()
        runs = Continuation(event, now, context.invoked_function_arn)
        deadline = min(now + left * (1 - _SHARE_FOR_ANSWER), runs.deadline)
        schedule = Schedule(self._clock, deadline, self._jitter)
        report = drift_check.check(
            stack,
            lambda: self._engine(stack_id, self._ledger_of(stack_id), schedule),
            repairs=wanted.get(DriftCheckProperty.REPAIR) is True,
        )
        if report.is_unfinished:
            sending = Schedule(self._clock, now + left, self._jitter)
            if not runs.go_on(self._clients("lambda"), sending):
                report.is_unfinished = False
                report.error = "repairing: out of time; repair again"
        drift_check.tell(report, stack, self._clock.now())
        return report.as_json

    def _serve_cloudformation(self, event: Mapping[str, Any], context: LambdaContext) -> None:
        logs.set_up(event)
        missing = [name for name in _REQUIRED if not isinstance(event.get(name), str)]
        if missing or event["RequestType"] not in _REQUEST_TYPES:
            # without these there is no address to answer, and crhelper would answer a former event
            logger.error("not an event of CloudFormation", extra={"missing": missing})
            return
        given_id = str(event.get("PhysicalResourceId") or "")
        logger.info("request received", extra={"physical_id": given_id})
        left = context.get_remaining_time_in_millis() / 1000
        reserve = min(ANSWER_RESERVE, left * _SHARE_FOR_ANSWER)
        now = self._clock.now()
        runs = Continuation(event, now, context.invoked_function_arn)
        deadline = min(now + left - reserve, runs.deadline)
        schedule = Schedule(self._clock, deadline, self._jitter)
        sending = Schedule(self._clock, now + left - reserve / 4, self._jitter)
        conversation = _Conversation(
            lambda url, answer: answers.send(url, answer, self._put, sending, given_id)
        )
        serve = _serving(
            conversation,
            lambda request: answer_to(
                request,
                context.invoked_function_arn,
                lambda: self._ledger_of(request.stack_id),
                lambda ledger: self._engine(request.stack_id, ledger, schedule),
            ),
            lambda: runs.go_on(self._clients("lambda"), sending),
            issued_at=runs.issued_at,
        )
        conversation.create(serve)
        conversation.update(serve)
        conversation.delete(serve)
        # crhelper keeps the state of its polling in the event, and trusts it from any event
        conversation(
            {name: value for name, value in event.items() if not name.startswith("CrHelper")},
            context,
        )

    def _engine(self, stack_id: str, ledger: Ledger, schedule: Schedule) -> Engine:
        turns = Turns(str(uuid.uuid4()), ledger, schedule, self._rate)
        return Engine(
            turns,
            Connect(self._clients("connect"), turns.paced),
            OwnStack(self._clients("cloudformation"), stack_id),
            Lanes(self._clock, self._rate),
        )

    def _ledger_in_table(self, stack_id: str) -> Ledger:
        table = os.environ.get(LEDGER_VARIABLE, "")
        if not table:
            raise HierarchyError(
                "looking for the ledger",
                f"the function's environment has no {LEDGER_VARIABLE}",
                "deploy the function with HierarchyProvider",
            )
        return DynamoDbLedger(self._clients("dynamodb"), table, stack_name_and_uuid(stack_id))


def _serving(
    conversation: _Conversation,
    answer_for: Callable[[Request], Answer],
    go_on: Callable[[], bool],
    *,
    issued_at: float,
) -> Callable[[dict[str, Any], Any], str]:
    def serve(event: dict[str, Any], _: Any) -> str:
        """Carry out the request; return a physical id in every case."""
        request = Request(
            type=event["RequestType"],
            stack_id=event["StackId"],
            request_id=event["RequestId"],
            logical_id=event["LogicalResourceId"],
            properties=_mapping(event.get("ResourceProperties")),
            old_properties=_mapping(event.get("OldResourceProperties")),
            physical_id=str(event.get("PhysicalResourceId") or ""),
            resource_type=str(event.get("ResourceType") or ""),
            issued_at=issued_at,
        )
        conversation.request = request
        try:
            answer = answer_for(request)
        except HierarchyError as error:
            if isinstance(error, OutOfTimeError) and go_on():
                conversation.leave_to_another_run()
                return request.failed_id
            why = str(error)
            logger.error("request failed: %s", why, extra={"why": why})  # noqa: TRY400 - no traceback
            return conversation.fail(why)
        except Exception as error:
            logger.exception("failed unexpectedly")
            doing = f"serving {request.type} of {request.logical_id}"
            why = f"{type(error).__name__}: {error}"
            remedy = "this is a bug in the library, the log has details"
            return conversation.fail(str(HierarchyError(doing, why, remedy)))
        conversation.Data = dict(answer.data)
        return answer.physical_id

    return serve


class _Conversation(CfnResource):
    """crhelper for one event: at most one answer, always with an id, never late."""

    def __init__(self, send: Callable[[str, Mapping[str, Any]], bool]) -> None:
        # this variable keeps crhelper from making three clients, which only its polling needs
        before = os.environ.get("AWS_SAM_LOCAL")
        os.environ["AWS_SAM_LOCAL"] = "true"
        try:
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)
        finally:
            if before is None:
                del os.environ["AWS_SAM_LOCAL"]
            else:
                os.environ["AWS_SAM_LOCAL"] = before
        self.request: Request | None = None
        self._deliver = send
        self._answered = threading.Lock()

    def fail(self, reason: str) -> str:
        """Make the answer a failure; return its physical id."""
        self.Status, self.Reason = "FAILED", reason
        return self.request.failed_id if self.request else ""

    def leave_to_another_run(self) -> None:
        """Send no answer, since another run of the function will."""
        self._answered.acquire(blocking=False)

    def _log_setup(self, event: Any, context: Any) -> None:
        """Do nothing: the logs are set up already, and crhelper would change their level."""

    def _timeout(self) -> None:
        """Answer FAILED when time is over: crhelper would send an empty id, and the result too."""
        reason = "out of time: a call did not end before the function's timeout; deploy again"
        self._send("FAILED", reason)

    def _send(self, status: str | None = None, reason: str = "", **_: Any) -> None:
        if not self._answered.acquire(blocking=False):
            return  # the timer or the result has answered already
        if not self.PhysicalResourceId and self.request is not None:
            self.PhysicalResourceId = self.request.failed_id
        super()._send(  # type: ignore[misc] # missing from its type hints
            status, reason, send_response=self._send_response_body
        )

    def _send_response_body(self, url: str, body: dict[str, Any], _: Any) -> None:
        self._deliver(url, body)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
