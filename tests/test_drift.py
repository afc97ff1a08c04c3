"""The function's report of changes by hand, and its repair."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from connect_hierarchy_lambda.model.ownership import (
    KEY_TAG,
    RESOURCE_TAG,
    STACK_TAG,
    owner_tags,
    stack_name_and_uuid,
)
from connect_hierarchy_lambda.model.properties import DRIFT_CHECK
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope, FaultKind
from local_aws.in_process import FunctionFaults, FunctionSettings
from tests.support.iam import Guard, SiteWithTables
from tests.support.instances import write_levels
from tests.support.stacks import Site, node

LEVELS = ("Division", "Region", "Team", "Desk")


@pytest.fixture(params=[False, True], ids=["ledger in memory", "ledger in a table"])
def site(request: pytest.FixtureRequest) -> Site:
    """An instance without a structure."""
    return Site(ledger_in_table=request.param)


def organisation(site: Site, **further: Any) -> dict[str, Any]:
    """A division with a region of its own resource, and a tree below that."""
    return {
        "Structure": site.structure(*LEVELS),
        "Sales": site.group("Sales", Tags={"cost-center": "42"}),
        "Emea": site.group("EMEA", parent="Sales"),
        "Teams": site.tree("Inbound", node("Outbound", Key="out"), parent="Emea"),
        "Service": site.tree(node("Service", node("Chat", "Night"), "Mail")),
        **further,
    }


def check(site: Site, stack: Stack, *, repair: bool = False) -> dict[str, Any]:
    """The report of the stack's function."""
    event = {"StackId": stack.stack_id, "Repair": repair}
    report: dict[str, Any] = site.invoke({DRIFT_CHECK: event})
    return report


def found(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and path of each difference."""
    assert not report["error"], report
    return [(one["kind"], one["path"]) for one in report["differences"]]


class Operator:
    """A person who changes groups in the console."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def _client(self) -> Any:
        # slowly enough for the service
        self._site.clock.sleep(1)
        return self._site.client("connect")

    def rename(self, path: str, name: str) -> None:
        """Give a group another name."""
        self._client.update_user_hierarchy_group_name(
            InstanceId=self._site.instance_id, HierarchyGroupId=self._site.ids[path], Name=name
        )

    def delete(self, path: str) -> None:
        """Delete a group."""
        self._client.delete_user_hierarchy_group(
            InstanceId=self._site.instance_id, HierarchyGroupId=self._site.ids[path]
        )

    def create(self, name: str, above: str | None = None, **tags: str) -> str:
        """Make a group, and give its id."""
        parent = {"ParentGroupId": self._site.ids[above]} if above else {}
        answer = self._client.create_user_hierarchy_group(
            InstanceId=self._site.instance_id,
            Name=name,
            **parent,
            **({"Tags": tags} if tags else {}),
        )
        return str(answer["HierarchyGroupId"])

    def tag(self, path: str, **tags: str) -> None:
        """Set tags."""
        self._client.tag_resource(resourceArn=self._arn(path), tags=tags)

    def untag(self, path: str, *keys: str) -> None:
        """Take tags away."""
        self._client.untag_resource(resourceArn=self._arn(path), tagKeys=list(keys))

    def move(self, path: str, above: str | None) -> None:
        """Make a group elsewhere with the same tags, take the agents along, delete the old one."""
        hierarchy = self._site.connect.backend.hierarchy(self._site.instance_id)
        names = tuple(path.split("/"))
        tags, agents = hierarchy.by_path[names].tags, hierarchy.usernames(*names)
        self.rename(path, "old")
        path = "/".join((*names[:-1], "old"))
        new = self.create(names[-1], above, **tags)
        for user in self._client.search_users(InstanceId=self._site.instance_id)["Users"]:
            if user["Username"] in agents:
                self._client.update_user_hierarchy(
                    InstanceId=self._site.instance_id, UserId=user["Id"], HierarchyGroupId=new
                )
        self.delete(path)

    def change_groups(self) -> None:
        """Rename, tag, untag, delete and move groups of the organisation."""
        self.rename("Sales", "Vertrieb")
        self.tag("Vertrieb", **{"cost-center": "43"})
        self.untag("Vertrieb/EMEA", RESOURCE_TAG)
        self.delete("Vertrieb/EMEA/Inbound")
        self.move("Service/Chat/Night", "Service/Mail")
        self.move("Vertrieb/EMEA/Outbound", None)

    def _arn(self, path: str) -> str:
        return f"{self._site.instance_arn}/agent-group/{self._site.ids[path]}"


def tags_of(site: Site, path: str) -> dict[str, str]:
    """The tags of a group."""
    group = site.connect.backend.hierarchy(site.instance_id).by_path[tuple(path.split("/"))]
    return dict(group.tags)


# what is found ----------------------------------------------------------------------------------


def test_a_stack_as_it_was_deployed_has_no_drift(site: Site) -> None:
    """Also with groups, tags and levels of others beside it; looking changes nothing."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    site.write_levels(*LEVELS, "Seat")
    operator.create("Somebody's", "Sales", owner="me")
    operator.tag("Sales/EMEA", note="theirs")
    before = site.ids
    writes = len(site.calls())
    report = check(site, stack)
    assert found(report) == []
    assert site.ids == before
    looked = set(site.calls()[writes:])
    assert looked == {
        "ListUserHierarchyGroups",
        "SearchUserHierarchyGroups",
        "DescribeUserHierarchyStructure",
    }


def test_each_kind_of_change_is_named(site: Site) -> None:
    """With what the ledger says and what is there."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    operator.change_groups()
    other = owner_tags("other/uuid", "Chat")
    operator.tag("Service/Chat", **other)
    copied = operator.create(
        "Copy", None, **owner_tags(stack_name_and_uuid(stack.stack_id), "Nobody")
    )
    site.write_levels("Division", "Land", "Team")
    report = check(site, stack)
    assert found(report) == [
        ("UNRECORDED", "Copy"),
        ("RENAMED", "Sales"),
        ("RETAGGED", "Sales"),
        ("RETAGGED", "Sales/EMEA"),
        ("DELETED", "Sales/EMEA/Inbound"),
        ("MOVED", "Sales/EMEA/Outbound"),
        ("TAKEN", "Service/Chat"),
        ("MOVED", "Service/Chat/Night"),
        ("LEVEL", "level 2"),
        ("LEVEL", "level 4"),
    ]
    by_path = {(one["kind"], one["path"]): one for one in report["differences"]}

    def told(kind: str, path: str) -> tuple[str, str, str]:
        one = by_path[(kind, path)]
        return one["resource"], one["was"], one["now"]

    assert by_path["UNRECORDED", "Copy"]["group_id"] == copied
    assert told("RENAMED", "Sales") == ("Sales", "Sales", "Vertrieb")
    assert told("RETAGGED", "Sales") == ("Sales", "cost-center=42", "cost-center=43")
    assert told("RETAGGED", "Sales/EMEA") == (
        "Emea",
        f"{RESOURCE_TAG}=Emea",
        f"no {RESOURCE_TAG}",
    )
    assert told("MOVED", "Service/Chat/Night") == (
        "Service",
        "Service/Chat/Night",
        "Service / Mail / Night",
    )
    assert told("TAKEN", "Service/Chat")[2] == "other/uuid"
    assert told("LEVEL", "level 2") == ("Structure", "Region", "Land")
    assert told("LEVEL", "level 4") == ("Structure", "Desk", "")


def test_what_had_to_stay_is_named_with_its_reason(site: Site) -> None:
    """A group with agents whose resource left the template; once it is gone nothing is said."""
    site.up(organisation(site))
    site.hire("ada", "Sales", "EMEA", "Inbound")
    resources = organisation(site)
    del resources["Teams"]
    stack = site.up(resources)
    report = check(site, stack)
    assert found(report) == [
        ("LEFT", "Sales/EMEA/Inbound"),
        ("LEFT", "Sales/EMEA/Outbound"),
    ]
    assert "agent(s)" in report["differences"][0]["now"]
    repaired = check(site, stack, repair=True)
    assert [one["repaired"] for one in repaired["differences"]] == [False, False]
    Operator(site).delete("Sales/EMEA/Outbound")
    assert found(check(site, stack)) == [("LEFT", "Sales/EMEA/Inbound")]


def test_what_a_stack_retains_is_no_drift(site: Site) -> None:
    """A group that CloudFormation retained is not compared."""
    resources = organisation(site, Kept=site.group("Kept", DeletionPolicy="Retain"))
    site.up(resources)
    del resources["Kept"]
    stack = site.up(resources)
    Operator(site).rename("Kept", "Otherwise")
    assert found(check(site, stack)) == []


def test_levels_that_a_structure_has_left_are_no_drift(site: Site) -> None:
    """Whatever somebody does with the former instance, and also if it is gone."""
    former = site.instance_arn
    site.up(organisation(site))
    site.instance_arn = site.other_arn
    stack = site.up(organisation(site))
    assert stack.status == "UPDATE_COMPLETE"
    backend, former_id = site.connect.backend, former.rsplit("/", 1)[-1]
    write_levels(backend, former_id, "Another")
    assert found(check(site, stack)) == []
    backend.delete_instance(former_id)
    assert found(check(site, stack, repair=True)) == []


def test_searches_that_lag_are_no_drift() -> None:
    """What was renamed and deleted a moment ago is read by lists and single reads."""
    site = Site(connect_settings=ConnectSettings(search_lag=30.0))
    stack = site.up(organisation(site))
    operator = Operator(site)
    operator.rename("Service/Mail", "Post")
    operator.delete("Sales/EMEA/Inbound")
    assert found(check(site, stack)) == [
        ("DELETED", "Sales/EMEA/Inbound"),
        ("RENAMED", "Service/Mail"),
    ]


def test_nothing_is_said_during_a_deployment(site: Site) -> None:
    """Half a deployment looks like drift."""
    stack = site.up(organisation(site))
    reports: list[dict[str, Any]] = []

    def look() -> None:
        site.clock.sleep(30)
        reports.append(check(site, stack))

    site.clock.spawn("the schedule", look)
    site.up(organisation(site, Slow=site.failing_later(60)))
    (report,) = reports
    assert "UPDATE_IN_PROGRESS" in report["skipped"]
    assert report["differences"] == []


# repairs ----------------------------------------------------------------------------------------


def test_a_repair_brings_back_what_the_stack_wished(site: Site) -> None:
    """Names, tags, places, agents and levels; the owner tags of another stack stay."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    before = site.ids
    site.hire("ada", "Service", "Chat", "Night")
    site.hire("bob", "Sales", "EMEA", "Outbound")
    operator.change_groups()
    operator.tag("Service/Mail", **owner_tags("other/uuid", "Mail"))
    operator.rename("Service/Mail", "Post")
    site.write_levels("Division", "Land", "Team", "Desk")
    report = check(site, stack, repair=True)
    assert report["failures"] == {}
    assert {path: one["repaired"] for one in report["differences"] for path in [one["path"]]} == {
        "Sales": True,
        "Sales/EMEA": True,
        "Sales/EMEA/Inbound": True,
        "Sales/EMEA/Outbound": True,
        "Service/Chat/Night": True,
        "Service/Mail": False,
        "level 2": True,
    }
    assert found(check(site, stack)) == [("TAKEN", "Service/Mail")]
    assert site.ids.keys() - {"Service/Post"} == before.keys() - {"Service/Mail"}
    new = {"Sales/EMEA/Inbound", "Sales/EMEA/Outbound", "Service/Chat/Night"}
    kept = site.ids.keys() & before.keys() - new
    assert {path: site.ids[path] for path in kept} == {path: before[path] for path in kept}
    assert site.agents == {"Service/Chat/Night": ("ada",), "Sales/EMEA/Outbound": ("bob",)}
    assert tags_of(site, "Sales")["cost-center"] == "42"
    assert tags_of(site, "Sales/EMEA")[RESOURCE_TAG] == "Emea"
    assert tags_of(site, "Service/Post")[STACK_TAG] == "other/uuid"
    assert site.levels == LEVELS
    ledger = site.ledger_of(stack.stack_id)
    changes = {change.path.rsplit(" / ", 1)[-1]: change for change in ledger.id_changes()}
    for path in new:
        change = changes[path.rsplit("/", 1)[-1]]
        assert (change.old_id, change.new_id) == (before[path], site.ids[path])


def test_a_group_with_a_history_is_repaired_like_any_other(site: Site) -> None:
    """What earlier deployments noted about it, as here its adoption, does not matter."""
    operator = Operator(site)
    site.up({"Structure": site.structure(*LEVELS)}, name="levels")
    operator.create("Sales")
    arn = {"InstanceArn": site.instance_arn}
    adopting = site.group("Sales", AdoptExisting=True, Tags={"a": "b"}, **arn)
    site.up({"Sales": adopting})
    stack = site.up({"Sales": site.group("Sales", Tags={"a": "b"}, **arn)})
    assert site.record("Sales").image is not None
    operator.rename("Sales", "Vertrieb")
    operator.tag("Vertrieb", a="c")
    assert found(check(site, stack, repair=True)) == [("RENAMED", "Sales"), ("RETAGGED", "Sales")]
    assert found(check(site, stack)) == []
    assert tags_of(site, "Sales")["a"] == "b"


def test_a_branch_of_several_resources_is_made_anew(site: Site) -> None:
    """From the top down: each finds the group that took the place of the one above it."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    for path in ("Sales/EMEA/Inbound", "Sales/EMEA/Outbound", "Sales/EMEA", "Sales"):
        operator.delete(path)
    report = check(site, stack, repair=True)
    assert report["failures"] == {}
    assert all(one["repaired"] for one in report["differences"])
    assert found(check(site, stack)) == []
    assert {"Sales/EMEA/Inbound", "Sales/EMEA/Outbound"} <= site.ids.keys()


@pytest.mark.parametrize("scope", list(DuplicateScope))
def test_deployments_go_on_after_a_repair(scope: DuplicateScope) -> None:
    """CloudFormation still sends the ids from before; nothing is made twice or lost by that."""
    site = Site(connect_settings=ConnectSettings(duplicate_scope=scope))
    operator = Operator(site)
    stack = site.up(organisation(site))
    for path in ("Sales/EMEA/Inbound", "Sales/EMEA/Outbound", "Sales/EMEA", "Sales"):
        operator.delete(path)
    assert check(site, stack, repair=True)["failures"] == {}
    repaired = site.ids
    changed = organisation(site)
    # their parents are named by ids that only the ledger knows to be replaced
    changed["Emea"]["Properties"]["Name"] = "Europe"
    changed["Teams"]["Properties"]["Groups"][0]["Name"] = "In"
    changed["Teams"]["Properties"]["Groups"][0]["Key"] = "Inbound"
    stack = site.up(changed)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids["Sales/Europe"] == repaired["Sales/EMEA"]
    assert site.ids["Sales/Europe/In"] == repaired["Sales/EMEA/Inbound"]
    assert found(check(site, stack)) == []
    # and a failed deployment comes back to what the repair made
    failing = organisation(site, Failing=site.failing("Sales", "Emea", "Teams"))
    failing["Sales"]["Properties"]["Name"] = "Verkauf"
    stack = site.up(failing)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids["Sales/Europe/In"] == repaired["Sales/EMEA/Inbound"]
    assert found(check(site, stack)) == []
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert not {path for path in site.ids if path.startswith("Sales")}


@pytest.mark.parametrize("sends_reversed", [True, False])
def test_a_rollback_after_a_repair(*, sends_reversed: bool) -> None:
    """The group that a repair made is the one from before, whatever CloudFormation sends."""
    site = Site(engine_settings=EngineSettings(replaced_get_reversed_update=sends_reversed))
    stack = site.up(organisation(site))
    Operator(site).delete("Sales/EMEA/Outbound")
    Operator(site).delete("Sales/EMEA/Inbound")
    Operator(site).delete("Sales/EMEA")
    assert check(site, stack, repair=True)["failures"] == {}
    repaired = site.ids
    failing = organisation(site, Failing=site.failing("Emea", "Teams"))
    failing["Emea"]["Properties"]["Tags"] = {"a": "b"}
    stack = site.up(failing)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.ids == repaired
    assert "a" not in tags_of(site, "Sales/EMEA")
    assert found(check(site, stack)) == []


def test_a_repair_after_a_rollback_wishes_what_was_before(site: Site) -> None:
    """Not what the failed deployment wanted."""
    site.up(organisation(site))
    failing = organisation(site, Failing=site.failing("Sales"))
    failing["Sales"]["Properties"]["Name"] = "Verkauf"
    stack = site.up(failing)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    Operator(site).rename("Sales", "Vertrieb")
    assert check(site, stack, repair=True)["failures"] == {}
    assert "Sales" in site.ids
    assert found(check(site, stack)) == []


def test_a_name_that_is_somebody_elses_by_now(site: Site) -> None:
    """The repair says so of this resource, and does the rest."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    operator.rename("Sales", "Vertrieb")
    operator.create("Sales")
    operator.rename("Service/Mail", "Post")
    report = check(site, stack, repair=True)
    assert report["failures"].keys() == {"Sales"}
    assert "no stack owns" in report["failures"]["Sales"] or "Sales" in report["failures"]["Sales"]
    assert {one["path"]: one["repaired"] for one in report["differences"]} == {
        "Sales": False,
        "Service/Mail": True,
    }
    assert {"Vertrieb", "Sales", "Service/Mail"} <= site.ids.keys()


def test_a_repair_gives_way_to_a_deployment(site: Site) -> None:
    """It stops at its next turn, and the deployment ends as if there had been no repair."""
    names = [f"Team {number}" for number in range(40)]
    site.connect.settings.default_rate = None
    resources = {"Structure": site.structure(*LEVELS), "Teams": site.tree(*names)}
    stack = site.up(resources)
    operator = Operator(site)
    for name in names:
        operator.rename(name, f"{name} by hand")
    reports: list[dict[str, Any]] = []
    site.clock.spawn("a person", lambda: reports.append(check(site, stack, repair=True)))
    changed = {**resources, "Teams": site.tree(*names, Tags={"a": "b"})}
    # it begins while the repair is at work
    site.clock.sleep(3)
    stack = site.up(changed)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    site.clock.wait_until(lambda: bool(reports))
    (report,) = reports
    assert "the stack is UPDATE_IN_PROGRESS" in report["skipped"]
    assert set(names) == site.ids.keys()
    assert all(tags_of(site, name)["a"] == "b" for name in names)
    entry = site.ledger_of(stack.stack_id).entry("Teams")
    assert entry is not None
    assert not [begun for begun in entry.begun if begun.id.startswith("repair")]
    assert found(check(site, stack)) == []


@pytest.mark.parametrize("nth", range(1, 70, 6))
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("scope", list(DuplicateScope))
def test_a_repair_that_dies_is_done_again(nth: int, scope: DuplicateScope, *, after: bool) -> None:
    """Wherever a repair died, the rest is still drift, and the next repair corrects it."""
    site = Site(connect_settings=ConnectSettings(duplicate_scope=scope))
    stack = site.up(organisation(site))
    operator = Operator(site)
    before = site.ids.keys()
    site.hire("ada", "Service", "Chat", "Night")
    operator.rename("Sales", "Vertrieb")
    operator.untag("Vertrieb", "cost-center", STACK_TAG)
    operator.delete("Vertrieb/EMEA/Inbound")
    operator.move("Service/Chat/Night", None)
    site.function_faults = FunctionFaults(kills={nth: after})
    with contextlib.suppress(RuntimeError):
        check(site, stack, repair=True)
    site.function_faults = FunctionFaults()
    # the turn of the dead run ends by itself
    site.clock.sleep(61)
    assert check(site, stack, repair=True)["failures"] == {}
    assert found(check(site, stack)) == []
    assert site.agents == {"Service/Chat/Night": ("ada",)}
    assert site.ids.keys() == before
    assert tags_of(site, "Sales")["cost-center"] == "42"
    assert tags_of(site, "Sales")[STACK_TAG] == stack_name_and_uuid(stack.stack_id)
    assert {r.phase for r in site.ledger_of(stack.stack_id).records().values()} == {Phase.LIVE}


@pytest.mark.parametrize("nth", range(10, 60, 7))
def test_a_deployment_after_a_repair_that_died(nth: int) -> None:
    """It finds what the repair began, and goes on from there."""
    site = Site()
    resources = organisation(site)
    stack = site.up(resources)
    operator = Operator(site)
    before = site.ids.keys()
    operator.rename("Sales", "Vertrieb")
    operator.delete("Vertrieb/EMEA/Inbound")
    site.function_faults = FunctionFaults(kills={nth: True})
    with contextlib.suppress(RuntimeError):
        check(site, stack, repair=True)
    site.function_faults = FunctionFaults()
    for logical_id in ("Sales", "Teams", "Service"):
        resources[logical_id]["Properties"]["Tags"] = {"a": "b"}
    stack = site.up(resources)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    check(site, stack, repair=True)
    assert found(check(site, stack)) == []
    assert site.ids.keys() == before


def test_a_long_repair_goes_on_in_further_runs() -> None:
    """The first answer says that the repair continues, and later runs finish it alone."""
    site = Site(function_settings=FunctionSettings(timeout=60.0))
    names = [f"Team {number}" for number in range(150)]
    stack = site.up({"Structure": site.structure(*LEVELS), "Teams": site.tree(*names)})
    site.connect.settings.default_rate = None
    for name in names:
        Operator(site).rename(name, f"{name} by hand")
    report = check(site, stack, repair=True)
    assert report["unfinished"]
    site.settle()
    assert found(check(site, stack)) == []
    assert site.ids.keys() == set(names)


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.ERROR_AFTER, FaultKind.CUT_AFTER])
def test_a_repair_bears_faults(site: Site, kind: FaultKind) -> None:
    """Whatever is said of its calls."""
    stack = site.up(organisation(site))
    operator = Operator(site)
    operator.rename("Sales", "Vertrieb")
    operator.delete("Vertrieb/EMEA/Inbound")
    operator.untag("Service/Mail", STACK_TAG, RESOURCE_TAG, KEY_TAG)
    for api in ("UpdateUserHierarchyGroupName", "CreateUserHierarchyGroup", "TagResource"):
        site.connect.plan_fault(api, kind=kind)
    assert check(site, stack, repair=True)["failures"] == {}
    assert found(check(site, stack)) == []
    assert tags_of(site, "Service/Mail")[KEY_TAG] == key_mark("Service/Mail")


def test_two_repairs_at_once_are_one(site: Site) -> None:
    """A schedule and a person do the same work once."""
    stack = site.up(organisation(site))
    operator = Operator(site)
    operator.rename("Sales", "Vertrieb")
    operator.delete("Vertrieb/EMEA/Inbound")
    operator.move("Service/Chat/Night", None)
    reports: list[dict[str, Any]] = []
    site.clock.spawn("schedule", lambda: reports.append(check(site, stack, repair=True)))
    reports.append(check(site, stack, repair=True))
    site.clock.wait_until(lambda: len(reports) == 2)
    assert [report["failures"] for report in reports] == [{}, {}]
    assert found(check(site, stack)) == []
    assert len(site.ids) == 8


def test_a_structure_that_would_shift_groups_is_not_repaired(site: Site) -> None:
    """Levels that changed places by hand keep their groups, and the report says why."""
    stack = site.up(organisation(site))
    site.write_levels("Division", "Team", "Region", "Desk")
    report = check(site, stack, repair=True)
    assert report["failures"].keys() == {"Structure"}
    assert "it has groups" in report["failures"]["Structure"]
    assert site.levels == ("Division", "Team", "Region", "Desk")


def test_the_role_is_allowed_all_that_a_repair_does() -> None:
    """With the policies that an app without a check synthesises."""
    site = SiteWithTables()
    guard = Guard(site, site.instance_arn)
    stack = site.up(organisation(site))
    operator = Operator(site)
    site.hire("ada", "Service", "Chat", "Night")
    operator.rename("Sales", "Vertrieb")
    operator.untag("Vertrieb", "cost-center")
    operator.delete("Vertrieb/EMEA/Inbound")
    operator.move("Service/Chat/Night", None)
    site.write_levels("Division", "Land", "Team", "Desk")
    assert check(site, stack, repair=True)["failures"] == {}
    assert found(check(site, stack)) == []
    assert guard.denied == []


# events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("repair", [False, True])
def test_a_check_logs_its_metrics(
    site: Site, caplog: pytest.LogCaptureFixture, *, repair: bool
) -> None:
    """In the form that CloudWatch reads, one line for each check, and one for each difference."""
    operator = Operator(site)
    stack = site.up(organisation(site))
    operator.rename("Sales", "Vertrieb")
    operator.tag("Service/Mail", **owner_tags("other/uuid", "Mail"))
    caplog.clear()
    check(site, stack, repair=repair)
    lines = [vars(record) for record in caplog.records]
    (line,) = (line for line in lines if "_aws" in line)
    assert line["_aws"] == {
        "Timestamp": int(site.clock.now() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": "ConnectHierarchy",
                "Dimensions": [["Stack"]],
                "Metrics": [
                    {"Name": "Differences", "Unit": "Count"},
                    {"Name": "RepairedDifferences", "Unit": "Count"},
                    {"Name": "FailedChecks", "Unit": "Count"},
                ],
            }
        ],
    }
    names = ("Stack", "Differences", "RepairedDifferences", "FailedChecks")
    expected = ("site", 1, 1, 0) if repair else ("site", 2, 0, 0)
    assert tuple(line[name] for name in names) == expected
    told = [(one["kind"], one["levelname"]) for one in lines if "kind" in one]
    level = "INFO" if repair else "WARNING"
    assert told == [("RENAMED", level), ("TAKEN", "WARNING")]


def test_a_check_that_fails_says_so_in_its_metrics(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A check that nobody could make is not one that found nothing."""
    stack = site.up(organisation(site))
    site.connect.settings.authorize = lambda *_: False
    caplog.clear()
    report = check(site, stack)
    assert "is denied" in report["error"]
    (line,) = (vars(record) for record in caplog.records if "_aws" in vars(record))
    assert (line["Differences"], line["FailedChecks"]) == (0, 1)


def test_a_stack_without_a_ledger_has_nothing_to_compare(site: Site) -> None:
    """A stack without a ledger entry is not looked up."""
    report = site.invoke({DRIFT_CHECK: {"StackId": "arn:aws:cloudformation:x:1:stack/none/uuid"}})
    assert report["differences"] == []
    assert site.calls() == []


def test_only_true_repairs(site: Site) -> None:
    """What somebody writes instead changes nothing."""
    stack = site.up(organisation(site))
    Operator(site).rename("Sales", "Vertrieb")
    for wanted in ("true", "false", 1, None):
        site.invoke({DRIFT_CHECK: {"StackId": stack.stack_id, "Repair": wanted}})
    assert "Vertrieb" in site.ids


def test_an_event_of_cloudformation_is_never_a_check(site: Site) -> None:
    """Whatever else stands in it: somebody waits for its answer."""
    stack = site.up(organisation(site))
    event = dict(site.invocations[-1].event)
    assert site.invoke({**event, DRIFT_CHECK: {"StackId": stack.stack_id, "Repair": True}}) is None
