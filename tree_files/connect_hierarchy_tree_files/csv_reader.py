"""Trees in CSV, a row for each group, as spreadsheet programs write it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.model.names import composed, quoted, without_outer_blanks
from connect_hierarchy_lambda.model.tree import SEPARATOR, Place
from connect_hierarchy_tree_files.source import TreeFile

_PATH = "path"
_FIELDS = ("key", "agents_on_delete")
"""Columns that mean what the fields of these names mean in YAML."""

_NO_COLUMNS = {
    "name": (
        "a group's name is the end of its path: remove the column, or for a tag of that name "
        "write the tree in YAML"
    ),
    "tags": "each further column is a tag: give each tag a column that is called by its key",
    "children": "the groups below a group have rows of their own: add these, remove the column",
}
"""Fields of YAML that CSV has another way for."""

_SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
"""The first line by which Excel is told what separates cells."""

_QUOTED_PATH = 120

_Record = tuple[list[str], int]
"""The cells of a record, without blanks around them, and the line that it begins in."""


def read_csv(file: TreeFile, text: str) -> None:
    """Read the groups of a CSV file.

    Raises:
        InvalidHierarchyError: For what is not CSV, and for rows that are no tree.
    """
    told = _SEPARATOR_LINE.match(text)
    if told is None:
        separator = _separator(text)
        records = _records(file, text, separator)
    else:
        records = _records(file, text[told.end() :], told[1], lines_before=1)
    header, line = next(records, ([], 1))
    table = _Table(file, _columns(file, header, line))
    for cells, number in records:
        table.add(cells, number)
    table.nest()


def _separator(text: str) -> str:
    """What separates the cells: that with which the first record has a column for the path."""
    for separator in _SEPARATORS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            header = next((row for row in rows if any(map(without_outer_blanks, row))), [])
        except csv.Error:
            continue
        if _PATH in map(_meaning, header):
            return separator
    return _SEPARATORS[0]


def _records(file: TreeFile, text: str, separator: str, lines_before: int = 0) -> Iterator[_Record]:
    """The records that are not empty; each ends at CR, LF or CRLF outside of quotes."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = lines_before + rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            remedy = "close each quote, and write a quote within a quoted text twice"
            raise file.error(line, f"is not CSV: {error}: {remedy}") from None
        if row is None:
            return
        cells = list(map(without_outer_blanks, row))
        if any(cells):
            yield cells, line


def _meaning(column: str) -> str:
    """The field of a group that a column is called by, in any case; or the column itself."""
    name = without_outer_blanks(column)
    as_field = re.sub(r"[\s-]", "_", name).lower()
    return as_field if as_field in {_PATH, *_FIELDS, *_NO_COLUMNS} else name


def _columns(file: TreeFile, header: list[str], line: int) -> list[str]:
    """The columns by what they mean."""
    columns = list(map(_meaning, header))
    if _PATH not in columns:
        shown = ", ".join(quoted(column) for column in header if column) or "none"
        why = (
            f"has the columns {shown}; one '{_PATH}' is needed: "
            "add it, and separate columns by commas, semicolons or tabs"
        )
        raise file.error(line, why)
    for column in columns:
        if column in _NO_COLUMNS:
            shown = quoted(header[columns.index(column)])
            raise file.error(line, f"column {shown} can not be: {_NO_COLUMNS[column]}")
        if column and columns.count(column) > 1:
            raise file.error(line, f"has two columns {quoted(column)}, keep one")
    return columns


@dataclass
class _Row:
    """A group, and where it stands in the tree and in the file."""

    path: tuple[str, ...]
    group: dict[str, Any]
    line: int

    @property
    def composed_path(self) -> tuple[str, ...]:
        """The path with its accents composed, to be compared with others."""
        return tuple(map(composed, self.path))


@dataclass
class _Table:
    """Rows with paths, and the nested groups that they are."""

    file: TreeFile
    columns: list[str]
    rows: list[_Row] = field(default_factory=list)

    def add(self, cells: list[str], line: int) -> None:
        """Take down a row."""
        for number, cell in enumerate(cells):
            if cell and not (number < len(self.columns) and self.columns[number]):
                why = (
                    f"has {len(cells)} cells, and cell {number + 1}, {quoted(cell)}, is in no "
                    "column of the header: name the column, or put a text with separators into "
                    "quotes"
                )
                raise self.file.error(line, why)
        named = {column: cell for column, cell in zip(self.columns, cells, strict=False) if cell}
        path = named.pop(_PATH, "")
        names = tuple(map(without_outer_blanks, path.split(SEPARATOR)))
        if not all(names):
            why = (
                f"path {quoted(path, _QUOTED_PATH)} has an empty name, as 'Support//EMEA' has: "
                "give a name before and after each slash"
            )
            raise self.file.error(line, why)
        group: dict[str, Any] = {"name": names[-1]}
        group |= {name: named.pop(name) for name in _FIELDS if name in named}
        if named:
            group["tags"] = named
        self.rows.append(_Row(names, group, line))

    def nest(self) -> None:
        """Make the groups of the file, in the order of the rows."""
        top: list[dict[str, Any]] = []
        by_path: dict[tuple[str, ...], tuple[_Row, Place]] = {}
        # parents first, however the rows are sorted
        for row in sorted(self.rows, key=lambda row: len(row.path)):
            path = row.composed_path
            if path in by_path:
                why = (
                    f"path {quoted(SEPARATOR.join(row.path), _QUOTED_PATH)} is there twice, also "
                    f"in line {by_path[path][0].line}: rename or remove one"
                )
                raise self.file.error(row.line, why)
            siblings = top
            place: Place = ()
            if len(path) > 1:
                if path[:-1] not in by_path:
                    parent = quoted(SEPARATOR.join(row.path[:-1]), _QUOTED_PATH)
                    why = f"no row has the parent's path {parent}: add one"
                    raise self.file.error(row.line, why)
                above, above_place = by_path[path[:-1]]
                siblings = above.group.setdefault("children", [])
                place = (*above_place, "children")
            place = (*place, len(siblings))
            siblings.append(row.group)
            by_path[path] = row, place
            self.file.lines[place] = row.line
        self.file.groups = top
