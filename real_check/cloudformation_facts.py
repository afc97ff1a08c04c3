"""Undocumented behaviour of CloudFormation, as the recorder saw it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from real_check.app import FAILING, PROBE, PROBE_IDS, Step
from real_check.findings import Fact

_IN_PROGRESS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


@dataclass(frozen=True)
class Event:
    """An event of a custom resource, and what CloudFormation showed at that time."""

    request_type: str
    logical_id: str
    physical_id: str
    """Empty in a Create."""

    wanted_id: str
    """The wanted id in the event's properties."""

    url_has_date: bool
    stack_status: str
    updated: str
    """LastUpdatedTime of the stack, empty if it has none."""

    resource_status: str
    """The status of the resource's record, empty if there was no record."""

    resource_id: str
    declared: Sequence[str]
    """The resources of the template that GetTemplate showed."""


def read_events(dynamodb: Any, table: str) -> list[Event]:
    """The events that the recorder has written, oldest first."""
    answer: Mapping[str, Any] = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :event",
        ExpressionAttributeValues={":event": {"S": "event"}},
        ConsistentRead=True,
    )
    return [Event(**json.loads(item["record"]["S"])) for item in answer["Items"]]


def cloudformation_facts(events: Sequence[Event]) -> list[Fact]:
    """The facts from the events of a story with a replacement, and with another one rolled back."""
    probes = [event for event in events if event.logical_id == PROBE]
    clean_up = [
        event
        for event in probes
        if event.request_type == "Delete" and event.physical_id == PROBE_IDS[Step.CREATE]
    ]
    failing = _after(events, lambda event: event.logical_id == FAILING)
    forward = [event for event in probes if event.wanted_id == PROBE_IDS[Step.FAIL]][:1]
    back = [event for event in failing if event.logical_id == PROBE]
    reversed_updates = [event for event in back if event.request_type == "Update"]
    return [
        *_reversed_update(reversed_updates, back),
        _updated_time(forward, back),
        _records_in_progress(probes),
        _records_in_clean_up(clean_up),
        _dates(events),
        _template(forward, back),
    ]


def _after(events: Sequence[Event], is_it: Any) -> Sequence[Event]:
    places = [place for place, event in enumerate(events) if is_it(event)]
    return events[places[0] + 1 :] if places else []


def _reversed_update(updates: Sequence[Event], back: Sequence[Event]) -> list[Fact]:
    new, original = PROBE_IDS[Step.FAIL], PROBE_IDS[Step.ADOPT]
    names = {new: "new", original: "original"}
    seen = ", ".join(f"{event.request_type} of '{event.physical_id}'" for event in back) or "none"
    return [
        Fact(
            key="replaced_get_reversed_update",
            question="Does a replaced resource get a reversed Update in a rollback?",
            answer=bool(updates) if back else None,
            evidence=f"events in the rollback: {seen}",
            switch="EngineSettings.replaced_get_reversed_update",
        ),
        Fact(
            key="reversed_update_id",
            question="Which id does the reversed Update of a replaced resource carry?",
            answer=names.get(updates[0].physical_id, "another") if updates else None,
            evidence=f"'{original}' was replaced by '{new}'; events in the rollback: {seen}",
            switch="EngineSettings.reversed_update_id",
        ),
    ]


def _updated_time(forward: Sequence[Event], back: Sequence[Event]) -> Fact:
    times = [event.updated for event in (*forward, *back)]
    return Fact(
        key="rollback_sets_updated_time",
        question="Does the rollback of an update change the stack's LastUpdatedTime?",
        answer=times[-1] != times[0] if forward and back else None,
        evidence=f"first in the update, then in its rollback: {', '.join(times)}",
        switch="EngineSettings.rollback_sets_updated_time",
    )


def _records_in_progress(probes: Sequence[Event]) -> Fact:
    changes = [event for event in probes if event.request_type in {"Create", "Update"}]
    seen = [event.resource_status or "no record" for event in changes]
    return Fact(
        key="records_show_progress",
        question="Do resource records show what is being worked on?",
        answer=any(status in _IN_PROGRESS for status in seen) if changes else None,
        evidence=f"status while a Create or an Update ran: {', '.join(seen)}",
        switch="EngineSettings.records_show_progress",
    )


def _records_in_clean_up(clean_up: Sequence[Event]) -> Fact:
    return Fact(
        key="records_show_what_is_cleaned_up",
        question="Does a resource record show the id that a clean-up deletes?",
        answer=clean_up[0].resource_id == clean_up[0].physical_id if clean_up else None,
        evidence=", ".join(
            f"while '{event.physical_id}' was deleted: '{event.resource_id}', "
            f"{event.resource_status}"
            for event in clean_up
        ),
        switch="EngineSettings.records_show_what_is_cleaned_up",
    )


def _dates(events: Sequence[Event]) -> Fact:
    dated = sum(event.url_has_date for event in events)
    return Fact(
        key="response_url_has_date",
        question="Does a ResponseURL say when it was signed?",
        answer=dated == len(events) if dated in {0, len(events)} and events else None,
        evidence=f"{dated} of {len(events)} events had X-Amz-Date",
        switch="EngineSettings.response_url_has_date",
    )


def _template(forward: Sequence[Event], back: Sequence[Event]) -> Fact:
    shown = ["new" if FAILING in event.declared else "old" for event in (*forward[:1], *back[:1])]
    return Fact(
        key="template_in_rollback",
        question="Which template does GetTemplate show in an update, and which in its rollback?",
        answer=", then ".join(shown) if forward and back else None,
        evidence="by whether the resource that fails was declared",
        switch="",
    )
