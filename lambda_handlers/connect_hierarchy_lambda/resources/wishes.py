"""The wishes of groups and trees, from the checked properties of an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.core.wish import Wish, WishedGroup
from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn
from connect_hierarchy_lambda.model.declared import as_written
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import check_group_name, quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete, GroupProperty, TreeProperty
from connect_hierarchy_lambda.model.tags import check_user_tags
from connect_hierarchy_lambda.model.tree import key_mark, read_tree
from connect_hierarchy_lambda.resources.request import Properties


def wish_of_group(values: Mapping[str, Any]) -> Wish:
    """The wish of a `Custom::ConnectHierarchyGroup`; HierarchyError for invalid properties."""
    properties = Properties(values)
    properties.text(GroupProperty.INSTANCE_ARN)
    name = properties.text(GroupProperty.NAME)
    doing = f"reading the properties of hierarchy group {quoted(name)}"
    tags = properties.text_map(GroupProperty.TAGS)
    try:
        check_group_name(name)
        check_user_tags(tags)
    except InvalidHierarchyError as error:
        raise HierarchyError(doing, str(error)) from None
    policy = _policy(properties, GroupProperty.AGENTS_ON_DELETE, doing)
    node = WishedGroup(name=name, path=(name,), tags=tags, agents_on_delete=policy)
    return _wish(properties, (node,), policy, doing)


def wish_of_tree(values: Mapping[str, Any]) -> Wish:
    """The wish of a `Custom::ConnectHierarchyTree`; HierarchyError for invalid properties."""
    properties = Properties(values)
    doing = "reading the properties of the hierarchy tree"
    properties.text(TreeProperty.INSTANCE_ARN)
    common = properties.text_map(TreeProperty.TAGS)
    try:
        tree = read_tree(as_written(properties.value(TreeProperty.GROUPS)))
        nodes = tuple(
            WishedGroup(
                name=node.name,
                key=node.mark,
                parent=None if node.parent is None else key_mark(node.parent),
                path=node.path,
                tags={**common, **node.tags},
                agents_on_delete=node.agents_on_delete,
                written_key=node.key,
                has_own_key=node.has_own_key,
            )
            for node in tree.nodes
        )
        for node in nodes:
            check_user_tags(node.tags)
    except InvalidHierarchyError as error:
        raise HierarchyError(doing, str(error), "correct the template") from None
    policy = _policy(properties, TreeProperty.AGENTS_ON_DELETE, doing)
    return _wish(properties, nodes, policy, doing)


def references_of_tree(values: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Lists of marks of keys: the answer has ids for the first list, digests for the others."""
    value = Properties(values).value(TreeProperty.REFERENCES)
    lists = {str(n): marks for n, marks in enumerate(value if isinstance(value, list) else [])}
    return tuple(tuple(Properties(lists).texts(name)) for name in lists)


def _wish(
    properties: Properties, nodes: tuple[WishedGroup, ...], policy: AgentsOnDelete, doing: str
) -> Wish:
    """The part that groups and trees have in common, under the same names of properties."""
    instance_arn = properties.text(GroupProperty.INSTANCE_ARN)
    parent_arn = properties.optional_text(GroupProperty.PARENT_GROUP_ARN)
    try:
        check_instance_arn(instance_arn)
        parent = None if parent_arn is None else GroupArn.parse(parent_arn)
    except InvalidHierarchyError as error:
        raise HierarchyError(doing, str(error), "correct the template") from None
    if parent is not None and parent.instance_arn != instance_arn:
        raise HierarchyError(
            doing,
            f"the parent group belongs to another instance, {parent.instance_arn}",
            "parent and child must be in one instance",
        )
    return Wish(
        instance_arn=instance_arn,
        parent_id=parent.group_id if parent else None,
        nodes=nodes,
        adopt_existing=properties.flag(GroupProperty.ADOPT_EXISTING),
        adopt_from_stack=properties.optional_text(GroupProperty.ADOPT_FROM_STACK) or "",
        agents_on_delete=policy,
    )


def _policy(properties: Properties, name: str, doing: str) -> AgentsOnDelete:
    policy = properties.optional_text(name) or AgentsOnDelete.FAIL
    if policy not in set(AgentsOnDelete):
        wanted = f"one of {', '.join(AgentsOnDelete)} is needed"
        raise HierarchyError(doing, f"{name} is {quoted(policy)}", wanted)
    return AgentsOnDelete(policy)
