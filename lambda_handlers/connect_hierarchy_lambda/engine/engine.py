"""The one loop for all requests.

A step takes the stack's turn, reads the ledger, decides, writes its intention down, makes one call
or a few that do not depend on each other, writes down what came of it and gives the turn back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from connect_hierarchy_lambda.core.decide import remaining
from connect_hierarchy_lambda.core.decisions import Ask, Done, Refuse, Step, Wait
from connect_hierarchy_lambda.core.direction import Goal
from connect_hierarchy_lambda.core.drift import Seen
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Wish
from connect_hierarchy_lambda.engine.answering import Answering
from connect_hierarchy_lambda.engine.asking import Asking
from connect_hierarchy_lambda.engine.beginning import Beginning
from connect_hierarchy_lambda.engine.memory import OF_OTHERS, VOLATILE, Pause
from connect_hierarchy_lambda.engine.performing import Performing
from connect_hierarchy_lambda.engine.task import Answer, Task
from connect_hierarchy_lambda.engine.turns import TOLD_AFTER, Turns
from connect_hierarchy_lambda.model.ledger import Record, RequestType
from connect_hierarchy_lambda.model.messages import NoLongerWantedError
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.stack import OwnStack

logger = logging.getLogger(__name__)


class Engine:
    """Carries out one task in one run of the function.

    Args:
        turns: The turns of the run.
        connect: Amazon Connect, called at the pace of `turns`.
        own_stack: The stack whose resources the tasks are of.
        lanes: How many calls go side by side.
    """

    def __init__(self, turns: Turns, connect: Connect, own_stack: OwnStack, lanes: Lanes) -> None:
        self._turns = turns
        self._memory = turns.memory
        self._asking = Asking(turns.memory, connect, own_stack)
        self._beginning = Beginning(turns, self._asking)
        self._performing = Performing(turns, connect, lanes)
        self._answering = Answering(turns)
        self._progress = _Progress()
        self._at_once = lanes.number

    def look(self, stack: str) -> Seen:
        """Compare the ledger of the stack with Amazon Connect; nothing is changed.

        Raises:
            HierarchyError: It cannot be read.
            OutOfTimeError: It takes longer than the run may.
            NoLongerWantedError: The stack is being deployed.
        """
        return self._turns.until_done("looking for drift", lambda: self._look(stack))

    def carry_out(self, task: Task) -> Answer:
        """Carry out the task, in as many steps as it takes.

        Raises:
            HierarchyError: It cannot be done; the ledger knows what is to be undone.
            OutOfTimeError: Another run has to go on.
            NoLongerWantedError: A later request of the resource has begun.
        """
        serving = f"serving {task.event.type} of {task.resource.logical_id}"
        return self._turns.until_done(serving, lambda: self._act(task))

    def take_a_turn(self, task: Task) -> Answer | None:
        """Do as much of the task as one turn allows; its answer if it is done.

        Raises:
            Pause: The turn ends, and a later one continues. The others are those of `carry_out`.
        """
        return self._turns.take(lambda: self._act(task))

    # one turn ----------------------------------------------------------------------------------

    def _look(self, stack: str) -> Seen:
        memory, turns = self._memory, self._turns
        if not memory.is_alone:
            memory.records = turns.asked(lambda ledger: ledger.records())
        status = self._asking.status()
        if status is not None and status.is_at_work:
            why = f"the stack is {status.text}"
            raise NoLongerWantedError("looking for drift", why, "look again after that")
        entries = turns.asked(lambda ledger: ledger.entries())
        wishes = turns.asked(lambda ledger: ledger.last_wishes())
        seen = Seen(stack, memory.records, entries, wishes, memory.facts)
        while questions := seen.questions:
            self._asking.ask(questions)
        return seen

    def _act(self, task: Task) -> Answer | None:
        self._read(task)
        try:
            return self._proceed(task)
        except Pause:
            self._write_waits(task)
            raise

    def _proceed(self, task: Task) -> Answer | None:
        answer = self._beginning.begin(task)
        if answer is not None:
            return answer
        while True:
            view = self._view(task)
            decision = task.decide(view)
            match decision:
                case Ask():
                    self._asking.ask(decision.questions)
                case Step():
                    self._performing.perform(decision)
                    if decision.calls:
                        self._tell_progress(len(decision.calls), task)
                        return None
                case Wait():
                    self._wait(decision)
                case Refuse():
                    self._refuse(decision)
                case Done():
                    ended = self._answering.answer(task, view, decision)
                    if isinstance(ended, Answer):
                        return ended
                    self._asking.ask(ended.questions)

    def _read(self, task: Task) -> None:
        memory, turns = self._memory, self._turns
        if not memory.is_alone:
            memory.entry = turns.asked(lambda ledger: ledger.entry(task.resource.logical_id))
            memory.records = turns.asked(lambda ledger: ledger.records())
            memory.forget(OF_OTHERS)

    def _view(self, task: Task) -> View:
        memory = self._memory
        course, entry = memory.course, memory.entry
        assert course is not None and entry is not None  # noqa: S101, PT018 - the task has begun
        wish = task.wish
        if course.goal is Goal.NOTHING:
            wish = wish.nothing
        elif course.goal is Goal.BEFORE and entry.forward is not None:
            wish = task.wish_of(entry.forward.properties_before)
        return View(
            resource=task.resource,
            direction=course.direction,
            wish=self._below_what_replaced(wish),
            request=task.event.id,
            records=self._records(task),
            facts=memory.facts,
            undone=course.undone,
            physical_id=task.event.physical_id,
            is_last=course.is_last,
            stack_goes=course.stack_goes,
            finds_again=task.event.type is RequestType.CREATE and entry.established,
            previous=task.previous,
            is_unknown=memory.is_unknown,
            levels=entry.levels,
            apart=task.repair.apart if task.repair else frozenset(),
            at_once=self._at_once,
        )

    def _records(self, task: Task) -> dict[str, Record]:
        records = self._memory.records
        if task.repair is None:
            return dict(records)
        return task.repair.overlay.over(records, self._memory.facts.written)

    def _below_what_replaced(self, wish: Wish) -> Wish:
        """The wish below the group that a repair made to replace the parent that it names.

        CloudFormation does not know about repairs and keeps sending the former id.
        """
        records, group_id = self._memory.records, wish.parent_id
        if group_id is None or group_id in records:
            return wish
        if self._memory.replaced is None:
            changes = self._turns.asked(lambda ledger: ledger.id_changes())
            self._memory.replaced = {change.old_id: change.new_id for change in changes}
        seen = {group_id}
        while (group_id := self._memory.replaced.get(group_id, "")) not in {*seen, ""}:
            if group_id in records:
                return replace(wish, parent_id=group_id)
            seen.add(group_id)
        return wish

    def _wait(self, wait: Wait) -> None:
        memory = self._memory
        if not memory.is_over(wait.doing):
            memory.forget(VOLATILE)
            raise Pause(wait.doing, wait.why, first=1.0, longest=15.0)
        del memory.since[wait.doing]
        if isinstance(wait.then, Step):
            self._performing.perform(wait.then)
        elif wait.slot:
            memory.facts.refused[wait.slot] = wait.then.error
        else:
            self._refuse(wait.then)

    def _write_waits(self, task: Task) -> None:
        """Write down when waits began, so that a further run does not begin them again."""
        entry, since = self._memory.entry, dict(self._memory.since)
        current = entry.current if entry is not None else None
        if entry is None or current is None or current.id != task.event.id:
            return
        if since != entry.since:
            self._turns.write(entry=replace(entry, since=since))

    def _refuse(self, refusal: Refuse) -> None:
        if refusal.records:
            self._turns.write(records=refusal.records)
        raise refusal.error

    # long work ---------------------------------------------------------------------------------

    def _tell_progress(self, calls: int, task: Task) -> None:
        """Log the progress of long work every few seconds."""
        if self._progress.is_told_now(calls, self._memory.clock.now()):
            told = self._progress.told(remaining(self._view(task)))
            logger.info("progress", extra=told)


@dataclass
class _Progress:
    """The progress of a run, in calls."""

    done: int = 0
    began: float | None = None
    last: float = 0.0
    """The time of the last log line, in seconds since 1970."""

    def is_told_now(self, calls: int, now: float) -> bool:
        """Count further calls; whether it is time for a log line."""
        self.done += calls
        if self.began is None:
            self.began = self.last = now
        if now - self.last < TOLD_AFTER:
            return False
        self.last = now
        return True

    def told(self, rest: int) -> dict[str, int]:
        """The fields of the log line, with the number of calls that are left."""
        seconds = round((self.last - (self.began or self.last)) / self.done * rest)
        return {"done": self.done, "total": self.done + rest, "rest_seconds": seconds}
