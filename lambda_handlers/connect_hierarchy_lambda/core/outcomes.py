"""What the ledger knows while a call is on its way, and after it."""

from __future__ import annotations

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
    intention,
)
from connect_hierarchy_lambda.model.ledger import Record


def intended(call: Call) -> Record:
    """The record while the call is on its way, when its effect is uncertain."""
    record = replace(call.record, intention=intention(call))
    match call:
        case Rename():
            displaced = call.displaced or record.displaced
            return replace(record, name=call.name, displaced=displaced)
        case Tag():
            return replace(record, tags={**record.tags, **call.tags})
        case _:
            return record


def succeeded(call: Call, group_id: str, now: float) -> Record | None:
    """The record after the call, None where nothing is left to know.

    `group_id` is the id that a creation answered; `now` is in seconds since 1970.
    """
    record = call.record.settled()
    match call:
        case Create():
            return replace(record, id=group_id, made_at=now)
        case Rename():
            return replace(record, name=call.name, displaced=call.displaced)
        case Tag() if call.gives_back:
            return replace(
                record,
                tags={k: v for k, v in record.tags.items() if k not in call.tags},
                as_found={k: v for k, v in record.as_found.items() if k not in call.tags},
            )
        case Tag():
            return replace(record, tags={**record.tags, **call.tags})
        case Untag():
            tags = {k: v for k, v in record.tags.items() if k not in call.keys}
            return None if call.forgets else replace(record, tags=tags)
        case Delete():
            return None
        case MoveAgent() | PutLevels():
            return call.record
