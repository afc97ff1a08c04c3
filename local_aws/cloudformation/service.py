"""The CloudFormation service: stacks by name, change sets, and operations in the background."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from moto.utilities.utils import get_partition

from local_aws.clock import Clock
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.dynamic_references import DynamicReferences
from local_aws.cloudformation.engine import Engine
from local_aws.cloudformation.event_log import STACK_TYPE
from local_aws.cloudformation.exceptions import (
    AlreadyExistsError,
    ChangeSetNotFoundError,
    ValidationError,
)
from local_aws.cloudformation.exports import imports_of
from local_aws.cloudformation.nested import NestedStack
from local_aws.cloudformation.ordered_work import internal_failure
from local_aws.cloudformation.resource_steps import EngineSettings, same_properties
from local_aws.cloudformation.resource_types import ResourceType, url_suffix
from local_aws.cloudformation.stacks import Change, Stack, make_stack_id
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
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_FAILED",
}


@dataclass(eq=False)
class ChangeSet:
    """A prepared deployment, with its changes."""

    change_set_id: str
    name: str
    stack: Stack
    type: str
    change: Change
    created_at: float
    description: str | None
    changes: list[dict[str, Any]] = field(default_factory=list)
    status: str = "CREATE_COMPLETE"
    status_reason: str | None = None
    execution_status: str = "AVAILABLE"


class CloudFormation:
    """Stacks of one account and Region.

    `resource_types` are the types that templates may use besides custom resources and nested
    stacks; `fetch_template(url)` reads a template from S3; `ssm_parameter(name)` resolves
    parameters of the type `AWS::SSM::Parameter::Value<String>` and dynamic references, `secret(id,
    stage, version)` those to Secrets Manager.

    Its methods may be called from many threads while operations run, and stacks change meanwhile,
    as at AWS. So code that iterates over a collection iterates over a copy.
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
        secret: Callable[[str, str, str], str] | None = None,
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
            "AWS::Partition": get_partition(region),
            "AWS::URLSuffix": url_suffix(region),
        }
        self.engine = Engine(
            clock,
            {**resource_types, STACK_TYPE: nested},
            custom_resources,
            self._pseudo_parameters,
            settings,
            DynamicReferences(ssm_parameter, secret),
        )
        # held to read and then change something, never while waiting
        self._lock = threading.RLock()
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
        retain_except_on_create: bool = False,
    ) -> Stack:
        """Create or update a stack, and return when it is at rest."""
        body = template if isinstance(template, str) else json.dumps(template)
        existing = self.find(name)
        change_set = self.create_change_set(
            name,
            f"deploy-{uuid.uuid4()}",
            body,
            type_="UPDATE" if existing and existing.status != "REVIEW_IN_PROGRESS" else "CREATE",
            parameters=parameters,
            tags=tags,
        )
        if change_set.status == "FAILED":
            self.delete_change_set(change_set)
            if change_set.status_reason != NO_CHANGES:
                raise ValidationError(str(change_set.status_reason))
            return change_set.stack
        self.execute_change_set(
            change_set,
            disable_rollback=disable_rollback,
            retain_except_on_create=retain_except_on_create,
        )
        return self.wait(change_set.stack)

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
        for stack in list(self.engine.stacks.values()):
            if stack.name == name_or_id and stack.status != "DELETE_COMPLETE":
                return stack
        return None

    def get(self, name_or_id: str) -> Stack:
        """As `find`, but raise ValidationError if there is none."""
        stack = self.find(name_or_id)
        if stack is None:
            msg = f"Stack with id {name_or_id} does not exist"
            raise ValidationError(msg)
        return stack

    def change_set(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """A change set by its ARN, or by its name and its stack's."""
        if name_or_id in self.change_sets:
            return self.change_sets[name_or_id]
        for change_set in list(self.change_sets.values()):
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
        """Prepare a deployment; ValidationError if the template cannot be deployed at all."""
        template = Template.parse(body)
        with self._lock:
            return self._create_change_set(
                stack_name,
                name,
                template,
                type_,
                dict(parameters or {}),
                previous_parameters,
                tags,
                description,
                role_arn,
            )

    def _create_change_set(
        self,
        stack_name: str,
        name: str,
        template: Template,
        type_: str,
        submitted: dict[str, str],
        previous_parameters: Collection[str],
        tags: Mapping[str, str] | None,
        description: str | None,
        role_arn: str | None,
    ) -> ChangeSet:
        stack = self.find(stack_name)
        self._check_state(stack, stack_name, type_)
        self._check_name_is_free(stack, name)
        for key in previous_parameters:
            if stack is not None and key in stack.submitted_parameters:
                submitted[key] = stack.submitted_parameters[key]
        change = self._change(template, submitted, dict(tags or {}))
        is_new = stack is None
        if stack is None:
            stack = self._new_stack(stack_name, None)
            stack.role_arn = role_arn
        try:
            self._check(stack, change)
        except ValidationError:
            if is_new:
                del self.engine.stacks[stack.stack_id]
            raise
        if is_new:
            self.engine.log.stack(stack, "REVIEW_IN_PROGRESS", "User Initiated")
        change_set = ChangeSet(
            change_set_id=(
                f"arn:{get_partition(self._region)}:cloudformation:{self._region}:"
                f"{self._account_id}:changeSet/{name}/{uuid.uuid4()}"
            ),
            name=name,
            stack=stack,
            type=type_,
            change=change,
            created_at=self._clock.now(),
            description=description,
        )
        reason = _forbidden(change_set)
        if not reason:
            change_set.changes = self._changes(change_set)
            if not change_set.changes and not self._differs(change_set):
                reason = NO_CHANGES
        if reason:
            change_set.status, change_set.status_reason = "FAILED", reason
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
        """Start the deployment, which continues in the background."""
        stack = change_set.stack
        operation = self.engine.create if change_set.type == "CREATE" else self.engine.update
        with self._lock:
            if change_set.execution_status != "AVAILABLE":
                msg = (
                    f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                    f"execution status of [{change_set.execution_status}]"
                )
                raise ValidationError(msg)
            self._check_idle(stack, "updated")
            change_set.execution_status = "EXECUTE_COMPLETE"
            self._forget_change_sets(stack, but=change_set)
            stack.disable_rollback = disable_rollback
            stack.retain_except_on_create = retain_except_on_create
            self._start(stack, partial(operation, stack, change_set.change), client_request_token)

    def delete_change_set(self, change_set: ChangeSet) -> None:
        """Forget a prepared deployment."""
        with self._lock:
            self.change_sets.pop(change_set.change_set_id, None)

    def delete_stack(
        self,
        stack: Stack,
        retain_resources: Collection[str] = (),
        client_request_token: str | None = None,
    ) -> None:
        """Start the deletion of a stack, or let a running one continue."""
        with self._lock:
            if stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
                return
            self._check_deletion(stack, retain_resources)
            self._forget_change_sets(stack)
            delete = partial(self.engine.delete, stack, retain_resources)
            self._start(stack, delete, client_request_token)

    def _check_deletion(self, stack: Stack, retain_resources: Collection[str]) -> None:
        if stack.termination_protection:
            msg = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise ValidationError(msg)
        if retain_resources and stack.status != "DELETE_FAILED":
            msg = (
                "Invalid operation on stack. Specify resources to retain only when the stack is "
                "in the DELETE_FAILED state."
            )
            raise ValidationError(msg)
        unknown = sorted(set(retain_resources) - stack.resources.keys())
        if unknown:
            msg = f"Resources to retain [{', '.join(unknown)}] do not exist in stack {stack.name}"
            raise ValidationError(msg)
        self._check_idle(stack, "deleted")

    def roll_back_stack(
        self,
        stack: Stack,
        client_request_token: str | None = None,
        *,
        retain_except_on_create: bool = True,
    ) -> None:
        """Start the rollback of a stack whose operation failed without a rollback.

        `retain_except_on_create` is the operation's option of that name, which `cdk rollback` sets.
        """
        with self._lock:
            self._check_idle(stack, "rolled back")
            if stack.status not in {"CREATE_FAILED", "UPDATE_FAILED"}:
                msg = f"Stack [{stack.name}] is in {stack.status} state and can not be rolled back."
                raise ValidationError(msg)
            stack.retain_except_on_create = retain_except_on_create
            engine = self.engine
            roll_back: Callable[[Stack], None] = (
                engine.roll_back_creation if stack.stable is None else engine.roll_back_update
            )
            self._start(stack, partial(roll_back, stack), client_request_token)

    def continue_update_rollback(
        self,
        stack: Stack,
        resources_to_skip: Collection[str] = (),
        client_request_token: str | None = None,
    ) -> None:
        """Start a failed rollback again.

        `resources_to_skip` are logical ids, of nested stacks as `<stack name>.<logical id>`.
        """
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            msg = (
                f"Stack [{stack.name}] is in {stack.status} state and cannot continue its "
                "rollback: only UPDATE_ROLLBACK_FAILED can."
            )
            raise ValidationError(msg)
        skip = frozenset(resources_to_skip)
        unknown = sorted(n for n in skip if "." not in n and n not in stack.resources)
        if unknown:
            msg = f"Resources to skip [{', '.join(unknown)}] do not exist in stack {stack.name}"
            raise ValidationError(msg)
        roll_back = partial(self.engine.roll_back_update, stack, skip=skip)
        with self._lock:
            self._check_idle(stack, "updated")
            self._start(stack, roll_back, client_request_token)

    # inside -------------------------------------------------------------------------------------

    def _start(
        self, stack: Stack, operation: Callable[[], None], client_request_token: str | None
    ) -> None:
        self._busy.add(stack)
        stack.client_request_token = client_request_token

        def run() -> None:
            try:
                operation()
            except Exception as error:
                # a bug in this program; without this, the stack would stay in progress forever
                rest = stack.status.removesuffix("_COMPLETE_CLEANUP_IN_PROGRESS")
                rest = f"{rest.removesuffix('_IN_PROGRESS')}_FAILED"
                self.engine.log.stack(stack, rest, internal_failure(error))
                raise
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

    def _check_idle(self, stack: Stack, purpose: str) -> None:
        if stack in self._busy:
            msg = f"Stack:{stack.stack_id} is in {stack.status} state and can not be {purpose}."
            raise ValidationError(msg)

    def _check_name_is_free(self, stack: Stack | None, name: str) -> None:
        for other in list(self.change_sets.values()):
            if other.stack is stack and other.name == name:
                if other.execution_status != "EXECUTE_COMPLETE":
                    msg = f"ChangeSet [{name}] already exists"
                    raise AlreadyExistsError(msg)
                del self.change_sets[other.change_set_id]

    def _forget_change_sets(self, stack: Stack, but: ChangeSet | None = None) -> None:
        """The change sets for a former state of the stack."""
        for other in list(self.change_sets.values()):
            if other.stack is stack and other is not but:
                del self.change_sets[other.change_set_id]

    def _check(self, stack: Stack, change: Change) -> None:
        check(self.engine.scope(stack, change), self.engine.knows)

    def _nested_change(self, stack: Stack, url: str, parameters: dict[str, str]) -> Change:
        if self._fetch_template is None:
            msg = f"there is no S3 here to read a nested stack's template from: {url}"
            raise ValidationError(msg)
        template = Template.parse(self._fetch_template(url))
        change = self._change(template, parameters, stack.root.tags)
        self._check(stack, change)
        return change

    def _change(
        self, template: Template, submitted: Mapping[str, str], tags: Mapping[str, str]
    ) -> Change:
        declared = template.section("Parameters")
        given = {
            name: str(submitted.get(name, declaration.get("Default")))
            for name, declaration in declared.items()
            if name in submitted or "Default" in declaration
        }
        return Change(template, self._parameter_values(template, submitted), tags, given)

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
            # the same value by another reference: the export that gave it is not used any more
            or stack.imports != imports_of(self.engine.scope(stack, change))
            or {n: (r.deletion_policy, r.update_replace_policy) for n, r in old.resources.items()}
            != {n: (r.deletion_policy, r.update_replace_policy) for n, r in new.resources.items()}
        )

    def _changes(self, change_set: ChangeSet) -> list[dict[str, Any]]:
        """The resources that would be added, changed and removed, for DescribeChangeSet."""
        stack, change = change_set.stack, change_set.change
        scope = self.engine.scope(stack, change)
        wanted = scope.active_resources()
        changes: list[dict[str, Any]] = []
        touched: set[str] = set()
        for name, declaration in wanted.items():
            existing = stack.resources.get(name)
            if existing is None or not existing.made:
                touched.add(name)
                changes.append(_resource_change("Add", declaration, None))
        modified = True
        while modified:
            # a resource that refers to a changed one may change, too; repeat until nothing is added
            modified = False
            for name, declaration in wanted.items():
                if name in touched:
                    continue
                existing = stack.resources[name]
                try:
                    properties = scope.properties(declaration)
                except (UnresolvableError, ValidationError):
                    properties = None
                settled = existing.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
                refers = touched.intersection(references(dict(declaration.properties)))
                same = properties is not None and same_properties(existing.properties, properties)
                if settled and same and not refers:
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


def _forbidden(change_set: ChangeSet) -> str:
    """Why AWS would not even try this change, or an empty string."""
    old = change_set.stack.resources
    wanted = change_set.change.template.resources
    modified = sorted(n for n in wanted.keys() & old.keys() if wanted[n].type != old[n].type)
    if not modified:
        return ""
    return (
        "Update of resource type is not permitted. The new template modifies resource type of the "
        f"following resources: [{', '.join(modified)}]"
    )


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
