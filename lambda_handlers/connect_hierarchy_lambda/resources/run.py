"""What a resource has to carry a request out: the service, its own stack, and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connect_hierarchy_lambda.connect.hierarchies import Hierarchy
from connect_hierarchy_lambda.connect.lanes import Lanes
from connect_hierarchy_lambda.connect.own_stack import OwnStack, StillWanted
from connect_hierarchy_lambda.connect.time import Schedule


@dataclass(frozen=True)
class Run:
    """One run of the function for one request; `hierarchy_of` takes the ARN of an instance."""

    hierarchy_of: Callable[[str], Hierarchy]
    own_stack: OwnStack
    watch: StillWanted
    schedule: Schedule
    lanes: Lanes
