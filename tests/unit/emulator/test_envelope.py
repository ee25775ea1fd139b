# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in, what Resource Manager checks first, cloud metadata, the world file, the control interface."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from emulator import world
from emulator.app import Emulator

from .conftest import (
    CLIENT,
    EXTENSION,
    GATEWAY,
    GROUP,
    OSLO,
    SERVICE,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    Answer,
    Azure,
    ask,
    make_world,
)


def sign_in(azure: Azure, tenant: str = TENANT, **form: str) -> Answer:
    form = {"client_id": CLIENT, "grant_type": "client_credentials", "scope": f"{azure.emu.url}//.default"} | form
    return ask(
        azure.app,
        "POST",
        f"/{tenant}/oauth2/v2.0/token",
        urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )


def assertion(**claims: Any) -> dict[str, str]:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, {"exp": time.time() + 60} | claims))
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".c2ln"
    return {
        "client_assertion": token,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


def test_sign_in_gives_a_token_that_resource_manager_takes(azure: Azure) -> None:
    body = sign_in(azure, client_secret="open-sesame").json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 100000000)
    claims = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[1] + "=="))
    assert {"aud", "iss", "tid", "oid", "appid", "exp", "iat"} <= set(claims)
    azure.bearer = body["access_token"]
    assert (
        azure.call("GET", "/subscriptions", version="2022-12-01").json()["value"][0]["subscriptionId"] == SUBSCRIPTION
    )


@pytest.mark.parametrize(
    "claims", [{"iss": CLIENT, "sub": CLIENT}, {"iss": "https://ci", "sub": "system:serviceaccount:ci:runner"}]
)
def test_sign_in_with_an_assertion(azure: Azure, claims: dict[str, str]) -> None:
    assert sign_in(azure, **assertion(**claims)).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": "x", "client_id": "unknown"}, 400, "unauthorized_client", 700016),
        ({"client_secret": "x", "tenant": "unknown"}, 400, "invalid_request", 90002),
        ({}, 401, "invalid_client", 7000216),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_secret": "open-sesame", "scope": "x"}, 400, "invalid_scope", 1002012),
        (assertion(iss="https://ci", sub="someone else"), 401, "invalid_client", 700213),
        (assertion(iss=CLIENT, sub=CLIENT, exp=1), 401, "invalid_client", 700024),
    ],
)
def test_refused_sign_in(azure: Azure, form: dict[str, str], status: int, error: str, number: int) -> None:
    answer = sign_in(azure, **form)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)


@pytest.mark.parametrize("tenant", [TENANT, "common", "organizations"])
def test_openid_configuration(azure: Azure, tenant: str) -> None:
    body = ask(azure.app, "GET", f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert body["token_endpoint"] == f"{azure.emu.url}/{tenant}/oauth2/v2.0/token"
    assert {"authorization_endpoint", "issuer"} <= set(body)


def test_a_certificate_in_the_world_file_must_have_signed_the_assertion() -> None:
    data = yaml.safe_load(
        "{tenant: t, clients: [{id: c, certificate: ''}], subscriptions: [{id: s, resource_groups: [{name: g}]}]}"
    )
    import trustme

    data["clients"][0]["certificate"] = trustme.CA(key_type=trustme.KeyType.RSA).cert_pem.bytes().decode()
    emu = Emulator(world.build(world.World, data))
    answer = sign_in(Azure(emu), tenant="t", client_id="c", **assertion(iss="c", sub="c"))
    emu.store.close()
    assert answer.json()["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("header", "code", "description"),
    [
        ("", "AuthenticationFailed", "missing 'Authorization' header"),
        ("Basic x", "AuthenticationFailed", "malformed"),
        ("Bearer a.b.c", "InvalidAuthenticationToken", "Could not parse"),
        ("Bearer x", "InvalidAuthenticationToken", "Could not parse"),
    ],
)
def test_bad_bearer_tokens(azure: Azure, header: str, code: str, description: str) -> None:
    answer = azure.call("GET", OSLO, version="2021-10-01", Authorization=header)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert description in answer.headers["www-authenticate"]


def test_expired_bearer_token_and_wrong_audience(azure: Azure) -> None:
    azure.wait(100000001)
    answer = azure.call("GET", OSLO, version="2021-10-01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    assert (
        'error="invalid_token", error_description="The access token has expired."' in answer.headers["www-authenticate"]
    )
    azure.bearer = azure.emu.entra.issue(azure.emu.world.clients[0], "https://graph.microsoft.com")
    assert azure.call("GET", OSLO, version="2021-10-01").json()["error"]["code"] == "InvalidAuthenticationTokenAudience"


@pytest.mark.parametrize(
    ("path", "version", "status", "code"),
    [
        (OSLO + "?api-version=", "", 400, "MissingApiVersionParameter"),
        (OSLO, "1999-01-01", 400, "NoRegisteredProviderFound"),
        ("/subscriptions", "x", 400, "InvalidApiVersionParameter"),
        (f"{GROUP}/providers/Microsoft.Nothing/x/y", "2021-10-01", 404, "InvalidResourceNamespace"),
        (f"{GROUP}/providers/Microsoft.Kubernetes/x/y", "2021-10-01", 404, "InvalidResourceType"),
        ("/subscriptions/nonsense/resourceGroups", "2021-04-01", 400, "InvalidSubscriptionId"),
    ],
)
def test_calls_that_reach_no_provider(azure: Azure, path: str, version: str, status: int, code: str) -> None:
    answer = azure.call("GET", path, version=version)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-correlation-request-id"]


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"{}", "text/plain", 415)],
)
def test_bodies_that_are_not_json_objects(azure: Azure, raw: bytes, content_type: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {azure.bearer}", "Content-Type": content_type}
    assert ask(azure.app, "PUT", f"{EXTENSION}?api-version=2023-05-01", raw, headers).status_code == status


def test_denied_actions_and_unregistered_providers(azure: Azure) -> None:
    azure.control(
        "PATCH", "settings", {"deny": {CLIENT: ["Microsoft.KubernetesConfiguration/*/write", "*/generateToken/action"]}}
    )
    assert azure.call("GET", EXTENSION).status_code == 404
    azure.new_gateway()
    assert azure.call("POST", f"{GATEWAY}/generateToken", {}, "2022-08-01").status_code == 403
    answer = azure.install()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert "'Microsoft.KubernetesConfiguration/extensions/write' over scope" in answer.json()["error"]["message"]
    assert (answer.headers["x-ms-failure-cause"], answer.headers["connection"]) == ("gateway", "close")
    azure.control("PATCH", "settings", {"deny": {CLIENT: []}})
    azure.emu.world.subscriptions[0].unregistered = ["microsoft.kubernetesconfiguration"]
    answer = azure.install()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MissingSubscriptionRegistration")
    assert answer.json()["error"]["details"][0]["target"] == "Microsoft.KubernetesConfiguration"
    provider = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KubernetesConfiguration"
    assert azure.call("GET", provider, version="2025-04-01").json()["registrationState"] == "NotRegistered"
    azure.call("POST", f"{provider}/register", version="2025-04-01")
    assert azure.call("GET", provider, version="2025-04-01").json()["registrationState"] == "Registered"
    assert azure.install().status_code == 201


@pytest.mark.parametrize("retry_after", [True, False])
def test_throttling(azure: Azure, retry_after: bool) -> None:
    azure.control(
        "PATCH", "settings", {"throttling": {"reads": {"size": 2, "refill": 0.1}, "retry_after": retry_after}}
    )
    answers = [azure.call("GET", OSLO, version="2021-10-01") for _turn in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "1"
    assert answers[2].json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert "Please try again after '10' seconds." in answers[2].json()["error"]["message"]
    assert answers[2].headers.get("retry-after") == ("10" if retry_after else None)
    azure.control("PATCH", "settings", {"throttling": None})
    assert azure.call("GET", OSLO, version="2021-10-01").status_code == 200


def test_metadata_in_its_three_shapes(azure: Azure) -> None:
    old, listed, new = (
        ask(azure.app, "GET", f"/metadata/endpoints?api-version={version}").json()
        for version in ("2015-01-01", "2019-05-01", "2022-09-01")
    )
    assert set(old) == {"galleryEndpoint", "graphEndpoint", "portalEndpoint", "authentication"}
    assert listed == [new]
    for body in (old, new):
        assert body["authentication"]["loginEndpoint"] == azure.emu.url
    assert new["resourceManager"] == azure.emu.url


def test_what_clients_read_around_the_resources(azure: Azure) -> None:
    base = f"/subscriptions/{SUBSCRIPTION}"
    v = "2021-04-01"
    assert azure.call("GET", "/tenants", version=v).json()["value"][0]["tenantId"] == TENANT
    assert azure.call("GET", base, version=v).json()["state"] == "Enabled"
    assert [one["name"] for one in azure.call("GET", f"{base}/resourcegroups", version=v).json()["value"]] == [
        "rg",
        "empty",
    ]
    assert azure.call("GET", GROUP, version=v).json()["name"] == "rg"
    assert [azure.call("HEAD", path, version=v).status_code for path in (GROUP, GROUP + "x")] == [204, 404]
    listed = azure.call(
        "GET", f"{base}/resources?$filter=resourceType%20eq%20'Microsoft.Kubernetes/connectedClusters'", version=v
    ).json()
    assert [one["name"] for one in listed["value"]] == ["oslo", "lyon"]
    assert len(azure.call("GET", f"{GROUP}/resources", version=v).json()["value"]) == 4
    assert len(azure.call("GET", f"{base}/providers", version=v).json()["value"]) > 3


def test_connected_clusters(azure: Azure) -> None:
    body = azure.call("GET", OSLO, version="2021-10-01").json()
    assert (body["type"], body["tags"], body["properties"]["connectivityStatus"]) == (
        "microsoft.kubernetes/connectedclusters",
        {"a": "b"},
        "Connected",
    )
    assert azure.call("PATCH", OSLO, {"tags": {"c": "d"}}, "2021-10-01").json()["tags"] == {"c": "d"}
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Connecting"})
    assert "kubernetesVersion" not in azure.call("GET", OSLO, version="2021-10-01").json()["properties"]
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    assert azure.call("GET", OSLO, version="2021-10-01").json()["properties"]["connectivityStatus"] == "Offline"


def test_lists_of_clusters_come_in_pages() -> None:
    described = make_world()
    described.subscriptions[0].resource_groups[0].clusters += [
        world.Cluster(name=f"c{number}") for number in range(1500)
    ]
    emu = Emulator(described)
    azure, names = Azure(emu), []
    link: str | None = OSLO.rpartition("/")[0]
    while link:
        page = azure.call("GET", link, version="2021-10-01").json()
        names += [one["name"] for one in page["value"]]
        link = page.get("nextLink")
    emu.store.close()
    assert len(names) == len(set(names)) == 1502


# --- control ----------------------------------------------------------------------------------------------------------


def test_request_log_keeps_bodies_without_secrets(azure: Azure) -> None:
    sign_in(azure, client_secret="open-sesame")
    azure.install(protected={"gateway.auth.token": "GatewayKey hidden", "other": ""})
    azure.new_gateway()
    token = azure.token()
    azure.call("PATCH", EXTENSION, {"properties": {"configurationSettings": {"misplaced": token}}})
    log = azure.control("GET", "requests")
    assert log["count"] == len(log["requests"]) == 5
    assert "open-sesame" not in json.dumps(log)
    assert "hidden" not in json.dumps(log)
    assert token.split("&")[2] not in json.dumps(log)
    put = log["requests"][1]
    assert (put["method"], put["path"], put["api_version"], put["status"]) == ("PUT", EXTENSION, "2023-05-01", 201)
    assert put["body"]["properties"]["configurationProtectedSettings"]["other"] == ""
    assert put["body"]["properties"]["configurationProtectedSettings"]["gateway.auth.token"].startswith("sha256:")
    assert put["body"]["properties"]["configurationSettings"] == {
        "gateway.configuration.uri": "apim.configuration.azure-api.net"
    }
    assert [one["n"] for one in azure.control("GET", "requests?since=4")["requests"]] == [5]
    assert azure.control("DELETE", "requests")["count"] == 0


def test_read_only_refuses_and_lists_writes(azure: Azure) -> None:
    azure.new_gateway()
    azure.control("PUT", "read_only", {"enabled": True})
    azure.token()
    assert azure.call("GET", OSLO, version="2021-10-01").status_code == 200
    assert azure.call("POST", f"{GATEWAY}/listKeys", version="2022-08-01").status_code == 200
    assert azure.call("POST", f"{WORKSPACE}/sharedKeys", version="2020-08-01").status_code == 200
    assert (
        azure.call(
            "POST", "/providers/Microsoft.ResourceGraph/resources", {"query": "resources"}, "2021-03-01"
        ).status_code
        == 200
    )
    writes = [
        azure.install(),
        azure.call("DELETE", EXTENSION),
        azure.call("PATCH", EXTENSION, {}),
        azure.call("PUT", GATEWAY, {}, "2022-08-01"),
        azure.call("POST", f"{GATEWAY}/regenerateKey", {"keyType": "primary"}, "2022-08-01"),
    ]
    assert {answer.json()["error"]["code"] for answer in writes} == {"EmulatorReadOnly"}
    refused = azure.control("PUT", "read_only", {"enabled": False})
    assert (refused["enabled"], [one["method"] for one in refused["refused"]]) == (
        False,
        ["PUT", "DELETE", "PATCH", "PUT", "POST"],
    )
    assert azure.install().status_code == 201


def test_secrets_in_play_are_listed(azure: Azure) -> None:
    azure.new_gateway()
    token = azure.token().removeprefix("GatewayKey ")
    keys = azure.call("POST", f"{GATEWAY}/listKeys", version="2022-08-01").json()
    shared = azure.call("POST", f"{WORKSPACE}/sharedKeys", version="2020-08-01").json()
    azure.install(protected={"gateway.auth.token": "GatewayKey hidden"})
    values = azure.control("GET", "secrets")["values"]
    assert {
        "open-sesame",
        token,
        keys["primary"],
        shared["secondarySharedKey"],
        "GatewayKey hidden",
        azure.bearer,
    } <= set(values)


def test_reset_goes_back_to_the_world_file(azure: Azure) -> None:
    azure.install()
    azure.new_gateway()
    azure.call("DELETE", f"{SERVICE}/gateways/old", version="2022-08-01")
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    azure.control("PUT", "clock", {"offset_seconds": 1000})
    azure.control("PATCH", "settings", {"operation_seconds": 5})
    azure.control("POST", "reset")
    assert azure.call("GET", EXTENSION).status_code == 404
    assert [one["name"] for one in azure.call("GET", f"{SERVICE}/gateways", version="2022-08-01").json()["value"]] == [
        "old"
    ]
    assert azure.control("GET", "clusters/oslo")["connectivity"] == "Connected"
    assert azure.control("GET", "clock")["offset_seconds"] == 0
    assert azure.control("GET", "settings")["operation_seconds"] == 60


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PATCH", "clusters/nowhere", {}, "no cluster is called nowhere"),
        ("PATCH", "clusters/oslo", {"name": "x"}, "cannot change name"),
        ("PATCH", "clusters/oslo", {"agent": {"outcome": "maybe"}}, "outcome: expected one of succeed, fail, never"),
        ("PATCH", "settings", {"speed": 1}, "unknown key speed"),
        ("PATCH", "settings", {"deny": {"x": []}}, "no client has the id x"),
        ("PUT", "read_only", {}, "expected"),
        ("PUT", "clock", {"offset_seconds": "soon"}, "soon"),
    ],
)
def test_control_calls_that_make_no_sense(azure: Azure, method: str, path: str, body: Any, words: str) -> None:
    answer = ask(azure.app, method, f"/_emulator/{path}", json.dumps(body).encode())
    assert answer.status_code == 400
    assert words in answer.json()["error"]


# --- the world file and the state -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "the world: expected a mapping"),
        ("{clients: []}", "missing tenant"),
        ("{tenant: t, stuff: 1}", "unknown key stuff"),
        ("{tenant: t, clients: [{id: c, secrets: x}]}", "clients[0]: unknown key secrets"),
        ("{tenant: t, clients: {id: c}}", "clients: expected a list, got"),
        (
            "{tenant: t, extension_types: [{name: n, trains: {stable: [1.5]}}]}",
            "trains, stable[0]: expected a text (in quotes), got 1.5",
        ),
        ("{tenant: 1}", "tenant: expected a text (in quotes), got 1"),
        ("{tenant: t, settings: {operation_seconds: soon}}", "settings, operation_seconds: expected a float"),
        (
            "{tenant: t, subscriptions: [{id: s, resource_groups: [{name: g, clusters: "
            "[{name: c, connectivity: Maybe}]}]}]}",
            "clusters[0], connectivity: expected one of Connected, Offline",
        ),
        ("{tenant: t}", "at least one client"),
        ("{tenant: [}", "expected the node content"),
    ],
)
def test_world_files_with_mistakes(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "world.yml"
    path.write_text(text)
    with pytest.raises(world.WorldError) as caught:
        world.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_default_world_and_generated_clusters() -> None:
    described = world.load(world.DEFAULT, 2)
    names = [cluster.name for _subscription, group in described.groups() for cluster in group.clusters]
    assert names == ["store-oslo", "store-lyon", "store-porto", "cluster-0001", "cluster-0002"]


def test_everything_is_found_again_after_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "a b.db"
    first = Azure(Emulator(make_world(), database))
    first.new_gateway()
    keys = first.call("POST", f"{GATEWAY}/listKeys", version="2022-08-01").json()
    operation = first.install(protected={"gateway.auth.token": first.token()}).headers["azure-asyncoperation"]
    first.call("DELETE", f"{SERVICE}/gateways/old", version="2022-08-01")
    first.call("PATCH", OSLO, {"tags": {"kept": "yes"}}, "2021-10-01")
    secrets = first.emu.secrets.listed()["client_secret"]
    first.emu.store.close()
    second = Azure(Emulator(make_world(), database))
    second.bearer = first.bearer
    second.wait()
    assert second.call("GET", operation).json()["status"] == "Succeeded"
    assert second.nodes() == 3
    assert second.call("POST", f"{GATEWAY}/listKeys", version="2022-08-01").json() == keys
    assert [one["name"] for one in second.call("GET", f"{SERVICE}/gateways", version="2022-08-01").json()["value"]] == [
        "store"
    ]
    assert second.call("GET", OSLO, version="2021-10-01").json()["tags"] == {"kept": "yes"}
    assert second.emu.secrets.listed()["client_secret"] == secrets
    second.emu.store.close()
    assert database.stat().st_mode & 0o077 == 0
