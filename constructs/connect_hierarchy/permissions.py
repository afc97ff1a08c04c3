"""What the function may do: on its instances, its ledger, its log group and its own stack."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import jsii
from aws_cdk import (
    Aws,
    CfnParameter,
    CfnResource,
    Fn,
    IStableStringProducer,
    Lazy,
    Reference,
    Stack,
    Token,
    Tokenization,
)
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import IConstruct, IValidation

from connect_hierarchy.app_register import Home, stack_of
from connect_hierarchy.identity import Identity, is_token
from connect_hierarchy.interfaces import IHierarchyStructure
from connect_hierarchy.internals import instance_of, owns_role, policies_at_synth
from connect_hierarchy.ledger import ledger_statement
from connect_hierarchy_lambda.model import actions

if TYPE_CHECKING:
    # it is made of this module's statements
    from connect_hierarchy.provider import HierarchyProvider

_ID = "ConnectHierarchyPolicy"
_HASH_LENGTH = 12
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")
_INSTANCE_TYPE = "AWS::Connect::Instance"

MAX_POLICY_CHARACTERS = 10_240
"""IAM's fixed quota for all inline policies of a role together, without white space."""

_LONGEST_STACK_NAME = 128
# of a Region and a partition with long names; other ARNs here have the name of their stack as well
_LONGEST_ARN = len(
    "arn:aws-us-gov:connect:ap-southeast-2:123456789012:instance/"
    "11111111-2222-3333-4444-555555555555"
)


def instance_policy(
    construct: IConstruct, structure: IHierarchyStructure, provider: HierarchyProvider
) -> iam.Policy:
    """The policy of the construct's stack, with the structure's instance in it.

    It stands in the stack that uses it: statements on the role of a provider in another stack
    would refer from there to here, and here refers to there already.
    """
    stack = stack_of(construct)
    home = Home.of(stack)
    policies = home.register.policies
    identity = instance_of(structure).identity
    key = (home.path, identity)
    if key not in policies:
        arn = _arn_in(stack, structure)
        if _is_known_early(arn, stack) and not _is_reported_only(provider.role):
            shared = home.register.shared_policies
            if home.path not in shared:
                shared[home.path] = InstancePolicy(stack, provider)
            policies[key] = shared[home.path]
        else:
            policies[key] = InstancePolicy(stack, provider, alone=identity.hash_in(stack))
        policies[key].add(arn, identity)
    return policies[key].policy


def _arn_in(stack: Stack, structure: IHierarchyStructure) -> str:
    """The instance's ARN as a policy in this stack can have it.

    The structure waits for its policy, so the policy cannot refer to the structure. From another
    stack it can, and adds no export of its own.
    """
    instance = instance_of(structure)
    nearby = instance.home.node.path == stack.node.path
    return instance.arn if nearby or not is_token(instance.arn) else structure.instance_arn


def _is_reported_only(role: iam.IRole) -> bool:
    """Whether `Role.customize_roles` writes the role's policies down instead of deploying them.

    It does so when a policy is attached, and learns of no instance that is added later.
    """
    return isinstance(role, iam.Role) and role.node.default_child is None


def _is_known_early(arn: str, stack: Stack) -> bool:
    """Whether an ARN is surely known before any group of the stack is made.

    Only then can the groups of other instances wait for a policy with this ARN in it.
    """
    if not is_token(arn):
        return True
    for token in Tokenization.reverse_string(arn).tokens:
        if isinstance(token, Reference):
            if not _is_made_early(token.target, stack):
                return False
        elif any(not name.startswith("AWS::") for name in _referred_to(stack.resolve(token))):
            return False
    return True


def _is_made_early(target: IConstruct, stack: Stack) -> bool:
    home: Stack | None = Stack.of(target)
    if home is not None and home.node.path == stack.node.path:
        return isinstance(target, CfnParameter) or (
            isinstance(target, CfnResource) and target.cfn_resource_type == _INSTANCE_TYPE
        )
    # what is nested in this stack can itself wait for groups of this one
    while home is not None and home.node.path != stack.node.path:
        home = home.nested_stack_parent
    return home is None


def _referred_to(value: Any) -> Iterator[str]:
    """The logical ids and pseudo parameters in a resolved value."""
    if isinstance(value, list):
        for item in value:
            yield from _referred_to(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Ref":
                yield item
            elif name == "Fn::GetAtt":
                yield item[0]
            else:
                yield from _referred_to(item)


class InstancePolicy:
    """The policy of a stack for several of its instances: their actions then count once.

    Its logical id comes from the instances: with others it is another resource. So when the groups
    leave an instance, the policy that allows their deletion goes in the clean-up after them, and is
    not changed before.

    Args:
        stack: The stack that uses the instances.
        provider: The function that does.
        alone: What makes the policy's construct id its own, where it is for one instance only.
    """

    def __init__(self, stack: Stack, provider: HierarchyProvider, alone: str = "") -> None:
        self._stack = stack
        self._hashes: dict[Identity, str] = {}
        self._on_instances = iam.PolicyStatement(actions=[*actions.ON_INSTANCE])
        self._on_groups = iam.PolicyStatement(actions=[*actions.ON_GROUPS])
        self._on_agents = iam.PolicyStatement(actions=[*actions.ON_AGENTS])
        statements = [self._on_instances, self._on_groups, self._on_agents]
        at_home = Stack.of(provider).node.path == stack.node.path
        if not at_home:
            statements.append(own_stack_statement())
        self._policy = iam.Policy(
            stack,
            f"{_ID}{alone}",
            statements=statements,
            # Stacks that share a role would overwrite and delete each other's under a name that is
            # made of the logical id alone.
            policy_name=(
                None if at_home and owns_role(provider) else _name_of_this_stack_only(self)
            ),
        )
        self._role = provider.role
        policies_at_synth(provider).add(self)

    @property
    def stack(self) -> Stack:
        """The stack whose instances these are."""
        return self._stack

    @property
    def instances(self) -> int:
        """How many instances the policy is about."""
        return len(self._hashes)

    @property
    def logical_id(self) -> str:
        """The policy's logical id, which depends on the instances alone."""
        hashes = ",".join(sorted(self._hashes.values()))
        return _ID + hashlib.sha256(hashes.encode()).hexdigest()[:_HASH_LENGTH]

    @property
    def characters(self) -> int:
        """How long the policy can be once it is deployed."""
        return _characters(self._stack, self._policy.document, _LONGEST_ARN)

    @property
    def policy(self) -> iam.Policy:
        """The policy itself, to depend on."""
        return self._policy

    def add(self, arn: str, identity: Identity) -> None:
        """Add an instance."""
        self._on_instances.add_resources(arn)
        self._on_groups.add_resources(f"{arn}/agent-group/*")
        self._on_agents.add_resources(f"{arn}/agent/*")
        if not self._hashes:
            # a role that was imported as immutable stays as it is: its owner gives the permissions
            self._role.attach_inline_policy(self._policy)
        self._hashes[identity] = identity.hash_in(self._stack)
        resource = cast("CfnResource", self._policy.node.default_child)
        resource.override_logical_id(self.logical_id)


@jsii.implements(IStableStringProducer)
class _LogicalIdAtSynth:
    """The logical id of a policy, once all of its instances are known."""

    def __init__(self, policy: InstancePolicy) -> None:
        self._policy = policy

    def produce(self) -> str:
        """The logical id by now."""
        return self._policy.logical_id


def _name_of_this_stack_only(policy: InstancePolicy) -> str:
    name = Lazy.string(_LogicalIdAtSynth(policy))
    return f"{name}-{Fn.select(2, Fn.split('/', Aws.STACK_ID))}"


@jsii.implements(IValidation)
class PoliciesAtSynth:
    """Checks that IAM takes all policies of the function's role.

    Args:
        stack: The provider's.
        role: The function's.
        own: What the provider itself allows.
    """

    def __init__(self, stack: Stack, role: iam.IRole, own: list[iam.PolicyDocument]) -> None:
        self._stack = stack
        self._role = role
        self._own = own
        self._of_instances: list[InstancePolicy] = []

    def add(self, policy: InstancePolicy) -> None:
        """Count this policy, too."""
        self._of_instances.append(policy)

    def validate(self) -> list[str]:
        """What is wrong; the CDK says where."""
        if not self._of_instances or _is_reported_only(self._role):
            return []
        name = self._stack.stack_name
        known = not Token.is_unresolved(name)
        longest = _LONGEST_ARN + (len(name) if known else _LONGEST_STACK_NAME)
        sizes = [policy.characters for policy in self._of_instances]
        # a deployment that adds an instance has the old policy and the new one at the same time
        characters = (
            sum(_characters(self._stack, document, longest) for document in self._documents())
            + sum(sizes)
            + max(sizes)
        )
        if characters <= MAX_POLICY_CHARACTERS:
            return []
        instances = sum(policy.instances for policy in self._of_instances)
        stacks = ", ".join(f"'{policy.stack.node.path}'" for policy in self._of_instances)
        msg = (
            f"the role of the function has policies of {characters} characters while a deployment "
            f"changes its instances, at most {MAX_POLICY_CHARACTERS} are allowed: it serves "
            f"{instances} instances in {stacks}, spread them over more stacks, each with a "
            "function of its own"
        )
        return [msg]

    def _documents(self) -> list[iam.PolicyDocument]:
        # statements that the app added by grants
        granted = self._role.node.try_find_child("DefaultPolicy")
        return [*self._own, *([granted.document] if isinstance(granted, iam.Policy) else [])]


def _characters(stack: Stack, document: iam.PolicyDocument, longest_arn: int) -> int:
    """How long a document can be once deployed; IAM does not count white space."""
    resolved = _with_stand_ins(stack.resolve(document), longest_arn)
    return len(json.dumps(resolved, separators=(",", ":")))


def _with_stand_ins(value: Any, longest_arn: int) -> Any:
    """A resolved value with a text of the longest length for each reference."""
    if isinstance(value, list):
        return [_with_stand_ins(item, longest_arn) for item in value]
    if isinstance(value, str):
        return _DYNAMIC_REFERENCE.sub("x" * longest_arn, value)
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_with_stand_ins(part, longest_arn) for part in parts)
    if value.keys() == {"Ref"} or any(name.startswith("Fn::") for name in value):
        return "x" * longest_arn
    return {name: _with_stand_ins(item, longest_arn) for name, item in value.items()}


def own_stack_statement() -> iam.PolicyStatement:
    """A look at the stack that the statement stands in, where an event alone is ambiguous."""
    return iam.PolicyStatement(
        actions=[*actions.ON_OWN_STACK],
        resources=[Aws.STACK_ID],
    )


def own_statements(log_group: logs.ILogGroup, ledger: dynamodb.ITable) -> list[iam.PolicyStatement]:
    """What the function needs whatever its instances are."""
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        ),
        ledger_statement(ledger),
        own_stack_statement(),
    ]


def network_statements() -> list[iam.PolicyStatement]:
    """As "Giving Lambda functions access to resources in an Amazon VPC" asks for them."""
    return [
        iam.PolicyStatement(
            # EC2 has no resource types for what describes
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resources=["*"],
        ),
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            # Lambda refuses less for DeleteNetworkInterface
            resources=[f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:*/*"],
        ),
    ]
