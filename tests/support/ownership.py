"""Who owns which group, as a stack's ledger says: the one place where tests ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connect_hierarchy_lambda.model.ledger import Origin, Phase, Record


@dataclass(frozen=True)
class Ownership:
    """What the ledger of a stack says of one group."""

    resource: str
    """Logical id of the resource that has it."""

    key: str
    """What stands for the key of its node; empty for a single group."""

    phase: Phase
    origin: Origin

    @property
    def is_live(self) -> bool:
        """Whether it is in use."""
        return self.phase is Phase.LIVE

    @property
    def is_left(self) -> bool:
        """Whether it could not be deleted, so it stays."""
        return self.phase is Phase.LEFT

    @property
    def is_adopted(self) -> bool:
        """Whether it was a stranger's."""
        return self.origin is Origin.ADOPTED

    @property
    def node(self) -> tuple[str, str]:
        """The resource and the node that it is the group of."""
        return self.resource, self.key


def ownerships(records: Mapping[str, Record]) -> dict[str, Ownership]:
    """What these records of a ledger say, by the ids of groups; creations without an id are not in.

    AssertionError where two groups of one node are LIVE in one instance.
    """
    owned: dict[str, Ownership] = {}
    live: dict[tuple[str, str, str], str] = {}
    for record in records.values():
        if not record.id:
            continue
        owned[record.id] = Ownership(record.resource, record.key, record.phase, record.origin)
        if record.phase is Phase.LIVE:
            node = record.instance_arn, record.resource, record.key
            assert node not in live, f"{record.resource} {record.key} has two groups"
            live[node] = record.id
    return owned
