# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The connected cluster: does it exist, is it reachable, is the extension offered where it is."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import resource_path

API_VERSION = "2024-01-01"
PROVIDER = "Microsoft.Kubernetes"
RESOURCE_TYPE = "connectedClusters"

# Microsoft's list for the preview of the extension; it is the cluster's region that counts.
_REGIONS = frozenset(
    """
    eastasia southeastasia australiacentral australiacentral2 australiaeast australiasoutheast brazilsouth brazilsoutheast
    canadacentral canadaeast northeurope westeurope francecentral francesouth germanynorth germanywestcentral
    centralindia southindia westindia jioindiacentral jioindiawest japaneast japanwest koreacentral koreasouth
    norwayeast norwaywest southafricanorth southafricawest swedencentral switzerlandnorth switzerlandwest
    uaecentral uaenorth uksouth centralus centraluseuap eastus eastus2 eastus2euap northcentralus southcentralus
    westcentralus westus westus2 westus3
    """.split()
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A connected cluster as Azure shows it."""

    id: str
    name: str
    location: str
    connectivity: str
    last_connectivity_time: str | None
    kubernetes_version: str | None
    agent_version: str | None
    distribution: str | None
    tags: Mapping[str, str]

    @classmethod
    def from_rest(cls, body: Mapping[str, t.Any]) -> Cluster:
        properties = body.get("properties") or {}
        return cls(
            id=body.get("id") or "",
            name=body.get("name") or "",
            location=normal_location(body.get("location") or ""),
            connectivity=properties.get("connectivityStatus") or "Unknown",
            last_connectivity_time=properties.get("lastConnectivityTime"),
            kubernetes_version=properties.get("kubernetesVersion"),
            agent_version=properties.get("agentVersion"),
            distribution=properties.get("distribution"),
            tags=dict(body.get("tags") or {}),
        )

    @property
    def connected(self) -> bool:
        return self.connectivity == "Connected"


def normal_location(location: str) -> str:
    """C(West Europe) and C(westeurope) are one region; API Management says the first, clusters say the second."""
    return location.replace(" ", "").lower()


def cluster_path(subscription_id: str, resource_group: str, name: str) -> str:
    return resource_path(subscription_id, resource_group, PROVIDER, RESOURCE_TYPE, name)


def read(arm: Arm, resource_group: str, name: str) -> Cluster:
    """:raises AzureFailure: the cluster does not exist, or may not be read."""
    path = cluster_path(arm.subscription_id, resource_group, name)
    return Cluster.from_rest(arm.get(f"read the connected cluster {path}", path, API_VERSION))


def check_connected(cluster: Cluster, allow_offline: bool, rule: str, way_out: str) -> list[str]:
    """Whether the cluster's agent is there to do what it will be told; returns warnings.

    :param rule: what happens while it is away.
    :param way_out: completes "Bring the cluster's agents back, or ...".
    :raises ApimError: it is not connected and I(allow_offline) is false.
    """
    if cluster.connected:
        return []
    seen = f" (last seen {cluster.last_connectivity_time})" if cluster.last_connectivity_time else ""
    state = f"The connected cluster {cluster.name!r} is {cluster.connectivity}{seen}, not Connected."
    if not allow_offline:
        raise ApimError(f"{state} {rule} Nothing was changed. Bring the cluster's agents back, or {way_out}.")
    return [f"{state} {rule}"]


def check_region(cluster: Cluster) -> list[str]:
    """A warning when the extension may not be offered where the cluster is."""
    if cluster.location in _REGIONS:
        return []
    return [
        f"The region {cluster.location!r} of the connected cluster {cluster.name!r} is not on the list of regions that "
        "Microsoft publishes for this extension. The list may be older than the service; Azure decides."
    ]
