"""What the function's logs never have in them, whatever happens to its stack."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connect_hierarchy_lambda.entry.function import Function
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.connect import FaultKind
from tests.support.events import URL, Context, ManualClock, event
from tests.support.histories import HISTORIES
from tests.support.stacks import Site

FAULTS: Mapping[str, Sequence[tuple[FaultKind, int, int]]] = {
    "no faults": (),
    "faults that pass": (
        (FaultKind.THROTTLE, 4, 3),
        (FaultKind.CUT_BEFORE, 9, 2),
        (FaultKind.ERROR_AFTER, 12, 2),
        (FaultKind.THROTTLE, 16, 1),
    ),
    "denied for good": ((FaultKind.ACCESS_DENIED, 12, 10_000),),
}


class PersonalSite(Site):
    """A site whose agents have everything that Connect can know of one."""

    IDENTITY: Mapping[str, str] = {
        "FirstName": "Augusta",
        "LastName": "Lovelace",
        "Email": "augusta@example.com",
        "SecondaryEmail": "countess@example.org",
        "Mobile": "+442071838750",
    }
    DESK_PHONE = "+442071838751"

    def hire(self, username: str, *path: str) -> None:
        """Make an agent in the group with this path of names."""
        hierarchy = self.connect.backend.hierarchy(self.instance_id)
        self.connect.backend.create_user(
            self.instance_id,
            f"user.{username}",
            hierarchy_group_id=hierarchy.by_path[path].id if path else None,
            identity_info=self.IDENTITY,
            phone_config={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": self.DESK_PHONE},
        )


def parts_of(url: str) -> set[str]:
    """What a presigned URL is made of, and what of it must not be told."""
    split = urlsplit(url)
    # how long it is good for is a number that stands in many an id, and no secret
    told = {value for key, value in parse_qsl(split.query) if key != "X-Amz-Expires"}
    return {split.netloc, split.path.strip("/"), split.query, *told}


@pytest.mark.parametrize("faults", FAULTS)
def test_no_history_tells_a_secret(faults: str, caplog: pytest.LogCaptureFixture) -> None:
    """No URL that an answer goes to, and of an agent only the user name, in an error."""
    for name, play in HISTORIES.items():
        caplog.clear()
        site = PersonalSite()
        for kind, nth, times in FAULTS[faults]:
            site.connect.plan_fault("*", nth=nth, kind=kind, times=times)
        # with such faults a history may end in another way than it says
        with contextlib.suppress(AssertionError, KeyError, ValidationError):
            play(site)
        lines = [json.loads(line) for line in caplog.text.splitlines()]
        assert lines, name
        told = caplog.text
        conversations = site.custom_resources.conversations.values()
        answered = "".join(
            event.reason
            for stack in site.cloudformation.engine.stacks.values()
            for event in stack.events
        )
        for secret in {*site.IDENTITY.values(), site.DESK_PHONE}:
            assert secret not in answered, (name, secret)
        for secret in {
            part for one in conversations for part in parts_of(one.event["ResponseURL"])
        } | {*site.IDENTITY.values(), site.DESK_PHONE}:
            assert secret not in told, (name, secret)
        for line in lines:
            assert line["level"] in {"ERROR", "WARNING"} or "user." not in json.dumps(line), name
            assert line["message"] != "failed unexpectedly", (name, line)


class OddError(Exception):
    """An error that nobody expects, with the URL in its text as those of http.client have it."""


def _refusing(url: str, _: bytes) -> int:
    msg = f"URL can't contain control characters. {url!r}"
    raise OddError(msg)


@pytest.mark.parametrize(
    "an_event",
    [
        event(),
        event(ResourceType="Custom::Other"),
        event(ResourceProperties={"InstanceArn": [1], "Name": {}}),
        event(RequestType=None),
        event(RequestType="Explode"),
        event(StackId={"ResponseURL": URL}),
        event(LogicalResourceId=[URL]),
        event(RequestId={"a": URL}),
        event(ResponseURL=[URL]),
        [event()],
        URL,
        None,
    ],
)
def test_events_that_fail_in_odd_ways_tell_no_url(
    an_event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an event that is none, nor an answer whose way is broken, puts the URL in a line."""
    caplog.set_level(logging.DEBUG)
    Function(lambda _: None, ManualClock(), _refusing, jitter=lambda: 0.5)(an_event, Context())
    assert [json.loads(line) for line in caplog.text.splitlines()]
    assert not any(part in caplog.text for part in parts_of(URL))
    assert "control characters" not in caplog.text
