"""What a stack wants: the plain model of a template, and its text for CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stacks import Site

FAIL, MOVE_TO_PARENT, UNASSIGN = "FAIL", "MOVE_TO_PARENT", "UNASSIGN"


@dataclass(frozen=True)
class GroupPlan:
    """One group construct; `parent` is the logical id of another, None at level one."""

    name: str
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False
    on_delete: str = FAIL


@dataclass(frozen=True)
class StackPlan:
    """A structure on one of the site's instances, and its groups by logical id."""

    instance_arn: str
    levels: tuple[str, ...]
    groups: Mapping[str, GroupPlan]
    adopt_levels: bool = False

    def resources(self, site: Site) -> dict[str, Any]:
        """The resources of the template."""
        properties = {"InstanceArn": self.instance_arn, "AdoptExisting": self.adopt_levels}
        resources = {"Structure": site.structure(*self.levels, **properties)}
        for logical_id, group in self.groups.items():
            resources[logical_id] = site.group(
                group.name,
                group.parent,
                Tags=dict(group.tags),
                AdoptExisting=group.adopt,
                AgentsOnDelete=group.on_delete,
            )
        return resources

    def above(self, logical_id: str) -> Iterator[str]:
        """The group itself and those above it, from below."""
        here: str | None = logical_id
        while here is not None:
            yield here
            here = self.groups[here].parent

    def depth(self, logical_id: str) -> int:
        """Its level."""
        return sum(1 for _ in self.above(logical_id))

    @property
    def parents_first(self) -> list[str]:
        """The logical ids, each after its parent's."""
        return sorted(self.groups, key=self.depth)

    def is_sound(self, *, one_name_an_instance: bool) -> bool:
        """Whether synth would let it pass, and the service: depth, names, no cycle."""
        for logical_id, group in self.groups.items():
            seen: set[str] = set()
            here: str | None = logical_id
            while here is not None:
                if here in seen or here not in self.groups:
                    return False
                seen.add(here)
                here = self.groups[here].parent
            if len(seen) > len(self.levels):
                return False
            if group.parent is None and group.on_delete == MOVE_TO_PARENT:
                return False
        places = [
            (None if one_name_an_instance else group.parent, group.name)
            for group in self.groups.values()
        ]
        return len(set(places)) == len(places)
