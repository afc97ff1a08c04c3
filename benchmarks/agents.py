"""Moves agents as `connect-hierarchy agents` does, in virtual time over the local Connect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.organisation import BURST, RAISED_RATE, RATE
from benchmarks.stage import without_logs
from connect_hierarchy_cli.pacing import PacedCalls
from connect_hierarchy_cli.placement.mover import Mover, Outcome
from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_cli.placement.plan import Row, plan_moves
from connect_hierarchy_cli.placement.present import AgentSurvey, present_groups
from connect_hierarchy_cli.placement.side_by_side import lanes_for_moves
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import Rate as ServiceRate
from local_aws.in_process import InProcessAws

AGENTS = 2_000
GROUPS = 150
_LATENCIES = (0.15, 0.4)
_MOVE = "UpdateUserHierarchy"
_THROTTLED = "TooManyRequestsException"
_A_DAY = 24 * 3600.0


@dataclass(frozen=True)
class AgentsMoved:
    """The cost of moving agents.

    Args:
        agents: How many were moved.
        groups: To how many groups.
        rate: Requests a second that the service takes of each API.
        latency: Virtual seconds of a call.
        floor: Seconds that the rate alone requires.
        seconds: Virtual, from reading what is there to the last move.
        moves: Calls that move an agent.
        reads: Other calls.
        refused: Throttled calls.
        elsewhere: Agents that are in a wrong group at the end.
    """

    agents: int
    groups: int
    rate: float
    latency: float
    floor: float
    seconds: float
    moves: int
    reads: int
    refused: int
    elsewhere: int


def move_all() -> Iterator[AgentsMoved]:
    """Measure at the default rate and at a raised one, with quick and with slow calls."""
    for rate, burst in ((RATE, BURST), (RAISED_RATE, RAISED_RATE)):
        for latency in _LATENCIES:
            yield move(AGENTS, GROUPS, Rate(rate, burst), latency)


def move(agents: int, groups: int, rate: Rate, latency: float) -> AgentsMoved:
    """Read an instance, plan new groups for all agents, and move them."""
    with without_logs():
        aws = InProcessAws(
            lambda *_: lambda *_: None,
            connect_settings=ConnectSettings(default_rate=None, latency=latency),
            seed=1,
        )
        rows = _furnish(aws, agents, groups)
        aws.connect.settings.default_rate = ServiceRate(rate.per_second, rate.burst)
        began = aws.clock.now()
        _carry_out(aws, rows, rate)
        seconds = aws.clock.now() - began
    calls = Counter(call.api for call in aws.connect.calls if call.outcome != _THROTTLED)
    (instance,) = aws.connect.backend.instances
    hierarchy = aws.connect.backend.hierarchy(instance)
    elsewhere = sum(row.username not in hierarchy.usernames(row.path) for row in rows)
    aws.clock.close()
    return AgentsMoved(
        agents=agents,
        groups=groups,
        rate=rate.per_second,
        latency=latency,
        floor=(agents - rate.burst) / rate.per_second,
        seconds=seconds,
        moves=calls[_MOVE],
        reads=calls.total() - calls[_MOVE],
        refused=len(aws.connect.calls) - calls.total(),
        elsewhere=elsewhere,
    )


def _furnish(aws: InProcessAws, agents: int, groups: int) -> list[Row]:
    """Create groups and agents, one day old, and return rows that give each agent another group."""
    backend = aws.connect.backend
    instance = backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
    )["Id"]
    backend.update_user_hierarchy_structure(instance, {"LevelOne": {"Name": "Team"}})
    teams = [backend.create_user_hierarchy_group(instance, f"Team {n}") for n in range(groups)]
    for n in range(agents):
        backend.create_user(instance, f"agent-{n}", hierarchy_group_id=teams[n % groups].id)
    aws.clock.sleep(_A_DAY)
    return [Row(f"agent-{n}", f"Team {(n + 1) % groups}", n + 2) for n in range(agents)]


def _carry_out(aws: InProcessAws, rows: list[Row], rate: Rate) -> None:
    clock = aws.function_clock
    connect = Connect(aws.client("connect"), PacedCalls(clock, rate))
    (arn,) = (instance.arn for instance in aws.connect.backend.instances.values())
    lanes = lanes_for_moves(clock, rate)
    paths = Paths(present_groups(connect, arn))
    survey = AgentSurvey.of(connect, arn)
    found = survey.settled(connect, survey.doubtful(clock.now()), lanes, lambda *_: None)
    plan = plan_moves(rows, found, paths, lambda line, why: f"{line}: {why}")
    outcomes: list[Outcome] = []
    mover = Mover(connect, arn, clock=clock, lanes=lanes, jitter=lambda: 0.5)
    mover.carry_out(plan.moves, outcomes.append)
