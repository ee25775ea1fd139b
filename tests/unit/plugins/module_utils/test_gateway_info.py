# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._gateway_info import parse, read
from harness import azure
from harness.azure import GATEWAY, SERVICE
from harness.wire import Call, Wire

OPTIONS = {"resource_group": "rg", "service_name": "contoso", "name": None, "min_nodes": 0}
HOME = Call("GET", SERVICE, 200, azure.service())


def test_all_gateways(arm: Arm, wire: Wire) -> None:
    wire.expect(HOME, Call("GET", f"{SERVICE}/gateways", 200, {"value": [azure.gateway(), azure.gateway(heartbeat=({},))], "count": 2}))
    outcome = read(parse(OPTIONS), arm, True)
    assert not outcome.changed
    assert outcome.facts["service"] == {
        "id": SERVICE,
        "name": "contoso",
        "location": "norwayeast",
        "tier": "Developer",
        "configuration_uri": "https://contoso.configuration.azure-api.net",
    }
    assert [gateway["connected_nodes"] for gateway in outcome.facts["gateways"]] == [0, 1]
    assert outcome.facts["gateways"][0]["apis"] is None


def test_one_gateway(arm: Arm, wire: Wire) -> None:
    wire.expect(HOME, Call("GET", GATEWAY, 200, azure.gateway()), Call("GET", f"{GATEWAY}/apis", 200, {"value": [{"name": "orders"}]}))
    (gateway,) = read(parse(OPTIONS | {"name": "stores"}), arm, False).facts["gateways"]
    assert (gateway["id"], gateway["apis"]) == (GATEWAY, ["orders"])


def test_no_such_gateway(arm: Arm, wire: Wire) -> None:
    wire.expect(HOME, Call("GET", GATEWAY, 404, azure.NO_GATEWAY))
    assert read(parse(OPTIONS | {"name": "stores"}), arm, False).facts["gateways"] == []


def test_no_such_service(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", SERVICE, 404, azure.NO_SERVICE, azure.FROM_ARM))
    with pytest.raises(AzureFailure, match="service/contoso"):
        read(parse(OPTIONS), arm, False)


@pytest.mark.parametrize("given", [{"resource_group": ""}, {"service_name": "-"}, {"name": "managed"}, {"min_nodes": -1}])
def test_options_refused(given: dict) -> None:
    with pytest.raises(ApimError, match=f"^{next(iter(given))}: "):
        parse(OPTIONS | given)


@pytest.mark.parametrize(("heartbeat", "min_nodes", "healthy"), [((), 0, True), ((), 1, False), (({}, {}), 2, True), (({},), 2, False), (None, 5, True)])
def test_enough_nodes(arm: Arm, wire: Wire, heartbeat: Any, min_nodes: int, healthy: bool) -> None:
    """A number that Azure does not say counts as enough."""
    wire.expect(HOME, Call("GET", f"{SERVICE}/gateways", 200, {"value": [azure.gateway(heartbeat=heartbeat)]}))
    (gateway,) = read(parse(OPTIONS | {"min_nodes": min_nodes}), arm, False).facts["gateways"]
    assert (gateway["healthy"], bool(gateway["problems"])) == (healthy, not healthy)
    assert healthy or f"{len(heartbeat)} nodes are connected to the gateway 'stores', and {min_nodes} are needed" in gateway["problems"][0]
