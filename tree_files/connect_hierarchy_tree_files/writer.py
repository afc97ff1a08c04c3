"""Writes trees as YAML, JSON and CSV, so that reading them gives the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import yaml

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted, visible, without_outer_blanks
from connect_hierarchy_lambda.model.tree import SEPARATOR
from connect_hierarchy_tree_files.csv_reader import FIELD_COLUMNS, PATH_COLUMN, is_field_column

LEVELS_FIELD = "x-levels"
"""The field with the names of the levels in YAML and JSON files, ignored by readers."""

_QUOTED_PATH = 120
_LINE_END = "\r\n"
_NO_FOLDS = 2**31 - 1
"""The largest width that libyaml takes, so that no text is folded."""

Group = Mapping[str, Any]
"""A group as files have it: `name`, optionally `key`, `tags`, `agents_on_delete`, `children`."""


class TreeFormat(StrEnum):
    """The kinds of files, by the ending of their names."""

    YAML = "yaml"
    JSON = "json"
    CSV = "csv"


def written_tree(
    groups: Sequence[Group],
    kind: TreeFormat,
    *,
    levels: Sequence[str] = (),
    comments: Sequence[str] = (),
) -> str:
    """The text of a file with these groups, in this order.

    Args:
        groups: The topmost groups.
        kind: The kind of file.
        levels: The names of the levels, for people; a CSV file has no place for them.
        comments: Lines at the beginning of a YAML file; other files have no place for them.

    Raises:
        InvalidHierarchyError: For anything that a CSV file cannot express.
    """
    whole = {**({LEVELS_FIELD: list(levels)} if levels else {}), "groups": list(groups)}
    match kind:
        case TreeFormat.YAML:
            head = "".join(f"# {visible(comment)}\n" for comment in comments)
            return head + yaml.dump(
                whole,
                # libyaml's writer if there is one, since Python's would take seconds for large
                # trees
                Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
                sort_keys=False,
                allow_unicode=True,
                width=_NO_FOLDS,
            )
        case TreeFormat.JSON:
            return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        case TreeFormat.CSV:
            return _csv(groups)


def _csv(groups: Sequence[Group]) -> str:
    rows = list(_rows(groups, ()))
    fields = [name for name in FIELD_COLUMNS if any(name in group for _, group in rows)]
    tags = list(dict.fromkeys(tag for _, group in rows for tag in group.get("tags", ())))
    written = [_record([PATH_COLUMN, *fields, *map(_checked_column, tags)])]
    for path, group in rows:
        cells = [group.get(name, "") for name in fields]
        cells += [_checked_tag(path, tag, group.get("tags", {})) for tag in tags]
        written.append(_record([SEPARATOR.join(path), *cells]))
    return "".join(written)


def _record(cells: Sequence[str]) -> str:
    """A line of the file, which ends at LF; cells with CR or LF are quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=_LINE_END).writerow(cells)
    return text.getvalue().removesuffix(_LINE_END) + "\n"


def _rows(
    groups: Sequence[Group], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Group]]:
    for group in groups:
        path = (*above, group["name"])
        if SEPARATOR in group["name"]:
            raise _not_in_csv(f"the name of group {quoted(group['name'])} has a slash")
        yield path, group
        yield from _rows(group.get("children", ()), path)


def _checked_column(tag: str) -> str:
    if is_field_column(tag) or tag != without_outer_blanks(tag):
        raise _not_in_csv(f"a column cannot have the name of the tag {quoted(tag)}")
    return tag


def _checked_tag(path: tuple[str, ...], tag: str, tags: Mapping[str, str]) -> str:
    value = tags.get(tag, "")
    if tag in tags and (not value or value != without_outer_blanks(value)):
        where = quoted(SEPARATOR.join(path), _QUOTED_PATH)
        raise _not_in_csv(f"tag {quoted(tag)} of {where} is empty, or has blanks around it")
    return value


def _not_in_csv(why: str) -> InvalidHierarchyError:
    return InvalidHierarchyError(f"{why}, which a CSV file cannot express: write YAML or JSON")
