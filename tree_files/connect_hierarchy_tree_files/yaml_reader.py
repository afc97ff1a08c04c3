"""Trees in YAML: unknown tags are errors, and texts mean what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.tree import Place, Unquoted
from connect_hierarchy_tree_files.source import DEEPEST, Position, TreeFile
from connect_hierarchy_tree_files.text import Lines

_YAML = "tag:yaml.org,2002:"
_TEXT = f"{_YAML}str"
_NULL = f"{_YAML}null"
_LIST = f"{_YAML}seq"
_MAPPING = f"{_YAML}map"
_MERGE = f"{_YAML}merge"
_KINDS = {
    f"{_YAML}bool": "true or false",
    f"{_YAML}int": "a number",
    f"{_YAML}float": "a number",
    f"{_YAML}timestamp": "a date",
    f"{_YAML}value": "a sign of YAML",
    _MERGE: "a sign of YAML",
}
"""Values that are not texts, by the tag that YAML gives them."""

_MOST_VALUES = 100_000
"""More values than the largest tree has: aliases of aliases can stand for billions."""

_NO_LINE_ENDS = "\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
"""Line ends for PyYAML, which reads YAML 1.1; ordinary characters in YAML 1.2 and in editors."""

_ITEM = re.compile(r"[\r\n][ \t]*-[ \t\r\n]")
"""The beginning of a line that looks like an item of a list."""

_RESOLVER = yaml.resolver.Resolver()

_UNCLOSED = "unexpected end of stream"
"""PyYAML's message about a quote without an end."""

_REMEDIES = {
    "'\\t'": "write spaces in place of the tab",
    "mapping values are not allowed": "put a text with a colon into quotes, check the indentation",
    "found another document": "keep one document in a file",
    "undefined alias": "put a text that begins with * into quotes",
    "that cannot start any token": "put the text into quotes",
    "unacceptable character": "remove it",
    _UNCLOSED: "close the quote that begins here",
}
"""The remedy for each message of PyYAML."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, and stops before Python's recursion limit."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node with its content."""
        if self._depth > DEEPEST:
            raise _TooDeepError(None, None, None, self.peek_event().start_mark)  # type: ignore[no-untyped-call] # its stub has no types
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _TooDeepError(yaml.MarkedYAMLError):
    """A document with too many levels."""


def read_yaml(file: TreeFile, text: str) -> None:
    """Read the groups of a YAML file.

    Raises:
        UnreadableFileError: If the file is not YAML, or has more values than a tree can have.
    """
    reader = _Reader(file, Lines(text), _stand_ins(text))
    # the number of characters stays, so PyYAML's offsets are valid for the original text
    document = reader.composed(text.translate(reader.stand_ins))
    file.take_groups(None if document is None else reader.value(document, ()))


def _stand_ins(text: str) -> dict[int, int]:
    """Characters that the text does not have, to replace those that PyYAML takes for line ends."""
    unused = (code for code in range(0xE000, 0xF900) if chr(code) not in text)
    return dict(zip(map(ord, _NO_LINE_ENDS), unused, strict=False))


@dataclass
class _Reader:
    """Reads the nodes of a document, and notes their places."""

    file: TreeFile
    lines: Lines
    stand_ins: dict[int, int]
    count: int = 0

    def composed(self, text: str) -> yaml.Node | None:
        """The document as nodes with their places."""
        try:
            document: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except _TooDeepError as error:
            begins = self._position_of_error(error) or Position(1)
            raise self.file.is_nested_too_deeply(begins) from None
        except yaml.YAMLError as error:
            position = self._position_of_error(error)
            what = self._as_written(_problem(error))
            remedy = self._remedy(what, position)
            raise self.file.end(position, f"is not YAML: {what}: {remedy}") from None
        return document

    def value(self, node: yaml.Node, place: Place) -> object:
        """The value of a node."""
        position = self._position(node)
        self.file.positions.setdefault(place, position)
        if len(place) > DEEPEST:
            raise self.file.is_nested_too_deeply(position)
        self._count(position)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, _LIST)
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        fields: dict[str, object] = {}
        for name, key, value in self._fields(node):
            self.file.positions[*place, name] = self._position(key)
            fields[name] = self.value(value, (*place, name))
        return fields

    def _count(self, position: Position) -> None:
        self.count += 1
        if self.count > _MOST_VALUES:
            why = f"has more than {_MOST_VALUES:,} values by its aliases: write fewer aliases"
            raise self.file.end(position, why)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = self._as_written(node.value)
        self._check_continuation(node)
        if node.tag == _TEXT:
            return text
        # an explicit tag changes the meaning of the text
        if node.tag != _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False)):  # type: ignore[no-untyped-call] # its stub has no types
            self._note_unknown_tag(node)
            return text
        return None if node.tag == _NULL else Unquoted(_KINDS[node.tag], text)

    def _check_continuation(self, node: yaml.ScalarNode) -> None:
        """Refuse an item that is indented too far: YAML makes it part of the text before it."""
        if node.style is not None:
            return
        item = _ITEM.search(self.lines.text, node.start_mark.index, node.end_mark.index)
        if item is not None:
            why = (
                f"'-' continues the text of line {self._position(node).line}: indent it as the "
                "items around it, or put the whole text into quotes"
            )
            at = item.start() + item[0].index("-")
            self.file.note(self.lines.position_at(at), why)

    def _fields(
        self, node: yaml.Node, above: tuple[yaml.Node, ...] = ()
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The fields of a mapping with those that it merges; its own fields win."""
        self._check_tag(node, _MAPPING)
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            name = self._field_name(key)
            if name is None:
                continue
            if name in own or (merged and _merges(key)):
                self.file.note_given_twice(self._position(key), name)
            if _merges(key):
                merged = self._merged(value)
            else:
                own[name] = key, value
        for name, (key, value) in own.items():
            yield name, key, value
        names = set(own)
        for other in merged:
            self._count(self._position(other))
            if len(above) > DEEPEST:
                raise self.file.is_nested_too_deeply(self._position(other))
            for name, key, value in self._fields(other, (*above, node)):
                if name not in names:
                    names.add(name)
                    yield name, key, value

    def _merged(self, value: yaml.Node) -> list[yaml.Node]:
        """The mappings behind `<<`; the first one wins."""
        mappings = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if isinstance(value, yaml.SequenceNode):
            self._check_tag(value, _LIST)
        for one in mappings:
            if not isinstance(one, yaml.MappingNode):
                why = "'<<' merges mappings, and this is none: give an alias such as *defaults"
                self.file.note(self._position(one), why)
        return [one for one in mappings if isinstance(one, yaml.MappingNode)]

    def _field_name(self, key: yaml.Node) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self.file.note(self._position(key), "the name of a field is a text: write a text")
            return None
        if key.tag != _TEXT:
            # without a tag, a name is a text, whatever it looks like
            self._scalar(key)
        return self._as_written(key.value)

    def _check_tag(self, node: yaml.Node, wanted: str) -> None:
        if node.tag != wanted:
            self._note_unknown_tag(node)

    def _note_unknown_tag(self, node: yaml.Node) -> None:
        written = self._as_written(node.tag)
        tag = f"!!{written.removeprefix(_YAML)}" if written.startswith(_YAML) else written
        is_text = isinstance(node, yaml.ScalarNode)
        what = f" before {quoted(self._as_written(node.value))}" if is_text else ""
        quotes = " or, if it is a part of the text, put it into quotes" if is_text else ""
        why = f"YAML tag {quoted(tag)}{what} is not known in a tree: remove it{quotes}"
        self.file.note(self._position(node), why)

    def _position(self, node: yaml.Node) -> Position:
        return self.lines.position_at(node.start_mark.index)

    def _position_of_error(self, error: yaml.YAMLError) -> Position | None:
        mark = getattr(error, "problem_mark", None)
        if _UNCLOSED in str(getattr(error, "problem", "")):
            mark = getattr(error, "context_mark", None) or mark
        offset = getattr(error, "position", None) if mark is None else mark.index
        return None if offset is None else self.lines.position_at(offset)

    def _as_written(self, text: str) -> str:
        return text.translate({there: was for was, there in self.stand_ins.items()})

    def _remedy(self, problem: str, position: Position | None) -> str:
        if position is not None and "\t" in self.lines.indentation_of(position.line):
            return "indent with spaces in place of the tab"
        for words, remedy in _REMEDIES.items():
            if words in problem:
                return remedy
        return "check the indentation, and put texts with special characters into quotes"


def _merges(key: yaml.Node) -> bool:
    return bool(key.tag == _MERGE)


def _problem(error: yaml.YAMLError) -> str:
    """The problem in the words of PyYAML, on one line."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"unacceptable character {quoted(str(chr(error.character)))}"
    problem = getattr(error, "problem", None) or str(error).replace("\n", " ")
    context = getattr(error, "context", None) or ""
    return f"{context} {problem}" if context.startswith("expected") else str(problem)
