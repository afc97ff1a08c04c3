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
# Of every function, by Lambda's own quota.
_MAX_TIMEOUT_SECONDS = 1800
# What the tools around Lambda have known for longest, and enough: work goes on in further runs.
_DEFAULT_TIMEOUT_SECONDS = 900
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
# that policies stay attached, and the ledger and the logs stay in one place.
_LOGICAL_IDS = "ConnectHierarchyFunction"


class HierarchyProvider(Construct):
    """The Lambda function that serves the custom resources of a stack.

    One is made by itself with the first structure or group of a stack. To tune it, create it before
    the first structure or group of the stack; they find it by themselves.

    Args:
        scope: Where the construct stands.
        id: Its id there.
        role: The function's role. Made if not given, with no more than inline statements on its
            log group, on its ledger and on its own stack. What is needed is attached to a given
            one, too, unless it was imported as immutable.
        log_group: Where the function logs. Made if not given, kept for three months and deleted
            with the stack.
        ledger: The DynamoDB table in which the function writes down which groups it owns. Made if
            not given, on demand, with point-in-time recovery, and deleted with the stack. One of
            yours has the partition key `pk` and the sort key `sk`, both of type STRING, and is in
            the stack's account and Region. If it is encrypted with a key of yours, allow the
            function's role to use that key.
        timeout: How long one run of the function may take, 60 to 1,800 seconds, 900 if not given.
            What takes longer goes on in further runs. Not every tool knows of more than 900.
        memory_size: MiB. The handlers fit into 128 with boto3 loaded; the default is 256 for the
            share of a processor that comes with it, since most of a run is the start.
        runtime: A Python runtime, 3.11 or newer.
        vpc: The network to run in; it must lead to Amazon Connect, CloudFormation, DynamoDB, Lambda
            and S3. The function then also gets the permissions for network interfaces that Lambda
            demands of its role, the reading ones among them on all resources, since EC2 knows no
            others.
        vpc_subnets: Where in `vpc`. The private subnets if not given.
        allow_public_subnet: Let the function run in public subnets, where it has no way to the
            internet: `vpc` needs endpoints for all that it calls. False by default.
        security_groups: With what in `vpc`. One is made if not given.
        requests_per_second: How many requests a second Amazon Connect takes of each API about
            hierarchies in your account and Region. 2 if not given, as long as nobody has raised
            the quota; the function then takes care not to be refused.
        burst: How many of them it takes at once. 5 if not given.

    Raises:
        ValueError: If the stack has another provider, or `ledger`, `timeout`, `runtime`,
            `vpc_subnets`, `requests_per_second` or `burst` cannot be.
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
            # what takes longer than one run goes on in another, within CloudFormation's hour
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            allow_public_subnet=allow_public_subnet,
            security_groups=security_groups,
            environment={LEDGER_VARIABLE: self._ledger.table_name, **pace},
        )
        # Lambda looks at the role's network permissions when it makes the function. What the role
        # has of its own comes before the function and goes after it, and so do the custom
        # resources, which refer to the function.
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
        # On the function and not on the role, whose policies the function waits for.
        self._function.add_permission(
            "FurtherRuns", principal=iam.ArnPrincipal(self._role.role_arn)
        )
        further_runs = self._function.node.find_child("FurtherRuns")
        # a stack whose function went before its resources could not be deleted any more
        self._function.apply_cross_stack_reference_strength(ReferenceStrength.STRONG)
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
        """The function's role; each stack that uses it attaches a policy for its instances."""
        return self._role

    @property
    def log_group(self) -> logs.ILogGroup:
        """Where the function logs."""
        return self._log_group

    @property
    def ledger(self) -> dynamodb.ITable:
        """Where the function writes down which groups it owns, for alarms and the like."""
        return self._ledger

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
    # a mapping will do for it, as everywhere in the CDK
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
    # a role that `Role.customize_roles` takes the place of is no resource
    if isinstance(resource, CfnResource):
        resource.override_logical_id(logical_id)
