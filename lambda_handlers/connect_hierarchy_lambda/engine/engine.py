"""The one loop for all requests, and the one place that waits.

A step takes the stack's turn, reads the ledger, decides, writes its intention down, makes one call
or a few that do not depend on each other, writes down what came of it and gives the turn back.
Nobody keeps the turn while waiting, but for the next token of the pace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connect_hierarchy_lambda.core.decide import remaining
from connect_hierarchy_lambda.core.decisions import (
    Ask,
    Call,
    Create,
    Delete,
    Done,
    MoveAgent,
    PutLevels,
    Refuse,
    Rename,
    Step,
    Tag,
    Untag,
    Wait,
    forgets,
    has_record,
)
from connect_hierarchy_lambda.core.direction import (
    Course,
    Goal,
    NoReasonError,
    StackStatus,
    begun,
    course_again,
    course_of,
    is_late,
    needs_status,
)
from connect_hierarchy_lambda.core.facts import (
    Facts,
    FindAgents,
    FindAtLevel,
    FindChildren,
    FindHolder,
    ListNames,
    LookAt,
    Question,
    ReadLevels,
    ReadTemplate,
    Survey,
)
from connect_hierarchy_lambda.core.outcomes import intended, still_there, succeeded
from connect_hierarchy_lambda.core.view import View, path_of
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.engine.calls import answers, doing, error_of, perform
from connect_hierarchy_lambda.engine.task import Answer, Task
from connect_hierarchy_lambda.model.ledger import Entry, Forward, IdChange, Record, RequestType
from connect_hierarchy_lambda.model.messages import (
    HierarchyError,
    NoLongerWantedError,
    OutOfTimeError,
)
from connect_hierarchy_lambda.ports.calls import (
    DUPLICATE,
    IN_USE,
    NOT_FOUND,
    PassingError,
    Refusal,
    call,
)
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.ledger import Ledger, Turn, TurnLostError
from connect_hierarchy_lambda.ports.pace import Pace, Rate
from connect_hierarchy_lambda.ports.stack import OwnStack, stack_error
from connect_hierarchy_lambda.ports.time import Schedule

logger = logging.getLogger(__name__)

STALE_SECONDS = 120.0
"""How long an answer is doubted that can be stale."""

_MOST_REMEMBERED = 8
"""Requests of a resource that the ledger keeps, to tell late copies from new ones."""

_RESERVE = 25.0
"""Seconds of a lease that a call may take."""

_TOLD_AFTER = 5.0
"""Seconds of a wait after which the log says what it waits for."""


_OF_OTHERS = (FindHolder, FindChildren, FindAgents)
"""What other runs of the stack may have changed since the last turn."""

_VOLATILE = (*_OF_OTHERS, FindAtLevel, LookAt, ListNames, ReadLevels, Survey)
"""What may be another thing after a wait."""


class _Pause(Exception):  # noqa: N818 - it ends a turn, nothing is wrong
    """The turn ends here, and the run goes on after a while."""

    def __init__(self, doing: str, why: str, *, first: float = 0.5, longest: float = 4.0) -> None:
        self.doing, self.why, self.first, self.longest = doing, why, first, longest
        super().__init__(doing)


@dataclass(frozen=True)
class _Undone:
    """The service did nothing."""


_UNDONE = _Undone()


@dataclass
class _Memory:
    """What a run remembers from one turn to the next."""

    serial: int = -1
    entry: Entry | None = None
    records: dict[str, Record] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    since: dict[str, float] = field(default_factory=dict)
    pauses: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    began: float | None = None
    told: float = 0.0
    course: Course | None = None
    is_unknown: bool = False


class Engine:
    """Carries one request out in one run of the function."""

    def __init__(
        self,
        run_id: str,
        ledger: Ledger,
        connect: Any,
        own_stack: OwnStack,
        schedule: Schedule,
        rate: Rate,
        lanes: Lanes,
    ) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._connect = Connect(connect, self._paced)
        self._own_stack = own_stack
        self._schedule = schedule
        self._rate = rate
        self._lanes = lanes
        self._memory = _Memory()
        self._pace = Pace(rate)
        self._turn: Turn | None = None
        self._serving = ""

    def carry_out(self, task: Task) -> Answer:
        """Do what the task wants, in as many steps as it takes.

        Raises:
            HierarchyError: It cannot be done; what is to be undone is known to the ledger.
            OutOfTimeError: Another run has to go on.
            NoLongerWantedError: A later request of the resource has begun.
        """
        self._serving = f"serving {task.event.type} of {task.resource.logical_id}"
        while True:
            try:
                answer = self._take_a_turn(task)
            except TurnLostError:
                self._memory.serial = -1
            except _Pause as pause:
                self._sleep(pause, task)
            else:
                if answer is not None:
                    return answer
                self._memory.pauses.clear()

    # turns -------------------------------------------------------------------------------------

    def _take_a_turn(self, task: Task) -> Answer | None:
        now = self._schedule.clock.now()
        turn = self._kept(lambda: self._ledger.take_turn(self._run_id, now))
        if turn is None:
            raise _Pause("waiting for the turn", "other runs are at work", first=0.1, longest=1.5)
        self._turn = turn
        self._pace = Pace.of(self._rate, turn.pace)
        try:
            answer = self._act(turn, task)
        except Exception:
            self._give(turn)
            raise
        self._give(turn)
        return answer

    def _give(self, turn: Turn) -> None:
        try:
            self._ledger.give_turn(turn, self._pace.saved())
        except (PassingError, Refusal) as error:
            logger.warning("the turn was not given back", extra={"why": str(error)})

    def _kept(self, operation: Callable[[], Any]) -> Any:
        """The answer of the ledger; what it cannot do now is tried in a later turn."""
        try:
            return operation()
        except PassingError as error:
            self._memory.serial = -1
            raise _Pause("using the ledger", error.why) from None
        except Refusal as refusal:
            self._memory.serial = -1
            remedy = "check the function's role and the table"
            told = HierarchyError("using the ledger", str(refusal), remedy)
            self._doubt("using the ledger", told)
            raise _Pause("using the ledger", str(refusal)) from None

    def _sleep(self, pause: _Pause, task: Task) -> None:
        memory, clock = self._memory, self._schedule.clock
        seconds = memory.pauses.get(pause.doing, pause.first)
        memory.pauses[pause.doing] = min(pause.longest, seconds * 1.5)
        seconds *= 0.75 + self._schedule.jitter() / 2
        if seconds >= self._schedule.left:
            self._remember_waits(task)
            raise OutOfTimeError(pause.doing, f"out of time, {pause.why}", "deploy again")
        if seconds * 3 > _TOLD_AFTER:
            logger.info("waiting", extra={"doing": pause.doing, "why": pause.why})
        clock.sleep(seconds)

    def _remember_waits(self, task: Task) -> None:
        """Let a further run doubt the same answers no longer than this one would have."""
        now = self._schedule.clock.now()
        try:
            turn = self._ledger.take_turn(self._run_id, now)
            if turn is None:
                return
            entry = self._ledger.entry(task.resource.logical_id)
            if entry is not None and entry.current and entry.current.id == task.event.id:
                self._ledger.write(turn, entry=replace(entry, since=dict(self._memory.since)))
            self._ledger.give_turn(turn, self._pace.saved())
        except (PassingError, Refusal, TurnLostError) as error:
            logger.warning("waits were not written down", extra={"why": str(error)})

    def _doubt(self, what: str, error: HierarchyError) -> None:
        """Raise the error once it has been doubted for long enough."""
        now = self._schedule.clock.now()
        if now - self._memory.since.setdefault(what, now) >= STALE_SECONDS:
            raise error

    # one turn ----------------------------------------------------------------------------------

    def _act(self, turn: Turn, task: Task) -> Answer | None:
        self._read(turn, task)
        answer = self._begin(turn, task)
        if answer is not None:
            return answer
        while True:
            view = self._view(task)
            decision = task.decide(view)
            match decision:
                case Ask():
                    self._ask(decision.questions)
                case Step():
                    self._step(turn, decision)
                    if decision.calls:
                        self._tell_progress(len(decision.calls), task)
                        return None
                case Wait():
                    self._wait(turn, decision)
                case Refuse():
                    self._refuse(turn, decision)
                case Done():
                    answer = self._answer(turn, task, view, decision)
                    if answer is not None:
                        return answer

    def _read(self, turn: Turn, task: Task) -> None:
        memory = self._memory
        if turn.serial != memory.serial + 1:
            memory.entry = self._kept(lambda: self._ledger.entry(task.resource.logical_id))
            memory.records = self._kept(self._ledger.records)
            self._forget(_OF_OTHERS)
        memory.serial = turn.serial

    def _forget(self, kinds: tuple[type, ...]) -> None:
        """Forget answers that others may have made wrong meanwhile."""
        facts = self._memory.facts
        facts.answers = {q: a for q, a in facts.answers.items() if not isinstance(q, kinds)}
        facts.taken.clear()
        facts.in_use.clear()

    def _begin(self, turn: Turn, task: Task) -> Answer | None:
        """Begin the request or go on with it; its answer if it was answered before."""
        memory, event = self._memory, task.event
        entry = memory.entry
        current = entry.current if entry else None
        if current is not None and current.id == event.id:
            if current.answer is not None:
                data: Any = current.answer
                return Answer(data["PhysicalResourceId"], data["Data"])
            if memory.course is None:
                memory.course = course_again(current)
                memory.since.update(entry.since if entry else {})
            return None
        if memory.course is not None or is_late(event, entry, None):
            raise _superseded(task)
        if entry is None and event.type is RequestType.DELETE and not task.wish.instance_arn:
            # neither the ledger nor the event knows where anything could be
            return Answer(event.physical_id)
        status = self._status() if needs_status(event, entry) else None
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
        entry = entry or Entry(task.resource.logical_id)
        if course.direction is Direction.FORWARD:
            is_create = event.type is RequestType.CREATE
            old = task.old_properties
            forward = Forward(
                event.id, event.digest, is_create, event.old_digest, event.physical_id, old
            )
            entry = replace(entry, forward=forward)
        started = (*entry.begun, begun(event, course))[-_MOST_REMEMBERED:]
        self._write(turn, entry=replace(entry, begun=started, since={}))
        # not before: a request that is not written down has not begun
        memory.course = course
        logger.info(
            "knows its direction", extra={"direction": course.direction, "goal": course.goal}
        )
        return None

    def _status(self) -> StackStatus | None:
        try:
            text = self._own_stack.status()
        except PassingError as error:
            raise _Pause("reading the own stack", error.why) from None
        except Refusal as refusal:
            self._doubt("reading the own stack", stack_error(refusal))
            raise _Pause("reading the own stack", str(refusal)) from None
        return None if text is None else StackStatus(text)

    def _is_declared(self, task: Task) -> bool | None:
        template = self._template()
        return None if template is None else task.resource.logical_id in template

    def _template(self) -> Mapping[str, Any] | None:
        facts = self._memory.facts
        if not facts.knows(ReadTemplate()):
            try:
                facts.answers[ReadTemplate()] = self._own_stack.template()
            except PassingError as error:
                raise _Pause("reading the own stack", error.why) from None
            except Refusal as refusal:
                self._doubt("reading the own stack", stack_error(refusal))
                raise _Pause("reading the own stack", str(refusal)) from None
        return facts.template()

    def _view(self, task: Task) -> View:
        memory = self._memory
        course, entry = memory.course, memory.entry
        assert course is not None and entry is not None  # noqa: S101, PT018 - `_begin` saw to it
        wish = task.wish
        if course.goal is Goal.NOTHING:
            wish = wish.nothing
        elif course.goal is Goal.BEFORE and entry.forward is not None:
            wish = task.wish_of(entry.forward.properties_before)
        return View(
            resource=task.resource,
            direction=course.direction,
            wish=wish,
            request=task.event.id,
            records=dict(memory.records),
            facts=memory.facts,
            undone=course.undone,
            physical_id=task.event.physical_id,
            is_last=course.is_last,
            stack_goes=course.stack_goes,
            finds_again=task.event.type is RequestType.CREATE and entry.established,
            previous=task.previous,
            is_unknown=memory.is_unknown,
            levels=entry.levels,
            at_once=self._lanes.number,
        )

    # decisions ---------------------------------------------------------------------------------

    def _ask(self, questions: tuple[Question, ...]) -> None:
        facts = self._memory.facts
        if ReadTemplate() in questions:
            self._template()
        others = [q for q in questions if q != ReadTemplate()]
        remaining = list(others)
        try:
            for question, answer in answers(self._connect, others):
                facts.answers[question] = answer
                remaining.remove(question)
        except PassingError as error:
            raise _Pause(doing(remaining[0]), error.why) from None
        except Refusal as refusal:
            self._refused_question(remaining, refusal)

    def _refused_question(self, remaining: list[Question], refusal: Refusal) -> None:
        facts = self._memory.facts
        question = remaining[0]
        if isinstance(question, LookAt) and refusal.code == NOT_FOUND:
            what = f"{doing(question)}, which does not show"
            if self._is_recent(question.id) and not self._is_over(what):
                raise _Pause(what, str(refusal), first=1.0, longest=15.0) from None
            facts.answers[question] = None
            return
        if not isinstance(question, LookAt) and refusal.code == NOT_FOUND:
            # there are no agents, no children and no names on an instance that is gone
            self._nothing_there(question, refusal)
            return
        error = error_of(question, refusal)
        if not refusal.is_doubtful:
            raise error
        self._doubt(doing(question), error)
        raise _Pause(doing(question), str(refusal)) from None

    def _nothing_there(self, question: Question, refusal: Refusal) -> None:
        what = doing(question)
        if not self._is_over(what):
            raise _Pause(what, str(refusal), first=1.0, longest=15.0) from None
        course = self._memory.course
        if course is not None and course.direction is Direction.FORWARD:
            raise error_of(question, refusal)
        empty: Any = {} if isinstance(question, ListNames) else ()
        is_one = isinstance(question, FindHolder)
        self._memory.facts.answers[question] = None if is_one else empty

    def _is_over(self, what: str) -> bool:
        now = self._schedule.clock.now()
        return now - self._memory.since.setdefault(what, now) >= STALE_SECONDS

    def _is_recent(self, group_id: str) -> bool:
        """Whether a group was created so short ago that reads may not show it yet."""
        record = self._memory.records.get(group_id)
        return record is not None and self._schedule.clock.now() - record.made_at < STALE_SECONDS

    def _wait(self, turn: Turn, wait: Wait) -> None:
        if not self._is_over(wait.doing):
            self._forget(_VOLATILE)
            raise _Pause(wait.doing, wait.why, first=1.0, longest=15.0)
        del self._memory.since[wait.doing]
        if isinstance(wait.then, Step):
            self._step(turn, wait.then)
        elif wait.slot:
            self._memory.facts.refused[wait.slot] = wait.then.error
        else:
            self._refuse(turn, wait.then)

    def _refuse(self, turn: Turn, refusal: Refuse) -> None:
        if refusal.records:
            self._write(turn, records=refusal.records)
        raise refusal.error

    def _answer(self, turn: Turn, task: Task, view: View, done: Done) -> Answer | None:
        """Put the answer together and write it down; None if something has to be asked first."""
        entry = self._memory.entry
        assert entry is not None and entry.current is not None  # noqa: S101, PT018 - it has begun
        answer = task.answer(view, done.groups)
        if isinstance(answer, Ask):
            self._ask(answer.questions)
            return None
        told = {"PhysicalResourceId": answer.physical_id, "Data": dict(answer.data)}
        latest = replace(entry.current, answer=told)
        entry = replace(entry, begun=(*entry.begun[:-1], latest), since={})
        if task.event.type is not RequestType.DELETE:
            entry = replace(entry, digest=task.event.digest)
        match view.direction:
            case Direction.FORWARD:
                entry = replace(entry, established=True, physical_id=answer.physical_id)
            case Direction.BACK if task.event.type is RequestType.UPDATE:
                entry = replace(entry, physical_id=answer.physical_id, forward=None)
            case Direction.BACK if self._goes_before() and entry.forward is not None:
                forward = entry.forward
                entry = replace(
                    entry,
                    physical_id=forward.physical_id_before,
                    digest=forward.digest_before,
                    forward=None,
                )
            case Direction.BACK | Direction.GONE:
                entry = replace(entry, established=False, physical_id="", forward=None)
        ids = {key: record.id for key, record in done.groups.items()}
        changes = self._id_changes(view, entry.ids, ids)
        self._write(turn, entry=replace(entry, ids=ids or entry.ids), changes=changes)
        return answer

    def _id_changes(
        self, view: View, before: Mapping[str, str], ids: Mapping[str, str]
    ) -> list[IdChange]:
        """The nodes whose groups have other ids than when a request succeeded last."""
        now = self._schedule.clock.now()
        changes = []
        for key, group_id in ids.items():
            if before.get(key, group_id) == group_id:
                continue
            node = view.wish.by_key[key]
            path = " / ".join(node.path)
            resource = view.resource.logical_id
            changes.append(IdChange(now, resource, node.written_key, path, before[key], group_id))
            told = {"path": path, "old_id": before[key], "new_id": group_id}
            logger.info("id changed", extra=told)
        return changes

    def _goes_before(self) -> bool:
        course = self._memory.course
        return course is not None and course.goal is Goal.BEFORE

    # steps -------------------------------------------------------------------------------------

    def _step(self, turn: Turn, step: Step) -> None:
        for warning in step.warnings:
            logger.warning(warning)
        before = {c.record.slot: self._memory.records.get(c.record.slot) for c in step.calls}
        intentions = [intended(c) for c in step.calls if has_record(c)]
        entry = None
        if step.levels is not None and self._memory.entry is not None:
            entry = replace(self._memory.entry, levels=step.levels)
        if step.records or step.forgotten or intentions or entry is not None:
            self._write(
                turn,
                entry=entry,
                records=(*step.records, *intentions),
                forgotten=step.forgotten,
            )
        self._memory.is_unknown = False
        if step.calls:
            self._perform(turn, step.calls, before)

    def _tell_progress(self, calls: int, task: Task) -> None:
        """Say every few seconds how far long work is."""
        memory, now = self._memory, self._schedule.clock.now()
        memory.calls += calls
        if memory.began is None:
            memory.began = memory.told = now
        if now - memory.told < _TOLD_AFTER:
            return
        memory.told = now
        rest = remaining(self._view(task))
        seconds = round((now - memory.began) / memory.calls * rest)
        told = {"done": memory.calls, "total": memory.calls + rest, "rest_seconds": seconds}
        logger.info("progress", extra=told)

    def _write(self, turn: Turn, **what: Any) -> None:
        memory = self._memory
        self._kept(lambda: self._ledger.write(turn, **what))
        memory.entry = what.get("entry") or memory.entry
        for record in what.get("forgotten", ()):
            memory.records.pop(record.slot, None)
        memory.records.update({record.slot: record for record in what.get("records", ())})

    def _perform(
        self, turn: Turn, calls: tuple[Call, ...], before: Mapping[str, Record | None]
    ) -> None:
        """Make the calls side by side and write down what came of them.

        Where the service says that it did nothing, the ledger is again as `before`.
        """
        outcomes: dict[int, str | Exception] = {}

        def make(number: int) -> None:
            try:
                outcomes[number] = perform(self._connect, calls[number])
            except (PassingError, Refusal, _Pause, OutOfTimeError) as error:
                outcomes[number] = error

        self._lanes.each(range(len(calls)), make)
        put: list[Record] = []
        forgotten: list[Record] = []
        errors: list[Exception] = []
        for number, made in enumerate(calls):
            intention = intended(made)
            try:
                after = self._after(made, outcomes[number])
            except (HierarchyError, _Pause) as error:
                errors.append(error)
                after = intention if _may_be_done(outcomes[number]) else _UNDONE
            if not has_record(made):
                continue
            record = before[made.record.slot] if isinstance(after, _Undone) else after
            if record is None or record.slot != intention.slot:
                forgotten.append(intention)
            if record is not None:
                put.append(record)
        if put or forgotten:
            self._write(turn, records=put, forgotten=forgotten)
        if errors:
            raise min(errors, key=lambda e: isinstance(e, _Pause))

    def _after(self, made: Call, outcome: str | Exception) -> Record | _Undone | None:
        """The record after a call; _Pause or HierarchyError where the request stops for now."""
        memory = self._memory
        if isinstance(outcome, PassingError):
            first = 1.0 if outcome.is_throttled else 0.5
            raise _Pause(doing(made), outcome.why, first=first)
        if isinstance(outcome, Refusal):
            return self._after_refusal(made, outcome)
        if isinstance(outcome, Exception):
            raise outcome
        memory.since.pop(doing(made), None)
        after = succeeded(made, outcome, self._schedule.clock.now())
        self._learn_from(made, after)
        told = {
            "group": (after or made.record).id,
            "path": path_of(self._memory.records, made.record),
        }
        logger.info(doing(made), extra=told)
        return after

    def _after_refusal(self, made: Call, refusal: Refusal) -> Record | _Undone | None:
        facts, record = self._memory.facts, made.record
        if refusal.code == DUPLICATE and isinstance(made, Create | Rename):
            name = made.name if isinstance(made, Rename) else record.name
            facts.taken.add((record.instance_arn, record.parent_id, name))
            # a creation whose first answer was lost is settled by a look at who has the name
            return intended(made) if isinstance(made, Create) else _UNDONE
        if refusal.code == IN_USE and isinstance(made, Delete | PutLevels):
            facts.in_use[record.id] = str(refusal)
            return still_there(record)
        if refusal.code == NOT_FOUND and not isinstance(made, Create):
            return self._after_not_found(made, refusal)
        error = error_of(made, refusal)
        if refusal.is_doubtful and not self._is_over(doing(made)):
            raise _Pause(doing(made), str(refusal), first=1.0)
        facts.refused[record.slot] = error
        return _UNDONE

    def _after_not_found(self, made: Call, refusal: Refusal) -> Record | _Undone | None:
        facts, record = self._memory.facts, made.record
        if isinstance(made, MoveAgent):
            facts.moved[made.agent.id] = None
            return record
        if self._is_recent(record.id) and not self._is_over(doing(made)):
            raise _Pause(doing(made), str(refusal), first=1.0)
        facts.gone.add(record.id)
        self._free(record)
        told = {"group": record.id, "path": path_of(self._memory.records, made.record)}
        logger.warning("the group is gone", extra=told)
        if forgets(made):
            self._learn_from(made, None)
            return None
        return _UNDONE

    def _learn_from(self, made: Call, after: Record | None) -> None:
        """Keep what this run knows true after a call."""
        facts, record = self._memory.facts, made.record
        if isinstance(made, Rename | Tag | Untag):
            facts.written.add(record.id)
        names = ListNames(record.instance_arn)
        listed = facts.answers.get(names)
        match made:
            case Create() if after is not None:
                if listed is not None:
                    listed[after.id] = after.name
            case Rename():
                self._free(record)
                look = LookAt(record.instance_arn, record.id)
                if (shown := facts.answers.get(look)) is not None:
                    facts.answers[look] = replace(shown, name=made.name)
                if listed is not None:
                    listed[record.id] = made.name
            case Delete():
                facts.gone.add(record.id)
                facts.in_use.pop(record.parent_id or "", None)
                self._free(record)
            case PutLevels():
                facts.answers[ReadLevels(record.instance_arn)] = made.names
                facts.put_levels.add(record.instance_arn)
                facts.in_use.clear()
            case MoveAgent():
                facts.note_move(made.agent, made.group_id)
                facts.in_use.pop(record.id, None)
                facts.answers.pop(FindAgents(record.instance_arn, made.group_id or ""), None)
            case _:
                pass

    def _free(self, record: Record) -> None:
        """A group has left its name, whatever that was: another resource can try it."""
        facts = self._memory.facts
        free = {
            place
            for place in facts.taken
            if (place[0], place[2]) == (record.instance_arn, record.name)
        }
        for question, holder in facts.answers.items():
            if isinstance(question, FindHolder) and holder is not None and holder.id == record.id:
                free.add(question.place)
        facts.taken -= free
        for place in free:
            facts.answers.pop(FindHolder(place), None)

    def _paced(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Make a call when its token has come, and learn from its answer how fast to go."""
        clock, api = self._schedule.clock, operation.__name__
        now = clock.now()
        wait = self._pace.take(api, now)
        until = self._turn.until if self._turn is not None else now
        if wait >= self._schedule.left:
            raise OutOfTimeError(self._serving, "out of time", "deploy again")
        if now + wait > until - _RESERVE:
            raise _Pause(self._serving, f"{api} allows no more requests now")
        if wait > 0:
            clock.sleep(wait)
        try:
            answer = call(operation, **parameters)
        except PassingError as error:
            if error.is_throttled:
                self._pace.refused(api, clock.now())
            raise
        self._pace.accepted(api, clock.now())
        return answer


def _may_be_done(outcome: str | Exception) -> bool:
    return isinstance(outcome, PassingError) and outcome.may_be_done


def _superseded(task: Task) -> NoLongerWantedError:
    return NoLongerWantedError(
        f"serving {task.event.type} of {task.resource.logical_id}",
        "a later request of this resource has begun",
        "see the other failures of the deployment",
    )
