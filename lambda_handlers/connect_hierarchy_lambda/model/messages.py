"""The error of a failed request: what was being done, why it failed, and what to do about it.

CloudFormation shows the text in the stack's events. Everything on the way there takes 240
characters, so a longer text is shortened in the middle, where it matters least.
"""

from __future__ import annotations

import json

MAX_REASON_LENGTH = 240


class HierarchyError(Exception):
    """A request that cannot be carried out; users read the message."""

    def __init__(self, doing: str, why: str, remedy: str = "") -> None:
        super().__init__(one_line(f"{doing}: {why}" + (f"; {remedy}" if remedy else "")))

    @classmethod
    def saying(cls, text: str) -> HierarchyError:
        """An error with a text from the ledger."""
        error = cls("", "")
        error.args = (one_line(text),)
        return error


class OutOfTimeError(HierarchyError):
    """The run has to end before the request is carried out; another run could continue."""


class NoLongerWantedError(HierarchyError):
    """CloudFormation has stopped waiting for the request, and may have sent a later one."""


def printable(line: str) -> str:
    """The line with an escape for each character that cannot be seen or changes how others look.

    Examples are a right-to-left mark or half a surrogate pair in the name of a group. The escapes
    are those of JSON, so a line of JSON stays valid.
    """
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in line
    )


def one_line(text: str, at_most: int = MAX_REASON_LENGTH) -> str:
    """The text on one printable line, with an ellipsis in its middle if it is too long."""
    line = printable(" ".join(text.split()))
    if len(line) <= at_most:
        return line
    head = (at_most - 3) * 2 // 3
    return f"{line[:head]} … {line[head - at_most + 3 :]}"


def listed(names: list[str], at_most: int = 3) -> str:
    """Some names in a sentence: 'a', 'b', 'c' and 4 more."""
    shown = ", ".join(names[:at_most])
    more = len(names) - at_most
    return f"{shown} and {more} more" if more > 0 else shown
