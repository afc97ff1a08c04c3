"""The local Lambda: functions run as their zips, and end, fail and log as on Lambda."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.base_backend import BackendDict
from moto.core.request import normalize_request
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends

import local_aws
from local_aws.awslambda import (
    FunctionCodeError,
    InvocationRecord,
    LocalLambda,
    access_key_id_of_role,
    role_of_access_key_id,
    set_logging_config,
)
from local_aws.awslambda.configuration import EventSettings, FunctionConfiguration
from local_aws.awslambda.container_log import ContainerLog, ProcessOutput
from local_aws.clock import RealClock, Task

ACCOUNT_ID = "123456789012"
REGION = "eu-west-2"
RETRY_DELAYS = (0.05, 0.1)
# far longer than anything here takes: only a failing test waits this long
DEADLINE = 20.0

# calls back and stays: the process at the other end sees when this process, and the child that
# inherits the connection, are gone
STAYS = """
import os, socket, subprocess, time

def handler(event, context):
    connection = socket.create_connection(("127.0.0.1", event["port"]))
    connection.set_inheritable(True)
    subprocess.Popen(["sleep", "600"], close_fds=False)
    connection.sendall(b"up")
    time.sleep(600)
"""


def zipped(files: dict[str, str]) -> bytes:
    """Return a deployment package."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return package.getvalue()


class Functions:
    """Functions in moto's Lambda."""

    def __init__(self) -> None:
        iam = iam_backends[ACCOUNT_ID]["aws"]
        self.role = iam.create_role("FunctionRole", "{}", "/", None, "", [], "3600").arn
        self._backend = lambda_backends[ACCOUNT_ID][REGION]

    def deploy(
        self, source: str, name: str = "function", *, timeout: int = 30, **configuration: Any
    ) -> LambdaFunction:
        """Make a function of one module with a `handler`."""
        return self._backend.create_function(
            {
                "FunctionName": name,
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Role": self.role,
                "Code": {"ZipFile": base64.b64encode(zipped({"index.py": source}))},
                "Timeout": timeout,
                **configuration,
            }
        )

    def redeploy(self, source: str, name: str = "function") -> None:
        """Give it other code."""
        code = {"ZipFile": base64.b64encode(zipped({"index.py": source}))}
        self._backend.get_function(name).update_function_code(code)

    def configure_events(self, name: str = "function", **config: Any) -> None:
        """Put its EventInvokeConfig."""
        self._backend.put_function_event_invoke_config(name, config)


@pytest.fixture
def functions() -> Iterator[Functions]:
    """An empty Lambda."""
    BackendDict.reset()
    yield Functions()
    BackendDict.reset()


class WatchedClock(RealClock):
    """Real time, with a record of parallel tasks."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[Task] = []

    def spawn(self, name: str, target: Callable[[], None]) -> Task:
        """Remember the task."""
        task = super().spawn(name, target)
        self._tasks.append(task)
        return task

    def idle(self) -> bool:
        """Whether nothing runs or waits any more."""
        return all(task.done for task in self._tasks)


@pytest.fixture
def clock() -> WatchedClock:
    """The clock of `runtime`."""
    return WatchedClock()


@pytest.fixture
def runtime(functions: Functions, clock: RealClock, tmp_path: Path) -> Iterator[LocalLambda]:
    """A local Lambda, started."""
    del functions
    local_lambda = LocalLambda(
        clock,
        account_id=ACCOUNT_ID,
        region=REGION,
        endpoint_url="http://127.0.0.1:4566",
        ca_bundle=tmp_path / "ca.pem",
        retry_delays=RETRY_DELAYS,
        work_dir=tmp_path / "lambda",
    )
    local_lambda.start()
    yield local_lambda
    local_lambda.stop()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where `STAYS` calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        yield server


def run(runtime: LocalLambda, event: Any = None, name: str = "function") -> Any:
    """Invoke and return what the handler returned."""
    result = runtime.invoke(name, json.dumps(event or {}).encode())
    assert result.function_error is None, result.log_tail
    return json.loads(result.payload)


def failure(runtime: LocalLambda, event: Any = None) -> tuple[dict[str, Any], str]:
    """Invoke a function that fails; return its error and its log."""
    result = runtime.invoke("function", json.dumps(event or {}).encode())
    assert result.function_error == "Unhandled"
    return json.loads(result.payload), result.log_tail


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_for_records(runtime: LocalLambda, count: int) -> list[InvocationRecord]:
    """Wait for this many invocations to end, and return them."""
    eventually(lambda: [bool(record.ended) for record in runtime.invocations].count(True) >= count)
    return list(runtime.invocations)


def port_of(listener: socket.socket) -> int:
    """Return the port that `STAYS` has to call."""
    return int(listener.getsockname()[1])


def accepted(listener: socket.socket) -> socket.socket:
    """Wait for the call of `STAYS`."""
    connection, _ = listener.accept()
    connection.settimeout(DEADLINE)
    assert connection.recv(2) == b"up"
    return connection


def log_events(group: str) -> dict[str, list[str]]:
    """Return the messages of each stream of a log group."""
    streams = logs_backends[ACCOUNT_ID][REGION].groups[group].streams
    return {name: [event.message for event in stream.events] for name, stream in streams.items()}


# What a function sees


def test_function_sees_its_zip_and_the_runtime_only(
    runtime: LocalLambda, functions: Functions
) -> None:
    """Modules of Lambda's runtime are there; crhelper, the repository and the tools are not."""
    functions.deploy(
        "import importlib.util\n"
        "def handler(event, context):\n"
        "    return [name for name in event if importlib.util.find_spec(name)]\n"
    )
    brought = ["awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer"]
    brought += ["simplejson", "six", "snapshot_restore_py", "urllib3", "index", "json"]
    foreign = ["crhelper", "moto", "pytest", "yaml", "local_aws", "process_entry", "pip"]
    foreign += ["connect_hierarchy", "connect_hierarchy_lambda", "aws_cdk"]
    assert run(runtime, brought + foreign) == brought


def test_boto3_of_a_function_calls_the_local_aws(
    runtime: LocalLambda, functions: Functions
) -> None:
    """The variables alone direct a client made without arguments."""
    functions.deploy(
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('connect')\n"
        "    return [client.meta.endpoint_url, client.meta.region_name]\n"
    )
    assert run(runtime) == ["http://127.0.0.1:4566", REGION]


def test_variables_are_those_of_lambda(
    runtime: LocalLambda,
    functions: Functions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The function's own variables and Lambda's are set, and none of this process comes along."""
    monkeypatch.setenv("AWS_PROFILE", "private")
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "secret")
    functions.deploy(
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        MemorySize=256,
        Environment={"Variables": {"MINE": "yes", "AWS_REGION": "reserved"}},
    )
    variables = run(runtime)
    assert not {"AWS_PROFILE", "SECRET_OF_THE_PARENT", "HOME", "USER", "PWD"} & variables.keys()
    stream = next(iter(log_events("/aws/lambda/function")))
    expected = {
        "MINE": "yes",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "TZ": ":UTC",
        "_HANDLER": "index.handler",
    }
    assert {name: variables[name] for name in expected} == expected
    assert Path(variables["LAMBDA_TASK_ROOT"], "index.py").is_file()
    role = role_of_access_key_id(
        variables["AWS_ACCESS_KEY_ID"], ["another", functions.role, "arn:aws:iam::1:role/third"]
    )
    assert role == functions.role


def test_access_key_ids_tell_roles_apart() -> None:
    """Name and ARN of a role give one key id, in the form that AWS's have; others another."""
    key = access_key_id_of_role("FunctionRole")
    assert key == access_key_id_of_role(f"arn:aws:iam::{ACCOUNT_ID}:role/path/FunctionRole")
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", key)
    assert key != access_key_id_of_role("OtherRole")
    assert role_of_access_key_id(key, ["OtherRole"]) is None


def test_context_tells_the_invocation(runtime: LocalLambda, functions: Functions) -> None:
    """The handler's context has request id, ARN and the time that is left."""
    function = functions.deploy(
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [context.aws_request_id, context.invoked_function_arn, left]\n",
        timeout=7,
    )
    request_id, arn, left = run(runtime)
    assert request_id == runtime.invocations[0].request_id
    assert arn == function.function_arn
    assert 5000 < left <= 7000


def test_zip_that_leaves_its_folder_is_refused(
    runtime: LocalLambda, functions: Functions, tmp_path: Path
) -> None:
    """A malicious zip writes nothing outside of its folder, and the caller gets an error."""
    function = functions.deploy("")
    function.update_function_code(
        {"ZipFile": base64.b64encode(zipped({"index.py": "", "../../escaped.py": ""}))}
    )
    with pytest.raises(FunctionCodeError, match=r"'function'.*'\.\./\.\./escaped\.py'"):
        runtime.invoke("function", b"{}")
    assert not list(tmp_path.rglob("escaped.py"))


# Containers


PID = "import os\ndef handler(event, context):\n    return os.getpid()\n"


def test_free_container_is_used_again(runtime: LocalLambda, functions: Functions) -> None:
    """A second event finds what the first has left in memory."""
    functions.deploy(
        "calls = []\ndef handler(event, context):\n    calls.append(event)\n    return len(calls)\n"
    )
    assert [run(runtime), run(runtime), run(runtime)] == [1, 2, 3]
    assert len(log_events("/aws/lambda/function")) == 1


def test_events_at_the_same_time_have_containers_of_their_own(
    runtime: LocalLambda, functions: Functions, tmp_path: Path
) -> None:
    """Handlers that wait for each other end, so they do run at the same time."""
    functions.deploy(
        "import os, pathlib, time\n"
        "def handler(event, context):\n"
        "    folder = pathlib.Path(event['folder'])\n"
        "    (folder / str(os.getpid())).touch()\n"
        "    while len(list(folder.iterdir())) < 3:\n"
        "        time.sleep(0.005)\n"
        "    return os.getpid()\n"
    )
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    with ThreadPoolExecutor(3) as threads:
        pids = list(threads.map(lambda _: run(runtime, {"folder": str(meeting)}), range(3)))
    assert len(set(pids)) == 3
    assert len(log_events("/aws/lambda/function")) == 3


def test_new_code_and_new_configuration_start_new_containers(
    runtime: LocalLambda, functions: Functions
) -> None:
    """An update is seen by the next event, and the outdated container ends."""
    source = "import os\ndef handler(event, context):\n    return [os.getpid(), {}]\n"
    function = functions.deploy(source.format("1"))
    old, first = run(runtime)
    functions.redeploy(source.format("os.environ.get('WORD')"))
    middle, second = run(runtime)
    function.update_configuration({"Environment": {"Variables": {"WORD": "new"}}})
    new, third = run(runtime)
    assert [first, second, third] == [1, None, "new"]
    assert len({old, middle, new}) == 3
    for pid in (old, middle):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import time\ndef handler(event, context):\n    time.sleep(600)\n", "START RequestId"),
        ("import time\ntime.sleep(600)\n", "INIT_START"),
    ],
    ids=["runs", "loads"],
)
def test_stop_ends_processes_and_threads(
    code: str, line: str, functions: Functions, tmp_path: Path
) -> None:
    """Idle containers, running ones and events that wait: nothing is left, however often."""
    before = set(threading.enumerate())
    runtime = LocalLambda(RealClock(), work_dir=tmp_path, retry_delays=(600.0,))
    runtime.start()
    functions.deploy(PID)
    functions.deploy("def handler(event, context):\n    raise ValueError\n", "failing")
    functions.deploy(code, "long")
    idle = run(runtime)
    runtime.invoke_async("failing", {})
    wait_for_records(runtime, 2)
    runtime.invoke_async("long", {})
    eventually(lambda: any(line in "".join(stream) for stream in streams_of("long")))
    runtime.stop()
    runtime.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(idle, 0)
    assert set(threading.enumerate()) <= before
    assert runtime.invocations[-1].outcome == "stopped"
    with pytest.raises(RuntimeError, match="was stopped"):
        runtime.invoke_async("failing", {})


def test_a_log_that_is_closed_has_nothing_left(functions: Functions) -> None:
    """An invocation whose container was ended under it reads no pipe that may be another's."""
    log = ContainerLog(FunctionConfiguration.of(functions.deploy(PID)), RealClock())
    output = ProcessOutput(log)
    os.write(output.write_end, b"last line")
    output.start()
    output.close()
    output.drain()
    assert log.tail() == "last line\n"


def streams_of(name: str) -> list[list[str]]:
    """Return the messages of a function's streams, none if it has no group yet."""
    group = f"/aws/lambda/{name}"
    known = group in logs_backends[ACCOUNT_ID][REGION].groups
    return list(log_events(group).values()) if known else []


PARENT = """
import sys
from pathlib import Path
from test_awslambda import *

functions = Functions()
functions.deploy(STAYS, timeout=600)
runtime = LocalLambda(RealClock(), work_dir=Path(sys.argv[1]))
runtime.start()
runtime.invoke("function", b'{"port": %s}' % sys.argv[2].encode())
"""


def test_functions_end_when_the_parent_is_killed(tmp_path: Path, listener: socket.socket) -> None:
    """Even after SIGKILL of the local Lambda, no process of a function stays."""
    folders = [str(Path(__file__).parent), str(Path(local_aws.__file__).parents[1])]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(port_of(listener))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    ) as parent:
        try:
            connection = accepted(listener)
        finally:
            parent.kill()
    with connection:
        assert connection.recv(1) == b""


# Failures


def test_exception_is_reported_as_on_lambda(runtime: LocalLambda, functions: Functions) -> None:
    """Payload and log have awslambdaric's error; the container stays."""
    functions.deploy(
        "import os\n"
        "def handler(event, context):\n"
        "    if not event: return os.getpid()\n"
        "    raise KeyError(os.getpid())\n"
    )
    error, log = failure(runtime, {"fail": True})
    assert error["errorType"] == "KeyError"
    assert error["errorMessage"] == str(run(runtime))
    assert "[ERROR] KeyError" in log
    assert "Traceback (most recent call last):\n" in log
    assert runtime.invocations[0].outcome == "error"


def test_timeout_kills_the_process_and_its_children(
    runtime: LocalLambda, functions: Functions, listener: socket.socket
) -> None:
    """A handler that still runs after its timeout is killed, and the log says why."""
    functions.deploy(STAYS, timeout=1)
    error, log = failure(runtime, {"port": port_of(listener)})
    with accepted(listener) as connection:
        assert connection.recv(1) == b""
    assert error["errorType"] == "Sandbox.Timedout"
    request_id = runtime.invocations[0].request_id
    assert re.search(rf"Z {request_id} Task timed out after 1\.00 seconds\n", log)
    assert re.search(r"REPORT .*\tStatus: timeout\n", log)
    assert runtime.invocations[0].outcome == "timeout"


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_crash_is_reported_as_on_lambda(
    runtime: LocalLambda, functions: Functions, end: str, how: str
) -> None:
    """What was printed before is in the log, then how the process ended; the next event works."""
    functions.deploy(
        "import os\n"
        "def handler(event, context):\n"
        "    print('before', end='')\n"
        f"    return 'fine' if event else {end}\n"
    )
    error, log = failure(runtime)
    request_id = runtime.invocations[0].request_id
    assert error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {how}",
    }
    assert f"before\nRequestId: {request_id} Error: {how}\nRuntime.ExitError\nEND " in log
    assert runtime.invocations[0].outcome == "crash"
    assert run(runtime, {"survive": True}) == "fine"


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("import crhelper", "Runtime.ImportModuleError", "No module named 'crhelper'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("import os; os._exit(4)", "Runtime.ExitError", "exit status 4"),
    ],
)
def test_init_failure_is_reported_as_on_lambda(
    runtime: LocalLambda, functions: Functions, source: str, error_type: str, message: str
) -> None:
    """A function that dies at import answers each time, and its log says what is wrong."""
    functions.deploy(source)
    for _ in range(2):
        error, log = failure(runtime)
        assert error["errorType"] == error_type
        assert message in error["errorMessage"]
        assert f"\tPhase: init\tStatus: error\tError Type: {error_type}\nSTART " in log
        assert message in log
    assert [record.outcome for record in runtime.invocations] == ["init failure"] * 2


def test_slow_init_is_begun_again_within_the_timeout(
    runtime: LocalLambda,
    functions: Functions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A handler that hangs while it is loaded gets a second chance, as on Lambda."""
    monkeypatch.setattr("local_aws.awslambda.pool.INIT_SECONDS", 1.0)
    functions.deploy(
        "import pathlib, time\n"
        f"flag = pathlib.Path({str(tmp_path / 'flag')!r})\n"
        "if not flag.exists():\n"
        "    flag.touch()\n"
        "    time.sleep(600)\n"
        "def handler(event, context):\n"
        "    return 'loaded'\n"
    )
    assert run(runtime) == "loaded"
    first, second = streams_of("function")
    assert re.search(r"INIT_REPORT .*\tPhase: init\tStatus: timeout\n", first[-1])
    assert second[1].startswith("START ")


def test_response_beyond_the_limit_is_an_error(runtime: LocalLambda, functions: Functions) -> None:
    """Six megabytes are the limit of a response."""
    functions.deploy("def handler(event, context):\n    return 'x' * 6_500_000\n")
    error, _ = failure(runtime)
    assert error["errorType"] == "Function.ResponseSizeTooLarge"


def test_process_can_be_killed_at_will(runtime: LocalLambda, functions: Functions) -> None:
    """The switch ends one invocation in its middle, and only that one."""
    functions.deploy(
        "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
    )
    runtime.kill_next_invocation(0.05)
    error, _ = failure(runtime, {"seconds": 600})
    assert "signal: killed" in error["errorMessage"]
    assert run(runtime, {"seconds": 0.1}) is None


@pytest.mark.parametrize(
    "name", ["missing", f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:missing"]
)
def test_unknown_function_is_named(runtime: LocalLambda, name: str) -> None:
    """Both ways of invoking name a missing function."""
    with pytest.raises(LookupError, match=re.escape(repr(name))):
        runtime.invoke_async(name, {})
    with pytest.raises(LookupError, match=re.escape(repr(name))):
        runtime.invoke(name, b"{}")


# Events


def test_event_runs_once_when_it_succeeds(
    runtime: LocalLambda, functions: Functions, clock: WatchedClock
) -> None:
    """By its ARN, beside the caller, with the presigned URL kept out of the records."""
    function = functions.deploy(
        "def handler(event, context):\n    print('url', event['ResponseURL'])\n"
    )
    runtime.invoke_async(function.function_arn, {"ResponseURL": "https://answer", "A": "1"})
    eventually(clock.idle)
    (record,) = runtime.invocations
    assert (record.function, record.attempt, record.outcome) == ("function", 1, "success")
    assert record.event == {"ResponseURL": "(redacted)", "A": "1"}
    assert any("url https://answer\n" in stream for stream in streams_of("function"))


def test_nobody_waits_for_the_end_of_an_event(
    runtime: LocalLambda, functions: Functions, listener: socket.socket
) -> None:
    """Invoking returns while the function still runs."""
    functions.deploy(STAYS, timeout=5)
    functions.configure_events(MaximumRetryAttempts=0)
    runtime.invoke_async("function", {"port": port_of(listener)})
    with accepted(listener):
        assert [record.outcome for record in runtime.invocations] == ["running"]


class _ImpatientClock(RealClock):
    """Real time, except for waits of a minute and more, which are recorded and end at once."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped: list[float] = []

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait, or do not."""
        if timeout is None or timeout < 60:
            return super().wait_until(condition, timeout)
        self.skipped.append(timeout)
        return condition()


def test_what_is_not_configured_is_as_on_lambda(functions: Functions, tmp_path: Path) -> None:
    """Attempts after one and after two more minutes, within six hours."""
    function = functions.deploy("def handler(event, context):\n    raise ValueError\n")
    assert EventSettings.of(function) == EventSettings(retry_attempts=2, age_seconds=21600)
    clock = _ImpatientClock()
    runtime = LocalLambda(clock, work_dir=tmp_path / "lambda")
    runtime.start()
    try:
        runtime.invoke_async("function", {})
        wait_for_records(runtime, 3)
    finally:
        runtime.stop()
    assert clock.skipped == [60, 120]


def test_failing_event_is_tried_again_twice(runtime: LocalLambda, functions: Functions) -> None:
    """Three attempts with one request id, after the delays."""
    functions.deploy("def handler(event, context):\n    raise ValueError\n")
    runtime.invoke_async("function", {})
    records = wait_for_records(runtime, 3)
    assert [record.attempt for record in records] == [1, 2, 3]
    assert {record.outcome for record in records} == {"error"}
    assert len({record.request_id for record in records}) == 1
    for earlier, later, delay in zip(records[:2], records[1:], RETRY_DELAYS, strict=True):
        assert earlier.ended is not None
        assert later.started - earlier.ended >= delay


def test_event_that_crashes_is_tried_again_with_the_new_code(
    runtime: LocalLambda, functions: Functions, clock: WatchedClock
) -> None:
    """An attempt runs what is deployed then, and the first success is the last attempt."""
    functions.deploy("import os\ndef handler(event, context):\n    os._exit(1)\n")
    runtime.invoke_async("function", {})
    wait_for_records(runtime, 1)
    functions.redeploy("def handler(event, context):\n    return 1\n")
    eventually(clock.idle)
    *earlier, last = [record.outcome for record in runtime.invocations]
    # a slow machine may have begun the second attempt before the new code was there
    assert set(earlier) == {"crash"}
    assert last == "success"


def test_maximum_retry_attempts_are_honoured(
    runtime: LocalLambda, functions: Functions, clock: WatchedClock
) -> None:
    """The newest EventInvokeConfig counts: no retry at all."""
    functions.deploy("def handler(event, context):\n    raise ValueError\n")
    functions.configure_events(MaximumRetryAttempts=1)
    functions.configure_events(MaximumRetryAttempts=0)
    runtime.invoke_async("function", {})
    eventually(clock.idle)
    assert [record.outcome for record in runtime.invocations] == ["error"]


def test_event_beyond_its_age_is_given_up(runtime: LocalLambda, functions: Functions) -> None:
    """What waits longer than MaximumEventAgeInSeconds never reaches the function."""
    functions.deploy(PID)
    functions.configure_events(MaximumEventAgeInSeconds=0.01)
    runtime.delivery_delay = 0.05
    runtime.invoke_async("function", {})
    (record,) = wait_for_records(runtime, 1)
    assert record.outcome == "expired"
    assert streams_of("function") == []


def test_event_can_be_delivered_twice(runtime: LocalLambda, functions: Functions) -> None:
    """The switch doubles one event, under one request id; the next comes once again."""
    functions.deploy(PID)
    runtime.duplicate_next_event()
    runtime.invoke_async("function", {"number": 1})
    wait_for_records(runtime, 2)
    runtime.invoke_async("function", {"number": 2})
    records = wait_for_records(runtime, 3)
    assert [record.event["number"] for record in records] == [1, 1, 2]
    assert records[0].request_id == records[1].request_id != records[2].request_id


def test_event_too_large_is_refused(runtime: LocalLambda, functions: Functions) -> None:
    """Lambda takes no event of more than one megabyte."""
    functions.deploy(PID)
    with pytest.raises(ValueError, match="at most 1048576 are allowed"):
        runtime.invoke_async("function", {"large": "x" * 1024 * 1024})


# Logs


def test_log_has_the_lines_of_lambda_and_of_the_process(
    runtime: LocalLambda, functions: Functions
) -> None:
    """Stdout, stderr and the logger in their order, between START, END and REPORT."""
    functions.deploy(
        "import logging, sys\n"
        "print('loading')\n"
        "def handler(event, context):\n"
        "    print('out')\n"
        "    print('err', file=sys.stderr)\n"
        "    logging.getLogger().warning('logged')\n"
        "    print('unfinished', end='')\n"
    )
    began = time.time()
    run(runtime)
    request_id = runtime.invocations[0].request_id
    ((stream, messages),) = log_events("/aws/lambda/function").items()
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    report = (
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\t(Max Memory Used: \d+ MB\t)?Init Duration: [\d.]+ ms"
    )
    patterns = [
        r"INIT_START .*",
        r"loading",
        rf"START RequestId: {request_id} Version: \$LATEST",
        r"out",
        r"err",
        rf"\[WARNING\]\t.*Z\t{request_id}\tlogged",
        r"unfinished",
        rf"END RequestId: {request_id}",
        report,
    ]
    assert len(messages) == len(patterns)
    for message, pattern in zip(messages, patterns, strict=True):
        assert re.fullmatch(f"{pattern}\n", message)
    backend = logs_backends[ACCOUNT_ID][REGION]
    events = backend.groups["/aws/lambda/function"].streams[stream].events
    times = [event.timestamp for event in events]
    assert times == sorted(times)
    assert began * 1000 - 1 <= times[0] <= times[-1] <= time.time() * 1000


def test_the_order_of_the_log_does_not_hang_on_the_thread_that_carries_it(
    runtime: LocalLambda, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With default settings, each line is still in the order of printing."""

    def carry_nothing(output: ProcessOutput) -> None:
        select.select([output._stopped], [], [])

    monkeypatch.setattr(ProcessOutput, "_carry", carry_nothing)
    functions.deploy("print('loading')\ndef handler(event, context):\n    print(f'run {event}')\n")
    run(runtime)
    run(runtime)
    ((_, messages),) = log_events("/aws/lambda/function").items()
    kinds = [message.split()[0] for message in messages]
    of_an_event = ["START", "run", "END", "REPORT"]
    assert kinds == ["INIT_START", "loading", *of_an_event, *of_an_event]


def test_log_goes_to_the_group_of_the_logging_config(
    runtime: LocalLambda, functions: Functions
) -> None:
    """A group of its own instead of /aws/lambda/<name>."""
    set_logging_config(functions.deploy(PID), {"LogGroup": "/our/group"})
    run(runtime)
    assert list(logs_backends[ACCOUNT_ID][REGION].groups) == ["/our/group"]
    assert len(log_events("/our/group")) == 1


def test_function_outlives_its_log_group(runtime: LocalLambda, functions: Functions) -> None:
    """A late line does not create a deleted log group again."""
    functions.deploy(PID)
    pid = run(runtime)
    logs_backends[ACCOUNT_ID][REGION].delete_log_group("/aws/lambda/function")
    assert run(runtime) == pid
    assert not logs_backends[ACCOUNT_ID][REGION].groups


# The API


@pytest.fixture
def client(runtime: LocalLambda) -> Any:
    """A boto3 client whose requests end at `dispatch`."""
    session = boto3.Session("local", "local", region_name=REGION)
    lambda_client = session.client("lambda")

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        assert any(
            re.match(pattern.format(r"https?://[^/]+"), request.url)
            for pattern in runtime.url_paths
        )
        status, headers, body = runtime.dispatch(
            normalize_request(request), request.url, request.headers
        )
        content = body.encode() if isinstance(body, str) else body
        return AWSResponse(request.url, int(status), headers, _Body(content))

    lambda_client.meta.events.register("before-send.lambda", answer)
    return lambda_client


class _Body(io.BytesIO):
    """A body as botocore reads it from a connection."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Return everything at once."""
        yield self.read()


def create(client: Any, functions: Functions, source: str, **configuration: Any) -> None:
    """Make a function through the API."""
    client.create_function(
        FunctionName="function",
        Handler="index.handler",
        Runtime="python3.13",
        Role=functions.role,
        Code={"ZipFile": zipped({"index.py": source})},
        **configuration,
    )


def test_api_invokes_synchronously(client: Any, functions: Functions) -> None:
    """Payload, error header and log come back as from Lambda."""
    create(client, functions, "def handler(event, context):\n    return 1 / event['by']\n")
    good = client.invoke(FunctionName="function", Payload=b'{"by": 2}')
    assert (good["StatusCode"], good["Payload"].read()) == (200, b"0.5")
    assert good["ExecutedVersion"] == "$LATEST"
    assert not {"FunctionError", "LogResult"} & good.keys()
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:function"
    bad = client.invoke(FunctionName=arn, Payload=b'{"by": 0}', LogType="Tail")
    assert (bad["StatusCode"], bad["FunctionError"]) == (200, "Unhandled")
    assert json.load(bad["Payload"])["errorType"] == "ZeroDivisionError"
    assert "[ERROR] ZeroDivisionError" in base64.b64decode(bad["LogResult"]).decode()


def test_api_invokes_asynchronously(
    client: Any, runtime: LocalLambda, functions: Functions
) -> None:
    """An Event is accepted at once and then runs; a dry run does not."""
    create(client, functions, PID)
    dry = client.invoke(FunctionName="function", InvocationType="DryRun")
    assert dry["StatusCode"] == 204
    accepted = client.invoke(FunctionName="function", InvocationType="Event", Payload=b'{"a": 1}')
    assert accepted["StatusCode"] == 202
    (record,) = wait_for_records(runtime, 1)
    assert (record.event, record.outcome) == ({"a": 1}, "success")


@pytest.mark.parametrize(
    ("payload", "error", "status"),
    [
        (b"{", "InvalidRequestContentException", 400),
        (b'"%s"' % (b"x" * 1024 * 1024), "RequestTooLargeException", 413),
    ],
)
def test_api_refuses_bad_payloads(
    client: Any, functions: Functions, payload: bytes, error: str, status: int
) -> None:
    """Errors of a request go to the caller, not to the function."""
    create(client, functions, PID)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="function", InvocationType="Event", Payload=payload)
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_api_names_a_missing_function(client: Any) -> None:
    """As Lambda does: ResourceNotFoundException."""
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="missing"):
        client.invoke(FunctionName="missing")


def test_api_keeps_the_logging_config(
    client: Any, runtime: LocalLambda, functions: Functions
) -> None:
    """What moto forgets decides where the log goes, from creation and from an update."""
    create(client, functions, PID, LoggingConfig={"LogGroup": "/first"})
    run(runtime)
    shown = client.get_function(FunctionName="function")["Configuration"]["LoggingConfig"]
    assert shown == {"LogFormat": "Text", "LogGroup": "/first"}
    updated = client.update_function_configuration(
        FunctionName="function", LoggingConfig={"LogGroup": "/second", "LogFormat": "JSON"}
    )
    assert updated["LoggingConfig"]["LogGroup"] == "/second"
    run(runtime)
    assert list(logs_backends[ACCOUNT_ID][REGION].groups) == ["/first", "/second"]
