"""The hierarchy at one time, read over the APIs as anybody could read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
"""What the API calls the levels."""

_ROOT_LEVEL_ID = "0"
_SHORTEST_ID = 8

# The tags that say whose a group is.
_STACK_TAG = "connect-hierarchy:stack"
_RESOURCE_TAG = "connect-hierarchy:resource"
_KEY_TAG = "connect-hierarchy:key"


@dataclass(frozen=True)
class Owner:
    """What a group is in its stack, whatever its id, name and place are.

    Args:
        logical_id: of the resource.
        key: in a tree, which is many groups, a hash of what the group is known by.
    """

    logical_id: str
    key: str | None = None


@dataclass(frozen=True)
class PicturedGroup:
    """A group.

    Args:
        id: its id.
        arn: its ARN.
        name: its name.
        level: 1 for the highest.
        parent_id: the id of the group above, None at the highest level.
        owner: what it is in the stack, None for a group that is not of the stack.
    """

    id: str
    arn: str
    name: str
    level: int
    parent_id: str | None
    owner: Owner | None


@dataclass(frozen=True)
class Picture:
    """Levels, groups and agents of an instance.

    Args:
        levels: names of the levels, from the highest down.
        groups: by id.
        agents: the id of each agent's group by username, None outside the hierarchy.
        usernames: by the agents' ids.
    """

    levels: Sequence[str]
    groups: Mapping[str, PicturedGroup]
    agents: Mapping[str, str | None] = field(default_factory=dict)
    usernames: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, connect: Any, instance_arn: str, stack_name: str) -> Picture:
        """Ask Connect for the hierarchy.

        Args:
            connect: a boto3 client.
            instance_arn: of the instance.
            stack_name: of the stack whose groups are told from others by their tags.
        """
        answer = connect.describe_user_hierarchy_structure(InstanceId=instance_arn)
        structure = answer["HierarchyStructure"]
        # ids are wanted here, not ARNs: the searches are not documented to take those
        instance_id = instance_arn.rsplit("/", 1)[-1]
        groups = _all(connect, "search_user_hierarchy_groups", "UserHierarchyGroups", instance_id)
        users = _all(connect, "search_users", "Users", instance_id)
        return cls(
            levels=tuple(structure[key]["Name"] for key in LEVEL_KEYS if structure.get(key)),
            groups={
                group["Id"]: _group(group, stack_name)
                for group in groups
                if group["LevelId"] != _ROOT_LEVEL_ID
            },
            agents={user["Username"]: user.get("HierarchyGroupId") for user in users},
            usernames={user["Id"]: user["Username"] for user in users},
        )

    @property
    def deepest(self) -> int:
        """How many levels hold groups."""
        return max((group.level for group in self.groups.values()), default=0)

    def path(self, group_id: str | None) -> str:
        """The names from the highest level down to a group, as `Sales/EMEA`."""
        names: list[str] = []
        while group_id is not None:
            names.insert(0, self.groups[group_id].name)
            group_id = self.groups[group_id].parent_id
        return "/".join(names) or "no group"

    def at(self, path: str) -> PicturedGroup | None:
        """The group of a path as `Sales/EMEA`, None where there is none."""
        return next((group for group in self.groups.values() if self.path(group.id) == path), None)

    def below(self, group_id: str | None) -> list[PicturedGroup]:
        """The groups right below a group, by name; those of the highest level for None."""
        children = (group for group in self.groups.values() if group.parent_id == group_id)
        return sorted(children, key=lambda group: group.name)

    def agents_of(self, group_id: str) -> tuple[str, ...]:
        """The usernames of a group's agents."""
        return tuple(sorted(name for name, place in self.agents.items() if place == group_id))


def short_id_length(ids: Iterable[str]) -> int:
    """How many first characters tell these ids from each other, at least eight."""
    distinct = set(ids)
    length = _SHORTEST_ID
    while len({each[:length] for each in distinct}) < len(distinct):
        length += 1
    return length


def _all(connect: Any, operation: str, key: str, instance_id: str) -> list[dict[str, Any]]:
    """Everything that a search finds."""
    pages = connect.get_paginator(operation).paginate(InstanceId=instance_id)
    return [found for page in pages for found in page[key]]


def _group(group: Mapping[str, Any], stack_name: str) -> PicturedGroup:
    level = int(group["LevelId"])
    above = LEVEL_KEYS[level - 2] if level > 1 else None
    return PicturedGroup(
        id=group["Id"],
        arn=group["Arn"],
        name=group["Name"],
        level=level,
        parent_id=group["HierarchyPath"][above]["Id"] if above else None,
        owner=_owner(group.get("Tags", {}), stack_name),
    )


def _owner(tags: Mapping[str, str], stack_name: str) -> Owner | None:
    if not tags.get(_STACK_TAG, "").startswith(f"{stack_name}/"):
        return None
    return Owner(tags[_RESOURCE_TAG], tags.get(_KEY_TAG))
