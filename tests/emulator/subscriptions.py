# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager's own resources: tenants, subscriptions, resource groups, provider registration, resource lists."""

from __future__ import annotations

import re

from . import kubernetes, providers, world
from .arm import ArmError, Call, Reply, Route


def _subscription(call: Call, one: world.Subscription) -> dict:
    return {
        "id": f"/subscriptions/{one.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": one.id,
        "tenantId": call.emu.world.tenant,
        "displayName": one.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def list_subscriptions(call: Call) -> Reply:
    values = [_subscription(call, one) for one in call.emu.world.subscriptions]
    return Reply(200, {"value": values, "count": {"type": "Total", "value": len(values)}})


def get_subscription(call: Call) -> Reply:
    assert call.subscription
    return Reply(200, _subscription(call, call.subscription))


def list_tenants(call: Call) -> Reply:
    tenant = call.emu.world.tenant
    return Reply(
        200,
        {
            "value": [
                {
                    "id": f"/tenants/{tenant}",
                    "tenantId": tenant,
                    "countryCode": "NO",
                    "displayName": "Emulated",
                    "domains": ["emulated.invalid"],
                    "tenantCategory": "Home",
                    "defaultDomain": "emulated.invalid",
                    "tenantType": "AAD",
                }
            ]
        },
    )


def _group(call: Call, group: world.ResourceGroup) -> dict:
    assert call.subscription
    return {
        "id": f"/subscriptions/{call.subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    }


def list_groups(call: Call) -> Reply:
    assert call.subscription
    return Reply(200, {"value": [_group(call, group) for group in call.subscription.resource_groups]})


def get_group(call: Call) -> Reply:
    assert call.subscription
    wanted = call.params["group"].lower()
    group = next(
        one for one in call.subscription.resource_groups if one.name.lower() == wanted
    )  # the envelope has checked it
    return Reply(200, _group(call, group))


def head_group(call: Call) -> Reply:
    return Reply(204)


def _provider(call: Call, namespace: str) -> dict:
    assert call.subscription
    state = "Registered" if call.emu.registered(call.subscription, namespace) else "NotRegistered"
    return providers.registration(call.subscription.id, namespace, state)


def list_providers(call: Call) -> Reply:
    return Reply(200, {"value": [_provider(call, namespace) for namespace in providers.PROVIDERS]})


def get_provider(call: Call) -> Reply:
    return Reply(200, _provider(call, _known(call)))


def register_provider(call: Call) -> Reply:
    assert call.subscription
    namespace = _known(call)
    call.emu.store.put("registrations", f"{call.subscription.id}/{namespace}", {"state": "Registered"})
    return Reply(200, _provider(call, namespace))


def _known(call: Call) -> str:
    namespace = providers.find(call.params["namespace"])
    if not namespace:
        raise ArmError(
            404,
            "InvalidResourceNamespace",
            f"The resource namespace '{call.params['namespace']}' is invalid.",
            gateway=True,
        )
    return namespace


def list_resources(call: Call) -> Reply:
    """Tracked resources only, as in Azure: extensions and gateways belong to their parents and are not listed."""
    store = call.emu.store
    rows = [kubernetes.summary(row) for row in store.all("clusters")]
    rows += [_summary(row, "Microsoft.ApiManagement/service") for row in store.all("services")]
    rows += [_summary(row, "Microsoft.OperationalInsights/workspaces") for row in store.all("workspaces")]
    scope = f"/subscriptions/{call.params['subscription']}/"
    if group := call.params.get("group"):
        scope += f"resourceGroups/{group}/"
    rows = [row for row in rows if row["id"].lower().startswith(scope.lower())]
    for name, value in re.findall(r"(\w+) eq '([^']*)'", call.query.get("$filter", "")):
        rows = [row for row in rows if _field(row, name).lower() == value.lower()]
    return Reply(200, {"value": rows})


def _summary(row: dict, kind: str) -> dict:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": kind,
        "location": row["location"].replace(" ", "").lower(),
        "tags": {},
    }


def _field(row: dict, name: str) -> str:
    return {
        "resourceGroup": row["id"].split("/")[4],
        "resourceType": row["type"],
        "name": row["name"],
        "location": row["location"],
    }.get(name, "")


_S = "/subscriptions/{subscription}"
ROUTES = [
    Route("GET", "/subscriptions", "Microsoft.Resources/subscriptions", list_subscriptions),
    Route("GET", "/tenants", "Microsoft.Resources/tenants", list_tenants),
    Route("GET", _S, "Microsoft.Resources/subscriptions", get_subscription),
    Route("GET", _S + "/resourceGroups", "Microsoft.Resources/resourceGroups", list_groups),
    Route("GET", _S + "/resourceGroups/{group}", "Microsoft.Resources/resourceGroups", get_group),
    Route("HEAD", _S + "/resourceGroups/{group}", "Microsoft.Resources/resourceGroups", head_group),
    Route("GET", _S + "/providers", "Microsoft.Resources/providers", list_providers),
    Route("GET", _S + "/providers/{namespace}", "Microsoft.Resources/providers", get_provider),
    Route(
        "POST",
        _S + "/providers/{namespace}/register",
        "Microsoft.Resources/providers",
        register_provider,
        action="register",
    ),
    Route("GET", _S + "/resources", "Microsoft.Resources/resources", list_resources),
    Route("GET", _S + "/resourceGroups/{group}/resources", "Microsoft.Resources/resources", list_resources),
]
