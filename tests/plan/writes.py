"""Calls that changed something, in a form in which a plan and a deployment can be compared.

New groups have other ids in each. So a group is called by its id where it was there before, and
else by how it was made: under what, with which name and tags.

Temporary names are left out. A group whose name another resource takes in the same deployment steps
aside if the other one's request comes first, and of requests that do not wait for each other
CloudFormation does not say which does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.core.names import TEMPORARY_NAME
from connect_hierarchy_lambda.model.ownership import STACK_TAG

Thing = Any
"""A group, an agent, or the levels of an instance."""


@dataclass(frozen=True)
class Write:
    """A call that changed something."""

    api: str
    parameters: Mapping[str, Any]
    made: str = ""
    """The id of the group that it made."""


@dataclass
class Writes:
    """Writes by what they change, each list in its order."""

    by_thing: dict[Thing, list[tuple[Any, ...]]] = field(default_factory=dict)
    by_api: Counter[str] = field(default_factory=Counter)
    names: dict[str, Thing] = field(default_factory=dict)
    """What new groups are called, by their ids."""

    @classmethod
    def of(cls, writes: Iterable[Write]) -> Writes:
        """All of these."""
        found = cls()
        for write in writes:
            found._add(write)
        return found

    def named(self, reference: str | None) -> Thing:
        """What a group is called, by its id or ARN."""
        if reference is None:
            return None
        group_id = reference.rsplit("/", 1)[-1]
        return self.names.get(group_id, group_id)

    def _add(self, write: Write) -> None:
        given = write.parameters
        if given.get("Name", "").startswith(TEMPORARY_NAME):
            return
        self.by_api[write.api] += 1
        match write.api:
            case "CreateUserHierarchyGroup":
                above = self.named(given.get("ParentGroupId"))
                self.names[write.made] = ("new", above, given["Name"], _tags(given["Tags"]))
                self._note(write.made, "create")
            case "UpdateUserHierarchyGroupName":
                self._note(given["HierarchyGroupId"], "rename", given["Name"])
            case "DeleteUserHierarchyGroup":
                self._note(given["HierarchyGroupId"], "delete")
            case "TagResource":
                self._note(given["resourceArn"], "tag", _tags(given["tags"]))
            case "UntagResource":
                self._note(given["resourceArn"], "untag", tuple(sorted(given["tagKeys"])))
            case "UpdateUserHierarchy":
                agent = ("agent", given["UserId"])
                to = self.named(given.get("HierarchyGroupId"))
                self.by_thing.setdefault(agent, []).append(("move", to))
            case "UpdateUserHierarchyStructure":
                levels = tuple(level["Name"] for level in given["HierarchyStructure"].values())
                place = ("levels", given["InstanceId"])
                self.by_thing.setdefault(place, []).append(("levels", levels))
            case _:
                raise TypeError(write.api)

    def _note(self, reference: str, *what: Any) -> None:
        self.by_thing.setdefault(self.named(reference), []).append(what)


def differences(planned: Writes, made: Writes) -> list[str]:
    """What differs, in words."""
    found = [
        f"{api}: {planned.by_api[api]} planned, {made.by_api[api]} made"
        for api in sorted({*planned.by_api, *made.by_api})
        if planned.by_api[api] != made.by_api[api]
    ]
    return found + [
        f"{thing}: planned {planned.by_thing.get(thing)}, made {made.by_thing.get(thing)}"
        for thing in {**planned.by_thing, **made.by_thing}
        if planned.by_thing.get(thing, []) != made.by_thing.get(thing, [])
    ]


def not_begun(planned: Writes, made: Writes) -> list[str]:
    """What was planned before a failure and not done like that, or the other way round.

    What is independent of the resource that fails may have come further, or less far.
    """
    return [
        f"{thing}: planned {planned.by_thing[thing]}, made {made.by_thing[thing]}"
        for thing in planned.by_thing.keys() & made.by_thing.keys()
        if not _goes_on(planned.by_thing[thing], made.by_thing[thing])
    ]


def _goes_on(one: Sequence[Any], other: Sequence[Any]) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return list(longer[: len(shorter)]) == list(shorter)


def _tags(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    # the id of a stack that is not there yet is not known
    return tuple(sorted((k, v.split("/", 1)[0] if k == STACK_TAG else v) for k, v in tags.items()))
