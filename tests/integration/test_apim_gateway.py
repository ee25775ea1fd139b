# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules apim_gateway and apim_gateway_info."""
from __future__ import annotations

from typing import Any

from harness.emulator import Emulator
from harness.site import APIM, gateway_id, writes
from harness.steps import RunPlaybook, play, three_ways

MODULE = "arcfleet.apim.apim_gateway"
INFO = "arcfleet.apim.apim_gateway_info"
SERVICE = {"resource_group": "rg-apim", "service_name": "apim-emulated"}
STORES = SERVICE | {"name": "stores"}


def read(emulator: Emulator, name: str = "stores") -> dict[str, Any] | None:
    """Properties of the gateway and the names of its APIs."""
    found = emulator.azure("GET", gateway_id(emulator, name), api_version=APIM)
    if not found:
        return None
    apis = emulator.azure("GET", f"{gateway_id(emulator, name)}/apis", api_version=APIM)["value"]
    return found["properties"] | {"apis": [api["name"] for api in apis]}


def sent(emulator: Emulator) -> list[tuple[str, str]]:
    return [(request["method"], request["path"].rpartition("/service/")[2]) for request in writes(emulator) if request["status"] < 400]


def test_life(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    done = three_ways(run_playbook, MODULE, STORES)
    assert done["diff"] == {"before": {}, "after": {"locationData": {"name": "stores"}}}
    assert done["gateway"]["id"] == gateway_id(emulator)
    assert read(emulator) == {
        "locationData": {"name": "stores", "city": None, "district": None, "countryOrRegion": None}, "description": None, "heartbeat": [], "apis": []}

    location = {"name": "Stores", "city": "Oslo", "district": "Sentrum", "country_or_region": "Norway"}
    done = three_ways(run_playbook, MODULE, STORES | {"description": "Runs in every store", "location_data": location})
    assert done["diff"]["before"] == {"locationData": {"name": "stores"}}
    assert done["diff"]["after"] == {"description": "Runs in every store", "locationData": {
        "name": "Stores", "city": "Oslo", "district": "Sentrum", "countryOrRegion": "Norway"}}
    assert done["gateway"]["location_data"] == location

    # What the task does not name stays.
    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, STORES | {"location_data": {"city": ""}, "apis": ["orders", "prices"], "state": "present"})
    assert done["diff"]["before"]["apis"] == []
    assert done["diff"]["after"]["apis"] == done["gateway"]["apis"] == ["orders", "prices"]
    assert sent(emulator) == [("PUT", "apim-emulated/gateways/stores"), ("PUT", "apim-emulated/gateways/stores/apis/orders"),
                              ("PUT", "apim-emulated/gateways/stores/apis/prices")]
    assert read(emulator) == {
        "locationData": {"name": "Stores", "city": None, "district": "Sentrum", "countryOrRegion": "Norway"},
        "description": "Runs in every store", "heartbeat": [], "apis": ["orders", "prices"]}

    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, STORES | {"apis": ["prices", "stock"], "purge_apis": True, "description": ""})
    assert (done["diff"]["before"]["apis"], done["diff"]["after"]["apis"]) == (["orders", "prices"], ["prices", "stock"])
    assert ("DELETE", "apim-emulated/gateways/stores/apis/orders") in sent(emulator)
    left = read(emulator)
    assert left and left["apis"] == ["prices", "stock"]
    assert not left["description"]

    done = three_ways(run_playbook, MODULE, STORES | {"state": "absent"})
    assert done["diff"]["before"]["name"] == "stores"
    assert done["diff"]["after"] == {}
    assert done["gateway"] is None
    assert read(emulator) is None


def test_info(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    emulator.azure("PUT", gateway_id(emulator), {"properties": {"locationData": {"name": "Stores"}, "description": "All of them"}}, APIM)
    emulator.azure("PUT", f"{gateway_id(emulator)}/apis/stock", {}, APIM)
    emulator.forget_requests()
    run = run_playbook(play(
        {"name": "One", INFO: STORES},
        {"name": "All", INFO: SERVICE},
        {"name": "None", INFO: STORES | {"name": "nowhere"}},
        {"name": "Too few", INFO: STORES | {"min_nodes": 1}},
        {"name": "Custom host name", INFO: SERVICE | {"service_name": "apim-custom"}},
    ), check=True)
    assert run.changed == 0
    one = run.result("One")
    assert one["service"] == {"id": gateway_id(emulator).rpartition("/gateways/")[0], "name": "apim-emulated", "location": "westeurope", "tier": "Premium",
                              "configuration_uri": "https://apim-emulated.configuration.azure-api.net"}
    assert one["gateways"] == [{
        "id": gateway_id(emulator), "name": "stores", "description": "All of them", "apis": ["stock"], "connected_nodes": 0,
        "location_data": {"name": "Stores", "city": "", "district": "", "country_or_region": ""}, "healthy": True, "problems": []}]
    assert run.result("All")["gateways"] == [one["gateways"][0] | {"apis": None}]
    assert run.result("None")["gateways"] == []
    (alone,) = run.result("Too few")["gateways"]
    assert not alone["healthy"]
    assert alone["problems"][0].startswith("0 nodes are connected to the gateway 'stores', and 1 are needed.")
    custom = run.result("Custom host name")
    assert custom["service"]["configuration_uri"] == "https://configuration.contoso.example"
    assert custom["service"]["location"] == "northeurope"
    assert [gateway["name"] for gateway in custom["gateways"]] == ["existing", "other"]
    assert not writes(emulator)
