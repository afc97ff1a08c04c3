"""`python -m local_aws`, as `make local` runs it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import boto3
import pytest
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE = 60.0


@contextmanager
def _local_aws(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The process of `python -m local_aws`; it ends at the latest at the deadline."""
    with subprocess.Popen(
        [sys.executable, "-m", "local_aws", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a process group of its own, as in a terminal: Ctrl-C goes to all of it
        start_new_session=True,
    ) as process:
        guard = Timer(DEADLINE, process.kill)
        guard.start()
        try:
            yield process
        finally:
            # not killed, so that it removes its folder; no effect if it has ended
            process.terminate()
            process.communicate()
            guard.cancel()


def _exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """What the process says to paste, up to the hint what to do with it."""
    assert process.stdout is not None
    variables = {}
    for line in process.stdout:
        if match := re.match(r"export (\w+)=(.*)$", line):
            variables[match[1]] = match[2]
        if "cdk destroy" in line:
            break
    return variables


def _client(exports: dict[str, str], service: str) -> Any:
    """A client that knows what was printed and nothing else."""
    session = boto3.Session(
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        region_name=exports["AWS_REGION"],
    )
    make_client: Any = session.client  # typed for literal names only
    return make_client(service, endpoint_url=exports["AWS_ENDPOINT_URL"], config=Config(proxies={}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_exports_lead_a_client_to_the_local_aws() -> None:
    """With nothing but the printed variables a client reaches the account, in the Region."""
    with _local_aws("--port", "0", "--region", "eu-central-1") as process:
        exports = _exports(process)
        identity = _client(exports, "sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert exports["AWS_REGION"] == "eu-central-1"


def test_the_port_is_the_one_asked_for() -> None:
    """`--port` decides where it listens."""
    port = _free_port()
    with _local_aws("--port", str(port)) as process:
        assert _exports(process)["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_one_line_and_exit_code_1() -> None:
    """The program that has the port keeps it, and the error says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _local_aws("--port", str(port)) as process:
            output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert output == ""
    assert errors == (
        f"port {port} of 127.0.0.1 is taken: end the program that listens there, "
        "or choose another port\n"
    )


def test_a_port_that_is_none_is_refused() -> None:
    """Invalid options are named before anything starts."""
    with _local_aws("--port", "70000") as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert "a port is a number from 0 to 65535, not '70000'" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_functions(number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM: exit code 0, and no process of a function goes on."""
    with _local_aws("--port", "0") as process:
        exports = _exports(process)
        function = _function_process(exports)
        os.kill(function, 0)  # it is there
        os.killpg(process.pid, number)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert "stopped: all processes have ended" in output
    assert not errors
    with pytest.raises(ProcessLookupError):
        os.kill(function, 0)


def _function_process(exports: dict[str, str]) -> int:
    """Deploy a function and invoke it; the id of its process, which stays for the next event."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(
            "index.py", "import os\ndef handler(event, context):\n    return os.getpid()\n"
        )
    role = _client(exports, "iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    functions = _client(exports, "lambda")
    functions.create_function(
        FunctionName="function",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": zipped.getvalue()},
    )
    answer = functions.invoke(FunctionName="function")
    return int(json.load(answer["Payload"]))
