"""A stack whose creation fails: what is removed, with which ids, and what can be done without."""

from __future__ import annotations

import re

import pytest

from local_aws.cloudformation.exceptions import ValidationError
from tests.local_aws.scripted import (
    custom,
    failing,
    history,
    named,
    reasons,
    recorded,
    silent,
    site,
    token_of,
)


def test_what_was_made_is_deleted_in_reverse_order() -> None:
    """Fact 5: the failed resource included, with the id of its failed answer."""
    with site() as s:
        s.script.on("Create", "C", failing("no room", PhysicalResourceId="half"))
        stack = s.deploy({"A": custom(), "B": custom("A"), "C": custom("B"), "D": custom("C")})
        assert stack.status == "ROLLBACK_COMPLETE"
        (delete,) = s.script.sent("Delete", "C")
        assert delete["PhysicalResourceId"] == "half"
        assert s.script.calls() == [
            "Create A",
            "Create B",
            "Create C",
            "Delete C",
            "Delete B",
            "Delete A",
        ]
        assert history(stack) == [
            "REVIEW_IN_PROGRESS",
            "CREATE_IN_PROGRESS",
            "ROLLBACK_IN_PROGRESS",
            "ROLLBACK_COMPLETE",
        ]
        with pytest.raises(ValidationError, match="ROLLBACK_COMPLETE state and can not be updated"):
            s.deploy({"A": custom()})


def test_a_timed_out_create_gets_a_delete_with_a_made_up_id() -> None:
    """Fact 5: `<stack>-<logical id>-<suffix>`."""
    with site() as s:
        s.script.on("Create", "A", silent)
        stack = s.deploy({"A": custom()})
        (delete,) = s.script.sent("Delete", "A")
        assert re.fullmatch(r"stack-A-[A-Z0-9]{12}", delete["PhysicalResourceId"])
        assert stack.status == "ROLLBACK_COMPLETE"


def test_a_cancelled_create_may_still_be_running() -> None:
    """Fact 5: its Delete arrives with a made-up id before its own answer does."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        s.script.take("Create", "Slow", 100.0)
        stack = s.deploy({"Bad": custom(), "Slow": custom()})
        (delete,) = s.script.sent("Delete", "Slow")
        assert delete["PhysicalResourceId"].startswith("stack-Slow-")
        create = s.script.custom_resources.conversations[
            token_of(s.script.sent("Create", "Slow")[0])
        ]
        assert not create.answers
        s.clock.sleep(200.0)
        assert create.answers
        assert (stack.status, "Slow" in stack.resources) == ("ROLLBACK_COMPLETE", False)


def test_a_delete_that_fails_leaves_rollback_failed() -> None:
    """What waits for it stays too, the rest goes; then only deletion is possible."""
    with site() as s:
        s.script.on("Create", "Bad", failing())
        s.script.on("Delete", "B", failing("stuck"))
        stack = s.deploy({"A": custom(), "B": custom("A"), "C": custom(), "Bad": custom("B", "C")})
        assert stack.status == "ROLLBACK_FAILED"
        assert reasons(stack, "ROLLBACK_FAILED") == [
            "The following resource(s) failed to delete: [B]. "
        ]
        assert sorted(stack.resources) == ["A", "B"]
        with pytest.raises(ValidationError, match="can not be updated"):
            s.deploy({"A": custom()})
        with pytest.raises(ValidationError, match="can not be rolled back"):
            s.cfn.roll_back_stack(stack)
        s.script.rules.clear()
        assert s.delete(stack).status == "DELETE_COMPLETE"


def test_without_rollback_all_stays() -> None:
    """--no-rollback: CREATE_FAILED, and everything made stands."""
    with site() as s:
        s.script.on("Create", "B", failing(PhysicalResourceId="half"))
        stack = s.deploy({"A": custom(), "B": custom("A")}, disable_rollback=True)
        assert stack.status == "CREATE_FAILED"
        assert stack.status_reason == "The following resource(s) failed to create: [B]. "
        assert s.script.calls() == ["Create A", "Create B"]


def test_roll_back_stack_removes_what_was_left() -> None:
    """RollbackStack from CREATE_FAILED."""
    with site() as s:
        s.script.on("Create", "B", failing(PhysicalResourceId="half"))
        stack = s.deploy({"A": custom(), "B": custom("A")}, disable_rollback=True)
        s.script.calls()
        s.cfn.roll_back_stack(stack)
        assert s.cfn.wait(stack).status == "ROLLBACK_COMPLETE"
        assert s.script.calls() == ["Delete B", "Delete A"]


def test_fix_forward_after_a_failed_creation() -> None:
    """The failed one is removed by its id and made again; the others are left alone."""
    with site() as s:
        s.script.on("Create", "B", failing(PhysicalResourceId="half"), named("whole"))
        resources = {"A": custom(), "B": custom("A"), "C": custom("B")}
        s.deploy(resources, disable_rollback=True)
        s.script.calls()
        stack = s.deploy(resources)
        assert stack.status == "UPDATE_COMPLETE"
        assert s.script.calls() == ["Delete B", "Create B", "Create C"]
        assert stack.resources["B"].physical_id == "whole"


def test_fix_forward_that_fails_rolls_the_creation_back() -> None:
    """There is no state to go back to, so all goes."""
    with site() as s:
        s.script.on("Create", "B", failing(PhysicalResourceId="half"))
        resources = {"A": custom(), "B": custom("A")}
        s.deploy(resources, disable_rollback=True)
        stack = s.deploy(resources)
        assert (stack.status, stack.resources) == ("ROLLBACK_COMPLETE", {})


def test_a_function_that_is_not_there_fails_the_create_without_a_delete() -> None:
    """Nothing was begun, so there is nothing to take back."""
    with site() as s:
        s.script.gone = True
        stack = s.deploy({"A": custom()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert reasons(stack, "CREATE_FAILED", "A")[0].startswith("Function not found: arn:")


def test_a_delete_whose_function_is_gone_fails_clearly() -> None:
    """Fact 8: DELETE_FAILED with the function's name, at once."""
    with site() as s:
        stack = s.deploy({"A": custom(), "B": recorded()})
        s.script.gone = True
        began = s.clock.now()
        s.delete(stack)
        assert stack.status == "DELETE_FAILED"
        assert reasons(stack, "DELETE_FAILED") == [
            "The following resource(s) failed to delete: [A]. "
        ]
        assert reasons(stack, "DELETE_FAILED", "A")[0].startswith("Function not found: arn:")
        assert s.clock.now() - began < 1.0


def test_a_stack_that_could_not_be_deleted_goes_without_what_holds_it() -> None:
    """RetainResources, only from DELETE_FAILED; what depends on the failed one stayed meanwhile."""
    with site() as s:
        stack = s.deploy({"A": custom(), "B": custom("A"), "C": custom()})
        with pytest.raises(ValidationError, match="only when the stack is in the DELETE_FAILED"):
            s.cfn.delete_stack(stack, ["B"])
        s.script.on("Delete", "B", failing("agents"))
        assert s.delete(stack).status == "DELETE_FAILED"
        assert sorted(stack.resources) == ["A", "B"]
        s.script.calls()
        with pytest.raises(ValidationError, match=r"\[Z\] do not exist"):
            s.cfn.delete_stack(stack, ["Z"])
        assert s.delete(stack, retain_resources=["B"]).status == "DELETE_COMPLETE"
        assert s.script.calls() == ["Delete A"]
        assert history(stack, "B")[-1] == "DELETE_SKIPPED"


def test_termination_protection() -> None:
    """A protected stack is not deleted."""
    with site() as s:
        stack = s.deploy({"A": custom()})
        stack.termination_protection = True
        with pytest.raises(ValidationError, match="while TerminationProtection is enabled"):
            s.cfn.delete_stack(stack)
        stack.termination_protection = False
        assert s.delete(stack).status == "DELETE_COMPLETE"


def test_a_deleted_stack_is_found_by_its_id_only() -> None:
    """The name is free again, and a prepared deployment of the old stack is gone with it."""
    with site() as s:
        old = s.deploy({"A": custom()})
        s.delete(old)
        assert s.cfn.find("stack") is None
        assert s.cfn.get(old.stack_id) is old
        new = s.deploy({"A": custom()})
        assert new is not old
        assert new.status == "CREATE_COMPLETE"
