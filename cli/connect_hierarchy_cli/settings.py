"""The options that all commands share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connect_hierarchy_lambda.ports.time import Clock

PROGRAM = "connect-hierarchy"


@dataclass
class Settings:
    """The options that all commands share, and how the program was called."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    requests_per_second: float | None = None
    debug: bool = False
    arguments: Sequence[str] = field(default=())
    """The arguments of the program as typed."""

    clock: Clock | None = None
    """The clock that waits for the pace; None for the machine's."""

    def again(self, *further: str, without: Sequence[str] = ()) -> str:
        """The typed command line with further arguments, and without some options.

        Args:
            further: Arguments to add at the end.
            without: Names of options with a value, which are left out with it.
        """
        return shlex.join([PROGRAM, *self.without(*without).arguments, *further])

    def without(self, *options: str) -> Settings:
        """The arguments without some options that take a value."""
        kept: list[str] = []
        rest = iter(self.arguments)
        for argument in rest:
            if argument in options:
                next(rest, None)
            elif argument.split("=", 1)[0] not in options:
                kept.append(argument)
        return replace(self, arguments=tuple(kept))
