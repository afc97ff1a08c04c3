"""Credentials, profile, Region and endpoint as the AWS CLI has them, and clients by them."""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

from connect_hierarchy_cli.pacing import Observer, PacedCalls
from connect_hierarchy_cli.settings import PROGRAM, Settings
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.pace import DEFAULT_BURST, DEFAULT_RATE, Rate
from connect_hierarchy_lambda.ports.time import Clock, SystemClock

_CONNECT_TIMEOUT = 5
_READ_TIMEOUT = 60
_ATTEMPTS = 5


class Session:
    """The access of a command to AWS: boto3 clients, one for each service, made when first needed.

    Profiles, environment variables, the files of the AWS CLI, single sign-on, roles and
    `AWS_ENDPOINT_URL…` are handled by boto3. It does not read `AWS_REGION`, so that is read here
    before `AWS_DEFAULT_REGION`, as in the AWS CLI.

    Args:
        settings: What the options say.
        region: In place of the one that options, environment and profile name.
    """

    def __init__(self, settings: Settings, region: str | None = None) -> None:
        self.settings = settings
        self.clock: Clock = settings.clock or SystemClock()
        self._session = boto3.Session(
            profile_name=settings.profile,
            region_name=region or settings.region or os.environ.get("AWS_REGION") or None,
        )
        self._clients: dict[str, Any] = {}

    @property
    def region(self) -> str | None:
        """The Region of the clients, None if nothing names one."""
        return self._session.region_name

    @property
    def rate(self) -> Rate:
        """The requests that each API of Amazon Connect takes.

        `--requests-per-second`, or the variables of the function's environment, or the service's
        defaults.
        """
        told = self.settings.requests_per_second
        if told is None:
            return Rate.of(os.environ)
        return Rate(told, max(1.0, told * DEFAULT_BURST / DEFAULT_RATE))

    def in_region(self, region: str) -> Session:
        """The session in another Region."""
        return self if region == self.region else Session(self.settings, region)

    def client(self, service: str) -> Any:
        """A boto3 client.

        Amazon Connect's makes each call once, since `connect` paces and repeats them; botocore
        would also repeat what a full quota refuses.
        """
        if service not in self._clients:
            attempts = 1 if service == "connect" else _ATTEMPTS
            self._clients[service] = self._make_client(service, attempts, _READ_TIMEOUT)
        return self._clients[service]

    def waiting_client(self, service: str, seconds: int) -> Any:
        """A boto3 client that makes each call once and waits this long for its answer."""
        return self._make_client(service, 1, seconds)

    def _make_client(self, service: str, attempts: int, seconds: int) -> Any:
        make_client: Any = self._session.client  # its types know literal names only
        return make_client(
            service,
            endpoint_url=self.settings.endpoint_url,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                connect_timeout=_CONNECT_TIMEOUT,
                read_timeout=seconds,
                tcp_keepalive=True,
                user_agent_extra=PROGRAM,
            ),
        )

    def connect(self, observer: Observer | None = None) -> Connect:
        """Amazon Connect at the account's rate.

        Args:
            observer: Called with each answer, for progress bars.
        """
        return Connect(self.client("connect"), self.paced(observer))

    def paced(self, observer: Observer | None = None) -> PacedCalls:
        """A caller of the `connect` client at the account's rate.

        Everything that uses it shares its buckets, so a command needs only one.
        """
        return PacedCalls(self.clock, self.rate, observer)
