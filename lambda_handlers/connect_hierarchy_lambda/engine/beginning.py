"""Beginning a task: the direction of a request, and whether it may act."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from connect_hierarchy_lambda.core.direction import (
    Course,
    NoReasonError,
    begun,
    course_again,
    course_of,
    is_late,
    is_settled,
    needs_status,
)
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.engine.asking import Asking
from connect_hierarchy_lambda.engine.task import Answer, Repair, Task
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.model.ledger import Begun, Entry, Forward, RequestType
from connect_hierarchy_lambda.model.messages import HierarchyError, NoLongerWantedError

logger = logging.getLogger(__name__)

_MOST_REMEMBERED = 8
"""Requests of a resource that the ledger keeps, to tell late copies from new ones."""

_REST_SECONDS = 2.0
"""The longest time in seconds until a repair notices a deployment."""


class Beginning:
    """Begins tasks, and goes on with those that began before."""

    def __init__(self, turns: Turns, asking: Asking) -> None:
        self._turns = turns
        self._memory = turns.memory
        self._asking = asking

    def begin(self, task: Task) -> Answer | None:
        """Begin the task or go on with it; its answer if it was answered before.

        Raises:
            NoLongerWantedError: Something later has begun.
            HierarchyError: Nothing gives the request a reason.
        """
        if task.repair is None:
            return self._begin_request(task)
        since = self._memory.clock.now() - self._memory.at_rest
        if not self._memory.is_alone or since >= _REST_SECONDS:
            self._begin_repair(task, task.repair)
        return None

    def _begin_request(self, task: Task) -> Answer | None:
        memory, event, entry = self._memory, task.event, self._memory.entry
        current = entry.current if entry else None
        if entry is not None and current is not None and current.id == event.id:
            return self._go_on(entry, current)
        if memory.course is not None or is_late(event, entry, None):
            raise _superseded(task)
        if entry is None and event.type is RequestType.DELETE and not task.wish.instance_arn:
            # neither the ledger nor the event says where a group could be
            return Answer(event.physical_id)
        status = self._asking.status() if needs_status(event, entry) else None
        if is_late(event, entry, status):
            raise _superseded(task)
        try:
            course = course_of(event, entry, status, is_declared=lambda: self._is_declared(task))
        except NoReasonError:
            raise HierarchyError(
                f"deleting {task.resource.logical_id}",
                "the stack still wants it, and nothing says that it goes",
                "nothing was deleted; deploy again",
            ) from None
        memory.is_unknown = entry is None and event.type is not RequestType.CREATE
        known = entry or Entry(task.resource.logical_id)
        if is_settled(course, status):
            known = replace(known, forward=None)
        self._turns.write(entry=_with_request(known, task, course))
        # not before: a request that is not written down has not begun
        memory.course = course
        told = {"direction": course.direction, "goal": course.goal}
        logger.info("direction decided", extra=told)
        return None

    def _go_on(self, entry: Entry, current: Begun) -> Answer | None:
        if current.answer is not None:
            data: Any = current.answer
            return Answer(data["PhysicalResourceId"], data["Data"])
        if self._memory.course is None:
            self._memory.course = course_again(current)
            self._memory.since.update(entry.since)
        return None

    def _begin_repair(self, task: Task, repair: Repair) -> None:
        """Begin or continue the repair, unless something else is at work in the stack.

        A request of CloudFormation takes the turn first. So while nobody else has had it, a
        deployment that has begun since has done nothing yet and only waits.
        """
        memory = self._memory
        doing = f"repairing {task.resource.logical_id}"
        current = memory.entry.current if memory.entry else None
        if current is None or current.id != repair.after:
            raise NoLongerWantedError(doing, "a deployment has begun", "repair again after it")
        status = self._asking.status()
        is_at_rest = current.answer is not None if status is None else status.is_at_rest
        if not is_at_rest:
            why = f"the stack is {status.text}" if status else "the last request has no answer yet"
            raise NoLongerWantedError(doing, why, "repair again after the deployment")
        if memory.course is None:
            learned = [r for r in repair.overlay.learned if r.slot not in memory.records]
            self._turns.write(records=learned)
        memory.course, memory.at_rest = repair.course, memory.clock.now()

    def _is_declared(self, task: Task) -> bool | None:
        template = self._asking.template()
        return None if template is None else task.resource.logical_id in template


def _with_request(entry: Entry, task: Task, course: Course) -> Entry:
    """The entry of a resource once the request has begun."""
    event = task.event
    if course.direction is Direction.FORWARD:
        forward = Forward(
            event.id,
            event.digest,
            event.type is RequestType.CREATE,
            event.old_digest,
            event.physical_id,
            task.old_properties,
        )
        entry = replace(entry, forward=forward)
    started = (*entry.begun, begun(event, course))[-_MOST_REMEMBERED:]
    return replace(entry, begun=started, since={})


def _superseded(task: Task) -> NoLongerWantedError:
    return NoLongerWantedError(
        f"serving {task.event.type} of {task.resource.logical_id}",
        "a later request of this resource has begun",
        "see the other failures of the deployment",
    )
