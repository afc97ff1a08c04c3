"""Every error as one sentence and the next command to type."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from connect_hierarchy_cli.settings import PROGRAM, Settings
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError, printable

EXIT_SUCCESS = 0
EXIT_ERROR = 1
EXIT_CHANGES = 2
"""The exit code of commands that compare, if something differs."""


class CommandError(Exception):
    """What stops a command: a sentence for people, and the next command to type."""

    def __init__(self, sentence: str, next_command: str = "") -> None:
        super().__init__(sentence)
        self.next_command = next_command


class OutputClosedError(Exception):
    """The program that read the output has ended."""


@dataclass(frozen=True)
class Explanation:
    """The message about an error."""

    sentence: str
    next_command: str = ""

    def __str__(self) -> str:
        lines = [f"Error: {printable(self.sentence)}"]
        if self.next_command:
            lines.append(f"Try:   {printable(self.next_command)}")
        return "\n".join(lines)


def tell(error: BaseException, settings: Settings) -> int:
    """Write the meaning of an error to standard error; with `--debug`, also its origin.

    Returns:
        The exit code.
    """
    if isinstance(error, OutputClosedError) or (
        isinstance(error, OSError) and error.filename is None
    ):
        # keep Python from flushing, when it ends, an output that is full or closed
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if settings.debug:
        import traceback  # noqa: PLC0415 - seldom needed

        traceback.print_exception(error)
    sys.stderr.write(f"{explained(error, settings)}\n")
    return EXIT_ERROR


def explained(error: BaseException, settings: Settings) -> Explanation:
    """The message about any error."""
    match error:
        case CommandError():
            return Explanation(str(error), error.next_command)
        case click.UsageError():
            command = error.ctx.command_path if error.ctx is not None else PROGRAM
            return Explanation(error.format_message(), f"{command} --help")
        case click.ClickException():
            return Explanation(error.format_message(), f"{PROGRAM} --help")
        case click.Abort() | KeyboardInterrupt():
            return Explanation("interrupted, nothing was changed", settings.again())
        case InvalidHierarchyError() | HierarchyError():
            return Explanation(str(error))
        case OutputClosedError() | BrokenPipeError():
            sentence = "the program that reads this output ended before all of it was written"
            return Explanation(sentence, f"{settings.again()} > FILE")
        case OSError():
            return _of_the_system(error, settings)
        case MemoryError():
            return Explanation("this machine does not have enough memory for it", "free -m")
    if "botocore" in sys.modules:
        # imported only if a command has used it, since it takes longer than everything else
        from connect_hierarchy_cli.service_errors import explained_service_error  # noqa: PLC0415

        explanation = explained_service_error(error, settings)
        if explanation is not None:
            return Explanation(*explanation)
    return Explanation(
        f"this is a bug in the program: {type(error).__name__}: {error}",
        settings.again("--debug"),
    )


def _of_the_system(error: OSError, settings: Settings) -> Explanation:
    """The message about a file, a disk or a device."""
    name = "the output" if error.filename is None else f"'{os.fspath(error.filename)}'"
    folder = Path(os.fsdecode(error.filename)).parent if error.filename is not None else Path()
    shown = shlex.quote(str(folder))
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return Explanation(f"the disk is full: {name} could not be written", f"df -h {shown}")
        case errno.ENOENT:
            return Explanation(f"{name} does not exist", f"ls {shown}")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Explanation(f"you are not allowed to read or write {name}", f"ls -ld {shown}")
        case errno.EISDIR:
            return Explanation(f"{name} is a folder, a file is needed", f"ls {shown}")
        case errno.EEXIST | errno.ENOTDIR:
            return Explanation(f"{name} is in the way", f"ls -l {shown}")
    reason = error.strerror or str(error) or type(error).__name__
    return Explanation(f"{name} cannot be read or written: {reason}", settings.again("--debug"))
