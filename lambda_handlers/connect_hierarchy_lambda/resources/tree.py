"""`Custom::ConnectHierarchyTree`: many groups of an instance's hierarchy as one resource.

What each group needs is what a group of its own needs, see `resources.group`. An Update deletes
nothing: it gives groups up, by a tag, and answers the tree's next generation. The clean-up Delete
of the old generation removes them; an Update that takes the first one back takes the tags back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from connect_hierarchy_lambda.model.messages import (
    HierarchyError,
    NoLongerWantedError,
    OutOfTimeError,
)
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import (
    TreeReferencesProperty,
    digest_attribute,
    reference_attribute,
)
from connect_hierarchy_lambda.model.tree import Tree, digest
from connect_hierarchy_lambda.model.tree_identity import TreeId
from connect_hierarchy_lambda.resources.group_removal import MADE_UP_ID_PATIENCE, unless_unmade
from connect_hierarchy_lambda.resources.group_task import GroupTask
from connect_hierarchy_lambda.resources.request import Answer, Properties, Request
from connect_hierarchy_lambda.resources.run import Run
from connect_hierarchy_lambda.resources.tree_groups import TreeGroups
from connect_hierarchy_lambda.resources.tree_growing import Grown, TreeGrowth
from connect_hierarchy_lambda.resources.tree_properties import TreeProperties
from connect_hierarchy_lambda.resources.tree_removal import TreeRemoval

logger = logging.getLogger(__name__)

_PATIENCE = 1200.0
"""Seconds for searches to show what a tree has made."""


class Trees:
    """Create, update and delete of trees."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, request: Request) -> Answer:
        """Make the groups, find those that an earlier run made, or adopt."""
        wanted = TreeProperties.read(request.properties)
        task = self._task(request, wanted.instance_arn)
        tree_id = TreeId(wanted.instance_arn, request.logical_id, request.request_id)
        try:
            self._run.watch.look()
            growth = TreeGrowth(task, replace(wanted, tree=Tree()), wanted, tree_id.mark)
            growth.set_apart()
            # from here on its Delete has something to look for
            request.failed_id = str(tree_id)
            grown = growth.carry_out()
            self._run.watch.look_once_more()
        except NoLongerWantedError:
            # its Delete may be over already, so nobody else would
            if not self._is_recorded(request, str(tree_id)):
                TreeRemoval(task, wanted).remove_made_by(request.request_id)
            raise
        return _answer(wanted, str(tree_id), grown.ids)

    def update(self, request: Request) -> Answer:
        """Rename, tag, move, make and give up groups."""
        wanted = TreeProperties.read(request.properties)
        old = TreeProperties.read_earlier(request.old_properties, wanted)
        task = self._task(request, wanted.instance_arn)
        self._run.watch.look()
        is_reversed = task.rolls_back
        given = TreeId.parse(request.physical_id) or TreeId(
            old.instance_arn, request.logical_id, request.request_id
        )
        current = self._current(request) or given
        there = old
        if old.instance_arn != wanted.instance_arn:
            # nothing there is of the old wish; what is here goes with the old generation
            old = replace(old, instance_arn=wanted.instance_arn, parent_id=None, tree=Tree())
        try:
            grown = TreeGrowth(task, old, wanted, current.mark).carry_out()
            if is_reversed and there.instance_arn not in {wanted.instance_arn, given.instance_arn}:
                self._remove_elsewhere(request, there)
            self._run.watch.look_once_more()
        except NoLongerWantedError:
            # the reversed Update may be over already, so nobody else would; for one that is the
            # reversed Update, another run of the same event has answered
            if task.rolls_back and not is_reversed:
                self._take_back(task, old, wanted, given)
            raise
        return _answer(wanted, self._next_id(request, current, wanted, grown), grown.ids)

    def delete(self, request: Request) -> Answer:
        """Remove what was given up where the tree lives on, and everything where it does not."""
        answer = Answer(request.physical_id)
        try:
            properties = TreeProperties.read(request.properties)
        except HierarchyError as error:
            logger.info("nothing can have been made", extra={"why": str(error)})
            return answer
        if request.is_unmade:
            self._remove_of_earlier_runs(request, properties)
            return answer
        recorded = self._run.own_stack.resource(request.logical_id)
        if recorded is not None and recorded.outlives(request.physical_id):
            logger.warning("CloudFormation does not delete this, the tree stays")
            return answer
        given = TreeId.parse(request.physical_id)
        if given is None:
            self._delete_unanswered(request, properties)
            return answer
        removal = TreeRemoval(self._task(request, given.instance_arn), properties)
        current = TreeId.parse(recorded.physical_id) if recorded is not None else None
        if current is not None and _is_other_generation(current, given):
            removal.remove_given_up(given, current)
        else:
            removal.remove_all()
        return answer

    def _next_id(
        self, request: Request, current: TreeId, wanted: TreeProperties, grown: Grown
    ) -> str:
        """The same generation, unless there is something for a clean-up to remove."""
        same_instance = current.instance_arn == wanted.instance_arn
        if same_instance and not grown.given_up:
            return request.physical_id
        given_up = len(grown.given_up)
        return str(current.next(wanted.instance_arn, request.request_id, given_up))

    def _take_back(
        self, task: GroupTask, old: TreeProperties, wanted: TreeProperties, given: TreeId
    ) -> None:
        """Undo what an update did that was cancelled, where its reversed one did not see it."""
        # what was done is known only of groups that were made: all else is done once more
        made = {key: note for key, note in task.request.notes.items() if "/" in note}
        task = replace(task, request=replace(task.request, notes=made))
        TreeGrowth(task, wanted, old, given.mark, takes_back=True).carry_out()
        TreeRemoval(task, wanted).remove_made_by(task.request.request_id)

    def _remove_elsewhere(self, request: Request, there: TreeProperties) -> None:
        """Remove what a run that never answered has made on the instance that the tree went to."""
        task = self._task(request, there.instance_arn)
        try:
            TreeRemoval(task, there).remove_made_at_its_place()
        except OutOfTimeError:
            raise
        except HierarchyError as error:
            logger.warning("groups are left behind", extra={"why": str(error)})

    def _remove_of_earlier_runs(self, request: Request, properties: TreeProperties) -> None:
        """Remove what runs made before the one that failed, which itself has made nothing."""
        task = self._task(request, properties.instance_arn)
        with unless_unmade(request):
            TreeRemoval(task, properties).remove_made_by(task.given_group_id)

    def _delete_unanswered(self, request: Request, properties: TreeProperties) -> None:
        """Remove what a Create without an answer may have made, or may be about to make."""
        task = self._task(request, properties.instance_arn)
        doing = f"looking for groups of {task.tree} that nobody answered for"
        with task.wait(doing, "none so far") as wait:
            while True:
                removed = TreeRemoval(task, properties).remove_made_at_its_place()
                if removed or wait.seconds >= MADE_UP_ID_PATIENCE:
                    return
                wait.pause()

    def _current(self, request: Request) -> TreeId | None:
        """The generation that CloudFormation has on record."""
        recorded = self._run.own_stack.resource(request.logical_id)
        return TreeId.parse(recorded.physical_id) if recorded is not None else None

    def _is_recorded(self, request: Request, physical_id: str) -> bool:
        """Whether another run of the same event has answered, so that the groups are in use."""
        recorded = self._run.own_stack.resource(request.logical_id)
        return recorded is not None and recorded.physical_id == physical_id

    def _task(self, request: Request, instance_arn: str) -> GroupTask:
        return GroupTask.of(self._run, request, instance_arn)


class TreeReferences:
    """Ids of groups of a tree that its own answer has no room for; it makes nothing."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, request: Request) -> Answer:
        """Look the groups up."""
        return self._look_up(request, f"{request.logical_id}/{request.request_id}")

    def update(self, request: Request) -> Answer:
        """Look the groups up."""
        return self._look_up(request, request.physical_id)

    def delete(self, request: Request) -> Answer:
        """Nothing was made."""
        return Answer(request.physical_id)

    def _look_up(self, request: Request, physical_id: str) -> Answer:
        doing = f"looking up groups for {quoted(request.logical_id)}"
        properties = Properties(request.properties)
        marks = properties.texts(TreeReferencesProperty.REFERENCES)
        tree = TreeId.parse(properties.text(TreeReferencesProperty.TREE))
        if tree is None:
            raise HierarchyError(doing, "Tree is not the id of a tree", "correct the template")
        request_of_tree = replace(request, logical_id=tree.logical_id)
        task = GroupTask.of(self._run, request_of_tree, tree.instance_arn)
        digest_wanted = properties.text(TreeReferencesProperty.DIGEST)
        groups = TreeGroups(task, frozenset())
        with task.wait(doing, "they do not show yet") as wait:
            while True:
                groups.read()
                ids = groups.live_ids(frozenset(marks))
                if digest(ids, marks) == digest_wanted:
                    return Answer(physical_id, _attributes(ids, marks))
                if wait.seconds >= _PATIENCE:
                    raise HierarchyError(doing, "they are not what the tree made", "deploy again")
                missing = sum(mark not in ids for mark in marks)
                wait.pause(f"{missing} of {len(marks)} do not show yet")


def _is_other_generation(current: TreeId, given: TreeId) -> bool:
    """Whether the tree goes on at its place in another generation."""
    return current.instance_arn == given.instance_arn and current.generation != given.generation


def _answer(wanted: TreeProperties, physical_id: str, ids: Mapping[str, str]) -> Answer:
    data = {}
    for number, marks in enumerate(wanted.references):
        if number:
            data[digest_attribute(number)] = digest(ids, marks)
        else:
            data |= _attributes(ids, marks)
    return Answer(physical_id, data)


def _attributes(ids: Mapping[str, str], marks: Iterable[str]) -> dict[str, str]:
    return {reference_attribute(mark): ids[mark] for mark in marks if mark in ids}
