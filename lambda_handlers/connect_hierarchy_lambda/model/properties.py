"""The contract between constructs and handlers: resource types, properties and attributes.

What stands here arrives in events of deployed stacks for years: names are added, never changed.
"""

from __future__ import annotations

from enum import StrEnum

HANDLER = "connect_hierarchy_lambda.entry.handler"
"""The function's entry point."""


class ResourceType(StrEnum):
    """The custom resource types that the function serves."""

    STRUCTURE = "Custom::ConnectHierarchyStructure"
    GROUP = "Custom::ConnectHierarchyGroup"


class StructureProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyStructure`."""

    INSTANCE_ARN = "InstanceArn"
    LEVELS = "Levels"  # names, level one first
    ADOPT_EXISTING = "AdoptExisting"


class StructureAttribute(StrEnum):
    """What Fn::GetAtt gives of a structure."""

    INSTANCE_ARN = "InstanceArn"


class GroupProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyGroup`."""

    INSTANCE_ARN = "InstanceArn"
    NAME = "Name"
    PARENT_GROUP_ARN = "ParentGroupArn"  # left out at level one
    TAGS = "Tags"  # a map of key to value, left out when empty
    ADOPT_EXISTING = "AdoptExisting"
    AGENTS_ON_DELETE = "AgentsOnDelete"


class GroupAttribute(StrEnum):
    """What Fn::GetAtt gives of a group."""

    HIERARCHY_GROUP_ID = "HierarchyGroupId"
    HIERARCHY_GROUP_ARN = "HierarchyGroupArn"
    LEVEL_ID = "LevelId"
    PATH = "Path"  # names from level one down, joined with " / "


class AgentsOnDelete(StrEnum):
    """What becomes of the agents in a group that is deleted."""

    FAIL = "FAIL"
    MOVE_TO_PARENT = "MOVE_TO_PARENT"
    UNASSIGN = "UNASSIGN"
