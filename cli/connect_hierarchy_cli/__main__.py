"""`connect-hierarchy`, also as `python -m connect_hierarchy_cli`: runs a command, tells errors."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connect_hierarchy_cli.application import application
from connect_hierarchy_cli.errors import EXIT_ERROR, EXIT_SUCCESS, explained
from connect_hierarchy_cli.settings import PROGRAM, Settings

if TYPE_CHECKING:
    from connect_hierarchy_lambda.ports.time import Clock


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Run a command.

    Args:
        arguments: Those of the program, the process's own if they are None.
        clock: What waits for the pace of requests, the machine's clock if it is None.

    Returns:
        The exit code: 0 for success; 1 for an error, which was told on standard error; 2 where a
        command that compares found a difference.
    """
    typed = sys.argv[1:] if arguments is None else list(arguments)
    settings = Settings(arguments=tuple(typed), clock=clock)
    try:
        code = application.main(args=typed, prog_name=PROGRAM, standalone_mode=False, obj=settings)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in one sentence
        return _tell(error, settings)
    except KeyboardInterrupt as interrupt:
        return _tell(interrupt, settings)
    return code if isinstance(code, int) else EXIT_SUCCESS


def _tell(error: BaseException, settings: Settings) -> int:
    _give_up_output(error)
    if settings.debug:
        traceback.print_exception(error)
    sys.stderr.write(f"{explained(error, settings)}\n")
    return EXIT_ERROR


def _give_up_output(error: BaseException) -> None:
    """Keep Python from flushing an output that is full or closed once more at its end."""
    if isinstance(error, OSError) and error.filename is None:
        with contextlib.suppress(OSError):  # of an output that is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
