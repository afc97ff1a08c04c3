"""The function's entry: one answer to every event, whatever the event or the answer's way is."""

from __future__ import annotations

import http.server
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from connect_hierarchy_lambda.entry import answer as answers
from connect_hierarchy_lambda.entry.continuation import WINDOW
from connect_hierarchy_lambda.entry.function import Function
from connect_hierarchy_lambda.model.messages import MAX_REASON_LENGTH, one_line
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from connect_hierarchy_lambda.ports.time import Schedule
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import FaultKind
from tests.support.events import (
    STACK_ID,
    URL,
    Answers,
    Context,
    ManualClock,
    event,
    serve,
    waiting_for,
)
from tests.support.stacks import Site


def no_clients(service: str) -> Any:
    """No service can be called."""
    raise AssertionError(service)


@pytest.fixture
def site() -> Site:
    """An instance with one level."""
    made = Site()
    made.connect.settings.default_rate = None  # the tests here have a clock of their own
    made.write_levels("Division")
    stack = Stack(STACK_ID, "site", created_at=made.clock.now(), status="CREATE_IN_PROGRESS")
    made.cloudformation.engine.stacks[STACK_ID] = stack
    return made


@pytest.fixture(autouse=True)
def _creating(request: pytest.FixtureRequest) -> None:
    """Unless a test says otherwise, a Create is what CloudFormation waits for."""
    if "site" in request.fixturenames:
        waiting_for(request.getfixturevalue("site"), "CREATE_IN_PROGRESS")


def properties(site: Site, **changes: Any) -> dict[str, Any]:
    """Properties of a group as CloudFormation sends them."""
    return {"InstanceArn": site.instance_arn, "Name": "Sales", "AdoptExisting": "false", **changes}


def test_a_group_is_created_and_answered(site: Site) -> None:
    """The answer has the ARN as its id, and all attributes."""
    answer = serve(event(ResourceProperties=properties(site)), site=site).only
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == answer["Data"]["HierarchyGroupArn"]
    assert answer["Data"]["HierarchyGroupId"] == site.ids["Sales"]
    assert answer["Data"]["LevelId"] == "1"


def test_the_same_event_twice_is_one_group(site: Site) -> None:
    """A Create that Lambda delivers again gives the same answer."""
    an_event = event(ResourceProperties=properties(site))
    first = serve(an_event, site=site).only
    second = serve(an_event, site=site).only
    assert first == second
    assert set(site.ids) == {"Sales"}


def test_the_same_event_at_the_same_time_is_one_group(site: Site) -> None:
    """Two runs that overlap end in the same group."""
    an_event = event(ResourceProperties=properties(site))
    puts = [Answers(), Answers()]
    for put in puts:
        function = Function(
            site.client, site.function_clock, put, jitter=lambda: 0.5, ledger_of=site.ledger_of
        )
        site.clock.spawn("run", lambda function=function: function(an_event, Context()))  # type: ignore[misc]
    # every write waits a little, so that the two go on in turns
    site.connect.settings.read_lag = 2.0
    site.clock.wait_until(lambda: all(put.bodies for put in puts))
    assert puts[0].only["PhysicalResourceId"] == puts[1].only["PhysicalResourceId"]
    assert set(site.ids) == {"Sales"}


def test_a_half_done_create_leaves_nothing(site: Site) -> None:
    """The group was made, but no answer came, and then the role was refused: its Delete knows."""
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.ERROR_AFTER)
    site.connect.plan_fault(
        "CreateUserHierarchyGroup", nth=2, kind=FaultKind.ACCESS_DENIED, times=500
    )
    answer = serve(event(ResourceProperties=properties(site)), site=site).only
    assert answer["Status"] == "FAILED"
    assert "check the function's role" in answer["Reason"]
    site.connect.forget_faults()
    site.cloudformation.engine.stacks[STACK_ID].status = "ROLLBACK_IN_PROGRESS"
    delete = event(
        "Delete",
        RequestId="request-2",
        PhysicalResourceId=answer["PhysicalResourceId"],
        ResourceProperties=properties(site),
    )
    serve(delete, site=site)
    assert site.ids == {}


@pytest.mark.parametrize(
    "missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"]
)
def test_an_event_of_nobody_is_not_answered(missing: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without what an answer needs there is one clear line in the log, and no hang."""
    changes: dict[str, Any] = {missing: None}
    put = serve(event(**changes), clients=no_clients)
    assert put.tries == 0
    assert "not an event of CloudFormation" in caplog.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ResourceType": "Custom::Other"}, "serving Custom::Other"),
        ({"ResourceProperties": None}, "reading property InstanceArn"),
        ({"ResourceProperties": "text"}, "reading property InstanceArn"),
        ({"ResourceProperties": {"InstanceArn": ["x"]}}, "is not a string"),
        (
            {"ResourceProperties": {"InstanceArn": "x", "Name": "n"}},
            "not the ARN of an Amazon Connect instance",
        ),
    ],
)
def test_a_wrong_event_is_a_clear_failure(changes: dict[str, Any], reason: str) -> None:
    """What a template written by hand can get wrong is named."""
    answer = serve(event(**changes)).only
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]


ELSEWHERE = [
    (("eu-west-2", "us-east-1"), "in Region us-east-1, the function in eu-west-2"),
    (("123456789012", "210987654321"), "in account 210987654321, the function in 123456789012"),
]


@pytest.mark.parametrize(("change", "both"), ELSEWHERE)
@pytest.mark.parametrize("kind", ["Structure", "Group", "Tree"])
@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_an_instance_out_of_reach_fails_at_once(
    site: Site, change: tuple[str, str], both: str, kind: str, request_type: str
) -> None:
    """No call can go there: the answer names both homes and the instance, before the first call."""
    instance_arn = site.instance_arn.replace(*change)
    answer = serve(
        event(
            request_type,
            ResourceType=f"Custom::ConnectHierarchy{kind}",
            ResourceProperties=properties(site, InstanceArn=instance_arn),
            **({"PhysicalResourceId": "given"} if request_type == "Update" else {}),
        ),
        clients=no_clients,
    ).only
    assert answer["Status"] == "FAILED"
    assert both in answer["Reason"]
    assert instance_arn in answer["Reason"]


@pytest.mark.parametrize(("change", "_both"), ELSEWHERE)
def test_what_failed_out_of_reach_can_be_deleted(
    site: Site, change: tuple[str, str], _both: str
) -> None:
    """The rollback of such a Create ends well, and at once."""
    wanted = properties(site, InstanceArn=site.instance_arn.replace(*change))
    failed = serve(event(ResourceProperties=wanted), site=site).only
    before = len(site.connect.calls)
    answer = serve(
        event(
            "Delete",
            ResourceProperties=wanted,
            PhysicalResourceId=failed["PhysicalResourceId"],
        ),
        site=site,
    ).only
    assert answer["Status"] == "SUCCESS"
    assert len(site.connect.calls) == before


@pytest.mark.parametrize("kind", ["Structure", "Group", "Tree"])
def test_a_wrong_instance_is_named(site: Site, kind: str) -> None:
    """Of an instance that is not there, the error has the ARN."""
    wrong = site.instance_arn[:-12] + "000000000000"
    wanted = properties(site, InstanceArn=wrong, Levels=["Division"], Groups=[{"Name": "Sales"}])
    answer = serve(
        event(ResourceType=f"Custom::ConnectHierarchy{kind}", ResourceProperties=wanted),
        site=site,
    ).only
    assert answer["Status"] == "FAILED"
    assert wrong in answer["Reason"], answer["Reason"]


def test_an_unexpected_error_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    """A bug of ours does not let CloudFormation wait for an hour."""

    def broken(service: str) -> Any:
        msg = f"no {service}"
        raise RuntimeError(msg)

    answer = serve(event(), clients=broken).only
    assert answer["Status"] == "FAILED"
    assert "RuntimeError" in answer["Reason"]
    assert "failed unexpectedly" in caplog.text


def test_a_failed_update_answers_the_id_it_was_given(site: Site) -> None:
    """Another id would make CloudFormation delete the group."""
    arn = f"{site.instance_arn}/agent-group/1234"
    waiting_for(site, "UPDATE_IN_PROGRESS")
    answer = serve(
        event(
            "Update",
            PhysicalResourceId=arn,
            ResourceProperties=properties(site, Name=""),
            OldResourceProperties=properties(site),
        ),
        site=site,
    ).only
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == arn


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_an_event_that_comes_late_changes_nothing(site: Site, request_type: str) -> None:
    """Lambda may deliver an event again, long after a later request has begun."""
    site.cloudformation.engine.stacks[STACK_ID].status = "DELETE_IN_PROGRESS"
    later = event(
        "Delete",
        RequestId="request-2",
        PhysicalResourceId="id",
        ResponseURL=f"{URL}&X-Amz-Date=20270101T000200Z",
        ResourceProperties=properties(site),
    )
    serve(later, site=site, url=later["ResponseURL"])
    before = len(site.calls())
    late = event(
        request_type,
        PhysicalResourceId=None if request_type == "Create" else "id",
        ResponseURL=f"{URL}&X-Amz-Date=20270101T000100Z",
        ResourceProperties=properties(site),
        OldResourceProperties=properties(site, Name="Old"),
    )
    answer = serve(late, site=site, url=late["ResponseURL"]).only
    assert answer["Status"] == "FAILED"
    assert "a later request of this resource has begun" in answer["Reason"]
    assert site.calls()[before:] == []


def test_a_late_copy_of_an_answered_event_gives_the_same_answer(site: Site) -> None:
    """The event was answered and its group is in use, when Lambda delivers it again."""
    an_event = event(ResourceProperties=properties(site))
    made = serve(an_event, site=site).only
    before = site.calls()
    again = serve(an_event, site=site).only
    assert again == made
    assert site.calls() == before


def test_a_delete_of_what_never_was_succeeds(site: Site) -> None:
    """An id that CloudFormation made up, of a Create that made nothing."""
    answer = serve(
        event(
            "Delete",
            PhysicalResourceId="site-Group-ABCDEF",
            ResourceProperties=properties(site),
        ),
        site=site,
    ).only
    assert answer["Status"] == "SUCCESS"


def test_a_made_up_id_finds_the_group_of_a_lost_answer(site: Site) -> None:
    """A Create whose answer was lost made a group; its Delete finds it in the ledger."""
    serve(event(ResourceProperties=properties(site)), site=site)
    site.cloudformation.engine.stacks[STACK_ID].status = "ROLLBACK_IN_PROGRESS"
    serve(
        event(
            "Delete",
            RequestId="request-2",
            PhysicalResourceId="site-Group-ABCDEF",
            ResourceProperties=properties(site),
        ),
        site=site,
    )
    assert site.ids == {}


def test_the_longest_names_fit_into_an_answer(site: Site) -> None:
    """Five levels of a hundred characters of four bytes each."""
    site.write_levels("1", "2", "3", "4", "5")
    parent: dict[str, str] = {}
    for number in range(5):
        name = chr(0x1F600 + number) * 100
        # each is a resource of its own, below a group that its ledger does not know
        site.ledgers.clear()
        answer = serve(
            event(ResourceProperties=properties(site, Name=name, **parent)), site=site
        ).only
        assert answer["Status"] == "SUCCESS"
        parent = {"ParentGroupArn": answer["PhysicalResourceId"]}
    assert answer["Data"]["LevelId"] == "5"


def test_an_answer_that_is_too_long_says_so() -> None:
    """CloudFormation would drop it and wait; a failure is told instead."""
    body = answers.encoded(
        {"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": {"a": "b" * 5000}}
    )
    assert len(body) <= answers.MAX_ANSWER_BYTES
    answer = json.loads(body)
    assert answer["Status"] == "FAILED"
    assert "4096" in answer["Reason"]


@pytest.mark.parametrize("planned", [[503, 500], [OSError("refused"), TimeoutError("hangs")]])
def test_an_answer_that_does_not_arrive_is_sent_again(planned: list[Any]) -> None:
    """Passing trouble on the way costs a few seconds, and one answer arrives."""
    put = serve(event(), *planned)
    assert put.tries == 3
    assert put.only["Status"] == "FAILED"


def test_an_answer_that_never_arrives_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """A URL that has expired answers 403; crhelper would try for ever."""
    put = serve(event(), *[403] * 100)
    assert put.tries == 5
    assert "CloudFormation was not told" in caplog.text


def test_the_url_is_in_no_log_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Who has the presigned URL can answer in our place; so it is never logged."""
    caplog.set_level(logging.DEBUG)
    serve(event(ResourceProperties=properties(site)), 403, site=site)
    serve(event(), OSError(URL))
    assert "answered" in caplog.text
    assert "secret" not in caplog.text
    assert "answers.invalid" not in caplog.text


def test_logs_are_json_lines(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line says which request it belongs to."""
    handler = logging.StreamHandler(sys.stdout)
    logging.getLogger().addHandler(handler)
    try:
        serve(event(ResourceProperties=properties(site)), site=site)
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == [
        "began",
        "knows its direction",
        "creating hierarchy group 'Sales'",
        "answered",
    ]
    assert {(line["request"], line["resource"]) for line in lines} == {("Create", "Group")}


def test_out_of_time_is_told_before_the_function_ends(site: Site) -> None:
    """Throttling till CloudFormation's hour is nearly over: the answer comes before the end."""
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.THROTTLE, times=10_000)
    put = Answers()
    clock = ManualClock()
    began = clock.now()
    last_run = {"Began": began - WINDOW + 860, "Run": 4}
    stack = site.cloudformation.engine.stacks[STACK_ID]
    stack.resources["Group"].updated_at = last_run["Began"]
    Function(site.client, clock, put, jitter=lambda: 0.5, ledger_of=site.ledger_of)(
        event(ResourceProperties=properties(site), ConnectHierarchyContinuation=last_run),
        Context(900),
    )
    assert put.only["Status"] == "FAILED"
    assert "out of time" in put.only["Reason"]
    assert 780 < clock.now() - began < 900


def test_a_call_that_hangs_is_answered_once(site: Site) -> None:
    """The timer answers when a call hangs; the late result is not sent as well."""
    told = threading.Event()

    class Hanging:
        def describe_user_hierarchy_structure(self, **_: Any) -> Any:
            assert told.wait(timeout=10)
            return {}

        update_user_hierarchy_structure = describe_user_hierarchy_structure

    put = Answers()

    def put_and_tell(url: str, body: bytes) -> int:
        status = put(url, body)
        told.set()
        return status

    arn = "arn:aws:connect:eu-west-2:123456789012:instance/1"

    def clients(service: str) -> Any:
        return Hanging() if service == "connect" else site.client(service)

    Function(clients, ManualClock(), put_and_tell, ledger_of=lambda _: MemoryLedger())(
        event(
            ResourceType="Custom::ConnectHierarchyStructure",
            ResourceProperties={"InstanceArn": arn, "Levels": ["Division"]},
        ),
        Context(1.0),
    )
    answer = put.only
    assert answer["Status"] == "FAILED"
    assert "out of time" in answer["Reason"]


def test_importing_the_entry_makes_no_client() -> None:
    """With no region and no network the import works: errors come as answers, not at init."""
    root = Path(__file__).parents[1]
    code = (
        "import boto3\n"
        "boto3.client = None\n"
        "import connect_hierarchy_lambda.entry as entry\n"
        "entry.handler({'RequestType': 'Create'}, None)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root / "lambda_handlers")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "not an event of CloudFormation" in run.stderr


def test_https_put_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that accepts and never answers ends in an error after the limit."""
    monkeypatch.setattr(answers, "_TIMEOUT", 0.2)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    try:
        # nobody accepts: the TLS handshake hangs
        with pytest.raises(OSError, match="timed out"):
            answers.https_put(f"https://127.0.0.1:{server.server_port}/x?y=z", b"{}")
    finally:
        server.server_close()


def test_sending_stops_at_the_deadline() -> None:
    """Trying again does not run into the function's timeout."""
    clock = ManualClock()
    put = Answers(*[500] * 100)
    assert not answers.send(
        URL, {"Status": "SUCCESS"}, put, Schedule(clock, deadline=clock.now() + 1)
    )
    assert clock.now() < 1_800_000_001.0


@pytest.mark.parametrize("length", [240, 241, 1000])
def test_a_long_reason_keeps_both_ends(length: int) -> None:
    """What was done and what to do stand at the ends; crhelper would keep the last part only."""
    text = "creating group: " + "x" * (length - 30) + "; choose another"[-14:]
    line = one_line(text)
    assert len(line) <= MAX_REASON_LENGTH
    assert line.startswith("creating group")
    assert line.endswith("another")
