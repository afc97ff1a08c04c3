"""What the everyday deployments of the fault table and of histories are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.stacks import Site

Resources = Mapping[str, Any]
Play = Callable[[Site], Resources]


@dataclass(frozen=True)
class Scenario:
    """A stack as it starts, what people do to it, and the deployment that is looked at.

    Args:
        start: the resources of the first deployment.
        change: those of the deployment that is looked at.
        prepare: what people do in between.
        waits_for_clean_up: whether the deployment does nothing before its clean-up, so that a
            rollback has nothing to undo.
    """

    start: Play
    change: Play
    prepare: Callable[[Site], None]
    waits_for_clean_up: bool = False
