"""`python -m release.versions`: the wheel on each Python, with the oldest and newest aws-cdk-lib.

Each gets a virtual environment in build/versions. Tests of the model, of tree files, of templates
and of the wheel run there, against the installed wheel and not against its sources.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from release.building import REPOSITORY, build, commit_time, project
from release.pythons import find_python

MINORS = (11, 12, 13, 14)
TESTS = (
    "tests/test_model.py",
    "tests/test_model_tree.py",
    "tests/test_tree_files_*.py",
    "tests/test_constructs_*.py",
    "tests/test_wheel.py",
)
_FOLDER = REPOSITORY / "build" / "versions"
# Each run chooses the CDK's own packages, not the pins.
_OF_THE_CDK = re.compile(r"(aws-cdk|jsii|constructs)\b[\w.-]*==")


class VersionError(Exception):
    """An environment that could not be set up."""


@dataclass(frozen=True)
class Run:
    """How the tests ended with a Python and an aws-cdk-lib."""

    python: str
    cdk: str
    passed: bool
    summary: str


def floor_of_cdk() -> str:
    """The oldest aws-cdk-lib that the metadata allows."""
    for text in project()["project"]["dependencies"]:
        requirement = Requirement(text)
        if requirement.name == "aws-cdk-lib":
            return next(one.version for one in requirement.specifier if one.operator == ">=")
    raise VersionError("pyproject.toml has no requirement aws-cdk-lib>=…")


def requirements_of_tests() -> str:
    """The packages that tests need besides the wheel, with the pins of requirements.txt."""
    lines = (REPOSITORY / "requirements.txt").read_text("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not _OF_THE_CDK.match(line))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all tests, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release.versions", description=__doc__)
    parser.add_argument("--minor", type=int, nargs="*", choices=MINORS, default=list(MINORS))
    parser.add_argument("--tests", nargs="*", default=TESTS, help="patterns of test files")
    options = parser.parse_args(arguments)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    wheel, _ = build(_FOLDER / "dist", commit_time())
    tests = [str(file) for pattern in options.tests for file in sorted(REPOSITORY.glob(pattern))]
    runs: list[Run] = []
    missing: list[str] = []
    for minor in options.minor:
        python = find_python(minor)
        if python is None:
            missing.append(f"3.{minor}")
            continue
        runs += _on_python(python, minor, wheel, tests)
    sys.stdout.write(table(runs, missing))
    return 0 if runs and all(run.passed for run in runs) else 1


def table(runs: Sequence[Run], missing: Sequence[str]) -> str:
    """The table of results, with the Pythons that this machine lacks."""
    lines = ["", f"{'Python':<10}{'aws-cdk-lib':<14}{'':<8}tests"]
    for run in runs:
        ended = "passed" if run.passed else "FAILED"
        lines.append(f"{run.python:<10}{run.cdk:<14}{ended:<8}{run.summary}")
    if missing:
        lines.append(f"not on this machine: Python {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def _on_python(python: Path, minor: int, wheel: Path, tests: Sequence[str]) -> list[Run]:
    environment = _FOLDER / f"python3.{minor}"
    _say(f"Python 3.{minor}: setting up …")
    try:
        _command(python, "-m", "venv", environment)
        own = environment / "bin" / "python"
        needed = _FOLDER / "requirements.txt"
        needed.write_text(requirements_of_tests(), "utf-8")
        _install(own, "-r", needed, f"{wheel}[cli]")
        newest = _installed(own)
        runs = [_tested(own, newest, tests)]
        oldest = floor_of_cdk()
        if oldest != newest:
            _install(own, f"aws-cdk-lib=={oldest}")
            runs.append(_tested(own, oldest, tests))
    except VersionError as error:
        return [Run(f"3.{minor}", "-", passed=False, summary=str(error))]
    return runs


def _tested(python: Path, cdk: str, tests: Sequence[str]) -> Run:
    version = _command(python, "-c", "import platform; print(platform.python_version())").strip()
    _say(f"Python {version}, aws-cdk-lib {cdk}: testing …")
    began = time.monotonic()
    # Without the sources on the path, the tests use the installed wheel.
    command: list[str | Path] = [
        *(python, "-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"),
        *("-o", "pythonpath=.", *tests),
    ]
    tested = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=_environment(python),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = tested.returncode == 0
    if not passed:
        sys.stdout.write(tested.stdout)
    last = (tested.stdout.strip().splitlines() or ["no output"])[-1].strip("= ")
    return Run(version, cdk, passed=passed, summary=f"{last} ({time.monotonic() - began:.0f} s)")


def _environment(python: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = os.pathsep.join([str(python.parent), inherited.get("PATH", "")])
    return {**inherited, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _installed(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('aws-cdk-lib'))"
    return _command(python, "-c", code).strip()


def _install(python: Path, *what: str | Path) -> None:
    _command(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _command(*command: str | Path) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_environment(Path(sys.executable))
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise VersionError("; ".join(lines) or done.stderr.strip()[-300:])
    return done.stdout


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
