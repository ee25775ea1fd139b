#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_arc_extension_info
short_description: Read the API Management gateway extensions of an Arc-enabled Kubernetes cluster
description:
  - Returns the instances of the cluster extension C(Microsoft.ApiManagement.Gateway) on one Azure Arc-enabled Kubernetes
    cluster, the cluster's own state, and what is wrong with them.
  - An expired token leaves the gateway's pods running and answering 200 with an empty body, so neither C(Succeeded) nor
    ready pods are proof. The expiry is read from the pod annotation that M(arcfleet.apim.apim_arc_extension) writes.
author:
  - arcfleet.apim contributors (@arcfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - arcfleet.apim.azure
  - arcfleet.apim.attributes
  - arcfleet.apim.attributes.info_module
  - arcfleet.apim.attributes.actiongroup_azure
attributes:
  async:
    support: full
options:
  resource_group:
    description: Resource group of the connected cluster.
    type: str
    required: true
  cluster_name:
    description: Name of the connected cluster.
    type: str
    required: true
  name:
    description:
      - Name of one extension.
      - If not given, all instances of the gateway extension on the cluster are returned.
    type: str
  token_days:
    description: A token that ends within this many days counts as a problem.
    type: int
    default: 5
seealso:
  - module: arcfleet.apim.apim_arc_extension
  - module: arcfleet.apim.apim_gateway_info
"""

EXAMPLES = r"""
- name: Look at the gateway on a cluster
  arcfleet.apim.apim_arc_extension_info:
    resource_group: rg-stores
    cluster_name: store-oslo
  register: found

- name: Fail when it is not as it should be
  ansible.builtin.assert:
    that: found.extensions | length > 0 and found.extensions | rejectattr('healthy') | length == 0
    fail_msg: "{{ found.extensions | map(attribute='problems') | flatten | join(' ') }}"
"""

RETURN = r"""
cluster:
  description: The connected cluster.
  returned: success
  type: dict
  sample:
    id: /subscriptions/.../providers/Microsoft.Kubernetes/connectedClusters/store-oslo
    name: store-oslo
    location: norwayeast
    connectivity: Connected
    last_connectivity_time: "2026-11-23T07:46:29.79Z"
    kubernetes_version: 1.30.4
    agent_version: 1.21.10
    distribution: k3s
    tags: {}
extensions:
  description:
    - The gateway extensions found, each as RV(arcfleet.apim.apim_arc_extension#module:extension) plus C(token), C(healthy) and
      C(problems).
    - C(token) has C(expires_on) and C(days_left), or is V(none) if the expiry is not known.
    - C(healthy) is V(true) if there is no problem; C(problems) are sentences.
  returned: success
  type: list
  elements: dict
  sample:
    - name: apim-gateway
      provisioning_state: Succeeded
      token: {"expires_on": "2026-12-20T04:31:00Z", "days_left": 27.2}
      healthy: true
      problems: []
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._extension_info import parse, read
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "resource_group": {"type": "str", "required": True},
        "cluster_name": {"type": "str", "required": True},
        "name": {"type": "str"},
        "token_days": {"type": "int", "default": 5, "no_log": False},
    },
    parse=parse,
    perform=read,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
