"""`python -m real_check INSTANCE`: exit code 0 if every promise was kept and nothing is left.

It makes a group at level one of the instance, deploys a stack of groups below it, and removes both
at the end, also after Ctrl-C. Nothing else of the instance is changed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from connect_hierarchy_cli.instances import Instance
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_lambda.model.arns import check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal
from real_check.connect_facts import duplicate_scope, lags, rates
from real_check.deployments import DeploymentError, Deployments
from real_check.findings import Report
from real_check.scratch import CannotRunError, Scratch
from real_check.story import Story

_INTERRUPTED = 130
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_RESULTS = Path(__file__).resolve().parents[1] / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, write the findings, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        check_instance_arn(options.instance_arn)
        session = Session(Settings(), Instance(options.instance_arn).region)
        scratch = _scratch(session, options.instance_arn)
        _ask(options, _look(session, scratch, options.agent))
    except (CannotRunError, InvalidHierarchyError) as error:
        return _refuse(str(error))
    except (Refusal, PassingError, ClientError, BotoCoreError) as error:
        return _refuse(f"AWS cannot be asked about {options.instance_arn}: {error}")
    except (KeyboardInterrupt, EOFError):
        return _refuse("it was not confirmed")
    report = Report(options.instance_arn, datetime.now(UTC).isoformat(timespec="seconds"))
    _check(report, session, scratch, options)
    _write(report, options.results)
    if report.ended_by.startswith("interrupted"):
        return _INTERRUPTED
    return 0 if report.is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m real_check", description=__doc__)
    parser.add_argument("instance_arn", help="ARN of the Amazon Connect instance")
    parser.add_argument("--agent", help="login name of a user who moves with the groups, and back")
    parser.add_argument("--confirm", help="the id of the instance, to skip the question")
    parser.add_argument(
        "--samples", type=int, default=20, help="how many groups to measure lags with"
    )
    parser.add_argument(
        "--rate-seconds",
        type=float,
        default=20.0,
        help="seconds of calls without a pause, for each API",
    )
    parser.add_argument(
        "--no-promises",
        dest="promises",
        action="store_false",
        help="measure only: the stack has no groups",
    )
    parser.add_argument(
        "--results", type=Path, default=_RESULTS, help="folder of real-check.md and real-check.json"
    )
    return parser


def _scratch(session: Session, instance_arn: str) -> Scratch:
    cloudformation = session.client("cloudformation")
    mark = secrets.token_hex(4)
    return Scratch(session.connect(), cloudformation, session.clock, instance_arn, mark)


def _look(session: Session, scratch: Scratch, agent: str | None) -> str:
    """Find out whether the check can run, without changing anything, and return what it will do.

    Raises:
        CannotRunError: If it cannot, and why.
    """
    instance = Instance(scratch.instance_arn)
    account = session.client("sts").get_caller_identity()["Account"]
    if account != instance.account:
        raise CannotRunError(
            f"the credentials are of account {account}, the instance is in {instance.account}: "
            "use credentials of that account"
        )
    try:
        session.client("ssm").get_parameter(Name=_BOOTSTRAP_PARAMETER)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ParameterNotFound":
            raise
        raise CannotRunError(
            f"the CDK is not set up there: run `cdk bootstrap aws://{account}/{instance.region}`"
        ) from None
    levels = scratch.check_levels()
    if agent is not None:
        scratch.find_agent(agent)
    moves = f"the user '{agent}' moves into groups below it and back" if agent else "no user moves"
    return (
        f"On {scratch.instance_arn}: {levels}; a group '{scratch.stack_name}' is created at level "
        f"one, and all else below it; {moves}. In account {account}: a stack of that name, two "
        "functions and two tables. Hierarchy APIs are called as fast as they answer, so "
        "others in the account and Region are refused at times. All of it is removed at the end, "
        "except for the functions' code in the bucket of `cdk bootstrap`."
    )


def _ask(options: argparse.Namespace, plan: str) -> None:
    """Ask for the instance's id, unless it was given.

    Raises:
        CannotRunError: If the answer is not the instance's id.
    """
    _say(plan)
    instance_id = Instance(options.instance_arn).id
    given = options.confirm
    if given is None:
        if not sys.stdin.isatty():
            raise CannotRunError(f"it was not confirmed: give --confirm {instance_id}")
        given = input("Type the id of the instance to go on: ").strip()
    if given != instance_id:
        raise CannotRunError(f"'{given}' is not the instance's id, {instance_id}")


def _check(report: Report, session: Session, scratch: Scratch, options: argparse.Namespace) -> None:
    """Make the whole check, and remove what it created in any case."""
    # also if a shell started this in the background, with Ctrl-C ignored
    _on_signals(_interrupt)
    try:
        _measure_and_play(report, session, scratch, options)
    except KeyboardInterrupt:
        report.ended_by = "interrupted"
    except (
        CannotRunError,
        DeploymentError,
        Refusal,
        PassingError,
        ClientError,
        BotoCoreError,
    ) as error:
        report.ended_by = f"{type(error).__name__}: {error}"
    finally:
        _on_signals(_be_patient)
        _say("removing what was created …")
        report.left = scratch.clean_up()
        for one in report.left:
            _say(f"LEFT: {one}")


def _measure_and_play(
    report: Report, session: Session, scratch: Scratch, options: argparse.Namespace
) -> None:
    scratch.begin(options.agent)
    _say("measuring names and lags …")
    report.facts.append(duplicate_scope(scratch))
    report.facts += lags(scratch, options.samples)
    _say("measuring rates …")
    report.facts += rates(scratch, session.client("connect"), options.rate_seconds)
    scratch.remove_made_groups()
    with tempfile.TemporaryDirectory() as folder:
        region = Instance(options.instance_arn).region
        deployments = Deployments(
            scratch.stack_name,
            scratch.top_arn,
            groups=options.promises,
            folder=Path(folder),
            environment={**os.environ, "AWS_REGION": region, "AWS_DEFAULT_REGION": region},
        )
        story = Story(scratch, deployments, groups=options.promises)
        for promise in story.tell():
            report.promises.append(promise)
            _say(f"{'kept' if promise.kept else 'NOT KEPT'}: {promise.text}")
        report.facts += story.facts(session.client("cloudformation"), session.client("dynamodb"))
        for promise in story.destroy():
            report.promises.append(promise)
            _say(f"{'kept' if promise.kept else 'NOT KEPT'}: {promise.text}")


def _write(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "real-check.json").write_text(report.as_json(), "utf-8")
    (folder / "real-check.md").write_text(report.as_markdown(), "utf-8")
    for fact in report.facts:
        _say(f"{fact.question} {fact.answer}")
    if report.ended_by:
        _say(f"ended early: {report.ended_by}")
    _say(f"written: {folder / 'real-check.md'}, {folder / 'real-check.json'}")


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def _refuse(why: str) -> int:
    sys.stderr.write(f"nothing was changed: {why}\n")
    return 2


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # a second Ctrl-C must not interrupt the removal that the first one begins
    _on_signals(_be_patient)
    raise KeyboardInterrupt


def _be_patient(_number: int, _frame: FrameType | None) -> None:
    _say("what was created is being removed, which must not be interrupted")


if __name__ == "__main__":
    sys.exit(main())
