"""Names as pictures can show them, and the room that they take."""

from __future__ import annotations

import re
import unicodedata

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Widths as parts of the font size. Readers have different fonts; these are of a wide one, so that
# a text that fits here fits with others as well.
_WIDTHS = {
    **dict.fromkeys("iljI.,:;'|!` ", 0.33),
    **dict.fromkeys('ftr()[]{}-/\\"*', 0.45),
    **dict.fromkeys("mwMW@%&", 0.95),
}
_WIDTH = 0.63
_UPPER_CASE = 0.74
_WIDE = 1.1
_JOINERS = "\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}"


def shown(text: str) -> str:
    """The text with U+FFFD for each character that neither HTML nor XML can hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 group`, `1,200 groups`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def width(text: str, size: float) -> float:
    """About how wide a text is, rather more than less.

    Args:
        text: A text on one line.
        size: The font size; the width is in the same unit.
    """
    return size * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if character in _WIDTHS:
        return _WIDTHS[character]
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return _UPPER_CASE if character.isupper() else _WIDTH


def cut(text: str, size: float, room: float) -> str:
    """The text, cut with an ellipsis if there is no room for all of it.

    Args:
        text: A text on one line.
        size: The font size.
        room: How wide it may be, in the unit of `size`.
    """
    if width(text, size) <= room:
        return text
    room -= size
    end = 0
    while end < len(text) and (room := room - width(text[end], size)) >= 0:
        end += 1
    return f"{text[:end].rstrip().rstrip(_JOINERS)}…"


def lines(text: str, size: float, room: float, at_most: int) -> list[str]:
    """The text on several lines, broken between words; the last is cut if the text is too long.

    Args:
        text: A text.
        size: The font size.
        room: How wide a line may be, in the unit of `size`.
        at_most: How many lines there may be, at least 1.
    """
    words = text.split()
    found: list[str] = []
    while words:
        if len(found) == at_most - 1:
            return [*found, cut(" ".join(words), size, room)]
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", size) <= room:
            line = f"{line} {words.pop(0)}"
        found.append(cut(line, size, room))
    return found
