"""How long, and with which pauses, a call is repeated."""

from __future__ import annotations

from collections.abc import Callable

from connect_hierarchy_lambda.ports.time import Clock

PATIENCE_SECONDS = 120.0
"""Seconds for which a call is repeated while the service cannot be reached or may show old data."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0


class Patience:
    """Pauses that grow, for two minutes from the first.

    Args:
        clock: Waits.
        jitter: Gives numbers from 0 to 1, for the lengths of pauses.
    """

    def __init__(self, clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    @property
    def is_over(self) -> bool:
        """Whether the two minutes have passed."""
        return self._since is not None and self._clock.now() - self._since >= PATIENCE_SECONDS

    def wait(self) -> None:
        """Let a pause pass."""
        if self._since is None:
            self._since = self._clock.now()
        self._clock.sleep(self._pause * (0.75 + self._jitter() / 2))
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
