"""What has to hold in every state of the model, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connect_hierarchy_lambda.core.direction import Course as Direction
from connect_hierarchy_lambda.core.wish import Direction as Kind
from connect_hierarchy_lambda.core.wish import Wish
from connect_hierarchy_lambda.model.ledger import Intention, Origin, Phase, Record
from connect_hierarchy_lambda.model.ownership import KEY_TAG, RESOURCE_TAG, STACK_TAG, Owner
from tests.model.book import Book
from tests.model.runs import BrokenPromiseError
from tests.model.service import STRANGER_TAG, World
from tests.model.stack import STACK, Call, Course, Stack, task_of


def check_call(
    call: Call,
    book: Book,
    world: World,
    what: str,
    group_id: str,
    course: Direction | None,
    *,
    is_by_hand: bool,
) -> None:
    """No call touches a stranger's group, but to adopt it where that is allowed."""
    if is_by_hand and what.startswith("move "):
        return  # the person who moved the agent meanwhile was faster
    desk = world.by_id.get(group_id)
    if desk is None:
        return
    wish = task_of(call).wish
    is_forward = course is not None and course.direction is Kind.FORWARD
    record = book.by_slot.get(group_id)
    is_adopted = record is not None and record.origin is Origin.ADOPTED
    if desk.tags.get(STACK_TAG) != STACK:
        adopts = what.startswith("tag ") and is_forward and wish.adopt_existing
        # a release that is repeated, or that of an adoption that was not made, removes nothing
        is_empty = what.startswith("untag ") and is_adopted and not Owner.of(desk.tags)
        if not (adopts or is_empty):
            raise BrokenPromiseError(f"a stranger's group is touched: {what}")
    if record is not None and record.phase is not Phase.LIVE:
        # the original of a group that moved goes, no matter what made it
        is_adopted &= not any(
            (r.resource, r.key, r.phase) == (record.resource, record.key, Phase.LIVE)
            for r in book.records
        )
    if what.startswith("delete ") and STRANGER_TAG in desk.tags and (record is None or is_adopted):
        raise BrokenPromiseError(f"an adopted group is deleted: {what}")


def check_success(call: Call, course: Direction, world: World, book: Book) -> None:
    """A request that ended well left what its direction promises, where nobody interfered."""
    if course.direction is Kind.GONE:
        _check_gone(call, world, book)
    if course.direction is Kind.FORWARD:
        _check_wish(call, task_of(call).wish, world, book)
        _check_carried(call, world, book)


def _check_carried(call: Call, world: World, book: Book) -> None:
    own = [r for r in book.records if r.resource == call.logical_id]
    live = {r.key for r in own if r.phase is Phase.LIVE}
    moved = {r.id for r in own if r.phase is Phase.RETIRED and r.key in live}
    for agent, where in world.agents:
        if where in moved:
            raise BrokenPromiseError(f"{call} ended well and {agent} is still in {where}")


def _check_gone(call: Call, world: World, book: Book) -> None:
    for desk in world.desks:
        if (desk.tags.get(STACK_TAG), desk.tags.get(RESOURCE_TAG)) != (STACK, call.logical_id):
            continue
        record = book.by_slot.get(desk.id)
        if record is None or record.phase is not Phase.LEFT:
            raise BrokenPromiseError(f"{call} ended well and group {desk.id} is there")


def _check_wish(call: Call, wish: Wish, world: World, book: Book) -> None:
    own = [r for r in book.records if r.resource == call.logical_id and r.phase is Phase.LIVE]
    if sorted(r.key for r in own) != sorted(node.key for node in wish.nodes):
        raise BrokenPromiseError(f"{call} ended well with the groups {[r.id for r in own]}")
    live = {record.key: record for record in own}
    for node in wish.nodes:
        record = live[node.key]
        desk = world.by_id.get(record.id)
        parent_id = wish.parent_id if node.parent is None else live[node.parent].id
        owner = task_of(call).resource.tags(node.key)
        if desk is None:
            raise BrokenPromiseError(f"{call} ended well and group {record.id} is not there")
        if (desk.name, desk.parent_id) != (node.name, parent_id):
            raise BrokenPromiseError(f"{call} ended well and {desk.id} is {desk.name!r}")
        if not {**node.tags, **owner}.items() <= desk.tags.items():
            raise BrokenPromiseError(f"{call} ended well and {desk.id} has tags {desk.tags}")


def check_end(world: World, book: Book, *, is_by_hand: bool) -> None:
    """Once nothing runs, whatever bears our owner tag is on record, and the other way round."""
    for desk in world.desks:
        if desk.tags.get(STACK_TAG) != STACK:
            continue
        record = book.by_slot.get(desk.id)
        shown = (desk.tags[RESOURCE_TAG], desk.tags.get(KEY_TAG, ""))
        if record is None:
            raise BrokenPromiseError(f"group {desk.id} of {shown[0]} is not on record")
        if (record.resource, record.key) != shown:
            raise BrokenPromiseError(f"group {desk.id} of {shown[0]} is {record.resource}'s")
        if desk.name != record.name and not is_by_hand:
            raise BrokenPromiseError(f"group {desk.id} is {desk.name!r}, not {record.name!r}")
    for record in book.records:
        is_open = record.intention is not Intention.NONE or record.open_tags
        if is_open and not is_by_hand:
            raise BrokenPromiseError(
                f"the intention {record.intention} {record.open_tags} of {record.slot} stays"
            )
        if record.id not in world.by_id and not is_by_hand:
            raise BrokenPromiseError(f"group {record.slot} is on record and not there")


def check_as_before(before: tuple[World, Book], world: World, book: Book) -> None:
    """After a rollback every group, id, name, owner and agent is as before."""
    was, known = before
    if world.desks != was.desks or world.agents != was.agents:
        difference = list(_difference(was, world))
        raise BrokenPromiseError(f"after the rollback {'; '.join(difference)}")
    if _essence(book) != _essence(known):
        changed = [
            f"{slot} was {_essence(known).get(slot)}, is {_essence(book).get(slot)}"
            for slot in sorted({*_essence(book), *_essence(known)})
            if _essence(book).get(slot) != _essence(known).get(slot)
        ]
        raise BrokenPromiseError(f"after the rollback the ledger differs: {'; '.join(changed)}")


def _difference(was: World, now: World) -> Iterator[str]:
    for group_id in sorted({*was.by_id, *now.by_id}):
        before, after = was.by_id.get(group_id), now.by_id.get(group_id)
        if before != after:
            yield f"{group_id} was {_told(was, group_id)}, is {_told(now, group_id)}"
    for agent, where in was.agents:
        if dict(now.agents).get(agent) != where:
            yield f"{agent} was in {where}, is in {dict(now.agents).get(agent)}"


def _told(world: World, group_id: str) -> str:
    desk = world.by_id.get(group_id)
    if desk is None:
        return "not there"
    tags = {k.rsplit(":", 1)[-1]: v for k, v in desk.tags.items() if k != STACK_TAG}
    return f"{world.names_of(group_id)} {tags}"


def _essence(book: Book) -> Mapping[str, tuple[object, ...]]:
    return {record.slot: _what_counts(record) for record in book.records}


def _what_counts(record: Record) -> tuple[object, ...]:
    tags = dict(sorted(record.tags.items()))
    displaced = record.displaced.name if record.displaced else None
    owner = (record.resource, record.key, record.phase, record.origin)
    return (record.parent_id, record.name, *owner, str(tags), displaced)


def check_agents(course: Course, before: tuple[World, Book], world: World, book: Book) -> None:
    """After a deployment the agents of each node that is still wished are in its group."""
    was, known = before
    for agent, where in was.agents:
        record = known.by_slot.get(where or "")
        if record is None or record.phase is not Phase.LIVE or record.resource not in course.new:
            continue
        live = [
            r.id
            for r in book.records
            if (r.resource, r.key, r.phase) == (record.resource, record.key, Phase.LIVE)
        ]
        now = dict(world.agents)[agent]
        if live and now not in live:
            raise BrokenPromiseError(f"{agent} was in {where}, and is in {now}, not in {live[0]}")


def check_ids(stack: Stack, book: Book) -> None:
    """CloudFormation and the ledger agree on the physical id of each resource."""
    for held in stack.held:
        entry = book.entry(held.logical_id)
        if entry is None or entry.physical_id != held.physical_id:
            known = entry.physical_id if entry else None
            raise BrokenPromiseError(f"{held.logical_id} is {held.physical_id}, not {known}")
