"""Going back: restoring the images of what the forward request changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connect_hierarchy_lambda.core.decisions import Call, Decision, Rename, Step, Tag, Untag
from connect_hierarchy_lambda.core.names import TEMPORARY_NAME, Holder, holder_of, make_room
from connect_hierarchy_lambda.core.view import View, changed, is_certain
from connect_hierarchy_lambda.model.ledger import Image, Phase, Record


def restore(view: View) -> Decision | None:
    """Restore owners, phases and origins, and the names and tags of groups that are not wished."""
    if not view.goes_back:
        return None
    for record, image in _changed(view):
        is_wished = image.key in view.wish.by_key and image.resource == view.resource.logical_id
        if is_wished and record.resource == image.resource:
            # an image says that the undone request found the group here
            before = replace(record, origin=image.origin, image=None, came_by="")
            return Step(records=(before,))
        before = _before(record, image)
        if before.phase is Phase.LIVE and before.resource == record.resource:
            return Step(records=(before,))
        call = None if record.slot in view.facts.refused else _call(view, record, image)
        if call is not None:
            return Step(calls=(call,))
        return Step(records=(replace(before, name=record.name, tags=record.tags),))
    return None


def _changed(view: View) -> Iterator[tuple[Record, Image]]:
    """What the undone request changed, and what another resource took over from wished nodes."""
    mine = view.resource.logical_id
    for record in view.records.values():
        image = record.image
        if image is None:
            continue
        if record.resource == mine:
            is_changed = bool(view.undone) and image.request == view.undone
        else:
            is_changed = image.resource == mine and image.key in view.wish.by_key
            is_changed = is_changed and not _has_live(view, image.key)
        if is_changed:
            yield record, image


def _has_live(view: View, key: str) -> bool:
    return any(own.key == key and own.phase is Phase.LIVE for own in view.own)


def _before(record: Record, image: Image) -> Record:
    return replace(
        record,
        resource=image.resource,
        key=image.key,
        phase=image.phase,
        origin=image.origin,
        image=None,
    )


def _call(view: View, record: Record, image: Image) -> Call | None:
    """The next call that restores a group to its image."""
    place = (record.instance_arn, record.parent_id, image.name)
    if record.id in view.facts.gone:
        return None
    if (record.name != image.name or not is_certain(record)) and place not in view.facts.taken:
        return Rename(record, image.name)
    tags = changed(record, image.tags)
    if tags:
        return Tag(record, tags)
    old = tuple(sorted(record.tags.keys() - image.tags.keys()))
    return Untag(record, old) if old else None


def give_names_back(view: View) -> Decision | None:
    """Give groups of other resources their names back, from which this resource displaced them."""
    if not view.goes_back:
        return None
    for record in view.records.values():
        displaced = record.displaced
        if displaced is None or displaced.resource != view.resource.logical_id:
            continue
        has_its_name = is_certain(record) and not record.name.startswith(TEMPORARY_NAME)
        if has_its_name or not record.id:
            continue
        place = (record.instance_arn, record.parent_id, displaced.name)
        refused = record.slot in view.facts.refused or record.id in view.facts.gone
        if refused or _is_ours(view, record, displaced.name):
            continue
        if place in view.facts.taken:
            holder = holder_of(view, place, f"giving the name {displaced.name!r} back")
            if not isinstance(holder, Holder):
                return holder
            if holder.record is None or holder.record.phase is not Phase.RETIRED:
                continue
            room = make_room(view, holder, place, "giving a name back")
            if room is not None:
                return room
            continue
        return Step(calls=(Rename(record, displaced.name),))
    return None


def _is_ours(view: View, record: Record, name: str) -> bool:
    """Whether this resource itself gets the name back; then the other group releases it."""
    return any(
        own.parent_id == record.parent_id and own.name == name and own.phase is Phase.LIVE
        for own in view.standing.values()
    )
