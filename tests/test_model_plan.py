"""The plan: from any groups to any tree, with no call too many, in an order that works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.plan import (
    Call,
    CarryAgents,
    Create,
    Delete,
    Present,
    PutAside,
    Rename,
    Tag,
    Untag,
    Wanted,
    deepest_first,
    pair,
    plan,
    topmost,
    waves,
)

ROOT = "root"


@dataclass
class Instance:
    """Groups as the service keeps them: names once below a parent or anywhere, no moves."""

    anywhere: bool = False
    groups: dict[str, Present] = field(default_factory=dict)
    agents: dict[str, set[str]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def add(self, wanted: Wanted, parent_id: str | None) -> Present:
        """Create a group."""
        assert parent_id is None or parent_id == ROOT or parent_id in self.groups
        self._check_free(wanted.name, parent_id)
        group = Present(
            f"id{next(self._numbers)}", wanted.name, parent_id, wanted.key, dict(wanted.tags)
        )
        self.groups[group.id] = group
        return group

    def fill(self, tree: Sequence[Wanted], root_id: str | None) -> None:
        """Make the groups of a tree."""
        ids: dict[str, str] = {}
        for wanted in tree:
            parent_id = root_id if wanted.parent is None else ids[wanted.parent]
            group = self.add(wanted, parent_id)
            ids[wanted.key] = group.id
            self.agents[group.id] = {f"agent of {wanted.key}"}

    def apply(self, calls: Sequence[Call], root_id: str | None) -> None:
        """Do what a plan says, and refuse what the service would."""
        ids = {group.key: group.id for group in self.groups.values() if group.key}
        ids |= {call.key: call.id for call in calls if isinstance(call, Rename | Tag | Untag)}
        # the pairing of groups that nothing is done to is what the plan left alone
        going = {call.id for call in calls if isinstance(call, Delete)}
        ids |= {g.key: g.id for g in self.groups.values() if g.key and g.id not in going}
        for call in calls:
            match call:
                case Create(wanted):
                    parent_id = root_id if wanted.parent is None else ids[wanted.parent]
                    ids[wanted.key] = self.add(wanted, parent_id).id
                case Rename(group_id, _, name):
                    self._rename(group_id, name)
                case PutAside(group_id):
                    self._rename(group_id, f"aside {group_id}")
                case Tag(group_id, _, tags):
                    group = self.groups[group_id]
                    self.groups[group_id] = replace(group, tags={**group.tags, **tags})
                case Untag(group_id, _, keys):
                    group = self.groups[group_id]
                    left = {k: v for k, v in group.tags.items() if k not in keys}
                    self.groups[group_id] = replace(group, tags=left)
                case CarryAgents(group_id, key):
                    carried = self.agents.pop(group_id, set())
                    self.agents.setdefault(ids[key], set()).update(carried)
                case Delete(group_id):
                    assert all(g.parent_id != group_id for g in self.groups.values())
                    del self.groups[group_id]

    def _rename(self, group_id: str, name: str) -> None:
        group = self.groups[group_id]
        self._check_free(name, group.parent_id)
        self.groups[group_id] = replace(group, name=name)

    def _check_free(self, name: str, parent_id: str | None) -> None:
        for other in self.groups.values():
            assert other.name != name or not (self.anywhere or other.parent_id == parent_id)

    def paths(self, root_id: str | None) -> dict[tuple[str, ...], dict[str, str]]:
        """The tags of every group, by its path of names."""

        def path(group: Present) -> tuple[str, ...]:
            if group.parent_id in (None, root_id):
                return (group.name,)
            return (*path(self.groups[str(group.parent_id)]), group.name)

        return {path(group): dict(group.tags) for group in self.groups.values()}


def paths(tree: Sequence[Wanted]) -> dict[tuple[str, ...], dict[str, str]]:
    """The tags of every node, by its path of names."""
    found: dict[str, tuple[str, ...]] = {}
    for wanted in tree:
        above = () if wanted.parent is None else found[wanted.parent]
        found[wanted.key] = (*above, wanted.name)
    return {found[wanted.key]: dict(wanted.tags) for wanted in tree}


@st.composite
def trees(draw: st.DrawFn, *, anywhere: bool) -> list[Wanted]:
    """Trees of up to ten nodes, of few names and keys, so that two of them have much in common."""
    keys = draw(st.permutations([f"k{number}" for number in range(10)]))
    nodes: list[Wanted] = []
    taken: set[tuple[str | None, str]] = set()
    for key in keys[: draw(st.integers(0, 10))]:
        parents = [None, *(node.key for node in nodes)]
        parent = draw(st.sampled_from(parents))
        names = "ABCDEFGHIJ" if anywhere else "ABCD"
        name = draw(st.sampled_from(names))
        place = (None if anywhere else parent, name)
        if place in taken:
            continue
        taken.add(place)
        # the key stands for itself: a group found by its name is marked anew with it
        tags = {"key": key, **({"t": draw(st.sampled_from("12"))} if draw(st.booleans()) else {})}
        nodes.append(Wanted(key, name, parent, tags, former_tags=frozenset({"t"})))
    return nodes


def check(
    first: list[Wanted], second: list[Wanted], *, anywhere: bool, root_id: str | None
) -> list[Call]:
    """From one tree to another: what the properties say of every plan; the plan."""
    instance = Instance(anywhere)
    instance.fill(first, root_id)
    actual = list(instance.groups.values())
    agents = {name for names in instance.agents.values() for name in names}
    calls = plan(second, actual, root_id, one_name_an_instance=anywhere)
    pairing = pair(second, actual, root_id)
    # what the plan pairs has the key from then on
    for key, present in pairing.kept.items():
        instance.groups[present.id] = replace(instance.groups[present.id], key=key)
    instance.apply(calls, root_id)
    assert instance.paths(root_id) == paths(second)
    again = plan(second, list(instance.groups.values()), root_id, one_name_an_instance=anywhere)
    assert again == []
    # agents whose key lives on are in its group, and nobody is lost but with a group that went
    keys = {wanted.key for wanted in second}
    for agent in agents:
        key = agent.removeprefix("agent of ")
        homes = [group_id for group_id, names in instance.agents.items() if agent in names]
        if key in keys:
            assert homes
            assert all(group_id in instance.groups for group_id in homes)
    numbers = Counter(type(call) for call in calls)
    assert numbers[Create] == len(pairing.new)
    assert numbers[Delete] == len(pairing.gone)
    names = {wanted.key: wanted.name for wanted in second}
    renamed = [key for key, present in pairing.kept.items() if present.name != names[key]]
    assert numbers[Rename] == len(renamed)
    assert numbers[PutAside] <= len(pairing.gone) + len(renamed) // 2
    return calls


@settings(max_examples=400, deadline=None)
@given(first=trees(anywhere=False), second=trees(anywhere=False), below=st.booleans())
def test_any_tree_from_any_other(first: list[Wanted], second: list[Wanted], *, below: bool) -> None:
    """Applying a plan gives what is wanted, planning again gives nothing, no call is too many."""
    check(first, second, anywhere=False, root_id=ROOT if below else None)


@settings(max_examples=400, deadline=None)
@given(first=trees(anywhere=True), second=trees(anywhere=True))
def test_any_tree_where_a_name_is_taken_once(first: list[Wanted], second: list[Wanted]) -> None:
    """The same where a name can occur once in the whole instance."""
    check(first, second, anywhere=True, root_id=None)


@settings(max_examples=200, deadline=None)
@given(tree=trees(anywhere=False))
def test_from_nothing_and_to_nothing(tree: list[Wanted]) -> None:
    """As many calls as groups."""
    assert len(check([], tree, anywhere=False, root_id=None)) == len(tree)
    assert len(check(tree, [], anywhere=False, root_id=None)) == len(tree)
    assert check(tree, tree, anywhere=False, root_id=None) == []


def nodes(*names: str) -> list[Wanted]:
    """Siblings of these names, with their first letters as keys."""
    return [Wanted(f"k{number}", name) for number, name in enumerate(names)]


def kinds(calls: Sequence[Call]) -> list[str]:
    """What the calls are."""
    return [type(call).__name__ for call in calls]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["A", "B"], ["A", "C"], ["Rename"]),
        (["A", "B"], ["B", "C"], ["Rename", "Rename"]),
        (["A", "B"], ["B", "A"], ["PutAside", "Rename", "Rename"]),
        (["A", "B", "C"], ["B", "C", "A"], ["PutAside", "Rename", "Rename", "Rename"]),
        (["A", "B"], ["B"], ["PutAside", "Rename", "Delete"]),
        (["A"], ["B", "A"], ["Rename", "Create"]),
    ],
)
def test_names_pass_on(first: list[str], second: list[str], expected: list[str]) -> None:
    """Each group is renamed once, and one of each ring of swaps steps aside."""
    calls = check(nodes(*first), nodes(*second), anywhere=False, root_id=None)
    assert kinds(calls) == expected


def test_a_long_chain_of_renames() -> None:
    """Five hundred groups that each take the name of the next, in a ring."""
    names = [f"N{number}" for number in range(500)]
    calls = check(nodes(*names), nodes(*names[1:], names[0]), anywhere=False, root_id=None)
    assert len(calls) == 501


def test_a_subtree_moves() -> None:
    """It is made anew at its new place, agents are carried, and the old one goes, deepest first."""
    first = [Wanted("a", "A"), Wanted("b", "B"), Wanted("t", "T", "a"), Wanted("d", "D", "t")]
    second = [Wanted("a", "A"), Wanted("b", "B"), Wanted("t", "T", "b"), Wanted("d", "D", "t")]
    calls = check(first, second, anywhere=False, root_id=None)
    assert kinds(calls) == ["Create", "Create", "CarryAgents", "CarryAgents", "Delete", "Delete"]
    instance_wide = check(first, second, anywhere=True, root_id=None)
    assert kinds(instance_wide)[:4] == ["PutAside", "PutAside", "Create", "Create"]


def test_what_is_there_without_a_key_is_found_by_its_place() -> None:
    """A group of the wanted name is kept and gets the key as a tag."""
    calls = plan(
        [Wanted("new", "A", tags={"key": "new"})],
        [Present("id", "A", key="old", tags={"key": "old"})],
    )
    assert calls == [Tag("id", "new", {"key": "new"})]


def test_tags_that_others_set_stay() -> None:
    """Only tags of an earlier wish are removed."""
    wanted = Wanted("a", "A", tags={"k": "1"}, former_tags=frozenset({"k", "old"}))
    calls = plan([wanted], [Present("id", "A", key="a", tags={"old": "x", "theirs": "y"})])
    assert calls == [Untag("id", "a", ("old",)), Tag("id", "a", {"k": "1"})]


def test_of_two_groups_under_one_key_the_live_one_is_kept() -> None:
    """One that was given up is kept only where there is no other."""
    given_up = Present("1", "A", key="a", retired=True)
    live = Present("2", "B", key="a")
    assert pair([Wanted("a", "A")], [given_up, live], None).kept == {"a": live}
    assert pair([Wanted("a", "A")], [given_up], None).kept == {"a": given_up}


def test_one_name_cannot_be_had_twice_in_an_instance() -> None:
    """Where the instance takes a name once, two nodes of one name are an error."""
    tree = [Wanted("a", "A"), Wanted("b", "A", "a")]
    with pytest.raises(InvalidHierarchyError, match="two hierarchy groups are called 'A'"):
        plan(tree, [], one_name_an_instance=True)


def test_order_of_depth() -> None:
    """Deepest first, and the topmost alone."""
    groups = [Present("1", "A"), Present("2", "B", "1"), Present("3", "C", "2"), Present("4", "D")]
    assert [group.id for group in deepest_first(groups)] == ["3", "2", "1", "4"]
    assert [group.id for group in topmost(groups)] == ["1", "4"]


@given(
    first=trees(anywhere=False), second=trees(anywhere=False), at_once=st.sampled_from([1, 2, 5])
)
def test_what_is_done_at_once_does_not_depend_on_each_other(
    first: list[Wanted], second: list[Wanted], at_once: int
) -> None:
    """The waves of a plan are the plan, and the strands of one can go on in any order."""
    instance = Instance()
    instance.fill(first, None)
    calls = plan(second, list(instance.groups.values()))
    in_waves = list(waves(calls, at_once))
    assert [call for wave in in_waves for strand in wave for call in strand] == calls
    assert all(1 <= len(wave) <= at_once for wave in in_waves)
    backwards = [call for wave in in_waves for strand in reversed(wave) for call in strand]
    instance.apply(backwards, None)
    assert instance.paths(None) == paths(second)


def test_waves() -> None:
    """New groups level by level, tags group by group, all else one after the other."""
    north, south = Wanted("n", "North"), Wanted("s", "South")
    desk, seat = Wanted("n/d", "Desk", "n"), Wanted("n/d/s", "Seat", "n/d")
    untag, tag = Untag("1", "a", ("k",)), Tag("1", "a", {"l": "1"})
    other = Tag("2", "b", {"l": "1"})
    renames: list[Call] = [Rename("1", "a", "X"), Rename("2", "b", "Y")]
    creates: list[Call] = [Create(north), Create(south), Create(desk), Create(seat)]
    carries: list[Call] = [CarryAgents("3", "c"), CarryAgents("4", "d")]
    calls = [*renames, *creates, untag, tag, other, *carries]
    assert list(waves(calls, 10)) == [
        [[renames[0]]],
        [[renames[1]]],
        [[creates[0]], [creates[1]]],
        [[creates[2]]],
        [[creates[3]]],
        [[untag, tag], [other]],
        [[carries[0]]],
        [[carries[1]]],
    ]
