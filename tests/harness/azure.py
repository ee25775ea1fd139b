# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure answers, in the shapes that it was seen to answer in."""
from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
CLUSTER = f"{GROUP}/providers/Microsoft.Kubernetes/connectedClusters/oslo"
EXTENSIONS = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions"
EXTENSION = f"{EXTENSIONS}/apim-gateway"
SERVICE = f"{GROUP}/providers/Microsoft.ApiManagement/service/contoso"
GATEWAY = f"{SERVICE}/gateways/stores"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
# Another host spelling, a query of its own and a signature: it has to be sent as it came.
OPERATION = (
    "https://management.azure.com" + EXTENSION.replace("connectedClusters", "ConnectedClusters")
    + "/operations/03f469a0-7f5b-4d3f-8b44-92fcd86771ab?api-Version=2023-05-01&t=638&c=MIIH~Jg_-x.y&s=a-b_c&h=Zz%2Fq"
)
ACCEPTED = {
    "azure-asyncoperation": OPERATION,
    "location": "https://eastus.rp.kubernetesconfiguration.azure.com/never/follow/this",
    "x-ms-correlation-request-id": "c0ffee00-0000-4000-8000-000000000001",
}
FROM_ARM = {"x-ms-failure-cause": "gateway", "x-ms-correlation-request-id": "c0ffee00-0000-4000-8000-000000000002"}

URI = "https://contoso.configuration.azure-api.net"
KEY = base64.b64encode(bytes(range(64))).decode()


def token(gateway: str = "stores", expiry: str = "209901311234", key: str = KEY) -> str:
    """A gateway token by the service's arithmetic."""
    stamp = f"{expiry[:4]}-{expiry[4:6]}-{expiry[6:8]}T{expiry[8:10]}:{expiry[10:]}:00.0000000Z"
    digest = hmac.new(key.encode(), f"{gateway}\n{stamp}".encode(), hashlib.sha512).digest()
    return f"{gateway}&{expiry}&{base64.b64encode(digest).decode()}"


def error(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


NO_EXTENSION = error("ResourceNotFound", "Extension instance with name 'apim-gateway' not found.", additionalInfo=[])
NO_CLUSTER = error(
    "ResourceNotFound",
    "The Resource 'Microsoft.Kubernetes/connectedClusters/oslo' under resource group 'rg' was not found. For more details "
    "please go to https://aka.ms/ARMResourceNotFoundFix",
)
NO_SERVICE = error("ResourceNotFound", "The Resource 'Microsoft.ApiManagement/service/contoso' under resource group 'rg' was not found.")
NO_GATEWAY = error("ResourceNotFound", "Gateway not found.")
NO_GATEWAY_BELOW = error(
    "ValidationError",
    "One or more fields contain incorrect values:",
    details=[{"code": "ValidationError", "target": "gwid", "message": "Gateway not found"}],
)
CONFLICT = error(
    "ExtensionPatchFailed",
    "The PATCH method cannot be completed due to a conflict. (ProvisioningState of extension: Updating). Please wait for a few "
    "minutes for the ProvisioningState to change to Succeeded, Failed or Canceled and retry again.",
)
HELM = "Helm installation failed : Unable to install : InnerError [pod healthcheck failed]"
OPERATION_ERROR = error(
    "ExtensionOperationFailed",
    f"The extension operation failed with the following error:  Error: [ InnerError: [{HELM}]] occurred while doing the operation : "
    "[Create] on the config, For general troubleshooting visit: https://aka.ms/k8s-extensions-TSG",
)
STATUS_HELM = "failed to install chart from path [/charts/x] for release {apim-gateway}: timed out"
INSTALLATION_FAILED = {
    "code": "InstallationFailed",
    "displayStatus": None,
    "level": None,
    "message": f"Error: {{{STATUS_HELM}}} occurred while doing the operation : {{Installing the extension}} on the config",
    "time": None,
}
THROTTLED = error(
    "SubscriptionRequestsThrottled",
    f"Number of requests for subscription '{SUBSCRIPTION}' and operation 'PUT/X' exceeded the backend storage limit. "
    "Please try again after '6' seconds.",
)


def operation(status: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{EXTENSION}/operations/03f469a0", "name": "03f469a0-7f5b-4d3f-8b44-92fcd86771ab", "status": status, **more}


def extension(
    settings: dict[str, str] | None = None,
    protected: tuple[str, ...] = ("gateway.auth.token",),
    state: str = "Succeeded",
    **properties: Any,
) -> dict[str, Any]:
    """The resource as 2023-05-01 shows it: protected settings without their values."""
    return {
        "id": EXTENSION,
        "name": "apim-gateway",
        "type": "Microsoft.KubernetesConfiguration/extensions",
        "properties": {
            "extensionType": "microsoft.apimanagement.gateway",
            "autoUpgradeMinorVersion": True,
            "releaseTrain": "preview",
            "version": None,
            "currentVersion": "1.6.4",
            "scope": {"namespace": {"targetNamespace": "apim"}},
            "provisioningState": state,
            "configurationSettings": {"gateway.configuration.uri": URI} if settings is None else settings,
            "configurationProtectedSettings": dict.fromkeys(protected, ""),
            "statuses": [],
            "aksAssignedIdentity": None,
            "isSystemExtension": False,
            **properties,
        },
        "systemData": {"createdBy": None, "createdAt": "2026-07-19T18:31:24.4169171+00:00", "lastModifiedBy": None},
        "identity": {"type": "SystemAssigned", "principalId": "0f4b3a52-3b43-4c53-9d7e-2f4f9b1f6a55"},
    }


def cluster(status: str = "Connected", location: str = "norwayeast", **properties: Any) -> dict[str, Any]:
    return {
        "id": CLUSTER,
        "name": "oslo",
        "type": "microsoft.kubernetes/connectedclusters",
        "location": location,
        "tags": {"store": "7"},
        "properties": {
            "provisioningState": "Succeeded",
            "connectivityStatus": status,
            "distribution": "k3s",
            "kubernetesVersion": "1.28.5",
            "agentVersion": "1.15.6",
            "lastConnectivityTime": "2026-04-22T07:46:29.79Z",
            **properties,
        },
    }


def service(tier: str = "Developer", hosts: tuple[dict[str, str], ...] = (), url: str | None = "https://contoso.azure-api.net") -> dict[str, Any]:
    return {
        "id": SERVICE,
        "name": "contoso",
        "location": "Norway East",
        "sku": {"name": tier, "capacity": 1},
        "properties": {"gatewayUrl": url, "hostnameConfigurations": list(hosts)},
    }


def gateway(heartbeat: Any = (), location: dict[str, str] | None = None, **properties: Any) -> dict[str, Any]:
    located = {"name": "stores", "city": None, "district": None, "countryOrRegion": None, **(location or {})}
    beats = list(heartbeat) if isinstance(heartbeat, tuple) else heartbeat
    return {"id": GATEWAY, "name": "stores", "properties": {"locationData": located, "description": None, "heartbeat": beats, **properties}}
