"""Who owns a group: the three tags that say so, for people and for other stacks.

AWS allows only some characters in tag values, so these have only letters, digits, `.`, `/` and `-`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX

STACK_TAG = RESERVED_PREFIX + "stack"
"""`<stack name>/<uuid>` of the stack."""

RESOURCE_TAG = RESERVED_PREFIX + "resource"
"""Logical id of the resource."""

KEY_TAG = RESERVED_PREFIX + "key"
"""On a group of a tree: a hash of its node's key."""

OWNER_TAGS = (STACK_TAG, RESOURCE_TAG, KEY_TAG)

NATIVE_STACK_TAG = "aws:cloudformation:stack-name"


def stack_name_and_uuid(stack_id: str) -> str:
    """`<stack name>/<uuid>` of a stack's ARN."""
    return stack_id.split(":stack/", 1)[-1]


@dataclass(frozen=True)
class Owner:
    """A resource of a stack, as a group's tags name it."""

    stack: str
    resource: str

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Owner | None:
        """The owner that a group's tags name, None if they name none."""
        if STACK_TAG not in tags or RESOURCE_TAG not in tags:
            return None
        return cls(stack=tags[STACK_TAG], resource=tags[RESOURCE_TAG])

    @property
    def stack_name(self) -> str:
        """The stack's name alone."""
        return self.stack.split("/", 1)[0]


def owner_tags(stack: str, resource: str, key: str = "") -> dict[str, str]:
    """The tags that name the owner of a group; `key` is that of a tree's node."""
    tags = {STACK_TAG: stack, RESOURCE_TAG: resource}
    return {**tags, KEY_TAG: key} if key else tags
