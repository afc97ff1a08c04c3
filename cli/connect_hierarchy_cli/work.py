"""An instance that a command changes call by call, and the end of an interrupted command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import CommandError, explained
from connect_hierarchy_cli.instances import find_instance
from connect_hierarchy_cli.pacing import Observer
from connect_hierarchy_cli.placement.mover import Ending, Outcome
from connect_hierarchy_cli.placement.side_by_side import lanes_for_moves
from connect_hierarchy_cli.prompts import choose_instance
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_cli.stopping import StoppableClock, StoppedError, run_stoppable
from connect_hierarchy_lambda.model.messages import printable


class Work:
    """Calls about one instance, at the account's rate, which Ctrl-C ends between two calls.

    Args:
        settings: The options.
        instance: Id, ARN or alias of the instance; None for the account's only one.

    Raises:
        CommandError: If there is no such instance.
    """

    def __init__(self, settings: Settings, instance: str | None) -> None:
        self.settings = settings
        self.observer: Observer | None = None
        """Called with each answer, for progress bars."""

        self.clock = StoppableClock(settings.clock)
        self.session, self.instance = find_instance(
            Session(replace(settings, clock=self.clock)), instance, choose_instance
        )
        self.rate = self.session.rate
        self.connect = self.session.connect(self._observe)
        self.lanes = lanes_for_moves(self.clock, self.rate)

    @property
    def arn(self) -> str:
        """ARN of the instance."""
        return self.instance.arn

    def _observe(self, api: str, answer: Mapping[str, Any]) -> None:
        if self.observer is not None:
            self.observer(api, answer)

    def carry_out(self, changes: Callable[[], None], so_far: Callable[[], str]) -> None:
        """Make changes, until they are done or Ctrl-C or an error ends the work.

        Args:
            changes: Makes the changes, waiting by the clock.
            so_far: Returns the progress, as the end of a sentence.

        Raises:
            CommandError: If they ended early, with the command that does the rest.
        """
        again = self.settings.again()
        try:
            run_stoppable(changes, self.clock, lambda: output.tell(_STOPPING))
        except (StoppedError, KeyboardInterrupt):
            sentence = f"stopped, {so_far()}; the same command does the rest"
            raise CommandError(sentence, again) from None
        except Exception as error:
            told = explained(error, self.settings)
            next_command = told.next_command or again
            raise CommandError(f"{told.sentence}; {so_far()}", next_command) from error

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Show the moves that failed.

        Raises:
            CommandError: If a move failed.
        """
        failed = [outcome for outcome in outcomes if outcome.ending is Ending.FAILED]
        if failed:
            for outcome in failed:
                output.tell(printable(f"{outcome.move.agent.username}: {outcome.why}"))
            number = "1 agent is" if len(failed) == 1 else f"{len(failed):,} agents are"
            raise CommandError(f"{number} not moved, as said above", self.settings.again())


_STOPPING = "stopping after the calls under way; press Ctrl-C again to stop at once"


def refuse(problems: Sequence[str], what: str, next_command: str = "") -> NoReturn:
    """Show all problems, each on a line, and end the command.

    Args:
        problems: The problems.
        what: What has the problems.
        next_command: The command to type once they are solved.

    Raises:
        CommandError: Always.
    """
    for problem in problems:
        output.tell(printable(problem))
    number = "1 error" if len(problems) == 1 else f"{len(problems):,} errors"
    raise CommandError(f"{number} in {what}, nothing was changed", next_command)
