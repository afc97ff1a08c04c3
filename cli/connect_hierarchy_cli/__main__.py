"""`connect-hierarchy`, also as `python -m connect_hierarchy_cli`: runs a command, tells errors.

Imports stand where they are needed, so that Ctrl-C meets none of them unguarded and `--help` does
not wait for what it does not use.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing's own takes longer to import than all else here
if TYPE_CHECKING:
    from collections.abc import Sequence

    from connect_hierarchy_cli.settings import Settings
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
    typed = tuple(sys.argv[1:] if arguments is None else arguments)
    settings = None
    try:
        from connect_hierarchy_cli.application import run  # noqa: PLC0415
        from connect_hierarchy_cli.settings import Settings  # noqa: PLC0415

        settings = Settings(arguments=typed, clock=clock)
        return run(settings)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - all are told in one sentence
        return _tell(error, settings)


def _tell(error: BaseException, settings: Settings | None) -> int:
    if settings is None:
        sys.stderr.write(f"Error: {type(error).__name__} before the program began\n")
        return 1
    from connect_hierarchy_cli.errors import tell  # noqa: PLC0415

    return tell(error, settings)


if __name__ == "__main__":
    sys.exit(main())
