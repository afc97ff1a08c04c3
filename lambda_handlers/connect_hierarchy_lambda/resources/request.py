"""What CloudFormation asks for, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.engine.task import Answer as Answer
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import Owner, stack_name_and_uuid

_UNMADE = "unmade/"
"""Begins the physical id of a resource whose creation failed and left nothing behind."""


@dataclass
class Request:
    """One event, checked and without what only the protocol needs."""

    type: str
    stack_id: str
    request_id: str
    logical_id: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any] = field(default_factory=dict)
    physical_id: str = ""
    """What the event carried, empty on a Create."""

    issued_at: float = 0.0
    """When CloudFormation sent it, in seconds since 1970; 0 where this is not known."""

    failed_id: str = ""
    """The id that a FAILED answer gives: a Create that has begun its work puts here what lets the
    Delete find it."""

    notes: dict[str, str] = field(default_factory=dict)
    """What one run of the function has to say to the next about the same request."""

    def __post_init__(self) -> None:
        self.failed_id = self.failed_id or self.physical_id or self.unmade_id

    def noted(self, begins: str) -> list[str]:
        """The ids of the groups that a note of this kind was made about."""
        return [note.removeprefix(begins) for note in self.notes if note.startswith(begins)]

    @property
    def owner(self) -> Owner:
        """This resource as an owner of groups."""
        return Owner(stack_name_and_uuid(self.stack_id), self.logical_id, self.request_id)

    @property
    def unmade_id(self) -> str:
        """The id of a creation that left nothing behind."""
        return f"{_UNMADE}{self.logical_id}/{self.request_id}"

    @property
    def is_unmade(self) -> bool:
        """Whether the event is about a creation that left nothing behind."""
        return self.physical_id.startswith(_UNMADE)


class Properties:
    """Properties of an event, each read with a check of its type.

    CloudFormation sends every scalar as a string. A wrong type can only come from a template that
    was written by hand.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A string that has to be there."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a string with characters in it" if value == "" else "a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, or None where it is left out."""
        return self.text(name) if self._values.get(name) not in (None, "") else None

    def flag(self, name: str) -> bool:
        """`true` or `false`, false where it is left out."""
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
        """A map of strings to strings, empty where it is left out."""
        value = self._values.get(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self._wrong(name, "a map of strings")
        return dict(value)

    def value(self, name: str) -> Any:
        """Whatever is there, None where it is left out."""
        return self._values.get(name)

    def _wrong(self, name: str, wanted: str) -> HierarchyError:
        found = json.dumps(self._values.get(name), default=str)
        return HierarchyError(
            f"reading property {name}", f"{quoted(found)} is not {wanted}", "correct the template"
        )
