"""The records of a CSV file, as spreadsheet programs write it, and the line that each begins in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

from connect_hierarchy_lambda.model.names import without_outer_blanks
from connect_hierarchy_tree_files.source import TreeFile

_SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
"""The first line by which Excel is told what separates cells."""

Record = tuple[list[str], int]
"""The cells of a record, without blanks around them, and the line that it begins in."""


def read_records(file: TreeFile, text: str, is_wanted: Callable[[str], bool]) -> Iterator[Record]:
    """The records that are not empty, the header first.

    Cells are separated by what the file's first line says, or else by the comma, semicolon or tab
    with which the header has a wanted column.

    Args:
        file: Where the text is from.
        text: The text.
        is_wanted: Whether a cell of the header is a column that is needed.

    Raises:
        InvalidHierarchyError: For what is not CSV.
    """
    told = _SEPARATOR_LINE.match(text)
    if told is None:
        return _records(file, text, _separator(text, is_wanted))
    return _records(file, text[told.end() :], told[1], lines_before=1)


def _separator(text: str, is_wanted: Callable[[str], bool]) -> str:
    """What separates the cells: that with which the first record has the wanted column."""
    for separator in _SEPARATORS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            header = next((row for row in rows if any(map(without_outer_blanks, row))), [])
        except csv.Error:
            continue
        if any(map(is_wanted, header)):
            return separator
    return _SEPARATORS[0]


def _records(file: TreeFile, text: str, separator: str, lines_before: int = 0) -> Iterator[Record]:
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
