#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_gateway
short_description: Manage a self-hosted gateway in Azure API Management
description:
  - Creates, updates and deletes the gateway resource of an API Management service, and says which APIs it serves.
  - A gateway without APIs serves nothing.
  - The gateway itself runs elsewhere; M(arcfleet.apim.apim_arc_extension) puts it on a cluster.
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
    support: full
  idempotent:
    support: full
  async:
    support: full
options:
  state:
    description:
      - V(present) creates or updates the gateway.
      - V(absent) deletes it. Its tokens end, and what runs on clusters serves nothing any more.
    type: str
    choices: [present, absent]
    default: present
  resource_group:
    description: Resource group of the API Management service.
    type: str
    required: true
  service_name:
    description:
      - Name of the API Management service.
      - Self-hosted gateways need the tier Developer or Premium.
    type: str
    required: true
  name:
    description: Name (id) of the gateway.
    type: str
    required: true
  description:
    description: Description of the gateway. If not given, a gateway that exists keeps its own.
    type: str
  location_data:
    description: Where the gateway stands. What is not given stays as it is.
    type: dict
    suboptions:
      name:
        description: Name of the place. If not given, a new gateway gets its own name here, because Azure insists on one.
        type: str
      city:
        description: City.
        type: str
      district:
        description: District, state or province.
        type: str
      country_or_region:
        description: Country or region.
        type: str
  apis:
    description:
      - Names (ids) of the APIs that the gateway serves. The service must have them.
      - If not given, the gateway's APIs are neither read nor changed.
    type: list
    elements: str
  purge_apis:
    description: Take APIs that are not in O(apis) from the gateway.
    type: bool
    default: false
seealso:
  - module: arcfleet.apim.apim_gateway_info
  - module: arcfleet.apim.apim_gateway_token
"""

EXAMPLES = r"""
- name: One gateway for all stores
  arcfleet.apim.apim_gateway:
    resource_group: rg-apim
    service_name: contoso
    name: stores
    description: Runs in every store
    location_data:
      name: Stores
      country_or_region: Norway
    apis: [orders, prices]

- name: Serve exactly one API
  arcfleet.apim.apim_gateway:
    resource_group: rg-apim
    service_name: contoso
    name: stores
    apis: [orders]
    purge_apis: true

- name: Delete the gateway
  arcfleet.apim.apim_gateway:
    resource_group: rg-apim
    service_name: contoso
    name: stores
    state: absent
"""

RETURN = r"""
error:
  description: What Azure said; C(correlation_id) is for Microsoft's support.
  returned: when Azure refused something
  type: dict
  sample: {"code": "AuthorizationFailed", "message": "...", "helm_error": null, "status": 403, "correlation_id": "..."}
gateway:
  description:
    - The gateway after the task, in check mode as it is now. V(none) if there is none.
    - C(apis) is V(none) unless O(apis) is given.
    - C(connected_nodes) is the number of running gateway nodes that the service knows, V(none) if it does not say.
  returned: success
  type: dict
  sample:
    id: /subscriptions/.../providers/Microsoft.ApiManagement/service/contoso/gateways/stores
    name: stores
    description: Runs in every store
    location_data: {"name": "Stores", "city": "", "district": "", "country_or_region": "Norway"}
    apis: [orders, prices]
    connected_nodes: 6
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._gateway import ensure, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "resource_group": {"type": "str", "required": True},
        "service_name": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "description": {"type": "str"},
        "location_data": {
            "type": "dict",
            "options": {
                "name": {"type": "str"},
                "city": {"type": "str"},
                "district": {"type": "str"},
                "country_or_region": {"type": "str"},
            },
        },
        "apis": {"type": "list", "elements": "str"},
        "purge_apis": {"type": "bool", "default": False},
    },
    parse=parse,
    perform=ensure,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
