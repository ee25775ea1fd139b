# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""What a module is made of, apart from its documentation, and how it is run."""

from __future__ import annotations

import dataclasses
import os
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
    :ivar constraints: C(required_if) and its relatives.
    :ivar secrets: what has to be hidden beside the options that are marked so.
    """

    options: Mapping[str, t.Any]
    parse: Callable[[Mapping[str, t.Any]], t.Any]
    perform: Callable[[t.Any, Arm, bool], Outcome]
    constraints: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    secrets: Callable[[Mapping[str, t.Any]], t.Iterable[str]] = lambda options: ()


def run_module(task: Task) -> None:
    """Run the task as an ordinary Ansible module."""
    module = AnsibleModule(
        argument_spec={**AUTH_OPTIONS, **task.options},
        supports_check_mode=True,
        mutually_exclusive=[*AUTH_MUTUALLY_EXCLUSIVE, *task.constraints.get("mutually_exclusive", [])],
        required_if=task.constraints.get("required_if"),
        required_together=task.constraints.get("required_together"),
    )
    if AZURE_IMPORT_ERROR:
        module.fail_json(
            msg=missing_required_lib("azure-identity and azure-mgmt-kubernetesconfiguration"), exception=AZURE_IMPORT_ERROR
        )
    module.no_log_values.update(task.secrets(module.params))
    try:
        wanted = task.parse(module.params)
        signed_in = sign_in(module.params, os.environ)
        if not signed_in.verify:
            module.warn("TLS certificates are not checked (cert_validation_mode is 'ignore'): tokens can be stolen on the way.")
        outcome = task.perform(wanted, Arm(signed_in), module.check_mode)
    except ApimError as error:
        for warning in error.warnings:
            module.warn(warning)
        module.fail_json(msg=str(error), **error.facts)
    for warning in outcome.warnings:
        module.warn(warning)
    diff = {} if outcome.before is None else {"diff": {"before": outcome.before, "after": outcome.after}}
    module.exit_json(changed=outcome.changed, **outcome.facts, **diff)
