"""The quota of hierarchy groups of an instance, as Service Quotas has it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_SERVICE = "connect"
_GROUPS = "L-D68AAAE4"


def group_quota(client: Any, instance_arn: str) -> int | None:
    """How many groups an instance may have; None if Service Quotas does not say.

    The quota can be raised for one instance, or for an account and Region; AWS has a default.

    Args:
        client: Of Service Quotas, in the instance's Region.
        instance_arn: Of the instance.
    """
    quota = {"ServiceCode": _SERVICE, "QuotaCode": _GROUPS}
    for ask, context in (
        (client.get_service_quota, {"ContextId": instance_arn}),
        (client.get_service_quota, {}),
        (client.get_aws_default_service_quota, {}),
    ):
        try:
            return int(ask(**quota, **context)["Quota"]["Value"])
        except (ClientError, BotoCoreError, KeyError):
            continue
    return None
