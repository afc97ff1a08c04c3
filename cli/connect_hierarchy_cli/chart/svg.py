"""The hierarchy as one SVG, for a README or a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import ceil
from xml.etree import ElementTree as ET

from connect_hierarchy_cli.chart.folding import Family, fold
from connect_hierarchy_cli.chart.hierarchy import Hierarchy
from connect_hierarchy_cli.chart.svg_block import COLUMN_GAP, LINE, SMALL_SIZE, Block
from connect_hierarchy_cli.chart.svg_elements import add_box, add_leaf, add_text
from connect_hierarchy_cli.chart.text import counted, cut, lines, width

_MARGIN = 28
_HEAD = 86
_MOST_WIDTH = 936
_LEAST_WIDTH = 460
_MOST_COLUMN = 264
_LEAST_COLUMN = 190
_BLOCK_GAP = 48
_ROWS_IN_A_BLOCK = 30
_LEAST_ROWS = 2
_NOTE_LINES = 9


def render_svg(hierarchy: Hierarchy, *, most_rows: int = 60) -> str:
    """The picture, with a column for each level.

    It has its own background, so it is readable on light and on dark pages. If there is room, a
    long picture is divided into two or three parts side by side.

    Args:
        hierarchy: The hierarchy. If groups have marks, it is the picture of a plan, and groups with
            marks are shown before all others.
        most_rows: How many rows of groups there may be, at least 2. Groups that do not fit are
            counted at the group above them, and the picture says so.

    Raises:
        ValueError: If `most_rows` is below 2.
    """
    if most_rows < _LEAST_ROWS:
        raise ValueError(f"most_rows is {most_rows}, at least {_LEAST_ROWS} are needed")
    return _Sheet(hierarchy, fold(hierarchy, most_rows)).render()


@cache
def _style() -> str:
    file = resources.files("connect_hierarchy_cli.chart") / "svg.css"
    return file.read_text(encoding="utf-8")


@dataclass(frozen=True)
class _Sheet:
    """Everything around the groups, and their division into parts."""

    hierarchy: Hierarchy
    family: Family

    def render(self) -> str:
        """The whole file."""
        parts = self._parts()
        column = self._column(len(parts))
        step = self._block_width(column) + _BLOCK_GAP
        wide = 2 * _MARGIN + len(parts) * step - _BLOCK_GAP
        top = _HEAD + (LINE * 2 if self.hierarchy.has_marks else 0)
        groups, end = ET.Element("g"), float(top)
        for number, part in enumerate(parts):
            left = _MARGIN + number * step
            block = Block(left, column, self._level_names(), self.hierarchy.agents_below)
            end = max(end, block.draw(part, top))
            groups.append(block.elements)
        notes = [
            line
            for note in self._notes()
            for line in lines(note, SMALL_SIZE, wide - 2 * _MARGIN, _NOTE_LINES)
        ]
        high = end + LINE * len(notes) + 26
        svg = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {wide:g} {high:g}",
                "width": f"{wide:g}",
                "height": f"{high:g}",
                "role": "img",
                "class": "chart",
                "aria-labelledby": "hierarchy-title hierarchy-description",
            },
        )
        add_leaf(svg, "title", self._title, id="hierarchy-title")
        add_leaf(svg, "desc", self._description(), id="hierarchy-description")
        add_leaf(svg, "style", _style())
        add_box(svg, 0.5, 0.5, wide - 1, high - 1, "paper", radius=14)
        self._add_head(svg, wide - 2 * _MARGIN)
        svg.append(groups)
        for number, note in enumerate(notes):
            add_text(svg, _MARGIN, end + 18 + LINE * number, note, "muted")
        ET.indent(svg, space=" ")
        return ET.tostring(svg, encoding="unicode") + "\n"

    def _parts(self) -> list[Family]:
        """The family in parts of about equal length."""
        least = self._block_width(_LEAST_COLUMN)
        room = int((_MOST_WIDTH + _BLOCK_GAP) / (least + _BLOCK_GAP))
        number = max(1, min(room, ceil(self.family.rows / _ROWS_IN_A_BLOCK)))
        return self.family.divided(number)

    def _column(self, parts: int) -> float:
        """The width of a column with this many parts side by side."""
        columns = self._columns * parts
        gaps = COLUMN_GAP * (columns - parts) + _BLOCK_GAP * (parts - 1)
        least = (_LEAST_WIDTH - gaps) / columns
        return max(least, min(_MOST_COLUMN, (_MOST_WIDTH - gaps) / columns))

    def _block_width(self, column: float) -> float:
        return self._columns * column + (self._columns - 1) * COLUMN_GAP

    @property
    def _columns(self) -> int:
        return max(self.family.depth, 1)

    def _level_names(self) -> tuple[str, ...]:
        """The names above the columns."""
        names = self.hierarchy.level_names
        # A group whose parent is missing is further left than its level.
        return tuple(names[: self.family.depth])

    @property
    def _title(self) -> str:
        what = "Planned changes of the" if self.hierarchy.has_marks else "The"
        return f"{what} agent hierarchy of {self.hierarchy.title}"

    def _description(self) -> str:
        """A description of the picture for screen readers."""
        parts = [f"{self._figures()}."]
        if levels := self.hierarchy.level_names:
            parts.append(f"Levels: {', '.join(levels)}.")
        for group in self.hierarchy.in_order():
            parts += [f"{group.name}: {mark.text}." for mark in group.marks]
        if self.family.shown and not self.hierarchy.has_marks:
            agents = self.hierarchy.agents_below
            top = [
                f"{branch.group.name} ({counted(agents[branch.group.id], 'agent')})"
                for branch in self.family.shown
            ]
            parts.append(f"At the top: {', '.join(top)}.")
        return " ".join([*parts, *self._notes()])

    def _figures(self) -> str:
        return (
            f"{counted(len(self.hierarchy.groups), 'group')}, "
            f"{counted(self.hierarchy.agent_count, 'agent')}"
        )

    def _notes(self) -> list[str]:
        """The sentences below the groups."""
        notes = []
        if not self.hierarchy.groups:
            notes.append("This instance has no groups yet.")
        all_groups, here = len(self.hierarchy.groups), self.family.count
        if here < all_groups:
            notes.append(
                f"Shown are {here:,} of {counted(all_groups, 'group')}; "
                "the others are only counted."
            )
        deepest = max((group.level for group in self.hierarchy.groups), default=0)
        if unused := self.hierarchy.level_names[deepest:]:
            notes.append(f"No groups yet at: {', '.join(unused)}.")
        if loose := len(self.hierarchy.agents_without_group):
            notes.append(f"{counted(loose, 'agent')} in no group.")
        return notes

    def _add_head(self, svg: ET.Element, room: float) -> None:
        add_text(svg, _MARGIN, 44, cut(self.hierarchy.title, 24, room), "title")
        read = f" · read {self.hierarchy.read_at}" if self.hierarchy.read_at else ""
        add_text(svg, _MARGIN, 66, f"{self._figures()}{read}", "muted")
        x: float = _MARGIN
        for change, groups in self.hierarchy.groups_by_change.items():
            word = f"{len(groups):,} {change}"
            chip = ET.SubElement(svg, "g", {"class": change})
            wide = width(word, SMALL_SIZE) + 18
            add_box(chip, x, 82, wide, 22, "chip", radius=6)
            add_text(chip, x + wide / 2, 97, word, "word middle")
            x += wide + 8
