"""The resources of a stack as DescribeStackResource and similar calls show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from local_aws.cloudformation.resource_steps import EngineSettings
from local_aws.cloudformation.stacks import AtRest, Stack


@dataclass(frozen=True)
class Record:
    """One resource as a client sees it."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str
    updated_at: float


def records(stack: Stack, settings: EngineSettings) -> Iterator[Record]:
    """The present records of a stack's resources, by the switches for records."""
    for name, present in list(stack.resources.items()):
        gone = stack.cleaned_up.get(name) if settings.records_show_what_is_cleaned_up else None
        shown = gone or present
        rest = AtRest(shown.physical_id, shown.status, shown.status_reason, shown.updated_at)
        if not settings.records_show_progress:
            if shown.at_rest is None:
                continue
            rest = shown.at_rest
        physical_id = rest.physical_id if gone is None else gone.physical_id
        yield Record(name, shown.type, physical_id, rest.status, rest.reason, rest.since)
