"""Which calls make the groups of an instance those of a tree: the fewest, in an order that works.

First the renames, each after the one that frees its name; a group that only ever gets in the way of
a name gets a temporary one, and so does one of each ring of groups that swap their names. Then the
new groups, parents first; then tags; then agents, from groups that moved to their successors; and
at last what is not wanted any more, the deepest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted


@dataclass(frozen=True)
class Wanted:
    """A group that shall be; `parent` is the key of the one above, None at the top of the tree."""

    key: str
    name: str
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    former_tags: frozenset[str] = frozenset()
    """Keys of tags that it had by an earlier wish: they go where they are not wanted any more."""


@dataclass(frozen=True)
class Present:
    """A group that is there.

    `key` is what it is known by, None for one that is known by its place alone.
    """

    id: str
    name: str
    parent_id: str | None = None
    key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    retired: bool = False
    """Whether an earlier plan gave it up."""


@dataclass(frozen=True)
class PutAside:
    """Rename to a name that nobody wants, so that another group can have this one's."""

    id: str


@dataclass(frozen=True)
class Rename:
    """Rename in place."""

    id: str
    key: str
    name: str


@dataclass(frozen=True)
class Create:
    """Make a group; below another of the same plan where `parent` is its key."""

    wanted: Wanted


@dataclass(frozen=True)
class Tag:
    """Add or change tags."""

    id: str
    key: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Untag:
    """Remove tags."""

    id: str
    key: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class CarryAgents:
    """Move the agents of a group into the one that now has its key."""

    id: str
    key: str


@dataclass(frozen=True)
class Delete:
    """Delete a group."""

    id: str


Call = PutAside | Rename | Create | Tag | Untag | CarryAgents | Delete


@dataclass(frozen=True)
class Pairing:
    """Which present group is which wanted one, by key; and those that are none."""

    kept: Mapping[str, Present]
    new: tuple[Wanted, ...]
    gone: tuple[Present, ...]


def pair(desired: Sequence[Wanted], actual: Sequence[Present], root_id: str | None) -> Pairing:
    """Find the group that is already there for each wanted one.

    It is under the wanted parent, since no call moves a group, and has the key; or, where none has
    it, the name and a key that nobody wants.

    Args:
        desired: Each after the one above it.
        actual: The groups that may be kept, renamed and deleted.
        root_id: What the tree hangs on, None for the top of the instance.
    """
    keys: dict[str | None, str] = {wanted.key: wanted.name for wanted in desired}
    by_key: dict[tuple[str | None, str | None], Present] = {}
    by_name: dict[tuple[str | None, str], Present] = {}
    # of two under one key the one that was not given up, then the one with the name, then always
    # the same one
    for present in sorted(
        actual, key=lambda one: (one.retired, one.name != keys.get(one.key), one.id)
    ):
        by_key.setdefault((present.parent_id, present.key), present)
        if present.key not in keys:
            by_name.setdefault((present.parent_id, present.name), present)
    kept: dict[str, Present] = {}
    new: list[Wanted] = []
    taken: set[str] = set()
    for wanted in desired:
        above = None if wanted.parent is None else kept.get(wanted.parent)
        found = None
        if wanted.parent is None or above is not None:
            parent_id = root_id if above is None else above.id
            found = by_key.get((parent_id, wanted.key)) or by_name.get((parent_id, wanted.name))
        if found is None or found.id in taken:
            new.append(wanted)
        else:
            kept[wanted.key] = found
            taken.add(found.id)
    gone = tuple(present for present in actual if present.id not in taken)
    return Pairing(kept, tuple(new), gone)


def plan(
    desired: Sequence[Wanted],
    actual: Sequence[Present],
    root_id: str | None = None,
    *,
    one_name_an_instance: bool = False,
) -> list[Call]:
    """The calls that lead from `actual` to `desired`.

    Args:
        desired: Each after the one above it.
        actual: The groups that may be kept, renamed and deleted.
        root_id: What the tree hangs on, None for the top of the instance.
        one_name_an_instance: Whether a name may occur once in the whole instance, and not once
            among siblings.

    Raises:
        InvalidHierarchyError: If two wanted groups can not both have their names.
    """
    pairing = pair(desired, actual, root_id)
    calls: list[Call] = [
        *_Naming(desired, actual, pairing, root_id, anywhere=one_name_an_instance).calls()
    ]
    calls += [Create(wanted) for wanted in _level_by_level(pairing.new)]
    for wanted in desired:
        present = pairing.kept.get(wanted.key)
        if present is not None:
            calls += _tagging(wanted, present)
    successors = {wanted.key for wanted in desired}
    gone = deepest_first(pairing.gone)
    calls += [
        CarryAgents(present.id, present.key)
        for present in gone
        if present.key is not None and present.key in successors
    ]
    calls += [Delete(present.id) for present in gone]
    return calls


def waves(calls: Iterable[Call], at_once: int) -> Iterator[list[list[Call]]]:
    """The calls of a plan in waves, each to be made when the one before is done.

    A wave is of at most `at_once` strands, which do not depend on each other; of one strand are
    calls about the same group, to be made one after the other.
    """
    wave: list[list[Call]] = []
    for call in calls:
        strand = None
        match call, wave[0][0] if wave else None:
            case Tag() | Untag(), Tag() | Untag():
                joins = True
                strand = next((s for s in wave if _group_id(s[0]) == call.id), None)
            case Create(), Create():
                joins = all(_key(s[0]) != call.wanted.parent for s in wave)
            case _:
                # renames free names for each other, and of agents there are many in a group
                joins = False
        if strand is not None:
            strand.append(call)
            continue
        if wave and not (joins and len(wave) < at_once):
            yield wave
            wave = []
        wave.append([call])
    if wave:
        yield wave


def _group_id(call: Call) -> str:
    return "" if isinstance(call, Create) else call.id


def _key(call: Call) -> str:
    return call.wanted.key if isinstance(call, Create) else ""


def deepest_first(groups: Iterable[Present]) -> list[Present]:
    """The groups, each before the one above it."""
    by_id = {group.id: group for group in groups}

    def depth(group: Present) -> int:
        depth, above = 0, group.parent_id
        while above in by_id:
            depth, above = depth + 1, by_id[above].parent_id
        return depth

    return sorted(by_id.values(), key=depth, reverse=True)


def _level_by_level(new: Sequence[Wanted]) -> list[Wanted]:
    """Parents first, and not right before their children: these may not find them yet."""
    depths: dict[str | None, int] = {}
    for wanted in new:
        depths[wanted.key] = depths.get(wanted.parent, 0) + 1
    return sorted(new, key=lambda wanted: depths[wanted.key])


def topmost(groups: Iterable[Present]) -> list[Present]:
    """Those of the groups that are not below another one of them."""
    groups = list(groups)
    ids = {group.id for group in groups}
    return [group for group in groups if group.parent_id not in ids]


def _tagging(wanted: Wanted, present: Present) -> Iterator[Tag | Untag]:
    gone = (wanted.former_tags & present.tags.keys()) - wanted.tags.keys()
    if gone:
        yield Untag(present.id, wanted.key, tuple(sorted(gone)))
    changed = {k: v for k, v in wanted.tags.items() if present.tags.get(k) != v}
    if changed:
        yield Tag(present.id, wanted.key, changed)


class _Naming:
    """The renames of a plan."""

    def __init__(
        self,
        desired: Sequence[Wanted],
        actual: Sequence[Present],
        pairing: Pairing,
        root_id: str | None,
        *,
        anywhere: bool,
    ) -> None:
        self._pairing = pairing
        self._anywhere = anywhere
        self._root_id = root_id
        self._names = {wanted.key: wanted.name for wanted in desired}
        self._keys = {present.id: key for key, present in pairing.kept.items()}
        self._holders = {
            self._scope(present.parent_id, present.name): present for present in actual
        }
        self._done: set[str] = set()
        self._calls: list[PutAside | Rename] = []
        if anywhere and len(set(self._names.values())) < len(self._names):
            first, second = _equal_names(desired)
            msg = (
                f"two hierarchy groups are called {quoted(first.name)}, and this instance takes a "
                f"name once: rename one (keys {quoted(first.key)} and {quoted(second.key)})"
            )
            raise InvalidHierarchyError(msg)

    def calls(self) -> list[PutAside | Rename]:
        """In an order in which each name is free when it is taken."""
        for key, present in self._pairing.kept.items():
            self._rename(key, present)
        for wanted in self._pairing.new:
            parent = None if wanted.parent is None else self._pairing.kept.get(wanted.parent)
            parent_id = self._root_id if wanted.parent is None else parent.id if parent else ""
            # under a group that is new itself nobody has the name yet
            self._free(self._scope(parent_id, wanted.name))
        return self._calls

    def _scope(self, parent_id: str | None, name: str) -> tuple[str | None, str]:
        return (None if self._anywhere else parent_id, name)

    def _rename(self, key: str, present: Present) -> None:
        """Rename, after whoever has the name, after whoever has that one's new name, and so on."""
        chain = [(key, present)]
        chained = {present.id}
        while True:
            key, present = chain[-1]
            if present.name == self._names[key] or present.id in self._done:
                chain.pop()
                break
            place = self._scope(present.parent_id, self._names[key])
            holder = self._holders.get(place)
            if holder is None or holder.id in self._done:
                break
            holder_key = self._keys.get(holder.id)
            if holder_key is None or holder.id in chained:
                # it is on its way out, or waits for a name that waits for this one
                self._put_aside(place)
                break
            chain.append((holder_key, holder))
            chained.add(holder.id)
        for key, present in reversed(chain):
            self._done.add(present.id)
            self._calls.append(Rename(present.id, key, self._names[key]))

    def _free(self, place: tuple[str | None, str]) -> None:
        """See to it that nobody has a name any more."""
        holder = self._holders.get(place)
        if holder is not None and holder.id not in self._done and holder.id not in self._keys:
            self._put_aside(place)

    def _put_aside(self, place: tuple[str | None, str]) -> None:
        self._calls.append(PutAside(self._holders.pop(place).id))


def _equal_names(desired: Sequence[Wanted]) -> tuple[Wanted, Wanted]:
    seen: dict[str, Wanted] = {}
    for wanted in desired:
        if wanted.name in seen:
            return seen[wanted.name], wanted
        seen[wanted.name] = wanted
    raise AssertionError
