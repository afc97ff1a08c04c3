"""The deployment engine: in which order resources are made, changed, taken back and removed.

An update has four phases, as aws-cdk's docs/CLOUDFORMATION.md tells it: `forward`, and then either
`clean_up`, or `roll_back_updates` followed by `clean_up_after_rollback`. A nested stack goes
through each of them with its parent.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from local_aws.clock import Clock
from local_aws.cloudformation.custom_resources import CustomResources, ReversedUpdateId
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.resource_types import (
    Outcome,
    ResourceCancelledError,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.cloudformation.stacks import Event, Output, Resource, Snapshot, Stack
from local_aws.cloudformation.template import (
    ResourceDeclaration,
    Scope,
    Template,
    UnresolvableError,
    dependencies,
)

STACK_TYPE = "AWS::CloudFormation::Stack"
CLEAN_UP_TRIES = 3
"""So often a Delete of the clean-up is tried before the resource is abandoned."""


@dataclass
class EngineSettings:
    """What nobody documents, as switches."""

    reversed_update_id: ReversedUpdateId = ReversedUpdateId.NEW


@dataclass(frozen=True)
class Change:
    """What a deployment wants a stack to be."""

    template: Template
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass
class _Run:
    """Work on many resources at once, in an order, until one fails."""

    failed: dict[str, str] = field(default_factory=dict)
    cancelled: bool = False
    ended: list[str] = field(default_factory=list)


class Engine:
    """Brings stacks from one state to another."""

    def __init__(
        self,
        clock: Clock,
        resource_types: Mapping[str, ResourceType],
        custom_resources: CustomResources,
        pseudo_parameters: Mapping[str, str],
        settings: EngineSettings | None = None,
    ) -> None:
        self._clock = clock
        self._types = resource_types
        self._custom = custom_resources
        self._pseudo_parameters = pseudo_parameters
        self.settings = settings or EngineSettings()
        self.stacks: dict[str, Stack] = {}
        """Every stack by its id, deleted ones included."""

    def knows(self, resource_type: str) -> bool:
        """Whether resources of this type can be made here."""
        return resource_type in self._types or resource_type.startswith("Custom::")

    # whole operations ---------------------------------------------------------------------------

    def create(self, stack: Stack, change: Change) -> None:
        """Make a stack; it ends in CREATE_COMPLETE, or is rolled back, or CREATE_FAILED."""
        if self.forward(stack, change, verb="CREATE"):
            self.finish(stack, "CREATE_COMPLETE")
        elif stack.disable_rollback:
            self.stack_event(stack, "CREATE_FAILED", stack.status_reason)
        else:
            self.roll_back_creation(stack)

    def update(self, stack: Stack, change: Change) -> None:
        """Change a stack; it ends in UPDATE_COMPLETE, or is rolled back, or UPDATE_FAILED."""
        if self.forward(stack, change, verb="UPDATE"):
            self.stack_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self.clean_up(stack)
            self.finish(stack, "UPDATE_COMPLETE")
        elif stack.disable_rollback:
            self.stack_event(stack, "UPDATE_FAILED", stack.status_reason)
        elif stack.stable is None:
            self.roll_back_creation(stack)
        else:
            self.roll_back_update(stack)

    def roll_back_creation(self, stack: Stack) -> None:
        """Remove what a failed creation made."""
        self.stack_event(stack, "ROLLBACK_IN_PROGRESS", stack.status_reason)
        failed = self._delete_all(stack)
        if failed:
            self.stack_event(stack, "ROLLBACK_FAILED", _failed_to("delete", failed))
        else:
            stack.outputs = {}
            self.finish(stack, "ROLLBACK_COMPLETE")

    def roll_back_update(self, stack: Stack, skip: Collection[str] = ()) -> None:
        """Bring a stack back to what it was before an update that failed."""
        self.stack_event(stack, "UPDATE_ROLLBACK_IN_PROGRESS", stack.status_reason)
        if not self.roll_back_updates(stack, skip):
            self.stack_event(stack, "UPDATE_ROLLBACK_FAILED", stack.status_reason)
            return
        self.stack_event(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self.clean_up_after_rollback(stack)
        self.finish(stack, "UPDATE_ROLLBACK_COMPLETE")

    def delete(self, stack: Stack, retain: Collection[str] = ()) -> None:
        """Remove a stack; it ends in DELETE_COMPLETE or DELETE_FAILED."""
        stack.updated_at = self._clock.now()
        self.stack_event(stack, "DELETE_IN_PROGRESS", "User Initiated")
        in_use = self._exports_in_use(stack, {})
        if in_use:
            self.stack_event(stack, "DELETE_FAILED", in_use.replace("updated", "deleted"))
            return
        for name in retain:
            stack.resources.pop(name, None)
        if stack.parent is None:
            for resource in stack.resources.values():
                resource.just_created = False
        failed = self._delete_all(stack)
        if failed:
            self.stack_event(stack, "DELETE_FAILED", _failed_to("delete", failed))
            return
        stack.deleted_at = self._clock.now()
        stack.outputs = {}
        stack.imports = frozenset()
        self.finish(stack, "DELETE_COMPLETE")

    # phases -------------------------------------------------------------------------------------

    def forward(self, stack: Stack, change: Change, verb: str) -> bool:
        """Make and change resources; False at the first failure, with the stack's reason set."""
        if stack.was_complete and stack.stable is None:
            stack.stable = stack.snapshot()
        stack.template, stack.parameters, stack.tags = (
            change.template,
            change.parameters,
            change.tags,
        )
        stack.updated_at = self._clock.now() if verb == "UPDATE" else None
        reason = "User Initiated" if stack.parent is None else ""
        self.stack_event(stack, f"{verb}_IN_PROGRESS", reason)
        scope = self.scope(stack, change.template, change.parameters)
        declarations = scope.active_resources()
        graph = dependencies(declarations)
        run = self._in_order(
            graph,
            lambda name, run: self._apply(stack, scope, declarations[name], graph[name], run),
        )
        if run.failed:
            stack.status_reason = _failed_to(verb.lower(), run.failed)
            return False
        try:
            outputs = self._outputs(scope)
            in_use = self._exports_in_use(stack, outputs) or self._export_clash(stack, outputs)
        except (UnresolvableError, ValidationError) as error:
            in_use = str(error)
        if in_use:
            stack.status_reason = in_use
            return False
        stack.outputs = outputs
        stack.imports = _imports(scope)
        return True

    def clean_up(self, stack: Stack) -> None:
        """After an update: remove what it replaced or left out. Failures are abandoned."""
        for resource in _touched_nested(stack):
            child = self.stacks[resource.physical_id]
            if child.stable is not None:
                self.stack_event(child, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
                self.clean_up(child)
                self.finish(child, "UPDATE_COMPLETE")
        assert stack.template is not None  # noqa: S101 - forward has set it
        scope = self.scope(stack, stack.template, stack.parameters)
        wanted = scope.active_resources()
        removed = [r for name, r in stack.resources.items() if name not in wanted]
        replaced = [
            resource
            for resource in stack.leftovers
            if resource.declaration.update_replace_policy != "Retain"
        ]
        self._delete_leftovers(stack, removed, replaced)

    def roll_back_updates(self, stack: Stack, skip: Collection[str] = ()) -> bool:
        """Send every resource updated so far back to its old properties; nothing is removed yet."""
        stable = stack.stable
        assert stable is not None  # noqa: S101 - only updates are rolled back
        stack.template, stack.parameters, stack.tags = (
            stable.template,
            stable.parameters,
            stable.tags,
        )
        if not stack.rolling_back:
            # what was replaced stays: it is what the stack goes back to
            stack.leftovers, stack.rolling_back = [], True
        scope = self.scope(stack, stable.template, stable.parameters)
        graph = {
            name: resource.depends_on & stable.resources.keys()
            for name, resource in stable.resources.items()
        }
        run = self._in_order(
            graph, lambda name, _: self._take_back(stack, scope, stable, name, skip)
        )
        if run.failed:
            stack.status_reason = _failed_to("update", run.failed)
            return False
        stack.outputs = stable.outputs
        stack.imports = _imports(scope)
        return True

    def clean_up_after_rollback(self, stack: Stack) -> None:
        """Remove what the failed update made. Failures are abandoned."""
        stable = stack.stable
        assert stable is not None  # noqa: S101 - only updates are rolled back
        for resource in _touched_nested(stack):
            child = self.stacks[resource.physical_id]
            if resource.logical_id in stable.resources and child.stable is not None:
                self.stack_event(child, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
                self.clean_up_after_rollback(child)
                self.finish(child, "UPDATE_ROLLBACK_COMPLETE")
        made = [
            resource for name, resource in stack.resources.items() if name not in stable.resources
        ]
        self._delete_leftovers(stack, made, stack.leftovers)

    # one resource -------------------------------------------------------------------------------

    def _apply(
        self,
        stack: Stack,
        scope: Scope,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        run: _Run,
    ) -> None:
        existing = stack.resources.get(declaration.logical_id)
        handler = self.resource_type(declaration)
        try:
            properties = scope.resolve(dict(declaration.properties))
        except UnresolvableError as error:
            resource = existing or Resource(declaration, depends_on)
            stack.resources[declaration.logical_id] = resource
            verb = "CREATE" if existing is None else "UPDATE"
            self._event(stack, resource, f"{verb}_FAILED", str(error))
            raise
        if existing is not None and existing.status == "CREATE_FAILED":
            # left by an operation without rollback: removed before it is tried again
            self._remove(stack, existing)
            existing = None
        if existing is None:
            self._create(stack, declaration, depends_on, properties, run, "CREATE")
            return
        settled = existing.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        same = existing.type == declaration.type and existing.properties == properties
        before = copy.copy(existing)
        existing.declaration, existing.depends_on = declaration, depends_on
        if same and settled:
            return
        if before.type != declaration.type or handler.replaces(before.properties, properties):
            self._event(
                stack,
                existing,
                "UPDATE_IN_PROGRESS",
                "Requested update requires the creation of a new physical resource; "
                "hence creating one.",
            )
            stack.leftovers.append(before)
            self._create(stack, declaration, depends_on, properties, run, "UPDATE")
            return
        existing.touched, existing.properties = True, properties
        self._event(stack, existing, "UPDATE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack,
            declaration=declaration,
            properties=properties,
            physical_id=before.physical_id,
            old_properties=before.properties,
            cancelled=lambda: run.cancelled,
        )
        outcome = self._attempt(stack, existing, lambda: handler.update(request), "UPDATE")
        if outcome.physical_id != before.physical_id:
            stack.leftovers.append(before)
        existing.physical_id, existing.attributes = outcome.physical_id, outcome.attributes
        self._event(stack, existing, "UPDATE_COMPLETE")

    def _create(
        self,
        stack: Stack,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        properties: Mapping[str, Any],
        run: _Run,
        verb: str,
    ) -> None:
        resource = Resource(
            declaration, depends_on, properties=properties, touched=True, just_created=True
        )
        stack.resources[declaration.logical_id] = resource
        if verb == "CREATE":
            self._event(stack, resource, "CREATE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack,
            declaration=declaration,
            properties=properties,
            cancelled=lambda: run.cancelled,
        )
        handler = self.resource_type(declaration)
        outcome = self._attempt(stack, resource, lambda: handler.create(request), verb)
        resource.physical_id, resource.attributes = outcome.physical_id, outcome.attributes
        self._event(stack, resource, f"{verb}_COMPLETE")

    def _attempt(
        self, stack: Stack, resource: Resource, act: Callable[[], Outcome], verb: str
    ) -> Outcome:
        """Do it, and keep the record true where it fails."""
        try:
            return act()
        except ResourceFailedError as error:
            if error.physical_id and not resource.physical_id:
                resource.physical_id = error.physical_id
            elif error.physical_id and error.physical_id != resource.physical_id:
                resource.stray_ids.append(error.physical_id)
            self._event(stack, resource, f"{verb}_FAILED", str(error))
            raise

    def _take_back(
        self,
        stack: Stack,
        scope: Scope,
        stable: Snapshot,
        name: str,
        skip: Collection[str],
    ) -> None:
        current, old = stack.resources[name], stable.resources[name]
        if not current.touched or current.taken_back:
            return
        if name in skip:
            current.declaration, current.properties = old.declaration, old.properties
            current.taken_back = True
            self._event(stack, current, "UPDATE_COMPLETE", "Resource skipped in the rollback.")
            return
        if current.type != old.type or not (
            current.declaration.is_custom or current.physical_id == old.physical_id
        ):
            stack.leftovers.append(copy.copy(current))
            stack.resources[name] = replace(old, touched=True, taken_back=True, stray_ids=[])
            self._event(stack, stack.resources[name], "UPDATE_COMPLETE")
            return
        properties = scope.resolve(dict(old.declaration.properties))
        given = current.physical_id
        if self.settings.reversed_update_id is ReversedUpdateId.ORIGINAL:
            given = old.physical_id
        failed = copy.copy(current)
        request = ResourceRequest(
            stack=stack,
            declaration=old.declaration,
            properties=properties,
            physical_id=given,
            old_properties=current.properties,
        )
        current.declaration, current.depends_on = old.declaration, old.depends_on
        self._event(stack, current, "UPDATE_IN_PROGRESS")
        handler = self.resource_type(old.declaration)
        outcome = self._attempt(stack, current, lambda: handler.update(request), "UPDATE")
        others = {failed.physical_id, given, *failed.stray_ids} - {outcome.physical_id, ""}
        stack.leftovers.extend(
            replace(failed, physical_id=physical_id, stray_ids=[]) for physical_id in sorted(others)
        )
        current.physical_id, current.attributes = outcome.physical_id, outcome.attributes
        current.properties, current.stray_ids, current.taken_back = properties, [], True
        self._event(stack, current, "UPDATE_COMPLETE")

    def _remove(self, stack: Stack, resource: Resource) -> None:
        policy = resource.declaration.deletion_policy
        if policy == "Retain" and stack.root.retain_except_on_create:
            policy = "RetainExceptOnCreate"
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not resource.just_created):
            self._event(stack, resource, "DELETE_SKIPPED")
            return
        if resource.physical_id == "":
            self._event(stack, resource, "DELETE_COMPLETE")
            return
        self._event(stack, resource, "DELETE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack,
            declaration=resource.declaration,
            properties=resource.properties,
            physical_id=resource.physical_id,
        )
        try:
            self.resource_type(resource.declaration).delete(request)
        except ResourceFailedError as error:
            self._event(stack, resource, "DELETE_FAILED", str(error))
            raise
        self._event(stack, resource, "DELETE_COMPLETE")

    # many resources -----------------------------------------------------------------------------

    def _delete_all(self, stack: Stack) -> dict[str, str]:
        """Remove every resource, dependents first; what could not be removed, with reasons."""
        nodes = dict(stack.resources)
        nodes |= {f"{r.logical_id} {r.physical_id}": r for r in stack.leftovers}

        def work(key: str, _: _Run) -> None:
            self._remove(stack, nodes[key])
            stack.resources.pop(key, None)

        run = self._in_order(_reversed_graph(nodes), work, go_on=True)
        if not run.failed:
            stack.leftovers = []
        return run.failed

    def _delete_leftovers(
        self,
        stack: Stack,
        removed: Collection[Resource],
        replaced: Collection[Resource],
    ) -> None:
        by_key = {f"{r.logical_id} {r.physical_id}": r for r in replaced}
        nodes = {resource.logical_id: resource for resource in removed} | by_key

        def work(key: str, _: _Run) -> None:
            resource = nodes[key]
            if key in by_key:
                # replaced ones go by the other policy, which was looked at already
                declaration = replace(resource.declaration, deletion_policy="Delete")
                resource = replace(resource, declaration=declaration)
            for attempt in range(1, CLEAN_UP_TRIES + 1):
                try:
                    self._remove(stack, resource)
                    break
                except ResourceFailedError:
                    if attempt == CLEAN_UP_TRIES:
                        break  # abandoned: it stays where it is, and the stack forgets it
            if key not in by_key:
                stack.resources.pop(key, None)

        self._in_order(_reversed_graph(nodes), work, go_on=True)
        stack.leftovers = []

    def _in_order(
        self,
        graph: Mapping[str, frozenset[str]],
        work: Callable[[str, _Run], None],
        *,
        go_on: bool = False,
    ) -> _Run:
        """Do the work for each name, as soon as it is done for all that the name waits for.

        After a failure nothing further is begun; with `go_on` only what waits for the failed one
        is left.
        """
        run = _Run()
        waiting = set(graph)
        done: set[str] = set()
        started = 0

        def do(name: str) -> None:
            try:
                work(name, run)
                done.add(name)
            except ResourceCancelledError:
                pass
            except (ResourceFailedError, UnresolvableError, ValidationError) as error:
                run.failed[name] = str(error)
                run.cancelled = not go_on
            finally:
                run.ended.append(name)
                self._clock.changed()

        while True:
            ended = len(run.ended)
            ready = [] if run.cancelled else [n for n in graph if n in waiting and graph[n] <= done]
            for name in ready:
                waiting.discard(name)
                self._clock.spawn(name, partial(do, name))
            started += len(ready)
            if ended == started:
                return run
            self._clock.wait_until(lambda ended=ended: len(run.ended) > ended)  # type: ignore[misc]

    # looking things up --------------------------------------------------------------------------

    def resource_type(self, declaration: ResourceDeclaration) -> ResourceType:
        """What makes resources of this declaration."""
        return self._custom if declaration.is_custom else self._types[declaration.type]

    def scope(self, stack: Stack, template: Template, parameters: Mapping[str, Any]) -> Scope:
        """What references in a template of this stack resolve to at the moment."""

        def ref(name: str) -> Any:
            resource = stack.resources.get(name)
            if resource is None or not resource.physical_id:
                msg = f"Unresolved reference to {name}"
                raise UnresolvableError(msg)
            return resource.physical_id

        def attribute(name: str, attribute_name: str) -> Any:
            resource = stack.resources.get(name)
            if resource is None:
                msg = f"Unresolved reference to {name}.{attribute_name}"
                raise UnresolvableError(msg)
            value: Any = resource.attributes
            if attribute_name in value:
                return value[attribute_name]
            for part in attribute_name.split("."):
                if not isinstance(value, Mapping) or part not in value:
                    msg = (
                        f"CustomResource attribute error: Vendor response doesn't contain "
                        f"{attribute_name} key in object {stack.stack_id}|{name}"
                        if resource.declaration.is_custom
                        else f"Requested attribute {attribute_name} does not exist in schema for "
                        f"{resource.type}"
                    )
                    raise UnresolvableError(msg)
                value = value[part]
            return value

        pseudo = {
            **self._pseudo_parameters,
            "AWS::StackId": stack.stack_id,
            "AWS::StackName": stack.name,
        }
        return Scope(template, parameters, pseudo, ref, attribute, self._import_value)

    def _import_value(self, name: str) -> str:
        for stack in self.stacks.values():
            for output in stack.outputs.values():
                if output.export_name == name:
                    return output.value
        msg = f"No export named {name} found."
        raise UnresolvableError(msg)

    def _outputs(self, scope: Scope) -> dict[str, Output]:
        outputs = {}
        for key, output in scope.template.section("Outputs").items():
            if "Condition" in output and not scope.condition(output["Condition"]):
                continue
            export = output.get("Export")
            outputs[key] = Output(
                key,
                str(scope.resolve(output["Value"])),
                output.get("Description"),
                None if export is None else str(scope.resolve(export["Name"])),
            )
        return outputs

    def _exports_in_use(self, stack: Stack, outputs: Mapping[str, Output]) -> str:
        """Why the stack's exports cannot become these, or an empty string."""
        new = {o.export_name: o.value for o in outputs.values() if o.export_name}
        for output in stack.outputs.values():
            name = output.export_name
            if name is None or new.get(name) == output.value:
                continue
            users = [s.name for s in self.stacks.values() if name in s.imports and s is not stack]
            if users:
                return f"Export {name} cannot be updated as it is in use by {', '.join(users)}"
        return ""

    def _export_clash(self, stack: Stack, outputs: Mapping[str, Output]) -> str:
        taken = {
            output.export_name: other.name
            for other in self.stacks.values()
            if other is not stack
            for output in other.outputs.values()
            if output.export_name
        }
        for output in outputs.values():
            if output.export_name in taken:
                return (
                    f"Export with name {output.export_name} is already exported by stack "
                    f"{taken[output.export_name]}."
                )
        return ""

    # telling ------------------------------------------------------------------------------------

    def finish(self, stack: Stack, status: str = "") -> None:
        """Reach a state, by default the present one, from which there is nothing to roll back."""
        stack.stable, stack.rolling_back, stack.was_complete = None, False, True
        for resource in stack.resources.values():
            if resource.type == STACK_TYPE and resource.just_created:
                self.finish(self.stacks[resource.physical_id])
            resource.touched, resource.taken_back, resource.just_created = False, False, False
            resource.stray_ids = []
        if status:
            stack.status_reason = ""
            self.stack_event(stack, status)

    def stack_event(self, stack: Stack, status: str, reason: str = "") -> None:
        """Put the stack into a state, and tell so."""
        stack.status = status
        if reason:
            stack.status_reason = reason
        self._append(stack, stack.name, stack.stack_id, STACK_TYPE, status, reason, None)

    def _event(self, stack: Stack, resource: Resource, status: str, reason: str = "") -> None:
        resource.status, resource.status_reason = status, reason
        resource.updated_at = self._clock.now()
        self._append(
            stack,
            resource.logical_id,
            resource.physical_id,
            resource.type,
            status,
            reason,
            resource.properties,
        )

    def _append(
        self,
        stack: Stack,
        logical_id: str,
        physical_id: str,
        resource_type: str,
        status: str,
        reason: str,
        properties: Mapping[str, Any] | None,
    ) -> None:
        # clients sort by time, in which no two events of a stack may be the same
        last = stack.events[-1].timestamp if stack.events else 0.0
        stack.events.append(
            Event(
                str(uuid.uuid4()),
                max(self._clock.now(), last + 0.001),
                logical_id,
                physical_id,
                resource_type,
                status,
                reason,
                properties,
                stack.client_request_token,
            )
        )
        self._clock.changed()


def _failed_to(verb: str, failed: Mapping[str, str]) -> str:
    names = ", ".join(sorted({name.split(" ")[0] for name in failed}))
    return f"The following resource(s) failed to {verb}: [{names}]. "


def _reversed_graph(nodes: Mapping[str, Resource]) -> dict[str, frozenset[str]]:
    """Each node waits for those that depend on it."""
    dependents: dict[str, set[str]] = {key: set() for key in nodes}
    by_logical_id: dict[str, list[str]] = {}
    for key, resource in nodes.items():
        by_logical_id.setdefault(resource.logical_id, []).append(key)
    for key, resource in nodes.items():
        for name in resource.depends_on:
            for dependency in by_logical_id.get(name, []):
                dependents[dependency].add(key)
    return {key: frozenset(waits) for key, waits in dependents.items()}


def _touched_nested(stack: Stack) -> list[Resource]:
    return [r for r in stack.resources.values() if r.type == STACK_TYPE and r.touched]


def _imports(scope: Scope) -> frozenset[str]:
    """The names of the exports that a template uses."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for name, argument in value.items():
                if name == "Fn::ImportValue":
                    found.add(str(scope.resolve(argument)))
                else:
                    look(argument)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for resource in scope.active_resources().values():
        look(dict(resource.properties))
    look(dict(scope.template.section("Outputs")))
    return frozenset(found)
