"""Groups as boxes in columns, a column for each level, with lines to those below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from connect_hierarchy_cli.chart.folding import Branch, Family
from connect_hierarchy_cli.chart.hierarchy import Change, Mark
from connect_hierarchy_cli.chart.svg_elements import add_box, add_line, add_text
from connect_hierarchy_cli.chart.text import counted, cut, lines, width

COLUMN_GAP = 30
SMALL_SIZE = 12.0
LINE = 17
"""The distance between two lines of small text."""
_HEAD = 40
_ROW_GAP = 8
_TOP_GAP = 8
_TURN = 6
_BOX = 34
_PADDING = 13
_NAME_SIZE = 14.0
_BOLD = 1.07
_GAP = 12
_MARK_LINES = 3


@dataclass
class Block:
    """A family with everything that is shown below it.

    Args:
        left: Where its first column begins.
        column: How wide each column is.
        levels: The names above the columns.
        agents: How many agents are in each group and below it, by its id.
    """

    left: float
    column: float
    levels: Sequence[str]
    agents: Mapping[str, int]
    elements: ET.Element = field(default_factory=lambda: ET.Element("g"))
    """What was drawn."""

    def draw(self, family: Family, top: float) -> float:
        """Draw it, with the names of levels above, and say where the next may begin."""
        for column, name in enumerate(self.levels):
            x = self._x(column)
            fits = cut(name, SMALL_SIZE, self.column - 50)
            add_text(self.elements, x, top + 16, fits, "muted", full=name)
            add_text(self.elements, x + self.column, top + 16, "agents", "muted end")
            add_line(self.elements, f"M{x:g} {top + 25.5:g}h{self.column:g}", "rule")
        return self._family(family, 0, top + _HEAD)

    def _x(self, column: int) -> float:
        return self.left + column * (self.column + COLUMN_GAP)

    @property
    def _room(self) -> float:
        """The largest width of a text in a box."""
        return self.column - 2 * _PADDING

    def _family(self, family: Family, column: int, y: float) -> float:
        """Draw the family from `y` down, in columns from this one, and say where it ends."""
        begins = []
        for branch in family.shown:
            begins.append(y)
            box_end = self._group(branch, column, y) + _ROW_GAP
            family_end = self._family(branch.below, column + 1, y)
            y = max(box_end, family_end) + (_TOP_GAP if column == 0 and branch.below.shown else 0)
        if family.shown and family.hidden_groups:
            begins.append(y)
            y = self._rest(family, column, y) + _ROW_GAP
        if column > 0 and begins:
            self._lines_to(column, begins)
        return y

    def _lines_to(self, column: int, begins: list[float]) -> None:
        """Lines from the group above, which is in the row of the first of these boxes."""
        start, end, middle = self._x(column) - COLUMN_GAP, self._x(column), _BOX / 2
        trunk = start + COLUMN_GAP / 2
        first, *others = (y + middle for y in begins)
        line = f"M{start:g} {first:g}H{end:g}"
        if others:
            line += f"M{trunk:g} {first:g}V{others[-1] - _TURN:g}"
        for y in others:
            line += f"M{trunk:g} {y - _TURN:g}q0 {_TURN} {_TURN} {_TURN}H{end:g}"
        add_line(self.elements, line, "branch")

    def _group(self, branch: Branch, column: int, y: float) -> float:
        """Draw the box of a group, and say where it ends."""
        group, x = branch.group, self._x(column)
        # The colour is that of the first change; the words name all changes.
        style = f"marked {group.marks[0].change}" if group.marks else "group"
        place = ET.SubElement(self.elements, "g", {"class": style})
        agents = f"{self.agents[group.id]:,}"
        end = x + self.column - _PADDING - width(agents, _NAME_SIZE) - _GAP
        room = end - x - _PADDING
        # Names at the top are bold, which takes more room.
        size = _NAME_SIZE * (_BOLD if column == 0 else 1)
        name = cut(group.name, size, room)
        hidden = "" if branch.below.shown else _hidden(branch.below, with_agents=False)
        beside = hidden and width(hidden, SMALL_SIZE) <= room - width(name, size) - _GAP
        below = self._lines_of_marks(group.marks)
        if hidden and not beside:
            below.append((cut(hidden, SMALL_SIZE, self._room), "muted"))
        height = _BOX + LINE * len(below)
        add_box(place, x + 0.5, y + 0.5, self.column - 1, height - 1, "box", radius=8)
        if group.marks:
            add_box(place, x + 0.5, y + 6.5, 3, height - 13, "bar", radius=1.5)
        is_gone = any(mark.change is Change.REMOVED for mark in group.marks)
        style = f"name{' top' if column == 0 else ''}{' gone' if is_gone else ''}"
        add_text(place, x + _PADDING, y + 22, name, style, full=group.name)
        add_text(place, x + self.column - _PADDING, y + 22, agents, "number end")
        if beside:
            add_text(place, end, y + 22, hidden, "muted end")
        for number, (line, kind) in enumerate(below, start=1):
            full = hidden if kind == "muted" else "; ".join(mark.text for mark in group.marks)
            add_text(place, x + _PADDING, y + 22 + LINE * number, line, kind, full=full)
        return y + height

    def _lines_of_marks(self, marks: tuple[Mark, ...]) -> list[tuple[str, str]]:
        """The changes in words, line by line, each with its style."""
        size = SMALL_SIZE * _BOLD
        return [
            (line, "word")
            for mark in marks
            for line in lines(mark.text, size, self._room, _MARK_LINES)
        ]

    def _rest(self, family: Family, column: int, y: float) -> float:
        """Draw the box for what a family hides, and say where it ends."""
        x, text = self._x(column), _hidden(family, with_agents=True)
        place = ET.SubElement(self.elements, "g", {"class": "group"})
        add_box(place, x + 0.5, y + 0.5, self.column - 1, _BOX - 1, "rest", radius=8)
        fits = cut(text, SMALL_SIZE, self._room)
        add_text(place, x + _PADDING, y + 21, fits, "muted", full=text)
        return y + _BOX


def _hidden(family: Family, *, with_agents: bool) -> str:
    """The hidden part of a family in words; empty if nothing is hidden."""
    if not family.hidden_groups:
        return ""
    parts = [f"+ {counted(family.hidden_groups, 'group')}"]
    if family.hidden_changes:
        parts.append(counted(family.hidden_changes, "change"))
    if with_agents:
        parts.append(counted(family.hidden_agents, "agent"))
    return ", ".join(parts)
