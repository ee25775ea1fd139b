# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway resource in API Management, call by call."""
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._gateway import Wanted, ensure, facts, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome
from ansible_collections.arcfleet.apim.plugins.modules.apim_gateway import TASK
from harness import azure
from harness.azure import GATEWAY, SERVICE
from harness.wire import Call, Wire

NOTHING = Call("GET", GATEWAY, 404, azure.NO_GATEWAY)
PREMIUM = Call("GET", SERVICE, 200, azure.service("Premium"))


def wanted(**given: Any) -> Wanted:
    defaults = {name: spec.get("default") for name, spec in TASK.options.items()}
    return parse({**defaults, "resource_group": "rg", "service_name": "contoso", "name": "stores", **given})


def run(arm: Arm, check_mode: bool = False, **given: Any) -> Outcome:
    return ensure(wanted(**given), arm, check_mode)


def seen(**given: Any) -> Call:
    return Call("GET", GATEWAY, 200, azure.gateway(**given), {"ETag": '"7"'})


def apis(*names: str) -> Call:
    return Call("GET", f"{GATEWAY}/apis", 200, {"value": [{"name": name} for name in names], "count": len(names)})


def put(status: int = 200, **given: Any) -> Call:
    return Call("PUT", GATEWAY, status, azure.gateway(heartbeat=None, **given))


def assign(name: str) -> Call:
    return Call("PUT", f"{GATEWAY}/apis/{name}", 201, {"name": name})


def take(name: str) -> Call:
    return Call("DELETE", f"{GATEWAY}/apis/{name}", 200)


def test_create(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING, PREMIUM, put(201), assign("orders"), assign("stock"))
    outcome = run(arm, apis=["stock", "orders"])
    created, *assigned = wire.bodies("PUT")
    assert created == {"properties": {"locationData": {"name": "stores"}}}  # Azure insists on a location
    assert assigned == [{"properties": {"provisioningState": "created"}}] * 2
    assert "If-Match" not in wire.sent[2].headers
    assert (outcome.changed, outcome.before) == (True, {})
    assert outcome.after == {"locationData": {"name": "stores"}, "apis": ["orders", "stock"]}
    assert outcome.facts["gateway"]["apis"] == ["orders", "stock"]


def test_create_with_everything(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING, PREMIUM, put(201))
    run(arm, description="Shops", location_data={"name": "Oslo", "city": "Oslo", "district": None, "country_or_region": "Norway"})
    location = {"name": "Oslo", "city": "Oslo", "countryOrRegion": "Norway"}
    assert wire.bodies("PUT") == [{"properties": {"locationData": location, "description": "Shops"}}]


@pytest.mark.parametrize(
    ("present", "given"),
    [
        ({}, {}),
        ({}, {"description": ""}),
        ({"description": "Shops"}, {}),
        ({"description": "Shops"}, {"description": "Shops"}),
        ({"location": {"name": "Elsewhere", "city": "Oslo"}}, {"location_data": {"city": "Oslo", "district": ""}}),
    ],
)
def test_nothing_to_do(arm: Arm, wire: Wire, present: dict, given: dict) -> None:
    wire.expect(seen(**present))
    outcome = run(arm, **given)
    assert not outcome.changed and outcome.before == outcome.after


@pytest.mark.parametrize(
    ("serves", "given"),
    [
        (["orders"], {"apis": ["orders"]}),
        (["orders", "stock"], {"apis": ["orders"]}),
        (["orders"], {"apis": []}),
        (["orders"], {"apis": ["orders", "orders"], "purge_apis": True}),
        ([], {"apis": [], "purge_apis": True}),
    ],
)
def test_nothing_to_do_about_apis(arm: Arm, wire: Wire, serves: list[str], given: dict) -> None:
    wire.expect(seen(), apis(*serves))
    outcome = run(arm, **given)
    assert (outcome.changed, outcome.facts["gateway"]["apis"]) == (False, serves)


@pytest.mark.parametrize(
    ("present", "given", "sent"),
    [
        (
            {"description": "Shops", "location": {"name": "Oslo", "city": "Oslo"}},
            {"location_data": {"city": "Bergen"}},
            {"locationData": {"name": "Oslo", "city": "Bergen"}, "description": "Shops"},
        ),
        ({"description": "Shops"}, {"description": ""}, {"locationData": {"name": "stores"}}),
        ({}, {"description": "Shops"}, {"locationData": {"name": "stores"}, "description": "Shops"}),
        ({"location": {"city": "Oslo"}}, {"location_data": {"city": ""}}, {"locationData": {"name": "stores"}}),
    ],
)
def test_update_keeps_what_the_task_does_not_name(arm: Arm, wire: Wire, present: dict, given: dict, sent: dict) -> None:
    wire.expect(seen(**present), PREMIUM, put())
    assert run(arm, **given).changed
    assert wire.bodies("PUT") == [{"properties": sent}]
    assert wire.sent[-1].headers["If-Match"] == '"7"'


def test_apis_only(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(heartbeat=({}, {})), apis("old", "stock"), PREMIUM, assign("orders"), take("old"))
    outcome = run(arm, apis=["orders", "stock"], purge_apis=True)
    assert (outcome.before["apis"], outcome.after["apis"]) == (["old", "stock"], ["orders", "stock"])
    assert (outcome.facts["gateway"]["apis"], outcome.facts["gateway"]["connected_nodes"]) == (["orders", "stock"], 2)


def test_apis_without_purge_only_come(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), apis("old"), PREMIUM, assign("orders"))
    assert run(arm, apis=["orders"]).after["apis"] == ["old", "orders"]


@pytest.mark.parametrize(
    ("calls", "given"),
    [
        ((NOTHING, PREMIUM), {"apis": ["orders"]}),
        ((seen(), PREMIUM), {"description": "Shops"}),
        ((seen(), apis("old"), PREMIUM), {"apis": ["orders"], "purge_apis": True}),
        ((seen(),), {"state": "absent"}),
    ],
)
def test_check_mode_writes_nothing(arm: Arm, wire: Wire, calls: tuple[Call, ...], given: dict) -> None:
    wire.expect(*calls)
    outcome = run(arm, check_mode=True, **given)
    assert outcome.changed and outcome.before != outcome.after
    shown = outcome.facts["gateway"]
    assert shown is None if calls[0] is NOTHING else shown["name"] == "stores"
    if len(calls) == 3:
        assert shown["apis"] == ["old"], "what it serves now"


def test_remove(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), Call("DELETE", GATEWAY, 200))
    outcome = run(arm, state="absent")
    assert (outcome.changed, outcome.facts, outcome.after) == (True, {"gateway": None}, {})
    assert wire.sent[-1].headers["If-Match"] == "*"


def test_remove_a_missing_one(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING)
    assert not run(arm, state="absent").changed


@pytest.mark.parametrize("check_mode", [True, False])
def test_tier(arm: Arm, wire: Wire, check_mode: bool) -> None:
    wire.expect(NOTHING, Call("GET", SERVICE, 200, azure.service("StandardV2")))
    with pytest.raises(ApimError, match="'StandardV2'.*Developer, Premium"):
        run(arm, check_mode)


@pytest.mark.parametrize(
    ("calls", "given", "parts"),
    [
        ((Call("GET", GATEWAY, 404, azure.NO_SERVICE, azure.FROM_ARM),), {}, ["service/contoso", "Check the name"]),
        ((Call("GET", GATEWAY, 404, azure.NO_SERVICE, azure.FROM_ARM),), {"state": "absent"}, ["service/contoso"]),
        (
            (seen(), PREMIUM, Call("PUT", GATEWAY, 412, azure.error("PreconditionFailed", "The resource has changed."))),
            {"description": "x"},
            ["Could not update the gateway", GATEWAY, "Somebody changed"],
        ),
        (
            (seen(), apis(), PREMIUM, Call("PUT", f"{GATEWAY}/apis/orders", 400, azure.error("ValidationError", "API not found"))),
            {"apis": ["orders"]},
            ["assign the API 'orders'", "API not found", "Check apis"],
        ),
        (
            (seen(), apis(), PREMIUM, Call("PUT", f"{GATEWAY}/apis/orders", 403, azure.error("AuthorizationFailed", "may not"))),
            {"apis": ["orders"]},
            ["assign the API 'orders'", "role"],
        ),
    ],
)
def test_refused_by_azure(arm: Arm, wire: Wire, calls: tuple[Call, ...], given: dict, parts: list[str]) -> None:
    wire.expect(*calls)
    with pytest.raises(ApimError) as caught:
        run(arm, **given)
    assert all(part in str(caught.value) for part in parts), caught.value
    assert caught.value.facts["error"]["code"]
    assert isinstance(caught.value, AzureFailure) is ("Check apis" not in parts)


@pytest.mark.parametrize(("heartbeat", "nodes"), [([], 0), ([{}, {}, {}], 3), (None, None), ("2", None)])
def test_connected_nodes(heartbeat: object, nodes: int | None) -> None:
    assert facts(azure.gateway(heartbeat=heartbeat))["connected_nodes"] == nodes


def test_facts() -> None:
    assert facts(azure.gateway(location={"city": "Oslo"}, description="Shops"), ["b", "a"]) == {
        "id": GATEWAY,
        "name": "stores",
        "description": "Shops",
        "location_data": {"name": "stores", "city": "Oslo", "district": "", "country_or_region": ""},
        "apis": ["a", "b"],
        "connected_nodes": 0,
    }
    assert facts({})["connected_nodes"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "managed"}, "name: 'managed'"),
        ({"name": ".."}, r"name: '\.\.'"),
        ({"service_name": "7"}, "service_name"),
        ({"resource_group": ""}, "resource_group"),
        ({"apis": ["a", "b/c"]}, "apis: 'b/c'"),
        ({"location_data": {"name": ""}}, r"location_data\.name.*1 to 256"),
        ({"location_data": {"city": "x" * 257}}, r"location_data\.city.*257 characters"),
        ({"purge_apis": True}, "purge_apis: true needs apis"),
    ],
)
def test_options_refused(given: dict, said: str) -> None:
    with pytest.raises(ApimError, match=f"^{said}"):
        wanted(**given)
