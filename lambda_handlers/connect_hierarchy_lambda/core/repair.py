"""What a repair begins with: a ledger that says what is there, so that the last wish mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connect_hierarchy_lambda.core.drift import REPAIRED, Kind, Seen
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Phase, Record


def due(seen: Seen) -> list[str]:
    """The resources that a repair is about, each after the one that owns the group above it."""
    found = dict.fromkeys(d.resource for d in seen.differences if d.kind in REPAIRED)
    return sorted(found, key=lambda resource: _depth(seen.records, resource))


def to_clean_up(seen: Seen) -> list[str]:
    """The resources whose repair retires groups, or retired some in a run that died."""
    found = [d.resource for d in seen.differences if d.kind is Kind.MOVED]
    found += [
        r.resource for r in seen.records.values() if r.changed_by == request(seen, r.resource)
    ]
    deepest_last = sorted(dict.fromkeys(found), key=lambda one: _depth(seen.records, one))
    return deepest_last[::-1]


def request(seen: Seen, resource: str) -> str:
    """What stands for the id of a request: the same for all repairs between two deployments."""
    return f"repair/{latest(seen, resource)}"


def latest(seen: Seen, resource: str) -> str:
    """Id of the latest request of a resource, empty where the ledger knows none."""
    entry = seen.entries.get(resource)
    return entry.current.id if entry and entry.current else ""


def _depth(records: Mapping[str, Record], resource: str) -> int:
    """How many recorded groups are above the highest one of the resource."""
    depths = []
    for record in records.values():
        if record.resource == resource:
            number, above = 0, records.get(record.parent_id or "")
            while above is not None:
                number, above = number + 1, records.get(above.parent_id or "")
            depths.append(number)
    return min(depths, default=-1)


def as_shown(seen: Seen, resource: str) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """The records of a resource that are to say what Amazon Connect shows, and those to forget."""
    put: list[Record] = []
    forgotten: list[Record] = []
    for record in seen.known:
        if record.resource != resource or record.phase is not Phase.LIVE or seen.taken_by(record):
            continue
        group = seen.shown(record) or seen.moved.get(record.id)
        if group is None or group.id != record.id:
            forgotten.append(record)
        if group is not None and (now := _as_shown(record, group)) != record:
            put.append(now)
    return tuple(put), tuple(forgotten)


def _as_shown(record: Record, group: Group) -> Record:
    tags = {key: value for key, value in record.tags.items() if group.tags.get(key) == value}
    if (group.id, group.name) != (record.id, record.name):
        record = replace(
            record,
            id=group.id,
            parent_id=group.parent_id,
            name=group.name,
            image=None,
            displaced=None,
        )
    return replace(record, tags=tags)
