"""The view of a repair: records that say what exists, so that the last wish corrects it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connect_hierarchy_lambda.core.drift import REPAIRED, Kind, Seen
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Phase, Record

_PREFIX = "repair/"


def due(seen: Seen) -> list[str]:
    """The resources whose names, places or levels differ; owners of groups above come first."""
    kinds = REPAIRED - {Kind.RETAGGED}
    found = dict.fromkeys(d.resource for d in seen.differences if d.kind in kinds)
    return sorted(found, key=lambda resource: _depth(seen.records, resource))


def to_clean_up(seen: Seen) -> list[str]:
    """The resources whose repair may retire groups, or did so in a run that died."""
    kinds = {Kind.MOVED, Kind.DELETED}
    found = [d.resource for d in seen.differences if d.kind in kinds]
    found += [
        r.resource for r in seen.records.values() if r.changed_by == request(seen, r.resource)
    ]
    return sorted(dict.fromkeys(found), key=lambda one: _depth(seen.records, one), reverse=True)


def request(seen: Seen, resource: str) -> str:
    """The id under which all repairs between two deployments act as one request."""
    return _PREFIX + latest(seen, resource)


def is_from_repair(record: Record | None) -> bool:
    """Whether a repair created the group, so that CloudFormation may not know its id."""
    return record is not None and record.came_by.startswith(_PREFIX)


def latest(seen: Seen, resource: str) -> str:
    """Id of the latest request of a resource, empty where the ledger knows none."""
    entry = seen.entries.get(resource)
    return entry.current.id if entry and entry.current else ""


def _depth(records: Mapping[str, Record], resource: str) -> int:
    """How many recorded groups are above the highest group of the resource."""
    depths = []
    for record in records.values():
        if record.resource == resource:
            number, above = 0, records.get(record.parent_id or "")
            while above is not None:
                number, above = number + 1, records.get(above.parent_id or "")
            depths.append(number)
    return min(depths, default=-1)


@dataclass(frozen=True)
class Overlay:
    """Records with what Amazon Connect shows, laid over those of the ledger.

    The ledger itself keeps what the stack made until a call has restored it, so a repair that dies
    or fails hides nothing from the next check.
    """

    shown: Mapping[str, tuple[Record, Mapping[str, Any] | None]] = field(default_factory=dict)
    """By slot: the ledger's record, and the fields that differ; None if the group is gone."""

    learned: tuple[Record, ...] = ()
    """Groups that replace groups that are gone: their records are written to the ledger."""

    def over(self, records: Mapping[str, Record], mended: Collection[str]) -> dict[str, Record]:
        """The records as they exist, except for those that were repaired or written since."""
        seen = dict(records)
        for slot, (was, now) in self.shown.items():
            record = records.get(slot)
            if record is None or slot in mended:
                continue
            if now is None and record == was:
                del seen[slot]
            elif now and all(getattr(record, name) == getattr(was, name) for name in now):
                seen[slot] = replace(record, **now)
        return seen

    def gone(self, records: Mapping[str, Record]) -> list[Record]:
        """The records of groups that are gone."""
        gone = [was for was, now in self.shown.values() if now is None]
        return [record for record in gone if records.get(record.slot) == record]


def names_and_places(seen: Seen, resource: str) -> Overlay:
    """The present names of a resource's groups, and the groups that are gone."""
    shown: dict[str, tuple[Record, Mapping[str, Any] | None]] = {}
    for record in _in_use(seen, resource):
        group = seen.shown(record)
        if group is None or group.name != record.name:
            shown[record.slot] = (record, {"name": group.name} if group else None)
    moved = [(seen.records[i], group) for i, group in seen.moved.items()]
    learned = tuple(_learned(was, group) for was, group in moved if was.resource == resource)
    return Overlay(shown, learned)


def tags(seen: Seen, resource: str) -> Overlay:
    """The tags of a resource's groups without those that people changed or removed."""
    shown: dict[str, tuple[Record, Mapping[str, Any] | None]] = {}
    for record in _in_use(seen, resource):
        keys = seen.changed_tags(record)
        if keys and seen.shown(record) is not None:
            kept = {key: value for key, value in record.tags.items() if key not in keys}
            shown[record.slot] = (record, {"tags": kept})
    return Overlay(shown)


def _in_use(seen: Seen, resource: str) -> Iterator[Record]:
    for record in seen.known:
        if record.resource == resource and record.phase is Phase.LIVE and not seen.taken_by(record):
            yield record


def _learned(record: Record, group: Group) -> Record:
    return replace(
        record.settled(),
        id=group.id,
        parent_id=group.parent_id,
        name=group.name,
        image=None,
        displaced=None,
    )
