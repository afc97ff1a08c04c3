"""`Custom::ConnectHierarchyStructure`: the levels of an instance.

The service has one call for it, which replaces all levels, and no record of who made them. So what
this resource may take away stands in its physical id: everything after the first n levels, where n
is how many the instance had before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connect_hierarchy_lambda.connect.calls import IN_USE, STALE_SECONDS, Refusal
from connect_hierarchy_lambda.connect.hierarchies import Hierarchy, Level
from connect_hierarchy_lambda.connect.waiting import Wait
from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError, NoLongerWantedError, listed
from connect_hierarchy_lambda.model.names import check_level_names, quoted
from connect_hierarchy_lambda.model.properties import StructureAttribute, StructureProperty
from connect_hierarchy_lambda.resources.request import Answer, Properties, Request
from connect_hierarchy_lambda.resources.run import Run

logger = logging.getLogger(__name__)

_SEGMENT = "/user-hierarchy-structure"
_ADOPTED = "/adopted/"
_CLOCK_SKEW = 5.0
"""Seconds that the clocks of CloudFormation and Connect may differ."""


@dataclass(frozen=True)
class StructureProperties:
    """The properties of a structure, checked."""

    instance_arn: str
    levels: tuple[str, ...]
    adopt_existing: bool

    @classmethod
    def read_earlier(
        cls, values: Mapping[str, Any], wanted: StructureProperties
    ) -> StructureProperties:
        """Those of before an update; where they can not be read, none of them came to be."""
        try:
            return cls.read(values)
        except HierarchyError:
            return replace(wanted, levels=())

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> StructureProperties:
        """Check them; HierarchyError for what can not be."""
        properties = Properties(values)
        instance_arn = properties.text(StructureProperty.INSTANCE_ARN)
        levels = properties.texts(StructureProperty.LEVELS)
        try:
            check_instance_arn(instance_arn)
            check_level_names(levels)
        except InvalidHierarchyError as error:
            msg = "reading the hierarchy structure's properties"
            raise HierarchyError(msg, str(error)) from None
        adopt_existing = properties.flag(StructureProperty.ADOPT_EXISTING)
        return cls(instance_arn, tuple(levels), adopt_existing)


def structure_id(instance_arn: str, levels_before: int) -> str:
    """The physical id of a structure on an instance that had so many levels before."""
    suffix = f"{_ADOPTED}{levels_before}" if levels_before else ""
    return f"{instance_arn}{_SEGMENT}{suffix}"


def levels_before(physical_id: str) -> int | None:
    """How many levels there were before this resource, None where the id is not of this form."""
    head, _, tail = physical_id.partition(_SEGMENT)
    try:
        check_instance_arn(head)
    except InvalidHierarchyError:
        return None
    if not tail:
        return 0
    number = tail.removeprefix(_ADOPTED)
    return int(number) if tail.startswith(_ADOPTED) and number.isdecimal() else None


class Structures:
    """Create, update and delete of structures."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, request: Request) -> Answer:
        """Write the levels to an instance that has none, or append to those it has."""
        wanted = StructureProperties.read(request.properties)
        hierarchy = self._run.hierarchy_of(wanted.instance_arn)
        levels = hierarchy.levels()
        names = tuple(level.name for level in levels)
        if names and not wanted.adopt_existing and self._is_earlier_run(names, levels, wanted):
            logger.info("an earlier run of this request has written the levels")
            return _answer(wanted, structure_id(wanted.instance_arn, 0))
        if names and not wanted.adopt_existing:
            raise HierarchyError(
                "creating the hierarchy structure",
                f"the instance has levels already: {_named(names)}",
                "adopt_existing=True takes them over if they are the first of the wanted ones",
            )
        if names != wanted.levels[: len(names)]:
            raise HierarchyError(
                "adopting the hierarchy structure",
                f"the instance has {_named(names)}, not the first of the wanted ones: "
                f"{_named(wanted.levels)}",
                "adopt the same names first, rename in a later deployment",
            )
        physical_id = structure_id(wanted.instance_arn, len(names))
        if names != wanted.levels:
            request.failed_id = physical_id
            self._put(hierarchy, "creating the hierarchy structure", wanted.levels)
            try:
                self._run.watch.look_once_more()
            except NoLongerWantedError:
                # another run of the same event may have answered, then they are in use; otherwise
                # its Delete may be over already, so nobody else would take them away
                if request.logical_id not in self._run.own_stack.resources_with(physical_id):
                    self._put(hierarchy, "undoing the hierarchy structure", names)
                raise
        return _answer(wanted, physical_id)

    def update(self, request: Request) -> Answer:
        """Write changed levels; another instance is a structure of its own."""
        wanted = StructureProperties.read(request.properties)
        old = StructureProperties.read_earlier(request.old_properties, wanted)
        at_home = request.physical_id.startswith(wanted.instance_arn + _SEGMENT)
        if wanted.instance_arn != old.instance_arn and not at_home:
            failed_id = request.failed_id
            try:
                return self._arrive(request, wanted)
            finally:
                # a failed Update answers the id that it was given
                request.failed_id = failed_id
        answer = _answer(wanted, request.physical_id)
        if wanted.levels == old.levels:
            return answer
        rolls_back = self._rolls_back()
        self._run.watch.look()
        hierarchy = self._run.hierarchy_of(wanted.instance_arn)
        levels = self._levels_read_till(
            hierarchy, lambda names: names in {old.levels, wanted.levels}
        )
        names = tuple(level.name for level in levels)
        target = self._with_levels_of_others(
            levels, old.levels, wanted.levels, rolls_back=rolls_back
        )
        # written even where it seems to be there: what was read may be older than this update
        try:
            hierarchy.put_levels(target, final=frozenset({IN_USE}) if rolls_back else _NONE)
        except Refusal as refusal:
            if refusal.code != IN_USE:
                doing = "updating the hierarchy structure"
                raise hierarchy.error(doing, refusal) from None
            self._keep_levels_in_use(hierarchy, names, target, rolls_back=rolls_back)
        try:
            self._run.watch.look_once_more()
        except NoLongerWantedError:
            # the reversed Update may be over already, so nobody else would take this back
            if not rolls_back and self._rolls_back():
                before = self._with_levels_of_others(
                    hierarchy.levels(), wanted.levels, old.levels, rolls_back=True
                )
                self._put(hierarchy, "undoing the hierarchy structure", before)
            raise
        return answer

    def delete(self, request: Request) -> Answer:
        """Take away what was added after the levels that were there before; no more than that."""
        answer = Answer(request.physical_id)
        if request.is_unmade:
            return answer
        kept = levels_before(request.physical_id)
        try:
            wanted = StructureProperties.read(request.properties)
        except HierarchyError as error:
            if kept is not None:
                raise
            # an id that CloudFormation made up, for a Create that was refused with no answer heard
            logger.info("nothing can have been made", extra={"why": str(error)})
            return answer
        hierarchy = self._run.hierarchy_of(wanted.instance_arn)
        # till they show what our id says that we wrote
        levels = self._levels_read_till(hierarchy, lambda names: kept is None or len(names) > kept)
        names = tuple(level.name for level in levels)
        if kept is None:
            # an id that CloudFormation made up: its Create never answered
            if wanted.adopt_existing or not self._is_earlier_run(names, levels, wanted):
                logger.info("the levels are not this resource's, they stay")
                return answer
            kept = 0
        if len(names) <= kept:
            return answer
        if names != wanted.levels[: len(names)]:
            raise HierarchyError(
                "deleting the hierarchy structure",
                f"its levels are now {_named(names)}, not {_named(wanted.levels)}",
                "nothing was changed: clear them in Amazon Connect, or retain the structure",
            )
        self._put(hierarchy, "deleting the hierarchy structure", wanted.levels[:kept])
        return answer

    def _levels_read_till(
        self, hierarchy: Hierarchy, expected: Callable[[tuple[str, ...]], bool]
    ) -> list[Level]:
        """The levels; what is not expected is doubted for two minutes, since reads lag."""
        with Wait(self._run.schedule, "reading the hierarchy structure", "other levels") as wait:
            while True:
                levels = hierarchy.levels_if_any()
                names = tuple(level.name for level in levels)
                if expected(names) or wait.seconds >= STALE_SECONDS:
                    return levels
                wait.pause()

    def _arrive(self, request: Request, wanted: StructureProperties) -> Answer:
        """The replacement on another instance; there it may be met again by a rollback."""
        hierarchy = self._run.hierarchy_of(wanted.instance_arn)
        names = tuple(level.name for level in hierarchy.levels())
        if names and self._rolls_back():
            # the structure that was replaced still stands, as the update has found it: its id is
            # not known any more, so it is taken for one that somebody else made, of which nothing
            # will be removed
            if names[: len(wanted.levels)] != wanted.levels:
                logger.warning(
                    "the levels were changed by hand, they stay", extra={"levels": names}
                )
            kept = max(len(names), len(wanted.levels))
            return _answer(wanted, structure_id(wanted.instance_arn, kept))
        return self.create(request)

    def _put(self, hierarchy: Hierarchy, doing: str, levels: tuple[str, ...]) -> None:
        try:
            hierarchy.put_levels(levels)
        except Refusal as refusal:
            if refusal.code == IN_USE:
                remedy = "delete the groups first, or retain the structure"
                raise HierarchyError(
                    doing, f"a level still has groups ({refusal})", remedy
                ) from None
            raise hierarchy.error(doing, refusal) from None

    def _with_levels_of_others(
        self,
        levels: Sequence[Level],
        old: tuple[str, ...],
        wanted: tuple[str, ...],
        *,
        rolls_back: bool,
    ) -> tuple[str, ...]:
        """The wanted levels, and below them those that are there and were never ours."""
        doing = "updating the hierarchy structure"
        names = tuple(level.name for level in levels)
        if len(wanted) >= len(old):
            there = zip(names[len(old) :], wanted[len(old) :], strict=False)
            # one without a name is a gap, and can be filled
            strange = tuple(name for name, new in there if name not in {"", new})
            if strange and not rolls_back:
                raise HierarchyError(
                    doing,
                    f"the instance also has {_named(strange)}, which is not in levels so far",
                    "put it there under its own name, or remove it in Amazon Connect",
                )
            return wanted + names[len(wanted) :]
        going, ours = names[len(wanted) :], old[len(wanted) :]
        if rolls_back:
            return wanted + self._not_of_this_update(levels[len(wanted) :], ours)
        if going == ours[: len(going)]:
            return wanted
        raise HierarchyError(
            doing,
            f"instead of {_named(ours)} the instance has {_named(going)}",
            "put them into levels, or remove them in Amazon Connect",
        )

    def _not_of_this_update(
        self, levels: Sequence[Level], ours: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Of the levels that a rollback would take away, those that the update did not add.

        Others that are the same by name were there before it, and what it found it did not write.
        """
        names = tuple(level.name for level in levels)
        if names != ours[: len(names)]:
            return names
        began = self._run.own_stack.state().operation_began
        found = [n for n, level in enumerate(levels) if level.modified_at < began - _CLOCK_SKEW]
        return names[: found[-1] + 1] if found else ()

    def _keep_levels_in_use(
        self,
        hierarchy: Hierarchy,
        names: tuple[str, ...],
        target: tuple[str, ...],
        *,
        rolls_back: bool,
    ) -> None:
        """Let levels stay in a rollback, whose groups go right after it; refuse otherwise."""
        gone = _named(names[len(target) :])
        if not rolls_back:
            groups = [
                quoted(group.name)
                for level in range(len(target) + 1, len(names) + 1)
                for group in hierarchy.groups_at_level(level)
            ]
            raise HierarchyError(
                f"taking away hierarchy level {gone}",
                f"it has groups: {listed(groups) or 'some'}",
                "first deploy without the groups, then without the level",
            )
        logger.info("levels stay, the groups in them are deleted after this", extra={"level": gone})
        kept = target + names[len(target) :]
        if kept != names:
            self._put(hierarchy, "updating the hierarchy structure", kept)

    def _is_earlier_run(
        self, names: tuple[str, ...], levels: list[Level], wanted: StructureProperties
    ) -> bool:
        """Whether exactly the wanted levels were written since the stack's operation began."""
        if names != wanted.levels:
            return False
        state = self._run.own_stack.state()
        return all(level.modified_at >= state.operation_began - _CLOCK_SKEW for level in levels)

    def _rolls_back(self) -> bool:
        return self._run.own_stack.state().rolls_back


_NONE: frozenset[str] = frozenset()


def _answer(wanted: StructureProperties, physical_id: str) -> Answer:
    return Answer(physical_id, {StructureAttribute.INSTANCE_ARN: wanted.instance_arn})


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names) or "none"
