"""One random history, played with single groups and as a tree: both have to come to the same.

A node's key and a single group's logical id are the same text. Two things are not drawn, since the
two differ in them by design:

- `FAIL` for agents: a tree refuses to remove such a group before its first call, and a single group
  is left behind in the clean-up;
- nodes without a key: their names are their identity, and a single group's name is not.

Nothing is changed by hand, and nothing is adopted. `PARITY_HISTORIES=500` plays more of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connect_hierarchy_lambda.core.names import TEMPORARY_NAME
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.lifecycle.plans import MOVE_TO_PARENT, UNASSIGN, NodePlan, StackPlan, TreePlan
from tests.stacks import Site
from tests.support.ownership import ownerships

HISTORIES = int(os.environ.get("PARITY_HISTORIES", "60"))
DEPLOYMENTS = 7
TREE = "Tree"
KEYS = [f"K{number}" for number in range(8)]
NAMES = list("ABCDEF")
TAGS: list[dict[str, str]] = [{}, {"k": "1"}, {"k": "2"}, {"k": "1", "l": "x"}]
LEVELS = ("Division", "Region", "Team")

Nodes = dict[str, NodePlan]


@dataclass(frozen=True)
class Deployment:
    """What is deployed, whether another resource fails after it, and who is hired then."""

    nodes: Nodes
    levels: tuple[str, ...]
    fails: bool = False
    hired_into: tuple[str, ...] = ()
    """Keys of groups, one for each new agent."""


@dataclass
class Author:
    """Draws a history before anything of it is played."""

    draw: random.Random
    scope: DuplicateScope
    nodes: Nodes = field(default_factory=dict)
    levels: tuple[str, ...] = LEVELS

    def history(self) -> list[Deployment]:
        """All deployments; one that fails is followed by another change of what was before it."""
        deployments = []
        for number in range(DEPLOYMENTS):
            nodes, levels = self._changed(), self._changed_levels()
            fails = number > 0 and self.draw.random() < 0.35
            if not fails:
                self.nodes, self.levels = nodes, levels
            hired = tuple(key for key in sorted(self.nodes) if self.draw.random() < 0.3)
            deployments.append(Deployment(nodes, levels, fails=fails, hired_into=hired))
        return deployments

    def _changed(self) -> Nodes:
        nodes = self.nodes
        for _ in range(self.draw.randint(1, 4)):
            proposed = self._edit()(dict(nodes))
            plan = as_tree(Deployment(proposed, LEVELS), "arn")
            if plan.is_sound(one_name_an_instance=self.scope is DuplicateScope.INSTANCE):
                nodes = proposed
        return nodes

    def _changed_levels(self) -> tuple[str, ...]:
        """Sometimes another name for one of them, or one more."""
        kind, levels = self.draw.randrange(8), self.levels
        if kind == 0:
            number = self.draw.randrange(len(levels))
            return (*levels[:number], f"Level {self.draw.random()}", *levels[number + 1 :])
        return (*levels, f"Level {len(levels) + 1}") if kind == 1 and len(levels) < 5 else levels

    def _edit(self) -> Callable[[Nodes], Nodes]:
        edits = [self._add, self._add, self._rename, self._move, self._move, self._retag]
        return self.draw.choice([*edits, self._remove, self._swap_names, self._swap_with_parent])

    def _add(self, nodes: Nodes) -> Nodes:
        free = [key for key in KEYS if key not in nodes]
        if not free:
            return nodes
        parent = self.draw.choice([None, *sorted(nodes)])
        policy = UNASSIGN if parent is None else self.draw.choice([UNASSIGN, MOVE_TO_PARENT])
        name, tags = self.draw.choice(NAMES), self.draw.choice(TAGS)
        return {**nodes, self.draw.choice(free): NodePlan(name, parent, tags, policy)}

    def _remove(self, nodes: Nodes) -> Nodes:
        gone = TreePlan(nodes).below(self._one(nodes)) if nodes else set()
        return {key: node for key, node in nodes.items() if key not in gone}

    def _rename(self, nodes: Nodes) -> Nodes:
        return self._with(nodes, name=self.draw.choice(NAMES))

    def _retag(self, nodes: Nodes) -> Nodes:
        return self._with(nodes, tags=self.draw.choice(TAGS))

    def _move(self, nodes: Nodes) -> Nodes:
        return self._with(nodes, parent=self.draw.choice([None, *sorted(nodes)]))

    def _swap_names(self, nodes: Nodes) -> Nodes:
        if not nodes:
            return nodes
        one, other = self._one(nodes), self._one(nodes)
        names = nodes[one].name, nodes[other].name
        return {
            **nodes,
            one: replace(nodes[one], name=names[1]),
            other: replace(nodes[other], name=names[0]),
        }

    def _swap_with_parent(self, nodes: Nodes) -> Nodes:
        child = self._one(nodes) if nodes else ""
        parent = nodes[child].parent if nodes else None
        if parent is None:
            return nodes
        above = replace(nodes[child], parent=nodes[parent].parent, on_delete=UNASSIGN)
        return {**nodes, child: above, parent: replace(nodes[parent], parent=child)}

    def _one(self, nodes: Nodes) -> str:
        return self.draw.choice(sorted(nodes))

    def _with(self, nodes: Nodes, **changes: Any) -> Nodes:
        if not nodes:
            return nodes
        key = self._one(nodes)
        return {**nodes, key: replace(nodes[key], **changes)}


def as_tree(deployment: Deployment, instance_arn: str) -> StackPlan:
    """The groups as one tree; a tree without groups is left out."""
    trees = {TREE: TreePlan(deployment.nodes)} if deployment.nodes else {}
    return StackPlan(instance_arn, deployment.levels, {}, trees)


def as_single_groups(deployment: Deployment, instance_arn: str) -> StackPlan:
    """The same groups as single ones, each with the tags that a tree would give it."""
    members = as_tree(deployment, instance_arn).members
    groups = {
        key: replace(members[f"{TREE}:{key}"], parent=node.parent)
        for key, node in deployment.nodes.items()
    }
    return StackPlan(instance_arn, deployment.levels, groups)


@dataclass
class Player:
    """Plays a history one way, and tells after each deployment what is there."""

    site: Site
    plan_of: Callable[[Deployment, str], StackPlan]
    ids: dict[str, str] = field(default_factory=dict)
    """The ids of the groups by key, as the last deployment that completed had them."""

    agents: int = 0

    def play(self, deployment: Deployment) -> Any:
        """Deploy, hire, and tell."""
        site = self.site
        resources = self.plan_of(deployment, site.instance_arn).resources(site)
        if deployment.fails:
            resources["Failing"] = site.failing(*resources)
        stack = site.up(resources)
        site.settle()
        site.clock.sleep(2000)
        told = stack.status, site.levels, self._groups(stack), site.agents, self._free_agents()
        self._hire(deployment, stack)
        return told

    def _groups(self, stack: Stack) -> list[Any]:
        """Path, key, phase, origin and tags of each group, and whether its id is as it was."""
        owned = ownerships(self.site.ledger_of(stack.stack_id).records())
        keys = {key_mark(key): key for key in KEYS}
        told, ids = [], {}
        for path, group in self.site.connect.backend.hierarchy(
            self.site.instance_id
        ).by_path.items():
            owner = owned[group.id]
            key = keys[owner.key] if owner.key else owner.resource
            tags = {k: v for k, v in group.tags.items() if not k.startswith(RESERVED_PREFIX)}
            names = ["displaced" if n.startswith(TEMPORARY_NAME) else n for n in path]
            is_same = self.ids.get(key) == group.id
            told.append((names, key, owner.phase, owner.origin, sorted(tags.items()), is_same))
            if owner.is_live:
                ids[key] = group.id
        self.ids = ids
        return sorted(told, key=repr)

    def _free_agents(self) -> list[str]:
        users = self.site.connect.backend.list_users(self.site.instance_id)
        return sorted(user.name for user in users if user.hierarchy_group_id is None)

    def _hire(self, deployment: Deployment, stack: Stack) -> None:
        if not stack.status.endswith("COMPLETE"):
            return
        for key in deployment.hired_into:
            self.agents += 1
            self.site.connect.backend.create_user(
                self.site.instance_id, f"agent-{self.agents}", hierarchy_group_id=self.ids[key]
            )


def _site(seed: int, draw: random.Random) -> tuple[Callable[[], Site], DuplicateScope]:
    """What makes the sites of a history: both in one of the worlds that nobody documents."""
    scope = draw.choice(list(DuplicateScope))
    reversed_id = draw.choice(list(ReversedUpdateId))
    by_delete_alone = draw.random() < 0.3
    lag = draw.choice([0.0, 0.0, 30.0])

    def make() -> Site:
        return Site(
            seed=seed,
            connect_settings=ConnectSettings(
                default_rate=None, duplicate_scope=scope, search_lag=lag
            ),
            engine_settings=EngineSettings(
                reversed_update_id=reversed_id, replaced_get_reversed_update=not by_delete_alone
            ),
        )

    return make, scope


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_single_groups_and_a_tree_come_to_the_same(seed: int) -> None:
    """States, levels, paths, phases, tags, agents, and which groups keep their ids."""
    draw = random.Random(seed)
    make_site, scope = _site(seed, draw)
    history = Author(draw, scope).history()
    single, tree = Player(make_site(), as_single_groups), Player(make_site(), as_tree)
    for number, deployment in enumerate(history):
        told = single.play(deployment), tree.play(deployment)
        assert told[0] == told[1], (number, history[: number + 1])


def test_the_histories_of_both_are_made_of_what_matters() -> None:
    """Groups are added, renamed, moved, removed and retagged, and some deployments fail."""
    seen: set[str] = set()
    for seed in range(60):
        author = Author(random.Random(seed), DuplicateScope.SIBLINGS)
        before: Nodes = {}
        for deployment in author.history():
            now = deployment.nodes
            seen |= {"fails"} if deployment.fails else set()
            seen |= {"hires"} if deployment.hired_into else set()
            seen |= {"adds"} if now.keys() - before.keys() else set()
            seen |= {"removes"} if before.keys() - now.keys() else set()
            for key in now.keys() & before.keys():
                seen |= {"renames"} if now[key].name != before[key].name else set()
                seen |= {"moves"} if now[key].parent != before[key].parent else set()
                seen |= {"retags"} if now[key].tags != before[key].tags else set()
            before = before if deployment.fails else now
    assert seen == {"fails", "hires", "adds", "removes", "renames", "moves", "retags"}
