"""An AWS on this machine: enough of it to deploy Connect hierarchies with the real CDK CLI."""

from __future__ import annotations

from local_aws.aws import LocalAws
from local_aws.server import PortTakenError

__all__ = ["LocalAws", "PortTakenError"]
