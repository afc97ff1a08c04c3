"""What an instance holds: levels, groups, users and security profiles, and their answers.

Rows never change; a change stores another row. So a returned row is the state at that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
"""The keys of levels in structures and paths; level "1" is the first."""

ROOT_LEVEL_ID = "0"


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of all rows; `last_modified` is in seconds since 1970."""

    id: str
    arn: str
    name: str
    last_modified: float
    region: str

    def to_summary_dict(self) -> dict[str, Any]:
        """The row in lists and in paths."""
        return {
            "Id": self.id,
            "Arn": self.arn,
            "Name": self.name,
            "LastModifiedTime": self.last_modified,
            "LastModifiedRegion": self.region,
        }


@dataclass(frozen=True, slots=True)
class Level(Row):
    """A level; its id is "1" to "5"."""


@dataclass(frozen=True, slots=True)
class Group(Row):
    """A user hierarchy group; a group of the highest level has no `parent_id`."""

    level_id: str
    parent_id: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """A group and the groups above it.

    Args:
        group: the group.
        ancestors: from the highest level down to the parent.
        shown_tags: the tags that an answer shows.
    """

    group: Group
    ancestors: tuple[Group, ...]
    shown_tags: Mapping[str, str]

    @property
    def id(self) -> str:
        """The group's id."""
        return self.group.id

    @property
    def arn(self) -> str:
        """The group's ARN."""
        return self.group.arn

    @property
    def name(self) -> str:
        """The group's name."""
        return self.group.name

    @property
    def level_id(self) -> str:
        """The group's level, "1" to "5"; "0" for the hidden root."""
        return self.group.level_id

    @property
    def parent_id(self) -> str | None:
        """The id of the group above, None at the highest level."""
        return self.group.parent_id

    @property
    def tags(self) -> Mapping[str, str]:
        """All tags, including `aws:` ones."""
        return self.group.tags

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the highest level down to the group itself."""
        return (*(ancestor.name for ancestor in self.ancestors), self.group.name)

    def to_dict(self) -> dict[str, Any]:
        """The complete group; the parent appears only in the path."""
        steps = () if self.level_id == ROOT_LEVEL_ID else (*self.ancestors, self.group)
        answer = {
            **self.group.to_summary_dict(),
            "LevelId": self.level_id,
            "HierarchyPath": {
                LEVEL_KEYS[int(step.level_id) - 1]: step.to_summary_dict() for step in steps
            },
        }
        if self.shown_tags:
            answer["Tags"] = dict(self.shown_tags)
        return answer


@dataclass(frozen=True, slots=True)
class User(Row):
    """A user, which hierarchies call an agent, at the time of the answer.

    Args:
        hierarchy_group_id: id of its group, None outside the hierarchy.
        attributes: everything else, as the API names it.
        tags: all tags, including `aws:` ones.
    """

    hierarchy_group_id: str | None
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def username(self) -> str:
        """The login name."""
        return self.name

    def to_summary_dict(self) -> dict[str, Any]:
        """The user in lists."""
        answer = Row.to_summary_dict(self)
        answer["Username"] = answer.pop("Name")
        return answer

    def to_dict(self, shown_tags: Mapping[str, str]) -> dict[str, Any]:
        """The complete user."""
        answer = {**self.to_summary_dict(), **self.attributes}
        if self.hierarchy_group_id is not None:
            answer["HierarchyGroupId"] = self.hierarchy_group_id
        if shown_tags:
            answer["Tags"] = dict(shown_tags)
        return answer

    def to_search_dict(self, shown_tags: Mapping[str, str]) -> dict[str, Any]:
        """The user in answers of SearchUsers."""
        answer = self.to_dict(shown_tags)
        del answer["LastModifiedTime"], answer["LastModifiedRegion"]
        if identity := answer.get("IdentityInfo"):
            answer["IdentityInfo"] = {
                key: identity[key] for key in ("FirstName", "LastName") if key in identity
            }
        return answer


_DESCRIBED_PROFILE_ATTRIBUTES = (
    "Description",
    "AllowedAccessControlTags",
    "TagRestrictedResources",
    "HierarchyRestrictedResources",
    "GranularAccessControlConfiguration",
)


@dataclass(frozen=True, slots=True)
class SecurityProfile(Row):
    """A security profile.

    Args:
        hierarchy_group_id: the group whose agents it gives access to, None for no such limit.
        attributes: everything else, as the API names it.
        tags: all tags, including `aws:` ones.
    """

    hierarchy_group_id: str | None
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]

    def to_summary_dict(self) -> dict[str, Any]:
        """The security profile in lists."""
        return {**Row.to_summary_dict(self), "Type": "CUSTOMER_MANAGED"}

    def to_dict(self, instance_id: str, shown_tags: Mapping[str, str]) -> dict[str, Any]:
        """The complete security profile; another call returns its permissions."""
        answer = self.to_summary_dict()
        answer["SecurityProfileName"] = answer.pop("Name")
        answer["OrganizationResourceId"] = instance_id
        for key in _DESCRIBED_PROFILE_ATTRIBUTES:
            if key in self.attributes:
                answer[key] = self.attributes[key]
        if self.hierarchy_group_id is not None:
            answer["AllowedAccessControlHierarchyGroupId"] = self.hierarchy_group_id
        if shown_tags:
            answer["Tags"] = dict(shown_tags)
        return answer


@dataclass(frozen=True)
class Hierarchy:
    """An instance's whole hierarchy at one time, for assertions and for display.

    Args:
        instance_arn: of the instance.
        levels: from the highest down.
        groups: by id.
        agents: users by group id, those outside the hierarchy under None; by username in order.
    """

    instance_arn: str
    levels: Sequence[Level]
    groups: Mapping[str, PlacedGroup]
    agents: Mapping[str | None, Sequence[User]] = field(default_factory=dict)

    @property
    def level_names(self) -> tuple[str, ...]:
        """The names of the levels, from the highest down."""
        return tuple(level.name for level in self.levels)

    @property
    def by_path(self) -> dict[tuple[str, ...], PlacedGroup]:
        """The groups by their path of names, which is unique."""
        return {group.path: group for group in self.groups.values()}

    def usernames(self, *path: str) -> tuple[str, ...]:
        """The agents of the group with this path of names; without a path, those of no group.

        Raises:
            KeyError: if no group has this path.
        """
        group_id = self.by_path[path].id if path else None
        return tuple(user.username for user in self.agents.get(group_id, ()))
