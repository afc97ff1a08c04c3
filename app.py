"""The sample app: a contact centre whose organisation is a YAML file, with two agents.

Context:
    instance-arn: deploy into this Amazon Connect instance instead of making one.
    step: what the demo deploys: 1 as it begins, 2 after a reorganisation, 3 a further one that
        meets a group which somebody made by hand, fails half-way and rolls back. Each step has
        a file, to be compared; an organisation of your own is one file that is edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_connect as connect
from constructs import Construct

from connect_hierarchy import HierarchyGroup, HierarchyStructure, HierarchyTree, IHierarchyGroup

FIRST, FAILING = 1, 3
ORGANISATION = Path(__file__).with_name("organisation")


class ContactCentre(Stack):
    """An Amazon Connect instance, its agent hierarchy, and agents in it."""

    def __init__(self, scope: Construct, construct_id: str, *, step: int = FIRST) -> None:
        super().__init__(scope, construct_id, description="A contact centre with its hierarchy")
        instance_arn = self.node.try_get_context("instance-arn") or self._make_instance()

        levels = ["Division", "Team", "Desk"]
        if step > FIRST:
            levels.append("Shift")
        structure = HierarchyStructure(self, "Structure", instance_arn=instance_arn, levels=levels)
        tree = HierarchyTree.from_file(
            self, "Organisation", ORGANISATION / f"step-{step}.yaml", structure=structure
        )
        # By its key, so that the code need not follow when the file moves it.
        chat = tree.group_with_key("Support/Chat")

        # What belongs to the code rather than to the organisation is a group of its own.
        structure.add_group("Training", name="Training", tags={"cost-center": "9000"})
        night_desk = HierarchyGroup(self, "NightDesk", name="Night desk", parent=chat)
        if step == FAILING:
            partners = structure.add_group("Partners", name="Partners")
            partners.node.add_dependency(night_desk)  # so that there is something to take back

        self._hire(instance_arn, {"ada": chat, "grace": night_desk})
        CfnOutput(self, "InstanceArn", value=instance_arn)

    def _make_instance(self) -> str:
        instance = connect.CfnInstance(
            self,
            "Instance",
            identity_management_type="SAML",  # agents without passwords in a template
            instance_alias=f"hierarchy-sample-{self.account}",
            attributes=connect.CfnInstance.AttributesProperty(
                inbound_calls=True, outbound_calls=True
            ),
        )
        return instance.attr_arn

    def _hire(self, instance_arn: str, agents: Mapping[str, IHierarchyGroup]) -> None:
        hours = connect.CfnHoursOfOperation(
            self,
            "Hours",
            instance_arn=instance_arn,
            name="Sample hours",
            time_zone="Europe/London",
            config=[
                connect.CfnHoursOfOperation.HoursOfOperationConfigProperty(
                    day=day,
                    start_time=connect.CfnHoursOfOperation.HoursOfOperationTimeSliceProperty(
                        hours=9, minutes=0
                    ),
                    end_time=connect.CfnHoursOfOperation.HoursOfOperationTimeSliceProperty(
                        hours=17, minutes=0
                    ),
                )
                for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
            ],
        )
        queue = connect.CfnQueue(
            self,
            "Queue",
            instance_arn=instance_arn,
            name="Sample queue",
            hours_of_operation_arn=hours.attr_hours_of_operation_arn,
        )
        routing_profile = connect.CfnRoutingProfile(
            self,
            "RoutingProfile",
            instance_arn=instance_arn,
            name="Sample routing profile",
            description="Voice, one contact at a time",
            default_outbound_queue_arn=queue.attr_queue_arn,
            media_concurrencies=[
                connect.CfnRoutingProfile.MediaConcurrencyProperty(channel="VOICE", concurrency=1)
            ],
        )
        CfnOutput(self, "RoutingProfileArn", value=routing_profile.attr_routing_profile_arn)
        security_profile = connect.CfnSecurityProfile(
            self,
            "SecurityProfile",
            instance_arn=instance_arn,
            security_profile_name="Sample agent",
            permissions=["BasicAgentAccess"],
        )
        for username, group in agents.items():
            connect.CfnUser(
                self,
                username.title(),
                instance_arn=instance_arn,
                username=username,
                identity_info=connect.CfnUser.UserIdentityInfoProperty(
                    first_name=username.title(), last_name="Sample"
                ),
                phone_config=connect.CfnUser.UserPhoneConfigProperty(phone_type="SOFT_PHONE"),
                routing_profile_arn=routing_profile.attr_routing_profile_arn,
                security_profile_arns=[security_profile.attr_security_profile_arn],
                hierarchy_group_arn=group.hierarchy_group_arn,
            )


if __name__ == "__main__":
    app = App()
    ContactCentre(app, "ContactCentre", step=int(app.node.try_get_context("step") or FIRST))
    app.synth()
