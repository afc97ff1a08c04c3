"""`python -m tests.plan --pairs 500`: plans pairs of a wish and a world, and deploys them."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.plan.pairs import Tally, World


def main() -> int:
    """Play enough pairs; return 1 if a plan differed from its deployment."""
    parser = argparse.ArgumentParser(prog="python -m tests.plan", description=__doc__)
    parser.add_argument("--pairs", type=int, default=500, help="how many, at least")
    parser.add_argument("--seed", type=int, default=0, help="of the first world")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    tally, seed, wrong = Tally(), arguments.seed, 0
    while tally.pairs < arguments.pairs:
        for text in World(seed, tally).play():
            wrong += 1
            print(f"world {seed}, {text}")
        seed += 1
    print(f"{tally}; {wrong} differences; seeds {arguments.seed} to {seed - 1}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
