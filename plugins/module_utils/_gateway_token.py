# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The gateway token: its form, its expiry on a fixed grid, and how to get one.

Azure makes a token from a key, the gateway's id and an expiry minute, and from nothing else: the same three give the
same token. So the expiry is put on a grid: every run inside one rotation window asks for the same token and changes
nothing, the first run in the next window gets a new one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import typing as t

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

PREFIX = "GatewayKey "  # the extension wants it, generateToken answers without it
MAX_LIFETIME_DAYS = 30  # the service's limit
_CLOCK_SKEW = dt.timedelta(hours=1)
_MINUTE = dt.timedelta(minutes=1)
_FORM = re.compile(
    r"(?:GatewayKey\s+)?(?P<text>(?P<gateway>[^&\s]{1,80})&(?P<expiry>[0-9]{12})&[A-Za-z0-9+/]{43,}={0,2})"
)


class GatewayToken(t.NamedTuple):
    """A token that has the right form. Its text stays out of the representation."""

    gateway: str
    expires_on: dt.datetime
    text: str

    def __repr__(self) -> str:
        return f"GatewayToken({self.gateway!r}, {self.expires_on:%Y-%m-%dT%H:%MZ})"

    @property
    def setting(self) -> str:
        """The value of the extension's setting C(gateway.auth.token)."""
        return PREFIX + self.text


def parse(token: str) -> GatewayToken:
    """Read a token, given with or without its C(GatewayKey) prefix.

    :raises ApimError: it has another form. The message does not repeat it.
    """
    match = _FORM.fullmatch(token.strip())
    if match:
        try:
            expires_on = dt.datetime.strptime(match["expiry"], "%Y%m%d%H%M").replace(tzinfo=dt.timezone.utc)
            return GatewayToken(match["gateway"], expires_on, match["text"])
        except ValueError:
            pass
    raise ApimError(
        "gateway_token: this is not a gateway token (its value is not shown). It has the form "
        "GATEWAY&yyyyMMddHHmm&SIGNATURE, with or without 'GatewayKey ' before it. "
        "arcfleet.apim.apim_gateway_token gets one."
    )


def check_grid(lifetime_days: int, rotation_days: int) -> None:
    """:raises ApimError: days outside what Azure allows, or a rotation that lets tokens expire."""
    if not 2 <= lifetime_days <= MAX_LIFETIME_DAYS:
        raise ApimError(f"lifetime_days: {lifetime_days} is not from 2 to {MAX_LIFETIME_DAYS}, the most that Azure allows.")
    if not 1 <= rotation_days <= lifetime_days // 2:
        raise ApimError(
            f"rotation_days: {rotation_days} is not from 1 to {lifetime_days // 2}, half of lifetime_days: "
            "a token has to be replaced well before it ends."
        )


def expiry_on_grid(now: dt.datetime, gateway_id: str, lifetime_days: int, rotation_days: int) -> dt.datetime:
    """The expiry that every run inside the present rotation window asks for.

    :param now: the time, with a time zone.
    :param gateway_id: the gateway's resource id; it sets the grid's phase, so that a fleet's gateways do not turn on one day.
    :return: a whole minute, UTC, at most I(lifetime_days) less one hour after now and at least I(lifetime_days) less
        I(rotation_days) less one hour. One hour is left for clocks that differ.
    """
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    window = dt.timedelta(days=rotation_days)
    phase = int.from_bytes(hashlib.sha256(gateway_id.lower().encode()).digest()[:8], "big") % (window // _MINUTE) * _MINUTE
    start = epoch + phase + (now - epoch - phase) // window * window
    return start + dt.timedelta(days=lifetime_days) - _CLOCK_SKEW


def days_left(expires_on: dt.datetime, now: dt.datetime) -> float:
    """Days until the expiry, to one decimal; negative when it has passed."""
    return round((expires_on - now) / dt.timedelta(days=1), 1)


def facts(expires_on: dt.datetime | None, now: dt.datetime) -> dict[str, t.Any] | None:
    """The token's expiry as a return value; None when it is not known."""
    if expires_on is None:
        return None
    return {"expires_on": f"{expires_on:%Y-%m-%dT%H:%M:%SZ}", "days_left": days_left(expires_on, now)}
