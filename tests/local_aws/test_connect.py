"""The local Connect behaves as Amazon Connect is known to, through real boto3 clients."""

# ruff: noqa: FBT001, FBT003 - parameters are by pytest, positional booleans by moto's signatures

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from flask import Flask
from moto.core.utils import convert_regex_to_flask_path, convert_to_flask_response
from moto.moto_server.utilities import RegexConverter
from moto.moto_server.werkzeug_app import BackendRequest

from local_aws.connect import (
    Call,
    ConnectSettings,
    DuplicateScope,
    FaultKind,
    LocalConnect,
    Rate,
    checks,
    exceptions,
    models,
    responses,
    urls,
)
from local_aws.faults import ConnectionCut

START = 1_750_000_000.0
LEVELS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
PRINCIPAL = "AKIAIOSFODNN7EXAMPLE"
_SESSION = boto3.session.Session(
    aws_access_key_id=PRINCIPAL,
    aws_secret_access_key="unused",  # noqa: S106 - nobody checks it
    region_name="eu-west-2",
)
_MODEL = botocore.session.Session().get_service_model("connect")


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        """The time that the test has set."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds


def make_client(connect: LocalConnect, attempts: int = 1, mode: str = "standard") -> Any:
    """A boto3 client that talks to `connect`; it stops after this many attempts."""
    retries: Any = {"total_max_attempts": attempts, "mode": mode}
    config = Config(retries=retries)
    client = _SESSION.client("connect", config=config)
    connect.attach(client)
    return client


class Desk:
    """A local Connect without pacing, a client of it, and an instance to work on."""

    def __init__(self, region: str = "eu-west-2") -> None:
        self.clock = ManualClock()
        self.connect = LocalConnect(
            self.clock, region=region, settings=ConnectSettings(default_rate=None), seed=7
        )
        self.settings = self.connect.settings
        self.backend = self.connect.backend
        self.client = make_client(self.connect)
        instance = self.client.create_instance(
            IdentityManagementType="SAML", InboundCallsEnabled=True, OutboundCallsEnabled=False
        )
        self.instance_id: str = instance["Id"]
        self.instance_arn: str = instance["Arn"]

    def levels(self, *names: str) -> None:
        """Give the instance these levels."""
        self.client.update_user_hierarchy_structure(
            InstanceId=self.instance_id,
            HierarchyStructure={
                key: {"Name": name} for key, name in zip(LEVELS, names, strict=False)
            },
        )

    def structure(self) -> dict[str, Any]:
        """The levels as the service answers them."""
        answer = self.client.describe_user_hierarchy_structure(InstanceId=self.instance_id)
        return dict(answer["HierarchyStructure"])

    def create(self, name: str, parent: str | None = None, **more: Any) -> str:
        """Create a group and return its id."""
        if parent is not None:
            more["ParentGroupId"] = parent
        answer = self.client.create_user_hierarchy_group(
            InstanceId=self.instance_id, Name=name, **more
        )
        return str(answer["HierarchyGroupId"])

    def describe(self, group_id: str) -> dict[str, Any]:
        """One group whole."""
        answer = self.client.describe_user_hierarchy_group(
            InstanceId=self.instance_id, HierarchyGroupId=group_id
        )
        return dict(answer["HierarchyGroup"])

    def rename(self, group_id: str, name: str) -> None:
        """Rename a group."""
        self.client.update_user_hierarchy_group_name(
            InstanceId=self.instance_id, HierarchyGroupId=group_id, Name=name
        )

    def delete(self, group_id: str) -> None:
        """Delete a group."""
        self.client.delete_user_hierarchy_group(
            InstanceId=self.instance_id, HierarchyGroupId=group_id
        )

    def search(self, **criteria: Any) -> list[dict[str, Any]]:
        """All groups that a search finds, of one page."""
        answer = self.client.search_user_hierarchy_groups(InstanceId=self.instance_id, **criteria)
        return list(answer["UserHierarchyGroups"])

    def found(self, field: str, value: str, comparison: str = "EXACT") -> set[str]:
        """The names of the groups that a StringCondition finds."""
        condition = string_condition(field, value, comparison)
        return {group["Name"] for group in self.search(SearchCriteria=condition)}

    def create_agent(self, username: str, group_id: str | None = None, **more: Any) -> str:
        """Create a user and return its id."""
        if group_id is not None:
            more["HierarchyGroupId"] = group_id
        answer = self.client.create_user(
            InstanceId=self.instance_id,
            Username=username,
            SecurityProfileIds=["profile"],
            RoutingProfileId="routing",
            **more,
        )
        return str(answer["UserId"])

    def move(self, user_id: str, **group: str) -> None:
        """Move an agent."""
        self.client.update_user_hierarchy(InstanceId=self.instance_id, UserId=user_id, **group)

    def agents(self, **criteria: Any) -> set[str]:
        """The usernames that a search finds, of one page."""
        answer = self.client.search_users(InstanceId=self.instance_id, **criteria)
        return {user["Username"] for user in answer["Users"]}

    def group_of(self, user_id: str) -> str | None:
        """The group that DescribeUser answers."""
        answer = self.client.describe_user(InstanceId=self.instance_id, UserId=user_id)
        group_id: str | None = answer["User"].get("HierarchyGroupId")
        return group_id


def string_condition(field: str, value: str, comparison: str = "EXACT") -> dict[str, Any]:
    """A criteria of one StringCondition."""
    return {"StringCondition": {"FieldName": field, "Value": value, "ComparisonType": comparison}}


def in_group(value: str, match_type: str) -> dict[str, Any]:
    """A criteria of one HierarchyGroupCondition."""
    return {"HierarchyGroupCondition": {"Value": value, "HierarchyGroupMatchType": match_type}}


def refused(code: str, call: Callable[[], Any]) -> dict[str, Any]:
    """Make a call that must fail with this code; the whole answer."""
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"]
    return dict(caught.value.response)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """An instance without levels; no call in any test answers an undeclared error.

    Exceptions are errors from in front of the service, and faults without an answer.
    """
    made = Desk()
    yield made
    undeclared = {"ok", "ConnectionCut", "TooManyRequestsException", "AccessDeniedException"}
    for call in made.connect.calls:
        declared = {shape.name for shape in _MODEL.operation_model(call.api).error_shapes}
        assert call.outcome in declared | undeclared, call


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    """An instance with three levels."""
    desk.levels("Division", "Region", "Team")
    return desk


# shapes and limits


def test_new_instance_has_no_levels(desk: Desk) -> None:
    """A new instance has no structure, and asking for it is no error."""
    assert desk.structure() == {}


def test_structure_grows_to_five_levels_and_shrinks_to_one(desk: Desk) -> None:
    """A structure of 1 to 5 levels, then one again: the other four are gone."""
    names = ["One", "Two", "Three", "Four", "Five"]
    for count in range(1, 6):
        desk.levels(*names[:count])
        assert [level["Name"] for level in desk.structure().values()] == names[:count]
    desk.levels("One")
    assert list(desk.structure()) == ["LevelOne"]


def test_level_has_id_arn_and_time(desk: Desk) -> None:
    """A level is numbered, its ARN ends with its number."""
    desk.levels("Division", "Region")
    level = desk.structure()["LevelTwo"]
    assert level["Id"] == "2"
    assert level["Arn"] == f"{desk.instance_arn}/agent-group-level/2"
    assert level["LastModifiedTime"].timestamp() == START
    assert level["LastModifiedRegion"] == "eu-west-2"


def test_level_keeps_its_time_until_it_is_renamed(desk: Desk) -> None:
    """Writing the same name again changes nothing, another one does."""
    desk.levels("Division", "Region")
    desk.clock.time += 60
    desk.levels("Division", "Area")
    times = [level["LastModifiedTime"].timestamp() for level in desk.structure().values()]
    assert times == [START, START + 60]


@pytest.mark.parametrize(("length", "accepted"), [(0, False), (1, True), (50, True), (51, False)])
def test_level_name_length(desk: Desk, length: int, accepted: bool) -> None:
    """A level name has 1 to 50 characters, which botocore does not check."""
    if accepted:
        desk.levels("x" * length)
        assert desk.structure()["LevelOne"]["Name"] == "x" * length
    else:
        refused("InvalidParameterException", lambda: desk.levels("x" * length))
        assert desk.structure() == {}


@pytest.mark.parametrize(("length", "accepted"), [(0, False), (1, True), (100, True), (101, False)])
def test_group_name_length(staffed: Desk, length: int, accepted: bool) -> None:
    """A group name has 1 to 100 characters, on creation and on renaming."""
    name = "x" * length
    group_id = staffed.create("Support")
    if accepted:
        staffed.rename(group_id, name)
        staffed.delete(group_id)
        assert staffed.describe(staffed.create(name))["Name"] == name
    else:
        refused("InvalidParameterException", lambda: staffed.rename(group_id, name))
        refused("InvalidParameterException", lambda: staffed.create(name))


def test_character_set_of_names_is_a_switch(staffed: Desk) -> None:
    """Which characters names may have is not documented."""
    staffed.create("Ünïcode & <more>")
    staffed.settings.name_pattern = r"[\w ]+"
    refused("InvalidParameterException", lambda: staffed.create("a&b"))
    refused("InvalidParameterException", lambda: staffed.levels("a&b", "Region", "Team"))


def test_gaps_between_levels_are_a_switch(desk: Desk) -> None:
    """Whether LevelThree can do without LevelTwo is not documented."""
    gap = {"LevelOne": {"Name": "Division"}, "LevelThree": {"Name": "Team"}}

    def write() -> None:
        desk.client.update_user_hierarchy_structure(
            InstanceId=desk.instance_id, HierarchyStructure=gap
        )

    refused("InvalidRequestException", write)
    desk.settings.level_gaps_allowed = True
    write()
    child = desk.describe(desk.create("Child", desk.create("Parent")))
    assert child["LevelId"] == "3"
    assert list(child["HierarchyPath"]) == ["LevelOne", "LevelThree"]


def test_equal_level_names_are_a_switch(desk: Desk) -> None:
    """Whether two levels may have one name is not documented."""
    desk.levels("Team", "Team")
    desk.settings.equal_level_names_allowed = False
    refused("InvalidRequestException", lambda: desk.levels("Team", "Team"))


def test_group_is_answered_whole(staffed: Desk) -> None:
    """A described group has exactly the documented members; the parent is only in the path."""
    parent_id = staffed.create("Support")
    staffed.clock.time += 5
    child_id = staffed.create("EMEA", parent_id, Tags={"a": "1"})
    child = staffed.describe(child_id)
    summaries = {
        name: {
            "Id": group_id,
            "Arn": f"{staffed.instance_arn}/agent-group/{group_id}",
            "Name": name,
            "LastModifiedRegion": "eu-west-2",
        }
        for name, group_id in (("Support", parent_id), ("EMEA", child_id))
    }
    assert child.pop("LastModifiedTime").timestamp() == START + 5
    times = [step.pop("LastModifiedTime").timestamp() for step in child["HierarchyPath"].values()]
    assert times == [START, START + 5]
    assert child == {
        **summaries["EMEA"],
        "LevelId": "2",
        "HierarchyPath": {"LevelOne": summaries["Support"], "LevelTwo": summaries["EMEA"]},
        "Tags": {"a": "1"},
    }


def test_group_of_the_highest_level_has_a_path_of_one(staffed: Desk) -> None:
    """Without a parent a group is of level one, its path is itself."""
    group = staffed.describe(staffed.create("Support"))
    assert group["LevelId"] == "1"
    assert [step["Id"] for step in group["HierarchyPath"].values()] == [group["Id"]]


def on_the_wire(desk: Desk, method: str, path: str) -> dict[str, Any]:
    """The body of an answer with every member that is in it, known to botocore or not."""
    request = AWSRequest(method, f"https://connect.eu-west-2.amazonaws.com{path}").prepare()
    status, _, body = desk.connect.dispatch(request, request.url, {})
    assert status == 200
    return dict(json.loads(body))


def test_the_parent_is_answered_in_the_path_alone(staffed: Desk) -> None:
    """A group has no other member that tells it, and the path tells all that is above."""
    ids = [staffed.create("Support")]
    for name in ("EMEA", "A"):
        ids.append(staffed.create(name, ids[-1]))
    group = on_the_wire(staffed, "GET", f"/user-hierarchy-groups/{staffed.instance_id}/{ids[-1]}")
    summary = {"Id", "Arn", "Name", "LastModifiedTime", "LastModifiedRegion"}
    assert group["HierarchyGroup"].keys() == summary | {"LevelId", "HierarchyPath"}
    path = group["HierarchyGroup"]["HierarchyPath"]
    assert {key: step["Id"] for key, step in path.items()} == dict(zip(LEVELS, ids, strict=False))
    assert all(step.keys() == summary for step in path.values())


def test_list_tells_neither_level_nor_parent(staffed: Desk) -> None:
    """A list does not have the place of a group; describing and searching do."""
    staffed.create("EMEA", staffed.create("Support"))
    answer = on_the_wire(staffed, "GET", f"/user-hierarchy-groups-summary/{staffed.instance_id}")
    for row in answer["UserHierarchyGroupSummaryList"]:
        assert row.keys() == {"Id", "Arn", "Name", "LastModifiedTime", "LastModifiedRegion"}


def test_arns_stand_in_for_ids(staffed: Desk) -> None:
    """Path parameters, ParentGroupId and HierarchyGroupId take ARNs."""
    client, instance = staffed.client, staffed.instance_arn
    parent = client.create_user_hierarchy_group(InstanceId=instance, Name="Support")
    child = client.create_user_hierarchy_group(
        InstanceId=instance, Name="EMEA", ParentGroupId=parent["HierarchyGroupArn"]
    )
    group = {"InstanceId": instance, "HierarchyGroupId": child["HierarchyGroupArn"]}
    client.update_user_hierarchy_group_name(Name="Europe", **group)
    assert client.describe_user_hierarchy_group(**group)["HierarchyGroup"]["Name"] == "Europe"
    user_id = staffed.create_agent("ada", parent["HierarchyGroupArn"])
    user = client.describe_user(InstanceId=instance, UserId=f"{instance}/agent/{user_id}")["User"]
    assert user["HierarchyGroupId"] == parent["HierarchyGroupId"]
    client.update_user_hierarchy(UserId=user["Arn"], **group)
    assert staffed.group_of(user_id) == child["HierarchyGroupId"]
    client.delete_user(InstanceId=instance, UserId=user["Arn"])
    client.delete_user_hierarchy_group(**group)
    assert client.describe_instance(InstanceId=instance)["Instance"]["Id"] == staffed.instance_id
    listed = client.list_user_hierarchy_groups(InstanceId=instance)
    assert [row["Name"] for row in listed["UserHierarchyGroupSummaryList"]] == ["Support"]
    assert {call.instance_id for call in staffed.connect.calls[1:]} == {staffed.instance_id}


def test_arn_of_another_instance_is_not_found(staffed: Desk) -> None:
    """An ARN counts as a whole, not only its last part."""
    group_id = staffed.create("Support")
    other = "1" if staffed.instance_arn.endswith("0") else "0"
    stranger = f"{staffed.instance_arn[:-1]}{other}/agent-group/{group_id}"
    refused("ResourceNotFoundException", lambda: staffed.describe(stranger))


def test_govcloud_instance_arn_is_an_instance_id() -> None:
    """A GovCloud instance ARN has 95 characters, which InstanceId takes."""
    desk = Desk("us-gov-west-1")
    assert len(desk.instance_arn) == 95
    assert desk.instance_arn.startswith("arn:aws-us-gov:connect:us-gov-west-1:")
    assert desk.client.describe_user_hierarchy_structure(InstanceId=desk.instance_arn)


def test_instance_id_has_at_most_100_characters(desk: Desk) -> None:
    """Longer ones are wrong by themselves, shorter unknown ones are not found."""
    describe = desk.client.describe_user_hierarchy_structure
    refused("ResourceNotFoundException", lambda: describe(InstanceId="x" * 100))
    refused("InvalidParameterException", lambda: describe(InstanceId="x" * 101))


def test_search_values_as_arns_are_a_switch(staffed: Desk) -> None:
    """Whether searches take ARNs is not documented; where they do not, nothing is found."""
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    staffed.create_agent("ada", child_id)
    parent_arn, child_arn = (
        f"{staffed.instance_arn}/agent-group/{group_id}" for group_id in (parent_id, child_id)
    )
    below = in_group(parent_arn, "WITH_CHILD_GROUPS")
    nested = {"AndConditions": [string_condition("resourceID", child_arn)]}
    for accepted in (False, True):
        staffed.settings.search_accepts_arns = accepted
        assert staffed.found("parentId", parent_arn) == ({"EMEA"} if accepted else set())
        assert len(staffed.search(SearchCriteria=nested)) == int(accepted)
        assert staffed.agents(SearchCriteria=below) == ({"ada"} if accepted else set())


def test_instance_arn_in_searches_is_a_switch(staffed: Desk) -> None:
    """InstanceId of a search is in the body, where ARNs are not documented."""
    staffed.create("Support")
    by_arn = {"InstanceId": staffed.instance_arn}
    assert staffed.client.search_user_hierarchy_groups(**by_arn)["ApproximateTotalCount"] == 2
    staffed.settings.search_accepts_instance_arn = False
    refused(
        "ResourceNotFoundException", lambda: staffed.client.search_user_hierarchy_groups(**by_arn)
    )


def test_full_quota_is_429_with_a_code_of_its_own(staffed: Desk) -> None:
    """The quota counts over all levels; one group less makes room."""
    staffed.settings.group_quota = 2
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    answer = refused("LimitExceededException", lambda: staffed.create("APAC", parent_id))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert "2" in answer["Error"]["Message"]
    staffed.delete(child_id)
    staffed.create("APAC", parent_id)


def test_default_quota_is_500(staffed: Desk) -> None:
    """500 groups fit, 501 do not."""
    for number in range(500):
        staffed.backend.create_user_hierarchy_group(staffed.instance_id, f"Group {number}")
    refused("LimitExceededException", lambda: staffed.create("one more"))


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_botocore_retries_a_full_quota(
    staffed: Desk, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As measured against botocore: 429 is retried, whatever the code says."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    staffed.settings.group_quota = 0
    client = make_client(staffed.connect, attempts=3, mode=mode)
    staffed.connect.calls.clear()
    refused(
        "LimitExceededException",
        lambda: client.create_user_hierarchy_group(InstanceId=staffed.instance_id, Name="x"),
    )
    assert [call.outcome for call in staffed.connect.calls] == ["LimitExceededException"] * 3


@pytest.mark.parametrize(
    ("shape", "limit", "value"),
    [
        ("InstanceId", "max", responses._MAX_INSTANCE_ID),
        ("TagMap", "max", checks.MAX_TAGS),
        ("TagMap", "min", 1),
        ("TagKey", "max", checks._MAX_TAG_KEY),
        ("TagValue", "max", checks._MAX_TAG_VALUE),
        ("MaxResult1000", "max", responses._LIST_MAX),
        ("MaxResult100", "max", responses._SEARCH_GROUPS_MAX),
        ("MaxResult500", "max", responses._SEARCH_USERS_MAX),
        ("AgentUsername", "max", models._MAX_USERNAME),
    ],
)
def test_limits_are_those_of_the_service_model(shape: str, limit: str, value: int) -> None:
    """Limits that botocore knows but does not check are checked here."""
    assert _MODEL.shape_for(shape).metadata[limit] == value


def test_names_are_not_limited_by_the_service_model() -> None:
    """So botocore sends an empty name, and any other, and the service alone refuses it."""
    for shape in ("HierarchyGroupName", "HierarchyLevelName"):
        assert not {"min", "max", "pattern"} & _MODEL.shape_for(shape).metadata.keys()


# tags


def test_tags_of_a_group_change_by_arn(staffed: Desk) -> None:
    """One tag, two, three with a changed value, and back."""
    group_id = staffed.create("Support", Tags={"a": "1"})
    arn = f"{staffed.instance_arn}/agent-group/{group_id}"
    staffed.client.tag_resource(resourceArn=arn, tags={"b": "2"})
    staffed.client.tag_resource(resourceArn=arn, tags={"b": "3", "c": ""})
    assert staffed.describe(group_id)["Tags"] == {"a": "1", "b": "3", "c": ""}
    assert staffed.client.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "a": "1",
        "b": "3",
        "c": "",
    }
    staffed.client.untag_resource(resourceArn=arn, tagKeys=["a", "c", "absent"])
    assert staffed.describe(group_id)["Tags"] == {"b": "3"}


def test_users_profiles_and_instances_take_tags(staffed: Desk) -> None:
    """Tags go on everything here that has an ARN but the structure."""
    client = staffed.client
    profile = client.create_security_profile(
        InstanceId=staffed.instance_id, SecurityProfileName="Agents"
    )
    user_arn = f"{staffed.instance_arn}/agent/{staffed.create_agent('ada')}"
    for arn in (user_arn, profile["SecurityProfileArn"], staffed.instance_arn):
        client.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        client.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    described = client.describe_instance(InstanceId=staffed.instance_id)["Instance"]
    assert described["Tags"] == {"b": "2"}


@pytest.mark.parametrize(
    "ending", ["/agent-group-level/1", "/agent-group/absent", "/agent/absent", "/queue/1", "0"]
)
def test_what_takes_no_tags_is_not_found(staffed: Desk, ending: str) -> None:
    """Neither levels nor missing things can have tags."""
    arn = staffed.instance_arn + ending
    refused(
        "ResourceNotFoundException",
        lambda: staffed.client.tag_resource(resourceArn=arn, tags={"a": "1"}),
    )


def test_no_tag_map_is_empty(staffed: Desk) -> None:
    """The minimum of one is checked by the service, not by botocore."""
    arn = f"{staffed.instance_arn}/agent-group/{staffed.create('Support')}"
    refused("InvalidParameterException", lambda: staffed.create("EMEA", Tags={}))
    refused("InvalidParameterException", lambda: staffed.create_agent("ada", Tags={}))
    refused(
        "InvalidParameterException",
        lambda: staffed.client.tag_resource(resourceArn=arn, tags={}),
    )


@pytest.mark.parametrize(
    ("tags", "accepted"),
    [
        ({"k" * 128: "v" * 256}, True),
        ({"k" * 129: ""}, False),
        ({"k": "v" * 257}, False),
        ({"aws:cloudformation:stack-id": "v"}, False),
        ({"Äpfel und_.:/=+-@": "any & value"}, True),
        ({"a&b": "v"}, False),
        ({f"key{number}": "" for number in range(50)}, True),
        ({f"key{number}": "" for number in range(51)}, False),
    ],
)
def test_limits_of_tags(staffed: Desk, tags: dict[str, str], accepted: bool) -> None:
    """Keys of 1 to 128 characters of certain kinds, values of at most 256, at most 50."""
    arn = f"{staffed.instance_arn}/agent-group/{staffed.create('Support')}"

    def tag() -> None:
        staffed.client.tag_resource(resourceArn=arn, tags=tags)

    if accepted:
        tag()
        assert staffed.client.list_tags_for_resource(resourceArn=arn)["tags"] == tags
    else:
        refused("InvalidParameterException", tag)
        refused("InvalidParameterException", lambda: staffed.create("EMEA", Tags=tags))
        assert staffed.client.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_tags_add_up_to_50(staffed: Desk) -> None:
    """The limit is for what the resource has, not for one call."""
    group_id = staffed.create("Support", Tags={f"key{number}": "" for number in range(49)})
    arn = f"{staffed.instance_arn}/agent-group/{group_id}"
    tag = staffed.client.tag_resource
    refused("InvalidParameterException", lambda: tag(resourceArn=arn, tags={"a": "", "b": ""}))
    tag(resourceArn=arn, tags={"a": "", "key0": "changed"})
    refused("InvalidParameterException", lambda: tag(resourceArn=arn, tags={"b": ""}))


def test_characters_of_tag_values_are_a_switch(staffed: Desk) -> None:
    """CloudFormation's page limits them, the service model does not."""
    staffed.create("Support", Tags={"a": "x & y"})
    staffed.settings.tag_value_pattern = r"[\w\s.:/=+@-]*"
    staffed.create("EMEA", Tags={"a": "x y_.:/=+@-"})
    refused("InvalidParameterException", lambda: staffed.create("APAC", Tags={"a": "x & y"}))


def test_tags_of_cloudformation_are_a_switch(staffed: Desk) -> None:
    """Only AWS writes them; they count for nothing; whether they are shown is not documented."""
    own = {f"key{number}": "" for number in range(50)}
    stack = {"aws:cloudformation:stack-id": "arn:aws:cloudformation:…"}
    group = staffed.backend.create_user_hierarchy_group(
        staffed.instance_id, "Support", tags=own | stack
    )
    assert staffed.describe(group.id)["Tags"] == own | stack
    refused(
        "InvalidParameterException",
        lambda: staffed.client.untag_resource(resourceArn=group.arn, tagKeys=list(stack)),
    )
    staffed.settings.aws_tags_returned = False
    assert staffed.describe(group.id)["Tags"] == own
    assert staffed.client.list_tags_for_resource(resourceArn=group.arn)["tags"] == own
    assert staffed.backend.hierarchy(staffed.instance_id).groups[group.id].tags == own | stack


# the calls


def test_update_replaces_the_whole_structure(desk: Desk) -> None:
    """A level that is left out is removed, an empty structure clears all."""
    desk.levels("Division", "Region")
    desk.levels("Division")
    assert [level["Name"] for level in desk.structure().values()] == ["Division"]
    desk.levels()
    assert desk.structure() == {}


def test_renamed_level_keeps_its_groups(staffed: Desk) -> None:
    """Groups belong to the level's number, not to its name."""
    group_id = staffed.create("Support")
    staffed.levels("Business", "Region", "Team")
    assert staffed.describe(group_id)["LevelId"] == "1"
    assert staffed.structure()["LevelOne"]["Name"] == "Business"


def test_level_with_groups_is_not_removed(staffed: Desk) -> None:
    """ResourceInUse names the level, and nothing of the update is done."""
    child_id = staffed.create("EMEA", staffed.create("Support"))
    answer = refused("ResourceInUseException", lambda: staffed.levels("Renamed"))
    assert (answer["ResourceType"], answer["ResourceId"]) == ("HIERARCHY_LEVEL", "2")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert staffed.structure()["LevelOne"]["Name"] == "Division"
    staffed.delete(child_id)
    staffed.levels("Renamed")


def test_create_without_levels_is_misleading(desk: Desk) -> None:
    """Without a structure, the error says misleadingly that the resource was not found."""
    answer = refused("ResourceNotFoundException", lambda: desk.create("Support"))
    assert answer["Error"]["Message"] == "Resource not found"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_create_below_the_lowest_level_is_an_invalid_request(staffed: Desk) -> None:
    """Nothing goes below a group of the lowest level."""
    team_id = staffed.create("A", staffed.create("EMEA", staffed.create("Support")))
    answer = refused("InvalidRequestException", lambda: staffed.create("B", team_id))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_create_below_a_missing_parent_is_not_found(staffed: Desk) -> None:
    """A parent must be there."""
    refused("ResourceNotFoundException", lambda: staffed.create("EMEA", "absent"))


def test_rename_keeps_id_and_arn(staffed: Desk) -> None:
    """A rename is in place, and shows in the paths of the groups below."""
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    before = staffed.describe(parent_id)
    staffed.clock.time += 9
    staffed.rename(parent_id, "Service")
    after = staffed.describe(parent_id)
    assert (after["Id"], after["Arn"]) == (before["Id"], before["Arn"])
    assert after["Name"] == "Service"
    assert after["LastModifiedTime"].timestamp() == START + 9
    assert staffed.describe(child_id)["HierarchyPath"]["LevelOne"]["Name"] == "Service"


def test_rename_to_a_taken_name_is_a_duplicate(staffed: Desk) -> None:
    """A sibling's name is refused, the own one is not."""
    staffed.create("Support")
    group_id = staffed.create("Sales")
    refused("DuplicateResourceException", lambda: staffed.rename(group_id, "Support"))
    staffed.rename(group_id, "Sales")


def test_duplicates_among_siblings(staffed: Desk) -> None:
    """With the narrow scope the same name goes below another parent."""
    first, second = staffed.create("Support"), staffed.create("Sales")
    staffed.create("EMEA", first)
    answer = refused("DuplicateResourceException", lambda: staffed.create("EMEA", first))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert staffed.describe(staffed.create("EMEA", second))["LevelId"] == "2"


def test_duplicates_in_the_instance(staffed: Desk) -> None:
    """With the wide scope a name is there once."""
    staffed.settings.duplicate_scope = DuplicateScope.INSTANCE
    first, second = staffed.create("Support"), staffed.create("Sales")
    staffed.create("EMEA", first)
    refused("DuplicateResourceException", lambda: staffed.create("EMEA", second))
    refused("DuplicateResourceException", lambda: staffed.create("Sales", second))


@pytest.mark.parametrize("as_arn", [False, True])
def test_group_with_agents_is_not_deleted(staffed: Desk, as_arn: bool) -> None:
    """ResourceInUse names an agent, at the top of boto3's answer."""
    staffed.settings.in_use_names_arn = as_arn
    group_id = staffed.create("Support")
    user_id = staffed.create_agent("ada", group_id)
    answer = refused("ResourceInUseException", lambda: staffed.delete(group_id))
    prefix = f"{staffed.instance_arn}/agent/" if as_arn else ""
    assert (answer["ResourceType"], answer["ResourceId"]) == ("USER", prefix + user_id)
    assert set(answer["Error"]) == {"Code", "Message"}
    staffed.move(user_id)
    staffed.delete(group_id)


def test_group_with_children_is_not_deleted(staffed: Desk) -> None:
    """ResourceInUse names a child; children first, and it goes."""
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    answer = refused("ResourceInUseException", lambda: staffed.delete(parent_id))
    assert (answer["ResourceType"], answer["ResourceId"]) == ("HIERARCHY_GROUP", child_id)
    staffed.delete(child_id)
    staffed.delete(parent_id)
    refused("ResourceNotFoundException", lambda: staffed.describe(parent_id))
    refused("ResourceNotFoundException", lambda: staffed.delete(parent_id))
    refused("ResourceNotFoundException", lambda: staffed.rename(parent_id, "x"))


def test_list_answers_summaries_in_pages(staffed: Desk) -> None:
    """A list says neither level nor parent; 100 a page if not said, at most 1000."""
    for number in range(101):
        staffed.backend.create_user_hierarchy_group(staffed.instance_id, f"Group {number}")
    client = staffed.client
    first = client.list_user_hierarchy_groups(InstanceId=staffed.instance_id)
    assert len(first["UserHierarchyGroupSummaryList"]) == 100
    assert set(first["UserHierarchyGroupSummaryList"][0]) == {
        "Id",
        "Arn",
        "Name",
        "LastModifiedTime",
        "LastModifiedRegion",
    }
    second = client.list_user_hierarchy_groups(
        InstanceId=staffed.instance_id, NextToken=first["NextToken"]
    )
    assert "NextToken" not in second
    groups = first["UserHierarchyGroupSummaryList"] + second["UserHierarchyGroupSummaryList"]
    assert {group["Name"] for group in groups} == {f"Group {number}" for number in range(101)}
    whole = client.list_user_hierarchy_groups(InstanceId=staffed.instance_id, MaxResults=1000)
    assert len(whole["UserHierarchyGroupSummaryList"]) == 101
    refused(
        "InvalidParameterException",
        lambda: client.list_user_hierarchy_groups(InstanceId=staffed.instance_id, MaxResults=1001),
    )


def test_pages_lose_nothing_when_groups_go(staffed: Desk) -> None:
    """A deletion between two pages hides no other group."""
    names = {f"Group {number}" for number in range(7)}
    for name in names:
        staffed.create(name)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = staffed.client.list_user_hierarchy_groups(
            InstanceId=staffed.instance_id, MaxResults=2, **token
        )
        groups = page["UserHierarchyGroupSummaryList"]
        seen += [group["Name"] for group in groups]
        staffed.delete(groups[-1]["Id"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(seen) == sorted(names)


def test_pages_can_be_short(staffed: Desk) -> None:
    """A page may hold less than MaxResults, and paginators still find all."""
    for number in range(5):
        staffed.create(f"Group {number}")
        staffed.create_agent(f"agent{number}")
    staffed.settings.page_limit = 2
    for call, member, count in (
        ("list_user_hierarchy_groups", "UserHierarchyGroupSummaryList", 5),
        ("search_user_hierarchy_groups", "UserHierarchyGroups", 6),
        ("list_users", "UserSummaryList", 5),
        ("search_users", "Users", 5),
    ):
        pages = list(staffed.client.get_paginator(call).paginate(InstanceId=staffed.instance_id))
        assert len(pages) == 3
        assert len({row["Id"] for page in pages for row in page[member]}) == count


def test_token_of_another_query_is_refused(staffed: Desk) -> None:
    """A token belongs to its query; an invented one is refused."""
    staffed.create("Support")
    staffed.create("Sales")
    page = staffed.client.search_user_hierarchy_groups(InstanceId=staffed.instance_id, MaxResults=1)
    for token, criteria in (
        (page["NextToken"], {"SearchCriteria": string_condition("name", "Sales")}),
        ("made up", {}),
        ("!", {}),
    ):
        refused(
            "InvalidParameterException",
            partial(staffed.search, NextToken=token, **criteria),
        )


def test_search_answers_whole_groups_and_the_hidden_root(staffed: Desk) -> None:
    """Tags and path come along; the root has level "0" and is not listed."""
    group_id = staffed.create("EMEA", staffed.create("Support"), Tags={"a": "1"})
    groups = {group["LevelId"]: group for group in staffed.search()}
    assert set(groups) == {"0", "1", "2"}
    assert groups["2"] == staffed.describe(group_id)
    assert staffed.found("levelId", "0") == {groups["0"]["Name"]}
    assert len(staffed.backend.list_user_hierarchy_groups(staffed.instance_id)) == 2
    staffed.settings.search_shows_root = False
    assert {group["LevelId"] for group in staffed.search()} == {"1", "2"}


def test_search_of_500_groups_takes_five_calls(staffed: Desk) -> None:
    """100 a page; the hidden root, where it is shown, is one more row."""
    for number in range(500):
        staffed.backend.create_user_hierarchy_group(staffed.instance_id, f"Group {number}")
    paginator = staffed.client.get_paginator("search_user_hierarchy_groups")
    for shown, calls in ((False, 5), (True, 6)):
        staffed.settings.search_shows_root = shown
        pages = list(paginator.paginate(InstanceId=staffed.instance_id))
        assert len(pages) == calls
        assert sum(len(page["UserHierarchyGroups"]) for page in pages) == 500 + shown
        assert pages[0]["ApproximateTotalCount"] == 500 + shown
    refused("InvalidParameterException", lambda: staffed.search(MaxResults=101))


def test_search_by_each_field(staffed: Desk) -> None:
    """Name, parent, level and id, with three ways to compare."""
    support, sales = staffed.create("Support"), staffed.create("Sales")
    staffed.create("EMEA", support)
    staffed.create("EMEA", sales)
    assert staffed.found("name", "Sales") == {"Sales"}
    assert staffed.found("name", "S", "STARTS_WITH") == {"Support", "Sales"}
    assert staffed.found("name", "al", "CONTAINS") == {"Sales"}
    assert staffed.found("levelId", "1") == {"Support", "Sales"}
    assert staffed.found("resourceID", sales) == {"Sales"}
    children = staffed.search(SearchCriteria=string_condition("parentId", support))
    assert [child["HierarchyPath"]["LevelOne"]["Id"] for child in children] == [support]
    refused("InvalidParameterException", lambda: staffed.found("arn", "x"))


def test_search_criteria_combine(staffed: Desk) -> None:
    """Criteria nest with AND and OR."""
    support = staffed.create("Support")
    for name in ("EMEA", "APAC"):
        staffed.create(name, support)
    either = {"OrConditions": [string_condition("name", name) for name in ("EMEA", "Support")]}
    both = {"AndConditions": [either, string_condition("parentId", support)]}
    assert {group["Name"] for group in staffed.search(SearchCriteria=either)} == {
        "EMEA",
        "Support",
    }
    assert [group["Name"] for group in staffed.search(SearchCriteria=both)] == ["EMEA"]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ({"TagCondition": {"TagKey": "a", "TagValue": "1"}}, {"One", "Both"}),
        ({"TagCondition": {"TagKey": "b"}}, {"Two", "Both"}),
        (
            {"AndCondition": {"TagConditions": [{"TagKey": "a"}, {"TagKey": "b"}]}},
            {"Both"},
        ),
        (
            {
                "OrConditions": [
                    {"TagConditions": [{"TagKey": "a", "TagValue": "1"}]},
                    {"TagConditions": [{"TagKey": "b", "TagValue": "2"}]},
                ]
            },
            {"One", "Two", "Both"},
        ),
    ],
)
def test_search_by_tags(staffed: Desk, expression: dict[str, Any], names: set[str]) -> None:
    """The filter knows one tag, all of several, or one of several lists."""
    for name, tags in (("One", {"a": "1"}), ("Two", {"b": "2"}), ("Both", {"a": "1", "b": "2"})):
        staffed.create(name, Tags=tags)
    staffed.create("None")
    staffed.create("Others", Tags={"a": "2", "c": "1"})
    found = staffed.search(SearchFilter={"AttributeFilter": expression})
    assert {group["Name"] for group in found} == names


def test_search_lags_behind_writes(staffed: Desk) -> None:
    """Creates, renames and deletes show in searches only after the lag; reads see them at once."""
    group_id = staffed.create("Support")
    staffed.clock.time += 10
    staffed.settings.search_lag = 3
    staffed.rename(group_id, "Service")
    new_id = staffed.create("Sales")
    staffed.create_agent("ada", new_id)
    assert staffed.found("levelId", "1") == {"Support"}
    assert staffed.agents() == set()
    assert staffed.describe(group_id)["Name"] == "Service"
    staffed.clock.time += 2.9
    assert staffed.found("levelId", "1") == {"Support"}
    staffed.clock.time += 0.1
    assert staffed.found("levelId", "1") == {"Service", "Sales"}
    assert staffed.agents(SearchCriteria=in_group(new_id, "EXACT")) == {"ada"}
    staffed.delete(group_id)
    assert staffed.found("levelId", "1") == {"Service", "Sales"}
    staffed.clock.time += 3
    assert staffed.found("levelId", "1") == {"Sales"}


def test_agents_by_group(staffed: Desk) -> None:
    """EXACT finds a group's own agents, WITH_CHILD_GROUPS those below as well."""
    support = staffed.create("Support")
    emea = staffed.create("EMEA", support)
    team = staffed.create("A", emea)
    for username, group_id in (("ada", support), ("bob", emea), ("cy", team), ("dan", None)):
        staffed.create_agent(username, group_id)
    assert staffed.agents(SearchCriteria=in_group(support, "EXACT")) == {"ada"}
    assert staffed.agents(SearchCriteria=in_group(support, "WITH_CHILD_GROUPS")) == {
        "ada",
        "bob",
        "cy",
    }
    assert staffed.agents(SearchCriteria=in_group(emea, "WITH_CHILD_GROUPS")) == {"bob", "cy"}
    combined = {
        "AndConditions": [
            in_group(emea, "WITH_CHILD_GROUPS"),
            {"OrConditions": [string_condition("Username", name) for name in ("ada", "cy")]},
        ]
    }
    assert staffed.agents(SearchCriteria=combined) == {"cy"}
    filtered = {"UserAttributeFilter": in_group(emea, "EXACT")}
    assert staffed.agents(SearchFilter=filtered) == {"bob"}
    assert staffed.agents() == {"ada", "bob", "cy", "dan"}


def test_agents_by_tags_and_names(staffed: Desk) -> None:
    """SearchUsers knows tags in two filters, of which only one may be stated."""
    staffed.create_agent("ada", Tags={"a": "1"}, IdentityInfo={"FirstName": "Ada"})
    staffed.create_agent("bob", Tags={"a": "1", "b": "2"})
    both = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b"}]
    assert staffed.agents(SearchFilter={"TagFilter": {"AndConditions": both}}) == {"bob"}
    assert staffed.agents(SearchFilter={"TagFilter": {"OrConditions": [both, both[:1]]}}) == {
        "ada",
        "bob",
    }
    assert staffed.agents(SearchFilter={"TagFilter": {"TagCondition": both[1]}}) == {"bob"}
    assert staffed.agents(SearchCriteria=string_condition("FirstName", "Ada")) == {"ada"}
    assert staffed.agents(SearchCriteria=string_condition("Username", "b", "STARTS_WITH")) == {
        "bob"
    }
    two = {"TagFilter": {"TagCondition": both[0]}, "UserAttributeFilter": {}}
    refused("AccessDeniedException", lambda: staffed.agents(SearchFilter=two))


def test_agents_come_up_to_500_a_page(staffed: Desk) -> None:
    """SearchUsers gives 100 if not said, 500 at most."""
    for number in range(501):
        staffed.backend.create_user(staffed.instance_id, f"agent{number}")
    assert len(staffed.agents()) == 100
    page = staffed.client.search_users(InstanceId=staffed.instance_id, MaxResults=500)
    assert (len(page["Users"]), page["ApproximateTotalCount"]) == (500, 501)
    rest = staffed.agents(MaxResults=500, NextToken=page["NextToken"])
    assert rest | {user["Username"] for user in page["Users"]} == {
        f"agent{number}" for number in range(501)
    }
    refused("InvalidParameterException", lambda: staffed.agents(MaxResults=501))


def test_agent_moves_and_leaves(staffed: Desk) -> None:
    """From parent to child, then out: by no id, or by an empty one."""
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    user_id = staffed.create_agent("ada", parent_id)
    staffed.move(user_id, HierarchyGroupId=child_id)
    assert staffed.group_of(user_id) == child_id
    staffed.move(user_id)
    assert staffed.group_of(user_id) is None
    staffed.move(user_id, HierarchyGroupId=parent_id)
    staffed.move(user_id, HierarchyGroupId="")
    assert staffed.group_of(user_id) is None
    refused("ResourceNotFoundException", lambda: staffed.move(user_id, HierarchyGroupId="absent"))
    refused("ResourceNotFoundException", lambda: staffed.move("absent"))


def test_user_is_answered_whole(staffed: Desk) -> None:
    """What CreateUser got, DescribeUser tells, but for the password."""
    given: dict[str, Any] = {
        "IdentityInfo": {"FirstName": "Ada", "LastName": "L", "Email": "ada@example.com"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": True},
        "AutoAcceptConfigs": [{"Channel": "VOICE", "AutoAccept": True}],
        "Tags": {"a": "1"},
    }
    secret = {"Password": "Secret-1"}
    user_id = staffed.create_agent("ada", **given, **secret)
    answer = staffed.client.describe_user(InstanceId=staffed.instance_id, UserId=user_id)
    user = answer["User"]
    assert user.pop("LastModifiedTime").timestamp() == START
    assert user == {
        "Id": user_id,
        "Arn": f"{staffed.instance_arn}/agent/{user_id}",
        "Username": "ada",
        "SecurityProfileIds": ["profile"],
        "RoutingProfileId": "routing",
        "LastModifiedRegion": "eu-west-2",
        **given,
    }
    searched = staffed.client.search_users(InstanceId=staffed.instance_id)["Users"][0]
    assert searched["IdentityInfo"] == {"FirstName": "Ada", "LastName": "L"}
    listed = staffed.client.list_users(InstanceId=staffed.instance_id)["UserSummaryList"]
    assert [(row["Id"], row["Username"]) for row in listed] == [(user_id, "ada")]


def test_username_is_unique_until_it_is_free_again(staffed: Desk) -> None:
    """A deleted user leaves its group and its name."""
    group_id = staffed.create("Support")
    user_id = staffed.create_agent("ada", group_id)
    refused("DuplicateResourceException", lambda: staffed.create_agent("ada"))
    staffed.client.delete_user(InstanceId=staffed.instance_id, UserId=user_id)
    staffed.delete(group_id)
    staffed.create_agent("ada")


def test_who_is_on_a_contact_is_told_for_one_group(staffed: Desk) -> None:
    """GetCurrentUserData takes one group, by its id or ARN, and wants some filter."""
    emea, apac = staffed.create("EMEA"), staffed.create("APAC")
    ada, bob = staffed.create_agent("ada", emea), staffed.create_agent("bob", emea)
    staffed.create_agent("cyd", apac)
    staffed.backend.contacts[ada] = ["contact-1"]

    def ask(**filters: list[str]) -> Any:
        return staffed.client.get_current_user_data(InstanceId=staffed.instance_id, Filters=filters)

    for reference in (emea, f"{staffed.instance_arn}/agent-group/{emea}"):
        told = ask(UserHierarchyGroups=[reference])["UserDataList"]
        contacts = {one["User"]["Id"]: [c["ContactId"] for c in one["Contacts"]] for one in told}
        assert contacts == {ada: ["contact-1"], bob: []}
    assert len(ask(Agents=[bob])["UserDataList"]) == 1
    refused("InvalidParameterException", lambda: ask(UserHierarchyGroups=[emea, apac]))
    refused("InvalidRequestException", ask)


# security profiles


def test_security_profile_names_a_group_by_id(staffed: Desk) -> None:
    """The group is an id, an ARN is refused; it can be changed and taken away."""
    group_id = staffed.create("Support")
    client, instance_id = staffed.client, staffed.instance_id

    def create(name: str, group: str) -> str:
        return str(
            client.create_security_profile(
                InstanceId=instance_id,
                SecurityProfileName=name,
                Description="d",
                AllowedAccessControlHierarchyGroupId=group,
                HierarchyRestrictedResources=["User"],
            )["SecurityProfileId"]
        )

    arn = f"{staffed.instance_arn}/agent-group/{group_id}"
    refused("InvalidParameterException", lambda: create("Leads", arn))
    profile_id = create("Leads", group_id)
    refused("DuplicateResourceException", lambda: create("Leads", group_id))
    profile = {"InstanceId": instance_id, "SecurityProfileId": profile_id}
    described = client.describe_security_profile(**profile)["SecurityProfile"]
    assert described["SecurityProfileName"] == "Leads"
    assert described["AllowedAccessControlHierarchyGroupId"] == group_id
    assert described["HierarchyRestrictedResources"] == ["User"]
    client.update_security_profile(Description="other", **profile)
    described = client.describe_security_profile(**profile)["SecurityProfile"]
    assert described["Description"] == "other"
    assert described["AllowedAccessControlHierarchyGroupId"] == group_id
    client.update_security_profile(AllowedAccessControlHierarchyGroupId="", **profile)
    described = client.describe_security_profile(**profile)["SecurityProfile"]
    assert "AllowedAccessControlHierarchyGroupId" not in described
    listed = client.list_security_profiles(InstanceId=instance_id)["SecurityProfileSummaryList"]
    assert [(row["Id"], row["Name"]) for row in listed] == [(profile_id, "Leads")]
    client.delete_security_profile(**profile)
    refused("ResourceNotFoundException", lambda: client.describe_security_profile(**profile))


def test_security_profile_in_use_is_not_deleted(staffed: Desk) -> None:
    """The service model knows ResourceInUse for it."""
    profile = staffed.backend.create_security_profile(staffed.instance_id, "Agents")
    user = staffed.backend.create_user(
        staffed.instance_id, "ada", security_profile_ids=[profile.id]
    )
    answer = refused(
        "ResourceInUseException",
        lambda: staffed.client.delete_security_profile(
            InstanceId=staffed.instance_id, SecurityProfileId=profile.id
        ),
    )
    assert (answer["ResourceType"], answer["ResourceId"]) == ("USER", user.id)


def test_security_profile_that_names_a_group_is_a_switch(staffed: Desk) -> None:
    """Whether it keeps the group from being deleted is not documented."""
    group_id = staffed.create("Support")
    staffed.backend.create_security_profile(
        staffed.instance_id, "Leads", allowed_access_control_hierarchy_group_id=group_id
    )
    staffed.settings.security_profile_blocks_group_deletion = True
    refused("ResourceInUseException", lambda: staffed.delete(group_id))
    staffed.settings.security_profile_blocks_group_deletion = False
    staffed.delete(group_id)


# instances


def test_instances_are_created_listed_and_described(desk: Desk) -> None:
    """They are moto's instances, with this clock's time."""
    described = desk.client.describe_instance(InstanceId=desk.instance_id)["Instance"]
    assert described["Arn"] == desk.instance_arn
    assert described["CreatedTime"].timestamp() == START
    assert described["IdentityManagementType"] == "SAML"
    listed = desk.client.list_instances()["InstanceSummaryList"]
    assert [instance["Id"] for instance in listed] == [desk.instance_id]


def test_deleted_instance_takes_everything_along(staffed: Desk) -> None:
    """Neither groups nor users nor tags can be reached afterwards."""
    group_id = staffed.create("Support", Tags={"a": "1"})
    user_id = staffed.create_agent("ada", group_id)
    arn = f"{staffed.instance_arn}/agent-group/{group_id}"
    staffed.client.delete_instance(InstanceId=staffed.instance_arn)
    for call in (
        staffed.structure,
        staffed.search,
        staffed.agents,
        lambda: staffed.describe(group_id),
        lambda: staffed.group_of(user_id),
        lambda: staffed.create("Support"),
        lambda: staffed.client.list_tags_for_resource(resourceArn=arn),
        lambda: staffed.client.describe_instance(InstanceId=staffed.instance_id),
    ):
        refused("ResourceNotFoundException", call)


def test_two_connects_share_nothing() -> None:
    """Neither instances nor calls nor buckets nor settings."""
    first, second = Desk(), Desk()
    assert first.client.list_instances()["InstanceSummaryList"][0]["Id"] == first.instance_id
    calls = len(second.connect.calls)
    refused(
        "ResourceNotFoundException",
        lambda: first.client.describe_instance(InstanceId=second.instance_id),
    )
    assert len(second.connect.calls) == calls
    first.settings.rates["ListInstances"] = Rate(per_second=1, burst=1)
    first.client.list_instances()
    refused("TooManyRequestsException", first.client.list_instances)
    second.client.list_instances()


# errors


@pytest.mark.parametrize(
    "error",
    [
        error
        for error in exceptions.ConnectError.__subclasses__()
        if any(error.code == shape.name for shape in _MODEL.error_shapes)
    ],
)
def test_errors_have_the_status_of_the_service_model(
    error: type[exceptions.ConnectError],
) -> None:
    """Codes and statuses are botocore's."""
    shape = next(shape for shape in _MODEL.error_shapes if shape.name == error.code)
    assert error.status == shape.metadata["error"]["httpStatusCode"]


def test_throttling_has_a_code_that_the_calls_do_not_declare(desk: Desk) -> None:
    """The calls' models say ThrottlingException, but what comes is TooManyRequestsException."""
    operation = _MODEL.operation_model("CreateUserHierarchyGroup")
    names = {shape.name for shape in operation.error_shapes}
    assert "ThrottlingException" in names
    assert "TooManyRequestsException" not in names
    desk.connect.plan_fault("*", kind=FaultKind.THROTTLE)
    answer = refused("TooManyRequestsException", lambda: desk.create("Support"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_errors_are_on_the_wire_as_boto3_wants_them(staffed: Desk) -> None:
    """The code is in header and body, the message and further members in the body."""
    group_id = staffed.create("Support")
    staffed.create("EMEA", group_id)
    url = f"https://connect.eu-west-2.amazonaws.com/user-hierarchy-groups/{staffed.instance_id}"
    request = AWSRequest("DELETE", f"{url}/{group_id}").prepare()
    status, headers, body = staffed.connect.dispatch(request, request.url, {})
    assert status == 409
    assert headers["x-amzn-ErrorType"] == "ResourceInUseException"
    assert headers["Content-Type"] == "application/json"
    assert set(json.loads(body)) == {"__type", "Message", "ResourceType", "ResourceId"}


@pytest.mark.parametrize("body", ["{", "[]", "\u2026"])
def test_body_that_is_no_object_is_refused(desk: Desk, body: str) -> None:
    """A broken request is answered, not raised."""
    request = AWSRequest("PUT", "https://localhost/instance", data=body.encode()).prepare()
    status, headers, _ = desk.connect.dispatch(request, request.url, {})
    assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")


def test_unserved_call_says_so(desk: Desk) -> None:
    """A call of the service that is not served here is an error of its own."""
    answer = refused(
        "UnknownOperationException",
        lambda: desk.client.list_queues(InstanceId=desk.instance_id),
    )
    assert "/queues-summary/" in answer["Error"]["Message"]


# time


def test_an_answer_takes_as_long_as_the_latency(staffed: Desk) -> None:
    """The call arrives in the middle of that time, also where it is refused."""
    staffed.settings.latency = 0.5
    began = staffed.clock.time
    staffed.client.list_user_hierarchy_groups(InstanceId=staffed.instance_id)
    assert staffed.clock.time == began + 0.5
    assert staffed.connect.calls[-1].time == began + 0.25
    staffed.connect.plan_fault("*", kind=FaultKind.THROTTLE)
    refused(
        "TooManyRequestsException",
        lambda: staffed.client.list_user_hierarchy_groups(InstanceId=staffed.instance_id),
    )
    assert staffed.clock.time == began + 1


def test_default_pace_is_two_a_second_with_a_burst_of_five() -> None:
    """Each API has a bucket of its own, over all instances of the account."""
    clock = ManualClock()
    connect = LocalConnect(clock)
    client = make_client(connect)
    ids = [connect.backend.create_instance("SAML", True, True)["Id"] for _ in range(2)]

    def describe(number: int) -> None:
        client.describe_user_hierarchy_structure(InstanceId=ids[number % 2])

    for number in range(5):
        describe(number)
    answer = refused("TooManyRequestsException", lambda: describe(0))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    client.list_user_hierarchy_groups(InstanceId=ids[0])
    clock.time += 0.45
    refused("TooManyRequestsException", lambda: describe(0))
    clock.time += 0.05
    describe(0)
    refused("TooManyRequestsException", lambda: describe(0))
    clock.time += 3600
    for number in range(5):
        describe(number)
    refused("TooManyRequestsException", lambda: describe(0))


def test_rates_are_settings(desk: Desk) -> None:
    """One API can have a rate of its own, or none."""
    desk.settings.default_rate = Rate(per_second=1, burst=1)
    desk.settings.rates = {
        "DescribeUserHierarchyStructure": None,
        "ListInstances": Rate(per_second=4, burst=2),
    }
    for _ in range(20):
        desk.structure()
    desk.client.list_instances()
    desk.client.list_instances()
    refused("TooManyRequestsException", desk.client.list_instances)
    desk.clock.time += 0.25
    desk.client.list_instances()


def test_what_was_made_is_not_found_for_a_while(desk: Desk) -> None:
    """With lagging reads, describes, lists and checks behind writes do not see new things."""
    desk.settings.read_lag = 2
    desk.levels("Division", "Region")
    refused("ResourceNotFoundException", lambda: desk.create("Support"))
    assert desk.structure() == {}
    desk.clock.time += 2
    parent_id = desk.create("Support")
    user_id = desk.create_agent("ada")
    arn = f"{desk.instance_arn}/agent-group/{parent_id}"
    for call in (
        lambda: desk.describe(parent_id),
        lambda: desk.create("EMEA", parent_id),
        lambda: desk.rename(parent_id, "Service"),
        lambda: desk.delete(parent_id),
        lambda: desk.move(user_id, HierarchyGroupId=parent_id),
        lambda: desk.client.tag_resource(resourceArn=arn, tags={"a": "1"}),
    ):
        refused("ResourceNotFoundException", call)
    listed = desk.client.list_user_hierarchy_groups(InstanceId=desk.instance_id)
    assert listed["UserHierarchyGroupSummaryList"] == []
    # a name is taken at once, which is why a Duplicate can be about one's own group
    refused("DuplicateResourceException", lambda: desk.create("Support"))
    desk.clock.time += 2
    desk.create("EMEA", parent_id)
    desk.move(user_id, HierarchyGroupId=parent_id)
    assert desk.group_of(user_id) is None


def test_parent_level_that_was_just_added_is_an_invalid_request(desk: Desk) -> None:
    """A new lowest level is not seen at once."""
    desk.levels("Division")
    parent_id = desk.create("Support")
    desk.clock.time += 10
    desk.settings.read_lag = 1
    desk.levels("Division", "Region")
    refused("InvalidRequestException", lambda: desk.create("EMEA", parent_id))
    desk.clock.time += 1
    desk.create("EMEA", parent_id)


def test_level_that_was_just_removed_takes_no_groups(desk: Desk) -> None:
    """However stale the reads are, no group is made without a level."""
    desk.levels("Division", "Region")
    parent_id = desk.create("Support")
    desk.clock.time += 10
    desk.settings.read_lag = 1
    desk.levels("Division")
    assert list(desk.structure()) == ["LevelOne", "LevelTwo"]
    refused("InvalidRequestException", lambda: desk.create("EMEA", parent_id))


def test_what_was_deleted_is_in_use_for_a_while(staffed: Desk) -> None:
    """A deleted child or a moved agent still blocks, and a deleted group is still described."""
    parent_id = staffed.create("Support")
    child_id = staffed.create("EMEA", parent_id)
    user_id = staffed.create_agent("ada", parent_id)
    staffed.clock.time += 60
    staffed.settings.read_lag = 1.5
    staffed.delete(child_id)
    staffed.move(user_id)
    assert staffed.describe(child_id)["Name"] == "EMEA"
    refused("ResourceNotFoundException", lambda: staffed.rename(child_id, "x"))
    answer = refused("ResourceInUseException", lambda: staffed.delete(parent_id))
    assert answer["ResourceType"] == "USER"
    refused("ResourceInUseException", lambda: staffed.levels("Division"))
    staffed.clock.time += 1.5
    refused("ResourceNotFoundException", lambda: staffed.describe(child_id))
    staffed.delete(parent_id)
    staffed.levels("Division")


def test_direct_calls_are_neither_lagged_paced_nor_counted(staffed: Desk) -> None:
    """Direct calls to the backend, for preparing tests, are neither paced, counted nor lagged."""
    staffed.settings.read_lag = staffed.settings.search_lag = 100
    staffed.settings.default_rate = Rate(per_second=0, burst=0)
    staffed.connect.plan_fault("*", kind=FaultKind.THROTTLE, times=99)
    refused("TooManyRequestsException", staffed.structure)
    staffed.connect.calls.clear()
    backend, instance_id = staffed.backend, staffed.instance_id
    parent = backend.create_user_hierarchy_group(instance_id, "Support")
    child = backend.create_user_hierarchy_group(instance_id, "EMEA", parent.id)
    assert backend.describe_user_hierarchy_group(instance_id, child.arn).path == (
        "Support",
        "EMEA",
    )
    assert len(backend.search_user_hierarchy_groups(instance_id)) == 3
    assert staffed.connect.calls == []


# faults


@pytest.mark.parametrize(
    ("kind", "code", "status", "effect"),
    [
        (FaultKind.THROTTLE, "TooManyRequestsException", 429, False),
        (FaultKind.ERROR_BEFORE, "InternalServiceException", 500, False),
        (FaultKind.ERROR_AFTER, "InternalServiceException", 500, True),
        (FaultKind.ACCESS_DENIED, "AccessDeniedException", 403, False),
    ],
)
def test_planned_errors(
    staffed: Desk,
    kind: FaultKind,
    code: str,
    status: int,
    effect: bool,
) -> None:
    """An error comes before or after the effect."""
    staffed.connect.plan_fault("CreateUserHierarchyGroup", kind=kind)
    answer = refused(code, lambda: staffed.create("Support"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert staffed.connect.calls[-1].outcome == code
    hierarchy = staffed.backend.hierarchy(staffed.instance_id)
    assert (("Support",) in hierarchy.by_path) is effect
    staffed.create("Sales")


@pytest.mark.parametrize(
    ("kind", "effect"), [(FaultKind.CUT_BEFORE, False), (FaultKind.CUT_AFTER, True)]
)
def test_cut_connections(staffed: Desk, kind: FaultKind, effect: bool) -> None:
    """A cut is raised out of dispatch, and is botocore's own error for a client."""
    group_id = staffed.create("Support")
    staffed.connect.plan_fault("DeleteUserHierarchyGroup", kind=kind)
    with pytest.raises(ConnectionClosedError):
        staffed.delete(group_id)
    assert staffed.connect.calls[-1].outcome == "ConnectionCut"
    groups = staffed.backend.hierarchy(staffed.instance_id).groups
    assert (group_id not in groups) is effect
    staffed.connect.plan_fault("ListInstances", kind=kind)
    request = AWSRequest("GET", "https://localhost/instance").prepare()
    with pytest.raises(ConnectionCut):
        staffed.connect.dispatch(request, request.url, {})


def test_fault_meets_the_nth_call_so_many_times(staffed: Desk) -> None:
    """Counting begins when the fault is planned, and only the calls of its API count."""
    staffed.structure()
    staffed.connect.plan_fault(
        "DescribeUserHierarchyStructure", nth=2, kind=FaultKind.THROTTLE, times=2
    )
    staffed.connect.calls.clear()
    for number in range(5):
        staffed.client.list_instances()
        if number in {1, 2}:
            refused("TooManyRequestsException", staffed.structure)
        else:
            staffed.structure()
    assert len(staffed.connect.calls) == 10


def test_fault_for_any_call(staffed: Desk) -> None:
    """A star counts every call."""
    staffed.connect.plan_fault("*", nth=3, kind=FaultKind.ERROR_BEFORE)
    staffed.structure()
    staffed.client.list_instances()
    refused("InternalServiceException", lambda: staffed.create("Support"))
    staffed.create("Support")


def test_fault_for_no_call_is_a_mistake(desk: Desk) -> None:
    """A misspelt API is refused, since its fault would never happen."""
    with pytest.raises(ValueError, match="CreateGroup"):
        desk.connect.plan_fault("CreateGroup", kind=FaultKind.THROTTLE)
    with pytest.raises(ValueError, match="nth"):
        desk.connect.plan_fault("*", nth=0, kind=FaultKind.THROTTLE)


def test_retried_create_meets_its_own_group(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create has no client token: a retry after a lost answer is a Duplicate."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    client = make_client(staffed.connect, attempts=2)
    for name, kind in (("A", FaultKind.ERROR_AFTER), ("B", FaultKind.CUT_AFTER)):
        staffed.connect.plan_fault("CreateUserHierarchyGroup", kind=kind)
        refused(
            "DuplicateResourceException",
            partial(client.create_user_hierarchy_group, InstanceId=staffed.instance_id, Name=name),
        )


# the record of calls


def test_calls_are_recorded(staffed: Desk) -> None:
    """Time, name, parameters, outcome, instance, resource and principal of each call."""
    staffed.connect.calls.clear()
    staffed.clock.time += 1
    staffed.create("Support")
    staffed.client.list_user_hierarchy_groups(InstanceId=staffed.instance_arn, MaxResults=7)
    refused("ResourceNotFoundException", lambda: staffed.describe("absent"))
    create, listed, describe = staffed.connect.calls
    assert create == Call(
        time=START + 1,
        api="CreateUserHierarchyGroup",
        parameters={"InstanceId": staffed.instance_id, "Name": "Support"},
        instance_id=staffed.instance_id,
        resource=f"{staffed.instance_arn}/agent-group/*",
        permissions=(
            ("connect:CreateUserHierarchyGroup", f"{staffed.instance_arn}/agent-group/*"),
        ),
        principal=PRINCIPAL,
        outcome="ok",
    )
    assert listed.parameters == {"InstanceId": staffed.instance_arn, "MaxResults": 7}
    assert listed.instance_id == staffed.instance_id
    assert describe.outcome == "ResourceNotFoundException"
    assert describe.resource == f"{staffed.instance_arn}/agent-group/absent"


def test_throttled_calls_are_recorded(desk: Desk) -> None:
    """A throttled call is recorded, too."""
    desk.settings.default_rate = Rate(per_second=1, burst=1)
    desk.structure()
    refused("TooManyRequestsException", desk.structure)
    assert [call.outcome for call in desk.connect.calls[1:]] == ["ok", "TooManyRequestsException"]


def test_unsigned_request_has_no_principal(desk: Desk) -> None:
    """The principal is the access key id of the signature, and of nothing else."""
    request = AWSRequest("GET", "https://localhost/instance").prepare()
    assert desk.connect.dispatch(request, request.url, {})[0] == 200
    assert desk.connect.calls[-1].principal is None


def test_what_iam_checks(staffed: Desk) -> None:
    """Searches need what they answer, tags on creation need TagResource."""
    group_id = staffed.create("Support", Tags={"a": "1"})
    group_arn = f"{staffed.instance_arn}/agent-group/{group_id}"
    created = staffed.connect.calls[-1]
    assert ("connect:TagResource", f"{staffed.instance_arn}/agent-group/*") in created.permissions
    staffed.search()
    assert staffed.connect.calls[-1].permissions == (
        ("connect:SearchUserHierarchyGroups", staffed.instance_arn),
        ("connect:DescribeUserHierarchyGroup", f"{staffed.instance_arn}/agent-group/*"),
    )
    staffed.agents()
    actions = {action for action, _ in staffed.connect.calls[-1].permissions}
    assert actions == {
        "connect:SearchUsers",
        "connect:DescribeUser",
        "connect:ListUserProficiencies",
    }
    staffed.client.tag_resource(resourceArn=group_arn, tags={"a": "2"})
    assert staffed.connect.calls[-1].resource == group_arn
    staffed.delete(group_arn)
    assert staffed.connect.calls[-1].resource == group_arn


def test_permissions_can_be_refused(staffed: Desk) -> None:
    """A policy that lacks one of the checked actions denies the call, before any effect."""
    asked: list[tuple[str | None, str]] = []

    def authorize(principal: str | None, action: str, resource: str) -> bool:
        asked.append((principal, resource))
        return action != "connect:TagResource"

    staffed.settings.authorize = authorize
    staffed.create("Support")
    answer = refused("AccessDeniedException", lambda: staffed.create("Sales", Tags={"a": "1"}))
    assert "connect:TagResource" in answer["Error"]["Message"]
    assert set(asked) == {(PRINCIPAL, f"{staffed.instance_arn}/agent-group/*")}
    assert list(staffed.backend.hierarchy(staffed.instance_id).by_path) == [("Support",)]


def test_permissions_can_come_late(staffed: Desk) -> None:
    """Fact 12 of CloudFormation: a policy does not work in the first seconds, then it does."""
    attached = staffed.clock.time
    staffed.settings.authorize = lambda *_: staffed.clock.time - attached >= 8
    refused("AccessDeniedException", lambda: staffed.create("Support"))
    staffed.clock.time += 7.9
    refused("AccessDeniedException", lambda: staffed.create("Support"))
    staffed.clock.time += 0.1
    staffed.create("Support")


# the whole, and how it is reached


def test_snapshot_of_the_hierarchy(staffed: Desk) -> None:
    """Levels, groups with paths and tags, agents by group; what was handed out stays."""
    support = staffed.create("Support", Tags={"a": "1"})
    emea = staffed.create("EMEA", support)
    staffed.create_agent("bob", emea)
    staffed.create_agent("ada", emea)
    staffed.create_agent("cy")
    before = staffed.backend.hierarchy(staffed.instance_arn)
    staffed.rename(support, "Service")
    assert before.instance_arn == staffed.instance_arn
    assert before.level_names == ("Division", "Region", "Team")
    assert set(before.by_path) == {("Support",), ("Support", "EMEA")}
    group = before.groups[emea]
    assert (group.name, group.level_id, group.parent_id) == ("EMEA", "2", support)
    assert group.arn == f"{staffed.instance_arn}/agent-group/{emea}"
    assert before.groups[support].tags == {"a": "1"}
    assert before.usernames("Support", "EMEA") == ("ada", "bob")
    assert before.usernames() == ("cy",)
    after = staffed.backend.hierarchy(staffed.instance_id)
    assert set(after.by_path) == {("Service",), ("Service", "EMEA")}


def test_reset_forgets_everything(staffed: Desk) -> None:
    """A reset leaves an empty service."""
    staffed.create("Support")
    staffed.backend.reset()
    assert staffed.client.list_instances()["InstanceSummaryList"] == []


def test_seed_makes_ids_the_same() -> None:
    """Two runs of the same calls make groups of the same ids, without a seed they do not."""

    def run(seed: int | None) -> str:
        connect = LocalConnect(ManualClock(), seed=seed)
        instance_id = connect.backend.create_instance("SAML", True, True)["Id"]
        connect.backend.update_user_hierarchy_structure(instance_id, {"LevelOne": {"Name": "A"}})
        return connect.backend.create_user_hierarchy_group(instance_id, "Support").id

    assert run(1) == run(1)
    assert run(None) != run(None)


@pytest.mark.parametrize("route", urls.ROUTES, ids=lambda route: route.api)
def test_routes_are_those_of_the_service_model(route: urls.Route) -> None:
    """Method, path and query parameters of each call are botocore's."""
    operation = _MODEL.operation_model(route.api)
    assert (route.method, route.path) == (
        operation.http["method"],
        operation.http["requestUri"],
    )
    assert operation.input_shape is not None
    members = {
        member.serialization["name"]: name
        for name, member in operation.input_shape.members.items()
        if member.serialization.get("location") == "querystring"
    }
    assert route.query == members


def test_client_of_another_service_is_not_attached(desk: Desk) -> None:
    """Wrong arguments are refused at once."""
    with pytest.raises(ValueError, match="sts"):
        desk.connect.attach(_SESSION.client("sts"))


def test_client_that_is_attached_twice_calls_once(desk: Desk) -> None:
    """A second attach changes nothing."""
    desk.connect.attach(desk.client)
    desk.connect.calls.clear()
    desk.structure()
    assert len(desk.connect.calls) == 1


def test_flask_app_of_the_url_paths(staffed: Desk) -> None:
    """Behind moto's converters the table serves HTTP, encoded ARNs in paths included."""
    app = Flask("connect")
    app.request_class = BackendRequest
    app.url_map.converters["regex"] = RegexConverter
    for number, (path, handler) in enumerate(staffed.connect.url_paths.items()):
        app.add_url_rule(
            convert_regex_to_flask_path(path),
            endpoint=str(number),
            view_func=convert_to_flask_response(handler),
            methods=["GET", "PUT", "POST", "DELETE"],
        )
    http = app.test_client()
    arn = re.sub("[:/]", lambda match: f"%{ord(match[0]):02X}", staffed.instance_arn)
    credential = f"AWS4-HMAC-SHA256 Credential={PRINCIPAL}/20250101/eu-west-2/connect/aws4_request"
    created = http.put(
        f"/user-hierarchy-groups/{arn}",
        json={"Name": "Support", "Tags": {"a": "1"}},
        headers={"Authorization": credential},
    )
    assert created.status_code == 200
    assert staffed.connect.calls[-1].principal == PRINCIPAL
    group: Mapping[str, str] = created.get_json()
    for reference in (group["HierarchyGroupId"], group["HierarchyGroupArn"].replace("/", "%2F")):
        described = http.get(f"/user-hierarchy-groups/{arn}/{reference}")
        assert described.get_json()["HierarchyGroup"]["Name"] == "Support"
    untagged = http.delete(f"/tags/{group['HierarchyGroupArn']}?tagKeys=a&tagKeys=b")
    assert untagged.status_code == 200
    assert staffed.connect.calls[-1].parameters["tagKeys"] == ["a", "b"]
    searched = http.post("/search-user-hierarchy-groups", json={"InstanceId": staffed.instance_id})
    assert searched.get_json()["ApproximateTotalCount"] == 2
    assert http.get("/instance?maxResults=1").get_json()["InstanceSummaryList"]
    assert http.get("/users-summary/absent").status_code == 404


def test_threads_do_not_disturb_each_other(staffed: Desk) -> None:
    """Of many creates of one name at the same time, one succeeds; all calls are recorded."""
    staffed.connect.calls.clear()
    url = f"https://localhost/user-hierarchy-groups/{staffed.instance_id}"
    statuses: list[int] = []

    def create_all() -> None:
        for number in range(50):
            body = json.dumps({"Name": f"Group {number}"}).encode()
            request = AWSRequest("PUT", url, data=body).prepare()
            statuses.append(staffed.connect.dispatch(request, url, {})[0])

    threads = [threading.Thread(target=create_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 50 + [409] * 350
    assert len(staffed.connect.calls) == 400
    assert len(staffed.backend.hierarchy(staffed.instance_id).groups) == 50
