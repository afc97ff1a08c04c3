"""How far long work is, in the log every few seconds."""

from __future__ import annotations

import logging
import threading

from connect_hierarchy_lambda.connect.time import Clock

logger = logging.getLogger(__name__)

_INTERVAL = 5.0


class Progress:
    """Counts steps, and says now and then how many are done and how long the rest will take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._told = clock.now()
        self._done = 0
        self._total = 0
        self._lock = threading.Lock()

    def expect(self, further: int) -> None:
        """So many steps are still to come."""
        self._total = self._done + further

    def step(self, number: int = 1) -> None:
        """One is done, or so many."""
        with self._lock:
            self._done += number
            now = self._clock.now()
            if now - self._told < _INTERVAL:
                return
            self._told = now
        rest = (now - self._began) / self._done * (self._total - self._done)
        logger.info(
            "progress",
            extra={"done": self._done, "total": self._total, "rest_seconds": round(rest)},
        )
