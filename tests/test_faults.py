"""Faults at every call of everyday deployments: whatever happens, it ends where it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults
from tests.conftest import TABLE_CELL
from tests.stacks import Site

LEVELS = ("Division", "Region", "Team")

Resources = Mapping[str, Any]
Play = Callable[[Site], Resources]
Plans = Mapping[str, Sequence[Callable[[Site], None]]]


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
    return {
        **_without(_start(site), "T"),
        "R": site.group("R", "A"),
        "T": site.group("T", "R"),
        "U": site.group("U", "R"),
    }


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


def _replace_by_instance(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, InstanceArn=site.other_arn)}


def _hire(site: Site) -> None:
    site.hire("ada", "A", "T")


def _hire_nobody(_: Site) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """A stack as it starts, what people do to it, and the deployment that is looked at."""

    change: Play
    tries: int = 1
    """How often the clean-up does the same; faults are planned for the first time only."""

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
    "replace by instance": Scenario(_replace_by_instance, prepare=_hire_nobody),
    "remove": Scenario(_remove),
    **{
        f"remove, {policy}": Scenario(
            lambda site: _without(_start(site), "T"),
            tries=3 if policy == "FAIL" else 1,
            start=_start_with_policy(policy),
        )
        for policy in ("FAIL", "MOVE_TO_PARENT", "UNASSIGN")
    },
}

PASSING_FAULTS = [
    FaultKind.THROTTLE,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_AFTER,
]


def _site(
    scenario: str,
    scope: DuplicateScope = DuplicateScope.SIBLINGS,
    reversed_id: ReversedUpdateId = ReversedUpdateId.NEW,
) -> Site:
    site = Site(
        connect_settings=ConnectSettings(default_rate=None, duplicate_scope=scope),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
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
    """The tags of each group, without what is another one in every site."""
    of_site = (":request", ":displaces", ":moved-from", ":found")
    return {
        group.name: {
            # the stack's uuid differs
            key: value.split("/")[0]
            for key, value in group.tags.items()
            if not key.endswith(of_site)
        }
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


def _plans(calls: int, service_calls: int, events: int) -> Plans:
    """For each kind of fault, how to plan it for each call or event in turn."""
    return {
        **{
            kind.value: [partial(_plan, nth=nth, kind=kind) for nth in range(1, calls + 1)]
            for kind in PASSING_FAULTS
        },
        **{
            f"killed {'after' if after else 'before'}": [
                partial(_kill, nth=nth, after=after) for nth in range(1, service_calls + 1)
            ]
            for after in (False, True)
        },
        **{
            f"event twice, {seconds:g} s later": [
                partial(_deliver_twice, nth=nth, seconds=seconds) for nth in range(1, events + 1)
            ]
            for seconds in (0.0, 30.0)
        },
    }


def _plan(site: Site, *, nth: int, kind: FaultKind) -> None:
    site.connect.plan_fault("*", nth=nth, kind=kind)


def _kill(site: Site, *, nth: int, after: bool) -> None:
    site.function_faults = FunctionFaults(kills={nth: after})


def _deliver_twice(site: Site, *, nth: int, seconds: float) -> None:
    site.function_faults = FunctionFaults(copies={nth: seconds})


@pytest.mark.parametrize(("scenario", "fails"), CASES)
def test_a_passing_fault_at_any_call_changes_nothing(
    scenario: str, record_property: Callable[[str, object], None], *, fails: bool
) -> None:
    """Each kind of fault at each call: the deployment ends just as without it."""
    site = _site(scenario)
    calls, service_calls = len(site.connect.calls), len(site.service_calls)
    events = len(site.custom_resources.conversations)
    expected = _outcome(site, scenario, fails=fails)
    calls = len(site.connect.calls) - calls
    service_calls = calls + len(site.service_calls) - service_calls
    events = len(site.custom_resources.conversations) - events
    assert calls > 0
    tries = SCENARIOS[scenario].tries
    calls, service_calls, events = calls // tries, service_calls // tries, events // tries
    different: dict[str, list[int]] = {}
    plans = _plans(calls, service_calls, events)
    for kind, plan_each in plans.items():
        for nth, plan in enumerate(plan_each, start=1):
            site = _site(scenario)
            plan(site)
            if _outcome(site, scenario, fails=fails) != expected:
                different.setdefault(kind, []).append(nth)
        ended = f"lost at {different[kind]}" if kind in different else f"{len(plan_each)} ok"
        record_property(TABLE_CELL, (f"{scenario}{', rolled back' if fails else ''}", kind, ended))
    assert not different


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
    lags = ((100.0, 0.0), (0.0, 3.0), (100.0, 10.0))
    for search_lag, read_lag in lags:
        site = _site(scenario, scope, reversed_id)
        site.connect.settings.search_lag, site.connect.settings.read_lag = search_lag, read_lag
        assert _outcome(site, scenario, fails=fails) == expected, (search_lag, read_lag)
    name = f"{scenario}{', rolled back' if fails else ''}"
    record_property(TABLE_CELL, (name, "stale", f"{len(lags)} ok"))
