"""The deployments that are explored: where they start, and what they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from typing import Any

from connect_hierarchy_lambda.model.properties import (
    GroupProperty,
    NodeProperty,
    ResourceType,
    TreeProperty,
)
from tests.model.explore import NAMES
from tests.model.service import INSTANCE_ARN
from tests.model.stack import Template


@dataclass(frozen=True)
class Group:
    """A group of a template, single or in a tree."""

    name: str
    parent: str = ""
    """Key of the group above, empty at the top."""

    tag: str = ""
    policy: str = "UNASSIGN"
    adopts: bool = False


Groups = Mapping[str, Group]
"""Groups by key: the logical id of a single group, the key of a node."""


@dataclass(frozen=True)
class Operation:
    """A deployment: from which groups to which."""

    name: str
    old: Groups
    new: Groups
    strangers: Groups = field(default_factory=dict)
    """Groups that nobody of the stack made: before it where they are at the top, below groups of
    the stack after its first deployment."""

    may_fail: bool = False
    """Whether it may be refused, so that it is taken back."""

    must_fail: bool = False
    """Whether it has to be refused, since it would lose something."""

    may_leave: bool = False
    """Whether a group may have to stay, since agents or a stranger's group are in it."""

    is_deletion: bool = False
    """Whether the whole stack is deleted."""


def single(groups: Groups) -> Template:
    """A template with a resource for each group."""
    return Template(
        {
            key: {
                "Type": ResourceType.GROUP,
                "Properties": {
                    GroupProperty.INSTANCE_ARN: INSTANCE_ARN,
                    GroupProperty.NAME: group.name,
                    GroupProperty.AGENTS_ON_DELETE: group.policy,
                    **_adoption(group),
                    **({GroupProperty.TAGS: {"t": group.tag}} if group.tag else {}),
                    **(
                        {GroupProperty.PARENT_GROUP_ARN: {"Ref": group.parent}}
                        if group.parent
                        else {}
                    ),
                },
            }
            for key, group in groups.items()
        }
    )


def tree(groups: Groups) -> Template:
    """A template with one tree of all groups; without any there is no tree."""
    if not groups:
        return Template()

    def nodes(parent: str) -> list[dict[str, Any]]:
        return [
            {
                NodeProperty.NAME: group.name,
                NodeProperty.KEY: key,
                **({NodeProperty.TAGS: {"t": group.tag}} if group.tag else {}),
                NodeProperty.AGENTS_ON_DELETE: group.policy,
                **({NodeProperty.CHILDREN: below} if (below := nodes(key)) else {}),
            }
            for key, group in groups.items()
            if group.parent == parent
        ]

    properties = {
        TreeProperty.INSTANCE_ARN: INSTANCE_ARN,
        TreeProperty.GROUPS: nodes(""),
        **_adoption(next(iter(groups.values()))),
    }
    return Template({"Tree": {"Type": ResourceType.TREE, "Properties": properties}})


def _adoption(group: Group) -> dict[str, str]:
    return {GroupProperty.ADOPT_EXISTING: "true"} if group.adopts else {}


# where deployments start -----------------------------------------------------------------------


def starts(most: int, *, is_name_unique: bool) -> Iterator[Groups]:
    """Every shape of up to `most` groups on two levels; names are given in all ways that differ."""
    yield {}
    seen = set()
    for number in range(1, most + 1):
        keys = ("A", "B", "C")[:number]
        for parents in _shapes(keys):
            for names in _namings(number):
                groups = {
                    key: Group(name, parent)
                    for key, name, parent in zip(keys, names, parents, strict=True)
                }
                if is_legal(groups, is_name_unique=is_name_unique):
                    form = _form(groups)
                    if form not in seen:
                        seen.add(form)
                        yield groups


def _shapes(keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Parents of the groups: all at the top, or some below the first one or the second one."""
    number = len(keys)
    yield ("",) * number
    if number > 1:
        yield ("", *(["A"] * (number - 1)))
    if number > 2:
        yield ("", "", "A")


def _namings(number: int) -> Iterator[tuple[str, ...]]:
    """Names in order of their first use: other names make no other history."""

    def further(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if len(names) == number:
            yield names
            return
        used = len(set(names))
        for name in NAMES[: used + 1]:
            yield from further((*names, name))

    yield from further(())


def _form(groups: Groups) -> frozenset[tuple[str, str]]:
    paths = {key: (groups[g.parent].name if g.parent else "", g.name) for key, g in groups.items()}
    return frozenset(paths.values())


def is_legal(groups: Groups, *, is_name_unique: bool) -> bool:
    """Whether the groups are on two levels and have different names."""
    for key, group in groups.items():
        if group.parent and (
            group.parent == key or group.parent not in groups or groups[group.parent].parent
        ):
            return False
    places = [(group.parent if not is_name_unique else "", group.name) for group in groups.values()]
    return len(set(places)) == len(places)


# what deployments change -----------------------------------------------------------------------


def operations(old: Groups, family: str, *, is_name_unique: bool) -> Iterator[Operation]:
    """The changes of a family from some groups; those that no template may wish are left out."""
    for operation in FAMILIES[family](old):
        if is_legal(operation.new, is_name_unique=is_name_unique):
            yield operation


def _all_operations(old: Groups) -> Iterator[Operation]:
    yield from _creations(old)
    for key in old:
        yield from _changes(old, key)
    yield from _exchanges(old)


def _free(old: Groups) -> str | None:
    return next((key for key in ("A", "B", "C") if key not in old), None)


def _parents(old: Groups) -> list[str]:
    return ["", *(key for key, group in old.items() if not group.parent)]


def _creations(old: Groups) -> Iterator[Operation]:
    free = _free(old)
    if free is not None:
        for name in NAMES:
            for parent in _parents(old):
                new = {**old, free: Group(name, parent)}
                yield Operation(f"create {_at(new, free)}", old, new)


def _changes(old: Groups, key: str) -> Iterator[Operation]:
    group, at, free = old[key], _at(old, key), _free(old)
    for name in NAMES:
        if name != group.name:
            new = {**old, key: replace(group, name=name)}
            yield Operation(f"rename {at} to {name}", old, new)
    for parent in _parents(old):
        if parent not in {group.parent, key}:
            new = {**old, key: replace(group, parent=parent)}
            yield Operation(f"move {at} to {_at(new, key)}", old, new)
    yield Operation(f"retag {at}", old, {**old, key: replace(group, tag="new")})
    others = {k: g for k, g in old.items() if k != key}
    yield Operation(f"remove {at}", old, others)
    if free is not None:
        new = {free: group, **{k: _reparented(g, key, free) for k, g in others.items()}}
        yield Operation(f"hand {at} over to another construct", old, new)


def deletions(old: Groups) -> Iterator[Operation]:
    """The deletion of the stack, and the removal of groups whose agents are in the way."""
    for policy in ("UNASSIGN", "MOVE_TO_PARENT", "FAIL"):
        groups = {key: replace(group, policy=policy) for key, group in old.items()}
        holds = policy != "UNASSIGN"
        if groups:
            name = f"delete the stack, {policy}"
            yield Operation(name, groups, {}, may_leave=holds, is_deletion=True)
        for key in groups:
            others = {k: g for k, g in groups.items() if k != key}
            removal = f"remove {_at(old, key)}, {policy}"
            yield Operation(removal, groups, others, may_fail=holds, may_leave=holds)


def with_strangers(old: Groups) -> Iterator[Operation]:
    """Changes that meet a stranger's group, which has a wanted name or is below the stack's."""
    strange = {"S": Group("z")}
    if any(not group.parent and group.name == "z" for group in old.values()):
        return
    for operation in _all_operations(old):
        meets = any(not group.parent and group.name == "z" for group in operation.new.values())
        yield replace(operation, strangers=strange, may_fail=True)
        if meets:
            new = {key: replace(group, adopts=True) for key, group in operation.new.items()}
            name = f"{operation.name}, adopting"
            yield replace(operation, name=name, new=new, strangers=strange, may_fail=True)
    for key, group in old.items():
        if not group.parent:
            below = {"S": Group("z", key)}
            for operation in _changes(old, key):
                moves = key in operation.new and operation.new[key].parent != group.parent
                yield replace(
                    operation, strangers=below, may_fail=True, must_fail=moves, may_leave=True
                )


def of_adopted(old: Groups) -> Iterator[Operation]:
    """Changes of a group that was adopted."""
    strange = {"S": Group("x")}
    adopted = {k: replace(g, adopts=True) for k, g in old.items()}
    if not any(not group.parent and group.name == "x" for group in old.values()):
        return
    for operation in _all_operations(adopted):
        yield replace(operation, strangers=strange, may_fail=True)
    owned = Operation("adopt no more", adopted, old, strangers=strange)
    yield owned
    yield Operation("delete the stack", adopted, {}, strangers=strange, is_deletion=True)


def _exchanges(old: Groups) -> Iterator[Operation]:
    for one, other in combinations(old, 2):
        if old[one].name != old[other].name:
            new = {
                **old,
                one: replace(old[one], name=old[other].name),
                other: replace(old[other], name=old[one].name),
            }
            yield Operation(f"swap the names of {_at(old, one)} and {_at(old, other)}", old, new)
    for keys in permutations(old, 3):
        if keys[0] == min(keys):
            new = {k: replace(old[k], name=old[keys[(n + 1) % 3]].name) for n, k in enumerate(keys)}
            yield Operation("pass the names on in a ring", old, {k: new[k] for k in old})


def _reparented(group: Group, before: str, after: str) -> Group:
    return replace(group, parent=after) if group.parent == before else group


def _at(groups: Groups, key: str) -> str:
    group = groups[key]
    above = f"{groups[group.parent].name}/" if group.parent in groups else ""
    return f"{key} ({above}{group.name})"


FAMILIES: Mapping[str, Callable[[Groups], Iterator[Operation]]] = {
    "changes": _all_operations,
    "deletions": deletions,
    "strangers": with_strangers,
    "adopted": of_adopted,
}
"""Kinds of changes: of one group or of two names, what goes, and what strangers are in."""
