"""A tree of groups as one description: its nodes, their keys, and its problems.

A node is known by its key through renames and moves. Unless it is given, the key is the key of the
node above, a slash and the node's name. So a renamed group that gets its former key keeps the keys
of everything below it. A node's tags reach everything below it, as with `Tags.of` in the CDK; those
of a node itself win over those from above.

Names, paths and keys are compared with their accents composed (NFC): `é` as one character and as
two gives the same key and the same name.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import MAX_LEVELS
from connect_hierarchy_lambda.model.names import (
    check_group_name,
    check_outer_blanks,
    composed,
    quoted,
    visible,
)
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tags import check_tag, check_tag_count

SEPARATOR = "/"
SPACED_SEPARATOR = " / "
"""The separator of names in the `path` of a group's construct."""

MAX_KEY_LENGTH = 512
"""A path of five names of 100 characters, with room."""

_MARK_LENGTH = 16
_QUOTED_PATH = 120
_IN_QUOTES = 40
_SHOWN_PROBLEMS = 100
_NO_NAME = "…"
_FIELDS = ("name", "key", "tags", "children", "agents_on_delete")

Place = tuple[str | int, ...]
"""The place of a value in nested mappings and sequences: the way to it from the outermost."""


@dataclass(frozen=True)
class Node:
    """One group of a tree.

    `path` has the names from the tree's top down to the node. `parent` is the key of the node
    above, None at the top of the tree. `tags` has the group's own tags and those of the nodes
    above, unless the group has its own value for them, without the tags of the whole tree.
    """

    key: str
    path: tuple[str, ...]
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    agents_on_delete: AgentsOnDelete | None = None
    line: str = field(default="", compare=False)
    """The file and line that it is in, empty if that is not known."""
    own_tags: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The tags that are written at the node itself."""
    has_own_key: bool = field(default=False, compare=False)
    """Whether the key is given; if not, it follows from the name and the node above."""

    @property
    def name(self) -> str:
        """The group's name."""
        return self.path[-1]

    @property
    def mark(self) -> str:
        """The mark of the key in a tag, which does not take every character."""
        return key_mark(self.key)

    def is_at(self, names: tuple[str, ...]) -> bool:
        """Whether the names of its path, with their accents composed, are these."""
        return tuple(map(composed, self.path)) == names


@dataclass(frozen=True)
class Tree:
    """Nodes, each after the one above it."""

    nodes: tuple[Node, ...] = ()

    @property
    def depth(self) -> int:
        """How many levels it takes up."""
        return max((len(node.path) for node in self.nodes), default=0)

    def at(self, path: str | Sequence[str], above: Sequence[str] | None = ()) -> Node:
        """The node at a path.

        Args:
            path: Names from the tree's top down, one by one or joined with slashes; or the `path`
                of a group's construct: names from level one down, joined with ` / `.
            above: The names from level one down to the group above the tree, None if they are not
                known.

        Raises:
            InvalidHierarchyError: If there is no such node, with the nearest ones; or if there are
                several, since names have slashes in them.
        """
        found = self.find(path, above)
        if len(found) == 1:
            return found[0]
        text = path if isinstance(path, str) else SEPARATOR.join(path)
        if found:
            msg = (
                f"path {quoted(text, _QUOTED_PATH)} fits {len(found)} hierarchy groups, since "
                "names have slashes: give the names one by one, as a list"
            )
            raise InvalidHierarchyError(msg)
        paths = [SEPARATOR.join(node.path) for node in self.nodes]
        raise _no_such("hierarchy group", text, paths)

    def find(self, path: str | Sequence[str], above: Sequence[str] | None = ()) -> list[Node]:
        """The nodes that a path fits: none, one, or more. `at` documents the forms of a path."""
        if isinstance(path, str):
            return self._at_text(composed(path), above)
        names = tuple(map(composed, path))
        return [node for node in self._by_path.get(SEPARATOR.join(names), ()) if node.is_at(names)]

    def _at_text(self, path: str, above: Sequence[str] | None) -> list[Node]:
        found = list(self._by_path.get(path, ()))
        if above is not None:
            top = composed("".join(f"{name}{SPACED_SEPARATOR}" for name in above))
            if path.startswith(top):
                spaced = self._by_spaced_path.get(path[len(top) :], ())
                found += [node for node in spaced if node not in found]
        return found

    @cached_property
    def _by_path(self) -> dict[str, list[Node]]:
        return self._by_joined_path(SEPARATOR)

    @cached_property
    def _by_spaced_path(self) -> dict[str, list[Node]]:
        return self._by_joined_path(SPACED_SEPARATOR)

    def _by_joined_path(self, separator: str) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(composed(separator.join(node.path)), []).append(node)
        return found

    def with_key(self, key: str) -> Node:
        """The node of a key; InvalidHierarchyError if there is none, with the nearest ones."""
        for node in self.nodes:
            if node.key == composed(key):
                return node
        raise _no_such("hierarchy group with key", key, [node.key for node in self.nodes])


def _no_such(what: str, wanted: str, there: Sequence[str]) -> InvalidHierarchyError:
    near = difflib.get_close_matches(wanted, there, cutoff=0.4)
    nearest = ", ".join(quoted(one, _QUOTED_PATH) for one in near)
    return InvalidHierarchyError(
        f"the tree has no {what} {quoted(wanted, _QUOTED_PATH)}, "
        + (f"nearest are: {nearest}" if near else "and none with a similar name")
    )


@dataclass(frozen=True)
class Unquoted:
    """Values without quotes that are not texts: `No`, `2024`."""

    kind: str
    text: str


def key_mark(key: str) -> str:
    """The mark of a key in tags and in names of attributes: letters and digits only."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:_MARK_LENGTH]


def located_error(line: str, path: Sequence[str], why: str) -> InvalidHierarchyError:
    """An error about a line, at or below a path of names."""
    parts = [line, f"in {quoted(SEPARATOR.join(path), _QUOTED_PATH)}" if path else "", why]
    return InvalidHierarchyError(": ".join(part for part in parts if part))


def digest(ids: Mapping[str, str], marks: Sequence[str]) -> str:
    """The digest of the ids of these keys, all of them at once."""
    text = "\n".join(f"{mark}={ids.get(mark, '')}" for mark in marks)
    return sha256(text.encode()).hexdigest()[: 2 * _MARK_LENGTH]


def _default_key(parent: str | None, name: str) -> str:
    return composed(name if parent is None else f"{parent}{SEPARATOR}{name}")


@dataclass(frozen=True)
class Problem:
    """A problem of a tree."""

    place: Place
    """The file and line."""

    path: tuple[str, ...]
    """The names from the tree's top down to the group that has the problem."""

    why: str


class InvalidTreeError(InvalidHierarchyError):
    """All problems of a tree, each on a line."""

    def __init__(self, errors: Sequence[str]) -> None:
        more = len(errors) - _SHOWN_PROBLEMS
        shown = [*errors[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("\n".join(shown))


@dataclass(frozen=True)
class _Reader:
    """Reads nested mappings and sequences, and notes their problems.

    `line_of` gives the file and line of a place, empty if it is not known; `is_token` says whether
    a text is not known before the deployment.
    """

    line_of: Callable[[Place], str]
    is_token: Callable[[str], bool]
    problems: list[Problem] = field(default_factory=list)

    def note(self, place: Place, path: tuple[str, ...], why: str) -> None:
        """Note a problem of the value at a place."""
        self.problems.append(Problem(place, path, why))

    def nodes(
        self, value: object, place: Place, above: Node | None = None
    ) -> Iterator[tuple[Node, Place]]:
        """The nodes of a sequence, and everything below each."""
        path = above.path if above else ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            why = f"groups are {_kind(value)}, a list of groups is needed"
            self.note(place, path, why)
            return
        if len(path) >= MAX_LEVELS and value:
            why = f"its groups are at level {len(path) + 1}, at most {MAX_LEVELS} are allowed"
            self.note(place, path, f"{why}: choose a higher parent")
            return
        for number, item in enumerate(value):
            yield from self._node(item, (*place, number), above)

    def _node(
        self, value: object, place: Place, above: Node | None
    ) -> Iterator[tuple[Node, Place]]:
        path = above.path if above else ()
        fields = {"name": value} if isinstance(value, str) else value
        if not isinstance(fields, Mapping):
            why = (
                f"group is {_kind(value)}, its name or a mapping with a name is needed"
                f"{_in_quotes(value)}"
            )
            self.note(place, path, why)
            return
        self._check_fields(fields, place, path)
        name = self._name(fields, place, path)
        path = (*path, _NO_NAME if name is None else name)
        parent = above.key if above else None
        own_tags = self._tags(fields, place, path)
        node = Node(
            key=self._key(fields, place, path, parent),
            path=path,
            parent=parent,
            tags={**(above.tags if above else {}), **own_tags},
            agents_on_delete=self._agents_on_delete(fields, place, path),
            line=self.line_of(place),
            own_tags=own_tags,
            has_own_key=fields.get("key") is not None,
        )
        self._check_tag_count(node, place)
        if name is not None:
            yield node, place
        children = fields.get("children")
        if children is not None:
            yield from self.nodes(children, (*place, "children"), node)

    def _check_fields(
        self, fields: Mapping[object, object], place: Place, path: tuple[str, ...]
    ) -> None:
        meant: list[str] = []
        for name in fields:
            if name in _FIELDS:
                continue
            near = difflib.get_close_matches(str(name), _FIELDS, n=1)
            meant += near
            hint = f", did you mean '{near[0]}'?" if near else f": use {', '.join(_FIELDS)}"
            why = f"a group has no field {quoted(str(name))}{hint}"
            self.note((*place, str(name)), path, why)
        if "name" not in fields and "name" not in meant:
            self.note(place, path, "a group has no name, each needs one")

    def _name(
        self, fields: Mapping[object, object], place: Place, path: tuple[str, ...]
    ) -> str | None:
        if "name" not in fields:
            return None
        name = self._text(fields, "name", place, path)
        if name is None:
            return None
        try:
            check_group_name(name)
            check_outer_blanks("hierarchy group name", name)
        except InvalidHierarchyError as error:
            self.note((*place, "name"), path, str(error))
        return name

    def _text(
        self, fields: Mapping[object, object], name: str, place: Place, path: tuple[str, ...]
    ) -> str | None:
        value = fields[name]
        if not isinstance(value, str):
            why = f"{name} is {_kind(value)}, a text is needed{_in_quotes(value)}"
            self.note((*place, name), path, why)
            return None
        if self.is_token(value):
            why = f"{name} is a token, it must be known at synth: only values of tags can be tokens"
            self.note((*place, name), path, why)
            return None
        return value

    def _key(
        self,
        fields: Mapping[object, object],
        place: Place,
        path: tuple[str, ...],
        parent: str | None,
    ) -> str:
        key = None
        if fields.get("key") is not None:
            key = self._text(fields, "key", place, path)
        if key is None:
            return _default_key(parent, path[-1])
        if not 1 <= len(key) <= MAX_KEY_LENGTH:
            why = f"key has {len(key)} characters, 1 to {MAX_KEY_LENGTH} are allowed"
            self.note((*place, "key"), path, why)
        try:
            check_outer_blanks("key", key)
        except InvalidHierarchyError as error:
            self.note((*place, "key"), path, str(error))
        return composed(key)

    def _tags(
        self, fields: Mapping[object, object], place: Place, path: tuple[str, ...]
    ) -> dict[str, str]:
        value = fields.get("tags")
        place = (*place, "tags")
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            why = f"tags are {_kind(value)}, a mapping of keys to values is needed"
            self.note(place, path, why)
            return {}
        tags: dict[str, str] = {}
        for key, tag in value.items():
            if not isinstance(key, str) or not isinstance(tag, str):
                wrong = tag if isinstance(key, str) else key
                why = (
                    f"tag {quoted(str(key))} has {_kind(wrong)}, text is needed{_in_quotes(wrong)}"
                )
                self.note((*place, str(key)), path, why)
                continue
            if self.is_token(key):
                why = "a tag key is a token, it must be known at synth: only values can be tokens"
                self.note((*place, key), path, why)
                continue
            try:
                check_tag(key, "" if self.is_token(tag) else tag)
            except InvalidHierarchyError as error:
                self.note((*place, key), path, str(error))
            tags[key] = tag
        return tags

    def _check_tag_count(self, node: Node, place: Place) -> None:
        try:
            check_tag_count(len(node.tags))
        except InvalidHierarchyError as error:
            inherited = len(node.tags) - len(node.own_tags)
            also = f"; {inherited} are those of the groups above" if inherited else ""
            where = (*place, "tags") if node.own_tags else place
            self.note(where, node.path, f"{error}{also}")

    def _agents_on_delete(
        self, fields: Mapping[object, object], place: Place, path: tuple[str, ...]
    ) -> AgentsOnDelete | None:
        value = fields.get("agents_on_delete")
        if value is None:
            return None
        if not isinstance(value, str) or value not in set(AgentsOnDelete):
            choices = ", ".join(AgentsOnDelete)
            shown = value.text if isinstance(value, Unquoted) else str(value)
            why = f"agents_on_delete is {quoted(shown)}, one of {choices} is needed"
            self.note((*place, "agents_on_delete"), path, why)
            return None
        return AgentsOnDelete(value)


@dataclass(frozen=True)
class Examined:
    """The nodes that were read from nested mappings and sequences, and the problems."""

    tree: Tree
    """If there are problems, the groups that could be read despite them."""

    places: Sequence[Place]
    """The place of each node."""

    problems: Sequence[Problem] = ()
    """In the order in which they were found."""


def read_tree(
    value: object,
    *,
    line_of: Callable[[Place], str] = lambda _: "",
    is_token: Callable[[str], bool] = lambda _: False,
) -> Tree:
    """A tree of nested mappings and sequences.

    A group is a mapping with `name`, and optionally `key`, `tags`, `agents_on_delete` and
    `children`, a sequence of groups. A text alone is the name of a group without any of these.

    Args:
        value: A sequence of groups.
        line_of: Gives the file and line of a place, empty if it is not known.
        is_token: Says whether a text is not known before the deployment.

    Raises:
        InvalidTreeError: If the tree has problems; the error has all of them, with line and path.
    """
    examined = examine_tree(value, line_of=line_of, is_token=is_token)
    check_no_problems(examined.problems, line_of)
    return examined.tree


def check_no_problems(problems: Sequence[Problem], line_of: Callable[[Place], str]) -> None:
    """Raise InvalidTreeError if there are any problems."""
    if problems:
        raise InvalidTreeError(
            [str(located_error(line_of(one.place), one.path, one.why)) for one in problems]
        )


def examine_tree(
    value: object,
    *,
    line_of: Callable[[Place], str] = lambda _: "",
    is_token: Callable[[str], bool] = lambda _: False,
) -> Examined:
    """Read a tree as `read_tree` does, and return its problems."""
    reader = _Reader(line_of, is_token)
    nodes: list[Node] = []
    siblings: dict[tuple[Place, str], tuple[Node, Place]] = {}
    keys: dict[str, Node] = {}
    marks: dict[str, Node] = {}
    places: list[Place] = []
    for node, place in reader.nodes(value, ()):
        twin, twin_place = siblings.setdefault((place[:-1], composed(node.name)), (node, place))
        other = keys.get(node.key) or marks.get(node.mark)
        if twin is not node:
            first = line_of(twin_place)
            also = f" (the other is in {first})" if first else ""
            if twin.name != node.name:
                also += ", with its accents composed in one and decomposed in the other"
            why = f"two groups with one parent have this name{also}, rename one"
            reader.note(place, node.path, why)
        # groups below twins have the same keys if they have the same names; the twins are the
        # problem
        elif other is not None and not other.is_at(tuple(map(composed, node.path))):
            why = (
                f"its key {quoted(node.key, _QUOTED_PATH)} is also that of "
                f"{quoted(SEPARATOR.join(other.path), _QUOTED_PATH)}, each needs its own: "
                "give one of them another key"
            )
            reader.note(place, node.path, why)
        keys.setdefault(node.key, node)
        marks.setdefault(node.mark, node)
        places.append(place)
        nodes.append(node)
    return Examined(Tree(tuple(nodes)), places, tuple(reader.problems))


def _kind(value: object) -> str:
    """The kind of a value, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, Unquoted):
        return value.kind
    for kind, name in (
        (bool, "true or false"),
        ((int, float), "a number"),
        (dt.date, "a date"),
        (str, "text"),
        (Mapping, "a mapping"),
        (Sequence, "a list"),
    ):
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


def _in_quotes(value: object) -> str:
    """The part of a message that says how to write a value as a text."""
    if value is None:
        return ": write one, in quotes if it is a word such as null"
    if isinstance(value, (Mapping, Sequence)):
        return ": put it into quotes if it is a text"
    text = visible(value.text if isinstance(value, Unquoted) else str(value))
    shown = text if len(text) <= _IN_QUOTES else f"{text[:_IN_QUOTES]} …"
    return f': put it into quotes, "{shown}"'
