"""Kinds of faults, and deployments in which each strikes one place after the other.

Calls to Connect, gaps between calls and events are struck one after the other with the ledger in
memory. With the ledger in a table, which takes five times as long, each kind of fault strikes some
of the ledger's calls or of the gaps around them; the kinds begin at different ones. If each strikes
every fourth, they strike all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from local_aws.connect import FaultKind
from local_aws.in_process import FunctionFaults
from tests.conftest import TABLE_CELL
from tests.support.stacks import Site

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


def cells_of_ledger(cases: Sequence[Any]) -> Iterator[Any]:
    """Each of these cases with each kind of fault that strikes the ledger."""
    for case in cases:
        for fault in LEDGER_FAULTS:
            yield pytest.param(*case.values, fault, id=f"{case.id}, {fault}")


def strike(
    row: str,
    fault: str,
    site_of: Callable[[bool], Site],
    deploy: Callable[[Site], Any],
    record_property: Callable[[str, object], None],
    *,
    every: int = len(LEDGER_FAULTS),
) -> None:
    """Strike the places of a deployment, each in a deployment of its own, and compare the ends.

    Args:
        row: What the deployment is called in the table of how they ended.
        fault: One of `FAULTS` or `LEDGER_FAULTS`.
        site_of: Makes a site before the deployment, with the ledger in a table or not.
        deploy: Deploys, and says how everything is afterwards.
        record_property: Takes the cell of the table.
        every: With the ledger in a table, one of this many places is struck.
    """
    is_in_table = fault in LEDGER_FAULTS
    strikes, plan = (LEDGER_FAULTS if is_in_table else FAULTS)[fault]
    site = site_of(is_in_table)
    before = _counts(site)[strikes]
    expected = deploy(site)
    places = _counts(site)[strikes] - before
    assert places > 0
    places += strikes == "gaps between calls"  # one more than there are calls
    step, first = 1, 1
    if is_in_table:
        step = every
        first = list(LEDGER_FAULTS).index(fault) * every // len(LEDGER_FAULTS) + 1
    struck = range(first, places + 1, step)
    assert struck
    different = []
    for nth in struck:
        site = site_of(is_in_table)
        plan(site, nth=nth)
        if deploy(site) != expected:
            different.append(nth)
    ended = f"lost at {different}" if different else f"{len(struck)} ok"
    record_property(TABLE_CELL, (row, fault, ended))
    assert not different
