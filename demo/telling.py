"""How the sample app's story is told, wherever it is deployed: the CLI, claims and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from demo.cdk_cli import CdkCli
from demo.claims import ClaimError, Claims
from demo.console import Console
from demo.picture import Picture, PicturedGroup
from local_aws.aws import LocalAws

STACK = "ContactCentre"
BY_HAND = "Partners"
"""A group that somebody makes by hand, and that the third step of the app wants to make."""

_RENAMED = ("Back Office", "Operations")
# what was moved, to where, and what it is known by
_MOVED = (
    ("Support/Chat", "Sales/Chat", "key in the file"),
    ("Support/Chat/Night desk", "Sales/Chat/Night desk", "resource"),
)


class Telling:
    """A console on which the life of one stack is told, and the claims that were checked there.

    Args:
        aws: Where Amazon Connect is.
        console: Where it is told.
        environment: Of the CLI, beside what keeps it to the output folder.
        app_folder: Of the sample app.
        output_folder: For the CLI's cloud assemblies.
        verbose: Show every line of the CLI.
    """

    def __init__(
        self,
        aws: LocalAws,
        console: Console,
        *,
        environment: Mapping[str, str],
        app_folder: Path,
        output_folder: Path,
        verbose: bool = False,
    ) -> None:
        self._aws = aws
        self._console = console
        self._claims = Claims(console)
        self._cli = CdkCli(
            console,
            environment={
                **environment,
                # what the CLI caches about accounts is of no use outside the story
                "CDK_HOME": str(output_folder / "cli-home"),
                "NO_COLOR": "1",
            },
            app_folder=app_folder,
            output_folder=output_folder / "cdk.out",
            verbose=verbose,
        )

    @property
    def claims_held(self) -> int:
        """How many claims were checked so far."""
        return self._claims.count

    @property
    def process_groups(self) -> list[int]:
        """The process groups of the CLI's runs."""
        return self._cli.process_groups

    def _picture(self, instance_arn: str) -> Picture:
        return Picture.read(self._aws.client("connect"), instance_arn, STACK)

    def _check_no_call(self, calls_before: int) -> None:
        made = [call.api for call in self._aws.connect.calls[calls_before:]]
        self._claims.check(
            "the second `cdk deploy` made no Connect call", holds=not made, otherwise=made
        )

    def _check_renamed(self, before: Picture, after: Picture) -> None:
        old, new = (
            group_at(picture, path) for picture, path in zip((before, after), _RENAMED, strict=True)
        )
        self._claims.check(
            f"renamed in place: {_RENAMED[1]} is the group that was {_RENAMED[0]}, id {new.id}",
            holds=old.id == new.id,
            otherwise=f"the id was {old.id}, and is {new.id}",
        )

    def _check_moved(self, before: Picture, after: Picture) -> set[str]:
        """Check what has moved, and give the ids of the originals."""
        originals = set()
        for old_path, new_path, known_by in _MOVED:
            old, new = group_at(before, old_path), group_at(after, new_path)
            originals.add(old.id)
            self._claims.check(
                f"moved: {new_path} has the same {known_by}, and nothing is left of it below "
                "Support",
                holds=old.owner == new.owner and old.id not in after.groups,
                otherwise=f"{old} before, {new} after",
            )
        return originals

    def _check_place(self, username: str, path: str, picture: Picture) -> None:
        group = picture.at(path)
        place = picture.agents.get(username)
        self._claims.check(
            f"{username} is in {path}",
            holds=group is not None and place == group.id,
            otherwise=f"in {picture.path(place)}",
        )

    def _check_fourth_level(self, after: Picture) -> None:
        weekend = after.at("Support/Phones/Second line/Weekend")
        self._claims.check(
            "the fourth level is there, and a group on it",
            holds=after.levels[-1] == "Shift" and weekend is not None,
            otherwise=f"levels {after.levels}, group {weekend}",
        )

    def _check_as_before(self, before: Picture, after: Picture) -> None:
        self._claims.check(
            "ids, names, levels and agents are what they were before, every one",
            holds=before == after,
            otherwise="see the changes above",
        )


def group_at(picture: Picture, path: str) -> PicturedGroup:
    """The group at a path.

    Raises:
        ClaimError: There is none.
    """
    group = picture.at(path)
    if group is None:
        raise ClaimError(f"there is no group {path}")
    return group


def status_of_stack(cloudformation: Any) -> str | None:
    """The status of the stack by a client of CloudFormation, None where there is no stack."""
    try:
        stacks = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        return None
    return str(stacks[0]["StackStatus"])
