"""A repair of a resource: the tasks that restore its last successful wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connect_hierarchy_lambda.core import repair
from connect_hierarchy_lambda.core.decide import decide
from connect_hierarchy_lambda.core.direction import Course, Event
from connect_hierarchy_lambda.core.drift import Seen
from connect_hierarchy_lambda.core.levels import SLOT, decide_levels
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Direction, Resource, Wish
from connect_hierarchy_lambda.engine.task import Answer, Repair, Task
from connect_hierarchy_lambda.model.ledger import RequestType
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.properties import ResourceType
from connect_hierarchy_lambda.resources.structures import wished_levels
from connect_hierarchy_lambda.resources.wishes import wish_of_group, wish_of_tree


def repair_of(seen: Seen, resource: str) -> Task:
    """The task that restores names, places and levels of a resource to its last wish.

    Raises:
        HierarchyError: The ledger does not know the last wish.
    """
    return _forward(seen, resource, repair.names_and_places(seen, resource))


def retagging_of(seen: Seen, resource: str) -> Task:
    """The task that restores the tags that people changed; raises what `repair_of` does.

    It is a separate task, so that no renamed record loses its tags in between.
    """
    return _forward(seen, resource, repair.tags(seen, resource))


def _forward(seen: Seen, resource: str, overlay: repair.Overlay) -> Task:
    apart = frozenset(r.id for r in seen.known if r.resource == resource and seen.taken_by(r))
    after = repair.latest(seen, resource)
    return _task(seen, resource, Repair(after, Course(Direction.FORWARD), overlay, apart))


def clean_up_of(seen: Seen, resource: str) -> Task:
    """The task that deletes what the repair of a resource retired."""
    return _task(seen, resource, Repair(repair.latest(seen, resource), Course(Direction.CLEAN_UP)))


def _task(seen: Seen, resource: str, begins: Repair) -> Task:
    wish = seen.wishes.get(resource)
    if wish is None or not begins.after:
        raise HierarchyError(
            f"repairing {resource}",
            "the ledger does not know what it wished last",
            "deploy a change of it, for example of its tags, once",
        )
    wish_of, is_tree = _wish_of(wish.resource_type)
    decides = decide
    if wish.resource_type == ResourceType.STRUCTURE:
        wished = wished_levels(wish.properties)
        decides = lambda view: decide_levels(_seen_twice(view), wished, None)  # noqa: E731 - as structures do
    return Task(
        event=Event(
            repair.request(seen, resource),
            RequestType.UPDATE,
            physical_id=seen.entries[resource].physical_id,
        ),
        resource=Resource(seen.stack, resource, is_tree=is_tree),
        wish=wish_of(wish.properties),
        previous=wish_of(wish.properties),
        old_properties=wish.properties,
        wish_of=wish_of,
        answer=lambda view, _: Answer(view.physical_id),
        decide=decides,
        repair=begins,
    )


def _seen_twice(view: View) -> View:
    """The view without doubt about unexpected levels, since the check has seen them."""
    doubt = HierarchyError("reading the hierarchy structure", "its levels were changed")
    view.facts.refused.setdefault(SLOT, doubt)
    return view


def _wish_of(resource_type: str) -> tuple[Callable[[Mapping[str, Any]], Wish], bool]:
    if resource_type == ResourceType.STRUCTURE:
        return lambda values: Wish(wished_levels(values).instance_arn), False
    is_tree = resource_type == ResourceType.TREE
    return (wish_of_tree if is_tree else wish_of_group), is_tree
