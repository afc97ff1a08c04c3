"""The errors of Amazon Connect, with their status and members in HTTP answers.

Codes, statuses and members are those of botocore's service model, except for throttling: the calls
declare `ThrottlingException`, but clients get `TooManyRequestsException` from the API Gateway in
front of the service.
"""

# ruff: noqa: N818 - the names are AWS's, which end in Exception

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException


class ConnectError(ServiceException):
    """An answer that is an error; `status` is its HTTP status."""

    status = 400

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"__type": self.code, "Message": self.message}


class AccessDeniedException(ConnectError):
    """The caller has no permission for the call."""

    code = "AccessDeniedException"
    status = 403


class DuplicateResourceException(ConnectError):
    """The name is taken."""

    code = "DuplicateResourceException"
    status = 409


class InternalServiceException(ConnectError):
    """The service failed; the call may or may not have had its effect."""

    code = "InternalServiceException"
    status = 500
    message = "Request processing failed due to an error or failure with the service"


class InvalidParameterException(ConnectError):
    """A parameter is invalid."""

    code = "InvalidParameterException"


class InvalidRequestException(ConnectError):
    """The request does not fit the present state."""

    code = "InvalidRequestException"


class LimitExceededException(ConnectError):
    """A quota is full. The status is that of throttling, so botocore retries it."""

    code = "LimitExceededException"
    status = 429


class ResourceInUseException(ConnectError):
    """Something else depends on the resource; the answer may name it.

    Args:
        message: what the caller reads.
        resource_type: type of the dependent resource, one of the model's `ResourceType`.
        resource_id: its id or ARN.
    """

    code = "ResourceInUseException"
    status = 409

    def __init__(
        self, message: str, resource_type: str | None = None, resource_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.resource_type = resource_type
        self.resource_id = resource_id

    def to_dict(self) -> dict[str, Any]:
        """The body, with the two members that boto3 shows at the top of `e.response`."""
        body = super().to_dict()
        if self.resource_type is not None:
            body["ResourceType"] = self.resource_type
        if self.resource_id is not None:
            body["ResourceId"] = self.resource_id
        return body


class ResourceNotFoundException(ConnectError):
    """The instance, or something in it, does not exist."""

    code = "ResourceNotFoundException"
    status = 404
    message = "Resource not found"


class SerializationException(ConnectError):
    """The body is no JSON object."""

    code = "SerializationException"
    message = "Request body could not be deserialized"


class TooManyRequestsException(ConnectError):
    """Throttling, as API Gateway answers it."""

    code = "TooManyRequestsException"
    status = 429
    message = "Too Many Requests"


class UnknownOperationException(ConnectError):
    """No call of this service that is served here has this method and path."""

    code = "UnknownOperationException"
    status = 404
