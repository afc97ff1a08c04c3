"""The hierarchy as one SVG, for a README or a pull request."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from xml.etree import ElementTree as ET

from connect_hierarchy_cli.chart.folding import Branch, Family, fold
from connect_hierarchy_cli.chart.hierarchy import Hierarchy, Mark
from connect_hierarchy_cli.chart.text import counted, cut, lines, shown, width

_MARGIN = 28
_HEAD = 86
_COLUMN_HEAD = 40
_MOST_WIDTH = 936
_MOST_COLUMN = 264
_COLUMN_GAP = 30
_ROW_GAP = 8
_TOP_GAP = 8
_TURN = 6
_BOX = 34
_LINE = 17
_PADDING = 13
_LEAST_WIDTH = 460
_NAME_SIZE = 14.0
_SMALL_SIZE = 12.0
_MARK_LINES = 3
_LEAST_ROWS = 2


def render_svg(hierarchy: Hierarchy, *, most_rows: int = 60) -> str:
    """The picture, with a column for each level.

    It has a background of its own, so that it can be read on a light page and on a dark one.

    Args:
        hierarchy: What it shows. With marks on its groups it is the picture of a plan: then groups
            with marks are shown before all others.
        most_rows: How many groups may stand below each other, at least 2. What does not fit is
            counted in the group above it, and the picture says so.

    Raises:
        ValueError: If `most_rows` is below 2.
    """
    if most_rows < _LEAST_ROWS:
        raise ValueError(f"most_rows is {most_rows}, at least {_LEAST_ROWS} are needed")
    return _Picture(hierarchy, fold(hierarchy, most_rows)).render()


@cache
def _style() -> str:
    file = resources.files("connect_hierarchy_cli.chart") / "svg.css"
    return file.read_text(encoding="utf-8")


def _depth(family: Family) -> int:
    """How many columns the family takes up."""
    below = [branch.below for branch in family.shown]
    rest = 1 if family.hidden_groups and family.shown else 0
    return max([rest, *(1 + _depth(one) for one in below)])


def _count(family: Family) -> int:
    return sum(1 + _count(branch.below) for branch in family.shown)


@dataclass
class _Picture:
    """Draws the boxes from the top down, column by column."""

    hierarchy: Hierarchy
    family: Family
    _boxes: ET.Element = field(default_factory=lambda: ET.Element("g"))
    _branches: ET.Element = field(default_factory=lambda: ET.Element("g"))

    def render(self) -> str:
        """The whole file."""
        top = _HEAD + (_LINE * 2 if self.hierarchy.has_marks else 0)
        end = self._family(self.family, 0, top + _COLUMN_HEAD)
        if not self.family.shown:
            _text(self._boxes, _MARGIN, end + 20, "This instance has no groups yet.", "name")
            end += _BOX
        room = self._width - 2 * _MARGIN
        notes = [line for note in self._notes() for line in lines(note, _SMALL_SIZE, room, 9)]
        height = end + 8 + _LINE * len(notes) + 18
        svg = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {self._width:g} {height:g}",
                "width": f"{self._width:g}",
                "height": f"{height:g}",
                "role": "img",
                "class": "chart",
                "aria-labelledby": "hierarchy-title hierarchy-description",
            },
        )
        _leaf(svg, "title", self._title, id="hierarchy-title")
        _leaf(svg, "desc", self._description(), id="hierarchy-description")
        _leaf(svg, "style", _style())
        _box(svg, 0.5, 0.5, self._width - 1, height - 1, "paper", radius=14)
        self._head(svg)
        self._column_heads(svg, top)
        svg.extend((self._branches, self._boxes))
        for number, note in enumerate(notes):
            _text(svg, _MARGIN, end + 18 + _LINE * number, note, "muted")
        ET.indent(svg, space=" ")
        return ET.tostring(svg, encoding="unicode") + "\n"

    @property
    def _columns(self) -> int:
        return max(_depth(self.family), 1)

    @property
    def _column(self) -> float:
        """The width of a column."""
        gaps = _COLUMN_GAP * (self._columns - 1)
        least = (_LEAST_WIDTH - gaps) / self._columns
        return max(least, min(_MOST_COLUMN, (_MOST_WIDTH - gaps) / self._columns))

    @property
    def _width(self) -> float:
        return self._x(self._columns) - _COLUMN_GAP + _MARGIN

    def _x(self, column: int) -> float:
        return _MARGIN + column * (self._column + _COLUMN_GAP)

    @property
    def _title(self) -> str:
        what = "Planned changes of the" if self.hierarchy.has_marks else "The"
        return f"{what} agent hierarchy of {self.hierarchy.title}"

    def _description(self) -> str:
        """What the picture shows, for those who do not see it."""
        parts = [f"{self._figures()}."]
        if levels := self.hierarchy.level_names:
            parts.append(f"Levels: {', '.join(levels)}.")
        for group in self.hierarchy.in_order():
            parts += [f"{group.name}: {mark.text}." for mark in group.marks]
        if not self.hierarchy.has_marks:
            top = [
                f"{branch.group.name} ({counted(self._agents(branch), 'agent')})"
                for branch in self.family.shown
            ]
            parts.append(f"At the top: {', '.join(top)}." if top else "")
        return " ".join(filter(None, [*parts, *self._notes()]))

    def _figures(self) -> str:
        return (
            f"{counted(len(self.hierarchy.groups), 'group')}, "
            f"{counted(self.hierarchy.agent_count, 'agent')}"
        )

    def _notes(self) -> list[str]:
        """What stands below the groups, a sentence each."""
        notes = []
        all_groups, here = len(self.hierarchy.groups), _count(self.family)
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

    def _head(self, svg: ET.Element) -> None:
        room = self._width - 2 * _MARGIN
        _text(svg, _MARGIN, 44, cut(self.hierarchy.title, 24, room), "title")
        read = f" · read {self.hierarchy.read_at}" if self.hierarchy.read_at else ""
        _text(svg, _MARGIN, 66, f"{self._figures()}{read}", "muted")
        x: float = _MARGIN
        for change, groups in self.hierarchy.groups_by_change.items():
            word = f"{len(groups):,} {change}"
            chip = ET.SubElement(svg, "g", {"class": change})
            wide = width(word, _SMALL_SIZE) + 18
            _box(chip, x, 82, wide, 22, "chip", radius=6)
            _text(chip, x + wide / 2, 97, word, "word middle")
            x += wide + 8

    def _column_heads(self, svg: ET.Element, y: float) -> None:
        for column in range(self._columns if self.family.shown else 0):
            x, name = self._x(column), self._level_name(column)
            _text(svg, x, y + 16, cut(name, _SMALL_SIZE, self._column - 50), "muted", full=name)
            _text(svg, x + self._column, y + 16, "agents", "muted end")
            line = f"M{x:g} {y + 25.5:g}h{self._column:g}"
            ET.SubElement(svg, "path", {"class": "rule", "d": line})

    def _level_name(self, column: int) -> str:
        names = self.hierarchy.level_names
        return names[column] if column < len(names) else ""

    def _agents(self, branch: Branch) -> int:
        return self.hierarchy.agents_below[branch.group.id]

    def _family(self, family: Family, column: int, y: float, above: float | None = None) -> float:
        """Draw the family from `y` down, and say where the next may begin.

        Args:
            family: What to draw.
            column: Its column, from 0.
            y: Where its first box begins.
            above: Where the box of the group above begins, None at the top.
        """
        begins = []
        for branch in family.shown:
            begins.append(y)
            box_end = self._group(branch, column, y) + _ROW_GAP
            family_end = self._family(branch.below, column + 1, y, y)
            y = max(box_end, family_end) + (_TOP_GAP if column == 0 and branch.below.shown else 0)
        if family.shown and family.hidden_groups:
            begins.append(y)
            y = self._rest(family, column, y) + _ROW_GAP
        if above is not None:
            self._branch_lines(column, begins)
        return y

    def _branch_lines(self, column: int, begins: list[float]) -> None:
        """Lines from the group above, which stands beside the first of these boxes."""
        if not begins:
            return
        start, end, middle = self._x(column) - _COLUMN_GAP, self._x(column), _BOX / 2
        trunk = start + _COLUMN_GAP / 2
        first, *others = (y + middle for y in begins)
        line = f"M{start:g} {first:g}H{end:g}"
        if others:
            line += f"M{trunk:g} {first:g}V{others[-1] - _TURN:g}"
        for y in others:
            line += f"M{trunk:g} {y - _TURN:g}q0 {_TURN} {_TURN} {_TURN}H{end:g}"
        ET.SubElement(self._branches, "path", {"class": "branch", "d": line})

    def _group(self, branch: Branch, column: int, y: float) -> float:
        """Draw the box of a group, and say where it ends."""
        group, x = branch.group, self._x(column)
        place = ET.SubElement(self._boxes, "g", {"class": _classes(group.marks)})
        agents = f"{self._agents(branch):,}"
        room = self._column - 2 * _PADDING - width(agents, 13) - 8
        # Names at the top are bold, which takes more room.
        name = cut(group.name, _NAME_SIZE * (1.07 if column == 0 else 1), room)
        words = [
            line
            for mark in group.marks
            for line in lines(
                mark.text, _SMALL_SIZE * 1.07, self._column - 2 * _PADDING, _MARK_LINES
            )
        ]
        hidden = "" if branch.below.shown else _hidden(branch.below, with_agents=False)
        height = _BOX + _LINE * (len(words) + bool(hidden))
        _box(place, x + 0.5, y + 0.5, self._column - 1, height - 1, "box", radius=8)
        if group.marks:
            _box(place, x + 0.5, y + 6.5, 3, height - 13, "bar", radius=1.5)
        is_gone = any(mark.change == "removed" for mark in group.marks)
        style = f"name{' top' if column == 0 else ''}{' gone' if is_gone else ''}"
        _text(place, x + _PADDING, y + 22, name, style, full=group.name)
        _text(place, x + self._column - _PADDING, y + 22, agents, "number end")
        bottom = y + 22
        for word in words:
            bottom += _LINE
            _text(place, x + _PADDING, bottom, word, "word", full=_words(group.marks))
        if hidden:
            fits = cut(hidden, _SMALL_SIZE, self._column - 2 * _PADDING)
            _text(place, x + _PADDING, bottom + _LINE, fits, "muted", full=hidden)
        return y + height

    def _rest(self, family: Family, column: int, y: float) -> float:
        """Draw the box for what a family hides, and say where it ends."""
        x, text = self._x(column), _hidden(family, with_agents=True)
        _box(self._boxes, x + 0.5, y + 0.5, self._column - 1, _BOX - 1, "rest", radius=8)
        fits = cut(text, _SMALL_SIZE, self._column - 2 * _PADDING)
        _text(self._boxes, x + _PADDING, y + 21, fits, "muted", full=text)
        return y + _BOX


def _hidden(family: Family, *, with_agents: bool) -> str:
    """What a family hides, in words; empty if it hides nothing."""
    if not family.hidden_groups:
        return ""
    parts = [f"+ {counted(family.hidden_groups, 'group')}"]
    if family.hidden_changes:
        parts.append(counted(family.hidden_changes, "change"))
    if with_agents:
        parts.append(counted(family.hidden_agents, "agent"))
    return ", ".join(parts)


def _words(marks: tuple[Mark, ...]) -> str:
    return "; ".join(mark.text for mark in marks)


def _classes(marks: tuple[Mark, ...]) -> str:
    """The colour is that of the first change; all of them stand there in words."""
    return f"marked {marks[0].change}" if marks else "group"


def _box(
    above: ET.Element, x: float, y: float, wide: float, high: float, style: str, *, radius: float
) -> None:
    sizes = {"x": x, "y": y, "width": wide, "height": high, "rx": radius}
    ET.SubElement(
        above, "rect", {"class": style, **{name: f"{size:g}" for name, size in sizes.items()}}
    )


def _text(above: ET.Element, x: float, y: float, text: str, style: str, *, full: str = "") -> None:
    """A line of text; `full` is what it was before it was cut, shown to whoever points at it."""
    place = ET.SubElement(above, "text", {"class": style, "x": f"{x:g}", "y": f"{y:g}"})
    place.text = shown(text)
    if full and full != text:
        title = ET.SubElement(place, "title")
        title.text = shown(full)


def _leaf(above: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(above, tag, attributes).text = shown(text)
