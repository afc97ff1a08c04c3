"""The wheel and the source distribution: built so that the same commit gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]

_METADATA_OF_A_WHEEL = frozenset(
    {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
)
_ALWAYS_IN_A_SOURCE_DISTRIBUTION = frozenset({"PKG-INFO", "pyproject.toml", ".gitignore"})


class ReleaseError(Exception):
    """A fault that prevents the release."""


def project(repository: Path = REPOSITORY) -> Mapping[str, Any]:
    """The content of pyproject.toml, the only place that has the version."""
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))


def commit_time(repository: Path = REPOSITORY) -> str:
    """The time of the last commit in seconds since 1970, which all built files get."""
    return _git(repository, "log", "-1", "--format=%ct").strip()


def build(target: Path, source_date_epoch: str, repository: Path = REPOSITORY) -> tuple[Path, Path]:
    """Build the wheel and the source distribution.

    Args:
        target: The folder for both.
        source_date_epoch: The time of all files in them, in seconds since 1970.
        repository: The folder of the sources.

    Returns:
        The wheel and the source distribution.

    Raises:
        subprocess.CalledProcessError: If hatchling cannot build them; it has printed why.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", target],
        cwd=repository,
        env={**os.environ, "SOURCE_DATE_EPOCH": source_date_epoch},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    version = project(repository)["project"]["version"]
    stem = f"cdk_connect_hierarchy-{version}"
    return target / f"{stem}-py3-none-any.whl", target / f"{stem}.tar.gz"


def contents_of_wheel(wheel: Path) -> set[str]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def contents_of_source_distribution(archive: Path) -> set[str]:
    """The files of a source distribution, without the folder around them."""
    with tarfile.open(archive) as tar:
        return {name.split("/", 1)[1] for name in tar.getnames()}


def wanted_in_wheel(repository: Path = REPOSITORY) -> set[str]:
    """The files that the wheel must have: the packages' files that git knows, and the metadata."""
    settings = project(repository)
    packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    of_packages = {
        file.split("/", 1)[1]
        for file in tracked(repository)
        if file.startswith(tuple(f"{package}/" for package in packages))
    }
    folder = f"cdk_connect_hierarchy-{settings['project']['version']}.dist-info"
    return of_packages | {f"{folder}/{name}" for name in _METADATA_OF_A_WHEEL}


def wanted_in_source_distribution(repository: Path = REPOSITORY) -> set[str]:
    """The files that the source distribution must have."""
    settings = project(repository)["tool"]["hatch"]["build"]["targets"]["sdist"]
    included = [pattern.removeprefix("/") for pattern in settings["include"]]
    beginnings = tuple(f"{name}/" for name in included)
    return {
        file for file in tracked(repository) if file in included or file.startswith(beginnings)
    } | _ALWAYS_IN_A_SOURCE_DISTRIBUTION


def check_contents(what: Path, found: Iterable[str], wanted: Iterable[str]) -> None:
    """Compare the files of an archive with those that it must have.

    Raises:
        ReleaseError: If a file is missing, or git does not know one.
    """
    missing, stray = set(wanted) - set(found), set(found) - set(wanted)
    if missing:
        raise ReleaseError(f"{what.name} lacks {', '.join(sorted(missing))}")
    if stray:
        raise ReleaseError(
            f"{what.name} has files that are not committed: {', '.join(sorted(stray))}: commit or "
            "remove them"
        )


def tracked(repository: Path) -> list[str]:
    """The files that git knows."""
    return [name for name in _git(repository, "ls-files", "-z").split("\0") if name]


def _git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - git from the PATH
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
