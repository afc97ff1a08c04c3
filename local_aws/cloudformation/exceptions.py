"""Errors of the CloudFormation API, as clients get them."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class ValidationError(ServiceException):
    """The request is invalid."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class AlreadyExistsError(ServiceException):
    """A stack of this name exists."""

    code = "AlreadyExistsException"


class ChangeSetNotFoundError(ServiceException):
    """No change set of this name."""

    code = "ChangeSetNotFound"
