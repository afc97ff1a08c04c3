"""IAM's decision on a call, by the policies that a synthesised template gives the function's role.

It knows what these policies use and nothing more: an element that it does not know is an error,
since ignoring one could turn a refusal into a permission. Source of the rules: "Policy evaluation
logic" and "IAM JSON policy elements" of the IAM user guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from aws_cdk import CfnParameter, Stack
from aws_cdk.assertions import Template as Synthesised

from connect_hierarchy import HierarchyStructure
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.model.properties import LedgerKey
from connect_hierarchy_lambda.ports.dynamodb_ledger import DynamoDbLedger
from local_aws.cloudformation.template import ResourceDeclaration, Scope, Template, as_text
from local_aws.in_process import InProcessAws
from tests.support.constructs_fixtures import new_app
from tests.support.stacks import Site

Grant = tuple[str, str]
"""An action and a resource as a policy writes them, wildcards included."""

_VERSION = "2012-10-17"
_STATEMENT_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource"}
_PERMISSION_PROPERTIES = {"Action", "FunctionName", "Principal", "SourceArn"}
_ARN_SEGMENTS = 6
_MAY_NOT_ATTACH = ("AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


class UnknownPolicyError(Exception):
    """A policy says something that this evaluation does not know."""


@lru_cache(maxsize=4096)
def _pattern(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """A wildcard pattern of IAM: `*` for any characters, `?` for any one."""
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character, re.escape(character)) for character in text)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _segments(arn: str) -> list[str]:
    return arn.split(":", _ARN_SEGMENTS - 1)


class _Resource:
    """The pattern of a Resource element; a wildcard ends at the colons before the last part."""

    def __init__(self, text: str) -> None:
        self.text = text
        if "${" in text:
            msg = f"policy variables are not known here: {text}"
            raise UnknownPolicyError(msg)
        segments = _segments(text)
        if text != "*" and (len(segments) != _ARN_SEGMENTS or segments[0] != "arn"):
            msg = f"neither an ARN nor '*': {text}"
            raise UnknownPolicyError(msg)
        self._patterns = [_pattern(segment) for segment in segments]

    def matches(self, arn: str) -> bool:
        """Whether a request about this ARN is meant."""
        if self.text == "*":
            return True
        segments = _segments(arn)
        return len(segments) == _ARN_SEGMENTS and all(
            pattern.fullmatch(segment)
            for pattern, segment in zip(self._patterns, segments, strict=True)
        )


@dataclass(frozen=True)
class Statement:
    """One statement of an identity-based policy, with its patterns compiled."""

    allows: bool
    actions: tuple[str, ...]
    is_not_action: bool
    resources: tuple[_Resource, ...]

    @classmethod
    def parse(cls, statement: Mapping[str, Any]) -> Statement:
        """Take a statement apart; UnknownPolicyError where something in it is not known."""
        unknown = statement.keys() - _STATEMENT_ELEMENTS
        effect = statement.get("Effect")
        named = [name for name in ("Action", "NotAction") if name in statement]
        if unknown or effect not in {"Allow", "Deny"} or len(named) != 1:
            msg = f"not known here: {sorted(unknown)} in {json.dumps(statement)}"
            raise UnknownPolicyError(msg)
        actions = _texts(statement[named[0]])
        resources = _texts(statement.get("Resource"))
        return cls(
            effect == "Allow", actions, named == ["NotAction"], tuple(map(_Resource, resources))
        )

    def grants(self, action: str, resource: str) -> Iterator[Grant]:
        """Every pair of this statement that is about the request."""
        named = [
            pattern
            for pattern in self.actions
            if _pattern(pattern, ignore_case=True).fullmatch(action)
        ]
        if self.is_not_action:
            named = [] if named else [f"not {', '.join(self.actions)}"]
        for pattern in self.resources if named else ():
            if pattern.matches(resource):
                yield from ((name, pattern.text) for name in named)


def _texts(value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        msg = f"neither a text nor a list of texts: {json.dumps(value)}"
        raise UnknownPolicyError(msg)
    return tuple(texts)


def statements_of(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document whose intrinsic functions are resolved."""
    if document.get("Version") != _VERSION or document.keys() - {"Version", "Id", "Statement"}:
        msg = f"not a policy document of version {_VERSION}: {json.dumps(document)}"
        raise UnknownPolicyError(msg)
    statements = document.get("Statement")
    listed: list[Any] = statements if isinstance(statements, list) else [statements]
    if not listed or not all(isinstance(statement, Mapping) for statement in listed):
        msg = f"not a policy document with statements: {json.dumps(document)}"
        raise UnknownPolicyError(msg)
    return [Statement.parse(statement) for statement in listed]


class Evaluator:
    """What the statements of one role allow, and what of it was used."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._statements = tuple(statements)
        self.used: set[Grant] = set()
        """The grants that allowed something so far."""

        self.denied: list[tuple[str, str]] = []
        """The requests that were refused so far, as action and resource."""

    def allows(self, action: str, resource: str) -> bool:
        """Whether IAM lets the role do this: something allows it, and nothing denies it."""
        allowing: list[Grant] = []
        for statement in self._statements:
            for grant in statement.grants(action, resource):
                if not statement.allows:
                    self.denied.append((action, resource))
                    return False
                allowing.append(grant)
        if not allowing:
            self.denied.append((action, resource))
            return False
        self.used.update(allowing)
        return True

    @property
    def granted(self) -> frozenset[Grant]:
        """Every pair of action and resource that a statement allows."""
        return frozenset(
            (action, resource.text)
            for statement in self._statements
            if statement.allows
            for action in statement.actions
            for resource in statement.resources
        )


@dataclass(frozen=True)
class _Deployed:
    """What a template's references resolve to, once it is deployed."""

    template: Template
    instance_arn: str
    function_arn: str
    stack_id: str

    def scope(self) -> Scope:
        _, partition, _, region, account, _ = _segments(self.function_arn)
        return Scope(
            self.template,
            {
                name: self.instance_arn if name == "InstanceArn" else parameter.get("Default", "")
                for name, parameter in self.template.section("Parameters").items()
            },
            {
                "AWS::Partition": partition,
                "AWS::Region": region,
                "AWS::AccountId": account,
                "AWS::StackId": self.stack_id,
                "AWS::StackName": self._stack_name,
                "AWS::URLSuffix": "amazonaws.com",
            },
            ref=lambda name: f"{self._stack_name}-{name}",
            attribute=self.attribute,
            import_value=self._import_value,
        )

    @property
    def _stack_name(self) -> str:
        return self.stack_id.split(":stack/", 1)[-1].split("/", 1)[0]

    def attribute(self, name: str, attribute: str) -> str:
        """What Fn::GetAtt gives of those resources that policies are about."""
        _, partition, _, region, account, _ = _segments(self.function_arn)
        kind = self.template.resources[name].type
        known = {
            ("AWS::Connect::Instance", "Arn"): self.instance_arn,
            ("Custom::ConnectHierarchyStructure", "InstanceArn"): self.instance_arn,
            ("AWS::Lambda::Function", "Arn"): self.function_arn,
            ("AWS::IAM::Role", "Arn"): (
                f"arn:{partition}:iam::{account}:role/{self._stack_name}-{name}"
            ),
            ("AWS::DynamoDB::Table", "Arn"): (
                f"arn:{partition}:dynamodb:{region}:{account}:table/{self._stack_name}-{name}"
            ),
            ("AWS::Logs::LogGroup", "Arn"): (
                f"arn:{partition}:logs:{region}:{account}:log-group:{self._stack_name}-{name}:*"
            ),
        }
        if (kind, attribute) not in known:
            msg = f"{attribute} of {kind} is not known here"
            raise UnknownPolicyError(msg)
        return known[(kind, attribute)]

    @staticmethod
    def _import_value(name: Any) -> str:
        msg = f"exports are not known here: {name}"
        raise UnknownPolicyError(msg)


def role_of(
    template: Template,
    *,
    instance_arn: str,
    function_arn: str,
    stack_id: str,
    function: str = "ConnectHierarchyFunction",
) -> Evaluator:
    """What the role of a template's function may do, once the template is deployed.

    Args:
        template: As it was synthesised, with the function, its role and all its policies.
        instance_arn: What the template's instance is, or its parameter `InstanceArn`.
        function_arn: What the function is; its account and Region are those of all that is made.
        stack_id: The stack's ARN.
        function: Logical id of the function.

    Raises:
        UnknownPolicyError: If a policy says something that this evaluation does not know.
    """
    deployed = _Deployed(template, instance_arn, function_arn, stack_id)
    resolve = deployed.scope().resolve
    resources = template.resources
    role_arn = resolve(resources[function].properties["Role"])
    roles = {
        name
        for name, resource in resources.items()
        if resource.type == "AWS::IAM::Role" and deployed.attribute(name, "Arn") == role_arn
    }
    if len(roles) != 1:
        msg = f"the role of {function} is not in the template"
        raise UnknownPolicyError(msg)
    (role,) = roles
    return Evaluator(
        [
            *_inline_statements(resources[role], resolve),
            *_attached_statements(resources.values(), {"Ref": role}, resolve),
            *_permissions(resources.values(), role_arn, resolve),
        ]
    )


def _inline_statements(
    role: ResourceDeclaration, resolve: Callable[[Any], Any]
) -> Iterator[Statement]:
    for name in ("ManagedPolicyArns", "PermissionsBoundary"):
        if role.properties.get(name):
            msg = f"{name} are not known here: {role.properties[name]}"
            raise UnknownPolicyError(msg)
    for policy in role.properties.get("Policies", []):
        yield from statements_of(resolve(policy["PolicyDocument"]))


def _attached_statements(
    resources: Iterable[ResourceDeclaration], role: Any, resolve: Callable[[Any], Any]
) -> Iterator[Statement]:
    for resource in resources:
        if resource.type in _MAY_NOT_ATTACH:
            msg = f"{resource.type} is not known here: {resource.logical_id}"
            raise UnknownPolicyError(msg)
        if resource.type == "AWS::IAM::Policy" and role in resource.properties.get("Roles", []):
            yield from statements_of(resolve(resource.properties["PolicyDocument"]))


def _permissions(
    resources: Iterable[ResourceDeclaration], role_arn: str, resolve: Callable[[Any], Any]
) -> Iterator[Statement]:
    """What policies of functions allow the role, which in its own account is enough."""
    for resource in resources:
        if resource.type != "AWS::Lambda::Permission":
            continue
        permission = resolve(dict(resource.properties))
        unknown = permission.keys() - _PERMISSION_PROPERTIES
        if unknown:
            msg = f"not known here: {sorted(unknown)} of {resource.logical_id}"
            raise UnknownPolicyError(msg)
        if permission["Principal"] == role_arn:
            function = as_text(permission["FunctionName"])
            yield Statement(
                allows=True,
                actions=(permission["Action"],),
                is_not_action=False,
                resources=(_Resource(function),),
            )


@cache
def template_of_one_group() -> Template:
    """What an app synthesises that has one group on the instance of its parameter `InstanceArn`."""
    stack = Stack(new_app(), "Site")
    instance_arn = CfnParameter(stack, "InstanceArn").value_as_string
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=instance_arn, levels=["Division"]
    )
    structure.add_group("Group", name="Group")
    return Template.parse(json.dumps(Synthesised.from_stack(stack).to_json()))


class SiteWithTables(Site):
    """A site where each stack has a table for its ledger, named as `Guard` expects it."""

    def ledger_of(self, stack_id: str) -> Any:
        """The ledger in the stack's table, which is made at first need."""
        stack = stack_name_and_uuid(stack_id)
        table = f"{stack.split('/', 1)[0]}-ConnectHierarchyFunctionLedger"
        if table not in self.dynamodb.perform("ListTables")["TableNames"]:
            self.dynamodb.perform(
                "CreateTable",
                TableName=table,
                KeySchema=[
                    {"AttributeName": LedgerKey.PARTITION.value, "KeyType": "HASH"},
                    {"AttributeName": LedgerKey.SORT.value, "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": key.value, "AttributeType": "S"} for key in LedgerKey
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        return DynamoDbLedger(self.client("dynamodb"), table, stack)


class Guard:
    """IAM for the functions of an in-process AWS: each call is decided by its stack's policies.

    Those are the ones of `template_of_one_group`, which are the same for every app with these
    instances.

    Args:
        aws: What is guarded, from now on. What others than a function call stays allowed.
        instance_arns: Of the instances that stacks are about.
    """

    def __init__(self, aws: InProcessAws, *instance_arns: str) -> None:
        self._aws = aws
        self._instance_arns = instance_arns
        self._evaluators: dict[str, list[Evaluator]] = {}
        self.denied: list[tuple[str, str, str]] = []
        """Stack, action and resource of every refused call."""

        self.actions: set[str] = set()
        """The actions that were allowed to calls."""

        aws.authorize = self
        aws.connect.settings.authorize = self
        aws.dynamodb.settings.authorize = self

    def __call__(self, principal: str | None, action: str, resource: str) -> bool:
        """Decide, as `ConnectSettings.authorize` is asked."""
        del principal  # the local Connect knows an access key only, the same for all stacks
        stack_id = self._aws.served_stack_id
        if stack_id is None:
            return True
        if stack_id not in self._evaluators:
            self._evaluators[stack_id] = self._of_stack(stack_id)
        if not any(one.allows(action, resource) for one in self._evaluators[stack_id]):
            self.denied.append((stack_id, action, resource))
            return False
        self.actions.add(action)
        return True

    @property
    def used(self) -> set[tuple[str, str]]:
        """The actions that were used, each with the kind of resource that it was granted on."""
        return {
            _kind_of(grant)
            for evaluators in self._evaluators.values()
            for one in evaluators
            for grant in one.used
        }

    @property
    def unused(self) -> set[tuple[str, str]]:
        """As `used`: what the policies grant and no call needed."""
        granted = {
            _kind_of(grant)
            for evaluators in self._evaluators.values()
            for one in evaluators
            for grant in one.granted
        }
        return granted - self.used

    def _of_stack(self, stack_id: str) -> list[Evaluator]:
        return [
            role_of(
                template_of_one_group(),
                instance_arn=instance_arn,
                function_arn=self._aws.function_arn,
                stack_id=stack_id,
            )
            for instance_arn in self._instance_arns
        ]


def _kind_of(grant: Grant) -> tuple[str, str]:
    """The action, and what kind of thing the resource is, without what names the one."""
    action, resource = grant
    kind, *path = re.split("[/:]", _segments(resource)[-1])
    return action, path[1] if kind == "instance" and path[1:] else kind
