"""The sample app: a contact centre of three divisions with two agents.

Context:
    instance-arn: deploy into this Amazon Connect instance instead of making one.
    step: what the demo deploys: 1 as it begins, 2 after a reorganisation, 3 a further one that
        meets a group which somebody made by hand, fails half-way and rolls back.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import App, CfnOutput, Stack, Tags
from aws_cdk import aws_connect as connect
from constructs import Construct

from connect_hierarchy import HierarchyGroup, HierarchyStructure

FIRST, REORGANISED, FAILING = 1, 2, 3


class ContactCentre(Stack):
    """An Amazon Connect instance, its agent hierarchy, and agents in it."""

    def __init__(self, scope: Construct, construct_id: str, *, step: int = FIRST) -> None:
        super().__init__(scope, construct_id, description="A contact centre with its hierarchy")
        instance_arn = self.node.try_get_context("instance-arn") or self._make_instance()

        levels = ["Division", "Region", "Team"]
        if step > FIRST:
            levels.append("Desk")
        structure = HierarchyStructure(self, "Structure", instance_arn=instance_arn, levels=levels)

        sales = structure.add_group("Sales", name="Sales" if step < FAILING else "Revenue")
        support = structure.add_group("Support", name="Support")
        back_office = structure.add_group(
            "BackOffice", name="Back Office" if step == FIRST else "Operations"
        )
        Tags.of(support).add("cost-center", "4200")

        sales_emea = sales.add_group("Emea", name="EMEA")
        sales.add_group("Americas", name="Americas")
        support_emea = support.add_group("Emea", name="EMEA")
        support.add_group("Apac", name="APAC")
        back_office.add_group("Billing", name="Billing")

        support_emea.add_group("Phones", name="Phones")
        # A team that moves keeps its place in the code, so that it stays the same resource.
        chat = HierarchyGroup(
            self, "Chat", name="Chat", parent=sales_emea if step == REORGANISED else support_emea
        )
        if step > FIRST:
            chat.add_group("NightDesk", name="Night desk")
        if step == FAILING:
            partners = structure.add_group("Partners", name="Partners")
            partners.node.add_dependency(chat, sales)

        self._hire(instance_arn, {"ada": chat, "grace": sales_emea})
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

    def _hire(self, instance_arn: str, agents: Mapping[str, HierarchyGroup]) -> None:
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
