"""5,000 groups and 20,000 agents: what a plan reads, and what it takes beside that."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_cli.plan.planned_connect import PlannedConnect
from connect_hierarchy_cli.plan.planning import make_plan
from connect_hierarchy_cli.plan.result import Change, Plan
from connect_hierarchy_cli.plan.source import LiveSource
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_cli.plan.terminal import as_renderable
from connect_hierarchy_lambda.model.declared import nodes_as_declared
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.ledger import Entry, Record
from connect_hierarchy_lambda.model.ownership import owner_tags
from connect_hierarchy_lambda.model.tree import key_mark
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.connect import ConnectSettings
from local_aws.connect.rows import Group as GroupRow
from local_aws.connect.rows import User
from tests.support.stacks import Site

TREES = 5
GROUPS_A_TREE = 1000
AGENTS_A_GROUP = 4
GROUPS = TREES * GROUPS_A_TREE
AGENTS = GROUPS * AGENTS_A_GROUP
CHANGED = 60
STACK = "large/1-2-3"
STACK_ID = f"arn:aws:cloudformation:eu-west-2:123456789012:stack/{STACK}"
LEVELS = ("Division", "Region", "Team")


@dataclass
class Large:
    """A stack of five trees of 1,000 groups each, with four agents in every group."""

    arn: str
    groups: list[Group] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    def __post_init__(self) -> None:
        turn = self.ledger.take_turn("begin", 0.0)
        assert turn is not None
        for number, (name, declaration) in enumerate(self.trees().items()):
            records = self._records(name, number, declaration["Properties"]["Groups"])
            entry = Entry(name, physical_id=self.physical_ids[name], established=True)
            self.ledger.write(turn, entry=entry, records=records)
        self.ledger.give_turn(turn, {})

    @property
    def physical_ids(self) -> Mapping[str, str]:
        """Those of the trees."""
        return {f"T{n}": f"{self.arn}/hierarchy-tree/T{n}/first" for n in range(TREES)}

    def trees(self, changed: int = 0) -> dict[str, Any]:
        """The declarations; of this many teams, a third each is renamed, moved and removed."""
        return {
            f"T{number}": {
                "Type": "Custom::ConnectHierarchyTree",
                "Properties": {
                    "InstanceArn": self.arn,
                    "Groups": _groups(number, changed // TREES),
                    "AgentsOnDelete": "MOVE_TO_PARENT",
                },
            }
            for number in range(TREES)
        }

    def _records(self, tree: str, number: int, groups: object) -> list[Record]:
        ids: dict[str, str] = {}
        paths: dict[str, tuple[tuple[str, str], ...]] = {}
        records = []
        for place, node in enumerate(nodes_as_declared(groups)):
            group_id = f"{number}-{place}"
            ids[node.key] = group_id
            paths[node.key] = (*paths.get(node.parent or "", ()), (group_id, node.name))
            tags = owner_tags(STACK, tree, key_mark(node.key))
            arn = f"{self.arn}/agent-group/{group_id}"
            self.groups.append(Group(arn, group_id, node.name, paths[node.key], tags))
            self.agents += [
                Agent(f"a-{group_id}-{n}", f"agent-{group_id}-{n}", group_id)
                for n in range(AGENTS_A_GROUP)
            ]
            above = ids.get(node.parent or "")
            key = key_mark(node.key)
            records.append(
                Record(self.arn, above, node.name, tree, key=key, id=group_id, tags=tags)
            )
        return records

    def plan(self, connect: PlannedConnect, changed: int) -> Plan:
        """The plan of a change."""
        target = Target(
            STACK_ID,
            {"Resources": self.trees(changed)},
            old_template={"Resources": self.trees()},
            physical_ids=self.physical_ids,
        )
        return make_plan(target, self.ledger, connect, rate=Rate(), now=1_800_000_000.0)


def _groups(tree: int, changed: int) -> list[dict[str, Any]]:
    """One division, nine regions and their teams, each of which has a key."""
    regions: list[dict[str, Any]] = [
        {"Name": f"Region {number}", "Children": []} for number in range(9)
    ]
    for number in range(GROUPS_A_TREE - 10):
        team = {"Name": f"Team {number}", "Key": f"team {number}"}
        home = number % 9
        if number < changed:
            match number % 3:
                case 0:
                    team["Name"] = f"Renamed {number}"
                case 1:
                    home = (home + 1) % 9
                case _:
                    continue
        regions[home]["Children"].append(team)
    return [{"Name": f"Division {tree}", "Children": regions}]


class AtHand:
    """What is there, without a service."""

    def __init__(self, large: Large) -> None:
        self._large = large

    def levels(self, _: str) -> Sequence[str]:
        """Three."""
        return LEVELS

    def groups(self, _: str) -> Sequence[Group]:
        """All groups."""
        return self._large.groups

    def agents(self, _: str) -> Sequence[Agent]:
        """All agents."""
        return self._large.agents


def test_a_large_plan_takes_three_seconds_and_300_megabytes() -> None:
    """Sixty changes in it; without what reading takes, drawing included."""
    large = Large("arn:aws:connect:eu-west-2:123456789012:instance/large")
    assert (len(large.groups), len(large.agents)) == (GROUPS, AGENTS)
    plan, seconds = min((_timed(large) for _ in range(3)), key=lambda timed: timed[1])
    third = CHANGED // 3
    assert plan.count() == {
        Change.RENAMED: third,
        Change.MOVED: third,
        Change.REMOVED: third,
    }
    assert plan.calls_by_api["UpdateUserHierarchy"] == 2 * third * AGENTS_A_GROUP
    assert seconds < 3.0
    tracemalloc.start()
    try:
        large.plan(PlannedConnect(AtHand(large)), CHANGED)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * 1024 * 1024


def _timed(large: Large) -> tuple[Plan, float]:
    """The plan, and the seconds of the processor that it took."""
    began = time.process_time()
    plan = large.plan(PlannedConnect(AtHand(large)), CHANGED)
    as_renderable(plan)
    return plan, time.process_time() - began


def test_a_large_plan_reads_what_the_pages_need() -> None:
    """The levels in one call, groups by hundreds, agents by five hundreds; and nothing twice."""
    site = Site(connect_settings=ConnectSettings(default_rate=None))
    large = Large(site.instance_arn)
    site.write_levels(*LEVELS)
    contents = site.connect.backend._contents[site.instance_id]
    for group in large.groups:
        contents.groups.put(
            group.id,
            GroupRow(
                id=group.id,
                arn=group.arn,
                name=group.name,
                last_modified=0.0,
                region="eu-west-2",
                level_id=str(len(group.path)),
                parent_id=group.parent_id,
                tags=dict(group.tags),
            ),
        )
    for agent in large.agents:
        contents.users.put(
            agent.id,
            User(
                id=agent.id,
                arn=f"{site.instance_arn}/agent/{agent.id}",
                name=agent.username,
                last_modified=0.0,
                region="eu-west-2",
                hierarchy_group_id=agent.group_id,
                attributes={},
                tags={},
            ),
        )
    source = LiveSource(Connect(site.client("connect")))
    plan = large.plan(PlannedConnect(source), CHANGED)
    assert plan.changes_anything
    calls = site.calls()
    assert calls.count("DescribeUserHierarchyStructure") == 1
    # one more where the hidden root fills a page
    assert calls.count("SearchUserHierarchyGroups") <= math.ceil((GROUPS + 1) / 100)
    assert calls.count("SearchUsers") == math.ceil(AGENTS / 500)
    assert len(calls) <= 1 + math.ceil((GROUPS + 1) / 100) + math.ceil(AGENTS / 500)
    site.clock.close()
