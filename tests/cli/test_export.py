"""`export`: the file of a tree that leaves an instance as it is, and the app around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connect_hierarchy_lambda.model.ownership import owner_tags
from connect_hierarchy_lambda.model.tree import Node, key_mark, read_tree
from connect_hierarchy_tree_files import read_tree_file
from local_aws import LocalAws
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

REPOSITORY = Path(__file__).resolve().parents[2]


class Acme:
    """An instance called acme, which tests fill."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.backend = aws.connect.backend
        self.line = CommandLine(aws, folder)
        self.folder = folder
        self.id = new_instance(self.backend, "Division", "Team", alias="acme")
        self.arn = self.backend.instance_arn(self.id)

    def add(self, name: str, below: str | None = None, **tags: str) -> str:
        """Make a group; its id."""
        return self.backend.create_user_hierarchy_group(self.id, name, below, tags).group.id

    def nodes(self, *options: str, name: str = "org.yaml") -> dict[str, Node]:
        """The nodes of the exported file by their paths."""
        run = self.line.run("export", "acme", "--output", name, *options)
        assert run.code == 0, run.err
        tree = read_tree(read_tree_file(self.folder / name).groups)
        return {"/".join(node.path): node for node in tree.nodes}


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Acme]:
    """An instance."""
    with unpaced_aws() as aws:
        yield Acme(aws, tmp_path)


def test_every_kind_has_the_same_groups(acme: Acme) -> None:
    """To a file by its name's end, or by --format to standard output."""
    support = acme.add("Support", cost="42")
    acme.add("EMEA", support, cost="7")
    acme.add("Sales")
    for kind in ("yaml", "json", "csv"):
        nodes = acme.nodes(name=f"org.{kind}")
        assert {path: node.key for path, node in nodes.items()} == {
            "Support": "Support",
            "Support/EMEA": "Support/EMEA",
            "Sales": "Sales",
        }
        assert all(node.has_own_key for node in nodes.values())
        assert nodes["Support/EMEA"].tags == {"cost": "7"}
        run = acme.line.run("export", "acme", "--format", kind)
        assert (run.code, run.err) == (0, "")
        assert run.out == (acme.folder / f"org.{kind}").read_text()
    whole = yaml.safe_load((acme.folder / "org.yaml").read_text())
    assert whole["x-levels"] == ["Division", "Team"]


def test_tags_of_aws_and_of_owners_are_not_exported(acme: Acme) -> None:
    """The marks of an owner are not exported, and the owner is told."""
    tags = {"aws:cloudformation:stack-name": "Old", "cost": "1"}
    acme.add("Support", **tags, **owner_tags("Centre/1-2", "Tree", key_mark("Support")))
    run = acme.line.run("export", "acme")
    assert yaml.safe_load(run.out)["groups"] == [
        {"name": "Support", "key": "Support", "tags": {"cost": "1"}}
    ]
    assert run.err == (
        "Note:  owned by a stack, which another one does not adopt: 1 groups of Centre\n"
    )


def test_a_tag_that_groups_below_lack_stays_where_it_is(acme: Acme) -> None:
    """In a file it would reach them: it is left out and told, or written where that is wanted."""
    support = acme.add("Support", cost="42", desk="1")
    acme.add("EMEA", support, cost="42")
    acme.add("APAC", support, cost="7")
    nodes = acme.nodes()
    assert {path: node.tags for path, node in nodes.items()} == {
        "Support": {"cost": "42"},
        "Support/EMEA": {"cost": "42"},
        "Support/APAC": {"cost": "7"},
    }
    assert nodes["Support/EMEA"].own_tags == {}
    assert "tag desk of Support" in acme.line.run("export", "acme").err
    nodes = acme.nodes("--inherit-tags", name="all.yaml")
    assert nodes["Support/APAC"].tags == {"cost": "7", "desk": "1"}


def test_names_that_look_like_paths(acme: Acme) -> None:
    """Each group has a key of its own."""
    above = acme.add("A/B")
    acme.add("C", above)
    acme.add("B/C", acme.add("A"))
    acme.nodes()
    tree = read_tree(read_tree_file(acme.folder / "org.yaml").groups)
    keys = [node.key for node in tree.nodes]
    assert sorted(keys) == ["A", "A/B", "A/B/C", "A/B/C (2)"]


def test_a_tree_knows_its_group_by_another_key(acme: Acme) -> None:
    """Only its file has the key: that is told."""
    acme.add("Help", **owner_tags("Centre/1-2", "Tree", key_mark("Support")))
    run = acme.line.run("export", "acme")
    assert "known to their tree by a key that only its file has: Help" in run.err


def test_names_that_no_tree_can_have(acme: Acme) -> None:
    """They are exported as they are, and told; an app of them is refused."""
    acme.add("Support ")
    run = acme.line.run("export", "acme")
    assert run.code == 0
    assert "Note:  to be renamed before a deployment: hierarchy group name begins or" in run.err
    run = acme.line.run("export", "acme", "--cdk", "app")
    assert run.code == 1
    assert run.err.startswith("Error: the app could not be deployed, rename in the console first:")
    assert not (acme.folder / "app").exists()


def test_an_app(acme: Acme, tmp_path: Path) -> None:
    """It synthesises as it stands: structure and groups are adopted, in the instance's Region."""
    acme.add('Sup"port\\', cost="42")
    run = acme.line.run("export", "acme", "--cdk", "my app", "--requests-per-second", "100")
    assert run.code == 0
    assert "Next:  cd 'my app' && pip install -r requirements.txt && cdk deploy" in run.err
    app = tmp_path / "my app"
    assert {path.name for path in app.iterdir()} == {
        "app.py",
        "cdk.json",
        "requirements.txt",
        "organisation.yaml",
    }
    assert (app / "requirements.txt").read_text().startswith("cdk-connect-hierarchy")
    manifest, template = synthesised(app)
    assert manifest["artifacts"]["Hierarchy-acme"]["environment"] == (
        "aws://123456789012/eu-west-2"
    )
    by_type = {one["Type"]: one["Properties"] for one in template["Resources"].values()}
    structure = by_type["Custom::ConnectHierarchyStructure"]
    assert (structure["Levels"], structure["AdoptExisting"]) == (["Division", "Team"], True)
    tree = by_type["Custom::ConnectHierarchyTree"]
    assert tree["AdoptExisting"] is True
    assert tree["Groups"] == [{"Name": 'Sup"port\\', "Key": 'Sup"port\\', "Tags": {"cost": "42"}}]
    function = by_type["AWS::Lambda::Function"]["Environment"]["Variables"]
    assert function["CONNECT_REQUESTS_PER_SECOND"] == "100"


def test_an_app_of_more_groups_than_a_resource_takes(acme: Acme) -> None:
    """They are spread over several trees, and the quota is said."""
    acme.backend.settings.group_quota = 1000
    for division in range(8):
        above = acme.add(f"{division:>090}".replace(" ", "x"))
        for team in range(80):
            acme.add(f"{team:>090}".replace(" ", "x"), above)
    assert acme.line.run("export", "acme", "--cdk", "app", "--format", "json").code == 0
    _, template = synthesised(acme.folder / "app")
    trees = [
        one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "Custom::ConnectHierarchyTree"
    ]
    assert len(trees) > 1
    assert sum(len(tree["Groups"]) for tree in trees) == 8
    assert "group_quota=700," in (acme.folder / "app" / "app.py").read_text()


def synthesised(app: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and template of an app, run in a process of its own."""
    rooms = ("constructs", "lambda_handlers", "tree_files")
    out = app / "cdk.out"
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=app,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(REPOSITORY / room) for room in rooms),
            "CDK_OUTDIR": str(out),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    (template,) = out.glob("*.template.json")
    manifest = json.loads((out / "manifest.json").read_text())
    return manifest, json.loads(template.read_text())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "a.csv", "--format", "json"), "--format is json, and the name of --output"),
        (("--output", "a.csv", "--cdk", "b"), "--output and --cdk exclude each other"),
        (("--cdk", "full"), "folder 'full' is not empty: name another one"),
        (("--output", "nowhere/a.yaml"), "'nowhere' does not exist"),
        (("--output", "full"), "'full' is a folder, a file is needed"),
    ],
)
def test_what_can_not_be_written(acme: Acme, arguments: tuple[str, ...], sentence: str) -> None:
    """Nothing is read and nothing written where the place for it cannot be."""
    (acme.folder / "full").mkdir()
    (acme.folder / "full" / "x").touch()
    run = acme.line.run("export", "acme", *arguments)
    assert run.code == 1
    assert sentence in run.err
    assert sorted(path.name for path in acme.folder.iterdir()) == ["full"]


def test_an_instance_without_levels(acme: Acme) -> None:
    """There is nothing to adopt."""
    acme.backend.update_user_hierarchy_structure(acme.id, {})
    run = acme.line.run("export", "acme", "--cdk", "app")
    assert run.code == 1
    assert "has no levels, so there is nothing to adopt" in run.err
