"""Names as a picture can hold them."""

from __future__ import annotations

import re

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def shown(text: str) -> str:
    """The text with U+FFFD for each character that neither HTML nor XML can hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 group`, `1,200 groups`.

    Args:
        number: How many.
        noun: The noun for one.
        plural: The noun for any other number; `noun` with an `s` by default.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
