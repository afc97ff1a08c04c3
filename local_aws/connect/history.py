"""Rows that can also be read as of some seconds ago, for answers that lag behind writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

Row = TypeVar("Row")

MEMORY_SECONDS = 900.0
"""Seconds for which changes can be undone for a reader, which is the longest lag."""


class Table(Generic[Row]):
    """Immutable rows by key.

    Only the present rows are stored, and the rows that recent changes replaced. A reader of the
    past undoes the changes since then; a reader of the present needs no extra work.

    Args:
        now: returns the seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._rows: dict[str, Row] = {}
        self._changes: deque[tuple[float, str, Row | None]] = deque()

    def put(self, key: str, row: Row) -> None:
        """Store `row`, as a new one or in place of another."""
        self._remember(key)
        self._rows[key] = row

    def remove(self, key: str) -> None:
        """Remove a row."""
        self._remember(key)
        del self._rows[key]

    def get(self, key: str, as_of: float | None = None) -> Row | None:
        """The row of this key, now or at the time `as_of`; None if there is or was none."""
        row = self._rows.get(key)
        if as_of is not None:
            for time, changed, before in reversed(self._changes):
                if time <= as_of:
                    break
                if changed == key:
                    row = before
        return row

    def rows(self, as_of: float | None = None) -> Mapping[str, Row]:
        """All rows by key, now or at the time `as_of`; valid until the next change."""
        if as_of is None or not self._changes or self._changes[-1][0] <= as_of:
            return self._rows
        past = dict(self._rows)
        for time, key, before in reversed(self._changes):
            if time <= as_of:
                break
            if before is None:
                past.pop(key, None)
            else:
                past[key] = before
        return past

    def _remember(self, key: str) -> None:
        now = self._now()
        while self._changes and self._changes[0][0] < now - MEMORY_SECONDS:
            self._changes.popleft()
        self._changes.append((now, key, self._rows.get(key)))
