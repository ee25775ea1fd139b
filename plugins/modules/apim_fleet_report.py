#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_fleet_report
short_description: Sum up a rollout
description:
  - Works for all hosts of a rollout at once, after each wave of the playbook C(arcfleet.apim.deploy), from what the tasks of the
    role P(arcfleet.apim.apim_arc_gateway#role) left with them. Nothing is sent to Azure.
  - Prints the summary, and hands it on as C(ansible.builtin.set_stats) does, under the name C(apim_arc_gateway).
author:
  - arcfleet.apim contributors (@arcfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - arcfleet.apim.attributes
  - arcfleet.apim.attributes.info_module
attributes:
  async:
    support: none
seealso:
  - module: arcfleet.apim.apim_fleet_plan
"""

EXAMPLES = r"""
- name: Sum up the run so far
  ansible.builtin.import_role:
    name: arcfleet.apim.apim_arc_gateway
    tasks_from: report
"""

RETURN = r"""
run:
  description:
    - The run so far. C(changed) and C(not_visited) are hosts, C(failed) and C(offline) hosts with the reason, C(unchanged) is a number.
    - C(seconds) is the time since the run began, C(requests) the number of requests to Azure, V(none) if they were not counted.
  returned: success
  type: dict
  sample:
    changed: [store-oslo, store-porto]
    unchanged: 997
    failed: {"store-bergen": "The operation on the extension ... failed. ..."}
    offline: {"store-lyon": "Offline"}
    not_visited: []
    waves: [{"wave": 1, "changed": 1, "unchanged": 0, "failed": 0}, {"wave": 2, "changed": 1, "unchanged": 0, "failed": 1}]
    seconds: 312.4
    requests: 57
wave_of:
  description: The number of the wave in which each host was visited.
  returned: success
  type: dict
  sample: {"store-oslo": 1, "store-porto": 2, "store-bergen": 2}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.arcfleet.apim.plugins.module_utils._task import ACTION_ONLY


def main() -> None:
    AnsibleModule(argument_spec={}, supports_check_mode=True).fail_json(msg=ACTION_ONLY)


if __name__ == "__main__":
    main()
