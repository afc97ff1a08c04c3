"""The function behind the custom resources: one a stack, with its role and its log group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from aws_cdk import Aws, CfnResource, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from connect_hierarchy.app_register import AppRegister, Home, stack_of
from connect_hierarchy.arguments import check_arguments
from connect_hierarchy.bundling import handler_code
from connect_hierarchy.validation import located
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.properties import HANDLER, PaceVariable

HANDLER_RUNTIME = lambda_.Runtime.PYTHON_3_13
"""The newest Python that Lambda has in every Region, by the tables of this release of the CDK."""

SERVICE_TIMEOUT_SECONDS = 3600
"""So long CloudFormation waits for an answer; more is not possible."""

_MIN_TIMEOUT_SECONDS = 60
_MAX_TIMEOUT_SECONDS = 900
# An event that is picked up at its maximum age, by a function that uses all of its time, still
# answers so long before CloudFormation gives up.
_MARGIN_SECONDS = 60
_RETRY_ATTEMPTS = 2
_MAX_PACE = 10_000
_PYTHON_3 = re.compile(r"python3\.(?P<minor>[0-9]+)")
_MIN_PYTHON_3_MINOR = 11

_ID = "ConnectHierarchyProvider"
# CloudFormation never lets the ServiceToken of a deployed resource change. So the function keeps
# its logical id whatever construct makes it. The others have one made of it: the settings for
# invocations, since Lambda refuses second ones while the first are there; role and log group, so
# that policies stay attached and logs stay in one place.
_LOGICAL_IDS = "ConnectHierarchyFunction"


class HierarchyProvider(Construct):
    """The Lambda function that serves the custom resources of a stack.

    One is made by itself with the first structure or group of a stack. Who wants to tune it makes
    it before that, and need not pass it on: the stack's structures and groups find it.

    Args:
        scope: Where the construct stands.
        id: Its id there.
        role: The function's role. Made if not given, with no more than inline statements on its
            log group and on its own stack. What is needed is attached to a given one, too, unless
            it was imported as immutable.
        log_group: Where the function logs. Made if not given, kept for three months and deleted
            with the stack.
        timeout: How long one run of the function may take, 60 to 900 seconds. What takes longer
            goes on in further runs.
        memory_size: MiB. The handlers fit into 128 with boto3 loaded; the default is 256 for the
            share of a processor that comes with it, since most of a run is the start.
        runtime: A Python runtime, 3.11 or newer.
        vpc: The network to run in; it must lead to Amazon Connect, CloudFormation and S3. The
            function then also gets the permissions for network interfaces that Lambda demands of
            its role, the reading ones among them on all resources, since EC2 knows no others.
        vpc_subnets: Where in `vpc`.
        security_groups: With what in `vpc`. One is made if not given.
        requests_per_second: How many requests a second Amazon Connect takes of each API about
            hierarchies in your account and Region. 2 if not given, as long as nobody has raised
            the quota; the function then takes care not to be refused.
        burst: How many of them it takes at once. 5 if not given.

    Raises:
        ValueError: If the stack has another provider, or `timeout`, `runtime`,
            `requests_per_second` or `burst` cannot be.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        role: iam.IRole | None = None,
        log_group: logs.ILogGroup | None = None,
        timeout: Duration | None = None,
        memory_size: int = 256,
        runtime: lambda_.Runtime = HANDLER_RUNTIME,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        requests_per_second: float | None = None,
        burst: float | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            _check_runtime(runtime)
            pace = _checked_pace(requests_per_second, burst)
            seconds = _MAX_TIMEOUT_SECONDS if timeout is None else _checked_seconds(timeout)
        _register(self)
        self._log_group = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._owns_role = role is None
        policies: list[iam.Policy] = []
        if role is None:
            self._role: iam.IRole = _make_role(self, self._log_group)
        else:
            self._role = role
            policies.append(
                _attach(self, "RolePolicy", role, _own_statements(self._log_group)),
            )
        if vpc is not None:
            policies.append(_attach(self, "NetworkPolicy", self._role, _network_statements()))
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
            # what takes longer than one run goes on in another, within CloudFormation's hour
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            environment=pace or None,
        )
        # Lambda looks at the role's network permissions when it makes the function
        self._function.node.add_dependency(*policies)
        invoke_config = self._function.node.find_child("EventInvokeConfig")
        _override_logical_id(self._function, _LOGICAL_IDS)
        _override_logical_id(invoke_config, f"{_LOGICAL_IDS}InvokeConfig")
        if role is None:
            _override_logical_id(self._role, f"{_LOGICAL_IDS}Role")
        if log_group is None:
            _override_logical_id(self._log_group, f"{_LOGICAL_IDS}Logs")
        # On the function and not on the role, whose policies the function waits for.
        self._function.add_permission(
            "FurtherRuns", principal=iam.ArnPrincipal(self._role.role_arn)
        )
        further_runs = self._function.node.find_child("FurtherRuns")
        self._service_token = self._function.function_arn
        self._ready: tuple[IConstruct, ...] = (invoke_config, further_runs)

    @classmethod
    @check_arguments
    def get_or_create(cls, scope: IConstruct) -> HierarchyProvider:
        """The provider that the stack around `scope` uses, made with the defaults if it has none.

        Args:
            scope: A construct in the stack, or the stack.
        """
        stack = stack_of(scope)
        home = Home.of(stack)
        return home.register.providers.get(home.path) or cls(stack, _ID)

    @property
    def function(self) -> lambda_.Function:
        """The function, for alarms and the like."""
        return self._function

    @property
    def role(self) -> iam.IRole:
        """The function's role; a policy for each instance is attached where it is used."""
        return self._role

    @property
    def log_group(self) -> logs.ILogGroup:
        """Where the function logs."""
        return self._log_group

    @property
    def service_token(self) -> str:
        """What CloudFormation calls for a custom resource: the ARN of the function."""
        return self._service_token


def provider_for(
    construct: IConstruct, wanted: HierarchyProvider | None = None
) -> HierarchyProvider:
    """The provider for a custom resource: the one of its stack, which `wanted` can make another's.

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


def own_stack_statement() -> iam.PolicyStatement:
    """A look at the stack that the statement stands in, where an event alone is ambiguous."""
    return iam.PolicyStatement(
        actions=[
            "cloudformation:DescribeStackResource",
            "cloudformation:DescribeStacks",
            "cloudformation:GetTemplate",
            "cloudformation:ListStackResources",
        ],
        resources=[Aws.STACK_ID],
    )


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


def _checked_seconds(timeout: Duration) -> float:
    if timeout.is_unresolved():
        msg = "timeout is a token, it must be known at synth: use Duration.seconds(900)"
        raise InvalidHierarchyError(msg)
    seconds = timeout.to_seconds()
    if not _MIN_TIMEOUT_SECONDS <= seconds <= _MAX_TIMEOUT_SECONDS:
        msg = (
            f"timeout is {seconds:g} seconds, {_MIN_TIMEOUT_SECONDS} to {_MAX_TIMEOUT_SECONDS} "
            "are allowed: leave it out for the longest"
        )
        raise InvalidHierarchyError(msg)
    return seconds


def _checked_pace(requests_per_second: float | None, burst: float | None) -> dict[str, str]:
    """The function's variables about its pace, none where nothing is given."""
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


def _make_role(scope: Construct, log_group: logs.ILogGroup) -> iam.Role:
    return iam.Role(
        scope,
        "Role",
        description="Of the function for agent hierarchies of Amazon Connect",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={
            "Function": iam.PolicyDocument(statements=_own_statements(log_group)),
        },
    )


def _own_statements(log_group: logs.ILogGroup) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        ),
        own_stack_statement(),
    ]


def _network_statements() -> list[iam.PolicyStatement]:
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


def _attach(
    scope: Construct,
    id: str,  # noqa: A002 - the CDK's name for it
    role: iam.IRole,
    statements: list[iam.PolicyStatement],
) -> iam.Policy:
    policy = iam.Policy(scope, id, statements=statements)
    role.attach_inline_policy(policy)
    return policy


def _override_logical_id(construct: IConstruct, logical_id: str) -> None:
    cast("CfnResource", construct.node.default_child).override_logical_id(logical_id)
