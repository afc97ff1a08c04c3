"""The report of moves: a line for each, written before the next call is made."""

from __future__ import annotations

import csv
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.placement.mover import Outcome
from connect_hierarchy_cli.placement.paths import Paths

COLUMNS = ("time", "username", "from", "to", "outcome", "why")


class MoveReport:
    """A CSV file of moves; the file of an earlier run is continued.

    A move that was under way when a run was killed has no line.

    Args:
        path: Of the file.
        paths: Of the groups.

    Raises:
        CommandError: If the file exists and does not begin as a report does.
        OSError: If it cannot be opened or written.
    """

    def __init__(self, path: Path, paths: Paths) -> None:
        self._path, self._paths = path, paths
        is_new, ends_in_a_line = _looked_at(path)
        self._file = path.open("ab")
        if not ends_in_a_line:
            # an earlier run was killed while it wrote a line
            self._file.write(b"\r\n")
        if is_new:
            self._write(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, outcome: Outcome, now: float) -> None:
        """Write an outcome down; `now` is in seconds since 1970."""
        time = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        before = self._paths.cell(outcome.group_before)
        to = self._paths.cell(outcome.move.to)
        username = outcome.move.agent.username
        self._write((time, username, before, to, outcome.ending.value, outcome.why))

    def _write(self, cells: tuple[str, ...]) -> None:
        line = _Line()
        csv.writer(line).writerow(cells)
        try:
            self._file.write(line.text.encode())
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None


class _Line:
    """Takes what csv writes."""

    text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


def _looked_at(path: Path) -> tuple[bool, bool]:
    """Whether the file is still empty, and whether it ends with a complete line."""
    try:
        with path.open("rb") as file:
            head = file.read(len(",".join(COLUMNS)))
            if not head:
                return True, True
            if head != ",".join(COLUMNS).encode():
                told = f"{path} exists and is not a report of moves: give another file"
                raise CommandError(told, f"head -1 {shlex.quote(str(path))}")
            file.seek(-1, os.SEEK_END)
            return False, file.read(1) == b"\n"
    except FileNotFoundError:
        return True, True
