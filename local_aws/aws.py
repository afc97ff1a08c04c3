"""The local AWS as a whole: its services, wired together, and how clients reach them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends
from moto.ssm.exceptions import ParameterVersionNotFound
from moto.ssm.models import ssm_backends
from moto.utilities.utils import get_partition

from local_aws.awslambda import LocalLambda
from local_aws.clock import Clock, RealClock
from local_aws.cloudformation.aws_resources import aws_resource_types
from local_aws.cloudformation.connect_resources import connect_resource_types
from local_aws.cloudformation.custom_resources import CustomResources
from local_aws.cloudformation.dynamodb_resources import dynamodb_resource_types
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.responses import CloudFormationResponse
from local_aws.cloudformation.service import CloudFormation
from local_aws.cloudtrail import answer_lookup_events
from local_aws.connect import ConnectSettings, LocalConnect
from local_aws.dynamodb import DynamoDbSettings, LocalDynamoDb
from local_aws.server import LOOPBACK, AnswerServer, ApiServer, UrlPaths
from local_aws.service_quotas import LocalServiceQuotas

ACCOUNT_ID = "123456789012"
DEFAULT_REGION = "eu-west-2"


class LocalAws:
    """An AWS of one account and Region, which runs inside a `with` statement.

    `port` is the port of 127.0.0.1 to listen on, 0 for a free one. A port that is taken raises
    PortTakenError. moto stores everything in the process, so there can be only one at a time.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = DEFAULT_REGION,
        connect_settings: ConnectSettings | None = None,
        dynamodb_settings: DynamoDbSettings | None = None,
        engine_settings: EngineSettings | None = None,
        retry_delays: tuple[float, ...] = (60.0, 120.0),
    ) -> None:
        BackendDict.reset()
        engine_settings = engine_settings or EngineSettings()
        self.account_id = ACCOUNT_ID
        self.region = region
        self.clock: Clock = RealClock()
        self.connect = LocalConnect(
            self.clock,
            account_id=ACCOUNT_ID,
            region=region,
            settings=connect_settings or ConnectSettings(),
        )
        self.dynamodb = LocalDynamoDb(self.clock, ACCOUNT_ID, region, dynamodb_settings)
        self._folder = tempfile.TemporaryDirectory(prefix="local-aws-")
        self._answers = AnswerServer(
            lambda token, body: self.custom_resources.deliver(token, body)  # noqa: PLW0108 - made below
        )
        self.custom_resources = CustomResources(
            self.clock,
            lambda token, event: self.awslambda.invoke_async(token, event),  # noqa: PLW0108 - made below
            self._answers.url_for,
            max_event_bytes=engine_settings.max_event_bytes,
            dated_urls=engine_settings.response_url_has_date,
        )
        self.cloudformation = CloudFormation(
            self.clock,
            {
                **aws_resource_types(self.client, account_id=ACCOUNT_ID, region=region),
                **connect_resource_types(self.connect),
                **dynamodb_resource_types(self.dynamodb),
            },
            self.custom_resources,
            account_id=ACCOUNT_ID,
            region=region,
            fetch_template=self._read_s3,
            ssm_parameter=self._ssm_parameter,
            secret=self._secret,
            settings=engine_settings,
        )
        own: dict[str, UrlPaths] = {
            "connect": self.connect.url_paths,
            "dynamodb": self.dynamodb.url_paths,
            "cloudformation": {"{0}/$": self._answer_cloudformation},
            "cloudtrail": {"{0}/$": answer_lookup_events},
            "servicequotas": {"{0}/$": LocalServiceQuotas(self.connect).dispatch},
            "awslambda": {
                r"{0}/(?P<path>.*)$": lambda *args: self.awslambda.dispatch(*args)  # noqa: PLW0108 - the same
            },
        }
        try:
            self._api = ApiServer(port, own)
        except BaseException:
            self._answers.stop()
            self._folder.cleanup()
            raise
        self.endpoint_url = f"http://{LOOPBACK}:{self._api.port}"
        certificate = Path(self._folder.name) / "ca.pem"
        certificate.write_bytes(self._answers.ca_certificate)
        self.awslambda: LocalLambda = LocalLambda(
            self.clock,
            account_id=ACCOUNT_ID,
            region=region,
            endpoint_url=self.endpoint_url,
            ca_bundle=certificate,
            retry_delays=retry_delays,
            work_dir=Path(self._folder.name) / "functions",
        )
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._answers.start()
        self._api.start()
        self.awslambda.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.awslambda.stop()
        self._api.stop()
        self._answers.stop()
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that direct the CDK CLI, the AWS CLI or an SDK to this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client for a service of this AWS; one for each, made when first needed."""
        if service not in self._clients:
            session = boto3.Session(
                aws_access_key_id="local",
                aws_secret_access_key="local",  # noqa: S106 - any will do
                region_name=self.region,
            )
            # the environment may have the addresses of another AWS
            make_client: Any = session.client  # its types know literal names only
            self._clients[service] = make_client(
                service,
                endpoint_url=self.endpoint_url,
                config=Config(s3={"addressing_style": "path"}, proxies={}),
            )
        return self._clients[service]

    def cli_environment(self) -> dict[str, str]:
        """`environment` over this process's own, without variables that lead to another AWS."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "CDK_")) and not key.lower().endswith("_proxy")
        }
        return inherited | self.environment

    def _answer_cloudformation(self, request: Any, full_url: str, headers: Any) -> Any:
        response = CloudFormationResponse(self.cloudformation, self._read_s3)
        return response._dispatch(request, full_url, headers)  # noqa: SLF001 - moto's entry point

    def _read_s3(self, url: str) -> str:
        """A template from S3, by a URL of either style."""
        parts = urlsplit(url)
        path = unquote(parts.path).lstrip("/")
        if ".s3." in parts.netloc and not parts.netloc.startswith("s3."):
            bucket, key = parts.netloc.split(".s3.", 1)[0], path
        else:
            bucket, _, key = path.partition("/")
        stored = s3_backends[self.account_id][get_partition(self.region)].get_object(bucket, key)
        if stored is None:
            msg = f"S3 error: The specified key does not exist: {url}"
            raise ValidationError(msg)
        return bytes(stored.value).decode()

    def _ssm_parameter(self, name: str) -> str:
        parameter = None
        with contextlib.suppress(ParameterVersionNotFound):
            parameter = ssm_backends[self.account_id][self.region].get_parameter(name)
        if parameter is None:
            msg = f"Unable to fetch parameters [{name}] from parameter store for this account."
            raise ValidationError(msg)
        return str(parameter.value)

    def _secret(self, secret_id: str, stage: str, version_id: str) -> str:
        which = {"VersionStage": stage, "VersionId": version_id}
        try:
            answer = self.client("secretsmanager").get_secret_value(
                SecretId=secret_id, **{key: value for key, value in which.items() if value}
            )
        except ClientError as error:
            message = error.response["Error"].get("Message", "")
            raise ValidationError(f"{message} (Service: SecretsManager)") from None
        if "SecretString" not in answer:
            msg = f"secret {secret_id} has no SecretString"
            raise ValidationError(msg)
        return str(answer["SecretString"])
