"""The wheel, built and installed outside of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside of the repository and without its paths; its output on failure."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "TMPDIR", "JSII_NODE"}
    }
    result = subprocess.run(
        command,
        cwd=cwd,
        env={**inherited, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def new_wheel(folder: Path) -> Path:
    """Build the wheel, as `make wheel` does."""
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--no-index", "--wheel-dir", str(folder), str(REPOSITORY)),
        cwd=folder,
    )
    (path,) = folder.glob("*.whl")
    return path


def install(wheel: Path, folder: Path) -> None:
    """Install the wheel into a folder, without what it depends on."""
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--target", str(folder), str(wheel)),
        cwd=folder,
    )
