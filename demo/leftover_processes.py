"""Finds processes that the demo has started and that have not ended."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

_SECONDS_TO_END = 5.0


def leftover_processes(process_groups: Collection[int]) -> list[str]:
    """What is left: groups of the CLI's runs that have members, and children of this process.

    Those that are about to end are given a moment.
    """
    deadline = time.monotonic() + _SECONDS_TO_END
    while True:
        left = [f"process group {group}" for group in process_groups if _has_members(group)]
        if _has_children():
            left.append("a child of this process")
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _has_members(process_group: int) -> bool:
    try:
        os.killpg(process_group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # the number belongs to somebody else's group by now
        return False
    return True


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            # it has ended and nobody had asked for it: look for others
            pass
    except ChildProcessError:
        return False
    return True
