"""Every history of one deployment, breadth first: states, what leads from one to the next."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from connect_hierarchy_lambda.core.direction import Course as Direction
from tests.model.book import Book
from tests.model.promises import (
    check_agents,
    check_as_before,
    check_call,
    check_end,
    check_ids,
    check_success,
)
from tests.model.runs import (
    BrokenPromiseError,
    Fault,
    Memory,
    Turn,
    take_turn,
)
from tests.model.service import World
from tests.model.stack import (
    Call,
    Course,
    Phase,
    Stack,
    answered,
    commit,
    deploy,
    is_forward_done,
    roll_back,
    status_of,
    template_of,
)
from tests.model.values import hashed_once

NAMES = ("x", "y", "z")
"""The names that groups have in the model."""


@hashed_once
@dataclass(frozen=True)
class Run:
    """A run of the function that serves an event."""

    call: Call
    number: int = 0
    """0 for the first run of the event, 1 for its twin."""

    memory: Memory = field(default_factory=Memory)
    is_waiting: bool = False

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.call.id}/{self.number}"


@hashed_once
@dataclass(frozen=True)
class State:
    """Everything between two steps."""

    world: World
    book: Book
    stack: Stack
    runs: tuple[Run, ...] = ()
    last: str = ""
    """Which run had the last turn."""

    started: int = 0
    """For how many of the events a run was started."""

    left: int = 0
    """How many disturbances may still happen."""

    is_by_hand: bool = False
    """Whether a person changed something."""

    is_undisturbed: bool = True


@dataclass(frozen=True)
class Disturbances:
    """What may come between the steps of a deployment."""

    number: int = 1
    """How many of them may come in one history."""

    deaths: bool = True
    twins: bool = True
    supersession: bool = True
    by_hand: bool = True


@dataclass
class Finding:
    """A promise that does not hold, and the shortest history to it."""

    why: str
    trace: list[str]

    def __str__(self) -> str:
        return "\n".join([self.why, *(f"  {n}. {step}" for n, step in enumerate(self.trace, 1))])


@dataclass
class Result:
    """What exploring came to."""

    states: int = 0
    transitions: int = 0
    ends: list[State] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@contextmanager
def without_logs() -> Iterator[None]:
    """Keep the engine from logging what happens in all these histories."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def begin(course: Course, world: World, book: Book, stack: Stack, left: int) -> State:
    """The first state of a deployment."""
    return _with_runs(State(world, book, deploy(course, stack), left=left, started=stack.sent))


class Explorer:
    """Explores all histories of a deployment from one start."""

    def __init__(
        self,
        course: Course,
        start: State,
        disturbances: Disturbances,
        *,
        may_fail: bool = False,
        must_fail: bool = False,
        may_leave: bool = False,
    ) -> None:
        self._course = course
        self._before = (start.world, start.book)
        self._disturbances = disturbances
        self._may_fail = may_fail
        self._must_fail = must_fail
        self._may_leave = may_leave
        self._result = Result()
        self._states: list[State] = [start]
        self._numbers = {start: 0}
        self._came: list[tuple[int, str]] = [(-1, "")]
        self._next: list[list[int]] = [[]]
        self._turns: dict[tuple[Any, ...], Turn] = {}
        self._broken: set[int] = set()
        """States in which a promise was broken, so that nobody asks how they end."""

    def explore(self) -> Result:
        """Visit every state once."""
        result, at = self._result, 0
        with without_logs():
            while at < len(self._states):
                self._visit(at)
                at += 1
        result.states = len(self._states)
        self._check_that_all_ends()
        return result

    def _visit(self, at: int) -> None:
        state = self._states[at]
        if state.stack.phase is Phase.OVER and not state.runs:
            self._result.ends.append(state)
            try:
                self._check_end(state)
            except BrokenPromiseError as error:
                self._break(at, str(error), "all is over")
            return
        for number, run in enumerate(state.runs):
            turn = self._take(at, number, str(run.call), None)
            if turn is None or state.left == 0 or not self._disturbances.deaths:
                continue
            for fault in _faults(turn):
                self._take(at, number, f"{run.call}: {fault}", fault)
        for label, after in self._moves(state):
            self._reach(at, label, after)

    def _take(self, at: int, number: int, label: str, fault: Fault | None) -> Turn | None:
        """Let a run take a turn; a promise that it breaks is a finding."""
        try:
            turn, after = self._turn(self._states[at], number, fault)
        except BrokenPromiseError as error:
            self._break(at, str(error), label)
            return None
        made = f" ({'; '.join(turn.calls)})" if turn.calls else ""
        self._reach(at, f"{label}{_ended(turn)}{made}", after)
        return turn

    def _break(self, at: int, why: str, label: str) -> None:
        self._result.findings.append(Finding(why, [*self._trace(at), label]))
        self._broken.add(at)

    def _reach(self, at: int, label: str, after: State) -> None:
        self._result.transitions += 1
        number = self._numbers.get(after)
        if number is None:
            number = self._numbers[after] = len(self._states)
            self._states.append(after)
            self._came.append((at, label))
            self._next.append([])
        self._next[at].append(number)

    def _trace(self, at: int) -> list[str]:
        steps: list[str] = []
        while at:
            at, label = self._came[at]
            steps.insert(0, label)
        return steps

    # turns -------------------------------------------------------------------------------------

    def _turn(self, state: State, number: int, fault: Fault | None) -> tuple[Turn, State]:
        run = state.runs[number]

        def guard(world: World, what: str, group_id: str, course: Direction | None) -> None:
            by_hand = state.is_by_hand
            check_call(run.call, state.book, world, what, group_id, course, is_by_hand=by_hand)

        is_next, status = state.last == run.name, status_of(self._course, state.stack)
        template = template_of(self._course, state.stack)
        # many states differ only in what this turn does not see
        ports = (state.world, state.book, status, template, state.is_by_hand)
        seen = (run.call, run.memory, is_next, fault, *ports)
        if seen not in self._turns:
            self._turns[seen] = take_turn(
                run.call,
                state.world,
                state.book,
                run.memory,
                is_next=is_next,
                status=status,
                template=template,
                guard=guard,
                fault=fault,
            )
        turn = self._turns[seen]
        return turn, self._after(state, number, turn, fault)

    def _after(self, state: State, number: int, turn: Turn, fault: Fault | None) -> State:
        run = state.runs[number]
        has_changed = (turn.world, turn.book) != (state.world, state.book)
        others = [
            replace(r, is_waiting=False) if r.is_waiting and has_changed else r
            for r in state.runs
            if r is not run
        ]
        stack = state.stack
        if turn.answer is not None or turn.error or turn.is_superseded:
            is_heard = any(job.call == run.call for _, job in stack.running)
            is_undisturbed = state.is_undisturbed and is_heard and fault is None
            stack = answered(self._course, stack, run.call, turn.answer)
            if turn.answer is not None and is_undisturbed:
                course = turn.memory.course
                assert course is not None
                check_success(run.call, course, turn.world, turn.book)
            may_fail = self._may_fail and state.stack.phase is Phase.FORWARD
            may_fail |= self._may_leave and run.call.type == "Delete"
            if turn.error and is_undisturbed and not may_fail:
                raise BrokenPromiseError(f"{run.call} fails: {turn.error}")
        else:
            others.insert(number, replace(run, memory=turn.memory, is_waiting=turn.is_waiting))
        after = replace(
            state,
            world=turn.world,
            book=turn.book,
            stack=stack,
            runs=tuple(others),
            last=run.name if len(others) == len(state.runs) and not turn.has_died else "",
        )
        return _with_runs(after if fault is None else _disturbed(after))

    # what else can happen ----------------------------------------------------------------------

    def _moves(self, state: State) -> Iterator[tuple[str, State]]:
        course, stack, wanted = self._course, state.stack, self._disturbances
        if is_forward_done(stack):
            yield "the deployment ends well", _going_on(state, commit(course, stack))
            yield "the deployment is rolled back", _going_on(state, roll_back(course, stack))
        if state.runs and all(run.is_waiting for run in state.runs):
            yield "time passes", _later(state)
        if state.left == 0 or stack.phase is Phase.OVER:
            return
        if wanted.supersession and stack.phase is Phase.FORWARD and any(stack.running):
            after = _going_on(state, roll_back(course, stack))
            yield "the deployment is rolled back meanwhile", _disturbed(after)
        if wanted.twins:
            yield from _copies(state)
        if wanted.by_hand:
            for label, world in changes_by_hand(state.world):
                after = replace(
                    state,
                    world=world,
                    is_by_hand=True,
                    runs=tuple(replace(run, is_waiting=False) for run in state.runs),
                )
                yield f"by hand: {label}", _disturbed(after)

    # promises ----------------------------------------------------------------------------------

    def _check_end(self, state: State) -> None:
        world, book, stack = state.world, state.book, state.stack
        check_end(world, book, is_by_hand=state.is_by_hand)
        if state.is_by_hand:
            return
        if stack.has_failed and not self._may_leave:
            raise BrokenPromiseError("the stack ends in a failure that nothing gives a reason for")
        if self._must_fail and not stack.forward:
            raise BrokenPromiseError("a deployment ends well that has to be refused")
        if not stack.has_failed:
            check_ids(stack, book)
        if stack.forward:
            check_as_before(self._before, world, book)
        elif not self._course.is_deletion:
            check_agents(self._course, self._before, world, book)

    def _check_that_all_ends(self) -> None:
        """From every state some history leads to an end."""
        came_from: list[list[int]] = [[] for _ in self._states]
        for number, following in enumerate(self._next):
            for other in following:
                came_from[other].append(number)
        ends = [n for n, s in enumerate(self._states) if s.stack.phase is Phase.OVER and not s.runs]
        waiting = [*ends, *self._broken]
        reached = set(waiting)
        while waiting:
            for number in came_from[waiting.pop()]:
                if number not in reached:
                    reached.add(number)
                    waiting.append(number)
        for number in range(len(self._states)):
            if number not in reached:
                self._result.findings.append(Finding("this never ends", self._trace(number)))
                return


def _faults(turn: Turn) -> Iterator[Fault]:
    """Everything that can go wrong where this turn went well."""
    if turn.writes == 0:
        return
    for number in range(2, turn.writes + 1):
        yield Fault(number)
    for number in turn.numbers_of_calls:
        yield Fault(number, is_death=False)
        yield Fault(number, is_after=True, is_death=False)
    # after its last write the run dies when all is written down
    yield Fault(turn.writes, is_at_end=True)


def _ended(turn: Turn) -> str:
    if turn.answer is not None:
        return " succeeds"
    if turn.is_superseded:
        return " gives up"
    if turn.error:
        return f" fails, {turn.error}"
    return " waits" if turn.is_waiting else ""


def _with_runs(state: State) -> State:
    """A run begins for each event that was sent meanwhile."""
    if state.started == state.stack.sent:
        return state
    new = []
    for _, job in state.stack.running:
        assert job.call is not None
        if int(job.call.id.split("-")[0]) > state.started:
            new.append(Run(job.call))
    return replace(state, runs=(*state.runs, *new), started=state.stack.sent)


def _going_on(state: State, stack: Stack) -> State:
    runs = tuple(replace(run, is_waiting=False) for run in state.runs)
    return _with_runs(replace(state, stack=stack, runs=runs))


def _disturbed(state: State) -> State:
    return replace(state, left=state.left - 1, is_undisturbed=False)


def _later(state: State) -> State:
    """The same state minutes later."""
    runs = tuple(replace(run, memory=run.memory.later(), is_waiting=False) for run in state.runs)
    return replace(state, book=state.book.later(), runs=runs)


def _copies(state: State) -> Iterator[tuple[str, State]]:
    """An event is delivered once more, while its run is at work or after that."""
    for number, run in enumerate(state.runs):
        if all(other.name != f"{run.call.id}/1" for other in state.runs):
            runs = (*state.runs[: number + 1], Run(run.call, 1), *state.runs[number + 1 :])
            yield f"{run.call} is delivered twice", _disturbed(replace(state, runs=runs))
    running = {run.call.id for run in state.runs}
    for job in (*state.stack.forward, *state.stack.jobs):
        if job.call is not None and job.call.id not in running:
            runs = (*state.runs, Run(job.call, 1))
            yield f"{job.call} is delivered late", _disturbed(replace(state, runs=runs))


def changes_by_hand(world: World) -> Iterator[tuple[str, World]]:
    """What a person may do in the console of Amazon Connect."""
    for desk in world.desks:
        where = world.names_of(desk.id)
        for name in (*NAMES, "by hand"):
            if name != desk.name and not world.is_taken(desk.parent_id, name, but=desk.id):
                yield f"{where} is renamed to {name!r}", world.renamed(desk.id, name)
        if all(other.parent_id != desk.id for other in world.desks):
            emptied = world
            for agent, group_id in world.agents:
                if group_id == desk.id:
                    emptied = emptied.with_agent_in(agent, None)
            yield f"{where} is deleted", emptied.without(desk.id)
    for agent, group_id in world.agents:
        for other in (*(desk.id for desk in world.desks), None):
            if other != group_id:
                to = world.names_of(other) if other else "no group"
                yield f"{agent} is moved to {to}", world.with_agent_in(agent, other)
