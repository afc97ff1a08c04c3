"""`python -m local_aws`: the local AWS in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local_aws.aws import DEFAULT_REGION, LocalAws
from local_aws.connect.settings import ConnectSettings, DuplicateScope
from local_aws.server import PortTakenError

_DEFAULT_PORT = 4566
_HIGHEST_PORT = 65535
_REPOSITORY = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes, and return the exit code."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = ConnectSettings(
        duplicate_scope=DuplicateScope(options.duplicate_scope),
        group_quota=options.group_quota,
        search_lag=options.search_lag,
        read_lag=options.read_lag,
    )
    try:
        aws = LocalAws(port=options.port, region=options.region, connect_settings=settings)
    except PortTakenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with aws:
        _write(_greeting(aws))
        stop.wait()
        _write("\nstopping …\n")
    _write("stopped: all processes have ended, and everything that was stored is gone\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description="An AWS on this machine, to which the CDK CLI can deploy Connect hierarchies.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--port", type=_port, default=_DEFAULT_PORT, help="port of 127.0.0.1, 0 for a free one"
    )
    parser.add_argument("--region", default=DEFAULT_REGION, help="its Region")
    parser.add_argument(
        "--duplicate-scope",
        choices=[scope.value for scope in DuplicateScope],
        default=DuplicateScope.SIBLINGS.value,
        help="among which groups a name may occur once",
    )
    defaults = ConnectSettings()
    parser.add_argument(
        "--group-quota", type=int, default=defaults.group_quota, help="groups an instance may have"
    )
    parser.add_argument(
        "--search-lag",
        type=float,
        default=defaults.search_lag,
        help="seconds that searches lag behind writes",
    )
    parser.add_argument(
        "--read-lag",
        type=float,
        default=defaults.read_lag,
        help="seconds that other reads lag behind writes",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        message = f"a port is a number from 0 to {_HIGHEST_PORT}, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _greeting(aws: LocalAws) -> str:
    exports = _exports(aws.environment)
    return f"""\
The local AWS listens on {aws.endpoint_url}, as account {aws.account_id} in {aws.region}.
It forgets everything when it stops: Ctrl-C.

Paste this into another terminal, in {_REPOSITORY}:

unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
{exports}
{_tools()}
and then:

    cdk bootstrap aws://{aws.account_id}/{aws.region}
    cdk deploy                    # app.py; -c step=2 reorganises it
    cdk diff
    cdk destroy
"""


def _tools() -> str:
    """Exports that put the project's tools on the PATH of another terminal."""
    cdk, node = shutil.which("cdk"), shutil.which("node")
    if cdk is None or node is None:
        return ""
    # not resolved, since the folders of the links are needed, not those of the tools
    folders = [Path(node).parent, Path(sys.executable).parent, Path(cdk).parent]
    rooms = ("constructs", "lambda_handlers", "tree_files", "cli")
    sources = [_REPOSITORY, *(_REPOSITORY / room for room in rooms)]
    exports = _exports(
        {
            "JSII_NODE": node,
            "PYTHONPATH": os.pathsep.join(str(source) for source in sources),
        }
    )
    path = os.pathsep.join(shlex.quote(str(folder)) for folder in dict.fromkeys(folders))
    return f'export PATH={path}:"$PATH"\n{exports}\n'


def _exports(variables: dict[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
