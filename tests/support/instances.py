"""An AWS for a test, and instances of Amazon Connect as an operator makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local_aws import LocalAws
from local_aws.connect.models import LocalConnectBackend
from local_aws.connect.rows import LEVEL_KEYS


@contextmanager
def unpaced_aws() -> Iterator[LocalAws]:
    """A running AWS whose Connect takes any number of requests."""
    with LocalAws() as aws:
        aws.connect.settings.default_rate = None
        yield aws


def new_instance(backend: LocalConnectBackend, *levels: str, alias: str | None = None) -> str:
    """Make an instance with levels of these names, or without any; its id."""
    made = backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True, instance_alias=alias
    )
    instance_id = str(made["Id"])
    if levels:
        write_levels(backend, instance_id, *levels)
    return instance_id


def write_levels(backend: LocalConnectBackend, instance: str, *names: str) -> None:
    """Write the level names of an instance, given by its id or ARN."""
    structure = {key: {"Name": name} for key, name in zip(LEVEL_KEYS, names, strict=False)}
    backend.update_user_hierarchy_structure(instance, structure)
