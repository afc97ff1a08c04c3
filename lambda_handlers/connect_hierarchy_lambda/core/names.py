"""Names that are taken: who holds one, and how a node still gets it.

Siblings must have different names; whether all groups of an instance must is not documented. So a
name is tried first, and its holder is looked up only after a DuplicateResourceException.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from connect_hierarchy_lambda.core.decisions import Ask, Decision, Refuse, Rename, Step, Wait
from connect_hierarchy_lambda.core.facts import FindHolder, Place, ReadTemplate
from connect_hierarchy_lambda.core.learning import learned_elsewhere
from connect_hierarchy_lambda.core.template import declared_place, is_declared
from connect_hierarchy_lambda.core.view import View, is_certain, passed_on, shows_the_past
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Displaced, Origin, Phase, Record
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import NATIVE_STACK_TAG, Owner

TEMPORARY_NAME = "connect-hierarchy "
"""The beginning of every temporary name."""


def temporary_name(record: Record) -> str:
    """The name of a displaced group; no two groups get the same."""
    return TEMPORARY_NAME + hashlib.sha256(record.id.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Holder:
    """The group that has a name, with its record if the group is of this stack."""

    group: Group
    record: Record | None


def holder_of(view: View, place: Place, doing: str) -> Holder | Decision:
    """The holder of a name that the service called a duplicate, or the next step to find it."""
    question = FindHolder(place)
    if not view.facts.knows(question):
        return Ask((question,))
    group = view.facts.group(question)
    if group is None:
        error = HierarchyError(
            doing,
            f"the name {quoted(place[2])} is taken, but no group of that name shows",
            "deploy again when ListUserHierarchyGroups shows it",
        )
        return Wait(doing, "the holder of the name does not show yet", Refuse(error))
    record = view.records.get(group.id)
    is_gone = group.id in view.facts.gone
    if (
        record is None
        and not is_gone
        and (owner := Owner.of(group.tags))
        and owner.stack == view.resource.stack
    ):
        return Step(records=(learned_elsewhere(view, group, owner),))
    other = passed_on(view, group)
    if record is not None and other is not None and not shows_the_past(record, other):
        return Step(forgotten=(record,), warnings=(passed_on_warning(view, record, other),))
    return Holder(group, record)


def passed_on_warning(view: View, record: Record, owner: Owner | None) -> str:
    """The log line about a group that this stack does not touch from now on."""
    whose = f"belongs to {owner.resource} of stack {owner.stack_name}" if owner else "has no owner"
    return f"group {quoted(view.path_of(record))} ({record.id}) {whose}, it stays"


def displace(view: View, record: Record) -> Step:
    """Give the holder a temporary name.

    Its record keeps its own name, and the resource that needed it.
    """
    displaced = record.displaced or Displaced(record.name, view.resource.logical_id)
    return Step(calls=(Rename(record, temporary_name(record), displaced),))


def make_room(view: View, holder: Holder, place: Place, doing: str) -> Decision | None:
    """The decision that makes a holder release its name; None for a stranger's group."""
    record = holder.record
    if record is None:
        return None
    if is_certain(record) and record.name != place[2]:
        return _take_from_hand(view, record, doing)
    if record.resource == view.resource.logical_id:
        return _make_own_room(view, record, place, doing)
    if record.phase is not Phase.LIVE:
        return displace(view, record)
    if view.goes_back:
        return _wait_for_adopted(holder, record, doing) or displace(view, record)
    if not view.facts.knows(ReadTemplate()):
        return Ask((ReadTemplate(),))
    template = view.facts.template()
    if template is not None and not is_declared(template, record):
        return displace(view, record) if record.origin is Origin.MADE else _taken(holder, doing)
    declared = declared_place(template, record, view.records) if template is not None else None
    present = (holder.group.parent_id, holder.group.name)
    if declared is not None and declared in {place[1:], present}:
        return _taken(holder, doing)
    return _wait_for_adopted(holder, record, doing) or displace(view, record)


def _wait_for_adopted(holder: Holder, record: Record, doing: str) -> Wait | None:
    """Wait instead of displacing an adopted group, since its own update may release the name."""
    if record.origin is Origin.MADE:
        return None
    return Wait(doing, f"{record.resource} has the name", _taken(holder, doing))


def _take_from_hand(view: View, record: Record, doing: str) -> Decision:
    """Give a group of this stack its own name back, since somebody renamed it by hand."""
    own_place = record.place
    if own_place not in view.facts.taken:
        return Step(calls=(Rename(record, record.name),))
    if view.goes_back:
        other = holder_of(view, own_place, doing)
        if not isinstance(other, Holder):
            return other
        # a group of the stack gives that name back later, and a stranger's never
        if other.record is not None:
            return displace(view, record)
    return Refuse(
        HierarchyError(
            doing,
            f"somebody gave the name to group {record.id} of {record.resource}, whose own name "
            f"{quoted(record.name)} another group has",
            "rename both back",
        )
    )


def _make_own_room(view: View, record: Record, place: Place, doing: str) -> Decision:
    node = view.wish.by_key.get(record.key)
    if node is not None and node.name == place[2] and view.standing.get(node.key) == record:
        return Refuse(
            HierarchyError(
                doing,
                "this instance allows a name only once, and "
                f"{quoted(' / '.join(node.path))} has it",
                "give one of the two another name",
            )
        )
    return displace(view, record)


def _taken(holder: Holder, doing: str) -> Refuse:
    return Refuse(taken_error(holder, doing))


def taken_error(holder: Holder, doing: str) -> HierarchyError:
    """The error about a name whose holder keeps it."""
    group, record = holder.group, holder.record
    adopted = record is not None and record.origin is Origin.ADOPTED
    return HierarchyError(
        doing,
        f"the name is taken in the instance by group {group.id} ({group.path_of_names})"
        + (", which was adopted" if adopted else ""),
        "choose another name, or rename that group",
    )


def kept_name_error(view: View, record: Record, doing: str) -> HierarchyError:
    """The error about a name that an adopted group keeps when the group is released."""
    return HierarchyError(
        doing,
        f"adopted group {record.id} ({view.path_of(record)}) keeps the name when it is released",
        "choose another name, or rename that group",
    )


def adoption_error(view: View, group: Group, doing: str) -> HierarchyError | None:
    """Why a stranger's group cannot be adopted, or None if it can."""
    owner, native = Owner.of(group.tags), group.tags.get(NATIVE_STACK_TAG)
    stack = owner.stack_name if owner else native
    if stack is not None and stack != view.wish.adopt_from_stack:
        whose = f"{owner.resource} of stack {stack}" if owner else f"CloudFormation stack {stack}"
        return HierarchyError(
            doing,
            f"it exists already, {group.id}, and belongs to {whose}",
            "there: DeletionPolicy Retain, deploy; then adopt_existing and adopt_from_stack",
        )
    if not view.wish.adopt_existing:
        return HierarchyError(
            doing,
            f"it exists already, {group.id}, and belongs to no stack",
            "adopt_existing=True takes it over, or choose another name",
        )
    return None
