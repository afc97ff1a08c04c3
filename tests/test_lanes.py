"""Calls beside calls, where an account's quota was raised."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from connect_hierarchy_lambda.connect.calls import Caller
from connect_hierarchy_lambda.connect.lanes import Lanes
from connect_hierarchy_lambda.connect.pace import Rate
from connect_hierarchy_lambda.connect.time import Schedule, SystemClock
from connect_hierarchy_lambda.model.messages import NoLongerWantedError
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import Rate as ServiceRate
from local_aws.in_process import FunctionFaults
from local_aws.virtual_clock import VirtualClock
from tests.stacks import Site, node

LEVELS = ("Division", "Region", "Team")
RAISED = Rate(per_second=20, burst=20)


@pytest.mark.parametrize(
    ("per_second", "number"), [(0.5, 1), (2, 1), (10, 5), (20, 10), (1000, 10)]
)
def test_there_are_as_many_as_the_rate_keeps_busy(per_second: float, number: int) -> None:
    """One at the default rate; no more than a client has connections."""
    assert Lanes(SystemClock(), Rate(per_second)).number == number


def test_the_work_is_done_at_the_same_time() -> None:
    """Five threads wait for each other, so that with fewer nobody would go on."""
    barrier, done = threading.Barrier(5, timeout=30), set()

    def work(number: int) -> None:
        barrier.wait()
        done.add(number)

    Lanes(SystemClock(), Rate(10)).each(range(10), work)
    assert done == set(range(10))


def lanes_in_virtual_time() -> tuple[VirtualClock, Lanes]:
    """Five of them, and the clock that they run by."""
    site = Site()
    return site.clock, Lanes(site.function_clock, Rate(10))


def test_after_an_error_nothing_more_begins() -> None:
    """It is raised when what had begun is done."""
    clock, lanes = lanes_in_virtual_time()
    begun, done = [], []

    def work(number: int) -> None:
        begun.append(number)
        clock.sleep(number)
        if number == 2:
            raise ValueError(number)
        done.append(number)

    with pytest.raises(ValueError, match="2"):
        lanes.each(range(1, 20), work)
    assert begun == [1, 2, 3, 4, 5, 6]
    assert done == [1, 3, 4, 5, 6]


def test_that_nobody_waits_any_more_is_not_lost() -> None:
    """It is raised once in a run, maybe after another error."""
    clock, lanes = lanes_in_virtual_time()

    def work(seconds: int) -> None:
        clock.sleep(seconds)
        if seconds == 1:
            raise ValueError
        raise NoLongerWantedError("doing", "why", "remedy")

    with pytest.raises(NoLongerWantedError):
        lanes.each([1, 2], work)


def test_what_goes_on_ends_at_its_next_call_after_an_error() -> None:
    """It does not try again for minutes what nobody waits for."""
    site = Site()
    clock, lanes = site.clock, Lanes(site.function_clock, Rate(10))
    calls = []

    def call() -> None:
        clock.sleep(1)
        calls.append(clock.now())
        if len(calls) == 3:
            raise ValueError("the third call")

    caller = Caller(Schedule(site.function_clock, clock.now() + 900))

    def work(_: int) -> None:
        for _ in range(5):
            caller.call("calling", call)

    with pytest.raises(ValueError, match="the third call"):
        lanes.each(range(3), work)
    # the second calls of two were on their way
    assert len(calls) == 5


def test_in_a_lane_there_are_no_more() -> None:
    """Connections are as many as lanes."""
    clock, lanes = lanes_in_virtual_time()
    at_work, most = set(), []

    def work(number: int) -> None:
        at_work.add(number)
        clock.sleep(1)
        most.append(len(at_work))
        at_work.discard(number)

    lanes.each(range(5), lambda n: lanes.each(range(10 * n, 10 * n + 10), work))
    assert max(most) == 5


# deployments ------------------------------------------------------------------------------------


def a_site(rate: Rate | None, *, latency: float = 0.15) -> Site:
    """An account whose quota was raised, whether or not its function knows."""
    settings = ConnectSettings(default_rate=ServiceRate(20, 20), latency=latency)
    return Site(connect_settings=settings, rate=rate)


def with_tree(site: Site, *groups: Any) -> dict[str, Any]:
    """A structure and one tree."""
    return {"Structure": site.structure(*LEVELS), "Tree": site.tree(*groups)}


def teams(number: int) -> list[Any]:
    """Divisions of ten teams each."""
    return [
        node(f"D{division}", *(f"T{division}-{team}" for team in range(10)))
        for division in range(number)
    ]


def test_a_raised_quota_is_used() -> None:
    """A tree of 220 is made in the time that the rate makes necessary, and taken away in it."""
    site = a_site(RAISED)
    # the first twenty are free
    floor = (220 - 20) / 20
    began = site.clock.now()
    stack = site.up(with_tree(site, *teams(20)))
    made = site.clock.now()
    assert len(site.ids) == 220
    assert made - began < 1.25 * floor
    site.down(stack)
    assert site.ids == {}
    assert site.clock.now() - made < 1.25 * floor
    refused = [call for call in site.connect.calls if call.outcome != "ok"]
    assert not refused


def test_agents_move_beside_each_other() -> None:
    """Two hundred of them leave a group that moves."""
    site = a_site(RAISED)
    site.up(with_tree(site, node("A", "C"), "B"))
    for number in range(200):
        site.hire(f"agent-{number}", "A", "C")
    began = site.clock.now()
    site.up(with_tree(site, "A", node("B", node("C", Key="A/C"))))
    assert site.clock.now() - began < 1.25 * (200 - 20) / 20
    assert {path: len(names) for path, names in site.agents.items()} == {"B/C": 200}


@pytest.mark.parametrize("dies_at", range(1, 60, 6))
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_run_dies_with_all_that_it_does(dies_at: int, *, after_effect: bool) -> None:
    """The next run of the same event goes on with what was made by then."""
    site = a_site(RAISED)
    site.function_faults = FunctionFaults(kills={dies_at: after_effect})
    stack = site.up(with_tree(site, *teams(2)))
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    assert len(site.ids) == 22
    stack = site.up(with_tree(site, node("D0", "T0-0"), node("D9", "T0-1")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"D0", "D0/T0-0", "D9", "D9/T0-1"}
    assert not site.function_faults.kills
