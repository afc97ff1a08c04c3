"""Changes by hand to names, groups and tags are repaired if possible, or named in an error."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import DuplicateScope
from local_aws.in_process import FunctionFaults
from tests.support.deployments import (
    by_hand,
    delete_by_hand,
    fail,
    of_world,
    rename_by_hand,
    up,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


def test_what_was_deleted_by_hand_is_made_again(site: Site, organisation: Organisation) -> None:
    """The next change of the group recreates it instead of a bare ResourceNotFound."""
    organisation.up("A")
    delete_by_hand(site, "A")
    organisation.up(node("Z", Key="A"))
    assert set(site.ids) == {"Z"}


# names ------------------------------------------------------------------------------------------


def test_a_name_that_was_given_by_hand_is_given_up(site: Site, organisation: Organisation) -> None:
    """A group that an operator has renamed gets its own name back where another wants that one."""
    organisation.up("A")
    ids = site.ids
    rename_by_hand(site, "A", "B")
    organisation.up("A", "B")
    assert set(site.ids) == {"A", "B"}
    assert site.ids["A"] == ids["A"]


def test_a_name_that_was_given_by_hand_is_given_up_elsewhere_too(kind: Kind) -> None:
    """The same if a name can occur once in an instance, and the group is elsewhere."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    organisation = Organisation(site, kind)
    organisation.up("A")
    ids = site.ids
    rename_by_hand(site, "A", "B")
    organisation.up(node("A", "B"))
    assert site.ids["A"] == ids["A"]
    assert set(site.ids) == {"A", "A/B"}


@pytest.mark.parametrize("dies_at", [None, *range(20, 40, 4)])
def test_names_that_were_swapped_by_hand_are_given_up(
    site: Site, organisation: Organisation, dies_at: int | None
) -> None:
    """Each of two has the other's name, and a third one's update wants one of these."""
    organisation.up("A", "B", "C")
    ids = site.ids
    for group_id, name in ((ids["A"], "Z"), (ids["B"], "A"), (ids["A"], "B")):
        site.connect.backend.update_user_hierarchy_group_name(site.instance_id, group_id, name)
    if dies_at is not None:
        site.function_faults = FunctionFaults(kills={dies_at: True})
    organisation.up(node("Z", Key="A"), "B", node("A", Key="C"))
    assert site.ids == {"Z": ids["A"], "B": ids["B"], "A": ids["C"]}


@pytest.mark.parametrize("nth", range(1, 13))
def test_a_run_that_dies_decides_nothing_else_about_names_by_hand(kind: Kind, nth: int) -> None:
    """One group's update wants the name of another, whose own name it has itself."""

    def names_after(kills: dict[int, bool]) -> dict[str, str]:
        site = Site()
        organisation = Organisation(site, kind)
        organisation.up("A", "B")
        names = {group_id: name for name, group_id in site.ids.items()}
        rename_by_hand(site, "B", "C")
        rename_by_hand(site, "A", "B")
        site.clock.sleep(1000)
        site.function_faults = FunctionFaults(kills=kills)
        site.up(organisation.resources(node("C", Key="A"), "B"))
        return {names[group_id]: name for name, group_id in site.ids.items()}

    expected = names_after({})
    assert names_after({nth: False}) == expected
    assert names_after({nth: True}) == expected


@pytest.mark.parametrize("is_renamed", [False, True], ids=["created", "renamed"])
def test_who_has_lost_its_name_keeps_the_one_by_hand(
    site: Site, organisation: Organisation, *, is_renamed: bool
) -> None:
    """A name of a group renamed by hand cannot be had while a stranger has that group's own."""
    organisation.up("A", *(["B"] if is_renamed else []))
    rename_by_hand(site, "A", "N")
    by_hand(site, "A")
    ids = site.ids
    stack = organisation.refused("A", node("N", Key="B"))
    why = {
        Kind.SINGLE: f"somebody gave the name to group {ids['N']} of A, whose own name",
        # it is about all of its groups, and comes to the one that has lost its name first
        Kind.TREE: f"the name is taken in the instance by group {ids['A']} (A)",
    }[organisation.kind]
    assert any(why in reason for reason in site.reasons(stack)), site.reasons(stack)
    assert site.ids == ids


def test_who_has_lost_its_name_below_a_tree_keeps_the_one_by_hand(site: Site, kind: Kind) -> None:
    """As above, where the template tells the parent by a function of CloudFormation."""
    tree, below = Organisation(site, Kind.TREE), Organisation(site, kind, "Below")

    def resources(*groups: Any) -> dict[str, Any]:
        hung = below.of(*groups, ParentGroupArn=tree.arn("P"))
        return {**tree.resources("P", references=["P"]), **hung}

    up(site, resources("A", "B"))
    rename_by_hand(site, "P/A", "N")
    by_hand(site, "A", "P")
    site.clock.sleep(1000)
    ids = site.ids
    stack = site.up(resources("A", node("N", Key="B")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.ids == ids


@pytest.mark.parametrize("sends_reversed", [True, False], ids=["reversed Update", "Delete alone"])
def test_a_rollback_takes_no_name_from_a_group_that_has_lost_its_own(
    kind: Kind, *, sends_reversed: bool
) -> None:
    """No group keeps a temporary name after a rollback, whatever people did before."""
    site = Site(engine_settings=EngineSettings(replaced_get_reversed_update=sends_reversed))
    organisation, other = Organisation(site, kind), Organisation(site, kind, "Other")
    up(site, {**organisation.resources("C"), **other.of("A")})
    delete_by_hand(site, "C")
    rename_by_hand(site, "A", "C")
    by_hand(site, "A")
    ids = site.ids
    site.clock.sleep(1000)
    fail(site, {**organisation.resources(node("B", Key="C")), **other.of("A")})
    assert site.ids.items() >= ids.items()


def test_who_is_about_to_move_makes_room_no_matter_what_has_its_name_here(
    site: Site, organisation: Organisation
) -> None:
    """The holder of a name goes below the group that wants it, under a name that is taken here."""
    organisation.up(node("P", node("G", Key="G"), node("N", Key="H")))
    ids = site.ids
    by_hand(site, "X", "P")
    organisation.up(node("P", node("N", node("X", Key="H"), Key="G")))
    assert site.ids.keys() == {"P", "P/N", "P/N/X", "P/X"}
    assert site.ids["P/N"] == ids["P/G"]
