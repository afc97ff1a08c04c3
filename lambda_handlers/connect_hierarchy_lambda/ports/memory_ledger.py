"""A ledger in memory, for tests and for plans that change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connect_hierarchy_lambda.model.ledger import Entry, IdChange, LastWish, Record
from connect_hierarchy_lambda.ports.ledger import LEASE_SECONDS, Turn, TurnLostError


class MemoryLedger:
    """Keeps everything until the process ends; see `Ledger`."""

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._serial = 0
        self._pace: Mapping[str, Sequence[float]] = {}
        self._entries: dict[str, Entry] = {}
        self._records: dict[str, Record] = {}
        self._changes: list[IdChange] = []
        self._wishes: dict[str, LastWish] = {}

    def take_turn(self, run: str, now: float) -> Turn | None:
        """Take the turn; None if another run has it."""
        before = self._turn
        if before is not None and before.run != run and before.until >= now:
            return None
        self._serial += 1
        pace = self._pace if before is None else None
        self._turn = Turn(run, self._serial, now + LEASE_SECONDS, pace)
        return replace(self._turn)

    def give_turn(self, turn: Turn, pace: Mapping[str, Sequence[float]]) -> None:
        """Give the turn back with the buckets of the pace; nothing happens if it was lost."""
        if self._turn is not None and self._turn.serial == turn.serial:
            self._turn, self._pace = None, pace

    def entry(self, resource: str) -> Entry | None:
        """The entry of a resource, None if the ledger does not know it."""
        return self._entries.get(resource)

    def entries(self) -> dict[str, Entry]:
        """The entries of all resources of the stack, by logical id."""
        return dict(self._entries)

    def records(self) -> dict[str, Record]:
        """Every record of the stack, by its slot."""
        return dict(self._records)

    def last_wishes(self) -> dict[str, LastWish]:
        """The last successful wish of each resource of the stack, by logical id."""
        return dict(self._wishes)

    def write(
        self,
        turn: Turn,
        *,
        entry: Entry | None = None,
        records: Sequence[Record] = (),
        forgotten: Sequence[Record] = (),
        changes: Sequence[IdChange] = (),
        wish: LastWish | None = None,
    ) -> None:
        """Write all of this; TurnLostError if another run has the turn now."""
        if self._turn is None or self._turn.serial != turn.serial:
            raise TurnLostError
        if entry is not None:
            self._entries[entry.resource] = entry
        for record in forgotten:
            self._records.pop(record.slot, None)
        self._records.update({record.slot: record for record in records})
        self._changes += changes
        if wish is not None:
            self._wishes[wish.resource] = wish

    def id_changes(self) -> list[IdChange]:
        """Every change of an id in this stack, oldest first."""
        return list(self._changes)
