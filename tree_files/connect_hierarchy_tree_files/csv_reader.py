"""Trees in CSV, with a row for each group, as spreadsheet programs write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.model.names import composed, quoted, without_outer_blanks
from connect_hierarchy_lambda.model.tree import SEPARATOR, Place
from connect_hierarchy_tree_files.csv_records import Record, Sheet
from connect_hierarchy_tree_files.source import Position, TreeFile

PATH_COLUMN = "path"
FIELD_COLUMNS = ("key", "agents_on_delete")
"""Columns that mean the same as the YAML fields of these names."""

_NO_COLUMNS = {
    "name": (
        "a group's name is the end of its path: remove the column, or for a tag of that name "
        "write the tree in YAML"
    ),
    "tags": "each further column is a tag: give each tag a column with the name of its key",
    "children": "the groups below a group have rows of their own: add these, remove the column",
}
"""YAML fields that CSV expresses in another way."""

_QUOTED_PATH = 120


def read_csv(file: TreeFile, text: str) -> None:
    """Read the groups of a CSV file.

    Raises:
        UnreadableFileError: If the file is not CSV, or its header has no column for the path.
    """
    sheet = Sheet.of(file, text, lambda cell: _meaning(cell) == PATH_COLUMN)
    records = sheet.records()
    header = next(records, Record([], 0))
    table = _Table(sheet, _columns(sheet, header))
    for record in records:
        table.add(record)
    table.nest()


def is_field_column(column: str) -> bool:
    """Whether a column of this name is not a tag."""
    return _meaning(column) in {PATH_COLUMN, *FIELD_COLUMNS, *_NO_COLUMNS}


def _meaning(column: str) -> str:
    """The field of a group with the name of a column, in any case; or the column's own name."""
    name = without_outer_blanks(column)
    as_field = re.sub(r"[\s-]", "_", name).lower()
    return as_field if as_field in {PATH_COLUMN, *FIELD_COLUMNS, *_NO_COLUMNS} else name


def _columns(sheet: Sheet, header: Record) -> list[str]:
    """The positions of columns by their meaning; an empty name is not a column."""
    columns = list(map(_meaning, header.cells))
    start = sheet.position_of(header, 0)
    if PATH_COLUMN not in columns:
        shown = ", ".join(quoted(column) for column in header.cells if column) or "none"
        why = (
            f"has the columns {shown}; one '{PATH_COLUMN}' is needed: "
            "add it, and separate columns by commas, semicolons or tabs"
        )
        raise sheet.file.end(start, why)
    for number, column in enumerate(columns):
        position = sheet.position_of(header, number)
        if column in _NO_COLUMNS:
            shown = quoted(header.cells[number])
            sheet.file.note(position, f"column {shown} is not allowed: {_NO_COLUMNS[column]}")
        elif column and column in columns[:number]:
            sheet.file.note(position, f"has two columns {quoted(column)}, keep one")
    return columns


@dataclass
class _Row:
    """A group, with its place in the tree and in the file."""

    path: tuple[str, ...]
    group: dict[str, Any]
    position: Position
    fields: dict[Place, Position]
    """The positions of the cells of its key, policy and tags."""

    @property
    def composed_path(self) -> tuple[str, ...]:
        """The path with its accents composed, for comparisons."""
        return tuple(map(composed, self.path))


@dataclass
class _Table:
    """Rows with paths, which become nested groups."""

    sheet: Sheet
    columns: list[str]
    rows: list[_Row] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Add a row."""
        cells, sheet = record.cells, self.sheet
        for number, cell in enumerate(cells):
            if cell and not (number < len(self.columns) and self.columns[number]):
                why = (
                    f"has {len(cells)} cells, and cell {number + 1}, {quoted(cell)}, is in no "
                    "column of the header: name the column, or put texts with separators in "
                    "quotes"
                )
                sheet.file.note(sheet.position_of(record, number), why)
                break
        named: dict[str, str] = {}
        positions: dict[str, Position] = {}
        for number, (column, cell) in enumerate(zip(self.columns, cells, strict=False)):
            if cell and column and column not in _NO_COLUMNS:
                named[column] = cell
                positions[column] = sheet.position_of(record, number)
        path = named.pop(PATH_COLUMN, "")
        position = positions.pop(PATH_COLUMN, sheet.position_of(record, 0))
        names = tuple(map(without_outer_blanks, path.split(SEPARATOR)))
        if not all(names):
            why = (
                f"path {quoted(path, _QUOTED_PATH)} has an empty name, as 'Support//EMEA' has: "
                "give a name before and after each slash"
            )
            sheet.file.note(position, why)
            return
        group: dict[str, Any] = {"name": names[-1]}
        group |= {name: named.pop(name) for name in FIELD_COLUMNS if name in named}
        if named:
            group["tags"] = named
        fields: dict[Place, Position] = {
            (column,) if column in FIELD_COLUMNS else ("tags", column): at
            for column, at in positions.items()
        }
        self.rows.append(_Row(names, group, position, fields))

    def nest(self) -> None:
        """Build the groups of the file, in the order of the rows."""
        top: list[dict[str, Any]] = []
        by_path: dict[tuple[str, ...], tuple[_Row, Place]] = {}
        file = self.sheet.file
        # parents first, in whatever order the rows are
        for row in sorted(self.rows, key=lambda row: len(row.path)):
            path = row.composed_path
            if path in by_path:
                why = (
                    f"path {quoted(SEPARATOR.join(row.path), _QUOTED_PATH)} occurs twice, also "
                    f"in line {by_path[path][0].position.line}: rename or remove one"
                )
                file.note(row.position, why)
                continue
            siblings = top
            place: Place = ()
            if len(path) > 1:
                if path[:-1] not in by_path:
                    parent = quoted(SEPARATOR.join(row.path[:-1]), _QUOTED_PATH)
                    file.note(row.position, f"no row has the parent's path {parent}: add one")
                    continue
                above, above_place = by_path[path[:-1]]
                siblings = above.group.setdefault("children", [])
                place = (*above_place, "children")
            place = (*place, len(siblings))
            siblings.append(row.group)
            by_path[path] = row, place
            file.positions[place] = row.position
            file.positions |= {(*place, *inside): at for inside, at in row.fields.items()}
        file.groups = top
