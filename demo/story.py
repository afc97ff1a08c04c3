"""The demo's steps, in order, and what each of them claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from demo.call_record import draw_writes, succeeded, writes
from demo.changes import Kind, group_changes
from demo.console import Console
from demo.drawing import draw_changes, draw_tree
from demo.edit import draw_edit
from demo.operator_cli import OperatorCli
from demo.picture import Picture
from demo.telling import BY_HAND, STACK, Telling, status_of_stack
from local_aws.aws import LocalAws
from local_aws.connect.settings import Call


class Story(Telling):
    """The life of one stack, from the bootstrap to its end.

    Args:
        aws: Where it happens.
        console: Where it is told.
        app_folder: Of the sample app.
        output_folder: For the CLI's cloud assemblies.
        picture_folder: For the pictures before and after the reorganisation.
        verbose: Show every line of the CLI.
    """

    def __init__(
        self,
        aws: LocalAws,
        console: Console,
        *,
        app_folder: Path,
        output_folder: Path,
        picture_folder: Path,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            aws,
            console,
            environment=aws.cli_environment(),
            app_folder=app_folder,
            output_folder=output_folder,
            verbose=verbose,
        )
        self._operator = OperatorCli(console, aws.cli_environment(), output_folder)
        self._pictures = picture_folder
        self._organisation = app_folder / "organisation"
        self._instance_arn = ""
        self._last = Picture((), {})
        self._ids_seen: set[str] = set()

    def tell(self) -> None:
        """Go through all steps.

        Raises:
            ClaimError: something claimed does not hold.
            CliError: the CLI ended otherwise than it should.
        """
        self._bootstrap()
        self._deploy_first()
        self._deploy_again()
        self._reorganise()
        self._work_by_hand()
        self._fail_half_way()
        self._destroy()

    def _bootstrap(self) -> None:
        self._console.heading(
            "1. Bootstrap",
            "Once an account: the bucket and the roles with which the CDK deploys.",
        )
        account = f"aws://{self._aws.account_id}/{self._aws.region}"
        self._cli.run("bootstrap", account, condensed=True)

    def _deploy_first(self) -> None:
        self._console.heading(
            "2. First deployment",
            "app.py as it is: an instance of Amazon Connect, an organisation of ten groups in a "
            "file, organisation/step-1.yaml, two more groups in the code, and two agents. A "
            "function that comes with the stack makes the hierarchy.",
        )
        self._cli.run("deploy")
        stacks = self._aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        self._instance_arn = outputs["InstanceArn"]
        picture = self._look()
        self._console.line()
        self._console.line("read back from the Connect API:")
        draw_tree(self._console, picture)
        self._console.line()
        owners = [group.owner for group in picture.groups.values() if group.owner]
        resources = Counter(owner.logical_id for owner in owners)
        self._claims.check(
            "twelve groups on three levels: the ten of the file are one resource of the stack, "
            "Training and Night desk are one each",
            holds=sorted(resources.values()) == [1, 1, 10]
            and len(owners) == len(picture.groups)
            and len(picture.levels) == 3,  # noqa: PLR2004 - what app.py says
            otherwise=f"{resources} of {len(picture.groups)} groups, levels {picture.levels}",
        )
        self._check_place("ada", "Support/Chat", picture)
        self._check_place("grace", "Support/Chat/Night desk", picture)

    def _deploy_again(self) -> None:
        self._console.heading(
            "3. The same once more",
            "A deployment without a change leaves Connect alone, so it can run as often as you "
            "like.",
        )
        calls = len(self._aws.connect.calls)
        self._cli.run("diff", "--fail")
        self._claims.check("`cdk diff` shows no difference", holds=True)
        self._cli.run("deploy")
        self._check_no_call(calls)

    def _reorganise(self) -> None:
        self._console.heading(
            "4. A reorganisation",
            "The file is edited: Back Office becomes Operations; the team Chat, with ada in it, "
            "moves from Support to Sales; a fourth level Shift comes with a group on it. A group "
            "that keeps its key is the same group. Connect can rename a group but not move it: for "
            "Chat a successor is made and the agents are carried over. Night desk, which stands "
            "below Chat in the code, follows with grace.",
        )
        before = self._last
        self._draw_edit(1, 2)
        planned = self._plan()
        calls = len(self._aws.connect.calls)
        self._cli.run("deploy", "-c", "step=2")
        self._check_plan(planned, self._aws.connect.calls[calls:])
        self._draw_file("after.svg")
        after = self._look()
        self._draw(before, after)
        self._check_renamed(before, after)
        self._check_moved(before, after)
        self._check_place("ada", "Sales/Chat", after)
        self._check_place("grace", "Sales/Chat/Night desk", after)
        self._check_fourth_level(after)
        changed = sum(change.kind is not Kind.KEPT for change in group_changes(before, after))
        self._claims.check(
            f"all {len(after.groups) - 4} other groups have kept their ids and names",
            holds=changed == 4,  # noqa: PLR2004 - one renamed, two moved, one new
            otherwise=f"{changed} groups have changed in place of four",
        )

    def _plan(self) -> Sequence[str]:
        """Show what the deployment will do, and give the calls that the plan has."""
        self._console.line()
        self._console.line("before it is deployed, the plan: the function's own engine, run here")
        self._draw_file("before.svg")
        self._cli.run("synth", "-c", "step=2", condensed=True)
        plan = ("plan", "--app", "cdk.out")
        self._operator.show(*plan, code=2)
        picture = str(self._pictures / "plan.svg")
        value = json.loads(self._operator.read(*plan, "--json", "--svg", picture, code=2))
        return [call["api"] for call in value["calls"] if not call["refused_with"]]

    def _check_plan(self, planned: Sequence[str], calls: Sequence[Call]) -> None:
        made = [call.api for call in writes(calls) if call.outcome == "ok"]
        self._claims.check(
            f"the deployment made the {len(planned)} writes of its plan, in that order",
            holds=planned == made,
            otherwise=f"planned {planned}, made {made}",
        )

    def _draw_file(self, name: str) -> None:
        """Write a picture of the instance into a file."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self._operator.read("tree", self._instance_arn, "--svg", str(self._pictures / name))

    def _work_by_hand(self) -> None:
        self._console.heading(
            "5. Meanwhile somebody works by hand",
            f"An operator makes a group {BY_HAND} at the first level, through the Connect API. "
            "No stack knows of it.",
        )
        before = self._last
        connect = self._aws.client("connect")
        made = connect.create_user_hierarchy_group(InstanceId=self._instance_arn, Name=BY_HAND)
        after = self._look()
        draw_tree(self._console, after, before)
        self._console.line()
        group = after.groups.get(made["HierarchyGroupId"])
        self._claims.check(
            f"{BY_HAND} stands beside the groups of the stack and is none of them",
            holds=group is not None and group.owner is None,
            otherwise=group,
        )

    def _fail_half_way(self) -> None:
        self._console.heading(
            "6. A deployment that fails half-way",
            "In the file, Sales becomes Revenue and Chat moves back to Support. Once that is done "
            f"the code wants a group {BY_HAND}, which is there already. A stack does not take "
            "over what somebody else made unless told to, so this one fails, and CloudFormation "
            "takes everything back.",
        )
        before = self._last
        self._draw_edit(2, 3)
        first = len(self._aws.connect.calls)
        run = self._cli.run("deploy", "-c", "step=3", fails=True)
        calls = self._aws.connect.calls[first:]
        after = self._look()
        self._console.line()
        draw_writes(self._console, calls, before)
        self._draw(before, after)
        said = " ".join(" ".join(run.lines).split())
        self._claims.check(
            "the deployment failed, and the error says what is in the way and what to do",
            holds=f"'{BY_HAND}': it exists already" in said and "adopt_existing" in said,
            otherwise="the CLI has shown another error",
        )
        status = status_of_stack(self._aws.client("cloudformation"))
        self._claims.check(
            "the stack is rolled back and ready for the next deployment",
            holds=status == "UPDATE_ROLLBACK_COMPLETE",
            otherwise=f"its status is {status}",
        )
        names = [call["Name"] for call in succeeded(calls, "UpdateUserHierarchyGroupName")]
        created = [call["Name"] for call in succeeded(calls, "CreateUserHierarchyGroup")]
        self._claims.check(
            "there was something to take back: Sales had become Revenue, Chat and Night desk had "
            "moved",
            holds={"Revenue", "Sales"} <= set(names) and {"Chat", "Night desk"} <= set(created),
            otherwise=f"renamed to {names}, created {created}",
        )
        self._check_as_before(before, after)

    def _destroy(self) -> None:
        self._console.heading(
            "7. The end",
            "`cdk destroy` deletes the agents, the groups from the lowest level up, and the "
            "instance. Levels hold other people's groups too, so by default a stack leaves them "
            "to the instance.",
        )
        self._cli.run("destroy", "-c", "step=2")
        status = status_of_stack(self._aws.client("cloudformation"))
        functions = self._aws.client("lambda").list_functions()["Functions"]
        instances = self._aws.client("connect").list_instances()["InstanceSummaryList"]
        self._claims.check(
            "the stack is gone, and with it the instance and the function",
            holds=status is None and not (functions or instances),
            otherwise=[status, *functions, *instances],
        )
        self._check_groups_deleted()

    def _check_groups_deleted(self) -> None:
        """The instance goes with the stack, so the record of the calls tells what went before."""
        calls = self._aws.connect.calls
        created = succeeded(calls, "CreateUserHierarchyGroup")
        deleted = [
            str(call["HierarchyGroupId"]).rsplit("/", 1)[-1]
            for call in succeeded(calls, "DeleteUserHierarchyGroup")
        ]
        by_hand = {group.id for group in self._last.groups.values() if not group.owner}
        kept = self._ids_seen - by_hand - set(deleted)
        self._claims.check(
            f"no group of ours was left: of {len(created)} groups that were ever made, the stack "
            f"deleted its {len(deleted)}, each once",
            holds=not kept and len(set(deleted)) == len(deleted) == len(created) - len(by_hand),
            otherwise=f"created {len(created)}, deleted {deleted}, not deleted {kept}",
        )
        self._claims.check(
            f"{BY_HAND}, made by hand, was never touched: it went with its instance only",
            holds=len(by_hand) == 1 and not by_hand.intersection(deleted),
            otherwise=by_hand,
        )

    def _look(self) -> Picture:
        """A new picture, which is also kept for the next step."""
        self._last = self._picture(self._instance_arn)
        self._ids_seen.update(self._last.groups)
        return self._last

    def _draw_edit(self, before: int, after: int) -> None:
        """What was edited in the organisation's file from one step of the app to another."""
        files = (self._organisation / f"step-{step}.yaml" for step in (before, after))
        draw_edit(self._console, *files)

    def _draw(self, before: Picture, after: Picture) -> None:
        draw_tree(self._console, after, before)
        draw_changes(self._console, before, after)
        self._console.line()
