"""The physical id of a tree: `<instance ARN>/hierarchy-tree/<logical id>/<generation>`.

The generation is the id of the request that began it. An Update begins one if it leaves groups for
CloudFormation's clean-up to delete.
"""

from __future__ import annotations

from dataclasses import dataclass

from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError

_SEGMENT = "/hierarchy-tree/"


@dataclass(frozen=True)
class TreeId:
    """One generation of a tree."""

    instance_arn: str
    logical_id: str
    generation: str

    def __str__(self) -> str:
        return f"{self.instance_arn}{_SEGMENT}{self.logical_id}/{self.generation}"

    @classmethod
    def parse(cls, physical_id: str) -> TreeId | None:
        """Parse a physical id; None if it does not have this form."""
        instance_arn, _, tail = physical_id.partition(_SEGMENT)
        logical_id, _, generation = tail.partition("/")
        try:
            check_instance_arn(instance_arn)
        except InvalidHierarchyError:
            return None
        return cls(instance_arn, logical_id, generation) if logical_id and generation else None
