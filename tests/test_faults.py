"""Faults at every call of everyday deployments: each ends as it does without faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.conftest import TABLE_CELL
from tests.support.fault_table import FAULTS, cells_of_ledger, strike
from tests.support.stacks import Site

LEVELS = ("Division", "Region", "Team")

Resources = Mapping[str, Any]
Play = Callable[[Site], Resources]


def _start(site: Site) -> Resources:
    return {
        "Structure": site.structure(*LEVELS),
        "A": site.group("A", Tags={"k": "1"}),
        "B": site.group("B"),
        "T": site.group("T", "A"),
    }


def _create(site: Site) -> Resources:
    return {**_start(site), "New": site.group("New", "B")}


def _rename(site: Site) -> Resources:
    return {**_start(site), "A": site.group("Z", Tags={"k": "2", "l": "3"})}


def _swap(site: Site) -> Resources:
    return {**_start(site), "A": site.group("B"), "B": site.group("A")}


def _take_name(site: Site) -> Resources:
    resources = {name: resource for name, resource in _start(site).items() if name != "B"}
    return {**resources, "A": site.group("B", Tags={"k": "1"})}


def _move(site: Site) -> Resources:
    return {**_start(site), "T": site.group("T", "B")}


def _remove(site: Site) -> Resources:
    return _without(_start(site), "B")


def _without(resources: Resources, name: str) -> Resources:
    return {key: resource for key, resource in resources.items() if key != name}


def _add_level(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, "Desk")}


def _start_with_desk(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, "Desk")}


def _hand_over(site: Site) -> Resources:
    resources = dict(_start(site))
    resources["B2"] = resources.pop("B")
    return resources


def _start_with_subtree(site: Site) -> Resources:
    return {**_start(site), "R": site.group("R", "A"), "T": site.group("T", "R")}


def _hire_into_subtree(site: Site) -> None:
    site.hire("ada", "A", "R", "T")
    site.hire("grace", "A", "R")


def _move_subtree(site: Site) -> Resources:
    return {**_start_with_subtree(site), "R": site.group("R", "B")}


def _start_with_policy(policy: str) -> Play:
    return lambda site: {**_start(site), "T": site.group("T", "A", AgentsOnDelete=policy)}


def _adopt(site: Site) -> Resources:
    return {**_start(site), "H": site.group("H", AdoptExisting=True, Tags={"k": "1"})}


def _make_by_hand(site: Site) -> None:
    backend = site.connect.backend
    made = backend.create_user_hierarchy_group(site.instance_id, "H", tags={"their": "own"})
    backend.create_user(site.instance_id, "ada", hierarchy_group_id=made.id)


def _start_with_one_branch(site: Site) -> Resources:
    return _without(_start(site), "B")


def _replace_by_instance(site: Site) -> Resources:
    structure = site.structure(*LEVELS, InstanceArn=site.other_arn)
    return {**_start_with_one_branch(site), "Structure": structure}


def _hire(site: Site) -> None:
    site.hire("ada", "A", "T")


def _hire_nobody(_: Site) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """A stack as it starts, what people do to it, and the deployment that is looked at."""

    change: Play
    start: Play = _start
    prepare: Callable[[Site], None] = _hire


SCENARIOS: dict[str, Scenario] = {
    "create": Scenario(_create),
    "rename": Scenario(_rename),
    "swap": Scenario(_swap),
    "take name": Scenario(_take_name),
    "move with an agent": Scenario(_move),
    "move a subtree": Scenario(
        _move_subtree, start=_start_with_subtree, prepare=_hire_into_subtree
    ),
    "hand over": Scenario(_hand_over),
    "adopt": Scenario(_adopt, prepare=_make_by_hand),
    "add level": Scenario(_add_level),
    "remove level": Scenario(_start, start=_start_with_desk),
    "replace by instance": Scenario(
        _replace_by_instance, start=_start_with_one_branch, prepare=_hire_nobody
    ),
    "remove": Scenario(_remove),
    **{
        f"remove, {policy}": Scenario(
            lambda site: _without(_start(site), "T"), start=_start_with_policy(policy)
        )
        for policy in ("FAIL", "MOVE_TO_PARENT", "UNASSIGN")
    },
}


def _site(
    scenario: str,
    scope: DuplicateScope = DuplicateScope.SIBLINGS,
    reversed_id: ReversedUpdateId = ReversedUpdateId.NEW,
    *,
    ledger_in_table: bool = False,
) -> Site:
    site = Site(
        ledger_in_table=ledger_in_table,
        connect_settings=ConnectSettings(default_rate=None, duplicate_scope=scope),
        # one try of a clean-up that is refused: a further one does the same again
        engine_settings=EngineSettings(reversed_update_id=reversed_id, clean_up_tries=1),
    )
    stack = site.up(SCENARIOS[scenario].start(site))
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    SCENARIOS[scenario].prepare(site)
    site.clock.sleep(1000)
    return site


def _outcome(site: Site, scenario: str, *, fails: bool) -> tuple[Any, ...]:
    """Deploy, and say how everything is afterwards; ids as the place they had at the beginning."""
    before = {group_id: path for path, group_id in site.ids.items()}
    resources = SCENARIOS[scenario].change(site)
    if fails:
        after = [name for name in resources if name != "Structure"]
        resources = {**resources, "Failing": site.failing(*after)}
    stack = site.up(resources)
    site.settle()
    ids = {path: before.get(group_id, "new") for path, group_id in site.ids.items()}
    return stack.status, ids, site.agents, site.levels, _owners(site), _elsewhere(site)


def _owners(site: Site) -> dict[str, dict[str, str]]:
    """The tags of each group; the stack's uuid differs from site to site."""
    return {
        group.name: {key: value.split("/")[0] for key, value in group.tags.items()}
        for group in site.connect.backend.hierarchy(site.instance_id).groups.values()
    }


def _elsewhere(site: Site) -> tuple[list[str], list[str]]:
    """What stands on the other instance."""
    hierarchy = site.connect.backend.hierarchy(site.other_arn.rsplit("/", 1)[-1])
    return sorted("/".join(path) for path in hierarchy.by_path), list(hierarchy.level_names)


CASES = [
    pytest.param(scenario, fails, id=f"{scenario}, {'rolled back' if fails else 'forward'}")
    for scenario in SCENARIOS
    for fails in (False, True)
    # what is only left out of a template is not touched before the clean-up
    if not (fails and scenario.startswith("remove,")) and (scenario, fails) != ("remove", True)
]


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
    )


def _row(scenario: str, *, fails: bool) -> str:
    return f"{scenario}{', rolled back' if fails else ''}"


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
        site = _site(scenario, scope, reversed_id)
        site.connect.settings.search_lag, site.connect.settings.read_lag = search_lag, read_lag
        assert _outcome(site, scenario, fails=fails) == expected, (search_lag, read_lag)
    record_property(TABLE_CELL, (_row(scenario, fails=fails), "stale", f"{len(lags)} ok"))
