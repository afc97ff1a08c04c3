"""Deployed stacks: their custom resources with properties, their function, and its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.model.properties import LEDGER_VARIABLE, ResourceType
from connect_hierarchy_lambda.ports.dynamodb_ledger import DynamoDbLedger
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.pace import Rate

_SERVICE_TOKEN = "ServiceToken"  # noqa: S105 - what CloudFormation calls a function's ARN
_UNKNOWN_STACK = "ValidationError"


@dataclass(frozen=True)
class CustomResource:
    """A structure, group or tree that a stack declares."""

    logical_id: str
    type: ResourceType
    physical_id: str
    """Empty if the stack has not created it."""

    properties: Mapping[str, Any]
    """The properties in the template: references are not resolved."""


@dataclass(frozen=True)
class Function:
    """The function that serves the resources of a stack."""

    arn: str
    environment: Mapping[str, str]
    role: str = ""
    """ARN of its role."""

    runtime: str = ""
    timeout: int = 900
    """Seconds that a run may take."""

    log_group: str = ""

    @property
    def rate(self) -> Rate:
        """The requests that it assumes the account's APIs take."""
        return Rate.of(self.environment)


class DeployedStack:
    """A stack that has resources of this library; everything is read when first needed.

    Args:
        session: The session of the stack's Region.
        stack_id: Its ARN.
        name: Its name.
        status: Its status, such as `UPDATE_COMPLETE`.
    """

    def __init__(self, session: Session, stack_id: str, name: str, status: str) -> None:
        self.session = session
        self.id = stack_id
        self.name = name
        self.status = status

    @property
    def owner(self) -> str:
        """The value of the owner tag of its groups: `<name>/<uuid>`."""
        return stack_name_and_uuid(self.id)

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The template, whole."""
        client = self.session.client("cloudformation")
        body = client.get_template(StackName=self.id)["TemplateBody"]
        if not isinstance(body, Mapping):
            raise CommandError(
                f"stack {self.name} is not of a CDK app: its template is YAML, JSON is needed",
                "cdk list",
            )
        return body

    @property
    def declared(self) -> Mapping[str, Any]:
        """All resources of the template, by logical id."""
        resources: Mapping[str, Any] = self.template.get("Resources", {})
        return resources

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The values of its parameters, with those from the parameter store resolved."""
        client = self.session.client("cloudformation")
        stack = client.describe_stacks(StackName=self.id)["Stacks"][0]
        return {
            one["ParameterKey"]: str(one.get("ResolvedValue", one.get("ParameterValue", "")))
            for one in stack.get("Parameters", ())
        }

    @cached_property
    def physical_ids(self) -> Mapping[str, str]:
        """The physical ids of the stack's resources, by logical id."""
        pages = self.session.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
            for page in pages.paginate(StackName=self.id)
            for one in page["StackResourceSummaries"]
        }

    @cached_property
    def resources(self) -> tuple[CustomResource, ...]:
        """The structures, groups and trees that the template declares."""
        return tuple(
            CustomResource(
                logical_id,
                ResourceType(resource["Type"]),
                self.physical_ids.get(logical_id, ""),
                resource.get("Properties", {}),
            )
            for logical_id, resource in self.declared.items()
            if resource.get("Type") in list(ResourceType)
        )

    @cached_property
    def function(self) -> Function:
        """The function behind its resources.

        Raises:
            CommandError: If the stack has no resources of this library.
        """
        if not self.resources:
            raise CommandError(
                f"stack {self.name} has no hierarchy of Amazon Connect in it",
                f"{PROGRAM} tree",
            )
        arn = self._resolved(self.resources[0].properties.get(_SERVICE_TOKEN))
        found = self.session.client("lambda").get_function_configuration(FunctionName=arn)
        return Function(
            found["FunctionArn"],
            found.get("Environment", {}).get("Variables", {}),
            role=found["Role"],
            runtime=found.get("Runtime", ""),
            timeout=found["Timeout"],
            log_group=found.get("LoggingConfig", {}).get("LogGroup", ""),
        )

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the stack.

        Raises:
            CommandError: If its function is of a release without a ledger.
        """
        table = self.function.environment.get(LEDGER_VARIABLE, "")
        if not table:
            raise CommandError(
                f"the function of stack {self.name} has no ledger: it is of an older release",
                f"cdk deploy {self.name}",
            )
        return DynamoDbLedger(self.session.client("dynamodb"), table, self.owner)

    def _resolved(self, value: Any) -> str:
        """The ARN of the function, from a text or a reference in this stack or to an export."""
        match value:
            case str():
                return value
            case {"Fn::GetAtt": [str(logical_id), "Arn"]} | {"Ref": str(logical_id)}:
                if logical_id in self.physical_ids:
                    return self.physical_ids[logical_id]
                return self.parameters.get(logical_id, logical_id)
            case {"Fn::ImportValue": str(name)}:
                return exports(self.session).get(name, name)
        raise CommandError(
            f"the function of stack {self.name} cannot be found by {quoted(str(value), 100)}",
            f"aws cloudformation get-template --stack-name {self.name}",
        )


def exports(session: Session) -> Mapping[str, str]:
    """The values of exports in the session's account and Region, by name."""
    pages = session.client("cloudformation").get_paginator("list_exports")
    return {
        export["Name"]: str(export["Value"])
        for page in pages.paginate()
        for export in page["Exports"]
    }


def find_stack(session: Session, name: str) -> DeployedStack:
    """A stack by its name or ARN.

    Raises:
        CommandError: If there is none in the session's Region.
    """
    try:
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _UNKNOWN_STACK:
            raise
        raise CommandError(
            f"Region {session.region} has no stack {quoted(name, 128)}",
            f"aws cloudformation list-stacks --region {session.region}",
        ) from None
    return DeployedStack(session, found["StackId"], found["StackName"], found["StackStatus"])
