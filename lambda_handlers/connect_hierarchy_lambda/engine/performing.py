"""Carrying out a step: write intentions, make calls, write outcomes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connect_hierarchy_lambda.core.decisions import (
    Call,
    Create,
    Delete,
    MoveAgent,
    PutLevels,
    Rename,
    Step,
    forgets,
    has_record,
)
from connect_hierarchy_lambda.core.outcomes import intended, still_there, succeeded
from connect_hierarchy_lambda.core.view import path_of
from connect_hierarchy_lambda.engine.calls import doing, error_of, perform
from connect_hierarchy_lambda.engine.memory import Pause
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.model.ledger import Record
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.ports.calls import (
    DUPLICATE,
    IN_USE,
    NOT_FOUND,
    PassingError,
    Refusal,
)
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes

logger = logging.getLogger(__name__)

Outcome = str | Exception
"""What a call answered, or what it raised."""


@dataclass(frozen=True)
class _Undone:
    """The service did nothing."""


_UNDONE = _Undone()


class Performing:
    """Carries out steps."""

    def __init__(self, turns: Turns, connect: Connect, lanes: Lanes) -> None:
        self._turns = turns
        self._memory = turns.memory
        self._connect = connect
        self._lanes = lanes

    def perform(self, step: Step) -> None:
        """Carry out a step; Pause or HierarchyError if the request cannot continue now."""
        memory = self._memory
        for warning in step.warnings:
            logger.warning(warning)
        before = {c.record.slot: memory.records.get(c.record.slot) for c in step.calls}
        intentions = [intended(c) for c in step.calls if has_record(c)]
        entry = None
        if step.levels is not None and memory.entry is not None:
            entry = replace(memory.entry, levels=step.levels)
        if step.records or step.forgotten or intentions or entry is not None:
            records = (*step.records, *intentions)
            self._turns.write(entry=entry, records=records, forgotten=step.forgotten)
        memory.is_unknown = False
        if step.calls:
            self._write_outcomes(step.calls, self._outcomes(step.calls), before)

    def _outcomes(self, calls: Sequence[Call]) -> Mapping[int, Outcome]:
        """The outcomes of the calls, which are made side by side."""
        outcomes: dict[int, Outcome] = {}

        def make(number: int) -> None:
            try:
                outcomes[number] = perform(self._connect, calls[number])
            except (PassingError, Refusal, Pause, OutOfTimeError) as error:
                outcomes[number] = error

        self._lanes.each(range(len(calls)), make)
        return outcomes

    def _write_outcomes(
        self,
        calls: Sequence[Call],
        outcomes: Mapping[int, Outcome],
        before: Mapping[str, Record | None],
    ) -> None:
        """Restore the ledger to `before` if the service says that it did nothing."""
        put: list[Record] = []
        forgotten: list[Record] = []
        errors: list[Exception] = []
        # refusals first: what a call beside them has changed, they can try again
        order = sorted(outcomes, key=lambda number: not isinstance(outcomes[number], Refusal))
        for number in order:
            made = calls[number]
            intention = intended(made)
            try:
                after = self._after(made, outcomes[number])
            except (HierarchyError, Pause) as error:
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
            self._turns.write(records=put, forgotten=forgotten)
        if errors:
            raise min(errors, key=lambda e: isinstance(e, Pause))

    def _after(self, made: Call, outcome: Outcome) -> Record | _Undone | None:
        """The record after a call; Pause or HierarchyError if the request cannot continue now."""
        memory = self._memory
        if isinstance(outcome, PassingError):
            raise Pause(doing(made), outcome.why, first=1.0 if outcome.is_throttled else 0.5)
        if isinstance(outcome, Refusal):
            return self._after_refusal(made, outcome)
        if isinstance(outcome, Exception):
            raise outcome
        memory.since.pop(doing(made), None)
        memory.pauses.clear()
        after = succeeded(made, outcome, memory.clock.now())
        memory.learn(made, after)
        path = path_of(memory.records, made.record)
        logger.info(doing(made), extra={"group": (after or made.record).id, "path": path})
        return after

    def _after_refusal(self, made: Call, refusal: Refusal) -> Record | _Undone | None:
        memory, record = self._memory, made.record
        facts = memory.facts
        if refusal.code == DUPLICATE and isinstance(made, Create | Rename):
            name = made.name if isinstance(made, Rename) else record.name
            facts.taken.add((record.instance_arn, record.parent_id, name))
            # to settle a creation whose first answer was lost, see which group has the name
            return intended(made) if isinstance(made, Create) else _UNDONE
        if refusal.code == IN_USE and isinstance(made, Delete | PutLevels):
            facts.in_use[record.id] = str(refusal)
            return still_there(record)
        if refusal.code == NOT_FOUND and not isinstance(made, Create):
            return self._after_not_found(made, refusal)
        error = error_of(made, refusal)
        if refusal.is_doubtful and not memory.is_over(doing(made)):
            raise Pause(doing(made), str(refusal), first=1.0)
        facts.refused[record.slot] = error
        return _UNDONE

    def _after_not_found(self, made: Call, refusal: Refusal) -> Record | _Undone | None:
        memory, record = self._memory, made.record
        # an agent may be there, and only the group to which it moves not be found yet
        group_id = made.group_id if isinstance(made, MoveAgent) else record.id
        if group_id and memory.is_recent(group_id) and not memory.is_over(doing(made)):
            raise Pause(doing(made), str(refusal), first=1.0)
        if isinstance(made, MoveAgent):
            memory.facts.moved[made.agent.id] = None
            return record
        memory.facts.gone.add(record.id)
        memory.free(record)
        path = path_of(memory.records, record)
        logger.warning("the group is gone", extra={"group": record.id, "path": path})
        if forgets(made):
            memory.learn(made, None)
            return None
        return _UNDONE


def _may_be_done(outcome: Outcome) -> bool:
    return isinstance(outcome, PassingError) and outcome.may_be_done
