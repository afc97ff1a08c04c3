"""Lambda's data plane for this machine: runs the functions that moto's Lambda API keeps.

Functions, their zips and their EventInvokeConfig live in moto's `lambda_backends`. Here each runs
as its deployed zip, in its own process, under AWS's own runtime client `awslambdaric`.
"""

from __future__ import annotations

from local_aws.awslambda.configuration import set_logging_config
from local_aws.awslambda.environment import access_key_id_of_role, role_of_access_key_id
from local_aws.awslambda.function_code import FunctionCodeError
from local_aws.awslambda.invocation import InvocationRecord, InvocationResult
from local_aws.awslambda.service import LocalLambda

__all__ = [
    "FunctionCodeError",
    "InvocationRecord",
    "InvocationResult",
    "LocalLambda",
    "access_key_id_of_role",
    "role_of_access_key_id",
    "set_logging_config",
]
