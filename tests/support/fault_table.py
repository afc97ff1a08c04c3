"""Kinds of faults, and deployments in which each strikes one place after the other.

Calls to Connect, gaps between calls and events are struck with the ledger in memory; its own calls
and the gaps around them with the ledger in a table, which takes five times as long. Each kind of
fault strikes some of the places, and the kinds begin at different ones; `make faults` strikes all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults
from tests.conftest import TABLE_CELL
from tests.support.deployments import failing
from tests.support.scenarios import Scenario
from tests.support.stacks import Site

STRIKES_ALL = bool(os.environ.get("FAULTS_STRIKE_ALL"))
ONE_PLACE_OF = 1 if STRIKES_ALL else 6
"""Of how many places a kind of fault strikes one."""

ONE_PLACE_IN_TABLE_OF = 1 if STRIKES_ALL else 24
PASSING_FAULTS = [
    FaultKind.THROTTLE,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_AFTER,
]


def _plan(site: Site, *, nth: int, kind: FaultKind) -> None:
    site.connect.plan_fault("*", nth=nth, kind=kind)


def _kill(site: Site, *, nth: int) -> None:
    # before a call is after the one before it
    site.function_faults = FunctionFaults(kills={nth - 1: True} if nth > 1 else {1: False})


def _deliver_twice(site: Site, *, nth: int, seconds: float) -> None:
    site.function_faults = FunctionFaults(copies={nth: seconds})


FAULTS: dict[str, tuple[str, Callable[..., None]]] = {
    **{kind.value: ("calls", partial(_plan, kind=kind)) for kind in PASSING_FAULTS},
    "killed": ("gaps between calls", _kill),
    **{
        f"event twice, {seconds:g} s later": ("events", partial(_deliver_twice, seconds=seconds))
        for seconds in (0.0, 30.0)
    },
}
"""For each kind of fault what it strikes, and how to plan it for the nth of these."""


def _plan_for_ledger(site: Site, *, nth: int, kind: FaultKind) -> None:
    site.dynamodb.plan_fault("*", nth=nth, kind=kind)


LEDGER_FAULTS: dict[str, tuple[str, Callable[..., None]]] = {
    **{
        f"ledger: {kind.value}": ("calls of the ledger", partial(_plan_for_ledger, kind=kind))
        for kind in (FaultKind.THROTTLE, FaultKind.ERROR_AFTER, FaultKind.CUT_AFTER)
    },
    "ledger: killed": ("gaps between calls", _kill),
}
"""The same with the ledger in a table."""


def _counts(site: Site) -> dict[str, int]:
    calls, of_ledger = len(site.connect.calls), len(site.dynamodb.calls)
    return {
        "calls": calls,
        "calls of the ledger": of_ledger,
        "gaps between calls": calls + of_ledger + len(site.service_calls),
        "events": len(site.custom_resources.conversations),
    }


@dataclass(frozen=True)
class Row:
    """A deployment of the table, forward or rolled back.

    Args:
        name: What the table calls it.
        scenario: Its stack, and what is deployed.
        fails: Whether something fails after all groups, so that the deployment is rolled back.
    """

    name: str
    scenario: Scenario
    fails: bool

    def site(
        self,
        scope: DuplicateScope = DuplicateScope.SIBLINGS,
        reversed_id: ReversedUpdateId = ReversedUpdateId.NEW,
        *,
        search_lag: float = 0.0,
        read_lag: float = 0.0,
        ledger_in_table: bool = False,
    ) -> Site:
        """Make a site that is ready for the deployment."""
        site = Site(
            ledger_in_table=ledger_in_table,
            connect_settings=ConnectSettings(
                default_rate=None, duplicate_scope=scope, search_lag=search_lag, read_lag=read_lag
            ),
            # one try of a clean-up that is refused: a further one does the same again
            engine_settings=EngineSettings(reversed_update_id=reversed_id, clean_up_tries=1),
        )
        stack = site.up(self.scenario.start(site))
        assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
        self.scenario.prepare(site)
        site.clock.sleep(1000)
        return site

    def outcome(self, site: Site) -> tuple[Any, ...]:
        """Deploy, and return the state afterwards, with the first places of ids in place of ids."""
        before = {group_id: path for path, group_id in site.ids.items()}
        resources = self.scenario.change(site)
        stack = site.up(failing(site, resources) if self.fails else resources)
        site.settle()
        ids = {path: before.get(group_id, "new") for path, group_id in site.ids.items()}
        return stack.status, ids, site.agents, site.levels, _tags(site), _elsewhere(site)

    def strike(self, fault: str, record_property: Callable[[str, object], None]) -> None:
        """Strike places, each in a new deployment, and compare the ends.

        Args:
            fault: One of `FAULTS` or `LEDGER_FAULTS`.
            record_property: Takes the cell of the table.
        """
        in_table = fault in LEDGER_FAULTS
        strikes, plan = (LEDGER_FAULTS if in_table else FAULTS)[fault]
        expected, counts = _without_faults(self, ledger_in_table=in_table)
        places = counts[strikes]
        assert places > 0
        places += strikes == "gaps between calls"  # one more than there are calls
        kinds = list(LEDGER_FAULTS if in_table else FAULTS)
        step = ONE_PLACE_IN_TABLE_OF if in_table else ONE_PLACE_OF
        first = kinds.index(fault) * step // len(kinds) % places + 1
        struck = range(first, places + 1, step)
        assert struck
        different = []
        for nth in struck:
            site = self.site(ledger_in_table=in_table)
            plan(site, nth=nth)
            if self.outcome(site) != expected:
                different.append(nth)
        ended = f"lost at {different}" if different else f"{len(struck)} ok"
        record_property(TABLE_CELL, (self.name, fault, ended))
        assert not different

    def delay(
        self,
        scope: DuplicateScope,
        reversed_id: ReversedUpdateId,
        record_property: Callable[[str, object], None],
    ) -> None:
        """Let searches lag, then reads as well, and compare how the deployment ends."""
        expected = self.outcome(self.site(scope, reversed_id))
        lags = ((100.0, 0.0), (100.0, 10.0))
        for search_lag, read_lag in lags:
            site = self.site(scope, reversed_id, search_lag=search_lag, read_lag=read_lag)
            assert self.outcome(site) == expected, (search_lag, read_lag)
        record_property(TABLE_CELL, (self.name, "stale", f"{len(lags)} ok"))


@cache
def _without_faults(
    row: Row, *, ledger_in_table: bool
) -> tuple[tuple[Any, ...], Mapping[str, int]]:
    """How a deployment ends that nothing disturbs, and how many places it has."""
    site = row.site(ledger_in_table=ledger_in_table)
    before = _counts(site)
    outcome = row.outcome(site)
    return outcome, {what: count - before[what] for what, count in _counts(site).items()}


def _tags(site: Site) -> dict[tuple[str, ...], dict[str, str]]:
    """The tags of each group; the stack's uuid differs from site to site."""
    return {
        path: {key: value.split("/")[0] for key, value in group.tags.items()}
        for path, group in site.connect.backend.hierarchy(site.instance_id).by_path.items()
    }


def _elsewhere(site: Site) -> tuple[list[str], list[str]]:
    """The groups on the other instance."""
    hierarchy = site.connect.backend.hierarchy(site.other_arn.rsplit("/", 1)[-1])
    return sorted("/".join(path) for path in hierarchy.by_path), list(hierarchy.level_names)


def rows(scenarios: Mapping[str, Scenario], prefix: str = "") -> list[Any]:
    """The rows of scenarios as parameters of a test, forward and, where it matters, rolled back.

    Args:
        scenarios: What is deployed, by name.
        prefix: What names in the table begin with.
    """
    return [
        pytest.param(
            Row(f"{prefix}{name}{', rolled back' if fails else ''}", scenario, fails),
            id=f"{prefix}{name}, {'rolled back' if fails else 'forward'}",
        )
        for name, scenario in scenarios.items()
        for fails in (False, True)
        if not (fails and scenario.waits_for_clean_up)
    ]
