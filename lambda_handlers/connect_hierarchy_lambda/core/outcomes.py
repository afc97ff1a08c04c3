"""The ledger's records while a call is on its way, and after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from connect_hierarchy_lambda.core.decisions import (
    Call,
    Create,
    Delete,
    MoveAgent,
    PutLevels,
    Rename,
    Tag,
    Untag,
    forgets,
)
from connect_hierarchy_lambda.model.ledger import Intention, Record


def intended(call: Call) -> Record:
    """The record while the call is on its way, when its effect is uncertain.

    Anything else that was uncertain before stays uncertain.
    """
    record = call.record
    match call:
        case Create():
            return replace(record, intention=Intention.CREATE)
        case Rename(name=record.name, displaced=None):
            # somebody changed the name by hand, and the record says what it is to be
            return record
        case Rename():
            displaced = call.displaced or record.displaced
            return replace(record, name=call.name, displaced=displaced, intention=Intention.RENAME)
        case Tag():
            return replace(
                record, tags={**record.tags, **call.tags}, open_tags=_opened(record, call.tags)
            )
        case Untag():
            return replace(record, open_tags=_opened(record, call.keys))
        case Delete():
            return replace(record, intention=Intention.DELETE)
        case MoveAgent() | PutLevels():
            return record


def succeeded(call: Call, group_id: str, now: float) -> Record | None:
    """The record after the call, None if the record is removed.

    `group_id` is the id in the answer to a Create; `now` is in seconds since 1970.
    """
    record = call.record
    if forgets(call):
        return None
    match call:
        case Create():
            return replace(record.settled(), id=group_id, made_at=now)
        case Rename():
            return replace(record.settled(), name=call.name, displaced=call.displaced)
        case Tag() if call.gives_back:
            return replace(
                record,
                tags={k: v for k, v in record.tags.items() if k not in call.tags},
                as_found={k: v for k, v in record.as_found.items() if k not in call.tags},
                open_tags=_closed(record, call.tags),
            )
        case Tag():
            return replace(
                record, tags={**record.tags, **call.tags}, open_tags=_closed(record, call.tags)
            )
        case Untag():
            tags = {k: v for k, v in record.tags.items() if k not in call.keys}
            return replace(record, tags=tags, open_tags=_closed(record, call.keys))
        case _:
            return record


def still_there(record: Record) -> Record:
    """The record after the service has refused to delete the group."""
    return record.settled() if record.intention is Intention.DELETE else record


def _opened(record: Record, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*record.open_tags, *keys}))


def _closed(record: Record, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*record.open_tags} - {*keys}))
