"""Ending a task: its answer, and what the ledger knows of the resource from then on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connect_hierarchy_lambda.core.decisions import Ask, Done
from connect_hierarchy_lambda.core.direction import Course, Goal
from connect_hierarchy_lambda.core.repair import is_from_repair
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.engine.task import Answer, Task
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.model.ledger import Entry, IdChange, LastWish, RequestType

logger = logging.getLogger(__name__)


class Answering:
    """Puts answers together and writes them down."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._memory = turns.memory

    def answer(self, task: Task, view: View, done: Done) -> Answer | Ask:
        """The answer, once it is written to the ledger; or the questions that come before."""
        entry, course = self._memory.entry, self._memory.course
        assert entry is not None and course is not None  # noqa: S101, PT018 - it has begun
        if task.repair is not None:
            gone = task.repair.overlay.gone(self._memory.records)
            self._write(view, done, entry, forgotten=gone)
            return Answer(entry.physical_id)
        answer = task.answer(view, done.groups)
        if isinstance(answer, Ask):
            return answer
        forward, group = entry.forward, done.groups.get("")
        if view.goes_back and forward and forward.physical_id_before and is_from_repair(group):
            # to CloudFormation nothing changed, including the properties that refer to this id
            answer = replace(answer, physical_id=forward.physical_id_before)
        ended, wish = _ended(entry, task, course, answer), _last_wish(entry, task, course)
        self._write(view, done, ended, **({} if wish is None else {"wish": wish}))
        return answer

    def _write(self, view: View, done: Done, entry: Entry, **further: Any) -> None:
        """Write down which group each node has now, and which ids changed."""
        ids = {key: record.id for key, record in done.groups.items()}
        changes = self._id_changes(view, entry.ids, ids)
        self._turns.write(entry=replace(entry, ids=ids or entry.ids), changes=changes, **further)

    def _id_changes(
        self, view: View, before: Mapping[str, str], ids: Mapping[str, str]
    ) -> list[IdChange]:
        """The nodes whose groups have other ids than after the last successful request."""
        now = self._memory.clock.now()
        changes = []
        for key, group_id in ids.items():
            if before.get(key, group_id) == group_id:
                continue
            node, resource = view.wish.by_key[key], view.resource.logical_id
            path = " / ".join(node.path)
            changes.append(IdChange(now, resource, node.written_key, path, before[key], group_id))
            told = {"path": path, "old_id": before[key], "new_id": group_id}
            logger.info("id changed", extra=told)
        return changes


def _ended(entry: Entry, task: Task, course: Course, answer: Answer) -> Entry:
    """The entry of a resource once its request is answered."""
    told = {"PhysicalResourceId": answer.physical_id, "Data": dict(answer.data)}
    latest = replace(entry.begun[-1], answer=told)
    entry = replace(entry, begun=(*entry.begun[:-1], latest), since={})
    if task.event.type is not RequestType.DELETE:
        entry = replace(entry, digest=task.event.digest)
    match course.direction:
        case Direction.FORWARD:
            return replace(entry, established=True, physical_id=answer.physical_id)
        case Direction.BACK if task.event.type is RequestType.UPDATE:
            return replace(entry, physical_id=answer.physical_id, forward=None)
        case Direction.BACK if course.goal is Goal.BEFORE and entry.forward is not None:
            return replace(
                entry,
                physical_id=entry.forward.physical_id_before,
                digest=entry.forward.digest_before,
                forward=None,
            )
        case Direction.BACK | Direction.GONE:
            return replace(entry, established=False, physical_id="", forward=None)
        case _:
            return entry


def _last_wish(entry: Entry, task: Task, course: Course) -> LastWish | None:
    """What a later repair brings back; None if that did not change."""
    if task.event.type is not RequestType.DELETE:
        return task.kept
    goes_before = course.direction is Direction.BACK and course.goal is Goal.BEFORE
    if goes_before and entry.forward is not None and task.kept is not None:
        return replace(task.kept, properties=entry.forward.properties_before)
    return None
