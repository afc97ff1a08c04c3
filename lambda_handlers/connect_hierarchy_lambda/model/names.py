"""Checks on level names and group names, the same at synth and in Lambda."""

from __future__ import annotations

from collections.abc import Sequence

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import (
    MAX_GROUP_NAME_LENGTH,
    MAX_LEVEL_NAME_LENGTH,
    MAX_LEVELS,
)

_QUOTED_LENGTH = 40


def quoted(text: str, at_most: int = _QUOTED_LENGTH) -> str:
    """The text in quotes on one line, shortened to `at_most` characters, for use in a message."""
    line = repr(text)[1:-1]
    return f"'{line}'" if len(line) <= at_most else f"'{line[: at_most - 2]} …'"


def check_characters(what: str, text: str) -> None:
    """Raise InvalidHierarchyError for half a surrogate pair: JSON can say it, UTF-8 can not."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"{what} has half of a surrogate pair, which is no character: {quoted(text)}, mend it"
        raise InvalidHierarchyError(msg)


def check_level_names(levels: Sequence[str]) -> None:
    """Raise InvalidHierarchyError unless these can be the levels of one structure.

    1 to 5 names, each of 1 to 50 characters that are not all blank, no two alike.
    """
    if not levels:
        msg = (
            "a hierarchy structure has no levels, "
            f"1 to {MAX_LEVELS} are needed: name at least one, for example 'Division'"
        )
        raise InvalidHierarchyError(msg)
    if len(levels) > MAX_LEVELS:
        msg = (
            f"a hierarchy structure has {len(levels)} levels, at most {MAX_LEVELS} are allowed: "
            "leave out the lowest, or merge two"
        )
        raise InvalidHierarchyError(msg)
    for number, name in enumerate(levels, start=1):
        _check_name(f"name of level {number}", name, MAX_LEVEL_NAME_LENGTH)
    for number, name in enumerate(levels, start=1):
        first = levels.index(name) + 1
        if first != number:
            msg = (
                f"levels {first} and {number} have the same name, "
                f"each level needs its own: {quoted(name)}"
            )
            raise InvalidHierarchyError(msg)


def check_group_name(name: str) -> None:
    """Raise InvalidHierarchyError unless a group can have this name.

    1 to 100 characters that are not all blank.
    """
    _check_name("hierarchy group name", name, MAX_GROUP_NAME_LENGTH)


def _check_name(what: str, name: str, at_most: int) -> None:
    if not name:
        msg = f"{what} is empty, 1 to {at_most} characters are needed"
        raise InvalidHierarchyError(msg)
    if not name.strip():
        msg = f"{what} is blank, 1 to {at_most} visible characters are needed: {quoted(name)}"
        raise InvalidHierarchyError(msg)
    if len(name) > at_most:
        msg = (
            f"{what} has {len(name)} characters, at most {at_most} are allowed, "
            f"shorten it: {quoted(name)}"
        )
        raise InvalidHierarchyError(msg)
    check_characters(what, name)
