"""Groups and agents as Amazon Connect describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Group:
    """A hierarchy group as DescribeUserHierarchyGroup and SearchUserHierarchyGroups show it."""

    arn: str
    id: str
    name: str
    path: tuple[tuple[str, str], ...]
    """(id, name) from level one down to the group itself."""

    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def instance_arn(self) -> str:
        """The ARN of its instance."""
        return self.arn.split("/agent-group/")[0]

    @property
    def parent_id(self) -> str | None:
        """The id of the group above, None at level one; the service shows it only in the path."""
        return self.path[-2][0] if len(self.path) > 1 else None

    @property
    def path_of_names(self) -> str:
        """The names from level one down, joined with ` / `."""
        return " / ".join(name for _, name in self.path)


@dataclass(frozen=True)
class Agent:
    """A user of the instance."""

    id: str
    username: str
    group_id: str | None = None
    """The group that the agent is directly in."""


@dataclass(frozen=True)
class ListedAgent:
    """A user as ListUsers shows it, without the lag of a search and without a group."""

    id: str
    username: str
    modified_at: float
    """Seconds since 1970; 0 if the service does not say."""
