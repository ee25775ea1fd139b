# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Reading the gateways of a service."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway as gateway
from ansible_collections.arcfleet.apim.plugins.module_utils import _service as service
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._cluster import normal_location
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_gateway_info), checked."""

    resource_group: str
    service_name: str
    name: str | None
    min_nodes: int


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    if options["min_nodes"] < 0:
        raise ApimError(f"min_nodes: {options['min_nodes']} is negative. Give the number of nodes that have to be connected.")
    return Wanted(
        resource_group=check_name("resource_group", options["resource_group"]),
        service_name=check_name("service_name", options["service_name"]),
        name=None if options["name"] is None else check_name("gateway", options["name"], "name"),
        min_nodes=options["min_nodes"],
    )


def read(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """The service's configuration endpoint, and one gateway or all of them.

    :raises AzureFailure: the service does not exist, or something may not be read.
    """
    path = service.service_path(arm.subscription_id, wanted.resource_group, wanted.service_name)
    home = service.read(arm, path)
    if wanted.name is None:
        members = arm.members(f"list the gateways of {path}", f"{path}/gateways", service.API_VERSION)
        gateways = [gateway.facts(member) for member in members]
    else:
        own = f"{path}/gateways/{wanted.name}"
        found = arm.find(f"read the gateway {own}", own, service.API_VERSION)
        gateways = [gateway.facts(found.body, gateway.served_apis(arm, own))] if found else []
    return Outcome(
        False,
        {
            "service": {
                "id": home.get("id"),
                "name": home.get("name"),
                "location": normal_location(home.get("location") or ""),
                "tier": service.tier(home),
                "configuration_uri": service.configuration_uri(home),
            },
            "gateways": [_judged(each, wanted.min_nodes) for each in gateways],
        },
    )


def _judged(found: Mapping[str, t.Any], min_nodes: int) -> dict[str, t.Any]:
    """The gateway with what is wrong with it. A number of nodes that Azure does not say counts as enough."""
    nodes = found["connected_nodes"]
    problems = []
    if nodes is not None and nodes < min_nodes:
        problems.append(
            f"{nodes} nodes are connected to the gateway {found['name']!r}, and {min_nodes} are needed. Ready pods whose token "
            "has ended, or whose key was regenerated, are not connected; deploying gives them a new token."
        )
    return {**found, "healthy": not problems, "problems": problems}
