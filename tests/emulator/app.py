# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as one object, and the web application around it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as WebRoute

from . import (
    apimanagement,
    arm,
    control,
    entra,
    extensions,
    kubernetes,
    metadata,
    resourcegraph,
    subscriptions,
    workspaces,
)
from .requestlog import RequestLog
from .store import Row, Store
from .world import Client, Subscription, World, fresh_settings

_LONGEST_VARIABLE = 100_000  # bytes; Linux refuses to start a program with a variable of 128 KiB
_METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]


class Clock:
    """The emulator's time (UTC), which may be moved."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def monotonic(self) -> float:
        """For token buckets, which the moved clock must not fill."""
        return time.monotonic()

    def stamp(self) -> str:
        return f"{self.moment():%Y-%m-%dT%H:%M:%S.%fZ}"

    def moment(self, at: float | None = None) -> datetime:
        return datetime.fromtimestamp(self.now() if at is None else at, timezone.utc)


class Secrets:
    """Secrets that were made up by the emulator or sent to it: kept, and listed for tests that look for leaks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, set[str]] = {}

    def make(self, kind: str, name: str, given: str = "", size: int = 64) -> str:
        """The secret of that name: what the world gives, else what was made earlier, else a new random one (base64)."""
        row = self._store.get("secrets", f"{kind}/{name}")
        if row is None or given and row["value"] != given:
            row = self.replace(kind, name, given or secrets.token_bytes(size))
        return row["value"]

    def gateway_key(self, gateway: Row, which: str) -> str:
        """The `primary` or `secondary` key of a gateway."""
        return self.make("gateway_key", f"{gateway['id']}/{which}", gateway["keys"].get(which, ""))

    def replace(self, kind: str, name: str, value: str | bytes) -> dict[str, str]:
        text = value if isinstance(value, str) else entra.base64(value)
        row = {"kind": kind, "value": text}
        self._store.put("secrets", f"{kind}/{name}", row)
        self.saw(kind, text)
        return row

    def saw(self, kind: str, value: str) -> None:
        """Remember a secret that passed by, until the emulator stops."""
        if value:
            self._seen.setdefault(kind, set()).add(value)

    def listed(self) -> dict[str, list[str]]:
        found = {kind: set(values) for kind, values in self._seen.items()}
        for row in self._store.all("secrets"):
            found.setdefault(row["kind"], set()).add(row["value"])
        return {kind: sorted(values) for kind, values in sorted(found.items()) if kind != "internal"}


class Emulator:
    """All state, shared by the handlers: one thread, no background work, what is due happens when somebody looks."""

    def __init__(
        self, world: World, database: Path | None = None, url: str = "https://localhost:8443", certificate: bytes = b""
    ) -> None:
        self.world = world
        self.url = url
        self.certificate = certificate  # DER, shown in operation URLs as the real service shows its own
        self.store = Store(database)
        self.clock = Clock()
        self.secrets = Secrets(self.store)
        self.log = RequestLog()
        self.routes: list[arm.Route] = [
            route
            for module in (extensions, kubernetes, apimanagement, workspaces, resourcegraph, subscriptions)
            for route in module.ROUTES
        ]
        self._start()

    def _start(self) -> None:
        self.clock.offset = 0.0
        self.settings = fresh_settings(self.world)
        self.deny = {client.id: list(client.deny) for client in self.world.clients}
        self.read_only = False
        self.refused: list[dict[str, Any]] = []
        self.throttle = arm.Throttle()
        self.graph = resourcegraph.Graph()
        self.store.load(self.world.rows())
        self.entra = entra.Entra(self)
        for client in self.world.clients:
            self.secrets.make("client_secret", client.id, client.secret, 30)

    def reset(self) -> None:
        """Back to the world file. Secrets of clients stay, so that whoever is signed in remains so."""
        signing = {key: row for key in self._kept_secrets() if (row := self.store.get("secrets", key))}
        self.store.forget()
        self.log.clear()
        self.store.load(self.world.rows())
        for key, row in signing.items():
            self.store.put("secrets", key, row)
        self._start()

    def _kept_secrets(self) -> list[str]:
        return ["internal/signing", *(f"client_secret/{client.id}" for client in self.world.clients)]

    def denied(self, client: Client) -> list[str]:
        return self.deny.get(client.id, [])

    def registered(self, subscription: Subscription, namespace: str) -> bool:
        row = self.store.get("registrations", f"{subscription.id}/{namespace}")
        return bool(row) or namespace.lower() not in (one.lower() for one in subscription.unregistered)

    def environment(self, ca_file: Path) -> dict[str, str]:
        """Every variable that clients and tests need."""
        client, subscription = self.world.clients[0], self.world.subscriptions[0]
        secret = self.secrets.make("client_secret", client.id, client.secret)
        groups = [group for _subscription, group in self.world.groups()]
        stores = next((group for group in groups if group.clusters), groups[0])
        gateway = next((group for group in groups if group.api_management), None)
        names = [cluster.name for cluster in stores.clusters]
        if len(" ".join(names)) > _LONGEST_VARIABLE:
            names = [name for name in names if not re.fullmatch(r"cluster-\d+", name)]  # leave out the generated ones
        workspace = next(iter(self.store.all("workspaces")), {"id": ""})
        return {
            "AZURE_CLIENT_ID": client.id,
            "AZURE_SECRET": secret,
            "AZURE_CLIENT_SECRET": secret,
            "AZURE_TENANT": self.world.tenant,
            "AZURE_TENANT_ID": self.world.tenant,
            "AZURE_SUBSCRIPTION_ID": subscription.id,
            "AZURE_CLOUD_ENVIRONMENT": self.url,
            "AZURE_AUTHORITY_HOST": self.url,
            # Without it the Azure CLI asks login.microsoftonline.com whether it knows localhost.
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": str(ca_file),
            "EMULATOR_URL": self.url,
            "EMULATOR_RESOURCE_GROUP": stores.name,
            "EMULATOR_CLUSTERS": " ".join(names),
            "EMULATOR_APIM_RESOURCE_GROUP": gateway.name if gateway else "",
            "EMULATOR_APIM_SERVICE": gateway.api_management[0].name if gateway else "",
            "EMULATOR_WORKSPACE_ID": workspace["id"],
        }


def application(emu: Emulator) -> Starlette:
    """The web application: Entra, cloud metadata, Resource Manager for all the rest, and the control interface."""

    def web(handler: Callable[..., arm.Reply], recorded: bool = True) -> Callable:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            query = {name.lower(): value for name, value in request.query_params.multi_items()}
            reply = handler(emu, request.method, request.url.path, query, request.headers, raw)
            if recorded:
                emu.log.add(
                    emu.clock.stamp(), request.method, request.url.path, query, reply.status, raw, request.headers
                )
            content = reply.encoded()
            media = {"content-type": "application/json; charset=utf-8"} if content else {}
            return Response(b"" if request.method == "HEAD" else content, reply.status, media | reply.headers)

        return endpoint

    return Starlette(
        routes=[
            WebRoute("/_emulator/{path:path}", web(control.handle, recorded=False), methods=_METHODS),
            WebRoute("/metadata/endpoints", web(metadata.endpoints)),
            WebRoute("/common/discovery/instance", web(entra.discovery)),
            WebRoute("/{tenant}/v2.0/.well-known/openid-configuration", web(entra.configuration)),
            WebRoute("/{tenant}/oauth2/v2.0/token", web(entra.token), methods=["POST"]),
            WebRoute("/{path:path}", web(arm.dispatch), methods=_METHODS),
        ]
    )
