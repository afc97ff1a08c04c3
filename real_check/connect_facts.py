"""Undocumented behaviour of Amazon Connect: names, lags and rates, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from connect_hierarchy_lambda.ports.calls import DUPLICATE, NOT_FOUND, PassingError, Refusal, call
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.time import Clock
from real_check.findings import Fact
from real_check.scratch import Scratch

_LONGEST_LAG = 300.0
_SECONDS_TO_FILL = 4.0
"""The pause before a rate is measured: longer than five tokens take at two a second."""


def duplicate_scope(scratch: Scratch) -> Fact:
    """Try one name below two parents, and twice below one."""
    first, second = (scratch.make_group(name) for name in ("Scope A", "Scope B"))
    scratch.make_group("Same name", first)
    tried = {
        place: _is_taken(scratch, "Same name", parent)
        for place, parent in (("another parent", second), ("the same parent", first))
    }
    answer = {(False, True): "siblings", (True, True): "instance", (False, False): "none"}
    seen = ", ".join(f"{'taken' if taken else 'free'} below {at}" for at, taken in tried.items())
    return Fact(
        key="duplicate_scope",
        question="Among which groups may a name occur once?",
        answer=answer.get((tried["another parent"], tried["the same parent"])),
        evidence=seen,
        switch="ConnectSettings.duplicate_scope",
    )


def _is_taken(scratch: Scratch, name: str, parent_id: str) -> bool:
    try:
        scratch.make_group(name, parent_id)
    except Refusal as refusal:
        if refusal.code != DUPLICATE:
            raise
        return True
    return False


def lags(scratch: Scratch, samples: int) -> list[Fact]:
    """Create groups, and measure how long each kind of read does not show them.

    The time runs from before the Create to the answer that shows the group. So it is never shorter
    than the lag, and longer by the pace and the time of two calls.

    Args:
        scratch: The check's part of the instance.
        samples: How many groups are created, at least one.
    """
    connect, instance_arn, clock = scratch.connect, scratch.instance_arn, scratch.clock
    reads: dict[str, Callable[[str], bool]] = {
        "Describe": lambda group_id: _is_described(connect, instance_arn, group_id),
        "List": lambda group_id: group_id in connect.names(instance_arn),
        "Search": lambda group_id: any(
            group.id == group_id for group in connect.children(instance_arn, scratch.top_id)
        ),
    }
    found: dict[str, list[float]] = {kind: [] for kind in reads}
    for number in range(samples):
        began = clock.now()
        group_id = scratch.make_group(f"Lag {number}")
        due = dict(reads)
        while due and clock.now() - began < _LONGEST_LAG:
            for kind, shows in list(due.items()):
                if shows(group_id):
                    found[kind].append(clock.now() - began)
                    del due[kind]
        for kind in due:
            found[kind].append(_LONGEST_LAG)
        scratch.remove_group(group_id)
    switches = {"Describe": "read_lag", "List": "read_lag", "Search": "search_lag"}
    return [
        Fact(
            key=f"lag_of_{kind.lower()}",
            question=f"How many seconds does {kind} take at most to show a new group?",
            answer=round(max(seconds), 2),
            evidence=f"{samples} groups: {', '.join(f'{one:.2f}' for one in seconds)}",
            switch=f"ConnectSettings.{switches[kind]}",
        )
        for kind, seconds in found.items()
    ]


def _is_described(connect: Connect, instance_arn: str, group_id: str) -> bool:
    try:
        connect.group(instance_arn, group_id)
    except Refusal as refusal:
        if refusal.code != NOT_FOUND:
            raise
        return False
    return True


def rates(scratch: Scratch, client: Any, seconds: float) -> Iterator[Fact]:
    """Call some APIs as fast as they answer, and count the calls that are accepted.

    Args:
        scratch: The check's part of the instance.
        client: A boto3 client that makes each call once.
        seconds: How long each API is called.
    """
    instance_id = scratch.instance_arn.rsplit("/", 1)[-1]
    group_id = scratch.make_group("Rate")
    apis: dict[str, Callable[[], Any]] = {
        "DescribeUserHierarchyGroup": lambda: call(
            client.describe_user_hierarchy_group, InstanceId=instance_id, HierarchyGroupId=group_id
        ),
        "ListUserHierarchyGroups": lambda: call(
            client.list_user_hierarchy_groups, InstanceId=instance_id, MaxResults=1
        ),
        "SearchUserHierarchyGroups": lambda: call(
            client.search_user_hierarchy_groups, InstanceId=instance_id, MaxResults=1
        ),
        "UpdateUserHierarchyGroupName": lambda: call(
            client.update_user_hierarchy_group_name,
            InstanceId=instance_id,
            HierarchyGroupId=group_id,
            Name="Rate",
        ),
    }
    for api, operation in apis.items():
        yield _rate(api, operation, scratch.clock, seconds)


def _rate(api: str, operation: Callable[[], Any], clock: Clock, seconds: float) -> Fact:
    clock.sleep(_SECONDS_TO_FILL)
    began = clock.now()
    first_refusal, at_once, later = 0.0, 0, 0
    calls = 0
    while (now := clock.now()) < (first_refusal or began) + seconds:
        calls += 1
        try:
            operation()
        except PassingError as error:
            if not error.is_throttled:
                continue
            first_refusal = first_refusal or now
        else:
            at_once += not first_refusal
            later += bool(first_refusal)
    question = f"How many calls of {api} are accepted?"
    switch = "ConnectSettings.default_rate, rates"
    key = f"rate_of_{api}"
    if not first_refusal:
        seen = f"{at_once} of {calls} calls in {seconds:g} s, none was refused"
        return Fact(key, question, None, seen, switch)
    rate = later / seconds
    burst = at_once - rate * (first_refusal - began)
    seen = f"{at_once} calls before the first refusal, {later} in the {seconds:g} s after it"
    return Fact(key, question, f"{rate:.1f} a second, burst {max(burst, 1):.0f}", seen, switch)
