"""The CloudFormation service: stacks by name, change sets, and operations that run beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local_aws.clock import Clock
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.engine import STACK_TYPE, Change, Engine, EngineSettings
from local_aws.cloudformation.exceptions import (
    AlreadyExistsError,
    ChangeSetNotFoundError,
    ValidationError,
)
from local_aws.cloudformation.nested import NestedStack
from local_aws.cloudformation.resource_types import ResourceType
from local_aws.cloudformation.stacks import Stack, make_stack_id
from local_aws.cloudformation.template import (
    ResourceDeclaration,
    Template,
    UnresolvableError,
    check,
    references,
)

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)

_NOT_UPDATABLE = {
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_FAILED",
}


@dataclass(eq=False)
class ChangeSet:
    """A deployment that was prepared, and what it would change."""

    change_set_id: str
    name: str
    stack: Stack
    type: str
    change: Change
    submitted_parameters: Mapping[str, str]
    created_at: float
    description: str | None
    changes: list[dict[str, Any]] = field(default_factory=list)
    status: str = "CREATE_COMPLETE"
    status_reason: str | None = None
    execution_status: str = "AVAILABLE"


class CloudFormation:
    """Stacks of one account and Region.

    `resource_types` are what templates may use besides custom resources and nested stacks;
    `fetch_template(url)` reads a template from S3; `ssm_parameter(name)` resolves parameters of the
    type `AWS::SSM::Parameter::Value<String>`.
    """

    def __init__(
        self,
        clock: Clock,
        resource_types: Mapping[str, ResourceType],
        custom_resources: CustomResources,
        *,
        account_id: str,
        region: str,
        fetch_template: Callable[[str], str] | None = None,
        ssm_parameter: Callable[[str], str] | None = None,
        settings: EngineSettings | None = None,
    ) -> None:
        self._clock = clock
        self._account_id = account_id
        self._region = region
        self._fetch_template = fetch_template
        self._ssm_parameter = ssm_parameter
        self.custom_resources = custom_resources
        nested = NestedStack(lambda: self.engine, self._nested_change, self._new_stack)
        self._pseudo_parameters = {
            "AWS::AccountId": account_id,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.engine = Engine(
            clock,
            {**resource_types, STACK_TYPE: nested},
            custom_resources,
            self._pseudo_parameters,
            settings,
        )
        self.change_sets: dict[str, ChangeSet] = {}
        self._busy: set[Stack] = set()

    # for tests and people -----------------------------------------------------------------------

    def deploy(
        self,
        name: str,
        template: str | Mapping[str, Any],
        *,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        disable_rollback: bool = False,
    ) -> Stack:
        """Create or update a stack, and return when it has come to rest."""
        body = template if isinstance(template, str) else json.dumps(template)
        existing = self.find(name)
        change_set = self.create_change_set(
            name,
            f"deploy-{uuid.uuid4()}",
            body,
            type_="UPDATE" if existing else "CREATE",
            parameters=parameters,
            tags=tags,
        )
        if change_set.status != "FAILED":
            self.execute_change_set(change_set, disable_rollback=disable_rollback)
            self.wait(change_set.stack)
        return change_set.stack

    def wait(self, stack: Stack) -> Stack:
        """Return when no operation works on the stack."""
        self._clock.wait_until(lambda: stack not in self._busy)
        return stack

    # looking ------------------------------------------------------------------------------------

    def find(self, name_or_id: str) -> Stack | None:
        """A stack by its id, or one that is not deleted by its name."""
        stack = self.engine.stacks.get(name_or_id)
        if stack is not None:
            return stack
        for stack in self.engine.stacks.values():
            if stack.name == name_or_id and stack.status != "DELETE_COMPLETE":
                return stack
        return None

    def get(self, name_or_id: str) -> Stack:
        """As `find`; ValidationError where there is none."""
        stack = self.find(name_or_id)
        if stack is None:
            msg = f"Stack with id {name_or_id} does not exist"
            raise ValidationError(msg)
        return stack

    def change_set(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """A change set by its ARN, or by its name and its stack's."""
        if name_or_id in self.change_sets:
            return self.change_sets[name_or_id]
        for change_set in self.change_sets.values():
            stack = change_set.stack
            if change_set.name == name_or_id and stack_name in {stack.name, stack.stack_id}:
                return change_set
        msg = f"ChangeSet [{name_or_id}] does not exist"
        raise ChangeSetNotFoundError(msg)

    # operations ---------------------------------------------------------------------------------

    def create_change_set(
        self,
        stack_name: str,
        name: str,
        body: str,
        *,
        type_: str = "CREATE",
        parameters: Mapping[str, str] | None = None,
        previous_parameters: Collection[str] = (),
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        role_arn: str | None = None,
    ) -> ChangeSet:
        """Prepare a deployment; ValidationError where the template can not be deployed at all."""
        stack = self.find(stack_name)
        self._check_state(stack, stack_name, type_)
        template = Template.parse(body)
        submitted = dict(parameters or {})
        for key in previous_parameters:
            if stack is not None and key in stack.submitted_parameters:
                submitted[key] = stack.submitted_parameters[key]
        values = self._parameter_values(template, submitted)
        is_new = stack is None
        if stack is None:
            stack = self._new_stack(stack_name, None)
            stack.role_arn = role_arn
        try:
            self._check(stack, template, values)
        except ValidationError:
            if is_new:
                del self.engine.stacks[stack.stack_id]
            raise
        if is_new:
            self.engine.stack_event(stack, "REVIEW_IN_PROGRESS", "User Initiated")
        change_set = ChangeSet(
            change_set_id=(
                f"arn:aws:cloudformation:{self._region}:{self._account_id}:changeSet/"
                f"{name}/{uuid.uuid4()}"
            ),
            name=name,
            stack=stack,
            type=type_,
            change=Change(template, values, dict(tags or {})),
            submitted_parameters=submitted,
            created_at=self._clock.now(),
            description=description,
        )
        change_set.changes = self._changes(change_set)
        if not change_set.changes and not self._differs(change_set):
            change_set.status, change_set.status_reason = "FAILED", NO_CHANGES
            change_set.execution_status = "UNAVAILABLE"
        self.change_sets[change_set.change_set_id] = change_set
        return change_set

    def execute_change_set(
        self,
        change_set: ChangeSet,
        *,
        disable_rollback: bool = False,
        retain_except_on_create: bool = False,
        client_request_token: str | None = None,
    ) -> None:
        """Start the deployment; it goes on after this returns."""
        if change_set.execution_status != "AVAILABLE":
            msg = (
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                f"execution status of [{change_set.execution_status}]"
            )
            raise ValidationError(msg)
        stack = change_set.stack
        change_set.execution_status = "EXECUTE_COMPLETE"
        for other in [c for c in self.change_sets.values() if c.stack is stack]:
            # they were made for a state of the stack that is over
            del self.change_sets[other.change_set_id]
        stack.submitted_parameters = change_set.submitted_parameters
        stack.disable_rollback = disable_rollback
        stack.retain_except_on_create = retain_except_on_create
        operation = self.engine.create if change_set.type == "CREATE" else self.engine.update
        self._start(stack, partial(operation, stack, change_set.change), client_request_token)

    def delete_stack(
        self,
        stack: Stack,
        retain_resources: Collection[str] = (),
        client_request_token: str | None = None,
    ) -> None:
        """Start the deletion of a stack."""
        if stack.termination_protection:
            msg = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise ValidationError(msg)
        if retain_resources and stack.status != "DELETE_FAILED":
            msg = (
                "Invalid operation on stack. Specify resources to retain only when the stack is "
                "in the DELETE_FAILED state."
            )
            raise ValidationError(msg)
        if stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return
        delete = partial(self.engine.delete, stack, retain_resources)
        self._start(stack, delete, client_request_token)

    def roll_back_stack(self, stack: Stack, client_request_token: str | None = None) -> None:
        """Start the rollback of a stack whose operation failed without one."""
        stack.retain_except_on_create = True
        if stack.status == "CREATE_FAILED" or stack.stable is None:
            if stack.status not in {"CREATE_FAILED", "UPDATE_FAILED", "ROLLBACK_FAILED"}:
                msg = f"Stack [{stack.name}] is in {stack.status} state and can not be rolled back."
                raise ValidationError(msg)
            roll_back: Callable[[], None] = partial(self.engine.roll_back_creation, stack)
        else:
            roll_back = partial(self.engine.roll_back_update, stack)
        self._start(stack, roll_back, client_request_token)

    def continue_update_rollback(
        self,
        stack: Stack,
        resources_to_skip: Collection[str] = (),
        client_request_token: str | None = None,
    ) -> None:
        """Start a rollback once more that failed."""
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            msg = (
                f"Stack [{stack.name}] is in {stack.status} state and can not continue its "
                "rollback: only UPDATE_ROLLBACK_FAILED can."
            )
            raise ValidationError(msg)
        roll_back = partial(self.engine.roll_back_update, stack, resources_to_skip)
        self._start(stack, roll_back, client_request_token)

    # inside -------------------------------------------------------------------------------------

    def _start(
        self, stack: Stack, operation: Callable[[], None], client_request_token: str | None
    ) -> None:
        if stack in self._busy:
            msg = f"Stack:{stack.stack_id} is in {stack.status} state and can not be changed."
            raise ValidationError(msg)
        self._busy.add(stack)
        stack.client_request_token = client_request_token

        def run() -> None:
            try:
                operation()
            finally:
                self._busy.discard(stack)
                self._clock.changed()

        self._clock.spawn(f"stack {stack.name}", run)

    def _new_stack(self, name: str, parent: Stack | None) -> Stack:
        stack_id = make_stack_id(name, self._account_id, self._region)
        stack = Stack(stack_id, name, created_at=self._clock.now(), parent=parent)
        if parent is not None:
            stack.tags = parent.tags
        self.engine.stacks[stack_id] = stack
        return stack

    def _check_state(self, stack: Stack | None, name: str, type_: str) -> None:
        if type_ == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                msg = f"Stack [{name}] already exists"
                raise AlreadyExistsError(msg)
        elif stack is None:
            msg = f"Stack [{name}] does not exist"
            raise ValidationError(msg)
        elif stack in self._busy or stack.status in _NOT_UPDATABLE:
            msg = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise ValidationError(msg)

    def _check(self, stack: Stack, template: Template, values: Mapping[str, Any]) -> None:
        active = self.engine.scope(stack, template, values).active_resources()
        check(template, active, self.engine.knows, set(values))

    def _nested_change(self, stack: Stack, url: str, parameters: dict[str, str]) -> Change:
        if self._fetch_template is None:
            msg = f"there is no S3 here to read a nested stack's template from: {url}"
            raise ValidationError(msg)
        template = Template.parse(self._fetch_template(url))
        values = self._parameter_values(template, parameters)
        self._check(stack, template, values)
        return Change(template, values, {})

    def _parameter_values(self, template: Template, submitted: Mapping[str, str]) -> dict[str, Any]:
        declared = template.section("Parameters")
        unknown = sorted(submitted.keys() - declared.keys())
        if unknown:
            msg = f"Parameters: [{', '.join(unknown)}] do not exist in the template"
            raise ValidationError(msg)
        values: dict[str, Any] = {}
        missing = []
        for name, declaration in declared.items():
            value = submitted.get(name, declaration.get("Default"))
            if value is None:
                missing.append(name)
                continue
            kind = declaration.get("Type", "String")
            if kind.startswith("AWS::SSM::Parameter::Value"):
                if self._ssm_parameter is None:
                    msg = f"there is no SSM here to read the parameter {value} from"
                    raise ValidationError(msg)
                value = self._ssm_parameter(str(value))
            if kind == "CommaDelimitedList" or kind.startswith("List<"):
                value = [item.strip() for item in str(value).split(",")]
            values[name] = value
        if missing:
            msg = f"Parameters: [{', '.join(missing)}] must have values"
            raise ValidationError(msg)
        return values

    def _differs(self, change_set: ChangeSet) -> bool:
        stack, change = change_set.stack, change_set.change
        if stack.template is None or stack.status.endswith("FAILED"):
            return True
        old, new = stack.template, change.template
        return (
            old.section("Outputs") != new.section("Outputs")
            or dict(stack.tags) != dict(change.tags)
            or {n: (r.deletion_policy, r.update_replace_policy) for n, r in old.resources.items()}
            != {n: (r.deletion_policy, r.update_replace_policy) for n, r in new.resources.items()}
        )

    def _changes(self, change_set: ChangeSet) -> list[dict[str, Any]]:
        """What would be added, changed and removed, as DescribeChangeSet tells it."""
        stack, change = change_set.stack, change_set.change
        scope = self.engine.scope(stack, change.template, change.parameters)
        wanted = scope.active_resources()
        changes: list[dict[str, Any]] = []
        touched: set[str] = set()
        for name, declaration in wanted.items():
            existing = stack.resources.get(name)
            if existing is None or existing.physical_id == "":
                touched.add(name)
                changes.append(_resource_change("Add", declaration, None))
        modified = True
        while modified:
            # a resource that refers to a changed one may change too, so till nothing is added
            modified = False
            for name, declaration in wanted.items():
                if name in touched:
                    continue
                existing = stack.resources[name]
                try:
                    properties = scope.resolve(dict(declaration.properties))
                except UnresolvableError:
                    properties = None
                settled = existing.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
                refers = touched.intersection(references(dict(declaration.properties)))
                if settled and existing.properties == properties and not refers:
                    continue
                touched.add(name)
                modified = True
                differing = sorted(
                    key
                    for key in {*existing.properties, *(properties or {})}
                    if properties is None or existing.properties.get(key) != properties.get(key)
                )
                replacement = self._replacement(existing.properties, properties, declaration)
                changes.append(
                    _resource_change(
                        "Modify",
                        declaration,
                        existing.physical_id,
                        differing=differing,
                        replacement=replacement,
                    )
                )
        changes.extend(
            _resource_change("Remove", resource.declaration, resource.physical_id)
            for name, resource in stack.resources.items()
            if name not in wanted
        )
        return changes

    def _replacement(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any] | None,
        declaration: ResourceDeclaration,
    ) -> str:
        if declaration.is_custom or new is None:
            return "Conditional" if new is None else "False"
        replaces = self.engine.resource_type(declaration).replaces(old, new)
        return "True" if replaces else "False"


def _resource_change(
    action: str,
    declaration: ResourceDeclaration,
    physical_id: str | None,
    *,
    differing: Collection[str] = (),
    replacement: str | None = None,
) -> dict[str, Any]:
    change: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": declaration.logical_id,
        "ResourceType": declaration.type,
        "Scope": ["Properties"] if differing else [],
        "Details": [
            {
                "Target": {
                    "Attribute": "Properties",
                    "Name": name,
                    "RequiresRecreation": "Always" if replacement == "True" else "Never",
                },
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
            for name in differing
        ],
    }
    if physical_id:
        change["PhysicalResourceId"] = physical_id
    if replacement is not None:
        change["Replacement"] = replacement
    return {"Type": "Resource", "ResourceChange": change}
