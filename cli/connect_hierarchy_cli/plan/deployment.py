"""A simulated deployment: the requests that CloudFormation will send, served without a write.

CloudFormation works side by side on resources that do not depend on each other; here they come one
by one, in the order of the template. The stack's turn lets only one of them act anyway.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from connect_hierarchy_cli.plan.intrinsics import (
    Scope,
    TemplateError,
    as_text,
    dependencies,
    unknowns,
)
from connect_hierarchy_cli.plan.planned_connect import NotReadError, PlannedConnect
from connect_hierarchy_cli.plan.planned_time import JumpingClock
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.engine.turns import Turns
from connect_hierarchy_lambda.entry.answer import encoded
from connect_hierarchy_lambda.entry.continuation import WINDOW
from connect_hierarchy_lambda.model.ledger import Phase, RequestType
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.model.properties import (
    GroupProperty,
    ResourceType,
    StructureAttribute,
    TreeProperty,
    TreeReferencesProperty,
    reference_attribute,
)
from connect_hierarchy_lambda.model.tree_identity import TreeId
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.stack import OwnStack
from connect_hierarchy_lambda.ports.time import Schedule
from connect_hierarchy_lambda.resources.request import Request, digest_of
from connect_hierarchy_lambda.resources.serving import answer_to

CLEAN_UP_TRIES = 3
"""How often CloudFormation tries a Delete in the clean-up before it abandons the resource."""

_RUN_SECONDS = 900.0
_AT_ONCE = 1_000_000
"""Independent calls are decided together, since a plan may have thousands."""

_UNLIMITED = Rate(1e9, 1e9)
"""The time at the account's rate is computed afterwards, from the calls."""

_SERVICE_TOKEN = "ServiceToken"  # noqa: S105 - what CloudFormation calls the function's ARN
_STRUCTURE_SEGMENT = "/user-hierarchy-structure"
_MUST_BE_KNOWN = (
    GroupProperty.INSTANCE_ARN,
    GroupProperty.NAME,
    GroupProperty.PARENT_GROUP_ARN,
    GroupProperty.ADOPT_EXISTING,
    GroupProperty.ADOPT_FROM_STACK,
    GroupProperty.AGENTS_ON_DELETE,
    TreeProperty.GROUPS,
)


@dataclass(frozen=True)
class Served:
    """A request of CloudFormation, and its outcome."""

    id: str
    type: RequestType
    logical_id: str
    resource_type: ResourceType
    is_clean_up: bool = False
    physical_id_before: str = ""
    physical_id: str = ""
    why_failed: str = ""
    """The reason in the function's answer if the request fails."""

    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Played:
    """The course of a deployment."""

    requests: list[Served] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """Warnings that will be in the function's log."""

    unknown: list[str] = field(default_factory=list)
    """Values that only the deployment knows, such as that of a tag."""

    refusal: str = ""
    """Why the deployment will fail, in the words of the function; empty if it will not."""

    refused_by: str = ""
    """The logical id of the resource that fails."""

    exports: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Exports that change or go: the output, and whether there is still one of this name."""

    waits: Mapping[str, float] = field(default_factory=dict)
    """Seconds that requests wait for anything but the pace, by their ids."""


class DeploymentError(Exception):
    """No plan can be made."""


@dataclass(frozen=True)
class _Standing:
    """The present state of a resource of this library."""

    declaration: Mapping[str, Any]
    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, str]


class Deployment:
    """Simulates one deployment.

    Args:
        target: The template and the stack.
        connect: The planned Amazon Connect; afterwards it has the calls.
        ledger: A copy of the stack's ledger, which is changed.
        now: When it begins, in seconds since 1970.
    """

    def __init__(
        self, target: Target, connect: PlannedConnect, ledger: MemoryLedger, now: float
    ) -> None:
        self.target = target
        self.connect = connect
        self.ledger = ledger
        self.played = Played()
        self._clock = JumpingClock(now)
        self._stack = _PlannedStack(target.new_template)
        self._waits: dict[str, float] = {}
        self._is: dict[str, _Standing] = {}
        self._exports_before: dict[str, tuple[str, str]] = {}

    def play(self) -> Played:
        """Serve the requests that CloudFormation will send, until all are done or one fails.

        Raises:
            DeploymentError: If the wish is not known before the deployment.
            Refusal: If the present state cannot be read; or PassingError.
        """
        try:
            with _warnings(self.played.warnings):
                self._play()
        except TemplateError as error:
            raise DeploymentError(str(error)) from None
        except NotReadError as error:
            raise error.cause from None
        self.played.waits = dict(self._waits)
        return self.played

    # the phases ----------------------------------------------------------------------------------

    def _play(self) -> None:
        for arn in self.target.new_instances():
            self.connect.add_new_instance(arn)
        old_graph = self._look()
        scope = self.target.scope(
            self.target.new_template, self.target.new_parameters, self._ref, self._attribute
        )
        declared = scope.resources()
        graph = dependencies(declared)
        verb = "CREATE" if self.target.is_first else "UPDATE"
        self._stack.status = f"{verb}_IN_PROGRESS"
        replaced: list[tuple[str, _Standing]] = []
        for name in _in_order(graph):
            if not is_ours(declared[name]):
                continue
            before = self._is.get(name)
            if not self._apply(scope, name, declared[name]):
                return
            after = self._is[name]
            if before is not None and after.physical_id != before.physical_id:
                replaced.append((name, before))
        exports = _exports(scope)
        self.played.exports = {
            name: (output, name in exports)
            for name, (output, value) in self._exports_before.items()
            if name not in exports or exports[name][1] != value
        }
        if self.target.is_first:
            return
        self._stack.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        removed = [(n, s) for n, s in self._is.items() if not is_ours(declared.get(n, {}))]
        self._clean_up(removed, replaced, old_graph)

    def _look(self) -> Mapping[str, set[str]]:
        """The deployed resources, with the references in their template resolved."""
        target = self.target
        if target.old_template is None:
            return {}
        scope = target.scope(target.old_template, target.old_parameters, self._ref, self._attribute)
        declared = scope.resources()
        graph = dependencies(declared)
        for name in _in_order(graph):
            physical_id = target.physical_ids.get(name, "")
            if is_ours(declared[name]) and physical_id:
                properties = scope.properties(declared[name])
                self._note_instance(properties)
                attributes = self._attributes_of(name, declared[name], properties, physical_id)
                self._is[name] = _Standing(declared[name], physical_id, properties, attributes)
                self._check_resolved(name, properties)
        self._exports_before = _exports(scope)
        for record in self.ledger.records().values():
            self.connect.instance(record.instance_arn)
        return graph

    def _apply(self, scope: Scope, name: str, declaration: Mapping[str, Any]) -> bool:
        """Create or change a resource; False if that fails."""
        properties = scope.properties(declaration)
        self._check_known(name, properties)
        self._note_instance(properties)
        there = self._is.get(name)
        if there is None:
            return self._forward(RequestType.CREATE, name, declaration, properties, None)
        if there.declaration["Type"] != declaration["Type"]:
            return self._refuse(name, "Update of resource type is not permitted")
        if there.properties == properties:
            self._is[name] = replace(there, declaration=declaration)
            return True
        if there.properties.get(_SERVICE_TOKEN) != properties.get(_SERVICE_TOKEN):
            return self._refuse(name, "Modifying service token is not allowed")
        return self._forward(RequestType.UPDATE, name, declaration, properties, there)

    def _forward(
        self,
        kind: RequestType,
        name: str,
        declaration: Mapping[str, Any],
        properties: Mapping[str, Any],
        there: _Standing | None,
    ) -> bool:
        request = self._request(kind, name, declaration["Type"], properties, there)
        answer = self._serve(request, is_clean_up=False)
        if isinstance(answer, str):
            return self._refuse(name, answer)
        self._is[name] = _Standing(declaration, answer.physical_id, properties, answer.data)
        return True

    def _refuse(self, name: str, why: str) -> bool:
        self.played.refusal, self.played.refused_by = why, name
        return False

    def _clean_up(
        self,
        removed: Sequence[tuple[str, _Standing]],
        replaced: Sequence[tuple[str, _Standing]],
        graph: Mapping[str, set[str]],
    ) -> None:
        """Delete resources that are no longer declared or were replaced, dependents first."""
        going = [
            (name, standing)
            for name, standing in removed
            if standing.declaration.get("DeletionPolicy", "Delete") == "Delete"
        ] + [
            (name, standing)
            for name, standing in replaced
            if standing.declaration.get("UpdateReplacePolicy", "Delete") != "Retain"
        ]
        order = {name: number for number, name in enumerate(_in_order(graph))}
        for name, standing in sorted(going, key=lambda one: order.get(one[0], 0), reverse=True):
            for _ in range(CLEAN_UP_TRIES):
                kind, properties = standing.declaration["Type"], standing.properties
                request = self._request(RequestType.DELETE, name, kind, properties, standing)
                request = replace(request, old_properties={})
                answer = self._serve(request, is_clean_up=True)
                if isinstance(answer, Answer):
                    break

    # one request ---------------------------------------------------------------------------------

    def _request(
        self,
        kind: RequestType,
        name: str,
        resource_type: str,
        properties: Mapping[str, Any],
        there: _Standing | None,
    ) -> Request:
        # events have whole seconds, and each comes after the one before
        self._clock.sleep(1.0)
        return Request(
            resource_type=resource_type,
            type=kind,
            stack_id=self.target.stack_id,
            request_id=f"planned-{len(self.played.requests) + 1}",
            logical_id=name,
            properties=properties,
            old_properties=there.properties if there else {},
            physical_id=there.physical_id if there else "",
            issued_at=self._clock.now(),
        )

    def _serve(self, request: Request, *, is_clean_up: bool) -> Answer | str:
        """The answer, or the reason of the failure."""
        served = Served(
            id=request.request_id,
            type=RequestType(request.type),
            logical_id=request.logical_id,
            resource_type=ResourceType(request.resource_type),
            is_clean_up=is_clean_up,
            physical_id_before=request.physical_id,
            properties=request.properties,
        )
        self.connect.request = request.request_id
        began = self._clock.now()
        answer = self._answer(request, began)
        self._waits[request.request_id] = self._clock.now() - began
        if isinstance(answer, Answer):
            served = replace(served, physical_id=answer.physical_id)
        else:
            served = replace(served, why_failed=answer, physical_id=request.failed_id)
        self.played.requests.append(served)
        return answer

    def _answer(self, request: Request, began: float) -> Answer | str:
        while True:
            schedule = Schedule(self._clock, self._clock.now() + _RUN_SECONDS, lambda: 0.5)
            try:
                answer = answer_to(
                    request,
                    str(request.properties.get(_SERVICE_TOKEN, "")),
                    lambda: self.ledger,
                    lambda ledger: self._engine(ledger, request, schedule),  # noqa: B023 - at once
                )
            except OutOfTimeError as error:
                if self._clock.now() - began < WINDOW:
                    continue
                return str(error)
            except HierarchyError as error:
                return str(error)
            return self._sent(request, answer)

    def _engine(self, ledger: Ledger, request: Request, schedule: Schedule) -> Engine:
        turns = Turns(request.request_id, ledger, schedule, _UNLIMITED)
        client: Any = self.connect
        stack: Any = self._stack
        return Engine(
            turns,
            Connect(client, turns.paced),
            OwnStack(stack, request.stack_id),
            Lanes(self._clock, _UNLIMITED, most=_AT_ONCE),
        )

    def _sent(self, request: Request, answer: Answer) -> Answer | str:
        """The answer, unless it has more bytes than CloudFormation takes."""
        fields = {
            "Status": "SUCCESS",
            "PhysicalResourceId": answer.physical_id,
            "StackId": request.stack_id,
            "RequestId": request.request_id,
            "LogicalResourceId": request.logical_id,
            "NoEcho": False,
            "Data": dict(answer.data),
        }
        sent = json.loads(encoded(fields, request.physical_id))
        return answer if sent["Status"] == "SUCCESS" else str(sent["Reason"])

    # what is known -------------------------------------------------------------------------------

    def _ref(self, name: str) -> str | None:
        return self._is[name].physical_id if name in self._is else None

    def _attribute(self, name: str, attribute: str) -> str | None:
        return self._is[name].attributes.get(attribute) if name in self._is else None

    def _note_instance(self, properties: Mapping[str, Any]) -> None:
        arn = properties.get(GroupProperty.INSTANCE_ARN)
        if isinstance(arn, str) and arn.startswith("arn:"):
            self.connect.instance(arn)

    def _check_resolved(self, name: str, properties: Mapping[str, Any]) -> None:
        """Warn if references in the deployed template had other values than they have here."""
        entry = self.ledger.entry(name)
        if entry is not None and entry.digest and entry.digest != digest_of(properties):
            self.played.warnings.append(
                f"{name}: the deployed values differ from those computed here, so its plan may "
                "be wrong"
            )

    def _check_known(self, name: str, properties: Mapping[str, Any]) -> None:
        for key, value in properties.items():
            for what in unknowns(value):
                if key in _MUST_BE_KNOWN and not (key == TreeProperty.GROUPS and _is_tag(value)):
                    raise DeploymentError(f"{key} of {name} is known after deployment: {what}")
                told = f"{key} of {name}: {what}"
                if key != _SERVICE_TOKEN and told not in self.played.unknown:
                    self.played.unknown.append(told)

    def _attributes_of(
        self,
        name: str,
        declaration: Mapping[str, Any],
        properties: Mapping[str, Any],
        physical_id: str,
    ) -> Mapping[str, str]:
        """The attributes of a deployed resource for Fn::GetAtt, from the function's last answer."""
        if declaration["Type"] == ResourceType.STRUCTURE:
            arn = physical_id.removesuffix(_STRUCTURE_SEGMENT)
            return {StructureAttribute.INSTANCE_ARN: arn}
        resource = name
        if declaration["Type"] == ResourceType.TREE_REFERENCES:
            tree = TreeId.parse(str(properties.get(TreeReferencesProperty.TREE)))
            resource = tree.logical_id if tree else ""
        ids = {
            reference_attribute(record.key): record.id
            for record in self.ledger.records().values()
            if record.resource == resource and record.phase is Phase.LIVE
        }
        entry = self.ledger.entry(name)
        for begun in reversed(entry.begun if entry else ()):
            data = (begun.answer or {}).get("Data")
            if begun.type is not RequestType.DELETE and isinstance(data, Mapping):
                return {**ids, **{str(key): str(value) for key, value in data.items()}}
        return ids


def _exports(scope: Scope) -> dict[str, tuple[str, str]]:
    """The exports of a stack: output and value by name."""
    outputs: Mapping[str, Mapping[str, Any]] = scope.template.get("Outputs") or {}
    return {
        as_text(scope.resolve(output["Export"]["Name"])): (
            name,
            as_text(scope.resolve(output["Value"])),
        )
        for name, output in outputs.items()
        if "Export" in output and scope.holds(output.get("Condition"))
    }


def is_ours(declaration: Mapping[str, Any]) -> bool:
    """Whether a resource is one of this library's."""
    return declaration.get("Type") in list(ResourceType)


def copied(ledger: Ledger | None) -> MemoryLedger:
    """A copy of what a ledger knows of its groups, resources and wishes."""
    copy = MemoryLedger()
    if ledger is None:
        return copy
    turn = copy.take_turn("copy", 0.0)
    assert turn is not None  # noqa: S101 - no other run exists
    copy.write(turn, records=list(ledger.records().values()))
    for entry in ledger.entries().values():
        copy.write(turn, entry=entry)
    for wish in ledger.last_wishes().values():
        copy.write(turn, wish=wish)
    copy.give_turn(turn, {})
    return copy


class _PlannedStack:
    """The part of a CloudFormation client that the engine uses."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.status = ""
        self._template = template

    def describe_stacks(self, **_: Any) -> Any:
        """The status of the stack."""
        return {"Stacks": [{"StackStatus": self.status}]}

    def get_template(self, **_: Any) -> Any:
        """The new template, as CloudFormation shows it during an update."""
        return {"TemplateBody": self._template}


def _in_order(graph: Mapping[str, set[str]]) -> list[str]:
    """Independent resources in the order of the template, then those that depend on them."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in graph:
        sorter.add(name)
    for name, above in graph.items():
        sorter.add(name, *sorted(above))
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " → ".join(error.args[1])
        raise DeploymentError(f"resources depend on each other in a circle: {cycle}") from None
    order: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            order.append(name)
            sorter.done(name)
    return order


def _is_tag(groups: object) -> bool:
    """Whether only values of tags are unknown in these groups."""
    if isinstance(groups, Mapping):
        return all(name == "Tags" or _is_tag(value) for name, value in groups.items())
    if isinstance(groups, list):
        return all(map(_is_tag, groups))
    return not unknowns(groups)


@contextmanager
def _warnings(told: list[str]) -> Iterator[None]:
    """Collect the engine's warnings instead of logging them."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            path = getattr(record, "path", "")
            text = f"{record.getMessage()}: {path}" if path else record.getMessage()
            if text not in told:
                told.append(text)

    logger, collector = logging.getLogger("connect_hierarchy_lambda"), Collector(logging.WARNING)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagates
