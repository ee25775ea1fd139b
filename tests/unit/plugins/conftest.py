# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _arm, _wait
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import SignIn
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import CLOUDS
from harness.azure import SUBSCRIPTION
from harness.wire import Clock, Credential, Wire


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_wait, "time", clock)
    return clock


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Wire]:
    wire = Wire(clock)
    monkeypatch.setattr(_arm, "RequestsTransport", wire.transport)
    yield wire
    assert not wire.script, f"never called: {wire.script}"


@pytest.fixture
def credential() -> Credential:
    return Credential()


@pytest.fixture
def arm(wire: Wire, credential: Credential) -> _arm.Arm:
    cloud = CLOUDS["AzureCloud"]
    return _arm.Arm(SignIn(credential, cloud, SUBSCRIPTION, cloud.scope, True, "parameters"))
