"""Replacement: a new physical id, the clean-up of the old one, and what is refused."""

from __future__ import annotations

import pytest

from local_aws.cloudformation.exceptions import ValidationError
from tests.local_aws.scripted import custom, failing, history, named, reasons, recorded, site


def test_another_id_is_a_replacement() -> None:
    """Fact 4: the old id gets a Delete with the old properties, after every other update."""
    with site() as s:
        s.deploy({"A": custom(V=1), "B": custom("A", P={"Ref": "A"})})
        s.script.calls()
        s.script.on("Update", "A", named("second"))
        stack = s.deploy({"A": custom(V=2), "B": custom("A", P={"Ref": "A"})})
        (delete,) = s.script.sent("Delete", "A")
        assert delete["PhysicalResourceId"] == "id-of-A"
        assert delete["ResourceProperties"]["V"] == "1"
        (update,) = s.script.sent("Update", "B")
        assert update["ResourceProperties"]["P"] == "second"
        assert update["OldResourceProperties"]["P"] == "id-of-A"
        assert s.script.calls() == ["Update A", "Update B", "Delete A"]
        assert stack.resources["A"].physical_id == "second"


def test_replaced_and_removed_resources_go_dependents_first() -> None:
    """The clean-up deletes in reverse dependency order, whichever reason each has to go."""
    with site() as s:
        s.deploy({"A": custom(V=1), "B": custom("A"), "C": custom("B", V=1)})
        s.script.calls()
        s.script.on("Update", "A", named("second-a"))
        s.script.on("Update", "C", named("second-c"))
        s.deploy({"A": custom(V=2), "C": custom(V=2)})
        calls = s.script.calls()
        assert calls[-3:] == ["Delete C", "Delete B", "Delete A"]


def test_a_clean_up_that_fails_is_tried_and_abandoned() -> None:
    """Fact 4: a few tries, then UPDATE_COMPLETE all the same, and the stack knows it no more."""
    with site() as s:
        s.deploy({"A": custom(), "B": custom(V=1), "Keep": custom()})
        s.script.calls()
        s.script.on("Update", "B", named("second"))
        for name in "AB":
            s.script.on("Delete", name, failing("still in use"))
        stack = s.deploy({"B": custom(V=2), "Keep": custom()})
        calls = s.script.calls()
        assert (calls.count("Delete A"), calls.count("Delete B")) == (3, 3)
        assert stack.status == "UPDATE_COMPLETE"
        assert history(stack, "A").count("DELETE_FAILED") == 3
        assert sorted(stack.resources) == ["B", "Keep"]
        s.script.on("Delete", "B")
        s.script.rules.clear()
        s.delete(stack)
        deleted = [(e["LogicalResourceId"], e["PhysicalResourceId"]) for e in s.script.events]
        assert sorted(deleted) == [("B", "second"), ("Keep", "id-of-Keep")]


def test_a_clean_up_that_works_at_the_second_try() -> None:
    """A passing failure leaves no more than an event."""
    with site() as s:
        s.deploy({"A": custom(), "Keep": custom()})
        s.script.on("Delete", "A", failing(), dict)
        stack = s.deploy({"Keep": custom()})
        assert history(stack, "A")[-4:] == [
            "DELETE_IN_PROGRESS",
            "DELETE_FAILED",
            "DELETE_IN_PROGRESS",
            "DELETE_COMPLETE",
        ]


def test_a_native_resource_is_replaced_where_it_cannot_be_changed() -> None:
    """The new one is made first, the old one goes in the clean-up."""
    with site() as s:
        s.deploy({"A": recorded(Name="one"), "B": custom(P={"Fn::GetAtt": "A.Arn"})})
        first = s.cfn.get("stack").resources["A"].physical_id
        stack = s.deploy({"A": recorded(Name="two"), "B": custom(P={"Fn::GetAtt": "A.Arn"})})
        second = stack.resources["A"].physical_id
        assert first != second
        (update,) = s.script.sent("Update", "B")
        assert update["ResourceProperties"]["P"] == f"arn:{second}"
        deleted = [e for e in stack.events if e.status == "DELETE_COMPLETE"]
        assert [e.physical_id for e in deleted] == [first]


def test_a_changed_service_token_is_refused() -> None:
    """Fact 11: the update fails before the function hears of it, and rolls back cleanly."""
    with site() as s:
        s.deploy({"A": custom(V=1)})
        s.script.calls()
        changed = custom(V=2)
        changed["Properties"]["ServiceToken"] = "arn:aws:lambda:eu-west-2:1:function:other"
        stack = s.deploy({"A": changed})
        assert reasons(stack, "UPDATE_FAILED", "A") == ["Modifying service token is not allowed."]
        assert (stack.status, s.script.calls()) == ("UPDATE_ROLLBACK_COMPLETE", [])
        s.deploy({"A": custom(V=1)})
        assert s.script.calls() == []


def test_a_changed_type_is_refused() -> None:
    """Nothing begins; the reason is AWS's."""
    with site() as s:
        s.deploy({"A": custom()})
        changed = custom() | {"Type": "Custom::Other"}
        with pytest.raises(ValidationError) as refused:
            s.deploy({"A": changed})
        assert str(refused.value) == (
            "Update of resource type is not permitted. The new template modifies resource type of "
            "the following resources: [A]"
        )


def test_there_and_back_without_rollback_keeps_the_first() -> None:
    """An id that is in use again is not cleaned up, though it was replaced once meanwhile."""
    with site() as s:
        s.deploy({"A": custom(V=1), "Bad": custom(V=1)})
        s.script.on("Update", "A", named("second"), named("id-of-A"))
        s.script.on("Update", "Bad", failing())
        bad = {"A": custom(V=2), "Bad": custom("A", V=2)}
        assert s.deploy(bad, disable_rollback=True).status == "UPDATE_FAILED"
        s.script.on("Update", "Bad", dict)
        stack = s.deploy({"A": custom(V=1), "Bad": custom("A", V=2)})
        assert stack.status == "UPDATE_COMPLETE"
        assert [e["PhysicalResourceId"] for e in s.script.sent("Delete", "A")] == ["second"]
        assert stack.resources["A"].physical_id == "id-of-A"
