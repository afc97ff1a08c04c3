"""Random histories for a given time: `make soak MINUTES=10 SEED=…`."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.lifecycle.machine import machine
from tests.lifecycle.world import Tally

HISTORIES_A_ROUND = 50
STEPS_A_HISTORY = 14
_PROGRESS_SECONDS = 60.0


def play(tally: Tally, round_seed: int, histories: int, *, shrinks: bool = True) -> None:
    """Play this many histories, half of them with trees; AssertionError if one fails.

    A seed plays the same histories as long as no source file changes: Hypothesis draws constants
    of the project's files too.
    """
    phases = [Phase.generate, *([Phase.shrink] if shrinks else [])]
    for has_trees in (False, True):
        run_state_machine_as_test(
            seed(round_seed)(machine(tally, has_trees=has_trees)),
            settings=settings(
                max_examples=histories // 2,
                stateful_step_count=STEPS_A_HISTORY,
                deadline=None,
                database=None,
                phases=phases,
                print_blob=False,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )


def soak(minutes: float, first_seed: int, *, shrinks: bool = False) -> bool:
    """Play rounds until the time is over or one fails; return whether all succeeded.

    With `shrinks` a history that fails is told as the shortest one like it, which takes minutes.
    """
    began = time.monotonic()
    tally, round_seed, told = Tally(), first_seed, began
    print(f"soak: {minutes:g} minutes from seed {first_seed}", flush=True)
    while time.monotonic() - began < minutes * 60:
        try:
            play(tally, round_seed, HISTORIES_A_ROUND, shrinks=shrinks)
        except Exception:  # noqa: BLE001 - whatever it is, it is what failed
            traceback.print_exc(file=sys.stdout)
            print(f"soak: FAILED with seed {round_seed}, after {tally}")
            print(f"soak: to replay and shorten it: make soak MINUTES=0.01 SEED={round_seed}")
            return False
        round_seed += 1
        if time.monotonic() - told >= _PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"soak: {(told - began) / 60:.0f} min, {tally}", flush=True)
    print(f"soak: all ended where they should: {tally}; seeds {first_seed} to {round_seed - 1}")
    return True


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, fractions too")
    parser.add_argument(
        "--seed",
        type=int,
        help="of the first round, a fresh one if left out; with it, failures are shortened",
    )
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first_seed = arguments.seed
    is_replay = first_seed is not None
    if first_seed is None:
        first_seed = random.SystemRandom().randrange(10**6)
    sys.exit(0 if soak(arguments.minutes, first_seed, shrinks=is_replay) else 1)


if __name__ == "__main__":
    main()
