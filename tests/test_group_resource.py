"""`Custom::ConnectHierarchyGroup`, deployed in virtual time with the real handlers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.properties import reference_attribute
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults, FunctionSettings
from tests.support.stacks import Site

LEVELS = ("Division", "Region", "Team")
OWN_PREFIX = "connect-hierarchy:"


@pytest.fixture
def site() -> Site:
    """An instance without a structure."""
    return Site()


def both_worlds() -> list[Any]:
    """Every position of the switches that nobody documents and that matter for moves."""
    return [
        pytest.param(scope, reversed_id, id=f"{scope.value}-{reversed_id.value}")
        for scope in DuplicateScope
        for reversed_id in ReversedUpdateId
    ]


def site_with(scope: DuplicateScope, reversed_id: ReversedUpdateId) -> Site:
    """A site with these switches."""
    return Site(
        connect_settings=ConnectSettings(duplicate_scope=scope),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )


def with_levels(site: Site, **groups: Any) -> dict[str, Any]:
    """A structure of three levels and these groups."""
    return {"Structure": site.structure(*LEVELS), **groups}


def tags_of(site: Site, path: str) -> dict[str, str]:
    """The tags of a group that are not ours."""
    group = site.connect.backend.hierarchy(site.instance_id).by_path[tuple(path.split("/"))]
    return {key: value for key, value in group.tags.items() if not key.startswith(OWN_PREFIX)}


def update_with_failure(site: Site, resources: dict[str, Any]) -> Stack:
    """Deploy with a resource that fails after all groups of the template."""
    groups = [name for name in resources if name != "Structure"]
    return site.up({**resources, "Failing": site.failing(*groups)})


# create -----------------------------------------------------------------------------------------


def test_a_group_is_created_as_the_native_contract_tests_want_it(site: Site) -> None:
    """The ARN has the documented form, the level is "1", and the path is the group alone."""
    stack = site.up(with_levels(site, A=site.group("Acme")))
    resource = stack.resources["A"]
    arn = GroupArn.parse(resource.physical_id)
    assert arn.instance_arn == site.instance_arn
    assert resource.attributes == {
        "HierarchyGroupArn": str(arn),
        "HierarchyGroupId": site.ids["Acme"],
        "LevelId": "1",
        "Path": "Acme",
    }


def test_a_child_knows_its_place(site: Site) -> None:
    """A child's path is its parent and itself, and its level one below."""
    stack = site.up(with_levels(site, A=site.group("A"), B=site.group("B", "A")))
    assert stack.resources["B"].attributes["Path"] == "A / B"
    assert stack.resources["B"].attributes["LevelId"] == "2"


def test_creating_a_group_takes_one_create_call(site: Site) -> None:
    """One write, and nothing is read: the ledger knows the rest."""
    site.up(with_levels(site))
    before = len(site.connect.calls)
    site.up(with_levels(site, A=site.group("A")))
    assert site.calls()[before:] == ["CreateUserHierarchyGroup"]


def test_a_group_without_a_structure_says_so(site: Site) -> None:
    """The service's misleading ResourceNotFoundException becomes a sentence that helps."""
    stack = site.up({"A": site.group("A", InstanceArn=site.instance_arn)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("has no hierarchy structure" in reason for reason in site.reasons(stack))


def test_a_group_too_deep_says_so(site: Site) -> None:
    """A parent at the lowest level is named as the reason after two minutes of doubt."""
    stack = site.up(
        {
            "Structure": site.structure("Division"),
            "A": site.group("A"),
            "B": site.group("B", "A"),
        }
    )
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any(
        "creating hierarchy group 'B'" in r and "level below" in r for r in site.reasons(stack)
    )
    assert site.ids == {}


def test_a_full_quota_fails_at_once() -> None:
    """Botocore would retry the answer; here it is told within seconds, with the quota's code."""
    site = Site(connect_settings=ConnectSettings(group_quota=1))
    site.up(with_levels(site, A=site.group("A")))
    began = site.clock.now()
    stack = site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("L-D68AAAE4" in reason for reason in site.reasons(stack))
    assert site.clock.now() - began < 10


def test_a_group_made_by_hand_is_not_taken(site: Site) -> None:
    """The error gives its id and the option, and the group is as it was."""
    site.up(with_levels(site))
    made = site.connect.backend.create_user_hierarchy_group(site.instance_id, "A", tags={"x": "y"})
    stack = site.up(with_levels(site, A=site.group("A")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    (reason,) = [r for r in site.reasons(stack) if "exists already" in r]
    assert made.id in reason
    assert "adopt_existing=True" in reason
    assert tags_of(site, "A") == {"x": "y"}
    assert site.ids == {"A": made.id}


def test_adopting_keeps_the_id_and_release_the_group(site: Site) -> None:
    """An adopted group gets our tags, and stays without them when it leaves the stack."""
    site.up(with_levels(site))
    made = site.connect.backend.create_user_hierarchy_group(site.instance_id, "A", tags={"x": "y"})
    stack = site.up(with_levels(site, A=site.group("A", AdoptExisting=True)))
    assert stack.resources["A"].physical_id == made.arn
    site.up(with_levels(site))
    group = site.connect.backend.hierarchy(site.instance_id).by_path[("A",)]
    assert group.id == made.id
    assert group.tags == {"x": "y"}


def test_adoption_can_be_made_ownership(site: Site) -> None:
    """With the option off in a later deployment the group is ours, and goes with the stack."""
    site.up(with_levels(site))
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "A")
    site.up(with_levels(site, A=site.group("A", AdoptExisting=True)))
    site.up(with_levels(site, A=site.group("A")))
    site.up(with_levels(site))
    assert site.ids == {}


def test_a_group_of_another_stack_is_refused(site: Site) -> None:
    """The owner is named, with its stack, also to who wants to adopt."""
    site.up(with_levels(site, A=site.group("A")), name="first")
    stack = site.up(
        {"A": site.group("A", InstanceArn=site.instance_arn, AdoptExisting=True)}, name="second"
    )
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("belongs to A of stack first" in reason for reason in site.reasons(stack))
    assert set(site.ids) == {"A"}


def test_a_group_of_native_cloudformation_is_refused(site: Site) -> None:
    """Its own stack would delete it one day, so the error says what to do there first."""
    site.up(with_levels(site))
    site.connect.backend.create_user_hierarchy_group(
        site.instance_id, "A", tags={"aws:cloudformation:stack-name": "legacy"}
    )
    stack = site.up(with_levels(site, A=site.group("A", AdoptExisting=True)))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("stack legacy" in r and "DeletionPolicy Retain" in r for r in site.reasons(stack))


@pytest.mark.parametrize("adopted", [True, False])
def test_a_failed_take_over_gives_the_tags_back(site: Site, *, adopted: bool) -> None:
    """Keys that were added go, values that were overwritten come back, and so does the owner."""
    before = {"k": "1", "their": "own"}
    if adopted:
        site.up(with_levels(site))
        site.connect.backend.create_user_hierarchy_group(site.instance_id, "A", tags=before)
    else:
        site.up(with_levels(site, Old=site.group("A", Tags=before)))
    new = site.group("A", AdoptExisting=adopted, Tags={"k": "2", "l": "3"})
    (group,) = site.connect.backend.list_user_hierarchy_groups(site.instance_id)
    stack = update_with_failure(site, with_levels(site, New=new))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    (after,) = site.connect.backend.list_user_hierarchy_groups(site.instance_id)
    of_request = {OWN_PREFIX + "request"}
    assert {k: v for k, v in after.tags.items() if k not in of_request} == {
        k: v for k, v in group.tags.items() if k not in of_request
    }
    # and where it goes well nothing of it stays beyond the next update
    site.up(with_levels(site, New=new))
    site.up(with_levels(site, New=site.group("A", AdoptExisting=adopted, Tags={"k": "3"})))
    (after,) = site.connect.backend.list_user_hierarchy_groups(site.instance_id)
    assert after.tags["k"] == "3"
    assert not {key for key in after.tags if "added" in key or "was-" in key}


def test_a_group_that_another_stack_imports_cannot_move(site: Site) -> None:
    """CloudFormation refuses to change what is imported; the rollback leaves the group in place."""
    first = with_levels(site, A=site.group("A"), B=site.group("B"), T=site.group("T", "A"))
    export = {"Outputs": {"T": {"Value": {"Ref": "T"}, "Export": {"Name": "team"}}}}
    site.cloudformation.deploy("first", {"Resources": first, **export})
    below = site.group(
        "Desk", InstanceArn=site.instance_arn, ParentGroupArn={"Fn::ImportValue": "team"}
    )
    assert site.up({"D": below}, name="second").status == "CREATE_COMPLETE"
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    # first its child has to be of the same stack, which is told before anything is made
    stack = site.cloudformation.deploy(
        "first", {"Resources": {**first, "T": site.group("T", "B")}, **export}
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("not of this stack: 'Desk'" in reason for reason in site.reasons(stack))
    user = {**site.failing()["Properties"], "HierarchyGroupArn": {"Fn::ImportValue": "team"}}
    site.down(site.cloudformation.get("second"))
    second = site.up({"U": {"Type": "AWS::Connect::User", "Properties": user}}, name="second")
    assert second.status == "CREATE_COMPLETE", site.reasons(second)
    stack = site.cloudformation.deploy(
        "first", {"Resources": {**first, "T": site.group("T", "B")}, **export}
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "in use by" in " ".join([stack.status_reason, *site.reasons(stack)]) or any(
        "in use" in event.reason for event in stack.events
    )
    assert {path: group_id for path, group_id in ids.items() if path != "A/T/Desk"} == site.ids
    assert site.agents == {**agents, "A/T": ("ada", "nobody")}


def test_a_user_moves_from_parent_to_child(site: Site) -> None:
    """Terraform's acceptance step: a user of the stack is in the parent, then in the child."""

    def user(group: str) -> dict[str, Any]:
        return {
            "Type": "AWS::Connect::User",
            "Properties": {
                "InstanceArn": site.instance_arn,
                "Username": "ada",
                "SecurityProfileArns": [],
                "RoutingProfileArn": "none",
                "HierarchyGroupArn": {"Ref": group},
            },
        }

    groups = {"A": site.group("A"), "B": site.group("B", "A")}
    site.up(with_levels(site, **groups, Ada=user("A")))
    assert site.agents == {"A": ("ada",)}
    site.up(with_levels(site, **groups, Ada=user("B")))
    assert site.agents == {"A/B": ("ada",)}


# rename and tags --------------------------------------------------------------------------------


def test_a_rename_keeps_the_id(site: Site) -> None:
    """Reports hang on the id."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B", "A")))
    ids = site.ids
    site.up(with_levels(site, A=site.group("Z"), B=site.group("B", "A")))
    assert site.ids == {"Z": ids["A"], "Z/B": ids["A/B"]}


def test_swapped_names_keep_both_ids(site: Site) -> None:
    """Two siblings that change their names with each other wait for neither."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    ids = site.ids
    stack = site.up(with_levels(site, A=site.group("B"), B=site.group("A")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == {"A": ids["B"], "B": ids["A"]}


@pytest.mark.parametrize(("scope", "reversed_id"), both_worlds())
def test_rollback_of_swapped_names(scope: DuplicateScope, reversed_id: ReversedUpdateId) -> None:
    """A failed swap is swapped back."""
    site = site_with(scope, reversed_id)
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    ids = site.ids
    stack = update_with_failure(site, with_levels(site, A=site.group("B"), B=site.group("A")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids


def test_rollback_takes_a_name_back_from_a_group_that_goes(site: Site) -> None:
    """A new group has the old name of a renamed one; the rollback meets it before its Delete."""
    site.up(with_levels(site, A=site.group("A")))
    ids = site.ids
    new = {**site.group("A"), "DependsOn": "A"}
    stack = update_with_failure(site, with_levels(site, A=site.group("Z"), New=new))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids


def test_a_name_taken_over_from_a_removed_group_comes_back(site: Site) -> None:
    """A is renamed to what B was called, B is removed; a failure gives both their names again."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    ids = site.ids
    stack = update_with_failure(site, with_levels(site, A=site.group("B")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    stack = site.up(with_levels(site, A=site.group("B")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == {"B": ids["A"]}
    # what was noted down for a rollback is of no harm to a later one
    stack = update_with_failure(site, with_levels(site, A=site.group("C")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == {"B": ids["A"]}


def test_a_new_group_waits_for_a_slow_rename(site: Site) -> None:
    """A new group gets the name of one whose rename is held up for a while; both end right."""
    site.up(with_levels(site, A=site.group("A")))
    ids = site.ids
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.THROTTLE, times=8)
    stack = site.up(with_levels(site, A=site.group("Z"), New=site.group("A")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids["Z"] == ids["A"]
    assert site.ids["A"] != ids["A"]


def test_renaming_a_construct_keeps_the_group(site: Site) -> None:
    """Another logical id for the same place takes the group over, and the id stays."""
    site.up(with_levels(site, Old=site.group("A")))
    ids = site.ids
    stack = site.up(with_levels(site, New=site.group("A")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    # and it is really New's: it goes with it
    site.up(with_levels(site))
    assert site.ids == {}


def test_a_failed_take_over_hands_the_group_back(site: Site) -> None:
    """The rollback gives the group back to the construct that had it."""
    site.up(with_levels(site, Old=site.group("A")))
    ids = site.ids
    stack = update_with_failure(site, with_levels(site, New=site.group("A")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    site.up(with_levels(site))
    assert site.ids == {}


def test_tags_one_two_three(site: Site) -> None:
    """Terraform's acceptance steps: tags are added and changed, and what others set stays."""
    for tags in ({"a": "1"}, {"a": "2", "b": "2"}, {"a": "2", "b": "2", "c": "3"}, {"c": "3"}):
        site.up(with_levels(site, A=site.group("A", Tags=tags)))
        assert tags_of(site, "A") == tags
    site.connect.backend.tag_resource(
        site.connect.backend.hierarchy(site.instance_id).by_path[("A",)].arn, {"theirs": "x"}
    )
    site.up(with_levels(site, A=site.group("A")))
    assert tags_of(site, "A") == {"theirs": "x"}


# move -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "reversed_id"), both_worlds())
def test_a_move_carries_its_agents(scope: DuplicateScope, reversed_id: ReversedUpdateId) -> None:
    """Another parent is another group; its agents are in it, nothing is left at the old place."""
    site = site_with(scope, reversed_id)
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "T")
    old_id = site.ids["A/T"]
    stack = site.up(with_levels(site, **{**groups, "T": site.group("T", "B")}))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "B", "B/T"}
    assert site.ids["B/T"] != old_id
    assert site.agents == {"B/T": ("ada",)}


@pytest.mark.parametrize(("scope", "reversed_id"), both_worlds())
def test_rollback_of_a_move_comes_home(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """The original group is there again with its id and its agents, and no other."""
    site = site_with(scope, reversed_id)
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    stack = update_with_failure(site, with_levels(site, **{**groups, "T": site.group("T2", "B")}))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    assert site.agents == agents
    assert stack.resources["T"].physical_id.endswith(ids["A/T"])


@pytest.mark.parametrize(("scope", "reversed_id"), both_worlds())
def test_a_subtree_moves_and_comes_home(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """Children follow by their own updates, forward and back."""
    site = site_with(scope, reversed_id)
    groups = {
        "A": site.group("A"),
        "B": site.group("B"),
        "R": site.group("R", "A"),
        "T": site.group("T", "R"),
    }
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "R", "T")
    site.hire("bob", "A", "R")
    ids, agents = site.ids, site.agents
    moved = {**groups, "R": site.group("R", "B")}
    stack = update_with_failure(site, with_levels(site, **moved))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert (site.ids, site.agents) == (ids, agents)
    stack = site.up(with_levels(site, **moved))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "B", "B/R", "B/R/T"}
    assert site.agents == {"B/R": ("bob",), "B/R/T": ("ada",)}


def test_a_move_of_thousands_of_agents_takes_several_runs(site: Site) -> None:
    """At two requests a second one run of the function is too short; the work goes on in others."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    for number in range(3000):
        site.hire(f"agent{number}", "A", "T")
    before = len(site.invocations)
    stack = site.up(with_levels(site, **{**groups, "T": site.group("T", "B")}))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    updates = [i for i in site.invocations[before:] if i.event["RequestType"] == "Update"]
    assert len(updates) == 2
    assert {path: len(names) for path, names in site.agents.items()} == {"B/T": 3000}
    moves = [call for call in site.connect.calls if call.api == "UpdateUserHierarchy"]
    assert sum(call.outcome == "ok" for call in moves) == 3000


def test_what_takes_longer_than_an_hour_is_rolled_back(site: Site) -> None:
    """CloudFormation waits for an hour and no longer; the answer comes before that."""
    site.up(with_levels(site, A=site.group("A")))
    ids = site.ids
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.THROTTLE, times=2000)
    stack = site.up(with_levels(site, A=site.group("Z")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert any("out of time" in reason for reason in site.reasons(stack))
    assert site.ids == ids


def test_a_move_is_refused_while_strangers_stand_below(site: Site) -> None:
    """Children that are not of this stack would be left behind; nothing is made before that."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "Theirs", site.ids["A/T"])
    before = site.ids
    stack = site.up(with_levels(site, **{**groups, "T": site.group("T", "B")}))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("'Theirs'" in reason for reason in site.reasons(stack))
    assert site.ids == before


def test_who_joins_during_a_move_is_carried_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that joins the old group before the clean-up ends up in the new one."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    old_id = site.ids["A/T"]
    joined = False
    original = site.connect.backend.delete_user_hierarchy_group

    def join_first(*arguments: Any) -> None:
        nonlocal joined
        if not joined:
            joined = True
            site.connect.backend.create_user(site.instance_id, "late", hierarchy_group_id=old_id)
        original(*arguments)

    monkeypatch.setattr(site.connect.backend, "delete_user_hierarchy_group", join_first)
    stack = site.up(with_levels(site, **{**groups, "T": site.group("T", "B")}))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert joined
    assert site.agents == {"B/T": ("late",)}
    assert set(site.ids) == {"A", "B", "B/T"}


def test_another_instance_is_a_replacement_and_comes_home(site: Site) -> None:
    """Structure and groups are made on the new instance; a rollback returns to the old ids."""
    resources = with_levels(site, A=site.group("A"), B=site.group("B", "A"))
    site.up(resources)
    first, ids = site.instance_arn, site.ids
    site.instance_arn = site.new_instance()
    moved = with_levels(site, A=site.group("A"), B=site.group("B", "A"))
    second = site.instance_arn
    failing = site.failing("A", "B")
    stack = site.up({**moved, "Failing": failing})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == {}
    site.instance_arn = first
    assert site.ids == ids
    stack = site.up(moved)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == {}
    site.instance_arn = second
    assert set(site.ids) == {"A", "A/B"}


def cancelled_move_leaves_nothing(site: Site, faults: FunctionFaults) -> None:
    """Move a group with an agent, which another failure cancels while reads lag."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 30.0, 1.0
    site.function_faults = faults
    stack = site.up(
        with_levels(site, **{**groups, "T": site.group("T", "B")}, Failing=site.failing_later(0.5))
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert (site.ids, site.agents) == (ids, agents)


# cancelled runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_create_that_goes_on_leaves_nothing(site: Site, throttled: int) -> None:
    """Another resource fails while a Create is held up; it ends after its own Delete."""
    site.up(with_levels(site))
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=throttled)
    stack = site.up(with_levels(site, A=site.group("A"), Failing=site.failing_later(1)))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert site.ids == {}


@pytest.mark.parametrize("api", ["create", "move"])
def test_what_a_cancelled_run_made_is_removed_though_it_does_not_show(site: Site, api: str) -> None:
    """Reads lag for long, and so does what finds the group to delete."""
    groups = {"A": site.group("A"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    ids = site.ids
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    changed = {"create": {**groups, "B": site.group("B")}, "move": {**groups, "T": site.group("T")}}
    stack = site.up(with_levels(site, **changed[api], Failing=site.failing_later(1)))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert site.ids == ids


@pytest.mark.parametrize("timeout", [60.0, 900.0])
def test_a_create_that_was_throttled_for_long_does_not_doubt_less(timeout: float) -> None:
    """Two runs of one event; what one has made does not show to the other for a while."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None, read_lag=20.0),
        function_settings=FunctionSettings(timeout=timeout),
    )
    site.up(with_levels(site))
    site.clock.sleep(1000)
    site.function_faults = FunctionFaults(copies={1: 0.5})
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=120)
    stack = site.up(with_levels(site, A=site.group("A")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A"}


@pytest.mark.parametrize("seconds", range(1, 30, 4))
def test_what_a_run_made_that_was_out_of_time_is_removed(seconds: int) -> None:
    """It is cancelled before what it has made shows, and a further run of it begins."""
    site = Site(
        connect_settings=ConnectSettings(default_rate=None),
        function_settings=FunctionSettings(timeout=10.0),
    )
    site.up(with_levels(site))
    site.clock.sleep(1000)
    site.connect.settings.search_lag, site.connect.settings.read_lag = 150.0, 20.0
    stack = site.up(with_levels(site, A=site.group("A"), Failing=site.failing_later(seconds)))
    site.clock.sleep(1000)
    if stack.status != "UPDATE_COMPLETE":
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.ids == {}


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_rename_that_goes_on_does_no_harm(site: Site, throttled: int) -> None:
    """The reversed Update overtakes the one that is held up, which then notices and stops."""
    site.up(with_levels(site, A=site.group("A", Tags={"k": "1"})))
    ids = site.ids
    api = "UpdateUserHierarchyGroupName"
    site.connect.plan_fault(api, kind=FaultKind.THROTTLE, times=throttled)
    stack = site.up(
        with_levels(site, A=site.group("Z", Tags={"k": "2"}), Failing=site.failing_later(1))
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert site.ids == ids
    assert tags_of(site, "A") == {"k": "1"}


def test_a_name_that_was_given_up_long_ago_is_not_given_back(site: Site) -> None:
    """Two groups have swapped names; a rename of one is cancelled before it begins."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    site.up(with_levels(site, A=site.group("B"), B=site.group("A")))
    ids = site.ids
    site.clock.sleep(1000)
    for swapped in ({"A": "Z", "B": "A"}, {"A": "B", "B": "Z"}):
        site.connect.plan_fault("DescribeUserHierarchyGroup", kind=FaultKind.THROTTLE, times=3)
        groups = {logical_id: site.group(name) for logical_id, name in swapped.items()}
        stack = site.up(with_levels(site, **groups, Failing=site.failing_later(0.5)))
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        site.clock.sleep(1000)
        assert site.ids == ids


def test_who_takes_its_name_back_gives_none_to_who_had_it(site: Site) -> None:
    """In a rollback a group waits for its name, and its run dies and begins anew meanwhile."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    ids = site.ids
    # the rename of one waits for the other, whose reversed Update dies twice and comes late
    for dies_at in range(18, 46, 4):
        site.function_faults = FunctionFaults(kills={dies_at: True, dies_at + 3: True})
        renamed = with_levels(site, A=site.group("Z"), B=site.group("A"))
        stack = update_with_failure(site, renamed)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.ids == ids, dies_at
        site.clock.sleep(4000)


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_an_adopted_group_stays_adopted_when_an_update_is_cancelled(
    site: Site, throttled: int
) -> None:
    """What takes the tags back that were written too late knows ours from the user's."""
    site.up(with_levels(site))
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "A")
    ids = site.ids
    site.up(with_levels(site, A=site.group("A", AdoptExisting=True)))
    site.connect.plan_fault("DescribeUserHierarchyGroup", kind=FaultKind.THROTTLE, times=throttled)
    changed = site.group("A", AdoptExisting=True, Tags={"k": "1"})
    stack = site.up(with_levels(site, A=changed, Failing=site.failing_later(1)))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert tags_of(site, "A") == {}
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == ids


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_a_cancelled_move_that_goes_on_does_no_harm(site: Site, throttled: int) -> None:
    """Agents stay with the original, whenever the run that wanted to move them ends."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "T")
    ids, agents = site.ids, site.agents
    for api in ("CreateUserHierarchyGroup", "UpdateUserHierarchy"):
        site.connect.plan_fault(api, kind=FaultKind.THROTTLE, times=throttled)
    stack = site.up(
        with_levels(site, **{**groups, "T": site.group("T", "B")}, Failing=site.failing_later(1))
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert (site.ids, site.agents) == (ids, agents)


@pytest.mark.parametrize("dies_at", range(6, 30))
def test_a_cancelled_move_that_dies_leaves_nothing(site: Site, dies_at: int) -> None:
    """The reversed Update does not see yet what was made; a further run removes it."""
    cancelled_move_leaves_nothing(site, FunctionFaults(kills={dies_at: True}))


# delete -----------------------------------------------------------------------------------------


def test_a_group_with_agents_is_not_deleted_by_default(site: Site) -> None:
    """The error gives their number and names, and the stack can be deleted once they are gone."""
    stack = site.up(with_levels(site, A=site.group("A")))
    site.hire("ada", "A")
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("1 agent(s) are in it: 'ada'" in reason for reason in site.reasons(stack))
    assert site.agents == {"A": ("ada",)}


@pytest.mark.parametrize(
    ("policy", "where"), [("MOVE_TO_PARENT", {"A": ("ada",)}), ("UNASSIGN", {})]
)
def test_agents_on_delete(site: Site, policy: str, where: dict[str, Any]) -> None:
    """The two other policies put the agents where they say."""
    groups = {"A": site.group("A"), "B": site.group("B", "A", AgentsOnDelete=policy)}
    site.up(with_levels(site, **groups))
    site.hire("ada", "A", "B")
    stack = site.up(with_levels(site, A=groups["A"]))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A"}
    assert site.agents == where


def test_agents_do_not_climb_to_where_they_would_be_stuck(site: Site) -> None:
    """With the whole stack going, the way up is looked at before any agent is moved."""
    groups = {
        "A": site.group("A"),
        "B": site.group("B", "A", AgentsOnDelete="MOVE_TO_PARENT"),
        "C": site.group("C", "B", AgentsOnDelete="MOVE_TO_PARENT"),
    }
    stack = site.up(with_levels(site, **groups))
    site.hire("ada", "A", "B", "C")
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("'A' above goes too and lets no agents go" in r for r in site.reasons(stack))
    assert site.agents == {"A/B/C": ("ada",)}


def test_agents_climb_out_of_a_stack_that_goes(site: Site) -> None:
    """Where the group at the top lets its agents go, those from below leave with them."""
    groups = {
        "A": site.group("A", AgentsOnDelete="UNASSIGN"),
        "B": site.group("B", "A", AgentsOnDelete="MOVE_TO_PARENT"),
    }
    stack = site.up(with_levels(site, **groups))
    site.hire("ada", "A", "B")
    assert site.down(stack).status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_a_name_that_was_given_by_hand_is_given_up(site: Site) -> None:
    """A group that an operator has renamed gets its own name back where another wants that one."""
    first = with_levels(site, A=site.group("A"))
    site.up(first)
    ids = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "B")
    stack = site.up({**first, "B": site.group("B")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "B"}
    assert site.ids["A"] == ids["A"]


def test_names_that_were_passed_on_by_hand_are_told(site: Site) -> None:
    """Each of two has the name of the next: nothing changes, and the error says what to do."""
    first = with_levels(site, A=site.group("A"), B=site.group("B"))
    site.up(first)
    ids = site.ids
    for name, by_hand in (("B", "C"), ("A", "B")):
        site.connect.backend.update_user_hierarchy_group_name(site.instance_id, ids[name], by_hand)
    before = site.ids
    stack = site.up({**first, "C": site.group("C")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    why = f"somebody gave the name to group {ids['B']} of B, and another group has"
    assert any(why in reason for reason in site.reasons(stack)), site.reasons(stack)
    assert site.ids == before


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
def test_an_adopted_group_that_leaves_keeps_its_name(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A rename or a move that wants its name is refused, and says why."""
    site = site_with(scope, reversed_id)
    site.up(with_levels(site))
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "A")
    first = {"B": site.group("B"), "P": site.group("P"), "C": site.group("C", "P")}
    site.up(with_levels(site, A=site.group("A", AdoptExisting=True), **first))
    ids = site.ids
    for renamed in ({"B": site.group("A")}, {"C": site.group("A")}):
        stack = site.up(with_levels(site, **{**first, **renamed}))
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert any("A" in reason and ids["A"] in reason for reason in site.reasons(stack))
        assert site.ids == ids
        site.clock.sleep(1000)


@pytest.mark.parametrize("seconds", range(20, 60, 4))
def test_who_made_room_in_turn_has_its_name_back(site: Site, seconds: int) -> None:
    """A new group takes the first name of a chain of renames, whose updates never begin."""
    site.up(with_levels(site, A=site.group("W"), B=site.group("X")))
    ids = site.ids
    renamed = {
        "A": {**site.group("X"), "DependsOn": ["N"]},
        "B": {**site.group("Y"), "DependsOn": ["N"]},
    }
    failing = site.failing_later(seconds)
    stack = site.up(with_levels(site, N=site.group("W"), **renamed, Failing=failing))
    site.clock.sleep(1000)
    if stack.status != "UPDATE_COMPLETE":
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.ids == ids


@pytest.mark.parametrize("dies_at", [None, *range(20, 40, 4)])
def test_names_that_were_swapped_by_hand_are_given_up(site: Site, dies_at: int | None) -> None:
    """Each of two has the other's name, and a third one's update wants one of these."""
    first = with_levels(site, A=site.group("A"), B=site.group("B"), C=site.group("C"))
    site.up(first)
    ids = site.ids
    for name, by_hand in (("A", "Z"), ("B", "A"), ("A", "B")):
        site.connect.backend.update_user_hierarchy_group_name(site.instance_id, ids[name], by_hand)
    if dies_at is not None:
        site.function_faults = FunctionFaults(kills={dies_at: True})
    stack = site.up({**first, "A": site.group("Z"), "C": site.group("A")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == {"Z": ids["A"], "B": ids["B"], "A": ids["C"]}


def test_a_delete_that_comes_again_after_the_clean_up_takes_nothing(site: Site) -> None:
    """The construct has another id now, which reads do not show yet: the group stays with it."""
    site.up(with_levels(site, Old=site.group("A")))
    site.clock.sleep(1000)
    site.up(with_levels(site, New=site.group("A")))
    event = [i.event for i in site.invocations if i.event["RequestType"] == "Delete"][-1]
    site.connect.settings.read_lag = 100.0
    site._invoke_async(site.function_arn, dict(event))
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}


def test_a_group_without_its_tags_is_not_adopted_from_its_resource(site: Site) -> None:
    """Somebody took the tags away and gave it another name; CloudFormation knows whose it is."""
    first = with_levels(site, A=site.group("A"))
    site.up(first)
    ids = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "B")
    group = backend.describe_user_hierarchy_group(site.instance_id, ids["A"])
    backend.untag_resource(group.arn, list(group.tags))
    stack = site.up({**first, "B": site.group("B", AdoptExisting=True)})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "B"}
    assert site.ids["A"] == ids["A"]


def test_a_name_that_was_given_by_hand_is_given_up_elsewhere_too() -> None:
    """The same where a name can be had once in an instance, and the group stands elsewhere."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    first = with_levels(site, A=site.group("A"))
    site.up(first)
    ids = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "B")
    stack = site.up({**first, "B": site.group("B", "A")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids["A"] == ids["A"]
    assert set(site.ids) == {"A", "A/B"}


def test_a_group_that_leaves_gives_its_name_up_elsewhere_too() -> None:
    """A new group takes the name of one that goes, and a rollback gives it back."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    first = with_levels(site, A=site.group("A"), B=site.group("B"))
    site.up(first)
    ids = site.ids
    second = with_levels(site, A=site.group("A"), C=site.group("B", "A"))
    stack = update_with_failure(site, second)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    stack = site.up(second)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "A/B"}


@pytest.mark.parametrize("dies_at", [None, *range(44, 64)])
def test_who_stepped_aside_for_a_group_that_is_not_made_comes_back(dies_at: int | None) -> None:
    """The quota is full, or the function dies each time that it has come so far."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    first = with_levels(site, A=site.group("A"), B=site.group("B"))
    site.up(first)
    ids = site.ids
    site.connect.settings.group_quota = 2
    if dies_at is not None:
        site.function_faults = FunctionFaults(kills={dies_at + n: True for n in range(3)})
    stack = site.up(with_levels(site, A=site.group("A"), C=site.group("B", "A")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids


def test_an_abandoned_group_gives_its_name_up_elsewhere_too() -> None:
    """Its construct comes back below another parent, and a rollback gives the name back."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    first = with_levels(site, A=site.group("A"), B=site.group("B"))
    site.up(first)
    site.hire("ada", "B")
    site.up(with_levels(site, A=site.group("A")))
    ids = site.ids
    assert set(ids) == {"A", "B"}
    second = with_levels(site, A=site.group("A"), B=site.group("B", "A"))
    stack = update_with_failure(site, second)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids


@pytest.mark.parametrize("later", [0.0, 0.25, 0.5, 1.0])
def test_a_cancelled_move_that_runs_twice_does_no_harm(later: float) -> None:
    """Where a name can be had once in an instance, each run finds what the other put aside."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    cancelled_move_leaves_nothing(site, FunctionFaults(copies={1: later}))


def test_who_made_room_under_its_new_name_has_its_old_one_back(site: Site) -> None:
    """A move takes the name of a group that is to move itself, and then there is no quota left."""
    groups = {
        "P": site.group("P"),
        "C": site.group("N", "P"),
        "D": site.group("N", "C"),
        "Q": site.group("Q"),
    }
    site.up(with_levels(site, **groups))
    ids = site.ids
    site.connect.settings.group_quota = len(ids)
    swapped = {**groups, "D": site.group("N", "P"), "C": site.group("Z", "D")}
    stack = site.up(with_levels(site, **swapped))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids


def test_two_groups_of_one_name_do_not_take_it_from_each_other() -> None:
    """Where a name can be had once in an instance, the second is an error that names the first."""
    site = site_with(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    first = with_levels(site, A=site.group("A"), B=site.group("B"))
    site.up(first)
    ids = site.ids
    stack = site.up({**first, "C": site.group("B", "A")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any(f"taken in the instance by group {ids['B']} (B)" in r for r in site.reasons(stack))
    assert site.ids == ids


@pytest.mark.parametrize("is_renamed", [False, True], ids=["created", "renamed"])
def test_who_has_lost_its_name_keeps_the_one_by_hand(site: Site, *, is_renamed: bool) -> None:
    """A group was renamed by hand, a stranger has its name: who wants the other one is told."""
    before = with_levels(site, A=site.group("A"))
    site.up({**before, "B": site.group("B")} if is_renamed else before)
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, site.ids["A"], "N")
    backend.create_user_hierarchy_group(site.instance_id, "A")
    ids = site.ids
    stack = site.up({**before, "B": site.group("N")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    why = f"somebody gave the name to group {ids['N']} of A, and another group has"
    assert any(why in reason for reason in site.reasons(stack)), site.reasons(stack)
    assert site.ids == ids


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8, 1.1, 1.4])
def test_an_adoption_that_is_cancelled_gives_the_tags_back(seconds: float) -> None:
    """Another resource fails meanwhile: what is written in the rollback is undone as well."""
    site = Site(connect_settings=ConnectSettings(default_rate=None, latency=0.3))
    site.up(with_levels(site))
    backend = site.connect.backend
    backend.create_user_hierarchy_group(site.instance_id, "A", tags={"k": "own"})
    adopting = site.group("A", AdoptExisting=True, Tags={"k": "1", "l": "x"})
    stack = site.up({**with_levels(site), "A": adopting, "Late": site.failing_later(seconds)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.settle()
    tags = backend.hierarchy(site.instance_id).by_path["A",].tags
    assert tags == {"k": "own"}


def test_who_has_lost_its_name_below_a_tree_keeps_the_one_by_hand(site: Site) -> None:
    """As above, where the template tells the parent by a function of CloudFormation."""
    attribute = {"Fn::GetAtt": ["Tree", reference_attribute(key_mark("P"))]}
    instance = {"Fn::GetAtt": ["Structure", "InstanceArn"]}
    parent = {"Fn::Join": ["/", [instance, "agent-group", attribute]]}
    before = with_levels(
        site,
        Tree=site.tree("P", references=["P"]),
        A=site.group("A", ParentGroupArn=parent),
        B=site.group("B", ParentGroupArn=parent),
    )
    site.up(before)
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, site.ids["P/A"], "N")
    backend.create_user_hierarchy_group(site.instance_id, "A", site.ids["P"])
    site.clock.sleep(1000)
    ids = site.ids
    stack = site.up({**before, "B": site.group("N", ParentGroupArn=parent)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.ids == ids


def test_who_is_about_to_move_makes_room_no_matter_what_has_its_name_here(site: Site) -> None:
    """The holder of a name goes below the group that wants it, under a name that is taken here."""
    groups = with_levels(site, P=site.group("P"), G=site.group("G", "P"), H=site.group("N", "P"))
    site.up(groups)
    backend, ids = site.connect.backend, site.ids
    backend.create_user_hierarchy_group(site.instance_id, "X", ids["P"])
    stack = site.up({**groups, "G": site.group("N", "P"), "H": site.group("X", "G")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids.keys() == {"P", "P/N", "P/N/X", "P/X"}
    assert site.ids["P/N"] == ids["P/G"]


def test_a_rename_that_is_refused_leaves_the_group_its_name(site: Site) -> None:
    """An adopted group that leaves the stack has the name, and no rollback comes."""
    backend = site.connect.backend
    site.write_levels(*LEVELS)
    backend.create_user_hierarchy_group(site.instance_id, "X")
    structure = {"Structure": site.structure(*LEVELS, AdoptExisting=True)}
    adopted = site.group("X", AdoptExisting=True)
    site.up({**structure, "A": site.group("A"), "O": adopted})
    ids = site.ids
    site.clock.sleep(1000)
    stack = site.up({**structure, "A": site.group("X")}, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    assert any("which was adopted" in reason for reason in site.reasons(stack))
    assert site.ids == ids


def test_what_an_earlier_move_left_behind_stays_out_of_the_next(site: Site) -> None:
    """An agent joined the original too late for its clean-up: the group stays, and so does she."""
    site.connect.settings.search_lag = 900.0
    groups = {"A": site.group("A"), "B": site.group("B")}
    site.up(with_levels(site, **groups, D=site.group("D")))
    site.clock.sleep(1000)
    # no search shows her in time
    site.hire("ada", "D")
    site.up(with_levels(site, **groups, D=site.group("D", "A")))
    site.clock.sleep(1000)
    assert site.agents == {"D": ("ada",)}
    left = site.ids["D"]
    stack = site.up(with_levels(site, **groups, D=site.group("D", "B")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids.keys() == {"A", "B", "B/D", "D"}
    assert (site.ids["D"], site.agents) == (left, {"D": ("ada",)})


@pytest.mark.parametrize("moves", [False, True], ids=["refused at once", "moved and back"])
def test_a_rollback_takes_no_earlier_move_back(site: Site, *, moves: bool) -> None:
    """Another construct has the place that the group came from, with a group of its own."""
    groups = {"A": site.group("A"), "B": site.group("B")}
    site.up(with_levels(site, **groups, D=site.group("D", Tags={"k": "1"})))
    original = site.ids["D"]
    other = site.group("D", Tags={"k": "2"})
    resources = with_levels(site, **groups, D=site.group("D", "A", Tags={"k": "1"}), E=other)
    assert site.up(resources).status == "UPDATE_COMPLETE"
    assert site.ids["D"] != original
    site.hire("ada", "D")
    site.hire("grace", "A", "D")
    if not moves:
        backend = site.connect.backend
        backend.create_user_hierarchy_group(site.instance_id, "Theirs", site.ids["A/D"])
    site.clock.sleep(1000)
    before = site.ids, site.agents, tags_of(site, "D")
    stack = update_with_failure(site, {**resources, "D": site.group("D", "B", Tags={"k": "1"})})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert (site.ids, site.agents, tags_of(site, "D")) == before


@pytest.mark.parametrize("fails", [False, True], ids=["forward", "rolled back"])
def test_who_leaves_makes_room_for_who_has_another_name_by_hand(site: Site, *, fails: bool) -> None:
    """Each of two has the next one's name by hand: nothing changes, and the error says so."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B")))
    backend, ids = site.connect.backend, site.ids
    for path, name in (("B", "N"), ("A", "B")):
        backend.update_user_hierarchy_group_name(site.instance_id, ids[path], name)
    before = site.ids
    stack_as_wanted = with_levels(site, B=site.group("B"), C=site.group("N"))
    deploy = partial(update_with_failure, site) if fails else site.up
    stack = deploy(stack_as_wanted)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("somebody gave the name to group" in reason for reason in site.reasons(stack))
    assert site.ids == before


def test_a_rollback_does_without_a_name_that_was_not_there_before(site: Site) -> None:
    """A group was renamed by hand and another has its name now: an update of it fails, no more."""
    site.up(with_levels(site, A=site.group("A")))
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, site.ids["A"], "By hand")
    backend.create_user_hierarchy_group(site.instance_id, "A")
    ids = site.ids
    stack = site.up(with_levels(site, A=site.group("A", Tags={"k": "1"})))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert any("the name is taken in the" in reason for reason in site.reasons(stack))
    assert site.ids == ids
    assert tags_of(site, "By hand") == {}


def test_an_abandoned_group_is_found_again(site: Site) -> None:
    """A clean-up that was refused leaves the group with its tags; adding it again finds it."""
    site.up(with_levels(site, A=site.group("A")))
    site.hire("ada", "A")
    ids = site.ids
    stack = site.up(with_levels(site))
    assert stack.status == "UPDATE_COMPLETE"
    assert site.ids == ids
    stack = site.up(with_levels(site, A=site.group("A")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids == ids


def test_an_abandoned_group_is_found_again_under_another_name(site: Site) -> None:
    """Its construct comes back at its place: the group is renamed, and its name is free."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B", "A")))
    site.hire("ada", "A", "B")
    (abandoned,) = (group_id for path, group_id in site.ids.items() if path == "A/B")
    site.up(with_levels(site, A=site.group("A")))
    site.up(with_levels(site, A=site.group("A"), B=site.group("Z", "A")))
    assert site.ids.keys() == {"A", "A/Z"}
    assert site.ids["A/Z"] == abandoned
    stack = site.up(
        with_levels(site, A=site.group("A"), B=site.group("Z", "A"), C=site.group("B", "A"))
    )
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"A", "A/B", "A/Z"}
    assert site.agents == {"A/Z": ("ada",)}


@pytest.mark.parametrize("read_lag", [0.0, 20.0])
def test_an_abandoned_group_that_was_taken_is_left_again(site: Site, read_lag: float) -> None:
    """The update that took it is rolled back: it is as it was, and nobody's but the stack's."""
    site.up(with_levels(site, A=site.group("A"), B=site.group("B", "A", Tags={"k": "1"})))
    site.hire("ada", "A", "B")
    site.up(with_levels(site, A=site.group("A")))
    ids, tags = site.ids, tags_of(site, "A/B")
    site.clock.sleep(100)
    site.connect.settings.read_lag = read_lag
    taking = with_levels(site, A=site.group("A"), C=site.group("B", "A", Tags={"k": "2", "l": "x"}))
    stack = update_with_failure(site, taking)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    assert tags_of(site, "A/B") == tags == {"k": "1"}
    own = site.connect.backend.hierarchy(site.instance_id).by_path["A", "B"].tags
    assert own["connect-hierarchy:resource"] == "B"


def test_a_rollback_does_without_a_name_that_somebody_has_by_now(site: Site) -> None:
    """A group was deleted by hand, an update made it anew under another name, and failed."""
    site.up(with_levels(site, A=site.group("A")))
    backend = site.connect.backend
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    strangers = backend.create_user_hierarchy_group(site.instance_id, "A").id
    stack = update_with_failure(site, with_levels(site, A=site.group("Z")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids["A"] == strangers
    assert stack.resources["A"].physical_id.endswith(site.ids["Z"])


def test_a_rollback_adopts_nothing(site: Site) -> None:
    """A group was deleted by hand, and somebody made another in its place."""
    adopting = site.group("A", AdoptExisting=True)
    site.up(with_levels(site, A=adopting))
    backend = site.connect.backend
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    for name in ("A", "Z"):
        backend.create_user_hierarchy_group(site.instance_id, name)
    stack = site.up(with_levels(site, A=site.group("Z")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    group = backend.hierarchy(site.instance_id).by_path["A",]
    assert dict(group.tags) == {}


def test_a_strangers_child_that_is_gone_does_not_keep_a_group_from_moving(site: Site) -> None:
    """A search shows it for a while."""
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    backend, ids = site.connect.backend, site.ids
    child = backend.create_user_hierarchy_group(site.instance_id, "Theirs", ids["A/T"])
    site.clock.sleep(1000)
    site.connect.settings.search_lag = 100.0
    backend.delete_user_hierarchy_group(site.instance_id, child.id)
    stack = site.up(with_levels(site, **{**groups, "T": site.group("T", "B")}))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)


def test_a_group_with_a_strangers_child_names_it(site: Site) -> None:
    """A child that somebody made by hand blocks the deletion by name."""
    stack = site.up(with_levels(site, A=site.group("A")))
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "Theirs", site.ids["A"])
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("it has child groups: 'Theirs'" in reason for reason in site.reasons(stack))


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_a_rollback_does_without_what_was_gone_before(reversed_id: ReversedUpdateId) -> None:
    """A parent and its child were deleted by hand; a move makes the child anew, and is undone."""
    site = site_with(DuplicateScope.SIBLINGS, reversed_id)
    groups = {"A": site.group("A"), "B": site.group("B"), "T": site.group("T", "A")}
    site.up(with_levels(site, **groups))
    for path in ("A/T", "A"):
        site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids[path])
    moved = with_levels(site, B=site.group("B"), T=site.group("T", "B"))
    stack = update_with_failure(site, moved)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"B"}
    stack = site.up(moved)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"B", "B/T"}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@pytest.mark.parametrize("parent", [None, "P"])
def test_a_rollback_does_without_two_that_would_wait_for_each_other(
    parent: str | None, scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """Two that were deleted by hand are made anew under each other's names, and that is undone."""
    site = site_with(scope, reversed_id)
    groups = {"P": site.group("P"), "A": site.group("A"), "B": site.group("B")}
    site.up(with_levels(site, **groups))
    for path in ("A", "B"):
        site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids[path])
    swapped = {**groups, "A": site.group("B", parent), "B": site.group("A", parent)}
    began = site.clock.now()
    stack = update_with_failure(site, with_levels(site, **swapped))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.clock.now() - began < 1000
    stack = site.up(with_levels(site, **swapped))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"P", *(("P/A", "P/B") if parent else ("A", "B"))}


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
def test_a_rollback_takes_nothing_from_who_adopted_it(
    scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """A group was deleted by hand, and a new construct adopted another one in its place."""
    site = site_with(scope, reversed_id)
    site.up(with_levels(site, A=site.group("A")))
    backend = site.connect.backend
    backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    backend.create_user_hierarchy_group(site.instance_id, "A")
    by_hand = site.ids["A"]
    adopting = site.group("A", AdoptExisting=True)
    stack = update_with_failure(site, with_levels(site, A=site.group("Z"), B=adopting))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids["A"] == by_hand
    group = backend.hierarchy(site.instance_id).by_path["A",]
    assert dict(group.tags) == {}


def test_a_cancelled_update_does_not_make_what_is_gone(site: Site) -> None:
    """It doubts for minutes that its group is gone, and is superseded meanwhile."""
    site.up(with_levels(site, A=site.group("A")))
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    stack = site.up(with_levels(site, A=site.group("Z"), Failing=site.failing_later(0.5)))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert set(site.ids) == {"A"}


def test_deleting_what_is_gone_succeeds(site: Site) -> None:
    """A group that somebody deleted by hand does not hold the stack up."""
    stack = site.up(with_levels(site, A=site.group("A")))
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    assert site.down(stack).status == "DELETE_COMPLETE"


def test_what_was_deleted_by_hand_is_made_again(site: Site) -> None:
    """The next change of the resource recreates the group instead of a bare ResourceNotFound."""
    site.up(with_levels(site, A=site.group("A")))
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    stack = site.up(with_levels(site, A=site.group("Z")))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert set(site.ids) == {"Z"}


def test_a_strangers_group_is_never_deleted(site: Site) -> None:
    """A group whose tags name another owner stays, and the Delete succeeds."""
    stack = site.up(with_levels(site, A=site.group("A")))
    arn = stack.resources["A"].physical_id
    site.connect.backend.tag_resource(arn, {"connect-hierarchy:stack": "other/uuid"})
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert set(site.ids) == {"A"}


def test_destroying_a_stack_leaves_nothing_of_ours(site: Site) -> None:
    """Children go before their parents, and agents' groups by their policy."""
    stack = site.up(
        with_levels(site, A=site.group("A"), B=site.group("B", "A"), C=site.group("C", "B"))
    )
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}


def test_what_shows_up_between_two_reads_is_not_put_aside() -> None:
    """A create whose answer was lost, found by the second of two reads: it is the group."""
    site = Site(connect_settings=ConnectSettings(default_rate=None, read_lag=5.0))
    site.write_levels(*LEVELS)
    site.clock.sleep(60)
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.ERROR_AFTER)
    # the first read is over before the lag is, the second is not
    site.connect.plan_fault("ListUserHierarchyGroups", nth=4, kind=FaultKind.ERROR_BEFORE, times=3)
    group = site.group("C", InstanceArn=site.instance_arn)
    stack = site.up({"Group": group})
    assert stack.status == "CREATE_COMPLETE"
    assert set(site.ids) == {"C"}
