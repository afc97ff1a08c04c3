"""Output of commands: text for a terminal or a file, and progress on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress as Bars

_NO_WIDTH = 100_000
"""The width for output that is not a terminal: no line is broken."""


def console(stream: TextIO | None = None) -> Console:
    """A console for a stream; standard output if none is given.

    It has no colours if `NO_COLOR` is set or the stream is not a terminal. The width is the
    terminal's, or `COLUMNS`.
    """
    from rich.console import Console  # noqa: PLC0415 - only where something is drawn

    stream = stream or sys.stdout
    wide = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream, highlight=False, markup=False, width=None if wide else _NO_WIDTH, emoji=False
    )


def show(what: RenderableType) -> None:
    """Draw something with rich on standard output."""
    drawn = console()
    drawn.print(what, soft_wrap=drawn.width == _NO_WIDTH)


def write(text: str) -> None:
    """Write text to standard output unchanged."""
    sys.stdout.write(text)


def write_json(value: Any) -> None:
    """Write a value to standard output as JSON."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    write(json.dumps(value, indent=2, ensure_ascii=not is_unicode) + "\n")


def tell(line: str) -> None:
    """Write a line to standard error, for the person at the terminal."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def write_file(path: Path, text: str) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: If it cannot be written; the file is then unchanged.
    """
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        path.write_text(text, encoding="utf-8")  # a device or a pipe cannot be replaced
        return
    import tempfile  # noqa: PLC0415 - seldom needed

    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path.parent)) from None
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - of a number
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _set_usual_mode(Path(beside), path)
        Path(beside).replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        Path(beside).unlink(missing_ok=True)


def _set_usual_mode(beside: Path, path: Path) -> None:
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    beside.chmod(mode)


def progress_bars() -> Bars:
    """Bars on standard error, with how many are done and the remaining time."""
    from rich.progress import (  # noqa: PLC0415 - only where something is drawn
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console(sys.stderr), transient=True)


@contextlib.contextmanager
def reading_progress() -> Iterator[ReadingProgress]:
    """Progress bars for reading an instance, on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield ReadingProgress(None)
        return
    with progress_bars() as bars:
        yield ReadingProgress(bars)


class ReadingProgress:
    """Gets the pages of searches, and moves a bar for each."""

    _SEARCHES: Mapping[str, tuple[str, str]] = {
        "search_user_hierarchy_groups": ("groups", "UserHierarchyGroups"),
        "search_users": ("agents", "Users"),
    }

    def __init__(self, bars: Bars | None) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def __call__(self, api: str, answer: Mapping[str, Any]) -> None:
        """Count a page."""
        if self._bars is None or api not in self._SEARCHES:
            return
        what, field = self._SEARCHES[api]
        if api not in self._tasks:
            total = answer.get("ApproximateTotalCount")
            self._tasks[api] = self._bars.add_task(f"reading {what}", total=total)
        self._bars.advance(self._tasks[api], len(answer[field]))
