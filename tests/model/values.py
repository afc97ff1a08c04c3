"""Values that can be hashed, each only once, since states are looked up again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def hashed_once(kind: type[T]) -> type[T]:
    """Let a frozen dataclass remember its hash."""
    plain: Callable[[Any], int] = kind.__hash__

    def remembered(self: Any) -> int:
        known: dict[str, Any] = self.__dict__
        if "_hash" not in known:
            known["_hash"] = plain(self)
        value: int = known["_hash"]
        return value

    kind.__hash__ = remembered  # type: ignore[method-assign] # as a decorator does it
    return kind


class Fixed(dict[Any, Any]):
    """A mapping that nobody changes, with values that can be hashed."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none
        return hash(frozenset(self.items()))


def fixed(value: Any) -> Any:
    """The value with mappings that can be hashed in place of all others, however deep."""
    if isinstance(value, Fixed):
        return value
    if isinstance(value, Mapping):
        return Fixed({name: fixed(part) for name, part in value.items()})
    if isinstance(value, list | tuple):
        return tuple(fixed(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {name: fixed(part) for name, part in vars(value).items() if name != "_hash"}
        changed = {n: part for n, part in parts.items() if part is not vars(value)[n]}
        return replace(value, **changed) if changed else value
    return value
