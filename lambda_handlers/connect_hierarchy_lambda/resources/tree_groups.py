"""The groups of a tree as far as they are known: read once, and corrected by what follows.

A search tells everything about a hundred groups in one call, and lags. So its answer is held
against the list of all groups, which tells only names; what has changed lately and is in one of the
two alone is looked at by itself. What this run has written, or has read of a single group, wins
over both from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS
from connect_hierarchy_lambda.connect.hierarchies import Group, GroupSummary
from connect_hierarchy_lambda.model.ownership import FORMER_TAG, KEY_TAG, RETIRED_TAG
from connect_hierarchy_lambda.resources.group_task import TEMPORARY_NAME, GroupTask

logger = logging.getLogger(__name__)

_LATELY = 1200.0
"""Seconds that a search may lag; what is older than that shows up in it."""


_UNTIL_LISTED = 60.0
LISTED_BY_THEN = 30.0
"""Seconds that a list may take to show a group: who made it has waited for it, but in vain where
reads began to lag only then."""

_IN_NOTE = "/"

CHECKED = "done/checked"
"""Noted once nothing was found in the way."""

GONE = "gone"
LOOKED_AT = "looked-at"
NAMED = "named"
TAGGED = "tagged"
EMPTIED = "emptied"
GIVEN_UP = "given-up"
"""What is noted about a group for the next run of the same request, which need not do it again."""


class TreeGroups:
    """The groups that a tree owns."""

    def __init__(self, task: GroupTask, names: frozenset[str]) -> None:
        self._task = task
        self._names = names
        self._own: dict[str, Group] = {}
        self._certain: dict[str, Group | None] = {}
        self._listed: dict[str, GroupSummary] = {}
        self._seen: dict[str, Group] = {}
        self._of_stack: set[str] = set()
        """Of those that were looked at, the ones of other resources of the stack."""

    @property
    def own(self) -> list[Group]:
        """All of them, in the order of their ids."""
        # in one go: others of the same run may take some down meanwhile
        return [group for _, group in sorted(self._own.items())]

    def get(self, group_id: str) -> Group | None:
        """One of them, None if it is none."""
        return self._own.get(group_id)

    @property
    def pages(self) -> int:
        """How many pages a search for all groups of the instance has."""
        return len(self._listed) // 100 + 1

    def is_certain(self, group_id: str) -> bool:
        """Whether this run has read this group by itself, or written it."""
        return group_id in self._certain

    def wait_until_listed(self) -> None:
        """Return when the list shows every group that this request has made.

        The request that takes this one back may come right after it, and has nothing else to find
        them by.
        """
        made = {key for key in self._task.request.notes if _IN_NOTE not in key}
        wait = self._task.wait(f"making groups of {self._task.tree}", "not all of them show yet")
        while made and wait.seconds < _UNTIL_LISTED:
            listed = {summary.id for summary in self._task.hierarchy.group_summaries()}
            gone = {group_id for group_id in made if self._certain.get(group_id, 1) is None}
            if made - gone <= listed:
                return
            wait.pause()

    def note(self, what: str, group_id: str) -> None:
        """Note for this run, and for the next of the same request, what was done to a group."""
        self._task.request.notes[f"{what}{_IN_NOTE}{group_id}"] = ""

    def is_noted(self, what: str, group_id: str) -> bool:
        """Whether this run, or an earlier one of the same request, has done this to a group."""
        notes = self._task.request.notes
        # what was made has its name and its tags
        made = what in {NAMED, TAGGED} and group_id in notes
        return made or f"{what}{_IN_NOTE}{group_id}" in notes

    def noted(self, what: str) -> list[str]:
        """The ids of the groups that this was noted about."""
        return self._task.request.noted(f"{what}{_IN_NOTE}")

    def read(self, noted: Iterable[Group] = ()) -> None:
        """Read all of them; what is certain already stays so.

        `noted` are groups that an earlier run of the same request has made.
        """
        hierarchy = self._task.hierarchy
        with self._task.wait(
            f"reading groups of {self._task.tree}", "search and list differ"
        ) as wait:
            while True:
                listed = {
                    summary.id: summary
                    for summary in hierarchy.group_summaries()
                    if not self.is_noted(GONE, summary.id)
                }
                seen = {
                    group.id: group for group in hierarchy.groups_of_stack(self._task.owner.stack)
                }
                found = {
                    group.id: group
                    for group in seen.values()
                    if self._is_own(group) and not self.is_noted(GONE, group.id)
                }
                unlisted = [
                    group
                    for group in found.values()
                    if group.id not in listed and self._is_late(group.modified_at)
                ]
                unlisted = [group for group in unlisted if group.id not in self._certain]
                if not unlisted or wait.seconds >= STALE_SECONDS:
                    break
                wait.pause()
        self._listed, self._seen = listed, seen
        self._own = {
            group.id: _called(group, listed[group.id].name)
            for group in found.values()
            if group.id in listed
        }
        for made in noted:
            # one made a moment ago does not have to be in the list yet
            if made.id not in found:
                name = listed[made.id].name if made.id in listed else made.name
                self._own[made.id] = _called(made, name)
        for summary in self._new_ones(listed.values(), {*seen, *self._own}):
            group = hierarchy.group(summary.id, doubt_absence=False)
            if group is not None and self._is_own(group):
                self._own[group.id] = group
        for group_id, certain in self._certain.items():
            self._put(group_id, certain)

    def look_for(self, names: AbstractSet[str], root_id: str | None) -> None:
        """Look at every group of these names that may be the tree's and does not show it yet.

        It became so a moment ago, by tags that the search does not show. Where it shows the group
        at all, it shows whether it is in the tree, or right below `root_id`.
        """
        known = -1
        while len(self._own) > known:
            # what is found may have others below it, which the list can tell of before
            known = len(self._own)
            for summary in self._listed.values():
                is_known = summary.id in self._own or summary.id in self._certain
                if summary.name not in names or is_known:
                    continue
                seen = self._seen.get(summary.id)
                if seen is None or seen.parent_id == root_id or seen.parent_id in self._own:
                    self.look_at(summary.id)

    def read_with(
        self,
        nodes: Mapping[str, str],
        root_id: str | None,
        patience: float = 0.0,
        noted: Iterable[Group] = (),
    ) -> None:
        """Read, and look for nodes that may not show yet as the tree's.

        For so many seconds of patience it is read once more while one shows nowhere: it may have
        been made a moment ago. `nodes` are names by the marks of keys, `noted` as of `read`.
        """
        doing = f"reading groups of {self._task.tree}"
        with self._task.wait(doing, "not all of them show yet") as wait:
            while True:
                self.read(noted)
                present = {group.tags.get(KEY_TAG) for group in self.own}
                missing = {name for mark, name in nodes.items() if mark not in present}
                self.look_for(missing, root_id)
                listed = {summary.name for summary in self._listed.values()}
                taken = [
                    group_id
                    for group_id, summary in self._listed.items()
                    if group_id in self._of_stack and summary.name in missing
                ]
                if (missing <= listed and not taken) or wait.seconds >= patience:
                    return
                for group_id in taken:
                    # the tree may have taken it over a moment ago
                    self._certain.pop(group_id, None)
                wait.pause()

    def _new_ones(self, listed: Iterable[GroupSummary], found: Iterable[str]) -> list[GroupSummary]:
        """Groups that a search may not show yet."""
        known = {*found, *self._certain}
        return [
            summary
            for summary in listed
            if summary.id not in known
            and self._is_late(summary.modified_at)
            and (summary.name in self._names or summary.name.startswith(TEMPORARY_NAME))
        ]

    def made(self, group: Group) -> None:
        """Take down that a group was made, or taken over."""
        self._task.request.notes[group.id] = (
            f"{group.tags.get(KEY_TAG, '')}/{group.parent_id or ''}"
        )
        self.learn(group)

    def learn(self, group: Group) -> None:
        """Take down what was read of one group."""
        self._certain[group.id] = group
        self._put(group.id, group)

    def forget(self, group_id: str) -> None:
        """Take down that a group is gone, or somebody else's."""
        self._certain[group_id] = None
        self._put(group_id, None)

    def deleted(self, group_id: str) -> None:
        """Take down that a group was deleted."""
        self.note(GONE, group_id)
        self.forget(group_id)

    def look_at(self, group_id: str) -> Group | None:
        """One of them as the service tells it, once a run; None if it is gone or not the tree's."""
        if group_id not in self._certain:
            group = self._task.hierarchy.group(group_id)
            self._of_stack.discard(group_id)
            if group is None or not self._is_own(group):
                self.forget(group_id)
                if group is not None and self._task.is_of_stack(group):
                    self._of_stack.add(group_id)
            else:
                self.learn(group)
        return self._certain[group_id]

    def retagged(self, group: Group, tags: dict[str, str], *, without: Iterable[str] = ()) -> Group:
        """Take down that tags were written, and give the group as it is now."""
        gone = set(without)
        changed = {k: v for k, v in {**group.tags, **tags}.items() if k not in gone}
        group = replace(group, tags=changed)
        self.note(TAGGED, group.id)
        self.learn(group)
        return group

    def renamed(self, group: Group, name: str) -> Group:
        """Take down that a group was renamed, and give it as it is now."""
        group = _called(group, name)
        self.note(NAMED, group.id)
        self.learn(group)
        return group

    def marked(self, tag: str) -> list[Group]:
        """Those that were given up with a tag that begins so, looked at anew."""
        marked = []
        for seen in [one for one in self.own if one.tags.get(RETIRED_TAG, "").startswith(tag)]:
            group = self._task.hierarchy.group(seen.id)
            if group and self._is_own(group) and group.tags.get(RETIRED_TAG, "").startswith(tag):
                self.learn(group)
                marked.append(group)
        return marked

    def taken(self, tag: str = "") -> list[Group]:
        """Those that another resource has taken, or only those given up before, as of `marked`.

        What was done in the last moments may be missing.
        """
        begins = f"{self._task.owner.resource}/"
        return [
            group
            for group in self._seen.values()
            if group.tags.get(FORMER_TAG, "").startswith(begins)
            and group.tags[FORMER_TAG].rpartition("/")[-1].startswith(tag)
            and not self._is_own(group)
        ]

    def below(self, groups: Iterable[Group]) -> list[Group]:
        """Those that are some of these groups, or below one."""
        ids = {group.id for group in groups}
        return [g for g in self.own if any(group_id in ids for group_id, _ in g.path)]

    def live_ids(self, marks: frozenset[str]) -> dict[str, str]:
        """The ids of the groups of these keys, without those that were given up."""
        gone = {group.id for group in self.own if RETIRED_TAG in group.tags}
        live = [
            group
            for group in sorted(self.own, key=lambda group: group.modified_at)
            if not any(group_id in gone for group_id, _ in group.path)
        ]
        ids = {group.tags.get(KEY_TAG, ""): group.id for group in live}
        return {mark: ids[mark] for mark in ids.keys() & marks}

    def _put(self, group_id: str, group: Group | None) -> None:
        if group is None or not self._is_own(group):
            self._own.pop(group_id, None)
        else:
            self._own[group_id] = group

    def _is_own(self, group: Group) -> bool:
        return self._task.owner.is_same_resource(group.owner)

    def _is_late(self, modified_at: float) -> bool:
        return modified_at > self._task.schedule.clock.now() - _LATELY


def _called(group: Group, name: str) -> Group:
    """The group with another name."""
    return replace(group, name=name, path=(*group.path[:-1], (group.id, name)))
