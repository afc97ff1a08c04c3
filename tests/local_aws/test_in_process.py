"""The AWS in virtual time: how it runs the function, and what its Connect resources take."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.in_process import FunctionClock, FunctionSettings, InProcessAws
from tests.local_aws.scripted import good_answer, reasons

Act = Callable[[FunctionClock, int], None]
"""What the function does in its first, second, … run, before it answers."""


def playing(
    act: Act,
    settings: FunctionSettings | None = None,
    engine_settings: EngineSettings | None = None,
) -> InProcessAws:
    """An AWS whose function does this and then answers well."""

    def make_handler(
        _: Any, clock: FunctionClock, put: Any
    ) -> Callable[[dict[str, Any], Any], None]:
        runs = 0

        def handler(event: dict[str, Any], _: Any) -> None:
            nonlocal runs
            runs += 1
            act(clock, runs)
            put(event["ResponseURL"], json.dumps(good_answer(event)).encode())

        return handler

    return InProcessAws(make_handler, function_settings=settings, engine_settings=engine_settings)


def deploy(aws: InProcessAws, **properties: Any) -> Stack:
    """Deploy one custom resource."""
    properties["ServiceToken"] = aws.function_arn
    resource = {"Type": "Custom::X", "Properties": properties}
    return aws.cloudformation.deploy("stack", {"Resources": {"A": resource}})


def attempts(aws: InProcessAws) -> list[tuple[float, str]]:
    """When each run of the Create began, in seconds after the first, and how it ended."""
    runs = [run for run in aws.invocations if run.event["RequestType"] == "Create"]
    return [(run.began - runs[0].began, run.outcome) for run in runs]


def crash(clock: FunctionClock, run: int) -> None:
    """Take ten seconds and raise, but for the third run."""
    clock.sleep(10)
    if run < 3:
        raise ZeroDivisionError


def hang(clock: FunctionClock, run: int) -> None:
    """Take longer than a function may, but for the third run."""
    if run < 3:
        clock.sleep(100_000)


def test_a_function_that_raises_runs_again() -> None:
    """Fact 1: one minute after its end, and two more minutes after the next one."""
    aws = playing(crash)
    assert deploy(aws).status == "CREATE_COMPLETE"
    assert attempts(aws) == [(0, "error"), (70, "error"), (200, "success")]


def test_a_run_that_went_well_is_the_last() -> None:
    """Fact 1: nothing runs again without a reason."""
    aws = playing(lambda *_: None)
    deploy(aws)
    aws.clock.sleep(1000)
    assert attempts(aws) == [(0, "success")]


def test_a_function_that_times_out_runs_again() -> None:
    """Fact 1: it is ended at its time-out, whatever it is doing."""
    aws = playing(hang, FunctionSettings(timeout=300))
    assert deploy(aws).status == "CREATE_COMPLETE"
    assert attempts(aws) == [(0, "timeout"), (360, "timeout"), (780, "success")]


def test_a_function_that_times_out_stops_there() -> None:
    """Fact 1: what it would have done later is not done."""
    ended: list[int] = []

    def slow(clock: FunctionClock, run: int) -> None:
        hang(clock, run)
        ended.append(run)

    aws = playing(slow, FunctionSettings(timeout=300))
    deploy(aws)
    aws.clock.sleep(200_000)
    assert ended == [3]


def test_a_synchronous_invocation_has_an_answer() -> None:
    """What the handler returns; a run that fails is not run again."""

    def make_handler(*_: Any) -> Callable[[dict[str, Any], Any], Any]:
        return lambda event, _: {"half": 1 / event["number"]}

    aws = InProcessAws(make_handler)
    assert aws.invoke({"number": 2}) == {"half": 0.5}
    with pytest.raises(RuntimeError, match="the function ended with error"):
        aws.invoke({"number": 0})
    assert [run.outcome for run in aws.invocations] == ["success", "error"]


def test_a_third_failure_is_the_last() -> None:
    """Fact 1: then nobody answers, and CloudFormation waits its hour."""

    def always(clock: FunctionClock, run: int) -> None:
        crash(clock, min(run, 2))

    aws = playing(always)
    began = aws.clock.now()
    stack = deploy(aws)
    assert [outcome for _, outcome in attempts(aws)] == ["error"] * 3
    # the Delete of a resource without an answer gets no answer either
    assert aws.clock.now() - began >= 2 * 3600
    assert stack.status == "ROLLBACK_FAILED"
    assert "did not receive a response" in reasons(stack, "CREATE_FAILED", "A")[0]


def test_an_event_is_given_up_at_its_maximum_age() -> None:
    """Fact 1: the run that would begin after it does not."""
    aws = playing(crash, FunctionSettings(max_event_age=100))
    deploy(aws)
    assert attempts(aws) == [(0, "error"), (70, "error")]


@pytest.mark.parametrize(("limit", "works"), [(256 * 1024, False), (1024 * 1024, True)])
def test_the_largest_event_is_a_switch(limit: int, *, works: bool) -> None:
    """Fact 13: whether CloudFormation passes on what Lambda takes by now is not documented."""
    aws = playing(lambda *_: None, engine_settings=EngineSettings(max_event_bytes=limit))
    stack = deploy(aws, Tree="x" * 300_000)
    assert stack.status == ("CREATE_COMPLETE" if works else "ROLLBACK_COMPLETE")


@pytest.mark.parametrize("as_arn", [False, True])
def test_who_wants_an_id_and_who_an_arn(*, as_arn: bool) -> None:
    """A security profile names a group by its id alone, a user by its ARN alone."""
    aws = playing(lambda *_: None)
    backend = aws.connect.backend
    instance = backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
    )
    backend.update_user_hierarchy_structure(instance["Id"], {"LevelOne": {"Name": "Division"}})
    group = backend.create_user_hierarchy_group(instance["Id"], "Support")
    reference = group.arn if as_arn else group.id
    user = {
        "InstanceArn": instance["Arn"],
        "Username": "ada",
        "SecurityProfileArns": [],
        "RoutingProfileArn": "none",
        "HierarchyGroupArn": reference,
    }
    profile = {
        "InstanceArn": instance["Arn"],
        "SecurityProfileName": "Leads",
        "AllowedAccessControlHierarchyGroupId": reference,
    }
    outcomes = {
        kind: aws.cloudformation.deploy(
            kind,
            {"Resources": {"R": {"Type": f"AWS::Connect::{kind}", "Properties": properties}}},
        )
        for kind, properties in (("User", user), ("SecurityProfile", profile))
    }
    works, fails = ("User", "SecurityProfile") if as_arn else ("SecurityProfile", "User")
    assert outcomes[works].status == "CREATE_COMPLETE"
    assert outcomes[fails].status == "ROLLBACK_COMPLETE"
    (reason,) = reasons(outcomes[fails], "CREATE_FAILED", "R")
    assert reference in reason or "identifier" in reason
