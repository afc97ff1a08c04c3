"""Faults that are known and not mended yet: a test finds each, or it leaves this list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.check import Bounds
from tests.model.explore import Disturbances, Finding


@dataclass(frozen=True)
class Known:
    """A fault, and how its findings are told."""

    reason: str
    why: str
    """A regular expression of what is broken."""

    step: str
    """A regular expression of a step that leads to it."""

    family: str
    """The changes that show it, of one single group."""

    @property
    def bounds(self) -> Bounds:
        """Small ones within which it is found."""
        return Bounds("single", False, 1, Disturbances(1), self.family)  # noqa: FBT003 - see Bounds

    def is_it(self, finding: Finding) -> bool:
        """Whether a finding is of this fault."""
        return bool(re.search(self.why, finding.why)) and any(
            re.search(self.step, step) for step in finding.trace
        )


KNOWN: tuple[Known, ...] = (
    Known(
        "a release is repeated where the run died before it wrote down that it was done",
        r"a stranger's group is touched: untag",
        r"the run dies|no answer comes",
        "strangers",
    ),
)


def new_among(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are of no known fault."""
    return [f for f in findings if not any(known.is_it(f) for known in KNOWN)]
