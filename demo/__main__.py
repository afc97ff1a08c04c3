"""`python -m demo`: exit code 0 when every claim held, 1 when one did not."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from demo.cdk_cli import CliError
from demo.claims import ClaimError
from demo.console import Console, Style
from demo.leftover_processes import leftover_processes
from demo.story import Story
from local_aws.aws import LocalAws

_APP_FOLDER = Path(__file__).resolve().parents[1]
_PICTURES = Path("build/demo")
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="show every line of the CDK CLI")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that cannot show a branch of a tree shows a question mark
        sys.stdout.reconfigure(errors="replace")
    console = Console.of(sys.stdout, os.environ)
    if shutil.which("cdk") is None:
        console.line("the CDK CLI is not on the PATH: start the demo with `make demo`", 0)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        # also where a shell in the background has started this with Ctrl-C ignored
        signal.signal(number, _interrupt)
    try:
        return _run(console, verbose=options.verbose)
    except KeyboardInterrupt:
        console.done()
        console.line("interrupted: everything that was started has ended", 0)
        return _INTERRUPTED
    except (ClaimError, CliError) as error:
        console.done()
        console.line()
        console.paragraph(str(error), Style.BAD, Style.STRONG, depth=0, mark="✗ ")
        return 1


def _run(console: Console, *, verbose: bool) -> int:
    started = time.monotonic()
    console.line(console.styled("An agent hierarchy of Amazon Connect, as code", Style.STRONG), 0)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, LocalAws() as aws:
        console.paragraph(
            f"The AWS is one on this machine, {aws.endpoint_url}; the CDK CLI, the app and the "
            "function are the real ones. Nothing leaves this machine, nothing is charged.",
            Style.FAINT,
        )
        story = Story(
            aws,
            console,
            app_folder=_APP_FOLDER,
            output_folder=Path(folder),
            picture_folder=_APP_FOLDER / _PICTURES,
            verbose=verbose,
        )
        story.tell()
    if left := leftover_processes(story.process_groups):
        raise ClaimError(f"processes were left behind: {left}")
    console.paragraph("no process is left", Style.GOOD, mark="✓ ")
    console.line()
    seconds = time.monotonic() - started
    console.line(
        console.styled(
            f"Done in {seconds:.0f} s: all {story.claims_held + 1} claims held.",
            Style.STRONG,
            Style.GOOD,
        ),
        0,
    )
    console.paragraph(
        f"The pictures before and after the reorganisation, and of its plan, are in {_PICTURES}.",
        depth=0,
    )
    console.paragraph(
        "Next: read app.py, or edit organisation/step-1.yaml and try it by hand: `make local` in "
        "one terminal, `cdk deploy` in another.",
        depth=0,
    )
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM end the demo."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
