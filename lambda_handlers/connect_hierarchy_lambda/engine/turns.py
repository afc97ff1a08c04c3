"""The stack's turn: only its holder writes the ledger and calls Amazon Connect.

Nobody keeps the turn while waiting, except for the next token of the pace. `_sleep` is the one
place that waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from connect_hierarchy_lambda.engine.memory import Memory, Pause
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal, call
from connect_hierarchy_lambda.ports.ledger import Ledger, Turn, TurnLostError
from connect_hierarchy_lambda.ports.pace import Pace, Rate
from connect_hierarchy_lambda.ports.time import Schedule

logger = logging.getLogger(__name__)

T = TypeVar("T")

TOLD_AFTER = 5.0
"""Seconds after which the log says what a run waits for."""

_RESERVE = 25.0
"""Seconds of a lease that a call may take."""


class Turns:
    """The turns of one run of the function.

    Args:
        run_id: A unique id of this run.
        ledger: The ledger of the stack.
        schedule: Clock and deadline of the run.
        rate: The requests that the account may make per second.
        memory: What the run remembers; empty if not given.
    """

    def __init__(
        self,
        run_id: str,
        ledger: Ledger,
        schedule: Schedule,
        rate: Rate,
        memory: Memory | None = None,
    ) -> None:
        self.schedule = schedule
        self.memory = memory or Memory(schedule.clock)
        self._run_id = run_id
        self._ledger = ledger
        self._rate = rate
        self._pace = Pace(rate)
        self._turn: Turn | None = None
        self._serving = ""

    def until_done(self, serving: str, act: Callable[[], T | None]) -> T:
        """Act in turns until there is an answer.

        Args:
            serving: What the run is for, as the beginning of an error.
            act: Does the work of a turn; returns None to continue in another one.
        """
        self._serving = serving
        while (answer := self._acted(act)) is None:
            pass
        return answer

    def _acted(self, act: Callable[[], T | None]) -> T | None:
        """The answer after one more turn and the pause after it, None if another turn is needed."""
        try:
            return self.take(act)
        except TurnLostError:
            self.memory.serial = -1
        except Pause as pause:
            self._sleep(pause)
        return None

    def take(self, act: Callable[[], T | None]) -> T | None:
        """Act in one turn; Pause if it ends before there is anything to say."""
        memory, now = self.memory, self.schedule.clock.now()
        turn = self.asked(lambda ledger: ledger.take_turn(self._run_id, now))
        waiting = f"{self._serving}, waiting for the turn"
        if turn is None:
            raise Pause(waiting, "other runs are at work", first=0.1, longest=1.5)
        memory.pauses.pop(waiting, None)
        memory.is_alone = turn.serial == memory.serial + 1
        memory.serial = turn.serial
        self._turn = turn
        self._pace = Pace.of(self._rate, turn.pace)
        try:
            answer = act()
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

    def asked(self, operation: Callable[[Ledger], T]) -> T:
        """The answer of the ledger; a passing error ends the turn, and a later turn tries again."""
        doing, memory = "using the ledger", self.memory
        try:
            return operation(self._ledger)
        except PassingError as error:
            memory.serial = -1
            raise Pause(doing, error.why) from None
        except Refusal as refusal:
            memory.serial = -1
            remedy = "check the function's role and the table"
            memory.doubt(doing, HierarchyError(doing, refusal.told, remedy))
            raise Pause(doing, refusal.told) from None

    def write(self, **what: Any) -> None:
        """Write down what `Ledger.write` takes, and remember it."""
        memory, turn = self.memory, self._turn
        assert turn is not None  # noqa: S101 - only who acts in a turn writes
        self.asked(lambda ledger: ledger.write(turn, **what))
        memory.entry = what.get("entry") or memory.entry
        for record in what.get("forgotten", ()):
            memory.records.pop(record.slot, None)
        memory.records.update({record.slot: record for record in what.get("records", ())})

    def paced(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Make a call when its token has come, and adapt the pace to its answer."""
        clock, api = self.schedule.clock, operation.__name__
        now = clock.now()
        wait = self._pace.take(api, now)
        until = self._turn.until if self._turn is not None else now
        if wait >= self.schedule.left:
            raise OutOfTimeError(self._serving, "out of time", "deploy again")
        if now + wait > until - _RESERVE:
            raise Pause(self._serving, f"{api} allows no more requests now")
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

    def _sleep(self, pause: Pause) -> None:
        pauses, schedule = self.memory.pauses, self.schedule
        seconds = pauses.get(pause.doing, pause.first)
        pauses[pause.doing] = min(pause.longest, seconds * 1.5)
        seconds *= 0.75 + schedule.jitter() / 2
        if seconds >= schedule.left:
            raise OutOfTimeError(pause.doing, f"out of time, {pause.why}", "deploy again")
        if seconds * 3 > TOLD_AFTER:
            logger.info("waiting", extra={"doing": pause.doing, "why": pause.why})
        schedule.clock.sleep(seconds)
