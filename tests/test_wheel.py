"""The wheel in an environment without the repository: it imports, synthesises and is complete."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from connect_hierarchy.bundling import NOT_BUNDLED
from connect_hierarchy_lambda.model.properties import HANDLER
from tests.support.constructs_fixtures import lambda_runtime, run_isolated
from tests.support.wheel import install, new_wheel, run

APP = """
from aws_cdk import App, Stack
from connect_hierarchy import HierarchyStructure

app = App(outdir="cdk.out")
stack = Stack(app, "Stack")
HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"])
app.synth()
""".replace(
    "INSTANCE_ARN",
    '"arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"',
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    return new_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel; the rest comes from this environment's site-packages."""
    folder = tmp_path_factory.mktemp("site")
    install(wheel, folder)
    return folder


def test_contents(wheel: Path) -> None:
    """All packages with their types and the licence; nothing of the repository's other rooms."""
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {
        "connect_hierarchy",
        "connect_hierarchy_cli",
        "connect_hierarchy_lambda",
        "connect_hierarchy_tree_files",
    }
    assert {f"{package}/py.typed" for package in packages} <= set(names)
    assert "connect_hierarchy_tree_files/hierarchy-tree.schema.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_synthesises_on_its_own(site: Path, tmp_path: Path) -> None:
    """A three-line stack has its function's code, without the repository, Docker or a network."""
    (tmp_path / "app.py").write_text(APP)
    third_party = sysconfig.get_paths()["purelib"]
    # -S leaves out .pth files, by which an editable installation would bring the repository in
    path = os.pathsep.join([str(site), third_party])
    run(sys.executable, "-S", "-P", "app.py", cwd=tmp_path, PYTHONPATH=path)

    template = json.loads((tmp_path / "cdk.out" / "Stack.template.json").read_text())
    function = template["Resources"]["ConnectHierarchyFunction"]["Properties"]
    asset_hash = function["Code"]["S3Key"].removesuffix(".zip")
    asset = tmp_path / "cdk.out" / f"asset.{asset_hash}"
    installed = site / "connect_hierarchy_lambda"
    modules = {file.relative_to(installed) for file in installed.rglob("*.py")}
    modules -= {Path(module) for module in NOT_BUNDLED}
    bundled = asset / "connect_hierarchy_lambda"
    assert {file.relative_to(bundled) for file in bundled.rglob("*.py")} == modules
    module, function = HANDLER.rsplit(".", 1)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    output = run_isolated(
        "import crhelper, connect_hierarchy_lambda.model.properties\n"
        f"from {module} import {function} as handler\n"
        "print(handler.__module__, crhelper.__file__)",
        asset,
        lambda_runtime(runtime),
    )
    assert str(asset) in output


def test_draws_on_its_own(site: Path, tmp_path: Path) -> None:
    """The page and the picture come with their styles and scripts, without the repository."""
    path = os.pathsep.join([str(site), sysconfig.get_paths()["purelib"]])
    drawn = run(
        *(sys.executable, "-S", "-P", "-c"),
        "from connect_hierarchy_cli.chart.hierarchy import Group, Hierarchy\n"
        "from connect_hierarchy_cli.chart.html import render_html\n"
        "from connect_hierarchy_cli.chart.svg import render_svg\n"
        "groups = (Group(id='g-1', name='Support', level=1),)\n"
        "hierarchy = Hierarchy(instance_arn='an-arn', groups=groups)\n"
        "print(render_html(hierarchy), render_svg(hierarchy))",
        cwd=tmp_path,
        PYTHONPATH=path,
    ).stdout
    assert 'role="tree"' in drawn
    assert "Content-Security-Policy" in drawn
    assert drawn.endswith("</svg>\n\n")
