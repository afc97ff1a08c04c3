"""One turn of a run of the function, made by the real engine on the models of its ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from connect_hierarchy_lambda.core import decide as core
from connect_hierarchy_lambda.core.decisions import Decision
from connect_hierarchy_lambda.core.direction import Course as Direction
from connect_hierarchy_lambda.core.facts import Facts
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.memory import STALE_SECONDS, Pause
from connect_hierarchy_lambda.engine.memory import Memory as RunMemory
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.model.messages import HierarchyError, NoLongerWantedError
from connect_hierarchy_lambda.ports.calls import PassingError
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.time import Schedule
from tests.model.book import Book, BookLedger
from tests.model.service import Service, World
from tests.model.stack import Call, Template, task_of
from tests.model.values import Fixed, fixed, hashed_once

NOW = 1_000_000.0
"""What the clock shows; instead of time passing, what is remembered grows old."""

_MOST_DECISIONS_A_TURN = 100


class BrokenPromiseError(Exception):
    """The core did what it must never do."""


class Died(BaseException):
    """The function's process ends here, so nothing in the engine may handle it."""


@hashed_once
@dataclass(frozen=True)
class Memory:
    """What a run remembers from one turn to the next, as a value."""

    facts: tuple[tuple[str, Any], ...] = ()
    """The fields of its `Facts`, made so that they can be hashed."""

    since: tuple[tuple[str, float], ...] = ()
    course: Direction | None = None
    is_unknown: bool = False

    def later(self) -> Memory:
        """The same after everything that is waited for was waited for long enough."""
        long_ago = NOW - STALE_SECONDS - 1.0
        return replace(self, since=tuple((what, long_ago) for what, _ in self.since))


@hashed_once
@dataclass(frozen=True)
class Fault:
    """What goes wrong in a turn: at its `number`-th write to ledger or service."""

    number: int
    is_after: bool = False
    """Whether the write is done all the same; only the service's can be."""

    is_death: bool = True
    """Whether the process dies, or the service only does not answer."""

    is_at_end: bool = False
    """Whether the process dies when all is written and before anybody hears of it."""

    def __str__(self) -> str:
        if self.is_at_end:
            return "the run dies at the end of its turn"
        what = "the run dies" if self.is_death else "no answer comes"
        return f"{what} {'after' if self.is_after else 'before'} write {self.number}"


@dataclass
class Turn:
    """What a turn came to."""

    world: World
    book: Book
    memory: Memory
    answer: Answer | None = None
    error: str = ""
    """Of a FAILED answer."""

    is_superseded: bool = False
    is_waiting: bool = False
    has_died: bool = False
    writes: int = 0
    """How many writes to ledger and service were begun."""

    calls: tuple[str, ...] = ()
    """What was asked of the service, for people."""

    numbers_of_calls: tuple[int, ...] = ()
    """Which of the writes were the service's."""


class _Clock:
    def now(self) -> float:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)

    def side_by_side(self, works: Any) -> None:
        raise AssertionError(works)


class _OwnStack:
    def __init__(self, status: str, template: Template) -> None:
        self._status = status
        self._template = template

    def status(self) -> str:
        return self._status

    def template(self) -> Template:
        return self._template


_CLOCK = _Clock()
_RATE = Rate(per_second=2.0, burst=5.0)
_SCHEDULE = Schedule(_CLOCK, NOW + 100_000.0, lambda: 0.5)
_LANES = Lanes(_CLOCK, _RATE)


Guard = Callable[[World, str, str, Direction | None], None]
"""Called with the world, a writing call, its group and the request's course before the call."""


def take_turn(
    call: Call,
    world: World,
    book: Book,
    memory: Memory,
    *,
    is_next: bool,
    status: str,
    template: Template,
    guard: Guard,
    fault: Fault | None = None,
) -> Turn:
    """Let a run take one turn; `is_next` says whether it also took the one before."""
    turn = Turn(world, book, memory)
    writes = _Writes(fault)

    def before_call(what: str, group_id: str) -> None:
        guard(service.world, what, group_id, remembered.course)
        writes.begin_call(what)

    service = Service(world, before_call, writes.end_call)
    ledger = BookLedger(book, writes.begin)
    remembered = _thawed(memory, book, call, is_next=is_next)
    turns = Turns("run", ledger, _SCHEDULE, _RATE, remembered)
    connect: Any = service
    own_stack: Any = _OwnStack(status, template)
    engine = Engine(turns, connect, own_stack, _LANES)
    _decisions[0], _checks[0] = 0, fault is None
    try:
        turn.answer = engine.take_a_turn(replace(task_of(call), decide=decide_twice))
    except Pause:
        # after an error that passes the pause is short, so nobody's patience ends meanwhile
        turn.is_waiting = fault is None
    except NoLongerWantedError:
        turn.is_superseded = True
    except HierarchyError as error:
        turn.error = str(error)
    except Died:
        turn.has_died = True
    if fault is not None and fault.is_at_end:
        turn = Turn(world, book, memory, has_died=True)
    turn.world, turn.book = service.world, ledger.book
    turn.memory = Memory() if turn.has_died else _frozen(remembered)
    turn.writes = writes.number
    turn.calls, turn.numbers_of_calls = tuple(writes.calls), tuple(writes.numbers_of_calls)
    return turn


class _Writes:
    """Counts the writes of a turn, and lets one of them go wrong."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault
        self.number = 0
        self.calls: list[str] = []
        self.numbers_of_calls: list[int] = []

    def begin(self) -> None:
        """Be told of a write that is about to be made."""
        self.number += 1
        self._fail(is_after=False)

    def begin_call(self, what: str) -> None:
        """Be told of a call to the service that is about to be made."""
        self.calls.append(what)
        self.numbers_of_calls.append(self.number + 1)
        self.begin()

    def end_call(self) -> None:
        """Be told that the service did it."""
        self._fail(is_after=True)

    def _fail(self, *, is_after: bool) -> None:
        fault = self._fault
        if fault is None or (fault.number, fault.is_after) != (self.number, is_after):
            return
        if fault.is_at_end:
            return
        if fault.is_death:
            raise Died
        raise PassingError("no answer", may_be_done=True)


def _thawed(memory: Memory, book: Book, call: Call, *, is_next: bool) -> RunMemory:
    facts = Facts(**{name: _loosened(name, value) for name, value in memory.facts})
    return RunMemory(
        _CLOCK,
        serial=0 if is_next else -1,
        entry=book.entry(call.logical_id),
        records=dict(book.by_slot),
        facts=facts,
        since=dict(memory.since),
        course=memory.course,
        is_unknown=memory.is_unknown,
    )


def _frozen(memory: RunMemory) -> Memory:
    return Memory(
        facts=tuple((name, _fastened(name, value)) for name, value in vars(memory.facts).items()),
        since=tuple(sorted(memory.since.items())),
        course=memory.course,
        is_unknown=memory.is_unknown,
    )


def _fastened(name: str, value: Any) -> Any:
    """A field of facts as a value; the order of refusals counts, since the first one is told."""
    if isinstance(value, set):
        return frozenset(value)
    if name == "refused":
        return tuple((slot, str(error)) for slot, error in value.items())
    return fixed(value)


def _loosened(name: str, value: Any) -> Any:
    """The field again, with all that the engine changes in place."""
    if isinstance(value, frozenset):
        return set(value)
    if name == "refused":
        return {slot: HierarchyError.saying(text) for slot, text in value}
    return {
        question: dict(answer) if type(answer) is Fixed else answer
        for question, answer in value.items()
    }


# deciding --------------------------------------------------------------------------------------

_decisions = [0]
_checks = [True]
"""Whether decisions are made twice: not where a turn was made before and only goes wrong later."""


def decide_twice(view: View) -> Decision:
    """What the core decides; promises 4 and 5 of the model check are asserted here."""
    _decisions[0] += 1
    if _decisions[0] > _MOST_DECISIONS_A_TURN:
        raise BrokenPromiseError("deciding does not end within a turn")
    if not _checks[0]:
        return core.decide(view)
    before = _copied(view)
    decision = core.decide(view)
    if view.facts != before.facts or view.records != before.records:
        raise BrokenPromiseError("deciding changes what it decides from")
    again = core.decide(before)
    if again != decision and _shown(again) != _shown(decision):
        raise BrokenPromiseError(f"deciding again gives {again}, not {decision}")
    return decision


def _copied(view: View) -> View:
    """The same view with another order of its records and none of its derived values."""
    facts = Facts(**{name: copy(known) for name, known in vars(view.facts).items()})
    records: Mapping[str, Any] = dict(reversed(list(view.records.items())))
    return replace(view, facts=facts, records=records)


def _shown(decision: Decision) -> str:
    """A decision as text: errors are equal only to themselves."""
    return repr(decision)
