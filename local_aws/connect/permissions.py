"""The permissions that IAM checks for each call: pairs of an action and an ARN.

The sources are the service authorization reference of Amazon Connect and the API references of the
searches, which also need the actions of the resources that they return.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OTHER_RESOURCES: Mapping[str, tuple[str, str | None]] = {
    "CreateUserHierarchyGroup": ("agent-group", None),
    "DescribeUserHierarchyGroup": ("agent-group", "HierarchyGroupId"),
    "UpdateUserHierarchyGroupName": ("agent-group", "HierarchyGroupId"),
    "DeleteUserHierarchyGroup": ("agent-group", "HierarchyGroupId"),
    "CreateUser": ("agent", None),
    "DescribeUser": ("agent", "UserId"),
    "DeleteUser": ("agent", "UserId"),
    "UpdateUserHierarchy": ("agent", "UserId"),
    "CreateSecurityProfile": ("security-profile", None),
    "DescribeSecurityProfile": ("security-profile", "SecurityProfileId"),
    "UpdateSecurityProfile": ("security-profile", "SecurityProfileId"),
    "DeleteSecurityProfile": ("security-profile", "SecurityProfileId"),
}

_ALSO: Mapping[str, tuple[tuple[str, str], ...]] = {
    "SearchUserHierarchyGroups": (("DescribeUserHierarchyGroup", "agent-group"),),
    "SearchUsers": (("DescribeUser", "agent"), ("ListUserProficiencies", "agent")),
}


def checked(
    api: str, parameters: Mapping[str, Any], instances_arn: str
) -> tuple[tuple[str, str], ...]:
    """The permissions that IAM checks before a call, the call's own action first.

    Args:
        api: the call.
        parameters: as botocore names them, ids or ARNs.
        instances_arn: an instance's ARN up to its id.
    """
    if "resourceArn" in parameters:
        return ((f"connect:{api}", str(parameters["resourceArn"])),)
    instance_id = parameters.get("InstanceId")
    if instance_id is None:
        return ((f"connect:{api}", f"{instances_arn}*"),)
    instance_arn = f"{instances_arn}{plain_id(instance_id)}"
    resource = instance_arn
    if api in _OTHER_RESOURCES:
        kind, member = _OTHER_RESOURCES[api]
        name = "*" if member is None else plain_id(parameters[member])
        resource = f"{instance_arn}/{kind}/{name}"
    checks = [(f"connect:{api}", resource)]
    checks += [
        (f"connect:{action}", f"{instance_arn}/{kind}/*") for action, kind in _ALSO.get(api, ())
    ]
    if "Tags" in parameters:
        checks.append(("connect:TagResource", resource))
    return tuple(checks)


def plain_id(reference: Any) -> str:
    """The id in an id or an ARN."""
    return str(reference).rsplit("/", 1)[-1]
