# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""What action plugins need to do a module's work in the worker that Ansible has forked already."""

from __future__ import annotations

import os
import ssl
import sys
import time
import typing as t
from collections.abc import Callable, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import AUTH_MUTUALLY_EXCLUSIVE, sign_in
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, argument_spec, execute
from ansible_collections.arcfleet.apim.plugins.module_utils._tls import trusted
from ansible_collections.arcfleet.apim.plugins.plugin_utils._shared_memory import SharedMemory
from ansible_collections.arcfleet.apim.plugins.plugin_utils._warm_up import warm_up

# Ansible loads action plugins, and so this file, in the parent: what is made here, all workers have. Other systems than Linux
# have no memory files, and forking there after some libraries have started threads crashes.
SHARED: SharedMemory | None = None
TRUSTED: ssl.SSLContext | None = None
if sys.platform == "linux" and boolean(os.environ.get("ANSIBLE_ARCFLEET_IN_PROCESS") or "true", strict=False):
    SHARED = SharedMemory()
    TRUSTED = trusted(os.environ)
    warm_up()
STARTED = time.time()


def connect(options: Mapping[str, t.Any], on_wait: Callable[[], t.Any] = lambda: None) -> Arm:
    """Sign in, together with the other workers where that is possible, and count the requests."""
    if SHARED is None:
        return Arm(sign_in(options, os.environ))
    return Arm(sign_in(options, os.environ, SHARED.remember), lambda: SHARED.count("requests"), on_wait, TRUSTED)


def run_here(
    task: Task,
    action: str,
    arguments: t.Any,
    check_mode: bool,
    diff_mode: bool,
    on_wait: Callable[[], t.Any] = lambda: None,
) -> dict[str, t.Any]:
    """Run a module's task in this process, with the result that the module would have.

    :param action: the module's name as the user wrote it.
    :param arguments: the task's arguments as Ansible has them.
    """
    validation = validate(task, arguments)
    options = validation.validated_parameters
    if validation.error_messages:
        result = {"failed": True, "msg": said_by(validation, action)}
    else:
        result = execute(task, options, lambda given: connect(given, on_wait), check_mode, diff_mode)
    result["invocation"] = {"module_args": options}
    # Ansible scrubs what modules return, but not what action plugins do.
    return remove_values(result, validation._no_log_values | set(task.secrets(options)))


def validate(task: Task, arguments: t.Any) -> ValidationResult:
    """Check and complete the arguments as AnsibleModule does."""
    validator = ArgumentSpecValidator(
        argument_spec(task), mutually_exclusive=AUTH_MUTUALLY_EXCLUSIVE, required_if=task.required_if
    )
    return validator.validate(plain(arguments))


def said_by(validation: ValidationResult, action: str) -> str:
    """What is wrong with the arguments, in AnsibleModule's words."""
    message = validation.errors.msg
    if isinstance(validation.errors[0], UnsupportedError):
        return f"Unsupported parameters for ({action}) module: {message}"
    return message


def plain(value: t.Any) -> t.Any:
    """The value without the tags that Ansible puts on it, and with vaulted text opened."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    for number in (int, float):
        if isinstance(value, number):
            return number(value)
    return str(str(value))  # vaulted text opens as text that is tagged itself
