"""Who owns a group: what the tags of our own say, and how they are written.

AWS allows only some characters in tag values, so letters, digits, `.`, `/` and `-` are all that
stands in ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX

STACK_TAG = RESERVED_PREFIX + "stack"
RESOURCE_TAG = RESERVED_PREFIX + "resource"
REQUEST_TAG = RESERVED_PREFIX + "request"
ADOPTED_TAG = RESERVED_PREFIX + "adopted"
"""`true`, or `former` once the group was made ours."""

FORMERLY_ADOPTED = "former"

DISPLACES_TAG = RESERVED_PREFIX + "displaces"
"""On a group that waits for another's name, or has taken it: the other's id, those of who made room
for that one in turn, a hash of the name, and when the stack's operation began, in seconds since
1970; with slashes between them.
"""

MOVED_FROM_TAG = RESERVED_PREFIX + "moved-from"
"""On the group that a move made: the id of the one that it came from."""

FOUND_TAG = RESERVED_PREFIX + "found"
"""On a group that a resource of the same name had left behind: the request that found it again, and
a slash and what the tag below said where that gave it another one."""

KEY_TAG = RESERVED_PREFIX + "key"
"""On a group of a tree: a hash of its node's key."""

RETIRED_TAG = RESERVED_PREFIX + "retired"
"""On a group that a tree has given up, with all of its own below it: a hash of the generation that
it was given up from, or `left` where it is to stay."""

LEFT = "left"

FORMER_TAG = RESERVED_PREFIX + "former"
"""On a group that was taken over from a tree: `<the tree's logical id>/<hash of the key>`, and a
slash and what the tag above said where the tree had given it up."""

NATIVE_STACK_TAG = "aws:cloudformation:stack-name"

TREE_TAGS = frozenset({KEY_TAG, RETIRED_TAG})
"""What only groups of trees have."""


def is_found_by(request_id: str, tags: Mapping[str, str]) -> bool:
    """Whether this request has found the group again."""
    return tags.get(FOUND_TAG, "").split("/")[0] == request_id


def stack_name_and_uuid(stack_id: str) -> str:
    """`<stack name>/<uuid>` of a stack's ARN."""
    return stack_id.split(":stack/", 1)[-1]


@dataclass(frozen=True)
class Owner:
    """A resource of a stack, and what is known of how it came to its group.

    `adopted` groups were made by somebody else and are released instead of deleted.
    """

    stack: str
    resource: str
    request: str
    adopted: bool = False

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Owner | None:
        """The owner that a group's tags name, None where they name none."""
        if STACK_TAG not in tags or RESOURCE_TAG not in tags:
            return None
        return cls(
            stack=tags[STACK_TAG],
            resource=tags[RESOURCE_TAG],
            request=tags.get(REQUEST_TAG, ""),
            adopted=tags.get(ADOPTED_TAG) == "true",
        )

    def tags(self) -> dict[str, str]:
        """The tags that say so."""
        tags = {STACK_TAG: self.stack, RESOURCE_TAG: self.resource, REQUEST_TAG: self.request}
        if self.adopted:
            tags[ADOPTED_TAG] = "true"
        return tags

    def is_same_resource(self, other: Owner | None) -> bool:
        """Whether both are the same resource of the same stack, whatever request made them."""
        return other is not None and self.stack == other.stack and self.resource == other.resource

    @property
    def stack_name(self) -> str:
        """The stack's name alone."""
        return self.stack.split("/", 1)[0]


def owner_tags(stack: str, resource: str, key: str = "") -> dict[str, str]:
    """The tags that name the owner of a group; `key` is that of a tree's node."""
    tags = {STACK_TAG: stack, RESOURCE_TAG: resource}
    return {**tags, KEY_TAG: key} if key else tags
