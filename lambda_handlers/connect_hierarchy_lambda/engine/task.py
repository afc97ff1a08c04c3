"""A request as the engine sees it: an event, its wish, and how to build its answer."""

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
    """A SUCCESS: the physical id, and the attributes for Fn::GetAtt."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Repair:
    """Makes a task restore the last wish of its resource, without a request of CloudFormation.

    Neither CloudFormation nor the ledger's list of requests knows it. It ends as soon as the stack
    is being deployed, or `after` is no longer the latest request of the resource.
    """

    after: str
    """Id of the latest request of the resource."""

    course: Course
    overlay: Overlay = field(default_factory=Overlay)
    """What Amazon Connect shows of the resource's groups."""

    apart: frozenset[str] = frozenset()
    """Ids of groups that are not touched, since their tags name another stack."""


@dataclass(frozen=True)
class Task:
    """The work that a resource gives to the engine."""

    event: Event
    resource: Resource
    wish: Wish
    previous: Wish | None
    """The wish of the properties before an Update."""

    old_properties: Mapping[str, Any]
    wish_of: Callable[[Mapping[str, Any]], Wish]
    """Reads the wish of properties that succeeded before."""

    answer: Callable[[View, Mapping[str, Record]], Answer | Ask]
    """Builds the answer from the groups by key, or returns what it has to know first."""

    decide: Callable[[View], Decision] = decide
    """The part of the core that decides."""

    kept: LastWish | None = None
    """What a later repair brings back, once this task has succeeded."""

    repair: Repair | None = None
    """None for a request of CloudFormation."""
