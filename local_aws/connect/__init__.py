"""An Amazon Connect for this machine: instances, users, security profiles, user hierarchies."""

from local_aws.connect.service import LocalConnect
from local_aws.connect.settings import Call, ConnectSettings, DuplicateScope, Rate
from local_aws.faults import FaultKind

__all__ = ["Call", "ConnectSettings", "DuplicateScope", "FaultKind", "LocalConnect", "Rate"]
