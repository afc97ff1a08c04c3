"""`make test-versions`: which Pythons are found, what is installed there, and what is reported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from release.pythons import find_python
from release.versions import Run, floor_of_cdk, requirements_of_tests, table


def script(path: Path, text: str) -> Path:
    """A program of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_finds_the_python_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a version that stands on the PATH is taken."""
    minor = sys.version_info.minor
    python = script(tmp_path / f"python3.{minor}", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python(minor) == python


def test_a_shim_that_leads_nowhere_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pyenv's shim does not run, the newest of its own versions is taken."""
    minor = sys.version_info.minor
    script(tmp_path / "bin" / f"python3.{minor}", "exit 127")
    script(tmp_path / "bin" / "pyenv", f"echo {tmp_path / 'root'}")
    versions = tmp_path / "root" / "versions"
    for patch in (2, 10):
        script(versions / f"3.{minor}.{patch}/bin/python3.{minor}", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_python(minor) == versions / f"3.{minor}.10" / "bin" / f"python3.{minor}"


def test_a_python_of_another_version_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What calls itself by a version and is another one does not count, nor does nothing."""
    script(tmp_path / "python3.99", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python(99) is None
    assert find_python(98) is None


def test_the_cdk_is_not_pinned_there() -> None:
    """What tests need is pinned as here, but for the CDK, whose versions are what is tried."""
    lines = requirements_of_tests().splitlines()
    assert any(line.startswith("pytest==") for line in lines)
    assert any(line.startswith("cdk-nag==") for line in lines)
    assert not [line for line in lines if line.startswith(("aws-cdk", "jsii==", "constructs=="))]
    assert floor_of_cdk() == "2.275.0"


def test_the_table_says_what_ran_and_what_is_not_here() -> None:
    """A line for each run, and the Pythons that were not found."""
    runs = [
        Run("3.11.7", "2.275.0", passed=True, summary="7 passed"),
        Run("3.12.1", "2.275.0", passed=False, summary="1 failed"),
    ]
    assert table(runs, ["3.14"]).splitlines() == [
        "",
        "Python    aws-cdk-lib           tests",
        "3.11.7    2.275.0       passed  7 passed",
        "3.12.1    2.275.0       FAILED  1 failed",
        "not on this machine: Python 3.14",
    ]
