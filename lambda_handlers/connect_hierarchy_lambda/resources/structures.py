"""`Custom::ConnectHierarchyStructure`: event to wish, outcome to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.core.levels import WishedLevels, decide_levels
from connect_hierarchy_lambda.core.wish import Wish
from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import check_level_names
from connect_hierarchy_lambda.model.properties import StructureAttribute, StructureProperty
from connect_hierarchy_lambda.resources.request import Properties, Request, task_of

_SEGMENT = "/user-hierarchy-structure"


class Structures:
    """Serves structures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def serve(self, request: Request) -> Answer:
        """Carry the request out."""
        wished = _wished(request)
        previous = _previous(request)
        task = task_of(
            request,
            lambda values: Wish(wished_levels(values).instance_arn),
            lambda view, _: _answer(request, view.wish.instance_arn),
            lambda view: decide_levels(view, wished, previous),
        )
        return self._engine.carry_out(task)


def wished_levels(values: Mapping[str, Any]) -> WishedLevels:
    """The levels of properties; HierarchyError if they are invalid."""
    properties = Properties(values)
    instance_arn = properties.text(StructureProperty.INSTANCE_ARN)
    levels = properties.texts(StructureProperty.LEVELS)
    try:
        check_instance_arn(instance_arn)
        check_level_names(levels)
    except InvalidHierarchyError as error:
        raise HierarchyError("reading the hierarchy structure's properties", str(error)) from None
    adopt_existing = properties.flag(StructureProperty.ADOPT_EXISTING)
    return WishedLevels(instance_arn, tuple(levels), adopt_existing)


def _wished(request: Request) -> WishedLevels:
    try:
        return wished_levels(request.properties)
    except HierarchyError:
        # levels that cannot be read are not removed
        if request.type != "Delete" or _SEGMENT in request.physical_id:
            raise
        return WishedLevels("")


def _previous(request: Request) -> WishedLevels | None:
    try:
        return wished_levels(request.old_properties) if request.old_properties else None
    except HierarchyError:
        return None


def _answer(request: Request, instance_arn: str) -> Answer:
    if request.type == "Delete":
        return Answer(request.physical_id)
    data: dict[str, str] = {StructureAttribute.INSTANCE_ARN: instance_arn}
    return Answer(f"{instance_arn}{_SEGMENT}", data)
