"""Values that can be hashed, each only once, since states are looked up again and again."""

from __future__ import annotations

from collections.abc import Callable
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


class Tags(dict[str, str]):
    """Tags that nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none
        return hash(tuple(sorted(self.items())))


class Fixed(dict[str, Any]):
    """A mapping that nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none
        return hash(tuple(sorted(self)))
