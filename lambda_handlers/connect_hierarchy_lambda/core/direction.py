"""From an event to its direction: the table of events, and which requests come too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.model.ledger import Begun, Entry, RequestType


@dataclass(frozen=True)
class StackStatus:
    """The status of the stack."""

    text: str

    @property
    def rolls_back(self) -> bool:
        """Whether the running operation undoes an earlier one."""
        return "ROLLBACK" in self.text

    @property
    def is_at_work(self) -> bool:
        """Whether an operation is running."""
        return self.text.endswith("_IN_PROGRESS")

    @property
    def is_at_rest(self) -> bool:
        """Whether the last operation succeeded, or was rolled back completely."""
        return self.text.endswith("_COMPLETE")

    @property
    def is_deleted(self) -> bool:
        """Whether the whole stack is being deleted."""
        return self.text == "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class Event:
    """What CloudFormation sent, without properties."""

    id: str
    type: RequestType
    physical_id: str = ""
    issued_at: float = 0.0
    """In seconds since 1970, 0 where this is not known."""

    digest: str = ""
    """Two digests of its properties, joined by a full stop: without the parent's id, and whole."""

    old_digest: str = ""
    """The digests of the properties before an Update."""


class Goal(StrEnum):
    """The wish that a request serves."""

    ITS_OWN = "ITS_OWN"
    """The wish in its properties."""

    BEFORE = "BEFORE"
    """The wish before the forward request that is undone."""

    NOTHING = "NOTHING"


@dataclass(frozen=True)
class Course:
    """What a request is to do."""

    direction: Direction
    goal: Goal = Goal.ITS_OWN
    undone: str = ""
    """Id of the forward request whose images are restored."""

    undoes: str = ""
    """Digest of the properties that are taken back."""

    is_last: bool = False
    """Whether no clean-up follows."""

    stack_goes: bool = False


class NoReasonError(Exception):
    """Nothing explains why this Delete should delete anything."""


def is_late(event: Event, entry: Entry | None, status: StackStatus | None) -> bool:
    """Whether a later request of the resource has begun already."""
    current = entry.current if entry else None
    if entry is None or current is None or current.id == event.id:
        return False
    if any(begun.id == event.id for begun in entry.begun):
        return True
    if _are_dated(event, current):
        return event.issued_at < current.issued_at
    # without dates, or within one second: a later request has already taken this one back
    ends = status is not None and (status.rolls_back or status.is_deleted)
    if event.type is RequestType.UPDATE:
        return ends and not current.undone and current.undoes == event.digest
    is_after_delete = event.type is RequestType.CREATE and current.type is RequestType.DELETE
    return is_after_delete and ends


def needs_status(event: Event, entry: Entry | None) -> bool:
    """Whether the direction of this event depends on the status of the stack."""
    if event.type is not RequestType.CREATE:
        return True
    current = entry.current if entry else None
    return current is not None and current.id != event.id and not _are_dated(event, current)


def _are_dated(event: Event, current: Begun) -> bool:
    """Whether the dates say which of the two was sent first; they have whole seconds."""
    both = bool(event.issued_at and current.issued_at)
    return both and event.issued_at != current.issued_at


def course_of(
    event: Event,
    entry: Entry | None,
    status: StackStatus | None,
    *,
    is_declared: Callable[[], bool | None],
) -> Course:
    """The direction of an event.

    Args:
        event: What CloudFormation sent.
        entry: What the ledger knows of the resource.
        status: The status of the stack; None if it cannot be read.
        is_declared: Says whether the template declares the resource, None if the template cannot be
            read. It is called only if the answer matters.

    Raises:
        NoReasonError: For a Delete of a group in use, if nothing explains the Delete.
    """
    if event.type is RequestType.CREATE:
        return Course(Direction.FORWARD)
    if event.type is RequestType.UPDATE:
        if status is None or not status.rolls_back or _is_cancelled(event, entry):
            return Course(Direction.FORWARD)
        undone = entry.forward.id if entry and entry.forward and _reverses(event, entry) else ""
        return Course(Direction.BACK, undone=undone, undoes=event.old_digest)
    return _of_delete(event, entry, status, is_declared=is_declared)


def _reverses(event: Event, entry: Entry) -> bool:
    """Whether an Update takes the last forward request back.

    If somebody deleted the parent, its id after the rollback differs from its id before the update.
    """
    forward = entry.forward
    return (
        forward is not None
        and forward.digest == event.old_digest
        and _but_for_the_parent(forward.digest_before) == _but_for_the_parent(event.digest)
    )


def _but_for_the_parent(digest: str) -> str:
    return digest.partition(".")[0]


def _is_cancelled(event: Event, entry: Entry | None) -> bool:
    """Whether an Update that arrives in a rollback was sent before it and will itself be reversed.

    Such an Update leads away from what succeeded last, and does not reverse what began last. Its
    own reversal follows, and finds what it has changed in the images.
    """
    if entry is None:
        return False
    leads_away = entry.digest == event.old_digest and entry.digest != event.digest
    return entry.established and leads_away and not _reverses(event, entry)


_GONE = Course(Direction.GONE, is_last=True)
_CLEAN_UP = Course(Direction.CLEAN_UP, is_last=True)


def _of_delete(
    event: Event,
    entry: Entry | None,
    status: StackStatus | None,
    *,
    is_declared: Callable[[], bool | None],
) -> Course:
    if status is not None and status.is_deleted and (entry is None or entry.established):
        return Course(Direction.GONE, is_last=True, stack_goes=True)
    if entry is None:
        return _GONE
    forward = entry.forward
    undone = forward.id if forward else ""
    undoes = forward.digest if forward else event.digest
    nothing = Course(Direction.BACK, Goal.NOTHING, undone=undone, undoes=undoes, is_last=True)
    if not entry.established:
        return nothing
    is_present = event.physical_id == entry.physical_id
    if status is not None and status.rolls_back:
        if forward is not None and forward.is_create:
            return nothing
        replaced = forward is not None and forward.physical_id_before != entry.physical_id
        if is_present and replaced:
            return Course(Direction.BACK, Goal.BEFORE, undone=undone, undoes=undoes, is_last=True)
        if not is_present:
            current = entry.current
            return replace(_CLEAN_UP, undone=current.undone if current is not None else "")
        if is_declared() is False:
            return _GONE
        raise NoReasonError
    declared = is_declared() if status is not None else None
    if declared is False and not is_present and forward is not None and forward.is_create:
        # CloudFormation never accepted the answer to this Create
        return nothing
    if declared is False or (declared is None and is_present):
        return _GONE
    if is_present:
        raise NoReasonError
    return _CLEAN_UP


def is_settled(course: Course, status: StackStatus | None) -> bool:
    """Whether no rollback can take the last forward request back any more.

    What goes was deployed before, and a deployment cleans up once it has succeeded.
    """
    if course.direction is Direction.GONE:
        return True
    succeeded = status is not None and not status.rolls_back
    return course.direction is Direction.CLEAN_UP and succeeded


def begun(event: Event, course: Course) -> Begun:
    """The request as the ledger notes it when it begins."""
    return Begun(
        id=event.id,
        type=event.type,
        issued_at=event.issued_at,
        direction=course.direction,
        goal=course.goal,
        undone=course.undone,
        undoes=course.undoes,
        is_last=course.is_last,
        stack_goes=course.stack_goes,
    )


def course_again(known: Begun) -> Course:
    """The course of a request that has begun before."""
    return Course(
        direction=Direction(known.direction),
        goal=Goal(known.goal),
        undone=known.undone,
        undoes=known.undoes,
        is_last=known.is_last,
        stack_goes=known.stack_goes,
    )
