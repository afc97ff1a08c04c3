"""Checks of the model on what a CDK app passes: tokens pass, and errors say where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import jsii
from aws_cdk import CfnResource, Reference, RemovalPolicy, TagManager, Token, Tokenization
from constructs import IConstruct, IValidation

from connect_hierarchy.identity import is_known_later, is_token
from connect_hierarchy_lambda.model.arns import GroupArn, check_home, check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import (
    check_characters,
    check_group_name,
    check_level_names,
    check_outer_blanks,
    composed,
    quoted,
)
from connect_hierarchy_lambda.model.properties import GroupAttribute, ResourceType
from connect_hierarchy_lambda.model.tags import check_user_tags
from connect_hierarchy_lambda.model.tree import MAX_KEY_LENGTH

_INSTANCE_ARNS = {"AWS::Connect::Instance": ("Arn", "attr_arn")}
_GROUP_ARNS = {
    "AWS::Connect::UserHierarchyGroup": (
        "UserHierarchyGroupArn",
        "attr_user_hierarchy_group_arn",
    ),
    ResourceType.GROUP.value: (GroupAttribute.HIERARCHY_GROUP_ARN.value, "hierarchy_group_arn"),
}
"""Attributes that are ARNs, and what the constructs call them, by types of resources."""


@contextmanager
def located(construct: IConstruct) -> Iterator[None]:
    """Put the construct's path in front of what the model has to say."""
    try:
        yield
    except InvalidHierarchyError as error:
        msg = f"{construct.node.path}: {error}"
        raise InvalidHierarchyError(msg) from None


def checked_levels(levels: Sequence[str]) -> tuple[str, ...] | None:
    """The levels where each can be told apart; None where the whole list is a token.

    Raises:
        InvalidHierarchyError: For levels that cannot be; a level that is a token passes.
    """
    # jsii knows a list and no other sequence
    if Token.is_unresolved(list(levels)):
        return None
    # a stand-in that passes every check and is like no other level
    check_level_names(
        [
            f"\0{number}" if Token.is_unresolved(level) else level
            for number, level in enumerate(levels)
        ]
    )
    return tuple(levels)


def checked_group_name(name: str) -> str | None:
    """The name of a group, None where it is a token; InvalidHierarchyError if it cannot be."""
    if is_token(name):
        return None
    check_group_name(name)
    return name


def checked_key(key: str) -> str:
    """The key of a group, with its accents composed; InvalidHierarchyError if it cannot be one."""
    if is_token(key):
        msg = "key is a token, it must be known at synth: use a text that stays the same"
        raise InvalidHierarchyError(msg)
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        msg = f"key has {len(key)} characters, 1 to {MAX_KEY_LENGTH} are allowed: {quoted(key)}"
        raise InvalidHierarchyError(msg)
    check_characters("key", key)
    check_outer_blanks("key", key)
    return composed(key)


def checked_instance_arn(arn: str) -> str:
    """The ARN, if it can be an instance's, or is known later; InvalidHierarchyError otherwise."""
    if is_token(arn):
        _check_attribute("instance_arn", arn, _INSTANCE_ARNS)
    elif not is_known_later(arn):
        check_instance_arn(arn)
    return arn


def check_same_home(instance_arn: str, *, region: str | None, account: str | None) -> None:
    """Raise InvalidHierarchyError for an instance that the function of a stack cannot reach.

    Args:
        instance_arn: ARN of the instance.
        region: The stack's Region, None where it is not known.
        account: The stack's account, likewise.
    """
    if is_known_later(instance_arn):
        return
    check_home(instance_arn, "the stack", region=region, account=account)


def parsed_group_arn(arn: str) -> GroupArn | None:
    """The parts of a group's ARN, None if known later; InvalidHierarchyError if malformed."""
    if is_token(arn):
        _check_attribute("hierarchy_group_arn", arn, _GROUP_ARNS)
        return None
    return None if is_known_later(arn) else GroupArn.parse(arn)


def _check_attribute(argument: str, token: str, arns: Mapping[str, tuple[str, str]]) -> None:
    """Raise InvalidHierarchyError for an attribute of a resource that is not its ARN."""
    for one in Tokenization.reverse_string(token).tokens:
        if not isinstance(one, Reference) or not CfnResource.is_cfn_resource(one.target):
            continue
        resource = cast("CfnResource", one.target)
        attribute, use = arns.get(resource.cfn_resource_type, (None, ""))
        given = one.display_name
        # Ref of these is the ARN as well
        if attribute is not None and given not in {attribute, "Ref"}:
            msg = (
                f"{argument} is {given} of '{resource.node.path}', its {attribute} is needed: "
                f"use its {use}"
            )
            raise InvalidHierarchyError(msg)


def check_group_quota(group_quota: int) -> None:
    """Raise InvalidHierarchyError for a quota that leaves no room for a group."""
    if group_quota < 1:
        msg = (
            f"group_quota is {group_quota}, at least 1 is needed: give the number of groups that "
            "the instance may have, or leave it out"
        )
        raise InvalidHierarchyError(msg)


def check_removal_policy(policy: RemovalPolicy, what: str) -> None:
    """Raise InvalidHierarchyError for a removal policy that custom resources do not have."""
    if policy == RemovalPolicy.SNAPSHOT:
        msg = (
            f"removal_policy of a {what} is SNAPSHOT, which it cannot have: "
            "use RETAIN, RETAIN_ON_UPDATE_OR_DELETE or DESTROY"
        )
        raise InvalidHierarchyError(msg)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidHierarchyError for tags that a group cannot carry; tokens pass."""
    if "__proto__" in tags:
        msg = (
            "tag key is '__proto__', which no map of the CDK can have in JavaScript: choose another"
        )
        raise InvalidHierarchyError(msg)
    check_user_tags(
        {
            # each token key still counts, so each needs a stand-in of its own
            f"token-{number}" if is_token(key) else key: "" if is_token(value) else value
            for number, (key, value) in enumerate(tags.items())
        }
    )


@jsii.implements(IValidation)
class TagsAtSynth:
    """Checks the tags of a stack's groups at synth, when `Tags.of` has been applied.

    One for all groups: each would be some calls into JavaScript.
    """

    def __init__(self) -> None:
        self._groups: list[tuple[IConstruct, TagManager]] = []

    def add(self, group: IConstruct, tags: TagManager) -> None:
        """Check this group's tags, too."""
        self._groups.append((group, tags))

    def validate(self) -> list[str]:
        """What is wrong with the tags, and where."""
        found = []
        for group, tags in self._groups:
            try:
                check_tags(tags.tag_values())
            except InvalidHierarchyError as error:
                found.append(f"{group.node.path}: {error}")
        return found


def check_adoption(*, adopt_existing: bool, from_stack: str | None) -> None:
    """Raise InvalidHierarchyError for the name of a stack where nothing is to be adopted."""
    if from_stack is not None and not adopt_existing:
        msg = (
            f"adopt_from_stack is {quoted(from_stack)}, but adopt_existing is False: "
            "set adopt_existing=True as well, or leave out both"
        )
        raise InvalidHierarchyError(msg)
