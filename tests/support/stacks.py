"""Templates of the custom resources as the constructs write them, and the handlers behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connect_hierarchy_lambda.entry.function import Function
from connect_hierarchy_lambda.model.ledger import Record
from connect_hierarchy_lambda.model.tree import key_mark
from connect_hierarchy_lambda.ports.dynamodb_ledger import DynamoDbLedger
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings
from local_aws.dynamodb import DynamoDbSettings
from local_aws.in_process import FunctionSettings, InProcessAws
from tests.support.instances import new_instance, write_levels


def node(name: str, *children: Any, **fields: Any) -> dict[str, Any]:
    """A node of a tree as the template has it."""
    below = {"Children": [_node(child) for child in children]} if children else {}
    return {"Name": name, **fields, **below}


def _node(group: Any) -> Any:
    return {"Name": group} if isinstance(group, str) else group


LEDGER_TABLE: Mapping[str, Any] = {
    "TableName": "ledger",
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


class Site(InProcessAws):
    """The real handlers on an instance of the local Connect, deployed to by short templates.

    `rate` is the rate that the function assumes for its account. The ledgers are in memory, or
    in a table of the local DynamoDB.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        connect_settings: ConnectSettings | None = None,
        dynamodb_settings: DynamoDbSettings | None = None,
        engine_settings: EngineSettings | None = None,
        function_settings: FunctionSettings | None = None,
        rate: Rate | None = None,
        ledger_in_table: bool = False,
    ) -> None:
        self.ledgers: dict[str, Ledger] = {}
        self._has_table = ledger_in_table
        super().__init__(
            lambda clients, clock, put: Function(
                clients, clock, put, jitter=lambda: 0.5, rate=rate, ledger_of=self.ledger_of
            ),
            seed=seed,
            connect_settings=connect_settings,
            dynamodb_settings=dynamodb_settings,
            engine_settings=engine_settings,
            function_settings=function_settings,
        )
        if ledger_in_table:
            self.dynamodb.perform("CreateTable", **LEDGER_TABLE)
        self.instance_arn = self.new_instance()
        self.other_arn = self.new_instance()

    def ledger_of(self, stack_id: str) -> Ledger:
        """The ledger of a stack."""
        if stack_id not in self.ledgers:
            table = str(LEDGER_TABLE["TableName"])
            self.ledgers[stack_id] = (
                DynamoDbLedger(self.client("dynamodb"), table, stack_id)
                if self._has_table
                else MemoryLedger()
            )
        return self.ledgers[stack_id]

    def lose_ledgers(self) -> None:
        """Delete everything that the ledgers know."""
        self.ledgers.clear()
        if self._has_table:
            self.dynamodb.forget_items(str(LEDGER_TABLE["TableName"]))

    @property
    def instance_id(self) -> str:
        """Id of the instance that templates are about."""
        return self.instance_arn.rsplit("/", 1)[-1]

    def new_instance(self) -> str:
        """Make an instance and give its ARN."""
        backend = self.connect.backend
        return backend.instance_arn(new_instance(backend))

    def structure(self, *levels: str, **properties: Any) -> dict[str, Any]:
        """A structure with these levels."""
        return {
            "Type": "Custom::ConnectHierarchyStructure",
            "DeletionPolicy": properties.pop("DeletionPolicy", "RetainExceptOnCreate"),
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "ServiceToken": self.function_arn,
                "ServiceTimeout": 3600,
                "InstanceArn": self.instance_arn,
                "Levels": list(levels),
                "AdoptExisting": False,
                **properties,
            },
        }

    def group(self, name: str, parent: str | None = None, **properties: Any) -> dict[str, Any]:
        """A group below the group with this logical id, or at level one of `Structure`."""
        policy = properties.pop("DeletionPolicy", "Delete")
        instance_arn: Any = {"Fn::GetAtt": ["Structure", "InstanceArn"]}
        resource: dict[str, Any] = {
            "Type": "Custom::ConnectHierarchyGroup",
            "DeletionPolicy": policy,
            "Properties": {
                "ServiceToken": self.function_arn,
                "ServiceTimeout": 3600,
                "InstanceArn": instance_arn,
                "Name": name,
                "AdoptExisting": False,
                "AgentsOnDelete": "FAIL",
                **({} if parent is None else {"ParentGroupArn": {"Ref": parent}}),
                **properties,
            },
        }
        return resource

    def tree(
        self, *groups: Any, parent: str | None = None, references: Sequence[str] = (), **other: Any
    ) -> dict[str, Any]:
        """A tree of these nodes below the group with this logical id, or of `Structure`.

        A node is a name, or a mapping as in the template; `references` are keys.
        """
        return {
            "Type": "Custom::ConnectHierarchyTree",
            "DeletionPolicy": other.pop("DeletionPolicy", "Delete"),
            "Properties": {
                "ServiceToken": self.function_arn,
                "ServiceTimeout": 3600,
                "InstanceArn": {"Fn::GetAtt": ["Structure", "InstanceArn"]},
                "Groups": [_node(group) for group in groups],
                "AdoptExisting": False,
                "AgentsOnDelete": "FAIL",
                "References": [[key_mark(key) for key in references]] if references else [],
                **({} if parent is None else {"ParentGroupArn": {"Ref": parent}}),
                **other,
            },
        }

    def failing(self, *depends_on: str) -> dict[str, Any]:
        """A resource that cannot be created, after others."""
        return {
            "Type": "AWS::Connect::User",
            "DependsOn": list(depends_on),
            "Properties": {
                "InstanceArn": self.instance_arn,
                "Username": "nobody",
                "SecurityProfileArns": [],
                "RoutingProfileArn": "none",
                "HierarchyGroupArn": f"{self.instance_arn}/agent-group/missing",
            },
        }

    def failing_later(self, seconds: float) -> dict[str, Any]:
        """A resource that fails after this many seconds, while others are at work."""
        return {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": "none", "Timeout": str(seconds)},
        }

    def up(self, resources: Mapping[str, Any], name: str = "site", **options: Any) -> Stack:
        """Deploy these resources as a stack, and return when it has come to rest."""
        return self.cloudformation.deploy(name, {"Resources": dict(resources)}, **options)

    def down(self, stack: Stack) -> Stack:
        """Delete the stack, and return when it has come to rest."""
        self.cloudformation.delete_stack(stack)
        return self.cloudformation.wait(stack)

    def write_levels(self, *names: str) -> None:
        """Write levels as an operator would."""
        write_levels(self.connect.backend, self.instance_id, *names)

    def hire(self, username: str, *path: str) -> None:
        """Make an agent in the group with this path of names."""
        self.hire_all([username], *path)

    def hire_all(self, usernames: Iterable[str], *path: str) -> None:
        """Make agents in the group with this path of names."""
        backend = self.connect.backend
        group_id = backend.hierarchy(self.instance_id).by_path[path].id if path else None
        for username in usernames:
            backend.create_user(self.instance_id, username, hierarchy_group_id=group_id)

    @property
    def ids(self) -> dict[str, str]:
        """Every group's id by its path of names, written with slashes."""
        hierarchy = self.connect.backend.hierarchy(self.instance_id)
        return {"/".join(path): group.id for path, group in hierarchy.by_path.items()}

    @property
    def levels(self) -> tuple[str, ...]:
        """The level names of the instance."""
        return tuple(self.connect.backend.hierarchy(self.instance_id).level_names)

    @property
    def agents(self) -> dict[str, Sequence[str]]:
        """The user names in every group that has any, by the group's path."""
        hierarchy = self.connect.backend.hierarchy(self.instance_id)
        return {
            "/".join(path): tuple(sorted(hierarchy.usernames(*path)))
            for path in hierarchy.by_path
            if hierarchy.usernames(*path)
        }

    def calls(self, *apis: str) -> list[str]:
        """The names of the calls made to Connect, of these APIs or of all."""
        return [call.api for call in self.connect.calls if not apis or call.api in apis]

    def record(self, path: str) -> Record:
        """What the ledgers know of the group with this path of names, written with slashes."""
        group_id = self.ids[path]
        for ledger in self.ledgers.values():
            if (record := ledger.records().get(group_id)) is not None:
                return record
        raise LookupError(path)

    def reasons(self, stack: Stack) -> list[str]:
        """The reasons of failures, oldest first."""
        return [e.reason for e in stack.events if e.status.endswith("_FAILED") and e.reason]
