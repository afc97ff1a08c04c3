"""The function behind the custom resources: one a stack, with its role, ledger and log group."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource, Duration, ReferenceStrength, RemovalPolicy, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from connect_hierarchy.app_register import AppRegister, Home, stack_of
from connect_hierarchy.arguments import check_arguments
from connect_hierarchy.bundling import handler_code
from connect_hierarchy.ledger import check_ledger, make_ledger
from connect_hierarchy.permissions import PoliciesAtSynth, network_statements, own_statements
from connect_hierarchy.validation import located
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.properties import HANDLER, LEDGER_VARIABLE, PaceVariable

HANDLER_RUNTIME = lambda_.Runtime.PYTHON_3_13
"""The newest Python that Lambda has in every Region, by the tables of this release of the CDK."""

SERVICE_TIMEOUT_SECONDS = 3600
"""How long CloudFormation waits for an answer; more is not possible."""

_MIN_TIMEOUT_SECONDS = 60
# Lambda's quota for every function.
_MAX_TIMEOUT_SECONDS = 1800
# Every tool knows this limit, and it is enough, since work continues in further runs.
_DEFAULT_TIMEOUT_SECONDS = 900
# How long before CloudFormation's time-out a function answers in the worst case: it takes up the
# event at its maximum age and uses all of its time.
_MARGIN_SECONDS = 60
_RETRY_ATTEMPTS = 2
_MAX_PACE = 10_000
_PYTHON_3 = re.compile(r"python3\.(?P<minor>[0-9]+)")
_MIN_PYTHON_3_MINOR = 11

_ID = "ConnectHierarchyProvider"
# CloudFormation never lets the ServiceToken of a deployed resource change, so the function has the
# same logical id whatever construct creates it. The other resources derive theirs from it: Lambda
# refuses a second invoke configuration while the first exists; policies stay attached to the role;
# and ledger and logs are kept.
_LOGICAL_IDS = "ConnectHierarchyFunction"


class HierarchyProvider(Construct):
    """The Lambda function that serves the custom resources of a stack.

    The first structure or group of a stack creates one with the defaults. To tune it, create it
    before the first structure or group of the stack; they find it by themselves.

    Args:
        scope: The construct's scope.
        id: The construct's id in that scope.
        role: The function's role. By default, one with inline statements on its log group, its
            ledger and its own stack is created. The same statements are attached to a role that
            you give, unless it was imported as immutable.
        log_group: The function's log group. By default, one is created that keeps logs for three
            months and is deleted with the stack.
        ledger: The DynamoDB table in which the function records which groups it owns. By default,
            an on-demand table with point-in-time recovery is created and deleted with the stack. A
            table of yours has the partition key `pk` and the sort key `sk`, both of type STRING,
            and is in the stack's account and Region. If it is encrypted with a key of yours, allow
            the function's role to use that key.
        timeout: How long one run of the function may take, 60 to 1,800 seconds; 900 by default.
            Longer work continues in further runs. Some tools accept at most 900.
        memory_size: Memory in MiB. The function needs less than 128; the default of 256 has a
            larger share of a processor, which shortens its start.
        runtime: A Python runtime, 3.11 or newer.
        vpc: The network to run in. It needs a way to Amazon Connect, CloudFormation, DynamoDB,
            Lambda and S3. The role then also gets the permissions for network interfaces that
            Lambda requires; EC2 allows the reading ones on all resources only.
        vpc_subnets: The subnets of `vpc`; the private ones by default.
        allow_public_subnet: Let the function run in public subnets, where it has no way to the
            internet, so `vpc` needs endpoints for all services above. False by default.
        security_groups: Security groups in `vpc`; one is created by default.
        requests_per_second: How many requests a second Amazon Connect accepts of each hierarchy
            API in your account and Region: the service quota, 2 by default. The function keeps to
            this rate.
        burst: How many of these requests it accepts at once; 5 by default.

    Raises:
        ValueError: If the stack has another provider, or for an invalid `ledger`, `timeout`,
            `runtime`, `vpc_subnets`, `requests_per_second` or `burst`.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        role: iam.IRole | None = None,
        log_group: logs.ILogGroup | None = None,
        ledger: dynamodb.ITable | None = None,
        timeout: Duration | None = None,
        memory_size: int = 256,
        runtime: lambda_.Runtime = HANDLER_RUNTIME,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        allow_public_subnet: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        requests_per_second: float | None = None,
        burst: float | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            _check_runtime(runtime)
            pace = _checked_pace(requests_per_second, burst)
            seconds = _DEFAULT_TIMEOUT_SECONDS if timeout is None else _checked_seconds(timeout)
            if vpc is not None and not allow_public_subnet:
                _check_subnets(vpc, vpc_subnets)
            if ledger is not None:
                check_ledger(ledger, Stack.of(self))
        _register(self)
        self._log_group = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._ledger = ledger or make_ledger(self)
        self._owns_role = role is None
        policies: list[iam.Policy] = []
        own = iam.PolicyDocument(statements=own_statements(self._log_group, self._ledger))
        documents = [own]
        if role is None:
            self._role: iam.IRole = _make_role(self, own)
        else:
            self._role = role
            policies.append(_attach(self, "RolePolicy", role, own))
        if vpc is not None:
            network = iam.PolicyDocument(statements=network_statements())
            documents.append(network)
            policies.append(_attach(self, "NetworkPolicy", self._role, network))
        self._policies_at_synth = PoliciesAtSynth(Stack.of(self), self._role, documents)
        self.node.add_validation(self._policies_at_synth)
        self._function = lambda_.Function(
            self,
            "Function",
            description="Agent hierarchies of Amazon Connect, for the custom resources of a stack",
            code=handler_code(runtime),
            handler=HANDLER,
            runtime=runtime,
            role=self._role,
            log_group=self._log_group,
            timeout=Duration.seconds(seconds),
            memory_size=memory_size,
            retry_attempts=_RETRY_ATTEMPTS,
            max_event_age=Duration.seconds(_max_event_age_seconds(seconds)),
            # work that takes longer than one run continues in another, within CloudFormation's hour
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            allow_public_subnet=allow_public_subnet,
            security_groups=security_groups,
            environment={LEDGER_VARIABLE: self._ledger.table_name, **pace},
        )
        # Lambda checks the role's network permissions when it creates the function, so the role's
        # policies are deployed before the function and deleted after it.
        self._function.node.add_dependency(*policies)
        invoke_config = self._function.node.find_child("EventInvokeConfig")
        _override_logical_id(self._function, _LOGICAL_IDS)
        _override_logical_id(invoke_config, f"{_LOGICAL_IDS}InvokeConfig")
        if role is None:
            _override_logical_id(self._role, f"{_LOGICAL_IDS}Role")
        if log_group is None:
            _override_logical_id(self._log_group, f"{_LOGICAL_IDS}Logs")
        if ledger is None:
            _override_logical_id(self._ledger, f"{_LOGICAL_IDS}Ledger")
        # On the function rather than on the role: the function waits for the role's policies.
        self._function.add_permission(
            "FurtherRuns", principal=iam.ArnPrincipal(self._role.role_arn)
        )
        further_runs = self._function.node.find_child("FurtherRuns")
        # a stack whose function is deleted before its resources could not be deleted
        self._function.apply_cross_stack_reference_strength(ReferenceStrength.STRONG)
        self._service_token = self._function.function_arn
        self._ready: tuple[IConstruct, ...] = (invoke_config, further_runs)

    @classmethod
    @check_arguments
    def get_or_create(cls, scope: IConstruct) -> HierarchyProvider:
        """Give the provider of the stack around `scope`; create one if there is none.

        Args:
            scope: A construct in the stack, or the stack.
        """
        stack = stack_of(scope)
        home = Home.of(stack)
        return home.register.providers.get(home.path) or cls(stack, _ID)

    @property
    def function(self) -> lambda_.Function:
        """The function, for example for alarms."""
        return self._function

    @property
    def role(self) -> iam.IRole:
        """The function's role. Each stack that uses it attaches a policy for its instances."""
        return self._role

    @property
    def log_group(self) -> logs.ILogGroup:
        """The function's log group."""
        return self._log_group

    @property
    def ledger(self) -> dynamodb.ITable:
        """The table in which the function records which groups it owns, for example for alarms."""
        return self._ledger

    @property
    def service_token(self) -> str:
        """What CloudFormation calls for a custom resource: the ARN of the function."""
        return self._service_token


def provider_for(
    construct: IConstruct, wanted: HierarchyProvider | None = None
) -> HierarchyProvider:
    """The provider for a custom resource: `wanted`, or the one of its stack.

    Raises:
        InvalidHierarchyError: If the stack uses another one than `wanted`, or cannot use it.
    """
    if wanted is None:
        return HierarchyProvider.get_or_create(construct)
    stack, home = Stack.of(construct), Stack.of(wanted)
    providers = AppRegister.of(construct).providers
    current = providers.get(stack.node.path)
    if current is not None and current is not wanted:
        msg = (
            f"provider is '{wanted.node.path}', the stack '{stack.node.path}' already uses "
            f"'{current.node.path}', one is allowed in a stack: pass the same to all, and make it "
            "before the first structure or group of the stack"
        )
        raise InvalidHierarchyError(msg)
    for what, here, there in (
        ("account", stack.account, home.account),
        ("Region", stack.region, home.region),
    ):
        if here != there and not Token.is_unresolved(here) and not Token.is_unresolved(there):
            msg = (
                f"provider '{wanted.node.path}' is in {what} {there}, the stack in {here}, the "
                "same is needed: make a HierarchyProvider in this stack"
            )
            raise InvalidHierarchyError(msg)
    providers[stack.node.path] = wanted
    return wanted


def _register(provider: HierarchyProvider) -> None:
    stack = Stack.of(provider)
    providers = AppRegister.of(provider).providers
    current = providers.get(stack.node.path)
    if current is not None:
        msg = (
            f"{provider.node.path}: the stack '{stack.node.path}' already uses the provider "
            f"'{current.node.path}', one is allowed in a stack: give that one the options, or make "
            "this one before the first structure or group of the stack"
        )
        raise InvalidHierarchyError(msg)
    providers[stack.node.path] = provider


def _check_runtime(runtime: lambda_.Runtime) -> None:
    version = _PYTHON_3.fullmatch(runtime.name)
    known = not Token.is_unresolved(runtime.name)
    if known and (version is None or int(version["minor"]) < _MIN_PYTHON_3_MINOR):
        msg = (
            f"runtime is {runtime.name}, the handlers need Python 3.{_MIN_PYTHON_3_MINOR} or "
            "newer: leave it out for the one that they are made for"
        )
        raise InvalidHierarchyError(msg)


def _check_subnets(vpc: ec2.IVpc, wanted: ec2.SubnetSelection | Mapping[str, Any] | None) -> None:
    # the CDK accepts a mapping in place of its structs
    chosen = ec2.SubnetSelection(**wanted) if isinstance(wanted, Mapping) else wanted
    chosen = chosen or ec2.SubnetSelection()
    selected = vpc.select_subnets(
        availability_zones=chosen.availability_zones,
        one_per_az=chosen.one_per_az,
        subnet_filters=chosen.subnet_filters,
        subnet_group_name=chosen.subnet_group_name,
        subnets=chosen.subnets,
        subnet_type=chosen.subnet_type,
    )
    if selected.has_public:
        msg = (
            f"the subnets of vpc '{vpc.node.path}' are public, where a function has no way to the "
            "internet: choose private ones with vpc_subnets, or set allow_public_subnet=True if "
            "the network has endpoints for Amazon Connect, CloudFormation, DynamoDB, Lambda and S3"
        )
        raise InvalidHierarchyError(msg)


def _checked_seconds(timeout: Duration) -> float:
    if timeout.is_unresolved():
        msg = "timeout is a token, it must be known at synth: use Duration.seconds(900)"
        raise InvalidHierarchyError(msg)
    seconds = timeout.to_seconds()
    if not _MIN_TIMEOUT_SECONDS <= seconds <= _MAX_TIMEOUT_SECONDS:
        msg = (
            f"timeout is {seconds:g} seconds, {_MIN_TIMEOUT_SECONDS} to {_MAX_TIMEOUT_SECONDS} "
            f"are allowed: leave it out for {_DEFAULT_TIMEOUT_SECONDS}"
        )
        raise InvalidHierarchyError(msg)
    return seconds


def _checked_pace(requests_per_second: float | None, burst: float | None) -> dict[str, str]:
    """The function's environment variables about its pace; none by default."""
    wanted = {
        PaceVariable.REQUESTS_PER_SECOND: ("requests_per_second", requests_per_second),
        PaceVariable.BURST: ("burst", burst),
    }
    variables = {}
    for variable, (name, value) in wanted.items():
        if value is None:
            continue
        if not 0 < value <= _MAX_PACE:
            msg = (
                f"{name} is {value:g}, more than 0 and at most {_MAX_PACE} are allowed: give the "
                "service quota of your account, or leave it out for the default"
            )
            raise InvalidHierarchyError(msg)
        variables[variable.value] = f"{value:g}"
    return variables


def _max_event_age_seconds(timeout_seconds: float) -> float:
    return SERVICE_TIMEOUT_SECONDS - timeout_seconds - _MARGIN_SECONDS


def _make_role(scope: Construct, document: iam.PolicyDocument) -> iam.Role:
    return iam.Role(
        scope,
        "Role",
        description="Of the function for agent hierarchies of Amazon Connect",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"Function": document},
    )


def _attach(
    scope: Construct,
    id: str,  # noqa: A002 - the CDK's name for it
    role: iam.IRole,
    document: iam.PolicyDocument,
) -> iam.Policy:
    policy = iam.Policy(scope, id, document=document)
    role.attach_inline_policy(policy)
    return policy


def _override_logical_id(construct: IConstruct, logical_id: str) -> None:
    resource = construct.node.default_child
    # with `Role.customize_roles`, a role is no resource
    if isinstance(resource, CfnResource):
        resource.override_logical_id(logical_id)
