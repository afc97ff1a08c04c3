"""The properties of `Custom::ConnectHierarchyTree`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import KEY_TAG
from connect_hierarchy_lambda.model.plan import Wanted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete, NodeProperty, TreeProperty
from connect_hierarchy_lambda.model.tags import check_user_tags
from connect_hierarchy_lambda.model.tree import Node, Tree, key_mark, read_tree
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.request import Properties

_FIELDS = {
    NodeProperty.NAME.value: "name",
    NodeProperty.KEY.value: "key",
    NodeProperty.TAGS.value: "tags",
    NodeProperty.AGENTS_ON_DELETE.value: "agents_on_delete",
    NodeProperty.CHILDREN.value: "children",
}


@dataclass(frozen=True)
class TreeProperties:
    """The properties of a tree, checked."""

    instance_arn: str
    parent_id: str | None
    tree: Tree
    tags: Mapping[str, str]
    adopt_existing: bool
    agents_on_delete: AgentsOnDelete
    references: tuple[tuple[str, ...], ...]
    """Marks of keys: ids are answered of the first list, and digests of the others."""

    @classmethod
    def read_earlier(cls, values: Mapping[str, Any], wanted: TreeProperties) -> TreeProperties:
        """Those of before an update; where they can not be read, none of them came to be."""
        try:
            return cls.read(values)
        except HierarchyError:
            return replace(wanted, tree=Tree())

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> TreeProperties:
        """Check them; HierarchyError for what can not be."""
        properties = Properties(values)
        instance_arn = properties.text(TreeProperty.INSTANCE_ARN)
        parent_arn = properties.optional_text(TreeProperty.PARENT_GROUP_ARN)
        tags = properties.text_map(TreeProperty.TAGS)
        policy = properties.optional_text(TreeProperty.AGENTS_ON_DELETE) or AgentsOnDelete.FAIL
        doing = "reading the properties of the hierarchy tree"
        parent = None
        try:
            check_instance_arn(instance_arn)
            tree = read_tree(_as_written(properties.value(TreeProperty.GROUPS)))
            for node in tree.nodes:
                check_user_tags({**tags, **node.tags})
            if parent_arn is not None:
                parent = GroupArn.parse(parent_arn)
        except InvalidHierarchyError as error:
            raise HierarchyError(doing, str(error), "correct the template") from None
        if policy not in set(AgentsOnDelete):
            wanted = f"one of {', '.join(AgentsOnDelete)} is needed"
            raise HierarchyError(doing, f"AgentsOnDelete is {quoted(policy)}", wanted)
        if parent is not None and parent.instance_arn != instance_arn:
            raise HierarchyError(
                doing,
                f"the parent group is of another instance, {parent.instance_arn}",
                "parent and tree need one instance",
            )
        return cls(
            instance_arn=instance_arn,
            parent_id=parent.group_id if parent else None,
            tree=tree,
            tags=tags,
            adopt_existing=properties.flag(TreeProperty.ADOPT_EXISTING),
            agents_on_delete=AgentsOnDelete(policy),
            references=_references(properties.value(TreeProperty.REFERENCES)),
        )

    @cached_property
    def by_mark(self) -> dict[str, Node]:
        """The nodes by what stands for their keys."""
        return {node.mark: node for node in self.tree.nodes}

    @property
    def names(self) -> frozenset[str]:
        """Every name in the tree."""
        return frozenset(node.name for node in self.tree.nodes)

    def user_tags(self, node: Node) -> dict[str, str]:
        """The tags of a node and of the whole tree, the node's winning."""
        return {**self.tags, **node.tags}

    def policy(self, mark: str) -> AgentsOnDelete:
        """What becomes of the agents of a node's group when it is deleted."""
        node = self.by_mark.get(mark)
        return (node.agents_on_delete if node else None) or self.agents_on_delete

    @property
    def wanted(self) -> list[Wanted]:
        """The nodes as a plan wants them, known by their marks."""
        return [
            Wanted(
                key=node.mark,
                name=node.name,
                parent=None if node.parent is None else key_mark(node.parent),
                tags={**self.user_tags(node), KEY_TAG: node.mark},
            )
            for node in self.tree.nodes
        ]

    def group(self, wanted: Wanted, parent_id: str | None) -> GroupProperties:
        """One node's group as if it were a resource of its own."""
        return GroupProperties(
            instance_arn=self.instance_arn,
            name=wanted.name,
            parent_id=parent_id,
            tags=wanted.tags,
            adopt_existing=self.adopt_existing,
            agents_on_delete=self.policy(wanted.key),
        )


def declared_names(groups: object) -> dict[str, str]:
    """The names of a template's nodes by the marks of their keys; none where it has no tree.

    Names and keys are known at synth, and only tags can be functions of CloudFormation.
    """
    try:
        nodes = read_tree(_without_tags(_as_written(groups))).nodes
    except InvalidHierarchyError:
        return {}
    return {node.mark: node.name for node in nodes}


def _without_tags(nodes: object) -> object:
    if not isinstance(nodes, list):
        return nodes
    return [
        {
            name: _without_tags(item) if name == "children" else item
            for name, item in node.items()
            if name != "tags"
        }
        if isinstance(node, Mapping)
        else node
        for node in nodes
    ]


def _references(value: Any) -> tuple[tuple[str, ...], ...]:
    lists = {str(n): marks for n, marks in enumerate(value if isinstance(value, list) else [])}
    return tuple(tuple(Properties(lists).texts(name)) for name in lists)


def _as_written(value: object) -> object:
    """The nodes with their fields called as in the files that users write."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    return [_node_as_written(item) for item in value]


def _node_as_written(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    node = {_FIELDS.get(str(name), str(name)): item for name, item in value.items()}
    if "children" in node:
        node["children"] = _as_written(node["children"])
    return node
