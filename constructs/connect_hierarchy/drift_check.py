"""A look at a stack's groups on a schedule: has somebody changed by hand what the stack made?"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from connect_hierarchy.arguments import check_arguments
from connect_hierarchy.provider import HierarchyProvider, provider_for
from connect_hierarchy.validation import located
from connect_hierarchy_lambda.model.properties import (
    DRIFT_CHECK,
    METRIC_DIMENSION,
    METRIC_NAMESPACE,
    DriftCheckProperty,
    DriftMetric,
)

_DEFAULT_SCHEDULE_HOURS = 1
_PERIOD_MINUTES = 5
# Of one that the function cannot take at once; the next one by the schedule does the same work.
_MAX_EVENT_AGE_MINUTES = 15


class HierarchyDriftCheck(Construct):
    """Compares the hierarchy of a stack with its ledger on a schedule, with an alarm.

    The stack's function looks for groups and levels that were renamed, moved, deleted or re-tagged
    by hand, for groups that a deployment had to leave behind, and for groups that bear the stack's
    owner tags without being known to it. Each is a line in the function's log; how many there are
    is a metric, and the alarm goes off when there are any or the check fails. While the stack is
    being deployed nothing is compared.

    One check asks Amazon Connect once for each hundred groups of the instance, and twice more.

    Args:
        scope: Where the construct stands; the hierarchy of its stack is compared.
        id: Its id there.
        schedule: When to look, every hour if not given.
        repair: Bring back what the stack wished last: names, tags, places and levels. A group that
            was deleted or moved is created again and has another id, which CloudFormation and what
            refers to the group learn in the next deployment that changes the group's resource.
            What the repair cannot or may not change is left to the alarm. False by default.
        provider: The function, if the stack's resources are served by that of another stack;
            otherwise the stack's own.

    Raises:
        ValueError: If the stack has another provider than `provider`.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        schedule: events.Schedule | None = None,
        repair: bool = False,
        provider: HierarchyProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            self._provider = provider_for(self, provider)
        stack = Stack.of(self)
        self._stack_name = stack.stack_name
        event = {
            DriftCheckProperty.STACK_ID.value: stack.stack_id,
            DriftCheckProperty.REPAIR.value: repair,
        }

        # A rule needs no role, where EventBridge Scheduler does: the function's policy names it.
        self._rule = events.Rule(
            self,
            "Rule",
            description="Looks for changes by hand in the agent hierarchies of a stack",
            schedule=schedule or events.Schedule.rate(Duration.hours(_DEFAULT_SCHEDULE_HOURS)),
            targets=[
                targets.LambdaFunction(
                    self._provider.function,
                    event=events.RuleTargetInput.from_object({DRIFT_CHECK: event}),
                    max_event_age=Duration.minutes(_MAX_EVENT_AGE_MINUTES),
                )
            ],
        )
        self._alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=(
                "Groups or levels of Amazon Connect are not as the stack made them, or this could "
                "not be found out: connect-hierarchy drift tells which"
            ),
            metric=cloudwatch.MathExpression(
                expression="differences + failed",
                using_metrics={
                    "differences": self.metric_differences(),
                    "failed": self.metric_failed_checks(),
                },
                label="Differences and failed checks",
                period=Duration.minutes(_PERIOD_MINUTES),
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            # until the next check, whenever that is, its state is what the last one found
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    @property
    def alarm(self) -> cloudwatch.Alarm:
        """Goes off when a check finds a difference that it does not repair, or fails.

        It keeps its state until the next check. It has no actions of its own.
        """
        return self._alarm

    @property
    def rule(self) -> events.Rule:
        """The schedule."""
        return self._rule

    @property
    def provider(self) -> HierarchyProvider:
        """The function that looks."""
        return self._provider

    def metric_differences(self, **options: Any) -> cloudwatch.Metric:
        """How many differences a check found and did not repair.

        Args:
            options: As `cloudwatch.Metric` has them; the maximum of five minutes if not given.
        """
        return self._metric(DriftMetric.DIFFERENCES, options)

    def metric_repaired_differences(self, **options: Any) -> cloudwatch.Metric:
        """How many differences a check repaired; `options` as those of `metric_differences`."""
        return self._metric(DriftMetric.REPAIRED, options)

    def metric_failed_checks(self, **options: Any) -> cloudwatch.Metric:
        """1 where a check could not be made; `options` as those of `metric_differences`."""
        return self._metric(DriftMetric.FAILED, options)

    def _metric(self, metric: DriftMetric, options: dict[str, Any]) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            **{
                "namespace": METRIC_NAMESPACE,
                "metric_name": metric.value,
                "dimensions_map": {METRIC_DIMENSION: self._stack_name},
                "statistic": cloudwatch.Stats.MAXIMUM,
                "period": Duration.minutes(_PERIOD_MINUTES),
                **options,
            }
        )
