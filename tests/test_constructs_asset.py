"""The function's code: complete, only what belongs there, and the same each time."""

from __future__ import annotations

import ast
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from connect_hierarchy import HierarchyProvider, bundling
from connect_hierarchy_lambda.model.properties import HANDLER
from tests.support.constructs_fixtures import lambda_runtime, run_isolated


def bundle(target: Path) -> tuple[Path, str]:
    """Synthesise a stack with a provider; the folder of its function, and the asset's hash."""
    app = App(outdir=str(target))
    HierarchyProvider(Stack(app, "Stack"), "Provider")
    app.synth()
    (folder,) = target.glob("asset.*")
    manifest = json.loads((target / "Stack.assets.json").read_text())
    (asset_hash,) = (
        key for key, file in manifest["files"].items() if file["source"]["path"] == folder.name
    )
    return folder, asset_hash


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled function."""
    folder, _ = bundle(tmp_path_factory.mktemp("cdk.out"))
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's runtime brings."""
    return lambda_runtime(tmp_path_factory.mktemp("runtime"))


def test_only_code_and_licences(asset: Path) -> None:
    """Our package and crhelper, their modules, and what crhelper's licence asks for."""
    files = {path.relative_to(asset) for path in asset.rglob("*") if path.is_file()}
    assert {path.parts[0] for path in files} == {"connect_hierarchy_lambda", "crhelper"}
    others = {str(path) for path in files if path.suffix != ".py"}
    assert others == {"crhelper/LICENSE", "crhelper/NOTICE"}
    assert not [path for path in files if "test" in str(path) or "__pycache__" in path.parts]


def test_all_modules_of_the_handlers_are_there(asset: Path) -> None:
    """What the handlers import of their own package is in the asset."""
    spec = find_spec("connect_hierarchy_lambda")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent
    wanted = {path.relative_to(source) for path in source.rglob("*.py")}
    wanted -= {Path(module) for module in bundling.NOT_BUNDLED}
    package = asset / "connect_hierarchy_lambda"
    assert {path.relative_to(package) for path in package.rglob("*.py")} == wanted


def test_each_statement_stands_in_its_line(asset: Path) -> None:
    """Without texts and functions' types the code is the same, and a traceback fits the source."""
    spec = find_spec("connect_hierarchy_lambda")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent
    for module in source.rglob("*.py"):
        if module.relative_to(source).as_posix() in bundling.NOT_BUNDLED:
            continue
        bundled = (asset / "connect_hierarchy_lambda" / module.relative_to(source)).read_text()
        assert statements(bundled) == statements(module.read_text())
        assert '"""' not in bundled
        assert ") -> " not in bundled


def statements(code: str) -> list[tuple[int, str]]:
    """Line and kind of each node of the code, but for texts that are statements and for types."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    texts = [
        node
        for node in ast.walk(tree)
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]
    return [(getattr(node, "lineno", 0), type(node).__name__) for node in texts]


def test_a_better_docstring_deploys_nothing(asset: Path, tmp_path: Path) -> None:
    """The asset of a release that only explains something better is the same."""
    (module,) = (asset / "connect_hierarchy_lambda" / "model").glob("errors.py")
    source = find_spec("connect_hierarchy_lambda.model.errors")
    assert source is not None
    assert source.origin is not None
    explained = Path(source.origin).read_text().replace('."""', ', or so it seems."""')
    assert explained != Path(source.origin).read_text()
    package = tmp_path / "connect_hierarchy_lambda"
    package.mkdir()
    (package / "__init__.py").write_text(explained)
    handlers = bundling.HandlerBundling()
    handlers.handlers = package
    assert handlers.try_bundle(str(tmp_path / "out"))
    bundled = tmp_path / "out" / "connect_hierarchy_lambda" / "__init__.py"
    assert bundled.read_text() == module.read_text()


def test_the_asset_is_small(asset: Path, tmp_path: Path) -> None:
    """Packed as the CDK packs it, the function has less than 100 KB."""
    packed = Path(shutil.make_archive(str(tmp_path / "function"), "zip", asset))
    assert packed.stat().st_size < 100_000


def test_readable_for_lambda(asset: Path) -> None:
    """Lambda reads the code as another user."""
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in asset.rglob("*"))


def test_the_same_code_gives_the_same_asset(asset: Path, tmp_path: Path) -> None:
    """Another synth changes nothing, so that a deployment without changes deploys nothing."""
    _, asset_hash = bundle(tmp_path)
    assert asset.name == f"asset.{asset_hash}"


def test_model_and_crhelper_import_on_their_own(asset: Path, runtime: Path) -> None:
    """Neither needs the repository or an installed package, beside what Lambda brings."""
    output = run_isolated(
        "import crhelper, connect_hierarchy_lambda.model.properties as properties\n"
        "print(crhelper.__file__, properties.__file__, sep='\\n')",
        asset,
        runtime,
    )
    assert all(line.startswith(str(asset)) for line in output.splitlines())


def test_the_handler_imports_as_lambda_does_it(asset: Path, runtime: Path) -> None:
    """The entry point that the function names is in the asset, with all that it imports."""
    module, function = HANDLER.rsplit(".", 1)
    output = run_isolated(
        f"import importlib\nprint(callable(importlib.import_module({module!r}).{function}))",
        asset,
        runtime,
    )
    assert output.splitlines()[-1] == "True"


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, instead of asking for Docker."""
    monkeypatch.setattr(bundling, "CRHELPER", "crhelper_that_is_not_there")
    with pytest.raises(RuntimeError, match=r"'crhelper_that_is_not_there' .* run 'pip install"):
        HierarchyProvider(Stack(App(), "Stack"), "Provider")
