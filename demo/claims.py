"""What the demo says holds, each looked at when it is said."""

from __future__ import annotations

from demo.console import Console, Style


class ClaimError(Exception):
    """Something that the demo says does not hold."""


class Claims:
    """Checks claims and shows those that hold."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.count = 0

    def check(self, claim: str, *, holds: bool, otherwise: object = "") -> None:
        """Show a claim that holds.

        Args:
            claim: in one sentence.
            holds: whether it does.
            otherwise: what is so instead, if it does not.

        Raises:
            ClaimError: if it does not hold.
        """
        if not holds:
            message = f"this does not hold: {claim}"
            raise ClaimError(f"{message}: {otherwise}" if otherwise else message)
        self.count += 1
        self._console.paragraph(claim, Style.GOOD, mark="✓ ")
