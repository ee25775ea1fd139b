# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.ResourceGraph: queries over the whole fleet (rows, paging and quota; the language is in `kql`)."""

from __future__ import annotations

import base64
import json
import math
import uuid
from typing import TYPE_CHECKING, Any

from . import agent, apimanagement, extensions, kql, kubernetes, workspaces
from .arm import ArmError, Call, Reply, Route, member

if TYPE_CHECKING:
    from .app import Emulator

_TYPE = "Microsoft.ResourceGraph/resources"
_WINDOW = 5.0  # seconds
_MAXIMUM, _DEFAULT = 1000, 100  # rows of one answer
_COLUMNS: kql.Columns = {
    "id": True,
    "name": True,
    "type": True,
    "tenantId": True,
    "kind": True,
    "location": True,
    "resourceGroup": True,
    "subscriptionId": True,
    "managedBy": True,
    "sku": False,
    "plan": False,
    "properties": False,
    "tags": False,
    "identity": False,
    "zones": False,
    "extendedLocation": False,
}


class Graph:
    """What Resource Graph keeps between calls: each principal's quota, and the answer that is being paged through."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}
        self._last: tuple[Any, tuple[kql.Columns, list[kql.Record]]] | None = None

    def spend(self, call: Call) -> dict[str, str]:
        """Count one query; returns the quota headers or raises the 429."""
        allowed = call.emu.settings.resource_graph_queries
        now = call.emu.clock.monotonic()
        start, used = self._windows.get(call.client.id, (now, 0))
        if now - start >= _WINDOW:
            start, used = now, 0
        resets = math.ceil(start + _WINDOW - now)
        left = max(0, (allowed or 15) - used - 1)
        headers = {
            "x-ms-user-quota-remaining": str(left),
            "x-ms-user-quota-resets-after": f"00:00:{resets:02}",
            "x-ms-ratelimit-remaining-tenant-resource-requests": str(left),
        }
        if allowed and used >= allowed:
            raise ArmError(
                429,
                "RateLimiting",
                _support(call),
                headers=headers | {"retry-after": str(resets)},
                details=[
                    {
                        "code": "RateLimiting",
                        "message": "Client application has been throttled and should not continue to make requests "
                        "until a certain amount of time has elapsed. Please check "
                        "https://aka.ms/resourcegraph-throttling",
                    }
                ],
            )
        self._windows[call.client.id] = start, used + 1
        return headers

    def answer(self, emu: Emulator, query: str, subscriptions: frozenset[str]) -> tuple[kql.Columns, list[kql.Record]]:
        """The whole result; kept while nothing changes, because clients fetch it page by page."""
        agent.settle_all(emu)
        key = (query, subscriptions, emu.store.revision)
        if self._last is None or self._last[0] != key:
            self._last = key, kql.run(query, _tables(emu, subscriptions))
        return self._last[1]


def _support(call: Call) -> str:
    ids = f"timestamp = {call.emu.clock.stamp()}, correlationId = {uuid.uuid4()}."
    return f"Please provide below info when asking for support: {ids}"


def _tables(emu: Emulator, subscriptions: frozenset[str]) -> dict[str, Any]:
    def visible(row: dict[str, Any]) -> bool:
        return row["id"].split("/")[2].lower() in subscriptions

    def tracked() -> list[kql.Record]:
        bodies = [kubernetes.body(emu, row) for row in emu.store.all("clusters") if visible(row)]
        bodies += [apimanagement.service_body(row) for row in emu.store.all("services") if visible(row)]
        bodies += [workspaces.body(row) for row in emu.store.all("workspaces") if visible(row)]
        return [_record(emu, body) for body in bodies]

    def installed() -> list[kql.Record]:
        return [_extension(emu, row) for row in emu.store.all("extensions") if visible(row)]

    return {"resources": (_COLUMNS, tracked), "kubernetesconfigurationresources": (_COLUMNS, installed)}


def _record(emu: Emulator, body: dict[str, Any]) -> kql.Record:
    parts = body["id"].split("/")
    # ASSUMPTION: resource groups are in lower case here, as public query results show them; joins should not depend on
    # it.
    return {
        "id": body["id"],
        "name": body["name"],
        "type": body["type"].lower(),
        "tenantId": emu.world.tenant,
        "kind": "",
        "location": body.get("location", "").replace(" ", "").lower(),
        "resourceGroup": parts[4].lower(),
        "subscriptionId": parts[2],
        "managedBy": "",
        "sku": body.get("sku"),
        "plan": None,
        "properties": body["properties"],
        "tags": body.get("tags"),
        "identity": body.get("identity"),
        "zones": None,
        "extendedLocation": None,
    }


def _extension(emu: Emulator, row: dict[str, Any]) -> kql.Record:
    """The properties of extensions are in PascalCase here, and their ids say `Extensions`."""
    record = _record(emu, extensions.body(emu, row, "2023-05-01"))
    record["id"] = record["id"].replace("/extensions/", "/Extensions/")
    record["properties"] = _pascal(record["properties"])
    return record


def _pascal(value: Any) -> Any:
    # ASSUMPTION: members are in PascalCase at every depth, but not the keys of the settings maps, which are data. No
    # full row is public.
    if isinstance(value, list):
        return [_pascal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name[0].upper() + name[1:]: one
        if name in ("configurationSettings", "configurationProtectedSettings")
        else _pascal(one)
        for name, one in value.items()
    }


def _bad_request(call: Call, *details: dict[str, Any]) -> ArmError:
    return ArmError(400, "BadRequest", _support(call), details=list(details))


def _scope(call: Call) -> frozenset[str]:
    """The subscriptions to look in; all of them for management groups or when none is named."""
    known = {one.id.lower() for one in call.emu.world.subscriptions}
    asked = member(call.body, "subscriptions", list)
    if not asked:
        # ASSUMPTION: every management group holds every subscription; the world has no tree of them.
        return frozenset(known)
    found = known & {str(one).lower() for one in asked}
    if not found:
        raise _bad_request(
            call,
            {
                "code": "NoValidSubscriptionsInQueryRequest",
                "message": "There must be at least one subscription that is eligible to contain resources. Given: "
                f"'{','.join(map(str, asked))}'.",
            },
        )
    return frozenset(found)


def query_resources(call: Call) -> Reply:
    """One page of a query's result."""
    headers = call.emu.graph.spend(call)
    query, options = member(call.body, "query", str) or "", member(call.body, "options") or {}
    if options.get("resultFormat", "objectArray") != "objectArray":
        raise _bad_request(
            call, {"code": "InvalidResultFormat", "message": "The emulator answers in the objectArray format only."}
        )
    try:
        columns, rows = call.emu.graph.answer(call.emu, query, _scope(call))
    except kql.KqlError as error:
        raise _bad_request(
            call,
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service "
                f"and fix the error before retrying. ({error})",
            },
            {
                "code": "ParserFailure",
                "message": "ParserFailure",
                "line": error.line,
                "characterPositionInLine": error.position,
                "token": error.token,
                "expectedToken": "Ǐ",
            },
        ) from None
    top, start = _page(call, options)
    page = rows[start : start + top]
    more, pageable = start + top < len(rows), "id" in columns
    body: dict[str, Any] = {
        "totalRecords": len(rows),
        "count": len(page),
        "data": page,
        "facets": [],
        "resultTruncated": "true" if more and not pageable else "false",
    }
    if more and pageable:
        token = json.dumps({"$id": "1", "MaxRows": top, "RowsToSkip": start + top}, indent=2).replace("\n", "\r\n")
        body["$skipToken"] = base64.b64encode(token.encode()).decode()
    return Reply(200, body, headers)


def _page(call: Call, options: dict[str, Any]) -> tuple[int, int]:
    top, start = options.get("$top"), options.get("$skip") or 0
    if options.get("$skipToken"):
        try:
            token = json.loads(base64.b64decode(options["$skipToken"]))
            top, start = top or token["MaxRows"], token["RowsToSkip"]
        except (ValueError, KeyError, TypeError):
            raise _bad_request(call, {"code": "InvalidSkipToken", "message": "The skip token is invalid."}) from None
    top = _DEFAULT if top is None else top
    if not (isinstance(top, int) and isinstance(start, int) and 1 <= top <= _MAXIMUM and start >= 0):
        raise _bad_request(
            call, {"code": "InvalidQueryOptions", "message": f"$top must be between 1 and {_MAXIMUM}, $skip 0 or more."}
        )
    return top, start


ROUTES = [Route("POST", "/providers/Microsoft.ResourceGraph/resources", _TYPE, query_resources, reads=True)]
