"""The environment of a function's process: its variables, its modules and its role."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local_aws.awslambda.configuration import FunctionConfiguration

# The modules of Lambda's Python runtime; `runtime_client` is the compiled part of awslambdaric.
RUNTIME_MODULES = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot_restore_py",
    "urllib3",
)


def access_key_id_of_role(role: str) -> str:
    """Return the access key id with which a function of this role calls AWS.

    It is fake but telling: 20 characters like one of STS, the same for each call of the same role.

    Args:
        role: the role's ARN or name.
    """
    name = role.rsplit("/", 1)[-1]
    digest = base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()
    return f"ASIA{digest[:16]}"


def role_of_access_key_id(access_key_id: str, roles: Iterable[str]) -> str | None:
    """Return which of `roles` (ARNs or names) called with this access key id, or None."""
    return next((role for role in roles if access_key_id_of_role(role) == access_key_id), None)


def link_runtime_modules(folder: Path) -> None:
    """Fill `folder` with links to the modules of Lambda's runtime, and to nothing else.

    Raises:
        ModuleNotFoundError: one of them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            message = (
                f"starting the local Lambda: the module {name!r} of Lambda's Python runtime is "
                "not installed, install requirements.txt"
            )
            raise ModuleNotFoundError(message)
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        link = folder / source.name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(source)


@dataclass(frozen=True)
class FunctionEnvironment:
    """Builds the variables of a function's process, without any of this process's own."""

    runtime_folder: Path
    endpoint_url: str
    ca_bundle: Path | None

    def variables(
        self, configuration: FunctionConfiguration, task_root: Path, log_stream: str, api: str
    ) -> dict[str, str]:
        """Return all variables of a container.

        Args:
            configuration: the function.
            task_root: the folder of its unpacked zip.
            log_stream: the container's log stream.
            api: host and port of the container's Runtime API.
        """
        key = access_key_id_of_role(configuration.role)
        defaults = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            # not the files of this machine's user: Lambda has none
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
        }
        if self.ca_bundle is not None:
            defaults |= {
                "SSL_CERT_FILE": str(self.ca_bundle),
                "AWS_CA_BUNDLE": str(self.ca_bundle),
            }
        reserved = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": f"secret-of-{key}",
            "AWS_SESSION_TOKEN": f"session-of-{key}",
            "AWS_REGION": configuration.region,
            "AWS_DEFAULT_REGION": configuration.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
            "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_megabytes),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_RUNTIME_API": api,
            "LAMBDA_TASK_ROOT": str(task_root),
            "LAMBDA_RUNTIME_DIR": str(self.runtime_folder),
            "PYTHONPATH": os.pathsep.join([str(task_root), str(self.runtime_folder)]),
            "_HANDLER": configuration.handler,
        }
        if configuration.log_format == "JSON":
            reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            reserved["AWS_LAMBDA_LOG_LEVEL"] = configuration.log_level or "INFO"
        return defaults | dict(configuration.environment) | reserved
