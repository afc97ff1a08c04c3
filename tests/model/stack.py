"""A model of CloudFormation: which events a deployment sends, in which order, and what it keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from connect_hierarchy_lambda.engine.task import Answer, Task
from connect_hierarchy_lambda.model.properties import GroupProperty, ResourceType
from connect_hierarchy_lambda.resources.groups import Groups, Trees
from connect_hierarchy_lambda.resources.request import Request
from tests.model.values import Fixed, hashed_once

STACK = "app/0001"
STACK_ID = f"arn:aws:cloudformation:eu-central-1:123456789012:stack/{STACK}"

_TRIES_OF_A_CLEAN_UP = 2
"""How often a Delete of the clean-up is sent before it is skipped; CloudFormation sends three."""


class Template(Fixed):
    """Declared resources by logical id; there is one value for each template of an exploration."""

    __hash__ = object.__hash__  # two are alike only where they are one
    __eq__ = object.__eq__


class Phase(StrEnum):
    """What the stack is doing."""

    FORWARD = "FORWARD"
    CLEAN_UP = "CLEAN_UP"
    BACK = "BACK"
    BACK_CLEAN_UP = "BACK_CLEAN_UP"
    DELETION = "DELETION"
    OVER = "OVER"


class Progress(StrEnum):
    """How far a job is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@hashed_once
@dataclass(frozen=True)
class Call:
    """An event as the function gets it."""

    id: str
    type: str
    logical_id: str
    resource_type: str
    properties: str
    """As JSON."""

    old_properties: str = ""
    physical_id: str = ""
    issued_at: float = 0.0

    def __str__(self) -> str:
        number = self.id.split("-")[0]
        return f"{self.type} {number} of {self.logical_id}"


@hashed_once
@dataclass(frozen=True)
class Job:
    """What a phase has to do about one resource."""

    type: str
    logical_id: str
    after: tuple[str, ...] = ()
    """Logical ids whose jobs have to be done before."""

    physical_id: str = ""
    properties: str = ""
    """Of a Delete, resolved; of others they are resolved when the event is sent."""

    progress: Progress = Progress.WAITING
    call: Call | None = None
    tries: int = 0


@hashed_once
@dataclass(frozen=True)
class Held:
    """What CloudFormation has on record of a resource."""

    logical_id: str
    physical_id: str
    properties: str


@dataclass(frozen=True)
class Course:
    """What does not change while a deployment is explored."""

    old: Template
    new: Template
    is_creation: bool = False
    is_deletion: bool = False
    has_dates: bool = True
    reverses_replacements: bool = True
    """Whether a replaced resource gets a reversed Update, or the Delete of its new id alone."""


@hashed_once
@dataclass(frozen=True)
class Stack:
    """The stack while a deployment runs."""

    phase: Phase = Phase.OVER
    held: tuple[Held, ...] = ()
    before: tuple[Held, ...] = ()
    jobs: tuple[Job, ...] = ()
    forward: tuple[Job, ...] = ()
    """The jobs of the forward phase, once a rollback has begun."""

    sent: int = 0
    has_failed: bool = False
    """Whether a job failed that nobody wanted to fail."""

    def of(self, logical_id: str) -> Held | None:
        """What is on record of a resource."""
        return next((h for h in self.held if h.logical_id == logical_id), None)

    def was(self, logical_id: str) -> Held | None:
        """What was on record before the deployment."""
        return next((h for h in self.before if h.logical_id == logical_id), None)

    def holding(self, held: Held) -> Stack:
        """The stack with a resource on record."""
        others = [h for h in self.held if h.logical_id != held.logical_id]
        return replace(self, held=tuple(sorted([*others, held], key=lambda h: h.logical_id)))

    def without(self, logical_id: str) -> Stack:
        """The stack without a resource."""
        return replace(self, held=tuple(h for h in self.held if h.logical_id != logical_id))

    def with_job(self, number: int, job: Job) -> Stack:
        """The stack with one job further."""
        jobs = (*self.jobs[:number], job, *self.jobs[number + 1 :])
        return replace(self, jobs=jobs)

    @property
    def running(self) -> Iterator[tuple[int, Job]]:
        """The jobs whose answers have not come."""
        return ((n, j) for n, j in enumerate(self.jobs) if j.progress is Progress.RUNNING)


def status_of(course: Course, stack: Stack) -> str:
    """What DescribeStacks shows."""
    if stack.phase is Phase.OVER:
        if course.is_deletion:
            return "DELETE_FAILED" if stack.has_failed else "DELETE_COMPLETE"
        what = "CREATE" if course.is_creation else "UPDATE"
        if not stack.forward:
            return f"{what}_COMPLETE"
        return "ROLLBACK_COMPLETE" if course.is_creation else "UPDATE_ROLLBACK_COMPLETE"
    if course.is_creation:
        return "CREATE_IN_PROGRESS" if stack.phase is Phase.FORWARD else "ROLLBACK_IN_PROGRESS"
    return _STATUS[stack.phase]


_STATUS = {
    Phase.FORWARD: "UPDATE_IN_PROGRESS",
    Phase.CLEAN_UP: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    Phase.BACK: "UPDATE_ROLLBACK_IN_PROGRESS",
    Phase.BACK_CLEAN_UP: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    Phase.DELETION: "DELETE_IN_PROGRESS",
}


def template_of(course: Course, stack: Stack) -> Template:
    """What GetTemplate shows: the old one from a rollback on, but where there is none."""
    is_back = bool(stack.forward) or stack.phase is Phase.BACK
    return course.old if (is_back and not course.is_creation) or course.is_deletion else course.new


# phases ----------------------------------------------------------------------------------------


def deploy(course: Course, stack: Stack) -> Stack:
    """The deployment begins."""
    stack = replace(
        stack, before=stack.held, jobs=(), forward=(), sent=stack.sent, has_failed=False
    )
    if course.is_deletion:
        jobs = tuple(
            Job(
                "Delete",
                h.logical_id,
                _below(course.old, h.logical_id),
                h.physical_id,
                h.properties,
            )
            for h in stack.held
        )
        return _send(course, replace(stack, phase=Phase.DELETION, jobs=jobs))
    jobs = tuple(
        Job("Update" if stack.of(i) else "Create", i, tuple(_above(course.new, i)))
        for i in sorted(course.new)
    )
    return _send(course, replace(stack, phase=Phase.FORWARD, jobs=jobs))


def is_forward_done(stack: Stack) -> bool:
    """Whether everything of the forward phase went well, so that the stack can commit."""
    return stack.phase is Phase.FORWARD and all(j.progress is Progress.DONE for j in stack.jobs)


def commit(course: Course, stack: Stack) -> Stack:
    """All went well: what was replaced or removed is deleted."""
    jobs = []
    for was in stack.before:
        now = stack.of(was.logical_id)
        is_removed = was.logical_id not in course.new
        if is_removed or (now is not None and now.physical_id != was.physical_id):
            below = _below(course.old, was.logical_id)
            jobs.append(Job("Delete", was.logical_id, below, was.physical_id, was.properties))
    return _send(course, replace(stack, phase=Phase.CLEAN_UP, jobs=tuple(jobs)))


def roll_back(course: Course, stack: Stack) -> Stack:
    """Something failed: what the forward phase touched is taken back."""
    forward = stack.jobs
    back = replace(stack, phase=Phase.BACK, forward=forward, jobs=())
    if course.is_creation:
        return _clean_up_back(course, back)
    jobs = []
    for job in forward:
        was, now = stack.was(job.logical_id), stack.of(job.logical_id)
        if job.call is None or was is None or now is None:
            continue
        if now.physical_id != was.physical_id and not course.reverses_replacements:
            back = back.holding(was)
            continue
        jobs.append(Job("Update", job.logical_id, tuple(_above(course.old, job.logical_id))))
    return _send(course, replace(back, jobs=tuple(jobs)))


def _clean_up_back(course: Course, stack: Stack) -> Stack:
    """The second half of a rollback: what the forward phase made is deleted."""
    jobs = []
    for job in stack.forward:
        if job.call is None:
            continue
        below = _below(course.new, job.logical_id)
        was, now = stack.was(job.logical_id), stack.of(job.logical_id)
        if was is None:
            made_up = f"app-{job.logical_id}-MADEUP"
            given = job.physical_id or (now.physical_id if now else made_up)
            deletion = Job("Delete", job.logical_id, below, given, job.call.properties)
            jobs.append(deletion)
        elif job.physical_id and now is not None and job.physical_id != now.physical_id:
            properties = job.call.properties
            jobs.append(Job("Delete", job.logical_id, below, job.physical_id, properties))
    return _send(course, replace(stack, phase=Phase.BACK_CLEAN_UP, jobs=tuple(jobs)))


def answered(course: Course, stack: Stack, call: Call, answer: Answer | None) -> Stack:
    """An answer arrives, None for a failure; only the first one to a running job counts."""
    for number, job in stack.running:
        if job.call is not None and job.call.id == call.id:
            return _on_answer(course, stack, number, answer)
    return stack


def _on_answer(course: Course, stack: Stack, number: int, answer: Answer | None) -> Stack:
    job = stack.jobs[number]
    call = job.call
    assert call is not None
    if answer is None:
        return _on_failure(course, stack, number)
    if job.type == "Delete":
        held = stack.of(job.logical_id)
        if held is not None and held.physical_id == job.physical_id:
            stack = stack.without(job.logical_id)
        job = replace(job, progress=Progress.DONE)
    else:
        stack = stack.holding(Held(job.logical_id, answer.physical_id, call.properties))
        job = replace(job, progress=Progress.DONE, physical_id=answer.physical_id)
    return _send(course, stack.with_job(number, job))


def _on_failure(course: Course, stack: Stack, number: int) -> Stack:
    job = stack.jobs[number]
    if job.type == "Delete" and job.tries < _TRIES_OF_A_CLEAN_UP:
        again = replace(job, progress=Progress.WAITING)
        return _send(course, stack.with_job(number, again))
    call = job.call
    assert call is not None
    made_up = f"failed/{job.logical_id}/{call.id}" if job.type == "Create" else job.physical_id
    failed = replace(job, progress=Progress.FAILED, physical_id=made_up)
    stack = stack.with_job(number, failed)
    if stack.phase is Phase.FORWARD:
        return roll_back(course, stack)
    return _send(course, replace(stack, has_failed=True))


def _send(course: Course, stack: Stack) -> Stack:
    """Send the events of all jobs that can begin; go to the next phase after the last."""
    progressed = True
    while progressed:
        progressed = False
        for number, job in enumerate(stack.jobs):
            if job.progress is Progress.WAITING and _can_begin(stack, job):
                stack = _begin(course, stack, number, job)
                progressed = True
    if any(stack.running):
        return stack
    if stack.phase is Phase.BACK and not stack.has_failed:
        return _clean_up_back(course, stack)
    if stack.phase is Phase.FORWARD:
        return stack
    return replace(stack, phase=Phase.OVER)


def _can_begin(stack: Stack, job: Job) -> bool:
    others = [j for j in stack.jobs if j.logical_id in job.after]
    ended = {Progress.DONE, Progress.FAILED} if job.type == "Delete" else {Progress.DONE}
    return all(other.progress in ended for other in others)


def _begin(course: Course, stack: Stack, number: int, job: Job) -> Stack:
    sent = stack.sent + 1
    issued_at = float(sent) if course.has_dates else 0.0
    template = course.new if stack.phase is Phase.FORWARD else course.old
    held = stack.of(job.logical_id)
    if job.type == "Delete":
        declared = course.old.get(job.logical_id) or course.new[job.logical_id]
        properties, old = job.properties, ""
    else:
        declared = template[job.logical_id]
        properties = resolved(stack, declared["Properties"])
        old = held.properties if held is not None else ""
        if stack.phase is Phase.BACK:
            forward = next(j for j in stack.forward if j.logical_id == job.logical_id)
            assert forward.call is not None
            old = forward.call.properties
        elif held is not None and held.properties == properties:
            return stack.with_job(number, replace(job, progress=Progress.DONE))
    physical_id = job.physical_id or (held.physical_id if held is not None else "")
    call = Call(
        id=f"{sent}-{job.type}-{job.logical_id}",
        type=job.type,
        logical_id=job.logical_id,
        resource_type=declared["Type"],
        properties=properties,
        old_properties=old if job.type == "Update" else "",
        physical_id=physical_id if job.type != "Create" else "",
        issued_at=issued_at,
    )
    job = replace(job, progress=Progress.RUNNING, call=call, tries=job.tries + 1)
    return replace(stack.with_job(number, job), sent=sent)


def resolved(stack: Stack, properties: Mapping[str, Any]) -> str:
    """Properties with the physical ids in place of references, as JSON."""
    values = dict(properties)
    parent = values.get(GroupProperty.PARENT_GROUP_ARN)
    if isinstance(parent, Mapping):
        held = stack.of(parent["Ref"])
        values[GroupProperty.PARENT_GROUP_ARN] = held.physical_id if held else ""
    return json.dumps(values, sort_keys=True)


def _above(template: Template, logical_id: str) -> Iterator[str]:
    parent = template.get(logical_id, {}).get("Properties", {}).get(GroupProperty.PARENT_GROUP_ARN)
    if isinstance(parent, Mapping):
        yield parent["Ref"]


def _below(template: Template, logical_id: str) -> tuple[str, ...]:
    return tuple(i for i in sorted(template) if logical_id in _above(template, i))


# events to tasks -------------------------------------------------------------------------------


class _Catcher:
    """Takes the engine's place, to get the task that a resource makes of its request."""

    def carry_out(self, task: Task) -> Task:
        return task


@lru_cache(maxsize=100_000)
def task_of(call: Call) -> Task:
    """The task that the function makes of an event."""
    request = Request(
        type=call.type,
        stack_id=STACK_ID,
        request_id=call.id,
        logical_id=call.logical_id,
        properties=json.loads(call.properties),
        old_properties=json.loads(call.old_properties) if call.old_properties else {},
        physical_id=call.physical_id,
        issued_at=call.issued_at,
    )
    catcher: Any = _Catcher()
    serves = Trees if call.resource_type == ResourceType.TREE else Groups
    task: Any = serves(catcher).serve(request)
    assert isinstance(task, Task)
    return task
