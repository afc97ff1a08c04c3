"""The demo's story on the second engine, and what has to hold there."""

from __future__ import annotations

from pathlib import Path

from demo.call_record import succeeded
from demo.console import Console
from demo.drawing import draw_tree
from demo.picture import Picture, PicturedGroup
from demo.telling import BY_HAND, Telling, group_at, status_of_stack
from local_aws.aws import LocalAws
from tests.second_engine.ministack import ACCOUNT_ID, Ministack
from tests.support.instances import new_instance

_APP = "python -m tests.second_engine.app"
_PEOPLE = {"ada": "Chat", "grace": "Chat/Night desk"}


class Story(Telling):
    """The life of one stack on the second engine, with Amazon Connect on the local AWS.

    Args:
        engine: Where the stack is deployed.
        aws: Where Amazon Connect is.
        console: Where it is told.
        app_folder: Of the sample app.
        output_folder: For the CLI's cloud assemblies.
        verbose: Show every line of the CLI.
    """

    def __init__(
        self,
        engine: Ministack,
        aws: LocalAws,
        console: Console,
        *,
        app_folder: Path,
        output_folder: Path,
        verbose: bool = False,
    ) -> None:
        steered = {
            name: value
            for name, value in aws.cli_environment().items()
            if not name.startswith("AWS_")
        }
        super().__init__(
            aws,
            console,
            environment={**steered, **engine.environment},
            app_folder=app_folder,
            output_folder=output_folder,
            verbose=verbose,
        )
        self._engine = engine
        self._instance_id = new_instance(aws.connect.backend)
        self._instance_arn = aws.connect.backend.instance_arn(self._instance_id)

    def tell(self) -> None:
        """Go through all steps.

        Raises:
            ClaimError: Something claimed does not hold.
            CliError: The CLI ended otherwise than it should.
        """
        self._console.heading("1. Bootstrap", "The bucket and the roles of the CDK.")
        account = f"aws://{ACCOUNT_ID}/{self._aws.region}"
        self._cli.run("bootstrap", account, *self._app(), condensed=True)
        first = self._deploy_first()
        by_hand = self._work_by_hand()
        second = self._reorganise(first)
        self._fail_half_way(second)
        self._destroy(second, by_hand)

    def _deploy_first(self) -> Picture:
        self._console.heading(
            "2. First deployment",
            "The groups of the sample app; its two agents are hired over the API afterwards.",
        )
        self._deploy(step=1)
        self._check_status("CREATE_COMPLETE")
        picture = self._look()
        self._claims.check(
            "twelve groups on three levels, all of this stack",
            holds=len(_owned(picture)) == len(picture.groups) == 12 and len(picture.levels) == 3,
            otherwise=f"{len(_owned(picture))} of {len(picture.groups)}, levels {picture.levels}",
        )
        for username, path in _PEOPLE.items():
            group = group_at(picture, f"Support/{path}")
            self._aws.connect.backend.create_user(
                self._instance_id, username, hierarchy_group_id=group.id
            )
        calls = len(self._aws.connect.calls)
        self._deploy(step=1)
        self._check_no_call(calls)
        return self._look()

    def _work_by_hand(self) -> str:
        connect = self._aws.client("connect")
        made = connect.create_user_hierarchy_group(InstanceId=self._instance_id, Name=BY_HAND)
        return str(made["HierarchyGroupId"])

    def _reorganise(self, before: Picture) -> Picture:
        self._console.heading(
            "3. A reorganisation",
            "Back Office becomes Operations, Chat moves to Sales with Night desk below it, a "
            f"fourth level comes with a group on it. {BY_HAND}, made by hand, stands beside them.",
        )
        self._deploy(step=2)
        self._check_status("UPDATE_COMPLETE")
        after = self._look(before)
        self._check_renamed(before, after)
        originals = self._check_moved(before, after)
        for username, path in _PEOPLE.items():
            self._check_place(username, f"Sales/{path}", after)
        self._check_fourth_level(after)
        kept = set(before.groups) - originals
        changed = [group for group in kept if after.groups.get(group) is None]
        self._claims.check(
            f"the {len(kept)} groups that did not move have kept their ids, 13 are of this stack",
            holds=not changed and len(_owned(after)) == 13,
            otherwise=f"gone: {changed}; {len(_owned(after))} groups",
        )
        return after

    def _fail_half_way(self, before: Picture) -> None:
        self._console.heading(
            "4. A deployment that fails half-way",
            f"Sales becomes Revenue, Chat moves back, and then {BY_HAND} is there already.",
        )
        calls = len(self._aws.connect.calls)
        self._deploy(step=3, fails=True)
        self._check_status("UPDATE_ROLLBACK_COMPLETE")
        after = self._look(before)
        made = succeeded(self._aws.connect.calls[calls:], "CreateUserHierarchyGroup")
        self._claims.check(
            "there was something to take back: Chat had moved",
            holds="Chat" in [call["Name"] for call in made],
            otherwise=f"created {made}",
        )
        self._check_as_before(before, after)

    def _destroy(self, before: Picture, by_hand: str) -> None:
        self._console.heading(
            "5. The end", "The agents leave their groups, and the stack is destroyed."
        )
        for user in self._aws.connect.backend.list_users(self._instance_id):
            self._aws.connect.backend.update_user_hierarchy(self._instance_id, user.id, None)
        self._cli.run("destroy", *self._app(step=2))
        after = self._look(before)
        status = self._status()
        functions = self._engine.client("lambda").list_functions()["Functions"]
        tables = self._engine.client("dynamodb").list_tables()["TableNames"]
        self._claims.check(
            "the stack is gone, and with it the function and the ledger",
            holds=status is None and not (functions or tables),
            otherwise=[status, *functions, *tables],
        )
        self._claims.check(
            f"no group of ours is left; {BY_HAND}, made by hand, was not touched",
            holds=set(after.groups) == {by_hand},
            otherwise=[after.path(group) for group in after.groups],
        )

    def _deploy(self, *, step: int, fails: bool = False) -> None:
        self._cli.run("deploy", *self._app(step=step), fails=fails)

    def _app(self, *, step: int = 1) -> list[str]:
        context = {
            "instance-arn": self._instance_arn,
            "connect-endpoint": self._aws.endpoint_url,
            "step": step,
        }
        options = [option for pair in context.items() for option in ("-c", "{}={}".format(*pair))]
        return ["--app", _APP, *options]

    def _status(self) -> str | None:
        """The status of the stack, None where there is no stack."""
        return status_of_stack(self._engine.client("cloudformation"))

    def _check_status(self, wanted: str) -> None:
        status = self._status()
        self._claims.check(
            f"the status of the stack is {wanted}", holds=status == wanted, otherwise=status
        )

    def _look(self, before: Picture | None = None) -> Picture:
        picture = self._picture(self._instance_arn)
        draw_tree(self._console, picture, before)
        self._console.line()
        return picture


def _owned(picture: Picture) -> list[PicturedGroup]:
    return [group for group in picture.groups.values() if group.owner]
