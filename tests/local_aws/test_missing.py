"""Calls that the local AWS does not have: the answer is an error in the service's own format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws, missing


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """One local AWS for the module."""
    with LocalAws() as running:
        yield running


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code", "status", "what"),
    [
        # `cdk drift`
        (
            "cloudformation",
            "detect_stack_drift",
            {"StackName": "s"},
            *("InvalidAction", 400, "DetectStackDrift of cloudformation"),
        ),
        (
            "iam",
            "list_organizations_features",
            {},
            *("InvalidAction", 400, "ListOrganizationsFeatures of iam"),
        ),
        (
            "ec2",
            "describe_ipam_policies",
            {},
            *("InvalidAction", 400, "DescribeIpamPolicies of ec2"),
        ),
        ("ssm", "list_nodes", {}, "UnknownOperationException", 400, "ListNodes of ssm"),
        (
            "cloudtrail",
            "list_channels",
            {},
            *("UnknownOperationException", 400, "ListChannels of cloudtrail"),
        ),
        (
            "connect",
            "list_queues",
            {"InstanceId": "i"},
            *("UnknownOperationException", 404, "GET /queues-summary/i of connect"),
        ),
        (
            "service-quotas",
            "list_services",
            {},
            *("UnknownOperationException", 400, "ListServices of servicequotas"),
        ),
        # a service that does not exist, and one that needs a package which is not installed
        ("drs", "describe_jobs", {}, "UnknownOperationException", 404, "/DescribeJobs of drs"),
        (
            "apigateway",
            "get_client_certificates",
            {},
            *("UnknownOperationException", 404, "GET /clientcertificates of apigateway"),
        ),
        (
            "route53",
            "list_cidr_collections",
            {},
            *("NotImplemented", 501, "GET /2013-04-01/cidrcollection of route53"),
        ),
    ],
)
def test_a_call_that_is_not_there(
    aws: LocalAws,
    service: str,
    call: str,
    arguments: dict[str, Any],
    code: str,
    status: int,
    what: str,
) -> None:
    """A client reads which call it is, and does not try again."""
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(service), call)(**arguments)
    response: Any = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"].startswith("the local AWS does not have the call ")
    assert response["Error"]["Message"].endswith(what)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"].get("RetryAttempts", 0) == 0


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("ec2", "<Response><Errors><Error>{}</Error></Errors></Response>"),
        ("iam", "<ErrorResponse><Error><Type>Sender</Type>{}</Error></ErrorResponse>"),
    ],
)
def test_errors_of_ec2_have_another_form(service: str, body: str) -> None:
    """boto3 reads both of either, other clients do not; what stands in it is escaped."""
    environ = {
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=a/20260101/r/{service}/aws4_request, b",
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/<x>",
    }
    message = f"the local AWS does not have the call POST /&lt;x&gt; of {service}"
    inner = f"<Code>InvalidAction</Code><Message>{message}</Message>"
    status, content_type, answered = missing.answer(environ, NotImplementedError("no"))
    assert (status, content_type) == ("400 Bad Request", "text/xml")
    assert answered.decode() == body.format(inner)
