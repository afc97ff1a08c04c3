"""Runs ministack, an engine for CloudFormation and more that others wrote, on a free port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import trustme
from botocore.config import Config

LOOPBACK = "127.0.0.1"
ACCOUNT_ID = "123456789012"

_SECONDS_TO_START = 30.0
_SECONDS_TO_END = 5.0
_SECONDS_BETWEEN_LOOKS = 0.1


class EngineError(Exception):
    """The engine did not start."""


class Ministack:
    """A ministack process, for as long as the `with` lasts.

    Args:
        python: The Python of the virtual environment that ministack is installed in.
        folder: An empty folder for its log, its certificate and what it stores.
        region: The Region that it is.
    """

    def __init__(self, python: Path, folder: Path, *, region: str) -> None:
        self._python = python
        self._region = region
        self._port = _free_port()
        self._certificate, self._key, self._authority = (
            folder / name for name in ("server.pem", "server.key", "ca.pem")
        )
        self._scratch = folder / "scratch"
        self.log = folder / "ministack.log"
        self.endpoint_url = f"https://{LOOPBACK}:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that steer the CDK CLI or an SDK here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": str(self._authority),
            "NODE_EXTRA_CA_CERTS": str(self._authority),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
        }

    @property
    def process_group(self) -> int:
        """The process group of the engine and the functions that it runs; 0 before it started."""
        return self._process.pid if self._process else 0

    def client(self, service: str) -> Any:
        """A boto3 client for a service of the engine."""
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - any will do
            region_name=self._region,
        )
        make_client: Any = session.client  # typed for literal names only
        return make_client(
            service,
            endpoint_url=self.endpoint_url,
            verify=str(self._authority),
            config=Config(proxies={}),
        )

    def __enter__(self) -> Self:
        self._issue_certificate()
        self._scratch.mkdir()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # a group of its own: functions that it has started are ended with it
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _command(self) -> list[str]:
        """The engine's server as it starts it itself, but for its second port, 443."""
        return [
            *(str(self._python), "-m", "hypercorn", "ministack.app:app"),
            *("--bind", f"{LOOPBACK}:{self._port}"),
            *("--certfile", str(self._certificate)),
            *("--keyfile", str(self._key)),
        ]

    def _variables(self) -> dict[str, str]:
        """All variables of the engine; its functions see them too."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._scratch),
            "HOME": str(self._scratch),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": self._region,
            "LAMBDA_EXECUTOR": "local",
            # answers of custom resources go over HTTPS: crhelper speaks nothing else
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self._certificate),
            "MINISTACK_SSL_KEY": str(self._key),
            "SSL_CERT_FILE": str(self._authority),
            "AWS_CA_BUNDLE": str(self._authority),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _issue_certificate(self) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert(LOOPBACK, "localhost")
        authority.cert_pem.write_to_path(self._authority)
        certificate.private_key_pem.write_to_path(self._key)
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(self._certificate, append=number > 0)

    def _wait(self) -> None:
        """Wait until the engine listens."""
        deadline = time.monotonic() + _SECONDS_TO_START
        while self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._port)):
                return
            if time.monotonic() > deadline:
                raise EngineError(f"ministack has not started within {_SECONDS_TO_START:.0f} s")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        log = self.log.read_text(errors="replace").strip()
        raise EngineError(f"ministack did not start: {log or 'it wrote nothing'}")

    def _end(self) -> None:
        """End the engine and its functions, politely first."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_SECONDS_TO_END)


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])
