"""What goes wrong is one sentence and the next command to type, with exit code 1."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import CommandError, explained
from connect_hierarchy_cli.settings import Settings
from local_aws import LocalAws
from local_aws.faults import FaultKind
from tests.support.command_line import CommandLine, PatientClock, Run
from tests.support.instances import new_instance
from tests.support.refusing_service import refusing

SSO_PROFILE = """\
[profile work]
sso_session = acme
sso_account_id = 123456789012
sso_role_name = Admin
region = eu-west-2
[sso-session acme]
sso_start_url = https://acme.awsapps.com/start
sso_region = eu-west-2
"""


def is_told(run: Run, sentence: str, next_command: str) -> None:
    """Check that a run failed with these two lines and nothing else, no traceback above all."""
    assert run.code == 1
    assert run.out == ""
    assert run.err.splitlines() == [f"Error: {sentence}", f"Try:   {next_command}"]


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """Commands with a Region and without credentials."""
    return CommandLine(None, tmp_path, {"AWS_REGION": "eu-west-2"})


def test_no_credentials(alone: CommandLine) -> None:
    """Nothing names credentials."""
    is_told(alone.run("tree", "acme"), "no AWS credentials were found", "aws configure")


def test_half_of_the_credentials(alone: CommandLine) -> None:
    """A key without its secret."""
    half = replace(alone, environment={"AWS_REGION": "eu-west-2", "AWS_ACCESS_KEY_ID": "AKIA"})
    is_told(half.run("tree"), "no AWS credentials were found", "aws configure")


def test_no_region(alone: CommandLine) -> None:
    """Nothing names a Region: the command is shown again with one."""
    nowhere = replace(alone, environment={})
    is_told(
        nowhere.run("tree", "acme"),
        "no AWS Region is given",
        "connect-hierarchy tree acme --region eu-west-2",
    )


def test_a_region_that_can_not_be(alone: CommandLine) -> None:
    """What is no name of a Region is refused before a request."""
    run = alone.run("tree", "--region", "eu west 2")
    assert run.code == 1
    assert "'eu west 2'" in run.err
    assert run.err.endswith("\nTry:   connect-hierarchy tree --region eu-west-2\n")


def test_a_profile_that_is_not_there(alone: CommandLine) -> None:
    """An unknown profile is named."""
    is_told(
        alone.run("tree", "--profile", "work"),
        "The config profile (work) could not be found",
        "aws configure list-profiles",
    )


def test_nobody_has_logged_in(alone: CommandLine) -> None:
    """Single sign-on without a session of its own."""
    (alone.folder / ".aws-config").write_text(SSO_PROFILE)
    is_told(
        alone.run("--profile", "work", "tree"),
        "the AWS session of profile 'work' has expired",
        "aws sso login --profile work",
    )


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken", "RequestExpired"])
def test_an_expired_token(line: CommandLine, code: str) -> None:
    """Every service has its own word for it."""
    with refusing(403, code, "The security token included in the request is expired") as url:
        run = line.run("tree", "acme", "--endpoint-url", url)
    is_told(run, "the AWS session has expired", "aws sso login")


def test_a_key_that_aws_does_not_know(line: CommandLine) -> None:
    """The message of AWS, which can have the whole signed request, is not shown."""
    with refusing(403, "InvalidSignatureException", "The Canonical String … was 'AKIA'") as url:
        run = line.run("tree", "acme", "--endpoint-url", url)
    is_told(
        run,
        "AWS does not accept the access key, or its signature (InvalidSignatureException)",
        "aws sts get-caller-identity",
    )


def test_an_arn_of_another_region(line: CommandLine) -> None:
    """`--region` and an ARN that contradict each other."""
    arn = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-3333-4444-555555555555"
    is_told(
        line.run("tree", arn, "--region", "eu-west-2", "--json"),
        "the instance is in Region us-east-1, not in eu-west-2",
        f"connect-hierarchy tree {arn} --json --region us-east-1",
    )


def test_what_is_no_arn_of_an_instance(line: CommandLine) -> None:
    """The model's own sentence has the remedy in it."""
    run = line.run("tree", "arn:aws:connect:eu-west-2:123456789012:queue/1")
    assert run.code == 1
    assert run.err.startswith("Error: not the ARN of an Amazon Connect instance: 'arn:aws:connect")
    assert len(run.err.splitlines()) == 1


def test_an_unknown_alias(line: CommandLine, aws: LocalAws) -> None:
    """The instances that there are in this Region are named."""
    (instance,) = aws.connect.backend.instances
    is_told(
        line.run("tree", "acne"),
        f"Region eu-west-2 has no instance 'acne', it has acme ({instance})",
        "connect-hierarchy tree acme",
    )


def test_an_unknown_id(line: CommandLine) -> None:
    """The same for an id."""
    run = line.run("tree", "11111111-2222-3333-4444-555555555555")
    assert run.code == 1
    assert "has no instance '11111111-2222-3333-4444-555555555555', it has acme (" in run.err


def test_which_of_several(tmp_path: Path) -> None:
    """Without INSTANCE, several are a list to choose from, and none is told as such."""
    with LocalAws() as aws:
        line = CommandLine(aws, tmp_path)
        is_told(
            line.run("tree"),
            "there is no Amazon Connect instance in Region eu-west-2",
            "connect-hierarchy tree --region us-east-1",
        )
        for alias in ("zulu", "alpha"):
            new_instance(aws.connect.backend, alias=alias)
        run = line.run("tree")
    assert run.err.startswith("Error: Region eu-west-2 has 2 instances, say which: alpha (")
    assert run.err.endswith("\nTry:   connect-hierarchy tree alpha\n")


@pytest.fixture
def undisturbed(aws: LocalAws) -> Iterator[None]:
    """Leave no fault behind."""
    yield
    aws.connect.forget_faults()


@pytest.mark.usefixtures("undisturbed")
def test_no_permission(line: CommandLine, aws: LocalAws) -> None:
    """The action and the resource are named."""
    (instance,) = aws.connect.backend.instances.values()
    aws.connect.plan_fault("SearchUserHierarchyGroups", kind=FaultKind.ACCESS_DENIED)
    run = line.run("tree", "acme")
    assert run.code == 1
    assert run.err.startswith(
        f"Error: your credentials do not allow connect:SearchUserHierarchyGroups on {instance.arn}"
    )
    assert run.err.endswith(": ask for a policy that does\nTry:   aws sts get-caller-identity\n")


@pytest.mark.usefixtures("undisturbed")
def test_throttling_is_waited_for(line: CommandLine, aws: LocalAws) -> None:
    """A few refused calls, a lost connection and a server's error only take time."""
    clock = PatientClock()
    aws.connect.plan_fault("SearchUsers", kind=FaultKind.THROTTLE, times=3)
    aws.connect.plan_fault("SearchUserHierarchyGroups", kind=FaultKind.CUT_AFTER)
    aws.connect.plan_fault("ListInstances", kind=FaultKind.ERROR_BEFORE, times=2)
    run = line.run("tree", "acme", clock=clock)
    assert (run.code, run.err) == (0, "")
    assert sum(clock.slept) > 3


@pytest.mark.usefixtures("undisturbed")
def test_throttling_without_end(line: CommandLine, aws: LocalAws) -> None:
    """An account whose rate others use up: go slower."""
    aws.connect.plan_fault("SearchUsers", kind=FaultKind.THROTTLE, times=50)
    run = line.run("tree", "acme", "--requests-per-second", "1000", clock=PatientClock())
    assert run.code == 1
    assert run.err.startswith("Error: AWS takes no more requests at this time: ")
    assert run.err.endswith("\nTry:   connect-hierarchy tree acme --requests-per-second 1\n")


@pytest.mark.usefixtures("undisturbed")
def test_a_service_in_trouble(line: CommandLine, aws: LocalAws) -> None:
    """What lasts is told after some tries, and may be tried again."""
    aws.connect.plan_fault("ListInstances", kind=FaultKind.ERROR_BEFORE, times=50)
    run = line.run("tree", "acme", clock=PatientClock())
    assert run.code == 1
    assert run.err.startswith("Error: AWS did not do its part, and may later: ")
    assert run.err.endswith("\nTry:   connect-hierarchy tree acme\n")


def test_nothing_answers(line: CommandLine) -> None:
    """An endpoint where nothing listens."""
    url = "http://127.0.0.1:9"
    is_told(
        line.run("tree", "--endpoint-url", url, clock=PatientClock()),
        f"nothing answers at {url}/instance?maxResults=10",
        "connect-hierarchy tree",
    )


def test_a_region_without_a_network(line: CommandLine) -> None:
    """Without `--endpoint-url` the Region may be the wrong one."""
    elsewhere = replace(line, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    run = elsewhere.run("tree", "acme", "--region", "eu-west-9", clock=PatientClock())
    assert run.code == 1
    assert "can not be reached: is the Region right, and is there a network?" in run.err
    assert run.err.endswith("\nTry:   connect-hierarchy tree acme --region eu-west-2\n")


def test_a_full_disk(line: CommandLine) -> None:
    """Standard output on a device that is full."""
    with Path("/dev/full").open("w") as full:
        run = line.process("tree", "--json", stdout=full)
    assert run.returncode == 1
    assert run.stderr == (
        "Error: the disk is full: the output could not be written\nTry:   df -h .\n"
    )


def test_a_file_on_a_full_disk(tmp_path: Path) -> None:
    """A file that cannot be written is named; a device that is no file is written as it is."""
    with pytest.raises(OSError, match="No space left") as raised:
        output.write_file(Path("/dev/full"), "x" * 100_000)
    raised.value.filename = "/data/tree.yaml"
    told = explained(raised.value, Settings())
    assert told.sentence == "the disk is full: '/data/tree.yaml' could not be written"
    assert told.next_command == "df -h /data"
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there stays when the new text cannot be written, and nothing else is left."""
    path = tmp_path / "tree.yaml"
    path.write_text("before")
    path.chmod(0o640)
    output.write_file(path, "after")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o640

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        output.write_file(path, "lost")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "sentence", "next_command"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a b/tree.yaml"),
            "'a b/tree.yaml' does not exist",
            "ls 'a b'",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/etc/tree.yaml"),
            "'/etc/tree.yaml' must not be read or written by you",
            "ls -ld /etc",
        ),
        (IsADirectoryError(errno.EISDIR, "", "out"), "'out' is a folder, a file is needed", "ls ."),
        (
            KeyError("oops"),
            "this is a fault of the program: KeyError: 'oops'",
            "connect-hierarchy tree --debug",
        ),
        (CommandError("\u202eno\n", "ls"), "\\u202eno\\n", "ls"),
    ],
)
def test_other_errors(error: Exception, sentence: str, next_command: str) -> None:
    """Files, faults of the program itself, and characters that would change how a line looks."""
    told = str(explained(error, Settings(arguments=("tree",))))
    assert told == f"Error: {sentence}\nTry:   {next_command}"


def test_a_closed_pipe(line: CommandLine) -> None:
    """The reader of the output ends before it has read a byte, as `head` may."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        run = line.process("tree", "--json", stdout=writing)
    finally:
        os.close(writing)
    assert run.returncode == 1
    assert run.stderr == (
        "Error: the program that reads this output ended before all of it was written\n"
        "Try:   connect-hierarchy tree --json > FILE\n"
    )


def test_ctrl_c(tmp_path: Path) -> None:
    """An interrupted read says that nothing was changed, and ends at once."""
    with LocalAws() as aws:
        aws.connect.settings.page_limit = 1
        backend = aws.connect.backend
        instance = new_instance(backend)
        for name in ("ada", "bob", "cyd"):
            backend.create_user(instance, name)
        # the second page is allowed in an hour or so
        slow = {"CONNECT_REQUESTS_PER_SECOND": "0.0003", "CONNECT_BURST": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "connect_hierarchy_cli", "tree", instance],
            cwd=tmp_path,
            env=CommandLine(aws, tmp_path, slow).process_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        _wait_for(lambda: any(call.api == "SearchUsers" for call in aws.connect.calls))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-2:] == [
        "Error: interrupted, nothing was changed",
        f"Try:   connect-hierarchy tree {instance}",
    ]
    assert "Traceback" not in err


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to this within a minute"
        time.sleep(0.01)


def test_debug_shows_where_an_error_comes_from(alone: CommandLine) -> None:
    """Before or after the command; the two lines follow."""
    for arguments in (("--debug", "tree", "acme"), ("tree", "acme", "--debug")):
        run = alone.run(*arguments)
        assert run.code == 1
        assert "Traceback (most recent call last)" in run.err
        assert run.err.endswith("Error: no AWS credentials were found\nTry:   aws configure\n")


@pytest.mark.parametrize(
    ("arguments", "sentence", "next_command"),
    [
        (("tre",), "No such command 'tre'.", "connect-hierarchy --help"),
        (("tree", "a", "b"), "Got unexpected extra argument (b)", "connect-hierarchy tree --help"),
        (("tree", "--depth", "0"), "0 is not in the range x>=1.", "connect-hierarchy tree --help"),
        (
            ("--debg",),
            "No such option '--debg'. Did you mean '--debug'?",
            "connect-hierarchy --help",
        ),
    ],
)
def test_wrong_usage(
    alone: CommandLine, arguments: tuple[str, ...], sentence: str, next_command: str
) -> None:
    """What is typed wrongly is an error like others: 2 is for commands that found a difference."""
    run = alone.run(*arguments)
    assert run.code == 1
    assert sentence in run.err
    assert run.err.splitlines()[-1] == f"Try:   {next_command}"
