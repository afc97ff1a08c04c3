"""The rules for every conversation of a deployment: one valid answer, and helpful errors."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from connect_hierarchy_lambda.entry.answer import MAX_ANSWER_BYTES
from connect_hierarchy_lambda.model.messages import MAX_REASON_LENGTH
from local_aws.cloudformation.custom_resources import Conversation
from local_aws.in_process import InProcessAws, Invocation

TRIES_OF_AN_EVENT = 3
_DIED = {"killed", "timeout", "error"}
_THING = re.compile(
    r"'[^']+'|\b(group |instance[ /])[0-9a-f-]{36}|\bhierarchy structure\b|\bproperty \w+"
    r"|\b(Create|Update|Delete) of "
)


def check_conversations(
    site: InProcessAws, conversations: Sequence[Conversation], copies: int
) -> None:
    """AssertionError where a request did not get the one answer it has to get."""
    runs: dict[str, list[Invocation]] = {}
    for invocation in site.invocations:
        runs.setdefault(invocation.event["RequestId"], []).append(invocation)
    for conversation in conversations:
        event = conversation.event
        about = f"{event['RequestType']} of {event['LogicalResourceId']}"
        died = [r for r in runs.get(event["RequestId"], []) if r.outcome in _DIED]
        if not conversation.answers:
            assert len(died) >= TRIES_OF_AN_EVENT, f"{about} was never answered"
            continue
        # a run that dies right after starting a further run is run again in parallel with it
        assert len(conversation.answers) <= 1 + copies + len(died), f"{about}: several answers"
        for body in conversation.answers:
            _check_answer(about, conversation, body)


def _check_answer(about: str, conversation: Conversation, body: bytes) -> None:
    event = conversation.event
    assert len(body) <= MAX_ANSWER_BYTES, about
    answer = json.loads(body)
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        assert answer[name] == event[name], about
    assert answer["PhysicalResourceId"], about
    assert answer["Status"] in {"SUCCESS", "FAILED"}, about
    if answer["Status"] == "SUCCESS":
        return
    if event["RequestType"] != "Create":
        assert answer["PhysicalResourceId"] == event["PhysicalResourceId"], about
    check_reason(answer["Reason"])


def check_reason(reason: str) -> None:
    """AssertionError where an error does not say the thing, the cause and the remedy."""
    assert len(reason) <= MAX_REASON_LENGTH, reason
    assert "bug in the library" not in reason, reason
    doing, _, rest = reason.partition(": ")
    assert doing, reason
    assert "; " in rest or " … " in reason, f"without a remedy: {reason}"
    assert _THING.search(reason), f"names nothing: {reason}"
