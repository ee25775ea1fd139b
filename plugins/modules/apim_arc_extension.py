#!/usr/bin/python
# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apim_arc_extension
short_description: Manage the API Management gateway extension on an Arc-enabled Kubernetes cluster
description:
  - Installs, updates, repairs and removes the cluster extension C(Microsoft.ApiManagement.Gateway), the self-hosted gateway
    of Azure API Management, on one Azure Arc-enabled Kubernetes cluster.
  - Settings that the cluster has and the task does not name stay, unless O(purge_settings=true).
  - Azure never returns protected settings, and running pods keep the token they started with. The module therefore writes
    a pod annotation in the same request as the secrets, the setting
    C(gateway.deployment.annotations.arcfleetSecrets), with a digest of the protected settings and the token's expiry. A second
    run with the same secrets changes nothing; a run with another secret sends it and makes Kubernetes roll the pods.
  - A failed extension is created again, which is the documented repair.
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
    details:
      - Secrets are shown as V((set\)) or V((set again\)), never with their values.
  idempotent:
    support: partial
    details:
      - With O(track_protected_settings=false), O(resend_protected_settings=true) or O(recreate=true) for an extension that
        cannot be changed in place, a run can change something that the one before it changed as well.
  async:
    support: full
options:
  state:
    description:
      - V(present) installs, updates or repairs the extension.
      - V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
  resource_group:
    description: Resource group of the connected cluster.
    type: str
    required: true
  cluster_name:
    description: Name of the connected cluster.
    type: str
    required: true
  name:
    description: Name of the extension on this cluster.
    type: str
    default: apim-gateway
  target_namespace:
    description:
      - Kubernetes namespace for the gateway.
      - Cannot be changed on an extension that exists, see O(recreate).
      - Required if O(state=present).
    type: str
  configuration_uri:
    description:
      - The gateway's configuration endpoint, for example V(https://contoso.configuration.azure-api.net), or its host name.
        M(arcfleet.apim.apim_gateway_info) returns it.
      - The setting C(gateway.configuration.uri). Needed to install.
    type: str
  gateway_token:
    description:
      - The gateway token, with or without V(GatewayKey) before it. M(arcfleet.apim.apim_gateway_token) gets it.
      - The protected setting C(gateway.auth.token). Needed to install.
    type: str
  service_type:
    description:
      - Type of the Kubernetes service in front of the gateway.
      - The setting C(service.type). The extension's own default is V(ClusterIP).
    type: str
    choices: [LoadBalancer, NodePort, ClusterIP]
  replicas:
    description:
      - Number of gateway pods.
      - The setting C(replicaCount). The extension's own default is V(3).
    type: int
  monitoring:
    description:
      - Sends the gateway's logs to a Log Analytics workspace.
      - M(arcfleet.apim.apim_log_analytics_info) looks the last two values up.
    type: dict
    suboptions:
      resource_id:
        description:
          - Azure resource id that the logs belong to. Microsoft's instructions give the id of the API Management service,
            its reference of the settings that of the workspace.
          - The setting C(monitoring.customResourceId).
        type: str
        required: true
      workspace_id:
        description:
          - The workspace's own id, a GUID (C(customerId) in Azure's interface).
          - The setting C(monitoring.workspaceId).
        type: str
        required: true
      ingestion_key:
        description:
          - One of the workspace's two keys.
          - The protected setting C(monitoring.ingestionKey).
        type: str
        required: true
  settings:
    description:
      - More settings of the extension. Nested mappings become dotted names, everything becomes text.
      - Below branches with names of your own, such as C(service.annotations), the dots in a nested name stay part of it.
      - A name that Microsoft does not document causes a warning, a value outside a setting's choices an error.
    type: dict
    default: {}
  protected_settings:
    description:
      - More settings whose values are secret. Nested mappings become dotted names.
      - Azure replaces protected settings as a whole. If the cluster holds one that the task does not give, the module refuses
        to send any, unless O(purge_settings=true).
    type: dict
    default: {}
  purge_settings:
    description:
      - Remove settings that the cluster has and the task does not name.
      - Protected settings are purged only if the task gives some.
    type: bool
    default: false
  track_protected_settings:
    description:
      - Remember which secrets the cluster got, in a pod annotation (see the description above).
      - If V(false), the secrets are sent in every run, and the pods are not rolled when they change.
    type: bool
    default: true
  resend_protected_settings:
    description: Send the protected settings even if they seem unchanged.
    type: bool
    default: false
  release_train:
    description:
      - Release train of the extension, for example V(preview) or V(stable).
      - If not given, an extension that exists keeps its train, and a new one gets V(preview), which is the train that
        Microsoft's instructions for this extension name.
    type: str
  version:
    description:
      - Pin the extension to this version. Turns O(auto_upgrade_minor_version) off.
      - If not given, an extension that exists keeps its pin.
    type: str
  auto_upgrade_minor_version:
    description:
      - Whether Azure upgrades the extension to new minor versions.
      - V(true) lifts a pin. V(false) without O(version) pins an extension that exists to the version it has.
      - If not given, an extension that exists keeps its way, and a new one is upgraded unless O(version) is given.
    type: bool
  repair:
    description:
      - Create an extension again that has failed.
      - If V(false), an extension that failed with just what the task wants is reported as a failure instead. That is for a task that
        waits for what another task has submitted.
    type: bool
    default: true
  recreate:
    description:
      - When the extension has another type, scope or namespace than wanted, which Azure cannot change, delete it and create it
        again. The gateway is down meanwhile, and settings that the task does not name are lost.
    type: bool
    default: false
  allow_offline:
    description:
      - Send a change even if the cluster is not connected.
      - Azure keeps protected settings for 48 hours. When the cluster's agent is away longer, the extension ends as C(Failed).
    type: bool
    default: false
  force_delete:
    description:
      - With O(state=absent), make Azure forget the extension at once, whatever the cluster's agent does.
        If the agent is offline, the gateway stays on the cluster.
    type: bool
    default: false
  wait:
    description:
      - Wait until the operation has ended, and before that for one that is already under way.
      - If V(false), the change is submitted and the task ends. The same task with O(wait=true) then joins the operation, so
        that many clusters take the time of one.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait at most, in seconds.
      - An installation usually takes one to eight minutes. Azure gives up on a silent agent after about an hour.
    type: float
    default: 1800
  wait_sleep:
    description: Seconds between two looks at the operation. The older it gets, the rarer they become, at last one a minute.
    type: float
    default: 10
seealso:
  - module: arcfleet.apim.apim_arc_extension_info
  - module: arcfleet.apim.apim_gateway_token
  - name: The extension's settings
    description: Microsoft's reference of all settings.
    link: https://learn.microsoft.com/azure/api-management/self-hosted-gateway-arc-reference
"""

EXAMPLES = r"""
- name: Get the gateway token of the present rotation window
  arcfleet.apim.apim_gateway_token:
    resource_group: rg-apim
    service_name: contoso
    gateway_name: stores
  register: issued
  no_log: true

- name: Put the gateway on a cluster
  arcfleet.apim.apim_arc_extension:
    resource_group: rg-stores
    cluster_name: store-oslo
    target_namespace: apim-gateway
    configuration_uri: https://contoso.configuration.azure-api.net
    gateway_token: "{{ issued.token.value }}"
    service_type: LoadBalancer
    settings:
      telemetry.logs.std: json
      service:
        annotations:
          service.beta.kubernetes.io/azure-load-balancer-internal: true
      resources:
        limits:
          cpu: 500m

- name: Pin the version
  arcfleet.apim.apim_arc_extension:
    resource_group: rg-stores
    cluster_name: store-oslo
    target_namespace: apim-gateway
    release_train: preview
    version: 1.6.4

- name: Take the gateway away
  arcfleet.apim.apim_arc_extension:
    resource_group: rg-stores
    cluster_name: store-oslo
    state: absent
"""

RETURN = r"""
action:
  description:
    - What was done, in check mode what would be done.
    - V(repair) creates a failed extension again. V(replace) sends the whole extension, because a setting has to go.
      V(update) sends only what changes.
  returned: success
  type: str
  sample: update
changes:
  description: Old and new value of every setting and property that changes, by its name. Secrets are shown as V((set\)).
  returned: success
  type: dict
  sample: {"service.type": {"before": "ClusterIP", "after": "LoadBalancer"}}
duration:
  description: Seconds that the task took.
  returned: success
  type: float
  sample: 93.4
error:
  description:
    - What Azure said. C(helm_error) is the inner text of a failed installation, C(correlation_id) is for Microsoft's support.
  returned: when Azure refused something or an operation failed
  type: dict
  sample:
    code: ExtensionOperationFailed
    message: "The extension operation failed with the following error: ..."
    helm_error: "Helm installation failed : ..."
    status: null
    correlation_id: 5d0f1c1e-6ab4-4d5f-9c0c-0e2b7a6d1b11
extension:
  description:
    - The extension after the task, in check mode as it is now. V(none) if there is none.
    - C(protected_settings) has the names only.
  returned: always, except after errors in the options
  type: dict
  sample:
    id: /subscriptions/.../connectedClusters/store-oslo/providers/Microsoft.KubernetesConfiguration/extensions/apim-gateway
    name: apim-gateway
    extension_type: microsoft.apimanagement.gateway
    target_namespace: apim-gateway
    release_train: preview
    version: null
    current_version: 1.6.4
    auto_upgrade_minor_version: true
    provisioning_state: Succeeded
    settings: {"gateway.configuration.uri": "https://contoso.configuration.azure-api.net", "service.type": "LoadBalancer"}
    protected_settings: [gateway.auth.token]
    statuses: []
    principal_id: 0f4b3a52-3b43-4c53-9d7e-2f4f9b1f6a55
token:
  description: When the gateway's token expires. V(none) if it is not known.
  returned: success
  type: dict
  sample: {"expires_on": "2026-12-20T04:31:00Z", "days_left": 27.2}
"""

from ansible_collections.arcfleet.apim.plugins.module_utils._extension import ensure, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._settings import SERVICE_TYPES, misplaced_secrets
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Task, run_module

TASK = Task(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "resource_group": {"type": "str", "required": True},
        "cluster_name": {"type": "str", "required": True},
        "name": {"type": "str", "default": "apim-gateway"},
        "target_namespace": {"type": "str"},
        "configuration_uri": {"type": "str"},
        "gateway_token": {"type": "str", "no_log": True},
        "service_type": {"type": "str", "choices": list(SERVICE_TYPES)},
        "replicas": {"type": "int"},
        "monitoring": {
            "type": "dict",
            "options": {
                "resource_id": {"type": "str", "required": True},
                "workspace_id": {"type": "str", "required": True},
                "ingestion_key": {"type": "str", "required": True, "no_log": True},
            },
        },
        "settings": {"type": "dict", "default": {}},
        "protected_settings": {"type": "dict", "default": {}, "no_log": True},
        "purge_settings": {"type": "bool", "default": False},
        "track_protected_settings": {"type": "bool", "default": True},
        "resend_protected_settings": {"type": "bool", "default": False},
        "release_train": {"type": "str"},
        "version": {"type": "str"},
        "auto_upgrade_minor_version": {"type": "bool"},
        "repair": {"type": "bool", "default": True},
        "recreate": {"type": "bool", "default": False},
        "allow_offline": {"type": "bool", "default": False},
        "force_delete": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 1800},
        "wait_sleep": {"type": "float", "default": 10},
    },
    required_if=[("state", "present", ["target_namespace"])],
    parse=parse,
    perform=ensure,
    secrets=misplaced_secrets,
)


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
