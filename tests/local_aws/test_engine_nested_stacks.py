"""Nested stacks go through every phase together with their root."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.stacks import Stack
from tests.local_aws.scripted import (
    Site,
    custom,
    failing,
    history,
    named,
    reasons,
    silent,
    site,
)


def nested(s: Site, url: str, resources: Any, *depends_on: str, **parameters: Any) -> Any:
    """A nested stack's resource; its template has an output `Id`, the physical id of `In`."""
    document = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": resources,
        "Outputs": {"Id": {"Value": {"Ref": "In"}}},
    }
    s.templates[url] = json.dumps(document)
    return {
        "Type": "AWS::CloudFormation::Stack",
        "DependsOn": list(depends_on),
        "Properties": {"TemplateURL": url, "Parameters": parameters},
    }


def child_of(s: Site, stack: Stack, name: str = "N") -> Stack:
    """The nested stack behind a resource."""
    return s.cfn.get(stack.resources[name].physical_id)


def test_parameters_go_in_and_outputs_come_out() -> None:
    """Lists joined, numbers and truths as text; tags are the root's; parent and root are known."""
    with site() as s:
        inner = {"In": custom(P={"Fn::Join": ["|", [{"Ref": n} for n in ("T", "L", "B")]]})}
        stack = s.deploy(
            {
                "A": custom(),
                "N": nested(s, "u", inner, T={"Ref": "A"}, L=["x", 1], B=True),
                "B": custom(P={"Fn::GetAtt": ["N", "Outputs.Id"]}),
            },
            tags={"t": "v"},
        )
        assert stack.status == "CREATE_COMPLETE"
        assert s.script.sent("Create", "In")[0]["ResourceProperties"]["P"] == "id-of-A|x,1|true"
        assert s.script.sent("Create", "B")[0]["ResourceProperties"]["P"] == "id-of-In"
        child = child_of(s, stack)
        assert (child.parent, child.root, child.tags) == (stack, stack, {"t": "v"})
        assert child.name.startswith("stack-N-")
        assert history(child) == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_the_clean_up_of_a_nested_stack_waits_for_the_root() -> None:
    """Fact 6: nothing of it is deleted before the root's own updates went well."""
    with site() as s:
        inner = {"In": custom(V=1), "Gone": custom()}
        s.deploy({"N": nested(s, "1", inner), "After": custom("N", V=1)})
        s.script.calls()
        s.script.on("Update", "In", named("second"))
        stack = s.deploy({"N": nested(s, "2", {"In": custom(V=2)}), "After": custom("N", V=2)})
        calls = s.script.calls()
        assert calls[:2] == ["Update In", "Update After"]
        assert sorted(calls[2:]) == ["Delete Gone", "Delete In"]
        child = child_of(s, stack)
        assert history(child)[2:] == [
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
        ]
        assert sorted(child.resources) == ["In"]


@pytest.mark.parametrize("reversed_update_id", list(ReversedUpdateId))
def test_a_nested_stack_rolls_back_with_its_root(reversed_update_id: ReversedUpdateId) -> None:
    """Fact 6: its updates are reversed, and what it made goes after all of that."""
    with site(reversed_update_id=reversed_update_id) as s:
        s.deploy({"N": nested(s, "1", {"In": custom(V=1)}), "Bad": custom("N", V=1)})
        s.script.calls()
        s.script.on("Update", "Bad", failing(), dict)
        s.script.on("Update", "In", named("second"), named("id-of-In"))
        inner = {"In": custom("New", V=2), "New": custom()}
        stack = s.deploy({"N": nested(s, "2", inner), "Bad": custom("N", V=2)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        calls = s.script.calls()
        assert calls[:5] == ["Create New", "Update In", "Update Bad", "Update In", "Update Bad"]
        assert sorted(calls[5:]) == ["Delete In", "Delete New"]
        child = child_of(s, stack)
        assert history(child)[3:] == [
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
        ]
        assert (sorted(child.resources), child.outputs["Id"].value) == (["In"], "id-of-In")
        assert child.resources["In"].properties["V"] == 1


def test_a_failure_inside_fails_the_root() -> None:
    """The reason names the nested stack and what failed in it; the child rolls back."""
    with site() as s:
        s.deploy({"N": nested(s, "1", {"In": custom(V=1)})})
        s.script.on("Update", "In", failing(), dict)
        stack = s.deploy({"N": nested(s, "2", {"In": custom(V=2)})})
        child = child_of(s, stack)
        assert reasons(stack, "UPDATE_FAILED", "N") == [
            (
                f"Embedded stack {child.stack_id} was not successfully updated: "
                "The following resource(s) failed to update: [In]. "
            )
        ]
        assert (stack.status, child.status) == ("UPDATE_ROLLBACK_COMPLETE",) * 2
        assert "UPDATE_ROLLBACK_IN_PROGRESS" in history(child)


def test_a_failed_root_creation_removes_all_of_a_nested_stack() -> None:
    """Fact 9: RetainExceptOnCreate resources in it too, as their creation is rolled back."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        inner = {"In": custom(policy="RetainExceptOnCreate"), "Kept": custom(policy="Retain")}
        stack = s.deploy({"N": nested(s, "1", inner), "Bad": custom("N")})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert len(s.script.sent("Delete", "In")) == 1
        assert not s.script.sent("Delete", "Kept")
        (child,) = [other for other in s.cfn.engine.stacks.values() if other is not stack]
        assert child.status == "DELETE_COMPLETE"


def test_later_deletions_keep_what_was_retained_in_a_nested_stack() -> None:
    """Fact 9: by removal from the root, and by deletion of the root."""
    with site() as s:
        inner = {"In": custom(policy="RetainExceptOnCreate")}
        s.deploy({"N": nested(s, "1", inner), "M": nested(s, "1", inner), "Keep": custom()})
        stack = s.deploy({"M": nested(s, "1", inner), "Keep": custom()})
        s.delete(stack)
        assert not s.script.sent("Delete", "In")
        assert stack.status == "DELETE_COMPLETE"


def test_a_failed_creation_that_was_kept_is_no_rollback_later() -> None:
    """Fact 9: deleting a root in CREATE_FAILED keeps them inside nested stacks as well."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        inner = {"In": custom(policy="RetainExceptOnCreate")}
        stack = s.deploy({"N": nested(s, "1", inner), "Bad": custom("N")}, disable_rollback=True)
        s.delete(stack)
        assert not s.script.sent("Delete", "In")


def test_a_nested_stack_made_by_a_failed_update_goes() -> None:
    """In the clean-up after the rollback, with all in it."""
    with site() as s:
        s.deploy({"Bad": custom(V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        inner = {"In": custom(policy="RetainExceptOnCreate")}
        stack = s.deploy({"Bad": custom("N", V=2), "N": nested(s, "1", inner)})
        assert s.script.calls()[-2:] == ["Update Bad", "Delete In"]
        assert sorted(stack.resources) == ["Bad"]


def test_a_failure_beside_it_cancels_what_a_nested_stack_is_at() -> None:
    """Nobody waits for the hour of its slow resource, and what it has not begun is not begun."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        s.script.on("Create", "In", silent)
        began = s.clock.now()
        inner = {"In": custom(), "Later": custom("In")}
        stack = s.deploy({"N": nested(s, "1", inner), "Bad": custom()})
        assert s.clock.now() - began < 10.0
        assert sorted(s.script.calls()) == [
            "Create Bad",
            "Create In",
            "Delete Bad",
            "Delete In",
        ]
        assert reasons(stack, "CREATE_FAILED", "N") == ["Resource creation cancelled"]
        assert stack.status == "ROLLBACK_COMPLETE"


def test_a_continued_rollback_skips_inside_a_nested_stack() -> None:
    """Named `<nested stack>.<logical id>`."""
    with site() as s:
        s.deploy({"N": nested(s, "1", {"In": custom(V=1)}), "Bad": custom("N", V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        s.script.on("Update", "In", dict, failing("never"))
        stack = s.deploy({"N": nested(s, "2", {"In": custom(V=2)}), "Bad": custom("N", V=2)})
        child = child_of(s, stack)
        assert (stack.status, child.status) == ("UPDATE_ROLLBACK_FAILED",) * 2
        s.cfn.continue_update_rollback(stack, [f"{child.name}.In"])
        s.cfn.wait(stack)
        assert (stack.status, child.status) == ("UPDATE_ROLLBACK_COMPLETE",) * 2
        assert child.resources["In"].properties["V"] == 1


def test_a_delete_that_fails_inside() -> None:
    """Both are left in DELETE_FAILED, and a second deletion ends it."""
    with site() as s:
        stack = s.deploy({"N": nested(s, "1", {"In": custom()})})
        child = child_of(s, stack)
        s.script.on("Delete", "In", failing("agents"), dict)
        s.delete(stack)
        assert (stack.status, child.status) == ("DELETE_FAILED", "DELETE_FAILED")
        assert "was not successfully deleted" in reasons(stack, "DELETE_FAILED", "N")[0]
        s.delete(stack)
        assert (stack.status, child.status) == ("DELETE_COMPLETE", "DELETE_COMPLETE")


def test_fix_forward_with_a_nested_stack() -> None:
    """What its first, unfinished update replaced goes when the second one has gone well."""
    with site() as s:
        s.deploy({"N": nested(s, "1", {"In": custom(V=1)}), "Bad": custom("N", V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        s.script.on("Update", "In", named("second"), named("third"))
        for number in (2, 3):
            inner = {"In": custom(V=number)}
            stack = s.deploy(
                {"N": nested(s, str(number), inner), "Bad": custom("N", V=number)},
                disable_rollback=True,
            )
        assert stack.status == "UPDATE_COMPLETE"
        deleted = [e["PhysicalResourceId"] for e in s.script.sent("Delete", "In")]
        assert sorted(deleted) == ["id-of-In", "second"]


def test_a_template_that_is_refused_leaves_no_nested_stack() -> None:
    """The reason says what is wrong with it."""
    with site() as s:
        stack = s.deploy({"N": nested(s, "1", {"In": {"Type": "No::Such"}})})
        assert "Unrecognized resource types: [No::Such]" in reasons(stack, "CREATE_FAILED", "N")[0]
        assert list(s.cfn.engine.stacks.values()) == [stack]
        assert stack.status == "ROLLBACK_COMPLETE"


def test_two_levels_of_nesting() -> None:
    """The innermost clean-up waits for the root as well."""
    with site() as s:

        def middle(number: int) -> Any:
            inner = nested(s, f"inner{number}", {"In": custom(V=number)})
            return nested(s, f"middle{number}", {"In": custom(), "Deep": inner})

        s.deploy({"N": middle(1), "After": custom("N", V=1)})
        s.script.calls()
        s.script.on("Update", "In", named("second"))
        stack = s.deploy({"N": middle(2), "After": custom("N", V=2)})
        assert stack.status == "UPDATE_COMPLETE"
        assert s.script.calls() == ["Update In", "Update After", "Delete In"]
        assert {other.status for other in s.cfn.engine.stacks.values()} == {"UPDATE_COMPLETE"}
