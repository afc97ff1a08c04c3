"""What goes wrong during a deployment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from local_aws.connect import FaultKind
from local_aws.in_process import FunctionFaults
from tests.support.stacks import Site

MILD_LAG = 100.0
"""Seconds that a search may lag without being noticed: less than what handlers wait."""

_LONGEST_MILD_THROTTLE = 10


@dataclass(frozen=True)
class PlannedFault:
    """The nth call of an API, or of any, and some after it meet this.

    `service` is `connect` or `dynamodb`.
    """

    api: str
    nth: int
    kind: FaultKind
    times: int = 1
    service: str = "connect"

    def plan(self, site: Site) -> None:
        """Let it happen."""
        plan = (site.dynamodb if self.service == "dynamodb" else site.connect).plan_fault
        plan(self.api, nth=self.nth, kind=self.kind, times=self.times)


@dataclass(frozen=True)
class Faults:
    """All that is drawn with one deployment; as it comes, nothing goes wrong."""

    planned: tuple[PlannedFault, ...] = ()
    kills: dict[int, bool] = field(default_factory=dict)
    copies: dict[int, float] = field(default_factory=dict)
    search_lag: float = 0.0
    read_lag: float = 0.0
    timeout: float = 900.0
    denied_for: float = 0.0
    """Seconds from the deployment's begin in which the function's policy is not there yet."""

    quota_left: int | None = None
    fails: str = ""
    """`after`: another resource fails when all is done; `during`: some time into the work."""

    fails_after: float = 0.0

    @property
    def are_mild(self) -> bool:
        """Whether the deployment has to end as if there were none."""
        throttled = sum(fault.times for fault in self.planned)
        return (
            throttled <= _LONGEST_MILD_THROTTLE
            and len(self.kills) <= 2
            and self.search_lag <= MILD_LAG
            and self.denied_for <= 60.0
            and self.quota_left is None
        )

    @property
    def count(self) -> int:
        """How many things go wrong."""
        return (
            len(self.planned)
            + len(self.kills)
            + len(self.copies)
            + sum(
                map(
                    bool,
                    (
                        self.search_lag,
                        self.read_lag,
                        self.timeout < 900.0,
                        self.denied_for,
                        self.quota_left is not None,
                        self.fails,
                    ),
                )
            )
        )

    def begin(self, site: Site, groups: int) -> None:
        """Plan them; `groups` is how many the instance has."""
        for fault in self.planned:
            fault.plan(site)
        site.function_faults = FunctionFaults(dict(self.kills), dict(self.copies))
        site.function_settings = replace(site.function_settings, timeout=self.timeout)
        settings = site.connect.settings
        settings.search_lag, settings.read_lag = self.search_lag, self.read_lag
        if self.quota_left is not None:
            settings.group_quota = groups + self.quota_left
        if self.denied_for:
            ends, decide = site.clock.now() + self.denied_for, site.authorize
            settings.authorize = site.dynamodb.settings.authorize = lambda *call: (
                site.clock.now() >= ends and (decide is None or decide(*call))
            )

    def end(self, site: Site) -> None:
        """Nothing goes wrong any more."""
        site.connect.forget_faults()
        site.dynamodb.forget_faults()
        site.function_faults = FunctionFaults()
        site.function_settings = replace(site.function_settings, timeout=900.0)
        settings = site.connect.settings
        settings.search_lag = settings.read_lag = 0.0
        settings.group_quota = 500
        settings.authorize = site.dynamodb.settings.authorize = site.authorize
