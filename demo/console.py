"""What the demo writes: headings, indented lines, and a line that shows that a step is alive."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Mapping
from enum import Enum
from typing import TextIO

_INDENT = "   "
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10
_SECONDS_BETWEEN_LINES = 5.0
_MAX_WIDTH = 100


class Style(Enum):
    """How a piece of text looks on a terminal, as its ANSI code."""

    STRONG = "1"
    FAINT = "2"
    BAD = "31"
    GOOD = "32"
    CHANGED = "33"
    ASIDE = "36"


class Console:
    """Writes to a terminal, a pipe or a file.

    Args:
        stream: where to.
        terminal: whether `stream` is a terminal, where a line can be written over.
        colours: whether to use colours.
    """

    def __init__(self, stream: TextIO, *, terminal: bool, colours: bool) -> None:
        self._stream = stream
        self._terminal = terminal
        self._colours = colours
        self._last_line = time.monotonic()
        self._over = False

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> Console:
        """The console that fits a stream and the variables TERM and NO_COLOR."""
        terminal = stream.isatty() and environment.get("TERM") != "dumb"
        return cls(stream, terminal=terminal, colours=terminal and not environment.get("NO_COLOR"))

    @property
    def width(self) -> int:
        """How many characters a line should have at most."""
        if not self._terminal:
            return _MAX_WIDTH
        return min(_MAX_WIDTH, shutil.get_terminal_size().columns - 1)

    def styled(self, text: str, *styles: Style) -> str:
        """The text with colours, where there are colours."""
        if not self._colours or not text or not styles:
            return text
        return f"\x1b[{';'.join(style.value for style in styles)}m{text}\x1b[0m"

    def line(self, text: str = "", depth: int = 1) -> None:
        """Write a line, indented by `depth`."""
        self._clear()
        self._write(f"{_INDENT * depth}{text}".rstrip() + "\n")
        self._last_line = time.monotonic()

    def paragraph(self, text: str, *styles: Style, depth: int = 1, mark: str = "") -> None:
        """Write a text in as many lines as it needs, `mark` before the first of them."""
        room = self.width - len(_INDENT) * depth - len(mark)
        parts = textwrap.wrap(text, max(room, 30), break_on_hyphens=False)
        for number, part in enumerate(parts):
            before = " " * len(mark) if number else mark
            self.line(self.styled(before + part, *styles), depth)

    def heading(self, title: str, point: str) -> None:
        """Begin a step: what happens, and below it why it matters."""
        self.line()
        self.line(self.styled(title, Style.STRONG), 0)
        self.paragraph(point, Style.FAINT)

    def alive(self, text: str, since: float) -> None:
        """Show that something goes on which began at `since` of time.monotonic().

        On a terminal in a line that the next one replaces, to be called ten times a second;
        elsewhere as a line when nothing was written for some seconds.
        """
        now = time.monotonic()
        seconds = f"{now - since:.0f} s"
        if self._terminal:
            frame = _FRAMES[int(now * _FRAMES_PER_SECOND) % len(_FRAMES)]
            shown = f"{_INDENT}{frame} {seconds} · {text}"[: self.width]
            self._write(f"\r\x1b[K{self.styled(shown, Style.ASIDE)}")
            self._over = True
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self.line(f"… {seconds} · {text}")

    def done(self) -> None:
        """Take the line away that showed something alive."""
        self._clear()
        self._stream.flush()

    def _clear(self) -> None:
        if self._over:
            self._write("\r\x1b[K")
            self._over = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
