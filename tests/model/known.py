"""Faults that are known and not mended yet; each has to be found, or it is taken from here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.explore import Finding


@dataclass(frozen=True)
class Known:
    """A fault, and how its findings are told."""

    reason: str
    why: str
    """A regular expression of what is broken."""

    step: str = ""
    """A regular expression of a step that leads to it."""

    def is_it(self, finding: Finding) -> bool:
        """Whether a finding is of this fault."""
        return bool(re.search(self.why, finding.why)) and any(
            re.search(self.step, step) for step in finding.trace
        )


KNOWN = (
    Known(
        "an Update that begins only in the rollback of its deployment is taken for a reversed one",
        r"after the rollback",
        r"rolled back meanwhile",
    ),
    Known(
        "a name stays taken for a run after it renamed the group that had it, where the ledger "
        "knew another name of that group",
        r"this never ends",
        r"by hand: .* is renamed|the run dies|no answer comes",
    ),
    Known(
        "a group that is gone is learned again from an answer of before",
        r"deciding does not end within a turn",
        r"by hand: .* is deleted",
    ),
)


def new_among(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are of no known fault."""
    return [f for f in findings if not any(known.is_it(f) for known in KNOWN)]
