# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.OperationalInsights/workspaces: the workspace and its shared keys."""

from __future__ import annotations

from typing import Any

from .arm import Call, Reply, Route, not_found
from .store import Row
from .world import guid

_TYPE = "Microsoft.OperationalInsights/workspaces"


def body(row: Row) -> dict[str, Any]:
    return {
        "properties": {
            "customerId": guid(row["id"]),
            "provisioningState": "Succeeded",
            "sku": {"name": "PerGB2018", "lastSkuUpdate": "2024-01-15T08:00:00Z"},
            "retentionInDays": 30,
            "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
            "workspaceCapping": {
                "dailyQuotaGb": -1.0,
                "quotaNextResetTime": "2024-01-16T00:00:00Z",
                "dataIngestionStatus": "RespectQuota",
            },
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "createdDate": "2024-01-15T08:00:00Z",
            "modifiedDate": "2024-01-15T08:00:00Z",
        },
        "location": row["location"],
        "id": row["id"],
        "name": row["name"],
        "type": _TYPE,
        "etag": f'"{guid(row["id"])}"',
    }


def _need(call: Call) -> Row:
    name = call.params["workspace"]
    row = call.emu.store.get("workspaces", call.id(f"{_TYPE}/{name}"))
    if row is None:
        raise not_found(call, _TYPE, name)
    return row


def _key_name(row: Row, which: str) -> str:
    return f"{row['id']}/{which}".lower()


def get(call: Call) -> Reply:
    return Reply(200, body(_need(call)))


def list_workspaces(call: Call) -> Reply:
    scope = f"/subscriptions/{call.params['subscription']}/resourceGroups/{call.params['group']}/".lower()
    return Reply(
        200, {"value": [body(row) for row in call.emu.store.all("workspaces") if row["id"].lower().startswith(scope)]}
    )


def shared_keys(call: Call) -> Reply:
    row = _need(call)
    return Reply(
        200,
        {
            f"{which}SharedKey": call.emu.secrets.make("workspace_key", _key_name(row, which), row[f"{which}_key"])
            for which in ("primary", "secondary")
        },
    )


_G = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces"
ROUTES = [
    Route("GET", _G, _TYPE, list_workspaces),
    Route("GET", _G + "/{workspace}", _TYPE, get),
    Route("POST", _G + "/{workspace}/sharedKeys", _TYPE, shared_keys, action="sharedKeys", reads=True),
]
