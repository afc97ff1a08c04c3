"""A hierarchy as a tree for the terminal, and as a value for JSON."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree

from connect_hierarchy_cli.world import World
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.names import visible
from connect_hierarchy_lambda.model.ownership import (
    KEY_TAG,
    NATIVE_STACK_TAG,
    RESOURCE_TAG,
    STACK_TAG,
    Owner,
)

_OWNER_TAGS = {STACK_TAG, RESOURCE_TAG, KEY_TAG}


def as_tree(world: World, *, depth: int | None = None, usernames: bool = False) -> Tree:
    """The hierarchy, drawn.

    Args:
        world: The instance.
        depth: How many levels are shown; None for all.
        usernames: Whether user names of agents are shown, not only their number.
    """
    drawn = Tree(_title(world))
    _grow(drawn, world, None, depth, usernames=usernames)
    unassigned = world.agents.get(None, ())
    if unassigned:
        line = drawn.add(Text(f"in no group: {_count(len(unassigned), 'agent')}", style="yellow"))
        if usernames:
            for agent in unassigned:
                line.add(Text(visible(agent.username), style="dim"))
    return drawn


def _grow(
    below: Tree, world: World, parent_id: str | None, depth: int | None, *, usernames: bool
) -> None:
    for group in world.children.get(parent_id, ()):
        branch = below.add(_line(world, group))
        if usernames:
            for agent in world.agents.get(group.id, ()):
                branch.add(Text(visible(agent.username), style="dim"))
        hidden = len(world.children.get(group.id, ()))
        if depth is None or len(group.path) < depth:
            _grow(branch, world, group.id, depth, usernames=usernames)
        elif hidden:
            branch.add(Text(f"… {_count(hidden, 'group')} below", style="dim"))


def _title(world: World) -> Text:
    instance = world.instance
    levels = " > ".join(map(visible, world.levels)) or "no levels"
    counts = f"{_count(len(world.groups), 'group')}, {_count(world.number_of_agents, 'agent')}"
    title = Text(visible(instance.label), style="bold")
    title.append(f"  {instance.region}  {counts}", style="not bold")
    title.append(f"  {levels}", style="not bold dim")
    return title


def _line(world: World, group: Group) -> Text:
    line = Text(visible(group.name), style="bold")
    level = world.level_of(group)
    if level:
        line.append(f"  {visible(level)}", style="not bold dim")
    here, below = len(world.agents.get(group.id, ())), world.agents_below[group.id]
    if below:
        line.append(f"  {_count(here, 'agent')}", style="not bold green")
        if below > here:
            line.append(f" of {below}", style="not bold green")
    owner = owner_of(group)
    if owner:
        line.append(f"  by {owner}", style="not bold cyan")
    return line


def owner_of(group: Group) -> str:
    """The owner of a group by its tags: a stack and a resource of it; empty for none."""
    owner = Owner.of(group.tags)
    if owner is not None:
        return f"{owner.stack_name}/{owner.resource}"
    return group.tags.get(NATIVE_STACK_TAG, "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def as_value(world: World) -> dict[str, Any]:
    """The hierarchy for JSON: nested groups with ids, own tags, owners, and agents' user names."""
    instance = world.instance
    return {
        "instance": {"arn": instance.arn, "id": instance.id, "alias": instance.alias or None},
        "levels": list(world.levels),
        "groups": _values(world, None),
        "agents_in_no_group": [agent.username for agent in world.agents.get(None, ())],
    }


def _values(world: World, parent_id: str | None) -> list[dict[str, Any]]:
    return [
        {
            "id": group.id,
            "arn": group.arn,
            "name": group.name,
            "level": world.level_of(group) or None,
            "owner": _owner_value(group),
            "tags": {key: tag for key, tag in group.tags.items() if key not in _OWNER_TAGS},
            "agents": [agent.username for agent in world.agents.get(group.id, ())],
            "children": _values(world, group.id),
        }
        for group in world.children.get(parent_id, ())
    ]


def _owner_value(group: Group) -> dict[str, str | None] | None:
    owner = Owner.of(group.tags)
    if owner is not None:
        return {"stack": owner.stack_name, "resource": owner.resource}
    native = group.tags.get(NATIVE_STACK_TAG)
    return None if native is None else {"stack": native, "resource": None}
