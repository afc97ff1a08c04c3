"""The deployment engine: the phases of creating, changing, rolling back and deleting stacks.

An update has four phases, as described in aws-cdk's docs/CLOUDFORMATION.md: `forward`, and then
either `clean_up`, or `roll_back_updates` followed by `clean_up_after_rollback`. A nested stack goes
through each of them with its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from local_aws.clock import Clock
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.dynamic_references import DynamicReferences
from local_aws.cloudformation.event_log import STACK_TYPE, EventLog
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.exports import Exports, imports_of, outputs_of
from local_aws.cloudformation.ordered_work import OrderedWork, Run, dependents_first, never
from local_aws.cloudformation.references import References
from local_aws.cloudformation.resource_steps import EngineSettings, ResourceSteps
from local_aws.cloudformation.resource_types import ResourceFailedError, ResourceType
from local_aws.cloudformation.stacks import Change, Resource, Stack
from local_aws.cloudformation.template import (
    ResourceDeclaration,
    Scope,
    UnresolvableError,
    dependencies,
)

__all__ = ["Engine", "EngineSettings"]


class Engine:
    """Brings stacks from one state to another."""

    def __init__(
        self,
        clock: Clock,
        resource_types: Mapping[str, ResourceType],
        custom_resources: CustomResources,
        pseudo_parameters: Mapping[str, str],
        settings: EngineSettings | None = None,
        dynamic_references: DynamicReferences | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self.stacks: dict[str, Stack] = {}
        """Every stack by its id, including deleted ones."""

        self.log = EventLog(clock)
        self._clock = clock
        self._types = resource_types
        self._work = OrderedWork(clock)
        self._exports = Exports(self.stacks)
        self._references = References(
            pseudo_parameters,
            self._exports.value,
            self._exports.output,
            dynamic_references or DynamicReferences(),
        )
        self._steps = ResourceSteps(resource_types, custom_resources, self.log, self.settings)

    def knows(self, declaration: ResourceDeclaration) -> bool:
        """Whether this AWS has such a resource."""
        return declaration.is_custom or declaration.type in self._types

    def resource_type(self, declaration: ResourceDeclaration) -> ResourceType:
        """The resource type of this declaration."""
        return self._steps.resource_type(declaration)

    def scope(self, stack: Stack, change: Change) -> Scope:
        """The present scope of a template of this stack."""
        return self._references.scope(stack, change)

    def importers(self, export: str) -> list[str]:
        """The names of the stacks that import an export."""
        return self._exports.importers(export)

    # whole operations ---------------------------------------------------------------------------

    def create(self, stack: Stack, change: Change) -> None:
        """Create a stack; it ends in CREATE_COMPLETE, is rolled back, or ends in CREATE_FAILED."""
        if self.forward(stack, change, verb="CREATE"):
            self.finish(stack, "CREATE_COMPLETE")
        elif stack.disable_rollback:
            self.log.stack(stack, "CREATE_FAILED", stack.status_reason)
        else:
            self.roll_back_creation(stack, f"{stack.status_reason}Rollback requested by user.")

    def update(self, stack: Stack, change: Change) -> None:
        """Change a stack; it ends in UPDATE_COMPLETE, is rolled back, or ends in UPDATE_FAILED."""
        if self.forward(stack, change, verb="UPDATE"):
            self.log.stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self.clean_up(stack)
            self.finish(stack, "UPDATE_COMPLETE")
        elif stack.disable_rollback:
            self.log.stack(stack, "UPDATE_FAILED", stack.status_reason)
        elif stack.stable is None:
            self.roll_back_creation(stack, f"{stack.status_reason}Rollback requested by user.")
        else:
            self.roll_back_update(stack, stack.status_reason)

    def roll_back_creation(self, stack: Stack, reason: str = "User Initiated") -> None:
        """Remove what a failed creation made."""
        self.log.stack(stack, "ROLLBACK_IN_PROGRESS", reason)
        run = self._delete_all(stack)
        if run.failed:
            self.log.stack(stack, "ROLLBACK_FAILED", _failed_to_delete(run))
            return
        stack.outputs, stack.imports = {}, frozenset()
        self.finish(stack, "ROLLBACK_COMPLETE")

    def roll_back_update(
        self, stack: Stack, reason: str = "User Initiated", skip: Collection[str] = ()
    ) -> None:
        """Restore a stack to its state before an update that failed."""
        stack.resources_to_skip = frozenset(skip)
        if self.settings.rollback_sets_updated_time:
            stack.updated_at = self._clock.now()
        self.log.stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        if self.settings.rollback_delay:
            self._clock.sleep(self.settings.rollback_delay)
        if not self.roll_back_updates(stack):
            self.log.stack(stack, "UPDATE_ROLLBACK_FAILED", stack.status_reason)
            return
        self.log.stack(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self.clean_up_after_rollback(stack)
        self.finish(stack, "UPDATE_ROLLBACK_COMPLETE")

    def delete(self, stack: Stack, retain: Collection[str] = ()) -> None:
        """Delete a stack; it ends in DELETE_COMPLETE or DELETE_FAILED, or stays as it was."""
        before = stack.status
        reason = "User Initiated" if stack.parent is None else ""
        self.log.stack(stack, "DELETE_IN_PROGRESS", reason)
        in_use = self._exports.why_not_deleted(stack)
        if in_use:
            self.log.stack(stack, before, in_use)
            return
        for name in retain:
            resource = stack.resources.pop(name, None)
            if resource is not None:
                self.log.resource(stack, resource, "DELETE_SKIPPED")
        if stack.parent is None:
            self._forget_creation(stack)
        run = self._delete_all(stack)
        if run.failed:
            self.log.stack(stack, "DELETE_FAILED", _failed_to_delete(run))
            return
        stack.deleted_at = self._clock.now()
        stack.outputs, stack.imports = {}, frozenset()
        self.finish(stack, "DELETE_COMPLETE")

    # phases -------------------------------------------------------------------------------------

    def forward(
        self,
        stack: Stack,
        change: Change,
        verb: str,
        cancelled: Callable[[], bool] = never,
    ) -> bool:
        """Create and change resources; False at the first failure, with the stack's reason set."""
        if stack.was_complete and stack.stable is None:
            stack.stable = stack.snapshot()
        stack.become(change)
        stack.status_reason = ""
        stack.updated_at = self._clock.now() if verb == "UPDATE" else None
        reason = "User Initiated" if stack.parent is None else ""
        self.log.stack(stack, f"{verb}_IN_PROGRESS", reason)
        scope = self.scope(stack, change)
        declarations = scope.active_resources()
        graph = dependencies(declarations)
        # exports that are about to be used, or that a rollback needs, must not disappear meanwhile
        stack.imports |= imports_of(scope)

        def apply(name: str, run: Run) -> None:
            self._steps.apply(stack, scope, declarations[name], graph[name], run)

        run = self._work.run(graph, apply, cancelled=cancelled)
        if run.failed or len(run.done) < len(graph):
            stack.status_reason = _failed_to_apply(stack, run)
            return False
        try:
            outputs = outputs_of(scope)
        except (UnresolvableError, ValidationError) as error:
            stack.status_reason = str(error)
            return False
        stack.status_reason = self._exports.why_not(stack, outputs)
        if stack.status_reason:
            return False
        stack.outputs, stack.imports = outputs, imports_of(scope)
        return True

    def clean_up(self, stack: Stack) -> None:
        """After an update, delete the resources that it replaced or removed.

        Failures are abandoned.
        """
        for child in self._nested(stack):
            self.clean_up(child)
            if child.stable is not None:
                self.finish(child, "UPDATE_COMPLETE")
        wanted = self.scope(stack, _deployed(stack)).active_resources()
        removed = [r for name, r in stack.resources.items() if name not in wanted]
        replaced = [
            resource
            for resource in stack.leftovers
            if resource.declaration.update_replace_policy != "Retain"
        ]
        self._delete_leftovers(stack, removed, replaced)

    def roll_back_updates(self, stack: Stack) -> bool:
        """Send every updated resource back to its old properties; nothing is deleted yet."""
        stable = stack.stable
        assert stable is not None  # noqa: S101 - only updates are rolled back
        stack.become(stable.change)
        if not stack.rolling_back:
            stack.rolling_back = True
            # a replaced resource that the stack goes back to stays; those that several updates
            # without a rollback replaced one after another are deleted
            originals = {(name, r.physical_id) for name, r in stable.resources.items()}
            stack.leftovers = [
                r for r in stack.leftovers if (r.logical_id, r.physical_id) not in originals
            ]
        scope = self.scope(stack, stable.change)
        skip = _to_skip(stack)
        graph = {
            name: resource.depends_on & stable.resources.keys()
            for name, resource in stable.resources.items()
        }
        run = self._work.run(
            graph, lambda name, _: self._steps.take_back(stack, scope, stable, name, skip)
        )
        if run.failed:
            stack.status_reason = _failed_to_apply(stack, run)
            return False
        stack.outputs, stack.imports = stable.outputs, imports_of(scope)
        return True

    def clean_up_after_rollback(self, stack: Stack) -> None:
        """Delete what the failed update created. Failures are abandoned."""
        stable = stack.stable
        assert stable is not None  # noqa: S101 - only updates are rolled back
        for child in self._nested(stack):
            if child.stable is not None:
                self.clean_up_after_rollback(child)
                self.finish(child, "UPDATE_ROLLBACK_COMPLETE")
        made = [r for name, r in stack.resources.items() if name not in stable.resources]
        self._delete_leftovers(stack, made, stack.leftovers)

    # parts of phases ----------------------------------------------------------------------------

    def _delete_all(self, stack: Stack) -> Run:
        """Remove every resource, dependents first."""
        nodes = dict(stack.resources)
        nodes |= _by_physical_id(stack, stack.leftovers)

        def work(key: str, _: Run) -> None:
            self._steps.remove(stack, nodes[key])
            stack.resources.pop(key, None)

        run = self._work.run(dependents_first(nodes), work, go_on=True)
        stack.leftovers = [nodes[key] for key in nodes.keys() - run.done if " " in key]
        return run

    def _delete_leftovers(
        self, stack: Stack, removed: Iterable[Resource], replaced: Iterable[Resource]
    ) -> None:
        """Delete resources that the stack no longer has, or forget them."""
        by_key = {
            # the policy for replaced resources is the other one, which was applied already
            key: replace(r, declaration=replace(r.declaration, deletion_policy="Delete"))
            for key, r in _by_physical_id(stack, replaced).items()
        }
        nodes = {resource.logical_id: resource for resource in removed} | by_key

        def work(key: str, _: Run) -> None:
            if key in by_key:
                stack.cleaned_up[nodes[key].logical_id] = nodes[key]
            for _attempt in range(self.settings.clean_up_tries):
                try:
                    self._steps.remove(stack, nodes[key])
                    break
                except ResourceFailedError:
                    continue  # after the last attempt it stays, and the stack forgets it
            stack.cleaned_up.pop(nodes[key].logical_id, None)
            if key not in by_key:
                stack.resources.pop(key, None)

        self._work.run(dependents_first(nodes), work, go_on=True)
        stack.leftovers = []

    def _nested(self, stack: Stack) -> list[Stack]:
        """The nested stacks that the present operation has touched."""
        found = [
            self.stacks.get(resource.physical_id)
            for resource in list(stack.resources.values())
            if resource.type == STACK_TYPE and resource.touched
        ]
        return [child for child in found if child is not None]

    def _forget_creation(self, stack: Stack) -> None:
        """From now on, RetainExceptOnCreate keeps what a creation without rollback left."""
        for child in self._nested(stack):
            self._forget_creation(child)
        for resource in stack.resources.values():
            resource.just_created = False

    def finish(self, stack: Stack, status: str = "") -> None:
        """Reach a state, by default the present one, without anything to roll back."""
        stack.stable, stack.rolling_back, stack.was_complete = None, False, True
        stack.resources_to_skip = frozenset()
        for child in self._nested(stack):
            self.finish(child)
        for resource in stack.resources.values():
            resource.touched, resource.taken_back, resource.just_created = False, False, False
            resource.stray_ids = []
        if status:
            stack.status_reason = ""
            self.log.stack(stack, status)


def _deployed(stack: Stack) -> Change:
    assert stack.template is not None  # noqa: S101 - forward has set it
    return Change(stack.template, stack.parameters, stack.tags)


def _to_skip(stack: Stack) -> frozenset[str]:
    """The resources of a stack that a continued rollback skips."""
    names = stack.root.resources_to_skip
    if stack.parent is None:
        return names
    prefix = f"{stack.name}."
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _by_physical_id(stack: Stack, leftovers: Iterable[Resource]) -> dict[str, Resource]:
    """Physical resources that no logical one stands for, each once."""
    in_use = {(name, resource.physical_id) for name, resource in stack.resources.items()}
    return {
        f"{resource.logical_id} {resource.physical_id}": resource
        for resource in leftovers
        if (resource.logical_id, resource.physical_id) not in in_use
    }


def _failed_to_apply(stack: Stack, run: Run) -> str:
    names: dict[str, list[str]] = {"create": [], "update": []}
    for name in sorted({*run.failed, *run.given_up}):
        resource = stack.resources.get(name)
        updated = resource is not None and resource.status.startswith("UPDATE_")
        names["update" if updated else "create"].append(name)
    return "".join(
        f"The following resource(s) failed to {verb}: [{', '.join(failed)}]. "
        for verb, failed in names.items()
        if failed
    )


def _failed_to_delete(run: Run) -> str:
    names = ", ".join(sorted({key.split(" ")[0] for key in run.failed}))
    return f"The following resource(s) failed to delete: [{names}]. "
