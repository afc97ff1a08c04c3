"""Other ways of doing the work, each modelled from its published source.

Agents are not part of any code, as if a directory created them: a peer that leaves them behind or
fails because of them is shown to do so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries import standard

from benchmarks.apps import fill_natively
from benchmarks.native import THROTTLED, error_code
from benchmarks.organisation import Group, Organisation
from benchmarks.stage import Stage
from benchmarks.ways import Stacks
from local_aws.cloudformation.ordered_work import OrderedWork, Run
from local_aws.cloudformation.resource_types import (
    ResourceFailedError,
)
from local_aws.in_process import new_client

_SEED = 1

LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")


def _levels(names: Sequence[str]) -> dict[str, dict[str, str]]:
    return {key: {"Name": name} for key, name in zip(LEVEL_KEYS, names, strict=False)}


# native CloudFormation --------------------------------------------------------------------------


class NativeCloudFormation(Stacks):
    """`AWS::Connect::UserHierarchyGroup`, its Java handlers and their client's retries."""

    name = "native CloudFormation"
    source = (
        "aws-cloudformation/aws-cloudformation-resource-providers-connect, "
        "aws-connect-userhierarchygroup: CreateHandler, UpdateHandler, DeleteHandler, "
        "ClientBuilder; aws/aws-sdk-java-v2: RetryPolicy, BackoffStrategy, SdkDefaultRetrySetting; "
        "docs.aws.amazon.com/cloudformation-cli: resource-type-test-contract-errors"
    )
    assumptions = (
        "the client tries 4 times, with an equal jitter from 0.5 s; a handler that answers "
        "Throttling, an error that AWS documents as retriable, is called again without an end, "
        "after 5 s, 10 s and so on up to 60 s (when and how often is not published); the handlers "
        "of the structure, whose source is not published, make one UpdateUserHierarchyStructure"
    )
    # the structure
    other_resources = 1
    fill = staticmethod(fill_natively)


# Terraform --------------------------------------------------------------------------------------


class Terraform:
    """`aws_connect_user_hierarchy_group`, applied with the default parallelism."""

    name = "Terraform"
    source = (
        "hashicorp/terraform-provider-aws, internal/service/connect: user_hierarchy_group.go, "
        "user_hierarchy_structure.go; hashicorp/aws-sdk-go-base: aws_config.go; "
        "aws/aws-sdk-go-v2: aws/retry/middleware.go, jitter_backoff.go"
    )
    assumptions = (
        "10 operations at once; each apply reads every group of the state first; each write is "
        "followed by a read; a group with another parent is destroyed, then created, as without a "
        "lifecycle of its own; a call is tried 25 times, the provider's default, after "
        "random() · 2^attempt seconds, 300 at most"
    )

    _PARALLEL = 10
    _TRIES = 25
    _LONGEST = 300.0

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._client = stage.aws.client("connect")
        self._work = OrderedWork(stage.aws.clock)
        self._free = self._PARALLEL
        self._state: Organisation | None = None
        self._ids: dict[str, str] = {}

    def deploy(self, organisation: Organisation) -> str:
        """`terraform apply`."""
        before = self._state
        if before is not None:
            self._refresh(before)
        errors: list[str] = []
        if before is None or before.levels != organisation.levels:
            self._write_levels(organisation.levels)
        replaced = _replaced(before, organisation)
        if before is not None:
            gone = [
                group
                for group in reversed(before.groups)
                if group.key in replaced or group.key not in organisation.by_key
            ]
            errors += self._all(_children_first(gone), self._destroy)
        if not errors:
            wanted = [
                group
                for group in organisation.groups
                if group.key not in self._ids
                or (before is not None and before.by_key[group.key].name != group.name)
            ]
            errors += self._all(_by_parent(wanted), partial(self._apply, organisation))
        self._state = organisation
        return f"{len(errors)} errors: {errors[0]}" if errors else ""

    def _all(
        self, graph: Mapping[str, frozenset[str]], work: Callable[[str], None]
    ) -> Sequence[str]:
        """Do the work for every key, ten at a time, and return the errors."""

        def in_turn(key: str, _: Run) -> None:
            self._stage.aws.clock.wait_until(lambda: self._free > 0)
            self._free -= 1
            try:
                work(key)
            finally:
                self._free += 1

        return list(self._work.run(graph, in_turn, go_on=True).failed.values())

    def _refresh(self, state: Organisation) -> None:
        self._call("describe_user_hierarchy_structure")
        self._all({group.key: frozenset() for group in state.groups}, self._read)

    def _write_levels(self, levels: Sequence[str]) -> None:
        self._call("update_user_hierarchy_structure", HierarchyStructure=_levels(levels))
        self._call("describe_user_hierarchy_structure")

    def _read(self, key: str) -> None:
        self._call("describe_user_hierarchy_group", HierarchyGroupId=self._ids[key])

    def _apply(self, organisation: Organisation, key: str) -> None:
        group = organisation.by_key[key]
        if key in self._ids:
            self._call(
                "update_user_hierarchy_group_name",
                HierarchyGroupId=self._ids[key],
                Name=group.name,
            )
        else:
            parent = {} if group.parent is None else {"ParentGroupId": self._ids[group.parent]}
            answer = self._call("create_user_hierarchy_group", Name=group.name, **parent)
            self._ids[key] = answer["HierarchyGroupId"]
        self._read(key)

    def _destroy(self, key: str) -> None:
        self._call("delete_user_hierarchy_group", HierarchyGroupId=self._ids[key])
        del self._ids[key]

    def _call(self, method: str, **parameters: Any) -> Any:
        attempt = 0
        while True:
            attempt += 1
            try:
                return getattr(self._client, method)(
                    InstanceId=self._stage.instance_id, **parameters
                )
            except ClientError as error:
                if error_code(error) != THROTTLED or attempt == self._TRIES:
                    raise ResourceFailedError(str(error)) from None
            pause = self._stage.random.random() * 2.0**attempt
            self._stage.aws.clock.sleep(min(self._LONGEST, pause))


def _replaced(before: Organisation | None, after: Organisation) -> frozenset[str]:
    """Groups with another parent, and what is below them: its parent's id is not known before."""
    if before is None:
        return frozenset()
    moved = [
        group.key
        for group in after.groups
        if group.key in before.by_key and before.by_key[group.key].parent != group.parent
    ]
    return frozenset(key for top in moved for key in after.below(top))


def _by_parent(groups: Iterable[Group]) -> dict[str, frozenset[str]]:
    """The groups that each group waits for: its parent, if that changes, too."""
    keys = {group.key: group for group in groups}
    return {
        group.key: frozenset({group.parent} if group.parent in keys else ())
        for group in keys.values()
    }


def _children_first(groups: Iterable[Group]) -> dict[str, frozenset[str]]:
    keys = {group.key: group for group in groups}
    return {
        key: frozenset(child.key for child in keys.values() if child.parent == key) for key in keys
    }


# a script ---------------------------------------------------------------------------------------


class Script:
    """A script that calls boto3 in a loop."""

    name = "boto3 script"
    source = "written for this benchmark; its retries are those of the botocore that is installed"
    assumptions = (
        "one call after the other, with botocore's default retries; it reads with "
        "SearchUserHierarchyGroups and writes only what differs; started again by hand, after "
        "60 s, when a call fails for good"
    )

    _STARTS = 20
    _PAUSE = 60.0

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._client = _with_default_retries(stage)
        self._before: Organisation | None = None
        # botocore takes its random pauses from here
        random.seed(_SEED)

    def deploy(self, organisation: Organisation) -> str:
        """Run it until it succeeds."""
        # groups are known by their paths, so the script is told what to rename or move
        before, self._before = self._before, organisation
        for start in range(1, self._STARTS + 1):
            try:
                self._run(before, organisation)
            except ClientError as error:
                if error_code(error) != THROTTLED:
                    return f"stopped: {error}"
                self._stage.aws.clock.sleep(self._PAUSE)
            else:
                return f"started {start} times" if start > 1 else ""
        return f"given up after {self._STARTS} starts"

    def _run(self, before: Organisation | None, after: Organisation) -> None:
        instance = {"InstanceId": self._stage.instance_id}
        levels = self._client.describe_user_hierarchy_structure(**instance)["HierarchyStructure"]
        names = [levels[key]["Name"] for key in LEVEL_KEYS if key in levels]
        if names != list(after.levels):
            self._client.update_user_hierarchy_structure(
                **instance, HierarchyStructure=_levels(after.levels)
            )
        ids = self._read()
        for group in after.groups:
            path = after.path(group.key)
            if path in ids:
                continue
            old = None if before is None else before.by_key.get(group.key)
            if before is not None and old is not None and old.parent == group.parent:
                old_path = (*path[:-1], old.name)
                if old_path in ids:
                    self._client.update_user_hierarchy_group_name(
                        **instance, HierarchyGroupId=ids[old_path], Name=group.name
                    )
                    ids = {
                        (*path, *there[len(path) :]) if there[: len(path)] == old_path else there: i
                        for there, i in ids.items()
                    }
                    continue
            parent = {"ParentGroupId": ids[path[:-1]]} if len(path) > 1 else {}
            answer = self._client.create_user_hierarchy_group(**instance, Name=group.name, **parent)
            ids[path] = answer["HierarchyGroupId"]
        if before is not None:
            self._carry_over(before, after, ids)
            wanted = {after.path(group.key) for group in after.groups}
            for path in sorted(ids.keys() - wanted, key=len, reverse=True):
                self._client.delete_user_hierarchy_group(**instance, HierarchyGroupId=ids[path])

    def _carry_over(
        self, before: Organisation, after: Organisation, ids: Mapping[tuple[str, ...], str]
    ) -> None:
        instance = {"InstanceId": self._stage.instance_id}
        for group in after.groups:
            old = before.path(group.key) if group.key in before.by_key else None
            new = after.path(group.key)
            if old is None or old == new or old not in ids:
                continue
            pages = self._client.get_paginator("search_users").paginate(
                **instance,
                SearchCriteria={
                    "HierarchyGroupCondition": {
                        "Value": ids[old],
                        "HierarchyGroupMatchType": "EXACT",
                    }
                },
            )
            for user in [user for page in pages for user in page["Users"]]:
                self._client.update_user_hierarchy(
                    **instance, UserId=user["Id"], HierarchyGroupId=ids[new]
                )

    def _read(self) -> dict[tuple[str, ...], str]:
        pages = self._client.get_paginator("search_user_hierarchy_groups").paginate(
            InstanceId=self._stage.instance_id
        )
        ids = {}
        for group in [group for page in pages for group in page["UserHierarchyGroups"]]:
            above = group.get("HierarchyPath", {})
            path = tuple(above[key]["Name"] for key in LEVEL_KEYS if key in above)
            if path:
                ids[path] = group["Id"]
        return ids


def _with_default_retries(stage: Stage) -> Any:
    """A client whose retries are botocore's own, with pauses in virtual time."""
    client = new_client("connect", Config(proxies={}))
    stage.aws.connect.attach(client)
    service = client.meta.service_model.service_id.hyphenize()
    event_name, id_ = f"needs-retry.{service}", f"retry-config-{service}"
    if client.meta.config.retries["mode"] != "standard":
        msg = f"botocore's default retries are {client.meta.config.retries}, standard is modelled"
        raise RuntimeError(msg)
    client.meta.events.unregister(event_name, unique_id=id_)
    handler = standard.register_retry_handler(client)
    client.meta.events.unregister(event_name, unique_id=id_)

    def needs_retry(**event: Any) -> float | None:
        delay = handler.needs_retry(**event)
        if delay is None:
            return None
        stage.aws.clock.sleep(delay)
        return 0.0

    client.meta.events.register(event_name, needs_retry, unique_id=id_)
    return client
