"""What Connect was asked to change, call by call, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from demo.console import Console, Style
from demo.picture import Picture
from local_aws.connect.settings import Call

_READS = ("Describe", "List", "Search", "Get")
_THROTTLED = "TooManyRequestsException"


def writes(calls: Sequence[Call]) -> list[Call]:
    """The calls that change something; those that were only told to come again are left out."""
    return [
        call for call in calls if not call.api.startswith(_READS) and call.outcome != _THROTTLED
    ]


def succeeded(calls: Sequence[Call], api: str) -> list[Mapping[str, Any]]:
    """The parameters of an API's calls that worked."""
    return [call.parameters for call in calls if call.api == api and call.outcome == "ok"]


def draw_writes(console: Console, calls: Sequence[Call], picture: Picture) -> None:
    """List the calls that change something; `picture` knows the names of what they are about."""
    console.line("what Connect was asked to change meanwhile:")
    shown = writes(calls)
    width = max((len(call.api) for call in shown), default=0)
    for call in shown:
        failure = "" if call.outcome == "ok" else f"  ✗ {call.outcome}"
        styles = [Style.BAD] if failure else []
        text = f"{call.api:<{width}}  {_about(call.parameters, picture)}{failure}"
        console.line(console.styled(text, *styles), 2)


def _about(parameters: Mapping[str, Any], picture: Picture) -> str:
    parts = []
    if user_id := parameters.get("UserId"):
        parts.append(picture.usernames.get(_plain(user_id), str(user_id)))
    if group_id := parameters.get("HierarchyGroupId"):
        parts.append(_named(group_id, picture))
    if resource := parameters.get("resourceArn"):
        parts.append(_named(resource, picture))
    if name := parameters.get("Name"):
        parts.append(f"“{name}”")
    about = " → ".join(parts)
    if parent_id := parameters.get("ParentGroupId"):
        about += f" below {_named(parent_id, picture)}"
    return about


def _named(reference: Any, picture: Picture) -> str:
    group_id = _plain(reference)
    return picture.path(group_id) if group_id in picture.groups else f"group {group_id[:8]}"


def _plain(reference: Any) -> str:
    """The id in an id or an ARN."""
    return str(reference).rsplit("/", 1)[-1]
