"""Known faults that are not fixed yet: a test finds each, or it leaves this list."""

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
        return Bounds("single", False, 1, Disturbances(2), self.family)  # noqa: FBT003 - see Bounds

    def is_it(self, finding: Finding) -> bool:
        """Whether a finding is of this fault."""
        return bool(re.search(self.why, finding.why)) and any(
            re.search(self.step, step) for step in finding.trace
        )


KNOWN: tuple[Known, ...] = (
    Known(
        "a group that is renamed by hand between the death of the run that created it and the next "
        "run has no record; `connect-hierarchy drift` names it",
        r"is not on record",
        r"by hand: .* is renamed to",
        "changes",
    ),
)


def new_among(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are of no known fault."""
    return [f for f in findings if not any(known.is_it(f) for known in KNOWN)]
