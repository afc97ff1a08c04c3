"""The core keeps its promises in every history within small bounds; `make model` goes further."""

from __future__ import annotations

import pytest

from tests.model.check import KINDS, Bounds, Summary, check
from tests.model.explore import Disturbances
from tests.model.known import KNOWN, Known, new_among
from tests.model.operations import FAMILIES

_BOTH_WAYS = [
    pytest.param(kind, is_name_unique, id=f"{kind}-{'instance' if is_name_unique else 'siblings'}")
    for kind in KINDS
    for is_name_unique in (False, True)
]
"""Single groups and trees, where a name can be there once among siblings or in the instance."""

_UNDISTURBED = Disturbances(0)
_DISTURBED = Disturbances(1)
_FURTHER = sorted(FAMILIES.keys() - {"changes"})


def _check_promises(summary: Summary, at_least: int) -> None:
    """No promise is broken, and as much was tried as there is to try."""
    assert summary.transitions >= at_least
    new = new_among(summary.findings)
    assert not new, "\n\n".join(map(str, new[:3]))


@pytest.mark.parametrize(("kind", "is_name_unique"), _BOTH_WAYS)
def test_undisturbed_deployments_of_three_groups_end_as_wished_or_as_before(
    kind: str, *, is_name_unique: bool
) -> None:
    """Every change of up to three groups is carried out, or taken back so that all is as before."""
    summary = check(Bounds(kind, is_name_unique, 3, _UNDISTURBED))
    _check_promises(summary, at_least=700)


@pytest.mark.parametrize(("kind", "is_name_unique"), _BOTH_WAYS)
def test_no_promise_breaks_whatever_comes_between_two_steps(
    kind: str, *, is_name_unique: bool
) -> None:
    """A death, a lost answer, a twin, a rollback meanwhile or a change by hand breaks none."""
    summary = check(Bounds(kind, is_name_unique, 2, _DISTURBED))
    _check_promises(summary, at_least=10_000)


@pytest.mark.parametrize("family", _FURTHER)
@pytest.mark.parametrize(("kind", "is_name_unique"), _BOTH_WAYS)
def test_strangers_and_agents_are_safe_when_groups_go_or_are_adopted(
    kind: str, family: str, *, is_name_unique: bool
) -> None:
    """Adoption, release, removal and deletion touch nothing that is somebody else's."""
    _check_promises(check(Bounds(kind, is_name_unique, 2, _UNDISTURBED, family)), at_least=100)
    _check_promises(check(Bounds(kind, is_name_unique, 1, _DISTURBED, family)), at_least=900)


@pytest.mark.parametrize(("kind", "is_name_unique"), _BOTH_WAYS)
def test_a_delete_alone_takes_a_replacement_back(kind: str, *, is_name_unique: bool) -> None:
    """Whether a replaced resource gets a reversed Update is not documented: both come home."""
    bounds = Bounds(kind, is_name_unique, 2, _UNDISTURBED, reverses_replacements=False)
    _check_promises(check(bounds), at_least=200)


@pytest.mark.parametrize(("kind", "is_name_unique"), _BOTH_WAYS)
def test_events_without_dates_are_told_apart(kind: str, *, is_name_unique: bool) -> None:
    """Late events do no harm where their URLs have no date."""
    bounds = Bounds(kind, is_name_unique, 1, _DISTURBED, has_dates=False)
    _check_promises(check(bounds), at_least=1_000)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.reason)
def test_a_known_fault_leaves_the_list_once_it_is_mended(known: Known) -> None:
    """What stands in `known.py` is still found, so nothing new hides behind it."""
    assert [finding for finding in check(known.bounds).findings if known.is_it(finding)]
