"""`python -m release`: wheel, source distribution and bills of materials, checked, in dist."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from release.bill_of_materials import write_bill_of_dependencies, write_bill_of_function
from release.building import (
    REPOSITORY,
    ReleaseError,
    build,
    check_contents,
    commit_time,
    contents_of_source_distribution,
    contents_of_wheel,
    wanted_in_source_distribution,
    wanted_in_wheel,
)


def main() -> int:
    """Build the release, and return the exit code."""
    target = REPOSITORY / "dist"
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or commit_time()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    try:
        files = _release(target, epoch)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        shutil.rmtree(target)
        sys.stderr.write(f"nothing was released: {error}\n")
        return 1
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        sys.stdout.write(f"{digest}  dist/{file.name}\n")
    return 0


def _release(target: Path, epoch: str) -> list[Path]:
    wheel, archive = build(target, epoch)
    check_contents(wheel, contents_of_wheel(wheel), wanted_in_wheel())
    found = contents_of_source_distribution(archive)
    check_contents(archive, found, wanted_in_source_distribution())
    with tempfile.TemporaryDirectory() as folder:
        for file, again in zip((wheel, archive), build(Path(folder), epoch), strict=True):
            if file.read_bytes() != again.read_bytes():
                raise ReleaseError(f"{file.name} has other bytes when it is built again")
    subprocess.run(
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", wheel, archive],
        check=True,
    )
    bills = [write_bill_of_dependencies(target, epoch), write_bill_of_function(target, epoch)]
    return [wheel, archive, *bills]


if __name__ == "__main__":
    sys.exit(main())
