# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of self-hosted gateway tokens: `gatewayId & minute of expiry & signature`.

Written from the published derivation, on purpose not shared with the collection: the two check each other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone


def sign(key: str, gateway: str, expiry: datetime) -> str:
    """The token for an expiry (cut to the minute), signed with the key's text as it is, not decoded."""
    moment = expiry.astimezone(timezone.utc)
    message = f"{gateway}\n{moment:%Y-%m-%dT%H:%M}:00.0000000Z".encode()
    signature = base64.b64encode(hmac.new(key.encode(), message, hashlib.sha512).digest()).decode()
    return f"{gateway}&{moment:%Y%m%d%H%M}&{signature}"


def connects(setting: str, gateway: str, keys: list[str], now: float) -> bool:
    """Whether this `gateway.auth.token` setting lets a pod in: its gateway, one of its keys, not expired."""
    scheme, _blank, token = setting.partition(" ")
    if scheme != "GatewayKey":
        return False
    try:
        name, minute, _signature = token.split("&", 2)
        expiry = datetime.strptime(minute, "%Y%m%d%H%M").replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    if name != gateway or expiry.timestamp() <= now:
        return False
    return any(hmac.compare_digest(sign(key, gateway, expiry), token) for key in keys)
