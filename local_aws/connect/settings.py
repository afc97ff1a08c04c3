"""How the local Connect behaves: switches and rates, and the record of its calls.

Where nobody documents what the service does, a switch decides it, and a program that uses the
service must work both ways.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from local_aws import wire


class DuplicateScope(Enum):
    """Among which groups a name may occur once; the service does not document it."""

    SIBLINGS = "siblings"
    INSTANCE = "instance"


@dataclass(frozen=True)
class Rate:
    """A token bucket.

    Args:
        per_second: tokens that come back in a second.
        burst: tokens in a full bucket.
    """

    per_second: float
    burst: float


@dataclass(slots=True, kw_only=True)
class Call(wire.Call):
    """One call that arrived at Connect.

    Args:
        instance_id: of the instance that is meant, also where an ARN was sent; None without one.
        resource: the ARN that IAM checks, with `*` for what a create has no id for yet; None where
            it is not known.
    """

    instance_id: str | None
    resource: str | None


@dataclass
class ConnectSettings:
    r"""The switches of one local Connect; each can be changed at any time.

    Args:
        duplicate_scope: among which groups a name may occur once (not documented).
        default_rate: of each API by itself, None for unlimited. AWS documents 2 a second with a
            burst of 5, for each API, account and Region.
        rates: for single APIs, in place of the default; None for unlimited.
        search_lag: seconds that Search* lags behind writes, at most 900.
        read_lag: seconds that Describe*, List* and the checks behind writes lag behind writes, at
            most 900. What was made is then not found, and what was deleted is still in use.
            Instances themselves never lag.
        latency: seconds from a request to its answer, half of it before the service looks at it.
            The service takes its time; nobody documents how much.
        group_quota: groups that an instance may have over all levels (quota L-D68AAAE4).
        search_shows_root: whether SearchUserHierarchyGroups answers the hidden root (LevelId "0").
        search_accepts_arns: whether `parentId`, `resourceID` and `HierarchyGroupCondition` take
            ARNs (not documented); otherwise an ARN matches nothing.
        search_accepts_instance_arn: whether `InstanceId` in the body of Search* takes an ARN (not
            documented); otherwise it is not found.
        security_profile_blocks_group_deletion: whether a security profile that names a group keeps
            it from being deleted (not documented).
        level_gaps_allowed: whether a structure may have LevelThree without LevelTwo (not
            documented).
        equal_level_names_allowed: whether two levels may have one name (not documented).
        name_pattern: a regular expression that names of levels and groups must match in full; the
            service model has none, and what the service refuses is not documented.
        tag_value_pattern: the same for values of tags; CloudFormation's documentation names the
            characters ``[\w\s.:/=+@-]``, the service model has none.
        aws_tags_returned: whether answers show tags such as `aws:cloudformation:stack-id` (not
            documented).
        in_use_names_arn: whether `ResourceId` of ResourceInUseException is an ARN, as its shape is
            called, or an id (not documented).
        page_limit: most rows a page has, whatever MaxResults asks for; None for no such limit.
        authorize: asked for each pair of action and resource of a call, with the principal first;
            False makes it an AccessDeniedException. None allows everything. Called with the
            service's lock held, so it must not wait.
    """

    duplicate_scope: DuplicateScope = DuplicateScope.SIBLINGS
    default_rate: Rate | None = Rate(per_second=2, burst=5)
    rates: dict[str, Rate | None] = field(default_factory=dict)
    search_lag: float = 0.0
    read_lag: float = 0.0
    latency: float = 0.0
    group_quota: int = 500
    search_shows_root: bool = True
    search_accepts_arns: bool = False
    search_accepts_instance_arn: bool = True
    security_profile_blocks_group_deletion: bool = False
    level_gaps_allowed: bool = False
    equal_level_names_allowed: bool = True
    name_pattern: str | None = None
    tag_value_pattern: str | None = None
    aws_tags_returned: bool = True
    in_use_names_arn: bool = False
    page_limit: int | None = None
    authorize: wire.Authorize | None = None


class TokenBuckets:
    """One bucket for each API, filled by the time that is passed in."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[float, float]] = {}

    def take(self, api: str, rate: Rate | None, now: float) -> bool:
        """Take a token of `api` at `now`, in seconds; False if there is none."""
        if rate is None:
            return True
        tokens, since = self._tokens.get(api, (rate.burst, now))
        tokens = min(rate.burst, tokens + (now - since) * rate.per_second)
        # a caller that waits exactly 1 / per_second must not fail by a rounding of floats
        allowed = tokens > 1 - 1e-6
        self._tokens[api] = (tokens - 1 if allowed else tokens, now)
        return allowed
