"""A plan says what the deployment then does, call by call."""

from __future__ import annotations

import pytest

from tests.plan.pairs import PAIRS_A_WORLD, Tally, World

WORLDS = 14


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_plan_is_what_the_deployment_then_does(seed: int) -> None:
    """Writes for each group, agent and level; the end; and why it is refused, word by word."""
    tally = Tally()
    assert World(seed, tally).play() == []
    assert tally.pairs == PAIRS_A_WORLD
