"""Files of trees: YAML, JSON and CSV, read so that errors can say in which line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.tree import SEPARATOR, Place

SCHEMA = Path(__file__).with_name("hierarchy-tree.schema.json")
"""The JSON schema of YAML and JSON files, for editors."""

_GROUPS = "groups"
_ALLOWED = (_GROUPS, "$schema")
_PATH_COLUMN = "path"
_DEEPEST = 40
"""Deeper than any tree: what is nested so far refers to itself."""

_TEXT = "tag:yaml.org,2002:str"


@dataclass
class TreeFile:
    """What a file says: nested mappings and sequences, and where each stands."""

    path: Path
    groups: object = None
    _lines: dict[Place, int] = field(default_factory=dict)

    def line_of(self, place: Place) -> str:
        """`<file>:<line>` of something in `groups`, or of the nearest thing around it."""
        while place and place not in self._lines:
            place = place[:-1]
        line = self._lines.get(place)
        return self.path.name if line is None else f"{self.path.name}:{line}"

    def error(self, line: int | None, why: str) -> InvalidHierarchyError:
        """What is wrong with the file as such."""
        where = self.path.name if line is None else f"{self.path.name}:{line}"
        return InvalidHierarchyError(f"{where}: {why}")


def read_tree_file(path: Path) -> TreeFile:
    """Read a file, by what its name ends in: .yaml or .yml, .json, .csv.

    Raises:
        InvalidHierarchyError: For a file that is missing, of another kind, or malformed.
    """
    readers: dict[str, Callable[[TreeFile, str], None]] = {
        ".yaml": _read_yaml,
        ".yml": _read_yaml,
        ".json": _read_json,
        ".csv": _read_csv,
    }
    file = TreeFile(path)
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise file.error(None, f"a file of a tree ends in {', '.join(readers)}: rename it")
    try:
        # spreadsheets begin their files with a byte order mark
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise file.error(None, f"can not be read ({error.strerror}): {path}") from None
    except UnicodeDecodeError:
        raise file.error(None, "is not UTF-8: save it as UTF-8") from None
    reader(file, text)
    return file


def _read_yaml(file: TreeFile, text: str) -> None:
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        whole = None if document is None else _value(file, document, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise file.error(line, f"is not YAML: {getattr(error, 'problem', None) or error}") from None
    _take_groups(file, whole)


def _read_json(file: TreeFile, text: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise file.error(None, f"field {quoted(twice)} is given twice, keep one")
        return found

    try:
        whole = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise file.error(error.lineno, f"is not JSON: {error.msg}") from None
    except RecursionError:
        raise file.error(None, "is nested too deeply") from None
    try:
        # JSON is YAML but for tabs; the values are taken from above, the lines from here
        document = yaml.compose(text.expandtabs(), Loader=yaml.SafeLoader)
        if document is not None:
            _value(file, document, ())
    except yaml.YAMLError:
        file._lines.clear()  # noqa: SLF001 - filled by this module
    _take_groups(file, whole)


def _take_groups(file: TreeFile, whole: object) -> None:
    """The groups of a document: what its field of that name has, or the document itself."""
    if not isinstance(whole, Mapping):
        file.groups = whole
        return
    for name in whole:
        if name not in _ALLOWED:
            line = file._lines.get((str(name),))  # noqa: SLF001 - filled by this module
            raise file.error(line, f"has a field {quoted(str(name))}, only '{_GROUPS}' is known")
    if _GROUPS not in whole:
        raise file.error(1, f"has no field '{_GROUPS}', which lists the groups")
    file.groups = whole[_GROUPS]
    lines = file._lines  # noqa: SLF001 - filled by this module
    file._lines = {  # noqa: SLF001 - the same
        place[1:]: line for place, line in lines.items() if place[:1] == (_GROUPS,)
    }


def _value(file: TreeFile, document: yaml.Node, place: Place) -> object:
    """What a part of a YAML document stands for; takes down its line."""
    line = document.start_mark.line + 1
    file._lines.setdefault(place, line)  # noqa: SLF001 - filled by this module
    if len(place) > _DEEPEST:
        raise file.error(line, "is nested too deeply, or refers to itself")
    if isinstance(document, yaml.SequenceNode):
        return [_value(file, item, (*place, number)) for number, item in enumerate(document.value)]
    if isinstance(document, yaml.MappingNode):
        return dict(_fields(file, document, place))
    # numbers and the like are an error further on, which names their kind
    return document.value if document.tag == _TEXT else yaml.safe_load(document.value)


def _fields(
    file: TreeFile, document: yaml.MappingNode, place: Place
) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key, value in document.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise file.error(line, "a field is called by a text")
        name = str(key.value)
        if name in seen:
            raise file.error(line, f"field {quoted(name)} is given twice, keep one")
        seen.add(name)
        file._lines[(*place, name)] = line  # noqa: SLF001 - filled by this module
        yield name, _value(file, value, (*place, name))


def _read_csv(file: TreeFile, text: str) -> None:
    header = text.split("\n", 1)[0]
    separator = ";" if ";" in header and "," not in header else ","
    rows = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    try:
        columns = [column.strip() for column in next(rows, [])]
        if columns.count(_PATH_COLUMN) != 1:
            why = f"has the columns {', '.join(columns) or 'none'}; one '{_PATH_COLUMN}' is needed"
            raise file.error(1, why)
        if len(set(columns)) < len(columns):
            raise file.error(1, "has two columns of one name")
        table = _Table(file, columns)
        for row in rows:
            if any(cell.strip() for cell in row):
                table.add(row, rows.line_num)
    except csv.Error as error:
        raise file.error(rows.line_num, f"is not CSV: {error}") from None
    table.nest()


@dataclass
class _Table:
    """Rows with paths, and the nested groups that they are."""

    file: TreeFile
    columns: list[str]
    rows: list[tuple[tuple[str, ...], dict[str, Any], int]] = field(default_factory=list)

    def add(self, row: list[str], line: int) -> None:
        """Take down a row."""
        if len(row) > len(self.columns):
            why = f"has {len(row)} cells, and the header {len(self.columns)}: put texts in quotes"
            raise self.file.error(line, why)
        cells = dict(zip(self.columns, row, strict=False))
        path = tuple(name.strip() for name in cells.pop(_PATH_COLUMN, "").split(SEPARATOR))
        if not all(path):
            raise self.file.error(line, "path has an empty name, as in 'Support//EMEA'")
        tags = {key: value.strip() for key, value in cells.items() if value.strip()}
        group = {"name": path[-1], **({"tags": tags} if tags else {})}
        self.rows.append((path, group, line))

    def nest(self) -> None:
        """Make the groups of the file, in the order of the rows."""
        top: list[dict[str, Any]] = []
        by_path: dict[tuple[str, ...], tuple[dict[str, Any], Place]] = {}
        # parents first, however the rows are sorted
        for path, group, line in sorted(self.rows, key=lambda row: len(row[0])):
            if path in by_path:
                raise self.file.error(
                    line, f"path {quoted(SEPARATOR.join(path), 120)} is there twice"
                )
            siblings = top
            place: Place = ()
            if len(path) > 1:
                if path[:-1] not in by_path:
                    parent = quoted(SEPARATOR.join(path[:-1]), 120)
                    raise self.file.error(line, f"no row has the parent's path {parent}: add one")
                above, above_place = by_path[path[:-1]]
                siblings = above.setdefault("children", [])
                place = (*above_place, "children")
            place = (*place, len(siblings))
            siblings.append(group)
            by_path[path] = group, place
            self.file._lines[place] = line  # noqa: SLF001 - filled by this module
        self.file.groups = top
