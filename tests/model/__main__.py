"""Checks the core with larger bounds than the tests: `make model`."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product

from tests.model.check import KINDS, Bounds, Summary, check, kind_of
from tests.model.explore import Disturbances
from tests.model.known import new_among
from tests.model.operations import FAMILIES


def main() -> int:
    """Explore, print what was seen, and 1 for a fault that is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--groups", type=int, default=2, help="most groups (default: 2)")
    parser.add_argument(
        "--disturbances", type=int, default=1, help="most disturbances of a history (default: 1)"
    )
    options = parser.parse_args()
    summary = Summary()
    for family, kind, is_name_unique in product(FAMILIES, KINDS, (False, True)):
        began = time.monotonic()
        disturbances = Disturbances(options.disturbances)
        bounds = Bounds(kind, is_name_unique, options.groups, disturbances, family)
        part = check(bounds)
        print(f"{bounds.name}: {part} in {time.monotonic() - began:.0f} s", flush=True)
        summary = summary.merged(part)
    print(f"all: {summary}")
    told = set()
    for finding in summary.findings:
        if kind_of(finding) not in told:
            told.add(kind_of(finding))
            print(f"\n{finding}")
    new = new_among(summary.findings)
    print(f"\n{len(summary.findings)} findings, {len(new)} of them new")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
