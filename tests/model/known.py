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
        "a run does not forget what it read of a group when it has renamed it, and does so again",
        r"this never ends",
        r"by hand: .* is renamed",
    ),
)


def new_among(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are of no known fault."""
    return [f for f in findings if not any(known.is_it(f) for known in KNOWN)]


def not_among(findings: Sequence[Finding]) -> list[Known]:
    """The known faults that nothing was found of."""
    return [known for known in KNOWN if not any(known.is_it(f) for f in findings)]
