# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`/_emulator/...`: how tests look into the emulator and steer it. No bearer token; it listens on loopback only."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import agent, world
from .arm import Reply

if TYPE_CHECKING:
    from .app import Emulator


class ControlError(ValueError):
    """A control call that makes no sense; becomes a 400."""


def handle(
    emu: Emulator, method: str, path: str, query: dict[str, str], _headers: Mapping[str, str], raw: bytes
) -> Reply:
    """Find the function for a control call; its result is the JSON answer."""
    for wanted, pattern, function in _CONTROLS:
        match = re.fullmatch(f"/_emulator/{pattern}/?", path)
        if match and wanted == method:
            try:
                return Reply(200, function(emu, query, json.loads(raw) if raw else {}, *match.groups()))
            except (ValueError, TypeError) as error:
                return Reply(400, {"error": str(error)})
    return Reply(
        404,
        {
            "error": "unknown control",
            "known": [f"{verb} /_emulator/{pattern}" for verb, pattern, _function in _CONTROLS],
        },
    )


def _requests(emu: Emulator, query: dict[str, str], _body: Any) -> dict[str, Any]:
    return {"count": emu.log.count, "requests": emu.log.since(int(query.get("since", 0)))}


def _forget_requests(emu: Emulator, _query: dict[str, str], _body: Any) -> dict[str, Any]:
    emu.log.clear()
    return {"count": 0, "requests": []}


def _read_only(emu: Emulator, _query: dict[str, str], _body: Any) -> dict[str, Any]:
    return {"enabled": emu.read_only, "refused": emu.refused}


def _set_read_only(emu: Emulator, query: dict[str, str], body: Any) -> dict[str, Any]:
    """Turning it on (again) starts a new list of refusals; turning it off keeps the list to be read."""
    if not isinstance(body.get("enabled"), bool):
        raise ControlError('expected {"enabled": true|false}')
    if body["enabled"]:
        emu.refused = []
    emu.read_only = body["enabled"]
    return _read_only(emu, query, body)


def _clock(emu: Emulator, _query: dict[str, str], body: Any) -> dict[str, Any]:
    if "offset_seconds" in body:
        emu.clock.offset = float(body["offset_seconds"])
    return {"offset_seconds": emu.clock.offset, "now": emu.clock.stamp()}


def _cluster(emu: Emulator, _query: dict[str, str], _body: Any, name: str) -> dict[str, Any]:
    row = next((row for row in emu.store.all("clusters") if row["name"].lower() == name.lower()), None)
    if row is None:
        raise ControlError(f"no cluster is called {name}")
    return {
        key: row[key]
        for key in ("id", "name", "location", "tags", "connectivity", "kubernetes_version", "agent_version", "agent")
    }


def _change_cluster(emu: Emulator, query: dict[str, str], body: Any, name: str) -> dict[str, Any]:
    """Change what a cluster is like; what was due before the change is completed before it."""
    row = emu.store.get("clusters", _cluster(emu, query, body, name)["id"])
    assert row
    known = {key: row[key] for key in ("connectivity", "kubernetes_version", "agent_version", "tags", "agent")}
    if unknown := set(body) - set(known):
        raise ControlError(f"cannot change {', '.join(sorted(unknown))}; can: {', '.join(known)}")
    world.build(world.Cluster, {"name": name} | body, f"cluster {name}")  # checks types and choices
    for extension in emu.store.children("extensions", row["id"]):
        agent.settle(emu, extension)
    changed = row | body | {"agent": row["agent"] | body.get("agent", {})}
    if changed["connectivity"] != row["connectivity"]:
        changed["online_since" if changed["connectivity"] == "Connected" else "offline_since"] = emu.clock.now()
    emu.store.put("clusters", row["id"], changed)
    return _cluster(emu, query, body, name)


def _settings(emu: Emulator, _query: dict[str, str], _body: Any) -> dict[str, Any]:
    return dataclasses.asdict(emu.settings) | {"deny": emu.deny}


def _change_settings(emu: Emulator, query: dict[str, str], body: Any) -> dict[str, Any]:
    """Change some settings; `deny` maps client ids to the RBAC actions that they lack from now on."""
    deny = body.pop("deny", {})
    if unknown := set(deny) - set(emu.deny):
        raise ControlError(f"no client has the id {', '.join(sorted(unknown))}")
    given = world.build(world.Settings, copy.deepcopy(body), "settings")
    for name in body:
        setattr(emu.settings, name, getattr(given, name))
    emu.deny |= {client: list(actions) for client, actions in deny.items()}
    return _settings(emu, query, body)


def _reset(emu: Emulator, query: dict[str, str], body: Any) -> dict[str, Any]:
    emu.reset()
    return _settings(emu, query, body)


def _secrets(emu: Emulator, _query: dict[str, str], _body: Any) -> dict[str, Any]:
    found = emu.secrets.listed()
    return {"secrets": found, "values": sorted({value for values in found.values() for value in values})}


_CONTROLS: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "requests", _requests),
    ("DELETE", "requests", _forget_requests),
    ("GET", "read_only", _read_only),
    ("PUT", "read_only", _set_read_only),
    ("GET", "clock", _clock),
    ("PUT", "clock", _clock),
    ("GET", "clusters/([^/]+)", _cluster),
    ("PATCH", "clusters/([^/]+)", _change_cluster),
    ("GET", "settings", _settings),
    ("PATCH", "settings", _change_settings),
    ("POST", "reset", _reset),
    ("GET", "secrets", _secrets),
]
