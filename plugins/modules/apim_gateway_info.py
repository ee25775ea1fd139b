#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_gateway_info
short_description: Read the self-hosted gateways of an Azure API Management service
description:
  - Returns an API Management service's configuration endpoint, and one of its self-hosted gateways or all of them.
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
    description: Resource group of the API Management service.
    type: str
    required: true
  service_name:
    description: Name of the API Management service.
    type: str
    required: true
  name:
    description:
      - Name (id) of one gateway. Its APIs are returned as well.
      - If not given, all gateways are returned, without their APIs.
    type: str
  min_nodes:
    description:
      - A gateway with fewer connected nodes than this counts as not healthy.
      - A number that Azure does not say counts as enough.
    type: int
    default: 0
seealso:
  - module: arcfleet.apim.apim_gateway
"""

EXAMPLES = r"""
- name: Read the configuration endpoint and all gateways
  arcfleet.apim.apim_gateway_info:
    resource_group: rg-apim
    service_name: contoso
  register: found

- name: Show how many nodes are connected
  ansible.builtin.debug:
    msg: "{{ found.gateways | items2dict(key_name='name', value_name='connected_nodes') }}"
"""

RETURN = r"""
gateways:
  description:
    - The gateways found, each as RV(arcfleet.apim.apim_gateway#module:gateway).
    - C(connected_nodes) is the number of running gateway nodes that the service knows, V(none) if it does not say. Azure
      returns it without documenting it.
    - C(healthy) is V(false) if there are fewer than O(min_nodes); C(problems) are sentences.
  returned: success
  type: list
  elements: dict
  sample:
    - id: /subscriptions/.../providers/Microsoft.ApiManagement/service/contoso/gateways/stores
      name: stores
      description: Runs in every store
      location_data: {"name": "Stores", "city": "", "district": "", "country_or_region": "Norway"}
      apis: [orders, prices]
      connected_nodes: 6
      healthy: true
      problems: []
service:
  description:
    - The API Management service.
    - C(configuration_uri) is the endpoint that self-hosted gateways talk to. A custom host name for it comes first, else it is
      derived from the service's gateway URL, because Azure has no property for it.
  returned: success
  type: dict
  sample:
    id: /subscriptions/.../providers/Microsoft.ApiManagement/service/contoso
    name: contoso
    location: westeurope
    tier: Premium
    configuration_uri: https://contoso.configuration.azure-api.net
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._gateway_info import parse, read
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "resource_group": {"type": "str", "required": True},
        "service_name": {"type": "str", "required": True},
        "name": {"type": "str"},
        "min_nodes": {"type": "int", "default": 0},
    },
    parse=parse,
    perform=read,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
