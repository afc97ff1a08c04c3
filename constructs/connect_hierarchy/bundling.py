"""The function's code: the handlers and crhelper, copied from their installed packages."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_

HANDLER_PACKAGE = "connect_hierarchy_lambda"
CRHELPER = "crhelper"

_LICENCE_FILES = ("LICENSE", "NOTICE")


def handler_code(runtime: lambda_.Runtime) -> lambda_.Code:
    """The asset of the function, put together at synth without Docker, pip or a network.

    Raises:
        RuntimeError: If a package that belongs into it is not installed as plain files.
    """
    bundling = HandlerBundling()
    return lambda_.Code.from_asset(
        # only looked at where bundling is skipped: what is deployed is what the bundling put out
        str(bundling.handlers),
        asset_hash_type=AssetHashType.OUTPUT,
        # the image is required, and never pulled since the local bundling does not give up
        bundling=BundlingOptions(image=runtime.bundling_image, local=bundling),
    )


@jsii.implements(ILocalBundling)
class HandlerBundling:
    """Copies the handlers and crhelper, which are pure Python; the runtime brings boto3."""

    def __init__(self) -> None:
        # looked up here rather than while bundling, where jsii would wrap the error
        self.handlers = _installed(HANDLER_PACKAGE, "cdk-connect-hierarchy")
        self._crhelper = _installed(CRHELPER, CRHELPER)

    # jsii hands the options over as one object, where the interface has them as keywords
    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Put the code into `output_dir`; never False, which would mean to try Docker."""
        target = Path(output_dir)
        _copy_modules(self.handlers, target / HANDLER_PACKAGE)
        _copy_modules(self._crhelper, target / CRHELPER)
        _copy_licences(CRHELPER, target / CRHELPER)
        return True


def _installed(package: str, requirement: str) -> Path:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) if places else None
    if folder is None or not (folder / "__init__.py").is_file():
        msg = (
            f"the Python package '{package}' belongs into the function and is not installed as "
            f"files: run 'pip install {requirement}' in the environment that synthesises"
        )
        raise RuntimeError(msg)
    return folder


def _copy_modules(source: Path, target: Path) -> None:
    """Copy the modules of a package, and no other files."""
    for module in sorted(source.rglob("*.py")):
        _copy(module, target / module.relative_to(source))


def _copy_licences(package: str, target: Path) -> None:
    """Copy the licence files of a package, which must accompany its code."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return
    for file in files:
        if file.name.startswith(_LICENCE_FILES):
            _copy(Path(str(file.locate())), target / file.name)


def _copy(source: Path, target: Path) -> None:
    for folder in reversed(target.relative_to(target.anchor).parents):
        if not (path := target.anchor / folder).exists():
            path.mkdir()
            path.chmod(0o755)
    shutil.copyfile(source, target)
    # Lambda runs the code as another user, whatever the umask here
    target.chmod(0o644)
