"""A test that asks for `kind` or `organisation` runs for single groups and for a tree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    """An instance without a structure, at the service's rates or as `worlds` has it."""
    make: Callable[[], Site] = getattr(request, "param", Site)
    return make()


@pytest.fixture(params=Kind, ids=lambda kind: kind.value)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of the two in its turn."""
    found: Kind = request.param
    return found


@pytest.fixture
def organisation(site: Site, kind: Kind) -> Organisation:
    """The one organisation of the stack."""
    return Organisation(site, kind)
