# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._secret_record import SETTING, expiry, record
from harness.azure import EXTENSION

UTC = dt.timezone.utc
ENDS = dt.datetime(2026, 12, 20, 4, 31, tzinfo=UTC)
SECRETS = {"gateway.auth.token": "GatewayKey x", "monitoring.ingestionKey": "k"}
RECORD = record(EXTENSION, SECRETS, ENDS)


def test_form() -> None:
    """As an annotation it may be neither a number nor anything that helm --set would take apart."""
    assert re.fullmatch(r"v1-[0-9a-f]{32}-expires-202612200431", RECORD)
    assert SETTING == "gateway.deployment.annotations.arcfleetSecrets"


def test_digest() -> None:
    """Written out once more: a change of the algorithm would send all secrets of all fleets again."""
    content = b'[["gateway.auth.token","GatewayKey x"],["monitoring.ingestionKey","k"]]'
    digest = hmac.new(EXTENSION.lower().encode(), content, hashlib.sha256).hexdigest()
    assert RECORD == f"v1-{digest[:32]}-expires-202612200431"


@pytest.mark.parametrize("secrets", [dict(reversed(SECRETS.items())), dict(SECRETS)])
@pytest.mark.parametrize("extension_id", [EXTENSION, EXTENSION.upper()])
def test_same(extension_id: str, secrets: dict) -> None:
    assert record(extension_id, secrets, ENDS) == RECORD


@pytest.mark.parametrize(
    ("extension_id", "secrets", "ends"),
    [
        (EXTENSION + "2", SECRETS, ENDS),
        (EXTENSION, SECRETS | {"monitoring.ingestionKey": "l"}, ENDS),
        (EXTENSION, SECRETS | {"more": ""}, ENDS),
        (EXTENSION, {"gateway.auth.token": "GatewayKey x"}, ENDS),
        (EXTENSION, {"gateway.auth.token": "k", "monitoring.ingestionKey": "GatewayKey x"}, ENDS),
        (EXTENSION, SECRETS, ENDS + dt.timedelta(minutes=1)),
        (EXTENSION, SECRETS, None),
    ],
)
def test_different(extension_id: str, secrets: dict, ends: dt.datetime | None) -> None:
    assert record(extension_id, secrets, ends) != RECORD


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        (RECORD, ENDS),
        (record(EXTENSION, SECRETS, None), None),
        ("", None),
        (RECORD + "0", None),
        (RECORD.replace("v1", "v2"), None),
        (RECORD.replace("202612200431", "202613200431"), None),
        ("someone else's words", None),
    ],
)
def test_expiry(value: str, ends: dt.datetime | None) -> None:
    assert expiry({SETTING: value}) == ends


def test_expiry_without_a_record() -> None:
    assert expiry({}) is None
