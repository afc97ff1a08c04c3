"""What has changed from one picture of the hierarchy to the next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from demo.picture import Picture, PicturedGroup


class Kind(Enum):
    """What has become of a group."""

    KEPT = "kept"
    RENAMED = "renamed"
    MOVED = "moved"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class GroupChange:
    """A group before and after; `before` is None where it is new, `after` where it is gone."""

    kind: Kind
    before: PicturedGroup | None
    after: PicturedGroup | None


@dataclass(frozen=True)
class AgentChange:
    """An agent whose group is another one, by its ids."""

    username: str
    before: str | None
    after: str | None


def group_changes(before: Picture, after: Picture) -> list[GroupChange]:
    """What became of each group.

    A group is the same where its id is. Connect cannot move a group, so a group that moved has
    another id: it is known by what it is in the stack.
    """
    changes: list[GroupChange] = []
    unmatched = {
        group.owner: group
        for group in before.groups.values()
        if group.id not in after.groups and group.owner is not None
    }
    moved: set[str] = set()
    for group in after.groups.values():
        same = before.groups.get(group.id)
        if same is not None:
            kind = Kind.KEPT if same.name == group.name else Kind.RENAMED
            changes.append(GroupChange(kind, same, group))
        elif group.owner is not None and group.owner in unmatched:
            former = unmatched[group.owner]
            moved.add(former.id)
            changes.append(GroupChange(Kind.MOVED, former, group))
        else:
            changes.append(GroupChange(Kind.NEW, None, group))
    changes += [
        GroupChange(Kind.GONE, group, None)
        for group in before.groups.values()
        if group.id not in after.groups and group.id not in moved
    ]
    return changes


def agent_changes(before: Picture, after: Picture) -> list[AgentChange]:
    """The agents of both pictures whose group has another id, by name."""
    return [
        AgentChange(username, before.agents[username], after.agents[username])
        for username in sorted(before.agents.keys() & after.agents.keys())
        if before.agents[username] != after.agents[username]
    ]
