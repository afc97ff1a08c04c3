"""A rename keeps the id, whatever has the name so far; tags are written in place as well."""

from __future__ import annotations

from collections import Counter
from typing import Any

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.connect import DuplicateScope, FaultKind
from tests.support.deployments import (
    WRITES,
    by_hand,
    group_arn,
    of_world,
    unpaced,
    user_tags,
    worlds,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


def test_a_rename_keeps_the_id(site: Site, organisation: Organisation) -> None:
    """Reports hang on the id."""
    organisation.up(node("A", "B"))
    ids = site.ids
    organisation.up(node("Z", "B", Key="A"))
    assert site.ids == {"Z": ids["A"], "Z/B": ids["A/B"]}


def test_swapped_names_keep_both_ids(site: Site, organisation: Organisation) -> None:
    """Two siblings that change their names with each other wait for neither."""
    organisation.up("A", "B")
    ids = site.ids
    organisation.up(node("B", Key="A"), node("A", Key="B"))
    assert site.ids == {"A": ids["B"], "B": ids["A"]}


@worlds()
def test_rollback_of_swapped_names(site: Site, organisation: Organisation) -> None:
    """A failed swap is swapped back."""
    organisation.up("A", "B")
    ids = site.ids
    organisation.fail(node("B", Key="A"), node("A", Key="B"))
    assert site.ids == ids


def test_rollback_takes_a_name_back_from_a_group_that_goes(
    site: Site, organisation: Organisation
) -> None:
    """A new group has the old name of a renamed one; the rollback meets it before its Delete."""
    organisation.up("A")
    ids = site.ids
    organisation.fail(node("Z", Key="A"), node("A", Key="New", DependsOn=["A"]))
    assert site.ids == ids


def test_a_name_taken_over_from_a_removed_group_comes_back(
    site: Site, organisation: Organisation
) -> None:
    """A is renamed to what B was called, B is removed; a failure gives both their names again."""
    organisation.up("A", "B")
    ids = site.ids
    organisation.fail(node("B", Key="A"))
    assert site.ids == ids
    organisation.up(node("B", Key="A"))
    assert site.ids == {"B": ids["A"]}
    # what was noted down for a rollback is of no harm to a later one
    organisation.fail(node("C", Key="A"))
    assert site.ids == {"B": ids["A"]}


def test_a_new_group_waits_for_a_slow_rename(site: Site, organisation: Organisation) -> None:
    """A new group gets the name of one whose rename is held up for a while; both end right."""
    organisation.up("A")
    ids = site.ids
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.THROTTLE, times=8)
    organisation.up(node("Z", Key="A"), node("A", Key="New"))
    assert site.ids["Z"] == ids["A"]
    assert site.ids["A"] != ids["A"]


def test_what_takes_longer_than_an_hour_is_rolled_back(
    site: Site, organisation: Organisation
) -> None:
    """CloudFormation waits for an hour and no longer; the answer comes before that."""
    organisation.up("A")
    ids = site.ids
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.THROTTLE, times=2000)
    stack = organisation.refused(node("Z", Key="A"))
    assert any("out of time" in reason for reason in site.reasons(stack))
    assert site.ids == ids


def test_what_lists_do_not_show_yet_is_renamed(kind: Kind) -> None:
    """Reads begin to lag right after the group was made."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up("A")
    ids = site.ids
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    organisation.up(node("B", Key="A"))
    assert site.ids == {"B": ids["A"]}


def test_fewest_calls(kind: Kind) -> None:
    """Renames, a swap, a removed division: no write too many."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(*(node(f"D{n}", *"abcdefghi") for n in range(6)), "Z")
    site.clock.sleep(2000)

    def made(*groups: Any) -> Counter[str]:
        before = len(site.connect.calls)
        organisation.up(*groups)
        return Counter(call.api for call in site.connect.calls[before:] if call.api in WRITES)

    rest = [node(f"D{n}", *"abcdefghi") for n in range(1, 6)]
    first = node("E", *"abcdefghi", Key="D0")
    assert made(first, *rest, "Z") == {"UpdateUserHierarchyGroupName": 1}
    swapped = node("Z", *"abcdefghi", Key="D0")
    # a tree knows its own names; a single group learns from a refused call that one is taken
    renames = 3 if kind is Kind.TREE else 4
    assert made(swapped, *rest, node("E", Key="Z")) == {"UpdateUserHierarchyGroupName": renames}
    assert made(*rest, node("E", Key="Z")) == {"DeleteUserHierarchyGroup": 10}


# names that others have -------------------------------------------------------------------------


@worlds()
def test_an_adopted_group_that_leaves_keeps_its_name(
    site: Site, organisation: Organisation, kind: Kind
) -> None:
    """A rename or a move that wants its name is refused, and says why."""
    organisation.up()
    by_hand(site, "A")
    organisation.up(node("A", AdoptExisting=True), "B", node("P", "C"))
    ids = site.ids
    # a tree has the option as a whole, and with the option off the group would be its own
    options = {"AdoptExisting": True} if kind is Kind.TREE else {}
    for renamed in (
        (node("A", Key="B"), node("P", "C")),
        ("B", "P", node("A", Key="P/C")),
    ):
        stack = organisation.refused(*renamed, **options)
        assert any("A" in reason and ids["A"] in reason for reason in site.reasons(stack))
        assert site.ids == ids
        site.clock.sleep(1000)


def test_a_rename_that_is_refused_leaves_the_group_its_name(site: Site, kind: Kind) -> None:
    """An adopted group that leaves the stack has the name, and no rollback comes."""
    organisation = Organisation(site, kind, adopt_levels=True)
    site.write_levels("Division", "Region", "Team")
    by_hand(site, "X")
    organisation.up("A", node("X", Key="O", AdoptExisting=True))
    ids = site.ids
    site.clock.sleep(1000)
    options = {"AdoptExisting": True} if kind is Kind.TREE else {}
    renamed = organisation.resources(node("X", Key="A"), **options)
    stack = site.up(renamed, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    assert any("which was adopted" in reason for reason in site.reasons(stack))
    assert site.ids == ids


def test_a_group_that_leaves_gives_its_name_up_elsewhere_too(kind: Kind) -> None:
    """A new group takes the name of one that goes, and a rollback gives it back."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    organisation = Organisation(site, kind)
    organisation.up("A", "B")
    ids = site.ids
    second = [node("A", node("B", Key="C"))]
    organisation.fail(*second)
    assert site.ids == ids
    organisation.up(*second)
    assert set(site.ids) == {"A", "A/B"}


def test_two_groups_of_one_name_do_not_take_it_from_each_other(kind: Kind) -> None:
    """Where a name can be had once in an instance, the second is an error that names the first."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    organisation = Organisation(site, kind)
    organisation.up("A", "B")
    ids = site.ids
    stack = organisation.refused(node("A", node("B", Key="C")), "B")
    why = {
        Kind.SINGLE: f"taken in the instance by group {ids['B']} (B)",
        Kind.TREE: "this instance takes a name once, and 'B' has it",
    }
    assert any(why[kind] in reason for reason in site.reasons(stack))
    assert site.ids == ids


# tags -------------------------------------------------------------------------------------------


def test_tags_one_two_three(site: Site, organisation: Organisation) -> None:
    """Terraform's acceptance steps: tags are added and changed, and what others set stays."""
    for tags in ({"a": "1"}, {"a": "2", "b": "2"}, {"a": "2", "b": "2", "c": "3"}, {"c": "3"}):
        organisation.up(node("A", Tags=tags))
        assert user_tags(site, "A") == tags
    site.connect.backend.tag_resource(group_arn(site, "A"), {"theirs": "x"})
    organisation.up("A")
    assert user_tags(site, "A") == {"theirs": "x"}
