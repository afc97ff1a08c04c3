"""A user's app under the type checkers that people use, against the installed wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

import connect_hierarchy
from tests.support.wheel import install, new_wheel

REPOSITORY = Path(__file__).resolve().parents[1]
APP = Path(__file__).with_name("typing") / "users_app.py"
WRONG = {
    "memory_size=256,": 'memory_size="256",',
    '"children": ["East", {"name": "West"}],': '"children": ["East", {"named": "West"}],',
    'add_group("Below", name="Below")': 'add_group("Below", named="Below")',
    "above.hierarchy_group_id": "above.group_id",
}
"""Lines of the app, and what is wrong in their place."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, where its dependencies are those of this one."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    install(new_wheel(tmp_path_factory.mktemp("wheel")), packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return environment / "bin" / "python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app, and the same with mistakes in it."""
    folder = tmp_path_factory.mktemp("app")
    text = APP.read_text("utf-8")
    (folder / "app.py").write_text(text)
    for right, wrong in WRONG.items():
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    (folder / "wrong.py").write_text(text)
    return folder


def lines_of_mistakes(folder: Path) -> set[int]:
    """Where the app with mistakes has them."""
    lines = (folder / "wrong.py").read_text("utf-8").splitlines()
    return {
        number
        for number, line in enumerate(lines, start=1)
        if any(wrong in line for wrong in WRONG.values())
    }


def run_checker(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a type checker in a folder, where it sees nothing of the repository."""
    return subprocess.run(
        command,
        cwd=folder,
        env=without_sources(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def strict_settings(folder: Path) -> Path:
    """The repository's settings of mypy in a file, without its folders."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    written = {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in settings.items()
        if name not in {"mypy_path", "packages", "overrides"}
    }
    ini = folder / "mypy.ini"
    lines = [f"{name} = {value}" for name, value in written.items()]
    ini.write_text("\n".join(["[mypy]", *lines]), encoding="utf-8")
    return ini


def test_mypy_strict(python: Path, folder: Path) -> None:
    """Nothing is wrong with the app, and each mistake is found in its line."""
    # with equal settings mypy reads what `make check` has stored of the CDK, and saves a minute
    stored = REPOSITORY / ".mypy_cache"
    if stored.exists():
        shutil.copytree(stored, folder / "cache")
    checked = run_checker(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--output=json"),
            *("--config-file", str(strict_settings(folder)), "--python-executable", str(python)),
            *("--cache-dir", str(folder / "cache"), "app.py", "wrong.py"),
        ],
        folder,
    )
    assert checked.stderr == ""
    found = [json.loads(line) for line in checked.stdout.splitlines()]
    errors = [(one["file"], one["line"]) for one in found if one["severity"] == "error"]
    assert set(errors) == {("wrong.py", line) for line in lines_of_mistakes(folder)}, found


def test_pyright(python: Path, folder: Path) -> None:
    """The same in pyright's strict mode."""
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    pyright = shutil.which("pyright")
    assert pyright is not None, "pyright is not on the path: run the tests with `make test`"
    checked = run_checker(
        [pyright, "--outputjson", "--pythonpath", str(python), "app.py", "wrong.py"], folder
    )
    found = json.loads(checked.stdout)["generalDiagnostics"]
    errors = {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
        for one in found
        if one["severity"] == "error"
    }
    assert errors == {("wrong.py", line) for line in lines_of_mistakes(folder)}, found


def test_all_that_is_exported_is_in_the_app() -> None:
    """The app uses every public name."""
    text = APP.read_text("utf-8")
    body = text[text.index("INSTANCE_ARN = ") :]
    assert [name for name in connect_hierarchy.__all__ if name not in body] == []


def without_sources() -> dict[str, str]:
    """This process's environment, less the paths to the sources of the packages."""
    return {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "MYPYPATH"}
    }
