# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _cluster as cluster
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from harness import azure
from harness.wire import Call, Wire


def read(status: str = "Connected", location: str = "norwayeast", **properties: object) -> cluster.Cluster:
    return cluster.Cluster.from_rest(azure.cluster(status, location, **properties))


def test_read(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", azure.CLUSTER, 200, azure.cluster(location="Norway East")))
    found = cluster.read(arm, "rg", "oslo")
    assert wire.query() == {"api-version": "2024-01-01"}
    assert found == cluster.Cluster(
        azure.CLUSTER, "oslo", "norwayeast", "Connected", "2026-04-22T07:46:29.79Z", "1.28.5", "1.15.6", "k3s", {"store": "7"}
    )
    assert found.connected


def test_read_a_missing_one(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", azure.CLUSTER, 404, azure.NO_CLUSTER, azure.FROM_ARM))
    with pytest.raises(AzureFailure, match=f"^Could not read the connected cluster {azure.CLUSTER}: Azure said ResourceNotFound"):
        cluster.read(arm, "rg", "oslo")


def test_from_rest_before_the_agent_has_reported() -> None:
    found = cluster.Cluster.from_rest({"id": "x", "tags": None, "properties": {"connectivityStatus": "Connecting"}})
    assert (found.connected, found.kubernetes_version, found.last_connectivity_time, found.tags) == (False, None, None, {})
    assert cluster.Cluster.from_rest({}).connectivity == "Unknown"


@pytest.mark.parametrize("location", ["norwayeast", "jioindiawest", "centraluseuap", "westus3", "Sweden Central", "UAE North"])
def test_a_listed_region(location: str) -> None:
    assert cluster.check_region(read(location=location)) == []


@pytest.mark.parametrize("location", ["ukwest", "italynorth", "polandcentral", "qatarcentral", ""])
def test_a_region_that_is_not_listed_is_a_warning(location: str) -> None:
    (warning,) = cluster.check_region(read(location=location))
    assert f"The region {location!r}" in warning and "'oslo'" in warning


@pytest.mark.parametrize("allow_offline", [False, True])
def test_connected(allow_offline: bool) -> None:
    assert cluster.check_connected(read(), allow_offline, "The rule.", "the way out") == []


@pytest.mark.parametrize("status", ["Offline", "Expired", "Connecting", "AgentNotInstalled", "Unknown"])
def test_not_connected(status: str) -> None:
    with pytest.raises(ApimError) as caught:
        cluster.check_connected(read(status), False, "The rule.", "the way out")
    for part in ("'oslo'", status, "last seen 2026-04-22T07:46:29.79Z", "The rule.", ", or the way out.", "Nothing was changed"):
        assert part in str(caught.value)
    (warning,) = cluster.check_connected(read(status), True, "The rule.", "the way out")
    assert status in warning and "The rule." in warning and "the way out" not in warning


def test_never_seen() -> None:
    (warning,) = cluster.check_connected(read("Connecting", lastConnectivityTime=None), True, "The rule.", "the way out")
    assert "last seen" not in warning
