"""Groups pass between resources of a stack, and keep their ids and agents."""

from __future__ import annotations

from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS, RESERVED_PREFIX
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.connect import DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults
from tests.support.deployments import (
    LEVELS,
    by_hand,
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
    worlds,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node

PASSES = pytest.mark.parametrize(
    ("former", "taker"),
    [
        pytest.param(former, taker, id=f"{former.value} to {taker.value}")
        for former in Kind
        for taker in Kind
    ],
)
"""From whom a group passes to whom."""


@PASSES
@pytest.mark.parametrize("fails", [False, True], ids=["forward", "rolled back"])
def test_another_construct_id_keeps_the_group(
    site: Site, former: Kind, taker: Kind, *, fails: bool
) -> None:
    """Another logical id takes the group of a place over; a rollback hands it back."""
    old, new = Organisation(site, former, "Old"), Organisation(site, taker, "New")
    old.up("A")
    ids = site.ids
    deploy, owning = (new.fail, old) if fails else (new.up, new)
    deploy("A")
    assert site.ids == ids
    # it goes with the one that has it
    owning.up()
    assert site.ids == {}


@worlds(default_rate=None)
def test_single_groups_become_a_tree_and_single_again(site: Site) -> None:
    """Ids and agents stay, forward and when it is rolled back."""
    groups = [node("A", node("B", Key="B")), "C"]
    single = Organisation(site, Kind.SINGLE).resources(*groups)
    tree = Organisation(site, Kind.TREE).resources(node("A", "B"), "C")
    up(site, single)
    site.hire("ada", "A", "B")
    ids = site.ids
    before = state(site)
    fail(site, tree)
    assert state(site) == before
    up(site, tree)
    assert (site.ids, site.agents) == (ids, {"A/B": ("ada",)})
    assert {owner(site, path) for path in ids} == {"Tree"}
    before = state(site)
    fail(site, single)
    assert state(site) == before
    stack = up(site, single)
    assert (site.ids, site.agents) == (ids, {"A/B": ("ada",)})
    assert [owner(site, path) for path in sorted(ids)] == ["A", "B", "C"]
    up(site, {k: v for k, v in single.items() if k != "C"})
    assert set(site.ids) == {"A", "A/B"}
    assert stack.status == "UPDATE_COMPLETE"


@worlds(default_rate=None)
def test_agents_do_not_keep_a_group_from_passing_on(site: Site, organisation: Organisation) -> None:
    """It is not removed: a single construct has it from now on, or another tree."""
    other = {"Other": site.tree("X")}
    up(site, {**organisation.resources(node("A", "B"), "C", "D"), **other})
    for name in "CD":
        site.hire(f"of {name}", name)
    ids, agents = site.ids, site.agents
    passing = {
        **organisation.resources(node("A", "B")),
        "Single": site.group("C"),
        "Other": site.tree("X", "D"),
    }
    fail(site, passing)
    assert (site.ids, site.agents) == (ids, agents)
    up(site, passing)
    assert (site.ids, site.agents) == (ids, agents)
    assert [owner(site, path) for path in "CD"] == ["Single", "Other"]


@worlds(default_rate=None)
def test_groups_pass_on_in_parts(site: Site, kind: Kind) -> None:
    """An organisation is split in two, and its id in the code changes."""

    def resources(**parts: list[Any]) -> dict[str, Any]:
        found = {"Structure": site.structure(*LEVELS)}
        for name, groups in parts.items():
            found |= Organisation(site, kind, name).of(*groups)
        return found

    def owners() -> list[str]:
        return [(owner(site, path) or "").removesuffix("Tree") for path in sorted(site.ids)]

    def names(**parts: str) -> list[str]:
        keys = {"A": "A", "B": "A/B", "C": "C", "D": "D"}
        of_key = {one: name for name, those in parts.items() for one in those}
        organisations = [(Organisation(site, kind, of_key[one]), keys[one]) for one in "ABCD"]
        return [one.logical_id(key).removesuffix("Tree") for one, key in organisations]

    up(site, resources(One=[node("A", "B"), "C", "D"]))
    site.hire("ada", "A", "B")
    ids = site.ids
    split = resources(One=[node("A", "B")], Two=["C", "D"])
    before = state(site)
    fail(site, split)
    assert state(site) == before
    up(site, split)
    assert site.ids == ids
    assert owners() == names(One="AB", Two="CD")
    before = state(site)
    other = resources(Three=[node("A", "B"), "C"], Two=["D"])
    fail(site, other)
    assert state(site) == before
    up(site, other)
    assert site.ids == ids
    assert owners() == names(Three="ABC", Two="D")


@PASSES
@pytest.mark.parametrize("read_lag", [0.0, 1.0, 10.0])
def test_groups_pass_on_and_back(former: Kind, taker: Kind, read_lag: float) -> None:
    """The resource that had them before takes them back, and waits until reads show that."""
    site = unpaced(latency=0.1)
    site.connect.settings.read_lag = read_lag
    one, other = Organisation(site, former, "One"), Organisation(site, taker, "Other")
    tree = node("A", "B")
    one.up(tree, AgentsOnDelete="UNASSIGN")
    site.clock.sleep(2000)
    site.hire("ada", "A", "B")
    before = site.ids, site.agents
    for next_one in (other, one, other):
        site.clock.sleep(2000)
        next_one.up(tree, AgentsOnDelete="UNASSIGN")
        assert (site.ids, site.agents) == before


@PASSES
def test_all_groups_go_back_where_searches_lag(former: Kind, taker: Kind) -> None:
    """Also those that the list has before the ones that they are below."""
    site = unpaced(search_lag=100.0)
    groups = [node(f"A{number}", node(f"B{number}", f"C{number}")) for number in range(5)]
    Organisation(site, former, "Old").up(*groups)
    site.clock.sleep(1000)
    before = state(site)
    Organisation(site, taker, "New").fail(*groups)
    assert state(site) == before


@PASSES
def test_many_groups_pass_without_a_wait_for_each(site: Site, former: Kind, taker: Kind) -> None:
    """The other resource gets the time to begin its update once, and not for each group."""
    site = unpaced()
    groups = [node(f"D{number}", f"E{number}") for number in range(20)]
    Organisation(site, former, "Old").up(*groups)
    ids, began = site.ids, site.clock.now()
    Organisation(site, taker, "New").up(*groups)
    assert site.ids == ids
    assert site.clock.now() - began < 200


@PASSES
@pytest.mark.parametrize("lag", [5.0, 30.0, 60.0])
def test_what_passes_on_while_it_is_given_up_is_the_takers(
    former: Kind, taker: Kind, lag: float
) -> None:
    """The new owner does not see yet that the former one has released the group."""
    site = unpaced()
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up("A", "B")
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.read_lag = lag
    up(site, {**old.resources("A"), **new.of("B")})
    assert site.ids == ids
    assert owner(site, "B") == new.logical_id("B")
    assert (f"{RESERVED_PREFIX}key" in tags_of(site, "B")) == (taker is Kind.TREE)


@PASSES
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_a_group_that_leaves_gives_its_name_up_elsewhere_too(
    former: Kind, taker: Kind, reversed_id: ReversedUpdateId
) -> None:
    """A name can be had once in the instance: a new group takes it, a rollback gives it back."""
    site = of_world(DuplicateScope.INSTANCE, reversed_id, default_rate=None)
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up(node("A", "B"), "C")
    before = state(site)
    changed = {**old.resources("A", "C"), **new.of("B")}
    fail(site, changed)
    assert state(site) == before
    up(site, changed)
    assert set(site.ids) == {"A", "B", "C"}


@PASSES
@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_group_that_was_renamed_by_hand_is_not_taken(
    former: Kind, taker: Kind, scope: DuplicateScope
) -> None:
    """It has the name of a new construct, and keeps its owner: it gets its name back."""
    site = of_world(scope, ReversedUpdateId.NEW, default_rate=None)
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    groups = [node("A", "B", Tags={"k": "1"})]
    old.up(*groups)
    ids = site.ids
    rename_by_hand(site, "A", "C")
    site.clock.sleep(1000)
    up(site, {**old.resources(*groups), **new.of("C")})
    assert {path: site.ids[path] for path in ids} == ids
    assert [owner(site, path) for path in "AC"] == [old.logical_id("A"), new.logical_id("C")]


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("taker", Kind)
def test_what_is_below_a_group_that_passes_on_is_given_up(
    site: Site, taker: Kind, seconds: int
) -> None:
    """Another resource takes over its place, before or after the tree has released the group."""
    site = unpaced()
    tree, new = Organisation(site, Kind.TREE), Organisation(site, taker, "New")
    tree.up(node("A", node("B", "C")), "D")
    ids = site.ids
    changed = {**tree.resources("D"), **new.of("A")}
    if seconds:
        # the tree's update waits for this, so that the new resource is there first
        changed["Tree"]["DependsOn"] = ["Slow"]
        changed["Slow"] = site.tree("E", AdoptExisting=True)
        site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=12)
    began = site.clock.now()
    up(site, changed)
    assert {path: site.ids[path] for path in "AD"} == {path: ids[path] for path in "AD"}
    assert not set(site.ids) - {"A", "D", "E"}
    assert site.clock.now() - began < 150


@PASSES
@pytest.mark.parametrize("first", ["Old", "New", ""])
def test_a_group_that_passes_below_an_imported_one_comes_back(
    former: Kind, taker: Kind, first: str
) -> None:
    """The group above them is not of the stack, and is not taken for one of theirs."""
    site = unpaced()
    old, new = Organisation(site, former, "Old"), Organisation(site, taker, "New")
    old.up()
    hung = {"ParentGroupArn": f"{site.instance_arn}/agent-group/{by_hand(site, 'G')}"}
    old.up(node("A", "B"), **hung)
    site.hire("ada", "G", "A", "B")
    site.clock.sleep(1000)
    before = state(site)
    moved, taken = old.of(node("B", Key="A/B"), **hung), new.of("A", **hung)
    earlier, later = (moved, taken) if first == "Old" else (taken, moved)
    for resource in later.values() if first else ():
        resource["DependsOn"] = list(earlier)
    fail(site, {**old.resources(), **moved, **taken})
    assert state(site) == before


@PASSES
@worlds(default_rate=None)
def test_the_original_of_a_move_comes_back_from_who_took_its_place(
    site: Site, former: Kind, taker: Kind
) -> None:
    """A group moves, and another resource wants its place, until all fails."""
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up(node("A", "B"), "C", references=["A"])
    site.hire("ada", "A", "B")
    before = site.ids, site.agents
    site.clock.sleep(1000)
    moved = old.resources("A", node("C", node("B", Key="A/B")), references=["A"])
    siblings = site.connect.settings.duplicate_scope is DuplicateScope.SIBLINGS
    name = "B" if siblings else "D"
    taken = new.of(name, ParentGroupArn=group_arn(site, "A"))
    for resource in taken.values():
        resource["DependsOn"] = [old.logical_id("A/B")]
    fail(site, {**moved, **taken})
    assert (site.ids, site.agents) == before


# tags -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("former", [*Kind, None], ids=["single", "tree", "nobody"])
@pytest.mark.parametrize("taker", Kind)
@worlds(default_rate=None)
def test_a_failed_take_over_gives_the_tags_back(
    site: Site, former: Kind | None, taker: Kind
) -> None:
    """Keys that were added go, and values that were overwritten come back, whatever took over."""
    before, wanted = {"k": "1", "mine": "x"}, {"k": "2", "l": "3"}

    def resources(kind: Kind | None, name: str, tags: dict[str, str]) -> dict[str, Any]:
        # both trees stay, so that an update takes from one and gives to the other
        nodes = {"Old": [node("Rest")], "New": [node("Other")]}
        singles = {}
        if kind is Kind.TREE:
            nodes[name].append(node("A", Tags=tags))
        elif kind is Kind.SINGLE:
            singles[f"{name}Single"] = site.group("A", Tags=tags, AdoptExisting=True)
        trees = {name: site.tree(*groups, AdoptExisting=True) for name, groups in nodes.items()}
        return {"Structure": site.structure(*LEVELS), **trees, **singles}

    up(site, resources(former, "Old", before))
    if former is None:
        by_hand(site, "A", tags=before)
    site.connect.backend.tag_resource(group_arn(site, "A"), {"by": "hand"})
    site.clock.sleep(1000)
    was = tags_of(site, "A")
    fail(site, resources(taker, "New", wanted))
    assert tags_of(site, "A") == was
    # if it succeeds, nothing of it stays beyond the next update
    up(site, resources(taker, "New", wanted))
    up(site, resources(taker, "New", {"k": "3"}))
    after = tags_of(site, "A")
    assert after["k"] == "3"
    assert not {key for key in after if "added" in key or "was-" in key}


def test_groups_with_all_their_tags_become_a_tree_and_single_again() -> None:
    """There is room for our own tags beside as many as a user may give."""
    site = unpaced()
    site.write_levels(*LEVELS)
    keys = [f"k{number}" for number in range(MAX_USER_TAGS)]
    theirs, tags = dict.fromkeys(keys, "theirs"), dict.fromkeys(keys, "ours")
    group_id = by_hand(site, "A", tags=theirs)
    single, tree = (Organisation(site, kind, adopt_levels=True) for kind in Kind)
    single.up()
    for organisation in (single, tree, single, tree):
        before = site.ids, owner(site, "A")
        organisation.fail("A", AdoptExisting=True, Tags=tags)
        assert (site.ids, owner(site, "A")) == before
        organisation.up("A", AdoptExisting=True, Tags=tags)
        assert site.ids == {"A": group_id}
    single.up()
    assert tags_of(site, "A").keys() == set(keys)


# what goes wrong on the way ---------------------------------------------------------------------


@PASSES
def test_a_group_given_back_early_is_the_former_ones_again(former: Kind, taker: Kind) -> None:
    """Another resource took it, and the update of the former one never began."""
    site = unpaced()
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up("A", "C")
    before = state(site)
    kept, taken = old.resources("A"), new.of("C")
    kept[old.logical_id("A")]["DependsOn"] = "Failing"
    stack = site.up({**kept, **taken, "Failing": site.failing(*taken)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert state(site) == before
    old.up("A")
    assert set(site.ids) == {"A"}


@PASSES
@pytest.mark.parametrize("seconds", [5.0, 20.0, 25.0])
def test_what_was_taken_stays_when_its_taking_is_cancelled(
    former: Kind, taker: Kind, seconds: float
) -> None:
    """Without a rollback nothing undoes it: the group stays as it is, no matter what owns it."""
    site = unpaced(latency=0.3)
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up("A", "B")
    site.clock.sleep(2000)
    site.connect.settings.read_lag = 10.0
    ids = site.ids
    resources = {**old.resources("A"), **new.of("B"), "Late": site.failing_later(seconds)}
    stack = site.up(resources, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED", site.reasons(stack)
    site.settle()
    assert site.ids == ids


@PASSES
@pytest.mark.parametrize("read_lag", [0.0, 1.0, 10.0])
def test_what_was_given_up_to_another_is_no_more_given_up_when_it_is_back(
    former: Kind, taker: Kind, read_lag: float
) -> None:
    """Another resource takes over what one releases, and all of it is rolled back."""
    site = unpaced(latency=0.1)
    old, new = Organisation(site, former), Organisation(site, taker, "New")
    old.up("A", "B")
    site.clock.sleep(2000)
    site.connect.settings.read_lag = read_lag
    ids = site.ids
    taken = new.of("B")
    for resource in taken.values():
        resource["DependsOn"] = [old.logical_id("A")]
    fail(site, {**old.resources("A"), **taken})
    assert site.ids == ids
    assert owner(site, "B") == old.logical_id("B")
    assert site.record("B").phase == Phase.LIVE


def test_a_delete_that_comes_again_after_the_clean_up_takes_nothing(site: Site, kind: Kind) -> None:
    """The construct has another id now, which reads do not show yet: the group stays with it."""
    Organisation(site, kind, "Old").up("A")
    site.clock.sleep(1000)
    Organisation(site, kind, "New").up("A")
    event = [i.event for i in site.invocations if i.event["RequestType"] == "Delete"][-1]
    site.connect.settings.read_lag = 100.0
    site._invoke_async(site.function_arn, dict(event))
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}


@pytest.mark.parametrize("lag", [1.0, 5.0, 20.0])
def test_a_stack_that_goes_takes_along_what_showed_no_owner(kind: Kind, lag: float) -> None:
    """Somebody took our tags away; the construct has another id now, and reads show it later."""
    site = unpaced()
    Organisation(site, kind, "Old").up("A")
    take_away(site, "A")
    site.clock.sleep(1000)
    stack = Organisation(site, kind, "New").up("A")
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, lag
    site.down(stack)
    assert site.ids == {}


@pytest.mark.parametrize("lag", [1.0, 5.0, 20.0])
def test_a_stack_that_goes_takes_along_what_has_just_passed_on(lag: float) -> None:
    """From single groups to a tree and back; reads show the former owners for a while."""
    site = unpaced()
    tree = Organisation(site, Kind.TREE)
    one = {**tree.resources("A"), "C": site.group("C"), "Old": site.group("D")}
    other = {**tree.resources("C"), "A": site.group("A"), "New": site.group("D")}
    up(site, one)
    site.clock.sleep(1000)
    stack = up(site, other)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, lag
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


@PASSES
@pytest.mark.parametrize("dies_at", range(3, 9))
def test_a_group_whose_rename_never_ended_is_handed_back_by_its_present_name(
    site: Site, former: Kind, taker: Kind, dies_at: int
) -> None:
    """A run died before the rename, and no later one was allowed to make it."""
    old, new = Organisation(site, former, "Old"), Organisation(site, taker, "New")
    old.up("A")
    ids = site.ids
    denied = FaultKind.ACCESS_DENIED
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=denied, times=10**6)
    site.function_faults = FunctionFaults(kills={dies_at: False})
    site.up(old.resources(node("B", Key="A")))
    site.connect.forget_faults()
    assert site.ids == ids
    site.clock.sleep(4000)
    new.fail("A")
    assert site.ids == ids
    assert owner(site, "A") == old.logical_id("A")
