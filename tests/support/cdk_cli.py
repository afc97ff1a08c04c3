"""The real CDK CLI, and apps whose cloud assemblies it deploys into a local AWS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Self

from aws_cdk import App
from constructs import Construct

from local_aws import LocalAws


class CdkCli:
    """`cdk` on the path, talking to one local AWS."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self._environment = aws.cli_environment()
        self._folder = folder
        found = shutil.which("cdk")
        assert found is not None, "cdk is not on the path: run the tests with `make test`"
        self._cdk = found

    @classmethod
    def bootstrapped(cls, aws: LocalAws, folder: Path) -> Self:
        """The CLI in an environment that has what each deployment needs."""
        cli = cls(aws, folder)
        cli.run("bootstrap", f"aws://{aws.account_id}/{aws.region}")
        return cli

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a command, check how it ends, and give everything it said."""
        run = subprocess.run(
            [self._cdk, "--no-notices", "--ci", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert (run.returncode != 0) == fails, run.stdout
        return run.stdout

    def assembly(self, build: Callable[[Construct], None]) -> str:
        """Synthesise an app into a folder of its own, and give the folder for `--app`."""
        out = self._folder / f"assembly-{sum(1 for _ in self._folder.iterdir())}"
        # the CLI has the paths of constructs written into a template unless it is told not to
        context = {"aws:cdk:enable-path-metadata": True}
        app = App(outdir=str(out), analytics_reporting=False, context=context)
        build(app)
        app.synth()
        return str(out)

    def deploy(self, build: Callable[[Construct], None], *options: str, fails: bool = False) -> str:
        """Deploy all stacks of an app."""
        return self.run(
            "deploy",
            "--app",
            self.assembly(build),
            "--all",
            "--require-approval=never",
            *options,
            fails=fails,
        )
