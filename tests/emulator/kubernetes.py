# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.Kubernetes/connectedClusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arm import Call, Reply, Route, invalid_content, member, not_found
from .store import Row
from .world import guid

if TYPE_CHECKING:
    from .app import Emulator

_TYPE = "Microsoft.Kubernetes/connectedClusters"
_PAGE = 1000


def body(emu: Emulator, row: Row) -> dict[str, Any]:
    """A connected cluster as GET shows it (with the type in lower case, as Azure does)."""
    properties: dict[str, Any] = {
        "provisioningState": "Succeeded",
        "connectivityStatus": row["connectivity"],
        "privateLinkState": "Disabled",
        "azureHybridBenefit": "NotApplicable",
        "agentPublicKeyCertificate": "",
        "aadProfile": {},
        "distribution": row["distribution"],
        "infrastructure": row["infrastructure"],
    }
    if row["connectivity"] != "Connecting":  # the agent has not reported anything yet
        seen = emu.clock.moment(None if row["connectivity"] == "Connected" else row.get("offline_since", 1_700_000_000))
        renewal = emu.clock.moment(seen.timestamp() + 90 * 86400)
        properties |= {
            "kubernetesVersion": row["kubernetes_version"],
            "totalNodeCount": 3,
            "agentVersion": row["agent_version"],
            "totalCoreCount": 12,
            "lastConnectivityTime": f"{seen:%Y-%m-%dT%H:%M:%S}Z",
            "managedIdentityCertificateExpirationTime": f"{renewal:%Y-%m-%dT%H:%M:%S}Z",
        }
    return {
        "id": row["id"],
        "name": row["name"],
        "type": _TYPE.lower(),
        "location": row["location"],
        "tags": row["tags"],
        "systemData": {"createdAt": "2024-04-22T07:40:11.1234567Z", "lastModifiedAt": "2024-04-22T07:46:29.7912345Z"},
        "identity": {"principalId": guid(row["id"]), "tenantId": emu.world.tenant, "type": "SystemAssigned"},
        "properties": properties,
    }


def summary(row: Row) -> dict[str, Any]:
    """A connected cluster in a list of all kinds of resources."""
    return {"id": row["id"], "name": row["name"], "type": _TYPE, "location": row["location"], "tags": row["tags"]}


def need(call: Call) -> Row:
    """The cluster of a call; raises ARM's 404, which is not the provider's."""
    name = call.params["cluster"]
    row = call.emu.store.get("clusters", call.id(f"{_TYPE}/{name}"))
    if row is None:
        raise not_found(call, _TYPE, name)
    return row


def _reply(call: Call, row: Row) -> Reply:
    return Reply(200, body(call.emu, row), {"etag": f'"{guid(str(row))}"', "x-ms-providerhub-traffic": "True"})


def get(call: Call) -> Reply:
    return _reply(call, need(call))


def patch(call: Call) -> Reply:
    row = need(call)
    tags = member(call.body, "tags")
    if tags is not None:
        if not all(isinstance(value, str) for value in tags.values()):
            raise invalid_content("Tag values must be strings. Path 'tags'")
        # ASSUMPTION: the map of tags is replaced, as ARM documents for PATCH; clients that send the whole map are right
        # either way.
        row = row | {"tags": tags}
        call.emu.store.put("clusters", row["id"], row)
    return _reply(call, row)


def list_clusters(call: Call) -> Reply:
    scope = f"/subscriptions/{call.params['subscription']}/".lower()
    if group := call.params.get("group"):
        scope += f"resourcegroups/{group}/".lower()
    rows = [row for row in call.emu.store.all("clusters") if row["id"].lower().startswith(scope)]
    try:
        start = int(call.query.get("$skiptoken", "0"))
    except ValueError:
        raise invalid_content("The $skipToken is not one that the service gave.") from None
    page: dict[str, Any] = {"value": [body(call.emu, row) for row in rows[start : start + _PAGE]]}
    if start + _PAGE < len(rows):
        page["nextLink"] = f"{call.emu.url}{call.path}?api-version={call.version}&$skipToken={start + _PAGE}"
    return Reply(200, page)


_G = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters"
ROUTES = [
    Route(
        "GET", "/subscriptions/{subscription}/providers/Microsoft.Kubernetes/connectedClusters", _TYPE, list_clusters
    ),
    Route("GET", _G, _TYPE, list_clusters),
    Route("GET", _G + "/{cluster}", _TYPE, get),
    Route("PATCH", _G + "/{cluster}", _TYPE, patch),
]
