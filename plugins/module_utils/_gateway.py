# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The gateway resource in API Management: where it stands and which APIs it serves."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _service as service
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome

# The option's name: ARM's
_LOCATION = {"name": "name", "city": "city", "district": "district", "country_or_region": "countryOrRegion"}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_gateway), checked. None means that the task does not say."""

    resource_group: str
    service_name: str
    name: str
    present: bool
    description: str | None
    location_data: Mapping[str, str]
    apis: frozenset[str] | None
    purge_apis: bool


def gateway_path(arm: Arm, resource_group: str, service_name: str, name: str) -> str:
    return f"{service.service_path(arm.subscription_id, resource_group, service_name)}/gateways/{name}"


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    location = {name: value for name, value in (options["location_data"] or {}).items() if value is not None}
    for name, value in location.items():
        if len(value) > 256 or name == "name" and not value:
            raise ApimError(f"location_data.{name}: {value[:40]!r} has {len(value)} characters. Azure takes 1 to 256.")
    if options["purge_apis"] and options["apis"] is None:
        raise ApimError("purge_apis: true needs apis. Give apis=[] to take every API from the gateway.")
    return Wanted(
        resource_group=check_name("resource_group", options["resource_group"]),
        service_name=check_name("service_name", options["service_name"]),
        name=check_name("gateway", options["name"], "name"),
        present=options["state"] == "present",
        description=options["description"],
        location_data=location,
        apis=None if options["apis"] is None else frozenset(check_name("api", api, "apis") for api in options["apis"]),
        purge_apis=options["purge_apis"],
    )


def facts(body: Mapping[str, t.Any], apis: t.Iterable[str] | None = None) -> dict[str, t.Any]:
    """The gateway as a return value.

    C(connected_nodes) counts the entries of C(properties.heartbeat), which Azure returns but does not document; None
    when it is not there. One entry a connected node is what the portal shows.
    """
    properties = body.get("properties") or {}
    location = properties.get("locationData") or {}
    heartbeat = properties.get("heartbeat")
    return {
        "id": body.get("id"),
        "name": body.get("name"),
        "description": properties.get("description") or "",
        "location_data": {name: location.get(wire) or "" for name, wire in _LOCATION.items()},
        "apis": None if apis is None else sorted(apis),
        "connected_nodes": len(heartbeat) if isinstance(heartbeat, list) else None,
    }


def served_apis(arm: Arm, path: str) -> frozenset[str]:
    """The names of the APIs that the gateway serves."""
    members = arm.members(f"list the APIs of the gateway {path}", f"{path}/apis", service.API_VERSION)
    return frozenset(str(member["name"]) for member in members if member.get("name"))


def ensure(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """Create, update or remove the gateway and say which APIs it serves.

    :raises ApimError: the service's tier has no self-hosted gateways, or Azure refused.
    """
    path = gateway_path(arm, wanted.resource_group, wanted.service_name, wanted.name)
    found = arm.find(f"read the gateway {path}", path, service.API_VERSION)
    if not wanted.present:
        return _remove(arm, path, found.body if found else None, check_mode)

    body = found.body if found else {}
    serves = served_apis(arm, path) if found and wanted.apis is not None else frozenset()
    before = _view(body.get("properties") or {}, serves, wanted) if found else {}
    properties = _properties(wanted, body.get("properties"))
    target = (serves if not wanted.purge_apis else frozenset()) | (wanted.apis or frozenset())
    after = _view(properties, target, wanted)
    changed = before != after
    if changed:
        service.check_tier(service.read(arm, path.rpartition("/gateways/")[0]))
    if changed and not check_mode:
        if properties != _comparable(body.get("properties")):
            # The ETag turns a change by somebody else in between into an error (HTTP 412) instead of a lost update.
            match = {"If-Match": found.headers.get("ETag") or "*"} if found else {}
            doing = f"{'update' if found else 'create'} the gateway {path}"
            body = arm.call(doing, "PUT", path, service.API_VERSION, {"properties": properties}, match).body
        for api in sorted(target - serves):
            _assign(arm, path, api)
        for api in sorted(serves - target):
            arm.call(f"take the API {api!r} from the gateway {path}", "DELETE", f"{path}/apis/{api}", service.API_VERSION)
    now = target if changed and not check_mode else serves
    return Outcome(
        changed,
        {"gateway": facts(body, None if wanted.apis is None else now) if body else None},
        before,
        after,
    )


def _assign(arm: Arm, path: str, api: str) -> None:
    doing = f"assign the API {api!r} to the gateway {path}"
    try:
        arm.call(doing, "PUT", f"{path}/apis/{api}", service.API_VERSION, {"properties": {"provisioningState": "created"}})
    except AzureFailure as failure:
        if failure.status in (400, 404):
            raise ApimError(f"{failure} Check apis: the service must have an API of that name.", **failure.facts) from None
        raise


def _remove(arm: Arm, path: str, body: Mapping[str, t.Any] | None, check_mode: bool) -> Outcome:
    if body is None:
        return Outcome(False, {"gateway": None}, {}, {})
    if not check_mode:
        arm.call(f"delete the gateway {path}", "DELETE", path, service.API_VERSION, headers={"If-Match": "*"})
    return Outcome(True, {"gateway": facts(body) if check_mode else None}, facts(body), {})


def _comparable(properties: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The writable properties without empty values, which Azure shows as null, as '' or not at all."""
    properties = properties or {}
    location = {name: value for name, value in (properties.get("locationData") or {}).items() if value}
    description = properties.get("description")
    return {"locationData": location} | ({"description": description} if description else {})


def _properties(wanted: Wanted, observed: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The properties to send: what the task does not name stays. Azure insists on a location name."""
    result = _comparable(observed)
    location = result["locationData"] | {_LOCATION[name]: value for name, value in wanted.location_data.items()}
    result["locationData"] = {"name": wanted.name} | location
    if wanted.description is not None:
        result["description"] = wanted.description
    return _comparable(result)


def _view(properties: Mapping[str, t.Any], apis: frozenset[str], wanted: Wanted) -> dict[str, t.Any]:
    shown = _comparable(properties)
    return shown | ({} if wanted.apis is None else {"apis": sorted(apis)})
