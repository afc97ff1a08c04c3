"""Groups pass from one stack to another: from this library's, and from native resource types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ownership import Owner
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings
from tests.support.stacks import Site, node

Resources = dict[str, Any]

ADOPTING: Resources = {"AdoptExisting": True, "AdoptFromStack": "before"}
GIVERS = pytest.mark.parametrize("giver", ["single", "tree", "native"])
OWN_GIVERS = pytest.mark.parametrize("giver", ["single", "tree"])
TAKERS = pytest.mark.parametrize("taker", ["single", "tree"])


@pytest.fixture(params=[0.0, 20.0], ids=["fresh", "lagging"])
def site(request: pytest.FixtureRequest) -> Site:
    """An instance with levels whose reads are fresh or lag, without a limit to requests."""
    lag = request.param
    site = Site(connect_settings=ConnectSettings(default_rate=None, read_lag=lag, search_lag=lag))
    site.write_levels("Division", "Team")
    return site


def groups(site: Site, kind: str, prefix: str, *, retained: bool = False, **properties: Any) -> Any:
    """Sales and Sales/Inbound, by the resources of a kind."""
    policy = "Retain" if retained else "Delete"
    properties = {"InstanceArn": site.instance_arn, **properties}
    if kind == "tree":
        tree = node("Sales", "Inbound")
        return {prefix: site.tree(tree, DeletionPolicy=policy, **properties)}
    above, below = f"{prefix}Sales", f"{prefix}Inbound"
    if kind == "single":
        return {
            above: site.group("Sales", DeletionPolicy=policy, **properties),
            below: site.group("Inbound", above, DeletionPolicy=policy, **properties),
        }
    return {
        above: native(policy, InstanceArn=site.instance_arn, Name="Sales"),
        below: native(
            policy,
            InstanceArn=site.instance_arn,
            Name="Inbound",
            ParentGroupArn={"Fn::GetAtt": [above, "UserHierarchyGroupArn"]},
        ),
    }


def native(policy: str, **properties: Any) -> Resources:
    """A group of CloudFormation's own type."""
    return {
        "Type": "AWS::Connect::UserHierarchyGroup",
        "DeletionPolicy": policy,
        "Properties": properties,
    }


def up(site: Site, name: str, resources: Mapping[str, Any]) -> Stack:
    """Deploy a minute later, which has to succeed; a stack is never without any resource."""
    site.clock.sleep(60)
    stack = site.up({"Levels": structure(site), **resources}, name)
    assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, site.reasons(stack)
    return stack


def structure(site: Site) -> Resources:
    """The levels, which both stacks know."""
    return site.structure("Division", "Team", AdoptExisting=True)


def tags(site: Site) -> dict[str, dict[str, str]]:
    """All tags of all groups."""
    found = site.connect.backend.hierarchy(site.instance_id).by_path
    return {"/".join(path): dict(group.tags) for path, group in found.items()}


def owners(site: Site) -> dict[str, tuple[str, str]]:
    """Stack name and logical id of the owner of each group."""
    found = {path: Owner.of(each) for path, each in tags(site).items()}
    return {path: (o.stack_name, o.resource) if o else ("", "") for path, o in found.items()}


def let_go(site: Site, giver: str) -> None:
    """Deploy the groups in the stack `before`, and take them out of it so that they stay."""
    up(site, "before", groups(site, giver, "Old"))
    site.hire("ada", "Sales", "Inbound")
    up(site, "before", groups(site, giver, "Old", retained=True))
    up(site, "before", {})
    assert set(site.ids) == {"Sales", "Sales/Inbound"}


@GIVERS
@TAKERS
def test_groups_pass_to_another_stack_with_ids_and_agents(
    site: Site, giver: str, taker: str
) -> None:
    """Retained in one stack and adopted in the other, they are the other one's for good."""
    let_go(site, giver)
    ids = site.ids
    up(site, "after", groups(site, taker, "New", **ADOPTING))
    assert site.ids == ids
    assert site.agents == {"Sales/Inbound": ("ada",)}
    for stack_name, resource in owners(site).values():
        assert stack_name == "after"
        assert resource.startswith("New")
    up(site, "after", groups(site, taker, "New"))
    site.down(up(site, "before", {}))
    assert (site.ids, site.agents) == (ids, {"Sales/Inbound": ("ada",)})
    up(site, "after", groups(site, taker, "New", AgentsOnDelete="UNASSIGN"))
    assert site.down(up(site, "after", {})).status == "DELETE_COMPLETE"
    assert site.ids == {}


@GIVERS
@TAKERS
def test_a_failed_take_over_gives_every_tag_back(site: Site, giver: str, taker: str) -> None:
    """The rollback leaves the tags of the stack that had the groups, and nothing of its own."""
    let_go(site, giver)
    ids, before = site.ids, tags(site)
    up(site, "after", {})
    adopting = groups(site, taker, "New", Tags={"cost-center": "42"}, **ADOPTING)
    wanted = {"Levels": structure(site), **adopting, "Failing": site.failing(*adopting)}
    stack = site.up(wanted, "after")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert (site.ids, tags(site)) == (ids, before)


@GIVERS
@TAKERS
def test_a_release_gives_every_tag_back(site: Site, giver: str, taker: str) -> None:
    """Groups that leave while the option is on are again as the stack before had left them."""
    let_go(site, giver)
    ids, before = site.ids, tags(site)
    up(site, "after", groups(site, taker, "New", Tags={"cost-center": "42"}, **ADOPTING))
    assert tags(site) != before
    up(site, "after", {})
    assert (site.ids, tags(site)) == (ids, before)


@OWN_GIVERS
@TAKERS
def test_a_stack_leaves_alone_what_another_one_took(site: Site, giver: str, taker: str) -> None:
    """A group that another stack adopted stays when its former stack would delete it."""
    up(site, "before", groups(site, giver, "Old"))
    ids = site.ids
    up(site, "after", groups(site, taker, "New", **ADOPTING))
    up(site, "before", {})
    assert site.ids == ids
    assert {stack_name for stack_name, _ in owners(site).values()} == {"after"}


@OWN_GIVERS
@TAKERS
def test_a_stack_does_not_take_back_what_another_one_took(
    site: Site, giver: str, taker: str
) -> None:
    """Groups that are declared once more where they were are refused, and the error says whose."""
    let_go(site, giver)
    ids = site.ids
    up(site, "after", groups(site, taker, "New", **ADOPTING))
    site.clock.sleep(60)
    stack = site.up({"Levels": structure(site), **groups(site, "single", "Again")}, "before")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "of stack after" in site.reasons(stack)[0]
    assert site.ids == ids
    assert {stack_name for stack_name, _ in owners(site).values()} == {"after"}


@OWN_GIVERS
def test_groups_of_another_stack_are_not_adopted_without_its_name(site: Site, giver: str) -> None:
    """`adopt_existing` alone takes nothing that a stack has; the error names stack and remedy."""
    let_go(site, giver)
    before = tags(site)
    adopting = groups(site, "tree", "New", AdoptExisting=True)
    stack = site.up({"Levels": structure(site), **adopting}, "after")
    assert stack.status == "ROLLBACK_COMPLETE"
    (reason,) = [r for r in site.reasons(stack) if "belongs to" in r]
    assert "of stack before" in reason
    assert "adopt_from_stack" in reason
    assert tags(site) == before
