"""Parallel calls in an account with a raised quota."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.time import SystemClock
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import Rate as ServiceRate
from local_aws.in_process import FunctionFaults
from tests.support.stacks import Site, node

LEVELS = ("Division", "Region", "Team")
RAISED = Rate(per_second=20, burst=20)


@pytest.mark.parametrize(
    ("per_second", "number"), [(0.5, 1), (2, 1), (10, 5), (20, 10), (1000, 10)]
)
def test_there_are_as_many_as_the_rate_keeps_busy(per_second: float, number: int) -> None:
    """One at the default rate; no more than a client has connections."""
    assert Lanes(SystemClock(), Rate(per_second)).number == number


def test_the_work_is_done_at_the_same_time() -> None:
    """Five threads wait for each other, so that fewer threads would hang."""
    barrier, done = threading.Barrier(5, timeout=30), set()

    def work(number: int) -> None:
        barrier.wait()
        done.add(number)

    Lanes(SystemClock(), Rate(10)).each(range(5), work)
    assert done == set(range(5))


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


def test_a_name_given_by_hand_goes_to_another_beside_its_return() -> None:
    """It is refused while its holder still has it, not because of a group elsewhere."""
    site = a_site(RAISED)
    site.up({**with_tree(site, node("P", "A", "B")), "G": site.group("G")})
    before = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, before["P/A"], "G")
    stack = site.up({**with_tree(site, node("P", node("G", Key="P/B"), "A")), "G": site.group("G")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == {
        "G": before["G"],
        "P": before["P"],
        "P/A": before["P/A"],
        "P/G": before["P/B"],
    }


def test_agents_move_beside_each_other() -> None:
    """Two hundred of them leave a group that moves."""
    site = a_site(RAISED)
    site.up(with_tree(site, node("A", "C"), "B"))
    site.hire_all((f"agent-{number}" for number in range(200)), "A", "C")
    began = site.clock.now()
    site.up(with_tree(site, "A", node("B", node("C", Key="A/C"))))
    assert site.clock.now() - began < 1.25 * (200 - 20) / 20
    assert {path: len(names) for path, names in site.agents.items()} == {"B/C": 200}


@pytest.mark.parametrize("dies_at", range(1, 50, 6))
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_run_dies_with_all_that_it_does(dies_at: int, *, after_effect: bool) -> None:
    """The next run of the same event goes on with what was made by then."""
    site = a_site(RAISED)
    site.function_faults = FunctionFaults(kills={dies_at: after_effect})
    stack = site.up(with_tree(site, *teams(2)))
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    assert len(site.ids) == 22
    stack = site.up(with_tree(site, node("D0", "T0-0"), node("D9", "T0-1", Key="another")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"D0", "D0/T0-0", "D9", "D9/T0-1"}
    assert not site.function_faults.kills
