"""Requests at the pace that the service allows, so that few are refused.

Amazon Connect gives each API of an account and Region a bucket of tokens: 2 a second, 5 at most,
unless the quota was raised. These buckets are the same, a little smaller, since the network changes
the time between requests. Others may use the account as well, so a refusal makes the pace slower at
once, and every success makes it a little faster.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connect_hierarchy_lambda.model.properties import PaceVariable

DEFAULT_RATE = 2.0
DEFAULT_BURST = 5.0

_RESERVE = 0.5
"""The share of a token; a quarter of a second at the default rate."""

_SLOWER = 0.7
_FASTER = 0.05
_SLOWEST = 0.25
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rate:
    """How many requests an API takes: `per_second` in the long run, `burst` at once."""

    per_second: float = DEFAULT_RATE
    burst: float = DEFAULT_BURST

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Rate:
        """The rate in the function's environment, or the service's default."""
        return cls(
            _positive(environment.get(PaceVariable.REQUESTS_PER_SECOND), DEFAULT_RATE),
            _positive(environment.get(PaceVariable.BURST), DEFAULT_BURST),
        )


class Pace:
    """One bucket for each API; times are in seconds since 1970.

    `filled` says that nobody has used the buckets lately, as far as is known. Calls side by side
    may share a pace.
    """

    def __init__(self, rate: Rate, *, filled: bool = True) -> None:
        self._rate = rate
        self._filled = filled
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, rate: Rate, saved: Mapping[str, Sequence[float]] | None) -> Pace:
        """The pace from what an earlier one `saved`; with None, all buckets are empty."""
        pace = cls(rate, filled=saved is not None)
        size = max(1.0, rate.burst - _RESERVE)
        for api, (per_second, tokens, filled_at) in (saved or {}).items():
            pace._buckets[api] = _Bucket(per_second, size, tokens, filled_at)
        return pace

    def saved(self) -> dict[str, tuple[float, float, float]]:
        """For each API its rate, its tokens, and when they were counted."""
        return {api: (b.per_second, b.tokens, b.filled_at) for api, b in self._buckets.items()}

    def take(self, api: str, now: float) -> float:
        """Take the next token of an API, and return in how many seconds it can be used."""
        with self._lock:
            return self._bucket(api, now).take(now)

    def refused(self, api: str, now: float) -> None:
        """Go slower: the service had no token left."""
        with self._lock:
            bucket = self._bucket(api, now)
            bucket.fill(now)
            bucket.tokens = min(bucket.tokens, 0.0)
            bucket.per_second = max(self._rate.per_second * _SLOWEST, bucket.per_second * _SLOWER)

    def accepted(self, api: str, now: float) -> None:
        """Go faster, up to the rate."""
        with self._lock:
            bucket = self._bucket(api, now)
            if bucket.per_second < self._rate.per_second:
                bucket.fill(now)
                faster = bucket.per_second + self._rate.per_second * _FASTER
                bucket.per_second = min(self._rate.per_second, faster)

    def _bucket(self, api: str, now: float) -> _Bucket:
        if api not in self._buckets:
            size = max(1.0, self._rate.burst - _RESERVE)
            tokens = size if self._filled else 0.0
            self._buckets[api] = _Bucket(self._rate.per_second, size, tokens, now)
        return self._buckets[api]


@dataclass
class _Bucket:
    per_second: float
    size: float
    tokens: float
    """Below zero if tokens are taken that are still to come."""
    filled_at: float

    def fill(self, now: float) -> None:
        """Add the tokens that have come since the last call."""
        came = max(0.0, now - self.filled_at) * self.per_second
        self.tokens = min(self.size, self.tokens + came)
        self.filled_at = now

    def take(self, now: float) -> float:
        """Take a token, and return in how many seconds it comes."""
        self.fill(now)
        self.tokens -= 1
        missing = max(0.0, -self.tokens - _ROUNDING)
        return missing / self.per_second


def _positive(text: str | None, default: float) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return default
    return number if number > 0 else default
