"""A move makes a new group and carries agents and children over; the old one goes afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from local_aws.in_process import FunctionFaults
from tests.support.deployments import (
    LEVELS,
    by_hand,
    cancel,
    fail,
    of_world,
    state,
    unpaced,
    up,
    user_tags,
    worlds,
)
from tests.support.organisation import MOVED, START, Kind, Organisation
from tests.support.stacks import Site, node


@worlds()
def test_a_move_carries_its_agents(site: Site, organisation: Organisation) -> None:
    """Another parent is another group; its agents are in it, nothing is left at the old place."""
    organisation.up(*START)
    site.hire("ada", "A", "T")
    old_id = site.ids["A/T"]
    organisation.up(*MOVED)
    assert set(site.ids) == {"A", "B", "B/T"}
    assert site.ids["B/T"] != old_id
    assert site.agents == {"B/T": ("ada",)}


@worlds()
def test_rollback_of_a_move_comes_home(site: Site, organisation: Organisation) -> None:
    """The original group is there again with its id and its agents, and no other."""
    organisation.up(*START, references=["A/T"])
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    stack = organisation.fail("A", node("B", node("T2", Key="A/T")), references=["A/T"])
    assert site.ids == ids
    assert site.agents == agents
    assert organisation.answered(stack, "A/T") == ids["A/T"]


@worlds()
def test_a_subtree_moves_and_comes_home(site: Site, organisation: Organisation) -> None:
    """Children follow, forward and back."""
    organisation.up(node("A", node("R", "T")), "B")
    site.hire("ada", "A", "R", "T")
    site.hire("bob", "A", "R")
    ids, agents = site.ids, site.agents
    moved = ["A", node("B", node("R", "T", Key="A/R"))]
    organisation.fail(*moved)
    assert (site.ids, site.agents) == (ids, agents)
    organisation.up(*moved)
    assert set(site.ids) == {"A", "B", "B/R", "B/R/T"}
    assert site.agents == {"B/R": ("bob",), "B/R/T": ("ada",)}


def test_agents_wait_for_a_group_that_is_not_found_yet(kind: Kind) -> None:
    """A call that does not find the new group says nothing of the agent, who comes along later."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None, search_lag=100.0, read_lag=10.0),
        # the clean-up must not have to carry agents
        engine_settings=EngineSettings(clean_up_tries=1),
    )
    organisation = Organisation(site, kind)
    organisation.up(node("A", node("R", "T")), "B")
    site.hire("ada", "A", "R", "T")
    site.clock.sleep(1000)
    organisation.up("A", node("B", node("R", "T", Key="A/R")))
    assert set(site.ids) == {"A", "B", "B/R", "B/R/T"}
    assert site.agents == {"B/R/T": ("ada",)}


def test_agents_who_left_do_not_hold_a_move_up(kind: Kind) -> None:
    """Searches still show them: together they are doubted for as long as their group is new."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(*START)
    for name in ("ada", "bob", "cyd"):
        site.hire(name, "A", "T")
    site.clock.sleep(1000)
    site.connect.settings.search_lag = 900.0
    backend = site.connect.backend
    for user in backend.list_users(site.instance_id):
        if user.username != "cyd":
            backend.delete_user(site.instance_id, user.id)
    began = site.clock.now()
    organisation.up(*MOVED)
    assert site.agents == {"B/T": ("cyd",)}
    assert site.clock.now() - began < 150


def test_a_move_of_thousands_of_agents_takes_several_runs(
    site: Site, organisation: Organisation
) -> None:
    """At two requests a second one run of the function is too short; the work goes on in others."""
    organisation.up(*START)
    site.hire_all((f"agent{number}" for number in range(3000)), "A", "T")
    before = len(site.invocations)
    organisation.up(*MOVED)
    updates = [i for i in site.invocations[before:] if i.event["RequestType"] == "Update"]
    assert len(updates) == 2
    assert {path: len(names) for path, names in site.agents.items()} == {"B/T": 3000}
    moves = [call for call in site.connect.calls if call.api == "UpdateUserHierarchy"]
    assert sum(call.outcome == "ok" for call in moves) == 3000


def test_a_move_is_refused_while_strangers_stand_below(
    site: Site, organisation: Organisation
) -> None:
    """Children that are not of this stack would be left behind; nothing is made before that."""
    organisation.up(*START)
    by_hand(site, "Theirs", "A", "T")
    creations = site.calls("CreateUserHierarchyGroup")
    before = state(site)
    stack = organisation.refused(*MOVED)
    assert "child groups that are not of this stack: 'Theirs'" in site.reasons(stack)[0]
    assert site.calls("CreateUserHierarchyGroup") == creations
    assert state(site) == before


def test_a_strangers_child_that_is_gone_does_not_stop_the_move(
    site: Site, organisation: Organisation
) -> None:
    """A search shows it for a while."""
    organisation.up(*START)
    child_id = by_hand(site, "Theirs", "A", "T")
    site.clock.sleep(1000)
    site.connect.settings.search_lag = 100.0
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, child_id)
    organisation.up(*MOVED)
    assert set(site.ids) == {"A", "B", "B/T"}


def test_a_group_that_another_stack_imports_cannot_move(
    site: Site, organisation: Organisation
) -> None:
    """CloudFormation refuses to change what is imported; the rollback leaves the group in place."""
    export = {"T": {"Value": organisation.arn("A/T"), "Export": {"Name": "team"}}}

    def deploy(*groups: Any) -> Stack:
        resources = organisation.resources(*groups, references=["A/T"])
        template = {"Resources": resources, "Outputs": export}
        return site.cloudformation.deploy("first", template)

    assert deploy(*START).status == "CREATE_COMPLETE"
    below = site.group(
        "Desk", InstanceArn=site.instance_arn, ParentGroupArn={"Fn::ImportValue": "team"}
    )
    assert site.up({"D": below}, name="second").status == "CREATE_COMPLETE"
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    # first its child has to be of the same stack, which is told before anything is made
    stack = deploy(*MOVED)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("not of this stack: 'Desk'" in reason for reason in site.reasons(stack))
    user = {**site.failing()["Properties"], "HierarchyGroupArn": {"Fn::ImportValue": "team"}}
    site.down(site.cloudformation.get("second"))
    second = site.up({"U": {"Type": "AWS::Connect::User", "Properties": user}}, name="second")
    assert second.status == "CREATE_COMPLETE", site.reasons(second)
    stack = deploy(*MOVED)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "in use by" in " ".join([stack.status_reason, *site.reasons(stack)]) or any(
        "in use" in event.reason for event in stack.events
    )
    assert {path: group_id for path, group_id in ids.items() if path != "A/T/Desk"} == site.ids
    assert site.agents == {**agents, "A/T": ("ada", "nobody")}


def test_who_joins_during_a_move_is_carried_too(
    site: Site, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that joins the old group before the clean-up ends up in the new one."""
    organisation.up(*START)
    old_id = site.ids["A/T"]
    joined = False
    original = site.connect.backend.delete_user_hierarchy_group

    def join_first(*arguments: Any) -> None:
        nonlocal joined
        if not joined:
            joined = True
            site.connect.backend.create_user(site.instance_id, "late", hierarchy_group_id=old_id)
        original(*arguments)

    monkeypatch.setattr(site.connect.backend, "delete_user_hierarchy_group", join_first)
    organisation.up(*MOVED)
    assert joined
    assert site.agents == {"B/T": ("late",)}
    assert set(site.ids) == {"A", "B", "B/T"}


def test_what_an_earlier_move_left_behind_stays_out_of_the_next(
    site: Site, organisation: Organisation
) -> None:
    """An agent joined the original too late for its clean-up: the group and the agent stay."""
    site.connect.settings.search_lag = 900.0
    organisation.up("A", "B", "D")
    site.clock.sleep(1000)
    # no search shows her in time
    site.hire("ada", "D")
    organisation.up(node("A", node("D", Key="D")), "B")
    site.clock.sleep(1000)
    assert site.agents == {"D": ("ada",)}
    left = site.ids["D"]
    organisation.up("A", node("B", node("D", Key="D")))
    assert site.ids.keys() == {"A", "B", "B/D", "D"}
    assert (site.ids["D"], site.agents) == (left, {"D": ("ada",)})


@pytest.mark.parametrize("moves", [False, True], ids=["refused at once", "moved and back"])
def test_a_rollback_takes_no_earlier_move_back(
    site: Site, organisation: Organisation, *, moves: bool
) -> None:
    """Another group has the place that the group came from."""
    one, other = {"k": "1"}, {"k": "2"}
    organisation.up("A", "B", node("D", Tags=one))
    original = site.ids["D"]
    taken = node("D", Key="E", Tags=other)
    organisation.up(node("A", node("D", Key="D", Tags=one)), "B", taken)
    assert site.ids["D"] != original
    site.hire("ada", "D")
    site.hire("grace", "A", "D")
    if not moves:
        by_hand(site, "Theirs", "A", "D")
    site.clock.sleep(1000)
    before = site.ids, site.agents, user_tags(site, "D")
    organisation.fail("A", node("B", node("D", Key="D", Tags=one)), taken)
    assert (site.ids, site.agents, user_tags(site, "D")) == before


@worlds(default_rate=None)
def test_groups_follow_the_group_that_they_hang_on(site: Site, kind: Kind) -> None:
    """A single group of another resource moves: all below it is created again, with its agents."""
    organisation = Organisation(site, kind, levels=["L1", "L2", "L3", "L4"])

    def resources(parent: str) -> dict[str, Any]:
        return {
            **organisation.resources(node("A", "B"), ParentGroupArn={"Ref": "G"}),
            "P": site.group("P"),
            "Q": site.group("Q"),
            "G": site.group("G", parent),
        }

    up(site, resources("P"))
    site.hire("ada", "P", "G", "A", "B")
    before = state(site)
    fail(site, resources("Q"))
    assert state(site) == before
    up(site, resources("Q"))
    assert set(site.ids) == {"P", "Q", "Q/G", "Q/G/A", "Q/G/A/B"}
    assert site.agents == {"Q/G/A/B": ("ada",)}


@worlds(default_rate=None)
def test_groups_below_a_tree_follow_it(site: Site, kind: Kind) -> None:
    """Groups below a moved group of a tree move as well."""
    tree, below = Organisation(site, Kind.TREE), Organisation(site, kind, "Below")

    def resources(*groups: Any) -> dict[str, Any]:
        hung = below.of("G", ParentGroupArn=tree.arn("A/T"))
        return {**tree.resources(*groups, references=["A/T"]), **hung}

    up(site, resources(*START))
    site.hire("ada", "A", "T", "G")
    before = state(site)
    fail(site, resources(*MOVED))
    assert state(site) == before
    up(site, resources(*MOVED))
    assert set(site.ids) == {"A", "B", "B/T", "B/T/G"}
    assert site.agents == {"B/T/G": ("ada",)}


def test_who_joins_too_late_keeps_the_group_which_is_found_again(kind: Kind) -> None:
    """The clean-up cannot fail the deployment: the group stays, and its key finds it again."""
    site = unpaced(search_lag=200.0)
    organisation = Organisation(site, kind)
    organisation.up(node("A", "B"))
    site.clock.sleep(2000)
    # no search shows her yet
    site.hire("ada", "A", "B")
    ids = site.ids
    organisation.up("A")
    assert site.ids == ids
    assert site.record("A/B").phase == Phase.LEFT
    site.clock.sleep(2000)
    organisation.fail(node("A", "B"))
    assert site.ids == ids
    assert site.record("A/B").phase == Phase.LEFT
    site.clock.sleep(2000)
    organisation.up(node("A", "B"))
    assert site.ids == ids
    assert site.record("A/B").phase == Phase.LIVE
    site.clock.sleep(2000)
    organisation.fail(node("A", node("Z", Key="A/B")))
    assert site.ids == ids


def test_what_no_search_shows_for_minutes_is_removed_all_the_same(kind: Kind) -> None:
    """A child takes its parent's place, and nobody comes after the clean-up of that."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(node("A", node("B", "C")))
    site.clock.sleep(2000)
    site.connect.settings.search_lag = 1000.0
    organisation.up(node("A", node("C", "B", Key="A/B/C")))
    assert set(site.ids) == {"A", "A/C", "A/C/B"}


# to another instance ----------------------------------------------------------------------------


def test_another_instance_is_a_replacement_and_comes_home(
    site: Site, organisation: Organisation
) -> None:
    """Structure and groups are made on the new instance; a rollback returns to the old ids."""
    organisation.up(node("A", "B"))
    first, ids = site.instance_arn, site.ids
    second = site.instance_arn = site.new_instance()
    moved = organisation.resources(node("A", "B"))
    fail(site, moved)
    assert site.ids == {}
    site.instance_arn = first
    assert site.ids == ids
    up(site, moved)
    assert site.ids == {}
    site.instance_arn = second
    assert set(site.ids) == {"A", "A/B"}


def test_groups_alone_go_to_another_instance(kind: Kind) -> None:
    """Everything is made there, and goes here; a rollback keeps what is here."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(node("A", "B"))
    before, here, other = state(site), site.instance_arn, _with_levels(site)
    organisation.fail(node("A", "B"), InstanceArn=other)
    assert state(site) == before
    site.instance_arn = other
    assert site.ids == {}
    site.instance_arn = here
    organisation.up(node("A", "B"), InstanceArn=other)
    assert site.ids == {}
    site.instance_arn = other
    assert set(site.ids) == {"A", "A/B"}


@worlds([DuplicateScope.SIBLINGS], default_rate=None)
def test_what_a_run_has_made_on_another_instance_goes(
    site: Site, organisation: Organisation
) -> None:
    """It was killed, and the deployment failed before it was run once more."""
    organisation.up(node("A", "B"))
    before, other = state(site), _with_levels(site)
    site.function_faults = FunctionFaults({8: True})
    organisation.cancel(20, node("A", "B"), InstanceArn=other)
    assert "killed" in {invocation.outcome for invocation in site.invocations}
    assert state(site) == before
    site.instance_arn = other
    assert site.ids == {}


def _with_levels(site: Site) -> str:
    """Make another instance with levels, and give its ARN."""
    here = site.instance_arn
    other = site.instance_arn = site.new_instance()
    site.write_levels(*LEVELS)
    site.instance_arn = here
    return other


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_a_rollback_that_does_not_see_agents_leaves_them_to_its_clean_up(
    reversed_id: ReversedUpdateId,
) -> None:
    """Searches show for longer than two minutes where an agent was; then it comes home."""
    site = of_world(DuplicateScope.SIBLINGS, reversed_id)
    organisation = Organisation(site, Kind.SINGLE)
    organisation.up(*START)
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    site.clock.sleep(1000)
    site.connect.settings.search_lag = 150.0
    organisation.fail(*MOVED)
    assert (site.ids, site.agents) == (ids, agents)


# reads that lag ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("read_lag", [2.0, 20.0])
@pytest.mark.parametrize("seconds", [0.5, 20.0])
def test_a_cancelled_move_is_taken_back_though_reads_still_show_it(
    kind: Kind, seconds: float, read_lag: float, reversed_id: ReversedUpdateId
) -> None:
    """The resource has the groups again that it retired, but not those its rollback retires."""
    different = [
        killed
        for killed in range(12)
        if not _cancelled_move_comes_home(kind, seconds, read_lag, reversed_id, killed=killed)
    ]
    assert not different


def _cancelled_move_comes_home(
    kind: Kind, seconds: float, read_lag: float, reversed_id: ReversedUpdateId, *, killed: int
) -> bool:
    site = Site(
        connect_settings=ConnectSettings(default_rate=None, latency=0.1),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )
    organisation = Organisation(site, kind, "Own")
    parents = {"A": site.group("A"), "B": site.group("B")}

    def resources(parent: str) -> dict[str, Any]:
        hung = organisation.resources(node("T", "U"), ParentGroupArn={"Ref": parent})
        return {**hung, **parents}

    up(site, resources("A"))
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    before = state(site)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 30.0, read_lag
    site.function_faults = FunctionFaults(kills={killed: True} if killed else {})
    cancel(site, resources("B"), seconds)
    site.clock.sleep(3000)
    return bool(state(site) == before)
