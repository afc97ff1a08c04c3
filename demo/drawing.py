"""Draws a picture of the hierarchy as a tree, and what has changed since the last one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from demo.changes import GroupChange, Kind, agent_changes, group_changes
from demo.console import Console, Style
from demo.picture import Picture, PicturedGroup, short_id_length

_STYLES: Mapping[Kind, Style] = {
    Kind.KEPT: Style.FAINT,
    Kind.RENAMED: Style.CHANGED,
    Kind.MOVED: Style.ASIDE,
    Kind.NEW: Style.GOOD,
    Kind.GONE: Style.BAD,
}


@dataclass(frozen=True)
class _Row:
    branch: str
    group: PicturedGroup

    @property
    def tree(self) -> str:
        return self.branch + self.group.name


def draw_tree(console: Console, picture: Picture, before: Picture | None = None) -> None:
    """Draw the tree: a group a line with level, id and agents, marked by what became of it."""
    rows = list(_rows(picture, None, ""))
    changes = [] if before is None else group_changes(before, picture)
    marks = {change.after.id: change for change in changes if change.after is not None}
    digits = short_id_length([*picture.groups, *(before.groups if before else ())])
    tree_width = max(len("group"), *(len(row.tree) for row in rows)) if rows else len("group")
    level_width = max(len("level"), *(len(name) for name in picture.levels))
    agents = {row.group.id: ", ".join(picture.agents_of(row.group.id)) for row in rows}
    agent_width = max(len("agents"), *(len(names) for names in agents.values())) if rows else 0

    console.line()
    head = f"{'group':<{tree_width}}  {'level':<{level_width}}  {'id':<{digits}}  agents"
    console.line(console.styled(head, Style.FAINT))
    for row in rows:
        group = row.group
        change = marks.get(group.id)
        name = group.name.ljust(tree_width - len(row.branch))
        styles = [_STYLES[change.kind]] if change and change.kind is not Kind.KEPT else []
        faint = f"{picture.levels[group.level - 1]:<{level_width}}  {group.id[:digits]}"
        console.line(
            f"{console.styled(row.branch, Style.FAINT)}{console.styled(name, *styles)}  "
            f"{console.styled(faint, Style.FAINT)}  "
            f"{console.styled(agents[group.id].ljust(agent_width), Style.STRONG)}  "
            f"{console.styled(_mark(change, before), *styles or [Style.FAINT])}"
        )
    empty = picture.levels[picture.deepest :]
    if empty:
        console.line(console.styled(f"levels without a group: {', '.join(empty)}", Style.FAINT))


def draw_changes(console: Console, before: Picture, after: Picture) -> None:
    """List what has changed, with the ids before and after in full, and the agents'."""
    changes = group_changes(before, after)
    console.line()
    console.line(f"what has changed: {_counted(changes)}")
    if added := [level for level in after.levels if level not in before.levels]:
        console.line(f"{console.styled('new level', Style.GOOD)} {', '.join(added)}", 2)
    if lost := [level for level in before.levels if level not in after.levels]:
        console.line(f"{console.styled('level gone', Style.BAD)} {', '.join(lost)}", 2)
    for kind in Kind:
        for change in changes:
            if change.kind is kind is not Kind.KEPT:
                _draw_change(console, change, before, after)
    for agent in agent_changes(before, after):
        console.line(f"{console.styled('agent', Style.STRONG)} {agent.username}", 2)
        console.line(f"before {agent.before}  {before.path(agent.before)}", 3)
        console.line(f"after  {agent.after}  {after.path(agent.after)}", 3)


def _draw_change(console: Console, change: GroupChange, before: Picture, after: Picture) -> None:
    word = console.styled(change.kind.value, _STYLES[change.kind])
    group = change.after or change.before
    place = after if change.after else before
    name = place.path(group.id) if group else ""
    if change.kind is Kind.RENAMED and change.before:
        name = f"{before.path(change.before.id)} → {name}"
    console.line(f"{word} {name}", 2)
    if change.before:
        console.line(f"before {change.before.id}  {before.path(change.before.id)}", 3)
    if change.after:
        console.line(f"after  {change.after.id}  {after.path(change.after.id)}", 3)


def _rows(picture: Picture, parent_id: str | None, indent: str) -> Iterator[_Row]:
    children = picture.below(parent_id)
    for number, group in enumerate(children, 1):
        last = number == len(children)
        yield _Row(f"{indent}{'└─' if last else '├─'} ", group)
        yield from _rows(picture, group.id, f"{indent}{'   ' if last else '│  '}")


def _mark(change: GroupChange | None, before: Picture | None) -> str:
    if change is None or before is None:
        return ""
    match change.kind:
        case Kind.RENAMED if change.before:
            return f"renamed, was {change.before.name}: same id"
        case Kind.MOVED if change.before:
            above = before.path(change.before.parent_id)
            return f"moved here from {above}, was {change.before.id[:8]}"
        case Kind.NEW if change.after and change.after.owner is None:
            return "new, made by hand"
        case Kind.KEPT:
            return ""
        case kind:
            return str(kind.value)


def _counted(changes: Collection[GroupChange]) -> str:
    counts = ((kind, sum(change.kind is kind for change in changes)) for kind in Kind)
    return ", ".join(f"{count} {kind.value}" for kind, count in counts if count)
