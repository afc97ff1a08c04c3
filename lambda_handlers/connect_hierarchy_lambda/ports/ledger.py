"""The ledger of a stack: who may act now, what is known of each group, and what was asked for.

One table serves all stacks of a provider; the items of a stack are in one partition. Reads are
strongly consistent. Only the holder of the turn writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connect_hierarchy_lambda.model.ledger import Entry, IdChange, LastWish, Record

LEASE_SECONDS = 60.0
"""Seconds until others can take the turn of a run that died; longer than the longest call."""


class TurnLostError(Exception):
    """The lease of the turn ran out and another run has it: nothing was written."""


@dataclass
class Turn:
    """The right of one run to act for the stack."""

    run: str
    serial: int
    """Grows by one with each turn of the stack."""

    until: float
    """When the lease ends, in seconds since 1970."""

    pace: Mapping[str, Sequence[float]] | None = field(default_factory=dict)
    """The buckets of the pace as the last holder left them; None if it died."""


class Ledger(Protocol):
    """What every ledger offers; `now` is in seconds since 1970."""

    def take_turn(self, run: str, now: float) -> Turn | None:
        """Take the turn; None if another run has it."""

    def give_turn(self, turn: Turn, pace: Mapping[str, Sequence[float]]) -> None:
        """Give the turn back with the buckets of the pace; nothing happens if it was lost."""

    def entry(self, resource: str) -> Entry | None:
        """The entry of a resource, None if the ledger does not know it."""

    def entries(self) -> dict[str, Entry]:
        """The entries of all resources of the stack, by logical id."""

    def records(self) -> dict[str, Record]:
        """Every record of the stack, by its slot."""

    def last_wishes(self) -> dict[str, LastWish]:
        """The last successful wish of each resource of the stack, by logical id."""

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

    def id_changes(self) -> list[IdChange]:
        """Every change of an id in this stack, oldest first."""
