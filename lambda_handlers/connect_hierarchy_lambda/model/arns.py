"""ARNs of Connect instances and hierarchy groups, taken apart and put together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted

_INSTANCE = r"arn:aws[a-z0-9-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[A-Za-z0-9-]+"
_INSTANCE_ARN = re.compile(_INSTANCE)
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
        """Take a group's ARN apart; InvalidHierarchyError where it is none."""
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
