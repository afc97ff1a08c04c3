"""Deleting, releasing or handing back the group of a resource that leaves its stack."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS, Refusal
from connect_hierarchy_lambda.connect.hierarchies import Agent, Group
from connect_hierarchy_lambda.connect.own_stack import StackState
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import DISPLACES_TAG, FOUND_TAG
from connect_hierarchy_lambda.model.properties import (
    AgentsOnDelete,
    GroupProperty,
    ResourceType,
)
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.resources.group_agents import carry_agents
from connect_hierarchy_lambda.resources.group_making import (
    MADE,
    give_name_back,
    give_names_back,
)
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.group_tags import leave_again, write_tags_of_before
from connect_hierarchy_lambda.resources.group_task import TEMPORARY_NAME, GroupTask
from connect_hierarchy_lambda.resources.request import Request
from connect_hierarchy_lambda.resources.tree_passing_on import give_back

logger = logging.getLogger(__name__)

SHOWN_BY_THEN = 30.0
"""Seconds that a read may take to show what was written."""

_STACK_GOES = "DELETE_IN_PROGRESS"

MADE_UP_ID_PATIENCE = 30.0
"""Seconds to look for the group of a Create that CloudFormation gave up and that may still run."""


def remove_group(task: GroupTask, group_id: str) -> None:
    """Delete the group if it is ours; what is somebody else's stays."""
    state = task.own_stack.state()
    group = _known_owner(task, group_id, state)
    if group is None:
        logger.info("the group is gone already")
    elif state.status != _STACK_GOES and _stays_with_another(
        # a second run of the event may come when the clean-up is over
        task,
        group,
        as_it_was=state.rolls_back,
    ):
        return
    elif group.owner is None:
        logger.warning("the group has no owner any more, it stays", extra={"group": group.arn})
    elif not group.owner.is_same_resource(task.owner):
        logger.info("the group has another owner, it stays", extra={"group": group.arn})
    elif state.takes_back and FOUND_TAG in group.tags:
        logger.info("the group goes back to where it was left", extra={"group": group.arn})
        leave_again(task, group)
    elif state.takes_back and give_back(task, group):
        return
    elif group.owner.adopted and (state.rolls_back or _successor(task, group) is None):
        release_group(task, group, as_it_was=state.rolls_back)
    else:
        policy = task.request.properties.get(GroupProperty.AGENTS_ON_DELETE, AgentsOnDelete.FAIL)
        delete_group(task, group, policy, lambda: _successor(task, group))
        if state.rolls_back and DISPLACES_TAG in group.tags:
            give_name_back(task, group.tags[DISPLACES_TAG], group.name)


def release_group(task: GroupTask, group: Group, *, as_it_was: bool = False) -> None:
    """Take our tags from a group that was adopted; `as_it_was` undoes what adoption overwrote."""
    if as_it_was:
        write_tags_of_before(task, group, group.tags)
    logger.info("releasing the adopted group", extra={"group": group.arn})
    ours = [key for key in group.tags if key.startswith(RESERVED_PREFIX)]
    task.hierarchy.untag_group(group.arn, ours)


def remove_unanswered(task: GroupTask, wanted: GroupProperties) -> None:
    """Remove what a Create without an answer may have made, or may be about to make.

    An id of ours says which request it was; one that CloudFormation made up does not, but no other
    group of this resource stands at its place.
    """
    patience = 0.0 if task.request.is_unmade else MADE_UP_ID_PATIENCE
    with task.wait("looking for a group that nobody answered for", "none so far") as wait:
        while True:
            made = [group for group in task.own_groups(wanted) if _is_made(task, group, wanted)]
            for group in made:
                remove_group(task, group.id)
            if made or wait.seconds >= patience:
                break
            wait.pause()
    if not made:
        give_names_back(task, wanted.name)


@contextmanager
def unless_unmade(request: Request) -> Iterator[None]:
    """Let the Delete of a creation go that says itself that it has left nothing behind.

    What it met, a wrong instance or a role that may not read, its Delete meets as well.
    """
    try:
        yield
    except OutOfTimeError:
        raise
    except HierarchyError as error:
        if not request.is_unmade:
            raise
        logger.warning("nothing was looked for", extra={"why": str(error)})


def _is_made(task: GroupTask, group: Group, wanted: GroupProperties) -> bool:
    if task.request.is_unmade:
        return group.owner is not None and group.owner.request == task.given_group_id
    # another resource of the stack may have put it aside
    is_named = group.name == wanted.name or group.name.startswith(TEMPORARY_NAME)
    return is_named and group.parent_id == wanted.parent_id


def undo_creation(task: GroupTask, wanted: GroupProperties) -> None:
    """Remove what this very request has made or taken, since nobody waits for it any more."""
    # one that an earlier run made may not show yet, other than by its id
    noted = [task.hierarchy.group(group_id) for group_id in task.request.noted(MADE)]
    made = {group.id: group for group in noted if group is not None}
    made |= {group.id: group for group in task.own_groups(wanted)}
    for group in made.values():
        made_here = group.owner is not None and group.owner.request == task.owner.request
        # another run of the same event may have answered, then the group is in use
        answered = task.request.logical_id in task.own_stack.resources_with(group.arn)
        if made_here and not answered and not _stays_with_another(task, group):
            remove_group(task, group.id)


def _known_owner(task: GroupTask, group_id: str, state: StackState) -> Group | None:
    """The group, read till it shows an owner; one without may have got it a moment ago.

    In a rollback, and where the whole stack goes, also till it shows this resource, which may have
    taken it from another of the stack a moment ago, and noted what it overwrote.
    """
    may_be_taken = state.rolls_back or state.status == _STACK_GOES
    with task.wait(f"reading hierarchy group {group_id}", "it has no owner") as wait:
        while True:
            group = task.hierarchy.group(group_id)
            if group is None or task.owner.is_same_resource(group.owner):
                return group
            patience = STALE_SECONDS if group.owner is None else 0.0
            if may_be_taken and task.is_of_stack(group):
                patience = SHOWN_BY_THEN
            if wait.seconds >= patience:
                return group
            wait.pause()


def _stays_with_another(task: GroupTask, group: Group, *, as_it_was: bool = False) -> bool:
    """Whether another resource of the stack has the group, as its owner then.

    `as_it_was` undoes what this resource overwrote when it took the group over.

    It passed to that one in this update, or goes back to it. Tags may be too old a moment after
    they were written, so CloudFormation is asked: its record of who has which physical id decides
    whether a group lives on.
    """
    holders = task.own_stack.resources_with(group.arn)
    others = [name for name in holders if name != task.request.logical_id]
    if not others:
        return False
    logger.info("the group stays with another resource", extra={"resource": others[0]})
    adopted = group.owner is not None and group.owner.adopted
    owner = replace(task.owner, resource=others[0], adopted=adopted)
    task.hierarchy.tag_group(group.arn, owner.tags())
    if as_it_was:
        write_tags_of_before(task, group, group.tags)
    return True


def _successor(task: GroupTask, group: Group) -> Group | None:
    """Where this Delete ends a move, or takes one back: the group that stays."""
    recorded_id = task.recorded_group_id
    if recorded_id in {"", group.id}:
        return None
    recorded = task.hierarchy.group(recorded_id, doubt_absence=False)
    is_ours = recorded is not None and task.owner.is_same_resource(recorded.owner)
    return recorded if is_ours else None


def delete_group(
    task: GroupTask,
    group: Group,
    policy: str,
    successor: Callable[[], Group | None],
    patience: float = STALE_SECONDS,
) -> None:
    """Delete a group once it is empty, which agents may have to leave for.

    Those of a group that was moved follow it to its `successor`. HierarchyError where something
    has been in the way for `patience` seconds.
    """
    hierarchy = task.hierarchy
    doing = f"deleting hierarchy group {quoted(group.name)}"
    is_looked_at = False
    with task.wait(doing, "it is in use") as wait:
        while True:
            refusal = hierarchy.delete_group(group)
            if refusal is None:
                logger.info("deleted", extra={"group": group.arn})
                return
            agents = hierarchy.agents(group.id)
            follows = successor() if agents else None
            # agents leave only a group that can go: not one that children hold
            may_leave = agents and not hierarchy.children(group.id)
            if follows is not None:
                carry_agents(task, group, follows.id)
            elif may_leave and policy == AgentsOnDelete.UNASSIGN:
                carry_agents(task, group, None)
            elif may_leave and policy == AgentsOnDelete.MOVE_TO_PARENT and group.parent_id:
                if not is_looked_at:
                    _check_way_up(task, group, agents, doing)
                    is_looked_at = True
                carry_agents(task, group, group.parent_id)
            elif wait.seconds >= patience:
                raise _blocked(task, group, agents, refusal, doing)
            wait.pause(str(refusal))


def _check_way_up(task: GroupTask, group: Group, agents: list[Agent], doing: str) -> None:
    """Refuse to move agents up where the whole stack goes and a group above lets none go.

    Else they would climb from group to group and be stuck at the last one.
    """
    if task.own_stack.state().status != _STACK_GOES:
        return
    for group_id, name in reversed(group.path[:-1]):
        above = task.hierarchy.group(group_id)
        if above is None or not task.is_of_stack(above) or above.owner is None:
            return
        declared = task.own_stack.declared(above.owner.resource)
        if declared.get("Type") != ResourceType.GROUP:
            return
        stays = above.owner.adopted or declared.get("DeletionPolicy", "Delete") != "Delete"
        properties = declared.get("Properties", {})
        policy = properties.get(GroupProperty.AGENTS_ON_DELETE, AgentsOnDelete.FAIL)
        if stays or policy == AgentsOnDelete.UNASSIGN:
            return
        if policy == AgentsOnDelete.FAIL:
            raise HierarchyError(
                doing,
                f"{_counted(agents)}, and {quoted(name)} above goes too and lets no agents go",
                "move them to a group that stays, then delete again",
            )


def _counted(agents: list[Agent]) -> str:
    names = listed([quoted(agent.username) for agent in agents])
    return f"{len(agents)} agent(s) are in it: {names}"


def _blocked(
    task: GroupTask, group: Group, agents: list[Agent], refusal: Refusal, doing: str
) -> HierarchyError:
    if agents:
        return HierarchyError(
            doing,
            _counted(agents),
            "move them, or set agents_on_delete and deploy, then delete",
        )
    children = listed([quoted(child.name) for child in task.hierarchy.children(group.id)])
    if children:
        return HierarchyError(
            doing,
            f"it has child groups: {children}",
            "delete or move those first; the group stays as it is",
        )
    return HierarchyError(doing, str(refusal), "find what uses the group, then delete again")
