"""Dynamic references: `{{resolve:ssm:…}}` and `{{resolve:secretsmanager:…}}` in properties.

CloudFormation reads their values when it creates or changes a resource, after all functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.cloudformation.exceptions import ValidationError

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>[^:}]+):(?P<what>[^}]+)\}\}")
_SECRET = re.compile(
    # a secret's name, or its ARN with the colons in it
    r"(?P<id>arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:[^:]+|[^:]+)"
    r"(?::(?P<kind>[^:]*)(?::(?P<key>[^:]*)(?::(?P<stage>[^:]*)(?::(?P<version>[^:]*))?)?)?)?"
)


@dataclass(frozen=True)
class DynamicReferences:
    """Resolves dynamic references.

    Args:
        ssm_parameter: Returns the value of a parameter by its name, which may end with
            `:<version>`. None if there is no Systems Manager.
        secret: Gives the text of a secret by its id, and the stage and version id or empty texts.
            None where there is no Secrets Manager.
    """

    ssm_parameter: Callable[[str], str] | None = None
    secret: Callable[[str, str, str], str] | None = None

    def replaced(self, value: Any) -> Any:
        """The value with all dynamic references resolved.

        Raises:
            ValidationError: for one that cannot be read or is of an unknown kind.
        """
        if isinstance(value, str):
            return _REFERENCE.sub(self._value, value)
        if isinstance(value, dict):
            return {key: self.replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replaced(item) for item in value]
        return value

    def _value(self, match: re.Match[str]) -> str:
        service, what = match["service"], match["what"]
        if service == "ssm":
            if self.ssm_parameter is None:
                msg = f"there is no Systems Manager here to read {match[0]} from"
                raise ValidationError(msg)
            return self.ssm_parameter(what)
        if service == "secretsmanager":
            return self._secret(match[0], what)
        msg = f"dynamic references of {service!r} are not supported here: {match[0]}"
        raise ValidationError(msg)

    def _secret(self, reference: str, what: str) -> str:
        parts = _SECRET.fullmatch(what)
        if parts is None or parts["kind"] not in {None, "", "SecretString"}:
            msg = f"Invalid dynamic reference, only SecretString is supported: {reference}"
            raise ValidationError(msg)
        if self.secret is None:
            msg = f"there is no Secrets Manager here to read {reference} from"
            raise ValidationError(msg)
        text = self.secret(parts["id"], parts["stage"] or "", parts["version"] or "")
        if not parts["key"]:
            return text
        try:
            return str(json.loads(text)[parts["key"]])
        except (ValueError, KeyError, TypeError):
            msg = f"Could not find a value associated with JSONKey in SecretString: {reference}"
            raise ValidationError(msg) from None
