"""Faults and stale answers at the calls of everyday deployments of trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.conftest import TABLE_CELL
from tests.support.fault_table import FAULTS, cells_of_ledger, strike
from tests.support.stacks import Site, node

LEVELS = ("Division", "Region", "Team")

Resources = Mapping[str, Any]
Play = Callable[[Site], Resources]


def _with(site: Site, *groups: Any, **others: Any) -> Resources:
    return {"Structure": site.structure(*LEVELS), "Tree": site.tree(*groups), **others}


A = node("A", node("T", "D", Tags={"k": "1"}), "U", Tags={"k": "1"})


def _start(site: Site) -> Resources:
    return _with(site, A, "B")


def _create(site: Site) -> Resources:
    return _with(site, A, node("B", node("New", "Newer")))


def _rename(site: Site) -> Resources:
    renamed = {**A, "Name": "Z", "Key": "A", "Tags": {"k": "2", "l": "3"}}
    return _with(site, renamed, "B")


def _swap(site: Site) -> Resources:
    swapped = {**A, "Name": "B", "Key": "A"}
    return _with(site, swapped, node("A", Key="B"))


def _take_name(site: Site) -> Resources:
    renamed = {**A, "Name": "B", "Key": "A"}
    return _with(site, renamed)


def _move(site: Site) -> Resources:
    moved = node("T", "D", Tags={"k": "1"}, Key="A/T")
    return _with(site, node("A", "U", Tags={"k": "1"}), node("B", moved))


def _remove(site: Site) -> Resources:
    return _with(site, A)


def _start_with_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), "C", S=site.group("S"))


def _from_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), "C", "S")


def _to_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), S=site.group("S"), C=site.group("C"))


SCENARIOS: dict[str, tuple[Play, Play]] = {
    "create": (_start, _create),
    "rename": (_start, _rename),
    "swap": (_start, _swap),
    "take name": (_start, _take_name),
    "move": (_start, _move),
    "remove": (_start, _remove),
    "from single": (_start_with_single, _from_single),
    "to single": (_start_with_single, _to_single),
}
"""How a stack starts, and the deployment that is looked at."""


def _site(
    scenario: str,
    scope: DuplicateScope = DuplicateScope.SIBLINGS,
    reversed_id: ReversedUpdateId = ReversedUpdateId.NEW,
    *,
    search_lag: float = 0.0,
    read_lag: float = 0.0,
    ledger_in_table: bool = False,
) -> Site:
    site = Site(
        ledger_in_table=ledger_in_table,
        connect_settings=ConnectSettings(
            default_rate=None, duplicate_scope=scope, search_lag=search_lag, read_lag=read_lag
        ),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )
    start, _ = SCENARIOS[scenario]
    stack = site.up(start(site))
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    paths = [("A", "T"), ("A", "T", "D"), ("S",)]
    for number, path in enumerate(path for path in paths if "/".join(path) in site.ids):
        site.hire(f"agent{number}", *path)
    site.clock.sleep(2000)
    return site


def _outcome(site: Site, scenario: str, *, fails: bool) -> tuple[Any, ...]:
    """Deploy, and say how everything is afterwards; ids as the place they had at the beginning."""
    before = {group_id: path for path, group_id in site.ids.items()}
    _, change = SCENARIOS[scenario]
    resources = change(site)
    if fails:
        after = [name for name in resources if name != "Structure"]
        resources = {**resources, "Failing": site.failing(*after)}
    stack = site.up(resources)
    site.settle()
    ids = {path: before.get(group_id, "new") for path, group_id in site.ids.items()}
    groups = site.connect.backend.hierarchy(site.instance_id).by_path
    # the stack's uuid differs from site to site
    tags = {
        path: {key: value.split("/")[0] for key, value in group.tags.items()}
        for path, group in groups.items()
    }
    return stack.status, ids, site.agents, tags


CASES = [
    pytest.param(scenario, fails, id=f"{scenario}, {'rolled back' if fails else 'forward'}")
    for scenario in SCENARIOS
    for fails in (False, True)
]


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_without_faults_ids_are_kept(
    scenario: str, scope: DuplicateScope, reversed_id: ReversedUpdateId, *, fails: bool
) -> None:
    """Forward only what is new or moved has a new id, and after a rollback nothing has."""
    site = _site(scenario, scope, reversed_id)
    before, agents = site.ids, site.agents
    status, ids, _, _ = _outcome(site, scenario, fails=fails)
    if fails:
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert (site.ids, site.agents) == (before, agents)
    else:
        assert status == "UPDATE_COMPLETE"
        new = {path for path, was in ids.items() if was == "new"}
        expected = {"create": {"B/New", "B/New/Newer"}, "move": {"B/T", "B/T/D"}}
        assert new == expected.get(scenario, set())
        assert sum(map(len, site.agents.values())) == 2
    assert {site.record(path).phase for path in site.ids} == {Phase.LIVE}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_a_passing_fault_at_any_call_changes_nothing(
    scenario: str, fault: str, record_property: Callable[[str, object], None], *, fails: bool
) -> None:
    """A fault at each call or event in turn: the deployment ends just as without it."""
    _strike(scenario, fault, record_property, fails=fails)


@pytest.mark.parametrize(("scenario", "fails", "fault"), list(cells_of_ledger(CASES)))
def test_a_passing_fault_of_the_ledger_changes_nothing(
    scenario: str, fault: str, record_property: Callable[[str, object], None], *, fails: bool
) -> None:
    """Before and after its calls, and where a run dies between these and those to Connect."""
    _strike(scenario, fault, record_property, fails=fails)


def _strike(
    scenario: str, fault: str, record_property: Callable[[str, object], None], *, fails: bool
) -> None:
    strike(
        _row(scenario, fails=fails),
        fault,
        lambda is_in_table: _site(scenario, ledger_in_table=is_in_table),
        partial(_outcome, scenario=scenario, fails=fails),
        record_property,
        every=8,  # each takes a third of a second, and the engine is that of single groups
    )


def _row(scenario: str, *, fails: bool) -> str:
    return f"tree: {scenario}{', rolled back' if fails else ''}"


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_stale_answers_change_nothing(
    scenario: str,
    scope: DuplicateScope,
    reversed_id: ReversedUpdateId,
    record_property: Callable[[str, object], None],
    *,
    fails: bool,
) -> None:
    """Searches that lag minutes and reads that lag seconds: it ends just as with fresh ones."""
    expected = _outcome(_site(scenario, scope, reversed_id), scenario, fails=fails)
    lags = ((100.0, 0.0), (100.0, 10.0))
    for search_lag, read_lag in lags:
        site = _site(scenario, scope, reversed_id, search_lag=search_lag, read_lag=read_lag)
        assert _outcome(site, scenario, fails=fails) == expected, (search_lag, read_lag)
    record_property(TABLE_CELL, (_row(scenario, fails=fails), "stale", f"{len(lags)} ok"))
