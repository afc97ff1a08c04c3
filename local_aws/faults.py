"""Faults that calls to a local service meet on request: throttled, failed, cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Kind = TypeVar("Kind", bound=Enum)


class ConnectionCut(Exception):  # noqa: N818 - it ends the connection, no service answers with it
    """The connection ended before an answer came; whether the call had an effect is not known."""


class FaultKind(Enum):
    """What happens to a call instead of, or after, its effect."""

    THROTTLE = "throttle"
    """The service's error for too many calls, without an effect."""
    ERROR_BEFORE = "error before"
    """500 without an effect."""
    ERROR_AFTER = "error after"
    """500 after the effect."""
    CUT_BEFORE = "cut before"
    """The connection ends without an effect."""
    CUT_AFTER = "cut after"
    """The connection ends after the effect."""
    ACCESS_DENIED = "access denied"
    """The service's error for a missing permission, without an effect."""

    @property
    def after_effect(self) -> bool:
        """Whether the call does its work first."""
        return self in {FaultKind.ERROR_AFTER, FaultKind.CUT_AFTER}


def error_of(
    kind: FaultKind,
    api: str,
    *,
    throttled: Callable[[], Exception],
    failed: Callable[[], Exception],
    denied: Callable[[], Exception],
) -> Exception:
    """What a call that meets a fault ends with.

    Args:
        kind: the fault.
        api: name of the call.
        throttled: makes the service's error for too many calls.
        failed: makes its error with status 500.
        denied: makes its error for a missing permission.
    """
    match kind:
        case FaultKind.THROTTLE:
            return throttled()
        case FaultKind.ERROR_BEFORE | FaultKind.ERROR_AFTER:
            return failed()
        case FaultKind.CUT_BEFORE | FaultKind.CUT_AFTER:
            return ConnectionCut(api)
        case FaultKind.ACCESS_DENIED:
            return denied()


@dataclass
class _Fault(Generic[Kind]):
    api: str
    kind: Kind
    calls_before: int
    times: int


class FaultPlan(Generic[Kind]):
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[_Fault[Kind]] = []

    def add(self, api: str, nth: int, kind: Kind, times: int) -> None:
        """Plan a fault for the `nth` call of `api` from now on, and `times - 1` calls after it.

        Raises:
            ValueError: if `nth` or `times` is below 1.
        """
        if nth < 1 or times < 1:
            message = f"nth and times begin at 1: nth={nth}, times={times}"
            raise ValueError(message)
        self._faults.append(_Fault(api, kind, nth - 1, times))

    def next(self, api: str) -> Kind | None:
        """Count a call of `api`; the fault that it meets, of several the one planned first."""
        met = None
        for fault in self._faults:
            if fault.api not in (api, "*"):
                continue
            if fault.calls_before:
                fault.calls_before -= 1
                continue
            fault.times -= 1
            met = met or fault.kind
        if met is not None:
            self._faults = [fault for fault in self._faults if fault.times]
        return met
