"""Making the groups of a tree what is wanted, short of deleting any.

The plan is made from what is known, and made again when a call shows that this was not so: a name
that is taken, a group that is gone. What is not wanted any more is only marked as given up, for the
clean-up of the generation that it belonged to.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS, Refusal
from connect_hierarchy_lambda.connect.hierarchies import Group, GroupGoneError
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.messages import (
    HierarchyError,
    NoLongerWantedError,
    OutOfTimeError,
    listed,
)
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.overwritten import noted
from connect_hierarchy_lambda.model.ownership import (
    ADOPTED_TAG,
    DISPLACES_TAG,
    FORMERLY_ADOPTED,
    FOUND_TAG,
    KEY_TAG,
    LEFT,
    REQUEST_TAG,
    RETIRED_TAG,
    is_found_by,
)
from connect_hierarchy_lambda.model.plan import (
    Call,
    CarryAgents,
    Create,
    Delete,
    Present,
    PutAside,
    Rename,
    Tag,
    Untag,
    Wanted,
    topmost,
    waves,
)
from connect_hierarchy_lambda.model.tree_identity import given_up_by
from connect_hierarchy_lambda.resources.group_agents import carry_agents
from connect_hierarchy_lambda.resources.group_making import (
    NameTakenError,
    displaces_now,
    give_name_back,
    make_group,
    put_aside,
)
from connect_hierarchy_lambda.resources.group_naming import forget_displaced, rename_group
from connect_hierarchy_lambda.resources.group_tags import leave_again
from connect_hierarchy_lambda.resources.group_task import GroupTask, temporary_name
from connect_hierarchy_lambda.resources.progress import Progress
from connect_hierarchy_lambda.resources.tree_checks import TreeChecks
from connect_hierarchy_lambda.resources.tree_groups import (
    EMPTIED,
    GIVEN_UP,
    LISTED_BY_THEN,
    TreeGroups,
)
from connect_hierarchy_lambda.resources.tree_passing_on import (
    pass_on,
)
from connect_hierarchy_lambda.resources.tree_planning import TreePlanning, UnexpectedError
from connect_hierarchy_lambda.resources.tree_properties import TreeProperties

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grown:
    """What came of it.

    `ids` are those of the groups, by the marks of their keys. `given_up` are the topmost groups
    that are to go.
    """

    ids: Mapping[str, str]
    given_up: tuple[Group, ...] = ()


@dataclass
class TreeGrowth:
    """One way from the groups of one wish to those of another.

    `mark` stands for the generation that groups are given up from.
    """

    task: GroupTask
    old: TreeProperties
    wanted: TreeProperties
    mark: str
    groups: TreeGroups = field(init=False)
    planning: TreePlanning = field(init=False)
    takes_back: bool = False
    """Whether a run undoes what it did itself: then what it made is removed, and not given up."""

    _is_read: bool = False
    _marked: set[str] = field(default_factory=set)
    """Groups that this run has set apart."""

    _one_name_an_instance: bool = False
    _ids: dict[str, str] = field(default_factory=dict)
    _before_rename: dict[str, Group] = field(default_factory=dict)
    _left_alone: dict[str, str] = field(default_factory=dict)
    _misnamed: set[str] = field(default_factory=set)
    """Groups that a rollback can not give their names."""

    _waits_since: float | None = None
    """When a name was taken for the first time by what another resource may be about to free."""

    def __post_init__(self) -> None:
        self.groups = TreeGroups(self.task, self.old.names | self.wanted.names)
        self.planning = TreePlanning(self.task, self.old, self.wanted, self.mark, self.groups)

    @property
    def rolls_back(self) -> bool:
        """Whether the stack takes an operation back."""
        return self.planning.rolls_back

    @property
    def _doing(self) -> str:
        return f"updating the groups of {self.task.tree}"

    def set_apart(self) -> None:
        """Mark what an earlier tree of this name has left behind, before anything is made.

        The plan finds again what is wanted of it, and a Delete that takes a creation back leaves
        all of it where it is.
        """
        self._read_all()
        keys = {present.id: key for key, present in self.planning.now.kept.items()}

        def mark(group_id: str) -> None:
            group = self.groups.look_at(group_id)
            if group is None or self.planning.is_of_this_request(group.tags):
                return
            tags = {RETIRED_TAG: LEFT}
            if group_id in keys:
                tags = self.planning.found_tags(group, keys[group_id])
            elif tags.items() <= group.tags.items():
                return
            self._marked.add(group_id)
            # one that is gone by now stays behind no more
            with suppress(UnexpectedError):
                self._write_tags(group, Tag(group_id, "", tags))

        self.task.lanes.each([group.id for group in self.planning.left], mark)

    def carry_out(self) -> Grown:
        """Do it; HierarchyError where it can not be done."""
        try:
            grown = self._carry_out()
        except (OutOfTimeError, NoLongerWantedError):
            raise
        except HierarchyError:
            self._wait_until_shown()
            raise
        except UnexpectedError as error:
            self._wait_until_shown()
            raise HierarchyError(self._doing, str(error), "deploy again") from None
        self._wait_until_shown()
        return grown

    def _wait_until_shown(self) -> None:
        """Return when the request that takes this one back can tell what was made, and found."""
        self.groups.wait_until_listed()
        request = self.task.owner.request

        def wait(group: Group) -> None:
            marks = {key: group.tags[key] for key in (FOUND_TAG, RETIRED_TAG) if key in group.tags}
            self.task.wait_until_shown(group, marks)

        marked = [
            group
            for group in self.groups.own
            if is_found_by(request, group.tags) or group.id in self._marked
        ]
        self.task.lanes.each(marked, wait)

    def _carry_out(self) -> Grown:
        if not self._is_read:
            self._read_all()
        TreeChecks(self.planning).check()
        if self.rolls_back:
            for taken in self.planning.taken_away(self.wanted):
                self._left_alone[taken.key] = taken.group.id
                self.planning.stand_in(taken.key, taken.group)
        wait = self.task.wait(self._doing, "groups are not as they seemed")
        progress = Progress(self.task.schedule.clock)
        while True:
            try:
                calls = self._plan()
                progress.expect(len(calls))
                for wave in waves(calls, self.task.lanes.number):
                    self._perform_wave(wave)
                    progress.step(sum(map(len, wave)))
                    wait = self.task.wait(self._doing, "groups are not as they seemed")
                break
            except UnexpectedError as error:
                if wait.seconds >= 2 * STALE_SECONDS:
                    raise HierarchyError(self._doing, str(error), "deploy again") from None
                logger.info("planning again", extra={"why": str(error)})
                wait.pause(str(error))
                self._read()
        self._settle()
        given_up = () if self.takes_back else self._give_up()
        return Grown(dict(self._ids), given_up)

    def _read_all(self) -> None:
        changing = self.planning.changing
        if changing and not self.rolls_back:
            patience = LISTED_BY_THEN
            self.groups.read_with(changing, self.old.parent_id, patience, self._noted())
        else:
            self._read(0.0 if self.takes_back else LISTED_BY_THEN)
        self._is_read = True

    def _plan(self) -> list[Call]:
        calls, now = self.planning.plan(one_name_an_instance=self._one_name_an_instance)
        left_alone = {key: group_id for key, group_id in self._left_alone.items() if group_id}
        self._ids = {**left_alone, **{key: present.id for key, present in now.kept.items()}}
        return calls

    def _read(self, patience: float = 0.0) -> None:
        """Read; in a rollback also what the update made or took over, which may not show yet.

        That one may have died before it could wait for it, or may not have made it at all.
        """
        with self.task.wait(self._doing, "what the update made may not show yet") as wait:
            while True:
                self.groups.read(self._noted())
                if not self.rolls_back:
                    return
                missing = self.planning.former.new
                names = {self.old.by_mark[wanted.key].name for wanted in missing}
                self.groups.look_for(names, self.old.parent_id)
                if wait.seconds >= patience or not self.planning.former.new:
                    return
                wait.pause()

    def _noted(self) -> list[Group]:
        """The groups that an earlier run of this request made, which a search may not show yet."""
        wanted = {one.key: one for one in (*self.old.wanted, *self.wanted.wanted)}
        groups = []
        for group_id, note in self.task.request.notes.items():
            mark, _, parent_id = note.partition("/")
            if mark in wanted:
                above = ((parent_id, ""),) if parent_id else ()
                groups.append(
                    Group(
                        arn=str(GroupArn(self.wanted.instance_arn, group_id)),
                        id=group_id,
                        name=wanted[mark].name,
                        level_id="",
                        path=(*above, (group_id, wanted[mark].name)),
                        tags={**wanted[mark].tags, **self.task.owner.tags()},
                    )
                )
        return groups

    # the calls ----------------------------------------------------------------------------------

    def _perform_wave(self, wave: list[list[Call]]) -> None:
        refused: list[tuple[Wanted, Refusal]] = []

        def perform(strand: list[Call]) -> None:
            for call in strand:
                if not isinstance(call, Create):
                    self._perform(call)
                elif (refusal := self._create(call.wanted)) is not None:
                    refused.append((call.wanted, refusal))

        self.task.lanes.each(wave, perform)
        # those who have the names may have to make room: one after the other
        for wanted, refusal in refused:
            self._make_all_the_same(wanted, refusal)

    def _perform(self, call: Call) -> None:
        match call:
            case Rename():
                self._rename(self._looked_at(call.id), call.name)
            case PutAside():
                self._put_aside(self._looked_at(call.id))
            case Tag() | Untag():
                self._write_tags(self._looked_at(call.id), call)
            case CarryAgents():
                source, successor_id = self.groups.get(call.id), self._ids.get(call.key)
                # who joins it later is carried along in the clean-up
                if source is None or successor_id is None:
                    return
                if not self.groups.is_noted(EMPTIED, call.id):
                    carry_agents(self.task, source, successor_id)
                    self.groups.note(EMPTIED, call.id)
            case Delete():
                pass  # given up at the end

    def _write_tags(self, group: Group, call: Tag | Untag) -> None:
        try:
            if isinstance(call, Tag):
                self.task.hierarchy.tag_group(group.arn, call.tags)
                self.groups.retagged(group, dict(call.tags))
            else:
                self.task.hierarchy.untag_group(group.arn, call.keys)
                self.groups.retagged(group, {}, without=call.keys)
        except GroupGoneError as error:
            self.groups.forget(group.id)
            raise UnexpectedError(str(error)) from None

    def _looked_at(self, group_id: str) -> Group:
        """A group that is about to be written to, as the service tells it."""
        known = self.groups.get(group_id)
        group = self.groups.look_at(group_id)
        if group is None:
            msg = f"hierarchy group {quoted(known.name if known else group_id)} is gone"
            raise UnexpectedError(msg)
        return group

    def _create(self, wanted: Wanted) -> Refusal | None:
        """Make a group that is not there; the refusal where its name is taken."""
        if wanted.key in self._left_alone:
            return None
        if wanted.parent in self._left_alone:
            self._leave_alone(wanted)
            return None
        with self._or_leave_alone(wanted):
            parent_id = self._parent_id(wanted)
            tags = {**wanted.tags, **self.task.owner.tags()}
            made = self.task.hierarchy.create_group(wanted.name, parent_id, tags)
            if isinstance(made, Refusal):
                return made
            group_id = GroupArn.parse(made).group_id
            above = self.groups.get(parent_id) if parent_id is not None else None
            path = above.path if above else ((parent_id, ""),) if parent_id is not None else ()
            group = Group(
                arn=made,
                id=group_id,
                name=wanted.name,
                level_id="",
                path=(*path, (group_id, wanted.name)),
                tags=tags,
            )
            self.groups.made(group)
            self._ids[wanted.key] = group.id
        return None

    def _parent_id(self, wanted: Wanted) -> str | None:
        return self.wanted.parent_id if wanted.parent is None else self._ids[wanted.parent]

    @contextmanager
    def _or_leave_alone(self, wanted: Wanted) -> Iterator[None]:
        """In a rollback, let a group go that can not be had."""
        try:
            yield
        except (OutOfTimeError, NoLongerWantedError):
            raise
        except HierarchyError as error:
            if not self.rolls_back:
                raise
            logger.warning("it was not the tree's before either", extra={"why": str(error)})
            self._leave_alone(wanted)

    def _leave_alone(self, wanted: Wanted) -> None:
        """Take a group back that the tree did not have before, since somebody took it away.

        Whoever is at its place stays as it is, and so does what is below.
        """
        parent_id = self.wanted.parent_id
        if wanted.parent is not None:
            parent_id = self._ids.get(wanted.parent, "")
        self._left_alone[wanted.key] = ""
        for holder in self.task.hierarchy.groups_named(frozenset({wanted.name})):
            is_own = self.task.owner.is_same_resource(holder.owner)
            if holder.parent_id != parent_id or (is_own and holder.id in self._misnamed):
                continue
            self._left_alone[wanted.key] = self._ids[wanted.key] = holder.id
            if not is_own and any(group.parent_id == holder.id for group in self.groups.own):
                # what is below it is the tree's still, and is taken back as all else
                self.planning.stand_in(wanted.key, holder)
                msg = f"groups below {quoted(holder.name)} are the tree's"
                raise UnexpectedError(msg)

    def _make_all_the_same(self, wanted: Wanted, refusal: Refusal) -> None:
        """Make a group whose name is taken: of what has it, or in its place."""
        with self._or_leave_alone(wanted):
            parent_id = self._parent_id(wanted)
            self._check_own_holders(wanted.name, parent_id, str(refusal))
            moved_from = self.planning.former.kept.get(wanted.key)
            failed_id = self.task.request.failed_id
            now = self.task.schedule.clock.now()
            self._waits_since = now if self._waits_since is None else self._waits_since
            try:
                group = make_group(
                    self.task,
                    self.wanted.group(wanted, parent_id),
                    moved_from="" if moved_from is None else moved_from.id,
                    marks={KEY_TAG: wanted.key},
                    # not once more for each group
                    waited=now - self._waits_since,
                )
            finally:
                self.task.request.failed_id = failed_id
            # what was somebody else's a moment ago may seem to be so still to its Delete
            group = self.task.wait_until_shown(group)
            self.groups.made(group)
            self._ids[wanted.key] = group.id
            if any(one.parent_id == group.id for one in self.groups.own):
                # somebody had taken it away, and with it what is below it
                raise UnexpectedError(f"groups below {quoted(group.name)} are the tree's already")

    def _check_own_holders(self, name: str, parent_id: str | None, why: str) -> None:
        """Plan again where the name is taken by a group of the tree itself."""
        holders = self.task.hierarchy.groups_named(frozenset({name}))
        own = [group for group in holders if self.task.owner.is_same_resource(group.owner)]
        for group in own:
            self.groups.learn(group)
        there = {group.id for group in own if group.parent_id == parent_id}
        if there & self._misnamed:
            doing = f"creating hierarchy group {quoted(name)}"
            raise HierarchyError(doing, "another one of the tree could not give the name back")
        if there:
            raise UnexpectedError(why)
        if any(group.parent_id == parent_id for group in holders):
            return
        names = [node.name for node in self.wanted.tree.nodes]
        if own and len(set(names)) == len(names) and not self._one_name_an_instance:
            self._one_name_an_instance = True
            raise UnexpectedError(why)
        if own or not holders:
            # made a moment ago, by a call whose answer was lost: it shows up soon
            places = listed([group.path_of_names for group in own]) or "no group that shows"
            raise UnexpectedError(f"name {quoted(name)} is taken, by {places}")

    def _rename(self, group: Group, name: str) -> None:
        if group.id in self._misnamed:
            return
        # a rename that meets somebody writes down whom, over what an earlier update has written
        self._before_rename.setdefault(group.id, group)
        refusal = self.task.hierarchy.rename_group(group.id, name)
        if refusal is not None:
            self._check_own_holders(name, group.parent_id, str(refusal))
            try:
                rename_group(self.task, group, name)
            except NameTakenError as error:
                if not self.rolls_back:
                    raise
                logger.warning("the name is somebody else's now", extra={"why": str(error)})
                self._misnamed.add(group.id)
                return
            # it may have got a tag about whom it put aside
            self.groups.forget(group.id)
            renamed = self.task.hierarchy.group(group.id)
            if renamed is None:
                raise UnexpectedError(str(refusal))
            group = renamed
        self.groups.renamed(group, name)
        logger.info("renamed", extra={"group": group.arn, "to": name})

    def _put_aside(self, group: Group) -> None:
        put_aside(self.task, group)
        again = self.task.hierarchy.group(group.id)
        if again is not None and again.name != group.name:
            self.groups.learn(again)
        else:
            self.groups.renamed(group, temporary_name(self.task.owner, group.id))

    # after the calls ----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Bring up to date what our own tags say of the groups that stay."""
        for group_id in self._ids.values():
            group = self.groups.get(group_id)
            if group is None:
                continue
            held = group.tags.get(ADOPTED_TAG)
            mark = held
            if self.old.adopt_existing and not self.wanted.adopt_existing and held == "true":
                mark = FORMERLY_ADOPTED
            elif held == FORMERLY_ADOPTED and self.rolls_back and self.wanted.adopt_existing:
                mark = "true"
            if mark is not None and mark != held:
                self._perform(Tag(group_id, "", {ADOPTED_TAG: mark}))
            self._forget_notes(group)
            self._settle_displaced(self._before_rename.get(group_id, group))

    def _forget_notes(self, group: Group) -> None:
        """Nobody gives back any more what an earlier deployment has overwritten."""
        request = self.task.owner.request
        if group.tags.get(REQUEST_TAG) != request and not is_found_by(request, group.tags):
            self.task.hierarchy.untag_group(group.arn, sorted(noted(group.tags)))

    def _settle_displaced(self, group: Group) -> None:
        noted = group.tags.get(DISPLACES_TAG, "")
        if not noted:
            return
        if self.rolls_back:
            for old_key, present in self.planning.former.kept.items():
                if present.id == group.id:
                    give_name_back(self.task, noted, self.old.by_mark[old_key].name)
        elif displaces_now(self.task, noted):
            return
        forget_displaced(self.task, group)

    def _below_what_was_taken(self, kept: set[str]) -> list[Present]:
        """Groups that are found no more, since another resource has what they are below."""
        known = kept | {present.id for present in self.planning.former.kept.values()}
        below = {group.id for group in self.groups.below(self.groups.taken())} - known
        return [
            one
            for one in self.planning.presents()
            if one.id in below and self.planning.is_live(one)
        ]

    def _give_up(self) -> tuple[Group, ...]:
        """Mark what is not wanted any more; what belongs to another resource goes back to it."""
        going = self._going()
        if not going:
            return ()
        passed_on = pass_on(self.task, self.groups, [present.id for present in going])
        remaining = [present for present in going if present.id not in passed_on]
        given_up = (self._given_up(present) for present in topmost(remaining))
        return tuple(group for group in given_up if group is not None)

    def _going(self) -> list[Present]:
        """The groups of the old wish that are none of the new one's."""
        kept = set(self._ids.values())
        for present in self.planning.former.kept.values():
            if self.rolls_back and present.id not in kept and not self.planning.is_live(present):
                # the update that is taken back found it again, which may not show yet
                self.planning.look_once(present.id)
        going = [
            present
            for present in self.planning.former.kept.values()
            if present.id not in kept and self.planning.is_live(present)
        ]
        return going if self.rolls_back else going + self._below_what_was_taken(kept)

    def _given_up(self, present: Present) -> Group | None:
        """Mark a group for the clean-up; None where it has none to wait for."""
        known = self.groups.get(present.id)
        if known is not None and self.groups.is_noted(GIVEN_UP, present.id):
            return known
        group = self.groups.look_at(present.id)
        if group is None:
            return None
        if self.rolls_back and FOUND_TAG in group.tags:
            leave_again(self.task, group)
            self.groups.forget(group.id)
            return None
        tag = given_up_by(self.task.owner.request, self.mark)
        if group.tags.get(RETIRED_TAG) != tag:
            try:
                self._write_tags(group, Tag(group.id, "", {RETIRED_TAG: tag}))
            except UnexpectedError as error:
                # the run that had made it takes that back itself
                logger.info("nothing to give up", extra={"why": str(error)})
                return None
        self.groups.note(GIVEN_UP, group.id)
        return group
