"""A rollback ends though the world has changed meanwhile, and takes nothing from anybody."""

from __future__ import annotations

from functools import partial

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.connect import DuplicateScope
from local_aws.in_process import FunctionFaults
from tests.support.deployments import (
    by_hand,
    delete_by_hand,
    fail,
    group_arn,
    of_world,
    owner,
    rename_by_hand,
    state,
    tags_of,
    take_away,
    unpaced,
    up,
    user_tags,
    worlds,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node

# what people deleted ----------------------------------------------------------------------------


@worlds([DuplicateScope.SIBLINGS])
def test_a_rollback_does_without_what_was_gone_before(
    site: Site, organisation: Organisation, kind: Kind
) -> None:
    """A parent and its child were deleted by hand; a move makes the child anew, and is undone."""
    organisation.up(node("A", "T"), "B")
    delete_by_hand(site, "A/T", "A")
    moved = node("B", node("T", Key="A/T"))
    organisation.fail(moved)
    # a tree's reversed Update is about all of its groups, and makes those of the earlier wish
    repaired = {"A", "A/T"} if kind is Kind.TREE else set()
    assert set(site.ids) == {"B"} | repaired
    organisation.up(moved)
    assert set(site.ids) == {"B", "B/T"}


@worlds([DuplicateScope.SIBLINGS])
def test_a_rollback_takes_a_child_back_whose_parent_has_another_id_by_then(
    site: Site, organisation: Organisation
) -> None:
    """Both were deleted by hand; an update puts the parent below its child, and fails."""
    organisation.up(node("A", "T"))
    delete_by_hand(site, "A/T", "A")
    turned = node("T", node("A", Key="A"), Key="A/T")
    organisation.fail(turned)
    organisation.up(turned)
    assert set(site.ids) == {"T", "T/A"}


@worlds()
@pytest.mark.parametrize("parent", [None, "P"])
def test_a_rollback_does_without_two_that_would_wait_for_each_other(
    site: Site, organisation: Organisation, parent: str | None
) -> None:
    """Two that were deleted by hand are made anew under each other's names, and that is undone."""
    organisation.up("P", "A", "B")
    delete_by_hand(site, "A", "B")
    swapped = node("B", Key="A"), node("A", Key="B")
    groups = [node("P", *swapped)] if parent else ["P", *swapped]
    began = site.clock.now()
    organisation.fail(*groups)
    assert site.clock.now() - began < 1000
    organisation.up(*groups)
    assert set(site.ids) == {"P", *(("P/A", "P/B") if parent else ("A", "B"))}


def test_a_rollback_does_without_a_name_that_somebody_has_by_now(
    site: Site, organisation: Organisation
) -> None:
    """A group was deleted by hand, an update made it anew under another name, and failed."""
    organisation.up("A", references=["A"])
    delete_by_hand(site, "A")
    strangers = by_hand(site, "A")
    stack = organisation.fail(node("Z", Key="A"), references=["A"])
    assert site.ids["A"] == strangers
    assert organisation.answered(stack, "A") == site.ids["Z"]


def test_a_rollback_adopts_nothing(site: Site, organisation: Organisation) -> None:
    """A group was deleted by hand, and somebody made another in its place."""
    organisation.up("A", AdoptExisting=True)
    delete_by_hand(site, "A")
    for name in ("A", "Z"):
        by_hand(site, name)
    organisation.refused(node("Z", Key="A"))
    assert tags_of(site, "A") == {}


@pytest.mark.parametrize("taker", Kind)
@worlds()
def test_a_rollback_takes_nothing_from_who_adopted_it(site: Site, kind: Kind, taker: Kind) -> None:
    """A group was deleted by hand, and a new construct adopted another one in its place."""
    organisation, new = Organisation(site, kind), Organisation(site, taker, "New")
    organisation.up("A", "C")
    delete_by_hand(site, "A")
    made = by_hand(site, "A")
    renamed = organisation.resources(node("Z", Key="A"), "C")
    fail(site, {**renamed, **new.of("A", AdoptExisting=True)})
    assert site.ids["A"] == made
    assert tags_of(site, "A") == {}


# names that people gave -------------------------------------------------------------------------


def test_a_rollback_does_without_a_name_that_was_not_there_before(
    site: Site, organisation: Organisation
) -> None:
    """A group was renamed by hand and another has its name now: an update of it fails, no more."""
    organisation.up("A")
    rename_by_hand(site, "A", "By hand")
    by_hand(site, "A")
    ids = site.ids
    stack = organisation.refused("A", Tags={"k": "1"})
    assert any("the name is taken in the" in reason for reason in site.reasons(stack))
    assert site.ids == ids
    assert user_tags(site, "By hand") == {}


def test_a_rollback_does_without_a_name_that_was_changed_by_hand(kind: Kind) -> None:
    """Somebody renamed a group and gave its name to another one: a rollback keeps that."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(node("A", "B"), "C")
    rename_by_hand(site, "A", "Z")
    by_hand(site, "A")
    site.clock.sleep(1000)
    before = state(site)
    organisation.fail(node("A", "B"), node("C", "D"))
    assert state(site) == before


@pytest.mark.parametrize("fails", [False, True], ids=["forward", "rolled back"])
def test_who_leaves_makes_room_for_who_has_another_name_by_hand(
    site: Site, organisation: Organisation, *, fails: bool
) -> None:
    """Each of two has the next one's name by hand: the error says so, and both are as they were."""
    organisation.up("A", "B")
    ids = site.ids
    rename_by_hand(site, "B", "N")
    rename_by_hand(site, "A", "B")
    before = site.ids
    resources = organisation.resources("B", node("N", Key="C"))
    stack = (partial(fail, site) if fails else site.up)(resources)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("somebody gave the name to group" in reason for reason in site.reasons(stack))
    # a tree's reversed Update is about all of its groups, and gives them their own names
    assert site.ids == (ids if organisation.kind is Kind.TREE else before)


# tags that people took --------------------------------------------------------------------------


@worlds(default_rate=None)
def test_a_rollback_does_without_a_group_that_was_taken_away(
    site: Site, organisation: Organisation
) -> None:
    """Somebody took the tags from a group: a rollback lets it be."""
    organisation.up(node("A", "B"), "C")
    site.hire("ada", "A", "B")
    take_away(site, "A")
    site.clock.sleep(1000)
    before = state(site)
    organisation.fail(node("A", "B"), node("C", "D"))
    assert state(site) == before


def test_a_rollback_does_without_names_that_were_taken_away(kind: Kind) -> None:
    """Of two that swap their names one is gone and one taken away: the rollback comes to an end."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up("A", "B")
    delete_by_hand(site, "B")
    taken_away = site.ids["A"]
    take_away(site, "A")
    site.clock.sleep(1000)
    organisation.fail(node("B", Key="A"), node("A", Key="B"))
    assert site.ids["A"] == taken_away
    assert owner(site, "A") is None


def test_groups_may_hang_on_one_that_was_taken_away(kind: Kind) -> None:
    """What is below it keeps its ids, also when that is rolled back."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(node("A", node("B", Tags={"k": "1"})))
    take_away(site, "A")
    hung = {"ParentGroupArn": group_arn(site, "A")}
    site.clock.sleep(1000)
    before, tags = state(site), tags_of(site, "A/B")
    organisation.fail(node("Bee", Key="A/B"), **hung)
    assert state(site) == before
    assert tags_of(site, "A/B")["k"] == tags["k"]
    site.clock.sleep(1000)
    organisation.up(node("Bee", Key="A/B"), **hung)
    assert site.ids == {"A": before[0]["A"], "A/Bee": before[0]["A/B"]}


# names given up on the way ----------------------------------------------------------------------


@pytest.mark.parametrize("seconds", range(20, 60, 4))
def test_who_made_room_in_turn_has_its_name_back(
    site: Site, organisation: Organisation, seconds: int
) -> None:
    """A new group takes the first name of a chain of renames, whose updates never begin."""
    organisation.up(node("W", Key="A"), node("X", Key="B"))
    ids = site.ids
    after = {"DependsOn": ["N"]}
    groups = [node("W", Key="N"), node("X", Key="A", **after), node("Y", Key="B", **after)]
    failing = site.failing_later(seconds)
    stack = site.up({**organisation.resources(*groups), "Failing": failing})
    site.clock.sleep(1000)
    if stack.status != "UPDATE_COMPLETE":
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.ids == ids


@pytest.mark.parametrize("dies_at", [None, *range(44, 64)])
def test_who_stepped_aside_for_a_group_that_is_not_made_comes_back(
    kind: Kind, dies_at: int | None
) -> None:
    """The quota is full, or the function dies each time that it has come so far."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    organisation = Organisation(site, kind)
    organisation.up("A", "B")
    ids = site.ids
    site.connect.settings.group_quota = 2
    if dies_at is not None:
        site.function_faults = FunctionFaults(kills={dies_at + n: True for n in range(3)})
    organisation.refused(node("A", node("B", Key="C")))
    assert site.ids == ids


def test_who_made_room_under_its_new_name_has_its_old_one_back(
    site: Site, organisation: Organisation
) -> None:
    """A move takes the name of a group that is to move itself, and then there is no quota left."""
    below = node("N", Key="D")
    organisation.up(node("P", node("N", below, Key="C")), "Q")
    ids = site.ids
    site.connect.settings.group_quota = len(ids)
    organisation.refused(node("P", node("N", node("Z", Key="C"), Key="D")), "Q")
    assert site.ids == ids


def test_who_takes_its_name_back_gives_none_to_who_had_it(
    site: Site, organisation: Organisation
) -> None:
    """In a rollback a group waits for its name, and its run dies and begins anew meanwhile."""
    organisation.up("A", "B")
    ids = site.ids
    # the rename of one waits for the other, whose reversed Update dies twice and comes late
    for dies_at in range(18, 46, 4):
        site.function_faults = FunctionFaults(kills={dies_at: True, dies_at + 3: True})
        organisation.fail(node("Z", Key="A"), node("A", Key="B"))
        assert site.ids == ids, dies_at
        site.clock.sleep(4000)


# without a rollback -----------------------------------------------------------------------------


def test_what_an_update_without_rollback_gave_up_goes_with_the_next_one(kind: Kind) -> None:
    """Two updates are over at once; who joined the original of the first comes along too."""
    site = unpaced()
    organisation = Organisation(site, kind, "Own")
    parents = {"A": site.group("A"), "B": site.group("B")}
    hung = [{"ParentGroupArn": {"Ref": name}} for name in "AB"]
    up(site, {**organisation.resources("T", "X", "Y", **hung[0]), **parents})
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    moved = organisation.of("T", "Y", **hung[1])
    resources = {**organisation.resources(), **parents, **moved}
    stack = site.up({**resources, "Failing": site.failing(*moved)}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    site.hire("bob", "A", "T")
    site.clock.sleep(1000)
    up(site, {**organisation.resources("T", **hung[1]), **parents})
    assert set(site.ids) == {"A", "B", "B/T"}
    assert site.agents == {"B/T": ("ada", "bob")}
