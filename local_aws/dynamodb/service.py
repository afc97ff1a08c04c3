"""The local DynamoDB as a whole: requests in, answers out, with faults and a record.

A request comes over HTTP through `dispatch`, from a boto3 client in the same process through
`attach`, or from the local CloudFormation through `perform`. The state is guarded by one lock,
which is never held while anybody waits.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from moto.core.request import Request, normalize_request
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.models.table import Table
from moto.utilities.utils import get_partition

from local_aws import wire
from local_aws.dynamodb import permissions
from local_aws.dynamodb.backend import Backend, Response
from local_aws.dynamodb.settings import ConflictKind, DynamoDbSettings
from local_aws.faults import ConnectionCut, FaultKind, FaultPlan, error_of
from local_aws.wire import Call

Answer = tuple[int, dict[str, Any], str]

_ERRORS = "com.amazonaws.dynamodb.v20120810#"
_ITEM_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})
_TOKEN_SECONDS = 600.0
"""How long a ClientRequestToken makes a transaction idempotent, by the API reference."""


class DynamoDbError(Exception):
    """An answer that is an error.

    Args:
        code: as `ValidationException`.
        message: for people.
        status: of HTTP.
        further: other members of the answer.
    """

    def __init__(self, code: str, message: str, status: int = 400, **further: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.further = further


class LocalDynamoDb:
    """An Amazon DynamoDB of one account in one Region; two of them share nothing.

    Args:
        clock: tells the time, and passes the latency.
        account_id: twelve digits.
        region: as `eu-west-2`.
        settings: the switches, which can be changed at any time.
    """

    def __init__(
        self,
        clock: wire.Clock,
        account_id: str = "123456789012",
        region: str = "eu-west-2",
        settings: DynamoDbSettings | None = None,
    ) -> None:
        self.settings = settings or DynamoDbSettings()
        self.calls: list[Call] = []
        self._backend = Backend(region, account_id)
        self._clock = clock
        self._lock = threading.RLock()
        self._faults = FaultPlan[FaultKind | ConflictKind]()
        self._tables_arn = f"arn:{get_partition(region)}:dynamodb:{region}:{account_id}:table/"
        self._url = f"https://dynamodb.{region}.amazonaws.com/"
        self._transactions: dict[str, tuple[float, str]] = {}
        self._images: list[tuple[float, dict[str, Table]]] = []

    @property
    def url_paths(self) -> dict[str, Callable[..., Any]]:
        """A pattern of the path and what answers there, as moto's servers want them."""
        return {"{0}/$": lambda request, *_: self.dispatch(request)}

    def plan_fault(
        self, api: str, *, nth: int = 1, kind: FaultKind | ConflictKind, times: int = 1
    ) -> None:
        """Let a call meet a fault.

        Args:
            api: name of the call, "*" for any. A conflict needs a name, of a write of items.
            nth: which one of its calls from now on, 1 for the next.
            kind: what happens.
            times: to how many calls in a row.

        Raises:
            ValueError: if no such call is served or can have a conflict, or `nth` or `times` is
                below 1.
        """
        if api != "*" and not hasattr(Response, camelcase_to_underscores(api)):
            message = f"the local DynamoDB serves no {api!r}"
            raise ValueError(message)
        if isinstance(kind, ConflictKind) and api not in _ITEM_WRITES:
            message = f"{api!r} meets no conflict, only {', '.join(sorted(_ITEM_WRITES))} do"
            raise ValueError(message)
        with self._lock:
            self._faults.add(api, nth, kind, times)

    def forget_faults(self) -> None:
        """Plan none any more."""
        with self._lock:
            self._faults = FaultPlan[FaultKind | ConflictKind]()

    def items(self, table: str) -> list[dict[str, Any]]:
        """The items of a table as the wire has them, in no order; nobody is asked and no call made.

        Raises:
            DynamoDbError: if there is no such table.
        """
        found: list[dict[str, Any]] = self.perform("Scan", TableName=table)["Items"]
        return found

    def forget_items(self, table: str) -> None:
        """Empty a table, as somebody who lost it.

        Raises:
            DynamoDbError: if there is no such table.
        """
        with self._lock:
            self.perform("DescribeTable", TableName=table)
            self._backend.get_table(table).items.clear()

    def dispatch(self, request: Request | AWSPreparedRequest) -> Answer:
        """Answer one HTTP request with a status, headers and a body.

        Raises:
            ConnectionCut: if there is no answer: the connection is to be dropped.
        """
        normal = normalize_request(request)
        with wire.latency(self._clock, self.settings.latency):
            return self._answer(normal)

    def attach(self, client: BaseClient) -> str:
        """Let a boto3 or botocore client of DynamoDB talk to this object without HTTP.

        Returns:
            The `unique_id` by which the client's event `before-send.dynamodb` is unregistered.

        Raises:
            ValueError: if the client is of another service.
        """
        return wire.attach(client, "dynamodb", self, self.dispatch)

    def perform(self, api: str, **parameters: Any) -> dict[str, Any]:
        """Do what a call does, without faults, permissions and record.

        Args:
            api: as `CreateTable`.
            parameters: as botocore names them, values as JSON has them.

        Raises:
            DynamoDbError: if the call is refused.
        """
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{api}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        request = Request.from_primitives("POST", self._url, headers, json.dumps(parameters))
        with self._lock:
            status, _, body = self._effect(api, parameters, request)
        answer: dict[str, Any] = json.loads(body)
        if status != 200:  # noqa: PLR2004 - HTTP's for success
            raise DynamoDbError(_code(answer), _message(answer), status)
        return answer

    def _answer(self, request: Request) -> Answer:
        api = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        principal = wire.signer(request.headers.get("Authorization"))
        with self._lock:
            try:
                return self._call(api, request, principal)
            except DynamoDbError as error:
                return _error_answer(error)

    def _call(self, api: str, request: Request, principal: str | None) -> Answer:
        if not hasattr(Response, camelcase_to_underscores(api)):
            message = f"the local DynamoDB does not serve {api!r}"
            raise DynamoDbError("UnknownOperationException", message)
        parameters = json.loads(request.data)
        call = Call(
            time=self._clock.now(),
            api=api,
            parameters=parameters,
            permissions=permissions.checked(api, parameters, self._tables_arn),
            principal=principal,
        )
        self.calls.append(call)
        return self._perform(call, request)

    def _perform(self, call: Call, request: Request) -> Answer:
        try:
            fault = self._faults.next(call.api)
            if fault is not None and not (isinstance(fault, FaultKind) and fault.after_effect):
                raise self._error(fault, call)
            self._authorize(call)
            answer = self._effect(call.api, call.parameters, request)
            if fault is not None:
                # nobody learns what the call would have answered
                raise self._error(fault, call)
        except ConnectionCut:
            call.outcome = ConnectionCut.__name__
            raise
        except DynamoDbError as error:
            call.outcome = error.code
            raise
        if answer[0] != 200:  # noqa: PLR2004 - HTTP's for success
            call.outcome = _code(json.loads(answer[2]))
        return answer

    def _authorize(self, call: Call) -> None:
        refusal = wire.refusal(self.settings.authorize, call)
        if refusal is not None:
            raise _access_denied(refusal)

    def _effect(self, api: str, parameters: Mapping[str, Any], request: Request) -> Answer:
        if api in _READS:
            return self._read(parameters, request)
        if api == "TransactWriteItems" and "ClientRequestToken" in parameters:
            return self._transact_once(parameters, request)
        return self._write(request)

    def _write(self, request: Request) -> Answer:
        if self.settings.read_lag:
            self._images.append((self._clock.now(), self._backend.image()))
        return self._ask_moto(request)

    def _read(self, parameters: Mapping[str, Any], request: Request) -> Answer:
        """Read from the present tables, or from those of `read_lag` seconds ago."""
        until = self._clock.now() - self.settings.read_lag
        self._images = [image for image in self._images if image[0] > until]
        if not self._images or _is_consistent(parameters):
            return self._ask_moto(request)
        present = self._backend.tables
        self._backend.tables = self._images[0][1]
        try:
            return self._ask_moto(request)
        finally:
            self._backend.tables = present

    def _transact_once(self, parameters: Mapping[str, Any], request: Request) -> Answer:
        """Do a transaction, or nothing where its token was used within ten minutes."""
        now = self._clock.now()
        for token, (time, _) in list(self._transactions.items()):
            if now - time < _TOKEN_SECONDS:
                break
            del self._transactions[token]
        token = parameters["ClientRequestToken"]
        what = json.dumps(parameters["TransactItems"], sort_keys=True)
        if token in self._transactions:
            if self._transactions[token][1] != what:
                raise DynamoDbError(
                    "IdempotentParameterMismatchException",
                    "The transaction with this ClientRequestToken had other parameters",
                )
            return 200, {}, "{}"
        answer = self._write(request)
        if answer[0] == 200:  # noqa: PLR2004 - HTTP's for success
            self._transactions[token] = now, what
        return answer

    def _ask_moto(self, request: Request) -> Answer:
        answer = Response(self._backend)._dispatch(request)  # noqa: SLF001 - moto's entry point
        status, headers, body = answer
        return int(status), headers, body.decode() if isinstance(body, bytes) else body

    def _error(self, fault: FaultKind | ConflictKind, call: Call) -> Exception:
        if isinstance(fault, ConflictKind):
            return _conflict(call)
        return error_of(
            fault,
            call.api,
            throttled=lambda: DynamoDbError(
                self.settings.throttled_with.value, "Rate of requests exceeds what is allowed"
            ),
            failed=lambda: DynamoDbError("InternalServerError", "Internal server error", 500),
            denied=lambda: _access_denied(wire.denied(call.principal, *call.permissions[0])),
        )


def _is_consistent(parameters: Mapping[str, Any]) -> bool:
    batches = parameters.get("RequestItems", {"": parameters}).values()
    return all(batch.get("ConsistentRead", False) for batch in batches)


def _conflict(call: Call) -> DynamoDbError:
    message = "Transaction is ongoing for the item"
    if call.api != "TransactWriteItems":
        return DynamoDbError("TransactionConflictException", message)
    others: list[dict[str, str]] = [{"Code": "None"}] * (len(call.parameters["TransactItems"]) - 1)
    reasons = [{"Code": "TransactionConflict", "Message": message}, *others]
    codes = ", ".join(reason["Code"] for reason in reasons)
    return DynamoDbError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def _access_denied(why: str) -> DynamoDbError:
    return DynamoDbError("AccessDeniedException", why)


def _error_answer(error: DynamoDbError) -> Answer:
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "x-amzn-RequestId": uuid.uuid4().hex,
    }
    document = {"__type": f"{_ERRORS}{error.code}", "message": str(error), **error.further}
    return error.status, headers, json.dumps(document)


def _code(document: Mapping[str, Any]) -> str:
    return str(document.get("__type", "")).rpartition("#")[2]


def _message(document: Mapping[str, Any]) -> str:
    return str(document.get("message") or document.get("Message") or "")
