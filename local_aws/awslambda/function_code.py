"""Unpacks the zips of functions, each once."""

from __future__ import annotations

import io
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from moto.awslambda.models import LambdaFunction

# Lambda's quota for the unpacked code, layers included.
MAX_UNPACKED_BYTES = 262_144_000


class FunctionCodeError(ValueError):
    """A function whose code cannot be run here."""

    def __init__(self, function: LambdaFunction, reason: str) -> None:
        super().__init__(f"running function {function.function_name!r}: {reason}")


def check_runnable(function: LambdaFunction) -> None:
    """Refuse what this machine cannot run.

    Raises:
        FunctionCodeError: no Python, a container image, layers, or code that was never uploaded.
    """
    runtime = function.run_time or ""
    if function.package_type != "Zip":
        raise FunctionCodeError(function, "it is a container image, deploy it as a zip")
    if not runtime.startswith("python"):
        raise FunctionCodeError(function, f"its runtime is {runtime!r}, only python… can run here")
    if function.layers:
        raise FunctionCodeError(function, "it has layers, put their content into its zip")
    if not function.code_bytes:
        raise FunctionCodeError(function, "its zip is empty, was it uploaded to its bucket?")


def unpack(function: LambdaFunction, folder: Path) -> Path:
    """Return the folder with the function's code; it is below `folder`, one for each content.

    Raises:
        FunctionCodeError: the zip is none, is too large, or would write outside of its folder.
    """
    target = folder / function.code_digest.removeprefix("sha256:")
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    # Unpacked beside its place and then renamed: a process that sees the folder sees all of it.
    staging = Path(tempfile.mkdtemp(dir=folder, prefix="unpacking-"))
    try:
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
            _check(archive, function)
            for member in archive.infolist():
                path = Path(archive.extract(member, staging))
                # zips made on other systems carry no modes; everything is readable on Lambda
                mode = stat.S_IMODE(member.external_attr >> 16)
                path.chmod(mode | (0o755 if member.is_dir() else 0o444))
        staging.chmod(0o755)
        try:
            staging.rename(target)
        except OSError:
            # somebody else was faster, with the same content
            if not target.is_dir():
                raise
    except zipfile.BadZipFile as error:
        raise FunctionCodeError(function, f"its zip cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _check(archive: zipfile.ZipFile, function: LambdaFunction) -> None:
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            reason = f"{member.filename!r} would be unpacked outside of its folder"
            raise FunctionCodeError(function, reason)
    size = sum(member.file_size for member in archive.infolist())
    if size > MAX_UNPACKED_BYTES:
        reason = f"its zip has {size} bytes unpacked, at most {MAX_UNPACKED_BYTES} are allowed"
        raise FunctionCodeError(function, reason)
