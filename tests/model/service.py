"""A model of Amazon Connect: groups and agents as one value that can be hashed and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.ports.calls import DUPLICATE, IN_USE, NOT_FOUND, Refusal
from tests.model.values import Fixed, hashed_once

INSTANCE_ARN = "arn:aws:connect:eu-central-1:123456789012:instance/model"

STRANGER_TAG = "made-by"
"""On every group that another than the stack made; nothing of ours ever removes it."""


@hashed_once
@dataclass(frozen=True)
class Desk:
    """A group as the model keeps it."""

    id: str
    name: str
    parent_id: str | None
    tags: Fixed


@hashed_once
@dataclass(frozen=True)
class World:
    """Everything on the instance."""

    desks: tuple[Desk, ...] = ()
    agents: tuple[tuple[str, str | None], ...] = ()
    """Each agent with the group that it is in."""

    made: int = 0
    """How many groups were ever made: ids do not come twice."""

    is_name_unique: bool = False
    """Whether a name can be there once in the whole instance, or once among siblings."""

    @cached_property
    def by_id(self) -> Mapping[str, Desk]:
        """The groups by their ids."""
        return {desk.id: desk for desk in self.desks}

    def is_taken(self, parent_id: str | None, name: str, but: str = "") -> bool:
        """Whether a group has the name, so that no other can get it."""
        return any(
            desk.name == name
            and desk.id != but
            and (self.is_name_unique or desk.parent_id == parent_id)
            for desk in self.desks
        )

    def is_in_use(self, group_id: str) -> bool:
        """Whether agents or child groups are in a group."""
        return any(desk.parent_id == group_id for desk in self.desks) or any(
            where == group_id for _, where in self.agents
        )

    def with_desk(self, name: str, parent_id: str | None, tags: Mapping[str, str]) -> World:
        """The world with one more group, the last one."""
        made = self.made + 1
        desk = Desk(f"g{made}", name, parent_id, Fixed(tags))
        return replace(self, desks=(*self.desks, desk), made=made)

    def changed(self, group_id: str, change: Callable[[Desk], Desk]) -> World:
        """The world with one group changed."""
        desks = tuple(change(d) if d.id == group_id else d for d in self.desks)
        return replace(self, desks=desks)

    def renamed(self, group_id: str, name: str) -> World:
        """The world with another name of a group."""
        return self.changed(group_id, lambda desk: replace(desk, name=name))

    def without(self, group_id: str) -> World:
        """The world without a group."""
        return replace(self, desks=tuple(d for d in self.desks if d.id != group_id))

    def with_agent_in(self, agent: str, group_id: str | None) -> World:
        """The world with an agent in another group, or in none."""
        agents = {**dict(self.agents), agent: group_id}
        return replace(self, agents=tuple(sorted(agents.items())))

    def names_of(self, group_id: str) -> str:
        """The path of a group, for people."""
        desk = self.by_id.get(group_id)
        if desk is None:
            return group_id
        above = f"{self.names_of(desk.parent_id)}/" if desk.parent_id else ""
        return f"{above}{desk.name}"


class Service:
    """What the engine's port to Amazon Connect offers, on a `World`.

    `before_call` is told each writing call and the group that it is about, before it is made.
    `after_call` is told that it was made.
    """

    def __init__(
        self,
        world: World,
        before_call: Callable[[str, str], None],
        after_call: Callable[[], None],
    ) -> None:
        self.world = world
        self._before_call = before_call
        self._after_call = after_call

    # reads -------------------------------------------------------------------------------------

    def group(self, _: str, group_id: str) -> Group:
        """A group by its id."""
        desk = self._desk(group_id)
        path = [(desk.id, desk.name)]
        above = desk.parent_id
        while above is not None:
            path.insert(0, (above, self.world.by_id[above].name))
            above = self.world.by_id[above].parent_id
        arn = str(GroupArn(INSTANCE_ARN, desk.id))
        return Group(arn=arn, id=desk.id, name=desk.name, path=tuple(path), tags=desk.tags)

    def holder(self, _: str, parent_id: str | None, name: str) -> Group | None:
        """The group of a name below a parent, or else anywhere."""
        found = [desk for desk in self.world.desks if desk.name == name]
        here = [desk for desk in found if desk.parent_id == parent_id]
        desk = next(iter(here or found), None)
        return self.group("", desk.id) if desk else None

    def children(self, _: str, group_id: str) -> tuple[Group, ...]:
        """The groups right below one."""
        below = [desk for desk in self.world.desks if desk.parent_id == group_id]
        return tuple(self.group("", desk.id) for desk in below)

    def all_groups(self, _: str) -> tuple[Group, ...]:
        """Every group."""
        return tuple(self.group("", desk.id) for desk in self.world.desks)

    def agents(self, _: str, group_ids: Sequence[str]) -> dict[str, tuple[Agent, ...]]:
        """The agents directly in each group."""
        return {
            group_id: tuple(
                Agent(a, a, where) for a, where in self.world.agents if where == group_id
            )
            for group_id in group_ids
        }

    def group_of_agent(self, _: str, agent_id: str) -> str | None:
        """The group that an agent is in."""
        return dict(self.world.agents)[agent_id]

    def names(self, _: str) -> dict[str, str]:
        """The name of every group by its id."""
        return {desk.id: desk.name for desk in self.world.desks}

    # writes ------------------------------------------------------------------------------------

    def create_group(
        self, _: str, parent_id: str | None, name: str, tags: Mapping[str, str]
    ) -> str:
        """Create a group, and answer its id."""
        self._before_call(f"create {name!r}", "")
        if parent_id is not None:
            self._desk(parent_id)
        if self.world.is_taken(parent_id, name):
            raise Refusal(DUPLICATE, "the name is taken")
        self.world = self.world.with_desk(name, parent_id, tags)
        self._after_call()
        return self.world.desks[-1].id

    def rename_group(self, _: str, group_id: str, name: str) -> None:
        """Rename a group in place."""
        self._before_call(f"rename {group_id} to {name!r}", group_id)
        desk = self._desk(group_id)
        if self.world.is_taken(desk.parent_id, name, but=group_id):
            raise Refusal(DUPLICATE, "the name is taken")
        self.world = self.world.renamed(group_id, name)
        self._after_call()

    def tag_group(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add or change tags."""
        group_id = GroupArn.parse(arn).group_id
        shown = ", ".join(f"{k.rsplit(':', 1)[-1]}={v}" for k, v in sorted(tags.items()))
        self._before_call(f"tag {group_id} {shown}", group_id)
        self._desk(group_id)
        self.world = self.world.changed(
            group_id, lambda d: replace(d, tags=Fixed({**d.tags, **tags}))
        )
        self._after_call()

    def untag_group(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags."""
        group_id = GroupArn.parse(arn).group_id
        shown = ", ".join(key.rsplit(":", 1)[-1] for key in keys)
        self._before_call(f"untag {group_id} {shown}", group_id)
        self._desk(group_id)
        self.world = self.world.changed(
            group_id,
            lambda d: replace(d, tags=Fixed({k: v for k, v in d.tags.items() if k not in keys})),
        )
        self._after_call()

    def delete_group(self, _: str, group_id: str) -> None:
        """Delete a group."""
        self._before_call(f"delete {group_id}", group_id)
        self._desk(group_id)
        if self.world.is_in_use(group_id):
            raise Refusal(IN_USE, "agents or groups are in it")
        self.world = self.world.without(group_id)
        self._after_call()

    def move_agent(self, _: str, agent_id: str, group_id: str | None) -> None:
        """Put an agent into a group, or into none."""
        self._before_call(f"move {agent_id} to {group_id}", dict(self.world.agents)[agent_id] or "")
        if group_id is not None:
            self._desk(group_id)
        self.world = self.world.with_agent_in(agent_id, group_id)
        self._after_call()

    def _desk(self, group_id: str) -> Desk:
        if group_id not in self.world.by_id:
            raise Refusal(NOT_FOUND, f"no group {group_id}")
        return self.world.by_id[group_id]
