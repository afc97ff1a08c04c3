"""The rules for names and tags; each check raises InvalidParameterException."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sized
from typing import NoReturn

from local_aws.connect.exceptions import InvalidParameterException

MAX_TAGS = 50
_MAX_TAG_KEY = 128
_MAX_TAG_VALUE = 256
_TAG_KEY_PUNCTUATION = frozenset("_.:/=+-@")
AWS_PREFIX = "aws:"


def reject(member: str, constraint: str) -> NoReturn:
    """Refuse a member of the request that breaks a constraint of the service model."""
    message = (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )
    raise InvalidParameterException(message)


def check_length(member: str, value: Sized, minimum: int, maximum: int) -> None:
    """Check how many characters or elements `value` has."""
    if len(value) > maximum:
        reject(member, f"have length less than or equal to {maximum}")
    if len(value) < minimum:
        reject(member, f"have length greater than or equal to {minimum}")


def check_name(member: str, name: str, maximum: int, pattern: str | None) -> None:
    """Check a name of at most `maximum` characters against the `pattern` of the settings."""
    check_length(member, name, 1, maximum)
    if pattern is not None and not re.fullmatch(pattern, name):
        reject(member, f"satisfy regular expression pattern: {pattern}")


def check_tags(tags: Mapping[str, str], value_pattern: str | None) -> None:
    """Check keys and values of tags, except AWS's own, and their number."""
    own = {key: value for key, value in tags.items() if not key.startswith(AWS_PREFIX)}
    check_length("tags", own, 0, MAX_TAGS)
    for key, value in own.items():
        check_length("tags.key", key, 1, _MAX_TAG_KEY)
        if not all(
            unicodedata.category(character)[0] in "LZN" or character in _TAG_KEY_PUNCTUATION
            for character in key
        ):
            pattern = r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"
            reject("tags.key", f"satisfy regular expression pattern: {pattern}")
        check_length("tags.value", value, 0, _MAX_TAG_VALUE)
        if value_pattern is not None and not re.fullmatch(value_pattern, value):
            reject("tags.value", f"satisfy regular expression pattern: {value_pattern}")


def check_not_reserved(tag_keys: Iterable[str]) -> None:
    """Check that no key is reserved for AWS."""
    for key in tag_keys:
        if key.lower().startswith(AWS_PREFIX):
            message = f"Tag keys starting with 'aws:' are reserved for system use: {key}"
            raise InvalidParameterException(message)
