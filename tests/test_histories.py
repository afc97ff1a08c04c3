"""Random histories of a stack under faults, the same ones in every run; `make soak` plays more."""

from __future__ import annotations

import pytest

from tests.lifecycle import soak
from tests.lifecycle.world import Tally

FIRST_SEED = 1
SEEDS = 6
HISTORIES_A_SEED = 26


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_every_history_ends_where_it_should(seed: int) -> None:
    """Whatever is deployed, by hand or by fault: ids, agents, names and levels are the model's."""
    tally = Tally()
    # a failure is shrunk by `make soak`, which takes the seed
    soak.play(tally, seed, HISTORIES_A_SEED, shrinks=False)
    assert tally.histories >= HISTORIES_A_SEED
    assert tally.succeeded > 0
    assert tally.taken_back > 0
    assert tally.faults > 0
    assert 0 < tally.with_trees < tally.deployments
    # most deployments have one right end
    assert tally.open_verdicts * 4 < tally.deployments


def test_a_soak_that_fails_tells_at_once_what_to_play_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What failed, and the seed of the round in which it did."""

    def play_till_round_8(
        tally: Tally, round_seed: int, histories: int, *, shrinks: bool = True
    ) -> None:
        assert not shrinks
        tally.histories += histories
        assert round_seed < 8, "a group is lost"

    monkeypatch.setattr(soak, "play", play_till_round_8)
    assert not soak.soak(1.0, 7)
    told = capsys.readouterr().out
    assert "AssertionError: a group is lost" in told
    assert "FAILED with seed 8, after 100 histories" in told
    assert "make soak MINUTES=0.01 SEED=8" in told
