"""From a request to its answer, for every resource type.

The function serves the events of CloudFormation here, and a plan serves those that CloudFormation
is going to send.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.engine.task import Answer
from connect_hierarchy_lambda.model.arns import check_reachable
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.properties import ResourceType, StructureProperty
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.resources.groups import Groups, TreeReferences, Trees
from connect_hierarchy_lambda.resources.request import Request
from connect_hierarchy_lambda.resources.structures import Structures


class CustomResource(Protocol):
    """The common interface of all resource types."""

    def serve(self, request: Request) -> Answer:
        """Carry the request out."""


def answer_to(
    request: Request,
    function_arn: str,
    ledger: Callable[[], Ledger],
    engine: Callable[[Ledger], Engine],
) -> Answer:
    """Carry a request out.

    Args:
        request: What CloudFormation asks for.
        function_arn: ARN of the function, which reaches only instances in its own Region and
            account.
        ledger: Returns the ledger of the stack.
        engine: Makes an engine for one run.

    Raises:
        HierarchyError: It cannot be done. After an OutOfTimeError, another run can continue.
    """
    if request.type == "Delete" and request.resource_type not in list(ResourceType):
        return Answer(request.physical_id)  # nothing was ever created for an unknown type
    if _is_out_of_reach(request, function_arn):
        return Answer(request.physical_id)
    return _resource(request.resource_type, ledger(), engine).serve(request)


def _resource(
    resource_type: str, ledger: Ledger, engine: Callable[[Ledger], Engine]
) -> CustomResource:
    match resource_type:
        case ResourceType.TREE_REFERENCES:
            return TreeReferences(ledger)
        case ResourceType.STRUCTURE:
            return Structures(engine(ledger))
        case ResourceType.GROUP:
            return Groups(engine(ledger))
        case ResourceType.TREE:
            return Trees(engine(ledger))
    raise HierarchyError(
        f"serving {resource_type}",
        f"this function knows {', '.join(ResourceType)}",
        "use one release of the library for construct and function",
    )


def _is_out_of_reach(request: Request, function_arn: str) -> bool:
    """Whether a Delete is about nothing, since this function cannot reach the instance.

    Raises:
        HierarchyError: If a Create or an Update names such an instance.
    """
    try:
        # groups and trees have the instance under the same name
        check_reachable(request.properties.get(StructureProperty.INSTANCE_ARN), function_arn)
    except InvalidHierarchyError as error:
        if request.type != "Delete":
            raise HierarchyError("checking InstanceArn", str(error)) from None
        # the physical id of anything that was created begins with the ARN of its instance
        return not request.physical_id.startswith("arn:")
    return False
