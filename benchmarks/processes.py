"""Runs Python in fresh processes, and measures each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_LAUNCHER = str(Path(__file__).with_name("measured_process.py"))


@dataclass(frozen=True)
class Took:
    """The cost of a process.

    Args:
        seconds: Real ones, from its start to its end.
        processor_seconds: Of all its processes.
        peak_bytes: Resident memory of its largest process.
        output: What it printed.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Took:
    """Run Python with these arguments.

    Raises:
        RuntimeError: If it fails, with what it printed.
    """
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        tempfile.NamedTemporaryFile() as notes,
    ):
        launched = subprocess.run(
            # isolated and without site-packages, so that it is small
            [sys.executable, "-I", "-S", _LAUNCHER, notes.name, sys.executable, *arguments],
            stdout=output,
            stderr=errors,
            env=None if environment is None else dict(environment),
            check=False,
        )
        output.seek(0)
        errors.seek(0)
        if launched.returncode != 0:
            msg = f"python {' '.join(arguments[:3])} failed: {errors.read().decode()[-2000:]}"
            raise RuntimeError(msg)
        took = json.loads(notes.read())
        return Took(
            seconds=took["seconds"],
            processor_seconds=took["processor_seconds"],
            peak_bytes=took["peak"] * (1 if sys.platform == "darwin" else _KIB),
            output=output.read().decode(),
        )


def rounds(
    commands: Mapping[str, Sequence[str]],
    repetitions: int,
    environment: Mapping[str, str] | None = None,
) -> dict[str, list[Took]]:
    """Run each command several times, in turns, so that other load affects all alike."""
    took: dict[str, list[Took]] = {name: [] for name in commands}
    for _ in range(repetitions):
        for name, arguments in commands.items():
            took[name].append(run(arguments, environment))
    return took


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
