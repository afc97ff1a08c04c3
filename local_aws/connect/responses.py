"""Parsing requests and building answers, with one method for each call, as in moto.

moto's own way from a request to such a method takes 1.5 milliseconds: its router tries the paths of
the whole service, and builds a werkzeug request. So here the call and its parameters are known
before a response is made.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from moto.connect.responses import ConnectResponse

from local_aws.connect.checks import check_length, check_not_reserved, reject
from local_aws.connect.exceptions import InvalidParameterException, ResourceNotFoundException
from local_aws.connect.models import LocalConnectBackend
from local_aws.connect.permissions import plain_id
from local_aws.connect.rows import LEVEL_KEYS, Row
from local_aws.connect.urls import Received

_MAX_INSTANCE_ID = 100
_LIST_DEFAULT, _LIST_MAX = 100, 1000
_SEARCH_GROUPS_MAX = 100
_USER_DATA_MAX = 100
_SEARCH_USERS_DEFAULT, _SEARCH_USERS_MAX = 100, 500

_USER_PARAMETERS = frozenset(
    {
        "Username",
        "Password",
        "IdentityInfo",
        "PhoneConfig",
        "SecurityProfileIds",
        "RoutingProfileId",
        "HierarchyGroupId",
        "InstanceId",
        "Tags",
    }
)
_PROFILE_PARAMETERS = frozenset(
    {
        "SecurityProfileName",
        "SecurityProfileId",
        "AllowedAccessControlHierarchyGroupId",
        "InstanceId",
        "Tags",
    }
)


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Identified)


class LocalConnectResponse(ConnectResponse):
    """The answer to one request; the method with the call's name in snake case makes it.

    Args:
        backend: the state.
        received: the request.
        parameters: those of the request, as botocore names them.
    """

    def __init__(
        self, backend: LocalConnectBackend, received: Received, parameters: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self._backend = backend
        self.parameters = parameters
        # read by moto's own methods
        self.body = received.body
        self.querystring = dict(received.query)
        self.uri_match = dict(received.labels)

    @property
    def connect_backend(self) -> LocalConnectBackend:
        """The state for this answer, not moto's global one."""
        return self._backend

    def check_instance_id(self) -> None:
        """Check the length of the InstanceId, which botocore does not."""
        if "InstanceId" in self.parameters:
            check_length("instanceId", self.parameters["InstanceId"], 1, _MAX_INSTANCE_ID)

    # instances: moto's methods do the rest

    def create_instance(self) -> str:
        """Answer CreateInstance."""
        self._tags()
        return super().create_instance()

    def _get_instance_id(self) -> str:
        # moto's calls store things under the given id, so it must not be an ARN
        arn = self._backend.instance_arn(self.parameters["InstanceId"])
        return plain_id(arn)

    # levels

    def update_user_hierarchy_structure(self) -> str:
        """Answer UpdateUserHierarchyStructure."""
        self._backend.update_user_hierarchy_structure(
            self._instance_id, self._required("HierarchyStructure")
        )
        return "{}"

    def describe_user_hierarchy_structure(self) -> str:
        """Answer DescribeUserHierarchyStructure."""
        levels = self._backend.describe_user_hierarchy_structure(self._instance_id)
        structure = {LEVEL_KEYS[int(level.id) - 1]: level.to_summary_dict() for level in levels}
        return json.dumps({"HierarchyStructure": structure})

    # groups

    def create_user_hierarchy_group(self) -> str:
        """Answer CreateUserHierarchyGroup."""
        group = self._backend.create_user_hierarchy_group(
            self._instance_id,
            self._required("Name"),
            self.parameters.get("ParentGroupId"),
            self._tags(),
        )
        return json.dumps({"HierarchyGroupId": group.id, "HierarchyGroupArn": group.arn})

    def describe_user_hierarchy_group(self) -> str:
        """Answer DescribeUserHierarchyGroup."""
        group = self._backend.describe_user_hierarchy_group(self._instance_id, self._group_id)
        return json.dumps({"HierarchyGroup": group.to_dict()})

    def update_user_hierarchy_group_name(self) -> str:
        """Answer UpdateUserHierarchyGroupName."""
        self._backend.update_user_hierarchy_group_name(
            self._instance_id, self._group_id, self._required("Name")
        )
        return "{}"

    def delete_user_hierarchy_group(self) -> str:
        """Answer DeleteUserHierarchyGroup."""
        self._backend.delete_user_hierarchy_group(self._instance_id, self._group_id)
        return "{}"

    def list_user_hierarchy_groups(self) -> str:
        """Answer ListUserHierarchyGroups."""
        groups = self._backend.list_user_hierarchy_groups(self._instance_id)
        return self._list("UserHierarchyGroupSummaryList", groups)

    def search_user_hierarchy_groups(self) -> str:
        """Answer SearchUserHierarchyGroups."""
        found = self._backend.search_user_hierarchy_groups(
            self._search_instance_id,
            self.parameters.get("SearchCriteria"),
            self.parameters.get("SearchFilter"),
        )
        page, token = self._page(found, _SEARCH_GROUPS_MAX, _SEARCH_GROUPS_MAX)
        answer: dict[str, Any] = {
            "UserHierarchyGroups": [group.to_dict() for group in page],
            "ApproximateTotalCount": len(found),
        }
        return json.dumps(answer | token)

    # users

    def create_user(self) -> str:
        """Answer CreateUser."""
        parameters = self.parameters
        user = self._backend.create_user(
            self._instance_id,
            self._required("Username"),
            hierarchy_group_id=parameters.get("HierarchyGroupId"),
            security_profile_ids=self._required("SecurityProfileIds"),
            routing_profile_id=self._required("RoutingProfileId"),
            phone_config=parameters.get("PhoneConfig"),
            identity_info=parameters.get("IdentityInfo"),
            tags=self._tags(),
            attributes=self._others(_USER_PARAMETERS),
        )
        return json.dumps({"UserId": user.id, "UserArn": user.arn})

    def describe_user(self) -> str:
        """Answer DescribeUser."""
        user = self._backend.describe_user(self._instance_id, self.parameters["UserId"])
        return json.dumps({"User": user.to_dict(self._backend.shown_tags(user))})

    def list_users(self) -> str:
        """Answer ListUsers."""
        return self._list("UserSummaryList", self._backend.list_users(self._instance_id))

    def delete_user(self) -> str:
        """Answer DeleteUser."""
        self._backend.delete_user(self._instance_id, self.parameters["UserId"])
        return "{}"

    def update_user_hierarchy(self) -> str:
        """Answer UpdateUserHierarchy."""
        self._backend.update_user_hierarchy(
            self._instance_id, self.parameters["UserId"], self.parameters.get("HierarchyGroupId")
        )
        return "{}"

    def search_users(self) -> str:
        """Answer SearchUsers."""
        found = self._backend.search_users(
            self._search_instance_id,
            self.parameters.get("SearchCriteria"),
            self.parameters.get("SearchFilter"),
        )
        page, token = self._page(found, _SEARCH_USERS_DEFAULT, _SEARCH_USERS_MAX)
        answer: dict[str, Any] = {
            "Users": [user.to_search_dict(self._backend.shown_tags(user)) for user in page],
            "ApproximateTotalCount": len(found),
        }
        return json.dumps(answer | token)

    def get_current_user_data(self) -> str:
        """Answer GetCurrentUserData."""
        filters = self.parameters.get("Filters", {})
        found = self._backend.get_current_user_data(
            self._instance_id, filters.get("UserHierarchyGroups"), filters.get("Agents")
        )
        page, token = self._page(found, _USER_DATA_MAX, _USER_DATA_MAX)
        answer: dict[str, Any] = {
            "UserDataList": [
                {
                    "User": {"Id": user.id, "Arn": user.arn},
                    "Contacts": [{"ContactId": i} for i in self._backend.contacts.get(user.id, ())],
                }
                for user in page
            ],
            "ApproximateTotalCount": len(found),
        }
        return json.dumps(answer | token)

    # security profiles

    def create_security_profile(self) -> str:
        """Answer CreateSecurityProfile."""
        profile = self._backend.create_security_profile(
            self._instance_id,
            self._required("SecurityProfileName"),
            allowed_access_control_hierarchy_group_id=self.parameters.get(
                "AllowedAccessControlHierarchyGroupId"
            ),
            tags=self._tags(),
            attributes=self._others(_PROFILE_PARAMETERS),
        )
        return json.dumps({"SecurityProfileId": profile.id, "SecurityProfileArn": profile.arn})

    def describe_security_profile(self) -> str:
        """Answer DescribeSecurityProfile."""
        profile = self._backend.describe_security_profile(
            self._instance_id, self.parameters["SecurityProfileId"]
        )
        tags = self._backend.shown_tags(profile)
        answer = profile.to_dict(plain_id(self._instance_id), tags)
        return json.dumps({"SecurityProfile": answer})

    def list_security_profiles(self) -> str:
        """Answer ListSecurityProfiles."""
        profiles = self._backend.list_security_profiles(self._instance_id)
        return self._list("SecurityProfileSummaryList", profiles)

    def update_security_profile(self) -> str:
        """Answer UpdateSecurityProfile."""
        self._backend.update_security_profile(
            self._instance_id,
            self.parameters["SecurityProfileId"],
            allowed_access_control_hierarchy_group_id=self.parameters.get(
                "AllowedAccessControlHierarchyGroupId"
            ),
            attributes=self._others(_PROFILE_PARAMETERS),
        )
        return "{}"

    def delete_security_profile(self) -> str:
        """Answer DeleteSecurityProfile."""
        self._backend.delete_security_profile(
            self._instance_id, self.parameters["SecurityProfileId"]
        )
        return "{}"

    # tags

    def tag_resource(self) -> str:
        """Answer TagResource."""
        tags = self._tags("tags")
        if tags is None:
            reject("tags", "not be null")
        self._backend.tag_resource(self.parameters["resourceArn"], tags)
        return "{}"

    def untag_resource(self) -> str:
        """Answer UntagResource."""
        keys = self.parameters.get("tagKeys", [])
        check_length("tagKeys", keys, 1, 50)
        check_not_reserved(keys)
        self._backend.untag_resource(self.parameters["resourceArn"], keys)
        return "{}"

    def list_tags_for_resource(self) -> str:
        """Answer ListTagsForResource."""
        tags = self._backend.list_tags_for_resource(self.parameters["resourceArn"])
        return json.dumps({"tags": tags})

    # parameters

    @property
    def _instance_id(self) -> str:
        return str(self._required("InstanceId"))

    @property
    def _search_instance_id(self) -> str:
        instance_id = self._instance_id
        if (
            instance_id.startswith("arn:")
            and not self._backend.settings.search_accepts_instance_arn
        ):
            message = f"The specified instance does not exist: {instance_id}"
            raise ResourceNotFoundException(message)
        return instance_id

    @property
    def _group_id(self) -> str:
        return str(self.parameters["HierarchyGroupId"])

    def _required(self, member: str) -> Any:
        value = self.parameters.get(member)
        if value is None:
            reject(member, "not be null")
        return value

    def _others(self, known: frozenset[str]) -> dict[str, Any]:
        return {key: value for key, value in self.parameters.items() if key not in known}

    def _tags(self, member: str = "Tags") -> dict[str, str] | None:
        tags: dict[str, str] | None = self.parameters.get(member)
        if tags is not None:
            # botocore checks neither the minimum size of a map nor the pattern of its keys
            check_length("tags", tags, 1, 50)
            check_not_reserved(tags)
        return tags

    # pages

    def _list(self, member: str, rows: Sequence[Row]) -> str:
        page, token = self._page(rows, _LIST_DEFAULT, _LIST_MAX)
        answer: dict[str, Any] = {member: [row.to_summary_dict() for row in page]}
        return json.dumps(answer | token)

    def _page(
        self, rows: Sequence[Item], default: int, maximum: int
    ) -> tuple[Sequence[Item], dict[str, str]]:
        """One page of rows in the order of their ids, and the NextToken if there are more.

        A token names the last row of a page, so rows that appear or disappear between two pages do
        not move others.
        """
        limit = self.parameters.get("MaxResults")
        limit = default if limit is None else limit
        if limit > maximum:
            reject("maxResults", f"have value less than or equal to {maximum}")
        if limit < 1:
            reject("maxResults", "have value greater than or equal to 1")
        limit = min(limit, self._backend.settings.page_limit or limit)
        query = self._query_mark()
        if token := self.parameters.get("NextToken"):
            last = _read_token(token, query)
            rows = [row for row in rows if row.id > last]
        page = rows[:limit]
        if len(rows) <= limit:
            return page, {}
        return page, {"NextToken": _write_token(page[-1].id, query)}

    def _query_mark(self) -> int:
        """A number that is the same for all pages of a query, and differs between queries."""
        query = {
            key: value
            for key, value in self.parameters.items()
            if key not in {"NextToken", "MaxResults"}
        }
        return zlib.crc32(json.dumps(query, sort_keys=True).encode())


def _write_token(last: str, query: int) -> str:
    return base64.urlsafe_b64encode(f"{query:08x}{last}".encode()).decode()


def _read_token(token: str, query: int) -> str:
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        message = "The NextToken is not valid"
        raise InvalidParameterException(message) from error
    mark = f"{query:08x}"
    if not text.startswith(mark):
        message = "The NextToken does not belong to this request"
        raise InvalidParameterException(message)
    return text.removeprefix(mark)
