# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway_token as gateway_token
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from harness.azure import GATEWAY, token

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
SIGNATURE = "2NW3pMIrv6MKoHdmRU2l+iAqgf00iGYjKYdTEtfk24DDvzLHZSneUVJbGRZIbALKpL+pb177BoGt3jrVD/2g1Q=="
VECTOR = f"gw-test&203001311234&{SIGNATURE}"


def test_the_arithmetic_of_these_tests() -> None:
    assert token("gw-test", "203001311234") == VECTOR


@pytest.mark.parametrize("text", [VECTOR, f"GatewayKey {VECTOR}", f" GatewayKey   {VECTOR}\n", f"\t{VECTOR} "])
def test_parse(text: str) -> None:
    parsed = gateway_token.parse(text)
    assert (parsed.gateway, parsed.expires_on) == ("gw-test", dt.datetime(2030, 1, 31, 12, 34, tzinfo=UTC))
    assert parsed.text == VECTOR
    assert parsed.setting == f"GatewayKey {VECTOR}"


@pytest.mark.parametrize("gateway", ["GatewayKey", "GatewayKeyStore", "ü.~1", "g" * 80])
def test_parse_any_gateway(gateway: str) -> None:
    assert gateway_token.parse(token(gateway)).gateway == gateway
    assert gateway_token.parse(f"GatewayKey {token(gateway)}").gateway == gateway


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GatewayKey ",
        "true",
        "gw-test",
        VECTOR.replace("&", "%26"),
        f"gw-test&2030-01-31T12:34Z&{SIGNATURE}",
        f"gw-test&20300131123&{SIGNATURE}",
        f"gw-test&203013311234&{SIGNATURE}",
        f"gw-test&203002301234&{SIGNATURE}",
        f"gw-test&000001311234&{SIGNATURE}",
        f"&203001311234&{SIGNATURE}",
        f"gw test&203001311234&{SIGNATURE}",
        f"GatewayKey GatewayKey {VECTOR}",
        f"SharedAccessSignature {VECTOR}",
        "gw-test&203001311234&short",
        VECTOR + "&more",
        f"{VECTOR}\n{VECTOR}",
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ApimError) as caught:
        gateway_token.parse(text)
    message = str(caught.value)
    assert message.startswith("gateway_token: this is not a gateway token")
    assert "apim_gateway_token gets one" in message
    assert SIGNATURE not in message and "203001311234" not in message


def test_repr_is_without_the_signature() -> None:
    parsed = gateway_token.parse(VECTOR)
    for text in (repr(parsed), str(parsed), f"{parsed}", f"{[parsed]}"):
        assert "gw-test" in text and SIGNATURE not in text


# The grid


GRIDS = [(30, 10), (30, 1), (30, 15), (7, 3), (2, 1)]
GATEWAYS = [f"{GATEWAY}{number}" for number in range(40)]


@pytest.mark.parametrize(("lifetime", "rotation"), GRIDS)
def test_life_left_within_a_window(lifetime: int, rotation: int) -> None:
    """Every hour over three windows, across a leap day and the turn of a year."""
    for begin in (dt.datetime(2028, 2, 20, 23, 59, tzinfo=UTC), dt.datetime(2026, 12, 28, tzinfo=UTC)):
        left = []
        for hour in range(3 * rotation * 24):
            now = begin + hour * HOUR
            expires_on = gateway_token.expiry_on_grid(now, GATEWAY, lifetime, rotation)
            assert (expires_on.second, expires_on.microsecond, expires_on.utcoffset()) == (0, 0, dt.timedelta(0))
            left.append(expires_on - now)
        assert max(left) <= lifetime * DAY - HOUR, "more than Azure gives"
        assert min(left) > (lifetime - rotation) * DAY - HOUR, "not renewed in time"
        assert max(left) - min(left) >= rotation * DAY - 2 * HOUR, "renewed too often"


def border(gateway_id: str, rotation: int) -> dt.datetime:
    """The first moment of a window, found by bisection from outside."""
    low = dt.datetime(2028, 2, 25, tzinfo=UTC)
    high = low + rotation * DAY
    first = gateway_token.expiry_on_grid(low, gateway_id, 30, rotation)
    while high - low > dt.timedelta(microseconds=1):
        middle = low + (high - low) / 2
        if gateway_token.expiry_on_grid(middle, gateway_id, 30, rotation) == first:
            low = middle
        else:
            high = middle
    return high


@pytest.mark.parametrize("rotation", [1, 10])
def test_borders(rotation: int) -> None:
    start = border(GATEWAY, rotation)
    assert (start.second, start.microsecond) == (0, 0)

    def ends(now: dt.datetime) -> dt.datetime:
        return gateway_token.expiry_on_grid(now, GATEWAY, 30, rotation)

    assert ends(start) == start + 30 * DAY - HOUR
    assert ends(start + rotation * DAY - dt.timedelta(microseconds=1)) == ends(start)
    assert ends(start + rotation * DAY) == ends(start) + rotation * DAY
    assert ends(start - MINUTE) == ends(start) - rotation * DAY


def test_same_for_every_way_to_say_the_time_and_the_gateway() -> None:
    now = dt.datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
    elsewhere = now.astimezone(dt.timezone(dt.timedelta(hours=-11)))
    expected = gateway_token.expiry_on_grid(now, GATEWAY, 30, 10)
    assert gateway_token.expiry_on_grid(elsewhere, GATEWAY.upper(), 30, 10) == expected


def test_a_fleet_does_not_turn_on_one_day() -> None:
    now = dt.datetime(2026, 11, 23, 12, tzinfo=UTC)
    days = {gateway_token.expiry_on_grid(now, gateway, 30, 10).date() for gateway in GATEWAYS}
    assert len(days) >= 9


@pytest.mark.parametrize(("lifetime", "rotation"), [*GRIDS, (3, 1)])
def test_check_grid(lifetime: int, rotation: int) -> None:
    gateway_token.check_grid(lifetime, rotation)


@pytest.mark.parametrize(
    ("lifetime", "rotation", "option"),
    [(31, 10, "lifetime_days: 31"), (1, 1, "lifetime_days: 1"), (0, 0, "lifetime_days"), (-5, 1, "lifetime_days"),
     (30, 0, "rotation_days: 0"), (30, 16, "rotation_days: 16"), (3, 2, "rotation_days: 2"), (30, -1, "rotation_days")],
)
def test_check_grid_refuses(lifetime: int, rotation: int, option: str) -> None:
    with pytest.raises(ApimError, match=f"^{option}"):
        gateway_token.check_grid(lifetime, rotation)


@pytest.mark.parametrize(("ends", "left"), [(DAY, 1.0), (DAY / 2, 0.5), (-DAY, -1.0), (27.24 * DAY, 27.2), (dt.timedelta(0), 0.0)])
def test_facts(ends: dt.timedelta, left: float) -> None:
    now = dt.datetime(2028, 2, 28, 12, tzinfo=UTC)
    facts = gateway_token.facts(now + ends, now)
    assert facts["days_left"] == left
    assert dt.datetime.fromisoformat(facts["expires_on"].replace("Z", "+00:00")) == (now + ends).replace(microsecond=0)


def test_facts_when_nothing_is_known() -> None:
    assert gateway_token.facts(None, dt.datetime.now(UTC)) is None
