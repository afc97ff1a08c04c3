"""Random histories of a stack with trees and single groups, some deployments of which fail."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from tests.stacks import Site

LEVELS = ("L1", "L2", "L3")
SINGLE = "single"
OWNERS = ("One", "Two", SINGLE)


@dataclass(frozen=True)
class Planned:
    """A group that the app has: of a tree, or by itself at level one."""

    key: str
    name: str
    owner: str
    parent: str | None = None
    """Key of the one above."""

    tag: str = ""


@dataclass
class History:
    """A stack, what was asked of it last, and what has to be so."""

    site: Site
    random: random.Random
    unique_names: bool
    groups: dict[str, Planned] = field(default_factory=dict)
    _keys: int = 0
    _agents: int = 0

    def template(self, groups: dict[str, Planned]) -> dict[str, Any]:
        """The resources for these groups."""
        resources: dict[str, Any] = {"Structure": self.site.structure(*LEVELS)}
        for owner in OWNERS[:2]:
            nodes = self._nodes(groups, owner, None)
            if nodes:
                resources[owner] = self.site.tree(*nodes, AgentsOnDelete="UNASSIGN")
        for group in groups.values():
            if group.owner == SINGLE:
                tags: dict[str, Any] = {"Tags": {"t": group.tag}} if group.tag else {}
                resources[f"S{group.key}"] = self.site.group(
                    group.name, AgentsOnDelete="UNASSIGN", **tags
                )
        return resources

    def _nodes(
        self, groups: dict[str, Planned], owner: str, parent: str | None
    ) -> list[dict[str, Any]]:
        return [
            {
                "Name": group.name,
                "Key": group.key,
                "Children": self._nodes(groups, owner, group.key),
                **({"Tags": {"t": group.tag}} if group.tag else {}),
            }
            for group in groups.values()
            if (group.owner, group.parent) == (owner, parent)
        ]

    def paths(self, groups: dict[str, Planned]) -> dict[str, str]:
        """The key of every group by its path."""

        def path(group: Planned) -> str:
            return f"{path(groups[group.parent])}/{group.name}" if group.parent else group.name

        return {path(group): key for key, group in groups.items()}

    def _tag(self, groups: dict[str, Planned], key: str) -> str:
        """The tag of a group: its own, or that of the nearest above it that has one."""
        group = groups[key]
        return group.tag or (self._tag(groups, group.parent) if group.parent else "")

    def changed(self) -> dict[str, Planned]:
        """Some other groups."""
        groups = dict(self.groups)
        if self.random.random() < 0.2:
            # by itself: who takes a group over does not know which tags are whose
            return {
                key: replace(group, tag=self.random.choice(["", "1", "2"]))
                for key, group in groups.items()
            }
        for _ in range(self.random.randint(1, 5)):
            proposed = self._changed_once(groups)
            paths = self.paths(proposed)
            names = [group.name for group in proposed.values()]
            depths = [path.count("/") for path in paths]
            if (
                len(paths) == len(proposed)
                and max(depths, default=0) < len(LEVELS)
                and not (self.unique_names and len(set(names)) < len(names))
            ):
                groups = proposed
        tags = {path: self._tag(self.groups, key) for path, key in self.paths(self.groups).items()}
        for path, key in self.paths(groups).items():
            known = self.groups.get(key)
            if known is None or known.owner != groups[key].owner:
                groups[key] = replace(groups[key], tag=tags.get(path, ""))
        return groups

    def _changed_once(self, groups: dict[str, Planned]) -> dict[str, Planned]:
        groups = dict(groups)
        action = self.random.choice(["add", "add", "remove", "rename", "swap", "move", "pass"])
        names = "ABCDEFGHIJKLMNOP" if self.unique_names else "ABCD"
        if action == "add" or not groups:
            self._keys += 1
            key = f"k{self._keys}"
            owner = self.random.choice(OWNERS)
            parents = [None, *(g.key for g in groups.values() if g.owner == owner != SINGLE)]
            groups[key] = Planned(
                key, self.random.choice(names), owner, self.random.choice(parents)
            )
            return groups
        key = self.random.choice(list(groups))
        group = groups[key]
        if action == "remove":
            return {k: g for k, g in groups.items() if k not in self._below(groups, key)}
        if action == "rename":
            groups[key] = replace(group, name=self.random.choice(names))
        elif action == "swap":
            siblings = [g for g in groups.values() if g.parent == group.parent]
            other = self.random.choice(siblings)
            groups[key] = replace(group, name=other.name)
            groups[other.key] = replace(other, name=group.name)
        elif action == "move" and group.owner != SINGLE:
            below = self._below(groups, key)
            parents = [
                g.key for g in groups.values() if g.owner == group.owner and g.key not in below
            ]
            groups[key] = replace(group, parent=self.random.choice([None, *parents]))
        elif action == "pass" and group.parent is None:
            owner = self.random.choice(OWNERS)
            below = self._below(groups, key)
            if owner == SINGLE and len(below) > 1:
                return groups
            for one in below:
                groups[one] = replace(groups[one], owner=owner)
        return groups

    def _below(self, groups: dict[str, Planned], key: str) -> set[str]:
        below = {key}
        while True:
            more = {g.key for g in groups.values() if g.parent in below} - below
            if not more:
                return below
            below |= more

    def state(self) -> tuple[Any, ...]:
        """Everything that a rollback has to bring back."""
        groups = self.site.connect.backend.hierarchy(self.site.instance_id).by_path
        tags = {
            path: {
                key: value
                for key, value in group.tags.items()
                if key == "t" or key.endswith((":resource", ":key"))
            }
            for path, group in groups.items()
        }
        records = {
            record.id: (record.resource, record.key, record.phase, record.origin)
            for ledger in self.site.ledgers.values()
            for record in ledger.records().values()
        }
        return self.site.ids, self.site.agents, tags, records

    def step(self, *, fails: bool) -> None:
        """One deployment, and what has to be so after it."""
        before = self.state()
        groups = self.changed()
        resources = self.template(groups)
        if fails:
            after = [name for name in resources if name != "Structure"]
            resources["Failing"] = self.site.failing(*after)
        stack = self.site.up(resources)
        self.site.clock.sleep(2000)
        if fails:
            assert stack.status == "UPDATE_ROLLBACK_COMPLETE", self.site.reasons(stack)
            assert self.state() == before, (self.groups, groups)
            return
        if groups != self.groups:
            complete = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
            assert stack.status in complete, self.site.reasons(stack)
        ids, agents, tags, records = self.state()
        paths = self.paths(groups)
        assert set(ids) == set(paths), (self.groups, groups)
        for path, own in tags.items():
            group = groups[paths[path[0] if isinstance(path, str) else "/".join(path)]]
            owner = f"S{group.key}" if group.owner == SINGLE else group.owner
            assert own["connect-hierarchy:resource"] == owner, (self.groups, groups)
            assert own.get("t", "") == self._tag(groups, group.key)
        assert dict.fromkeys(ids.values(), Phase.LIVE) == {
            group_id: phase for group_id, (_, _, phase, _) in records.items()
        }
        # agents follow their group as long as its resource has its key
        homes = {name: paths[path] for path, names in agents.items() for name in names}
        for path, names in before[1].items():
            key = self.paths(self.groups)[path]
            stays = key in groups and groups[key].owner == self.groups[key].owner
            for name in names:
                assert homes.get(name) == key or not stays, (name, self.groups, groups)
        self.groups = groups
        for path in ids:
            if self.random.random() < 0.3:
                self._agents += 1
                self.site.hire(f"agent{self._agents}", *path.split("/"))
        self.site.clock.sleep(2000)


def play(
    seed: int,
    scope: DuplicateScope,
    reversed_id: ReversedUpdateId,
    *,
    search_lag: float = 0.0,
    read_lag: float = 0.0,
    faults: bool = False,
) -> None:
    """Six deployments of a stack."""
    numbers = random.Random(seed)
    site = Site(
        seed=seed,
        connect_settings=ConnectSettings(
            default_rate=None, duplicate_scope=scope, search_lag=search_lag, read_lag=read_lag
        ),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )
    history = History(site, numbers, unique_names=scope is DuplicateScope.INSTANCE)
    history.step(fails=False)
    for _ in range(5):
        if faults:
            kinds = [kind for kind in FaultKind if kind is not FaultKind.ACCESS_DENIED]
            for _ in range(3):
                nth = numbers.randint(1, 30)
                site.connect.plan_fault("*", nth=nth, kind=numbers.choice(kinds))
        history.step(fails=numbers.random() < 0.4)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
def test_histories(seed: int, scope: DuplicateScope, reversed_id: ReversedUpdateId) -> None:
    """What is deployed is there, what fails leaves no trace, and agents stay with their groups."""
    play(seed, scope, reversed_id)


@pytest.mark.parametrize("seed", range(100, 112))
@pytest.mark.parametrize("lags", [(100.0, 0.0), (100.0, 5.0)])
@pytest.mark.parametrize("scope", DuplicateScope)
def test_histories_with_stale_answers_and_faults(
    seed: int, lags: tuple[float, float], scope: DuplicateScope
) -> None:
    """The same where searches lag, reads lag, and calls meet faults."""
    play(
        seed,
        scope,
        ReversedUpdateId.NEW,
        search_lag=lags[0],
        read_lag=lags[1],
        faults=True,
    )
