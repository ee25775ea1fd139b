# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.KubernetesConfiguration/extensions on connected clusters, and their operations."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import TYPE_CHECKING, Any

from . import agent, kubernetes, providers
from .arm import ArmError, Call, Reply, Route, invalid_content, member
from .entra import url64
from .store import Row
from .world import ExtensionType, guid

if TYPE_CHECKING:
    from .app import Emulator

_TYPE = "Microsoft.KubernetesConfiguration/extensions"
_PATCHABLE = {
    "autoUpgradeMinorVersion",
    "autoUpgradeMode",
    "releaseTrain",
    "version",
    "configurationSettings",
    "configurationProtectedSettings",
}
_SERVED = {"api-supported-versions": ", ".join(sorted(providers.versions(_TYPE)))}
_FORCED = {
    "version": "1.1",
    "content": {"headers": []},
    "statusCode": 200,
    "reasonPhrase": "OK",
    "headers": [],
    "trailingHeaders": [],
    "requestMessage": None,
    "isSuccessStatusCode": True,
}  # what a forced delete really answers: a serialized .NET object


def body(emu: Emulator, row: Row, version: str) -> dict[str, Any]:
    """An extension as this api-version shows it: keys, their order, every protected value as an empty string."""
    wanted, operation = row["wanted"], row["operation"]
    installed = row["installed"]
    if (
        wanted["version"]
        and operation
        and operation["action"] != "Delete"
        and emu.clock.now() - operation["started"] >= 1
    ):
        installed = wanted[
            "version"
        ]  # a pin shows as the current version a second later, while it is still being installed
    old = version < "2022-11-01"
    properties: dict[str, Any] = {
        "extensionType": wanted["extensionType"],
        "autoUpgradeMinorVersion": wanted["autoUpgradeMinorVersion"],
    }
    if version >= "2025-03-01":
        properties["autoUpgradeMode"] = wanted["autoUpgradeMode"]
    properties |= {
        "releaseTrain": wanted["releaseTrain"],
        "version": wanted["version"] or installed if old else wanted["version"],
    }
    if not old:
        properties["currentVersion"] = installed
    properties |= {
        "scope": wanted["scope"],
        "provisioningState": row["state"],
        "configurationSettings": wanted["configurationSettings"],
        "configurationProtectedSettings": dict.fromkeys(wanted["configurationProtectedSettings"], ""),
        "statuses": row["statuses"],
        "aksAssignedIdentity": None,
    }
    if not old:
        properties["isSystemExtension"] = False
    if version >= "2025-03-01":
        properties |= {
            "extensionState": "Ready" if row["state"] == "Succeeded" else None,
            "additionalDetails": {"docs": None, "releaseNotes": None, "troubleshootingGuide": None},
        }
    if version == "2020-07-01-preview":
        del properties["configurationProtectedSettings"]
    shown = {
        "id": row["id"],
        "name": row["name"],
        "type": _TYPE,
        "properties": properties,
        "systemData": {
            "createdBy": None,
            "createdByType": None,
            "createdAt": row["created"],
            "lastModifiedBy": None,
            "lastModifiedByType": None,
            "lastModifiedAt": row["modified"],
        },
    }
    return shown | ({"identity": {"type": "SystemAssigned", "principalId": guid(row["id"])}} if row["identity"] else {})


def _id(call: Call) -> str:
    return kubernetes.need(call)["id"] + f"/providers/{_TYPE}/{call.params['extension']}"


def _find(call: Call) -> Row | None:
    row = call.emu.store.get("extensions", _id(call))
    return agent.settle(call.emu, row) if row else None


def _need(call: Call) -> Row:
    row = _find(call)
    if row is None:
        raise ArmError(
            404,
            "ResourceNotFound",
            f"Extension instance with name '{call.params['extension']}' not found.",
            headers=_SERVED,
            additionalInfo=[],
        )
    return row


def get(call: Call) -> Reply:
    return Reply(200, body(call.emu, _need(call), call.version), dict(_SERVED))


def list_extensions(call: Call) -> Reply:
    rows = [agent.settle(call.emu, row) for row in call.emu.store.children("extensions", kubernetes.need(call)["id"])]
    return Reply(
        200, {"value": [body(call.emu, row, call.version) for row in rows if row], "nextLink": None}, dict(_SERVED)
    )


def put(call: Call) -> Reply:
    """Create or replace: 201 either way, as every recording shows."""
    cluster, old = kubernetes.need(call), _find(call)
    if old and old["operation"]:
        # ASSUMPTION: 409; the public report shows code and text, not the status. Azure's other conflict here is a 409.
        raise ArmError(
            409,
            "UpdateFailed",
            "Update failed for this resource, as there is a conflicting operation in progress. Please try after "
            "sometime.",
        )
    wanted = _wanted(call, member(call.body, "properties"))
    _check_type(call, wanted["extensionType"], cluster)
    if old and (
        changed := [
            name for name in ("extensionType", "scope") if _folded(old["wanted"][name]) != _folded(wanted[name])
        ]
    ):
        # ASSUMPTION: refused. What Azure answers is not public; a client that never tries is right under any answer.
        raise ArmError(
            400, "ExtensionPropertyCannotBeChanged", f"{', '.join(changed)} of an existing extension cannot be changed."
        )
    identity = member(call.body, "identity")
    if identity and identity.get("type") != "SystemAssigned":
        raise invalid_content("The identity type must be 'SystemAssigned'. Path 'identity.type'")
    now = _stamp(call)
    row = {
        "id": old["id"] if old else _id(call),
        "parent": cluster["id"].lower(),
        "name": old["name"] if old else call.params["extension"],
        "created": old["created"] if old else now,
        "modified": now,
        "wanted": wanted,
        "identity": bool(identity),
        "installed": old["installed"] if old else None,
        "statuses": [],
        "state": "Creating",
    }
    headers = _begin(call, row, "Create", "Creating")
    region = cluster["location"].replace(" ", "").lower()
    # A host inside Azure, of no use to clients.
    headers["location"] = f"https://{region}.rp.kubernetesconfiguration.azure.com{row['id']}?api-version={call.version}"
    return Reply(201, body(call.emu, row, call.version), headers)


def patch(call: Call) -> Reply:
    """Update: settings are merged, protected settings replaced whole, a null version clears the pin."""
    old = _need(call)
    _refuse_conflict("PATCH", "ExtensionPatchFailed", old)
    properties = member(call.body, "properties") or {}
    if unknown := set(properties) - _PATCHABLE:
        # ASSUMPTION: refused; the specification has nothing else in PATCH. Ignoring it silently would hide mistakes of
        # clients.
        raise invalid_content(
            f"Could not find member '{sorted(unknown)[0]}' on object of type 'ExtensionPatch'. Path 'properties'"
        )
    wanted = dict(old["wanted"])
    for name, kind in (
        ("autoUpgradeMinorVersion", bool),
        ("autoUpgradeMode", str),
        ("releaseTrain", str),
        ("version", str),
    ):
        value = member(properties, name, kind)
        if value is not None or name == "version" and "version" in properties:
            wanted[name] = value
    wanted["configurationSettings"] = wanted["configurationSettings"] | _strings(properties, "configurationSettings")
    if properties.get("configurationProtectedSettings") is not None:
        wanted["configurationProtectedSettings"] = _strings(properties, "configurationProtectedSettings")
        _remember(call, wanted)
    _check_pin(call, wanted)
    if wanted == old["wanted"]:
        # ASSUMPTION: "No update is done" (200) carries the resource, and equal protected values count as no change.
        return Reply(200, body(call.emu, old, call.version), dict(_SERVED))
    row = old | {"wanted": wanted, "modified": _stamp(call), "statuses": [], "state": "Updating"}
    # ASSUMPTION: the body of the 202 is the resource with its new settings; no recording of one is public.
    headers = _begin(call, row, "Update", "Updating")
    return Reply(202, body(call.emu, row, call.version), headers)


def delete(call: Call) -> Reply:
    row = _find(call)
    if row is None:
        return Reply(204)
    if call.query.get("forcedelete", "").lower() == "true":
        agent.forget(call.emu, row)
        return Reply(200, _FORCED, dict(_SERVED))
    # ASSUMPTION: refused while another operation runs, like PATCH; a client that waits first is right either way.
    _refuse_conflict("DELETE", "ExtensionDeleteFailed", row)
    row = row | {"state": "Deleting"}
    return Reply(202, None, _begin(call, row, "Delete", "Deleting"))


def get_operation(call: Call) -> Reply:
    """Always 200, also while it runs. The URL must come back as it was given, signature included."""
    name = "api-Version" if call.version < "2025-03-01" else "api-version"
    expected = _signature(call.emu, call.path, name, call.version, call.query.get("t", ""))
    if {key: call.query.get(key) for key in expected} != expected:
        # ASSUMPTION: what Azure answers to a rebuilt URL is not public; any error does for clients that poll the URL
        # unchanged.
        raise ArmError(
            403, "InvalidOperationUrlSignature", "The operation URL was not used as it was given.", gateway=True
        )
    operation = call.emu.store.get("operations", call.params["operation"])
    if operation is None:
        raise ArmError(
            404,
            "ResourceNotFound",
            f"Operation '{call.params['operation']}' not found.",
            headers=_SERVED,
            additionalInfo=[],
        )
    if row := call.emu.store.get("extensions", operation["extension"]):
        agent.settle(call.emu, row)
    operation = call.emu.store.get("operations", call.params["operation"])
    assert operation
    shown = {
        "id": f"{operation['extension']}/operations/{operation['name']}",
        "name": operation["name"],
        "status": operation["status"],
    }
    return Reply(200, shown | ({"error": operation["error"]} if operation["error"] else {}), dict(_SERVED))


def _begin(call: Call, row: Row, action: str, status: str) -> dict[str, str]:
    """Start an operation on the extension; returns the headers that say where to ask about it."""
    emu, name = call.emu, str(uuid.uuid4())
    emu.store.put("operations", name, {"name": name, "extension": row["id"], "status": status, "error": None})
    row["operation"] = {"name": name, "action": action, "started": emu.clock.now()}
    emu.store.put("extensions", row["id"], row)
    path = row["id"].replace("/connectedClusters/", "/ConnectedClusters/") + f"/operations/{name}"
    parameter = "api-Version" if call.version < "2025-03-01" else "api-version"
    ticks = str(int(emu.clock.now() * 10_000_000) + 621_355_968_000_000_000)
    signed = "".join(f"&{key}={value}" for key, value in _signature(emu, path, parameter, call.version, ticks).items())
    return _SERVED | {"azure-asyncoperation": f"{emu.url}{path}?{parameter}={call.version}{signed}"}


def _signature(emu: Emulator, path: str, parameter: str, version: str, ticks: str) -> dict[str, str]:
    """The parameters that ARM appends: ticks, certificate, signature and hash; as long as the real ones."""
    text = f"{path.lower()}?{parameter}={version}&t={ticks}"
    key = emu.secrets.make("internal", "operations").encode()
    blocks = [hmac.new(key, f"{text}{number}".encode(), hashlib.sha512).digest() for number in range(4)]
    return {
        "t": ticks,
        "c": url64(emu.certificate * 3),
        "s": url64(b"".join(blocks)),
        "h": url64(hashlib.sha256(text.encode()).digest()),
    }


def _wanted(call: Call, properties: dict[str, Any] | None) -> dict[str, Any]:
    """The settable properties of a PUT, complete with defaults."""
    if not properties or not member(properties, "extensionType", str):
        raise invalid_content("Required property 'extensionType' not found in JSON. Path 'properties'")
    auto = member(properties, "autoUpgradeMinorVersion", bool)
    wanted = {
        "extensionType": properties["extensionType"],
        "autoUpgradeMinorVersion": True if auto is None else auto,
        "autoUpgradeMode": member(properties, "autoUpgradeMode", str) or "compatible",
        "releaseTrain": member(properties, "releaseTrain", str) or "Stable",
        "version": member(properties, "version", str) or None,
        "scope": _scope(member(properties, "scope")),
        "configurationSettings": _strings(properties, "configurationSettings"),
        "configurationProtectedSettings": _strings(properties, "configurationProtectedSettings"),
    }
    _remember(call, wanted)
    _check_pin(call, wanted)
    return wanted


def _scope(scope: dict[str, Any] | None) -> dict[str, Any]:
    cluster, namespace = member(scope, "cluster"), member(scope, "namespace")
    if cluster is not None and namespace is not None:
        raise invalid_content("Only one of 'cluster' and 'namespace' may be given. Path 'properties.scope'")
    if namespace is not None:
        if not member(namespace, "targetNamespace", str):
            raise invalid_content(
                "Required property 'targetNamespace' not found in JSON. Path 'properties.scope.namespace'"
            )
        return {"namespace": {"targetNamespace": namespace["targetNamespace"]}}
    # ASSUMPTION: without a scope the type's default applies; the one public listing of types says cluster scope,
    # namespace "gateway".
    return {"cluster": {"releaseNamespace": member(cluster, "releaseNamespace", str) or "gateway"}}


def _strings(properties: dict[str, Any], name: str) -> dict[str, str]:
    values = member(properties, name) or {}
    for key, value in values.items():
        if not isinstance(value, str):
            # ASSUMPTION: the wording; that only strings are taken is specified.
            raise invalid_content(f"Unexpected value when converting to a string. Path 'properties.{name}[{key!r}]'")
    return dict(values)


def _remember(call: Call, wanted: dict[str, Any]) -> None:
    for value in wanted["configurationProtectedSettings"].values():
        call.emu.secrets.saw("protected_setting", value)


def _check_pin(call: Call, wanted: dict[str, Any]) -> None:
    if call.version >= "2023-05-01" and wanted["version"] and wanted["autoUpgradeMinorVersion"]:
        # ASSUMPTION: code and text. That the pair is refused since 2023-05-01 is public. Not sending
        # autoUpgradeMinorVersion means true.
        raise ArmError(
            400,
            "InvalidExtensionVersionSettings",
            "Version cannot be set when AutoUpgradeMinorVersion is true. Set AutoUpgradeMinorVersion to false to pin "
            "a version.",
            headers=_SERVED,
        )


def catalogue(emu: Emulator, name: str) -> ExtensionType | None:
    return next((one for one in emu.world.extension_types if one.name.lower() == name.lower()), None)


def _check_type(call: Call, name: str, cluster: Row) -> None:
    kind, region = catalogue(call.emu, name), cluster["location"].replace(" ", "").lower()
    if kind is None or kind.regions and region not in kind.regions:
        # ASSUMPTION: 400; the public reports show code and text only.
        raise ArmError(
            400,
            "ExtensionTypeRegistrationGetFailed",
            f"Extension type {name.lower()} is not registered in region {region}. Extension is available in "
            f"{','.join(kind.regions if kind else [])}. Please try to install in these regions.",
            headers=_SERVED,
        )


def _refuse_conflict(method: str, code: str, row: Row) -> None:
    if row["operation"]:
        raise ArmError(
            409,
            code,
            f"The {method} method cannot be completed due to a conflict. (ProvisioningState of extension: "
            f"{row['state']}). Please wait for a few minutes for the ProvisioningState to change to Succeeded, Failed "
            "or Canceled and retry again. If the problem persists, please contact Microsoft support.",
            headers=_SERVED,
        )


def _folded(value: Any) -> str:
    return str(value).lower()


def _stamp(call: Call) -> str:
    moment = call.emu.clock.moment()
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}1+00:00"  # seven digits, as .NET writes them


_G = "/subscriptions/{subscription}/resourceGroups/{group}"
_E = _G + "/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/providers/" + _TYPE
ROUTES = [
    Route("GET", _E + "/{extension}", _TYPE, get),
    Route("GET", _E, _TYPE, list_extensions),
    Route("GET", _E + "/{extension}/operations/{operation}", _TYPE + "/operations", get_operation),
    Route("PUT", _E + "/{extension}", _TYPE, put),
    Route("PATCH", _E + "/{extension}", _TYPE, patch),
    Route("DELETE", _E + "/{extension}", _TYPE, delete),
]
