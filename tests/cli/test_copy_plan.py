"""The plan of a copy into another instance, and the reasons that prevent it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from connect_hierarchy_cli.copying.plan import (
    CopyRefusedError,
    Instance,
    NewGroup,
    NewPlace,
    plan_copy,
)
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.ownership import owner_tags

_ARN = "arn:aws:connect:eu-west-2:123456789012:instance/{}"


def _instance(
    name: str,
    levels: str,
    groups: Mapping[str, Mapping[str, str]],
    agents: Mapping[str, str] | None = None,
) -> Instance:
    """An instance with levels joined with commas, groups with tags, and agents, both by path."""
    arn = _ARN.format(name)
    made = []
    for path, tags in groups.items():
        names = path.split("/")
        steps = tuple((f"{name}:{'/'.join(names[: n + 1])}", names[n]) for n in range(len(names)))
        group_id = steps[-1][0]
        made.append(Group(f"{arn}/agent-group/{group_id}", group_id, names[-1], steps, tags))
    users = {
        username: Agent(f"{name}:{username}", username, f"{name}:{path}" if path else None)
        for username, path in (agents or {}).items()
    }
    return Instance(arn, tuple(levels.split(",")) if levels else (), tuple(made), users)


_SOURCE = _instance(
    "source",
    "Division,Region",
    {"Sales": {}, "Support/EMEA": {"cost-center": "42"}, "Support": {}},
    {"ada": "Support/EMEA", "bob": "Sales", "eve": ""},
)


def test_into_an_empty_instance() -> None:
    """Levels and groups are made as they are in the source, parents first."""
    plan = plan_copy(_SOURCE, _instance("target", "", {}), group_quota=500)
    assert (plan.levels_before, plan.levels) == ((), ("Division", "Region"))
    assert plan.groups == (
        NewGroup(("Sales",), {}),
        NewGroup(("Support",), {}),
        NewGroup(("Support", "EMEA"), {"cost-center": "42"}),
    )
    assert plan.missing_agents == ("ada", "bob")


def test_what_is_there_is_kept() -> None:
    """Groups of the same path are kept, and what differs about them is told."""
    target = _instance(
        "target",
        "Division,Region,Desk",
        {"Support": {"owner": "me"}, "Support/EMEA": {"cost-center": "7"}, "Mine": {}},
    )
    plan = plan_copy(_SOURCE, target, group_quota=500)
    assert plan.levels == target.levels
    assert [group.path for group in plan.groups] == [("Sales",)]
    assert plan.kept == (("Support",), ("Support", "EMEA"))
    assert plan.differences == (
        "tags of 'Support' stay: 'owner' is 'me', missing in the source",
        "tags of 'Support / EMEA' stay: 'cost-center' is '7', '42' in the source",
    )


def test_a_copy_of_a_copy_is_nothing() -> None:
    """A copy into an instance that has everything has nothing to do."""
    plan = plan_copy(_SOURCE, _SOURCE, group_quota=3)
    assert plan.is_empty
    assert plan.differences == ()
    assert plan.in_place == 2


def test_owners_are_not_copied() -> None:
    """Tags that say which stack owns a group stay with the source, and are no difference."""
    owned = {**owner_tags("stack/1", "Group"), "aws:cloudformation:stack-name": "x", "mine": "1"}
    source = _instance("source", "Division", {"Support": owned})
    (group,) = plan_copy(source, _instance("target", "", {}), group_quota=1).groups
    assert group.tags == {"mine": "1"}
    copied = _instance("target", "Division", {"Support": {"mine": "1"}})
    assert plan_copy(source, copied, group_quota=1).differences == ()


def test_accents_are_no_difference() -> None:
    """A name with its accents composed is the same as with its accents decomposed."""
    source = _instance("source", "Division", {"Café": {}})
    target = _instance("target", "Division", {"Cafe\u0301": {}})
    assert plan_copy(source, target, group_quota=1).is_empty


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("A,B", "A,C", "level 2 is 'C' in the target and 'B' in the source"),
        ("A,B", "B", "level 1 is 'B' in the target and 'A' in the source"),
        ("A,,C", "A,B,C", "level 2 is 'B' in the target and a gap in the source"),
        ("", "A", "the source has no hierarchy structure"),
    ],
)
def test_levels_that_do_not_match_are_refused(source: str, target: str, why: str) -> None:
    """Different level names are an error, and nothing is copied."""
    with pytest.raises(CopyRefusedError, match=re.escape(why)):
        plan_copy(_instance("s", source, {}), _instance("t", target, {}), group_quota=1)


def test_levels_of_other_names_can_be_kept() -> None:
    """With keep_levels the groups go below the target's levels, and the difference is told."""
    target = _instance("t", "Department", {})
    plan = plan_copy(_SOURCE, target, group_quota=500, keep_levels=True)
    assert plan.levels == ("Department", "Region")
    assert len(plan.groups) == 3
    assert "level 1 is 'Department' in the target" in plan.differences[0]


def test_a_level_is_not_added_twice() -> None:
    """A name that the target has for another level is not added below it."""
    with pytest.raises(CopyRefusedError, match="level 2, 'Region', is to be added to the target"):
        plan_copy(_SOURCE, _instance("t", "Region", {}), group_quota=9, keep_levels=True)


def test_the_quota_is_told_before_the_first_write() -> None:
    """More groups than the target may have are refused, with all numbers."""
    target = _instance("t", "Division", {"Mine": {}})
    with pytest.raises(CopyRefusedError, match=r"has 1 group and would have 4 .* quota is 3"):
        plan_copy(_SOURCE, target, group_quota=3)


def test_agents_go_where_their_names_are() -> None:
    """Users of the target go where those of the same names are; others are told or left."""
    target = _instance(
        "t",
        "Division,Region",
        {"Sales": {}, "Other": {}},
        {"ada": "Other", "eve": "Other", "zoe": "Other"},
    )
    plan = plan_copy(_SOURCE, target, group_quota=500)
    assert plan.agents == (NewPlace(target.agents["ada"], ("Support", "EMEA")),)
    assert plan.missing_agents == ("bob",)
