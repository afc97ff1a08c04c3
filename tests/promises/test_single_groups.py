"""What is about single groups alone: their attributes, and that each knows of itself only."""

from __future__ import annotations

from typing import Any

from connect_hierarchy_lambda.model.arns import GroupArn
from tests.support.deployments import LEVELS, rename_by_hand, up
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site


def test_a_group_is_created_as_the_native_contract_tests_want_it(site: Site) -> None:
    """The ARN has the documented form, the level is "1", and the path is the group alone."""
    stack = up(site, {"Structure": site.structure(*LEVELS), "A": site.group("Acme")})
    resource = stack.resources["A"]
    arn = GroupArn.parse(resource.physical_id)
    assert arn.instance_arn == site.instance_arn
    assert resource.attributes == {
        "HierarchyGroupArn": str(arn),
        "HierarchyGroupId": site.ids["Acme"],
        "LevelId": "1",
        "Path": "Acme",
    }


def test_a_child_knows_its_place(site: Site) -> None:
    """A child's path is its parent and itself, and its level one below."""
    groups = {"A": site.group("A"), "B": site.group("B", "A")}
    stack = up(site, {"Structure": site.structure(*LEVELS), **groups})
    assert stack.resources["B"].attributes["Path"] == "A / B"
    assert stack.resources["B"].attributes["LevelId"] == "2"


def test_names_that_were_passed_on_by_hand_are_told(site: Site) -> None:
    """Each of two has the name of the next: nothing changes, and the error says what to do."""
    organisation = Organisation(site, Kind.SINGLE)
    organisation.up("A", "B")
    ids = site.ids
    rename_by_hand(site, "B", "C")
    rename_by_hand(site, "A", "B")
    before = site.ids
    stack = organisation.refused("A", "B", "C")
    why = f"somebody gave the name to group {ids['B']} of B, whose own name"
    assert any(why in reason for reason in site.reasons(stack)), site.reasons(stack)
    assert site.ids == before


def test_many_single_groups_come_through() -> None:
    """Two hundred at once, each in a run of its own, with the default rates."""
    site = Site()
    resources: dict[str, Any] = {"Structure": site.structure(*LEVELS)}
    for division in range(20):
        resources[f"D{division}"] = site.group(f"D{division}")
        for team in range(9):
            resources[f"D{division}T{team}"] = site.group(f"T{team}", f"D{division}")
    up(site, resources)
    assert len(site.ids) == 200
