"""Trees in YAML: tags that are not understood are errors, and texts mean what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.tree import Place, Unquoted
from connect_hierarchy_tree_files.source import DEEPEST, TreeFile
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
"""What no text is, by the tag that YAML gives to it."""

_MOST_VALUES = 100_000
"""More than the largest tree has: aliases of aliases can stand for billions."""

_NO_LINE_ENDS = "\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
"""Line ends for PyYAML, which reads YAML 1.1; for YAML 1.2 and for editors characters as others."""

_ITEM = re.compile(r"[\r\n][ \t]*-[ \t\r\n]")
"""A line that looks like an item of a list."""

_RESOLVER = yaml.resolver.Resolver()

_UNCLOSED = "unexpected end of stream"
"""What PyYAML says about a quote without an end."""

_REMEDIES = {
    "'\\t'": "write spaces in place of the tab",
    "mapping values are not allowed": "put a text with a colon into quotes, check the indentation",
    "found another document": "keep one document in a file",
    "undefined alias": "put a text that begins with * into quotes",
    "that cannot start any token": "put the text into quotes",
    "unacceptable character": "remove it",
    _UNCLOSED: "close the quote that begins here",
}
"""What to do, by what PyYAML says."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, and stops before Python's stack is full."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, with everything in it."""
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
        InvalidHierarchyError: For what is not YAML, and for what YAML can say and no tree is.
    """
    reader = _Reader(file, Lines(text), _stand_ins(text))
    # as many characters as before: what PyYAML says about offsets is true of the text as it was
    document = reader.composed(text.translate(reader.stand_ins))
    file.take_groups(None if document is None else reader.value(document, ()))


def _stand_ins(text: str) -> dict[int, int]:
    """Characters that are not in the text, for those that PyYAML takes for line ends."""
    unused = (code for code in range(0xE000, 0xF900) if chr(code) not in text)
    return dict(zip(map(ord, _NO_LINE_ENDS), unused, strict=False))


@dataclass
class _Reader:
    """Reads the nodes of a document and takes down their lines."""

    file: TreeFile
    lines: Lines
    stand_ins: dict[int, int]
    count: int = 0

    def composed(self, text: str) -> yaml.Node | None:
        """The document, as nodes that know where they stand."""
        try:
            document: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except _TooDeepError as error:
            raise self.file.is_nested_too_deeply(self._line_of_error(error) or 1) from None
        except yaml.YAMLError as error:
            line = self._line_of_error(error)
            what = self._as_written(_problem(error))
            raise self.file.error(
                line, f"is not YAML: {what}: {self._remedy(what, line)}"
            ) from None
        return document

    def value(self, node: yaml.Node, place: Place) -> object:
        """What a node stands for."""
        line = self._line(node)
        self.file.lines.setdefault(place, line)
        if len(place) > DEEPEST:
            raise self.file.is_nested_too_deeply(line)
        self._count(line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, _LIST)
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        fields: dict[str, object] = {}
        for name, key, value in self._fields(node):
            self.file.lines[*place, name] = self._line(key)
            fields[name] = self.value(value, (*place, name))
        return fields

    def _count(self, line: int) -> None:
        self.count += 1
        if self.count > _MOST_VALUES:
            why = f"has more than {_MOST_VALUES:,} values by its aliases: write fewer aliases"
            raise self.file.error(line, why)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = self._as_written(node.value)
        self._check_continuation(node)
        if node.tag == _TEXT:
            return text
        # a tag that is written says something else than the text does
        if node.tag != _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False)):  # type: ignore[no-untyped-call] # its stub has no types
            raise self._unknown_tag(node)
        return None if node.tag == _NULL else Unquoted(_KINDS[node.tag], text)

    def _check_continuation(self, node: yaml.ScalarNode) -> None:
        """Refuse an item that is indented too far: YAML makes it a part of the text before it."""
        if node.style is not None:
            return
        item = _ITEM.search(self.lines.text, node.start_mark.index, node.end_mark.index)
        if item is not None:
            why = (
                f"'-' continues the text of line {self._line(node)}: indent it as the items around "
                "it, or put the whole text into quotes"
            )
            raise self.file.error(self.lines.number_at(item.end() - 1), why)

    def _fields(
        self, node: yaml.Node, above: tuple[yaml.Node, ...] = ()
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The fields of a mapping with those that it merges, of which its own ones win."""
        self._check_tag(node, _MAPPING)
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            name = self._field_name(key)
            if name in own or (merged and _merges(key)):
                raise self.file.is_given_twice(self._line(key), name)
            if _merges(key):
                merged = self._merged(value)
            else:
                own[name] = key, value
        for name, (key, value) in own.items():
            yield name, key, value
        names = set(own)
        for other in merged:
            self._count(self._line(other))
            if len(above) > DEEPEST:
                raise self.file.is_nested_too_deeply(self._line(other))
            for name, key, value in self._fields(other, (*above, node)):
                if name not in names:
                    names.add(name)
                    yield name, key, value

    def _merged(self, value: yaml.Node) -> list[yaml.Node]:
        """The mappings behind `<<`, the first of which wins."""
        mappings = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if isinstance(value, yaml.SequenceNode):
            self._check_tag(value, _LIST)
        for one in mappings:
            if not isinstance(one, yaml.MappingNode):
                why = "'<<' merges mappings, and this is none: give an alias such as *defaults"
                raise self.file.error(self._line(one), why)
        return list(mappings)

    def _field_name(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            raise self.file.error(self._line(key), "a field is called by a text: write a text")
        if key.tag != _TEXT:
            # a name is a text whatever it looks like, if nothing else is written
            self._scalar(key)
        return self._as_written(key.value)

    def _check_tag(self, node: yaml.Node, wanted: str) -> None:
        if node.tag != wanted:
            raise self._unknown_tag(node)

    def _unknown_tag(self, node: yaml.Node) -> Exception:
        written = self._as_written(node.tag)
        tag = f"!!{written.removeprefix(_YAML)}" if written.startswith(_YAML) else written
        is_text = isinstance(node, yaml.ScalarNode)
        what = f" before {quoted(self._as_written(node.value))}" if is_text else ""
        quotes = " or, if it is a part of the text, put it into quotes" if is_text else ""
        why = f"YAML tag {quoted(tag)}{what} is not known in a tree: remove it{quotes}"
        return self.file.error(self._line(node), why)

    def _line(self, node: yaml.Node) -> int:
        return self.lines.number_at(node.start_mark.index)

    def _line_of_error(self, error: yaml.YAMLError) -> int | None:
        mark = getattr(error, "problem_mark", None)
        if _UNCLOSED in str(getattr(error, "problem", "")):
            mark = getattr(error, "context_mark", None) or mark
        offset = getattr(error, "position", None) if mark is None else mark.index
        return None if offset is None else self.lines.number_at(offset)

    def _as_written(self, text: str) -> str:
        return text.translate({there: was for was, there in self.stand_ins.items()})

    def _remedy(self, problem: str, line: int | None) -> str:
        if line is not None and "\t" in self.lines.indentation_of(line):
            return "indent with spaces in place of the tab"
        for words, remedy in _REMEDIES.items():
            if words in problem:
                return remedy
        return "check the indentation, and put texts with special characters into quotes"


def _merges(key: yaml.Node) -> bool:
    return bool(key.tag == _MERGE)


def _problem(error: yaml.YAMLError) -> str:
    """What is wrong, in the words of PyYAML, on one line."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"unacceptable character {quoted(str(chr(error.character)))}"
    problem = getattr(error, "problem", None) or str(error).replace("\n", " ")
    context = getattr(error, "context", None) or ""
    return f"{context} {problem}" if context.startswith("expected") else str(problem)
