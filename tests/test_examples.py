"""The apps under `examples/`, each deployed from its folder as its README says.

The sample app at the root is what the demo deploys, see `test_demo.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local_aws import LocalAws
from tests.support.cdk_cli import CdkCli

REPOSITORY = Path(__file__).resolve().parents[1]


def test_an_existing_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups join those that are there, a user and a profile of another stack refer to them."""
    # the library and nothing else of the repository, from whatever folder
    rooms = (str(REPOSITORY / room) for room in ("constructs", "lambda_handlers", "tree_files"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(rooms))
    with LocalAws() as aws:
        aws.connect.settings.default_rate = None
        backend = aws.connect.backend
        instance = backend.create_instance(
            "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
        )
        backend.update_user_hierarchy_structure(
            instance["Id"],
            {
                "LevelOne": {"Name": "Division"},
                "LevelTwo": {"Name": "Team"},
                "LevelThree": {"Name": "Desk"},
            },
        )
        backend.create_user_hierarchy_group(instance["Id"], "Sales")
        CdkCli(aws, tmp_path).run("bootstrap", f"aws://{aws.account_id}/{aws.region}")
        cdk = CdkCli(aws, REPOSITORY / "examples" / "existing_instance")

        cdk.run(
            *("deploy", "--all", "--require-approval=never", "--output", str(tmp_path / "cdk.out")),
            *("-c", f"instance-arn={instance['Arn']}"),
            *("-c", f"routing-profile-arn={instance['Arn']}/routing-profile/1"),
        )
        hierarchy = backend.hierarchy(instance["Id"])
        groups = hierarchy.by_path
        assert {
            "/".join(path): group.tags.get("cost-center") for path, group in groups.items()
        } == {
            "Sales": None,
            "Field service": "7100",
            "Field service/North": "7110",
            "Field service/North/Installers": "7111",
            "Field service/North/Repairs": "7112",
            "Field service/South": "7120",
        }
        assert hierarchy.usernames("Field service", "North") == ("hedy",)
        (profile,) = backend.list_security_profiles(instance["Id"])
        assert profile.hierarchy_group_id == groups["Field service", "North"].id
        assert profile.attributes["HierarchyRestrictedResources"] == ["User"]
