"""In which order and how parallel resources are made, changed and removed; and what events say."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from local_aws.clock import RealClock
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.resource_types import Outcome, RecordedResource, ResourceRequest
from local_aws.cloudformation.service import ChangeSet, CloudFormation
from tests.local_aws.scripted import Site, custom, failing, history, reasons, recorded, silent, site


def test_independent_resources_run_at_the_same_time() -> None:
    """Fact 10: three of ten seconds take ten seconds."""
    with site() as s:
        for name in "ABC":
            s.script.take("Create", name, 10.0)
        began = s.clock.now()
        stack = s.deploy({name: custom() for name in "ABC"})
        assert stack.status == "CREATE_COMPLETE"
        assert s.clock.now() - began == 10.0


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_dependents_wait(seed: int | None) -> None:
    """Fact 10: a chain takes the sum, in the order of Ref and DependsOn, in reverse on Delete."""
    with site(seed=seed) as s:
        began = s.clock.now()
        stack = s.deploy({"C": custom("B"), "B": custom(P={"Ref": "A"}), "A": custom()})
        assert s.clock.now() - began == 3.0
        assert s.script.calls() == ["Create A", "Create B", "Create C"]
        began = s.clock.now()
        s.delete(stack)
        assert s.clock.now() - began == 3.0
        assert s.script.calls() == ["Delete C", "Delete B", "Delete A"]
        assert stack.status == "DELETE_COMPLETE"


def test_a_resource_starts_as_soon_as_its_own_dependencies_are_done() -> None:
    """Resources do not wait for a whole tier: a slow one delays no other."""
    with site() as s:
        s.script.take("Create", "Slow", 100.0)
        stack = s.deploy({"Slow": custom(), "A": custom(), "B": custom("A")})
        ended = {e.logical_id: e.timestamp for e in stack.events if e.status == "CREATE_COMPLETE"}
        assert ended["B"] - stack.created_at == pytest.approx(2.0, abs=0.1)


def test_an_update_goes_forward_in_dependency_order_and_removes_at_its_end() -> None:
    """Fact 4: what is gone from the template is deleted after every update, dependents first."""
    with site() as s:
        s.deploy({"A": custom(V=1), "B": custom("A", V=1), "X": custom(), "Y": custom("X")})
        s.script.calls()
        s.script.take("Update", "A", 50.0)
        stack = s.deploy({"B": custom("A", V=2), "A": custom(V=2)})
        assert s.script.calls() == ["Update A", "Update B", "Delete Y", "Delete X"]
        assert history(stack)[-3:] == [
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
        ]
        assert sorted(stack.resources) == ["A", "B"]


def test_after_a_failure_nothing_further_begins() -> None:
    """Waiting resources do not begin, running ones are cancelled; events distinguish both."""
    with site() as s:
        s.script.on("Create", "Bad", failing("no room"))
        s.script.on("Create", "Slow", silent)
        began = s.clock.now()
        stack = s.deploy({"Bad": custom(), "Slow": custom(), "After": custom("Slow")})
        assert s.clock.now() - began < 10.0
        assert not s.script.sent("Create", "After")
        assert "no room" in reasons(stack, "CREATE_FAILED", "Bad")[0]
        assert reasons(stack, "CREATE_FAILED", "Slow") == ["Resource creation cancelled"]
        assert reasons(stack, "ROLLBACK_IN_PROGRESS") == [
            "The following resource(s) failed to create: [Bad, Slow]. Rollback requested by user."
        ]


def test_attributes_and_ids_reach_dependents() -> None:
    """Ref gives the physical id, GetAtt what the answer's Data gave, also with a dot."""
    with site() as s:
        s.script.on("Create", "A", lambda _: {"Data": {"Name": "n", "Deep.Name": "d"}})
        stack = s.deploy(
            {
                "A": custom(),
                "B": custom(
                    Id={"Ref": "A"},
                    Name={"Fn::GetAtt": "A.Name"},
                    Deep={"Fn::Sub": "${A.Deep.Name}"},
                ),
            },
            Outputs={"O": {"Value": {"Fn::GetAtt": ["B", "Name"]}}},
        )
        (event,) = s.script.sent("Create", "B")
        told = event["ResourceProperties"]
        assert (told["Id"], told["Name"], told["Deep"]) == ("id-of-A", "n", "d")
        assert stack.outputs["O"].value == "data of B"


def test_an_attribute_that_no_answer_gave_fails_the_dependent() -> None:
    """The reason names the attribute, and all is rolled back."""
    with site() as s:
        stack = s.deploy({"A": custom(), "B": custom(P={"Fn::GetAtt": ["A", "Missing"]})})
        (reason,) = reasons(stack, "CREATE_FAILED", "B")
        assert "Vendor response doesn't contain Missing key" in reason
        assert s.script.calls() == ["Create A", "Delete A"]
        assert stack.status == "ROLLBACK_COMPLETE"


def test_events_have_strictly_increasing_times() -> None:
    """Though nothing takes time here, no two events of a stack share a millisecond."""
    with site() as s:
        stack = s.deploy({f"R{n}": recorded() for n in range(30)})
        times = [event.timestamp for event in stack.events]
        assert len(times) == 63
        assert all(b - a > 0.0009 for a, b in pairwise(times))
        assert len({event.event_id for event in stack.events}) == len(times)


def test_a_deployment_of_the_same_calls_nothing() -> None:
    """Fact 4: an Update comes only when the resolved properties differ; 5 is "5", true is not 1."""
    with site() as s:
        s.deploy({"A": custom(P=5, Q=True)})
        s.script.calls()
        before = len(s.cfn.get("stack").events)
        stack = s.deploy({"A": custom(P="5", Q="true")})
        assert (s.script.calls(), len(stack.events)) == ([], before)
        stack = s.deploy({"A": custom(P=5, Q=True)}, tags={"another": "tag"})
        assert (s.script.calls(), len(stack.events)) == ([], before + 3)
        stack = s.deploy({"A": custom(P="5", Q=1)})
        assert s.script.calls() == ["Update A"]


def test_a_fault_of_a_resource_type_fails_the_stack() -> None:
    """A bug is raised in the main task, and the stack does not look successful."""

    class Faulty(RecordedResource):
        def create(self, request: ResourceRequest) -> Outcome:  # noqa: ARG002
            raise ZeroDivisionError

    with site() as s:
        s.cfn.engine._types["Test::Faulty"] = Faulty()  # type: ignore[index]
        with pytest.raises(ZeroDivisionError):
            s.deploy({"A": {"Type": "Test::Faulty"}})
        stack = s.cfn.wait(s.cfn.get("stack"))
        assert stack.status == "ROLLBACK_COMPLETE"
        assert reasons(stack, "CREATE_FAILED", "A") == ["Internal Failure: ZeroDivisionError()"]


def test_a_fault_in_a_deletion_leaves_delete_failed() -> None:
    """A resource that could not be deleted stays in the stack."""

    class Faulty(RecordedResource):
        def delete(self, request: ResourceRequest) -> None:  # noqa: ARG002
            raise ZeroDivisionError

    with site() as s:
        s.cfn.engine._types["Test::Faulty"] = Faulty()  # type: ignore[index]
        stack = s.deploy({"A": {"Type": "Test::Faulty"}})
        with pytest.raises(ZeroDivisionError):
            s.delete(stack)
        assert s.cfn.wait(stack).status == "DELETE_FAILED"
        assert sorted(stack.resources) == ["A"]


def test_a_fault_of_the_engine_ends_the_operation() -> None:
    """After a bug, the stack does not stay in progress."""
    with site() as s:
        s.deploy({"A": custom()})

        def broken(*_: Any) -> None:
            raise ZeroDivisionError

        s.cfn.engine.clean_up = broken  # type: ignore[method-assign,assignment]
        with pytest.raises(ZeroDivisionError):
            s.deploy({"A": custom(V=2)})
        stack = s.cfn.wait(s.cfn.get("stack"))
        assert stack.status == "UPDATE_FAILED"


def test_many_threads_at_once_lose_nothing() -> None:
    """Under real time: 100 resources in layers, many at once, and the same events for all."""
    clock = RealClock()
    cfn = CloudFormation(
        clock,
        {"Test::Recorded": RecordedResource()},
        CustomResources(clock, lambda *_: None, lambda token: token),
        account_id="1",
        region="eu-west-2",
    )
    resources = {
        f"R{n}": {"Type": "Test::Recorded", "DependsOn": [f"R{m}" for m in range(n % 10, n, 10)]}
        for n in range(100)
    }
    for number in range(3):
        stack = cfn.deploy(f"stack{number}", {"Resources": resources})
        assert stack.status == "CREATE_COMPLETE"
        made = [e.logical_id for e in stack.events if e.status == "CREATE_COMPLETE"]
        assert len(made) == 101
        for name, resource in resources.items():
            for dependency in resource["DependsOn"]:
                assert made.index(dependency) < made.index(name)
        times = [event.timestamp for event in stack.events]
        assert times == sorted(set(times))


def test_two_operations_on_a_stack_exclude_each_other() -> None:
    """A second operation is refused, and the first continues."""
    with site() as s:
        stack = s.deploy({"A": custom()})
        first, second = _prepared(s, "first"), _prepared(s, "second")
        s.cfn.execute_change_set(first)
        for change_set in (first, second):
            with pytest.raises(ValidationError):
                s.cfn.execute_change_set(change_set)
        with pytest.raises(ValidationError, match="can not be updated"):
            _prepared(s, "third")
        with pytest.raises(ValidationError, match="can not be deleted"):
            s.cfn.delete_stack(stack)
        s.cfn.wait(stack)
        assert s.script.calls() == ["Create A", "Update A"]
        assert stack.resources["A"].properties["V"] == "first"


def _prepared(s: Site, name: str) -> ChangeSet:
    body = json.dumps({"Resources": {"A": custom(V=name)}})
    return s.cfn.create_change_set("stack", name, body, type_="UPDATE")
