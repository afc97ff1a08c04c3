"""`HierarchyStructure`: what stands in the template, and what dependents get."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aws_cdk import CfnParameter, RemovalPolicy, Stack, Token

from connect_hierarchy import HierarchyStructure, IHierarchyStructure
from tests.support.constructs_fixtures import (
    INSTANCE_ARN,
    OTHER_INSTANCE_ARN,
    STRUCTURE,
    find,
    logical_id,
    new_instance,
    new_stack,
    properties_of,
    resource_of,
)


@dataclass
class Stage:
    """A stack with one structure of each kind."""

    stack: Stack
    made_here: HierarchyStructure
    retained: HierarchyStructure
    destroyed: HierarchyStructure
    by_token: HierarchyStructure
    imported: IHierarchyStructure


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Synthesised once for the module."""
    stack = new_stack()
    instances = CfnParameter(stack, "InstanceArn")
    names = CfnParameter(stack, "Levels", type="CommaDelimitedList")
    second = CfnParameter(stack, "Second")
    return Stage(
        stack=stack,
        made_here=HierarchyStructure(
            stack,
            "Structure",
            instance_arn=new_instance(stack).attr_arn,
            levels=["Division", "Region", "Team"],
        ),
        retained=HierarchyStructure(
            stack,
            "Retained",
            instance_arn=INSTANCE_ARN,
            levels=(second.value_as_string,),
            adopt_existing=True,
            removal_policy=RemovalPolicy.RETAIN,
        ),
        destroyed=HierarchyStructure(
            stack,
            "Destroyed",
            instance_arn=OTHER_INSTANCE_ARN,
            levels=["Division", second.value_as_string, "Team"],
            removal_policy=RemovalPolicy.DESTROY,
        ),
        by_token=HierarchyStructure(
            stack,
            "ByToken",
            instance_arn=instances.value_as_string,
            levels=names.value_as_list,
        ),
        imported=HierarchyStructure.from_instance_arn(
            stack, "Imported", INSTANCE_ARN, levels=["Division"]
        ),
    )


def test_properties(stage: Stage) -> None:
    """The handler gets instance, levels in order and the adoption, as the contract names them."""
    properties = dict(properties_of(stage.made_here))
    properties.pop("ServiceToken")
    assert properties == {
        "ServiceTimeout": "3600",
        "InstanceArn": {"Fn::GetAtt": ["Instance", "Arn"]},
        "Levels": ["Division", "Region", "Team"],
        "AdoptExisting": False,
    }
    assert properties_of(stage.retained)["AdoptExisting"] is True


def test_levels_outlive_the_stack_by_default(stage: Stage) -> None:
    """Only the rollback of its own creation takes a structure back, unless the user says so."""
    by_default = resource_of(stage.made_here)
    assert by_default["DeletionPolicy"] == "RetainExceptOnCreate"
    assert by_default["UpdateReplacePolicy"] == "Retain"
    retained = resource_of(stage.retained)
    assert (retained["DeletionPolicy"], retained["UpdateReplacePolicy"]) == ("Retain", "Retain")
    destroyed = resource_of(stage.destroyed)
    assert (destroyed["DeletionPolicy"], destroyed["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_dependents_wait_for_the_levels(stage: Stage) -> None:
    """The ARN that dependents take is an attribute of the structure itself."""
    arn = stage.stack.resolve(stage.made_here.instance_arn)
    assert arn == {"Fn::GetAtt": [logical_id(stage.made_here), "InstanceArn"]}


def test_levels_are_known_as_far_as_they_are(stage: Stage) -> None:
    """Names at synth, None where the whole list comes at deployment."""
    assert stage.made_here.levels == ("Division", "Region", "Team")
    assert stage.destroyed.levels is not None
    assert len(stage.destroyed.levels) == 3
    assert Token.is_unresolved(stage.destroyed.levels[1])
    assert stage.retained.levels is not None
    assert stage.by_token.levels is None


def test_tokens_reach_the_template(stage: Stage) -> None:
    """An instance and levels from parameters pass all checks and arrive as references."""
    properties = properties_of(stage.by_token)
    assert properties["InstanceArn"] == {"Ref": "InstanceArn"}
    assert properties["Levels"] == {"Ref": "Levels"}
    assert properties_of(stage.retained)["Levels"] == [{"Ref": "Second"}]


def test_import_deploys_nothing(stage: Stage) -> None:
    """An imported structure adds no resource, and its ARN is the given one."""
    assert len(find(stage.stack, STRUCTURE)) == 4
    assert stage.imported.instance_arn == INSTANCE_ARN
    assert stage.imported.levels == ("Division",)


def test_removal_policy_can_be_applied_later() -> None:
    """`apply_removal_policy` works as on the CDK's own constructs."""
    stack = new_stack()
    structure = HierarchyStructure(stack, "S", instance_arn=INSTANCE_ARN, levels=["Division"])
    structure.apply_removal_policy(RemovalPolicy.DESTROY)
    assert resource_of(structure)["DeletionPolicy"] == "Delete"
    with pytest.raises(ValueError, match=r"Stack/S: removal_policy .* SNAPSHOT"):
        structure.apply_removal_policy(RemovalPolicy.SNAPSHOT)
