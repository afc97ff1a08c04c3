"""Errors of AWS and its SDK, as one sentence and the next command to type."""

from __future__ import annotations

import re

from botocore import exceptions as sdk

from connect_hierarchy_cli.settings import PROGRAM, Settings
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, PassingError, Refusal

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_UNKNOWN_KEY = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "AuthFailure",
    }
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
)
_THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    }
)
_ACTION = re.compile(r"perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?")

Told = tuple[str, str]
"""A sentence, and the next command to type."""


def explained_service_error(error: BaseException, settings: Settings) -> Told | None:
    """The message about an error of the SDK or of a service; None for any other."""
    match error:
        case Refusal():
            return _of_code(error.code, error.message, settings)
        case PassingError():
            return _of_passing_trouble(error, settings)
        case sdk.ClientError():
            details = error.response.get("Error", {})
            return _of_code(details.get("Code", ""), details.get("Message", ""), settings)
        case sdk.BotoCoreError():
            return _of_the_sdk(error, settings)
    return None


def _of_code(code: str, message: str, settings: Settings) -> Told:
    if code in _EXPIRED:
        return _expired(settings)
    if code in _UNKNOWN_KEY:
        return (
            f"AWS does not accept the access key, or its signature ({code})",
            _aws("sts get-caller-identity", settings),
        )
    if code in _DENIED:
        found = _ACTION.search(message)
        what = "this" if found is None else found["action"]
        where = f" on {found['resource']}" if found and found["resource"] else ""
        return (
            f"your credentials do not allow {what}{where}: ask for a policy that does",
            _aws("sts get-caller-identity", settings),
        )
    if code in _THROTTLED:
        return _too_fast(message, settings)
    if code == NOT_FOUND:
        return (f"Amazon Connect has no such thing: {message}", f"{PROGRAM} tree")
    return (f"AWS refuses the request: {message} ({code})", settings.again("--debug"))


def _of_passing_trouble(error: PassingError, settings: Settings) -> Told:
    if error.is_throttled:
        return _too_fast(error.why, settings)
    if isinstance(error.__context__, sdk.BotoCoreError):
        return _of_the_sdk(error.__context__, settings)
    return (f"AWS failed to answer, and may succeed later: {error.why}", settings.again())


def _too_fast(message: str, settings: Settings) -> Told:
    slower = min(1.0, (settings.requests_per_second or 2.0) / 2)
    return (
        f"AWS accepts no more requests at the moment: {message}",
        settings.again("--requests-per-second", f"{slower:g}", without=("--requests-per-second",)),
    )


def _of_the_sdk(error: sdk.BotoCoreError, settings: Settings) -> Told:
    match error:
        case sdk.NoCredentialsError() | sdk.PartialCredentialsError():
            return (
                f"no AWS credentials were found{_of_profile(settings)}",
                _aws("configure", settings),
            )
        case sdk.ProfileNotFound():
            return (str(error), "aws configure list-profiles")
        case (
            sdk.SSOError()
            | sdk.LoginError()
            | sdk.NoAuthTokenError()
            | sdk.TokenRetrievalError()
            | sdk.UnauthorizedSSOTokenError()
            | sdk.CredentialRetrievalError()
        ):
            return _expired(settings)
        case sdk.NoRegionError():
            return ("no AWS Region is given", _in_another_region(settings))
        case sdk.InvalidRegionError():
            return (str(error), _in_another_region(settings))
        case sdk.EndpointConnectionError() | sdk.ConnectTimeoutError():
            address = error.kwargs.get("endpoint_url", "AWS")
            if settings.endpoint_url:
                option = ("--endpoint-url",)
                return (f"nothing answers at {address}", settings.again(without=option))
            return (
                f"{address} cannot be reached: is the Region right, and is there a network?",
                _in_another_region(settings),
            )
        case sdk.SSLError() | sdk.ProxyConnectionError():
            return (f"there is no trusted connection to AWS: {error}", "env | grep -i proxy")
        case sdk.ConfigParseError() | sdk.ConfigNotFound() | sdk.InvalidConfigError():
            return (f"the AWS configuration cannot be read: {error}", "aws configure list")
    return (f"the request to AWS failed: {error}", settings.again())


def _in_another_region(settings: Settings) -> str:
    return settings.again("--region", "eu-west-2", without=("--region",))


def _expired(settings: Settings) -> Told:
    return (
        f"the AWS session{_of_profile(settings)} has expired",
        _aws("sso login", settings),
    )


def _of_profile(settings: Settings) -> str:
    return f" of profile '{settings.profile}'" if settings.profile else ""


def _aws(command: str, settings: Settings) -> str:
    """A command of the AWS CLI with the same profile."""
    return f"aws {command}" + (f" --profile {settings.profile}" if settings.profile else "")
