"""Creates levels and groups in an instance, each group once, and moves agents there.

Creating a group has no client token. If the answer of a Create is lost, a second one either creates
the group or meets a Duplicate; then the group with that name and place is the one.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from connect_hierarchy_cli.copying.plan import (
    CopyPlan,
    Instance,
    NewGroup,
    NewPlace,
    key_of,
    names_of,
)
from connect_hierarchy_cli.patience import Patience
from connect_hierarchy_cli.placement.mover import Mover, Outcome
from connect_hierarchy_cli.placement.plan import Move
from connect_hierarchy_cli.placement.side_by_side import do_each
from connect_hierarchy_lambda.core.levels import named
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.tree import SPACED_SEPARATOR
from connect_hierarchy_lambda.ports.calls import DUPLICATE, QUOTA, PassingError, Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.time import Clock

T = TypeVar("T")


class Copier:
    """Carries out a plan in the target.

    Args:
        connect: The calls, paced.
        target: The instance as the plan found it.
        clock: Waits; an exception of its `sleep` ends the work.
        lanes: How many groups or agents are at work at the same time.
        jitter: Gives numbers from 0 to 1, for the lengths of pauses.
    """

    def __init__(
        self,
        connect: Connect,
        target: Instance,
        *,
        clock: Clock,
        lanes: Lanes,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connect = connect
        self._arn = target.arn
        self._clock = clock
        self._lanes = lanes
        self._jitter = jitter
        self._ids = {key_of(names_of(group)): group.id for group in target.groups}

    def make_levels(self, plan: CopyPlan) -> None:
        """Write the levels, if that changes anything.

        Raises:
            HierarchyError: Somebody has changed the levels since the plan was made.
            Refusal: The service refuses it.
            PassingError: The service could not be reached for two minutes.
        """

        def write() -> None:
            # a write replaces all levels, and one that is left out is lost for good
            there = self._connect.levels(self._arn)
            if there == plan.levels:
                return
            if there != plan.levels_before:
                why = f"the target has the levels {named(there)} by now"
                raise HierarchyError("adding hierarchy levels", why, "copy again")
            self._connect.put_levels(self._arn, plan.levels)

        if plan.levels != plan.levels_before:
            self._persistently(write)

    def make_groups(self, groups: Sequence[NewGroup], tell: Callable[[NewGroup], None]) -> None:
        """Create the groups, level by level.

        Args:
            groups: Parents first.
            tell: Called for each group that exists, for one at a time.

        Raises:
            HierarchyError: Another group has the name, or the quota is used up.
            Refusal: The service refuses a call for another reason.
            PassingError: The service could not be reached for two minutes.
        """
        lock = threading.Lock()

        def work(group: NewGroup) -> None:
            self._clock.sleep(0)  # nothing new begins once the clock ends the work
            group_id = self._made(group)
            with lock:
                self._ids[key_of(group.path)] = group_id
                tell(group)

        for depth in sorted({len(group.path) for group in groups}):
            do_each(self._lanes, [group for group in groups if len(group.path) == depth], work)

    def place_agents(self, places: Sequence[NewPlace], tell: Callable[[Outcome], None]) -> None:
        """Move the agents into their groups, which exist now; as `Mover.carry_out`."""
        moves = [Move(place.agent, self._ids[key_of(place.path)]) for place in places]
        mover = Mover(
            self._connect, self._arn, clock=self._clock, lanes=self._lanes, jitter=self._jitter
        )
        mover.carry_out(moves, tell)

    def _made(self, group: NewGroup) -> str:
        """The id of the group, created or found."""
        parent_id = self._ids[key_of(group.path[:-1])] if len(group.path) > 1 else None
        doing = f"creating hierarchy group {quoted(SPACED_SEPARATOR.join(group.path), 100)}"
        name = group.path[-1]

        def make() -> str:
            try:
                return self._connect.create_group(self._arn, parent_id, name, group.tags)
            except Refusal as refusal:
                if refusal.code == QUOTA:
                    remedy = "raise quota L-D68AAAE4 of Amazon Connect, then copy again"
                    why = "the quota of hierarchy groups of the target is used up"
                    raise HierarchyError(doing, why, remedy) from None
                if refusal.code != DUPLICATE:
                    raise
            holder = self._connect.holder(self._arn, parent_id, name)
            if holder is None:
                raise PassingError("the group with that name is not shown yet", may_be_done=True)
            if holder.parent_id != parent_id:
                why = f"the target has a group of that name, {quoted(holder.path_of_names, 100)}"
                raise HierarchyError(doing, why, "rename one of the two, then copy again")
            return holder.id

        return self._persistently(make)

    def _persistently(self, make: Callable[[], T]) -> T:
        """The answer of a call that may be repeated, as soon as there is one."""
        patience = Patience(self._clock, self._jitter)
        while True:
            try:
                return make()
            except PassingError:
                if patience.is_over:
                    raise
            except Refusal as refusal:
                # what was created a moment ago may not be found yet
                if refusal.is_denied or not refusal.is_doubtful or patience.is_over:
                    raise
            patience.wait()
