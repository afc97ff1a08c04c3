"""CloudFormation's API over HTTP: turns requests into calls, and objects into answers.

Parsing and serialisation are moto's, which take both from botocore's service model.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from local_aws.cloudformation.exceptions import ChangeSetNotFoundError, ValidationError
from local_aws.cloudformation.records import Record, records
from local_aws.cloudformation.service import NO_CHANGES, ChangeSet, CloudFormation
from local_aws.cloudformation.stacks import Event, Stack
from local_aws.cloudformation.template import Template

_EVENTS_PER_PAGE = 100


class CloudFormationResponse(BaseResponse):
    """One request to CloudFormation."""

    def __init__(self, service: CloudFormation, read_s3: Any) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True
        self._service = service
        self._read_s3 = read_s3

    # change sets --------------------------------------------------------------------------------

    def create_change_set(self) -> ActionResult:
        """Prepare a deployment."""
        name = self._get_param("StackName")
        type_ = self._get_param("ChangeSetType", "UPDATE")
        parameters, previous = self._submitted_parameters()
        change_set = self._service.create_change_set(
            name,
            self._get_param("ChangeSetName"),
            self._template_body(name),
            type_=type_,
            parameters=parameters,
            previous_parameters=previous,
            tags=_tag_map(self._get_param("Tags", [])),
            description=self._get_param("Description"),
            role_arn=self._get_param("RoleARN"),
        )
        return ActionResult({"Id": change_set.change_set_id, "StackId": change_set.stack.stack_id})

    def describe_change_set(self) -> ActionResult:
        """Describe what a deployment would change."""
        change_set = self._change_set()
        return ActionResult(
            {
                **_change_set_summary(change_set),
                "Parameters": _parameter_list(change_set.change.submitted_parameters),
                "Tags": _tag_list(change_set.change.tags),
                "Changes": change_set.changes,
                "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            }
        )

    def execute_change_set(self) -> ActionResult:
        """Start a deployment."""
        self._service.execute_change_set(
            self._change_set(),
            disable_rollback=self._is_set("DisableRollback"),
            retain_except_on_create=self._is_set("RetainExceptOnCreate"),
            client_request_token=self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def delete_change_set(self) -> ActionResult:
        """Forget a prepared deployment; no error if it is forgotten already."""
        with contextlib.suppress(ChangeSetNotFoundError):
            self._service.delete_change_set(self._change_set())
        return EmptyResult()

    def list_change_sets(self) -> ActionResult:
        """List the prepared deployments of a stack."""
        stack = self._stack()
        return ActionResult(
            {
                "Summaries": [
                    _change_set_summary(change_set)
                    for change_set in list(self._service.change_sets.values())
                    if change_set.stack is stack
                ]
            }
        )

    # stacks -------------------------------------------------------------------------------------

    def create_stack(self) -> ActionResult:
        """Create a stack without a change set."""
        return self._deploy("CREATE")

    def update_stack(self) -> ActionResult:
        """Update a stack without a change set."""
        return self._deploy("UPDATE")

    def delete_stack(self) -> ActionResult:
        """Start the deletion of a stack; no error if there is none."""
        stack = self._service.find(self._get_param("StackName"))
        if stack is not None:
            self._service.delete_stack(
                stack, self._get_param("RetainResources", []), self._get_param("ClientRequestToken")
            )
        return EmptyResult()

    def rollback_stack(self) -> ActionResult:
        """Roll back a stack that failed without a rollback."""
        stack = self._stack()
        self._service.roll_back_stack(
            stack,
            self._get_param("ClientRequestToken"),
            retain_except_on_create=self._is_set("RetainExceptOnCreate"),
        )
        return ActionResult({"StackId": stack.stack_id})

    def continue_update_rollback(self) -> ActionResult:
        """Try a rollback again."""
        self._service.continue_update_rollback(
            self._stack(),
            self._get_param("ResourcesToSkip", []),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def update_termination_protection(self) -> ActionResult:
        """Turn the protection from deletion on or off."""
        stack = self._stack()
        stack.termination_protection = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.stack_id})

    # looking ------------------------------------------------------------------------------------

    def describe_stacks(self) -> ActionResult:
        """Describe one stack, or all that are not deleted."""
        if self._get_param("StackName"):
            stacks = [self._stack()]
        else:
            stacks = [
                s
                for s in list(self._service.engine.stacks.values())
                if s.status != "DELETE_COMPLETE"
            ]
        return ActionResult({"Stacks": [_stack(stack) for stack in stacks]})

    def list_stacks(self) -> ActionResult:
        """Summarise all stacks."""
        wanted = self._get_param("StackStatusFilter", [])
        return ActionResult(
            {
                "StackSummaries": [
                    _stack(stack)
                    for stack in list(self._service.engine.stacks.values())
                    if not wanted or stack.status in wanted
                ]
            }
        )

    def describe_stack_events(self) -> ActionResult:
        """Describe a stack's events, the latest first."""
        stack = self._stack()
        events = stack.events[::-1]
        start = int(self._get_param("NextToken") or 0)
        # a page begins at a fixed event, however many have come since
        begin = len(events) - start if start else 0
        page = events[begin : begin + _EVENTS_PER_PAGE]
        left = len(events) - begin - len(page)
        return ActionResult(
            {
                "StackEvents": [_event(stack, event) for event in page],
                "NextToken": str(left) if left else None,
            }
        )

    def describe_events(self) -> ActionResult:
        """Describe a stack's events in the newer form; there are no validations here."""
        return ActionResult({"OperationEvents": []})

    def describe_stack_resource(self) -> ActionResult:
        """Describe one resource."""
        stack, name = self._stack(), self._get_param("LogicalResourceId")
        for record in self._records(stack):
            if record.logical_id == name:
                return ActionResult({"StackResourceDetail": _resource(stack, record)})
        msg = f"Resource {name} does not exist for stack {stack.name}"
        raise ValidationError(msg)

    def describe_stack_resources(self) -> ActionResult:
        """Describe all resources of a stack."""
        stack = self._stack()
        wanted = self._get_param("LogicalResourceId")
        return ActionResult(
            {
                "StackResources": [
                    _resource(stack, record)
                    for record in self._records(stack)
                    if wanted in {None, record.logical_id}
                ]
            }
        )

    def list_stack_resources(self) -> ActionResult:
        """Summarise all resources of a stack."""
        stack = self._stack()
        return ActionResult(
            {
                "StackResourceSummaries": [
                    _resource(stack, record) for record in self._records(stack)
                ]
            }
        )

    def list_exports(self) -> ActionResult:
        """List the exports of all stacks."""
        return ActionResult(
            {
                "Exports": [
                    {
                        "ExportingStackId": stack.stack_id,
                        "Name": output.export_name,
                        "Value": output.value,
                    }
                    for stack in list(self._service.engine.stacks.values())
                    for output in list(stack.outputs.values())
                    if output.export_name
                ]
            }
        )

    def list_imports(self) -> ActionResult:
        """List the stacks that import an export."""
        name = self._get_param("ExportName")
        users = self._service.engine.importers(name)
        if not users:
            msg = f"Export '{name}' is not imported by any stack."
            raise ValidationError(msg)
        return ActionResult({"Imports": users})

    def get_template(self) -> ActionResult:
        """The template that a stack was last deployed with."""
        template = self._stack().template
        return ActionResult(
            {
                "TemplateBody": template.body if template else "{}",
                "StagesAvailable": ["Original", "Processed"],
            }
        )

    def get_template_summary(self) -> ActionResult:
        """Summarise a template."""
        name = self._get_param("StackName")
        template = Template.parse(self._template_body(name))
        return ActionResult(
            {
                "ResourceTypes": sorted({r.type for r in template.resources.values()}),
                "Parameters": [
                    {
                        "ParameterKey": key,
                        "ParameterType": declaration.get("Type", "String"),
                        "DefaultValue": declaration.get("Default"),
                        "NoEcho": bool(declaration.get("NoEcho", False)),
                    }
                    for key, declaration in template.section("Parameters").items()
                ],
            }
        )

    # inside -------------------------------------------------------------------------------------

    def _deploy(self, type_: str) -> ActionResult:
        name = self._get_param("StackName")
        parameters, previous = self._submitted_parameters()
        change_set = self._service.create_change_set(
            name,
            f"direct-{uuid.uuid4()}",
            self._template_body(name),
            type_=type_,
            parameters=parameters,
            previous_parameters=previous,
            tags=_tag_map(self._get_param("Tags", [])),
        )
        if change_set.status == "FAILED":
            self._service.delete_change_set(change_set)
            reason = change_set.status_reason or ""
            raise ValidationError(
                "No updates are to be performed." if reason == NO_CHANGES else reason
            )
        on_failure = self._get_param("OnFailure")
        self._service.execute_change_set(
            change_set,
            disable_rollback=self._is_set("DisableRollback") or on_failure == "DO_NOTHING",
            retain_except_on_create=self._is_set("RetainExceptOnCreate"),
            client_request_token=self._get_param("ClientRequestToken"),
        )
        return ActionResult({"StackId": change_set.stack.stack_id})

    def _is_set(self, name: str) -> bool:
        return bool(self._get_param(name))

    def _stack(self) -> Stack:
        return self._service.get(self._get_param("StackName"))

    def _records(self, stack: Stack) -> list[Record]:
        return list(records(stack, self._service.engine.settings))

    def _change_set(self) -> ChangeSet:
        return self._service.change_set(
            self._get_param("ChangeSetName"), self._get_param("StackName")
        )

    def _submitted_parameters(self) -> tuple[dict[str, str], list[str]]:
        given: dict[str, str] = {}
        previous: list[str] = []
        for parameter in self._get_param("Parameters", []):
            if parameter.get("UsePreviousValue"):
                previous.append(parameter["ParameterKey"])
            else:
                given[parameter["ParameterKey"]] = parameter["ParameterValue"]
        return given, previous

    def _template_body(self, stack_name: str | None) -> str:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        if body:
            return str(body)
        if url:
            return str(self._read_s3(url))
        template = self._service.get(stack_name).template if stack_name else None
        if template is None:
            msg = "Either Template URL or Template Body must be specified."
            raise ValidationError(msg)
        return template.body


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _tag_map(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _parameter_list(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def _change_set_summary(change_set: ChangeSet) -> dict[str, Any]:
    return {
        "ChangeSetId": change_set.change_set_id,
        "ChangeSetName": change_set.name,
        "StackId": change_set.stack.stack_id,
        "StackName": change_set.stack.name,
        "Description": change_set.description,
        "CreationTime": _time(change_set.created_at),
        "Status": change_set.status,
        "StatusReason": change_set.status_reason,
        "ExecutionStatus": change_set.execution_status,
    }


def _stack(stack: Stack) -> dict[str, Any]:
    template = stack.template
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "Description": template.document.get("Description") if template else None,
        "TemplateDescription": template.document.get("Description") if template else None,
        "Parameters": _parameter_list(stack.submitted_parameters),
        "CreationTime": _time(stack.created_at),
        "LastUpdatedTime": _time(stack.updated_at),
        "DeletionTime": _time(stack.deleted_at),
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason or None,
        "DisableRollback": stack.disable_rollback,
        "EnableTerminationProtection": stack.termination_protection,
        "NotificationARNs": [],
        "Capabilities": [],
        "RoleARN": stack.role_arn,
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export_name,
            }
            for output in list(stack.outputs.values())
        ],
        "Tags": _tag_list(stack.tags),
        "ParentId": stack.parent.stack_id if stack.parent else None,
        "RootId": stack.root.stack_id if stack.parent else None,
    }


def _event(stack: Stack, event: Event) -> dict[str, Any]:
    properties = event.properties
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "EventId": event.event_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": _time(event.timestamp),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": None if properties is None else json.dumps(properties, default=str),
        "ClientRequestToken": event.client_request_token,
    }


def _resource(stack: Stack, record: Record) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "LogicalResourceId": record.logical_id,
        "PhysicalResourceId": record.physical_id or None,
        "ResourceType": record.type,
        "Timestamp": _time(record.updated_at),
        "LastUpdatedTimestamp": _time(record.updated_at),
        "ResourceStatus": record.status,
        "ResourceStatusReason": record.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
