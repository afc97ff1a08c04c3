"""What the CDK CLI writes about a deployment, read line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"^(?P<stack>[\w-]+) \| *(?P<progress>[\d/]+) \| *[\d:]+ [AP]M \| (?P<status>[A-Z_]+) *"
    r"\| (?P<type>\w+(?:::\w+)+) *"
    r"\| (?P<name>\S+)(?: \((?P<logical_id>\w+)\))?(?: (?P<reason>.*))?$"
)

_STACK = "AWS::CloudFormation::Stack"
_RESOURCE_OF_OURS = re.compile(r"/Resource(/Default)?$")

_PAST = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept",
    "CREATE_FAILED": "failed",
    "UPDATE_FAILED": "failed",
    "DELETE_FAILED": "failed",
}


@dataclass(frozen=True)
class CliEvent:
    """One event of a stack as the CLI shows it.

    Args:
        progress: how many resources are done, and of how many where that is known.
        status: of CloudFormation, cut by the CLI where it is long.
        type: of the resource.
        name: its path in the app, without the stack, or its logical id.
        reason: why it failed, or empty.
    """

    progress: str
    status: str
    type: str
    name: str
    reason: str

    @classmethod
    def parse(cls, line: str) -> CliEvent | None:
        """The event in a line, None where the line is something else."""
        match = _LINE.match(line.rstrip())
        if match is None:
            return None
        return cls(
            match["progress"],
            match["status"],
            match["type"],
            _RESOURCE_OF_OURS.sub("", match["name"]),
            match["reason"] or "",
        )

    @property
    def outcome(self) -> str | None:
        """What became of the resource in one word, None while it is being worked on."""
        return None if self.type == _STACK else _PAST.get(self.status)

    @property
    def failed(self) -> bool:
        """Whether this is the failure of a resource."""
        return self.outcome == "failed"

    @property
    def begins_rollback(self) -> bool:
        """Whether the stack begins to roll back with this."""
        return self.type == _STACK and self.status in {
            "ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROG",
            "UPDATE_ROLLBACK_IN_PROGRESS",
        }

    @property
    def precedes_clean_up(self) -> bool:
        """Whether deletions from here on are of what an update or a rollback has replaced."""
        # the CLI cuts …_COMPLETE_CLEANUP_IN_PROGRESS, and after a rollback …_COMPLETE as well
        return self.type == _STACK and self.status.startswith(
            ("UPDATE_COMPLETE_CLEANUP", "UPDATE_ROLLBACK_COMPLET")
        )
