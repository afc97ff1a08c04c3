"""INSTANCE on the command line: an id, an ARN or an alias; or the only instance."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, Refusal

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_INSTANCES_A_PAGE = 10
_SHOWN = 10


@dataclass(frozen=True)
class Instance:
    """An Amazon Connect instance."""

    arn: str
    alias: str = ""
    """Empty if it has none, as instances with SAML can."""

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def region(self) -> str:
        """The Region that its ARN names."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account that its ARN names."""
        return self.arn.split(":")[4]

    @property
    def label(self) -> str:
        """The alias, or else the id."""
        return self.alias or self.id


Choose = Callable[[Sequence[Instance]], Instance | None]
"""Lets a person choose; None if nobody can be asked."""


def find_instance(
    session: Session, text: str | None, choose: Choose = lambda _: None
) -> tuple[Session, Instance]:
    """The instance that is meant, and the session of its Region.

    Args:
        session: Where to look.
        text: Its id, its ARN, or its alias; None for the account's only one. The Region of an ARN
            counts.
        choose: Asks which of several is meant, if `text` is None.

    Raises:
        CommandError: If there is none, or it is in another Region than `--region` says, or there
            are several and none is chosen.
    """
    if text is None:
        return session, _only_one(session, choose)
    if text.startswith("arn:"):
        check_instance_arn(text)
        there = Instance(text).region
        if session.settings.region not in {None, there}:
            again = session.settings.again("--region", there, without=("--region",))
            told = f"the instance is in Region {there}, not in {session.settings.region}"
            raise CommandError(told, again)
        session = session.in_region(there)
    if text.startswith("arn:") or _ID.fullmatch(text):
        return session, _described(session, text.rsplit("/", 1)[-1])
    found = all_instances(session)
    for instance in found:
        if instance.alias == text:
            return session, instance
    raise _unknown(session, text, found)


def all_instances(session: Session) -> list[Instance]:
    """The instances of the account in the session's Region, by alias."""
    client, paced = session.client("connect"), session.paced()
    found: list[Instance] = []
    further: dict[str, Any] = {}
    while True:
        page = paced(client.list_instances, MaxResults=_INSTANCES_A_PAGE, **further)
        found += [
            Instance(one["Arn"], one.get("InstanceAlias", ""))
            for one in page["InstanceSummaryList"]
        ]
        if not page.get("NextToken"):
            return sorted(found, key=lambda instance: (instance.label, instance.arn))
        further = {"NextToken": page["NextToken"]}


def _only_one(session: Session, choose: Choose) -> Instance:
    found = all_instances(session)
    if not found:
        raise CommandError(
            f"there is no Amazon Connect instance in Region {session.region}",
            session.settings.again("--region", "us-east-1", without=("--region",)),
        )
    chosen = found[0] if len(found) == 1 else choose(found)
    if chosen is None:
        told = f"Region {session.region} has {len(found)} instances, name one: {_listed(found)}"
        raise CommandError(told, session.settings.again(found[0].label))
    return chosen


def _described(session: Session, instance_id: str) -> Instance:
    client, paced = session.client("connect"), session.paced()
    try:
        found = paced(client.describe_instance, InstanceId=instance_id)["Instance"]
    except Refusal as refusal:
        if refusal.code != NOT_FOUND:
            raise
        raise _unknown(session, instance_id, all_instances(session)) from None
    return Instance(found["Arn"], found.get("InstanceAlias", ""))


def _unknown(session: Session, text: str, there: Sequence[Instance]) -> CommandError:
    told = f"Region {session.region} has no instance {quoted(text, 100)}"
    if there:
        return CommandError(f"{told}, it has {_listed(there)}", f"{PROGRAM} tree {there[0].label}")
    other = "us-east-1" if session.region != "us-east-1" else "eu-west-2"
    again = session.settings.again("--region", other, without=("--region",))
    return CommandError(f"{told}, and no other", again)


def _listed(instances: Sequence[Instance]) -> str:
    shown = ", ".join(
        f"{instance.alias} ({instance.id})" if instance.alias else instance.id
        for instance in instances[:_SHOWN]
    )
    more = len(instances) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
