"""CDK constructs for the agent hierarchies of Amazon Connect."""

from connect_hierarchy.drift_check import HierarchyDriftCheck
from connect_hierarchy.group import HierarchyGroup
from connect_hierarchy.interfaces import (
    HierarchyGroupOptions,
    HierarchyTreeGroup,
    IHierarchyGroup,
    IHierarchyStructure,
)
from connect_hierarchy.provider import HierarchyProvider
from connect_hierarchy.structure import HierarchyStructure
from connect_hierarchy.tree import HierarchyTree
from connect_hierarchy_lambda.model.properties import AgentsOnDelete

__all__ = [
    "AgentsOnDelete",
    "HierarchyDriftCheck",
    "HierarchyGroup",
    "HierarchyGroupOptions",
    "HierarchyProvider",
    "HierarchyStructure",
    "HierarchyTree",
    "HierarchyTreeGroup",
    "IHierarchyGroup",
    "IHierarchyStructure",
]
