# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resource types exist, in which api-versions: checked on every call, and shown to clients that ask."""

from __future__ import annotations

REGIONS = (
    "East US",
    "East US 2",
    "West US",
    "West US 2",
    "West US 3",
    "Central US",
    "North Central US",
    "South Central US",
    "West Central US",
    "North Europe",
    "West Europe",
    "UK South",
    "UK West",
    "France Central",
    "Germany West Central",
    "Norway East",
    "Sweden Central",
    "Switzerland North",
    "Southeast Asia",
    "East Asia",
    "Australia East",
    "Japan East",
    "Korea Central",
    "Central India",
    "Brazil South",
    "Canada Central",
    "UAE North",
    "South Africa North",
    "Italy North",
    "Poland Central",
)

_EXTENSIONS = ("2025-03-01", "2024-11-01", "2023-05-01", "2022-11-01", "2022-07-01", "2022-03-01", "2020-07-01-preview")
_CLUSTERS = ("2024-01-01", "2021-10-01", "2021-03-01", "2024-07-01-preview", "2020-01-01-preview")
_APIM = (
    "2024-05-01",
    "2022-08-01",
    "2021-08-01",
    "2020-12-01",
    "2019-12-01",
    "2019-01-01",
    "2024-06-01-preview",
    "2019-12-01-preview",
)
_WORKSPACES = ("2025-07-01", "2023-09-01", "2022-10-01", "2021-06-01", "2020-10-01", "2020-08-01", "2015-03-20")
# ASSUMPTION: Resource Manager's own types take any dated version from 2015 on; clients use many and the bodies do not
# differ here.
ANY_VERSION: tuple[str, ...] = ()

# namespace -> resource type -> api-versions, newest stable first
PROVIDERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Microsoft.KubernetesConfiguration": {"extensions": _EXTENSIONS, "extensions/operations": _EXTENSIONS},
    "Microsoft.Kubernetes": {"connectedClusters": _CLUSTERS},
    "Microsoft.ApiManagement": {
        "service": _APIM,
        "service/gateways": _APIM,
        "service/gateways/apis": _APIM,
        "service/apis": _APIM,
    },
    "Microsoft.OperationalInsights": {"workspaces": _WORKSPACES},
    "Microsoft.ResourceGraph": {"resources": ("2024-04-01", "2022-10-01", "2021-03-01", "2020-04-01-preview")},
    "Microsoft.Resources": {
        "subscriptions": ANY_VERSION,
        "resourceGroups": ANY_VERSION,
        "tenants": ANY_VERSION,
        "resources": ANY_VERSION,
        "providers": ANY_VERSION,
    },
}
_DEFAULTS = {"extensions": "2023-05-01", "extensions/operations": "2023-05-01"}


def find(namespace: str) -> str | None:
    """The namespace as Azure spells it, or None."""
    return next((name for name in PROVIDERS if name.lower() == namespace.lower()), None)


def versions(resource_type: str) -> tuple[str, ...]:
    """Api-versions of `Namespace/type[/subtype]`; empty when any will do."""
    namespace, _slash, name = resource_type.partition("/")
    return PROVIDERS[namespace][name]


def registration(subscription: str, namespace: str, state: str) -> dict:
    """What `GET /subscriptions/{s}/providers/{namespace}` says."""
    types = [
        {
            "resourceType": name,
            "locations": list(REGIONS),
            "apiVersions": sorted(known or ("2025-04-01", "2022-12-01", "2021-04-01"), reverse=True),
            **({"defaultApiVersion": _DEFAULTS[name]} if name in _DEFAULTS else {}),
            "capabilities": "SystemAssignedResourceIdentity, SupportsExtension" if name == "extensions" else "None",
        }
        for name, known in PROVIDERS[namespace].items()
    ]
    return {
        "id": f"/subscriptions/{subscription}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": state,
        "registrationPolicy": "RegistrationRequired",
    }
