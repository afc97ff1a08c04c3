"""The part of Service Quotas with the number of hierarchy groups that an instance may have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.connect import LocalConnect
from local_aws.connect.settings import ConnectSettings

_TARGET = "ServiceQuotasV20190624."
_CONTENT = {"Content-Type": "application/x-amz-json-1.1"}
_GROUPS = ("connect", "L-D68AAAE4")
_NOT_FOUND = "NoSuchResourceException"

Answer = tuple[int, Mapping[str, str], str]


class LocalServiceQuotas:
    """Answers GetServiceQuota and GetAWSDefaultServiceQuota about the groups of an instance.

    moto has the first call, but not for Amazon Connect.

    Args:
        connect: The Connect with the instances and the quota.
    """

    def __init__(self, connect: LocalConnect) -> None:
        self._connect = connect
        self._calls: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
            "GetServiceQuota": self._applied,
            "GetAWSDefaultServiceQuota": lambda _: ConnectSettings().group_quota,
        }

    def dispatch(self, request: Any, _full_url: str, _headers: Any) -> Answer:
        """Answer a request as moto's handlers do.

        Raises:
            NotImplementedError: For another call.
        """
        api = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        if api not in self._calls:
            msg = f"no call {api!r}"
            raise NotImplementedError(msg)
        parameters = json.loads(request.get_data())
        asked = (parameters["ServiceCode"], parameters["QuotaCode"])
        value = self._calls[api](parameters) if asked == _GROUPS else None
        if value is None:
            message = "The request failed because the specified quota does not exist."
            refusal = {"__type": _NOT_FOUND, "Message": message}
            return 400, _CONTENT, json.dumps(refusal)
        service, quota = asked
        told = {
            "ServiceCode": service,
            "QuotaCode": quota,
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
        return 200, _CONTENT, json.dumps({"Quota": told})

    def _applied(self, parameters: Mapping[str, Any]) -> float | None:
        """The quota of an instance, or of the account if no instance is named."""
        arns = {instance.arn for instance in self._connect.backend.instances.values()}
        if parameters.get("ContextId") not in {None, *arns}:
            return None
        return self._connect.settings.group_quota
