"""Faults at every call of everyday deployments: whatever happens, it ends where it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from tests.stacks import Site

LEVELS = ("Division", "Region", "Team")

Resources = Mapping[str, Any]


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
    return {name: resource for name, resource in _start(site).items() if name != "B"}


def _add_level(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, "Desk")}


def _hand_over(site: Site) -> Resources:
    resources = dict(_start(site))
    resources["B2"] = resources.pop("B")
    return resources


SCENARIOS: dict[str, Callable[[Site], Resources]] = {
    "create": _create,
    "rename": _rename,
    "swap": _swap,
    "take name": _take_name,
    "move": _move,
    "remove": _remove,
    "add level": _add_level,
    "hand over": _hand_over,
}

PASSING_FAULTS = [
    FaultKind.THROTTLE,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_AFTER,
]


def _site(
    scope: DuplicateScope = DuplicateScope.SIBLINGS,
    reversed_id: ReversedUpdateId = ReversedUpdateId.NEW,
    *,
    search_lag: float = 0.0,
    read_lag: float = 0.0,
) -> Site:
    site = Site(
        connect_settings=ConnectSettings(
            default_rate=None, duplicate_scope=scope, search_lag=search_lag, read_lag=read_lag
        ),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )
    stack = site.up(_start(site))
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    site.hire("ada", "A", "T")
    site.clock.sleep(1000)
    return site


def _outcome(site: Site, scenario: str, *, fails: bool) -> tuple[Any, ...]:
    """Deploy, and say how everything is afterwards; ids as the place they had at the beginning."""
    before = {group_id: path for path, group_id in site.ids.items()}
    resources = SCENARIOS[scenario](site)
    if fails:
        after = [name for name in resources if name != "Structure"]
        resources = {**resources, "Failing": site.failing(*after)}
    stack = site.up(resources)
    ids = {path: before.get(group_id, "new") for path, group_id in site.ids.items()}
    # ids differ from site to site, and so do the tags that name one
    of_site = (":request", ":displaces", ":moved-from", ":found")
    tags = {
        group.name: {k: v for k, v in group.tags.items() if not k.endswith(of_site)}
        for group in site.connect.backend.hierarchy(site.instance_id).groups.values()
    }
    # the stack's uuid differs from site to site
    owners = {
        name: {key: value.split("/")[0] for key, value in one.items()} for name, one in tags.items()
    }
    return stack.status, ids, site.agents, site.levels, owners


CASES = [
    pytest.param(scenario, fails, id=f"{scenario}, {'rolled back' if fails else 'forward'}")
    for scenario in SCENARIOS
    for fails in (False, True)
    # what is only left out of a template is not touched before the clean-up
    if (scenario, fails) != ("remove", True)
]


@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_a_passing_fault_at_any_call_changes_nothing(scenario: str, *, fails: bool) -> None:
    """Each kind of fault at each call: the deployment ends just as without it."""
    site = _site()
    calls_before = len(site.connect.calls)
    expected = _outcome(site, scenario, fails=fails)
    count = len(site.connect.calls) - calls_before
    assert count > 0
    for kind in PASSING_FAULTS:
        for nth in range(1, count + 1):
            site = _site()
            site.connect.plan_fault("*", nth=nth, kind=kind)
            outcome = _outcome(site, scenario, fails=fails)
            assert outcome == expected, (kind, nth, site.calls()[calls_before:])


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_stale_answers_change_nothing(
    scenario: str, scope: DuplicateScope, reversed_id: ReversedUpdateId, *, fails: bool
) -> None:
    """Searches that lag minutes and reads that lag seconds: it ends just as with fresh ones."""
    expected = _outcome(_site(scope, reversed_id), scenario, fails=fails)
    for search_lag, read_lag in ((100.0, 0.0), (0.0, 3.0), (100.0, 10.0)):
        site = _site(scope, reversed_id, search_lag=search_lag, read_lag=read_lag)
        assert _outcome(site, scenario, fails=fails) == expected, (search_lag, read_lag)
