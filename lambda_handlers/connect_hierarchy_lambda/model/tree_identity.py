"""The physical id of a tree: `<instance ARN>/hierarchy-tree/<logical id>/<generation>`.

A generation is named by the request that began it. One that gave groups up says how many, and from
which generation, since the clean-up of that one has to find them in searches that lag:
`<request>.<number>.<hash of the other generation>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError

_SEGMENT = "/hierarchy-tree/"
_HASH_LENGTH = 12
_PARTS = 3


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
        """Take a physical id apart; None where it is not of this form."""
        instance_arn, _, tail = physical_id.partition(_SEGMENT)
        logical_id, _, generation = tail.partition("/")
        try:
            check_instance_arn(instance_arn)
        except InvalidHierarchyError:
            return None
        return cls(instance_arn, logical_id, generation) if logical_id and generation else None

    @property
    def mark(self) -> str:
        """What stands for this generation in the tags of groups that are given up from it."""
        return _hash(self.generation)

    @property
    def request_id(self) -> str:
        """The request that began it."""
        return self.generation.split(".")[0]

    def next(self, instance_arn: str, request_id: str, given_up: int) -> TreeId:
        """The generation that a request begins which gave up so many groups from this one."""
        return TreeId(instance_arn, self.logical_id, f"{request_id}.{given_up}.{self.mark}")

    def given_up_from(self, other: TreeId) -> int:
        """How many groups this generation gave up from the other one."""
        parts = self.generation.split(".")
        known = len(parts) == _PARTS and parts[1].isdecimal() and parts[2] == other.mark
        return int(parts[1]) if known and self.instance_arn == other.instance_arn else 0


def given_up_by(request_id: str, mark: str) -> str:
    """What a tag says of groups that a request gave up from the generation with this mark.

    It begins with the mark. The request is in it, since an update that is taken back gave up others
    from the same generation, and reads may still show that.
    """
    return f"{mark}.{_hash(request_id)}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
