"""A ledger that is lost between deployments is learned anew: it ends as if it had been kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ownership import Owner
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings
from tests.support.deployments import LEVELS, failing
from tests.support.histories import HISTORIES, deploy
from tests.support.scenarios import Scenario
from tests.support.stacks import Site, node
from tests.support.tree_scenarios import TREE_SCENARIOS

History = Callable[[Site], None]


class ForgetfulSite(Site):
    """A site that loses its ledgers before some of its deployments.

    Args:
        loses: whether they are lost before the deployment of this number; the first has number 1.
        in_table: whether they are items of a table.
    """

    def __init__(self, loses: Callable[[int], bool], *, in_table: bool = False) -> None:
        settings = ConnectSettings(default_rate=None)
        super().__init__(connect_settings=settings, ledger_in_table=in_table)
        self._loses = loses
        self._seen: dict[str, str] = {}
        self._strangers: set[str] = set()
        self.deployments = 0
        self.ends: list[tuple[Any, ...]] = []
        """How each deployment ended: its status, then ids, agents and owners by path."""

    def up(self, resources: Mapping[str, Any], name: str = "site", **options: Any) -> Stack:
        """Deploy, and note how it ended."""
        self._begin()
        stack = super().up(resources, name, **options)
        self._note(stack)
        return stack

    def down(self, stack: Stack) -> Stack:
        """Delete the stack, and note how it ended."""
        self._begin()
        super().down(stack)
        self._note(stack)
        return stack

    def _begin(self) -> None:
        self.settle()
        self.clock.sleep(1000)
        self._see()
        self.deployments += 1
        if self._loses(self.deployments):
            self.lose_ledgers()

    def _note(self, stack: Stack) -> None:
        self.settle()
        self._see()
        ids = {path: self._seen[group_id] for path, group_id in self.ids.items()}
        self.ends.append((stack.status, ids, self.agents, self._owners()))

    def _see(self) -> None:
        """Give every id a name that is the same in all runs of a history."""
        owners = self._owners()
        for path, group_id in sorted(self.ids.items()):
            if group_id not in self._seen:
                self._seen[group_id] = f"{path}, seen after {self.deployments}"
                self._strangers |= {group_id} if owners[path] is None else set()

    def _owners(self) -> dict[str, str | None]:
        groups = self.connect.backend.hierarchy(self.instance_id).by_path
        owners = {"/".join(path): Owner.of(group.tags) for path, group in groups.items()}
        return {path: owner.resource if owner else None for path, owner in owners.items()}

    @property
    def lost_by_strangers(self) -> set[str]:
        """Groups that were a stranger's when they were first seen, and were deleted by a call."""
        calls = (call for call in self.connect.calls if call.api == "DeleteUserHierarchyGroup")
        ids = {str(c.parameters["HierarchyGroupId"]) for c in calls if c.outcome == "ok"}
        return {self._seen[group_id] for group_id in ids & self._strangers}


def _tree(scenario: Scenario, *, fails: bool) -> History:
    def play(site: Site) -> None:
        stack = deploy(site, scenario.start(site))
        scenario.prepare(site)
        changed = scenario.change(site)
        if fails:
            deploy(site, failing(site, changed), "ROLLBACK_COMPLETE")
        deploy(site, changed)
        deploy(site, changed)
        site.down(stack)

    return play


def _beside_strangers(site: Site) -> None:
    """Groups of others above, below and beside ours, while ours are changed in every way."""
    backend = site.connect.backend
    site.write_levels(*LEVELS)
    theirs = backend.create_user_hierarchy_group(site.instance_id, "Theirs")
    structure = site.structure(*LEVELS, AdoptExisting=True)

    def play(*groups: Any, single: str, **properties: Any) -> Stack:
        single_group = site.group(single, AgentsOnDelete="UNASSIGN", **properties)
        tree = site.tree(*groups, AgentsOnDelete="UNASSIGN")
        return deploy(site, {"Structure": structure, "Tree": tree, "S": single_group})

    play(node("A", "T"), "B", single="S")
    backend.create_user_hierarchy_group(site.instance_id, "S", theirs.id)
    backend.create_user_hierarchy_group(site.instance_id, "Own", site.ids["B"])
    site.hire("ada", "Theirs", "S")
    site.hire("grace", "A", "T")
    play("A", node("B", node("T", Key="A/T")), single="S", Tags={"k": "1"})
    play("A", node("Z", node("T", Key="A/T"), Key="B"), single="Q", Tags={"k": "2"})
    stack = play("A", node("Z", Key="B"), single="Q")
    assert site.down(stack).status == "DELETE_FAILED"  # somebody's group is below one of ours
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["Z/Own"])
    site.down(stack)
    assert set(site.ids) == {"Theirs", "Theirs/S"}


def _adopting_tree(site: Site) -> None:
    """A tree adopts two groups, renames one, releases the other, and goes."""
    backend = site.connect.backend
    site.write_levels(*LEVELS)
    for name in "AB":
        backend.create_user_hierarchy_group(site.instance_id, name)
    structure = site.structure(*LEVELS, AdoptExisting=True)
    for groups in (("A", "B"), (node("Z", Key="A"), "B"), (node("Z", Key="A"),)):
        tree = site.tree(*groups, AdoptExisting=True)
        stack = deploy(site, {"Structure": structure, "Tree": tree})
    site.down(stack)
    assert set(site.ids) == {"Z", "B"}


PLAYED: dict[str, History] = {
    # a test of its own says what becomes of levels
    **{name: play for name, play in HISTORIES.items() if name != "delete the structure"},
    **{
        f"tree: {name}, {'rolled back and forward' if fails else 'forward'}": (
            _tree(scenario, fails=fails)
        )
        for name, scenario in TREE_SCENARIOS.items()
        for fails in (False, True)
    },
    "beside strangers": _beside_strangers,
    "adopting tree": _adopting_tree,
}


def _ends(history: str, loses: Callable[[int], bool], *, in_table: bool = False) -> ForgetfulSite:
    site = ForgetfulSite(loses, in_table=in_table)
    PLAYED[history](site)
    return site


@pytest.mark.parametrize("history", PLAYED)
def test_a_lost_ledger_is_learned_anew(history: str) -> None:
    """It is lost before each deployment in turn, and before all: every one ends as without."""
    kept = _ends(history, lambda _: False)
    for lost in range(2, kept.deployments + 1):
        site = _ends(history, lambda number, lost=lost: number == lost)  # type: ignore[misc]
        assert site.ends == kept.ends, f"lost before deployment {lost}"
        assert site.lost_by_strangers <= kept.lost_by_strangers
    site = _ends(history, lambda number: number > 1)
    assert site.ends == kept.ends
    assert site.lost_by_strangers <= kept.lost_by_strangers


@pytest.mark.parametrize("history", ["move a subtree, forward", "tree: move, forward"])
def test_an_emptied_table_is_a_lost_ledger(history: str) -> None:
    """All items are deleted before every deployment but the first."""
    kept = _ends(history, lambda _: False, in_table=True)
    site = _ends(history, lambda number: number > 1, in_table=True)
    assert site.ends == kept.ends
    assert site.deployments > 2


def test_levels_stay_where_it_is_not_known_who_wrote_them() -> None:
    """The structure may take away what it wrote, and a lost ledger does not say what that is."""
    for loses, levels in ((False, ()), (True, LEVELS)):
        site = ForgetfulSite(lambda number, loses=loses: loses and number > 1)  # type: ignore[misc]
        structure = site.structure(*LEVELS, DeletionPolicy="Delete")
        stack = site.down(deploy(site, {"Structure": structure, "A": site.group("A")}))
        assert stack.status == "DELETE_COMPLETE"
        assert (site.ids, site.levels) == ({}, levels)


@pytest.mark.parametrize("kind", ["single", "tree"])
def test_what_adopts_deletes_nothing_that_it_may_not_have_made(kind: str) -> None:
    """After a loss a group that it made could as well be one that it adopted: it is released."""
    for loses in (False, True):
        site = ForgetfulSite(lambda number, loses=loses: loses and number > 1)  # type: ignore[misc]
        made = site.group("A", AdoptExisting=True)
        if kind == "tree":
            made = site.tree("A", AdoptExisting=True)
        stack = deploy(site, {"Structure": site.structure(*LEVELS), "Made": made})
        assert site.down(stack).status == "DELETE_COMPLETE"
        assert set(site.ids) == ({"A"} if loses else set())
        _, _, _, owners = site.ends[-1]
        assert set(owners.values()) <= {None}
