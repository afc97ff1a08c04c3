"""What the function may do: on one instance, in its log group, and with a look at its stack."""

from __future__ import annotations

from aws_cdk import Aws, Fn, Stack, Token
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from connect_hierarchy.app_register import Home, stack_of
from connect_hierarchy.interfaces import IHierarchyStructure
from connect_hierarchy.internals import instance_of, owns_role
from connect_hierarchy.provider import HierarchyProvider, own_stack_statement

# Each action on the resource types that it has in "Actions, resources, and condition keys for
# Amazon Connect" of the Service Authorization Reference.
_ON_INSTANCE = [
    "connect:CreateUserHierarchyGroup",
    "connect:DescribeUserHierarchyStructure",
    "connect:ListUserHierarchyGroups",
    "connect:ListUserProficiencies",  # SearchUsers depends on it
    "connect:SearchUserHierarchyGroups",
    "connect:SearchUsers",
    "connect:UpdateUserHierarchyStructure",
]
_ON_GROUPS = [
    "connect:CreateUserHierarchyGroup",  # the parent
    "connect:DeleteUserHierarchyGroup",
    "connect:DescribeUserHierarchyGroup",  # SearchUserHierarchyGroups depends on it
    "connect:TagResource",
    "connect:UntagResource",
    "connect:UpdateUserHierarchy",  # where the agent goes
    "connect:UpdateUserHierarchyGroupName",
]
_ON_AGENTS = [
    "connect:DescribeUser",  # SearchUsers depends on it
    "connect:ListUserProficiencies",  # the same
    "connect:UpdateUserHierarchy",
]


def instance_policy(
    construct: IConstruct, structure: IHierarchyStructure, provider: HierarchyProvider
) -> iam.Policy:
    """The policy of the construct's stack for the structure's instance, made once.

    It stands in the stack that uses it: statements on the role of a provider in another stack
    would refer from there to here, and here refers to there already. The instance is in its
    construct id: when the groups leave an instance, its policy is a resource that goes in the
    clean-up after the groups, and not one that changes before.
    """
    stack = stack_of(construct)
    home = Home.of(stack)
    policies = home.register.policies
    instance = instance_of(structure)
    key = (home.path, instance.identity)
    if key not in policies:
        # The structure waits for this policy, so the policy cannot refer to the structure. From
        # another stack it can, and adds no export of its own.
        nearby = instance.home.node.path == home.path
        literal = not Token.is_unresolved(instance.arn)
        arn = instance.arn if nearby or literal else structure.instance_arn
        policies[key] = _make(stack, arn, instance.identity.hash_in(stack), provider)
    return policies[key]


def _make(stack: Stack, arn: str, name: str, provider: HierarchyProvider) -> iam.Policy:
    statements = [
        iam.PolicyStatement(actions=_ON_INSTANCE, resources=[arn]),
        iam.PolicyStatement(actions=_ON_GROUPS, resources=[f"{arn}/agent-group/*"]),
        iam.PolicyStatement(actions=_ON_AGENTS, resources=[f"{arn}/agent/*"]),
    ]
    at_home = Stack.of(provider).node.path == stack.node.path
    if not at_home:
        statements.append(own_stack_statement())
    policy = iam.Policy(
        stack,
        f"ConnectHierarchyPolicy{name}",
        statements=statements,
        # Stacks that share a role would overwrite and delete each other's under a name that is
        # made of the logical id alone.
        policy_name=None if at_home and owns_role(provider) else _name_of_this_stack_only(name),
    )
    # a role that was imported as immutable stays as it is: its owner sees to the permissions
    provider.role.attach_inline_policy(policy)
    return policy


def _name_of_this_stack_only(name: str) -> str:
    return f"ConnectHierarchyPolicy{name}-{Fn.select(2, Fn.split('/', Aws.STACK_ID))}"
