"""Trees in JSON, with the line and column of each value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from connect_hierarchy_lambda.model.tree import Place, Unquoted
from connect_hierarchy_tree_files.source import DEEPEST, Position, TreeFile
from connect_hierarchy_tree_files.text import Lines

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_REMEDY = "correct it; JSON has neither comments nor a comma before a closing bracket"
_OPENING, _CLOSING = "{[", "}]"
_WORDS: dict[str, object] = {
    "null": None,
    "true": Unquoted("true or false", "true"),
    "false": Unquoted("true or false", "false"),
}


def read_json(file: TreeFile, text: str) -> None:
    """Read the groups of a JSON file.

    Raises:
        UnreadableFileError: If the file is not JSON.
    """
    lines = Lines(text)
    _check_depth(file, text, lines)
    try:
        # the values come from the tokens below, and Python refuses numbers of 5,000 digits
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        # the error's own line number counts only lines that end at LF
        position = lines.position_at(error.pos)
        raise file.end(position, f"is not JSON: {error.msg}: {_REMEDY}") from None
    reader = _Reader(file, lines, _TOKEN.finditer(text))
    file.take_groups(reader.value(next(reader.tokens), ()))


def _check_depth(file: TreeFile, text: str, lines: Lines) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if depth > DEEPEST:
            raise file.is_nested_too_deeply(lines.position_at(token.start()))


class _Reader:
    """Reads the tokens of a text that is JSON."""

    def __init__(self, file: TreeFile, lines: Lines, tokens: Iterator[re.Match[str]]) -> None:
        self.tokens = tokens
        self._file = file
        self._lines = lines

    def value(self, token: re.Match[str], place: Place) -> object:
        """Read the value that begins with a token, and note its place and those of its parts."""
        self._file.positions.setdefault(place, self._position(token))
        if token[0] == "{":
            return self._fields(place)
        if token[0] == "[":
            return list(self._items(place))
        if token[0].startswith('"'):
            return json.loads(token[0])
        return _WORDS.get(token[0], Unquoted("a number", token[0]))

    def _position(self, token: re.Match[str]) -> Position:
        return self._lines.position_at(token.start())

    def _fields(self, place: Place) -> dict[str, object]:
        fields: dict[str, object] = {}
        for token in self.tokens:
            if token[0] == "}":
                break
            if token[0] == ",":
                continue
            name = json.loads(token[0])
            if name in fields:
                self._file.note_given_twice(self._position(token), name)
            self._file.positions[*place, name] = self._position(token)
            next(self.tokens)  # the colon
            fields[name] = self.value(next(self.tokens), (*place, name))
        return fields

    def _items(self, place: Place) -> Iterator[object]:
        number = 0
        for token in self.tokens:
            if token[0] == "]":
                return
            if token[0] != ",":
                yield self.value(token, (*place, number))
                number += 1
