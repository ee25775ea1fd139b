# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module of this collection inside the worker that Ansible has forked already.

An ordinary module starts a Python process and imports the Azure libraries again for every task and host. Here they are
imported once: Ansible loads this file in the parent, before it forks its workers. The workers share one sign-in.
Where anything is special about the task, it goes the ordinary way, with the same result.
"""

from __future__ import annotations

import os
import sys
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import SignIn, sign_in
from ansible_collections.arcfleet.apim.plugins.module_utils._task import argument_spec, execute
from ansible_collections.arcfleet.apim.plugins.modules import (
    apim_arc_extension,
    apim_arc_extension_info,
    apim_gateway,
    apim_gateway_info,
    apim_gateway_token,
    apim_log_analytics_info,
)

_TASKS = {
    module.__name__.rpartition(".")[2]: module.TASK
    for module in (
        apim_arc_extension,
        apim_arc_extension_info,
        apim_gateway,
        apim_gateway_info,
        apim_gateway_token,
        apim_log_analytics_info,
    )
}
_ON = boolean(os.environ.get("ANSIBLE_ARCFLEET_IN_PROCESS") or "true", strict=False)
# Other systems have no memory files, and forking there after some libraries have started threads crashes.
if _ON and sys.platform == "linux":
    from ansible_collections.arcfleet.apim.plugins.plugin_utils._shared_memory import SharedMemory
    from ansible_collections.arcfleet.apim.plugins.plugin_utils._warm_up import warm_up

    _SHARED: SharedMemory | None = SharedMemory()
    warm_up()
else:
    _SHARED = None


class ActionModule(ActionBase):
    """Stands before every module of this collection, see meta/runtime.yml."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if _SHARED is None or self._is_special(task_vars or {}):
            return result | self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        return result | self._run_here(_TASKS[self._task.action.rpartition(".")[2]], _SHARED)

    def _is_special(self, task_vars: dict[str, t.Any]) -> bool:
        """Whether the task asks for something that only a process of its own can have."""
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        return bool(
            self._connection.transport != "local"
            or self._connection.become
            or self._task.async_val
            or any(self._task.environment or ())
            or (interpreter and not interpreter.startswith("auto") and interpreter != sys.executable)
        )

    def _run_here(self, task: t.Any, shared: SharedMemory) -> dict[str, t.Any]:
        specification = argument_spec(task)
        validator = ArgumentSpecValidator(specification.pop("argument_spec"), **specification)
        validation = validator.validate(_plain(self._task.args))
        options = validation.validated_parameters
        if validation.error_messages:
            message = validation.errors.msg
            if isinstance(validation.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            result = {"failed": True, "msg": message}
        else:

            def connect(given: t.Mapping[str, t.Any]) -> SignIn:
                return sign_in(given, os.environ, shared.remember)

            result = execute(task, options, connect, self._task.check_mode, self._task.diff)
        result["invocation"] = {"module_args": options}
        # Ansible scrubs what modules return, but not what action plugins do.
        return remove_values(result, validation._no_log_values)


def _plain(value: t.Any) -> t.Any:
    """The value without the tags that Ansible puts on it, and with vaulted text opened."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if value is None or type(value) in (bool, int, float):
        return value
    for number in (int, float):
        if isinstance(value, number):
            return number(value)
    return str(value)
