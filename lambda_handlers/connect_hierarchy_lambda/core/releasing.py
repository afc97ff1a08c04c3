"""Giving an adopted group back to where it came from."""

from __future__ import annotations

from connect_hierarchy_lambda.core.decisions import Tag, Untag
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Record
from connect_hierarchy_lambda.model.ownership import OWNER_TAGS


def release(record: Record, group: Group | None) -> Tag | Untag:
    """The next call that gives back the tags which adoption overwrote.

    Not those that somebody has changed since. The owner tags are changed last, so that the group
    counts as this stack's until then.

    Args:
        record: What the ledger knows of the group.
        group: The group as reads show it, None if they do not show it.
    """
    shown = group.tags if group else {}
    # reads can show the tags from before the adoption
    ours = {
        key
        for key, value in record.as_found.items()
        if key in record.open_tags or shown.get(key) in {value, record.tags.get(key)}
    }
    found = {k: v for k, v in record.as_found.items() if k in ours and v is not None}
    back = {k: v for k, v in found.items() if k not in OWNER_TAGS}
    if back:
        return Tag(record, back, gives_back=True)
    rest = tuple(sorted((ours | {*OWNER_TAGS}) & record.tags.keys() - found.keys()))
    if not found:
        return Untag(record, rest or OWNER_TAGS, forgets=True)
    return Untag(record, rest) if rest else Tag(record, found, forgets=True)
