"""DeletionPolicy and UpdateReplacePolicy in every phase."""

from __future__ import annotations

import pytest

from tests.local_aws.scripted import custom, failing, history, named, recorded, silent, site

POLICIES = pytest.mark.parametrize("policy", ["Delete", "Retain", "RetainExceptOnCreate"])


@POLICIES
def test_deletion_of_a_stack(policy: str) -> None:
    """Fact 9: only Delete sends one."""
    with site() as s:
        stack = s.deploy({"A": custom(policy=policy)})
        s.script.calls()
        s.delete(stack)
        assert s.script.calls() == (["Delete A"] if policy == "Delete" else [])
        assert history(stack, "A")[-1] == (
            "DELETE_COMPLETE" if policy == "Delete" else "DELETE_SKIPPED"
        )
        assert stack.status == "DELETE_COMPLETE"


@POLICIES
def test_removal_in_an_update(policy: str) -> None:
    """Fact 9: the policy of the last deployment counts, and the stack forgets the resource."""
    with site() as s:
        s.deploy({"A": custom(policy=policy), "Keep": custom()})
        s.script.calls()
        stack = s.deploy({"Keep": custom()})
        assert s.script.calls() == (["Delete A"] if policy == "Delete" else [])
        assert sorted(stack.resources) == ["Keep"]


@POLICIES
@pytest.mark.parametrize("operation", [False, True])
def test_rollback_of_a_creation(policy: str, *, operation: bool) -> None:
    """Fact 9: Retain keeps, unless the operation runs with RetainExceptOnCreate."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        stack = s.deploy(
            {"A": custom(policy=policy), "Bad": custom("A")}, retain_except_on_create=operation
        )
        kept = policy == "Retain" and not operation
        assert bool(s.script.sent("Delete", "A")) is not kept
        assert stack.status == "ROLLBACK_COMPLETE"


@POLICIES
@pytest.mark.parametrize("operation", [False, True])
def test_rollback_of_an_update_that_added(policy: str, *, operation: bool) -> None:
    """Fact 9: the same for what an update created; what stood before is never deleted."""
    with site() as s:
        s.deploy({"Bad": custom(V=1), "Old": custom(policy=policy)})
        s.script.on("Update", "Bad", failing(), dict)
        stack = s.deploy(
            {"Bad": custom("A", V=2), "A": custom(policy=policy), "Old": custom(policy=policy)},
            retain_except_on_create=operation,
        )
        kept = policy == "Retain" and not operation
        assert bool(s.script.sent("Delete", "A")) is not kept
        assert not s.script.sent("Delete", "Old")
        assert sorted(stack.resources) == ["Bad", "Old"]


@POLICIES
@pytest.mark.parametrize("option", [False, True])
def test_roll_back_stack(policy: str, *, option: bool) -> None:
    """Fact 9: `cdk rollback` sets the operation's option, a plain RollbackStack does not."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        stack = s.deploy({"A": custom(policy=policy), "Bad": custom("A")}, disable_rollback=True)
        s.cfn.roll_back_stack(stack, retain_except_on_create=option)
        s.cfn.wait(stack)
        kept = policy == "Retain" and not option
        assert bool(s.script.sent("Delete", "A")) is not kept


def test_deletion_after_a_failed_creation_is_no_rollback() -> None:
    """Fact 9: RetainExceptOnCreate deletes when the create is rolled back, not in a deletion."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        resources = {"A": custom(policy="RetainExceptOnCreate"), "Bad": custom("A")}
        s.delete(s.deploy(resources, disable_rollback=True))
        assert not s.script.sent("Delete", "A")
        assert s.script.sent("Delete", "Bad")


def test_retain_except_on_create_after_a_later_update() -> None:
    """Fact 9: it was created by an earlier operation, so a failed update leaves it alone."""
    with site() as s:
        s.deploy({"A": custom(policy="RetainExceptOnCreate", V=1)})
        s.script.on("Update", "A", failing(), dict)
        s.deploy({"A": custom(policy="RetainExceptOnCreate", V=2)})
        s.delete(s.cfn.get("stack"))
        assert not s.script.sent("Delete", "A")


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_update_replace_policy(policy: str) -> None:
    """Fact 9: Retain sends no Delete in the clean-up of a replacement; DeletionPolicy does not."""
    with site() as s:
        s.deploy({"A": custom(V=1, replace=policy, policy="Retain")})
        s.script.on("Update", "A", named("second"))
        stack = s.deploy({"A": custom(V=2, replace=policy, policy="Retain")})
        sent = [e["PhysicalResourceId"] for e in s.script.sent("Delete", "A")]
        assert sent == (["id-of-A"] if policy == "Delete" else [])
        assert stack.status == "UPDATE_COMPLETE"


def test_a_native_replacement_with_update_replace_policy() -> None:
    """The same for resources that are no function's."""
    kept = recorded(Name="one") | {"UpdateReplacePolicy": "Retain"}
    with site() as s:
        s.deploy({"A": kept})
        stack = s.deploy({"A": kept | {"Properties": {"Name": "two"}}})
        assert "DELETE_COMPLETE" not in history(stack, "A")


def test_a_rolled_back_replacement_is_deleted_whatever_the_policies() -> None:
    """The new id goes, though both policies say Retain: its original is back."""
    both = {"policy": "Retain", "replace": "Retain"}
    with site() as s:
        s.deploy({"A": custom(V=1, **both), "Bad": custom("A", V=1)})
        s.script.on("Update", "A", named("second"), named("id-of-A"))
        s.script.on("Update", "Bad", failing(), dict)
        s.deploy({"A": custom(V=2, **both), "Bad": custom("A", V=2)})
        assert [e["PhysicalResourceId"] for e in s.script.sent("Delete", "A")] == ["second"]


def test_a_changed_policy_alone_is_a_deployment_without_calls() -> None:
    """It counts from then on."""
    with site() as s:
        s.deploy({"A": custom(policy="Retain")})
        s.script.calls()
        stack = s.deploy({"A": custom()})
        assert (stack.status, s.script.calls()) == ("UPDATE_COMPLETE", [])
        s.delete(stack)
        assert s.script.calls() == ["Delete A"]


def test_a_created_resource_with_retain_that_timed_out_is_kept_too() -> None:
    """Fact 9 makes no difference between what was made and what failed half-way."""
    with site() as s:
        s.script.on("Create", "A", silent)
        stack = s.deploy({"A": custom(policy="Retain")})
        assert not s.script.sent("Delete", "A")
        assert stack.status == "ROLLBACK_COMPLETE"
