"""A CloudFormation in virtual time, and a function of the tests that does as it is told."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.resource_types import RecordedResource
from local_aws.cloudformation.service import CloudFormation
from local_aws.cloudformation.stacks import Stack
from local_aws.virtual_clock import VirtualClock

TOKEN = "arn:aws:lambda:eu-west-2:123456789012:function:scripted"  # noqa: S105 - its name at AWS

Event = Mapping[str, Any]
Rule = Callable[[Event], "dict[str, Any] | bytes | None"]
"""What to answer: fields over those of a good answer, a whole body, or nothing."""


def failing(reason: str = "told to", **fields: Any) -> Rule:
    """A rule that answers FAILED."""
    return lambda _: {"Status": "FAILED", "Reason": reason, **fields}


def silent(_: Event) -> None:
    """A rule that never answers."""


def named(physical_id: str, **fields: Any) -> Rule:
    """A rule that answers with this physical id."""
    return lambda _: {"PhysicalResourceId": physical_id, **fields}


class Script:
    """Answers each event by the rule for its request type and resource, after its delay."""

    def __init__(self, clock: VirtualClock, settings: EngineSettings) -> None:
        self._clock = clock
        self.rules: dict[tuple[str, str], list[Rule]] = {}
        self.delays: dict[tuple[str, str], float] = {}
        self.events: list[dict[str, Any]] = []
        self.gone = False
        self.custom_resources = CustomResources(
            clock,
            self._invoke,
            lambda token: token,
            max_event_bytes=settings.max_event_bytes,
            dated_urls=settings.response_url_has_date,
        )

    def on(self, request_type: str, name: str, *rules: Rule) -> None:
        """From now on answer by these rules, one a request; the last one stays."""
        self.rules[request_type, name] = list(rules)

    def take(self, request_type: str, name: str, seconds: float) -> None:
        """From now on take this long to answer."""
        self.delays[request_type, name] = seconds

    def calls(self) -> list[str]:
        """What was asked since the last call of this, in order, for example `Create A`."""
        told = [f"{e['RequestType']} {e['LogicalResourceId']}" for e in self.events]
        self.events.clear()
        return told

    def sent(self, request_type: str, name: str) -> list[dict[str, Any]]:
        """The events of one kind for one resource."""
        wanted = (request_type, name)
        return [e for e in self.events if (e["RequestType"], e["LogicalResourceId"]) == wanted]

    def _invoke(self, token: str, event: dict[str, Any]) -> None:
        if self.gone:
            msg = f"Function not found: {token}"
            raise LookupError(msg)
        self.events.append(event)
        key = (event["RequestType"], event["LogicalResourceId"])
        rules = self.rules.get(key, [dict])
        rule = rules.pop(0) if len(rules) > 1 else rules[0]

        def run() -> None:
            self._clock.sleep(self.delays.get(key, 1.0))
            told = rule(event) if rule is not dict else {}
            if told is None:
                return
            body = told if isinstance(told, bytes) else json.dumps(good_answer(event) | told)
            self.custom_resources.deliver(
                token_of(event),
                body if isinstance(body, bytes) else body.encode(),
            )

        self._clock.spawn(f"function for {key}", run)


def good_answer(event: Event) -> dict[str, Any]:
    """SUCCESS, with the id that it has, or a first one."""
    name = event["LogicalResourceId"]
    return {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId", f"id-of-{name}"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": name,
        "Data": {"Name": f"data of {name}"},
    }


class Site:
    """A CloudFormation with the script, and templates in an S3 of its own.

    Further options are those of EngineSettings.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        **engine_settings: Any,
    ) -> None:
        settings = EngineSettings(**engine_settings)
        self.clock = VirtualClock(order=None if seed is None else random.Random(seed))
        self.script = Script(self.clock, settings)
        self.templates: dict[str, str] = {}
        self.cfn = CloudFormation(
            self.clock,
            {"Test::Recorded": RecordedResource(replaced_by=frozenset({"Name"}), Arn="arn:{}")},
            self.script.custom_resources,
            account_id="123456789012",
            region="eu-west-2",
            fetch_template=self.templates.__getitem__,
            ssm_parameter={"/version": "21"}.__getitem__,
            settings=settings,
        )

    def deploy(self, resources: Mapping[str, Any], name: str = "stack", **options: Any) -> Stack:
        """Deploy these resources, and tell how the stack came to rest."""
        sections = {key: options.pop(key) for key in list(options) if key[0].isupper()}
        return self.cfn.deploy(name, {"Resources": resources, **sections}, **options)

    def delete(self, stack: Stack, **options: Any) -> Stack:
        """Delete a stack, and wait for the end."""
        self.cfn.delete_stack(stack, **options)
        return self.cfn.wait(stack)


@contextmanager
def site(**options: Any) -> Iterator[Site]:
    """A site whose tasks end with the block."""
    made = Site(**options)
    try:
        yield made
    finally:
        made.clock.close()


def custom(*depends_on: str, policy: str = "", replace: str = "", **properties: Any) -> Any:
    """A custom resource of a template."""
    declared: dict[str, Any] = {
        "Type": "Custom::Scripted",
        "Properties": {"ServiceToken": TOKEN, **properties},
    }
    if depends_on:
        declared["DependsOn"] = list(depends_on)
    if policy:
        declared["DeletionPolicy"] = policy
    if replace:
        declared["UpdateReplacePolicy"] = replace
    return declared


def recorded(**properties: Any) -> Any:
    """A resource that is made at once and only recorded; another `Name` replaces it."""
    return {"Type": "Test::Recorded", "Properties": properties}


def history(stack: Stack, name: str | None = None) -> list[str]:
    """The states of a stack, or of one resource, in order."""
    return [event.status for event in stack.events if event.logical_id == (name or stack.name)]


def reasons(stack: Stack, status: str, name: str | None = None) -> list[str]:
    """Why a stack or resource came into a state."""
    wanted = (name or stack.name, status)
    return [e.reason for e in stack.events if (e.logical_id, e.status) == wanted]


def token_of(event: Mapping[str, Any]) -> str:
    """What the engine knows a conversation by: here the URL without its signature."""
    return urlsplit(str(event["ResponseURL"])).path
