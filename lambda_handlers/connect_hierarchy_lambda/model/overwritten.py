"""What a resource wrote over the tags of a group that it took over, noted so it can be undone.

Whoever takes the group back need not know what was written: a hash of each key that is new stands
in one tag, one after the other, and each value that was another one in a tag of its own, named by
the hash of its key, where there is room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from connect_hierarchy_lambda.model.limits import MAX_TAGS
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX, RESERVED_TAGS

_ADDED_TAG = RESERVED_PREFIX + "added"
_WAS_PREFIX = RESERVED_PREFIX + "was-"

_HASH_LENGTH = 6
"""Of all keys that a user may give they fit into the 256 characters of a value."""


def notes_on(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The tags that say what a group had before it gets the wanted ones; none where it had them.

    Tags of our own are left out: who takes a group back knows those.
    """
    users = [key for key in sorted(wanted) if not key.startswith(RESERVED_PREFIX)]
    added = "".join(_hash(key) for key in users if key not in present)
    notes = {
        f"{_WAS_PREFIX}{_hash(key)}": present[key]
        for key in users
        if key in present and present[key] != wanted[key]
    }
    room = MAX_TAGS - len({*present, *wanted}) - RESERVED_TAGS
    notes = dict(list(notes.items())[: max(room, 0)])
    return {**notes, _ADDED_TAG: added} if added else notes


def noted(tags: Iterable[str]) -> frozenset[str]:
    """Which of these keys are such notes."""
    return frozenset(key for key in tags if key == _ADDED_TAG or key.startswith(_WAS_PREFIX))


def before(tags: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What the notes among a group's tags undo: tags to write, and keys to take away."""
    text = tags.get(_ADDED_TAG, "")
    added = {text[at : at + _HASH_LENGTH] for at in range(0, len(text), _HASH_LENGTH)}
    users = [key for key in tags if not key.startswith(RESERVED_PREFIX)]
    was = {key: f"{_WAS_PREFIX}{_hash(key)}" for key in users}
    written = {key: tags[note] for key, note in was.items() if note in tags}
    return written, [key for key in users if _hash(key) in added]


def _hash(key: str) -> str:
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:_HASH_LENGTH]
