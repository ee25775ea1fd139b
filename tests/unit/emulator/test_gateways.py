# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API Management: the service, gateways, keys, tokens, APIs - and which emulated pods connect."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from emulator import gateway_token

from .conftest import EXTENSION, GATEWAY, LYON, OSLO, SERVICE, WORKSPACE, Azure

V = "2022-08-01"
VECTOR_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
VECTOR = "gw-test&203001311234&2NW3pMIrv6MKoHdmRU2l+iAqgf00iGYjKYdTEtfk24DDvzLHZSneUVJbGRZIbALKpL+pb177BoGt3jrVD/2g1Q=="
BODY: dict[str, Any] = {"properties": {"locationData": {"name": "Store"}, "description": "d"}}


def test_token_arithmetic_against_the_known_vector() -> None:
    assert gateway_token.sign(VECTOR_KEY, "gw-test", datetime(2030, 1, 31, 12, 34, 56, tzinfo=timezone.utc)) == VECTOR


@pytest.mark.parametrize(
    ("setting", "gateway", "keys", "year", "expected"),
    [
        (f"GatewayKey {VECTOR}", "gw-test", [VECTOR_KEY], 2029, True),
        (f"GatewayKey {VECTOR}", "gw-test", ["other", VECTOR_KEY], 2029, True),
        (f"GatewayKey {VECTOR}", "gw-test", [VECTOR_KEY], 2031, False),
        (f"GatewayKey {VECTOR}", "another", [VECTOR_KEY], 2029, False),
        (f"GatewayKey {VECTOR}", "gw-test", ["other"], 2029, False),
        (VECTOR, "gw-test", [VECTOR_KEY], 2029, False),
        ("GatewayKey nonsense", "gw-test", [VECTOR_KEY], 2029, False),
        ("", "gw-test", [VECTOR_KEY], 2029, False),
    ],
)
def test_who_is_let_in(setting: str, gateway: str, keys: list[str], year: int, expected: bool) -> None:
    assert (
        gateway_token.connects(setting, gateway, keys, datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())
        is expected
    )


def test_service_says_display_location_sku_and_hostnames(azure: Azure) -> None:
    answer = azure.call("GET", SERVICE, version=V)
    body = answer.json()
    assert (body["location"], body["sku"]["name"], body["properties"]["gatewayUrl"]) == (
        "West Europe",
        "Premium",
        "https://apim.azure-api.net",
    )
    assert {"type": "ConfigurationApi", "hostName": "config.example.org"}.items() <= body["properties"][
        "hostnameConfigurations"
    ][1].items()
    assert "\r\n" in answer.text
    assert answer.headers["etag"]
    assert [one["name"] for one in azure.call("GET", SERVICE.rpartition("/")[0], version=V).json()["value"]] == ["apim"]
    assert [one["name"] for one in azure.call("GET", f"{SERVICE}/apis", version=V).json()["value"]] == [
        "orders",
        "stock",
    ]


def test_gateway_create_read_update_delete(azure: Azure) -> None:
    created = azure.call("PUT", GATEWAY, BODY, V)
    assert created.status_code == 201
    assert created.json()["properties"] == {
        "locationData": {"name": "Store", "city": None, "district": None, "countryOrRegion": None},
        "description": "d",
        "heartbeat": None,
    }
    assert created.headers["etag"].startswith('"')
    assert azure.call("GET", GATEWAY, version=V).json()["properties"]["heartbeat"] == []
    assert azure.call("HEAD", GATEWAY, version=V).headers["etag"] == created.headers["etag"]
    assert azure.call("PUT", GATEWAY, BODY, V).status_code == 200
    assert azure.call("PUT", GATEWAY, BODY, V, If_Match=created.headers["etag"]).status_code == 412
    assert azure.call("PATCH", GATEWAY, {"properties": {"description": "n"}}, V).status_code == 400
    patched = azure.call("PATCH", GATEWAY, {"properties": {"description": "n"}}, V, If_Match="*")
    assert (patched.status_code, patched.json()["properties"]["description"]) == (200, "n")
    listed = azure.call("GET", f"{SERVICE}/gateways", version=V).json()
    assert ([one["name"] for one in listed["value"]], listed["count"]) == (["old", "store"], 2)
    first = azure.call("GET", f"{SERVICE}/gateways?api-version={V}&$top=1").json()
    assert [one["name"] for one in azure.call("GET", first["nextLink"]).json()["value"]] == ["store"]
    assert azure.call("DELETE", GATEWAY, version=V, If_Match='"x"').status_code == 412
    assert [azure.call("DELETE", GATEWAY, version=V).status_code for _turn in range(2)] == [200, 204]
    assert azure.call("GET", GATEWAY, version=V).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "words"),
    [
        ("PUT", f"{SERVICE}/gateways/managed", BODY, 400, "ValidationError", "managed"),
        ("PUT", GATEWAY, {"properties": {}}, 400, "ValidationError", "location name"),
        ("GET", GATEWAY, None, 404, "ResourceNotFound", "Gateway not found."),
        ("POST", f"{GATEWAY}/listKeys", None, 400, "ValidationError", "Gateway not found"),
        ("POST", f"{GATEWAY}/generateToken", {}, 400, "ValidationError", "Gateway not found"),
        ("GET", f"{GATEWAY}/apis", None, 400, "ValidationError", "Gateway not found"),
        ("POST", f"{SERVICE}/gateways/old/generateToken", {"keyType": "third"}, 400, "ValidationError", "keyType"),
        (
            "POST",
            f"{SERVICE}/gateways/old/generateToken",
            {"keyType": "primary", "expiry": "soon"},
            400,
            "ValidationError",
            "expiry",
        ),
        (
            "POST",
            f"{SERVICE}/gateways/old/generateToken",
            {"keyType": "primary", "expiry": "2999-01-01T00:00:00Z"},
            400,
            "ValidationError",
            "30 days",
        ),
        ("PUT", f"{SERVICE}/gateways/old/apis/none", {}, 400, "ValidationError", "API not found"),
        ("GET", SERVICE + "x", None, 404, "ResourceNotFound", "Microsoft.ApiManagement/service/apimx"),
        (
            "GET",
            f"{SERVICE}x/gateways",
            None,
            404,
            "ParentResourceNotFound",
            f"type 'service/gateways', because the parent resource '{SERVICE}x' could not be found.",
        ),
        ("PUT", f"{SERVICE}x/gateways/g", BODY, 404, "ParentResourceNotFound", "Failed to perform 'write'"),
        ("GET", WORKSPACE + "x", None, 404, "ResourceNotFound", "workspaces/logsx"),
    ],
)
def test_refusals(azure: Azure, method: str, path: str, body: Any, status: int, code: str, words: str) -> None:
    answer = azure.call(method, path, body, "2020-08-01" if "workspaces" in path else V)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert words in answer.text


def test_tokens_are_the_same_for_the_same_key_and_minute(azure: Azure) -> None:
    azure.new_gateway()
    keys = azure.call("POST", f"{GATEWAY}/listKeys", version=V).json()
    assert [len(keys[which]) for which in ("primary", "secondary")] == [88, 88]
    expiry = azure.emu.clock.moment(azure.emu.clock.now() + 86400)
    tokens = [
        azure.call(
            "POST", f"{GATEWAY}/generateToken", {"keyType": which, "expiry": f"{expiry:%Y-%m-%dT%H:%M}:{second}Z"}, V
        ).json()["value"]
        for which, second in (("primary", "01"), ("primary", "59.1234567"), ("secondary", "01"))
    ]
    assert tokens[0] == tokens[1] == gateway_token.sign(keys["primary"], "store", expiry)
    assert tokens[2] == gateway_token.sign(keys["secondary"], "store", expiry)
    assert azure.call("POST", f"{GATEWAY}/regenerateKey", {"keyType": "primary"}, V).status_code == 204
    after = azure.call("POST", f"{GATEWAY}/listKeys", version=V).json()
    assert (after["primary"] != keys["primary"], after["secondary"] == keys["secondary"]) == (True, True)


def test_apis_of_a_gateway(azure: Azure) -> None:
    azure.new_gateway()
    api = f"{GATEWAY}/apis/stock"
    assert azure.call("HEAD", api, version=V).status_code == 404
    created = azure.call("PUT", api, {"properties": {"provisioningState": "created"}}, V)
    assert (created.status_code, created.json()["type"]) == (201, "Microsoft.ApiManagement/service/gateways/apis")
    assert azure.call("PUT", api, None, V).status_code == 200
    assert azure.call("HEAD", api, version=V).status_code == 204
    listed = azure.call("GET", f"{GATEWAY}/apis", version=V).json()
    assert ([one["name"] for one in listed["value"]], listed["count"]) == (["stock"], 1)
    assert [azure.call("DELETE", api, version=V).status_code for _turn in range(2)] == [200, 204]


def test_pods_connect_with_a_valid_token_until_it_expires(azure: Azure) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": azure.token(days=10)})
    assert azure.nodes() == 0
    azure.wait()
    assert azure.nodes() == 3
    azure.wait(10 * 86400)
    assert azure.nodes() == 0


ANNOTATION = "gateway.deployment.annotations.arcfleetSecrets"


def test_a_new_token_reaches_the_pods_only_when_the_pod_template_changes(azure: Azure) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": azure.token(days=10)})
    azure.wait()
    azure.call(
        "PATCH",
        EXTENSION,
        {"properties": {"configurationProtectedSettings": {"gateway.auth.token": azure.token(days=20)}}},
    )
    azure.wait()
    assert azure.nodes() == 3
    azure.wait(10 * 86400)
    assert azure.nodes() == 0  # the Secret has the new token, the pods still hold the old one
    azure.call("PATCH", EXTENSION, {"properties": {"configurationSettings": {ANNOTATION: "v1-abc"}}})
    azure.wait()
    assert azure.nodes() == 3


@pytest.mark.parametrize(("version", "nodes"), [("1.5.0", 0), ("1.6.0", 3)])
def test_charts_before_1_5_3_know_no_pod_annotations(azure: Azure, version: str, nodes: int) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": "GatewayKey wrong"}, autoUpgradeMinorVersion=False, version=version)
    azure.wait()
    azure.call(
        "PATCH",
        EXTENSION,
        {
            "properties": {
                "configurationSettings": {ANNOTATION: "v1-abc"},
                "configurationProtectedSettings": {"gateway.auth.token": azure.token()},
            }
        },
    )
    azure.wait()
    assert azure.nodes() == nodes


def test_a_new_version_or_installation_starts_new_pods(azure: Azure) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": "GatewayKey wrong"})
    azure.wait()
    azure.call(
        "PATCH", EXTENSION, {"properties": {"configurationProtectedSettings": {"gateway.auth.token": azure.token()}}}
    )
    azure.wait()
    assert azure.nodes() == 0
    azure.call("PATCH", EXTENSION, {"properties": {"releaseTrain": "preview"}})
    azure.wait()
    assert azure.nodes() == 3


def test_regenerating_the_key_disconnects_its_tokens(azure: Azure) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": azure.token(key="secondary")})
    azure.wait()
    azure.call("POST", f"{GATEWAY}/regenerateKey", {"keyType": "primary"}, V)
    assert azure.nodes() == 3
    azure.call("POST", f"{GATEWAY}/regenerateKey", {"keyType": "secondary"}, V)
    assert azure.nodes() == 0


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [
        ({"gateway.configuration.uri": "https://APIM.configuration.azure-api.net/"}, 3),
        ({"gateway.configuration.uri": "https://config.example.org"}, 3),
        ({"gateway.configuration.uri": "other.configuration.azure-api.net"}, 0),
        ({"gateway.configuration.uri": "apim.configuration.azure-api.net", "replicaCount": "5"}, 5),
    ],
)
def test_nodes_follow_the_configuration_endpoint_and_the_replica_count(
    azure: Azure, settings: dict[str, str], nodes: int
) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": azure.token()}, configurationSettings=settings)
    azure.wait()
    assert azure.nodes() == nodes


def test_nodes_of_several_clusters_add_up_but_for_the_developer_tier(azure: Azure) -> None:
    azure.new_gateway()
    for path in (EXTENSION, EXTENSION.replace(OSLO, LYON)):
        azure.install(path, protected={"gateway.auth.token": azure.token()})
    azure.wait()
    assert azure.nodes() == 6
    azure.control("PATCH", "clusters/lyon", {"connectivity": "Offline"})
    assert azure.nodes() == 3
    service = azure.emu.store.get("services", SERVICE)
    assert service
    service["sku"] = "Developer"
    assert azure.nodes() == 1


def test_forced_delete_of_an_offline_cluster_leaves_its_pods(azure: Azure) -> None:
    azure.new_gateway()
    azure.install(protected={"gateway.auth.token": azure.token()})
    azure.wait()
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    azure.call("DELETE", f"{EXTENSION}?api-version=2023-05-01&forceDelete=true")
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Connected"})
    assert azure.nodes() == 3


def test_workspace_and_its_keys(azure: Azure) -> None:
    body = azure.call("GET", WORKSPACE, version="2020-08-01").json()
    assert len(body["properties"]["customerId"]) == 36
    keys = azure.call("POST", f"{WORKSPACE}/sharedKeys", version="2020-08-01").json()
    assert [len(key) for key in keys.values()] == [88, 88]
    assert list(keys) == ["primarySharedKey", "secondarySharedKey"]
