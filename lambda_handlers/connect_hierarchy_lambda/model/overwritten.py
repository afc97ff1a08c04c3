"""What a resource wrote over the tags of a group that it took over, noted so it can be undone.

Which keys are new stands in one tag, as a number with a bit for each of the wanted keys in their
order; each value that was another one stands in a tag of its own, where there is room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connect_hierarchy_lambda.model.limits import MAX_TAGS
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX, RESERVED_TAGS

_ADDED_TAG = RESERVED_PREFIX + "added"
_WAS_PREFIX = RESERVED_PREFIX + "was-"


def notes_on(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The tags that say what a group had before it gets the wanted ones; none where it had them."""
    notes: dict[str, str] = {}
    added = 0
    for number, key in enumerate(sorted(wanted)):
        if key not in present:
            added |= 1 << number
        elif present[key] != wanted[key]:
            notes[f"{_WAS_PREFIX}{number}"] = present[key]
    room = MAX_TAGS - len({*present, *wanted}) - RESERVED_TAGS
    notes = dict(list(notes.items())[: max(room, 0)])
    return {**notes, _ADDED_TAG: f"{added:x}"} if added else notes


def noted(tags: Iterable[str]) -> list[str]:
    """Which of these keys are such notes."""
    return [key for key in tags if key == _ADDED_TAG or key.startswith(_WAS_PREFIX)]


def before(tags: Mapping[str, str], wanted: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """What the notes among a group's tags undo: tags to write, and keys to take away.

    `wanted` are the keys that were written.
    """
    try:
        added = int(tags.get(_ADDED_TAG, "0"), 16)
    except ValueError:
        added = 0
    written: dict[str, str] = {}
    gone: list[str] = []
    for number, key in enumerate(sorted(wanted)):
        if added >> number & 1:
            gone.append(key)
        elif f"{_WAS_PREFIX}{number}" in tags:
            written[key] = tags[f"{_WAS_PREFIX}{number}"]
    return written, gone
