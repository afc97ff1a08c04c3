"""Tags: the ones that mark a group as ours, and the checks on the users' own."""

from __future__ import annotations

from collections.abc import Mapping

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import (
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    MAX_TAGS,
)
from connect_hierarchy_lambda.model.names import check_characters, quoted

RESERVED_PREFIX = "connect-hierarchy:"
RESERVED_TAGS = 10
"""So many of the 50 tags of a group are kept for our own."""

MAX_USER_TAGS = MAX_TAGS - RESERVED_TAGS


def check_user_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidHierarchyError unless a group can carry these tags beside ours.

    At most 40; a key has 1 to 128 characters and begins neither with `aws:` nor with
    `connect-hierarchy:`; a value has at most 256.
    """
    if len(tags) > MAX_USER_TAGS:
        msg = (
            f"hierarchy group has {len(tags)} tags, at most {MAX_USER_TAGS} are allowed "
            f"({MAX_TAGS} of Amazon Connect less {RESERVED_TAGS} that mark who owns the group): "
            "remove some"
        )
        raise InvalidHierarchyError(msg)
    for key, value in tags.items():
        check_tag_key(key)
        if len(value) > MAX_TAG_VALUE_LENGTH:
            msg = (
                f"value of tag {quoted(key)} has {len(value)} characters, "
                f"at most {MAX_TAG_VALUE_LENGTH} are allowed, shorten it: {quoted(value)}"
            )
            raise InvalidHierarchyError(msg)
        check_characters(f"value of tag {quoted(key)}", value)


def check_tag_key(key: str) -> None:
    """Raise InvalidHierarchyError unless a user may give a group a tag with this key."""
    if not key:
        msg = f"tag key is empty, 1 to {MAX_TAG_KEY_LENGTH} characters are needed"
        raise InvalidHierarchyError(msg)
    if len(key) > MAX_TAG_KEY_LENGTH:
        msg = (
            f"tag key has {len(key)} characters, at most {MAX_TAG_KEY_LENGTH} are allowed, "
            f"shorten it: {quoted(key)}"
        )
        raise InvalidHierarchyError(msg)
    check_characters("tag key", key)
    for prefix, owner in (("aws:", "AWS"), (RESERVED_PREFIX, "this library")):
        if key.lower().startswith(prefix):
            msg = (
                f"tag key begins with '{prefix}', which is reserved for {owner}, "
                f"choose another: {quoted(key)}"
            )
            raise InvalidHierarchyError(msg)
