"""`connect-hierarchy`, also `python -m connect_hierarchy_cli`: runs a command, shows errors.

Imports are where they are needed, so that Ctrl-C during an import is handled, and `--help` does not
wait for modules that it does not use.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would take longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence

    from connect_hierarchy_cli.settings import Settings
    from connect_hierarchy_lambda.ports.time import Clock


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Run a command.

    Args:
        arguments: Arguments of the program; None for those of the process.
        clock: The clock that waits for the pace of requests; None for the machine's.

    Returns:
        The exit code: 0 for success; 1 for an error, which is shown on standard error; 2 if a
        command that compares found a difference.
    """
    typed = tuple(sys.argv[1:] if arguments is None else arguments)
    settings = None
    try:
        from connect_hierarchy_cli.application import run  # noqa: PLC0415
        from connect_hierarchy_cli.settings import Settings  # noqa: PLC0415

        settings = Settings(arguments=typed, clock=clock)
        return run(settings)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - each is shown as one sentence
        return _tell(error, settings)


def _tell(error: BaseException, settings: Settings | None) -> int:
    if settings is None:
        told = f"{type(error).__name__} before the program began"
        if isinstance(error, ModuleNotFoundError):
            told = f"the package {error.name} is missing: install cdk-connect-hierarchy[cli]"
        sys.stderr.write(f"Error: {told}\n")
        return 1
    from connect_hierarchy_cli.errors import tell  # noqa: PLC0415

    return tell(error, settings)


if __name__ == "__main__":
    sys.exit(main())
