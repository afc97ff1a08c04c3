"""Parsing and building the ARNs of Connect instances and hierarchy groups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted

_INSTANCE = r"arn:aws[a-z0-9-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[A-Za-z0-9-]+"
_INSTANCE_ARN = re.compile(_INSTANCE)
_FUNCTION_ARN = re.compile(
    r"arn:aws[a-z0-9-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):function:"
)
_GROUP_ARN = re.compile(rf"(?P<instance_arn>{_INSTANCE})/agent-group/(?P<group_id>[A-Za-z0-9-]+)")


@dataclass(frozen=True)
class GroupArn:
    """The ARN of a hierarchy group: `<instance ARN>/agent-group/<group id>`."""

    instance_arn: str
    group_id: str

    def __str__(self) -> str:
        return f"{self.instance_arn}/agent-group/{self.group_id}"

    @classmethod
    def parse(cls, arn: str) -> GroupArn:
        """Parse a group's ARN; raise InvalidHierarchyError for anything else."""
        match = _GROUP_ARN.fullmatch(arn)
        if match is None:
            msg = (
                f"not the ARN of a hierarchy group: {quoted(arn, 100)}, "
                "expected 'arn:aws:connect:<region>:<account>:instance/<id>/agent-group/<id>'"
            )
            raise InvalidHierarchyError(msg)
        return cls(**match.groupdict())


def check_instance_arn(arn: str) -> None:
    """Raise InvalidHierarchyError unless this is the ARN of a Connect instance."""
    if _INSTANCE_ARN.fullmatch(arn) is None:
        msg = (
            f"not the ARN of an Amazon Connect instance: {quoted(arn, 100)}, "
            "expected 'arn:aws:connect:<region>:<account>:instance/<id>'"
        )
        raise InvalidHierarchyError(msg)


def check_home(
    instance_arn: str, who: str, *, region: str | None = None, account: str | None = None
) -> None:
    """Raise InvalidHierarchyError for an instance of another Region or account.

    Args:
        instance_arn: ARN of the instance, well-formed.
        who: What has to be in the instance's Region and account, for the message.
        region: The Region of `who`, None if it is not known.
        account: The account of `who`, None if it is not known.
    """
    _, _, _, instance_region, instance_account, _ = instance_arn.split(":", 5)
    for what, there, here in (
        ("Region", instance_region, region),
        ("account", instance_account, account),
    ):
        if here is not None and there != here:
            msg = (
                f"the instance is in {what} {there}, {who} in {here}: "
                f"deploy to {there}, or give another instance: {quoted(instance_arn, 120)}"
            )
            raise InvalidHierarchyError(msg)


def check_reachable(instance_arn: object, function_arn: str) -> None:
    """Raise InvalidHierarchyError for an instance that the function cannot reach.

    Args:
        instance_arn: The value in the event; anything but the ARN of an instance is checked
            elsewhere.
        function_arn: ARN of the function; with any other value, nothing is checked.
    """
    function = _FUNCTION_ARN.match(function_arn)
    if function and isinstance(instance_arn, str) and _INSTANCE_ARN.fullmatch(instance_arn):
        check_home(instance_arn, "the function", **function.groupdict())
