# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Run a module of this collection inside the worker that Ansible has forked already.

An ordinary module starts a Python process and imports the Azure libraries again for every task and host. Here they are
imported once, in the parent, and the workers share one sign-in. Where anything is special about the task, it goes the
ordinary way, with the same result.
"""

from __future__ import annotations

import os
import sys
import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task
from ansible_collections.arcfleet.apim.plugins.plugin_utils._worker import SHARED, run_here

display = Display()


class InProcess(ActionBase):
    """The action plugin of a module that does its work through a Task.

    :cvar TASK: the module's.
    """

    TASK: t.ClassVar[Task]
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if SHARED is None or self._is_special(task_vars or {}):
            return result | self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        # Where a module's process starts: options may be paths relative to the playbook.
        os.chdir(self._loader.get_basedir())
        try:
            done = run_here(
                self.TASK,
                self._task.action,
                self._task.args,
                self._task.check_mode,
                self._task.diff,
                self._progress(task_vars or {}),
            )
            if not _shows_invocation(task_vars):
                del done["invocation"]
            return result | done
        finally:
            SHARED.count(self._task._uuid)

    def _progress(self, task_vars: dict[str, t.Any]) -> t.Callable[[], None]:
        """Says now and then how many hosts of the batch are done with this task, whichever of them waits at the time."""
        name = self._task._uuid
        started = time.monotonic()

        def tell() -> None:
            if SHARED and SHARED.is_due(f"{name} told", every=30):
                done, hosts = SHARED.count(name, by=0), len(task_vars.get("ansible_play_batch") or ())
                display.display(f"    {done} of {hosts} are done; waiting for {time.monotonic() - started:.0f} seconds")

        return tell

    def _is_special(self, task_vars: dict[str, t.Any]) -> bool:
        """Whether the task asks for something that only a process of its own can have."""
        return bool(
            self._connection.transport != "local"
            or self._connection.become
            or self._task.async_val
            or any(self._task.environment or ())
            or self._other_interpreter(task_vars.get("ansible_python_interpreter"))
        )

    def _other_interpreter(self, interpreter: str | None) -> bool:
        if interpreter in (None, "{{ ansible_playbook_python }}"):  # the usual ones, without the time for templating
            return False
        interpreter = self._templar.template(interpreter)
        return not interpreter.startswith("auto") and interpreter != sys.executable


def _shows_invocation(task_vars: dict[str, t.Any] | None) -> bool:
    """Whether results have the module's arguments: where it is configured, and always before ansible-core 2.21."""
    try:
        return C.config.get_config_value("INJECT_INVOCATION", variables=task_vars)
    except AnsibleError:
        return True
