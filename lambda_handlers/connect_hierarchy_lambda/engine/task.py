"""A request as the engine sees it: an event, what it wishes, and how its answer is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.core.decide import decide
from connect_hierarchy_lambda.core.decisions import Ask, Decision
from connect_hierarchy_lambda.core.direction import Course, Event
from connect_hierarchy_lambda.core.repair import Overlay
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Resource, Wish
from connect_hierarchy_lambda.model.ledger import LastWish, Record


@dataclass(frozen=True)
class Answer:
    """A SUCCESS: the physical id, and what Fn::GetAtt gives."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Repair:
    """What makes a task bring back what its resource wished last, without a request for it.

    Neither CloudFormation nor the ledger's list of requests ever hears of it. It ends as soon as
    the stack is at work, or another request than `after` is the resource's latest.
    """

    after: str
    """Id of the latest request of the resource."""

    course: Course
    overlay: Overlay = field(default_factory=Overlay)
    """What Amazon Connect shows of the resource's groups."""

    apart: frozenset[str] = frozenset()
    """Ids of groups that are not touched: another stack's by their tags."""


@dataclass(frozen=True)
class Task:
    """What a resource wants the engine to do."""

    event: Event
    resource: Resource
    wish: Wish
    previous: Wish | None
    """That of the properties before an Update."""

    old_properties: Mapping[str, Any]
    wish_of: Callable[[Mapping[str, Any]], Wish]
    """Reads the wish of properties that succeeded before."""

    answer: Callable[[View, Mapping[str, Record]], Answer | Ask]
    """Puts the answer together from the groups by key, or says what it has to know first."""

    decide: Callable[[View], Decision] = decide
    """The part of the core that decides."""

    kept: LastWish | None = None
    """What a later repair brings back, once this has succeeded."""

    repair: Repair | None = None
    """None for a request of CloudFormation."""
