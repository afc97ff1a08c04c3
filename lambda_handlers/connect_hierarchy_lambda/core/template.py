"""What the stack's template says about a group: whether it is still declared, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.model.declared import nodes_as_declared
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.ledger import Phase, Record
from connect_hierarchy_lambda.model.properties import (
    GroupProperty,
    ResourceType,
    TreeProperty,
    reference_attribute,
)
from connect_hierarchy_lambda.model.tree import Node, key_mark

Records = Mapping[str, Record]
Template = Mapping[str, Any]

_GROUP_ID = re.compile(r"/agent-group/([A-Za-z0-9-]+)$")


def construct_path(template: Template, logical_id: str) -> str:
    """The path of a resource's construct in its app, or the logical id if the path is unknown.

    The CDK writes the path into the resource's metadata, unless that is turned off.
    """
    declaration = template.get(logical_id)
    metadata = declaration.get("Metadata") if isinstance(declaration, Mapping) else None
    path = metadata.get("aws:cdk:path") if isinstance(metadata, Mapping) else None
    if not isinstance(path, str):
        return logical_id
    return path.removesuffix("/Default").removesuffix("/Resource")


def is_declared(template: Template, record: Record) -> bool:
    """Whether the template has the resource, and for a tree the node, that owns the group."""
    declaration = template.get(record.resource)
    if not isinstance(declaration, Mapping):
        return False
    if declaration.get("Type") != ResourceType.TREE:
        return True
    return record.key in _nodes(declaration)


def declares_name(template: Template, record: Record) -> bool:
    """Whether another resource of the template has a group of this name, so it may take it over."""
    for logical_id, declaration in template.items():
        if logical_id == record.resource or not isinstance(declaration, Mapping):
            continue
        properties = declaration.get("Properties", {})
        if declaration.get("Type") == ResourceType.GROUP:
            if properties.get(GroupProperty.NAME) == record.name:
                return True
        elif declaration.get("Type") == ResourceType.TREE and any(
            node.name == record.name for node in _nodes(declaration).values()
        ):
            return True
    return False


def declared_place(
    template: Template, record: Record, records: Records
) -> tuple[str | None, str] | None:
    """Parent id and name that the template gives a group; None if they are not certain."""
    declaration = template.get(record.resource)
    if not isinstance(declaration, Mapping):
        return None
    properties = declaration.get("Properties", {})
    if declaration.get("Type") == ResourceType.TREE:
        return _place_of_node(declaration, record, records)
    name = properties.get(GroupProperty.NAME)
    parent = _parent_id(properties.get(GroupProperty.PARENT_GROUP_ARN), records)
    return (parent or None, name) if isinstance(name, str) and parent is not None else None


def _place_of_node(
    declaration: Mapping[str, Any], record: Record, records: Records
) -> tuple[str | None, str] | None:
    node = _nodes(declaration).get(record.key)
    if node is None:
        return None
    if node.parent is None:
        properties = declaration.get("Properties", {})
        parent = _parent_id(properties.get(TreeProperty.PARENT_GROUP_ARN), records)
        return (parent or None, node.name) if parent is not None else None
    parent = _live_id(records, record.resource, key_mark(node.parent))
    return (parent, node.name) if parent is not None else None


def _nodes(declaration: Mapping[str, Any]) -> dict[str, Node]:
    """The nodes of a declared tree by the marks of their keys. Values of tags can be functions."""
    try:
        nodes = nodes_as_declared(declaration.get("Properties", {}).get(TreeProperty.GROUPS))
    except InvalidHierarchyError:
        return {}
    return {node.mark: node for node in nodes}


def _parent_id(arn: Any, records: Records) -> str | None:
    """The id of the group that a property refers to: empty for level one, None if unknown."""
    if arn is None:
        return ""
    if isinstance(arn, str):
        match = _GROUP_ID.search(arn)
        return match[1] if match else None
    if isinstance(arn, Mapping) and isinstance(arn.get("Ref"), str):
        return _live_id(records, arn["Ref"], "")
    text = json.dumps(arn)
    for record in records.values():
        attribute = reference_attribute(record.key)
        if record.phase is Phase.LIVE and record.key and f'"{attribute}"' in text:
            return record.id
    return None


def _live_id(records: Records, resource: str, key: str) -> str | None:
    for record in records.values():
        is_live = record.phase is Phase.LIVE and bool(record.id)
        if is_live and (record.resource, record.key) == (resource, key):
            return record.id
    return None
