# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sum up a rollout, from what its tasks left with the hosts."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.arcfleet.apim.plugins.module_utils._fleet import Visit, lines, summary
from ansible_collections.arcfleet.apim.plugins.plugin_utils._worker import SHARED, STARTED

display = Display()

_PREFIX = "__apim_arc_gateway_"


class ActionModule(ActionBase):
    """Works for all hosts of the rollout at once, also for those that failed or whose turn has not come."""

    BYPASS_HOST_LOOP = True
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        task_vars = task_vars or {}
        plan = task_vars.get(f"{_PREFIX}plan") or {}
        variables = {host: task_vars["hostvars"].raw_get(host) for host in plan.get("visit", ())}
        waves: dict[str, int] = {}
        for own in variables.values():
            waves |= own.get(f"{_PREFIX}report", {}).get("wave_of", {})
        this_wave = 1 + max(waves.values(), default=0)
        for host, own in variables.items():
            if f"{_PREFIX}submitted" in own or f"{_PREFIX}failed" in own:
                waves.setdefault(host, this_wave)
        visits = {host: _visit(own, waves.get(host)) for host, own in variables.items()}
        run = summary(plan.get("unchanged", 0), plan.get("set_aside", {}), visits)
        run |= {"seconds": round(time.time() - STARTED, 1), "requests": SHARED.count("requests", by=0) if SHARED else None}
        for line in lines(run):
            display.display(f"    {line}")
        return result | {
            "changed": False,
            "run": run,
            "wave_of": waves,
            # What set_stats returns; AWX shows it with the job and hands it to the next node of a workflow.
            "ansible_stats": {"data": {"apim_arc_gateway": run}, "per_host": False, "aggregate": False},
        }


def _visit(own: Mapping[str, t.Any], wave: int | None) -> Visit:
    changed = any(own.get(f"{_PREFIX}{name}", {}).get("changed") for name in ("submitted", "waited"))
    return Visit(wave, changed, own.get(f"{_PREFIX}failed"))
