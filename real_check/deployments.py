"""The real CDK CLI on the check's app."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from real_check.app import Step

_REPOSITORY = Path(__file__).resolve().parents[1]
_SECONDS_AT_MOST = 3900.0
_SECONDS_TO_END = 10.0
_LINES_SHOWN = 40


class DeploymentError(Exception):
    """The CDK CLI succeeded or failed unexpectedly."""


class Deployments:
    """Deploys the steps of the app's stack.

    Args:
        stack_name: Name of the stack.
        group_arn: The group that everything is below.
        groups: Whether the stack has groups, or the recorder alone.
        folder: Where cloud assemblies are written.
        environment: The variables of the CLI and of the app, credentials among them.
    """

    def __init__(
        self,
        stack_name: str,
        group_arn: str,
        *,
        groups: bool,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._stack_name = stack_name
        self._group_arn = group_arn
        self._groups = groups
        self._folder = folder
        self._environment = environment

    def deploy(self, step: Step, *, fails: bool = False) -> None:
        """Deploy a step.

        Raises:
            DeploymentError: If it fails and should not, or succeeds and should not.
        """
        self._run(step, "deploy", "--require-approval=never", fails=fails)

    def destroy(self) -> None:
        """Delete the stack.

        Raises:
            DeploymentError: If that fails.
        """
        self._run(Step.ADOPT, "destroy", "--force", fails=False)

    def _run(self, step: Step, command: str, option: str, *, fails: bool) -> None:
        context = {
            "stack-name": self._stack_name,
            "step": str(int(step)),
            "group-arn": self._group_arn,
            "groups": "yes" if self._groups else "no",
        }
        process = subprocess.Popen(
            [
                *("cdk", command, self._stack_name, option, "--no-notices", "--ci"),
                *("--app", shlex.join([sys.executable, "-m", "real_check.app"])),
                *("--output", str(self._folder / f"step-{int(step)}")),
                *(part for name, value in context.items() for part in ("-c", f"{name}={value}")),
            ],
            cwd=_REPOSITORY,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C goes to the check alone, which then ends the CLI and removes the stack
            start_new_session=True,
        )
        try:
            written, _ = process.communicate(timeout=_SECONDS_AT_MOST)
        finally:
            _end(process)
        if (process.returncode != 0) is not fails:
            last = "\n".join(written.splitlines()[-_LINES_SHOWN:])
            should = "should have failed" if fails else "failed"
            raise DeploymentError(f"`cdk {command}` of step {step.name} {should}:\n{last}")


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
