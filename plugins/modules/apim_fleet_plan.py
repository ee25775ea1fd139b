#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_fleet_plan
short_description: Find the clusters that differ, with one question to Azure for a thousand of them
description:
  - Works for all hosts of a play at once. What is wanted of each host is said by the variables of the role
    P(arcfleet.apim.apim_arc_gateway#role), as far as they stand in the inventory or are extra variables. The playbook
    C(arcfleet.apim.deploy) begins with it.
  - Looks after the gateway resources first, once each, as the role does, and gets their tokens and the workspaces' keys. Then
    reads the whole fleet from Azure Resource Graph and compares each cluster with what is wanted of it. No cluster is changed.
  - Resource Graph is some seconds to minutes behind. A cluster that was changed a moment ago may be taken for what it was; who
    visits it reads it again before changing anything.
author:
  - arcfleet.apim contributors (@arcfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - arcfleet.apim.azure
  - arcfleet.apim.attributes
  - arcfleet.apim.attributes.actiongroup_azure
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  async:
    support: none
options:
  full_check:
    description: Do not ask Resource Graph; every cluster is to be visited.
    type: bool
    default: false
  offline:
    description:
      - What to do with clusters that differ and are not connected.
      - V(fail) fails, before anything is changed on any cluster.
      - V(skip) sets them aside.
      - V(submit) has them visited all the same. Azure keeps protected settings for 48 hours.
    type: str
    choices: [fail, skip, submit]
    default: fail
seealso:
  - module: arcfleet.apim.apim_arc_extension
"""

EXAMPLES = r"""
- name: Which clusters differ?
  hosts: stores
  connection: local
  gather_facts: false
  tasks:
    - name: Find them
      arcfleet.apim.apim_fleet_plan:
      run_once: true
"""

RETURN = r"""
msg:
  description: The plan in one sentence.
  returned: success
  type: str
  sample: "1000 clusters: 988 as wanted, 10 to visit (create 3, update 7), 2 not connected and set aside."
set_aside:
  description: Hosts that differ and are not connected, with their connectivity.
  returned: success
  type: dict
  sample: {"store-lyon": "Offline"}
unchanged:
  description: Number of hosts that are as wanted.
  returned: success
  type: int
  sample: 988
visit:
  description:
    - Hosts that differ, with what a visit is to do, as RV(arcfleet.apim.apim_arc_extension#module:action). V(join) stands for an
      operation that is under way, V(unknown) for a cluster that Resource Graph does not know, V(visit) for O(full_check=true).
  returned: success
  type: dict
  sample: {"store-oslo": "update"}
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, not_a_module, run_module

TASK = Task(
    options={
        "full_check": {"type": "bool", "default": False},
        "offline": {"type": "str", "choices": ["fail", "skip", "submit"], "default": "fail"},
    },
    parse=dict,
    perform=not_a_module,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
