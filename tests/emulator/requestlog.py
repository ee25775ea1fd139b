# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of the emulator, for tests to assert on. No secret is kept: a digest stands in its place."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from collections import deque
from collections.abc import Mapping
from typing import Any

_GATEWAY_TOKEN = re.compile(r"(GatewayKey )?[\w.-]+&\d{12}&[A-Za-z0-9+/=]{60,}")
_SECRET_FIELDS = ("client_secret", "client_assertion", "refresh_token", "password")
_SIGNATURE = ("t", "c", "s", "h")  # of operation URLs: 3 kB that say nothing
_KEEP = 200_000


def digest(value: str) -> str:
    """What stands for a secret in the log: equal secrets have equal digests."""
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]


def without_secrets(body: Any, inside: bool = False) -> Any:
    """A copy with protected settings (`inside`) and everything that looks like a gateway token replaced by digests."""
    if isinstance(body, dict):
        return {
            name: without_secrets(value, inside or name == "configurationProtectedSettings")
            for name, value in body.items()
        }
    if isinstance(body, list):
        return [without_secrets(value, inside) for value in body]
    if isinstance(body, str):
        return (digest(body) if body else "") if inside else _GATEWAY_TOKEN.sub(lambda match: digest(match[0]), body)
    return digest(json.dumps(body)) if inside and body is not None else body


class RequestLog:
    """The requests so far, newest last, each with its running number `n`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.count = 0
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEEP)

    def add(
        self,
        time: str,
        method: str,
        path: str,
        query: dict[str, str],
        status: int,
        raw: bytes,
        headers: Mapping[str, str],
    ) -> None:
        self.count += 1
        self._entries.append(
            {
                "n": self.count,
                "time": time,
                "method": method,
                "path": path,
                "query": {name: value for name, value in query.items() if name not in _SIGNATURE},
                "api_version": query.get("api-version"),
                "status": status,
                "body": _body(raw, headers.get("content-type", "")),
            }
        )

    def since(self, number: int) -> list[dict[str, Any]]:
        return [entry for entry in self._entries if entry["n"] > number]


def _body(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    text = raw.decode("utf-8", "replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {
            name: digest(value) if name in _SECRET_FIELDS else value for name, value in urllib.parse.parse_qsl(text)
        }
    try:
        return without_secrets(json.loads(text))
    except ValueError:
        return digest(text)
