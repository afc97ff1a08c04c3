"""Restoring a lost ledger from the owner tags on every group of the stack."""

from __future__ import annotations

from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Wish
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Origin, Phase, Record
from connect_hierarchy_lambda.model.ownership import KEY_TAG, Owner, owner_tags


def learned_elsewhere(view: View, group: Group, owner: Owner) -> Record:
    """The record of a group of this stack that the ledger does not know."""
    is_own = owner.resource == view.resource.logical_id
    return _record(group, owner, view.wish if is_own else None, Phase.LIVE)


def learned(view: View, groups: tuple[Group, ...]) -> tuple[Record, ...]:
    """The records of a resource whose entry is lost.

    If a node has two groups, one of them is LIVE.
    """
    wish = view.previous or view.wish
    known: dict[str, str] = {}
    records = []
    for group in sorted(groups, key=lambda g: (len(g.path), not _is_given(view, g), g.id)):
        owner = Owner.of(group.tags)
        if owner is None or group.id in view.records:
            continue
        if (owner.stack, owner.resource) != (view.resource.stack, view.resource.logical_id):
            continue
        key = group.tags.get(KEY_TAG, "")
        is_live = key not in known and (view.resource.is_tree or _is_given(view, group))
        if is_live:
            known[key] = group.id
        records.append(_record(group, owner, wish, Phase.LIVE if is_live else Phase.LEFT))
    return tuple(records)


def _is_given(view: View, group: Group) -> bool:
    """Whether the event's physical id is this group's."""
    return view.physical_id == str(GroupArn(group.instance_arn, group.id))


def _record(group: Group, owner: Owner, wish: Wish | None, phase: Phase) -> Record:
    key = group.tags.get(KEY_TAG, "")
    node = wish.by_key.get(key) if wish else None
    ours = owner_tags(owner.stack, owner.resource, key)
    wished = node.tags if node else {}
    return Record(
        instance_arn=group.instance_arn,
        parent_id=group.parent_id,
        name=group.name,
        resource=owner.resource,
        key=key,
        id=group.id,
        phase=phase,
        # a group that may not have been made here counts as adopted, so it is not deleted later
        origin=Origin.ADOPTED if wish is not None and wish.adopt_existing else Origin.MADE,
        tags={k: v for k, v in group.tags.items() if k in ours or k in wished},
    )
