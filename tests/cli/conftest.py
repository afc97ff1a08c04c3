"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_hierarchy_lambda.model.ownership import owner_tags
from local_aws import LocalAws
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS with one instance, its two levels, three groups and three agents."""
    with unpaced_aws() as aws:
        backend = aws.connect.backend
        instance = new_instance(backend, "Division", "Region", alias="acme")
        support = backend.create_user_hierarchy_group(instance, "Support", tags={"cost": "42"})
        emea = backend.create_user_hierarchy_group(
            instance, "EMEA", support.group.id, tags=owner_tags("Centre/1-2", "Tree", "ab")
        )
        backend.create_user_hierarchy_group(instance, "[bold]Sales")
        backend.create_user(instance, "ada", hierarchy_group_id=support.group.id)
        backend.create_user(instance, "bob", hierarchy_group_id=emea.group.id)
        backend.create_user(instance, "cyd")
        yield aws


@pytest.fixture
def line(aws: LocalAws, tmp_path: Path) -> CommandLine:
    """Commands against it."""
    return CommandLine(aws, tmp_path)
