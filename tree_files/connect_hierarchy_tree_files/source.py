"""The content of a tree file, with lines and columns, and its problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from connect_hierarchy_lambda.model.names import quoted, visible
from connect_hierarchy_lambda.model.tree import Place

DEEPEST = 40
"""Deeper than any tree: a deeper file is malformed or refers to itself."""

_GROUPS = "groups"
_SCHEMA = "$schema"
_OWN_PREFIX = "x-"
"""Fields for the file's author, for example for YAML anchors."""


class Position(NamedTuple):
    """The position of a character: line and column, each counted from 1."""

    line: int
    column: int = 1


@dataclass(frozen=True)
class Finding:
    """A problem of a file."""

    position: Position | None
    """None if it is about the file as a whole."""

    what: str


class UnreadableFileError(Exception):
    """The rest of the file cannot be understood; the reason is among its findings."""


@dataclass
class TreeFile:
    """The content of a file: nested mappings and sequences, and the place of each."""

    path: Path
    groups: object = None
    positions: dict[Place, Position] = field(default_factory=dict)
    """The beginning of each value in `groups`, as far as it is known."""

    findings: dict[Finding, None] = field(default_factory=dict)
    """The problems of the file itself; each once, however often an alias repeats it."""

    is_readable: bool = True
    """Whether there are `groups`, with or without problems."""

    in_a_spreadsheet = (
        'save it as "CSV UTF-8 (Comma delimited)" in Excel (File > Save As), or as CSV with the '
        "character set UTF-8 in another program"
    )
    """The remedy for a file that is not CSV in UTF-8."""

    def position_of(self, place: Place) -> Position | None:
        """The beginning of a value in `groups`, or of the nearest value around it."""
        while place and place not in self.positions:
            place = place[:-1]
        return self.positions.get(place)

    def line_of(self, place: Place) -> str:
        """`<file>:<line>` of a value in `groups`, or of the nearest value around it."""
        return self.where(self.position_of(place))

    def where(self, position: Position | None) -> str:
        """`<file>:<line>`, or the file alone."""
        name = visible(self.path.name)
        return name if position is None else f"{name}:{position.line}"

    def note(self, position: Position | None, what: str) -> None:
        """Note a problem of the file itself; the rest can be read."""
        self.findings.setdefault(Finding(position, what))

    def end(self, position: Position | None, what: str) -> UnreadableFileError:
        """Note a problem, and return the error to raise, since the rest cannot be read."""
        self.note(position, what)
        self.is_readable = False
        return UnreadableFileError(what)

    def errors(self) -> Sequence[str]:
        """The problems of the file itself, with lines."""
        return [f"{self.where(found.position)}: {found.what}" for found in self.findings]

    def is_a_workbook(self) -> UnreadableFileError:
        """The error about a file of a spreadsheet program that is not CSV."""
        return self.end(None, f"is a workbook, a text is needed: {self.in_a_spreadsheet}")

    def note_given_twice(self, position: Position, name: str) -> None:
        """Note a field that a mapping has twice."""
        self.note(position, f"field {quoted(name)} is given twice, keep one")

    def is_nested_too_deeply(self, position: Position) -> UnreadableFileError:
        """The error about deeper nesting than a tree has."""
        why = f"is nested more than {DEEPEST} levels deep, or refers to itself"
        remedy = "close a bracket, or write the groups one below the other"
        return self.end(position, f"{why}: {remedy}")

    def take_groups(self, whole: object) -> None:
        """Take the groups of a document: the value of its field `groups`, or the whole document."""
        if not isinstance(whole, Mapping):
            self.groups = whole
            return
        for name in whole:
            if name not in {_GROUPS, _SCHEMA} and not name.startswith(_OWN_PREFIX):
                why = (
                    f"has a field {quoted(name)}, only '{_GROUPS}' is known: correct it, or let "
                    f"it begin with '{_OWN_PREFIX}' if it is yours"
                )
                self.note(self.positions.get((name,)), why)
        if _GROUPS not in whole:
            why = f"has no field '{_GROUPS}', which lists the groups: add it"
            raise self.end(Position(1), why)
        self.groups = whole[_GROUPS]
        self.positions = {
            place[1:]: position
            for place, position in self.positions.items()
            if place[:1] == (_GROUPS,)
        }
