"""Regions of other partitions: every ARN and host name is of the Region's own."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from local_aws import LocalAws


def everything(bucket: str) -> dict[str, Any]:
    """Resources of each kind that has an ARN or a host name, and what they say."""
    trust = {"Version": "2012-10-17", "Statement": []}
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Repository": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "images"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Instance": {
            "Type": "AWS::Connect::Instance",
            "Properties": {"IdentityManagementType": "SAML", "Attributes": {}},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": bucket, "S3Key": "code.zip"},
            },
        },
    }
    outputs = {
        **{name: {"Fn::GetAtt": [name, "Arn"]} for name in resources},
        "Domain": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
        "Uri": {"Fn::GetAtt": ["Repository", "RepositoryUri"]},
        "Partition": {"Ref": "AWS::Partition"},
        "Suffix": {"Ref": "AWS::URLSuffix"},
        "Stack": {"Ref": "AWS::StackId"},
    }
    return {"Resources": resources, "Outputs": {k: {"Value": v} for k, v in outputs.items()}}


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("eu-west-2", "aws", "amazonaws.com"),
    ],
)
def test_a_region_has_its_partition(region: str, partition: str, suffix: str) -> None:
    """A stack with a function whose code is in a bucket, its template in one too."""
    with LocalAws(region=region) as aws:
        s3, package = aws.client("s3"), io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", "def handler(event, context):\n    return None\n")
        s3.create_bucket(Bucket="assets", CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_object(Bucket="assets", Key="code.zip", Body=package.getvalue())
        s3.put_object(Bucket="assets", Key="t.json", Body=json.dumps(everything("assets")).encode())
        change_set = aws.client("cloudformation").create_change_set(
            StackName="s",
            ChangeSetName="c",
            ChangeSetType="CREATE",
            TemplateURL=f"https://assets.s3.{region}.{suffix}/t.json",
        )
        aws.client("cloudformation").execute_change_set(ChangeSetName=change_set["Id"])
        stack = aws.cloudformation.wait(aws.cloudformation.get("s"))
        assert stack.status == "CREATE_COMPLETE", [
            e.reason for e in stack.events if "FAILED" in e.status
        ]
        says = {key: output.value for key, output in stack.outputs.items()}
    arns = {key: value for key, value in says.items() if value.startswith("arn:")}
    assert len(arns) == 8
    assert {arn.split(":")[1] for arn in (*arns.values(), change_set["Id"])} == {partition}
    assert (says["Partition"], says["Suffix"]) == (partition, suffix)
    assert says["Domain"].endswith(f".s3.{region}.{suffix}")
    assert says["Uri"] == f"123456789012.dkr.ecr.{region}.{suffix}/images"
