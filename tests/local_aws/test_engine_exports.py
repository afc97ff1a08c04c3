"""Exports and imports between stacks, parameters and change sets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.cloudformation.exceptions import AlreadyExistsError, ValidationError
from local_aws.cloudformation.service import NO_CHANGES
from tests.local_aws.scripted import Site, custom, history, named, reasons, site


def exporting(value: Any, export: str | None = "shared") -> dict[str, Any]:
    """The Outputs section of a stack that exports a value."""
    output: dict[str, Any] = {"Value": value}
    return {"Outputs": {"O": output | ({"Export": {"Name": export}} if export else {})}}


def importing(s: Site, name: str = "user") -> Any:
    """A stack that imports it."""
    return s.deploy({"B": custom(P={"Fn::ImportValue": "shared"})}, name)


def test_an_import_gives_the_exported_value() -> None:
    """Also where its name is put together."""
    with site() as s:
        s.deploy({"A": custom()}, **exporting({"Ref": "A"}))
        imported = {"Fn::ImportValue": {"Fn::Sub": "sh${X}"}}
        parameters = {"X": {"Type": "String", "Default": "ared"}}
        s.deploy({"B": custom(P=imported)}, "user", Parameters=parameters)
        assert s.script.events[-1]["ResourceProperties"]["P"] == "id-of-A"


def reading(**further: str) -> Any:
    """Resources that read an output of the other stack without importing it."""
    output = {"StackName": "stack", "OutputName": "O", **further}
    return {"B": custom(P={"Fn::GetStackOutput": output})}


def test_an_output_can_be_read_without_an_export() -> None:
    """Fn::GetStackOutput gives it; nothing holds the other stack's output or the stack."""
    with site() as s:
        owner = s.deploy({"A": custom()}, **exporting({"Ref": "A"}, None))
        user = s.deploy(reading(), "user")
        assert s.script.events[-1]["ResourceProperties"]["P"] == "id-of-A"
        assert owner.outputs["O"].export_name is None
        s.script.on("Update", "A", named("other"))
        assert s.deploy({"A": custom(V=2)}, **exporting({"Ref": "A"}, None)).status == (
            "UPDATE_COMPLETE"
        )
        # the user's template is what it was; its own next deployment reads the new value
        assert user.resources["B"].properties["P"] == "id-of-A"
        s.script.calls()
        s.deploy(reading(), "user")
        assert s.script.calls() == ["Update B"]
        assert user.resources["B"].properties["P"] == "other"
        assert s.delete(owner).status == "DELETE_COMPLETE"


def test_an_import_can_become_a_read_of_the_same_value() -> None:
    """No resource changes, and yet the export is free: so a reference is weakened."""
    with site() as s:
        s.deploy({"A": custom()}, **exporting({"Ref": "A"}))
        importing(s)
        s.script.calls()
        assert s.deploy(reading(), "user").status == "UPDATE_COMPLETE"
        assert s.script.calls() == []
        owner = s.deploy({"A": custom()}, **exporting({"Ref": "A"}, None))
        assert (owner.status, owner.outputs["O"].export_name) == ("UPDATE_COMPLETE", None)


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        ({"OutputName": "Absent"}, "No output named Absent found in a stack named stack."),
        ({"StackName": "absent"}, "No output named O found in a stack named absent."),
        (
            {"Region": "us-west-2"},
            "Fn::GetStackOutput of stack stack in us-west-2: this AWS has one Region, eu-west-2",
        ),
    ],
)
def test_an_output_that_cannot_be_read(further: dict[str, str], reason: str) -> None:
    """The resource that reads it fails, and says which one."""
    with site() as s:
        s.deploy({"A": custom()}, **exporting({"Ref": "A"}, None))
        stack = s.deploy(reading(**further), "user")
        assert reasons(stack, "CREATE_FAILED", "B") == [reason]


def test_an_output_is_named_by_stack_and_key() -> None:
    """A read that leaves one out is refused."""
    with site() as s:
        stack = s.deploy({"B": custom(P={"Fn::GetStackOutput": {"StackName": "x"}})}, "user")
        assert reasons(stack, "CREATE_FAILED", "B") == [
            "Template error: Fn::GetStackOutput needs OutputName"
        ]


def test_an_import_of_nothing_fails() -> None:
    """The reason is AWS's."""
    with site() as s:
        stack = importing(s)
        assert reasons(stack, "CREATE_FAILED", "B") == ["No export named shared found."]


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (exporting("two"), "Export shared cannot be updated as it is in use by user and user2"),
        (
            exporting("one", None),
            "Export shared cannot be deleted as it is in use by user and user2",
        ),
    ],
)
def test_an_export_in_use_cannot_change_or_go(outputs: dict[str, Any], reason: str) -> None:
    """The update rolls back; when nobody uses it any more, it works."""
    with site() as s:
        s.deploy({"A": custom()}, **exporting("one"))
        users = [importing(s, name) for name in ("user", "user2")]
        stack = s.deploy({"A": custom(V=2)}, **outputs)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert reasons(stack, "UPDATE_ROLLBACK_IN_PROGRESS") == [reason]
        assert stack.outputs["O"].value == "one"
        s.delete(users[0])
        s.deploy({"B": custom(P="own")}, "user2")
        assert s.deploy({"A": custom(V=2)}, **outputs).status == "UPDATE_COMPLETE"


def test_a_stack_whose_export_is_in_use_is_not_deleted() -> None:
    """The deletion is called off before anything is removed."""
    with site() as s:
        stack = s.deploy({"A": custom()}, **exporting("one"))
        user = importing(s)
        s.script.calls()
        s.delete(stack)
        assert (stack.status, s.script.calls()) == ("CREATE_COMPLETE", [])
        assert stack.events[-1].reason == (
            "Delete canceled. Cannot delete export shared as it is in use by user."
        )
        s.delete(user)
        assert s.delete(stack).status == "DELETE_COMPLETE"


def test_an_export_is_in_use_while_its_user_is_being_made() -> None:
    """Not only when the creation has ended; and no more when it was rolled back."""
    with site() as s:
        stack = s.deploy({"A": custom()}, **exporting("one"))
        s.script.on("Create", "B", lambda _: {"Status": "FAILED", "Reason": "x"})
        s.script.take("Create", "B", 100.0)
        body = json.dumps({"Resources": {"B": custom(P={"Fn::ImportValue": "shared"})}})
        change_set = s.cfn.create_change_set("user", "c", body)
        s.cfn.execute_change_set(change_set)
        s.clock.sleep(10.0)
        assert s.delete(stack).status == "CREATE_COMPLETE"
        assert s.cfn.wait(change_set.stack).status == "ROLLBACK_COMPLETE"
        assert s.delete(stack).status == "DELETE_COMPLETE"


def test_an_import_in_a_branch_that_is_not_chosen_is_none() -> None:
    """So the export can go."""
    with site() as s:
        stack = s.deploy({"A": custom()}, **exporting("one"))
        branch = {"Fn::If": ["No", {"Fn::ImportValue": "shared"}, "own"]}
        conditions = {"No": {"Fn::Equals": ["a", "b"]}}
        s.deploy({"B": custom(P=branch)}, "user", Conditions=conditions)
        assert s.delete(stack).status == "DELETE_COMPLETE"


def test_two_exports_of_one_name_clash() -> None:
    """The second stack is rolled back, and told whose it is."""
    with site() as s:
        s.deploy({"A": custom()}, **exporting("one"))
        other = s.deploy({"A": custom()}, "other", **exporting("one"))
        assert other.status == "ROLLBACK_COMPLETE"
        (reason,) = reasons(other, "ROLLBACK_IN_PROGRESS")
        assert reason.startswith("Export with name shared is already exported by stack stack.")


def test_a_change_set_without_changes_fails() -> None:
    """With AWS's sentence, and cannot be executed."""
    with site() as s:
        s.deploy({"A": custom()})
        body = json.dumps({"Resources": {"A": custom()}})
        change_set = s.cfn.create_change_set("stack", "same", body, type_="UPDATE")
        assert (change_set.status, change_set.status_reason) == ("FAILED", NO_CHANGES)
        with pytest.raises(ValidationError, match=r"execution status of \[UNAVAILABLE\]"):
            s.cfn.execute_change_set(change_set)
        with pytest.raises(AlreadyExistsError):
            s.cfn.create_change_set("stack", "same", body, type_="UPDATE")


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": {"k": "v"}},
        {"Outputs": {"O": {"Value": "x"}}},
    ],
)
def test_changes_without_a_changed_resource(changed: dict[str, Any]) -> None:
    """Tags and outputs are worth a deployment that calls nothing."""
    with site() as s:
        s.deploy({"A": custom()})
        s.script.calls()
        stack = s.deploy({"A": custom()}, **changed)
        assert (stack.status, s.script.calls()) == ("UPDATE_COMPLETE", [])


def test_a_change_set_tells_what_it_would_do() -> None:
    """Added, modified with the properties that differ, removed; dependents of changed ones too."""
    with site() as s:
        s.deploy({"A": custom(V=1, W=1), "Gone": custom(), "C": custom(P={"Ref": "A"})})
        body = json.dumps(
            {"Resources": {"A": custom(V=2, W=1), "New": custom(), "C": custom(P={"Ref": "A"})}}
        )
        change_set = s.cfn.create_change_set("stack", "c", body, type_="UPDATE")
        told = {
            c["ResourceChange"]["LogicalResourceId"]: (
                c["ResourceChange"]["Action"],
                [d["Target"]["Name"] for d in c["ResourceChange"]["Details"]],
            )
            for c in change_set.changes
        }
        assert told == {
            "A": ("Modify", ["V"]),
            "New": ("Add", []),
            "Gone": ("Remove", []),
            "C": ("Modify", []),
        }
        assert s.script.calls() == ["Create A", "Create Gone", "Create C"]


def test_change_sets_of_a_deleted_stack_are_gone() -> None:
    """A change set of a deleted stack cannot create it again."""
    with site() as s:
        body = json.dumps({"Resources": {"A": custom()}})
        old = s.cfn.create_change_set("stack", "c", body)
        s.delete(old.stack)
        new = s.cfn.create_change_set("stack", "c", body)
        assert s.cfn.change_set("c", "stack") is new
        s.cfn.execute_change_set(new)
        assert s.cfn.wait(new.stack).status == "CREATE_COMPLETE"


def test_executing_one_change_set_forgets_the_others() -> None:
    """Change sets for a former state of the stack are gone; the executed one can be described."""
    with site() as s:
        s.deploy({"A": custom(V=1)})
        one, two = (
            s.cfn.create_change_set(
                "stack", f"c{n}", json.dumps({"Resources": {"A": custom(V=n)}}), type_="UPDATE"
            )
            for n in (2, 3)
        )
        s.cfn.execute_change_set(two)
        assert list(s.cfn.change_sets.values()) == [two]
        assert one is not two
        s.cfn.wait(two.stack)


def test_what_the_type_of_a_change_set_demands() -> None:
    """CREATE needs a name that is free, UPDATE a stack."""
    body = json.dumps({"Resources": {"A": custom()}})
    with site() as s:
        with pytest.raises(ValidationError, match=r"Stack \[stack\] does not exist"):
            s.cfn.create_change_set("stack", "c", body, type_="UPDATE")
        s.cfn.create_change_set("stack", "review", body)
        with pytest.raises(ValidationError, match="REVIEW_IN_PROGRESS state and can not be upd"):
            s.cfn.create_change_set("stack", "c", body, type_="UPDATE")
        assert history(s.deploy({"A": custom()}))[-1] == "CREATE_COMPLETE"
        with pytest.raises(AlreadyExistsError):
            s.cfn.create_change_set("stack", "c", body)


def test_a_refused_template_leaves_no_stack() -> None:
    """Its name stays free."""
    with site() as s:
        with pytest.raises(ValidationError, match=r"Unrecognized resource types: \[No::Such\]"):
            s.deploy({"A": {"Type": "No::Such"}})
        assert s.cfn.find("stack") is None


def test_parameters() -> None:
    """Defaults, lists, SSM, previous values; what is missing or unknown is named."""
    parameters = {
        "Plain": {"Type": "String", "Default": "d"},
        "List": {"Type": "CommaDelimitedList"},
        "Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/version"},
    }
    resources = {"A": custom(P=[], **dict[str, Any]({name: {"Ref": name} for name in parameters}))}
    with site() as s:
        with pytest.raises(ValidationError, match=r"Parameters: \[List\] must have values"):
            s.deploy(resources, Parameters=parameters)
        with pytest.raises(ValidationError, match=r"\[Other\] do not exist in the template"):
            s.deploy(resources, Parameters=parameters, parameters={"Other": "x", "List": "a"})
        stack = s.deploy(resources, Parameters=parameters, parameters={"List": "a, b"})
        told = s.script.events[0]["ResourceProperties"]
        assert (told["Plain"], told["List"], told["Version"]) == ("d", ["a", "b"], "21")
        assert stack.submitted_parameters == {"Plain": "d", "List": "a, b", "Version": "/version"}
        body = json.dumps({"Resources": resources, "Parameters": parameters})
        change_set = s.cfn.create_change_set(
            "stack",
            "c",
            body,
            type_="UPDATE",
            parameters={"Plain": "e"},
            previous_parameters=["List"],
        )
        assert change_set.change.parameters == {"Plain": "e", "List": ["a", "b"], "Version": "21"}
