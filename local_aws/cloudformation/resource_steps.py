"""The steps of one resource: create or change, undo, delete."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local_aws.cloudformation.custom_resources import (
    MAX_EVENT_BYTES,
    CustomResources,
    ReversedUpdateId,
)
from local_aws.cloudformation.event_log import EventLog
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.ordered_work import Run, internal_failure
from local_aws.cloudformation.resource_types import (
    Outcome,
    ResourceFailedError,
    ResourceRefusedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.cloudformation.stacks import Resource, Snapshot, Stack
from local_aws.cloudformation.template import (
    ResourceDeclaration,
    Scope,
    UnresolvableError,
    stringified,
)

_SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass
class EngineSettings:
    """Switches for undocumented behaviour."""

    reversed_update_id: ReversedUpdateId = ReversedUpdateId.NEW

    rollback_delay: float = 0.0
    """Seconds from the start of a stack's rollback to the first reversed Update."""

    clean_up_tries: int = 3
    """How often a Delete of the clean-up is tried before the resource is abandoned."""

    max_event_bytes: int = MAX_EVENT_BYTES
    """The largest event in bytes, see `CustomResources`."""

    response_url_has_date: bool = True
    """Whether a ResponseURL says when it was signed, see `CustomResources`."""

    replaced_get_reversed_update: bool = True
    """Whether a custom resource that the update replaced gets a reversed Update in the rollback.

    If not, its original takes its place again, and only the new id gets a Delete.
    """

    rollback_sets_updated_time: bool = False
    """Whether the rollback of an update changes the stack's LastUpdatedTime."""

    records_show_progress: bool = True
    """Whether resource records show work in progress.

    If not, they show the last state at rest, and nothing of a resource that is being created.
    """

    records_show_what_is_cleaned_up: bool = False
    """Whether a resource record shows the id that a clean-up is deleting."""


class ResourceSteps:
    """Brings single resources from one state to another, and keeps their records in the stack."""

    def __init__(
        self,
        resource_types: Mapping[str, ResourceType],
        custom_resources: CustomResources,
        log: EventLog,
        settings: EngineSettings,
    ) -> None:
        self._types = resource_types
        self._custom = custom_resources
        self._log = log
        self._settings = settings

    def resource_type(self, declaration: ResourceDeclaration) -> ResourceType:
        """What makes resources of this declaration."""
        return self._custom if declaration.is_custom else self._types[declaration.type]

    # forward ------------------------------------------------------------------------------------

    def apply(
        self,
        stack: Stack,
        scope: Scope,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        run: Run,
    ) -> None:
        """Create the resource, or change it if it differs."""
        existing = stack.resources.get(declaration.logical_id)
        properties = self._resolve(stack, scope, declaration, depends_on, existing)
        if existing is not None and not existing.made:
            # left by an operation without rollback: deleted before another attempt
            self.remove(stack, existing)
            existing = None
        if existing is None:
            self._create(stack, declaration, depends_on, properties, run, "CREATE")
            return
        before = copy.copy(existing)
        existing.declaration, existing.depends_on = declaration, depends_on
        if existing.status in _SETTLED and same_properties(existing.properties, properties):
            return
        if self.resource_type(declaration).replaces(before.properties, properties):
            self._replace(stack, before, declaration, depends_on, properties, run)
            return
        self._update(stack, existing, before, properties, run)

    def _resolve(
        self,
        stack: Stack,
        scope: Scope,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        existing: Resource | None,
    ) -> Mapping[str, Any]:
        try:
            properties: Mapping[str, Any] = scope.properties(declaration)
        except (UnresolvableError, ValidationError) as error:
            resource = existing or Resource(declaration, depends_on)
            stack.resources[declaration.logical_id] = resource
            verb = "CREATE" if existing is None else "UPDATE"
            self._log.resource(stack, resource, f"{verb}_FAILED", str(error))
            raise
        return properties

    def _create(
        self,
        stack: Stack,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        properties: Mapping[str, Any],
        run: Run,
        verb: str,
    ) -> None:
        resource = Resource(
            declaration, depends_on, properties=properties, touched=True, just_created=True
        )
        stack.resources[declaration.logical_id] = resource
        if verb == "CREATE":
            self._log.resource(stack, resource, "CREATE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack, declaration=declaration, properties=properties, cancelled=run.cancelled
        )
        handler = self.resource_type(declaration)
        outcome = self._attempt(stack, resource, lambda: handler.create(request), verb)
        resource.physical_id, resource.attributes = outcome.physical_id, outcome.attributes
        resource.made = True
        self._log.resource(stack, resource, f"{verb}_COMPLETE")

    def _replace(
        self,
        stack: Stack,
        before: Resource,
        declaration: ResourceDeclaration,
        depends_on: frozenset[str],
        properties: Mapping[str, Any],
        run: Run,
    ) -> None:
        """Create the successor of a resource that is known not to be changeable."""
        existing = stack.resources[declaration.logical_id]
        if stack.root.disable_rollback:
            msg = "Replacement type updates not supported on stack with disable-rollback."
            existing.declaration, existing.depends_on = before.declaration, before.depends_on
            self._log.resource(stack, existing, "UPDATE_FAILED", msg)
            raise ResourceFailedError(msg)
        self._log.resource(
            stack,
            existing,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; "
            "hence creating one.",
        )
        stack.leftovers.append(before)
        self._create(stack, declaration, depends_on, properties, run, "UPDATE")

    def _update(
        self,
        stack: Stack,
        existing: Resource,
        before: Resource,
        properties: Mapping[str, Any],
        run: Run,
    ) -> None:
        existing.touched, existing.properties = True, properties
        self._log.resource(stack, existing, "UPDATE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack,
            declaration=existing.declaration,
            properties=properties,
            physical_id=before.physical_id,
            old_properties=before.properties,
            cancelled=run.cancelled,
        )
        handler = self.resource_type(existing.declaration)
        try:
            outcome = self._attempt(stack, existing, lambda: handler.update(request), "UPDATE")
        except ResourceRefusedError:
            existing.touched, existing.properties = before.touched, before.properties
            existing.declaration, existing.depends_on = before.declaration, before.depends_on
            raise
        if outcome.physical_id != before.physical_id:
            stack.leftovers.append(before)
        existing.physical_id, existing.attributes = outcome.physical_id, outcome.attributes
        self._log.resource(stack, existing, "UPDATE_COMPLETE")

    def _attempt(
        self, stack: Stack, resource: Resource, act: Callable[[], Outcome], verb: str
    ) -> Outcome:
        """Make the change, and keep the record true if it fails."""
        try:
            return act()
        except ResourceFailedError as error:
            if error.physical_id and not resource.physical_id:
                resource.physical_id = error.physical_id
            elif error.physical_id and error.physical_id != resource.physical_id:
                resource.stray_ids.append(error.physical_id)
            self._log.resource(stack, resource, f"{verb}_FAILED", str(error))
            raise
        except Exception as error:
            self._log.resource(stack, resource, f"{verb}_FAILED", internal_failure(error))
            raise

    # back ---------------------------------------------------------------------------------------

    def take_back(
        self,
        stack: Stack,
        scope: Scope,
        stable: Snapshot,
        name: str,
        skip: Collection[str],
    ) -> None:
        """Send a resource of an update back to its old properties, without deleting anything."""
        current, old = stack.resources[name], stable.resources[name]
        if not current.touched:
            current.declaration, current.depends_on = old.declaration, old.depends_on
            if current.status not in _SETTLED:
                # refused before any attempt
                self._log.resource(stack, current, "UPDATE_COMPLETE")
            return
        if current.taken_back:
            return
        if name in skip:
            current.declaration, current.properties = old.declaration, old.properties
            current.taken_back = True
            self._log.resource(stack, current, "UPDATE_COMPLETE", "Resource update skipped.")
            return
        reversible = current.declaration.is_custom and self._settings.replaced_get_reversed_update
        if not reversible and current.physical_id != old.physical_id:
            # the original was never changed, it only takes its place again
            stack.leftovers.append(copy.copy(current))
            original = replace(old, touched=True, taken_back=True, stray_ids=[])
            stack.resources[name] = original
            self._log.resource(stack, original, "UPDATE_COMPLETE")
            return
        self._reverse(stack, scope, current, old)

    def _reverse(self, stack: Stack, scope: Scope, current: Resource, old: Resource) -> None:
        properties = scope.properties(old.declaration)
        failed = copy.copy(current)
        given = old.physical_id
        if self._settings.reversed_update_id is ReversedUpdateId.NEW:
            # the id in a failed answer counts, too
            given = failed.stray_ids[-1] if failed.stray_ids else failed.physical_id
        request = ResourceRequest(
            stack=stack,
            declaration=old.declaration,
            properties=properties,
            physical_id=given,
            old_properties=current.properties,
        )
        current.declaration, current.depends_on = old.declaration, old.depends_on
        self._log.resource(stack, current, "UPDATE_IN_PROGRESS")
        handler = self.resource_type(old.declaration)
        outcome = self._attempt(stack, current, lambda: handler.update(request), "UPDATE")
        # a dict, since a set has no fixed order
        others = dict.fromkeys([failed.physical_id, given, *current.stray_ids])
        stack.leftovers.extend(
            replace(failed, physical_id=physical_id, stray_ids=[])
            for physical_id in others
            if physical_id not in {outcome.physical_id, ""}
        )
        current.physical_id, current.attributes = outcome.physical_id, outcome.attributes
        current.properties, current.stray_ids, current.taken_back = properties, [], True
        self._log.resource(stack, current, "UPDATE_COMPLETE")

    # away ---------------------------------------------------------------------------------------

    def remove(self, stack: Stack, resource: Resource) -> None:
        """Delete a resource, unless its policy keeps it."""
        policy = resource.declaration.deletion_policy
        if policy == "Retain" and stack.root.retain_except_on_create:
            policy = "RetainExceptOnCreate"
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not resource.just_created):
            self._log.resource(stack, resource, "DELETE_SKIPPED")
            return
        if resource.physical_id == "":
            self._log.resource(stack, resource, "DELETE_COMPLETE")
            return
        self._log.resource(stack, resource, "DELETE_IN_PROGRESS")
        request = ResourceRequest(
            stack=stack,
            declaration=resource.declaration,
            properties=resource.properties,
            physical_id=resource.physical_id,
        )
        try:
            self.resource_type(resource.declaration).delete(request)
        except ResourceFailedError as error:
            self._log.resource(stack, resource, "DELETE_FAILED", str(error))
            raise
        except Exception as error:
            self._log.resource(stack, resource, "DELETE_FAILED", internal_failure(error))
            raise
        self._log.resource(stack, resource, "DELETE_COMPLETE")


def same_properties(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether there is nothing to update; 5 and "5" are equal, true and 1 are not."""
    return bool(stringified(old) == stringified(new))
