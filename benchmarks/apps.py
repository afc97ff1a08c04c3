"""CDK code for an organisation, with the constructs of this library and with the CDK's own.

Without levels, the structure is another stack's. Nothing else is imported here, since these apps
measure the cost of a synth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_connect as connect

from benchmarks.organisation import QUOTA, Group
from connect_hierarchy import (
    HierarchyGroup,
    HierarchyStructure,
    HierarchyTree,
    HierarchyTreeGroup,
    IHierarchyStructure,
)

Fill = Callable[[Stack, str, tuple[str, ...] | None, Sequence[Group]], None]
"""Writes the code of a stack, for an instance's ARN, levels or None, and groups."""

_GROUPS_A_TREE = 500


def fill_with_trees(
    stack: Stack, instance_arn: str, levels: tuple[str, ...] | None, groups: Sequence[Group]
) -> None:
    """A structure, and a `HierarchyTree` for every 500 groups, divisions as a whole."""
    structure = HierarchyStructure(
        stack,
        "Structure",
        instance_arn=instance_arn,
        levels=levels or (),
        group_quota=QUOTA,
    )
    nodes: dict[str | None, list[HierarchyTreeGroup]] = {}
    size = Counter[str]()
    division: dict[str, str] = {}
    for group in groups:
        children = nodes.setdefault(group.key, [])
        node: HierarchyTreeGroup = {"key": group.key, "name": group.name, "children": children}
        nodes.setdefault(group.parent, []).append(node)
        division[group.key] = division[group.parent] if group.parent else group.key
        size[division[group.key]] += 1
    trees: list[list[HierarchyTreeGroup]] = [[]]
    for node in nodes.get(None, []):
        there = sum(size[other["key"]] for other in trees[-1])
        if there + size[node["key"]] > _GROUPS_A_TREE:
            trees.append([])
        trees[-1].append(node)
    for number, tree in enumerate(trees):
        HierarchyTree(stack, f"Tree{number}", structure=structure, groups=tree)


def fill_with_groups(
    stack: Stack, instance_arn: str, levels: tuple[str, ...] | None, groups: Sequence[Group]
) -> None:
    """A structure, and a `HierarchyGroup` for each group."""
    structure: IHierarchyStructure
    if levels is None:
        structure = HierarchyStructure.from_instance_arn(stack, "Structure", instance_arn)
    else:
        structure = HierarchyStructure(stack, "Structure", instance_arn=instance_arn, levels=levels)
    made: dict[str, HierarchyGroup] = {}
    for group in groups:
        # all in one scope, so that a group that moves keeps its construct id
        if group.parent is None:
            made[group.key] = HierarchyGroup(stack, group.key, name=group.name, structure=structure)
        else:
            made[group.key] = HierarchyGroup(
                stack, group.key, name=group.name, parent=made[group.parent]
            )


def fill_natively(
    stack: Stack, instance_arn: str, levels: tuple[str, ...] | None, groups: Sequence[Group]
) -> None:
    """The CDK's L1 constructs of the native resources."""
    structure = None
    if levels is not None:
        structure = connect.CfnUserHierarchyStructure(
            stack,
            "Structure",
            instance_arn=instance_arn,
            user_hierarchy_structure=_native_levels(levels),
        )
    made: dict[str, connect.CfnUserHierarchyGroup] = {}
    for group in groups:
        parent = None if group.parent is None else made[group.parent].ref
        made[group.key] = connect.CfnUserHierarchyGroup(
            stack,
            group.key,
            instance_arn=instance_arn,
            name=group.name,
            parent_group_arn=parent,
        )
        if parent is None and structure is not None:
            made[group.key].add_resource_dependency(structure)


def _native_levels(
    names: Sequence[str],
) -> connect.CfnUserHierarchyStructure.UserHierarchyStructureProperty:
    made = connect.CfnUserHierarchyStructure
    levels = {
        "level_one": made.LevelOneProperty,
        "level_two": made.LevelTwoProperty,
        "level_three": made.LevelThreeProperty,
        "level_four": made.LevelFourProperty,
        "level_five": made.LevelFiveProperty,
    }
    named: dict[str, Any] = {
        key: level(name=name) for (key, level), name in zip(levels.items(), names, strict=False)
    }
    return made.UserHierarchyStructureProperty(**named)
