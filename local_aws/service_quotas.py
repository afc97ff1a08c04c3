"""Service Quotas as far as Amazon Connect is concerned; moto has quotas of VPC alone."""

from __future__ import annotations

import json
from typing import Any

from local_aws.connect import LocalConnect

QUOTA_CODE = "L-D68AAAE4"
"""User hierarchy groups of an instance."""


class ServiceQuotas:
    """Answers GetServiceQuota for the groups of an instance, as the local Connect applies it."""

    def __init__(self, connect: LocalConnect) -> None:
        self._connect = connect

    def answer(self, request: Any, _full_url: str, _headers: Any) -> Any:
        """Answer a request; what is no GetServiceQuota is not implemented."""
        if not request.headers.get("X-Amz-Target", "").endswith(".GetServiceQuota"):
            msg = "Service Quotas answers GetServiceQuota alone"
            raise NotImplementedError(msg)
        wanted = json.loads(request.data)
        if (wanted["ServiceCode"], wanted["QuotaCode"]) != ("connect", QUOTA_CODE):
            return self._reply(
                404, {"__type": "NoSuchResourceException", "Message": "there is no such quota"}
            )
        context = wanted.get("ContextId")
        quota: dict[str, Any] = {
            "ServiceCode": "connect",
            "ServiceName": "Amazon Connect",
            "QuotaCode": QUOTA_CODE,
            "QuotaName": "User hierarchy groups per instance",
            "Value": float(self._connect.settings.group_quota),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
            "QuotaAppliedAtLevel": "RESOURCE" if context else "ACCOUNT",
        }
        if context:
            quota["QuotaContext"] = {
                "ContextScope": "RESOURCE",
                "ContextScopeType": "AWS::Connect::Instance",
                "ContextId": context,
            }
        return self._reply(200, {"Quota": quota})

    @staticmethod
    def _reply(status: int, body: dict[str, Any]) -> Any:
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body)
