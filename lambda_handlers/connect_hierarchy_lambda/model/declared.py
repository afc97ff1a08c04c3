"""Nodes of trees as templates and events have them, with CloudFormation's names for fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connect_hierarchy_lambda.model.properties import NodeProperty
from connect_hierarchy_lambda.model.tree import Node, Tree, read_tree

_WRITTEN = {
    NodeProperty.NAME.value: "name",
    NodeProperty.KEY.value: "key",
    NodeProperty.TAGS.value: "tags",
    NodeProperty.AGENTS_ON_DELETE.value: "agents_on_delete",
    NodeProperty.CHILDREN.value: "children",
}


def as_declared(tree: Tree) -> list[dict[str, object]]:
    """The nodes as a template's property has them, without fields that follow from others."""
    top: list[dict[str, object]] = []
    by_key: dict[str | None, list[dict[str, object]]] = {None: top}
    parents: dict[str, dict[str, object]] = {}
    for node in tree.nodes:
        rendered: dict[str, object] = {NodeProperty.NAME.value: node.name}
        if node.has_own_key:
            rendered[NodeProperty.KEY.value] = node.key
        if node.own_tags:
            rendered[NodeProperty.TAGS.value] = dict(node.own_tags)
        if node.agents_on_delete is not None:
            rendered[NodeProperty.AGENTS_ON_DELETE.value] = node.agents_on_delete.value
        if node.parent is not None and node.parent not in by_key:
            by_key[node.parent] = []
            parents[node.parent][NodeProperty.CHILDREN.value] = by_key[node.parent]
        by_key[node.parent].append(rendered)
        parents[node.key] = rendered
    return top


def as_written(value: object) -> object:
    """Nodes of a template's property, with the names of fields as in tree files."""
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

    Names and keys are known at synth. Tags are left out, since they can be functions of
    CloudFormation.
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
