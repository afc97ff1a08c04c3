"""What a deployment calls at a local Connect, in the words that a plan has for it beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connect_hierarchy_lambda.core.names import TEMPORARY_NAME
from local_aws.connect import LocalConnect
from local_aws.connect.rows import PlacedGroup
from local_aws.connect.settings import Call

CallInWords = tuple[str, str]
"""The API, and what the call is about."""

_READS = ("Describe", "Get", "List", "Search")


def planned_calls(plan: Mapping[str, Any]) -> list[CallInWords]:
    """The calls that `plan --json` announces, without those that the service will refuse."""
    return [(call["api"], call["what"]) for call in plan["calls"] if not call["refused_with"]]


@contextmanager
def ids_of_creations(connect: LocalConnect) -> Iterator[list[str]]:
    """Note the ids of the groups that are created meanwhile."""
    backend, ids = connect.backend, list[str]()
    create = backend.create_user_hierarchy_group

    def noted(*args: Any, **kwargs: Any) -> PlacedGroup:
        group = create(*args, **kwargs)
        ids.append(group.group.id)
        return group

    backend.create_user_hierarchy_group = noted  # type: ignore[method-assign]
    try:
        yield ids
    finally:
        del backend.create_user_hierarchy_group


@contextmanager
def calls_made(connect: LocalConnect, instance_id: str) -> Iterator[list[CallInWords]]:
    """The calls that change an instance meanwhile, in their order; filled at the end."""
    words = _Words(connect, instance_id)
    first, made = len(connect.calls), list[CallInWords]()
    with ids_of_creations(connect) as ids:
        yield made
    created = iter(ids)
    for call in connect.calls[first:]:
        if not call.api.startswith(_READS) and call.outcome == "ok":
            made.append((call.api, words.of(call, created)))


class _Words:
    """Says what calls are about; groups have the names that they have at that moment."""

    def __init__(self, connect: LocalConnect, instance_id: str) -> None:
        hierarchy = connect.backend.hierarchy(instance_id)
        self._names = {i: placed.group.name for i, placed in hierarchy.groups.items()}
        self._above = {i: placed.group.parent_id for i, placed in hierarchy.groups.items()}
        self._users = {u.id: u.username for users in hierarchy.agents.values() for u in users}

    def of(self, call: Call, created: Iterator[str]) -> str:
        """What a call is about, and what becomes of it."""
        given = call.parameters
        match call.api:
            case "CreateUserHierarchyGroup":
                made = next(created)
                self._names[made], self._above[made] = given["Name"], given.get("ParentGroupId")
                what = self._path(made)
            case "UpdateUserHierarchyGroupName":
                group_id, name = given["HierarchyGroupId"], given["Name"]
                moment = ", for a moment" if name.startswith(TEMPORARY_NAME) else ""
                what = f"{self._path(group_id)} → {name}{moment}"
                self._names[group_id] = name
            case "DeleteUserHierarchyGroup":
                what = self._path(given["HierarchyGroupId"])
            case "UpdateUserHierarchy":
                to = given.get("HierarchyGroupId")
                what = f"{self._users[given['UserId']]} → {self._path(to) if to else 'no group'}"
            case "UpdateUserHierarchyStructure":
                levels = given["HierarchyStructure"].values()
                what = " > ".join(level["Name"] for level in levels) or "no levels"
            case "TagResource":
                what = f"{self._path(given['resourceArn'])}: {', '.join(given['tags'])}"
            case "UntagResource":
                what = f"{self._path(given['resourceArn'])}: {', '.join(given['tagKeys'])}"
            case _:
                raise TypeError(call.api)
        return what

    def _path(self, reference: str) -> str:
        group_id = reference.rsplit("/", 1)[-1]
        above, name = self._above[group_id], self._names[group_id]
        return name if above is None else f"{self._path(above)}/{name}"
