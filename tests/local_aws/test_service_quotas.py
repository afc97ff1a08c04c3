"""Service Quotas tells how many hierarchy groups an instance may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.connect import ConnectSettings

_GROUPS = {"ServiceCode": "connect", "QuotaCode": "L-D68AAAE4"}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """One whose account has a raised quota."""
    with LocalAws(connect_settings=ConnectSettings(group_quota=900)) as running:
        yield running


@pytest.fixture(scope="module")
def quotas(aws: LocalAws) -> Any:
    """A client of it."""
    return aws.client("service-quotas")


def test_the_quota_of_an_instance_and_of_the_account(aws: LocalAws, quotas: Any) -> None:
    """What is applied to an instance is told by its ARN, and without one what the account has."""
    instance = aws.connect.backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
    )
    applied = quotas.get_service_quota(**_GROUPS, ContextId=instance["Arn"])["Quota"]
    assert (applied["Value"], applied["Adjustable"]) == (900, True)
    assert quotas.get_service_quota(**_GROUPS)["Quota"]["Value"] == 900


def test_the_quota_that_accounts_begin_with(quotas: Any) -> None:
    """AWS's default is told, whatever was raised."""
    assert quotas.get_aws_default_service_quota(**_GROUPS)["Quota"]["Value"] == 500


@pytest.mark.parametrize(
    "asked",
    [
        {**_GROUPS, "QuotaCode": "L-00000000"},
        {**_GROUPS, "ServiceCode": "lambda"},
        {**_GROUPS, "ContextId": "arn:aws:connect:eu-west-2:123456789012:instance/other"},
    ],
)
def test_other_quotas_are_not_there(quotas: Any, asked: dict[str, str]) -> None:
    """Another quota, service or instance is an error that says so."""
    with pytest.raises(ClientError) as caught:
        quotas.get_service_quota(**asked)
    assert caught.value.response["Error"]["Code"] == "NoSuchResourceException"
