"""A request of CloudFormation: its event, its properties, and the task for it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.core.decide import decide
from connect_hierarchy_lambda.core.decisions import Ask, Decision
from connect_hierarchy_lambda.core.direction import Event
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Resource, Wish
from connect_hierarchy_lambda.engine.task import Answer, Task
from connect_hierarchy_lambda.model.ledger import LastWish, Record, RequestType
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.model.properties import GroupProperty

WishOf = Callable[[Mapping[str, Any]], Wish]
AnswerOf = Callable[[View, Mapping[str, Record]], Answer | Ask]

_PARENT = GroupProperty.PARENT_GROUP_ARN  # a tree's property has the same name
_INSTANCE = re.compile(r"arn:[^/]+:instance/[^/]+")


@dataclass(frozen=True)
class Request:
    """One event, checked, without the fields that only the protocol needs."""

    type: str
    stack_id: str
    request_id: str
    logical_id: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any] = field(default_factory=dict)
    physical_id: str = ""
    """The physical id in the event, empty for a Create."""

    resource_type: str = ""
    issued_at: float = 0.0
    """When CloudFormation sent it, in seconds since 1970; 0 if this is not known."""

    @property
    def failed_id(self) -> str:
        """The id of a FAILED answer: the one in the event, or for a Create a text that names it."""
        return self.physical_id or f"failed/{self.logical_id}/{self.request_id}"


def task_of(
    request: Request,
    wish_of: WishOf,
    answer_of: AnswerOf,
    decide_on: Callable[[View], Decision] = decide,
) -> Task:
    """The task of an event.

    Args:
        request: The event.
        wish_of: Reads the wish of properties; HierarchyError if they are invalid.
        answer_of: Builds the answer from the view and the groups by key.
        decide_on: The part of the core that decides.
    """
    event = Event(
        id=request.request_id,
        type=RequestType(request.type),
        physical_id=request.physical_id,
        issued_at=request.issued_at,
        digest=digest_of(request.properties),
        old_digest=digest_of(request.old_properties),
    )
    return Task(
        event=event,
        resource=Resource(stack_name_and_uuid(request.stack_id), request.logical_id),
        wish=_wish(request, wish_of),
        previous=_previous(request, wish_of),
        old_properties=request.old_properties,
        wish_of=wish_of,
        answer=answer_of,
        decide=decide_on,
        kept=LastWish(request.logical_id, request.resource_type, request.properties),
    )


def _wish(request: Request, wish_of: WishOf) -> Wish:
    """The wish; a Delete of something that could never be created wishes nothing."""
    try:
        return wish_of(request.properties)
    except HierarchyError:
        if request.type != RequestType.DELETE:
            raise
        return Wish(instance_arn=_instance_of(request.physical_id))


def _previous(request: Request, wish_of: WishOf) -> Wish | None:
    try:
        return wish_of(request.old_properties) if request.old_properties else None
    except HierarchyError:
        return None


def digest_of(properties: Mapping[str, Any]) -> str:
    """The digests of a request's properties for the ledger, see core/direction.py."""
    parent_arn = properties.get(_PARENT)
    return f"{_hash_of({**properties, _PARENT: bool(parent_arn)})}.{_hash_of(properties)}"


def _hash_of(properties: Mapping[str, Any]) -> str:
    text = json.dumps(properties, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]


def _instance_of(physical_id: str) -> str:
    """The ARN of the instance that a physical id begins with, or an empty text."""
    match = _INSTANCE.match(physical_id)
    return match[0] if match else ""


class Properties:
    """Properties of an event, each read with a check of its type.

    CloudFormation sends every scalar as a string. Only a template written by hand can have a wrong
    type.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A required string."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a string with characters in it" if value == "" else "a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, or None if it is left out."""
        return self.text(name) if self._values.get(name) not in (None, "") else None

    def flag(self, name: str) -> bool:
        """`true` or `false`, false if it is left out."""
        value = self._values.get(name, "false")
        if str(value).lower() not in {"true", "false"}:
            raise self._wrong(name, "true or false")
        return str(value).lower() == "true"

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        value = self._values.get(name)
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if not is_list or not all(isinstance(item, str) for item in value or ()):
            raise self._wrong(name, "a list of strings")
        return list(value or ())

    def text_map(self, name: str) -> dict[str, str]:
        """A map of strings to strings, empty if it is left out."""
        value = self._values.get(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self._wrong(name, "a map of strings")
        return dict(value)

    def value(self, name: str) -> Any:
        """The value of any type, None if it is left out."""
        return self._values.get(name)

    def _wrong(self, name: str, wanted: str) -> HierarchyError:
        found = json.dumps(self._values.get(name), default=str)
        return HierarchyError(
            f"reading property {name}", f"{quoted(found)} is not {wanted}", "correct the template"
        )
