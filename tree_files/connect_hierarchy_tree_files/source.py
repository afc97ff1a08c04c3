"""What a file of a tree says, and in which line it says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted, visible
from connect_hierarchy_lambda.model.tree import Place

DEEPEST = 40
"""Deeper than any tree: what is nested so far is malformed or refers to itself."""

_GROUPS = "groups"
_SCHEMA = "$schema"
_OWN_PREFIX = "x-"
"""Fields for the file's author, such as what YAML's anchors stand on."""


@dataclass
class TreeFile:
    """What a file says: nested mappings and sequences, and where each stands."""

    path: Path
    groups: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    """The line of each thing in `groups`, as far as it is known."""

    in_a_spreadsheet = (
        'save it as "CSV UTF-8 (Comma delimited)" in Excel (File > Save As), or as CSV with the '
        "character set UTF-8 in another program"
    )
    """What to do about a file that is no CSV file in UTF-8."""

    def line_of(self, place: Place) -> str:
        """`<file>:<line>` of something in `groups`, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self._where(self.lines.get(place))

    def error(self, line: int | None, why: str) -> InvalidHierarchyError:
        """What is wrong with the file as such."""
        return InvalidHierarchyError(f"{self._where(line)}: {why}")

    def is_a_workbook(self) -> InvalidHierarchyError:
        """The error about a file of a spreadsheet program that is not CSV."""
        return self.error(None, f"is a workbook, a text is needed: {self.in_a_spreadsheet}")

    def is_given_twice(self, line: int, name: str) -> InvalidHierarchyError:
        """The error about a field that a mapping has twice."""
        return self.error(line, f"field {quoted(name)} is given twice, keep one")

    def is_nested_too_deeply(self, line: int) -> InvalidHierarchyError:
        """The error about more brackets or mappings in each other than a tree has."""
        why = f"is nested more than {DEEPEST} levels deep, or refers to itself"
        return self.error(line, f"{why}: close a bracket, or write the groups one below the other")

    def take_groups(self, whole: object) -> None:
        """Take the groups of a document: what its field `groups` has, or the document itself."""
        if not isinstance(whole, Mapping):
            self.groups = whole
            return
        for name in whole:
            if name not in {_GROUPS, _SCHEMA} and not name.startswith(_OWN_PREFIX):
                why = (
                    f"has a field {quoted(name)}, only '{_GROUPS}' is known: correct it, or let "
                    f"it begin with '{_OWN_PREFIX}' if it is yours"
                )
                raise self.error(self.lines.get((name,)), why)
        if _GROUPS not in whole:
            raise self.error(1, f"has no field '{_GROUPS}', which lists the groups: add it")
        self.groups = whole[_GROUPS]
        self.lines = {
            place[1:]: line for place, line in self.lines.items() if place[:1] == (_GROUPS,)
        }

    def _where(self, line: int | None) -> str:
        name = visible(self.path.name)
        return name if line is None else f"{name}:{line}"
