"""Switches off one behaviour of the engine after the other, and says which test notices.

Not a test by itself: `python tests/local_aws/engine_mutants.py` from the root of the repository
works on a copy, takes some minutes, and ends with 1 where a mutant survives. The table is the list
of what the conformance tests are worth: point of the facts, file, what stands there, what it
becomes, and where a test fails by it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOM = "local_aws/cloudformation"


@dataclass(frozen=True)
class Mutant:
    """One behaviour switched off."""

    behaviour: str
    file: str
    old: str
    new: str
    tests: str


# fmt: off - a table, not one argument a line
MUTANTS = [
    Mutant(
        "2 ServiceTimeout is obeyed",
        "custom_resources.py",
        "timeout=_service_timeout(request.properties)",
        "timeout=3600",
        "protocol",
    ),
    Mutant(
        "2 ServiceTimeout has a range",
        "custom_resources.py",
        "1 <= int(text) <= MAX_SERVICE_TIMEOUT",
        "True",
        "protocol",
    ),
    Mutant(
        "2 4096 bytes",
        "custom_resources.py",
        "MAX_ANSWER_BYTES = 4096",
        "MAX_ANSWER_BYTES = 8192",
        "protocol",
    ),
    Mutant(
        "2 ids have at most 1024 bytes",
        "custom_resources.py",
        "len(physical_id.encode()) >",
        "len(physical_id) >",
        "protocol",
    ),
    Mutant(
        "2 answers to other requests do not count",
        "custom_resources.py",
        "if any(event[name] != value for name, value in echoed.items()):",
        "if False:",
        "protocol",
    ),
    Mutant(
        "2 the first answer counts",
        "custom_resources.py",
        "conversation.answers[0]",
        "conversation.answers[-1]",
        "protocol",
    ),
    Mutant(
        "3 scalars are strings",
        "custom_resources.py",
        "stringified(request.properties),",
        "request.properties,",
        "protocol",
    ),
    Mutant(
        "3 old scalars are strings",
        "custom_resources.py",
        "stringified(request.old_properties)",
        "request.old_properties",
        "protocol",
    ),
    Mutant(
        "4 no Update where nothing differs",
        "resource_steps.py",
        "if existing.status in _SETTLED and same_properties",
        "if False and same_properties",
        "order",
    ),
    Mutant(
        "4 what failed is updated again",
        "resource_steps.py",
        "if existing.status in _SETTLED and same_properties",
        "if same_properties",
        "rollback_of_update",
    ),
    Mutant(
        "4 5 is the same as '5'",
        "resource_steps.py",
        "bool(stringified(old) == stringified(new))",
        "bool(old == new)",
        "order",
    ),
    Mutant(
        "4 a replaced id is cleaned up",
        "resource_steps.py",
        "if outcome.physical_id != before.physical_id:",
        "if False:",
        "replacement",
    ),
    Mutant(
        "4 the old one goes by its old properties",
        "resource_steps.py",
        "            stack.leftovers.append(before)\n        existing.physical_id",
        "            stack.leftovers.append(replace(existing, physical_id=before.physical_id))\n"
        "        existing.physical_id",
        "replacement",
    ),
    Mutant(
        "4 the clean-up tries again",
        "engine.py",
        "CLEAN_UP_TRIES = 3",
        "CLEAN_UP_TRIES = 1",
        "replacement",
    ),
    Mutant(
        "4 what comes back into use is not cleaned up",
        "engine.py",
        "if (resource.logical_id, resource.physical_id) not in in_use",
        "",
        "replacement",
    ),
    Mutant(
        "5 failed ids are deleted",
        "resource_steps.py",
        "resource.physical_id = error.physical_id",
        "pass",
        "rollback_of_create",
    ),
    Mutant(
        "5 ids are made up",
        "custom_resources.py",
        "error.physical_id = error.physical_id or made_up",
        "pass",
        "rollback_of_create",
    ),
    Mutant(
        "5 rollback in reverse order",
        "engine.py",
        "run = self._work.run(dependents_first(nodes), work, go_on=True)",
        "run = self._work.run({n: frozenset() for n in nodes}, work, go_on=True)",
        "rollback_of_create",
    ),
    Mutant(
        "5 what is at work is cancelled",
        "custom_resources.py",
        "or request.cancelled(),",
        ",",
        "order",
    ),
    Mutant(
        "6 deletes come after the reversed updates",
        "engine.py",
        "        if not self.roll_back_updates(stack):\n"
        '            self.log.stack(stack, "UPDATE_ROLLBACK_FAILED"',
        "        self.clean_up_after_rollback(stack)\n"
        "        if not self.roll_back_updates(stack):\n"
        '            self.log.stack(stack, "UPDATE_ROLLBACK_FAILED"',
        "rollback_of_update",
    ),
    Mutant(
        "6 the failed one is taken back too",
        "resource_steps.py",
        "existing.touched, existing.properties = True, properties",
        "existing.properties = properties",
        "rollback_of_update",
    ),
    Mutant(
        "6 a continued rollback repeats nothing",
        "resource_steps.py",
        "if current.taken_back:",
        "if False:",
        "rollback_of_update",
    ),
    Mutant(
        "6 resources can be skipped",
        "resource_steps.py",
        "if name in skip:",
        "if False:",
        "rollback_of_update",
    ),
    Mutant(
        "7 NEW carries the new id",
        "resource_steps.py",
        "if self._settings.reversed_update_id is ReversedUpdateId.NEW:",
        "if False:",
        "rollback_of_update",
    ),
    Mutant(
        "7 ORIGINAL carries the original id",
        "resource_steps.py",
        "if self._settings.reversed_update_id is ReversedUpdateId.NEW:",
        "if True:",
        "rollback_of_update",
    ),
    Mutant(
        "7 the other id is deleted",
        "resource_steps.py",
        'if physical_id not in {outcome.physical_id, ""}',
        "if False",
        "rollback_of_update",
    ),
    Mutant(
        "7 ids of failed answers count",
        "resource_steps.py",
        "resource.stray_ids.append(error.physical_id)",
        "pass",
        "rollback_of_update",
    ),
    Mutant(
        "7 ids of several failed updates go",
        "engine.py",
        "if (r.logical_id, r.physical_id) not in originals",
        "if False",
        "rollback_of_update",
    ),
    Mutant(
        "8 a failed Delete is DELETE_FAILED",
        "engine.py",
        'self.log.stack(stack, "DELETE_FAILED", _failed_to_delete(run))\n            return',
        "pass",
        "rollback_of_create",
    ),
    Mutant(
        "8 RetainResources",
        "engine.py",
        "resource = stack.resources.pop(name, None)",
        "resource = None",
        "rollback_of_create",
    ),
    Mutant(
        "9 Retain",
        "resource_steps.py",
        'if policy == "Retain" or (policy',
        "if False or (policy",
        "policies",
    ),
    Mutant(
        "9 Retain with the operation's RetainExceptOnCreate",
        "resource_steps.py",
        'if policy == "Retain" and stack.root.retain_except_on_create:',
        "if False:",
        "policies",
    ),
    Mutant(
        "9 RetainExceptOnCreate",
        "resource_steps.py",
        '(policy == "RetainExceptOnCreate" and not resource.just_created)',
        "False",
        "policies",
    ),
    Mutant(
        "9 deletion is no rollback of a create",
        "engine.py",
        "self._forget_creation(stack)\n        run",
        "pass\n        run",
        "policies",
    ),
    Mutant(
        "9 nor is it in nested stacks",
        "engine.py",
        "            self._forget_creation(child)\n",
        "            pass\n",
        "nested_stacks",
    ),
    Mutant(
        "9 UpdateReplacePolicy",
        "engine.py",
        'if resource.declaration.update_replace_policy != "Retain"',
        "",
        "policies",
    ),
    Mutant(
        "9 DeletionPolicy is not for replaced ones",
        "engine.py",
        'deletion_policy="Delete"',
        "",
        "policies",
    ),
    Mutant(
        "10 independent ones at the same time",
        "ordered_work.py",
        "            for name in ready:\n",
        "            ready = ready[: 1 + ended - started]\n            for name in ready:\n",
        "order",
    ),
    Mutant("10 dependents wait", "ordered_work.py", "if graph[n] <= run.done]", "]", "order"),
    Mutant(
        "10 at most 500", "template.py", "MAX_RESOURCES = 500", "MAX_RESOURCES = 501", "template"
    ),
    Mutant(
        "10 no cycles",
        "template.py",
        "        if not free:\n",
        "        if not free and left.clear():\n",
        "template",
    ),
    Mutant(
        "11 the ServiceToken never changes",
        "custom_resources.py",
        "if old != new:",
        "if False:",
        "replacement",
    ),
    Mutant(
        "11 its refusal leaves nothing to take back",
        "resource_steps.py",
        "except ResourceRefusedError:",
        "except ZeroDivisionError:",
        "replacement",
    ),
    Mutant(
        "13 events have a largest size",
        "custom_resources.py",
        "if size > self._max_event_bytes:",
        "if False:",
        "protocol",
    ),
    Mutant(
        "nested: the clean-up waits for the root",
        "nested.py",
        '            engine.log.stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")',
        "            engine.clean_up(stack)",
        "nested_stacks",
    ),
    Mutant(
        "nested: rolls back with the root",
        "nested.py",
        "if stack.parent is not None and stack.parent.rolling_back:",
        "if False:",
        "nested_stacks",
    ),
    Mutant(
        "nested: cancelled with the root",
        "engine.py",
        "self._work.run(graph, apply, cancelled=cancelled)",
        "self._work.run(graph, apply)",
        "nested_stacks",
    ),
    Mutant(
        "nested: what rolls back says so",
        "nested.py",
        'engine.log.stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", stack.status_reason)',
        "pass",
        "nested_stacks",
    ),
    Mutant(
        "nested: skips inside",
        "engine.py",
        "return frozenset(name.removeprefix(prefix)",
        "return frozenset(name",
        "nested_stacks",
    ),
    Mutant(
        "nested: tags of the root",
        "service.py",
        "parameters, stack.root.tags)",
        "parameters, {})",
        "nested_stacks",
    ),
    Mutant(
        "exports in use do not change",
        "exports.py",
        "if users and new.get(name) != value:",
        "if False:",
        "exports",
    ),
    Mutant(
        "exports in use hold their stack",
        "engine.py",
        "        if in_use:\n",
        "        if False:\n",
        "exports",
    ),
    Mutant(
        "exports are in use from the start of a creation",
        "engine.py",
        "stack.imports |= imports_of(scope)",
        "pass",
        "exports",
    ),
    Mutant(
        "exports clash", "exports.py", "if other is not stack and taken:", "if False:", "exports"
    ),
    Mutant(
        "change sets without changes fail", "service.py", "reason = NO_CHANGES", "pass", "exports"
    ),
    Mutant(
        "types do not change",
        "service.py",
        "reason = _forbidden(change_set)",
        'reason = ""',
        "replacement",
    ),
    Mutant(
        "change sets go with their stack",
        "service.py",
        "            self._forget_change_sets(stack)\n",
        "",
        "exports",
    ),
    Mutant(
        "one operation at a time", "service.py", "if stack in self._busy:", "if False:", "order"
    ),
    Mutant(
        "termination protection",
        "service.py",
        "if stack.termination_protection:",
        "if False:",
        "rollback_of_create",
    ),
    Mutant(
        "no rollback keeps all",
        "engine.py",
        "elif stack.disable_rollback:",
        "elif False:",
        "rollback_of_create",
    ),
    Mutant(
        "no native replacement without rollback",
        "resource_steps.py",
        "if stack.root.disable_rollback:",
        "if False:",
        "rollback_of_update",
    ),
    Mutant(
        "half-made ones are removed before another try",
        "resource_steps.py",
        "if existing is not None and not existing.made:",
        "if False:",
        "rollback_of_create",
    ),
    Mutant(
        "policies go back in a rollback",
        "resource_steps.py",
        "current.declaration, current.depends_on = old.declaration, old.depends_on\n"
        "            if current.status",
        "if current.status",
        "rollback_of_update",
    ),
    Mutant("event times increase", "event_log.py", "last + _TICK", "last", "order"),
    Mutant(
        "faults fail the stack",
        "ordered_work.py",
        "            run.failed[name] = internal_failure(error)\n",
        "",
        "order",
    ),
    Mutant(
        "faults of the engine end the operation",
        "service.py",
        "self.engine.log.stack(stack, rest, internal_failure(error))",
        "pass",
        "order",
    ),
    Mutant(
        "branches that are not chosen count for nothing",
        "template.py",
        'if value.keys() == {"Fn::If"}:',
        "if False:",
        "template",
    ),
]
# fmt: on


def survives(mutant: Mutant) -> str:
    """What is wrong with the tests for it, or an empty string."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("local_aws", "tests/local_aws"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        target = copy / ROOM / mutant.file
        source = target.read_text()
        if source.count(mutant.old) < 1:
            return "does not apply any more"
        target.write_text(source.replace(mutant.old, mutant.new))
        module = mutant.tests if mutant.tests == "template" else f"engine_{mutant.tests}"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
             f"tests/local_aws/test_{module}.py"],
            cwd=copy, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "PYTHONPATH": str(copy)},
        )  # fmt: skip
        failed = re.search(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
        if done.returncode != 1 or failed is None:
            return f"survived\n{done.stdout[-1500:]}"
        print(f"{mutant.behaviour:60} {failed[1]}", flush=True)  # noqa: T201 - its output
        return ""


def main(wanted: Iterable[str]) -> int:
    """Try the mutants whose behaviour contains one of the words, or all."""
    words = list(wanted) or [""]
    chosen = [m for m in MUTANTS if any(word in m.behaviour for word in words)]
    with ThreadPoolExecutor(2) as pool:
        wrong = [
            f"{mutant.behaviour}: {problem}"
            for mutant, problem in zip(chosen, pool.map(survives, chosen), strict=True)
            if problem
        ]
    print(*wrong, f"{len(chosen)} mutants, {len(wrong)} survived", sep="\n")  # noqa: T201 - its output
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
