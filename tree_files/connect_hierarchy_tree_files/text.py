"""The text of a file: its encoding, and where its lines begin."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right

from connect_hierarchy_tree_files.source import Position, TreeFile

_LINE_END = re.compile(r"\r\n|\r|\n")
_BEGINNINGS_OF_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of .xlsx and .ods, which are zip files, and of .xls."""


class Lines:
    """Lines as editors count them: each ends at CR, LF or CRLF only."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def position_at(self, offset: int) -> Position:
        """The position of the character at this offset."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def start_of(self, line: int) -> int:
        """The offset of a line's first character; after the last line, the length of the text."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def indentation_of(self, number: int) -> str:
        """The blanks at the beginning of a line."""
        start = self.start_of(number)
        found = re.compile(r"[ \t]*").match(self.text, start)
        return found[0] if found else ""


def text_of(file: TreeFile, content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 if its beginning says so.

    Raises:
        UnreadableFileError: For another encoding, with the line, and for a workbook.
    """
    if content.startswith(_BEGINNINGS_OF_WORKBOOKS):
        raise file.is_a_workbook()
    remedy = "save it with the encoding UTF-8"
    if file.path.suffix.lower() == ".csv":
        remedy = file.in_a_spreadsheet
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        # spreadsheets begin their files with a byte order mark, and so does PowerShell
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-16" if is_utf_16 else "utf-8", "replace")
        position = Lines(before).position_at(len(before))
        why = f"is not UTF-8 (byte {error.object[error.start]:#04x}): {remedy}"
        raise file.end(position, why) from None
    if "\0" in text:
        position = Lines(text).position_at(text.index("\0"))
        raise file.end(position, f"has a NUL character, as no text in UTF-8 has: {remedy}")
    return text
