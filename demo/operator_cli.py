"""Runs `connect-hierarchy`, the command for operators, and shows what it says."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.claims import ClaimError
from demo.console import Console, Style

_SECONDS_AT_MOST = 120.0
_INDENT = 6


class OperatorCli:
    """The command in a folder.

    Args:
        console: where to show what it says.
        environment: all variables of the command.
        folder: its working directory.
    """

    def __init__(self, console: Console, environment: Mapping[str, str], folder: Path) -> None:
        self._console = console
        self._environment = {**environment, "COLUMNS": str(console.width - _INDENT)}
        self._folder = folder

    def show(self, *arguments: str, code: int = 0) -> None:
        """Run it and show what it says.

        Raises:
            ClaimError: if it ends with another exit code than `code`.
        """
        self._console.line()
        shown = shlex.join(["connect-hierarchy", *arguments])
        self._console.line(self._console.styled(f"$ {shown}", Style.STRONG))
        for line in self.read(*arguments, code=code).splitlines():
            self._console.line(line, 2)

    def read(self, *arguments: str, code: int = 0) -> str:
        """Run it and give what it says, as `show`."""
        run = subprocess.run(
            [sys.executable, "-m", "connect_hierarchy_cli", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS_AT_MOST,
            check=False,
        )
        if run.returncode != code:
            said = f"{run.stdout}{run.stderr}"
            raise ClaimError(f"`{arguments[0]}` ended with {run.returncode}, not {code}: {said}")
        return run.stdout
