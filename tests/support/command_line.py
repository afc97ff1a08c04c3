"""The command `connect-hierarchy` as a person runs it, against an AWS on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from connect_hierarchy_cli.__main__ import main
from connect_hierarchy_lambda.model.properties import PaceVariable
from connect_hierarchy_lambda.ports.time import Clock
from local_aws import LocalAws

UNPACED = {PaceVariable.REQUESTS_PER_SECOND.value: "1000000", PaceVariable.BURST.value: "1000000"}
"""For an AWS without a rate, so that no test waits."""


@dataclass(frozen=True)
class Run:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in a folder, with credentials and the address of a local AWS.

    Args:
        aws: The AWS; None for commands that need none, which then have no credentials either.
        folder: The working directory, in which nothing of the person's own is seen.
        environment: Further variables; None takes one away.
    """

    aws: LocalAws | None
    folder: Path
    environment: Mapping[str, str | None] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str = "", clock: Clock | None = None) -> Run:
        """Run a command in this process: its requests still go over HTTP."""
        steering = dict.fromkeys(_steering(os.environ))
        runner = CliRunner(env={**steering, **self._variables(), **self.environment})
        with chdir(self.folder), runner.isolation(input=stdin) as (out, err, _):
            code = main(arguments, clock)
            sys.stdout.flush()
            sys.stderr.flush()
            return Run(code, out.getvalue().decode(), err.getvalue().decode())

    def process(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own; `options` are those of subprocess.run."""
        return subprocess.run(
            [sys.executable, "-m", "connect_hierarchy_cli", *arguments],
            cwd=self.folder,
            env=self.process_environment(),
            text=True,
            check=False,
            timeout=60,
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )

    def process_environment(self) -> dict[str, str]:
        """The environment of a process of its own."""
        steering = _steering(os.environ)
        kept: dict[str, str | None] = {k: v for k, v in os.environ.items() if k not in steering}
        variables = kept | self._variables() | dict(self.environment)
        variables["PYTHONPATH"] = os.pathsep.join(sys.path)
        return {name: value for name, value in variables.items() if value is not None}

    def _variables(self) -> dict[str, str | None]:
        nowhere = {
            "AWS_CONFIG_FILE": str(self.folder / ".aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / ".aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return {**nowhere, **UNPACED, **(self.aws.environment if self.aws else {})}


def _steering(environment: Mapping[str, str]) -> set[str]:
    """What would steer a command elsewhere or change how it looks."""
    names = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", *UNPACED}
    return {
        name
        for name in environment
        if name in names or name.startswith("AWS_") or name.lower().endswith("_proxy")
    }


class PatientClock:
    """A clock that sleeps without taking time, and notes for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since 1970: the present one, and all that was slept."""
        return 1.8e9 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Take it down."""
        self.slept.append(seconds)

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do these one after the other."""
        for work in works:
            work()
