"""Checks on level names and group names, the same at synth and in Lambda."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import (
    MAX_GROUP_NAME_LENGTH,
    MAX_LEVEL_NAME_LENGTH,
    MAX_LEVELS,
)

_QUOTED_LENGTH = 40

_BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace()) + (
    "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}"
)
_PRINTABLE_BUT_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    """The text on one line, with an escape for each character that cannot be seen.

    Where accents are characters of their own that could be one with their letters, they have
    escapes as well: such a text looks like the composed one and is another.
    """
    line = _PRINTABLE_BUT_UNSEEN.sub(_escape, repr(text)[1:-1])
    if unicodedata.is_normalized("NFC", line):
        return line
    return "".join(_escape(one) if unicodedata.combining(one) else one for one in line)


def _escape(character: str | re.Match[str]) -> str:
    code = ord(character if isinstance(character, str) else character[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as Python writes them


def quoted(text: str, at_most: int = _QUOTED_LENGTH) -> str:
    """The text in quotes on one line, shortened to `at_most` characters, for use in a message."""
    line = visible(text)
    return f"'{line}'" if len(line) <= at_most else f"'{line[: at_most - 2]} …'"


def composed(text: str) -> str:
    """The text with its accents composed (NFC): two texts that look the same compare equal."""
    return unicodedata.normalize("NFC", text)


def without_outer_blanks(text: str) -> str:
    """The text without blanks around it, those without width included."""
    return text.strip(_BLANKS)


def check_outer_blanks(what: str, text: str) -> None:
    """Raise InvalidHierarchyError for a text that begins or ends with a blank."""
    if text != without_outer_blanks(text):
        msg = f"{what} begins or ends with a blank, remove it: {quoted(text)}"
        raise InvalidHierarchyError(msg)


def check_characters(what: str, text: str) -> None:
    """Raise InvalidHierarchyError for half a surrogate pair: JSON can say it, UTF-8 can not."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"{what} has half of a surrogate pair, which is no character: {quoted(text)}, mend it"
        raise InvalidHierarchyError(msg)


def check_text(what: str, text: str, at_most: int) -> None:
    """Raise InvalidHierarchyError for more characters than `at_most`, or one that is none."""
    if len(text) > at_most:
        msg = (
            f"{what} has {len(text)} characters, at most {at_most} are allowed, "
            f"shorten it: {quoted(text)}"
        )
        raise InvalidHierarchyError(msg)
    check_characters(what, text)


def check_level_names(levels: Sequence[str]) -> None:
    """Raise InvalidHierarchyError unless these can be the levels of one structure.

    1 to 5 names, each of 1 to 50 characters that are not all blank, no two alike; accents may be
    composed or not, that is no difference.
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
    alike = [composed(name) for name in levels]
    for number, name in enumerate(levels, start=1):
        first = alike.index(composed(name)) + 1
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
    check_text(what, name, at_most)
