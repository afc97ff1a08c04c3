"""The dates until which Lambda and the CDK support what a deployment runs on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

LAMBDA_RUNTIMES: Mapping[str, date] = {
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
"""The day on which Lambda deprecates a runtime.

Source: "Lambda runtimes" in the AWS Lambda developer guide, as it stood in November 2026:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

CDK_NODES: Mapping[int, date] = {
    18: date(2025, 11, 30),
    20: date(2026, 10, 30),
    22: date(2027, 10, 30),
    24: date(2028, 10, 30),
}
"""The last day on which the CDK supports a release of Node.js.

Source: "Supported Node.js versions for the AWS CDK" in its developer guide, as it stood in November
2026: https://docs.aws.amazon.com/cdk/v2/guide/node-versions.html
"""

SOON_DAYS = 180
"""How long before such a day `doctor` warns."""
