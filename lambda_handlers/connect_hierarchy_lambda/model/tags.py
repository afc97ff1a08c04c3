"""Tags: the ones that mark a group as ours, and the checks on the users' own."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import (
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    MAX_TAGS,
)
from connect_hierarchy_lambda.model.names import check_text, composed, quoted

RESERVED_PREFIX = "connect-hierarchy:"
RESERVED_TAGS = 3
"""So many of the 50 tags of a group are kept for our own."""

MAX_USER_TAGS = MAX_TAGS - RESERVED_TAGS

_SHOWN = 4
"""So many refused characters of a key are shown in its error."""

_KEY_PUNCTUATION = "_.:/=+-@"
"""What a tag key may have beside letters, digits and spaces: `TagKey` in Connect's service model.

The model has no such pattern for values, so any value passes.
"""


def check_user_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidHierarchyError unless a group can carry these tags beside ours.

    At most 47; a key has 1 to 128 letters, digits, spaces and `_ . : / = + - @` and begins neither
    with `aws:` nor with `connect-hierarchy:`; a value has at most 256 characters.
    """
    check_tag_count(len(tags))
    for key, value in tags.items():
        check_tag(key, value)


def check_tag_count(count: int) -> None:
    """Raise InvalidHierarchyError for more tags than a group can carry beside ours."""
    if count > MAX_USER_TAGS:
        msg = (
            f"hierarchy group has {count} tags, at most {MAX_USER_TAGS} are allowed "
            f"({MAX_TAGS} of Amazon Connect less {RESERVED_TAGS} that mark who owns the group): "
            "remove some"
        )
        raise InvalidHierarchyError(msg)


def check_tag(key: str, value: str) -> None:
    """Raise InvalidHierarchyError unless a user may give a group this tag."""
    check_tag_key(key)
    check_text(f"value of tag {quoted(key)}", value, MAX_TAG_VALUE_LENGTH)


def check_tag_key(key: str) -> None:
    """Raise InvalidHierarchyError unless a user may give a group a tag with this key."""
    if not key:
        msg = f"tag key is empty, 1 to {MAX_TAG_KEY_LENGTH} characters are needed"
        raise InvalidHierarchyError(msg)
    check_text("tag key", key, MAX_TAG_KEY_LENGTH)
    for prefix, owner in (("aws:", "AWS"), (RESERVED_PREFIX, "this library")):
        if key.lower().startswith(prefix):
            msg = (
                f"tag key begins with '{prefix}', which is reserved for {owner}, "
                f"choose another: {quoted(key)}"
            )
            raise InvalidHierarchyError(msg)
    refused = [character for character in dict.fromkeys(key) if not _is_in_keys(character)]
    if refused:
        remedy = (
            "write its letters composed (NFC)"
            if all(map(_is_in_keys, composed(key)))
            else f"use letters, digits, spaces and {' '.join(_KEY_PUNCTUATION)}"
        )
        shown = " ".join(quoted(character) for character in refused[:_SHOWN])
        msg = f"tag key {quoted(key)} has {shown}, which Amazon Connect refuses: {remedy}"
        raise InvalidHierarchyError(msg)


def _is_in_keys(character: str) -> bool:
    # letters, blanks and numbers of any script
    return unicodedata.category(character)[0] in "LZN" or character in _KEY_PUNCTUATION
