"""A model of the ledger: entries and records as one value that can be hashed and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from connect_hierarchy_lambda.model.ledger import Entry, IdChange, LastWish, Record
from connect_hierarchy_lambda.ports.ledger import Turn
from tests.model.values import Fixed, fixed, hashed_once


@hashed_once
@dataclass(frozen=True)
class Book:
    """What the ledger of the stack holds."""

    entries: tuple[Entry, ...] = ()
    records: tuple[Record, ...] = ()

    @cached_property
    def by_slot(self) -> Mapping[str, Record]:
        """The records by their slots."""
        return {record.slot: record for record in self.records}

    def entry(self, resource: str) -> Entry | None:
        """What is known of a resource."""
        return next((e for e in self.entries if e.resource == resource), None)

    def with_entry(self, entry: Entry) -> Book:
        """The book with another entry of a resource."""
        others = [e for e in self.entries if e.resource != entry.resource]
        entries = sorted([*others, fixed(entry)], key=lambda e: e.resource)
        return replace(self, entries=tuple(entries))

    def with_records(self, put: Sequence[Record], forgotten: Sequence[Record]) -> Book:
        """The book with some records written and some removed."""
        records = dict(self.by_slot)
        for record in forgotten:
            records.pop(record.slot, None)
        for record in put:
            records[record.slot] = fixed(record)
        ordered = sorted(records.items(), key=lambda item: item[0])
        return replace(self, records=tuple(record for _, record in ordered))

    def later(self) -> Book:
        """The book after a long time, so that nothing in it is recent."""
        entries = tuple(replace(e, since=Fixed(dict.fromkeys(e.since, 0.0))) for e in self.entries)
        return Book(entries, tuple(replace(r, made_at=0.0) for r in self.records))


class BookLedger:
    """The ledger's port on a `Book`: one run at a time has the turn, as the model lets it.

    `before_write` is called before each write; what it raises keeps the write from being done.
    """

    def __init__(self, book: Book, before_write: Callable[[], None]) -> None:
        self.book = book
        self._before_write = before_write

    def take_turn(self, run: str, now: float) -> Turn:
        """Give the turn to the one run that asks."""
        return Turn(run, 1, now + 1000.0, None)

    def give_turn(self, turn: Turn, pace: Mapping[str, Sequence[float]]) -> None:
        """Nobody else waits for it here."""

    def entry(self, resource: str) -> Entry | None:
        """What is known of a resource."""
        return self.book.entry(resource)

    def entries(self) -> dict[str, Entry]:
        """What is known of every resource."""
        return {entry.resource: entry for entry in self.book.entries}

    def records(self) -> dict[str, Record]:
        """Every record of the stack, by its slot."""
        return dict(self.book.by_slot)

    def last_wishes(self) -> dict[str, LastWish]:
        """Not kept, since no decision rests on them."""
        return {}

    def write(
        self,
        turn: Turn,  # noqa: ARG002 - the port's signature
        *,
        entry: Entry | None = None,
        records: Sequence[Record] = (),
        forgotten: Sequence[Record] = (),
        changes: Sequence[IdChange] = (),  # noqa: ARG002 - no decision rests on them
        wish: LastWish | None = None,  # noqa: ARG002 - the same
    ) -> None:
        """Write all of this."""
        self._before_write()
        if entry is not None:
            self.book = self.book.with_entry(entry)
        if records or forgotten:
            self.book = self.book.with_records(records, forgotten)

    def id_changes(self) -> list[IdChange]:
        """Not kept, since no decision rests on them."""
        return []
