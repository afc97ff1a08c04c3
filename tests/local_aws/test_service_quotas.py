"""Service Quotas over HTTP: the groups of an instance."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws


def test_the_quota_is_what_the_local_connect_applies() -> None:
    """Of an instance and of the account; others are not there, and other calls are missing."""
    with LocalAws() as aws:
        client = aws.client("service-quotas")
        aws.connect.settings.group_quota = 750
        wanted = {"ServiceCode": "connect", "QuotaCode": "L-D68AAAE4"}
        account = client.get_service_quota(**wanted)["Quota"]
        assert (account["Value"], account["QuotaAppliedAtLevel"]) == (750, "ACCOUNT")
        instance = client.get_service_quota(**wanted, ContextId="arn")["Quota"]
        assert (instance["Value"], instance["QuotaAppliedAtLevel"]) == (750, "RESOURCE")
        assert instance["QuotaContext"]["ContextId"] == "arn"
        for other in ({"ServiceCode": "vpc"}, {"QuotaCode": "L-1"}):
            with pytest.raises(ClientError, match="NoSuchResourceException"):
                client.get_service_quota(**{**wanted, **other})
        with pytest.raises(ClientError, match="the local AWS does not have the call ListServices"):
            client.list_services()
