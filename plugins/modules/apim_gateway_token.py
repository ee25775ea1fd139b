#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_gateway_token
short_description: Issue the token of a self-hosted gateway, or regenerate its key
description:
  - Issues the token with which a self-hosted gateway signs in to its API Management service.
  - Azure makes a token from one of the gateway's two keys, the gateway's id and an expiry, and the same three give the same
    token. The module puts the expiry on a fixed grid of O(rotation_days), so every run inside one window returns the same
    token. The first run in the next window returns a new one, while the old one is good for many days more. Issuing the
    token in a daily run is therefore all that rotation needs.
  - The token is a secret. Give the task C(no_log=true).
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
    details:
      - Issuing a token changes nothing in Azure, so it is done in check mode as well. If the gateway does not exist yet, a token
        with the right expiry and no valid signature is returned.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - With O(state=regenerated), every run makes a new key.
  async:
    support: full
options:
  state:
    description:
      - V(present) issues a token. This is never a change.
      - V(regenerated) makes a new key. Every token that the old one signed ends at once, so move the clusters to a token of
        the other key first.
    type: str
    choices: [present, regenerated]
    default: present
  resource_group:
    description: Resource group of the API Management service.
    type: str
    required: true
  service_name:
    description: Name of the API Management service.
    type: str
    required: true
  gateway_name:
    description: Name (id) of the gateway.
    type: str
    required: true
  key:
    description: Which of the gateway's two keys signs the token, or is regenerated.
    type: str
    choices: [primary, secondary]
    default: primary
  lifetime_days:
    description:
      - How long a token lives that is issued at the start of a rotation window, in days, less one hour for clocks that differ.
      - From 2 to 30, the most that Azure allows.
    type: int
    default: 30
  rotation_days:
    description:
      - Length of a rotation window in days, from 1 to half of O(lifetime_days).
      - With the defaults a token that is issued has 20 to 30 days left, less one hour.
    type: int
    default: 10
seealso:
  - module: arcfleet.apim.apim_arc_extension
"""

EXAMPLES = r"""
- name: Issue the token of the present rotation window
  arcfleet.apim.apim_gateway_token:
    resource_group: rg-apim
    service_name: contoso
    gateway_name: stores
  register: issued
  no_log: true

- name: Make a new secondary key
  arcfleet.apim.apim_gateway_token:
    resource_group: rg-apim
    service_name: contoso
    gateway_name: stores
    key: secondary
    state: regenerated
"""

RETURN = r"""
error:
  description: What Azure said; C(correlation_id) is for Microsoft's support.
  returned: when Azure refused something
  type: dict
  sample: {"code": "AuthorizationFailed", "message": "...", "helm_error": null, "status": 403, "correlation_id": "..."}
token:
  description:
    - The token. V(none) with O(state=regenerated).
    - C(value) is the token itself, without C(GatewayKey) before it. It is a secret.
  returned: success
  type: dict
  sample:
    value: stores&202612200431&...
    key: primary
    expires_on: "2026-12-20T04:31:00Z"
    days_left: 27.2
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._gateway_key import ensure, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "state": {"type": "str", "choices": ["present", "regenerated"], "default": "present"},
        "resource_group": {"type": "str", "required": True},
        "service_name": {"type": "str", "required": True},
        "gateway_name": {"type": "str", "required": True},
        "key": {"type": "str", "choices": ["primary", "secondary"], "default": "primary", "no_log": False},
        "lifetime_days": {"type": "int", "default": 30},
        "rotation_days": {"type": "int", "default": 10},
    },
    parse=parse,
    perform=ensure,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
