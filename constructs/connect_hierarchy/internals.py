"""What the constructs of this library know of each other, and do not show to apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from constructs import IConstruct

from connect_hierarchy.identity import Identity, Instance
from connect_hierarchy.interfaces import IHierarchyGroup, IHierarchyStructure

if TYPE_CHECKING:
    # these use what uses this module
    from connect_hierarchy.permissions import PoliciesAtSynth
    from connect_hierarchy.provider import HierarchyProvider

# ruff: noqa: SLF001 - the one place that looks behind the interfaces


class _Structure(Protocol):
    _instance: Instance
    _stack_path: str | None


class _Group(Protocol):
    _names: tuple[str, ...] | None
    _key: str | None
    _stack_path: str | None

    def _place(self) -> Identity: ...


def instance_of(structure: IHierarchyStructure) -> Instance:
    """The instance of a structure, as the app named it."""
    return cast("_Structure", structure)._instance


def names_of(group: IHierarchyGroup) -> tuple[str, ...] | None:
    """Names from level one down to a group; None where they are not known at synth."""
    return cast("_Group", group)._names


def place_of(group: IHierarchyGroup) -> Identity:
    """The place of groups below this one; equal for two constructs that are the same group."""
    return cast("_Group", group)._place()


def key_of(group: IHierarchyGroup) -> str | None:
    """The key of a group, None if its construct path stands for one."""
    return cast("_Group", group)._key


def waits_in(stack_path: str, above: IHierarchyStructure | IHierarchyGroup) -> bool:
    """Whether what refers to a structure or a group waits for the permissions of this stack.

    True where `above` is a resource of the stack: it waits for them itself.
    """
    return cast("_Structure | _Group", above)._stack_path == stack_path


def ready(provider: HierarchyProvider) -> tuple[IConstruct, ...]:
    """The constructs that the first event needs, besides the function."""
    return provider._ready


def owns_role(provider: HierarchyProvider) -> bool:
    """Whether a provider made its role, so that nobody else attaches policies to it."""
    return provider._owns_role


def policies_at_synth(provider: HierarchyProvider) -> PoliciesAtSynth:
    """The check of all policies of a provider's role."""
    return provider._policies_at_synth
