"""`AWS::Connect::…`: instances, users and security profiles of the local Connect.

Queues, hours and routing profiles are only recorded: agents need them, hierarchies do not.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException

from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.connect import LocalConnect

_GROUP_ARN = re.compile(
    r"arn:aws[-a-z0-9]*:connect:[-a-z0-9]*:[0-9]{12}:instance/[-a-zA-Z0-9]*"
    r"/agent-group/[-a-zA-Z0-9]*"
)


def connect_resource_types(connect: LocalConnect) -> dict[str, ResourceType]:
    """The types that a contact centre's stack has besides its hierarchy."""
    return {
        "AWS::Connect::Instance": _Instance(connect),
        "AWS::Connect::User": _User(connect),
        "AWS::Connect::SecurityProfile": _SecurityProfile(connect),
        "AWS::Connect::UserHierarchyGroup": _UserHierarchyGroup(connect),
        "AWS::Connect::HoursOfOperation": _Recorded("operating-hours", "HoursOfOperationArn"),
        "AWS::Connect::Queue": _Recorded("queue", "QueueArn"),
        "AWS::Connect::RoutingProfile": _Recorded("routing-profile", "RoutingProfileArn"),
    }


def _id_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _group_id_of(arn: Any) -> str | None:
    """The id in the HierarchyGroupArn of a user, which does not take a mere id; None for none."""
    if not arn:
        return None
    if not _GROUP_ARN.fullmatch(str(arn)):
        msg = (
            f"Properties validation failed: HierarchyGroupArn {arn!r} failed validation constraint "
            "for keyword [pattern]"
        )
        raise ResourceFailedError(msg)
    return _id_of(str(arn))


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def _profile_attributes(properties: Properties) -> dict[str, Any]:
    names = ("Description", "Permissions", "HierarchyRestrictedResources")
    return {name: properties[name] for name in names if name in properties}


class _Recorded:
    """A resource that has only an ARN below its instance."""

    def __init__(self, segment: str, attribute: str) -> None:
        self._segment, self._attribute = segment, attribute

    def create(self, request: ResourceRequest) -> Outcome:
        arn = f"{request.properties['InstanceArn']}/{self._segment}/{uuid.uuid4()}"
        return Outcome(arn, {self._attribute: arn})

    def update(self, request: ResourceRequest) -> Outcome:
        return Outcome(request.physical_id, {self._attribute: request.physical_id})

    def delete(self, request: ResourceRequest) -> None:
        """Nothing is there."""

    def replaces(self, old: Properties, new: Properties) -> bool:
        return bool(old.get("InstanceArn") != new.get("InstanceArn"))


class _ConnectResource:
    """Turns errors of the service into reasons."""

    def __init__(self, connect: LocalConnect) -> None:
        self._backend = connect.backend

    def _try(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ServiceException, JsonRESTError) as error:
            raise ResourceFailedError(str(error)) from None

    def _exists(self, look: Callable[[], Any]) -> bool:
        try:
            look()
        except (ServiceException, JsonRESTError):
            return False
        return True


class _Instance(_ConnectResource):
    def create(self, request: ResourceRequest) -> Outcome:
        attributes = request.properties.get("Attributes", {})
        instance = self._try(
            lambda: self._backend.create_instance(
                identity_management_type=request.properties["IdentityManagementType"],
                inbound_calls_enabled=bool(attributes.get("InboundCalls", False)),
                outbound_calls_enabled=bool(attributes.get("OutboundCalls", False)),
                instance_alias=request.properties.get("InstanceAlias"),
                tags=_tags(request.properties),
            )
        )
        return self._outcome(instance["Arn"])

    def update(self, request: ResourceRequest) -> Outcome:
        return self._outcome(request.physical_id)

    def delete(self, request: ResourceRequest) -> None:
        instance_id = _id_of(request.physical_id)
        if self._exists(lambda: self._backend.describe_instance(instance_id)):
            self._try(lambda: self._backend.delete_instance(instance_id))

    def replaces(self, old: Properties, new: Properties) -> bool:
        names = ("IdentityManagementType", "InstanceAlias", "DirectoryId")
        return any(old.get(name) != new.get(name) for name in names)

    def _outcome(self, arn: str) -> Outcome:
        instance = self._backend.describe_instance(_id_of(arn))
        return Outcome(
            arn,
            {
                "Arn": arn,
                "Id": instance["Id"],
                "InstanceStatus": instance["InstanceStatus"],
                "ServiceRole": instance["ServiceRole"],
            },
        )


class _User(_ConnectResource):
    def create(self, request: ResourceRequest) -> Outcome:
        properties = request.properties
        group_id = _group_id_of(properties.get("HierarchyGroupArn"))
        user = self._try(
            lambda: self._backend.create_user(
                _id_of(properties["InstanceArn"]),
                properties["Username"],
                hierarchy_group_id=group_id,
                security_profile_ids=[_id_of(arn) for arn in properties["SecurityProfileArns"]],
                routing_profile_id=_id_of(properties["RoutingProfileArn"]),
                phone_config=properties.get("PhoneConfig"),
                identity_info=properties.get("IdentityInfo"),
                tags=_tags(properties),
            )
        )
        return Outcome(user.arn, {"UserArn": user.arn})

    def update(self, request: ResourceRequest) -> Outcome:
        instance_arn, _, user_id = request.physical_id.rpartition("/agent/")
        group_arn = request.properties.get("HierarchyGroupArn")
        if group_arn != request.old_properties.get("HierarchyGroupArn"):
            group_id = _group_id_of(group_arn)
            self._try(
                lambda: self._backend.update_user_hierarchy(_id_of(instance_arn), user_id, group_id)
            )
        return Outcome(request.physical_id, {"UserArn": request.physical_id})

    def delete(self, request: ResourceRequest) -> None:
        instance_arn, _, user_id = request.physical_id.rpartition("/agent/")
        instance_id = _id_of(instance_arn)
        if self._exists(lambda: self._backend.describe_user(instance_id, user_id)):
            self._try(lambda: self._backend.delete_user(instance_id, user_id))

    def replaces(self, old: Properties, new: Properties) -> bool:
        names = ("InstanceArn", "Username")
        return any(old.get(name) != new.get(name) for name in names)


class _UserHierarchyGroup(_ConnectResource):
    """The native group: a new parent replaces it, and AWS's tags name its stack."""

    def create(self, request: ResourceRequest) -> Outcome:
        properties = request.properties
        parent = properties.get("ParentGroupArn")
        tags = {
            **_tags(properties),
            "aws:cloudformation:stack-id": request.stack.stack_id,
            "aws:cloudformation:stack-name": request.stack.name,
            "aws:cloudformation:logical-id": request.declaration.logical_id,
        }
        group = self._try(
            lambda: self._backend.create_user_hierarchy_group(
                _id_of(properties["InstanceArn"]),
                properties["Name"],
                _id_of(parent) if parent else None,
                tags,
            )
        )
        return Outcome(group.arn, {"UserHierarchyGroupArn": group.arn})

    def update(self, request: ResourceRequest) -> Outcome:
        instance_arn, _, group_id = request.physical_id.rpartition("/agent-group/")
        self._try(
            lambda: self._backend.update_user_hierarchy_group_name(
                _id_of(instance_arn), group_id, request.properties["Name"]
            )
        )
        return Outcome(request.physical_id, {"UserHierarchyGroupArn": request.physical_id})

    def delete(self, request: ResourceRequest) -> None:
        instance_arn, _, group_id = request.physical_id.rpartition("/agent-group/")
        instance_id = _id_of(instance_arn)
        if self._exists(lambda: self._backend.describe_user_hierarchy_group(instance_id, group_id)):
            self._try(lambda: self._backend.delete_user_hierarchy_group(instance_id, group_id))

    def replaces(self, old: Properties, new: Properties) -> bool:
        names = ("InstanceArn", "ParentGroupArn")
        return any(old.get(name) != new.get(name) for name in names)


class _SecurityProfile(_ConnectResource):
    def create(self, request: ResourceRequest) -> Outcome:
        properties = request.properties
        profile = self._try(
            lambda: self._backend.create_security_profile(
                _id_of(properties["InstanceArn"]),
                properties["SecurityProfileName"],
                attributes=_profile_attributes(properties),
                allowed_access_control_hierarchy_group_id=properties.get(
                    "AllowedAccessControlHierarchyGroupId"
                ),
                tags=_tags(properties),
            )
        )
        return Outcome(profile.arn, {"SecurityProfileArn": profile.arn})

    def update(self, request: ResourceRequest) -> Outcome:
        instance_arn, _, profile_id = request.physical_id.rpartition("/security-profile/")
        properties = request.properties
        self._try(
            lambda: self._backend.update_security_profile(
                _id_of(instance_arn),
                profile_id,
                attributes=_profile_attributes(properties),
                allowed_access_control_hierarchy_group_id=properties.get(
                    "AllowedAccessControlHierarchyGroupId"
                ),
            )
        )
        return Outcome(request.physical_id, {"SecurityProfileArn": request.physical_id})

    def delete(self, request: ResourceRequest) -> None:
        instance_arn, _, profile_id = request.physical_id.rpartition("/security-profile/")
        instance_id = _id_of(instance_arn)
        if self._exists(lambda: self._backend.describe_security_profile(instance_id, profile_id)):
            self._try(lambda: self._backend.delete_security_profile(instance_id, profile_id))

    def replaces(self, old: Properties, new: Properties) -> bool:
        names = ("InstanceArn", "SecurityProfileName")
        return any(old.get(name) != new.get(name) for name in names)
