"""The table in which the function writes down what it owns and what it is about to do."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from connect_hierarchy_lambda.model.actions import ON_LEDGER
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.properties import LedgerKey

_KEY_SCHEMA = (LedgerKey.PARTITION.value, LedgerKey.SORT.value)


def make_ledger(scope: Construct) -> dynamodb.Table:
    """Create a table that is deleted with the function, since nothing else uses it."""
    partition_key, sort_key = (
        dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING) for name in _KEY_SCHEMA
    )
    return dynamodb.Table(
        scope,
        "Ledger",
        partition_key=partition_key,
        sort_key=sort_key,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )


def check_ledger(ledger: dynamodb.ITable, stack: Stack) -> None:
    """Raise InvalidHierarchyError for a table that the function of this stack cannot use.

    The key schema is known of a `Table` that is made in the app, and of no other.
    """
    path = ledger.node.path
    if isinstance(ledger, dynamodb.Table):
        schema = ledger.schema_v2()
        found = [*schema.partition_keys, *schema.sort_keys]
        if found != [
            dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
            for name in _KEY_SCHEMA
        ]:
            shown = ", ".join(f"{key.name} ({key.type.value})" for key in found)
            msg = (
                f"ledger '{path}' has the keys {shown}, the partition key 'pk' and the sort key "
                "'sk', both STRING, are needed: give a table of these, or leave ledger out"
            )
            raise InvalidHierarchyError(msg)
    for what, here, there in (
        ("account", stack.account, ledger.env.account),
        ("Region", stack.region, ledger.env.region),
    ):
        if here != there and not Token.is_unresolved(here) and not Token.is_unresolved(there):
            msg = (
                f"ledger '{path}' is in {what} {there}, the stack in {here}, the same is needed: "
                "give a table of this one, or leave ledger out"
            )
            raise InvalidHierarchyError(msg)


def ledger_statement(ledger: dynamodb.ITable) -> iam.PolicyStatement:
    """Read and write of the table's items; a transaction needs the actions of its parts."""
    return iam.PolicyStatement(
        actions=[*ON_LEDGER],
        resources=[ledger.table_arn],
    )
