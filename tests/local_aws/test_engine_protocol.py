"""The conversation with a custom resource's function: what it is sent, and which answers count."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.local_aws.scripted import (
    TOKEN,
    Event,
    custom,
    good_answer,
    reasons,
    silent,
    site,
    token_of,
)


def test_the_fields_of_the_three_requests() -> None:
    """Facts 1 and 3: which fields each has; every scalar of the properties is a string."""
    with site() as s:
        stack = s.deploy({"A": custom(N=5, T=True, L=[1, {"F": False}], ServiceTimeout=60)})
        s.deploy({"A": custom(N=6)})
        s.delete(stack)
        create, update, delete = s.script.events
        always = {
            "RequestType",
            "ServiceToken",
            "ResponseURL",
            "StackId",
            "RequestId",
            "LogicalResourceId",
            "ResourceType",
            "ResourceProperties",
        }
        assert create.keys() == always
        assert update.keys() == always | {"PhysicalResourceId", "OldResourceProperties"}
        assert delete.keys() == always | {"PhysicalResourceId"}
        assert create["ResourceProperties"] == update["OldResourceProperties"]
        assert create["ResourceProperties"] == {
            "ServiceToken": TOKEN,
            "N": "5",
            "T": "true",
            "L": ["1", {"F": "false"}],
            "ServiceTimeout": "60",
        }
        assert delete["ResourceProperties"] == {"ServiceToken": TOKEN, "N": "6"}
        assert {e["StackId"] for e in (create, update, delete)} == {stack.stack_id}
        assert {e["PhysicalResourceId"] for e in (update, delete)} == {"id-of-A"}
        assert len({e["RequestId"] for e in (create, update, delete)}) == 3
        assert len({e["ResponseURL"] for e in (create, update, delete)}) == 3
        assert create["ResourceType"] == "Custom::Scripted"


@pytest.mark.parametrize("dated", [True, False])
def test_whether_a_response_url_says_when_it_was_signed(*, dated: bool) -> None:
    """Fact 20: a presigned URL has a date, the URL of another engine may have none."""
    with site(response_url_has_date=dated) as s:
        s.deploy({"A": custom()})
        (create,) = s.script.events
        date = re.findall(r"[?&]X-Amz-Date=(\d{8}T\d{6}Z)", create["ResponseURL"])
        # the virtual clock begins at this second
        assert date == (["20270115T080000Z"] if dated else [])


def test_the_type_without_a_name_of_its_own() -> None:
    """AWS::CloudFormation::CustomResource is a custom resource too."""
    with site() as s:
        stack = s.deploy({"A": custom() | {"Type": "AWS::CloudFormation::CustomResource"}})
        assert stack.status == "CREATE_COMPLETE"
        assert s.script.events[0]["ResourceType"] == "AWS::CloudFormation::CustomResource"


@pytest.mark.parametrize(("given", "seconds"), [(None, 3600), (1, 1), ("90", 90), (3600, 3600)])
def test_service_timeout(given: Any, seconds: int) -> None:
    """Fact 2: without an answer, it waits for the time-out, by default an hour, and says so."""
    with site() as s:
        s.script.on("Create", "A", silent)
        began = s.clock.now()
        stack = s.deploy({"A": custom(**({} if given is None else {"ServiceTimeout": given}))})
        assert s.clock.now() - began == seconds + 1.0  # and a second for the Delete
        (create,) = s.script.sent("Create", "A")
        (reason,) = reasons(stack, "CREATE_FAILED", "A")
        assert "did not receive a response from your Custom Resource" in reason
        assert create["RequestId"] in reason


@pytest.mark.parametrize("given", [0, 3601, "soon", 1.5, -1])
def test_service_timeout_out_of_range(given: Any) -> None:
    """Fact 2: 1 to 3600; anything else fails before the function is asked."""
    with site() as s:
        stack = s.deploy({"A": custom(ServiceTimeout=given)})
        assert "from 1 to 3600 is allowed" in reasons(stack, "CREATE_FAILED", "A")[0]
        assert s.script.calls() == []


def test_a_changed_service_timeout_is_an_update() -> None:
    """Fact 3: though nothing else changed; the new one counts for it."""
    with site() as s:
        s.deploy({"A": custom(ServiceTimeout=60)})
        s.script.on("Update", "A", silent, dict)
        began = s.clock.now()
        s.deploy({"A": custom(ServiceTimeout=10)})
        assert s.script.calls() == ["Create A", "Update A", "Update A"]
        assert s.clock.now() - began == 11.0


def test_answers_of_up_to_4096_bytes_count() -> None:
    """Fact 2: one byte more is too long, whatever it says."""

    def of_size(size: int) -> Any:
        def rule(event: Event) -> bytes:
            answer = json.dumps(good_answer(event) | {"Data": {"pad": ""}}).encode()
            return answer.replace(b'"pad": "', b'"pad": "' + b"x" * (size - len(answer)))

        return rule

    with site() as s:
        s.script.on("Create", "A", of_size(4096))
        assert s.deploy({"A": custom()}).status == "CREATE_COMPLETE"
        s.script.on("Update", "A", of_size(4097), dict)
        stack = s.deploy({"A": custom(V=2)})
        assert reasons(stack, "UPDATE_FAILED", "A") == ["Response object is too long."]
        s.script.on("Update", "A", of_size(5000), dict)
        assert s.deploy({"A": custom(V=2)}).status == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "ä" * 513}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": 7}, "Invalid PhysicalResourceId"),
        ({"RequestId": "another"}, "it answers another request"),
        ({"StackId": "another"}, "it answers another request"),
        ({"LogicalResourceId": "another"}, "it answers another request"),
        ({"Status": "success"}, "Invalid Status: 'success'"),
        ({"Status": "FAILED"}, "FAILED without a Reason"),
        ({"Status": "FAILED", "Reason": "x", "PhysicalResourceId": ""}, "Invalid PhysicalResource"),
        ({"Data": "text"}, "Data must be a map"),
        (b"not json", "Invalid response object"),
        (b"[]", "Invalid response object"),
        (b'{"Status": "SUCCESS"}', "Invalid response object: KeyError('PhysicalResourceId')"),
    ],
)
def test_answers_that_are_none(told: Any, reason: str) -> None:
    """Fact 2: an answer that breaks the protocol fails at once, and the Delete follows."""
    with site() as s:
        s.script.on("Create", "A", lambda _: told)
        began = s.clock.now()
        stack = s.deploy({"A": custom()})
        assert reason in reasons(stack, "CREATE_FAILED", "A")[0]
        assert s.clock.now() - began == 2.0
        assert len(s.script.sent("Delete", "A")) == 1


@pytest.mark.parametrize("physical_id", ["x", "x" * 1024, "ä" * 512])
def test_physical_ids_that_fit(physical_id: str) -> None:
    """Fact 2: 1 to 1024 bytes."""
    with site() as s:
        s.script.on("Create", "A", lambda _: {"PhysicalResourceId": physical_id})
        assert s.deploy({"A": custom()}).resources["A"].physical_id == physical_id


def test_the_reason_of_a_failure_reaches_the_user() -> None:
    """In the words around it that CloudFormation uses."""
    with site() as s:
        s.script.on("Create", "A", lambda _: {"Status": "FAILED", "Reason": "quota is full"})
        stack = s.deploy({"A": custom()})
        (create,) = s.script.sent("Create", "A")
        assert reasons(stack, "CREATE_FAILED", "A") == [
            (
                "Received response status [FAILED] from custom resource. Message returned: "
                f"quota is full (RequestId: {create['RequestId']})"
            )
        ]


def test_only_the_first_answer_counts() -> None:
    """A second one is stored, and changes nothing; so is one that comes too late."""
    with site() as s:
        stack = s.deploy({"A": custom()})
        (create,) = s.script.events
        again = json.dumps(good_answer(create) | {"Status": "FAILED", "Reason": "late"}).encode()
        assert s.script.custom_resources.deliver(token_of(create), again) == 200
        assert s.deploy({"A": custom(V=2)}).status == "UPDATE_COMPLETE"
        assert stack.resources["A"].physical_id == "id-of-A"


def test_a_late_answer_changes_nothing() -> None:
    """It comes while the Delete is under way, and the Delete's own answer is waited for."""
    with site() as s:
        s.script.take("Create", "A", 12.0)
        s.script.take("Delete", "A", 5.0)
        began = s.clock.now()
        stack = s.deploy({"A": custom(ServiceTimeout=10)})
        assert s.clock.now() - began == 15.0
        assert stack.status == "ROLLBACK_COMPLETE"


def test_a_token_that_nobody_gave_is_refused() -> None:
    """As a presigned URL with another signature."""
    with site() as s:
        assert s.script.custom_resources.deliver("made up", b"{}") == 403


def test_a_function_that_answers_twice_at_once() -> None:
    """Fact 1: an event delivered twice gives two answers, and the first one wins."""
    with site() as s:

        def twice(event: Event) -> dict[str, Any]:
            first = json.dumps(good_answer(event) | {"PhysicalResourceId": "first"}).encode()
            s.script.custom_resources.deliver(token_of(event), first)
            return {"PhysicalResourceId": "other"}

        s.script.on("Create", "A", twice)
        assert s.deploy({"A": custom()}).resources["A"].physical_id == "first"


def test_a_missing_service_token() -> None:
    """Fails before anything is begun."""
    with site() as s:
        stack = s.deploy({"A": {"Type": "Custom::X"}})
        assert reasons(stack, "CREATE_FAILED", "A") == ["Missing required property: ServiceToken"]
        assert stack.status == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(("limit", "works"), [(256 * 1024, False), (1024 * 1024, True)])
def test_an_event_that_is_too_large(limit: int, *, works: bool) -> None:
    """Fact 13: 256 KB or 1 MB; an Update carries the properties twice."""
    with site(max_event_bytes=limit) as s:
        stack = s.deploy({"A": custom(Tree="x" * 150_000)})
        assert stack.status == "CREATE_COMPLETE"
        s.deploy({"A": custom(Tree="y" * 150_000)})
        if works:
            assert stack.status == "UPDATE_COMPLETE"
        else:
            (reason, *_) = reasons(stack, "UPDATE_FAILED", "A")
            assert "must be smaller than 262144 bytes" in reason
