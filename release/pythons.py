"""The Pythons of this machine, from the PATH and from pyenv."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


def find_python(minor: int) -> Path | None:
    """A working Python 3 of this minor version, None if there is none."""
    for candidate in _candidates(minor):
        if _runs(candidate, minor):
            return candidate
    return None


def _candidates(minor: int) -> Iterator[Path]:
    on_path = shutil.which(f"python3.{minor}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout
    versions = Path(root.strip(), "versions").glob(f"3.{minor}.*/bin/python3.{minor}")
    yield from sorted(versions, key=_patch, reverse=True)


def _patch(python: Path) -> tuple[int, ...]:
    version = python.parents[1].name
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _runs(python: Path, minor: int) -> bool:
    """Whether it works and has this version; a shim of pyenv may not work."""
    asked = subprocess.run(
        [python, "-I", "-c", "import sys, ensurepip; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode == 0 and asked.stdout.split() == ["3", str(minor)]
