"""The contract between constructs and handlers: resource types, properties and attributes.

Events of deployed stacks have these names for years: names are added, never changed.
"""

from __future__ import annotations

from enum import StrEnum

HANDLER = "connect_hierarchy_lambda.entry.handler"
"""The function's entry point."""


class PaceVariable(StrEnum):
    """Variables of the function's environment about the pace of its requests."""

    REQUESTS_PER_SECOND = "CONNECT_REQUESTS_PER_SECOND"
    BURST = "CONNECT_BURST"


LEDGER_VARIABLE = "LEDGER_TABLE_NAME"
"""The variable of the function's environment that names the table of the ledger."""


DRIFT_CHECK = "ConnectHierarchyDriftCheck"
"""The field that an event for the drift check has, which a request of CloudFormation lacks."""


class DriftCheckProperty(StrEnum):
    """The fields of an event below `DRIFT_CHECK`."""

    STACK_ID = "StackId"  # the stack whose ledger is compared
    REPAIR = "Repair"  # true restores what the stack wished last


class DriftMetric(StrEnum):
    """Metrics that each check logs, with the stack's name as the dimension `Stack`."""

    DIFFERENCES = "Differences"  # differences that are left after the check
    REPAIRED = "RepairedDifferences"
    FAILED = "FailedChecks"  # 1 for a check that failed


METRIC_NAMESPACE = "ConnectHierarchy"
METRIC_DIMENSION = "Stack"


class LedgerKey(StrEnum):
    """The attributes that make up the key of the ledger's table, both of them text."""

    PARTITION = "pk"
    SORT = "sk"


class ResourceType(StrEnum):
    """The custom resource types that the function serves."""

    STRUCTURE = "Custom::ConnectHierarchyStructure"
    GROUP = "Custom::ConnectHierarchyGroup"
    TREE = "Custom::ConnectHierarchyTree"
    TREE_REFERENCES = "Custom::ConnectHierarchyTreeReferences"


class StructureProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyStructure`."""

    INSTANCE_ARN = "InstanceArn"
    LEVELS = "Levels"  # names, level one first
    ADOPT_EXISTING = "AdoptExisting"


class StructureAttribute(StrEnum):
    """The attributes of a structure for Fn::GetAtt."""

    INSTANCE_ARN = "InstanceArn"


class GroupProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyGroup`."""

    INSTANCE_ARN = "InstanceArn"
    NAME = "Name"
    PARENT_GROUP_ARN = "ParentGroupArn"  # left out at level one
    ADOPT_FROM_STACK = "AdoptFromStack"  # left out if none is named
    TAGS = "Tags"  # a map of key to value, left out when empty
    ADOPT_EXISTING = "AdoptExisting"
    AGENTS_ON_DELETE = "AgentsOnDelete"


class GroupAttribute(StrEnum):
    """The attributes of a group for Fn::GetAtt."""

    HIERARCHY_GROUP_ID = "HierarchyGroupId"
    HIERARCHY_GROUP_ARN = "HierarchyGroupArn"
    LEVEL_ID = "LevelId"
    PATH = "Path"  # names from level one down, joined with " / "


class TreeProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyTree`."""

    INSTANCE_ARN = "InstanceArn"
    PARENT_GROUP_ARN = "ParentGroupArn"  # left out if the tree begins at level one
    GROUPS = "Groups"  # a list of nodes
    TAGS = "Tags"  # of every group, a map of key to value, left out when empty
    ADOPT_EXISTING = "AdoptExisting"
    ADOPT_FROM_STACK = "AdoptFromStack"  # left out if none is named
    AGENTS_ON_DELETE = "AgentsOnDelete"  # for nodes without their own
    REFERENCES = "References"  # lists of marks of keys; the answer has ids for the first


class NodeProperty(StrEnum):
    """The fields of a node of a tree; all but the name can be left out."""

    NAME = "Name"
    KEY = "Key"
    TAGS = "Tags"
    AGENTS_ON_DELETE = "AgentsOnDelete"
    CHILDREN = "Children"


class TreeReferencesProperty(StrEnum):
    """Properties of `Custom::ConnectHierarchyTreeReferences`."""

    TREE = "Tree"  # physical id of the tree
    REFERENCES = "References"  # marks of the keys whose ids the answer has
    DIGEST = "Digest"  # the tree's digest of the ids of this list


REFERENCES_AN_ANSWER = 45
"""How many ids of groups fit into the 4096 bytes of an answer, whatever else is in it."""


def reference_attribute(mark: str) -> str:
    """The name for Fn::GetAtt of the id of a tree's group; `mark` is the mark of the node's key."""
    return f"Id{mark}"


def digest_attribute(number: int) -> str:
    """The name for Fn::GetAtt of the digest of the ids in a tree's further lists, from 1 on.

    The digest changes with any of these ids, so a reader of the ids can verify them.
    """
    return f"Digest{number}"


class AgentsOnDelete(StrEnum):
    """What happens to agents in a group that is deleted."""

    FAIL = "FAIL"
    """The group is not deleted while agents are in it."""

    MOVE_TO_PARENT = "MOVE_TO_PARENT"
    """They go to the group above; not possible for groups at level one."""

    UNASSIGN = "UNASSIGN"
    """They are in no group afterwards."""
