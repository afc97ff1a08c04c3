"""The IAM actions that the function needs, by what they are allowed on.

Those of Amazon Connect stand on the resource types that they have in "Actions, resources, and
condition keys for Amazon Connect" of the Service Authorization Reference.
"""

from __future__ import annotations

ON_INSTANCE = (
    "connect:CreateUserHierarchyGroup",
    "connect:DescribeUserHierarchyStructure",
    "connect:ListUserHierarchyGroups",
    "connect:ListUserProficiencies",  # SearchUsers depends on it
    "connect:SearchUserHierarchyGroups",
    "connect:SearchUsers",
    "connect:UpdateUserHierarchyStructure",
)
ON_GROUPS = (
    "connect:CreateUserHierarchyGroup",  # the parent
    "connect:DeleteUserHierarchyGroup",
    "connect:DescribeUserHierarchyGroup",  # SearchUserHierarchyGroups depends on it
    "connect:TagResource",
    "connect:UntagResource",
    "connect:UpdateUserHierarchy",  # where the agent goes
    "connect:UpdateUserHierarchyGroupName",
)
ON_AGENTS = (
    "connect:DescribeUser",  # SearchUsers depends on it
    "connect:ListUserProficiencies",  # the same
    "connect:UpdateUserHierarchy",
)
ON_LEDGER = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
ON_OWN_STACK = ("cloudformation:DescribeStacks", "cloudformation:GetTemplate")
