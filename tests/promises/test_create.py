"""Groups are created; a failure is explained and leaves nothing behind."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from local_aws.connect import ConnectSettings, FaultKind
from local_aws.in_process import FunctionFaults
from tests.support.deployments import (
    LEVELS,
    WRITES,
    by_hand,
    tags_of,
    unpaced,
    up,
    user_tags,
    writes,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


def test_create_and_delete(site: Site, organisation: Organisation) -> None:
    """Groups bear who owns them, in a tree also the key as a hash; all go with the stack."""
    stack = organisation.up(node("A", node("B", "C"), Tags={"k": "v"}), "D")
    assert set(site.ids) == {"A", "A/B", "A/B/C", "D"}
    tags = tags_of(site, "A")
    assert tags["k"] == "v"
    assert tags[f"{RESERVED_PREFIX}resource"] == organisation.logical_id("A")
    if organisation.kind is Kind.TREE:
        assert len(tags[f"{RESERVED_PREFIX}key"]) == 16
    else:
        assert f"{RESERVED_PREFIX}key" not in tags
    assert site.calls(*WRITES) == ["CreateUserHierarchyGroup"] * 4
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}
    assert Counter(site.calls(*WRITES)) == {
        "CreateUserHierarchyGroup": 4,
        "DeleteUserHierarchyGroup": 4,
    }


def test_creating_a_group_takes_one_create_call(site: Site, organisation: Organisation) -> None:
    """One write, and nothing is read: the ledger knows the rest."""
    organisation.up()
    before = len(site.connect.calls)
    organisation.up("A")
    assert site.calls()[before:] == ["CreateUserHierarchyGroup"]


def test_no_change_makes_no_write(site: Site, organisation: Organisation) -> None:
    """Only the timeout differs: nothing is written."""
    organisation.up(node("A", "B"), "C")
    count = writes(site)
    organisation.up(node("A", "B"), "C", ServiceTimeout=3000)
    assert writes(site) == count


def test_a_user_moves_from_parent_to_child(site: Site, organisation: Organisation) -> None:
    """Terraform's acceptance step: a user of the stack is in the parent, then in the child."""

    def resources(key: str) -> dict[str, Any]:
        user = {
            "Type": "AWS::Connect::User",
            "Properties": {
                "InstanceArn": site.instance_arn,
                "Username": "ada",
                "SecurityProfileArns": [],
                "RoutingProfileArn": "none",
                "HierarchyGroupArn": organisation.arn(key),
            },
        }
        groups = organisation.resources(node("A", "B"), references=["A", "A/B"])
        return {**groups, "Ada": user}

    up(site, resources("A"))
    assert site.agents == {"A": ("ada",)}
    up(site, resources("A/B"))
    assert site.agents == {"A/B": ("ada",)}


# refused ----------------------------------------------------------------------------------------


def test_groups_without_a_structure_say_so(site: Site, organisation: Organisation) -> None:
    """The service's misleading ResourceNotFoundException becomes a sentence that helps."""
    stack = site.up(organisation.of("A", InstanceArn=site.instance_arn))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("has no hierarchy structure" in reason for reason in site.reasons(stack))


def test_a_group_too_deep_says_so(site: Site, kind: Kind) -> None:
    """A parent at the lowest level is named as the reason after two minutes of doubt."""
    organisation = Organisation(site, kind, levels=["Division"])
    stack = site.up(organisation.resources(node("A", "B")))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any(
        "creating hierarchy group 'B'" in r and "level below" in r for r in site.reasons(stack)
    )
    assert site.ids == {}


def test_a_full_quota_fails_at_once(kind: Kind) -> None:
    """Botocore would retry the answer; here it is told within seconds, with the quota's code."""
    site = Site(connect_settings=ConnectSettings(group_quota=1))
    organisation = Organisation(site, kind)
    organisation.up("A")
    began = site.clock.now()
    stack = organisation.refused("A", "B")
    assert any("L-D68AAAE4" in reason for reason in site.reasons(stack))
    assert site.clock.now() - began < 10


def test_a_create_that_fails_part_way_leaves_nothing(kind: Kind) -> None:
    """The quota is met in the middle: what was made goes in the rollback."""
    site = unpaced(group_quota=2)
    stack = site.up(Organisation(site, kind).resources("A", "B", "C"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "quota" in site.reasons(stack)[0]
    assert site.ids == {}


def test_a_group_made_by_hand_is_not_taken(site: Site, organisation: Organisation) -> None:
    """The error gives its id and the option, and the group is as it was."""
    organisation.up()
    made = by_hand(site, "A", tags={"x": "y"})
    stack = organisation.refused("A")
    (reason,) = [r for r in site.reasons(stack) if "exists already" in r]
    assert made in reason
    assert "adopt_existing=True" in reason
    assert user_tags(site, "A") == {"x": "y"}
    assert site.ids == {"A": made}


def test_what_exists_is_refused_with_all_of_the_stack(kind: Kind) -> None:
    """With its id and the way out; nothing is left of the other groups."""
    site = unpaced()
    site.write_levels(*LEVELS)
    group_id = by_hand(site, "B")
    stack = site.up(Organisation(site, kind, adopt_levels=True).resources("A", "B"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert f"it exists already, {group_id}" in site.reasons(stack)[0]
    assert site.ids == {"B": group_id}
    assert tags_of(site, "B") == {}


@pytest.mark.parametrize("cause", ["no such instance", "reads are denied"])
def test_a_creation_that_could_not_begin_is_rolled_back(kind: Kind, cause: str) -> None:
    """If the cause of a failed Create also blocks its Delete, the Delete still succeeds."""
    site = unpaced()
    options = {}
    if cause == "no such instance":
        options["InstanceArn"] = f"{site.instance_arn[:-6]}000000"
    else:
        for api in ("ListUserHierarchyGroups", "SearchUserHierarchyGroups"):
            site.connect.plan_fault(api, nth=1, kind=FaultKind.ACCESS_DENIED, times=600)
        site.connect.plan_fault(
            "CreateUserHierarchyGroup", nth=1, kind=FaultKind.ACCESS_DENIED, times=600
        )
    stack = site.up(Organisation(site, kind).resources("A", **options))
    assert stack.status == "ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_a_run_that_can_not_create_leaves_nothing_of_the_one_before(kind: Kind) -> None:
    """The first run of a Create dies, the second may not create: its Delete handles both."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up()
    site.function_faults = FunctionFaults(kills={3: True})
    denied = FaultKind.ACCESS_DENIED
    site.connect.plan_fault("CreateUserHierarchyGroup", nth=4, kind=denied, times=600)
    organisation.refused(*"ABCDE")
    assert site.ids == {}


# reads that lag ---------------------------------------------------------------------------------


def test_what_shows_up_between_two_reads_is_not_put_aside(kind: Kind) -> None:
    """A create whose answer was lost, found by the second of two reads: it is the group."""
    site = unpaced(read_lag=5.0)
    site.write_levels(*LEVELS)
    site.clock.sleep(60)
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.ERROR_AFTER)
    # the first read is over before the lag is, the second is not
    site.connect.plan_fault("ListUserHierarchyGroups", nth=4, kind=FaultKind.ERROR_BEFORE, times=3)
    stack = site.up(Organisation(site, kind).of("C", InstanceArn=site.instance_arn))
    assert stack.status == "CREATE_COMPLETE"
    assert set(site.ids) == {"C"}
