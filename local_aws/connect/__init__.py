"""An Amazon Connect for this machine: instances, users, security profiles, user hierarchies."""

from local_aws.connect.service import LocalConnect
from local_aws.connect.settings import Call, ConnectSettings, DuplicateScope, FaultKind, Rate

__all__ = ["Call", "ConnectSettings", "DuplicateScope", "FaultKind", "LocalConnect", "Rate"]
