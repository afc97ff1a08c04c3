"""The sample app as the second engine can deploy it: groups on an instance that it did not make.

The engine knows no resource of Amazon Connect, so the people of the sample app are left out.

Context:
    instance-arn: the Amazon Connect instance.
    connect-endpoint: the address at which the function calls Amazon Connect.
    step: as in the sample app.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import App
from constructs import Construct

from app import FIRST, ContactCentre
from connect_hierarchy import HierarchyProvider, IHierarchyGroup


class Hierarchy(ContactCentre):
    """The hierarchy of the contact centre, without its people."""

    def __init__(
        self, scope: Construct, construct_id: str, *, step: int, connect_endpoint: str
    ) -> None:
        super().__init__(scope, construct_id, step=step)
        function = HierarchyProvider.get_or_create(self).function
        function.add_environment("AWS_ENDPOINT_URL_CONNECT", connect_endpoint)

    def _hire(self, instance_arn: str, agents: Mapping[str, IHierarchyGroup]) -> None:
        """Leave agents to the story."""


if __name__ == "__main__":
    app = App()
    Hierarchy(
        app,
        "ContactCentre",
        step=int(app.node.try_get_context("step") or FIRST),
        connect_endpoint=app.node.get_context("connect-endpoint"),
    )
    app.synth()
