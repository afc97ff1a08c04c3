"""Nodes of trees read from templates and events: the fields' names are CloudFormation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connect_hierarchy_lambda.model.properties import NodeProperty
from connect_hierarchy_lambda.model.tree import Node, read_tree

_WRITTEN = {
    NodeProperty.NAME.value: "name",
    NodeProperty.KEY.value: "key",
    NodeProperty.TAGS.value: "tags",
    NodeProperty.AGENTS_ON_DELETE.value: "agents_on_delete",
    NodeProperty.CHILDREN.value: "children",
}


def as_written(value: object) -> object:
    """Nodes of a template's property with their fields called as in the files that users write."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    return [_node_as_written(item) for item in value]


def _node_as_written(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    node = {_WRITTEN.get(str(name), str(name)): item for name, item in value.items()}
    if "children" in node:
        node["children"] = as_written(node["children"])
    return node


def nodes_as_declared(groups: object) -> tuple[Node, ...]:
    """The nodes that a template declares.

    Names and keys are known at synth; tags, which can be functions of CloudFormation, are left out.
    """
    return read_tree(_without_tags(as_written(groups))).nodes


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
