"""An update that fails: two phases, which ids they carry, and what is left where they fail too."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.records import records
from tests.local_aws.scripted import (
    Event,
    Rule,
    Site,
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

BOTH = pytest.mark.parametrize("reversed_update_id", list(ReversedUpdateId))


@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_the_first_reversed_update_comes_after_a_while(delay: float) -> None:
    """As long after the begin of the rollback as the switch says."""
    with site(rollback_delay=delay) as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Update", "A", failing("full"), dict)
        stack = s.deploy({"A": custom(V=2)})
        (began,) = (e for e in stack.events if e.status == "UPDATE_ROLLBACK_IN_PROGRESS")
        reversed_at = [
            event.timestamp
            for event in stack.events
            if (event.logical_id, event.status) == ("A", "UPDATE_IN_PROGRESS")
        ][-1]
        assert reversed_at - began.timestamp == pytest.approx(delay, abs=0.01)


@BOTH
def test_updates_are_reversed_first_and_deletes_come_last(
    reversed_update_id: ReversedUpdateId,
) -> None:
    """Fact 6: what the update made still stands while the others are taken back."""
    with site(reversed_update_id=reversed_update_id) as s:
        s.deploy({"A": custom(V=1), "B": custom("A", V=1), "Same": custom()})
        s.script.calls()
        s.script.on("Update", "B", failing("full"), dict)
        stack = s.deploy(
            {"New": custom(), "A": custom("New", V=2), "B": custom("A", V=2), "Same": custom()}
        )
        back = s.script.sent("Update", "B")[1]
        assert (back["ResourceProperties"]["V"], back["OldResourceProperties"]["V"]) == ("1", "2")
        assert s.script.calls() == [
            "Create New",
            "Update A",
            "Update B",
            "Update A",
            "Update B",
            "Delete New",
        ]
        assert history(stack)[3:] == [
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
        ]
        assert reasons(stack, "UPDATE_ROLLBACK_IN_PROGRESS") == [
            "The following resource(s) failed to update: [B]. "
        ]
        assert sorted(stack.resources) == ["A", "B", "Same"]
        assert stack.resources["A"].properties["V"] == 1


def test_a_failed_create_of_an_update_is_told_as_such() -> None:
    """Created and updated ones are listed apart."""
    with site() as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Create", "New", failing())
        s.script.on("Update", "A", silent, dict)
        stack = s.deploy({"A": custom(V=2), "New": custom()})
        assert reasons(stack, "UPDATE_ROLLBACK_IN_PROGRESS") == [
            (
                "The following resource(s) failed to create: [New]. "
                "The following resource(s) failed to update: [A]. "
            )
        ]
        assert reasons(stack, "UPDATE_FAILED", "A") == ["Resource update cancelled"]


@BOTH
def test_creates_of_an_update_that_failed_are_deleted_by_their_ids(
    reversed_update_id: ReversedUpdateId,
) -> None:
    """Facts 5 and 6: in the clean-up, by the id of the failed answer or by an invented one."""
    with site(reversed_update_id=reversed_update_id) as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Create", "Failed", failing(PhysicalResourceId="half"))
        s.script.on("Create", "Cancelled", silent)
        s.script.take("Create", "Failed", 5.0)
        stack = s.deploy({"A": custom(V=2), "Failed": custom(), "Cancelled": custom()})
        (failed,) = s.script.sent("Delete", "Failed")
        assert failed["PhysicalResourceId"] == "half"
        (cancelled,) = s.script.sent("Delete", "Cancelled")
        assert re.fullmatch(r"stack-Cancelled-[A-Z0-9]{12}", cancelled["PhysicalResourceId"])
        calls = s.script.calls()
        assert sorted(calls[-2:]) == ["Delete Cancelled", "Delete Failed"]
        assert calls[-3] == "Update A"
        assert (stack.status, sorted(stack.resources)) == ("UPDATE_ROLLBACK_COMPLETE", ["A"])


def test_a_cancelled_update_may_still_be_running() -> None:
    """Fact 5: its reversed Update arrives before its own answer."""
    with site() as s:
        s.deploy({"Slow": custom(V=1), "Bad": custom(V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        s.script.take("Update", "Slow", 30.0)
        stack = s.deploy({"Slow": custom(V=2), "Bad": custom(V=2)})
        forward, back = s.script.sent("Update", "Slow")
        told = s.script.custom_resources.conversations
        assert told[token_of(back)].sent_at < told[token_of(forward)].sent_at + 30.0
        assert (forward["ResourceProperties"]["V"], back["ResourceProperties"]["V"]) == ("2", "1")
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


def replaced(s: Site) -> None:
    """A replaced from id-of-A by second, and then something fails."""
    s.deploy({"A": custom(V=1), "Bad": custom(V=1)})
    s.script.on("Update", "Bad", failing(), dict)
    s.script.on("Update", "A", named("second"), named("id-of-A"))


@BOTH
def test_the_id_of_the_reversed_update(reversed_update_id: ReversedUpdateId) -> None:
    """Fact 7: the new one or the original one; answered the original, the other one is deleted."""
    with site(reversed_update_id=reversed_update_id) as s:
        replaced(s)
        stack = s.deploy({"A": custom(V=2), "Bad": custom("A", V=2)})
        is_new = reversed_update_id is ReversedUpdateId.NEW
        back = s.script.sent("Update", "A")[1]
        assert back["PhysicalResourceId"] == ("second" if is_new else "id-of-A")
        (delete,) = s.script.sent("Delete", "A")
        assert delete["PhysicalResourceId"] == "second"
        assert delete["ResourceProperties"]["V"] == "2"
        assert s.script.calls()[-1] == "Delete A"
        assert stack.resources["A"].physical_id == "id-of-A"
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


def test_a_reversed_update_that_stays_with_the_new_id_deletes_nothing() -> None:
    """Fact 7: then the stack goes on with that id."""
    with site() as s:
        replaced(s)
        s.script.on("Update", "A", named("second"))
        stack = s.deploy({"A": custom(V=2), "Bad": custom("A", V=2)})
        assert not s.script.sent("Delete", "A")
        assert stack.resources["A"].physical_id == "second"


@BOTH
def test_the_id_of_a_failed_answer_counts(reversed_update_id: ReversedUpdateId) -> None:
    """Fact 7: a failed Update that answers another id gets that one deleted."""
    with site(reversed_update_id=reversed_update_id) as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Update", "A", failing(PhysicalResourceId="stray"), named("id-of-A"))
        stack = s.deploy({"A": custom(V=2)})
        back = s.script.sent("Update", "A")[1]
        is_new = reversed_update_id is ReversedUpdateId.NEW
        assert back["PhysicalResourceId"] == ("stray" if is_new else "id-of-A")
        assert [e["PhysicalResourceId"] for e in s.script.sent("Delete", "A")] == ["stray"]
        assert stack.resources["A"].physical_id == "id-of-A"


def test_a_native_replacement_is_taken_back() -> None:
    """The original takes its place again without a call, the new one goes in the clean-up."""
    with site() as s:
        s.deploy({"A": recorded(Name="one"), "Bad": custom("A", V=1)})
        first = s.cfn.get("stack").resources["A"].physical_id
        s.script.on("Update", "Bad", failing(), dict)
        stack = s.deploy({"A": recorded(Name="two"), "Bad": custom("A", V=2)})
        assert stack.resources["A"].physical_id == first
        deleted = [e.physical_id for e in stack.events if e.status == "DELETE_COMPLETE"]
        assert len(deleted) == 1
        assert deleted != [first]


@BOTH
def test_a_reversed_update_that_fails(reversed_update_id: ReversedUpdateId) -> None:
    """Fact 6: UPDATE_ROLLBACK_FAILED; nothing is deleted; the rollback can be continued."""
    with site(reversed_update_id=reversed_update_id) as s:
        s.deploy({"A": custom(V=1), "B": custom("A", V=1), "Bad": custom("B", V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        s.script.on("Update", "A", dict, failing("not now"), dict)
        new = {"A": custom(V=2), "B": custom("A", V=2), "Bad": custom("B", V=2), "New": custom()}
        stack = s.deploy(new)
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        assert reasons(stack, "UPDATE_ROLLBACK_FAILED") == [
            "The following resource(s) failed to update: [A]. "
        ]
        assert "New" in stack.resources
        with pytest.raises(ValidationError, match="can not be updated"):
            s.deploy(new)
        with pytest.raises(ValidationError, match="can not be rolled back"):
            s.cfn.roll_back_stack(stack)
        s.script.calls()
        s.cfn.continue_update_rollback(stack)
        assert s.cfn.wait(stack).status == "UPDATE_ROLLBACK_COMPLETE"
        assert s.script.calls() == ["Update A", "Update B", "Update Bad", "Delete New"]


def test_a_continued_rollback_repeats_only_what_is_left_and_skips() -> None:
    """ContinueUpdateRollback with resources to skip; unknown names are refused."""
    with site() as s:
        s.deploy({"A": custom(V=1), "B": custom("A", V=1), "Bad": custom("B", V=1)})
        s.script.on("Update", "Bad", failing(), dict)
        s.script.on("Update", "B", dict, failing("never again"))
        stack = s.deploy({"A": custom(V=2), "B": custom("A", V=2), "Bad": custom("B", V=2)})
        s.script.calls()
        with pytest.raises(ValidationError, match=r"\[Z\] do not exist"):
            s.cfn.continue_update_rollback(stack, ["Z"])
        s.cfn.continue_update_rollback(stack, ["B"])
        assert s.cfn.wait(stack).status == "UPDATE_ROLLBACK_COMPLETE"
        assert s.script.calls() == ["Update Bad"]
        assert stack.resources["B"].properties["V"] == 1
        with pytest.raises(ValidationError, match="only UPDATE_ROLLBACK_FAILED can"):
            s.cfn.continue_update_rollback(stack)


def test_the_failed_clean_up_of_a_rollback_is_abandoned() -> None:
    """As the one of an update: tried a few times, and UPDATE_ROLLBACK_COMPLETE all the same."""
    with site() as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Update", "A", failing(), dict)
        s.script.on("Delete", "New", failing("in use"))
        stack = s.deploy({"A": custom("New", V=2), "New": custom()})
        assert s.script.calls().count("Delete New") == 3
        assert (stack.status, sorted(stack.resources)) == ("UPDATE_ROLLBACK_COMPLETE", ["A"])


def test_without_rollback_then_roll_back_stack() -> None:
    """UPDATE_FAILED keeps all; RollbackStack goes back, also over several failed updates."""
    with site() as s:
        s.deploy({"A": custom(V=1), "B": custom("A", V=1)})
        s.script.on("Update", "B", failing(), failing(), dict)
        s.script.on("Update", "A", named("second"), named("third"), named("id-of-A"))
        for version in (2, 3):
            stack = s.deploy(
                {"New": custom(), "A": custom("New", V=version), "B": custom("A", V=version)},
                disable_rollback=True,
            )
            assert stack.status == "UPDATE_FAILED"
        s.script.calls()
        s.cfn.roll_back_stack(stack)
        assert s.cfn.wait(stack).status == "UPDATE_ROLLBACK_COMPLETE"
        deleted = [e["PhysicalResourceId"] for e in s.script.sent("Delete", "A")]
        assert sorted(deleted) == ["second", "third"]
        calls = s.script.calls()
        assert calls[:2] == ["Update A", "Update B"]
        assert sorted(calls[2:]) == ["Delete A", "Delete A", "Delete New"]
        assert stack.resources["A"].physical_id == "id-of-A"


def test_without_rollback_then_fix_forward() -> None:
    """The resource that failed is updated again though its properties did not change since."""
    with site() as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Update", "A", failing(), dict)
        assert s.deploy({"A": custom(V=2)}, disable_rollback=True).status == "UPDATE_FAILED"
        s.script.calls()
        stack = s.deploy({"A": custom(V=2)})
        assert (stack.status, s.script.calls()) == ("UPDATE_COMPLETE", ["Update A"])
        s.deploy({"A": custom(V=2)})
        assert s.script.calls() == []


def test_native_replacements_need_rollback() -> None:
    """AWS refuses them with rollback disabled, and says so."""
    with site() as s:
        s.deploy({"A": recorded(Name="one")})
        stack = s.deploy({"A": recorded(Name="two")}, disable_rollback=True)
        assert stack.status == "UPDATE_FAILED"
        assert reasons(stack, "UPDATE_FAILED", "A") == [
            "Replacement type updates not supported on stack with disable-rollback."
        ]
        s.cfn.roll_back_stack(stack)
        assert s.cfn.wait(stack).resources["A"].properties == {"Name": "one"}


def test_template_parameters_tags_and_policies_go_back_too() -> None:
    """A failed update leaves no trace in what the next one starts from."""
    with site() as s:
        parameters = {"P": {"Type": "String", "Default": "d"}}
        s.deploy(
            {"A": custom(V=1), "Same": custom()},
            Parameters=parameters,
            parameters={"P": "one"},
            tags={"t": "one"},
        )
        old = s.cfn.get("stack").template
        s.script.on("Update", "A", failing(), dict)
        stack = s.deploy(
            {"A": custom("Same", V=2), "Same": custom(policy="Retain")},
            Parameters=parameters,
            parameters={"P": "two"},
            tags={"t": "two"},
        )
        assert stack.template is old
        assert (stack.parameters, stack.tags) == ({"P": "one"}, {"t": "one"})
        assert stack.submitted_parameters == {"P": "one"}
        s.script.calls()
        s.delete(stack)
        assert sorted(s.script.calls()) == ["Delete A", "Delete Same"]


def test_nothing_begins_for_a_reference_that_fails_in_an_update() -> None:
    """The resource that could not be resolved was never touched, and is not taken back."""
    with site() as s:
        s.deploy({"A": custom(), "B": custom(V=1)})
        s.script.calls()
        stack = s.deploy({"A": custom(), "B": custom(V={"Fn::GetAtt": ["A", "Missing"]})})
        assert (stack.status, s.script.calls()) == ("UPDATE_ROLLBACK_COMPLETE", [])
        s.deploy({"A": custom(), "B": custom(V=1)})
        assert s.script.calls() == []


# switches for what nobody documents ---------------------------------------------------------------


def test_a_replacement_can_be_taken_back_by_a_delete_alone() -> None:
    """Fact 20: without an Update the original takes its place, and the new id goes at the end."""
    with site(replaced_get_reversed_update=False) as s:
        replaced(s)
        s.deploy({"A": custom(V=1), "Same": custom(V=1), "Bad": custom(V=1)})
        s.script.calls()
        stack = s.deploy({"A": custom(V=2), "Same": custom(V=2), "Bad": custom("A", "Same", V=2)})
        assert [e["PhysicalResourceId"] for e in s.script.sent("Update", "A")] == ["id-of-A"]
        (delete,) = s.script.sent("Delete", "A")
        assert (delete["PhysicalResourceId"], delete["ResourceProperties"]["V"]) == ("second", "2")
        # what kept its id is taken back as ever
        assert len(s.script.sent("Update", "Same")) == 2
        assert s.script.calls()[-1] == "Delete A"
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        original = stack.resources["A"]
        assert (original.physical_id, original.properties["V"]) == ("id-of-A", 1)
        # and is the one that the next update goes by
        s.script.on("Update", "A", dict)
        s.script.on("Update", "Bad", dict)
        s.deploy({"A": custom(V=3), "Same": custom(V=1), "Bad": custom(V=1)})
        (again,) = s.script.sent("Update", "A")
        assert (again["PhysicalResourceId"], again["OldResourceProperties"]["V"]) == (
            "id-of-A",
            "1",
        )


@pytest.mark.parametrize("changes", [False, True])
def test_whether_a_rollback_counts_as_an_update(*, changes: bool) -> None:
    """Fact 15: LastUpdatedTime stays that of the update, or becomes that of its rollback."""
    with site(rollback_sets_updated_time=changes) as s:
        s.deploy({"A": custom(V=1)})
        s.script.on("Update", "A", failing(), dict)
        s.script.take("Update", "A", 10.0)
        s.clock.sleep(100)
        began = s.clock.now()
        stack = s.deploy({"A": custom(V=2)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert stack.updated_at == began + (10.0 if changes else 0.0)


def shown_by(s: Site, name: str = "A") -> list[tuple[str, str]]:
    """Ids and states that the record of a resource shows."""
    stack = s.cfn.get("stack")
    return [
        (record.physical_id, record.status)
        for record in records(stack, s.cfn.engine.settings)
        if record.logical_id == name
    ]


def watching(s: Site, seen: list[Any], answer: Rule = dict) -> Rule:
    """A rule that notes what the record shows while it runs."""

    def rule(event: Event) -> dict[str, Any] | bytes | None:
        seen.append(shown_by(s))
        return answer(event)

    return rule


@pytest.mark.parametrize("progress", [True, False])
def test_whether_records_show_work_in_progress(*, progress: bool) -> None:
    """Fact 20: else they show the last rest, and nothing of what was never at rest."""
    seen: list[Any] = []
    with site(records_show_progress=progress) as s:
        s.script.on("Create", "A", watching(s, seen, lambda _: {}))
        s.script.on("Update", "A", watching(s, seen, failing()), watching(s, seen, lambda _: {}))
        s.deploy({"A": custom(V=1)})
        s.deploy({"A": custom(V=2)})
        s.script.on("Delete", "A", watching(s, seen, failing()), watching(s, seen, lambda _: {}))
        stack = s.cfn.get("stack")
        assert shown_by(s) == [("id-of-A", "UPDATE_COMPLETE")]
        s.delete(stack)
        assert shown_by(s) == [("id-of-A", "DELETE_FAILED")]
        s.delete(stack)
    if progress:
        states = ["CREATE", "UPDATE", "UPDATE", "DELETE", "DELETE"]
        ids = ["", *["id-of-A"] * 4]
        assert seen == [
            [(physical_id, f"{state}_IN_PROGRESS")]
            for physical_id, state in zip(ids, states, strict=True)
        ]
    else:
        rests = ["CREATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_FAILED"]
        assert seen == [[], *[[("id-of-A", rest)] for rest in rests]]


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_which_id_a_record_shows_during_the_clean_up(
    *, old: bool, fails: bool, progress: bool
) -> None:
    """Fact 20: the present one, or the one that is being deleted; afterwards the present one."""
    seen: list[Any] = []
    with site(records_show_what_is_cleaned_up=old, records_show_progress=progress) as s:
        replaced(s)
        if not fails:
            s.script.on("Update", "Bad", dict)
        s.script.on("Delete", "A", watching(s, seen, lambda _: {}))
        s.deploy({"A": custom(V=2), "Bad": custom("A", V=2)})
        present, gone = ("id-of-A", "second") if fails else ("second", "id-of-A")
        assert [record for record, _ in shown_by(s)] == [present]
    (((shown, status),),) = seen
    assert shown == (gone if old else present)
    assert (status == "DELETE_IN_PROGRESS") is (old and progress)
