"""The local DynamoDB: moto's behind real clients, and what is added to it here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local_aws.cloudformation.stacks import Stack
from local_aws.dynamodb import ConflictKind, DynamoDbSettings, LocalDynamoDb, Throttling
from local_aws.dynamodb.service import DynamoDbError
from local_aws.faults import FaultKind
from local_aws.in_process import FunctionFaults, InProcessAws, new_client
from local_aws.server import LOOPBACK, ApiServer
from tests.local_aws.scripted import reasons

TABLE = "ledger"
ARN = f"arn:aws:dynamodb:eu-west-2:123456789012:table/{TABLE}"
KEYS: dict[str, Any] = {
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


class Desk:
    """A client at a table of an AWS in virtual time."""

    def __init__(self, aws: InProcessAws, client: Any) -> None:
        self.aws, self.db, self.client = aws, aws.dynamodb, client

    def put(self, name: str, number: int = 0, **options: Any) -> None:
        """Write an item."""
        self.client.put_item(TableName=TABLE, Item=item(name, number), **options)

    def get(self, name: str, **options: Any) -> int | None:
        """The number of an item, None where there is none."""
        answer = self.client.get_item(TableName=TABLE, Key=key(name), **options)
        return int(answer["Item"]["number"]["N"]) if "Item" in answer else None

    def add(self, name: str, **options: Any) -> None:
        """Count an item up."""
        self.client.update_item(
            TableName=TABLE,
            Key=key(name),
            UpdateExpression="ADD #n :one",
            ExpressionAttributeNames={"#n": "number"},
            ExpressionAttributeValues={":one": {"N": "1"}},
            **options,
        )

    def transact(self, *writes: dict[str, Any], **options: Any) -> None:
        """Write several items at once."""
        self.client.transact_write_items(TransactItems=list(writes), **options)

    @property
    def stored(self) -> dict[str, int]:
        """The numbers of all items, by their names."""
        return {one["sk"]["S"]: int(one["number"]["N"]) for one in self.db.items(TABLE)}

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """Which calls were made, and how they ended."""
        return [(call.api, call.outcome) for call in self.db.calls]


def key(name: str) -> dict[str, Any]:
    """The key of an item."""
    return {"pk": {"S": "one"}, "sk": {"S": name}}


def item(name: str, number: int = 0) -> dict[str, Any]:
    """An item."""
    return {**key(name), "number": {"N": str(number)}}


def put(name: str, number: int = 0, **options: Any) -> dict[str, Any]:
    """A Put in a transaction."""
    return {"Put": {"TableName": TABLE, "Item": item(name, number), **options}}


def add(name: str) -> dict[str, Any]:
    """An Update in a transaction that counts an item up."""
    return {
        "Update": {
            "TableName": TABLE,
            "Key": key(name),
            "UpdateExpression": "ADD #n :one",
            "ExpressionAttributeNames": {"#n": "number"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def if_new() -> dict[str, str]:
    """A condition: there is no such item."""
    return {"ConditionExpression": "attribute_not_exists(pk)"}


def new_aws(settings: DynamoDbSettings | None = None) -> InProcessAws:
    """An AWS whose function does nothing."""
    return InProcessAws(lambda *_: lambda *_: None, dynamodb_settings=settings)


def table(**properties: Any) -> dict[str, Any]:
    """A table of a template."""
    return {"Type": "AWS::DynamoDB::Table", "Properties": {**KEYS, **properties}}


def deploy(aws: InProcessAws, resource: dict[str, Any] | None, **further: Any) -> Stack:
    """Deploy a stack with this table, and say its name and ARN."""
    if resource is None:
        return aws.cloudformation.deploy("stack", {"Resources": further})
    outputs = {
        "Name": {"Value": {"Ref": "Table"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}},
    }
    template = {"Resources": {"Table": resource, **further}, "Outputs": outputs}
    return aws.cloudformation.deploy("stack", template)


def name_of(stack: Stack) -> str:
    """What the stack's table is called."""
    return str(stack.outputs["Name"].value)


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Code and status of an error."""
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def desk() -> Desk:
    """A desk with an empty table."""
    aws = new_aws()
    aws.dynamodb.perform("CreateTable", TableName=TABLE, **KEYS)
    return Desk(aws, aws.client("dynamodb"))


def test_items_are_written_read_and_deleted(desk: Desk) -> None:
    """By a real client: each call of single items, a query, and a batch."""
    desk.put("a", 1)
    desk.add("a")
    desk.add("b")
    assert desk.get("a", ConsistentRead=True) == 2
    query = desk.client.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "one"}},
        ConsistentRead=True,
    )
    assert [one["sk"]["S"] for one in query["Items"]] == ["a", "b"]
    batch = desk.client.batch_get_item(RequestItems={TABLE: {"Keys": [key("a"), key("b")]}})
    assert len(batch["Responses"][TABLE]) == 2
    desk.client.delete_item(TableName=TABLE, Key=key("a"))
    assert desk.get("a") is None
    assert desk.stored == {"b": 1}
    assert [api for api, _ in desk.outcomes] == [
        *("PutItem", "UpdateItem", "UpdateItem", "GetItem", "Query", "BatchGetItem"),
        *("DeleteItem", "GetItem"),
    ]


def test_every_kind_of_value_comes_back(desk: Desk) -> None:
    """As it was written, binary ones and sets included."""
    values: dict[str, Any] = {
        "text": {"S": "Zürich"},
        "number": {"N": "0.5"},
        "bytes": {"B": b"\x00\xff"},
        "nothing": {"NULL": True},
        "yes": {"BOOL": True},
        "list": {"L": [{"N": "1"}, {"M": {"a": {"S": "x"}}}]},
        "set": {"SS": ["a", "b"]},
        "byte set": {"BS": [b"\x01"]},
    }
    desk.client.put_item(TableName=TABLE, Item={**key("a"), **values})
    answer = desk.client.get_item(TableName=TABLE, Key=key("a"))["Item"]
    answer["set"]["SS"].sort()
    assert answer == {**key("a"), **values}


def test_a_condition_that_does_not_hold(desk: Desk) -> None:
    """The write has no effect, and the record says why."""
    desk.put("a", 1, **if_new())
    with pytest.raises(ClientError) as caught:
        desk.put("a", 2, **if_new())
    assert error_of(caught) == ("ConditionalCheckFailedException", 400)
    assert desk.stored == {"a": 1}
    assert desk.outcomes[-1] == ("PutItem", "ConditionalCheckFailedException")


def test_a_transaction_is_all_or_nothing(desk: Desk) -> None:
    """One condition that fails takes all of it back, an update of what was there included."""
    desk.put("a", 1)
    desk.put("b", 1)
    with pytest.raises(ClientError) as caught:
        desk.transact(add("a"), put("c"), put("b", 5, **if_new()))
    assert error_of(caught) == ("TransactionCanceledException", 400)
    response: Any = caught.value.response
    codes = [reason["Code"] for reason in response["CancellationReasons"]]
    assert codes == ["None", "None", "ConditionalCheckFailed"]
    assert desk.stored == {"a": 1, "b": 1}
    desk.transact(add("a"), put("c"))
    assert desk.stored == {"a": 2, "b": 1, "c": 0}


def test_a_transaction_on_a_table_with_one_key(desk: Desk) -> None:
    """It is taken back there too."""
    keys = {"pk": {"S": "a"}}
    schema = {
        "KeySchema": KEYS["KeySchema"][:1],
        "AttributeDefinitions": KEYS["AttributeDefinitions"][:1],
        "BillingMode": "PAY_PER_REQUEST",
    }
    desk.db.perform("CreateTable", TableName="small", **schema)
    desk.client.put_item(TableName="small", Item={**keys, "number": {"N": "1"}})
    update = {**add("a")["Update"], "TableName": "small", "Key": keys}
    refused: dict[str, Any] = {
        "TableName": "small",
        "Item": {"pk": {"S": "b"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(ClientError):
        desk.transact({"Update": update}, {"Put": refused})
    assert desk.db.items("small") == [{**keys, "number": {"N": "1"}}]
    desk.transact({"Update": update})
    assert desk.db.items("small") == [{**keys, "number": {"N": "2"}}]


def test_a_token_makes_a_transaction_idempotent(desk: Desk) -> None:
    """For ten minutes: the same again has no effect, something else is refused."""
    desk.transact(add("a"), ClientRequestToken="t")
    desk.transact(add("a"), ClientRequestToken="t")
    assert desk.stored == {"a": 1}
    with pytest.raises(ClientError) as caught:
        desk.transact(add("b"), ClientRequestToken="t")
    assert error_of(caught) == ("IdempotentParameterMismatchException", 400)
    desk.aws.clock.sleep(599)
    desk.transact(add("a"), ClientRequestToken="t")
    assert desk.stored == {"a": 1}
    desk.aws.clock.sleep(1)
    desk.transact(add("a"), ClientRequestToken="t")
    assert desk.stored == {"a": 2}


def test_a_cancelled_transaction_leaves_its_token_free(desk: Desk) -> None:
    """A failed transaction can succeed later with the same token."""
    desk.put("a")
    with pytest.raises(ClientError):
        desk.transact(put("a", 1, **if_new()), ClientRequestToken="t")
    desk.client.delete_item(TableName=TABLE, Key=key("a"))
    desk.transact(put("a", 1, **if_new()), ClientRequestToken="t")
    assert desk.stored == {"a": 1}


def test_only_consistent_reads_show_the_last_write(desk: Desk) -> None:
    """Reads that are not consistent may lag: single reads, queries and batches."""
    desk.db.settings.read_lag = 10
    desk.put("a", 1)
    desk.aws.clock.sleep(10)
    desk.add("a")
    batch = {TABLE: {"Keys": [key("a")]}}
    consistent = {TABLE: {"Keys": [key("a")], "ConsistentRead": True}}
    by_batch = [
        desk.client.batch_get_item(RequestItems=request)["Responses"][TABLE][0]["number"]["N"]
        for request in (batch, consistent)
    ]
    assert by_batch == ["1", "2"]
    assert (desk.get("a"), desk.get("a", ConsistentRead=True)) == (1, 2)
    desk.aws.clock.sleep(9)
    assert desk.get("a") == 1
    desk.aws.clock.sleep(1)
    assert desk.get("a") == 2


def test_a_new_item_is_not_found_at_first(desk: Desk) -> None:
    """By a read that lags, at the very time of the write."""
    desk.db.settings.read_lag = 10
    desk.put("a")
    assert desk.get("a") is None
    assert desk.get("a", ConsistentRead=True) == 0


@pytest.mark.parametrize("throttling", Throttling)
def test_either_error_can_say_that_it_is_too_much(desk: Desk, throttling: Throttling) -> None:
    """Both are documented for the calls of items."""
    desk.db.settings.throttled_with = throttling
    desk.db.plan_fault("PutItem", kind=FaultKind.THROTTLE)
    with pytest.raises(ClientError) as caught:
        desk.put("a")
    assert error_of(caught) == (throttling.value, 400)
    assert desk.stored == {}


@pytest.mark.parametrize(
    ("kind", "code", "status", "effect"),
    [
        (FaultKind.ERROR_BEFORE, "InternalServerError", 500, False),
        (FaultKind.ERROR_AFTER, "InternalServerError", 500, True),
        (FaultKind.ACCESS_DENIED, "AccessDeniedException", 400, False),
        (ConflictKind.CONFLICT, "TransactionConflictException", 400, False),
    ],
)
def test_faults(
    desk: Desk, kind: FaultKind | ConflictKind, code: str, status: int, *, effect: bool
) -> None:
    """Each has its error, and its effect or none; the next call is well again."""
    desk.db.plan_fault("UpdateItem", kind=kind)
    with pytest.raises(ClientError) as caught:
        desk.add("a")
    assert error_of(caught) == (code, status)
    assert desk.stored == ({"a": 1} if effect else {})
    assert desk.outcomes == [("UpdateItem", code)]
    desk.add("a")
    assert desk.stored == {"a": 2 if effect else 1}


@pytest.mark.parametrize(
    ("kind", "effect"), [(FaultKind.CUT_BEFORE, False), (FaultKind.CUT_AFTER, True)]
)
def test_cut_connections(desk: Desk, kind: FaultKind, *, effect: bool) -> None:
    """The client gets no answer, whether the call had its effect or not."""
    desk.db.plan_fault("TransactWriteItems", kind=kind)
    with pytest.raises(ConnectionClosedError):
        desk.transact(put("a"))
    assert desk.stored == ({"a": 0} if effect else {})
    assert desk.outcomes == [("TransactWriteItems", "ConnectionCut")]


def test_a_transaction_that_meets_another_is_cancelled(desk: Desk) -> None:
    """The reasons name the conflict."""
    desk.db.plan_fault("TransactWriteItems", kind=ConflictKind.CONFLICT)
    with pytest.raises(ClientError) as caught:
        desk.transact(put("a"), put("b"))
    assert error_of(caught) == ("TransactionCanceledException", 400)
    response: Any = caught.value.response
    codes = [reason["Code"] for reason in response["CancellationReasons"]]
    assert codes == ["TransactionConflict", "None"]
    assert desk.stored == {}


def test_faults_meet_the_nth_call(desk: Desk) -> None:
    """Faults of one call or of any, a number of times, and none after they are removed."""
    desk.db.plan_fault("*", nth=2, kind=FaultKind.THROTTLE, times=2)
    desk.put("a")
    for _ in range(2):
        with pytest.raises(ClientError):
            desk.get("a")
    assert desk.get("a") == 0
    desk.db.plan_fault("*", kind=FaultKind.THROTTLE, times=9)
    desk.db.forget_faults()
    assert desk.get("a") == 0


def test_plans_that_make_no_sense(desk: Desk) -> None:
    """A call that is not there, a conflict of a read, and counts below 1 are errors."""
    with pytest.raises(ValueError, match="serves no 'PutThing'"):
        desk.db.plan_fault("PutThing", kind=FaultKind.THROTTLE)
    with pytest.raises(ValueError, match="'GetItem' meets no conflict"):
        desk.db.plan_fault("GetItem", kind=ConflictKind.CONFLICT)
    with pytest.raises(ValueError, match="nth=0"):
        desk.db.plan_fault("*", nth=0, kind=FaultKind.THROTTLE)


def test_permissions(desk: Desk) -> None:
    """What IAM is asked: a transaction by the writes in it, an index by its own ARN."""
    asked: list[tuple[str, str]] = []

    def authorize(_: str | None, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return action != "dynamodb:DeleteItem"

    desk.db.settings.authorize = authorize
    desk.put("a")
    desk.transact(
        put("b"),
        add("c"),
        {
            "ConditionCheck": {
                "TableName": TABLE,
                "Key": key("a"),
                "ConditionExpression": "attribute_exists(pk)",
            }
        },
    )
    desk.client.batch_get_item(RequestItems={TABLE: {"Keys": [key("a")]}})
    assert asked == [
        ("dynamodb:PutItem", ARN),
        ("dynamodb:PutItem", ARN),
        ("dynamodb:UpdateItem", ARN),
        ("dynamodb:ConditionCheckItem", ARN),
        ("dynamodb:BatchGetItem", ARN),
    ]
    with pytest.raises(ClientError) as caught:
        desk.client.delete_item(TableName=TABLE, Key=key("a"))
    assert error_of(caught) == ("AccessDeniedException", 400)
    assert "dynamodb:DeleteItem on resource: " + ARN in str(caught.value)
    assert desk.stored == {"a": 0, "b": 0, "c": 1}
    with pytest.raises(ClientError, match="Invalid index"):
        desk.client.query(
            TableName=TABLE,
            IndexName="by-name",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "one"}},
        )
    assert asked[-1] == ("dynamodb:Query", f"{ARN}/index/by-name")


def test_a_call_that_is_not_there(desk: Desk) -> None:
    """It is answered in the service's own format."""
    with pytest.raises(ClientError) as caught:
        desk.client.describe_contributor_insights(TableName=TABLE)
    assert error_of(caught) == ("UnknownOperationException", 400)
    assert "DescribeContributorInsights" in str(caught.value)


def test_latency_passes_before_and_after(desk: Desk) -> None:
    """The effect of a call is in the middle of its latency."""
    desk.db.settings.latency = 2.0
    began = desk.aws.clock.now()
    desk.put("a")
    assert desk.aws.clock.now() - began == 2.0
    assert desk.db.calls[0].time - began == 1.0


def test_a_table_can_be_lost(desk: Desk) -> None:
    """Its items go, the table stays."""
    desk.put("a")
    desk.db.forget_items(TABLE)
    assert desk.get("a", ConsistentRead=True) is None
    desk.put("b")
    assert desk.stored == {"b": 0}
    with pytest.raises(DynamoDbError):
        desk.db.forget_items("another")


def test_two_of_them_share_nothing() -> None:
    """Each AWS has its own tables, also at one time in one process."""
    one, other = new_aws(), new_aws()
    one.dynamodb.perform("CreateTable", TableName=TABLE, **KEYS)
    assert other.client("dynamodb").list_tables()["TableNames"] == []
    assert one.client("dynamodb").list_tables()["TableNames"] == [TABLE]


# over HTTP and from functions ---------------------------------------------------------------------


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """The desk, with a client over HTTP."""
    server = ApiServer(0, {"dynamodb": desk.db.url_paths})
    server.start()
    config = Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=10)
    client = new_client("dynamodb", config)
    client.meta.events.register(
        "before-sign.dynamodb",
        lambda request, **_: setattr(request, "url", f"http://{LOOPBACK}:{server.port}/"),
    )
    desk.client = client
    yield desk
    server.stop()


def test_over_http(served: Desk) -> None:
    """The same tables and the same faults, the cut connection included."""
    served.put("a", 1)
    assert served.get("a", ConsistentRead=True) == 1
    served.db.plan_fault("UpdateItem", kind=FaultKind.CUT_AFTER)
    with pytest.raises(ConnectionClosedError):
        served.add("a")
    assert served.stored == {"a": 2}
    served.db.plan_fault("UpdateItem", kind=FaultKind.THROTTLE)
    with pytest.raises(ClientError) as caught:
        served.add("a")
    assert error_of(caught) == ("ThrottlingException", 400)
    assert served.db.calls[0].principal == "local"


@pytest.mark.parametrize(
    ("kill", "numbers"), [({2: False}, [0]), ({1: True}, [0]), ({3: False}, [0, 1])]
)
def test_a_function_can_die_between_a_table_and_connect(
    kill: dict[int, bool], numbers: list[int]
) -> None:
    """Calls to all services count: it dies before or after the effect of any of them."""
    done: list[int] = []

    def make_handler(clients: Any, _: Any, __: Any) -> Any:
        ledger, connect = clients("dynamodb"), clients("connect")

        def handler(*_: Any) -> None:
            ledger.put_item(TableName=TABLE, Item=item("a"))
            done.append(0)
            connect.list_instances()
            done.append(1)
            ledger.put_item(TableName=TABLE, Item=item("b"))
            done.append(2)

        return handler

    aws = InProcessAws(make_handler)
    aws.dynamodb.perform("CreateTable", TableName=TABLE, **KEYS)
    aws.function_faults = FunctionFaults(kills=dict(kill))
    resource = {"Type": "Custom::X", "Properties": {"ServiceToken": aws.function_arn}}
    aws.cloudformation.create_change_set("s", "c", json.dumps({"Resources": {"A": resource}}))
    aws.cloudformation.execute_change_set(aws.cloudformation.change_set("c", "s"))
    aws.clock.sleep(30)
    assert aws.invocations[0].outcome == "killed"
    assert done == (numbers if kill != {1: True} else [])
    assert len(aws.dynamodb.items(TABLE)) == 1
    aws.clock.close()


# AWS::DynamoDB::Table -----------------------------------------------------------------------------


def test_a_table_of_a_stack() -> None:
    """A table without a name gets a generated one, has an ARN, and is deleted with the stack."""
    aws = new_aws()
    stack = deploy(aws, table())
    assert stack.status == "CREATE_COMPLETE"
    name = name_of(stack)
    assert name.startswith("stack-Table-")
    assert stack.outputs["Arn"].value == ARN.replace(TABLE, name)
    client = aws.client("dynamodb")
    assert client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
    aws.cloudformation.delete_stack(stack)
    aws.cloudformation.wait(stack)
    assert client.list_tables()["TableNames"] == []


def test_harmless_changes_keep_the_table() -> None:
    """Tags, recovery, expiry and protection are changed in place, and the items stay."""
    aws = new_aws()
    stack = deploy(aws, table(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]))
    client, name = aws.client("dynamodb"), name_of(stack)
    client.put_item(TableName=name, Item=item("a"))

    def look() -> tuple[Any, ...]:
        described = client.describe_table(TableName=name)["Table"]
        backups = client.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        tags = client.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
        return (
            {tag["Key"]: tag["Value"] for tag in tags},
            recovery["PointInTimeRecoveryStatus"],
            expiry["TimeToLiveStatus"],
            described["DeletionProtectionEnabled"],
        )

    assert look() == ({"a": "1", "b": "1"}, "DISABLED", "DISABLED", False)
    changed = table(
        Tags=[{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}],
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        TimeToLiveSpecification={"AttributeName": "until", "Enabled": True},
        DeletionProtectionEnabled=True,
    )
    stack = deploy(aws, changed)
    assert (stack.status, name_of(stack)) == ("UPDATE_COMPLETE", name)
    assert look() == ({"b": "2", "c": "3"}, "ENABLED", "ENABLED", True)
    stack = deploy(aws, table())
    assert (stack.status, name_of(stack)) == ("UPDATE_COMPLETE", name)
    assert look() == ({}, "DISABLED", "DISABLED", False)
    assert len(aws.dynamodb.items(name)) == 1


def test_another_key_makes_another_table() -> None:
    """The old one goes in the clean-up."""
    aws = new_aws()
    first = name_of(deploy(aws, table()))
    only_pk = {
        "KeySchema": KEYS["KeySchema"][:1],
        "AttributeDefinitions": KEYS["AttributeDefinitions"][:1],
    }
    second = name_of(deploy(aws, table(**only_pk)))
    assert second != first
    assert aws.client("dynamodb").list_tables()["TableNames"] == [second]


def test_a_table_is_made_before_what_refers_to_it_and_goes_after_it() -> None:
    """As any other resource; and a creation that fails takes it along."""
    aws = new_aws()
    failing = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Table",
        "Properties": {"Handle": "none", "Timeout": "1"},
    }
    stack = deploy(aws, table(TableName=TABLE), Failing=failing)
    assert stack.status == "ROLLBACK_COMPLETE"
    order = [
        (event.logical_id, event.status)
        for event in stack.events
        if event.logical_id in {"Table", "Failing"} and event.status.endswith(("ETE", "ILED"))
    ]
    assert order == [
        ("Table", "CREATE_COMPLETE"),
        ("Failing", "CREATE_FAILED"),
        ("Failing", "DELETE_COMPLETE"),
        ("Table", "DELETE_COMPLETE"),
    ]
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"TableName": "taken"}, "Table already exists"),
        ({"KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}]}, "ValidationException"),
    ],
)
def test_tables_that_cannot_be_made(properties: dict[str, Any], reason: str) -> None:
    """The error of the service is the reason."""
    aws = new_aws()
    aws.dynamodb.perform("CreateTable", TableName="taken", **KEYS)
    stack = deploy(aws, table(**properties))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in reasons(stack, "CREATE_FAILED", "Table")[0]
    assert aws.client("dynamodb").list_tables()["TableNames"] == ["taken"]


def test_a_protected_table_is_not_deleted() -> None:
    """The stack's deletion fails, and says why; a table that is gone is no hindrance."""
    aws = new_aws()
    stack = deploy(aws, table(DeletionProtectionEnabled=True))
    aws.cloudformation.delete_stack(stack)
    aws.cloudformation.wait(stack)
    assert stack.status == "DELETE_FAILED"
    assert "DeletionProtectionEnabled" in reasons(stack, "DELETE_FAILED", "Table")[0]
    client, name = aws.client("dynamodb"), stack.resources["Table"].physical_id
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=name)
    aws.cloudformation.delete_stack(stack)
    aws.cloudformation.wait(stack)
    assert stack.status == "DELETE_COMPLETE"


def test_a_dynamodb_alone() -> None:
    """It attaches to clients of its own service only."""
    aws = new_aws()
    database = LocalDynamoDb(aws.clock)
    with pytest.raises(ValueError, match="'connect' cannot be attached"):
        database.attach(aws.client("connect"))
