"""`make second-engine`: the demo's story on an engine that others wrote.

The handlers and the local AWS have the same authors: what they misread of AWS is wrong in both.
Here the real CDK CLI deploys the hierarchy of the sample app on ministack, whose authors read AWS
for themselves. Amazon Connect, which ministack lacks, is that of the local AWS.

ministack works differently from the local AWS in these ways, and the handlers have to bear them:

- The URL for the answer to an event has no date.
- The Deletes after a successful update come while the stack's status is UPDATE_IN_PROGRESS.
- A replaced resource is rolled back by the Delete of its new id alone, without a reversed Update.
- During a rollback GetTemplate shows the new template until the rollback is complete.
- A resource whose Create failed in an update gets no Delete.

`make test` leaves it out: it needs an environment of its own, and takes more than a minute.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from local_aws.aws import LocalAws
from local_aws.demo.cdk_cli import CliError
from local_aws.demo.claims import ClaimError
from local_aws.demo.console import Console, Style
from local_aws.demo.leftover_processes import leftover_processes
from tests.second_engine.ministack import EngineError, Ministack
from tests.second_engine.story import Story

_REPOSITORY = Path(__file__).resolve().parents[2]
_INTERRUPTED = 130


def main() -> int:
    """Tell the story and return the exit code: 0 when every claim held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("python", type=Path, help="of the environment that has ministack")
    parser.add_argument("--verbose", action="store_true", help="show every line of the CDK CLI")
    parser.add_argument("--log", type=Path, help="keep what ministack writes in this file")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console.of(sys.stdout, os.environ)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        _run(console, options.python, options.log, verbose=options.verbose)
    except KeyboardInterrupt:
        console.done()
        console.line("interrupted: everything that was started has ended", 0)
        return _INTERRUPTED
    except (ClaimError, CliError, EngineError) as error:
        console.done()
        console.line()
        console.paragraph(str(error), Style.BAD, Style.STRONG, depth=0, mark="✗ ")
        return 1
    return 0


def _run(console: Console, python: Path, log: Path | None, *, verbose: bool) -> None:
    started = time.monotonic()
    console.line(console.styled("The demo's story on a second engine", Style.STRONG), 0)
    with tempfile.TemporaryDirectory(prefix="second-engine-") as name, LocalAws() as aws:
        folder = Path(name)
        engine = Ministack(python, folder, region=aws.region)
        try:
            with engine:
                console.paragraph(f"ministack listens on {engine.endpoint_url}", Style.FAINT)
                story = Story(
                    engine,
                    aws,
                    console,
                    app_folder=_REPOSITORY,
                    output_folder=folder,
                    verbose=verbose,
                )
                story.tell()
        finally:
            if log is not None and engine.log.exists():
                log.write_bytes(engine.log.read_bytes())
    if left := leftover_processes([*story.process_groups, engine.process_group]):
        raise ClaimError(f"processes were left behind: {left}")
    console.paragraph("no process is left", Style.GOOD, mark="✓ ")
    console.line()
    seconds = time.monotonic() - started
    text = f"Done in {seconds:.0f} s: all {story.claims_held + 1} claims held."
    console.line(console.styled(text, Style.STRONG, Style.GOOD), 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM end the story."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
