"""A tree file as the one resource of a stack that is not there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.instances import Instance
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.declaring import as_declared
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.names import composed, quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete, ResourceType, TreeProperty
from connect_hierarchy_lambda.model.tree import SEPARATOR, read_tree
from connect_hierarchy_tree_files import read_tree_file

TREE = "Tree"
"""The logical id of the resource."""


def groups_of(path: Path) -> list[dict[str, object]]:
    """The groups of a file as the property of a tree has them.

    Raises:
        InvalidHierarchyError: For what no tree can be, with the line.
    """
    file = read_tree_file(path)
    return as_declared(read_tree(file.groups, line_of=file.line_of))


def template_of(
    groups: object,
    instance: Instance,
    parent: Group | None,
    *,
    adopt_existing: bool,
    agents_on_delete: AgentsOnDelete,
) -> Mapping[str, Any]:
    """A template with one tree, as the constructs would write it."""
    below = {} if parent is None else {TreeProperty.PARENT_GROUP_ARN.value: parent.arn}
    properties = {
        TreeProperty.INSTANCE_ARN.value: instance.arn,
        TreeProperty.GROUPS.value: groups,
        TreeProperty.ADOPT_EXISTING.value: adopt_existing,
        TreeProperty.AGENTS_ON_DELETE.value: agents_on_delete.value,
        **below,
    }
    return {"Resources": {TREE: {"Type": ResourceType.TREE.value, "Properties": properties}}}


def group_at(groups: Sequence[Group], instance: Instance, text: str) -> Group:
    """The group that `--parent` names: by its id, its ARN, or its path from level one down.

    Raises:
        CommandError: If there is none, or more than one.
    """
    group_id = text.rsplit("/", 1)[-1] if text.startswith("arn:") else text
    wanted = composed(text)
    found = [one for one in groups if one.id == group_id] or [
        one for one in groups if composed(SEPARATOR.join(name for _, name in one.path)) == wanted
    ]
    if len(found) == 1 and found[0].arn == str(GroupArn(instance.arn, found[0].id)):
        return found[0]
    number = "no group" if not found else f"{len(found)} groups"
    raise CommandError(
        f"instance {instance.label} has {number} {quoted(text, 120)}",
        f"{PROGRAM} tree {instance.label}",
    )
