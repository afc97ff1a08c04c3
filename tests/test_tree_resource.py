"""`Custom::ConnectHierarchyTree`, deployed in virtual time with the real handlers."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Origin, Phase
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults, FunctionSettings
from tests.support.stacks import Site, node

LEVELS = ("Division", "Region", "Team")
OWN_PREFIX = "connect-hierarchy:"
WRITES = (
    "CreateUserHierarchyGroup",
    "UpdateUserHierarchyGroupName",
    "DeleteUserHierarchyGroup",
    "TagResource",
    "UntagResource",
    "UpdateUserHierarchy",
)

WORLDS = [
    pytest.param(scope, reversed_id, id=f"{scope.value}-{reversed_id.value}")
    for scope in DuplicateScope
    for reversed_id in ReversedUpdateId
]


def unpaced(**settings: Any) -> Site:
    """A site whose Connect takes any number of requests."""
    return Site(connect_settings=ConnectSettings(default_rate=None, **settings))


@pytest.fixture
def site() -> Site:
    """An instance without a structure, and without a limit to requests."""
    return unpaced()


def of_world(scope: DuplicateScope, reversed_id: ReversedUpdateId) -> Site:
    """A site with these switches."""
    return Site(
        connect_settings=ConnectSettings(default_rate=None, duplicate_scope=scope),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )


def with_tree(site: Site, *groups: Any, **options: Any) -> dict[str, Any]:
    """A structure of three levels and a tree."""
    return {"Structure": site.structure(*LEVELS), "Tree": site.tree(*groups, **options)}


def up(site: Site, resources: dict[str, Any]) -> Stack:
    """Deploy, which has to go well."""
    stack = site.up(resources)
    assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, site.reasons(stack)
    return stack


def fail(site: Site, resources: dict[str, Any]) -> Stack:
    """Deploy with something that fails after all else."""
    after = [name for name in resources if name != "Structure"]
    stack = site.up({**resources, "Failing": site.failing(*after)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    return stack


def tags_of(site: Site, path: str) -> dict[str, str]:
    """All tags of a group."""
    group = site.connect.backend.hierarchy(site.instance_id).by_path[tuple(path.split("/"))]
    return dict(group.tags)


def state(site: Site) -> tuple[Any, ...]:
    """Everything that a rollback has to bring back."""
    return site.ids, site.agents, {path: owner(site, path) for path in site.ids}


def take_away(site: Site, path: str) -> None:
    """Remove our tags from a group, as an operator could."""
    ours = [key for key in tags_of(site, path) if key.startswith(OWN_PREFIX)]
    group_arn = f"{site.instance_arn}/agent-group/{site.ids[path]}"
    site.connect.backend.untag_resource(group_arn, ours)


def phase(site: Site, path: str) -> Phase:
    """What its owner does with a group."""
    return site.record(path).phase


def owner(site: Site, path: str) -> str | None:
    """The logical id of the resource that owns a group."""
    return tags_of(site, path).get(f"{OWN_PREFIX}resource")


def by_hand(site: Site, name: str, *above: str, tags: dict[str, str] | None = None) -> str:
    """Make a group as an operator would; its id."""
    backend = site.connect.backend
    parent = backend.hierarchy(site.instance_id).by_path[above].id if above else None
    return backend.create_user_hierarchy_group(site.instance_id, name, parent, tags).id


def deliver_again(site: Site, request_type: str, logical_id: str = "Tree") -> None:
    """Let Lambda deliver the last event of a kind once more, and wait till it is served."""
    events = [i.event for i in site.invocations if i.event["LogicalResourceId"] == logical_id]
    event = [event for event in events if event["RequestType"] == request_type][-1]
    site._invoke_async(site.function_arn, dict(event))
    site.clock.sleep(1000)


def writes(site: Site) -> int:
    """How many calls that change something were made so far."""
    return len(site.calls(*WRITES))


# create and delete ------------------------------------------------------------------------------


def test_create_and_delete(site: Site) -> None:
    """Groups bear who owns them, the key as a hash; all go with the stack."""
    stack = up(site, with_tree(site, node("A", node("B", "C"), Tags={"k": "v"}), "D"))
    assert set(site.ids) == {"A", "A/B", "A/B/C", "D"}
    tags = tags_of(site, "A")
    assert tags["k"] == "v"
    assert tags[f"{OWN_PREFIX}resource"] == "Tree"
    assert len(tags[f"{OWN_PREFIX}key"]) == 16
    assert site.calls(*WRITES) == ["CreateUserHierarchyGroup"] * 4
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}
    assert Counter(site.calls(*WRITES)) == {
        "CreateUserHierarchyGroup": 4,
        "DeleteUserHierarchyGroup": 4,
    }


def test_tags_of_nodes_reach_what_is_below(site: Site) -> None:
    """Also where a node gets them later, loses them, or stands below another."""

    def own(path: str) -> dict[str, str]:
        return {k: v for k, v in tags_of(site, path).items() if not k.startswith(OWN_PREFIX)}

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
    arn = f"{site.instance_arn}/agent-group/{site.ids['B']}"
    site.connect.backend.tag_resource(arn, {"theirs": "1", "own2": "x"})
    up(site, with_tree(site, node("A", Tags={"own": "2"}), "B", Tags={"all": "2"}))
    tags = {k: v for k, v in tags_of(site, "B").items() if not k.startswith(OWN_PREFIX)}
    assert tags == {"theirs": "1", "own2": "x", "all": "2"}
    assert tags_of(site, "A")["own"] == "2"


def test_the_same_event_again_changes_nothing(site: Site) -> None:
    """Create, Update and both kinds of Delete, delivered once more by Lambda."""
    up(site, with_tree(site, node("A", "B"), "C"))
    before, count = state(site), writes(site)
    deliver_again(site, "Create")
    assert (state(site), writes(site)) == (before, count)
    stack = up(site, with_tree(site, "A", node("C", node("B", Key="A/B"))))
    before, count = state(site), writes(site)
    deliver_again(site, "Update")
    deliver_again(site, "Delete")
    assert state(site) == before
    site.down(stack)
    count = writes(site)
    deliver_again(site, "Delete")
    assert (site.ids, writes(site)) == ({}, count)


def test_a_clean_up_that_comes_late_takes_nothing_from_the_next_update(site: Site) -> None:
    """What a later generation gave up is for its own clean-up, which may never come."""
    up(site, with_tree(site, "A", "B", "C"))
    up(site, with_tree(site, "A", "B"))
    late = next(i.event for i in site.invocations if i.event["RequestType"] == "Delete")
    before = state(site)
    site._invoke_async(site.function_arn, dict(late))
    site.clock.sleep(600)
    assert state(site) == before


def test_a_create_that_fails_part_way_leaves_nothing(site: Site) -> None:
    """The quota is met in the middle: what was made goes in the rollback."""
    site.connect.settings.group_quota = 2
    stack = site.up(with_tree(site, "A", "B", "C"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "quota" in site.reasons(stack)[0]
    assert site.ids == {}


@pytest.mark.parametrize("seconds", [0.5, 3.0, 20.0, 60.0])
def test_a_create_that_is_cancelled_leaves_nothing(seconds: float) -> None:
    """Its Delete has an id that CloudFormation made up, and meets it at work."""
    site = Site()
    names = [f"N{number}" for number in range(60)]
    resources = with_tree(site, *names)
    stack = site.up({**resources, "Later": site.failing_later(seconds)})
    assert stack.status == "ROLLBACK_COMPLETE"
    site.clock.sleep(3000)
    assert site.ids == {}


@pytest.mark.parametrize("seconds", [0.5, 3.0, 10.0, 20.0])
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_an_update_that_is_cancelled_changes_nothing(
    seconds: float, reversed_id: ReversedUpdateId
) -> None:
    """The reversed Update meets it at work; the one that comes last puts things right."""
    site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
    old = [node(f"D{number}", "X", "Y") for number in range(10)]
    up(site, with_tree(site, *old))
    for number in range(10):
        site.hire(f"agent{number}", f"D{number}", "X")
    site.clock.sleep(1000)
    before = state(site)
    new = [node(f"E{n}", "Y", "New", Key=f"D{n}") for n in range(9)]
    moved = [node(f"X{n}", Key=f"D{n}/X") for n in range(10)]
    resources = with_tree(site, *new, node("D9", "Y", *moved))
    stack = site.up({**resources, "Later": site.failing_later(seconds)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    site.clock.sleep(3000)
    assert state(site) == before


def test_agents_keep_a_whole_tree_from_being_deleted(site: Site) -> None:
    """The error names them, and nothing is gone."""
    stack = up(site, with_tree(site, node("A", "B"), "C"))
    site.hire("ada", "A", "B")
    before = state(site)
    assert site.down(stack).status == "DELETE_FAILED"
    assert "1 agent(s) are in 'A/B': 'ada'" in site.reasons(stack)[0]
    assert state(site) == before


def test_what_lists_do_not_show_yet_is_deleted() -> None:
    """Reads begin to lag right after the tree was made: nothing of it is left."""
    site = unpaced()
    stack = up(site, with_tree(site, node("A", "B"), "C"))
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}


def test_what_lists_do_not_show_yet_is_given_up() -> None:
    """The same where an update wants none of the groups any more."""
    site = unpaced()
    up(site, with_tree(site, node("A", "B"), "C"))
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    up(site, with_tree(site, node("D", Key="D of its own")))
    assert set(site.ids) == {"D"}


def test_what_lists_do_not_show_yet_is_renamed() -> None:
    """The same where the update gives the only group another name."""
    site = unpaced()
    up(site, with_tree(site, "A"))
    ids = site.ids
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    up(site, with_tree(site, node("B", Key="A")))
    assert site.ids == {"B": ids["A"]}


# updates ----------------------------------------------------------------------------------------


def test_no_change_makes_no_write(site: Site) -> None:
    """Only the timeout differs: nothing is written."""
    resources = with_tree(site, node("A", "B"), "C")
    up(site, resources)
    count = writes(site)
    resources["Tree"]["Properties"]["ServiceTimeout"] = 3000
    up(site, resources)
    assert writes(site) == count


def test_fewest_calls(site: Site) -> None:
    """Renames, a swap, a removed division: no write too many."""
    up(site, with_tree(site, *(node(f"D{n}", *"abcdefghi") for n in range(6)), "Z"))
    site.clock.sleep(2000)

    def made(*groups: Any) -> Counter[str]:
        before = len(site.connect.calls)
        up(site, with_tree(site, *groups))
        return Counter(call.api for call in site.connect.calls[before:] if call.api in WRITES)

    rest = [node(f"D{n}", *"abcdefghi") for n in range(1, 6)]
    first = node("E", *"abcdefghi", Key="D0")
    assert made(first, *rest, "Z") == {"UpdateUserHierarchyGroupName": 1}
    swapped = node("Z", *"abcdefghi", Key="D0")
    assert made(swapped, *rest, node("E", Key="Z")) == {"UpdateUserHierarchyGroupName": 3}
    assert made(*rest, node("E", Key="Z")) == {"DeleteUserHierarchyGroup": 10}


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_a_tree_follows_its_parent(scope: DuplicateScope, reversed_id: ReversedUpdateId) -> None:
    """The single group that it hangs on moves: everything below is made anew, with its agents."""
    site = of_world(scope, reversed_id)

    def resources(parent: str) -> dict[str, Any]:
        return {
            "Structure": site.structure("L1", "L2", "L3", "L4"),
            "P": site.group("P"),
            "Q": site.group("Q"),
            "G": site.group("G", parent),
            "Tree": site.tree(node("A", "B"), parent="G"),
        }

    up(site, resources("P"))
    site.hire("ada", "P", "G", "A", "B")
    before = state(site)
    fail(site, resources("Q"))
    assert state(site) == before
    up(site, resources("Q"))
    assert set(site.ids) == {"P", "Q", "Q/G", "Q/G/A", "Q/G/A/B"}
    assert site.agents == {"Q/G/A/B": ("ada",)}


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_single_groups_below_a_tree_follow_it(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A group that hangs on a moved group of a tree moves as well."""
    site = of_world(scope, reversed_id)

    def resources(*groups: Any, key: str) -> dict[str, Any]:
        tree = site.tree(*groups, references=[key])
        attribute = "Id" + tree["Properties"]["References"][0][0]
        parent = {
            "Fn::Join": ["/agent-group/", [site.instance_arn, {"Fn::GetAtt": ["Tree", attribute]}]]
        }
        return {
            "Structure": site.structure(*LEVELS),
            "Tree": tree,
            "G": site.group("G", ParentGroupArn=parent),
        }

    up(site, resources(node("A", "T"), "B", key="A/T"))
    site.hire("ada", "A", "T", "G")
    before = state(site)
    moved = resources("A", node("B", node("T", Key="A/T")), key="A/T")
    fail(site, moved)
    assert state(site) == before
    up(site, moved)
    assert set(site.ids) == {"A", "B", "B/T", "B/T/G"}
    assert site.agents == {"B/T/G": ("ada",)}


def test_another_instance_is_another_tree(site: Site) -> None:
    """Everything is made there, and goes here; a rollback keeps what is here."""
    up(site, with_tree(site, node("A", "B")))
    before = state(site)
    other = site.new_instance()
    here = site.instance_arn
    site.instance_arn = other
    site.write_levels(*LEVELS)
    site.instance_arn = here
    resources = with_tree(site, node("A", "B"), InstanceArn=other)
    fail(site, resources)
    assert state(site) == before
    site.instance_arn = other
    assert site.ids == {}
    site.instance_arn = here
    up(site, resources)
    assert site.ids == {}
    site.instance_arn = other
    assert set(site.ids) == {"A", "A/B"}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_what_a_run_has_made_on_another_instance_goes(reversed_id: ReversedUpdateId) -> None:
    """It was killed, and the deployment failed before it was run once more."""
    site = of_world(DuplicateScope.SIBLINGS, reversed_id)
    up(site, with_tree(site, node("A", "B")))
    before, here, other = state(site), site.instance_arn, site.new_instance()
    site.instance_arn = other
    site.write_levels(*LEVELS)
    site.instance_arn = here
    resources = with_tree(site, node("A", "B"), InstanceArn=other)
    site.function_faults = FunctionFaults({8: True})
    stack = site.up({**resources, "Later": site.failing_later(20)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "killed" in {invocation.outcome for invocation in site.invocations}
    assert state(site) == before
    site.instance_arn = other
    assert site.ids == {}


def test_what_was_deleted_outside_is_made_anew(site: Site) -> None:
    """At the next change of the tree, and its new id is answered."""
    resources = with_tree(site, node("A", "B"), references=["A/B"])
    up(site, resources)
    backend = site.connect.backend
    gone = site.ids["A/B"]
    backend.delete_user_hierarchy_group(site.instance_id, gone)
    stack = up(site, with_tree(site, node("A", "B"), "C", references=["A/B"]))
    assert site.ids["A/B"] != gone
    assert list(stack.resources["Tree"].attributes.values()) == [site.ids["A/B"]]


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_a_rollback_does_without_a_group_that_was_taken_away(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """Somebody took the tags from a group: an update refuses it, a rollback lets it be."""
    site = of_world(scope, reversed_id)
    up(site, with_tree(site, node("A", "B"), "C"))
    site.hire("ada", "A", "B")
    take_away(site, "A")
    site.clock.sleep(1000)
    before = state(site)
    fail(site, with_tree(site, node("A", "B"), node("C", "D")))
    assert state(site) == before


@pytest.mark.parametrize("kind", ["single", "tree"])
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_what_was_made_the_stacks_own_stays_so_in_a_later_rollback(
    kind: str, reversed_id: ReversedUpdateId
) -> None:
    """An adopted group, for which the option was set to False: it is deleted when it leaves."""
    site = of_world(DuplicateScope.SIBLINGS, reversed_id)
    structure = {"Structure": site.structure(*LEVELS)}
    site.up(structure)
    by_hand(site, "A")

    def resources(**options: Any) -> dict[str, Any]:
        one = site.group("A", **options) if kind == "single" else site.tree("A", **options)
        return {**structure, "One": one}

    up(site, resources(AdoptExisting=True))
    up(site, resources())
    site.clock.sleep(1000)
    fail(site, resources(Tags={"k": "1"}))
    assert site.record("A").origin == Origin.MADE
    fail(site, resources(AdoptExisting=True))
    site.up(structure)
    assert site.ids == {}


def test_a_tree_may_hang_on_a_group_that_was_taken_away(site: Site) -> None:
    """What is below it keeps its ids, also when that is rolled back."""
    up(site, with_tree(site, node("A", node("B", Tags={"k": "1"}))))
    take_away(site, "A")
    parent_arn = f"{site.instance_arn}/agent-group/{site.ids['A']}"
    site.clock.sleep(1000)
    before, tags = state(site), tags_of(site, "A/B")
    hung = site.tree(node("Bee", Key="A/B"), ParentGroupArn=parent_arn)
    fail(site, {"Structure": site.structure(*LEVELS), "Tree": hung})
    assert state(site) == before
    assert tags_of(site, "A/B")["k"] == tags["k"]
    site.clock.sleep(1000)
    up(site, {"Structure": site.structure(*LEVELS), "Tree": hung})
    assert site.ids == {"A": before[0]["A"], "A/Bee": before[0]["A/B"]}


@pytest.mark.parametrize("first", ["Single", "Tree", ""])
def test_a_node_that_passes_below_an_imported_group_comes_back(site: Site, first: str) -> None:
    """The group that the tree hangs on is nobody's of the stack, and stands for no node."""
    site.up({"Structure": site.structure(*LEVELS)})
    parent_arn = f"{site.instance_arn}/agent-group/{by_hand(site, 'G')}"
    hung = {"ParentGroupArn": parent_arn}
    up(site, with_tree(site, node("A", "B"), **hung))
    site.hire("ada", "G", "A", "B")
    site.clock.sleep(1000)
    before = state(site)
    resources = with_tree(site, node("B", Key="A/B"), **hung)
    resources["Single"] = site.group("A", **hung)
    for name in {"Single", "Tree"} - {first} if first else ():
        resources[name]["DependsOn"] = [first]
    fail(site, resources)
    assert state(site) == before


def test_nodes_that_were_deleted_below_an_imported_group_are_made_anew(site: Site) -> None:
    """A rollback repairs them, and the next deployment goes on from there."""
    site.up({"Structure": site.structure(*LEVELS)})
    hung = {"ParentGroupArn": f"{site.instance_arn}/agent-group/{by_hand(site, 'G')}"}
    up(site, with_tree(site, node("A", "B"), **hung))
    for path in ("G/A/B", "G/A"):
        site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids[path])
    site.clock.sleep(1000)
    fail(site, with_tree(site, node("B", Key="A/B"), **hung))
    up(site, with_tree(site, node("A", "B"), "D", **hung))
    assert set(site.ids) == {"G", "G/A", "G/A/B", "G/D"}


def test_a_rollback_does_without_a_name_that_was_changed_by_hand(site: Site) -> None:
    """Somebody renamed a group and gave its name to another one: a rollback keeps that."""
    up(site, with_tree(site, node("A", "B"), "C"))
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, site.ids["A"], "Z")
    by_hand(site, "A")
    site.clock.sleep(1000)
    before = state(site)
    fail(site, with_tree(site, node("A", "B"), node("C", "D")))
    assert state(site) == before


def test_a_rollback_does_without_names_that_were_taken_away(site: Site) -> None:
    """Of two that swap their names one is gone and one taken away: the rollback comes to an end."""
    up(site, with_tree(site, "A", "B"))
    backend = site.connect.backend
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["B"])
    taken_away = site.ids["A"]
    take_away(site, "A")
    site.clock.sleep(1000)
    fail(site, with_tree(site, node("B", Key="A"), node("A", Key="B")))
    assert site.ids["A"] == taken_away
    assert owner(site, "A") is None


def test_strangers_below_a_moved_group_stop_the_move(site: Site) -> None:
    """Before anything is made."""
    up(site, with_tree(site, node("A", "T"), "B"))
    by_hand(site, "Theirs", "A", "T")
    creations = site.calls("CreateUserHierarchyGroup")
    before = state(site)
    stack = site.up(with_tree(site, "A", node("B", node("T", Key="A/T"))))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "child groups that are not of this stack: 'Theirs'" in site.reasons(stack)[0]
    assert site.calls("CreateUserHierarchyGroup") == creations
    assert state(site) == before


def test_a_strangers_child_that_is_gone_does_not_stop_the_move(site: Site) -> None:
    """A search shows it for a while."""
    up(site, with_tree(site, node("A", "T"), "B"))
    child_id = by_hand(site, "Theirs", "A", "T")
    site.clock.sleep(1000)
    site.connect.settings.search_lag = 100.0
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, child_id)
    up(site, with_tree(site, "A", node("B", node("T", Key="A/T"))))
    assert set(site.ids) == {"A", "B", "B/T"}


# agents -----------------------------------------------------------------------------------------


def test_agents_keep_a_group_by_default(site: Site) -> None:
    """The deployment is refused before the first write."""
    up(site, with_tree(site, node("A", "B"), "C"))
    site.hire("ada", "A", "B")
    count, before = writes(site), state(site)
    stack = site.up(with_tree(site, node("D", Key="C")))
    assert "1 agent(s) are in 'A/B': 'ada'" in site.reasons(stack)[0]
    assert "UpdateUserHierarchyGroupName" not in site.calls(*WRITES)[count:][:1]
    assert state(site) == before


@pytest.mark.parametrize(
    ("policies", "agents"),
    [
        (("FAIL", "UNASSIGN", "MOVE_TO_PARENT"), None),
        (("UNASSIGN", "MOVE_TO_PARENT"), {}),
        (("MOVE_TO_PARENT", "MOVE_TO_PARENT"), {"A": ("ada",)}),
        (("MOVE_TO_PARENT", "UNASSIGN"), {}),
    ],
)
def test_policies_of_nodes(
    site: Site, policies: tuple[str, ...], agents: dict[str, tuple[str, ...]] | None
) -> None:
    """Agents go where their node says, and from there where that one says if it goes as well."""
    if agents is None:
        policies, agents = ("FAIL", "MOVE_TO_PARENT"), {"A/B/C": ("ada",)}
    upper, lower = policies
    below = node("B", node("C", AgentsOnDelete=lower), AgentsOnDelete=upper)
    up(site, with_tree(site, node("A", below)))
    site.hire("ada", "A", "B", "C")
    stack = site.up(with_tree(site, "A"))
    assert site.agents == agents
    refused = bool(agents) and "A" not in agents
    assert (stack.status == "UPDATE_ROLLBACK_COMPLETE") == refused
    assert ("A/B" in site.ids) == refused


def test_what_no_search_shows_for_minutes_is_removed_all_the_same() -> None:
    """What a tree has given up bears a tag, and nobody comes after its clean-up."""
    site = unpaced()
    up(site, with_tree(site, node("A", node("B", "C"))))
    site.clock.sleep(2000)
    site.connect.settings.search_lag = 1000.0
    up(site, with_tree(site, node("A", node("C", "B", Key="A/B/C"))))
    assert set(site.ids) == {"A", "A/C", "A/C/B"}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_rollback_takes_nothing_from_who_adopted_it(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A group was deleted by hand, and a new construct adopted another one in its place."""
    site = of_world(scope, reversed_id)
    up(site, with_tree(site, "A", "C"))
    backend = site.connect.backend
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    backend.create_user_hierarchy_group(site.instance_id, "A")
    by_hand = site.ids["A"]
    adopting = site.group("A", AdoptExisting=True)
    fail(site, {**with_tree(site, node("Z", Key="A"), "C"), "B": adopting})
    assert site.ids["A"] == by_hand
    assert tags_of(site, "A") == {}


def test_a_clean_up_goes_on_in_further_runs() -> None:
    """What it has removed is not waited for in the next run of the same request."""
    site = Site(function_settings=FunctionSettings(timeout=200.0))
    up(site, with_tree(site, *big(400)))
    site.clock.sleep(2000)
    up(site, with_tree(site, *big(60)))
    assert len(site.ids) == 60
    runs = [i for i in site.invocations if i.event["RequestType"] == "Delete"]
    assert 1 < len(runs) < 4


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 10])
def test_what_a_cancelled_run_made_is_removed_though_it_does_not_show(seconds: float) -> None:
    """Reads lag for long, and so does what finds the groups to delete."""
    site = Site()
    first = with_tree(site, "A", "B")
    up(site, first)
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    new = {"New": site.tree(*(f"N{number}" for number in range(20)))}
    grown = {"Tree": site.tree(node("A", "C", "D"), node("E", Key="B"), *map(str, range(20)))}
    for changed in (new, grown):
        stack = site.up({**first, **changed, "Failing": site.failing_later(seconds)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        site.clock.sleep(3000)
        assert site.ids == ids


def test_what_an_update_without_rollback_gave_up_goes_with_the_next_one(site: Site) -> None:
    """Two generations are over at once; who joined the first one's group comes along too."""
    start = {"Structure": site.structure(*LEVELS), "A": site.group("A"), "B": site.group("B")}
    up(site, {**start, "Tree": site.tree("T", "X", "Y", parent="A")})
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    moved = {**start, "Tree": site.tree("T", "Y", parent="B")}
    stack = site.up({**moved, "Failing": site.failing("Tree")}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    site.hire("bob", "A", "T")
    site.clock.sleep(1000)
    up(site, {**start, "Tree": site.tree("T", parent="B")})
    assert set(site.ids) == {"A", "B", "B/T"}
    assert site.agents == {"B/T": ("ada", "bob")}


def test_the_rollback_of_a_cancelled_update_takes_a_minute_at_most() -> None:
    """The run that was cancelled removes what it made, and does not wait for its rollback."""
    site = Site(connect_settings=ConnectSettings(latency=0.15))
    up(site, with_tree(site, "A"))
    site.clock.sleep(1000)
    grown = with_tree(site, "A", *(f"N{number}" for number in range(60)))
    began = site.clock.now()
    stack = site.up({**grown, "Failing": site.failing_later(20.0)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.clock.now() - began < 20 + 60
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("read_lag", [2.0, 20.0])
@pytest.mark.parametrize("seconds", [0.5, 20.0])
def test_a_cancelled_move_is_taken_back_though_reads_still_show_it(
    seconds: float, read_lag: float, reversed_id: ReversedUpdateId
) -> None:
    """What it gave up is the tree's again, and is not taken for what its rollback gives up."""
    for killed in range(12):
        site = Site(
            connect_settings=ConnectSettings(default_rate=None, latency=0.1),
            engine_settings=EngineSettings(reversed_update_id=reversed_id),
        )
        resources = {
            "Structure": site.structure(*LEVELS),
            "A": site.group("A"),
            "B": site.group("B"),
            "Tree": site.tree(node("T", "U"), parent="A"),
        }
        up(site, resources)
        site.hire("ada", "A", "T")
        site.clock.sleep(1000)
        before = state(site)
        site.connect.settings.search_lag, site.connect.settings.read_lag = 30.0, read_lag
        site.function_faults = FunctionFaults(kills={killed: True} if killed else {})
        moved = {**resources, "Tree": site.tree(node("T", "U"), parent="B")}
        stack = site.up({**moved, "Failing": site.failing_later(seconds)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        site.clock.sleep(3000)
        assert state(site) == before, killed


@pytest.mark.parametrize("lag", [5.0, 30.0, 60.0])
def test_what_passes_on_while_it_is_given_up_is_no_trees(lag: float) -> None:
    """The new owner does not see yet that the tree has given it up."""
    site = unpaced()
    up(site, with_tree(site, "A", "B"))
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.read_lag = lag
    up(site, {**with_tree(site, "A"), "B": site.group("B")})
    assert site.ids == ids
    assert f"{OWN_PREFIX}key" not in tags_of(site, "B")


@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_rollback_leaves_a_name_to_a_stranger_who_has_it_by_now(scope: DuplicateScope) -> None:
    """A node was renamed by hand, and somebody else has its name, maybe elsewhere."""
    site = of_world(scope, ReversedUpdateId.NEW)
    up(site, with_tree(site, "A", "B"))
    ids, backend = site.ids, site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "Z")
    below = ids["B"] if scope is DuplicateScope.INSTANCE else None
    backend.create_user_hierarchy_group(site.instance_id, "A", below)
    stack = site.up(with_tree(site, "A", "C"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert (site.ids["Z"], site.ids["B"]) == (ids["A"], ids["B"])


@pytest.mark.parametrize("lag", [1.0, 5.0, 20.0])
def test_a_stack_that_goes_takes_along_what_has_just_passed_on(lag: float) -> None:
    """From single groups to a tree and back; reads show the former owners for a while."""
    site = unpaced()
    one = {**with_tree(site, "A"), "C": site.group("C"), "Old": site.group("D")}
    other = {**with_tree(site, "C"), "A": site.group("A"), "New": site.group("D")}
    up(site, one)
    site.clock.sleep(1000)
    stack = up(site, other)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, lag
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_a_tree_goes_while_who_has_a_nodes_name_goes() -> None:
    """Its further run does not find the node any more, but a single group of that name."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None),
        function_settings=FunctionSettings(timeout=20.0),
    )
    single = {"B": site.group("B"), "D": site.group("D", "B")}
    stack = up(site, {**with_tree(site, node("A", "D")), **single})
    site.clock.sleep(1000)
    site.connect.settings.read_lag = 20.0
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_moved_nodes_original_comes_back_from_who_took_it(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A node moves, and a single group takes its place and its original, till all fails."""
    site = of_world(scope, reversed_id)
    up(site, with_tree(site, node("A", "B"), "C", references=["A"]))
    site.hire("ada", "A", "B")
    before = site.ids, site.agents
    site.clock.sleep(1000)
    below = {"ParentGroupArn": f"{site.instance_arn}/agent-group/{site.ids['A']}"}
    moved = with_tree(site, "A", node("C", node("B", Key="A/B")), references=["A"])
    name = "B" if scope is DuplicateScope.SIBLINGS else "D"
    fail(site, {**moved, "B": {**site.group(name, **below), "DependsOn": ["Tree"]}})
    assert (site.ids, site.agents) == before


def test_who_joins_too_late_keeps_the_group_which_is_found_again() -> None:
    """The clean-up can not fail the deployment: the group stays, and its key finds it again."""
    site = unpaced(search_lag=200.0)
    resources = with_tree(site, node("A", "B"))
    up(site, resources)
    site.clock.sleep(2000)
    # no search shows her yet
    site.hire("ada", "A", "B")
    ids = site.ids
    up(site, with_tree(site, "A"))
    assert site.ids == ids
    assert phase(site, "A/B") == Phase.LEFT
    site.clock.sleep(2000)
    fail(site, resources)
    assert site.ids == ids
    assert phase(site, "A/B") == Phase.LEFT
    site.clock.sleep(2000)
    up(site, resources)
    assert site.ids == ids
    assert phase(site, "A/B") == Phase.LIVE
    site.clock.sleep(2000)
    fail(site, with_tree(site, node("A", node("Z", Key="A/B"))))
    assert site.ids == ids


@pytest.mark.parametrize("read_lag", [0.0, 20.0])
@pytest.mark.parametrize(
    "groups",
    [
        (node("A", node("B", Tags={"k": "2", "l": "x"})), "N"),
        (node("A", "N"),),
        (node("Z", "B", Key="A"),),
        (node("A", node("B", Key="other")),),
        (node("A", "B"), "Taken"),
    ],
    ids=["the same", "another below", "renamed", "another key", "a name is taken"],
)
def test_a_tree_that_was_left_behind_is_left_again(groups: Any, read_lag: float) -> None:
    """It is created anew, and that is rolled back: all of it stays, and is found again later."""
    site = unpaced()
    resources = left_behind(site, node("A", node("B", "C", Tags={"k": "1"})))
    taken = by_hand(site, "Taken")
    site.hire("ada", "A", "B")
    site.clock.sleep(2000)
    ids, agents = site.ids, site.agents
    tags = {path: _but_left(tags_of(site, path)) for path in ids}
    site.connect.settings.read_lag = read_lag
    fail(site, with_tree(site, *groups, AgentsOnDelete="UNASSIGN"))
    assert (site.ids, site.agents) == (ids, agents)
    assert {path: _but_left(tags_of(site, path)) for path in ids} == tags
    stack = up(site, resources)
    assert (site.ids, site.agents) == (ids, agents)
    site.connect.backend.update_user_hierarchy(site.instance_id, _user_id(site, "ada"), None)
    assert site.down(stack).status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {"Taken": taken}


def left_behind(site: Site, *groups: Any) -> dict[str, Any]:
    """Let a tree of these groups be retained; the resources with it, to find it again."""
    resources = with_tree(site, *groups, DeletionPolicy="Retain")
    up(site, resources)
    up(site, {"Structure": resources["Structure"]})
    site.clock.sleep(2000)
    return with_tree(site, *groups)


def test_what_was_found_stays_when_a_failed_creation_is_tried_again() -> None:
    """Without a rollback the Delete of the failed tree comes with the next deployment."""
    site = unpaced()
    left_behind(site, "A", "B")
    site.hire("ada", "B")
    by_hand(site, "Taken")
    ids, agents = site.ids, site.agents
    assert site.up(with_tree(site, "A", "Taken"), disable_rollback=True).status == "UPDATE_FAILED"
    stack = site.up(with_tree(site, "A"), disable_rollback=True)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert (site.ids, site.agents) == (ids, agents)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 6.0, 10.0])
def test_what_was_found_stays_when_a_creation_is_cancelled(seconds: float) -> None:
    """Without a rollback nothing undoes it but the next deployment, which leaves what was found."""
    site = unpaced(latency=0.3)
    left_behind(site, "A", "B", "C")
    ids = site.ids
    new = [f"N{number}" for number in range(30)]
    failing = {"Late": site.failing_later(seconds)}
    tree = with_tree(site, "A", "B", "C", *new)
    stack = site.up({**tree, **failing}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED", site.reasons(stack)
    site.settle()
    up(site, {"Structure": site.structure(*LEVELS)})
    assert site.ids == ids


@pytest.mark.parametrize("delay", [0.0, 10.0, 25.0])
def test_two_runs_find_what_was_left_behind(delay: float) -> None:
    """An event is delivered twice: nothing of the tree is marked as left in the end."""
    site = Site()
    names = [f"G{number:02}" for number in range(20)]
    resources = left_behind(site, *names)
    ids = site.ids
    site.function_faults = FunctionFaults(copies={1: delay})
    up(site, resources)
    site.settle()
    assert site.ids == ids
    assert {site.record(path).phase for path in ids} == {Phase.LIVE}


def test_a_run_that_can_not_create_leaves_nothing_of_the_one_before() -> None:
    """The first run of a creation dies, the second may not create: its Delete knows of both."""
    site = unpaced()
    up(site, {"Structure": site.structure(*LEVELS)})
    site.function_faults = FunctionFaults(kills={3: True})
    denied = FaultKind.ACCESS_DENIED
    site.connect.plan_fault("CreateUserHierarchyGroup", nth=4, kind=denied, times=60)
    stack = site.up(with_tree(site, *"ABCDE"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == {}


@pytest.mark.parametrize("kind", ["a single group", "a tree"])
@pytest.mark.parametrize("cause", ["no such instance", "reads are denied"])
def test_a_creation_that_could_not_begin_is_rolled_back(kind: str, cause: str) -> None:
    """What kept the creation from its work keeps its Delete from it too, and that is no failure."""
    site = unpaced()
    resource = site.group("A") if kind == "a single group" else site.tree("A")
    if cause == "no such instance":
        resource["Properties"]["InstanceArn"] = f"{site.instance_arn[:-6]}000000"
    else:
        for api in ("ListUserHierarchyGroups", "SearchUserHierarchyGroups"):
            site.connect.plan_fault(api, nth=1, kind=FaultKind.ACCESS_DENIED, times=600)
        site.connect.plan_fault(
            "CreateUserHierarchyGroup", nth=1, kind=FaultKind.ACCESS_DENIED, times=600
        )
    stack = site.up({"Structure": site.structure(*LEVELS), "It": resource})
    assert stack.status == "ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == {}


@pytest.mark.parametrize("delay", [2.0, 5.0, 12.0])
def test_a_late_copy_of_a_delete_harms_no_creation(delay: float) -> None:
    """A failed creation is tried again: Delete, Create, and meanwhile the Delete once more."""
    site = unpaced(latency=0.3)
    left_behind(site, "A", "B")
    by_hand(site, "Taken")
    ids = site.ids
    assert site.up(with_tree(site, "A", "Taken"), disable_rollback=True).status == "UPDATE_FAILED"
    site.clock.sleep(2000)
    site.function_faults = FunctionFaults(copies={1: delay})
    new = [f"N{number}" for number in range(30)]
    stack = site.up(with_tree(site, "A", *new), disable_rollback=True)
    site.settle()
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids.keys() == {*ids, *new}
    assert phase(site, "A") == Phase.LIVE


@pytest.mark.parametrize("seconds", [5.0, 20.0, 25.0])
def test_what_was_taken_from_a_tree_stays_when_its_taking_is_cancelled(seconds: float) -> None:
    """Without a rollback nothing undoes it: the group stays as it is, no matter what owns it."""
    site = unpaced(latency=0.3)
    up(site, with_tree(site, "A", "B"))
    site.clock.sleep(2000)
    site.connect.settings.read_lag = 10.0
    ids = site.ids
    others = {"Other": site.group("B"), "Late": site.failing_later(seconds)}
    stack = site.up({**with_tree(site, "A"), **others}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED", site.reasons(stack)
    site.settle()
    assert site.ids == ids


@pytest.mark.parametrize("read_lag", [0.0, 1.0, 10.0])
def test_what_was_given_up_to_another_is_no_more_given_up_when_it_is_back(read_lag: float) -> None:
    """A single group takes what the tree gives up, all of which is rolled back."""
    site = unpaced(latency=0.1)
    up(site, with_tree(site, "A", "B"))
    site.clock.sleep(2000)
    site.connect.settings.read_lag = read_lag
    ids = site.ids
    other = {**site.group("B"), "DependsOn": ["Tree"]}
    fail(site, {**with_tree(site, "A"), "Other": other})
    assert site.ids == ids
    assert owner(site, "B") == "Tree"
    assert phase(site, "B") == Phase.LIVE


@pytest.mark.parametrize("read_lag", [0.0, 1.0, 10.0])
def test_groups_pass_to_another_tree_and_back(read_lag: float) -> None:
    """What they once were taken from takes them again: that is not over before it shows."""
    site = unpaced(latency=0.1)
    site.connect.settings.read_lag = read_lag
    structure = {"Structure": site.structure(*LEVELS)}
    tree = site.tree(node("A", "B"), AgentsOnDelete="UNASSIGN")
    up(site, {**structure, "One": tree})
    site.clock.sleep(2000)
    site.hire("ada", "A", "B")
    before = site.ids, site.agents
    for name in ("Other", "One", "Other"):
        site.clock.sleep(2000)
        up(site, {**structure, name: tree})
        assert (site.ids, site.agents) == before


def test_what_is_marked_as_left_is_not_marked_again() -> None:
    """What an earlier creation set apart costs a look, and no more."""
    site = unpaced()
    left_behind(site, *(f"G{number:02}" for number in range(20)))
    resources = with_tree(site, "New")
    fail(site, resources)
    site.clock.sleep(2000)
    before = len(site.calls("TagResource"))
    up(site, resources)
    assert len(site.calls("TagResource")) == before


@pytest.mark.parametrize("kind", ["a single group", "another tree"])
def test_what_another_took_of_a_tree_left_behind_is_left_again(kind: str) -> None:
    """Both are made in one update, which is rolled back."""
    site = unpaced()
    left_behind(site, "A", "B")
    ids = site.ids
    other = site.group("B") if kind == "a single group" else site.tree("B")
    fail(site, {**with_tree(site, "A"), "Other": {**other, "DependsOn": ["Tree"]}})
    assert site.ids == ids
    assert owner(site, "B") == "Tree"


@pytest.mark.parametrize("seed", range(4))
def test_a_group_that_was_left_is_renamed_to_what_its_key_is_called_now(seed: int) -> None:
    """A clean-up was refused; the key comes back with another name, goes again and comes back."""
    site = Site(seed=seed, connect_settings=ConnectSettings(default_rate=None, search_lag=200.0))
    up(site, with_tree(site, node("A", node("X", Key="k"))))
    site.clock.sleep(2000)
    # no search shows her yet
    site.hire("ada", "A", "X")
    ids = site.ids
    up(site, with_tree(site, "A"))
    site.clock.sleep(2000)
    up(site, with_tree(site, node("A", node("Y", Key="k"))))
    site.clock.sleep(2000)
    site.connect.settings.search_lag = 0.0
    before = site.ids, site.agents
    assert before == ({"A": ids["A"], "A/Y": ids["A/X"]}, {"A/Y": ("ada",)})
    fail(site, with_tree(site, "A"))
    assert (site.ids, site.agents) == before


def _but_left(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != f"{OWN_PREFIX}retired"}


def _user_id(site: Site, username: str) -> str:
    users = site.connect.backend.list_users(site.instance_id)
    return next(user.id for user in users if user.name == username)


# adoption ---------------------------------------------------------------------------------------


def test_what_exists_is_refused(site: Site) -> None:
    """With its id and the way out; nothing is left of the tree."""
    site.write_levels(*LEVELS)
    group_id = by_hand(site, "B")
    resources = with_tree(site, "A", "B")
    resources["Structure"]["Properties"]["AdoptExisting"] = True
    stack = site.up(resources)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert f"it exists already, {group_id}" in site.reasons(stack)[0]
    assert site.ids == {"B": group_id}
    assert tags_of(site, "B") == {}


def adopting(site: Site, *groups: Any, adopt: bool = True) -> dict[str, Any]:
    """A tree that adopts, on levels that are there."""
    resources = with_tree(site, *groups, AdoptExisting=adopt)
    resources["Structure"]["Properties"]["AdoptExisting"] = True
    return resources


def test_adopted_groups_are_released(site: Site) -> None:
    """Theirs stay with their ids, ours go; when removed from the tree and with the stack."""
    site.write_levels(*LEVELS)
    mine = {"A": by_hand(site, "A"), "A/B": by_hand(site, "B", "A")}
    stack = up(site, adopting(site, node("A", "B", "C"), "D"))
    assert {path: site.ids[path] for path in mine} == mine
    up(site, adopting(site, node("A", "C"), "D"))
    assert site.ids["A/B"] == mine["A/B"]
    assert tags_of(site, "A/B") == {}
    site.down(stack)
    assert site.ids == mine
    assert tags_of(site, "A") == {}


def test_agents_may_stay_in_adopted_groups(site: Site) -> None:
    """They are released with agents in them: when they leave the tree, and when all of it goes."""
    site.write_levels(*LEVELS)
    for name in "AB":
        by_hand(site, name)
        site.hire(f"of {name}", name)
    up(site, adopting(site, "A", "B", "C"))
    stack = up(site, adopting(site, "B", "C"))
    assert owner(site, "A") is None
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.agents == {"A": ("of A",), "B": ("of B",)}


def test_a_failed_adoption_leaves_no_trace(site: Site) -> None:
    """In an update, and in the creation of the stack."""
    site.write_levels(*LEVELS)
    mine = {"A": by_hand(site, "A", tags={"k": "v"})}
    failing = {**adopting(site, "A", "B"), "Failing": site.failing("Tree")}
    stack = site.up(failing)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert site.ids == mine
    assert tags_of(site, "A") == {"k": "v"}
    site.down(stack)
    up(site, adopting(site, "B"))
    fail(site, adopting(site, "A", "B"))
    assert site.ids["A"] == mine["A"]
    assert tags_of(site, "A") == {"k": "v"}


def test_what_is_below_an_adopted_group_is_found_again(site: Site) -> None:
    """Somebody took the tags from a group of the tree: it is adopted, and what is below stays."""
    up(site, adopting(site, node("A", node("B", "C"))))
    site.hire("ada", "A", "B", "C")
    ids = site.ids
    take_away(site, "A")
    site.clock.sleep(1000)
    up(site, adopting(site, node("A", node("B", "C")), "D"))
    assert {path: site.ids[path] for path in ids} == ids
    assert site.agents == {"A/B/C": ("ada",)}


def test_adopted_groups_can_become_ours(site: Site) -> None:
    """With the option gone they are deleted with the tree; a rollback of that releases them."""
    site.write_levels(*LEVELS)
    by_hand(site, "A")
    up(site, adopting(site, "A"))
    fail(site, adopting(site, "A", adopt=False))
    assert site.record("A").origin == Origin.ADOPTED
    stack = up(site, adopting(site, "A", adopt=False))
    site.down(stack)
    assert site.ids == {}


def test_a_group_of_another_stack_is_never_touched(site: Site) -> None:
    """Whether it is in the way of a creation, a rename or a move."""
    up(site, {"Structure": site.structure(*LEVELS), "G": site.group("G")})
    theirs = site.ids["G"]

    def other(*groups: Any) -> Stack:
        tree = site.tree(*groups, InstanceArn=site.instance_arn, AdoptExisting=True)
        return site.up({"Tree": tree}, name="other")

    refused_stack = other("G")
    assert refused_stack.status == "ROLLBACK_COMPLETE"
    site.down(refused_stack)
    assert other("A").status == "CREATE_COMPLETE"
    renamed = other(node("G", Key="A"))
    assert renamed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "the name is taken in the instance by group" in site.reasons(renamed)[-1]
    assert site.ids["G"] == theirs
    assert owner(site, "G") == "G"
    assert set(site.ids) == {"G", "A"}


# passing between resources of a stack -----------------------------------------------------------


def singles(site: Site) -> dict[str, Any]:
    """Three groups as resources of their own."""
    return {
        "Structure": site.structure(*LEVELS),
        "A": site.group("A"),
        "B": site.group("B", "A"),
        "C": site.group("C"),
    }


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_single_groups_become_a_tree_and_single_again(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """Ids and agents stay, forward and when it is rolled back."""
    site = of_world(scope, reversed_id)
    tree = with_tree(site, node("A", "B"), "C")
    up(site, singles(site))
    site.hire("ada", "A", "B")
    ids = site.ids
    before = state(site)
    fail(site, tree)
    assert state(site) == before
    up(site, tree)
    assert (site.ids, site.agents) == (ids, {"A/B": ("ada",)})
    assert {owner(site, path) for path in ids} == {"Tree"}
    before = state(site)
    fail(site, singles(site))
    assert state(site) == before
    stack = up(site, singles(site))
    assert (site.ids, site.agents) == (ids, {"A/B": ("ada",)})
    assert [owner(site, path) for path in sorted(ids)] == ["A", "B", "C"]
    up(site, {k: v for k, v in singles(site).items() if k != "C"})
    assert set(site.ids) == {"A", "A/B"}
    assert stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_agents_do_not_keep_a_group_from_passing_on(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """It is not removed: a single construct has it from now on, or another tree."""
    site = of_world(scope, reversed_id)
    other = {"Other": site.tree("X")}
    up(site, {**with_tree(site, node("A", "B"), "C", "D"), **other})
    for name in "CD":
        site.hire(f"of {name}", name)
    ids, agents = site.ids, site.agents
    passing = {
        **with_tree(site, node("A", "B")),
        "Single": site.group("C"),
        "Other": site.tree("X", "D"),
    }
    fail(site, passing)
    assert (site.ids, site.agents) == (ids, agents)
    up(site, passing)
    assert (site.ids, site.agents) == (ids, agents)
    assert [owner(site, path) for path in "CD"] == ["Single", "Other"]


@pytest.mark.parametrize("taker", ["single", "tree"])
@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_group_that_was_renamed_by_hand_is_not_taken(scope: DuplicateScope, taker: str) -> None:
    """It has the name of a new construct, and is the tree's all the same: it gets its name back."""
    site = of_world(scope, ReversedUpdateId.NEW)
    first = with_tree(site, node("A", "B", Tags={"k": "1"}))
    up(site, first)
    ids = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "C")
    site.clock.sleep(1000)
    new = site.group("C") if taker == "single" else site.tree("C")
    up(site, {**first, "New": new})
    assert {path: site.ids[path] for path in ids} == ids
    assert [owner(site, path) for path in "AC"] == ["Tree", "New"]


def test_all_groups_go_back_to_their_tree_where_searches_lag() -> None:
    """Also those that the list has before the ones that they are below."""
    site = unpaced(search_lag=100.0)
    groups = [node(f"A{number}", node(f"B{number}", f"C{number}")) for number in range(5)]
    up(site, {"Structure": site.structure(*LEVELS), "Old": site.tree(*groups)})
    site.clock.sleep(1000)
    before = state(site)
    fail(site, {"Structure": site.structure(*LEVELS), "New": site.tree(*groups)})
    assert state(site) == before


@pytest.mark.parametrize("taker", ["single", "tree"])
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_a_group_that_leaves_its_tree_gives_its_name_up_elsewhere_too(
    reversed_id: ReversedUpdateId, taker: str
) -> None:
    """A name can be had once in the instance: a new group takes it, a rollback gives it back."""
    site = of_world(DuplicateScope.INSTANCE, reversed_id)
    up(site, with_tree(site, node("A", "B"), "C"))
    before = state(site)
    new = site.group("B") if taker == "single" else site.tree("B")
    changed = {**with_tree(site, "A", "C"), "New": new}
    fail(site, changed)
    assert state(site) == before
    up(site, changed)
    assert set(site.ids) == {"A", "B", "C"}


@pytest.mark.parametrize("seconds", [0, 60])
def test_what_is_below_a_group_that_passes_on_is_given_up(site: Site, seconds: int) -> None:
    """Its place goes on as a single group, before or after the tree has given up what was there."""
    first = with_tree(site, node("A", node("B", "C")), "D")
    up(site, first)
    ids = site.ids
    changed = {**with_tree(site, "D"), "A": site.group("A")}
    if seconds:
        # the tree's update waits for this, so that the single group is there first
        changed["Tree"]["DependsOn"] = ["Slow"]
        changed["Slow"] = site.tree("E", AdoptExisting=True)
        site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=12)
    began = site.clock.now()
    up(site, changed)
    assert {path: site.ids[path] for path in "AD"} == {path: ids[path] for path in "AD"}
    assert not set(site.ids) - {"A", "D", "E"}
    assert site.clock.now() - began < 150


def test_many_groups_pass_without_a_wait_for_each(site: Site) -> None:
    """The other resource gets the time to begin its update once, and not for each group."""
    groups = [node(f"D{number}", f"E{number}") for number in range(20)]
    up(site, {"Structure": site.structure(*LEVELS), "Old": site.tree(*groups)})
    ids, began = site.ids, site.clock.now()
    up(site, {"Structure": site.structure(*LEVELS), "New": site.tree(*groups)})
    assert site.ids == ids
    assert site.clock.now() - began < 200


@pytest.mark.parametrize("former", ["single", "tree", "nobody"])
@pytest.mark.parametrize("taker", ["single", "tree"])
@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_a_failed_take_over_gives_the_tags_back(
    scope: DuplicateScope, reversed_id: ReversedUpdateId, former: str, taker: str
) -> None:
    """Keys that were added go, and values that were overwritten come back, whatever took over."""
    site = of_world(scope, reversed_id)
    before, wanted = {"k": "1", "mine": "x"}, {"k": "2", "l": "3"}

    def resources(kind: str, name: str, tags: dict[str, str]) -> dict[str, Any]:
        # both trees stay, so that an update takes from one and gives to the other
        nodes = {"Old": [node("Rest")], "New": [node("Other")]}
        singles = {}
        if kind == "tree":
            nodes[name].append(node("A", Tags=tags))
        elif kind == "single":
            singles[f"{name}Single"] = site.group("A", Tags=tags, AdoptExisting=True)
        trees = {name: site.tree(*groups, AdoptExisting=True) for name, groups in nodes.items()}
        return {"Structure": site.structure(*LEVELS), **trees, **singles}

    up(site, resources(former, "Old", before))
    if former == "nobody":
        by_hand(site, "A", tags=before)
    backend = site.connect.backend
    arn = f"{site.instance_arn}/agent-group/{site.ids['A']}"
    backend.tag_resource(arn, {"by": "hand"})
    site.clock.sleep(1000)

    def tags() -> dict[str, str]:
        return {k: v for k, v in tags_of(site, "A").items() if not k.endswith(":request")}

    was = tags()
    fail(site, resources(taker, "New", wanted))
    assert tags() == was
    # and where it goes well nothing of it stays beyond the next update
    up(site, resources(taker, "New", wanted))
    up(site, resources(taker, "New", {"k": "3"}))
    assert tags()["k"] == "3"
    assert not {key for key in tags() if "added" in key or "was-" in key}


def test_groups_with_all_their_tags_become_a_tree_and_single_again(site: Site) -> None:
    """There is room for our own tags beside as many as a user may give."""
    site.write_levels(*LEVELS)
    keys = [f"k{number}" for number in range(MAX_USER_TAGS)]
    theirs, tags = dict.fromkeys(keys, "theirs"), dict.fromkeys(keys, "ours")
    group_id = by_hand(site, "A", tags=theirs)
    structure = site.structure(*LEVELS, AdoptExisting=True)
    single = {"Structure": structure, "A": site.group("A", AdoptExisting=True, Tags=tags)}
    tree = {"Structure": structure, "Tree": site.tree("A", AdoptExisting=True, Tags=tags)}
    up(site, {"Structure": structure})
    for resources in (single, tree, single, tree):
        before = site.ids, owner(site, "A")
        fail(site, resources)
        assert (site.ids, owner(site, "A")) == before
        up(site, resources)
        assert site.ids == {"A": group_id}
    up(site, {"Structure": structure})
    assert tags_of(site, "A").keys() == set(keys)


@pytest.mark.parametrize(("scope", "reversed_id"), WORLDS)
def test_groups_pass_from_tree_to_tree(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A tree is split in two, and its id in the code changes."""
    site = of_world(scope, reversed_id)

    def resources(**trees: list[Any]) -> dict[str, Any]:
        return {
            "Structure": site.structure(*LEVELS),
            **{name: site.tree(*groups) for name, groups in trees.items()},
        }

    up(site, resources(One=[node("A", "B"), "C", "D"]))
    site.hire("ada", "A", "B")
    ids = site.ids
    split = resources(One=[node("A", "B")], Two=["C", "D"])
    before = state(site)
    fail(site, split)
    assert state(site) == before
    up(site, split)
    assert site.ids == ids
    assert [owner(site, path) for path in sorted(ids)] == ["One", "One", "Two", "Two"]
    before = state(site)
    other = resources(Three=[node("A", "B"), "C"], Two=["D"])
    fail(site, other)
    assert state(site) == before
    up(site, other)
    assert site.ids == ids
    assert [owner(site, path) for path in sorted(ids)] == ["Three", "Three", "Three", "Two"]


def test_a_group_given_back_early_is_the_trees_again(site: Site) -> None:
    """The single group took it, and the tree's own update never began."""
    up(site, with_tree(site, "A", "C"))
    before = state(site)
    resources = {**with_tree(site, "A"), "C": site.group("C")}
    resources["Failing"] = site.failing("C")
    resources["Tree"]["DependsOn"] = "Failing"
    stack = site.up(resources)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert state(site) == before
    up(site, with_tree(site, "A"))
    assert set(site.ids) == {"A"}


# time -------------------------------------------------------------------------------------------


def big(number: int) -> list[Any]:
    """So many groups, ten to a division."""
    return [node(f"D{d}", *(f"T{t}" for t in range(9))) for d in range(number // 10)]


def refused(site: Site) -> int:
    """How many requests were refused for their pace."""
    return sum(call.outcome == "TooManyRequestsException" for call in site.connect.calls)


def test_five_hundred_groups_at_the_service_s_pace() -> None:
    """As fast as two a second allow, no request refused, five hundred read in one call."""
    site = Site()
    began = site.clock.now()
    up(site, with_tree(site, *big(500)))
    floor = (500 - 5) / 2
    assert site.clock.now() - began <= 1.02 * floor
    assert refused(site) == 0
    site.clock.sleep(60)
    before = len(site.connect.calls)
    up(site, with_tree(site, *big(500), AgentsOnDelete="UNASSIGN"))
    assert site.calls()[before:] == ["ListUserHierarchyGroups"]


class Distant(Site):
    """A site whose services take a fifth of a second to answer."""

    latency = 0.2

    def client(self, service: str) -> Any:
        """A client whose calls take their time."""
        client = super().client(service)
        event = f"before-call.{service}"
        client.meta.events.unregister(event, unique_id="latency")
        client.meta.events.register(event, self._wait, unique_id="latency")
        return client

    def _wait(self, **_: Any) -> None:
        self.clock.sleep(self.latency)


def test_calls_one_after_the_other_keep_the_pace() -> None:
    """At the service's rate there is time for each call's answer before the next may begin."""
    site = Distant()
    try:
        began = site.clock.now()
        up(site, with_tree(site, *big(500)))
        assert site.clock.now() - began <= 1.02 * (500 - 5) / 2
        assert refused(site) == 0
    finally:
        for service in ("connect", "cloudformation"):
            Site.client(site, service).meta.events.unregister(
                f"before-call.{service}", unique_id="latency"
            )


@pytest.mark.parametrize("lags", [(0.0, 0.0), (100.0, 3.0)])
def test_a_tree_goes_on_in_further_runs(lags: tuple[float, float]) -> None:
    """A function that may run for a minute makes, renames, moves and deletes five hundred."""
    site = Site(
        connect_settings=ConnectSettings(search_lag=lags[0], read_lag=lags[1]),
        function_settings=FunctionSettings(timeout=60.0),
    )
    stack = up(site, with_tree(site, *big(500)))
    assert len(site.ids) == 500
    assert site.calls("CreateUserHierarchyGroup") == ["CreateUserHierarchyGroup"] * 500 or lags[1]
    runs = [i for i in site.invocations if i.event["LogicalResourceId"] == "Tree"]
    assert len(runs) > 5
    assert all(run.outcome == "success" for run in runs)
    site.clock.sleep(1500)
    ids = set(site.ids.values())
    renamed = [{**one, "Name": f"E{n}", "Key": f"D{n}"} for n, one in enumerate(big(500))]
    up(site, with_tree(site, *renamed, Tags={"k": "v"}))
    assert set(site.ids.values()) == ids
    site.clock.sleep(1500)
    up(site, with_tree(site, *renamed[:25], Tags={"k": "v"}))
    assert len(site.ids) == 250
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_progress_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Every few seconds: done, total and the rest in seconds."""
    site = Site()
    caplog.set_level(logging.INFO)
    up(site, with_tree(site, *big(100)))
    lines = [record for record in caplog.records if record.getMessage() == "progress"]
    assert 6 <= len(lines) <= 12
    done = [getattr(line, "done") for line in lines]  # noqa: B009 - extras have no types
    rest = [getattr(line, "rest_seconds") for line in lines]  # noqa: B009 - the same
    assert done == sorted(done)
    assert all(getattr(line, "total") == 100 for line in lines)  # noqa: B009 - the same
    assert rest[0] > rest[-1] >= 0


def test_many_single_groups_come_through() -> None:
    """Two hundred at once, each in a run of its own, with the default rates."""
    site = Site()
    resources = {"Structure": site.structure(*LEVELS)}
    for division in range(20):
        resources[f"D{division}"] = site.group(f"D{division}")
        for team in range(9):
            resources[f"D{division}T{team}"] = site.group(f"T{team}", f"D{division}")
    up(site, resources)
    assert len(site.ids) == 200
