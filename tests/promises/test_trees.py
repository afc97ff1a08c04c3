"""What is about a tree alone: it is one resource, and each event is about all of its groups."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.support.deployments import (
    WRITES,
    by_hand,
    cancel,
    delete_by_hand,
    fail,
    group_arn,
    of_world,
    rename_by_hand,
    state,
    tags_of,
    take_away,
    unpaced,
    up,
    user_tags,
    writes,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


@pytest.fixture
def site() -> Site:
    """An instance without a structure, and without a limit to requests."""
    return unpaced()


def with_tree(site: Site, *groups: Any, **options: Any) -> dict[str, Any]:
    """A structure of three levels and a tree."""
    return Organisation(site, Kind.TREE).resources(*groups, **options)


# tags -------------------------------------------------------------------------------------------


def test_tags_of_nodes_reach_what_is_below(site: Site) -> None:
    """Also where a node gets them later, loses them, or stands below another."""

    def own(path: str) -> dict[str, str]:
        return user_tags(site, path)

    below = node("B", "C", Tags={"k": "B"})
    up(site, with_tree(site, node("A", below, Tags={"k": "A", "l": "A"}), "D", Tags={"l": "tree"}))
    assert own("A/B") == own("A/B/C") == {"k": "B", "l": "A"}
    assert own("D") == {"l": "tree"}
    up(site, with_tree(site, node("A", node("B", "C"), Tags={"m": "A"}), "D", Tags={"l": "tree"}))
    assert own("A/B/C") == {"l": "tree", "m": "A"}
    moved = node("C", Key="A/B/C")
    up(site, with_tree(site, node("A", "B", Tags={"m": "A"}), node("D", moved, Tags={"m": "D"})))
    assert own("D/C") == {"m": "D"}
    assert own("A/B") == {"m": "A"}


def test_tags_of_the_tree_and_of_nodes(site: Site) -> None:
    """A node's own win; a change is written, what others set stays."""
    up(site, with_tree(site, node("A", Tags={"own": "1"}), "B", Tags={"own": "0", "all": "1"}))
    assert (tags_of(site, "A")["own"], tags_of(site, "B")["own"]) == ("1", "0")
    site.connect.backend.tag_resource(group_arn(site, "B"), {"theirs": "1", "own2": "x"})
    up(site, with_tree(site, node("A", Tags={"own": "2"}), "B", Tags={"all": "2"}))
    assert user_tags(site, "B") == {"theirs": "1", "own2": "x", "all": "2"}
    assert tags_of(site, "A")["own"] == "2"


# agents -----------------------------------------------------------------------------------------


def test_agents_keep_a_whole_tree_from_being_deleted(site: Site) -> None:
    """The error names them, and nothing is gone."""
    stack = up(site, with_tree(site, node("A", "B"), "C"))
    site.hire("ada", "A", "B")
    before = state(site)
    assert site.down(stack).status == "DELETE_FAILED"
    assert "1 agent(s) are in 'A/B': 'ada'" in site.reasons(stack)[0]
    assert state(site) == before


def test_agents_keep_a_group_by_default(site: Site) -> None:
    """The deployment is refused before the first write."""
    up(site, with_tree(site, node("A", "B"), "C"))
    site.hire("ada", "A", "B")
    count, before = writes(site), state(site)
    stack = site.up(with_tree(site, node("D", Key="C")))
    assert "1 agent(s) are in 'A/B': 'ada'" in site.reasons(stack)[0]
    assert "UpdateUserHierarchyGroupName" not in site.calls(*WRITES)[count:][:1]
    assert state(site) == before


def test_a_policy_above_keeps_agents_from_climbing(site: Site) -> None:
    """The group above goes as well and lets no agents go: the deployment is refused."""
    below = node("B", node("C", AgentsOnDelete="MOVE_TO_PARENT"), AgentsOnDelete="FAIL")
    up(site, with_tree(site, node("A", below)))
    site.hire("ada", "A", "B", "C")
    stack = site.up(with_tree(site, "A"))
    assert site.agents == {"A/B/C": ("ada",)}
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "'B' above goes too and lets no agents go" in site.reasons(stack)[0]
    assert "A/B" in site.ids


# by hand ----------------------------------------------------------------------------------------


def test_what_was_deleted_outside_is_made_anew(site: Site) -> None:
    """At the next change of the tree, and its new id is answered."""
    resources = with_tree(site, node("A", "B"), references=["A/B"])
    up(site, resources)
    gone = site.ids["A/B"]
    delete_by_hand(site, "A/B")
    stack = up(site, with_tree(site, node("A", "B"), "C", references=["A/B"]))
    assert site.ids["A/B"] != gone
    assert list(stack.resources["Tree"].attributes.values()) == [site.ids["A/B"]]


def test_nodes_that_were_deleted_below_an_imported_group_are_made_anew(site: Site) -> None:
    """A rollback repairs them, and the next deployment goes on from there."""
    up(site, with_tree(site))
    hung = {"ParentGroupArn": f"{site.instance_arn}/agent-group/{by_hand(site, 'G')}"}
    up(site, with_tree(site, node("A", "B"), **hung))
    delete_by_hand(site, "G/A/B", "G/A")
    site.clock.sleep(1000)
    fail(site, with_tree(site, node("B", Key="A/B"), **hung))
    up(site, with_tree(site, node("A", "B"), "D", **hung))
    assert set(site.ids) == {"G", "G/A", "G/A/B", "G/D"}


def test_what_is_below_an_adopted_group_is_found_again(site: Site) -> None:
    """Somebody took the tags from a group of the tree: it is adopted, and what is below stays."""
    tree = Organisation(site, Kind.TREE, adopt_levels=True)
    tree.up(node("A", node("B", "C")), AdoptExisting=True)
    site.hire("ada", "A", "B", "C")
    ids = site.ids
    take_away(site, "A")
    site.clock.sleep(1000)
    tree.up(node("A", node("B", "C")), "D", AdoptExisting=True)
    assert {path: site.ids[path] for path in ids} == ids
    assert site.agents == {"A/B/C": ("ada",)}


@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_rollback_leaves_a_name_to_a_stranger_who_has_it_by_now(scope: DuplicateScope) -> None:
    """A node was renamed by hand, and somebody else has its name, maybe elsewhere."""
    site = of_world(scope, ReversedUpdateId.NEW, default_rate=None)
    up(site, with_tree(site, "A", "B"))
    ids = site.ids
    rename_by_hand(site, "A", "Z")
    by_hand(site, "A", *(["B"] if scope is DuplicateScope.INSTANCE else []))
    stack = site.up(with_tree(site, "A", "C"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert (site.ids["Z"], site.ids["B"]) == (ids["A"], ids["B"])


def test_names_that_were_passed_on_by_hand_are_given_back(site: Site) -> None:
    """Each of two has the name of the next: the tree has both, and a third one gets its name."""
    up(site, with_tree(site, "A", "B"))
    ids = site.ids
    rename_by_hand(site, "B", "C")
    rename_by_hand(site, "A", "B")
    up(site, with_tree(site, "A", "B", "C"))
    assert site.ids.keys() == {"A", "B", "C"}
    assert {name: site.ids[name] for name in ids} == ids


# cancelled --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.0, 3.0, 6.0, 10.0])
def test_what_was_found_stays_when_a_creation_is_cancelled(seconds: float) -> None:
    """Without a rollback nothing undoes it but the next deployment, which leaves what was found."""
    site = unpaced(latency=0.3)
    Organisation(site, Kind.TREE).left_behind("A", "B", "C")
    ids = site.ids
    new = [f"N{number}" for number in range(30)]
    failing = {"Late": site.failing_later(seconds)}
    tree = with_tree(site, "A", "B", "C", *new)
    stack = site.up({**tree, **failing}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED", site.reasons(stack)
    site.settle()
    up(site, with_tree(site))
    assert site.ids == ids


def test_the_rollback_of_a_cancelled_update_takes_a_minute_at_most() -> None:
    """The run that was cancelled removes what it made, and does not wait for its rollback."""
    site = Site(connect_settings=ConnectSettings(latency=0.15))
    up(site, with_tree(site, "A"))
    site.clock.sleep(1000)
    grown = with_tree(site, "A", *(f"N{number}" for number in range(60)))
    began = site.clock.now()
    cancel(site, grown, 20.0)
    assert site.clock.now() - began < 20 + 60
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}
