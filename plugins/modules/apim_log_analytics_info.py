#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_log_analytics_info
short_description: Read what a gateway needs to send its logs to a Log Analytics workspace
description:
  - Returns the id and a key of a Log Analytics workspace, the values that O(arcfleet.apim.apim_arc_extension#module:monitoring)
    takes.
  - The key is a secret. Give the task C(no_log=true).
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
  resource_id:
    description: Azure resource id of the workspace. It may be in another subscription than the clusters.
    type: str
    required: true
  key:
    description: Which of the workspace's two keys to return.
    type: str
    choices: [primary, secondary]
    default: primary
seealso:
  - module: arcfleet.apim.apim_arc_extension
"""

EXAMPLES = r"""
- name: Look the workspace up
  arcfleet.apim.apim_log_analytics_info:
    resource_id: /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs
  register: logs
  no_log: true
"""

RETURN = r"""
error:
  description: What Azure said; C(correlation_id) is for Microsoft's support.
  returned: when Azure refused something
  type: dict
  sample: {"code": "AuthorizationFailed", "message": "...", "helm_error": null, "status": 403, "correlation_id": "..."}
ingestion_key:
  description: The chosen key. It is a secret.
  returned: success
  type: str
  sample: c2VjcmV0...
workspace:
  description:
    - The workspace.
    - C(workspace_id) is its own id, a GUID (C(customerId) in Azure's interface).
  returned: success
  type: dict
  sample:
    id: /subscriptions/.../providers/Microsoft.OperationalInsights/workspaces/logs
    name: logs
    location: westeurope
    workspace_id: 3a6ede08-6d6f-4c5a-a1a5-0d6c4d4b3f0e
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._log_analytics import parse, read
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "resource_id": {"type": "str", "required": True},
        "key": {"type": "str", "choices": ["primary", "secondary"], "default": "primary", "no_log": False},
    },
    parse=parse,
    perform=read,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
