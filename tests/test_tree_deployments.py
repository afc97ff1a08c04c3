"""A tree of a file, deployed by the real CDK CLI, with the function in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_connect as connect
from constructs import Construct

from connect_hierarchy import HierarchyProvider, HierarchyStructure, HierarchyTree
from local_aws import LocalAws
from local_aws.connect import Rate
from tests.support.cdk_cli import CdkCli
from tests.support.instances import new_instance

FIRST = """\
groups:
  - name: Support
    tags: {cost-center: "42"}
    children:
      - name: EMEA
        children: [Phones, Chat]
      - APAC
  - Sales
"""

REORGANISED = """\
groups:
  - name: Help
    key: Support
    children:
      - EMEA
      - APAC
  - name: Sales
"""

CHAT_IN_SALES = """\
    children:
      - name: Chat
        key: Support/EMEA/Chat
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A local AWS for the tests of this module, with a raised quota of requests."""
    with LocalAws() as running:
        running.connect.settings.default_rate = Rate(per_second=40, burst=60)
        yield running


def test_an_organisation_of_a_file(aws: LocalAws, tmp_path: Path) -> None:
    """Deployed, reorganised, refused and destroyed; users and groups refer to its groups."""
    cdk = CdkCli.bootstrapped(aws, tmp_path)
    backend = aws.connect.backend
    instance = new_instance(backend)
    instance_arn = backend.instance_arn(instance)
    file = tmp_path / "organisation.yaml"

    def build(app: Construct) -> None:
        stack = Stack(app, "Organisation")
        HierarchyProvider(stack, "Provider", requests_per_second=40, burst=60)
        structure = HierarchyStructure(
            stack,
            "Structure",
            instance_arn=instance_arn,
            levels=["Division", "Region", "Team"],
        )
        tree = HierarchyTree.from_file(stack, "Tree", file, structure=structure)
        tree.group(tree.paths[0]).add_group("Desk", name="Desk")
        chat = next((path for path in tree.paths if path.endswith("Chat")), None)
        if chat is None:
            return
        connect.CfnUser(
            stack,
            "Ada",
            instance_arn=instance_arn,
            username="ada",
            phone_config=connect.CfnUser.UserPhoneConfigProperty(phone_type="SOFT_PHONE"),
            routing_profile_arn=f"{instance_arn}/routing-profile/1",
            security_profile_arns=[],
            hierarchy_group_arn=tree.group(chat).hierarchy_group_arn,
        )

    def paths() -> dict[str, str]:
        groups = backend.hierarchy(instance).by_path
        return {"/".join(path): group.id for path, group in groups.items()}

    file.write_text(FIRST, encoding="utf-8")
    cdk.deploy(build)
    before = paths()
    assert set(before) == {
        "Support",
        "Support/Desk",
        "Support/EMEA",
        "Support/EMEA/Phones",
        "Support/EMEA/Chat",
        "Support/APAC",
        "Sales",
    }
    assert backend.hierarchy(instance).usernames("Support", "EMEA", "Chat") == ("ada",)
    file.write_text(REORGANISED + CHAT_IN_SALES, encoding="utf-8")
    cdk.deploy(build)
    after = paths()
    assert set(after) == {"Help", "Help/Desk", "Help/EMEA", "Help/APAC", "Sales", "Sales/Chat"}
    for path in ("", "/Desk", "/EMEA", "/APAC"):
        assert after[f"Help{path}"] == before[f"Support{path}"]
    assert backend.hierarchy(instance).usernames("Sales", "Chat") == ("ada",)
    file.write_text(REORGANISED, encoding="utf-8")
    said = cdk.deploy(build, fails=True)
    assert "removing groups from 'Organisation/Tree': 1 agent(s) are in 'Sales/Chat'" in said
    assert paths() == after
    assert all(call.outcome != "AccessDeniedException" for call in aws.connect.calls)
    cdk.run("destroy", "--app", cdk.assembly(build), "--all", "--force")
    assert paths() == {}
