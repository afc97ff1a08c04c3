"""An app on an instance that it did not make: groups in one stack, their people in another.

Context:
    instance-arn: the Amazon Connect instance, whose levels begin with those of `LEVELS`.
    routing-profile-arn: a routing profile of the instance.
"""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk import aws_connect as connect
from constructs import Construct

from connect_hierarchy import HierarchyStructure, HierarchyTree

LEVELS = ["Division", "Team", "Desk"]
FILE = Path(__file__).with_name("organisation.csv")


class FieldService(Stack):
    """The groups of a division, on the levels that are there."""

    def __init__(self, scope: Construct, construct_id: str, *, instance_arn: str) -> None:
        super().__init__(scope, construct_id, description="The groups of the field service")
        # Nothing is deployed for it. The levels are for the check of the groups' depth at synth.
        structure = HierarchyStructure.from_instance_arn(
            self, "Structure", instance_arn, levels=LEVELS
        )
        self.groups = HierarchyTree.from_file(self, "Groups", FILE, structure=structure)


class People(Stack):
    """A supervisor, and what supervisors of a group may see."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        instance_arn: str,
        routing_profile_arn: str,
        groups: HierarchyTree,
    ) -> None:
        super().__init__(scope, construct_id, description="The people of the field service")
        north = groups.group("Field service/North")
        supervisors = connect.CfnSecurityProfile(
            self,
            "Supervisors",
            instance_arn=instance_arn,
            security_profile_name="Supervisors North",
            permissions=["BasicAgentAccess", "Users.View"],
            # They see the agents of this group and of those below it, and no others.
            allowed_access_control_hierarchy_group_id=north.hierarchy_group_id,
            hierarchy_restricted_resources=["User"],
        )
        connect.CfnUser(
            self,
            "Hedy",
            instance_arn=instance_arn,
            username="hedy",
            identity_info=connect.CfnUser.UserIdentityInfoProperty(
                first_name="Hedy", last_name="Sample"
            ),
            phone_config=connect.CfnUser.UserPhoneConfigProperty(phone_type="SOFT_PHONE"),
            routing_profile_arn=routing_profile_arn,
            security_profile_arns=[supervisors.attr_security_profile_arn],
            hierarchy_group_arn=north.hierarchy_group_arn,
        )


if __name__ == "__main__":
    app = App()
    instance_arn = app.node.get_context("instance-arn")
    field_service = FieldService(app, "FieldService", instance_arn=instance_arn)
    People(
        app,
        "FieldServicePeople",
        instance_arn=instance_arn,
        routing_profile_arn=app.node.get_context("routing-profile-arn"),
        groups=field_service.groups,
    )
    app.synth()
