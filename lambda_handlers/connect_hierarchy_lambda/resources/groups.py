"""Single groups, trees and references to a tree's groups: event to wish, outcome to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from connect_hierarchy_lambda.core.decisions import Ask
from connect_hierarchy_lambda.core.facts import LookAt
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.model.ledger import Phase, Record, RequestType
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import (
    GroupAttribute,
    TreeReferencesProperty,
    digest_attribute,
    reference_attribute,
)
from connect_hierarchy_lambda.model.tree import digest
from connect_hierarchy_lambda.model.tree_identity import TreeId
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.resources.request import Properties, Request, task_of
from connect_hierarchy_lambda.resources.wishes import (
    references_of_tree,
    wish_of_group,
    wish_of_tree,
)


class Groups:
    """Serves `Custom::ConnectHierarchyGroup`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def serve(self, request: Request) -> Answer:
        """Carry the request out."""
        return self._engine.carry_out(task_of(request, wish_of_group, _answer_of_group))


class Trees:
    """Serves `Custom::ConnectHierarchyTree`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def serve(self, request: Request) -> Answer:
        """Carry the request out."""

        def answer(view: View, groups: Mapping[str, Record]) -> Answer:
            if request.type == RequestType.DELETE:
                return Answer(request.physical_id)
            return _answer_of_tree(view, groups, references_of_tree(request.properties))

        task = task_of(request, wish_of_tree, answer)
        return self._engine.carry_out(replace(task, resource=replace(task.resource, is_tree=True)))


class TreeReferences:
    """Serves `Custom::ConnectHierarchyTreeReferences`: ids that do not fit into a tree's answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def serve(self, request: Request) -> Answer:
        """Read the ids from the ledger. Nothing is created, so nothing is deleted."""
        if request.type == RequestType.DELETE:
            return Answer(request.physical_id)
        doing = f"looking up groups for {quoted(request.logical_id)}"
        properties = Properties(request.properties)
        marks = properties.texts(TreeReferencesProperty.REFERENCES)
        tree = TreeId.parse(properties.text(TreeReferencesProperty.TREE))
        if tree is None:
            raise HierarchyError(doing, "Tree is not the id of a tree", "correct the template")
        ids = {
            record.key: record.id
            for record in self._ledger.records().values()
            if record.resource == tree.logical_id and record.phase is Phase.LIVE
        }
        if missing := [mark for mark in marks if mark not in ids]:
            raise HierarchyError(
                doing,
                f"the ledger does not know {len(missing)} of {len(marks)} groups of the tree",
                f"change {tree.logical_id}, for example its tags, and deploy again",
            )
        physical_id = request.physical_id or f"{request.logical_id}/{request.request_id}"
        return Answer(physical_id, _attributes(ids, marks))


def _answer_of_group(view: View, groups: Mapping[str, Record]) -> Answer | Ask:
    record = groups.get("")
    if record is None:
        return Answer(view.physical_id)
    path = _path(view, record)
    if isinstance(path, Ask):
        return path
    return Answer(
        record.arn,
        {
            GroupAttribute.HIERARCHY_GROUP_ID: record.id,
            GroupAttribute.HIERARCHY_GROUP_ARN: record.arn,
            GroupAttribute.LEVEL_ID: str(len(path)),
            GroupAttribute.PATH: " / ".join(path),
        },
    )


def _path(view: View, record: Record) -> tuple[str, ...] | Ask:
    """The names from level one down, from the ledger as far as it knows the groups above."""
    names = [record.name]
    parent_id = record.parent_id
    while parent_id is not None:
        above = view.records.get(parent_id)
        if above is None:
            question = LookAt(record.instance_arn, parent_id)
            if not view.facts.knows(question):
                return Ask((question,))
            group = view.facts.group(question)
            return (*(name for _, name in group.path), *names) if group else tuple(names)
        names.insert(0, above.name)
        parent_id = above.parent_id
    return tuple(names)


def _answer_of_tree(
    view: View, groups: Mapping[str, Record], references: tuple[tuple[str, ...], ...]
) -> Answer:
    ids = {key: record.id for key, record in groups.items()}
    data: dict[str, str] = {}
    for number, marks in enumerate(references):
        if number:
            data[digest_attribute(number)] = digest(ids, marks)
        else:
            data |= _attributes(ids, marks)
    return Answer(_id_of_tree(view), data)


def _id_of_tree(view: View) -> str:
    """The same id, unless there is something for a clean-up to delete."""
    given = TreeId.parse(view.physical_id)
    is_here = given is not None and given.instance_arn == view.wish.instance_arn
    if is_here and not any(r.phase is Phase.RETIRED for r in view.own):
        return view.physical_id
    return str(TreeId(view.wish.instance_arn, view.resource.logical_id, view.request))


def _attributes(ids: Mapping[str, str], marks: Iterable[str]) -> dict[str, str]:
    return {reference_attribute(mark): ids[mark] for mark in marks if mark in ids}
