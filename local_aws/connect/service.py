"""The local Connect as a whole: requests in, answers out, with pacing, faults and a record.

A request comes over HTTP through `dispatch`, or from a boto3 client in the same process through
`attach`. The state is guarded by one lock, which is never held while anybody waits.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from moto.core.exceptions import JsonRESTError
from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores

from local_aws import wire
from local_aws.connect import permissions, urls
from local_aws.connect.exceptions import (
    AccessDeniedException,
    ConnectError,
    InternalServiceException,
    TooManyRequestsException,
    UnknownOperationException,
)
from local_aws.connect.models import LocalConnectBackend
from local_aws.connect.responses import LocalConnectResponse
from local_aws.connect.settings import Call, ConnectSettings, TokenBuckets
from local_aws.faults import ConnectionCut, FaultKind, FaultPlan, error_of

Answer = tuple[int, dict[str, str], str]

_METHODS = {api: camelcase_to_underscores(api) for api in urls.APIS}


class LocalConnect:
    """An Amazon Connect of one account in one Region; two of them share nothing.

    Args:
        clock: tells the time, and passes the latency.
        account_id: twelve digits.
        region: as `eu-west-2`.
        settings: the switches, which can be changed at any time.
        seed: makes ids the same in every run, instances' ids excepted; None for random ones.
    """

    def __init__(
        self,
        clock: wire.Clock,
        account_id: str = "123456789012",
        region: str = "eu-west-2",
        settings: ConnectSettings | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self.settings = settings or ConnectSettings()
        self.backend = LocalConnectBackend(
            region, account_id, clock=clock, settings=self.settings, seed=seed
        )
        self.calls: list[Call] = []
        self._clock = clock
        self._faults = FaultPlan[FaultKind]()
        self._buckets = TokenBuckets()
        self._instances_arn = (
            f"arn:{self.backend.partition}:connect:{region}:{account_id}:instance/"
        )

    def plan_fault(self, api: str, *, nth: int = 1, kind: FaultKind, times: int = 1) -> None:
        """Let a call meet a fault; such a call is not paced.

        Args:
            api: name of the call, "*" for any.
            nth: which one of its calls from now on, 1 for the next.
            kind: what happens.
            times: to how many calls in a row.

        Raises:
            ValueError: if no such call is served, or `nth` or `times` is below 1.
        """
        if api != "*" and api not in urls.APIS:
            message = f"the local Connect serves no {api!r}"
            raise ValueError(message)
        with self.backend.lock:
            self._faults.add(api, nth, kind, times)

    def forget_faults(self) -> None:
        """Plan none any more."""
        with self.backend.lock:
            self._faults = FaultPlan[FaultKind]()

    @property
    def url_paths(self) -> dict[str, Callable[..., Any]]:
        """Regular expressions of paths and what answers them, as moto's servers want them."""
        return urls.url_paths(self.dispatch)

    def dispatch(
        self,
        request: Request | AWSPreparedRequest,
        full_url: str,
        headers: Mapping[str, str],
    ) -> Answer:
        """Answer one HTTP request with a status, headers and a body, as moto's handlers do.

        Args:
            request: method and body are taken from it.
            full_url: scheme, host, path and query string, as they came.
            headers: of the request.

        Raises:
            ConnectionCut: if there is no answer: the connection is to be dropped.
        """
        body: Any
        if isinstance(request, AWSPreparedRequest):
            method, body = str(request.method), request.body or b""
        else:
            method, body = request.method, request.get_data()
        text = body.decode() if isinstance(body, bytes | bytearray) else str(body)
        authorization: Any = request.headers.get("Authorization") or headers.get("Authorization")
        with wire.latency(self._clock, self.settings.latency):
            return self._answer(method, full_url, text, wire.signer(authorization))

    def attach(self, client: BaseClient) -> str:
        """Let a boto3 or botocore client of Connect talk to this object without HTTP.

        Returns:
            The `unique_id` by which the client's event `before-send.connect` is unregistered.

        Raises:
            ValueError: if the client is of another service.
        """
        return wire.attach(
            client,
            "connect",
            self,
            lambda request: self.dispatch(request, str(request.url), {}),
        )

    def _answer(self, method: str, url: str, body: str, principal: str | None) -> Answer:
        parts = urlsplit(url)
        with self.backend.lagging():
            headers = {
                "Content-Type": "application/json",
                "x-amzn-RequestId": self.backend.new_id(),
            }
            try:
                received = urls.receive(method, parts.path, parts.query, body)
                if received is None:
                    message = f"the local Connect does not serve {method} {parts.path}"
                    raise UnknownOperationException(message)
                return 200, headers, self._call(received, principal)
            except ConnectError as error:
                headers["x-amzn-ErrorType"] = error.code
                return error.status, headers, json.dumps(error.to_dict())
            except JsonRESTError as error:
                # of moto's own methods
                headers["x-amzn-ErrorType"] = error.error_type
                return error.code, headers, error.description

    def _call(self, received: urls.Received, principal: str | None) -> str:
        api = received.route.api
        parameters = received.parameters()
        instance_id = parameters.get("InstanceId")
        checks = permissions.checked(api, parameters, self._instances_arn)
        call = Call(
            time=self._clock.now(),
            api=api,
            parameters=parameters,
            instance_id=None if instance_id is None else permissions.plain_id(instance_id),
            resource=checks[0][1],
            permissions=checks,
            principal=principal,
        )
        self.calls.append(call)
        try:
            return self._perform(call, received)
        except ConnectionCut:
            call.outcome = ConnectionCut.__name__
            raise
        except ConnectError as error:
            call.outcome = error.code
            raise
        except JsonRESTError as error:
            call.outcome = error.error_type
            raise

    def _perform(self, call: Call, received: urls.Received) -> str:
        fault = self._faults.next(call.api)
        if fault is None:
            rate = self.settings.rates.get(call.api, self.settings.default_rate)
            if not self._buckets.take(call.api, rate, call.time):
                raise TooManyRequestsException
        elif not fault.after_effect:
            raise self._error(fault, call)
        self._authorize(call)
        if fault is None:
            return self._effect(call, received)
        # nobody learns what the call would have answered
        with contextlib.suppress(ConnectError, JsonRESTError):
            self._effect(call, received)
        raise self._error(fault, call)

    def _effect(self, call: Call, received: urls.Received) -> str:
        response = LocalConnectResponse(self.backend, received, call.parameters)
        response.check_instance_id()
        answer: str = getattr(response, _METHODS[call.api])()
        return answer

    def _authorize(self, call: Call) -> None:
        refusal = wire.refusal(self.settings.authorize, call)
        if refusal is not None:
            raise AccessDeniedException(refusal)

    @staticmethod
    def _error(fault: FaultKind, call: Call) -> Exception:
        return error_of(
            fault,
            call.api,
            throttled=TooManyRequestsException,
            failed=InternalServiceException,
            denied=lambda: AccessDeniedException(wire.denied(call.principal, *call.permissions[0])),
        )
