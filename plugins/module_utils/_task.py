# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""What a module is made of, apart from its documentation, and how it is run."""

from __future__ import annotations

import dataclasses
import os
import traceback
import typing as t
from collections.abc import Callable, Mapping

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import AZURE_IMPORT_ERROR, Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import (
    AUTH_MUTUALLY_EXCLUSIVE,
    AUTH_OPTIONS,
    sign_in,
)
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a task.

    :ivar facts: the return values; no secret in them unless the module documents it.
    :ivar before: for the diff; None when the module has none.
    :ivar after: for the diff.
    """

    changed: bool
    facts: Mapping[str, t.Any]
    before: Mapping[str, t.Any] | None = None
    after: Mapping[str, t.Any] | None = None
    warnings: t.Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Task:
    """A module's options and its work.

    :ivar options: the argument spec without the sign-in options.
    :ivar parse: turns the options into what is wanted; every error in them is found here, before anything is sent.
    :ivar perform: (what is wanted, the connection, check mode) to an outcome. Raises ApimError.
    :ivar required_if: as AnsibleModule has it.
    :ivar secrets: what has to be hidden beside the options that are marked so.
    """

    options: Mapping[str, t.Any]
    parse: Callable[[Mapping[str, t.Any]], t.Any]
    perform: Callable[[t.Any, Arm, bool], Outcome]
    required_if: t.Sequence[t.Sequence[t.Any]] = ()
    secrets: Callable[[Mapping[str, t.Any]], t.Iterable[str]] = lambda options: ()


def argument_spec(task: Task) -> dict[str, t.Any]:
    """The task's options and those for signing in."""
    return {**AUTH_OPTIONS, **task.options}


def execute(
    task: Task, options: Mapping[str, t.Any], connect: Callable[[Mapping[str, t.Any]], Arm], check_mode: bool, diff_mode: bool
) -> dict[str, t.Any]:
    """Do the task's work and return its result, wherever it runs. Raises nothing.

    :param options: validated, with their defaults.
    :param connect: signs in with these options.
    :return: what the task returns; C(failed) and C(msg) when it failed; C(warnings) when there are any.
    """
    if AZURE_IMPORT_ERROR:
        missing = missing_required_lib("azure-identity and azure-mgmt-kubernetesconfiguration")
        return {"failed": True, "msg": missing, "exception": AZURE_IMPORT_ERROR}
    warnings: list[str] = []
    try:
        wanted = task.parse(options)
        arm = connect(options)
        if not arm.sign_in.verify:
            warnings.append("TLS certificates are not checked (cert_validation_mode is 'ignore'): tokens can be stolen on the way.")
        outcome = task.perform(wanted, arm, check_mode)
    except ApimError as error:
        return {"failed": True, "msg": str(error), **_warnings(*warnings, *error.warnings), **error.facts}
    except Exception as error:  # a mistake of ours; a traceback helps nobody who reads it in a job's output
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        return {"failed": True, "msg": f"This is a mistake in the collection, please report it: {type(error).__name__} at {where}: {error}"}
    diff = {"diff": {"before": outcome.before, "after": outcome.after}} if diff_mode and outcome.before is not None else {}
    return {"changed": outcome.changed, **_warnings(*warnings, *outcome.warnings), **outcome.facts, **diff}


def _warnings(*warnings: str) -> dict[str, t.Any]:
    """As AnsibleModule does: no empty list."""
    return {"warnings": list(warnings)} if warnings else {}


ACTION_ONLY = "This module works for all hosts of a play at once, so it runs as an action plugin only, where Ansible runs."


def not_a_module(*_arguments: t.Any) -> t.NoReturn:
    """C(perform) of a module that only documents an action plugin."""
    raise ApimError(ACTION_ONLY)


def run_module(task: Task) -> None:
    """Run the task as an ordinary Ansible module."""
    module = AnsibleModule(
        argument_spec=argument_spec(task),
        mutually_exclusive=AUTH_MUTUALLY_EXCLUSIVE,
        required_if=task.required_if,
        supports_check_mode=True,
    )
    module.no_log_values.update(task.secrets(module.params))
    result = execute(
        task, module.params, lambda options: Arm(sign_in(options, os.environ)), module.check_mode, module._diff
    )
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    (module.fail_json if result.pop("failed", False) else module.exit_json)(**result)
