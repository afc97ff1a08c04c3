"""The local AWS without HTTP, in virtual time: for tests that play hours of deployments.

What talks to services does so through real botocore clients, whose requests are answered in this
process right before they would be sent.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto.core.request import normalize_request

from local_aws import wire
from local_aws.cloudformation.connect_resources import connect_resource_types
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.dynamodb_resources import dynamodb_resource_types
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    RecordedResource,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.cloudformation.responses import CloudFormationResponse
from local_aws.cloudformation.service import CloudFormation
from local_aws.connect import ConnectSettings, LocalConnect
from local_aws.dynamodb import DynamoDbSettings, LocalDynamoDb
from local_aws.virtual_clock import TaskKilledError, VirtualClock, VirtualTask

_CALLER = "the function's role"
_ANSWERS = "cloudformation-custom-resource-response-euwest2.invalid"

ACCOUNT_ID = "123456789012"
REGION = "eu-west-2"

Handler = Callable[[dict[str, Any], Any], Any]
"""A Lambda handler: called with an event and a context, its result is the answer."""

ClientFactory = Callable[[str], Any]
Put = Callable[[str, bytes], int]


@dataclass(frozen=True)
class FunctionSettings:
    """How Lambda runs the function; times in seconds."""

    timeout: float = 900.0
    max_event_age: float = 2640.0
    retry_delays: tuple[float, ...] = (60.0, 120.0)


@dataclass
class Invocation:
    """One run of the function."""

    event: Mapping[str, Any]
    attempt: int
    began: float
    outcome: str = "running"
    """`running`, `success`, `error`, `timeout` or `killed`."""

    answer: Any = None
    """What the handler returned."""

    @property
    def stack_id(self) -> str:
        """The stack that the event is about; one of a function's own kind may name it deeper."""
        below = [value for value in self.event.values() if isinstance(value, Mapping)]
        return str(next(one["StackId"] for one in (self.event, *below) if "StackId" in one))


@dataclass
class FunctionFaults:
    """What is planned to happen to the function; each list counts from the next one on, from 1.

    Args:
        kills: numbers of calls to services; the run that makes such a call dies there, before its
            effect (False) or after it (True).
        copies: numbers of events; such an event is delivered once more, so many seconds later.
    """

    kills: dict[int, bool] = field(default_factory=dict)
    copies: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceCall:
    """A call of the function to CloudFormation or Lambda, as IAM sees it.

    Args:
        stack_id: Of the stack whose event the function was serving.
        action: As `cloudformation:DescribeStacks`.
        resource: The ARN that it is about.
        allowed: What `InProcessAws.authorize` said.
    """

    stack_id: str
    action: str
    resource: str
    allowed: bool


class InProcessAws:
    """CloudFormation, Connect, DynamoDB and one function, all in virtual time.

    `make_handler(clients, clock, put)` makes the function's handler: with clients for boto3's
    service names, a clock, and what carries an answer to a ResponseURL. `seed` shuffles what runs
    at the same time; without it things run in the order in which they began.

    `authorize` can be set to what decides on the function's calls to CloudFormation and Lambda: it
    is asked with the id of the stack that is served, the action and the resource. For those to
    Connect and DynamoDB there are `ConnectSettings.authorize` and `DynamoDbSettings.authorize`.

    `resource_types` are what templates may use besides what is needed around a function.
    """

    def __init__(
        self,
        make_handler: Callable[[ClientFactory, FunctionClock, Put], Handler],
        *,
        seed: int | None = None,
        connect_settings: ConnectSettings | None = None,
        dynamodb_settings: DynamoDbSettings | None = None,
        engine_settings: EngineSettings | None = None,
        function_settings: FunctionSettings | None = None,
        resource_types: Mapping[str, ResourceType] | None = None,
    ) -> None:
        self.clock = VirtualClock(order=None if seed is None else random.Random(seed))
        self.connect = LocalConnect(
            self.clock,
            account_id=ACCOUNT_ID,
            region=REGION,
            settings=connect_settings or ConnectSettings(),
            seed=seed or 0,
        )
        self.dynamodb = LocalDynamoDb(self.clock, ACCOUNT_ID, REGION, dynamodb_settings)
        self.function_settings = function_settings or FunctionSettings()
        self.function_faults = FunctionFaults()
        self.invocations: list[Invocation] = []
        self._events_at_work = 0
        self.service_calls: list[ServiceCall] = []
        self.authorize: Callable[[str | None, str, str], bool] | None = None
        self._served: dict[VirtualTask, Invocation] = {}
        self._doomed: set[VirtualTask] = set()
        self.function_clock = FunctionClock(self.clock, self._served)
        self.function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:handlers"
        engine_settings = engine_settings or EngineSettings()
        self.custom_resources = CustomResources(
            self.clock,
            self._invoke_async,
            lambda token: f"https://{_ANSWERS}/{token}",
            max_event_bytes=engine_settings.max_event_bytes,
            dated_urls=engine_settings.response_url_has_date,
        )
        self.cloudformation = CloudFormation(
            self.clock,
            {
                **connect_resource_types(self.connect),
                **dynamodb_resource_types(self.dynamodb),
                "AWS::IAM::Policy": RecordedResource(),
                "AWS::IAM::Role": RecordedResource(Arn=f"arn:aws:iam::{ACCOUNT_ID}:role/{{}}"),
                "AWS::Logs::LogGroup": RecordedResource(
                    Arn=f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{{}}:*"
                ),
                "AWS::Lambda::Function": RecordedResource(Arn=self.function_arn),
                "AWS::Lambda::EventInvokeConfig": RecordedResource(),
                "AWS::Lambda::Permission": RecordedResource(),
                "AWS::CDK::Metadata": RecordedResource(),
                "AWS::CloudFormation::WaitConditionHandle": RecordedResource(),
                "AWS::CloudFormation::WaitCondition": _WaitCondition(self.clock),
                **(resource_types or {}),
            },
            self.custom_resources,
            account_id=ACCOUNT_ID,
            region=REGION,
            settings=engine_settings,
        )
        self._handler = make_handler(self.client, self.function_clock, self._put)

    def client(self, service: str) -> Any:
        """A boto3 client whose requests are answered here.

        Of `connect`, `dynamodb`, `cloudformation` or `lambda`, the last only for asynchronous
        invocations.
        """
        client = _client(service)
        if service in {"connect", "dynamodb"}:
            attach = self.connect.attach if service == "connect" else self.dynamodb.attach
            client.meta.events.unregister(
                f"before-send.{service}", unique_id=_ATTACHED.get(service)
            )
            _ATTACHED[service] = attach(client)
        else:
            answer = {
                "cloudformation": self._answer_cloudformation,
                "lambda": self._answer_lambda,
            }[service]
            client.meta.events.unregister(f"before-send.{service}", unique_id=service)
            client.meta.events.register(f"before-send.{service}", answer, unique_id=service)
        for event_name, planned in (("before-send", False), ("response-received", True)):
            name = f"{event_name}.{service}"
            client.meta.events.unregister(name, unique_id=f"kill {name}")
            client.meta.events.register_first(
                name, partial(self._kill_as_planned, after_effect=planned), f"kill {name}"
            )
        return client

    def settle(self) -> None:
        """Return when every event that was sent to the function has been dealt with."""
        self.clock.wait_until(lambda: self._events_at_work == 0)

    def _kill_as_planned(self, *, after_effect: bool, **_: Any) -> None:
        """End the run at work where that is planned for this call, as a crash would."""
        # calls that are made side by side get their answers in another order
        task, faults = self.clock.current, self.function_faults
        if after_effect:
            if task in self._doomed:
                self._doomed.remove(task)
                raise TaskKilledError
            return
        self._doomed.discard(task)
        faults.kills = {nth - 1: position for nth, position in faults.kills.items()}
        dies_after_effect = faults.kills.pop(0, None)
        if dies_after_effect:
            self._doomed.add(task)
        elif dies_after_effect is not None:
            raise TaskKilledError

    @property
    def served_stack_id(self) -> str | None:
        """The stack whose event the function is serving right now, None outside of the function."""
        invocation = self._served.get(self.clock.current)
        return None if invocation is None else invocation.stack_id

    def invoke(self, event: dict[str, Any]) -> Any:
        """Run the function and wait for its answer, as a synchronous invocation does."""
        invocation = Invocation(event, 1, self.clock.now())
        self._run_once(invocation)
        if invocation.outcome != "success":
            msg = f"the function ended with {invocation.outcome}"
            raise RuntimeError(msg)
        return invocation.answer

    def _put(self, url: str, body: bytes) -> int:
        return self.custom_resources.deliver(urlsplit(url).path.removeprefix("/"), body)

    def _invoke_async(self, service_token: str, event: dict[str, Any]) -> None:
        if service_token != self.function_arn:
            msg = f"Function not found: {service_token}"
            raise LookupError(msg)
        faults = self.function_faults
        faults.copies = {nth - 1: after for nth, after in faults.copies.items()}
        delays = [0.0]
        if 0 in faults.copies:
            delays.append(faults.copies.pop(0))
        for delay in delays:
            self._events_at_work += 1
            self.clock.spawn(
                f"events of {event.get('LogicalResourceId')}", partial(self._serve, event, delay)
            )

    def _serve(self, event: dict[str, Any], delay: float) -> None:
        try:
            self._run_till_it_ends(event, self.clock.now(), delay)
        finally:
            self._events_at_work -= 1

    def _run_till_it_ends(self, event: dict[str, Any], arrived: float, delay: float) -> None:
        """Run the function till it ends by itself, as Lambda does with an asynchronous event."""
        settings = self.function_settings
        self.clock.sleep(delay)
        for attempt, pause in enumerate((0.0, *settings.retry_delays), start=1):
            self.clock.sleep(pause)
            if self.clock.now() - arrived > settings.max_event_age:
                return
            invocation = Invocation(event, attempt, self.clock.now())
            self._run_once(invocation)
            if invocation.outcome == "success":
                return

    def _run_once(self, invocation: Invocation) -> None:
        """Run the function until it ends, or its time does."""
        event = invocation.event
        self.invocations.append(invocation)
        task = self.clock.spawn(
            f"{event.get('RequestType')} of {event.get('LogicalResourceId')}, "
            f"attempt {invocation.attempt}",
            partial(self._run, invocation),
        )
        self.clock.wait_until(lambda: task.done, timeout=self.function_settings.timeout)
        if not task.done:
            invocation.outcome = "timeout"
            assert isinstance(task, VirtualTask)  # noqa: S101 - this clock spawns nothing else
            task.kill()

    def _run(self, invocation: Invocation) -> None:
        ends_at = self.clock.now() + self.function_settings.timeout
        context = _Context(self.clock, ends_at, self.function_arn)
        task = self.clock.current
        self._served[task] = invocation
        try:
            invocation.answer = self._handler(dict(invocation.event), context)
        except TaskKilledError:
            if invocation.outcome == "running":
                invocation.outcome = "killed"
            raise
        except Exception:  # noqa: BLE001 - Lambda, too, takes any and tries again
            invocation.outcome = "error"
        else:
            invocation.outcome = "success"
        finally:
            del self._served[task]

    def _is_allowed(self, action: str, resource: str) -> bool:
        """Note a call of the function down, and ask whether IAM lets it pass."""
        stack_id = self.served_stack_id
        if stack_id is None:
            return True
        allowed = self.authorize is None or self.authorize(stack_id, action, resource)
        self.service_calls.append(ServiceCall(stack_id, action, resource, allowed))
        return allowed

    def _answer_lambda(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body = request.body
        assert isinstance(body, bytes)  # noqa: S101 - botocore has serialised it
        assert request.headers["X-Amz-Invocation-Type"] in {"Event", b"Event"}  # noqa: S101
        function_arn = unquote(str(request.url).split("/functions/", 1)[1].split("/", 1)[0])
        if not self._is_allowed("lambda:InvokeFunction", function_arn):
            headers = {"x-amzn-ErrorType": "AccessDeniedException"}
            why = wire.denied(_CALLER, "lambda:InvokeFunction", function_arn)
            return wire.response(request, (403, headers, json.dumps({"Message": why})))
        self._invoke_async(self.function_arn, json.loads(body))
        return wire.response(request, (202, {}, b""))

    def _answer_cloudformation(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        query = parse_qs(_text(request.body))
        action, resource = f"cloudformation:{query['Action'][0]}", query.get("StackName", ["*"])[0]
        if not self._is_allowed(action, resource):
            refusal = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>"
                f"{wire.denied(_CALLER, action, resource)}</Message></Error></ErrorResponse>"
            )
            return wire.response(request, (403, {}, refusal))
        response = CloudFormationResponse(self.cloudformation, read_s3=None)
        normal = normalize_request(request)
        answer = response._dispatch(normal, normal.raw_url, normal.headers)  # noqa: SLF001 - moto's
        return wire.response(request, answer)


class FunctionClock:
    """The clock as the function sees it.

    What it does side by side are tasks of their own, and a run ends with all of its tasks.
    """

    def __init__(self, clock: VirtualClock, served: dict[VirtualTask, Invocation]) -> None:
        self._clock = clock
        self._served = served

    def now(self) -> float:
        """Seconds since 1970, virtual."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let others run until so many virtual seconds have passed."""
        self._clock.sleep(seconds)

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these in tasks of their own, and return when they are done."""
        parent = self._clock.current
        invocation = self._served.get(parent)
        tasks: list[VirtualTask] = []

        def run(work: Callable[[], None]) -> None:
            if invocation is not None:
                self._served[self._clock.current] = invocation
            try:
                work()
            except TaskKilledError:
                # what ends one of them ends the whole run
                for task in (parent, *tasks):
                    task.kill()
            finally:
                self._served.pop(self._clock.current, None)

        tasks += [self._clock.spawn(parent.name, partial(run, work)) for work in works]
        try:
            self._clock.wait_until(lambda: all(task.done for task in tasks))
        except TaskKilledError:
            for task in tasks:
                task.kill()
            raise


class _WaitCondition:
    """Waits for a signal; there is nobody here to send one, so it fails at its time-out."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def create(self, request: ResourceRequest) -> Outcome:
        self._clock.wait_until(request.cancelled, timeout=float(request.properties["Timeout"]))
        raise ResourceFailedError("WaitCondition timed out. Received 0 conditions when expecting 1")

    def update(self, request: ResourceRequest) -> Outcome:
        return Outcome(request.physical_id)

    def delete(self, request: ResourceRequest) -> None:
        """Nothing is there."""

    def replaces(self, old: Properties, new: Properties) -> bool:  # noqa: ARG002
        return False


class _Context:
    def __init__(self, clock: VirtualClock, ends_at: float, function_arn: str) -> None:
        self._clock, self._ends_at = clock, ends_at
        self.invoked_function_arn = function_arn

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends_at - self._clock.now()) * 1000))


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)


_ATTACHED: dict[str, str] = {}


@cache
def _client(service: str) -> Any:
    """One client a service in a process: making one takes longer than most tests."""
    return new_client(service, Config(retries={"total_max_attempts": 1}, proxies={}))


def new_client(service: str, config: Config) -> Any:
    """A boto3 client that is not connected to anything yet."""
    session = boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - any will do
        region_name=REGION,
    )
    make_client: Any = session.client  # typed for literal names only
    return make_client(service, config=config)
