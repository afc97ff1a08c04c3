"""The records of a CSV file, as spreadsheet programs write it, with their positions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connect_hierarchy_lambda.model.names import without_outer_blanks
from connect_hierarchy_tree_files.source import Position, TreeFile
from connect_hierarchy_tree_files.text import Lines

_SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
"""The first line that tells Excel the separator."""


@dataclass(frozen=True)
class Record:
    """The cells of a record, without blanks around them, and its beginning in the text."""

    cells: list[str]
    start: int


@dataclass(frozen=True)
class Sheet:
    """The text of a file, and the separator of its cells."""

    file: TreeFile
    lines: Lines
    separator: str
    start: int
    """The offset of the header, after the line that names the separator."""

    @classmethod
    def of(cls, file: TreeFile, text: str, is_wanted: Callable[[str], bool]) -> Sheet:
        """The sheet of a text.

        The separator is the one that the first line names, or else the comma, semicolon or tab with
        which the header has a wanted column.

        Args:
            file: The file of the text.
            text: The text.
            is_wanted: Says whether a cell of the header is a column that is needed.
        """
        told = _SEPARATOR_LINE.match(text)
        return cls(
            file,
            Lines(text),
            separator=_separator(text, is_wanted) if told is None else told[1],
            start=0 if told is None else told.end(),
        )

    def records(self) -> Iterator[Record]:
        """The records that are not empty; each ends at CR, LF or CRLF outside of quotes.

        Raises:
            UnreadableFileError: If the file is not CSV.
        """
        text = io.StringIO(self.lines.text[self.start :], newline="")
        rows = csv.reader(text, delimiter=self.separator, strict=True)
        lines_before = self.lines.position_at(self.start).line
        while True:
            start = self.lines.start_of(lines_before + rows.line_num)
            try:
                row = next(rows, None)
            except csv.Error as error:
                remedy = "close each quote, and write a quote within a quoted text twice"
                why = f"is not CSV: {error}: {remedy}"
                raise self.file.end(self.lines.position_at(start), why) from None
            if row is None:
                return
            cells = list(map(without_outer_blanks, row))
            if any(cells):
                yield Record(cells, start)

    def line_of(self, record: Record) -> int:
        """The line in which a record begins."""
        return self.lines.position_at(record.start).line

    def position_of(self, record: Record, number: int) -> Position:
        """The position of a cell of a record; cells count from 0."""
        separator = re.escape(self.separator)
        cell = re.compile(rf'"(?:[^"]|"")*"|[^{separator}\r\n]*')
        offset = record.start
        for _ in range(number):
            found = cell.match(self.lines.text, offset)
            offset = (found.end() if found else offset) + 1
        return self.lines.position_at(offset)


def _separator(text: str, is_wanted: Callable[[str], bool]) -> str:
    """The separator with which the first record has the wanted column."""
    for separator in _SEPARATORS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            header = next((row for row in rows if any(map(without_outer_blanks, row))), [])
        except csv.Error:
            continue
        if any(map(is_wanted, header)):
            return separator
    return _SEPARATORS[0]
