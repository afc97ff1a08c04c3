"""Agents are moved at the account's pace, each once, whatever happens to the calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connect_hierarchy_cli.pacing import PacedCalls
from connect_hierarchy_cli.placement.mover import Mover, Outcome
from connect_hierarchy_cli.placement.plan import Move
from connect_hierarchy_cli.placement.side_by_side import lanes_for_moves
from connect_hierarchy_lambda.model.groups import Agent
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import Rate as ServiceRate
from local_aws.faults import FaultKind
from tests.support.stacks import Site

_MOVE = "UpdateUserHierarchy"


class Desk:
    """An instance with two groups and some agents in the first, and who moves them."""

    def __init__(
        self,
        agents: int,
        settings: ConnectSettings | None = None,
        rate: Rate | None = None,
    ) -> None:
        self.site = Site(seed=1, connect_settings=settings)
        self.site.write_levels("Team")
        backend, instance = self.site.connect.backend, self.site.instance_id
        self.old, self.new = (
            backend.create_user_hierarchy_group(instance, name).id for name in ("Old", "New")
        )
        self.agents = [
            Agent(user.id, user.username, self.old)
            for user in (
                backend.create_user(instance, f"agent {n}", hierarchy_group_id=self.old)
                for n in range(agents)
            )
        ]
        self.rate = rate or Rate()
        self.outcomes: list[Outcome] = []

    @property
    def moves(self) -> list[Move]:
        """Everybody to the new group."""
        return [Move(agent, self.new) for agent in self.agents]

    def carry_out(self, moves: Sequence[Move] | None = None) -> None:
        """Move agents, everybody if none are given."""
        clock = self.site.function_clock
        connect = Connect(self.site.client("connect"), PacedCalls(clock, self.rate))
        lanes = lanes_for_moves(clock, self.rate)
        arn = self.site.instance_arn
        mover = Mover(connect, arn, clock=clock, lanes=lanes, jitter=lambda: 0.5)
        mover.carry_out(self.moves if moves is None else moves, self.outcomes.append)

    @property
    def endings(self) -> list[str]:
        """How the moves ended, in their order."""
        return [outcome.ending.value for outcome in self.outcomes]

    def effects(self) -> list[str]:
        """The outcome of each call that moves an agent."""
        return [call.outcome for call in self.site.connect.calls if call.api == _MOVE]


def test_the_default_pace_is_never_refused() -> None:
    """Forty agents take the time of forty calls at two a second, and no call is refused."""
    desk = Desk(40)
    began = desk.site.clock.now()
    desk.carry_out()
    assert desk.endings == ["moved"] * 40
    assert desk.effects() == ["ok"] * 40
    assert desk.site.clock.now() - began == pytest.approx((40 - 4.5) / 2, abs=0.1)


def test_a_raised_quota_is_used() -> None:
    """At twenty requests a second, with a second for each, agents are moved side by side."""
    settings = ConnectSettings(default_rate=ServiceRate(20, 50), latency=1.0)
    desk = Desk(100, settings, Rate(20, 50))
    began = desk.site.clock.now()
    desk.carry_out()
    assert desk.effects() == ["ok"] * 100
    assert desk.site.clock.now() - began == pytest.approx(20, abs=1)


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.ERROR_AFTER])
def test_an_answer_that_is_lost_does_not_move_twice(kind: FaultKind) -> None:
    """After a lost answer the agent is read, and a move that had its effect is not made again."""
    desk = Desk(3)
    desk.site.connect.plan_fault(_MOVE, nth=2, kind=kind)
    desk.carry_out()
    assert desk.endings == ["moved"] * 3
    assert [outcome.group_before for outcome in desk.outcomes] == [desk.old] * 3
    assert len(desk.effects()) == 3


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.ERROR_BEFORE, FaultKind.THROTTLE])
def test_a_call_without_an_effect_is_made_again(kind: FaultKind) -> None:
    """A move that the service did not make is repeated."""
    desk = Desk(3)
    desk.site.connect.plan_fault(_MOVE, nth=2, kind=kind)
    desk.carry_out()
    assert desk.endings == ["moved"] * 3
    assert desk.effects().count("ok") == 3
    assert len(desk.effects()) == 4


def test_agents_that_are_there_are_not_moved() -> None:
    """An agent that somebody moved meanwhile is not moved."""
    desk = Desk(2)
    backend, first = desk.site.connect.backend, desk.agents[0]
    backend.update_user_hierarchy(desk.site.instance_id, first.id, desk.new)
    desk.carry_out()
    assert sorted(desk.endings) == ["already there", "moved"]
    assert len(desk.effects()) == 1


def test_out_of_the_hierarchy() -> None:
    """An agent who is to be in no group is taken out of its group."""
    desk = Desk(1)
    desk.carry_out([Move(desk.agents[0], None)])
    assert desk.endings == ["moved"]
    assert desk.site.agents == {}


def test_an_agent_that_is_gone_does_not_keep_the_others() -> None:
    """Other agents are moved first; a refused move is repeated for two minutes, then reported."""
    desk = Desk(3)
    desk.site.connect.backend.delete_user(desk.site.instance_id, desk.agents[0].id)
    began = desk.site.clock.now()
    desk.carry_out()
    assert desk.endings == ["moved", "moved", "failed"]
    assert "ResourceNotFoundException" in desk.outcomes[-1].why
    assert desk.site.clock.now() - began == pytest.approx(125, abs=15)


def test_an_agent_that_reads_show_late_is_moved() -> None:
    """An agent that was made a moment ago is moved as soon as the service finds it."""
    desk = Desk(1, ConnectSettings(read_lag=20))
    desk.carry_out()
    assert desk.endings == ["moved"]


def test_a_missing_permission_ends_it_at_once() -> None:
    """A refusal that any move would get is raised, and finished moves are reported."""
    desk = Desk(5)
    desk.site.connect.plan_fault(_MOVE, nth=3, kind=FaultKind.ACCESS_DENIED)
    with pytest.raises(Refusal, match="AccessDenied"):
        desk.carry_out()
    assert desk.endings == ["moved"] * 2
    assert len(desk.effects()) == 3


def test_a_service_that_does_not_answer_is_given_up() -> None:
    """After two minutes without an answer, the moves end; the reported ones are done."""
    desk = Desk(5)
    desk.site.connect.plan_fault(_MOVE, nth=2, kind=FaultKind.CUT_BEFORE, times=1000)
    began = desk.site.clock.now()
    with pytest.raises(PassingError):
        desk.carry_out()
    assert desk.endings == ["moved"]
    assert 120 <= desk.site.clock.now() - began <= 140
