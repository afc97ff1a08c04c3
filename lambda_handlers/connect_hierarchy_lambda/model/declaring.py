"""Nodes of trees written for templates: the fields' names are CloudFormation's."""

from __future__ import annotations

from connect_hierarchy_lambda.model.properties import NodeProperty
from connect_hierarchy_lambda.model.tree import Tree


def as_declared(tree: Tree) -> list[dict[str, object]]:
    """The nodes as a template's property has them, without what follows from the rest."""
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
