"""What a plan says of single deployments: refusals, time, and what points at groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connect_hierarchy_cli.plan.deployment import DeploymentError
from connect_hierarchy_cli.plan.result import AgentsGo, Change, GroupPlan, Kind, Plan
from connect_hierarchy_lambda.ports.calls import Refusal
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.connect import ConnectSettings
from tests.support.deployments import LEVELS
from tests.support.planning import planned
from tests.support.scenarios import Resources
from tests.support.stacks import Site, node


@pytest.fixture
def site() -> Iterator[Site]:
    """An instance without a rate."""
    made = Site(connect_settings=ConnectSettings(default_rate=None))
    yield made
    made.clock.close()


def group(plan: Plan, *path: str) -> GroupPlan:
    """What the plan says of the group at a path."""
    (found,) = [one for instance in plan.instances for one in instance.groups if one.path == path]
    return found


def tree(site: Site, *groups: Any, **properties: Any) -> Resources:
    """Three levels and a tree."""
    return {"Structure": site.structure(*LEVELS), "Tree": site.tree(*groups, **properties)}


def test_the_same_again_is_no_change_and_no_call(site: Site) -> None:
    """What is there is read once, to see whether somebody changed it by hand."""
    resources = tree(site, node("Support", "EMEA"), "Sales")
    stack = site.up(resources)
    calls = len(site.connect.calls)
    plan = planned(site, resources, stack)
    assert (plan.exit_code, plan.changes_anything, plan.instances) == (0, False, ())
    assert (plan.calls, plan.calls_by_api, plan.by_hand) == ((), {}, ())
    assert sorted(call.api for call in site.connect.calls[calls:]) == [
        "DescribeUserHierarchyStructure",
        "SearchUserHierarchyGroups",
    ]


def test_a_move_says_who_comes_along_and_which_id_ends(site: Site) -> None:
    """The children follow; of the agents it says how many."""
    emea = node("EMEA", "Phones", Key="emea")
    stack = site.up(tree(site, node("Support", emea), "Sales"))
    site.hire("ada", "Support", "EMEA")
    site.hire("bob", "Support", "EMEA")
    old_id = site.ids["Support/EMEA"]
    plan = planned(site, tree(site, "Support", node("Sales", emea)), stack)
    moved = group(plan, "Sales", "EMEA")
    assert (moved.changes, moved.was) == ((Change.MOVED,), ("Support", "EMEA"))
    assert (moved.agents, moved.old_id) == (2, old_id)
    assert moved.agents_go == (AgentsGo(2, ("Sales", "EMEA")),)
    assert group(plan, "Sales", "EMEA", "Phones").changes == (Change.MOVED,)
    assert plan.exit_code == 2


def test_a_group_without_a_key_that_moves_is_replaced(site: Site) -> None:
    """The plan says that history ends and agents stay behind, with the remedy."""
    options = {"AgentsOnDelete": "UNASSIGN"}
    stack = site.up(tree(site, node("Support", "EMEA"), "Sales", **options))
    site.hire("ada", "Support", "EMEA")
    plan = planned(site, tree(site, "Support", node("Sales", "EMEA"), **options), stack)
    replaced = group(plan, "Support", "EMEA")
    assert (replaced.changes, replaced.was) == ((Change.REPLACED,), ("Sales", "EMEA"))
    assert replaced.agents_go == (AgentsGo(1, None),)
    assert "history" in replaced.note
    assert group(plan, "Sales", "EMEA").changes == (Change.ADDED,)


def test_a_refusal_is_told_in_the_words_of_the_deployment(site: Site) -> None:
    """Nothing is done before it here, and the exit code is that of an error."""
    stack = site.up(tree(site, node("Support", "EMEA"), "Sales"))
    site.hire("ada", "Support", "EMEA")
    wished = tree(site, "Support", "Sales")
    plan = planned(site, wished, stack)
    assert "1 agent(s) are in 'Support/EMEA': 'ada'" in plan.refusal
    assert (plan.refused_by, plan.exit_code, plan.calls) == ("Tree", 1, ())
    assert any(plan.refusal in reason for reason in site.reasons(site.up(wished)))


def test_what_is_adopted_and_released_is_said(site: Site) -> None:
    """Adoption writes tags alone; what leaves again stays in Amazon Connect."""
    site.write_levels(*LEVELS)
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "A")
    adopting = {
        "Structure": site.structure(*LEVELS, AdoptExisting=True),
        "A": site.group("A", AdoptExisting=True),
    }
    plan = planned(site, adopting)
    assert group(plan, "A").changes == (Change.ADOPTED,)
    assert {one.api for one in plan.calls if not one.error} == {"TagResource"}
    stack = site.up(adopting)
    plan = planned(site, {"Structure": adopting["Structure"]}, stack)
    assert group(plan, "A").changes == (Change.RELEASED,)


def test_what_cannot_be_deleted_is_left(site: Site) -> None:
    """A single group with agents stays after the clean-up, and the plan says why."""
    stack = site.up({"Structure": site.structure(*LEVELS), "A": site.group("A")})
    site.hire("ada", "A")
    plan = planned(site, {"Structure": site.structure(*LEVELS)}, stack)
    left = group(plan, "A")
    assert left.changes == (Change.LEFT,)
    assert left.agents_go == (AgentsGo(1, ("A",), stay=True),)
    assert "'ada'" in left.note


def test_a_retained_group_is_not_deleted(site: Site) -> None:
    """Its DeletionPolicy keeps CloudFormation from asking for it."""
    structure = {"Structure": site.structure(*LEVELS)}
    stack = site.up({**structure, "A": site.group("A", DeletionPolicy="Retain")})
    assert planned(site, structure, stack).resources == ()


def test_a_new_instance_is_planned_as_an_empty_one(site: Site) -> None:
    """The stack makes its instance: levels and groups are all new, and nothing is read."""
    arn = {"Fn::GetAtt": ["Instance", "Arn"]}
    resources = {
        "Instance": {"Type": "AWS::Connect::Instance", "Properties": {}},
        "Structure": site.structure(*LEVELS, InstanceArn=arn),
        "Tree": site.tree(node("Support", "EMEA")),
    }
    calls = len(site.connect.calls)
    plan = planned(site, resources)
    (instance,) = plan.instances
    assert instance.is_new
    assert (instance.levels_before, instance.levels) == ((), LEVELS)
    assert plan.count() == {Change.ADDED: 2}
    assert len(site.connect.calls) == calls


def test_a_full_quota_is_foreseen(site: Site) -> None:
    """Two of three groups fit; the refusal names the quota."""
    plan = planned(site, tree(site, "A", "B", "C"), quota_of=lambda _: 2)
    assert "L-D68AAAE4" in plan.refusal
    assert [one.api for one in plan.calls if not one.error].count("CreateUserHierarchyGroup") == 2


def test_the_time_is_that_of_the_accounts_rate(site: Site) -> None:
    """Five creations at once, then two a second; ten times the rate takes a tenth."""
    groups = [f"Group {number}" for number in range(105)]
    slow = planned(site, tree(site, *groups))
    assert 48 < slow.seconds < 53
    fast = planned(site, tree(site, *groups), rate=Rate(20, 50))
    assert 1 < fast.seconds < 6


def test_more_than_the_hour_of_cloudformation_is_a_refusal(site: Site) -> None:
    """A request of CloudFormation is answered within an hour, or the deployment fails."""
    groups = [f"Group {number}" for number in range(500)]
    plan = planned(site, tree(site, *groups), rate=Rate(0.1, 1))
    assert "takes longer than the hour" in plan.refusal
    assert plan.refused_by == "Tree"


def test_what_points_at_a_moved_group_is_found(site: Site) -> None:
    """A security profile, and an agent who is on a contact; others are left out."""
    emea = node("EMEA", Key="emea")
    stack = site.up(tree(site, node("Support", emea), "Sales"))
    backend, old_id = site.connect.backend, site.ids["Support/EMEA"]
    for name, group_id in (("Emea desk", old_id), ("Sales desk", site.ids["Sales"])):
        backend.create_security_profile(
            site.instance_id, name, allowed_access_control_hierarchy_group_id=group_id
        )
    site.hire("ada", "Support", "EMEA")
    site.hire("bob", "Support", "EMEA")
    (ada,) = [user for user in backend.list_users(site.instance_id) if user.username == "ada"]
    backend.contacts[ada.id] = ["contact"]
    plan = planned(site, tree(site, "Support", node("Sales", emea)), stack)
    assert {(one.kind, one.name, one.group, one.group_id) for one in plan.pointers} == {
        (Kind.SECURITY_PROFILE, "Emea desk", ("Support", "EMEA"), old_id),
        (Kind.ON_CONTACT, "ada", ("Support", "EMEA"), old_id),
    }
    assert plan.not_read == ()


def test_what_may_not_be_read_is_said(site: Site) -> None:
    """Without permission to read security profiles, there is still a plan."""
    stack = site.up(tree(site, "A", "B"))
    denied = "connect:ListSecurityProfiles"
    site.connect.settings.authorize = lambda _, action, __: action != denied
    plan = planned(site, tree(site, "A"), stack)
    assert [line.split(":", 1)[0] for line in plan.not_read] == [Kind.SECURITY_PROFILE]


def test_groups_that_may_not_be_read_are_an_error_of_the_person(site: Site) -> None:
    """An error of the plan's own reads does not count as a failure of the deployment."""
    denied = "connect:SearchUserHierarchyGroups"
    site.connect.settings.authorize = lambda _, action, __: action != denied
    with pytest.raises(Refusal, match="AccessDenied"):
        planned(site, tree(site, "A"))


def test_an_export_that_another_stack_uses_holds_the_group(site: Site) -> None:
    """CloudFormation refuses a move after everything else was done."""
    outputs = {"Outputs": {"O": {"Value": {"Ref": "T"}, "Export": {"Name": "team"}}}}
    resources = {
        "Structure": site.structure(*LEVELS),
        "A": site.group("A"),
        "B": site.group("B"),
        "T": site.group("Team", "A"),
    }
    stack = site.cloudformation.deploy("site", {"Resources": resources, **outputs})
    moved = {**resources, "T": site.group("Team", "B")}
    importers = {"team": ["users"]}
    plan = planned(
        site, moved, stack, template=outputs, importers=lambda name: importers.get(name, ())
    )
    assert plan.refusal == "Export team cannot be updated as it is in use by users"
    assert planned(site, moved, stack, template=outputs).exit_code == 2


def test_an_unknown_instance_is_no_plan(site: Site) -> None:
    """What only the deployment knows cannot be looked at."""
    resources = {"A": site.group("A", InstanceArn={"Fn::GetAtt": ["Other", "Arn"]})}
    with pytest.raises(DeploymentError, match=r"InstanceArn of A .*: Other\.Arn"):
        planned(site, resources)


def test_a_tag_that_is_not_known_is_said(site: Site) -> None:
    """The plan is made with a text that stands for it."""
    resources = tree(site, "A", Tags={"owner": {"Fn::GetAtt": ["Team", "Name"]}})
    plan = planned(site, resources)
    assert plan.unknown == ("Tags of Tree: Team.Name",)
    assert group(plan, "A").changes == (Change.ADDED,)


def test_another_function_is_refused_as_cloudformation_does(site: Site) -> None:
    """ServiceToken is create-only."""
    stack = site.up({"Structure": site.structure(*LEVELS)})
    changed = site.structure(*LEVELS)
    changed["Properties"]["ServiceToken"] = "arn:aws:lambda:eu-west-2:123456789012:function:x"
    plan = planned(site, {"Structure": changed}, stack)
    assert plan.refusal == "Modifying service token is not allowed"
