"""The core keeps its promises in every history within small bounds; `make model` goes further."""

from __future__ import annotations

import pytest

from tests.model.check import KINDS, Bounds, check
from tests.model.explore import Disturbances
from tests.model.known import new_among

_UNDISTURBED = Disturbances(0)
_DISTURBED = Disturbances(1)


@pytest.mark.parametrize("is_name_unique", [False, True], ids=["siblings", "instance"])
@pytest.mark.parametrize("kind", KINDS)
def test_promises_hold_in_every_undisturbed_deployment_of_three_groups(
    kind: str, *, is_name_unique: bool
) -> None:
    """Every deployment ends as wished, or is taken back so that all is as before."""
    summary = check(Bounds(kind, is_name_unique, 3, _UNDISTURBED))
    assert summary.transitions > 700
    assert not summary.findings, "\n\n".join(map(str, summary.findings[:3]))


@pytest.mark.parametrize("is_name_unique", [False, True], ids=["siblings", "instance"])
@pytest.mark.parametrize("kind", KINDS)
def test_promises_hold_whatever_comes_between_two_steps(kind: str, *, is_name_unique: bool) -> None:
    """A death, a lost answer, a twin, a rollback meanwhile or a change by hand breaks none."""
    summary = check(Bounds(kind, is_name_unique, 2, _DISTURBED))
    assert summary.transitions > 10_000
    new = new_among(summary.findings)
    assert not new, "\n\n".join(map(str, new[:3]))
