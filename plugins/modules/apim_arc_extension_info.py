#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_arc_extension_info
short_description: Read the API Management gateway extensions of one or many Arc-enabled Kubernetes clusters
description:
  - Returns the instances of the cluster extension C(Microsoft.ApiManagement.Gateway) on one Azure Arc-enabled Kubernetes
    cluster, the cluster's own state, and what is wrong with them.
  - Without O(cluster_name), returns that for a whole fleet, with one question to Azure Resource Graph for each 1,000 clusters.
    Resource Graph is some seconds to minutes behind.
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
    description: Resource group of the connected cluster. Goes together with O(cluster_name).
    type: str
  cluster_name:
    description:
      - Name of the connected cluster.
      - If not given, the fleet in O(subscriptions) and O(management_groups) is read.
    type: str
  subscriptions:
    description:
      - IDs of the subscriptions of a fleet.
      - If neither O(subscriptions) nor O(management_groups) is given, that is O(subscription_id); if there is none either, all
        subscriptions that the identity may read.
    type: list
    elements: str
    default: []
  management_groups:
    description: Names (not display names) of management groups, with all that is below them.
    type: list
    elements: str
    default: []
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

- name: Read the fleet of two subscriptions
  arcfleet.apim.apim_arc_extension_info:
    subscriptions:
      - 00000000-0000-0000-0000-000000000001
      - 00000000-0000-0000-0000-000000000002
  register: fleet

- name: Show which clusters are not well
  ansible.builtin.debug:
    msg: "{{ item.cluster.name }}: {{ item.extensions | map(attribute='problems') | flatten | join(' ') }}"
  loop: "{{ fleet.clusters }}"
  loop_control:
    label: "{{ item.cluster.name }}"
  when: item.extensions | rejectattr('healthy') | length > 0
"""

RETURN = r"""
cluster:
  description: The connected cluster.
  returned: success, with O(cluster_name)
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
clusters:
  description: The fleet's clusters, ordered by their ids, each with RV(cluster) and RV(extensions) as they are for one.
  returned: success, without O(cluster_name)
  type: list
  elements: dict
  sample: [{"cluster": {"name": "store-oslo"}, "extensions": [{"name": "apim-gateway", "healthy": true, "problems": []}]}]
extensions:
  description:
    - The gateway extensions found, each as RV(arcfleet.apim.apim_arc_extension#module:extension) plus C(token), C(healthy) and
      C(problems).
    - C(token) has C(expires_on) and C(days_left), or is V(none) if the expiry is not known.
    - C(healthy) is V(true) if there is no problem; C(problems) are sentences.
  returned: success, with O(cluster_name)
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
        "resource_group": {"type": "str"},
        "cluster_name": {"type": "str"},
        "subscriptions": {"type": "list", "elements": "str", "default": []},
        "management_groups": {"type": "list", "elements": "str", "default": []},
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
