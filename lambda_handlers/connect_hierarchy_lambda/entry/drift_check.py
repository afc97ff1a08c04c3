"""The check for drift: an event of its own kind, by a schedule or by a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from connect_hierarchy_lambda.core import repair
from connect_hierarchy_lambda.core.drift import REPAIRED, Difference, Kind, Seen
from connect_hierarchy_lambda.engine.engine import Engine
from connect_hierarchy_lambda.model.messages import (
    HierarchyError,
    NoLongerWantedError,
    OutOfTimeError,
)
from connect_hierarchy_lambda.model.properties import (
    METRIC_DIMENSION,
    METRIC_NAMESPACE,
    DriftMetric,
)
from connect_hierarchy_lambda.resources.repairs import clean_up_of, repair_of, retagging_of

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """The result of a check; the answer to a synchronous invocation."""

    differences: tuple[Difference, ...] = ()
    mended: set[str] = field(default_factory=set)
    """Logical ids of the resources that were repaired."""

    failures: dict[str, str] = field(default_factory=dict)
    """Why a resource was not repaired, by its logical id."""

    skipped: str = ""
    """Why nothing was compared, or why the repair stopped: the stack is being deployed."""

    error: str = ""
    """Why the check failed."""

    is_unfinished: bool = False
    """Whether the repair continues in another run."""

    def is_repaired(self, difference: Difference) -> bool:
        """Whether the repair removed the difference."""
        return difference.kind in REPAIRED and difference.resource in self.mended

    @property
    def as_json(self) -> dict[str, Any]:
        """The answer."""
        return {
            "differences": [
                asdict(one) | {"repaired": self.is_repaired(one)} for one in self.differences
            ],
            "failures": self.failures,
            "skipped": self.skipped,
            "error": self.error,
            "unfinished": self.is_unfinished,
        }


def check(stack: str, engine: Callable[[], Engine], *, repairs: bool) -> Report:
    """Look for drift, and with `repairs` restore what the stack wished last; nothing is raised.

    Args:
        stack: `<stack name>/<uuid>`.
        engine: Gives a new engine for each task.
        repairs: Whether to repair.
    """
    report = Report()
    try:
        seen = engine().look(stack)
        report.differences = seen.differences
        if repairs:
            _repair(seen, engine, report)
    except NoLongerWantedError as error:
        report.skipped = str(error)
    except HierarchyError as error:
        report.error = str(error)
        logger.error("the check failed", extra={"why": report.error})  # noqa: TRY400 - no traceback needed
    except Exception as error:
        report.error = f"{type(error).__name__}: {error}"
        logger.exception("the check failed unexpectedly")
    return report


def _repair(seen: Seen, engine: Callable[[], Engine], report: Report) -> None:
    due = [(repair_of, resource) for resource in repair.due(seen)]
    due += [(retagging_of, d.resource) for d in seen.differences if d.kind is Kind.RETAGGED]
    due += [(clean_up_of, resource) for resource in repair.to_clean_up(seen)]
    for task_of, resource in dict.fromkeys(due):
        if resource in report.failures:
            continue
        try:
            engine().carry_out(task_of(seen, resource))
        except OutOfTimeError:
            report.is_unfinished = True
            return
        except NoLongerWantedError:
            raise
        except HierarchyError as error:
            report.failures[resource] = str(error)
            report.mended.discard(resource)
            logger.warning("not repaired", extra={"resource": resource, "why": str(error)})
        else:
            report.mended.add(resource)


def tell(report: Report, stack: str, now: float) -> None:
    """Log what was found, with metrics in CloudWatch's embedded format.

    CloudWatch takes metrics out of a log line of this form by itself, so the function needs no
    permission for PutMetricData, which knows no resources.
    """
    for difference in report.differences:
        is_repaired = report.is_repaired(difference)
        message = "repaired" if is_repaired else "differs"
        logger.log(
            logging.INFO if is_repaired else logging.WARNING, message, extra=asdict(difference)
        )
    if report.is_unfinished or report.skipped:
        logger.info("no result yet", extra={"why": report.skipped or "continuing in another run"})
        return
    repaired = sum(map(report.is_repaired, report.differences))
    values = {
        DriftMetric.DIFFERENCES.value: len(report.differences) - repaired,
        DriftMetric.REPAIRED.value: repaired,
        DriftMetric.FAILED.value: int(bool(report.error)),
    }
    metrics = {
        "Timestamp": int(now * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": METRIC_NAMESPACE,
                "Dimensions": [[METRIC_DIMENSION]],
                "Metrics": [{"Name": name, "Unit": "Count"} for name in values],
            }
        ],
    }
    name = {METRIC_DIMENSION: stack.split("/", 1)[0]}
    logger.info("checked for drift", extra={"_aws": metrics, **name, **values})
