# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulated site looks like from the outside, asked of Resource Manager and not of the code under test."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from harness.emulator import Emulator

APIM = "2022-08-01"
RECORD = "gateway.deployment.annotations.arcfleetSecrets"


def gateway_id(emulator: Emulator, name: str = "stores", service: str = "apim-emulated") -> str:
    """The resource id of a gateway."""
    return (f"/subscriptions/{emulator.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{emulator.environment['EMULATOR_APIM_RESOURCE_GROUP']}"
            f"/providers/Microsoft.ApiManagement/service/{service}/gateways/{name}")


def make_gateway(emulator: Emulator, name: str = "stores") -> str:
    """Create a gateway and return its resource id."""
    emulator.azure("PUT", gateway_id(emulator, name), {"properties": {"locationData": {"name": name}}}, APIM)
    return gateway_id(emulator, name)


def issue_token(emulator: Emulator, name: str = "stores", key: str = "primary", days: float = 20) -> str:
    """A token of a gateway, without the prefix."""
    expiry = datetime.now(timezone.utc) + timedelta(days=days)
    return emulator.azure("POST", f"{gateway_id(emulator, name)}/generateToken", {"keyType": key, "expiry": f"{expiry:%Y-%m-%dT%H:%M:00Z}"}, APIM)["value"]


def regenerate_key(emulator: Emulator, name: str = "stores", key: str = "primary") -> None:
    """Make a new key, as somebody may do in the portal."""
    emulator.azure("POST", f"{gateway_id(emulator, name)}/regenerateKey", {"keyType": key}, APIM)


def nodes(emulator: Emulator, name: str = "stores") -> int:
    """How many gateway pods are connected to the service."""
    return len(emulator.azure("GET", gateway_id(emulator, name), api_version=APIM)["properties"]["heartbeat"])


def extension_id(emulator: Emulator, cluster: str, name: str = "apim-gateway") -> str:
    """The resource id of an extension on a cluster."""
    return f"{emulator.cluster_id(cluster)}/providers/Microsoft.KubernetesConfiguration/extensions/{name}"


def extension(emulator: Emulator, cluster: str, name: str = "apim-gateway") -> dict[str, Any] | None:
    """The properties of an extension."""
    found = emulator.azure("GET", extension_id(emulator, cluster, name))
    return found["properties"] if found else None


def writes(emulator: Emulator, path: str = "") -> list[dict[str, Any]]:
    """The requests that asked for a change, whatever came of them, oldest first."""
    return [request for request in emulator.requests(path=path) if request["method"] in ("PUT", "PATCH", "DELETE") or "regenerate" in request["path"]]


def fleet(emulator: Emulator, hosts: dict[str, dict[str, Any]] | None = None, **variables: Any) -> dict[str, Any]:
    """An inventory of clusters (all, or ``hosts`` with variables of their own) that share one gateway and do not wait long."""
    return {"all": {"hosts": hosts or {name: {} for name in emulator.clusters}, "vars": {
        "apim_arc_gateway_resource_group": emulator.environment["EMULATOR_RESOURCE_GROUP"],
        "apim_arc_gateway_gateway": {
            "resource_group": emulator.environment["EMULATOR_APIM_RESOURCE_GROUP"], "service_name": emulator.environment["EMULATOR_APIM_SERVICE"],
            "name": "stores"},
        "apim_arc_gateway_wait_sleep": 0.2,
        "apim_arc_gateway_wait_timeout": 60,
        "apim_arc_gateway_verify_retries": 0,
        "apim_arc_gateway_verify_delay": 1,
    } | variables}}
