"""Runs the real CDK CLI and shows what it does in a form that can be followed."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.cli_events import CliEvent
from demo.console import Console, Style

_SECONDS_AT_MOST = 300.0
_SECONDS_TO_END = 5.0

# Options that make the CLI ask nothing.
_UNATTENDED: Mapping[str, tuple[str, ...]] = {
    "bootstrap": (),
    "deploy": ("--require-approval", "never"),
    "diff": (),
    "synth": ("--quiet",),
    "destroy": ("--force",),
}

# The rest are counted only: a role, a log group and the like do not tell the story.
_SHOWN_TYPES = (
    "AWS::Connect::Instance",
    "AWS::Connect::User",
    "AWS::Lambda::Function",
    "Custom::",
)


class CliError(Exception):
    """The CLI ended otherwise than it should."""


@dataclass
class CliRun:
    """A run of the CLI, as it has ended.

    Args:
        exit_code: of the CLI.
        lines: all that it has written.
        seconds: how long it took.
        outcomes: how many resources were created, updated, deleted, …
    """

    exit_code: int = 0
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)


class CdkCli:
    """The CDK CLI on an app.

    Args:
        console: where to show what it does.
        environment: all variables of the CLI and the app.
        app_folder: where cdk.json is.
        output_folder: where the cloud assembly goes, in place of cdk.out.
        verbose: show every line of the CLI as it is.
    """

    def __init__(
        self,
        console: Console,
        *,
        environment: Mapping[str, str],
        app_folder: Path,
        output_folder: Path,
        verbose: bool = False,
    ) -> None:
        self._console = console
        self._environment = environment
        self._app_folder = app_folder
        self._output_folder = output_folder
        self._verbose = verbose
        self.process_groups: list[int] = []
        self._cleans_up = False

    def run(
        self, command: str, *arguments: str, fails: bool = False, condensed: bool = False
    ) -> CliRun:
        """Run a command of the CLI to its end.

        Args:
            command: as `deploy`.
            arguments: of the command.
            fails: whether it should fail.
            condensed: show no single resources.

        Raises:
            CliError: if it failed and should not, or the other way round; what it has written was
                shown then.
        """
        self._console.line()
        shown = shlex.join(["cdk", command, *arguments])
        self._console.line(self._console.styled(f"$ {shown}", Style.STRONG))
        started = time.monotonic()
        run = CliRun()
        ended = self._follow(run, [command, *arguments], condensed=condensed)
        run.seconds = time.monotonic() - started
        if not ended or (run.exit_code != 0) is not fails:
            if not self._verbose:
                self._console.line("all that the CLI has written:")
                for line in run.lines:
                    self._console.line(line, 2)
            if not ended:
                raise CliError(f"`{shown}` has not ended within {_SECONDS_AT_MOST:.0f} s")
            expected = "should have failed" if fails else "failed"
            raise CliError(f"`{shown}` {expected}, its exit code is {run.exit_code}")
        self._console.line(self._console.styled(self._summary(run), Style.FAINT))
        return run

    def _follow(self, run: CliRun, command: list[str], *, condensed: bool) -> bool:
        """Run a command and show it; False where it took too long and was ended."""
        started = time.monotonic()
        doing = f"{command[0]}: the CLI starts"
        self._cleans_up = False
        with self._process(command) as process:
            lines = _lines_of(process)
            while True:
                try:
                    line = lines.get(timeout=0.1)
                except queue.Empty:
                    line = ""
                if line is None:
                    break
                if line:
                    run.lines.append(line)
                    doing = self._show(run, line, condensed=condensed) or doing
                self._console.alive(doing, started)
                if time.monotonic() - started > _SECONDS_AT_MOST:
                    return False
            run.exit_code = process.wait()
        self._console.done()
        return True

    @contextlib.contextmanager
    def _process(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        """The CLI's process; with what it has started it ends at the latest with the `with`."""
        name, *arguments = command
        process = subprocess.Popen(
            [  # noqa: S607 - the CLI of the PATH that is handed on to it
                "cdk",
                name,
                *arguments,
                *_UNATTENDED[name],
                "--no-notices",
                "--output",
                str(self._output_folder),
            ],
            cwd=self._app_folder,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # a group of its own: what it has started can be ended and found with it
            start_new_session=True,
        )
        self.process_groups.append(process.pid)
        try:
            yield process
        finally:
            if process.returncode is None:
                _end(process)
            if process.stdout is not None:
                process.stdout.close()

    def _show(self, run: CliRun, line: str, *, condensed: bool) -> str | None:
        """Show a line; what the CLI is doing now, None where that does not tell."""
        event = CliEvent.parse(line)
        if self._verbose:
            self._console.line(line, 2)
        if event is None:
            return line.strip(" .✨⏳") if line.endswith("...") else None
        if event.outcome is not None:
            run.outcomes[event.outcome] += 1
        if not condensed and not self._verbose:
            self._show_event(event)
        return f"{event.progress} resources · {event.name}"

    def _show_event(self, event: CliEvent) -> None:
        console = self._console
        if event.begins_rollback:
            console.line(console.styled("⟲ CloudFormation rolls back", Style.CHANGED), 2)
        elif event.precedes_clean_up:
            self._cleans_up = True
        elif event.failed:
            style = Style.BAD
            console.line(console.styled(f"✗ failed   {event.type}  {event.name}", style), 2)
            console.paragraph(event.reason, style, depth=3)
        elif event.outcome is not None and event.type.startswith(_SHOWN_TYPES):
            if self._cleans_up:
                text = "· clean-up: what is not needed any more goes"
                console.line(console.styled(text, Style.FAINT), 2)
                self._cleans_up = False
            console.line(f"· {event.outcome:<8} {event.type:<33}  {event.name}", 2)

    @staticmethod
    def _summary(run: CliRun) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in run.outcomes.items())
        resources = f"resources: {counts}; " if counts else ""
        return f"{resources}exit code {run.exit_code}, {run.seconds:.0f} s"


def _lines_of(process: subprocess.Popen[str]) -> queue.SimpleQueue[str | None]:
    """The lines that a process writes as they come, None after the last one."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        # closed while it reads, when the demo is interrupted
        with contextlib.suppress(ValueError, OSError):
            for line in process.stdout or ():
                lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, name="cdk output", daemon=True).start()
    return lines


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its whole group, politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
