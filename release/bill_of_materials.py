"""Bills of materials in CycloneDX: what the wheel needs, and what the function bundles.

cyclonedx-py writes and validates them. It reads an environment, so each bill gets one that has only
the metadata of its packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from connect_hierarchy.bundling import CRHELPER
from release.building import REPOSITORY, project

SPECIFICATION = "1.6"


def write_bill_of_dependencies(target: Path, source_date_epoch: str) -> Path:
    """Write what the wheel needs, including the extra `cli`, in the tested versions.

    Args:
        target: The folder for the file.
        source_date_epoch: The time in the bill, in seconds since 1970.

    Returns:
        The file.

    Raises:
        subprocess.CalledProcessError: If the bill is not valid; cyclonedx-py has printed why.
    """
    settings = project()["project"]
    wanted = [*settings["dependencies"], *settings["optional-dependencies"]["cli"]]
    return _write(target / f"{_stem()}.cdx.json", _needed(wanted), source_date_epoch)


def write_bill_of_function(target: Path, source_date_epoch: str) -> Path:
    """Write what the function's asset bundles besides this library's code.

    Arguments, result and errors are those of `write_bill_of_dependencies`.
    """
    bundled = [distribution(CRHELPER)]
    return _write(target / f"{_stem()}.function.cdx.json", bundled, source_date_epoch)


def _stem() -> str:
    return f"cdk_connect_hierarchy-{project()['project']['version']}"


def _needed(requirements: list[str]) -> list[Distribution]:
    """The distributions of these requirements on this machine, each once."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    due = [(requirement, "") for requirement in requirements]
    while due:
        text, extra = due.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras} - {extra for known, extra in seen if known == name}
        found.setdefault(name, distribution(name))
        seen |= {(name, extra) for extra in extras}
        needs = found[name].requires or []
        due += [(need, extra) for extra in extras for need in needs]
    return [found[name] for name in sorted(found)]


def _write(file: Path, distributions: list[Distribution], source_date_epoch: str) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder), distributions)
        subprocess.run(
            [
                *(sys.executable, "-m", "cyclonedx_py", "environment"),
                *("--spec-version", SPECIFICATION, "--output-format", "JSON", "--validate"),
                *("--output-reproducible", "--gather-license-texts", "--mc-type", "library"),
                *("--pyproject", REPOSITORY / "pyproject.toml", "--output-file", file),
                environment / "bin" / "python",
            ],
            env={**os.environ, "SOURCE_DATE_EPOCH": source_date_epoch, "PYTHONPATH": ""},
            check=True,
        )
    return file


def _environment(environment: Path, distributions: list[Distribution]) -> Path:
    """A virtual environment with the metadata of these packages, and nothing else."""
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    for one in distributions:
        # the folder with the metadata of an installed package
        metadata = Path(str(one.locate_file(""))) / _metadata_folder(one)
        (packages / metadata.name).symlink_to(metadata, target_is_directory=True)
    return environment


def _metadata_folder(one: Distribution) -> str:
    folders = {file.parts[0] for file in one.files or () if file.name == "METADATA"}
    (folder,) = (name for name in folders if name.endswith(".dist-info"))
    return folder
