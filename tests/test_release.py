"""What is published: nothing missing, nothing stray, the same bytes again, and what is in it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import tarfile
import time
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.bill_of_materials import write_bill_of_dependencies, write_bill_of_function
from release.building import (
    REPOSITORY,
    ReleaseError,
    build,
    check_contents,
    contents_of_source_distribution,
    contents_of_wheel,
    project,
    tracked,
    wanted_in_source_distribution,
    wanted_in_wheel,
)
from tests.support.wheel import install, run

EPOCH = "1790000000"
VERSION = project()["project"]["version"]
METADATA = f"cdk_connect_hierarchy-{VERSION}.dist-info"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution of this repository."""
    return build(tmp_path_factory.mktemp("dist"), EPOCH)


def copy_of_repository(folder: Path) -> Path:
    """The files that git knows, in a repository of their own."""
    for name in tracked(REPOSITORY):
        source, target = REPOSITORY / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    return folder


def test_every_file_of_the_wheel_is_known(built: tuple[Path, Path]) -> None:
    """The packages as git has them, the metadata and the licence, and no file more."""
    wheel, _ = built
    assert contents_of_wheel(wheel) == wanted_in_wheel()
    check_contents(wheel, contents_of_wheel(wheel), wanted_in_wheel())


def test_every_file_of_the_source_distribution_is_known(built: tuple[Path, Path]) -> None:
    """The source roots, README, changelog and licence, and nothing of the other rooms."""
    _, archive = built
    found = contents_of_source_distribution(archive)
    assert found == wanted_in_source_distribution()
    assert {name.split("/")[0] for name in found} == {
        *("constructs", "lambda_handlers", "tree_files", "cli"),
        *("README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", "pyproject.toml", ".gitignore"),
    }
    check_contents(archive, found, wanted_in_source_distribution())


@pytest.mark.parametrize("archive", [0, 1], ids=["wheel", "source distribution"])
def test_a_stray_file_is_refused(archive: int, tmp_path: Path) -> None:
    """A note that lies in a package and is not committed keeps anything from being released."""
    repository = copy_of_repository(tmp_path / "repository")
    (repository / "constructs" / "connect_hierarchy" / "notes.txt").write_text("stray")
    built = build(tmp_path / "dist", EPOCH, repository)[archive]
    found = (contents_of_wheel, contents_of_source_distribution)[archive](built)
    wanted = (wanted_in_wheel, wanted_in_source_distribution)[archive](repository)
    with pytest.raises(ReleaseError, match=r"not committed: .*connect_hierarchy/notes\.txt"):
        check_contents(built, found, wanted)


def test_a_missing_file_is_refused() -> None:
    """A schema that was forgotten is named."""
    schema = "connect_hierarchy_tree_files/hierarchy-tree.schema.json"
    with pytest.raises(ReleaseError, match=re.escape(f"a.whl lacks {schema}")):
        check_contents(Path("a.whl"), wanted_in_wheel() - {schema}, wanted_in_wheel())


def test_the_same_bytes_again(built: tuple[Path, Path], tmp_path: Path) -> None:
    """From another folder, with other file times and modes, the same commit gives equal files."""
    repository = copy_of_repository(tmp_path / "elsewhere")
    for file in repository.rglob("*.py"):
        file.chmod(0o600)
    again = build(tmp_path / "dist", EPOCH, repository)
    for first, second in zip(built, again, strict=True):
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (first, second)]
        assert digests[0] == digests[1], first.name


def test_the_time_of_the_commit_is_the_time_of_all_files(built: tuple[Path, Path]) -> None:
    """Files bear the time that is passed in, not the one of the build."""
    wheel, archive = built
    with zipfile.ZipFile(wheel) as zipped:
        times = {info.date_time[:5] for info in zipped.infolist()}
    assert times == {time.gmtime(int(EPOCH))[:5]}
    with tarfile.open(archive) as tar:
        assert {member.mtime for member in tar.getmembers()} == {int(EPOCH)}


def test_a_wheel_of_the_source_distribution_is_the_wheel(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    """A wheel that is built of the source distribution has the bytes of the released one."""
    wheel, archive = built
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again, _ = build(tmp_path / "dist", EPOCH, source)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_version_stands_in_one_place(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Metadata and command line say what pyproject.toml says, and no module has it as a text."""
    wheel, _ = built
    install(wheel, tmp_path)
    (installed,) = importlib.metadata.distributions(path=[str(tmp_path)])
    assert installed.version == VERSION
    said = run(
        *("python", "-c", "from connect_hierarchy_cli.__main__ import main; main()", "--version"),
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
    ).stdout
    assert said.split() == ["connect-hierarchy", VERSION]
    rooms = ("constructs", "lambda_handlers", "tree_files", "cli")
    modules = [path for room in rooms for path in (REPOSITORY / room).rglob("*.py")]
    assert [path for path in modules if VERSION in path.read_text("utf-8")] == []


def test_the_changelog_is_of_this_version() -> None:
    """Its newest version is the project's; its headings have dates and the usual names."""
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading), heading
    # the version that comes first is that of the newest heading, or of the release to come
    newest = re.search(r"\d+\.\d+\.\d+", text[text.index("## [Unreleased]") :])
    assert newest is not None
    assert newest[0] == VERSION
    sections = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_metadata_is_true(built: tuple[Path, Path]) -> None:
    """The Pythons are those that `make test-versions` is for, and types and licence are told."""
    wheel, _ = built
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(f"{METADATA}/METADATA"))
    classifiers = metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in classifiers
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    prefix = "Programming Language :: Python :: 3."
    assert [name for name in classifiers if name.startswith(prefix)] == [
        f"{prefix}{minor}" for minor in (11, 12, 13)
    ]


def bill(file: Path) -> dict[str, Any]:
    """A bill of materials, which is valid by CycloneDX's schema."""
    text = file.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    content: dict[str, Any] = json.loads(text)
    return content


def test_the_bill_of_the_dependencies(tmp_path: Path) -> None:
    """Each package that the wheel leads to, with version and licences, as it is tested here."""
    content = bill(write_bill_of_dependencies(tmp_path, EPOCH))
    assert content["metadata"]["component"]["name"] == "cdk-connect-hierarchy"
    assert content["metadata"]["component"]["version"] == VERSION
    assert content["metadata"]["timestamp"].startswith("2026-09-21T")
    components = {component["name"]: component for component in content["components"]}
    direct = {"aws-cdk-lib", "constructs", "crhelper", "PyYAML", "Jinja2", "boto3", "click", "rich"}
    assert direct <= set(components)
    assert {"jsii", "botocore", "MarkupSafe"} <= set(components)
    assert not {"pytest", "moto", "mypy", "hatchling"} & set(components)
    for name, component in components.items():
        assert component["version"] == importlib.metadata.version(name)
        assert component["licenses"], name


def test_the_bill_of_the_function(tmp_path: Path) -> None:
    """What travels in the function's asset beside our code: crhelper, with its licence's text."""
    content = bill(write_bill_of_function(tmp_path, EPOCH))
    (component,) = content["components"]
    pinned = [
        text for text in project()["project"]["dependencies"] if text.startswith("crhelper==")
    ]
    assert pinned == [f"crhelper=={component['version']}"]
    licences = [entry["license"] for entry in component["licenses"]]
    assert any("Apache" in licence.get("id", licence.get("name", "")) for licence in licences)
    assert any("text" in licence for licence in licences)


def test_bills_are_reproducible(tmp_path: Path) -> None:
    """Written twice, a bill has the same bytes, and no path of this machine."""
    folders = [tmp_path / "one", tmp_path / "two"]
    texts = []
    for folder in folders:
        folder.mkdir()
        texts.append(write_bill_of_function(folder, EPOCH).read_text("utf-8"))
    assert texts[0] == texts[1]
    assert str(REPOSITORY) not in texts[0]
