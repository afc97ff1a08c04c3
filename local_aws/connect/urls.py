"""Methods and paths of calls, with botocore's names for the parts of a request.

The table is written by hand, since reading botocore's service model takes longer than a thousand
calls; a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from local_aws.connect.checks import reject
from local_aws.connect.exceptions import SerializationException

_PAGES = {"nextToken": "NextToken", "maxResults": "MaxResults"}

# A path parameter is an id or an ARN. An ARN's slashes arrive encoded from botocore and decoded
# from some HTTP servers, so the whole path is decoded before it is matched.
_INSTANCE = r"arn:[^/]*:instance/[^/]+"
_LABELS = {
    "InstanceId": rf"{_INSTANCE}|[^/]+",
    "HierarchyGroupId": rf"{_INSTANCE}/agent-group/[^/]+|[^/]+",
    "UserId": rf"{_INSTANCE}/agent/[^/]+|[^/]+",
    "SecurityProfileId": rf"{_INSTANCE}/security-profile/[^/]+|[^/]+",
    "resourceArn": r".+",
}


@dataclass(frozen=True)
class Route:
    """One call.

    Args:
        api: its name.
        method: of HTTP.
        path: with parameters in braces. query: botocore's names for the parameters of the query
            string.
    """

    api: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern that a complete decoded path must match."""
        return re.compile(
            re.sub(r"\{(\w+)\}", lambda label: f"(?P<{label[1]}>{_LABELS[label[1]]})", self.path)
        )


_ANALYTICS = "/analytics-data/instance/{InstanceId}/association"
_STRUCTURE = "/user-hierarchy-structure/{InstanceId}"
_GROUPS = "/user-hierarchy-groups/{InstanceId}"
_GROUP = f"{_GROUPS}/{{HierarchyGroupId}}"
_USERS = "/users/{InstanceId}"
_USER = f"{_USERS}/{{UserId}}"
_PROFILES = "/security-profiles/{InstanceId}"
_PROFILE = f"{_PROFILES}/{{SecurityProfileId}}"
_TAGS = "/tags/{resourceArn}"

ROUTES = (
    Route("CreateInstance", "PUT", "/instance"),
    Route("ListInstances", "GET", "/instance", _PAGES),
    Route("DescribeInstance", "GET", "/instance/{InstanceId}"),
    Route("DeleteInstance", "DELETE", "/instance/{InstanceId}", {"clientToken": "ClientToken"}),
    Route("AssociateAnalyticsDataSet", "PUT", _ANALYTICS),
    Route("DisassociateAnalyticsDataSet", "POST", _ANALYTICS),
    Route("ListAnalyticsDataAssociations", "GET", _ANALYTICS, {"DataSetId": "DataSetId", **_PAGES}),
    Route("UpdateUserHierarchyStructure", "POST", _STRUCTURE),
    Route("DescribeUserHierarchyStructure", "GET", _STRUCTURE),
    Route("CreateUserHierarchyGroup", "PUT", _GROUPS),
    Route("DescribeUserHierarchyGroup", "GET", _GROUP),
    Route("UpdateUserHierarchyGroupName", "POST", f"{_GROUP}/name"),
    Route("DeleteUserHierarchyGroup", "DELETE", _GROUP),
    Route("ListUserHierarchyGroups", "GET", "/user-hierarchy-groups-summary/{InstanceId}", _PAGES),
    Route("SearchUserHierarchyGroups", "POST", "/search-user-hierarchy-groups"),
    Route("CreateUser", "PUT", _USERS),
    Route("DescribeUser", "GET", _USER),
    Route("ListUsers", "GET", "/users-summary/{InstanceId}", _PAGES),
    Route("DeleteUser", "DELETE", _USER),
    Route("UpdateUserHierarchy", "POST", f"{_USER}/hierarchy"),
    Route("SearchUsers", "POST", "/search-users"),
    Route("GetCurrentUserData", "POST", "/metrics/userdata/{InstanceId}"),
    Route("TagResource", "POST", _TAGS),
    Route("UntagResource", "DELETE", _TAGS, {"tagKeys": "tagKeys"}),
    Route("ListTagsForResource", "GET", _TAGS),
    Route("CreateSecurityProfile", "PUT", _PROFILES),
    Route("DescribeSecurityProfile", "GET", _PROFILE),
    Route("UpdateSecurityProfile", "POST", _PROFILE),
    Route("DeleteSecurityProfile", "DELETE", _PROFILE),
    Route("ListSecurityProfiles", "GET", "/security-profiles-summary/{InstanceId}", _PAGES),
)

APIS = frozenset(route.api for route in ROUTES)


def _by_first_step() -> dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]]:
    table: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
    for route in ROUTES:
        key = (route.method, route.path.split("/")[1])
        table.setdefault(key, []).append((route.pattern, route))
    return table


_TABLE = _by_first_step()


@dataclass(frozen=True)
class Received:
    """A request whose call is known.

    Args:
        route: the call.
        labels: the parameters of the path.
        query: those of the query string, unchanged. body: unchanged.
    """

    route: Route
    labels: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: str

    def parameters(self) -> dict[str, Any]:
        """All parameters as botocore names them.

        Raises:
            SerializationException: if the body is no JSON object.
            InvalidParameterException: if MaxResults is no number.
        """
        try:
            parameters = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise SerializationException from error
        if not isinstance(parameters, dict):
            raise SerializationException
        for key, values in self.query.items():
            name = self.route.query.get(key)
            if name == "MaxResults":
                if not values[0].isdecimal():
                    reject("maxResults", "be a number")
                parameters[name] = int(values[0])
            elif name is not None:
                parameters[name] = values if name == "tagKeys" else values[0]
        return {**parameters, **self.labels}


def receive(method: str, path: str, query: str, body: str) -> Received | None:
    """The call of a request, or None if it is not served here."""
    path = unquote(path)
    for pattern, route in _TABLE.get((method, path.split("/", 2)[1]), ()):
        if match := pattern.fullmatch(path):
            values = parse_qs(query, keep_blank_values=True) if query else {}
            return Received(route, match.groupdict(), values, body)
    return None


def url_paths(dispatch: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The table in moto's style, from paths to handlers.

    Each parameter takes slashes, so that an ARN passes through a server that decodes paths;
    `dispatch` finds the call itself.
    """
    paths = dict.fromkeys(
        re.sub(r"\{(\w+)\}.*", lambda label: f"(?P<{label[1]}>.+)", route.path) + "$"
        for route in ROUTES
    )
    return dict.fromkeys(paths, dispatch)
