"""Runs that CloudFormation has cancelled, and events that come twice or late, do no harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults, FunctionSettings
from tests.support.deployments import (
    cancel,
    delete_by_hand,
    deliver_again,
    of_world,
    owner,
    state,
    unpaced,
    user_tags,
    writes,
)
from tests.support.organisation import MOVED, START, Kind, Organisation
from tests.support.stacks import Site, node

# creations --------------------------------------------------------------------------------------


def test_a_create_that_never_began_takes_nothing_back_of_one_before(site: Site) -> None:
    """A construct took a group over and left it with agents; it comes back and is cancelled."""
    structure = {"Structure": site.structure("Division")}
    site.up({**structure, "Old": site.group("A")})
    site.up({**structure, "New": site.group("A")})
    site.hire("ada", "A")
    site.up(structure)
    assert owner(site, "A") == "New"
    site.function_faults = FunctionFaults(kills={1: False})
    cancel(site, {**structure, "New": site.group("B")}, 1)
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}
    assert owner(site, "A") == "New"


@pytest.mark.parametrize("nth", range(4, 9))
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_an_update_that_begins_in_a_rollback_takes_no_older_one_back(
    reversed_id: ReversedUpdateId, nth: int
) -> None:
    """A group follows its parent, and the deployment before had moved that group alone."""
    site = of_world(DuplicateScope.SIBLINGS, reversed_id)
    organisation = Organisation(site, Kind.SINGLE)
    team = node("T", Key="T")
    organisation.up("W", "X", node("Z", team))
    organisation.up("W", node("X", team), "Z")
    ids = site.ids
    site.clock.sleep(1000)
    site.function_faults = FunctionFaults(kills={nth: False})
    organisation.cancel(20, node("W", node("X", team, Key="X")), "Z")
    site.clock.sleep(1000)
    assert site.ids == ids


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_create_that_goes_on_leaves_nothing(
    site: Site, organisation: Organisation, throttled: int
) -> None:
    """Another resource fails while a Create is held up; it ends after its own Delete."""
    organisation.up()
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=throttled)
    organisation.cancel(1, "A")
    site.clock.sleep(1000)
    assert site.ids == {}


@pytest.mark.parametrize("seconds", [0.5, 3.0, 20.0, 60.0])
def test_a_create_of_many_that_is_cancelled_leaves_nothing(
    site: Site, organisation: Organisation, seconds: float
) -> None:
    """Its Delete has an id that CloudFormation invented, and arrives while the Create runs."""
    resources = organisation.resources(*(f"N{number}" for number in range(60)))
    stack = site.up({**resources, "Later": site.failing_later(seconds)})
    assert stack.status == "ROLLBACK_COMPLETE"
    site.clock.sleep(3000)
    assert site.ids == {}


@pytest.mark.parametrize(
    "changed",
    [(node("A", "T"), "B"), ("A", node("T", Key="A/T"))],
    ids=["create", "move"],
)
def test_what_a_cancelled_run_made_is_removed_though_it_does_not_show(
    site: Site, organisation: Organisation, changed: Sequence[Any]
) -> None:
    """Reads lag for long, and so does what finds the group to delete."""
    organisation.up(node("A", "T"))
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    organisation.cancel(1, *changed)
    site.clock.sleep(1000)
    assert site.ids == ids


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 10])
def test_what_a_cancelled_run_made_of_many_is_removed_though_it_does_not_show(
    site: Site, kind: Kind, seconds: float
) -> None:
    """The same with many groups, of a new organisation and of one that grows."""
    organisation, new = Organisation(site, kind), Organisation(site, kind, "New")
    organisation.up("A", "B")
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    added = new.of(*(f"N{number}" for number in range(20)))
    grown = [node("A", "C", "D"), node("E", Key="B"), *map(str, range(20))]
    for resources in (
        {**organisation.resources("A", "B"), **added},
        organisation.resources(*grown),
    ):
        cancel(site, resources, seconds)
        site.clock.sleep(3000)
        assert site.ids == ids


@pytest.mark.parametrize("timeout", [60.0, 900.0])
def test_a_create_that_was_throttled_for_long_does_not_doubt_less(
    kind: Kind, timeout: float
) -> None:
    """Two runs of one event; what one has made does not show to the other for a while."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None, read_lag=20.0),
        function_settings=FunctionSettings(timeout=timeout),
    )
    organisation = Organisation(site, kind)
    organisation.up()
    site.clock.sleep(1000)
    site.function_faults = FunctionFaults(copies={1: 0.5})
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=120)
    organisation.up("A")
    assert set(site.ids) == {"A"}


@pytest.mark.parametrize("seconds", range(1, 30, 4))
def test_what_a_run_made_that_was_out_of_time_is_removed(kind: Kind, seconds: int) -> None:
    """It is cancelled before what it has made shows, and a further run of it begins."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None),
        function_settings=FunctionSettings(timeout=10.0),
    )
    organisation = Organisation(site, kind)
    organisation.up()
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    stack = site.up({**organisation.resources("A"), "Failing": site.failing_later(seconds)})
    site.clock.sleep(1000)
    if stack.status != "UPDATE_COMPLETE":
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.ids == {}


# renames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_rename_that_goes_on_does_no_harm(
    site: Site, organisation: Organisation, throttled: int
) -> None:
    """The reversed Update overtakes the one that is held up, which then notices and stops."""
    organisation.up(node("A", Tags={"k": "1"}))
    ids = site.ids
    api = "UpdateUserHierarchyGroupName"
    site.connect.plan_fault(api, kind=FaultKind.THROTTLE, times=throttled)
    organisation.cancel(1, node("Z", Key="A", Tags={"k": "2"}))
    site.clock.sleep(1000)
    assert site.ids == ids
    assert user_tags(site, "A") == {"k": "1"}


def test_a_name_that_was_given_up_long_ago_is_not_given_back(
    site: Site, organisation: Organisation
) -> None:
    """Two groups have swapped names; a rename of one is cancelled before it begins."""
    organisation.up("A", "B")
    organisation.up(node("B", Key="A"), node("A", Key="B"))
    ids = site.ids
    site.clock.sleep(1000)
    for swapped in ({"A": "Z", "B": "A"}, {"A": "B", "B": "Z"}):
        site.connect.plan_fault("DescribeUserHierarchyGroup", kind=FaultKind.THROTTLE, times=3)
        organisation.cancel(0.5, *(node(name, Key=key) for key, name in swapped.items()))
        site.clock.sleep(1000)
        assert site.ids == ids


def test_a_cancelled_update_does_not_make_what_is_gone(
    site: Site, organisation: Organisation
) -> None:
    """A run doubts for minutes that its group is gone, and a later request begins meanwhile."""
    organisation.up("A")
    delete_by_hand(site, "A")
    organisation.cancel(0.5, node("Z", Key="A"))
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}


# moves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_move_that_goes_on_does_no_harm(
    site: Site, organisation: Organisation, throttled: int
) -> None:
    """Agents stay with the original, whenever the run that wanted to move them ends."""
    organisation.up(*START)
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    for api in ("CreateUserHierarchyGroup", "UpdateUserHierarchy"):
        site.connect.plan_fault(api, kind=FaultKind.THROTTLE, times=throttled)
    organisation.cancel(1, *MOVED)
    site.clock.sleep(1000)
    assert (site.ids, site.agents) == (ids, agents)


@pytest.mark.parametrize("dies_at", range(6, 30))
def test_a_cancelled_move_that_dies_leaves_nothing(
    site: Site, organisation: Organisation, dies_at: int
) -> None:
    """The reversed Update does not see yet what was made; a further run removes it."""
    cancelled_move_leaves_nothing(site, organisation, FunctionFaults(kills={dies_at: True}))


@pytest.mark.parametrize("later", [0.0, 0.25, 0.5, 1.0])
def test_a_cancelled_move_that_runs_twice_does_no_harm(kind: Kind, later: float) -> None:
    """Where a name can be had once in an instance, each run finds what the other put aside."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    faults = FunctionFaults(copies={1: later})
    cancelled_move_leaves_nothing(site, Organisation(site, kind), faults)


def cancelled_move_leaves_nothing(
    site: Site, organisation: Organisation, faults: FunctionFaults
) -> None:
    """Move a group with an agent, which another failure cancels while reads lag."""
    organisation.up(*START)
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 30.0, 1.0
    site.function_faults = faults
    organisation.cancel(0.5, *MOVED)
    site.clock.sleep(1000)
    assert (site.ids, site.agents) == (ids, agents)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 10.0, 20.0])
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_an_update_of_many_that_is_cancelled_changes_nothing(
    kind: Kind, seconds: float, reversed_id: ReversedUpdateId
) -> None:
    """The reversed Update runs in parallel with it; the last one to act restores everything."""
    site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
    organisation = Organisation(site, kind)
    organisation.up(*(node(f"D{number}", "X", "Y") for number in range(10)))
    for number in range(10):
        site.hire(f"agent{number}", f"D{number}", "X")
    site.clock.sleep(1000)
    before = state(site)
    new = [node(f"E{n}", "Y", "New", Key=f"D{n}") for n in range(9)]
    moved = [node(f"X{n}", Key=f"D{n}/X") for n in range(10)]
    organisation.cancel(seconds, *new, node("D9", "Y", *moved))
    site.clock.sleep(3000)
    assert state(site) == before


# twice and late ---------------------------------------------------------------------------------


def test_the_same_event_again_changes_nothing(kind: Kind) -> None:
    """Create, Update and both kinds of Delete, delivered once more by Lambda."""
    site = unpaced()
    organisation = Organisation(site, kind)
    logical_id = organisation.logical_id("A/B")
    organisation.up(node("A", "B"), "C")
    before, count = state(site), writes(site)
    deliver_again(site, "Create", logical_id)
    assert (state(site), writes(site)) == (before, count)
    stack = organisation.up("A", node("C", node("B", Key="A/B")))
    before, count = state(site), writes(site)
    deliver_again(site, "Update", logical_id)
    deliver_again(site, "Delete", logical_id)
    assert state(site) == before
    site.down(stack)
    count = writes(site)
    deliver_again(site, "Delete", logical_id)
    assert (site.ids, writes(site)) == ({}, count)


def test_a_clean_up_that_comes_late_takes_nothing_from_the_next_update(kind: Kind) -> None:
    """A group that a later update retired is left to that update's own clean-up."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up("A", "B", "C")
    organisation.up("A", "B")
    late = next(i.event for i in site.invocations if i.event["RequestType"] == "Delete")
    before = state(site)
    site._invoke_async(site.function_arn, dict(late))
    site.clock.sleep(600)
    assert state(site) == before


def test_a_stack_goes_while_who_has_a_groups_name_goes(kind: Kind) -> None:
    """A further run does not find the group any more, but a single one of that name."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None),
        function_settings=FunctionSettings(timeout=20.0),
    )
    organisation, other = Organisation(site, kind), Organisation(site, Kind.SINGLE, "Other")
    resources = {**organisation.resources(node("A", "D")), **other.of(node("B", "D"))}
    stack = site.up(resources)
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    site.connect.settings.read_lag = 20.0
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_a_request_that_never_gets_the_turn_says_which_it_is(site: Site) -> None:
    """Other runs of the stack are at work until it has no time left."""
    structure = {"Structure": site.structure("Division")}
    ledger = site.ledger_of(site.up(structure).stack_id)

    def keep_the_turn() -> None:
        for _ in range(400):
            ledger.take_turn("another run", site.clock.now())
            site.clock.sleep(10)

    site.clock.spawn("another run", keep_the_turn)
    stack = site.up({**structure, "A": site.group("A")})
    told = "serving Create of A, waiting for the turn: out of time, other runs are at work"
    assert any(told in reason for reason in site.reasons(stack)), site.reasons(stack)
