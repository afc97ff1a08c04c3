"""Names, properties, events and answer URLs that nobody means well: each ends in clear words."""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aws_cdk import App, Tags
from aws_cdk import Stack as CdkStack
from awslambdaric.bootstrap import LambdaLoggerHandler, StandardLogSink
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from connect_hierarchy import HierarchyStructure
from connect_hierarchy_lambda.entry import answer as answers
from connect_hierarchy_lambda.entry.function import Function
from connect_hierarchy_lambda.entry.logs import JsonLines
from connect_hierarchy_lambda.model.messages import MAX_REASON_LENGTH, printable
from connect_hierarchy_lambda.model.properties import GroupProperty, StructureProperty
from connect_hierarchy_lambda.ports.time import Schedule
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings
from tests.support.constructs_fixtures import INSTANCE_ARN, new_stack, properties_of
from tests.support.events import STACK_ID, Answers, Context, ManualClock, event, serve, waiting_for
from tests.support.events import URL as ANSWER_URL
from tests.support.stacks import Site

Resources = Mapping[str, Any]

HOSTILE_NAMES = [
    'it\'s "quoted" `twice`',
    "line\nbreak\r\nand\ttab",
    "\N{GRINNING FACE}" * 100,
    "\N{RIGHT-TO-LEFT OVERRIDE}gnirts\N{POP DIRECTIONAL FORMATTING}",
    "\N{ZERO WIDTH SPACE}invisible\N{RIGHT-TO-LEFT MARK}",
    "e\N{COMBINING ACUTE ACCENT}" * 50,
    "__proto__",
    "constructor",
    "a/b",
    " / ",
    "../../etc/passwd",
    "\x01\x1f\x7f",
    "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}x",
    "${AWS::StackId}",
    "$(reboot)",
    "%s %d {0}",
    "'; DROP TABLE groups; --",
    "<script>alert(1)</script>",
    "null",
    "connect-hierarchy temporary 0123456789abcdef",
]
HALF_A_PAIR = ["\ud800", "x\udfff", "\udc00\ud800"]

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100).filter(
    lambda name: bool(name.strip())
)


def unexpected(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Log lines about errors of the library itself."""
    return [r.getMessage() for r in caplog.records if r.getMessage() == "failed unexpectedly"]


def reasons(site: Site, stack: Any) -> list[str]:
    """What the function answered, as the user reads it."""
    told = [reason.split("Message returned: ")[-1] for reason in site.reasons(stack)]
    return [reason.rsplit(" (RequestId", 1)[0] for reason in told]


# names ------------------------------------------------------------------------------------------


def _live(site: Site, name: str) -> None:
    """A group of this name is made, found by its child, renamed away and back, moved, deleted."""
    first = {
        "Structure": site.structure("A", "B", "C"),
        "G": site.group(name, Tags={"name": name[:256]} if name.isalnum() else {}),
        "H": site.group(name, "G"),
    }
    stack = site.up(first)
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    assert stack.resources["H"].attributes["Path"] == f"{name} / {name}"
    ids = site.connect.backend.hierarchy(site.instance_id).by_path
    assert set(ids) == {(name,), (name, name)}
    for changed in (
        {**first, "G": site.group("other"), "X": site.group("X")},
        {**first, "X": site.group("X")},
        {**first, "X": site.group("X"), "H": site.group(name, "X")},
    ):
        assert site.up(changed).status == "UPDATE_COMPLETE"
    failing = {**first, "X": site.group("X"), "Failing": site.failing("G", "H", "X")}
    assert site.up(failing).status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.connect.backend.hierarchy(site.instance_id).by_path == {}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_of_groups(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What Connect takes as a name lives through everything that can happen to a group."""
    _live(Site(), name)
    assert unexpected(caplog) == []


@settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(name=names)
def test_any_name_of_a_group(name: str) -> None:
    """The same for whatever hypothesis finds, two other groups' names excepted."""
    assume(name not in {"other", "X"})
    _live(Site(), name)


SERVICE_PATTERN = r"[\w .:/=+@-]*"


@pytest.mark.parametrize("name", [n for n in HOSTILE_NAMES if not re.fullmatch(SERVICE_PATTERN, n)])
def test_names_that_the_service_refuses(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Should Connect have a pattern for names or tags: it is told at once, and taken back."""
    patterns = ConnectSettings(name_pattern=SERVICE_PATTERN, tag_value_pattern=SERVICE_PATTERN)
    site = Site(connect_settings=patterns)
    first = {"Structure": site.structure("A", "B"), "G": site.group("G"), "P": site.group("P")}
    stack = site.up(first)
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    site.hire("ada", "G")
    before = site.ids, site.agents, site.levels
    by_the_service, before_any_call = "InvalidParameterException", "which Amazon Connect refuses"
    for changed, refused in (
        ({**first, "New": site.group(name)}, by_the_service),
        ({**first, "G": site.group(name)}, by_the_service),
        ({**first, "G": site.group(name, "P")}, by_the_service),
        ({**first, "G": site.group("G", Tags={"k": name})}, by_the_service),
        ({**first, "G": site.group("G", Tags={f"{name}\n": "v"})}, before_any_call),
        ({**first, "Structure": site.structure("A", name[:50])}, by_the_service),
    ):
        began = site.clock.now()
        assert site.up(changed).status == "UPDATE_ROLLBACK_COMPLETE"
        assert site.clock.now() - began < 60
        assert (site.ids, site.agents, site.levels) == before
        told = reasons(site, stack)[-1]
        assert refused in told
        assert told.isprintable()
    assert unexpected(caplog) == []


@pytest.mark.parametrize("name", HALF_A_PAIR)
def test_half_a_surrogate_pair_is_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """JSON can carry it, UTF-8 can not: it is named before any call, in a line that can be read."""
    site = Site()
    levels = {"Structure": site.structure("A")}
    for resources in (
        {**levels, "G": site.group(name)},
        {**levels, "G": site.group("G", Tags={"k": name})},
        {**levels, "G": site.group("G", Tags={name: "v"})},
        {"Structure": site.structure(name)},
    ):
        stack = site.up(resources)
        assert stack.status == "ROLLBACK_COMPLETE"
        (reason,) = [reason for reason in reasons(site, stack) if "surrogate" in reason]
        assert "\\u" in reason
        assert reason.isprintable()
        site.down(stack)
    assert site.calls("CreateUserHierarchyGroup", "TagResource") == []
    assert unexpected(caplog) == []


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_in_errors(name: str) -> None:
    """An error stays one line of at most 240 characters that looks like what it says."""
    site = Site()
    site.write_levels("A")
    site.connect.backend.create_user_hierarchy_group(site.instance_id, name)
    group = site.group(name, InstanceArn=site.instance_arn)
    stack = site.up({"G": group})
    (reason,) = reasons(site, stack)[:1]
    assert "it exists already" in reason
    assert len(reason) <= MAX_REASON_LENGTH
    assert reason.isprintable()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_at_synth(name: str) -> None:
    """The template has the very names and tags that the app gave."""
    stack = new_stack()
    levels = [name[:50], f"{name[:49]}2"]
    structure = HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=levels)
    group = structure.add_group("G", name=name, tags={"k": name})
    child = group.add_group("H", name=name)
    Tags.of(child).add("k", name)
    assert properties_of(structure)["Levels"] == levels
    assert properties_of(group)["Name"] == properties_of(group)["Tags"]["k"] == name
    assert properties_of(child)["Tags"]["k"] == name
    assert child.path == f"{name} / {name}"


@pytest.mark.parametrize("name", HALF_A_PAIR)
def test_half_a_surrogate_pair_at_synth(name: str) -> None:
    """The CDK would write a question mark in its place."""
    stack = new_stack()
    with pytest.raises(ValueError, match=r"Stack/Bad: name of level 1 has half of a surrogate"):
        HierarchyStructure(stack, "Bad", instance_arn=INSTANCE_ARN, levels=[name])
    structure = HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=["A"])
    with pytest.raises(ValueError, match=r"group name has half of a surrogate pair"):
        structure.add_group("G", name=name)
    with pytest.raises(ValueError, match=r"value of tag 'k' has half of a surrogate pair"):
        structure.add_group("T", name="T", tags={"k": name})


def test_a_tag_called_proto_at_synth() -> None:
    """JavaScript has no maps with this key: it is named with the construct, not deep in jsii."""
    structure = HierarchyStructure(
        new_stack(), "Structure", instance_arn=INSTANCE_ARN, levels=["A"]
    )
    with pytest.raises(ValueError, match=r"Stack/Structure/G: tag key is '__proto__'"):
        structure.add_group("G", name="G", tags={"__proto__": "v"})


def test_the_template_on_disk_has_the_names(tmp_path: Path) -> None:
    """From Python through JavaScript into a file: no name is changed on the way."""
    app = App(outdir=str(tmp_path), context={"aws:cdk:bundling-stacks": []})
    stack = CdkStack(app, "Names")
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"], group_quota=500
    )
    for number, name in enumerate(HOSTILE_NAMES):
        structure.add_group(f"G{number}", name=name)
    app.synth()
    template = json.loads((tmp_path / "Names.template.json").read_text(encoding="utf-8"))
    found = {
        resource["Properties"]["Name"]
        for resource in template["Resources"].values()
        if resource["Type"] == "Custom::ConnectHierarchyGroup"
    }
    assert found == set(HOSTILE_NAMES)


# properties -------------------------------------------------------------------------------------

WRONG: list[Any] = [
    "",
    " ",
    "text",
    5,
    1.5,
    True,
    [],
    ["x"],
    {},
    {"a": "b"},
    [["x"]],
    [{"a": "b"}],
    {"a": {"b": "c"}},
    {"a": ["x"]},
    "x" * 5000,
    ["x" * 51],
    list("abcdef"),
    ["a", "a"],
    {"": "v"},
    {"aws:x": "v"},
    {"connect-hierarchy:stack": "v"},
    {"k": "v" * 257},
    {f"k{number}": "v" for number in range(60)},
    "arn:aws:connect:eu-west-2:123456789012:instance/",
    "arn:aws:connect:eu-west-2:123456789012:instance/1/agent-group/",
]
PROPERTIES = [
    *(("Structure", name) for name in ("InstanceArn", "Levels", "AdoptExisting")),
    *(
        ("G", name)
        for name in (
            "InstanceArn",
            "Name",
            "ParentGroupArn",
            "Tags",
            "AdoptExisting",
            "AgentsOnDelete",
        )
    ),
]


def _good(site: Site) -> Resources:
    return {
        "Structure": site.structure("A", "B"),
        "P": site.group("P"),
        "G": site.group("G", "P", Tags={"k": "1"}),
    }


def _with(resources: Resources, logical_id: str, **properties: Any) -> Resources:
    resource = resources[logical_id]
    changed = {**resource, "Properties": {**resource["Properties"], **properties}}
    return {**resources, logical_id: changed}


def _check_clear(told: list[str], name: str) -> None:
    """The first reason names what is wrong with the property."""
    assert told
    assert "error of the library" not in " ".join(told)
    about = {
        "InstanceArn": ("InstanceArn", "instance"),
        "Levels": ("Levels", "level"),
        "Name": ("Name", "name"),
        "ParentGroupArn": ("ParentGroupArn", "hierarchy group", "parent group"),
        "Tags": ("Tags", "tag"),
    }
    assert any(word in told[0] for word in about.get(name, (name,))), told[0]


@pytest.mark.parametrize(("logical_id", "name"), PROPERTIES)
def test_properties_of_wrong_type_on_a_create(
    logical_id: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A template that was written by hand is refused at once and leaves nothing behind."""
    for value in WRONG:
        site = Site()
        began = site.clock.now()
        stack = site.up(_with(_good(site), logical_id, **{name: value}))
        assert stack.status in {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}, value
        if stack.status == "ROLLBACK_COMPLETE":
            _check_clear(reasons(site, stack), name)
            # a level that is missing below is a matter of two minutes: it can be a stale answer
            assert site.clock.now() - began < (130 if value == ["x"] else 10), value
            assert site.ids == {}
            assert site.levels == ()
        assert site.down(stack).status == "DELETE_COMPLETE", value
    assert unexpected(caplog) == []


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize(("logical_id", "name"), PROPERTIES)
def test_properties_of_wrong_type_on_an_update(
    logical_id: str,
    name: str,
    reversed_id: ReversedUpdateId,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The update is refused; its rollback, which has them as old properties, changes nothing."""
    for value in WRONG:
        site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
        stack = site.up(_good(site))
        site.hire("ada", "P", "G")
        before = site.ids, site.levels, site.agents
        # one that fails where the value can pass
        changed = _with(_good(site), logical_id, **{name: value})
        stack = site.up({**changed, "Failing": site.failing("G", "Structure")})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", (value, site.reasons(stack))
        assert (site.ids, site.levels, site.agents) == before, value
        if not any("nobody" in reason or "missing" in reason for reason in reasons(site, stack)):
            _check_clear(reasons(site, stack), name)
    assert unexpected(caplog) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


def _site_for_events(request_type: str) -> tuple[Site, Mapping[str, str]]:
    """A site whose CloudFormation waits for an answer, and physical ids of what stands there."""
    site = Site()
    site.connect.settings.default_rate = None
    site.write_levels("Division")
    stack = Stack(STACK_ID, "site", created_at=site.clock.now(), status="UPDATE_IN_PROGRESS")
    site.cloudformation.engine.stacks[STACK_ID] = stack
    waiting_for(site, f"{request_type.upper()}_IN_PROGRESS")
    own = {
        "connect-hierarchy:stack": STACK_ID.split(":stack/")[1],
        "connect-hierarchy:resource": "Group",
        "connect-hierarchy:request": "request-0",
    }
    backend = site.connect.backend
    ids = {
        "own": backend.create_user_hierarchy_group(site.instance_id, "Sales", tags=own).arn,
        "of another": backend.create_user_hierarchy_group(
            site.instance_id, "Support", tags={**own, "connect-hierarchy:stack": "other/1111"}
        ).arn,
        "of nobody": backend.create_user_hierarchy_group(site.instance_id, "Free").arn,
        "gone": f"{site.instance_arn}/agent-group/gone",
        "structure": f"{site.instance_arn}/user-hierarchy-structure",
        "adopted": f"{site.instance_arn}/user-hierarchy-structure/adopted/1",
        "made up": "site-Group-ABCDEF",
        "unmade": "unmade/Group/request-1",
        "none": "",
    }
    return site, ids


_PROPERTIES = st.dictionaries(
    st.sampled_from([name.value for name in (*StructureProperty, *GroupProperty)]),
    JSON,
    max_size=2,
)
_FIELDS = (
    "RequestType",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "ResourceProperties",
    "OldResourceProperties",
    "ConnectHierarchyContinuation",
    "CrHelperPoll",
    "CrHelperData",
)


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    request_type=st.sampled_from(["Create", "Update", "Delete"]),
    physical_id=st.sampled_from(
        [
            "own",
            "of another",
            "of nobody",
            "gone",
            "structure",
            "adopted",
            "made up",
            "unmade",
            "none",
        ]
    ),
    resource_type=st.sampled_from(
        ["Custom::ConnectHierarchyGroup", "Custom::ConnectHierarchyStructure", "Custom::X"]
    ),
    changes=st.dictionaries(st.sampled_from(_FIELDS), JSON, max_size=4),
    properties=_PROPERTIES,
    old_properties=_PROPERTIES,
)
@example(
    request_type="Delete",
    physical_id="made up",
    resource_type="Custom::ConnectHierarchyStructure",
    changes={},
    properties={"Levels": "text"},
    old_properties={},
)
@example(
    request_type="Create",
    physical_id="none",
    resource_type="Custom::X",
    changes={"ConnectHierarchyContinuation": {"Began": float("nan"), "Run": 1}},
    properties={},
    old_properties={},
)
@example(
    request_type="Create",
    physical_id="none",
    resource_type="Custom::X",
    changes={"ConnectHierarchyContinuation": {"Began": "soon"}},
    properties={},
    old_properties={},
)
@example(
    request_type="Create",
    physical_id="none",
    resource_type="Custom::X",
    changes={"CrHelperPoll": True, "CrHelperData": 5},
    properties={},
    old_properties={},
)
def test_events_of_any_form(
    request_type: str,
    physical_id: str,
    resource_type: str,
    changes: dict[str, Any],
    properties: dict[str, Any],
    old_properties: dict[str, Any],
) -> None:
    """One answer at most, one if there is somebody to answer, and never an exception."""
    site, ids = _site_for_events(request_type)
    good = {"InstanceArn": site.instance_arn, "Name": "Sales", "Levels": ["Division"]}
    given_event = event(
        request_type,
        ResourceType=resource_type,
        PhysicalResourceId=ids[physical_id],
        ResourceProperties=good | properties,
        OldResourceProperties=good | old_properties,
    )
    given_event |= changes
    put = Answers()
    lines: list[logging.LogRecord] = []
    listening = logging.Handler()
    listening.emit = lines.append  # type: ignore[method-assign, assignment]
    logging.getLogger().addHandler(listening)
    try:
        function = Function(
            site.client, ManualClock(), put, jitter=lambda: 0.5, ledger_of=site.ledger_of
        )
        function(given_event, Context())
    finally:
        logging.getLogger().removeHandler(listening)
    required = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId")
    is_answerable = all(isinstance(given_event.get(name), str) for name in required)
    is_answerable = is_answerable and given_event["RequestType"] in {"Create", "Update", "Delete"}
    assert len(put.bodies) == is_answerable
    assert lines
    assert f"{site.instance_arn}/agent-group/{site.ids['Support']}" == ids["of another"]
    # a group whose id an Update carries is ours: somebody took our tags away, and they come back
    assert "Free" in site.ids or (request_type, physical_id) == ("Update", "of nobody")
    for body in put.bodies:
        answer = json.loads(body)
        assert answer["PhysicalResourceId"]
        assert answer["Status"] in {"SUCCESS", "FAILED"}
        assert "error of the library" not in answer["Reason"], answer
        if resource_type == "Custom::X" and request_type == "Create":
            assert "ResourceType" in changes or answer["Status"] == "FAILED"


def test_a_made_up_id_with_wrong_properties_can_be_deleted() -> None:
    """A Create that was refused with no answer heard does not keep its stack from going."""
    for kind, properties in (
        ("Custom::ConnectHierarchyStructure", {"InstanceArn": INSTANCE_ARN, "Levels": "Division"}),
        ("Custom::ConnectHierarchyGroup", {"InstanceArn": INSTANCE_ARN, "Name": ["x"]}),
    ):
        put = serve(
            event(
                "Delete",
                PhysicalResourceId="site-Group-ABCDEF",
                ResourceType=kind,
                ResourceProperties=properties,
            )
        )
        assert put.only["Status"] == "SUCCESS"


def test_levels_of_a_structure_with_unreadable_properties_stay() -> None:
    """With an id of ours there is something to delete, and what is not known is not guessed."""
    put = serve(
        event(
            "Delete",
            PhysicalResourceId=f"{INSTANCE_ARN}/user-hierarchy-structure",
            ResourceType="Custom::ConnectHierarchyStructure",
            ResourceProperties={"InstanceArn": INSTANCE_ARN, "Levels": "Division"},
        )
    )
    assert put.only["Status"] == "FAILED"
    assert "reading property Levels" in put.only["Reason"]


# answers ----------------------------------------------------------------------------------------


def test_the_longest_answer_that_can_be_fits() -> None:
    """Five names of a hundred characters with six bytes each, in the longest stack and Region."""
    region, uuid = "ap-southeast-99", "5b1c8e0a-1111-2222-3333-444455556666"
    instance = f"arn:aws-us-gov:connect:{region}:123456789012:instance/{uuid}"
    group = f"{instance}/agent-group/{uuid}"
    stack = f"arn:aws-us-gov:cloudformation:{region}:123456789012:stack/{'s' * 128}/{uuid}"
    for character in ("\x01", "\N{GRINNING FACE}", '"', "\\", "\N{LINE SEPARATOR}"):
        answer = {
            "Status": "SUCCESS",
            "PhysicalResourceId": group,
            "StackId": stack,
            "RequestId": uuid,
            "LogicalResourceId": "L" * 255,
            "Reason": "",
            "Data": {
                "HierarchyGroupId": uuid,
                "HierarchyGroupArn": group,
                "LevelId": "5",
                "Path": " / ".join([character * 100] * 5),
            },
            "NoEcho": False,
        }
        body = answers.encoded(answer)
        assert len(body) <= answers.MAX_ANSWER_BYTES
        assert json.loads(body)["Data"] == answer["Data"]


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
def test_an_answer_that_is_too_long_leaves_nothing_behind(
    reversed_id: ReversedUpdateId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were names longer one day: a Create is undone, a move goes home with its agents."""
    monkeypatch.setattr(answers, "MAX_ANSWER_BYTES", 1200)
    site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
    long = "\N{GRINNING FACE}" * 100
    levels = {"Structure": site.structure("A", "B")}
    first = {**levels, "A": site.group(long), "T": site.group("T")}
    stack = site.up(first)
    assert stack.status == "CREATE_COMPLETE"
    site.hire("ada", "T")
    before = site.ids, site.agents
    for changed in (
        {**first, "New": site.group(long, "A")},
        {**first, "T": site.group("\N{GRINNING FACE}" * 99, "A")},
        {**first, "T": site.group("T" * 100, "A"), "New": site.group(long, "T")},
    ):
        assert site.up(changed).status == "UPDATE_ROLLBACK_COMPLETE"
        assert any("the answer has" in reason for reason in reasons(site, stack))
        assert (site.ids, site.agents) == before
    assert site.down(site.up(levels | {"A": first["A"]})).status in {
        "DELETE_COMPLETE",
        "DELETE_FAILED",
    }


@pytest.mark.parametrize(("given_id", "answered"), [("", "new"), ("given", "given")])
def test_an_answer_that_is_too_long_has_the_right_id(given_id: str, answered: str) -> None:
    """A failed Update answers the id that it was given, a failed Create the one that it made."""
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "new", "Data": {"Path": "x" * 5000}}
    told = json.loads(answers.encoded(answer, given_id))
    assert (told["Status"], told["PhysicalResourceId"]) == ("FAILED", answered)


def _take_request(connection: ssl.SSLSocket) -> None:
    """Read all of it: a server that leaves a part unread resets the connection as it closes."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += _some(connection)
    head, body = request.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    assert length is not None
    while len(body) < int(length[1]):
        body += _some(connection)


def _some(connection: ssl.SSLSocket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionResetError("the client went away")
    return received


@contextmanager
def _https(answer: Callable[[ssl.SSLSocket], None]) -> Iterator[str]:
    """The URL of a server on the loopback that does this with each request."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as secured:
                    _take_request(secured)
                    answer(secured)
            except OSError:
                if listener.fileno() == -1:
                    return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/bucket/key?X-Amz-Signature=secret"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


_AUTHORITY = trustme.CA()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function trusts the servers of these tests."""
    _AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def _status(code: int) -> Callable[[ssl.SSLSocket], None]:
    return lambda connection: connection.sendall(
        f"HTTP/1.1 {code} X\r\ncontent-length: 0\r\n\r\n".encode()
    )


def _hang(connection: ssl.SSLSocket) -> None:
    while connection.recv(65536):
        pass  # the client goes away when it has had enough


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (_status(403), "HTTP status 403"),
        (_status(500), "HTTP status 500"),
        (_status(302), "HTTP status 302"),
        (_hang, "TimeoutError"),
        (lambda connection: connection.close(), "Disconnected"),
        (lambda connection: connection.sendall(b"no HTTP\r\n\r\n"), "BadStatusLine"),
        (lambda connection: connection.sendall(b"HTTP/1.1 " + b"9" * 70_000), "LineTooLong"),
    ],
    ids=["403", "500", "302", "hangs", "hangs up", "no HTTP", "endless line"],
)
@pytest.mark.usefixtures("trusted")
def test_where_answers_go(
    behaviour: Callable[[ssl.SSLSocket], None],
    why: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that does not take the answer ends in lines that say so, without its URL."""
    if behaviour is _hang:  # the time that the others get is enough on a busy machine
        monkeypatch.setattr(answers, "_TIMEOUT", 0.3)
    clock = ManualClock()
    with _https(behaviour) as url:
        Function(lambda _: None, clock, jitter=lambda: 0.5)(event(ResponseURL=url), Context())
    assert why in caplog.text
    assert "CloudFormation was not told" in caplog.text
    assert "secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


@pytest.mark.usefixtures("trusted")
def test_an_answer_over_https_arrives(caplog: pytest.LogCaptureFixture) -> None:
    """The same servers take an answer when they say so: the failures above are theirs."""
    with _https(_status(200)) as url:
        Function(lambda _: None, ManualClock())(event(ResponseURL=url), Context())
    assert "CloudFormation was not told" not in caplog.text
    assert '"message": "answered"' in caplog.text


def test_a_server_that_nobody_trusts_gets_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The answer has names in it: it goes to nobody whose certificate is not good."""
    with _https(_status(200)) as url:
        Function(lambda _: None, ManualClock())(event(ResponseURL=url), Context())
    assert "SSLCertVerificationError" in caplog.text
    assert "CloudFormation was not told" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "https://",
        "https://[::1/x",
        "https://127.0.0.1:port/x?y=secret",
        "https://user:secret@127.0.0.1/x",
        "https://127.0.0.1:1/refused?secret",
        "https://127.0.0.1:1/with space?secret",
        "https://127.0.0.1:1/line\r\nbreak: secret",
        "https://127.0.0.1:1/\N{GRINNING FACE}secret",
        "https://\N{GRINNING FACE}..secret/x",
        "https://127.0.0.1:1/\ud800secret",
        "file:///etc/secret",
        "https://127.0.0.1:99999/secret",
    ],
)
def test_urls_that_are_none(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is in the event's ResponseURL: the function ends, says so, and keeps it secret."""
    clock = ManualClock()
    began = clock.now()
    Function(lambda _: None, clock, jitter=lambda: 0.5)(event(ResponseURL=url), Context())
    assert "CloudFormation was not told" in caplog.text
    assert "secret" not in caplog.text
    assert clock.now() - began < 60


def test_a_put_that_raises_anything_is_tried_again() -> None:
    """Errors of libraries below are no reason to let CloudFormation wait for an hour."""
    put = Answers(OSError("x"))
    clock = ManualClock()
    tries: list[str] = []

    def broken(url: str, body: bytes) -> int:
        tries.append(url)
        if len(tries) == 1:
            msg = f"nonnumeric port: {url}"
            raise ValueError(msg)
        return put(url, body)

    schedule = Schedule(clock, deadline=clock.now() + 60)
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "x"}
    assert answers.send(ANSWER_URL, answer, broken, schedule)
    assert len(tries) == 3
    assert len(put.bodies) == 1


# logs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, *HALF_A_PAIR])
def test_any_name_can_be_logged_in_lambda(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda's own handler lets an error of encoding out: it would end the request."""
    handler = LambdaLoggerHandler(StandardLogSink())
    handler.setFormatter(JsonLines({}))
    record = logging.makeLogRecord({"msg": "renamed", "to": name, "levelname": "INFO"})
    handler.emit(record)
    sys.stdout.flush()
    written = capsys.readouterr().out
    written.encode()
    line, line_break = written[:-1], written[-1:]
    assert line.isprintable()
    assert line_break == "\n"
    assert json.loads(line)["to"] == name


@pytest.mark.parametrize("text", ["plain", "Åsa", "日本", "\N{GRINNING FACE}"])
def test_what_can_be_seen_is_not_escaped(text: str) -> None:
    """Names in other scripts stay readable."""
    assert printable(text) == text
