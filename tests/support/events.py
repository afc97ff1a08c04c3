"""Events for the function itself, and its answers to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connect_hierarchy_lambda.entry import answer as answers
from connect_hierarchy_lambda.entry.function import Function
from connect_hierarchy_lambda.model.messages import MAX_REASON_LENGTH
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from local_aws.cloudformation.stacks import Resource
from local_aws.cloudformation.template import Template
from tests.support.stacks import Site

URL = "https://answers.invalid/path?X-Amz-Signature=secret"


class ManualClock:
    """Time that passes only by sleeping."""

    def __init__(self, time: float = 1_800_000_000.0) -> None:
        self.time = time

    def now(self) -> float:
        """Seconds since 1970."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do these one by one."""
        for work in works:
            work()


class Context:
    """Lambda's context with a quarter of an hour left."""

    invoked_function_arn = "arn:aws:lambda:eu-west-2:123456789012:function:handlers"

    def __init__(self, seconds: float = 900.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return int(self.seconds * 1000)


class Answers:
    """Takes the bodies of PUTs, after the planned statuses or errors."""

    def __init__(self, *planned: int | OSError, url: str = URL) -> None:
        self.url = url
        self.planned = list(planned)
        self.bodies: list[bytes] = []
        self.tries = 0

    def __call__(self, url: str, body: bytes) -> int:
        """Take a body, as `https_put` does."""
        assert url == self.url
        self.tries += 1
        outcome = self.planned.pop(0) if self.planned else 200
        if isinstance(outcome, OSError):
            raise outcome
        if outcome == 200:
            self.bodies.append(body)
        return outcome

    @property
    def only(self) -> dict[str, Any]:
        """The only answer, checked against the rules for every answer."""
        (body,) = self.bodies
        assert len(body) <= answers.MAX_ANSWER_BYTES
        answer: dict[str, Any] = json.loads(body)
        assert answer["PhysicalResourceId"]
        assert 0 < len(answer["Reason"]) <= MAX_REASON_LENGTH
        assert answer["StackId"] == STACK_ID
        assert answer["RequestId"] == "request-1"
        assert answer["LogicalResourceId"] == "Group"
        return answer


STACK_ID = "arn:aws:cloudformation:eu-west-2:123456789012:stack/site/11111111-2222"


def event(request_type: str = "Create", **changes: Any) -> dict[str, Any]:
    """An event about a group."""
    complete = {
        "RequestType": request_type,
        "ResponseURL": URL,
        "StackId": STACK_ID,
        "RequestId": "request-1",
        "LogicalResourceId": "Group",
        "ResourceType": "Custom::ConnectHierarchyGroup",
        "ResourceProperties": {"ServiceToken": "arn:function"},
        **changes,
    }
    return {key: value for key, value in complete.items() if value is not None}


def serve(
    an_event: Mapping[str, Any],
    *planned: int | OSError,
    site: Site | None = None,
    url: str = URL,
    clients: Callable[[str], Any] = lambda _: None,
) -> Answers:
    """Run the function once, with the services and the ledgers of a site if there is one."""
    put = Answers(*planned, url=url)
    ledger_of = site.ledger_of if site is not None else lambda _: MemoryLedger()
    used = clients if site is None else site.client
    function = Function(used, ManualClock(), put, jitter=lambda: 0.5, ledger_of=ledger_of)
    function(an_event, Context())
    return put


def waiting_for(site: Site, status: str) -> None:
    """Let CloudFormation wait for an answer about the group."""
    stack = site.cloudformation.engine.stacks[STACK_ID]
    declaration = Template.parse('{"Resources": {"Group": {"Type": "Custom::X"}}}').resources
    resource = Resource(declaration["Group"], frozenset(), status=status)
    resource.updated_at = site.clock.now()
    stack.resources["Group"] = resource
