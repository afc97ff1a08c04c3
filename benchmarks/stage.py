"""An instance of the local Connect in virtual time, on which changes are measured."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.native import THROTTLED, native_resource_types
from benchmarks.organisation import BURST, QUOTA, RATE, Organisation
from connect_hierarchy_lambda.entry.function import Function
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.ports import pace
from connect_hierarchy_lambda.ports.dynamodb_ledger import DynamoDbLedger
from connect_hierarchy_lambda.ports.ledger import Ledger
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import Rate
from local_aws.in_process import InProcessAws

_READING = ("Describe", "List", "Search")
_SEED = 1


@dataclass(frozen=True)
class Figures:
    """The cost of a change.

    Args:
        calls: Answered ones of each API.
        refused: Throttled ones of each API.
        seconds: Virtual, from the start to the end.
        undone: Differences from the wanted organisation, empty if there are none.
        remark: A remark.
    """

    calls: Mapping[str, int]
    refused: Mapping[str, int]
    seconds: float
    undone: str = ""
    remark: str = ""

    @property
    def writes(self) -> Mapping[str, int]:
        """Answered calls that change something."""
        return {api: n for api, n in self.calls.items() if not api.startswith(_READING)}

    @property
    def share_refused(self) -> float:
        """Refused calls among all, 0 to 1."""
        refused = sum(self.refused.values())
        return refused / max(1, refused + sum(self.calls.values()))


@contextmanager
def without_logs() -> Iterator[None]:
    """Turn off the log, since lines about each of thousands of calls are of no use here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@dataclass
class Stage:
    """The place where one way of doing the work is measured once.

    Args:
        latency: Virtual seconds from a call to its answer.
        rate: Requests a second that each API takes, which the function is told.
        burst: How many it takes at once.
    """

    latency: float = 0.0
    rate: float = RATE
    burst: float = BURST
    random: random.Random = field(default_factory=lambda: random.Random(_SEED))

    def __post_init__(self) -> None:
        self.settings = ConnectSettings(default_rate=None, group_quota=QUOTA)
        self.aws = InProcessAws(
            lambda clients, clock, put: Function(
                clients,
                clock,
                put,
                jitter=self.random.random,
                rate=pace.Rate(self.rate, self.burst),
                ledger_of=self._ledger_of,
            ),
            connect_settings=self.settings,
            resource_types=native_resource_types(lambda: self.aws, self.random.random),
        )
        instance = self.aws.connect.backend.create_instance(
            "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
        )
        self.instance_arn = str(instance["Arn"])

    @property
    def instance_id(self) -> str:
        """Id of the instance."""
        return self.instance_arn.rsplit("/", 1)[-1]

    def _ledger_of(self, stack_id: str) -> Ledger:
        """The ledger in the table of a stack."""
        resources = self.aws.cloudformation.engine.stacks[stack_id].resources
        table = resources["ConnectHierarchyFunctionLedger"].physical_id
        client = self.aws.client("dynamodb")
        return DynamoDbLedger(client, table, stack_name_and_uuid(stack_id))

    def hire(self, organisation: Organisation, agents: Mapping[str, int]) -> None:
        """Put these numbers of agents into the groups of these keys."""
        by_path = self.aws.connect.backend.hierarchy(self.instance_id).by_path
        for key, number in agents.items():
            group_id = by_path[organisation.path(key)].id
            for n in range(number):
                self.aws.connect.backend.create_user(
                    self.instance_id, f"{key}-{n}", hierarchy_group_id=group_id
                )

    def measure(
        self, work: Callable[[], str], wanted: Organisation, agents: Mapping[str, int]
    ) -> Figures:
        """Do the work, which returns a remark, at the service's rate and at the latency.

        Args:
            work: To be done.
            wanted: The organisation afterwards.
            agents: How many agents each of its groups has afterwards.
        """
        self.settings.default_rate = Rate(per_second=self.rate, burst=self.burst)
        self.settings.latency = self.latency
        self.aws.connect.calls.clear()
        began = self.aws.clock.now()
        remark = work()
        self.aws.settle()
        seconds = self.aws.clock.now() - began
        calls = Counter(c.api for c in self.aws.connect.calls if c.outcome != THROTTLED)
        refused = Counter(c.api for c in self.aws.connect.calls if c.outcome == THROTTLED)
        undone = self._undone(wanted, agents)
        self.aws.clock.close()
        return Figures(dict(calls), dict(refused), seconds, undone, remark)

    def _undone(self, wanted: Organisation, agents: Mapping[str, int]) -> str:
        hierarchy = self.aws.connect.backend.hierarchy(self.instance_id)
        there = set(hierarchy.by_path)
        paths = {wanted.path(group.key) for group in wanted.groups}
        at_home = {
            user
            for key in agents
            if (path := wanted.path(key)) in there
            for user in hierarchy.usernames(*path)
        }
        strays = sum(agents.values()) - len(at_home)
        found = {
            "levels differ": int(hierarchy.level_names != wanted.levels),
            "groups missing": len(paths - there),
            "groups too many": len(there - paths),
            "agents elsewhere": strays,
        }
        return ", ".join(f"{number} {what}" for what, number in found.items() if number)
