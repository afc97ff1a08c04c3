"""The natural edit loses nothing in silence: neither a group's id, nor an agent's place, nor tags.

Each promise is tested for a single group and for a tree, where it can concern both.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import IdChange, Phase
from connect_hierarchy_lambda.model.properties import reference_attribute
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings
from tests.support.deployments import (
    LEVELS,
    WRITES,
    by_hand,
    delete_by_hand,
    fail,
    owner,
    state,
    unpaced,
    up,
    user_tags,
)
from tests.support.scenarios import Resources
from tests.support.stacks import Site, node

POLICIES = ("FAIL", "MOVE_TO_PARENT", "UNASSIGN")

Wanted = Callable[..., Resources]


@pytest.fixture
def site() -> Site:
    """An instance without a structure, and without a limit to requests."""
    return unpaced()


def with_levels(site: Site, **others: Any) -> Resources:
    """A structure of three levels and these resources."""
    return {"Structure": site.structure(*LEVELS, AdoptExisting=True), **others}


def with_tree(site: Site, *groups: Any, **properties: Any) -> Resources:
    """A structure of three levels and a tree."""
    return with_levels(site, Tree=site.tree(*groups, **properties))


def one_group(site: Site, kind: str, name: str, **properties: Any) -> Resources:
    """A group at level one, by itself or as the only node of a tree."""
    if kind == "single":
        return with_levels(site, G=site.group(name, **properties))
    tags = {"Tags": properties.pop("Tags")} if "Tags" in properties else {}
    return with_tree(site, node(name, **tags), **properties)


KINDS = pytest.mark.parametrize("kind", ["single", "tree"])


# a node that is renamed without a key -----------------------------------------------------------


def assert_refused(site: Site, resources: Resources, *told: str) -> None:
    """The deployment is refused before anything is written, and everything stays as it is."""
    before, refusals = state(site), len(refusals_of(site))
    apis = (*WRITES, "UpdateUserHierarchyStructure")
    writes = len(site.calls(*apis))
    stack = site.up(resources)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert len(site.calls(*apis)) == writes
    assert state(site) == before
    (refusal, *_) = refusals_of(site)[refusals:]
    assert [part for part in told if part not in refusal] == [], refusal
    assert len(refusal) < 240


def refusals_of(site: Site) -> list[str]:
    """What the handlers answered to CloudFormation where they failed, oldest first."""
    answers = [answer for c in site.custom_resources.conversations.values() for answer in c.answers]
    failed = [answer for answer in map(json.loads, answers) if answer["Status"] == "FAILED"]
    return [answer["Reason"] for answer in failed]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_used_node_that_is_renamed_without_a_key_is_refused(site: Site, policy: str) -> None:
    """With agents in it, whatever becomes of them; the error names both ways."""
    up(site, with_tree(site, "Retail", "Wholesale", AgentsOnDelete=policy))
    site.hire("ada", "Wholesale")
    edited = with_tree(site, "Retail", "Wholesale GB", AgentsOnDelete=policy)
    told = ("if it was renamed, give it key 'Wholesale'", "if not, key 'Wholesale GB'")
    assert_refused(site, edited, *told)


def test_a_used_node_may_leave_beside_one_whose_group_somebody_deleted(site: Site) -> None:
    """That node is not new: its group is created again, and the other one goes by its policy."""
    up(site, with_tree(site, "Retail", "Wholesale", AgentsOnDelete="UNASSIGN"))
    site.hire("ada", "Wholesale")
    delete_by_hand(site, "Retail")
    up(site, with_tree(site, "Retail", AgentsOnDelete="UNASSIGN"))
    assert set(site.ids) == {"Retail"}


def test_a_node_that_takes_a_group_over_replaces_none(site: Site) -> None:
    """A single group comes into the tree without a key, while a group with an agent leaves it."""
    up(site, {**with_tree(site, "Old", AgentsOnDelete="UNASSIGN"), "Single": site.group("New")})
    site.hire("ada", "Old")
    ids = site.ids
    up(site, with_tree(site, "New", AgentsOnDelete="UNASSIGN"))
    assert site.ids == {"New": ids["New"]}


def test_the_old_key_that_the_refusal_names_keeps_the_group(site: Site) -> None:
    """The first of both ways: it keeps its id and its agent."""
    up(site, with_tree(site, "Retail", "Wholesale", AgentsOnDelete="UNASSIGN"))
    site.hire("ada", "Wholesale")
    old_id = site.ids["Wholesale"]
    assert_refused(site, with_tree(site, "Retail", "Wholesale GB", AgentsOnDelete="UNASSIGN"))
    renamed = node("Wholesale GB", Key="Wholesale")
    up(site, with_tree(site, "Retail", renamed, AgentsOnDelete="UNASSIGN"))
    assert site.ids["Wholesale GB"] == old_id
    assert site.agents == {"Wholesale GB": ("ada",)}


@pytest.mark.parametrize("key", [pytest.param("Wholesale GB"), "wholesale-gb"])
def test_the_new_key_that_the_refusal_names_makes_another_group(site: Site, key: str) -> None:
    """The second of both ways, with that key or any other; the policy says where agents go."""
    up(site, with_tree(site, "Retail", "Wholesale", AgentsOnDelete="UNASSIGN"))
    site.hire("ada", "Wholesale")
    old_id = site.ids["Wholesale"]
    another = node("Wholesale GB", Key=key)
    up(site, with_tree(site, "Retail", another, AgentsOnDelete="UNASSIGN"))
    assert set(site.ids) == {"Retail", "Wholesale GB"}
    assert site.ids["Wholesale GB"] != old_id
    assert site.agents == {}


def test_below_another_node_the_keys_are_paths(site: Site) -> None:
    """The key that keeps the group is the path that it had."""
    up(site, with_tree(site, node("Sales", "Retail", "Wholesale")))
    site.hire("ada", "Sales", "Wholesale")
    edited = with_tree(site, node("Sales", "Retail", "Trade"))
    told = ("'Sales/Wholesale'", "key 'Sales/Wholesale'", "key 'Sales/Trade'")
    assert_refused(site, edited, *told)
    renamed = node("Trade", Key="Sales/Wholesale")
    up(site, with_tree(site, node("Sales", "Retail", renamed)))
    assert site.agents == {"Sales/Trade": ("ada",)}


def test_a_node_with_child_groups_that_is_renamed_without_a_key_is_refused(site: Site) -> None:
    """Its children would get other ids, with or without agents in them."""
    up(site, with_tree(site, "Retail", node("Wholesale", "Trade desk")))
    edited = with_tree(site, "Retail", node("Wholesale GB", "Trade desk"))
    assert_refused(site, edited, "key 'Wholesale'", "key 'Wholesale GB'")


def below_a_node(site: Site, key: str) -> Resources:
    """A tree of one node, and a single group below it."""
    group_id = {"Fn::GetAtt": ["Tree", reference_attribute(key_mark(key))]}
    reference = {"Fn::Join": ["/agent-group/", [site.instance_arn, group_id]]}
    tree = site.tree(key, references=[key], AgentsOnDelete="UNASSIGN")
    return with_levels(site, Tree=tree, Desk=site.group("Desk", ParentGroupArn=reference))


def test_a_node_with_a_single_group_below_it_is_refused_too(site: Site) -> None:
    """The child group is another resource's of the stack."""
    up(site, below_a_node(site, "Wholesale"))
    edited = below_a_node(site, "Wholesale GB")
    assert_refused(site, edited, "key 'Wholesale'", "key 'Wholesale GB'")


def test_a_node_with_a_strangers_group_below_it_is_refused_too(site: Site) -> None:
    """Somebody made a child group by hand."""
    up(site, with_tree(site, "Retail", "Wholesale"))
    by_hand(site, "Desk", "Wholesale")
    edited = with_tree(site, "Retail", "Wholesale GB")
    assert_refused(site, edited, "key 'Wholesale'", "key 'Wholesale GB'")


def test_an_empty_node_is_replaced_with_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is in it: the deployment goes on, and the log says what it took it for."""
    up(site, with_tree(site, "Retail", "Wholesale"))
    old_id = site.ids["Wholesale"]
    with caplog.at_level(logging.WARNING):
        up(site, with_tree(site, "Retail", "Wholesale GB"))
    assert set(site.ids) == {"Retail", "Wholesale GB"}
    assert site.ids["Wholesale GB"] != old_id
    warnings = [record.getMessage() for record in caplog.records]
    assert [w for w in warnings if "'Wholesale'" in w and "'Wholesale GB'" in w], warnings


def test_a_used_node_that_is_removed_without_a_new_sibling_goes_by_policy(site: Site) -> None:
    """A new node elsewhere is nothing that it can have been renamed to."""
    start = with_tree(site, node("Sales", "Retail"), "Help", AgentsOnDelete="MOVE_TO_PARENT")
    up(site, start)
    site.hire("ada", "Sales", "Retail")
    edited = with_tree(site, "Sales", node("Help", "Chat"), AgentsOnDelete="MOVE_TO_PARENT")
    up(site, edited)
    assert set(site.ids) == {"Sales", "Help", "Help/Chat"}
    assert site.agents == {"Sales": ("ada",)}


# a removed group that agents keep ---------------------------------------------------------------


@KINDS
def test_a_removed_group_with_agents_is_answered_within_seconds(site: Site, kind: str) -> None:
    """Each try of the clean-up; the group stays, and the construct finds it when it is back."""
    up(site, one_group(site, kind, "A"))
    site.hire("ada", "A")
    ids = site.ids
    site.clock.sleep(1000)
    began = len(site.invocations)
    stack = up(site, with_levels(site))
    deletes = [i for i in site.invocations[began:] if i.event["RequestType"] == "Delete"]
    starts = [invocation.began for invocation in deletes]
    assert len(starts) == EngineSettings().clean_up_tries == len(answered(site))
    for start, end in zip(starts, answered(site), strict=True):
        assert end - start < 30
    assert any("1 agent(s) are in it: 'ada'" in reason for reason in site.reasons(stack))
    assert site.record("A").phase is Phase.LEFT
    assert (site.ids, site.agents) == (ids, {"A": ("ada",)})
    site.clock.sleep(1000)
    up(site, one_group(site, kind, "A"))
    assert site.record("A").phase is Phase.LIVE
    assert (site.ids, site.agents) == (ids, {"A": ("ada",)})


def answered(site: Site) -> list[float]:
    """When a Delete of the stack failed."""
    stack = site.cloudformation.get("site")
    return [event.timestamp for event in stack.events if event.status == "DELETE_FAILED"]


# levels -----------------------------------------------------------------------------------------


def levels_and_group(site: Site, kind: str, *levels: str) -> Resources:
    """These levels and a group."""
    return {**one_group(site, kind, "A"), "Structure": site.structure(*levels)}


@KINDS
def test_a_level_put_above_is_refused_while_there_are_groups(site: Site, kind: str) -> None:
    """Each group would be at another level in an instant; the error says what works."""
    up(site, levels_and_group(site, kind, "Country", "City"))
    edited = levels_and_group(site, kind, "World", "Country", "City")
    assert_refused(site, edited, "'Country'", "'A'", "rename levels one at a time")
    assert list(site.levels) == ["Country", "City"]
    up(site, levels_and_group(site, kind, "Country", "City", "Team"))
    assert site.levels == ("Country", "City", "Team")


def test_a_level_put_between_is_refused_while_there_are_groups_below(site: Site) -> None:
    """Groups at the levels above it are no hindrance."""
    two = {"A": site.group("A"), "B": site.group("B", "A")}
    up(site, {"Structure": site.structure("Country", "City"), **two})
    edited = {"Structure": site.structure("Country", "State", "City"), **two}
    assert_refused(site, edited, "'City'", "'B'")
    one = {"A": two["A"]}
    up(site, {"Structure": site.structure("Country", "City"), **one})
    up(site, {"Structure": site.structure("Country", "State", "City"), **one})
    assert site.levels == ("Country", "State", "City")


@KINDS
def test_a_level_put_above_is_refused_for_groups_that_no_search_shows_yet(kind: str) -> None:
    """The ledger knows of them; one that somebody has deleted is no hindrance."""
    site = Site(connect_settings=ConnectSettings(search_lag=900.0))
    up(site, levels_and_group(site, kind, "Country"))
    edited = levels_and_group(site, kind, "World", "Country")
    assert_refused(site, edited, "'Country'", "'A'")
    delete_by_hand(site, "A")
    up(site, edited)
    assert site.levels == ("World", "Country")


def test_a_level_put_above_is_refused_for_the_groups_of_others(site: Site) -> None:
    """A group that somebody made by hand would change its level as well."""
    up(site, {"Structure": site.structure("Country", "City")})
    by_hand(site, "Theirs")
    assert_refused(site, {"Structure": site.structure("World", "Country", "City")}, "'Theirs'")


def test_a_level_put_above_just_works_without_groups(site: Site) -> None:
    """Also where there were groups once."""
    up(site, levels_and_group(site, "single", "Country", "City"))
    up(site, {"Structure": site.structure("Country", "City")})
    up(site, {"Structure": site.structure("World", "Country", "City")})
    assert site.levels == ("World", "Country", "City")


# agents of nodes that leave ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "agents"),
    [
        ("FAIL", "UNASSIGN", {}),
        ("FAIL", "MOVE_TO_PARENT", {"A": ("ada",)}),
        ("UNASSIGN", "MOVE_TO_PARENT", {"A": ("ada",)}),
        ("MOVE_TO_PARENT", "UNASSIGN", {}),
    ],
)
def test_the_new_policy_of_a_tree_counts_for_what_leaves(
    site: Site, old: str, new: str, agents: Mapping[str, Sequence[str]]
) -> None:
    """It is set in the very deployment that removes the node."""
    up(site, with_tree(site, node("A", "B"), AgentsOnDelete=old))
    site.hire("ada", "A", "B")
    up(site, with_tree(site, "A", AgentsOnDelete=new))
    assert set(site.ids) == {"A"}
    assert site.agents == agents


def test_the_new_policy_of_a_tree_can_keep_what_leaves(site: Site) -> None:
    """FAIL that is set in the deployment that removes the node refuses it."""
    up(site, with_tree(site, node("A", "B"), AgentsOnDelete="UNASSIGN"))
    site.hire("ada", "A", "B")
    assert_refused(site, with_tree(site, "A", AgentsOnDelete="FAIL"), "'ada'", "'A/B'")


@pytest.mark.parametrize(("own", "agents"), [("MOVE_TO_PARENT", {"A": ("ada",)}), ("UNASSIGN", {})])
def test_the_policy_that_a_node_had_of_its_own_counts_more(
    site: Site, own: str, agents: Mapping[str, Sequence[str]]
) -> None:
    """Whatever the tree says when the node leaves."""
    up(site, with_tree(site, node("A", node("B", AgentsOnDelete=own))))
    site.hire("ada", "A", "B")
    other = next(policy for policy in POLICIES[1:] if policy != own)
    up(site, with_tree(site, "A", AgentsOnDelete=other))
    assert set(site.ids) == {"A"}
    assert site.agents == agents


def test_the_policy_that_a_node_had_of_its_own_can_keep_it(site: Site) -> None:
    """FAIL of the node against another policy of the tree."""
    up(site, with_tree(site, node("A", node("B", AgentsOnDelete="FAIL"))))
    site.hire("ada", "A", "B")
    assert_refused(site, with_tree(site, "A", AgentsOnDelete="UNASSIGN"), "'ada'", "'A/B'")


def test_a_single_group_goes_by_what_was_deployed_last(site: Site) -> None:
    """Its properties are gone with it: the policy is set in a deployment before."""
    up(site, with_levels(site, A=site.group("A"), B=site.group("B", "A")))
    site.hire("ada", "A", "B")
    unassigning = site.group("B", "A", AgentsOnDelete="UNASSIGN")
    up(site, with_levels(site, A=site.group("A"), B=unassigning))
    up(site, with_levels(site, A=site.group("A")))
    assert set(site.ids) == {"A"}
    assert site.agents == {}


# tags that adoption overwrote -------------------------------------------------------------------

THEIRS = {"cost-center": "1", "made-by": "hand"}
OURS = {"cost-center": "42", "team": "blue"}


def adopting(site: Site, kind: str, tags: Mapping[str, str]) -> Resources:
    """A group that is adopted and gets these tags."""
    return one_group(site, kind, "A", AdoptExisting=True, Tags=dict(tags))


def tag_by_hand(site: Site, path: str, **tags: str) -> None:
    """Write tags as an operator would."""
    group_arn = f"{site.instance_arn}/agent-group/{site.ids[path]}"
    site.connect.backend.tag_resource(group_arn, tags)


def release(site: Site, how: str) -> None:
    """Let the group go by an update, or with the stack."""
    if how == "by an update":
        up(site, with_levels(site))
    else:
        assert site.down(site.cloudformation.get("site")).status == "DELETE_COMPLETE"


HOW = pytest.mark.parametrize("how", ["by an update", "with the stack"])


@KINDS
@HOW
def test_a_released_group_gets_its_tags_back(site: Site, kind: str, how: str) -> None:
    """Values that adoption overwrote, also after further deployments; tags that it added go."""
    site.write_levels(*LEVELS)
    group_id = by_hand(site, "A", tags=THEIRS)
    up(site, adopting(site, kind, OURS))
    assert user_tags(site, "A") == {**THEIRS, **OURS}
    up(site, adopting(site, kind, {**OURS, "cost-center": "43"}))
    release(site, how)
    assert site.ids == {"A": group_id}
    assert user_tags(site, "A") == THEIRS
    assert set(site.ids) == {"A"}
    assert owner(site, "A") is None


@KINDS
@HOW
def test_tags_that_a_later_deployment_overwrote_come_back_too(
    site: Site, kind: str, how: str
) -> None:
    """The construct got them after the adoption."""
    site.write_levels(*LEVELS)
    by_hand(site, "A", tags=THEIRS)
    up(site, adopting(site, kind, {}))
    assert user_tags(site, "A") == THEIRS
    up(site, adopting(site, kind, OURS))
    release(site, how)
    assert user_tags(site, "A") == THEIRS


@KINDS
@HOW
def test_what_somebody_changed_since_the_adoption_stays(site: Site, kind: str, how: str) -> None:
    """Overwritten tags and added ones alike, and those that are not ours at all."""
    site.write_levels(*LEVELS)
    by_hand(site, "A", tags=THEIRS)
    up(site, adopting(site, kind, OURS))
    later = {"cost-center": "7", "team": "red", "made-by": "somebody else", "floor": "3"}
    tag_by_hand(site, "A", **later)
    release(site, how)
    assert user_tags(site, "A") == later


@KINDS
def test_a_construct_that_loses_a_tag_gives_it_back(site: Site, kind: str) -> None:
    """The group stays adopted: the value from before the adoption is nobody's loss."""
    site.write_levels(*LEVELS)
    by_hand(site, "A", tags=THEIRS)
    up(site, adopting(site, kind, OURS))
    up(site, adopting(site, kind, {"team": "blue"}))
    release(site, "by an update")
    assert user_tags(site, "A") == THEIRS


@KINDS
def test_a_group_that_became_ours_is_deleted_and_gets_nothing_back(site: Site, kind: str) -> None:
    """The option was off in a deployment."""
    site.write_levels(*LEVELS)
    by_hand(site, "A", tags=THEIRS)
    up(site, adopting(site, kind, OURS))
    up(site, one_group(site, kind, "A", Tags=OURS))
    release(site, "by an update")
    assert site.ids == {}


# every change of an id --------------------------------------------------------------------------


def id_changes(site: Site) -> list[IdChange]:
    """Every change of an id that the one ledger has."""
    (ledger,) = site.ledgers.values()
    return ledger.id_changes()


def assert_on_record(site: Site, began: float, before: Mapping[str, str], **paths: str) -> None:
    """Each of these groups, with its path as it is now and its old one, and nothing else."""
    moved = {old: before[old_path] for old, old_path in paths.items()}
    changes = {change.path: change for change in id_changes(site)}
    assert set(changes) == set(moved)
    for path, old_id in moved.items():
        assert changes[path].old_id == old_id
        assert changes[path].new_id in site.ids.values()
        assert changes[path].new_id != old_id
        assert began <= changes[path].at <= site.clock.now()


def test_a_move_of_a_single_group_is_on_record(site: Site) -> None:
    """With what moves below it."""
    fixed = {"A": site.group("A"), "B": site.group("B")}
    below = {"U": site.group("U", "T")}
    up(site, with_levels(site, **fixed, T=site.group("T", "A"), **below))
    before, began = site.ids, site.clock.now()
    up(site, with_levels(site, **fixed, T=site.group("T", "B"), **below))
    assert set(site.ids) == {"A", "B", "B/T", "B/T/U"}
    assert_on_record(site, began, before, T="A/T", U="A/T/U")
    by_path = {change.path: change for change in id_changes(site)}
    assert by_path["T"].new_id == site.ids["B/T"]
    assert (by_path["T"].resource, by_path["U"].resource) == ("T", "U")


def test_a_move_in_a_tree_is_on_record(site: Site) -> None:
    """With what moves below it, and the keys."""
    up(site, with_tree(site, node("A", node("T", "U")), "B"))
    before, began = site.ids, site.clock.now()
    moved = node("T", node("U", Key="A/T/U"), Key="A/T")
    up(site, with_tree(site, "A", node("B", moved)))
    changes = {change.key: change for change in id_changes(site)}
    assert set(changes) == {"A/T", "A/T/U"}
    for key, path in (("A/T", "B/T"), ("A/T/U", "B/T/U")):
        change = changes[key]
        assert (change.old_id, change.new_id) == (before[key], site.ids[path])
        assert change.path == path.replace("/", " / ")
        assert change.resource == "Tree"
        assert began <= change.at <= site.clock.now()


@KINDS
def test_what_was_deleted_by_hand_and_is_made_anew_is_on_record(site: Site, kind: str) -> None:
    """Its id is another one, whatever the reason is."""
    up(site, one_group(site, kind, "A"))
    before, began = site.ids, site.clock.now()
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, before["A"])
    up(site, one_group(site, kind, "A", Tags={"k": "1"}))
    assert site.ids["A"] != before["A"]
    assert_on_record(site, began, before, A="A")


@KINDS
def test_renames_and_new_groups_are_no_changes_of_ids(site: Site, kind: str) -> None:
    """A report that joins on ids needs nothing for these."""
    up(site, one_group(site, kind, "A"))
    renamed = one_group(site, "single", "Z")
    if kind == "tree":
        renamed = with_tree(site, node("Z", Key="A"), "New")
    up(site, renamed)
    assert id_changes(site) == []


@KINDS
def test_after_a_rollback_the_record_leads_to_the_old_id(site: Site, kind: str) -> None:
    """A move that was taken back is no change, or is there twice: there and back."""
    if kind == "single":
        fixed = {"A": site.group("A"), "B": site.group("B")}
        start = with_levels(site, **fixed, T=site.group("T", "A"))
        moved = with_levels(site, **fixed, T=site.group("T", "B"))
    else:
        start = with_tree(site, node("A", "T"), "B")
        moved = with_tree(site, "A", node("B", node("T", Key="A/T")))
    up(site, start)
    before = site.ids
    fail(site, moved)
    assert site.ids == before
    current = before["A/T"]
    for change in id_changes(site):
        if change.old_id == current:
            current = change.new_id
    assert current == before["A/T"]


def test_changes_of_ids_stay_on_record(site: Site) -> None:
    """While the stack lives: the oldest change comes first, and leads to today's id."""
    fixed = {"A": site.group("A"), "B": site.group("B")}
    up(site, with_levels(site, **fixed, T=site.group("T", "A")))
    current = site.ids["A/T"]
    for parent in "BAB":
        site.clock.sleep(1000)
        up(site, with_levels(site, **fixed, T=site.group("T", parent)))
    changes = id_changes(site)
    assert len(changes) == 3
    assert [change.at for change in changes] == sorted(change.at for change in changes)
    for change in changes:
        assert change.old_id == current
        current = change.new_id
    assert current == site.ids["B/T"]


# one history, played as a single group and as a tree ----------------------------------------------


@KINDS
def test_a_group_that_became_ours_is_deleted_whatever_came_after(site: Site, kind: str) -> None:
    """Adoption on, off, on again, then a deployment that fails, then the group is removed."""
    site.write_levels(*LEVELS)
    group_id = by_hand(site, "A", tags=THEIRS)
    for adopts in (True, False, True):
        up(site, one_group(site, kind, "A", AdoptExisting=adopts))
        assert site.ids == {"A": group_id}
        site.clock.sleep(1000)
    fail(site, one_group(site, kind, "A", AdoptExisting=True, Tags={"k": "1"}))
    assert site.ids == {"A": group_id}
    up(site, with_levels(site))
    assert site.ids == {}


def _with_newcomer(site: Site, kind: str) -> tuple[Resources, Resources]:
    """A and B with T below A; then T below B, and a newcomer of its name at its old place."""
    if kind == "single":
        fixed = {"A": site.group("A"), "B": site.group("B")}
        return (
            with_levels(site, **fixed, T=site.group("T", "A")),
            with_levels(site, **fixed, T=site.group("T", "B"), N=site.group("T", "A")),
        )
    newcomer, moved = node("T", Key="newcomer"), node("T", Key="A/T")
    return (
        with_tree(site, node("A", "T"), "B"),
        with_tree(site, node("A", newcomer), node("B", moved)),
    )


@KINDS
@pytest.mark.parametrize("search_lag", [0.0, 200.0])
def test_who_comes_to_the_place_of_a_moved_group_gets_a_new_one(
    kind: str, search_lag: float
) -> None:
    """Not the original, with its history and those who join late; these follow the move."""
    site = Site(connect_settings=ConnectSettings(default_rate=None, search_lag=search_lag))
    start, changed = _with_newcomer(site, kind)
    up(site, start)
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    original = site.ids["A/T"]
    up(site, changed)
    assert set(site.ids) == {"A", "B", "A/T", "B/T"}
    assert original not in site.ids.values()
    assert site.agents == {"B/T": ("ada",)}
    (change,) = id_changes(site)
    assert (change.old_id, change.new_id) == (original, site.ids["B/T"])


@KINDS
def test_who_comes_to_the_place_of_a_moved_group_goes_in_a_rollback(site: Site, kind: str) -> None:
    """The original is back at its place, with its agent, and nothing is left of the other."""
    start, changed = _with_newcomer(site, kind)
    up(site, start)
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    before = state(site)
    fail(site, changed)
    assert state(site) == before
