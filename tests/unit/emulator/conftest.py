# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator per test, asked without a network; time is moved instead of waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from emulator import world
from emulator.app import Emulator, application

TENANT, CLIENT, SUBSCRIPTION = (f"{number * 8}-0000-4000-8000-000000000000" for number in "123")
WORLD = f"""
tenant: {TENANT}
clients:
  - {{id: {CLIENT}, secret: open-sesame, federated_subjects: ["system:serviceaccount:ci:runner"]}}
subscriptions:
  - id: {SUBSCRIPTION}
    resource_groups:
      - name: rg
        clusters: [{{name: oslo, location: norwayeast, tags: {{a: b}}}}, {{name: lyon, location: francecentral}}]
        api_management:
          - name: apim
            apis: [orders, stock]
            hostnames: [{{type: ConfigurationApi, host: config.example.org}}]
            gateways: [{{name: old, apis: [orders]}}]
        workspaces: [{{name: logs}}]
      - name: empty
extension_types:
  - name: microsoft.apimanagement.gateway
    trains: {{stable: [1.5.0, 1.6.0], preview: [1.6.4]}}
  - {{name: microsoft.example, trains: {{stable: [1.0.0]}}, regions: [westeurope]}}
settings: {{operation_seconds: 60, resource_graph_queries: 0, access_token_seconds: 100000000}}
"""
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
OSLO = f"{GROUP}/providers/Microsoft.Kubernetes/connectedClusters/oslo"
LYON = f"{GROUP}/providers/Microsoft.Kubernetes/connectedClusters/lyon"
EXTENSION = f"{OSLO}/providers/Microsoft.KubernetesConfiguration/extensions/gw"
SERVICE = f"{GROUP}/providers/Microsoft.ApiManagement/service/apim"
GATEWAY = f"{SERVICE}/gateways/store"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"


@dataclass
class Answer:
    """What came back over ASGI."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


def ask(app: Any, method: str, url: str, content: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    """One request to the web application, without a socket."""
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "server": ("localhost", 8443),
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, *rest = sent
    fields = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], fields, b"".join(part.get("body", b"") for part in rest))


class Azure:
    """A signed-in client that speaks plain HTTP with the emulator."""

    def __init__(self, emu: Emulator) -> None:
        self.emu = emu
        self.app = application(emu)
        self.bearer = emu.entra.issue(emu.world.clients[0], emu.url)

    def call(self, method: str, path: str, body: Any = None, version: str = "2023-05-01", **headers: str) -> Answer:
        """One Resource Manager request."""
        if "api-" not in path.lower():
            path += f"{'&' if '?' in path else '?'}api-version={version}"
        sent = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.app, method, path, b"" if body is None else json.dumps(body).encode(), sent)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = ask(self.app, method, f"/_emulator/{path}", b"" if body is None else json.dumps(body).encode())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, seconds: float = 61) -> None:
        """Let the emulator's time pass."""
        self.emu.clock.offset += seconds

    def install(
        self, path: str = EXTENSION, protected: dict[str, str] | None = None, api: str = "2023-05-01", **properties: Any
    ) -> Any:
        """PUT of a gateway extension that works, with changes."""
        settings = {"gateway.configuration.uri": "apim.configuration.azure-api.net"}
        body = {
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "extensionType": "microsoft.apimanagement.gateway",
                "scope": {"namespace": {"targetNamespace": "apim"}},
                "configurationSettings": settings,
                "configurationProtectedSettings": protected or {"gateway.auth.token": "GatewayKey none"},
            }
            | properties,
        }
        return self.call("PUT", path, body, api)

    def new_gateway(self) -> None:
        body = {"properties": {"locationData": {"name": "Store"}, "description": "d"}}
        assert self.call("PUT", GATEWAY, body, "2022-08-01").status_code == 201

    def token(self, days: float = 10, key: str = "primary") -> str:
        """A `gateway.auth.token` setting for the new gateway."""
        expiry = self.emu.clock.moment(self.emu.clock.now() + days * 86400)
        body = {"keyType": key, "expiry": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"}
        return "GatewayKey " + self.call("POST", f"{GATEWAY}/generateToken", body, "2022-08-01").json()["value"]

    def nodes(self) -> int:
        return len(self.call("GET", GATEWAY, version="2022-08-01").json()["properties"]["heartbeat"])


def make_world(text: str = WORLD) -> world.World:
    return world.build(world.World, yaml.safe_load(text))


@pytest.fixture
def azure() -> Iterator[Azure]:
    emu = Emulator(make_world(), certificate=b"certificate" * 40)
    yield Azure(emu)
    emu.store.close()
