"""A policy that is attached by a resource of its own: when the function behind others has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local_aws.cloudformation.resource_types import Outcome, RecordedResource, ResourceRequest
from tests.local_aws.scripted import Event, Site, custom, site


class _Policies(RecordedResource):
    """What every policy of the stacks allows at the moment."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed: dict[str, set[str]] = {}

    def create(self, request: ResourceRequest) -> Outcome:
        return self._write(super().create(request), request)

    def update(self, request: ResourceRequest) -> Outcome:
        return self._write(super().update(request), request)

    def delete(self, request: ResourceRequest) -> None:
        del self.allowed[request.physical_id]

    def _write(self, outcome: Outcome, request: ResourceRequest) -> Outcome:
        self.allowed[outcome.physical_id] = set(request.properties["Actions"])
        return outcome

    def allow(self, action: str) -> bool:
        return any(action in actions for actions in self.allowed.values())


def _policy(*actions: str) -> Mapping[str, Any]:
    return {"Type": "Test::Policy", "Properties": {"Actions": list(actions)}}


def _watched(s: Site, name: str, action: str) -> list[bool]:
    """Whether the action is allowed, for each Delete of the resource at its end."""
    policies = _Policies()
    s.cfn.engine._types["Test::Policy"] = policies  # type: ignore[index]
    told: list[bool] = []

    def look(_: Event) -> dict[str, Any]:
        told.append(policies.allow(action))
        return {}

    s.script.on("Delete", name, look)
    s.script.take("Delete", name, 5.0)
    return told


@pytest.mark.parametrize("depends", [False, True])
def test_a_policy_goes_early_unless_it_is_depended_on(*, depends: bool) -> None:
    """Fact 12: a Delete that needs it may find it gone, one that depends on it never does."""
    with site() as s:
        told = _watched(s, "A", "delete")
        resource = custom("Policy") if depends else custom()
        stack = s.deploy({"A": resource, "Policy": _policy("delete")})
        assert s.delete(stack).status == "DELETE_COMPLETE"
        assert told == [depends]


def test_an_updated_policy_lacks_the_old_statements_in_the_clean_up() -> None:
    """Fact 12: what allowed the Delete of a resource that leaves is gone before that Delete."""
    with site() as s:
        told = _watched(s, "A", "delete a")
        s.deploy({"Policy": _policy("delete a"), "A": custom("Policy")})
        stack = s.deploy({"Policy": _policy("create b"), "B": custom("Policy")})
        assert (stack.status, told) == ("UPDATE_COMPLETE", [False])


def test_a_replaced_policy_still_stands_in_the_clean_up() -> None:
    """Two policies in place of one that changes: the old one goes after what depended on it."""
    with site() as s:
        told = _watched(s, "A", "delete a")
        s.deploy({"Old": _policy("delete a"), "A": custom("Old")})
        stack = s.deploy({"New": _policy("create b"), "B": custom("New")})
        assert (stack.status, told) == ("UPDATE_COMPLETE", [True])
