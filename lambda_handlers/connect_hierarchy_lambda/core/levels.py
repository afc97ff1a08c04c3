"""The levels of an instance: what a structure writes, keeps and takes away.

The service has one call for it, which replaces all levels, and no record of their makers. So the
ledger says for each instance how many levels there were before this resource, and what it wrote.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from connect_hierarchy_lambda.core.decisions import (
    Ask,
    Decision,
    Done,
    PutLevels,
    Refuse,
    Step,
    Wait,
)
from connect_hierarchy_lambda.core.facts import FindAtLevel, LookAt, ReadLevels
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted

Names = tuple[str, ...]

SLOT = "levels"
"""The slot of the structure of an instance in the facts about refusals."""


@dataclass(frozen=True)
class WishedLevels:
    """The levels that an event's properties ask for."""

    instance_arn: str
    names: Names = ()
    adopt_existing: bool = False


@dataclass(frozen=True)
class Written:
    """What the ledger knows of the levels of one instance."""

    before: int
    """How many levels there were before this resource; those are never taken away."""

    names: Names
    """The levels in this resource's latest wish."""

    put: Names = ()
    """What was written last: the wished levels, and below them the levels of others."""

    found: Names = ()
    """The levels before the request `by`."""

    by: str = ""
    """Id of the request that wrote last, empty once it cannot be undone any more."""

    @classmethod
    def of(cls, view: View, instance_arn: str) -> Written | None:
        """What the ledger knows, None if this resource never wrote levels to the instance."""
        known: Any = view.levels.get(instance_arn)
        if known is None:
            return None
        names, put, found = (tuple(known[name]) for name in ("names", "put", "found"))
        return cls(known["before"], names, put, found, known["by"])


def decide_levels(view: View, wished: WishedLevels, previous: WishedLevels | None) -> Decision:
    """What to do next for a request of a structure."""
    if view.direction is Direction.FORWARD:
        return _forward(view, wished, previous)
    if view.direction is Direction.BACK or view.undone:
        # the clean-up of a rollback takes away what that has not undone yet, and nothing of before
        return _back(view) or Done()
    return _delete(view, wished)


def _forward(view: View, wished: WishedLevels, previous: WishedLevels | None) -> Decision:
    instance_arn = wished.instance_arn
    known = Written.of(view, instance_arn)
    is_same = previous is not None and previous.instance_arn == instance_arn
    if is_same and previous is not None and previous.names == wished.names:
        return Done()
    question = ReadLevels(instance_arn)
    if not view.facts.knows(question):
        return Ask((question,))
    there = view.facts.levels(question)
    if known is not None and known.by == view.request:
        return _write(view, instance_arn, known.put, known)
    if known is None and not is_same:
        return _create(view, wished, there)
    ours = known.names if known is not None else previous.names if previous else ()
    if there not in {ours, wished.names} and SLOT not in view.facts.refused:
        doing = f"reading the hierarchy structure of {instance_arn}"
        why = f"the instance has {named(there)}, not {named(ours)}"
        return Wait(doing, why, Refuse(HierarchyError(doing, why)), slot=SLOT)
    moved = _groups_that_would_move(view, instance_arn, there, wished.names)
    if moved is not None:
        return moved
    target = _beside_levels_of_others(there, ours, wished.names)
    if isinstance(target, Refuse):
        return target
    before = known.before if known is not None else len(ours)
    # levels that seem to be written already can be an old answer
    found = ours if there == target else there
    written = Written(before, wished.names, target, found, view.request)
    return _write(view, instance_arn, target, written)


def _create(view: View, wished: WishedLevels, there: Names) -> Decision:
    if there and not wished.adopt_existing:
        return Refuse(
            HierarchyError(
                "creating the hierarchy structure",
                f"the instance has levels already: {named(there)}",
                "adopt_existing=True takes them over if they are the first of the wanted ones",
            )
        )
    if there != wished.names[: len(there)]:
        return Refuse(
            HierarchyError(
                "adopting the hierarchy structure",
                f"the instance has {named(there)}, not the first of the wanted ones: "
                f"{named(wished.names)}",
                "adopt the same names first, rename in a later deployment",
            )
        )
    written = Written(len(there), wished.names, wished.names, there, view.request)
    return _write(view, wished.instance_arn, wished.names, written)


def _write(view: View, instance_arn: str, names: Names, written: Written) -> Decision:
    """Note the levels in the ledger, then write them.

    They are written even if the instance seems to have them, since that read can be old.
    """
    if not _is_known(view, instance_arn, written):
        return Step(levels={**view.levels, instance_arn: asdict(written)})
    if instance_arn in view.facts.put_levels or written.found == names:
        return Done()
    if view.facts.in_use:
        return _in_use(view, instance_arn, names)
    if error := view.facts.refused.get(f"put {SLOT}"):
        return Refuse(error)
    return Step(calls=(PutLevels.of(instance_arn, names),))


def _is_known(view: View, instance_arn: str, written: Written) -> bool:
    return Written.of(view, instance_arn) == written


def _groups_that_would_move(
    view: View, instance_arn: str, there: Names, wished: Names
) -> Decision | None:
    """A level that has groups keeps its position: groups belong to a number, not to a name."""
    for number, name in enumerate(there, start=1):
        if not name or name not in wished or wished.index(name) + 1 == number:
            continue
        groups = _groups_at(view, instance_arn, number)
        if isinstance(groups, Ask):
            return groups
        if groups:
            return Refuse(
                HierarchyError(
                    f"moving hierarchy level {quoted(name)}",
                    f"it has groups, which would stay at level {number}: "
                    f"{listed([quoted(group) for group in groups])}",
                    "rename levels one at a time, or append",
                )
            )
    return None


def _groups_at(view: View, instance_arn: str, number: int) -> list[str] | Ask:
    """Names of groups at a level; one on record that no search shows yet is looked at by its id."""
    search = FindAtLevel(instance_arn, number)
    if not view.facts.knows(search):
        return Ask((search,))
    if groups := view.facts.groups(search):
        return [group.name for group in groups]
    for record in view.records.values():
        is_here = record.instance_arn == instance_arn and bool(record.id)
        if not is_here or view.level_of(record) != number:
            continue
        question = LookAt(instance_arn, record.id)
        if not view.facts.knows(question):
            return Ask((question,))
        if view.facts.group(question) is not None:
            return [record.name]
    return []


def _beside_levels_of_others(there: Names, ours: Names, wished: Names) -> Names | Refuse:
    """The wished levels, and below them the levels of the instance that this stack never made."""
    doing = "updating the hierarchy structure"
    if len(wished) >= len(ours):
        new = zip(there[len(ours) :], wished[len(ours) :], strict=False)
        # a level without a name is a gap, and can be filled
        strange = tuple(name for name, wanted in new if name not in {"", wanted})
        if strange:
            why = f"the instance also has {named(strange)}, which is not in levels so far"
            remedy = "add it to levels under its own name, or remove it in Amazon Connect"
            return Refuse(HierarchyError(doing, why, remedy))
        return wished + there[len(wished) :]
    going, former = there[len(wished) :], ours[len(wished) :]
    if going == former[: len(going)]:
        return wished
    why = f"instead of {named(former)} the instance has {named(going)}"
    return Refuse(HierarchyError(doing, why, "add them to levels, or remove them by hand"))


def _in_use(view: View, instance_arn: str, names: Names) -> Decision:
    """The service refused to remove a level because it has groups."""
    there = view.facts.levels(ReadLevels(instance_arn))
    gone = named(there[len(names) :])
    questions = tuple(
        FindAtLevel(instance_arn, number) for number in range(len(names) + 1, len(there) + 1)
    )
    if unknown := tuple(q for q in questions if not view.facts.knows(q)):
        return Ask(unknown)
    groups = [quoted(group.name) for q in questions for group in view.facts.groups(q)]
    doing = f"removing hierarchy level {gone}"
    error = HierarchyError(
        doing,
        f"a level still has groups: {listed(groups) or 'some'}",
        "first deploy without the groups, then without the level",
    )
    return Wait(doing, f"level {gone} has groups", Refuse(error))


def _back(view: View) -> Decision | None:
    """Restore the levels that the undone request found, except for later changes by people."""
    for instance_arn in view.levels:
        known = Written.of(view, instance_arn)
        if known is None or not view.undone or known.by != view.undone:
            continue
        question = ReadLevels(instance_arn)
        if not view.facts.knows(question):
            return Ask((question,))
        there = view.facts.levels(question)
        target = _undone(known, there)
        restored = Written(known.before, known.found, known.found)
        if view.facts.in_use and not view.is_last:
            # the clean-up, right after this, deletes their groups, and then the levels
            continue
        if SLOT not in view.facts.refused and there not in {known.put, known.found}:
            doing = f"reading the hierarchy structure of {instance_arn}"
            why = f"the instance has {named(there)}, not {named(known.put)}"
            return Wait(doing, why, Refuse(HierarchyError(doing, why)), slot=SLOT)
        is_over = f"put {SLOT}" in view.facts.refused or instance_arn in view.facts.put_levels
        if not is_over and (target != there or there == known.found != known.put):
            return Step(calls=(PutLevels.of(instance_arn, target),))
        if view.is_last and view.facts.in_use:
            return _in_use(view, instance_arn, known.found)
        levels = {**view.levels, instance_arn: asdict(restored)}
        if not known.found:
            del levels[instance_arn]
        return Step(levels=levels)
    return None


def _undone(known: Written, there: Names) -> Names:
    """The levels as found, as far as the written ones are unchanged; all others stay."""
    if there in {known.put, known.found}:
        return known.found
    kept = [
        before if now == ours else now
        for now, ours, before in zip(there, known.put, known.found, strict=False)
    ]
    beyond = there[len(known.found) :]
    added = known.put[len(known.found) :]
    return (*kept, *(() if beyond == added[: len(beyond)] else beyond))


def _delete(view: View, wished: WishedLevels) -> Decision:
    """Remove the levels that this resource appended, and no others."""
    instance_arn = wished.instance_arn
    known = Written.of(view, instance_arn)
    if known is None:
        return Done()
    question = ReadLevels(instance_arn)
    if not view.facts.knows(question):
        return Ask((question,))
    there = view.facts.levels(question)
    is_done = instance_arn in view.facts.put_levels or len(known.names) <= known.before
    if len(there) < known.before or is_done:
        return Step(levels={k: v for k, v in view.levels.items() if k != instance_arn})
    if there != known.names[: len(there)]:
        doing = "deleting the hierarchy structure"
        error = HierarchyError(
            doing,
            f"its levels are now {named(there)}, not {named(known.names)}",
            "nothing was changed: clear them in Amazon Connect, or retain the structure",
        )
        return Wait(doing, "reading other levels", Refuse(error))
    if view.facts.in_use:
        return _in_use(view, instance_arn, there[: known.before])
    if refusal := view.facts.refused.get(f"put {SLOT}"):
        return Refuse(refusal)
    return Step(calls=(PutLevels.of(instance_arn, there[: known.before]),))


def named(names: Names) -> str:
    """Names in a sentence."""
    return ", ".join(quoted(name) for name in names) or "none"
