"""The configuration of a function when its container started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import LambdaFunction

DEFAULT_RETRY_ATTEMPTS = 2
DEFAULT_EVENT_AGE_SECONDS = 6 * 3600
# moto has no LoggingConfig, so moto's function gets an attribute of this name
_LOGGING_CONFIG = "logging_config"


def set_logging_config(function: LambdaFunction, logging_config: dict[str, Any] | None) -> None:
    """Store a function's LoggingConfig, which moto's Lambda ignores.

    Args:
        function: moto's function.
        logging_config: as in Lambda's API: `LogGroup`, `LogFormat`, `ApplicationLogLevel`.
    """
    setattr(function, _LOGGING_CONFIG, dict(logging_config or {}))


def logging_config_of(function: LambdaFunction) -> dict[str, Any]:
    """Return the LoggingConfig with its defaults, as GetFunctionConfiguration shows it."""
    kept: dict[str, Any] = getattr(function, _LOGGING_CONFIG, {})
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"} | kept


@dataclass(frozen=True)
class FunctionConfiguration:
    """Code and configuration of one version of a function; equal ones can share containers."""

    name: str
    arn: str
    version: str
    account_id: str
    region: str
    role: str
    runtime: str
    handler: str
    timeout_seconds: int
    memory_megabytes: int
    environment: tuple[tuple[str, str], ...]
    code_sha256: str
    log_group: str
    log_format: str
    log_level: str | None

    @classmethod
    def of(cls, function: LambdaFunction) -> FunctionConfiguration:
        """Take a snapshot of moto's function."""
        logging_config = logging_config_of(function)
        return cls(
            name=function.function_name,
            arn=function.function_arn,
            version=str(function.version),
            account_id=function.account_id,
            region=function.region,
            role=function.role,
            runtime=function.run_time or "",
            handler=function.handler or "",
            # templates have numbers as strings
            timeout_seconds=int(function.timeout),
            memory_megabytes=int(function.memory_size),
            environment=tuple(
                sorted((key, str(value)) for key, value in function.environment_vars.items())
            ),
            code_sha256=function.code_sha_256,
            log_group=logging_config["LogGroup"],
            log_format=logging_config["LogFormat"],
            log_level=logging_config.get("ApplicationLogLevel"),
        )


@dataclass(frozen=True)
class EventSettings:
    """How Lambda treats the asynchronous events of a function."""

    retry_attempts: int
    age_seconds: float

    @classmethod
    def of(cls, function: LambdaFunction) -> EventSettings:
        """Read moto's EventInvokeConfig: each Put or Update appends, so the last one counts."""
        configs = function.event_invoke_config
        config = configs[-1].config if configs else {}
        return cls(
            retry_attempts=int(config.get("MaximumRetryAttempts", DEFAULT_RETRY_ATTEMPTS)),
            age_seconds=float(config.get("MaximumEventAgeInSeconds", DEFAULT_EVENT_AGE_SECONDS)),
        )
