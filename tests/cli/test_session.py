"""Credentials, profile, Region and endpoint come from where the AWS CLI takes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws import LocalAws
from tests.support.command_line import CommandLine

CONFIG = """\
[default]
region = us-west-2
[profile work]
region = eu-central-1
aws_access_key_id = AKIAWORK
aws_secret_access_key = secret
[profile served]
region = eu-west-2
aws_access_key_id = AKIASERVED
aws_secret_access_key = secret
services = here
[services here]
connect =
  endpoint_url = {url}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of the AWS CLI, and an environment that says nothing else."""
    path = tmp_path / "config"
    path.write_text(CONFIG.format(url="http://127.0.0.1:9"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.mark.parametrize(
    ("options", "environment", "region"),
    [
        ({}, {}, "us-west-2"),
        ({"profile": "work"}, {}, "eu-central-1"),
        ({}, {"AWS_PROFILE": "work"}, "eu-central-1"),
        ({}, {"AWS_DEFAULT_REGION": "us-east-2", "AWS_PROFILE": "work"}, "us-east-2"),
        ({}, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-2"}, "eu-west-1"),
        ({"region": "ap-south-1"}, {"AWS_REGION": "eu-west-1"}, "ap-south-1"),
        ({"region": "ap-south-1", "profile": "work"}, {}, "ap-south-1"),
    ],
)
def test_the_region(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    environment: dict[str, str],
    region: str,
) -> None:
    """An option comes before the environment, this before the profile; AWS_REGION counts first."""
    assert config.exists()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = Session(Settings(**options))  # type: ignore[arg-type] # texts all of them
    assert session.region == region
    assert session.client("connect").meta.region_name == region


def test_a_session_of_another_region(config: Path) -> None:
    """Profile and endpoint stay."""
    assert config.exists()
    session = Session(Settings(profile="work", endpoint_url="http://127.0.0.1:9"))
    there = session.in_region("us-east-1")
    assert there.client("connect").meta.region_name == "us-east-1"
    assert there.client("connect").meta.endpoint_url == "http://127.0.0.1:9"
    assert session.in_region("eu-central-1") is session


def test_the_endpoint(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, then that of the service, then that of all services, then the profile's."""
    assert config.exists()

    def endpoint(**options: str) -> str:
        session = Session(Settings(**options))  # type: ignore[arg-type] # texts all of them
        return str(session.client("connect").meta.endpoint_url)

    assert endpoint() == "https://connect.us-west-2.amazonaws.com"
    assert endpoint(profile="served") == "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:10")
    assert endpoint() == "http://127.0.0.1:10"
    monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", "http://127.0.0.1:11")
    assert endpoint() == "http://127.0.0.1:11"
    assert endpoint(endpoint_url="http://127.0.0.1:12") == "http://127.0.0.1:12"
    assert Session(Settings()).client("lambda").meta.endpoint_url == "http://127.0.0.1:10"


def test_a_profile_on_the_command_line_comes_before_keys_in_the_environment(
    aws: LocalAws, line: CommandLine
) -> None:
    """As with the AWS CLI, a named profile stands for its credentials."""
    text = CONFIG.format(url=aws.endpoint_url)
    (line.folder / ".aws-config").write_text(text)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": None}
    mixed = replace(line, environment=keys)
    assert mixed.run("tree", "acme", "--profile", "served").code == 0
    assert aws.connect.calls[-1].principal == "AKIASERVED"
    served = replace(line, environment={**keys, "AWS_PROFILE": "served"})
    assert served.run("tree", "acme").code == 0
    assert aws.connect.calls[-1].principal == "AKIAENV"
    assert mixed.run("--profile", "work", "tree", "acme", "--profile", "served").code == 0
    assert aws.connect.calls[-1].principal == "AKIASERVED"


def test_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate comes from the option, the function's variables, or AWS's default, in this order."""
    monkeypatch.delenv("CONNECT_REQUESTS_PER_SECOND", raising=False)
    monkeypatch.delenv("CONNECT_BURST", raising=False)
    assert Session(Settings()).rate == Rate(2, 5)
    monkeypatch.setenv("CONNECT_REQUESTS_PER_SECOND", "20")
    assert Session(Settings()).rate == Rate(20, 5)
    assert Session(Settings(requests_per_second=40)).rate == Rate(40, 100)
    assert Session(Settings(requests_per_second=0.1)).rate == Rate(0.1, 1)
