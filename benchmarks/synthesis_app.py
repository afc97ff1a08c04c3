"""`python -m benchmarks.synthesis_app KIND SIZE FOLDER`: synthesises an app, to be measured."""

from __future__ import annotations

import sys

from aws_cdk import App, Stack

from benchmarks.apps import Fill, fill_natively, fill_with_groups, fill_with_trees
from benchmarks.organisation import LEVELS, organisation

KINDS: dict[str, Fill] = {
    "HierarchyGroup": fill_with_groups,
    "HierarchyTree": fill_with_trees,
    "native L1": fill_natively,
}

_INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)


def synthesise(kind: str, size: int, folder: str) -> None:
    """Write the template of this many groups, and the function's code if there is one."""
    app = App(analytics_reporting=False, outdir=folder)
    stack = Stack(app, "Organisation")
    KINDS[kind](stack, _INSTANCE_ARN, LEVELS, organisation(size).groups)
    app.synth()


if __name__ == "__main__":
    synthesise(sys.argv[1], int(sys.argv[2]), sys.argv[3])
