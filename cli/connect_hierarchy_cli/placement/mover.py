"""Moves agents one by one, or as many side by side as the rate allows.

An agent is read right before the move. So an agent that is in the group already is not moved again,
whether an earlier run that was killed moved it, or somebody else.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connect_hierarchy_cli.patience import Patience
from connect_hierarchy_cli.placement.plan import Move
from connect_hierarchy_cli.placement.side_by_side import do_each
from connect_hierarchy_lambda.ports.calls import (
    BAD_PARAMETER,
    INVALID_REQUEST,
    NOT_FOUND,
    PassingError,
    Refusal,
)
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.time import Clock

_OF_THIS_AGENT = frozenset({NOT_FOUND, INVALID_REQUEST, BAD_PARAMETER, "InvalidParameterException"})
"""Refusals that are about a single agent; after any other, no further call would work."""


class Ending(StrEnum):
    """How a move ended."""

    MOVED = "moved"
    ALREADY_THERE = "already there"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a move."""

    move: Move
    ending: Ending
    group_before: str | None
    """Id of the group that the agent was in, None for no group."""

    why: str = ""
    """The reason of a failure."""


class Mover:
    """Carries out moves.

    Args:
        connect: The calls, paced.
        instance_arn: Of the instance.
        clock: Waits; what its `sleep` raises ends the work.
        lanes: How many moves are at work at the same time.
        jitter: Gives numbers from 0 to 1, for the lengths of pauses.
    """

    def __init__(
        self,
        connect: Connect,
        instance_arn: str,
        *,
        clock: Clock,
        lanes: Lanes,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connect = connect
        self._instance_arn = instance_arn
        self._clock = clock
        self._lanes = lanes
        self._jitter = jitter

    def carry_out(self, moves: Sequence[Move], tell: Callable[[Outcome], None]) -> None:
        """Move the agents.

        Args:
            moves: At most one for each agent.
            tell: Called with each outcome at once, with one at a time.

        Raises:
            Refusal: The service refuses a call for a reason that is not about a single agent, such
                as a missing permission. The moves given to `tell` are done.
            PassingError: The service could not be reached for two minutes.
        """
        lock = threading.Lock()
        refused: list[tuple[Move, Refusal]] = []

        def work(move: Move) -> None:
            self._clock.sleep(0)  # nothing new begins once the clock ends the work
            try:
                outcome = self._moved(move)
            except Refusal as refusal:
                if refusal.code not in _OF_THIS_AGENT:
                    raise
                refused.append((move, refusal))
            else:
                with lock:
                    tell(outcome)

        do_each(self._lanes, moves, work)
        # an agent or a group that was created a moment ago may not be found yet
        patience = self._patience()
        while any(refusal.is_doubtful for _, refusal in refused) and not patience.is_over:
            patience.wait()
            again = [move for move, _ in refused]
            refused.clear()
            do_each(self._lanes, again, work)
        for move, refusal in refused:
            tell(Outcome(move, Ending.FAILED, move.agent.group_id, str(refusal)))

    def _moved(self, move: Move) -> Outcome:
        """Move one agent, despite lost connections."""
        before: str | None = None
        was_tried = False
        patience = self._patience()
        while True:
            try:
                is_in = self._connect.group_of_agent(self._instance_arn, move.agent.id)
                if is_in == move.to:
                    ending = Ending.MOVED if was_tried else Ending.ALREADY_THERE
                    return Outcome(move, ending, before if was_tried else is_in)
                before = is_in
                was_tried = True
                self._connect.move_agent(self._instance_arn, move.agent.id, move.to)
            except PassingError:
                if patience.is_over:
                    raise
                patience.wait()
            else:
                return Outcome(move, Ending.MOVED, before)

    def _patience(self) -> Patience:
        return Patience(self._clock, self._jitter)
