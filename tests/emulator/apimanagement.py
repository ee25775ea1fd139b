# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.ApiManagement/service: the service, its APIs, its self-hosted gateways with their keys and tokens."""

from __future__ import annotations

import re
import secrets
import struct
from datetime import datetime, timedelta, timezone
from typing import Any

from . import agent, gateway_token
from .arm import ArmError, Call, Reply, Route, member, not_found
from .entra import base64
from .store import Row

_TYPE = "Microsoft.ApiManagement/service"
_LONGEST = timedelta(days=30)


def validation_error(target: str, message: str) -> ArmError:
    return ArmError(
        400,
        "ValidationError",
        "One or more fields contain incorrect values:",
        details=[{"code": "ValidationError", "target": target, "message": message}],
    )


def _etag(row: Row) -> str:
    return f'"{base64(struct.pack("<Q", row["etag"]))}"'


# --- the service ------------------------------------------------------------------------------------------------------


def _service(call: Call, reading: str | None = None) -> Row:
    """The service of a call. ARM's 404 differs for what lies below a missing one (`reading`: the type below)."""
    name = call.params["service"]
    row = call.emu.store.get("services", call.id(f"{_TYPE}/{name}"))
    if row:
        return row
    if reading:
        verb = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(call.method, "write")
        raise ArmError(
            404,
            "ParentResourceNotFound",
            f"Failed to perform '{verb}' on resource(s) of type '{reading}', because the parent resource "
            f"'{call.id(f'{_TYPE}/{name}')}' could not be found.",
            gateway=True,
        )
    raise not_found(call, _TYPE, name)


def service_body(row: Row) -> dict[str, Any]:
    name, region = row["name"], row["location"].replace(" ", "").lower()
    hostnames = [
        {
            "type": "Proxy",
            "hostName": f"{name}.azure-api.net",
            "negotiateClientCertificate": False,
            "defaultSslBinding": True,
            "certificateSource": "BuiltIn",
        }
    ]
    hostnames += [
        {
            "type": one["type"],
            "hostName": one["host"],
            "negotiateClientCertificate": False,
            "certificateSource": "Custom",
        }
        for one in row["hostnames"]
    ]
    return {
        "etag": base64(name.encode()[:8].ljust(8)),
        "properties": {
            "publisherEmail": "api@emulated.invalid",
            "publisherName": "Emulated",
            "provisioningState": "Succeeded",
            "targetProvisioningState": "",
            "createdAtUtc": "2024-01-15T08:00:00.0000000Z",
            "gatewayUrl": f"https://{name}.azure-api.net",
            "gatewayRegionalUrl": f"https://{name}-{region}-01.regional.azure-api.net",
            "portalUrl": f"https://{name}.portal.azure-api.net",
            "developerPortalUrl": f"https://{name}.developer.azure-api.net",
            "managementApiUrl": f"https://{name}.management.azure-api.net",
            "scmUrl": f"https://{name}.scm.azure-api.net",
            "hostnameConfigurations": hostnames,
            "publicIPAddresses": ["203.0.113.10"],
            "privateIPAddresses": None,
            "additionalLocations": None,
            "virtualNetworkConfiguration": None,
            "customProperties": {},
            "virtualNetworkType": "None",
            "certificates": None,
            "disableGateway": False,
            "natGatewayState": "Disabled",
            "apiVersionConstraint": {"minApiVersion": None},
            "publicNetworkAccess": "Enabled",
            "platformVersion": "stv2",
        },
        "sku": {"name": row["sku"], "capacity": 1},
        "identity": None,
        "zones": None,
        "location": row["location"],
        "tags": {},
        "id": row["id"],
        "name": name,
        "type": _TYPE,
    }


def get_service(call: Call) -> Reply:
    shown = service_body(_service(call))
    return Reply(200, shown, {"etag": f'"{shown["etag"]}"'}, crlf=True)


def list_services(call: Call) -> Reply:
    scope = f"/subscriptions/{call.params['subscription']}/"
    if group := call.params.get("group"):
        scope += f"resourceGroups/{group}/"
    rows = [row for row in call.emu.store.all("services") if row["id"].lower().startswith(scope.lower())]
    return Reply(200, {"value": [service_body(row) for row in rows]}, crlf=True)


def _api_body(parent: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "id": f"{parent}/apis/{name}",
        "type": f"{kind}/apis",
        "name": name,
        "properties": {
            "displayName": name.replace("-", " ").title(),
            "apiRevision": "1",
            "description": None,
            "subscriptionRequired": True,
            "serviceUrl": f"https://{name}.emulated.invalid",
            "path": name,
            "protocols": ["https"],
            "isCurrent": True,
        },
    }


def list_service_apis(call: Call) -> Reply:
    service = _service(call, "service/apis")
    values = [_api_body(service["id"], _TYPE, name) for name in service["apis"]]
    return Reply(200, {"value": values, "count": len(values)}, crlf=True)


# --- gateways ---------------------------------------------------------------------------------------------------------


def _gateway_id(service: Row, call: Call) -> str:
    return f"{service['id']}/gateways/{call.params['gateway']}"


def _find(call: Call) -> tuple[Row, Row | None]:
    service = _service(call, "service/gateways")
    return service, call.emu.store.get("gateways", _gateway_id(service, call))


def _need(call: Call, below: bool = False) -> tuple[Row, Row]:
    """Service and gateway of a call. A missing gateway is a 404, but a 400 to calls on something `below` it."""
    service, row = _find(call)
    if row is None:
        if below:
            raise validation_error("gwid", "Gateway not found")
        # ASSUMPTION: the text; code and status are what API Management says of other missing entities.
        raise ArmError(404, "ResourceNotFound", "Gateway not found.", details=None)
    return service, row


def _body(row: Row, heartbeat: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": f"{_TYPE}/gateways",
        "name": row["name"],
        "properties": {"locationData": row["locationData"], "description": row["description"], "heartbeat": heartbeat},
    }


def _match(call: Call, row: Row, needed: bool = False) -> None:
    """If-Match: `*` or the ETag. Without one, PUT and DELETE go through, as clients that send none know."""
    given = call.headers.get("if-match")
    if given is None and needed:
        raise validation_error("If-Match", "If-Match header is required.")  # ASSUMPTION: the wording
    if given not in (None, "*", _etag(row)):
        # ASSUMPTION: the body; only the status is specified.
        raise ArmError(
            412,
            "PreconditionFailed",
            "The request could not be completed: the resource was changed since it was read.",
            details=None,
        )


def get_gateway(call: Call) -> Reply:
    service, row = _need(call)
    return Reply(200, _body(row, agent.heartbeat(call.emu, service, row)), {"etag": _etag(row)}, crlf=True)


def list_gateways(call: Call) -> Reply:
    service = _service(call, "service/gateways")
    rows = call.emu.store.children("gateways", service["id"])
    try:
        skip, top = int(call.query.get("$skip", 0)), int(call.query.get("$top", 1000))
    except ValueError:
        raise validation_error("$top", "The value must be a number.") from None
    reply: dict[str, Any] = {
        "value": [_body(row, agent.heartbeat(call.emu, service, row)) for row in rows[skip : skip + top]],
        "count": len(rows),
    }
    if skip + top < len(rows):
        reply["nextLink"] = f"{call.emu.url}{call.path}?api-version={call.version}&$top={top}&$skip={skip + top}"
    return Reply(200, reply, crlf=True)


def _properties(call: Call, row: Row | None) -> dict[str, Any]:
    """`locationData` and `description` of a PUT (row None) or PATCH, checked."""
    given = member(call.body, "properties") or {}
    location = member(given, "locationData")
    if row is None or location is not None:
        location = {name: member(location, name, str) for name in ("name", "city", "district", "countryOrRegion")}
        if not location["name"] or len(location["name"]) > 256:
            raise validation_error("locationData.name", "A location name of at most 256 characters is required.")
    description = member(given, "description", str)
    if len(description or "") > 1000:
        raise validation_error("description", "The description may have at most 1000 characters.")
    kept = {"locationData": row["locationData"], "description": row["description"]} if row else {"description": None}
    return (
        kept
        | ({"locationData": location} if location else {})
        | ({"description": description} if "description" in given else {})
    )


def put_gateway(call: Call) -> Reply:
    service, old = _find(call)
    name = call.params["gateway"]
    if not re.fullmatch(r"[^*#&+:<>?/]{1,80}", name) or name.lower() == "managed":
        raise validation_error(
            "gatewayId", "The gateway id must have 1 to 80 characters, without *#&+:<>?, and must not be 'managed'."
        )
    if old:
        _match(call, old)
    new = {"id": _gateway_id(service, call), "parent": service["id"].lower(), "name": name, "apis": [], "keys": {}}
    row = (old or new | {"etag": 0}) | _properties(call, None)
    row["etag"] += 1
    if not old:
        for which in ("primary", "secondary"):
            _new_key(call, row, which)
    call.emu.store.put("gateways", row["id"], row)
    return Reply(200 if old else 201, _body(row, None), {"etag": _etag(row)}, crlf=True)


def patch_gateway(call: Call) -> Reply:
    _parent, row = _need(call)
    _match(call, row, needed=True)
    row = row | _properties(call, row) | {"etag": row["etag"] + 1}
    call.emu.store.put("gateways", row["id"], row)
    return Reply(200, _body(row, None), {"etag": _etag(row)}, crlf=True)


def delete_gateway(call: Call) -> Reply:
    _parent, row = _find(call)
    if row is None:
        return Reply(204)
    _match(call, row)
    call.emu.store.delete("gateways", row["id"])
    return Reply(200)


# --- keys and tokens --------------------------------------------------------------------------------------------------


def _new_key(call: Call, row: Row, which: str) -> None:
    row["keys"] = row["keys"] | {which: ""}  # from now on the generated one, even where the world file gave another
    call.emu.secrets.replace("gateway_key", f"{row['id']}/{which}", secrets.token_bytes(64))


def list_keys(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    return Reply(
        200,
        {which: call.emu.secrets.gateway_key(row, which) for which in ("primary", "secondary")},
        {"etag": _etag(row)},
        crlf=True,
    )


def _which(call: Call) -> str:
    which = (member(call.body, "keyType", str) or "").lower()
    if which not in ("primary", "secondary"):
        raise validation_error("keyType", "The key type must be 'primary' or 'secondary'.")
    return which


def regenerate_key(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    _new_key(call, row, _which(call))
    call.emu.store.put("gateways", row["id"], row)
    return Reply(204)


def generate_token(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    which, text = _which(call), member(call.body, "expiry", str) or ""
    try:
        expiry = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text).replace("Z", "+00:00"))
    except ValueError:
        raise validation_error("expiry", "The expiry must be a date and time in UTC.") from None
    expiry = expiry if expiry.tzinfo else expiry.replace(tzinfo=timezone.utc)
    if expiry - call.emu.clock.moment() > _LONGEST:
        # ASSUMPTION: refused with this shape and wording; the limit is specified, the answer is not. An expiry in the
        # past is taken, as one equal to now was.
        raise validation_error("expiry", "Maximum token expiry time is set to 30 days.")
    value = gateway_token.sign(call.emu.secrets.gateway_key(row, which), row["name"], expiry)
    call.emu.secrets.saw("gateway_token", value)
    return Reply(200, {"value": value}, crlf=True)


# --- the APIs that a gateway serves -----------------------------------------------------------------------------------


def list_apis(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    values = [_api_body(row["id"], f"{_TYPE}/gateways", name) for name in row["apis"]]
    return Reply(200, {"value": values, "count": len(values)}, crlf=True)


def _assigned(call: Call, row: Row) -> str | None:
    return next((name for name in row["apis"] if name.lower() == call.params["api"].lower()), None)


def get_api(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    if not _assigned(call, row):
        raise ArmError(404, "ResourceNotFound", "API not found.", details=None)  # ASSUMPTION: the text
    # ASSUMPTION: HEAD of an assigned API is 204, as for API Management's other associations; GET is not specified and
    # answers like PUT.
    if call.method == "HEAD":
        return Reply(204)
    return Reply(200, _api_body(row["id"], f"{_TYPE}/gateways", call.params["api"]), crlf=True)


def put_api(call: Call) -> Reply:
    service, row = _need(call, below=True)
    name = next((one for one in service["apis"] if one.lower() == call.params["api"].lower()), None)
    if name is None:
        raise validation_error("apiId", "API not found.")  # ASSUMPTION: by analogy with the missing gateway
    new = not _assigned(call, row)
    if new:
        call.emu.store.put("gateways", row["id"], row | {"apis": [*row["apis"], name]})
    return Reply(201 if new else 200, _api_body(row["id"], f"{_TYPE}/gateways", name), crlf=True)


def delete_api(call: Call) -> Reply:
    _parent, row = _need(call, below=True)
    name = _assigned(call, row)
    if not name:
        return Reply(204)
    call.emu.store.put("gateways", row["id"], row | {"apis": [one for one in row["apis"] if one != name]})
    return Reply(200)


_P = "/providers/Microsoft.ApiManagement/service"
_V = "/subscriptions/{subscription}/resourceGroups/{group}" + _P + "/{service}"
_W = _V + "/gateways/{gateway}"
_GATEWAYS = _TYPE + "/gateways"
ROUTES = [
    Route("GET", "/subscriptions/{subscription}" + _P, _TYPE, list_services),
    Route("GET", "/subscriptions/{subscription}/resourceGroups/{group}" + _P, _TYPE, list_services),
    Route("GET", _V, _TYPE, get_service),
    Route("GET", _V + "/apis", _TYPE + "/apis", list_service_apis),
    Route("GET", _V + "/gateways", _GATEWAYS, list_gateways),
    Route("GET", _W, _GATEWAYS, get_gateway),
    Route("HEAD", _W, _GATEWAYS, get_gateway),
    Route("PUT", _W, _GATEWAYS, put_gateway),
    Route("PATCH", _W, _GATEWAYS, patch_gateway),
    Route("DELETE", _W, _GATEWAYS, delete_gateway),
    Route("POST", _W + "/listKeys", _GATEWAYS, list_keys, action="listKeys", reads=True),
    Route("POST", _W + "/regenerateKey", _GATEWAYS, regenerate_key, action="regenerateKey"),
    Route("POST", _W + "/generateToken", _GATEWAYS, generate_token, action="generateToken", reads=True),
    Route("GET", _W + "/apis", _GATEWAYS + "/apis", list_apis),
    *(
        Route(method, _W + "/apis/{api}", _GATEWAYS + "/apis", handler)
        for method, handler in (("GET", get_api), ("HEAD", get_api), ("PUT", put_api), ("DELETE", delete_api))
    ),
]
