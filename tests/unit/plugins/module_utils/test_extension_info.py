# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._cluster import Cluster
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_info import parse, problems, read
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Extension
from harness import azure
from harness.azure import CLUSTER, EXTENSION, EXTENSIONS
from harness.wire import Call, Wire

OPTIONS = {"resource_group": "rg", "cluster_name": "oslo", "subscriptions": [], "management_groups": [], "name": None, "token_days": 0}
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc)
HOME = Call("GET", CLUSTER, 200, azure.cluster())


def recorded(days: float) -> dict[str, str]:
    """Settings with the record of a token that ends so many days from now."""
    return {secret_record.SETTING: secret_record.record(EXTENSION, {}, NOW + days * dt.timedelta(days=1))}


def test_all_gateway_extensions(arm: Arm, wire: Wire) -> None:
    other, cased = azure.extension(extensionType="microsoft.dapr"), azure.extension(extensionType="Microsoft.ApiManagement.Gateway")
    wire.expect(HOME, Call("GET", EXTENSIONS, 200, {"value": [azure.extension(), other, cased], "nextLink": None}))
    outcome = read(parse(OPTIONS), arm, True)
    assert not outcome.changed
    assert (outcome.facts["cluster"]["connectivity"], outcome.facts["cluster"]["tags"]) == ("Connected", {"store": "7"})
    assert [found["extension_type"] for found in outcome.facts["extensions"]] == [
        "microsoft.apimanagement.gateway", "Microsoft.ApiManagement.Gateway"]


def test_one_extension(arm: Arm, wire: Wire) -> None:
    settings = {"gateway.auth.token": "hush", "service.type": "NodePort"}  # in clear: somebody made it so
    wire.expect(HOME, Call("GET", EXTENSION, 200, azure.extension(settings)))
    (found,) = read(parse(OPTIONS | {"name": "apim-gateway"}), arm, False).facts["extensions"]
    assert found["settings"] == {"gateway.auth.token": "********", "service.type": "NodePort"}
    assert (found["protected_settings"], found["healthy"], found["problems"], found["token"]) == (["gateway.auth.token"], True, [], None)


def test_no_such_extension(arm: Arm, wire: Wire) -> None:
    wire.expect(HOME, Call("GET", EXTENSION, 404, azure.NO_EXTENSION))
    assert read(parse(OPTIONS | {"name": "apim-gateway"}), arm, False).facts["extensions"] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cluster_name": None}, "^resource_group: .*Give both, or none for a fleet"),
        ({"resource_group": None}, "^cluster_name: .*Give both, or none for a fleet"),
        ({"subscriptions": ["s"]}, "^subscriptions: does not go with cluster_name"),
        ({"management_groups": ["m"]}, "^management_groups: does not go with cluster_name"),
    ],
)
def test_one_or_many(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ApimError, match=said):
        parse(OPTIONS | given)


def test_no_such_cluster(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", CLUSTER, 404, azure.NO_CLUSTER, azure.FROM_ARM))
    with pytest.raises(AzureFailure, match="connectedClusters/oslo"):
        read(parse(OPTIONS), arm, False)


@pytest.mark.parametrize(
    ("extension", "status", "token_days", "said"),
    [
        ({}, "Connected", 0, []),
        ({"settings": recorded(20)}, "Connected", 19, []),
        ({"settings": recorded(20)}, "Connected", 20, ["The token ends on 2026-12-13 12:00 UTC."]),
        ({"settings": recorded(0.01)}, "Connected", 0, []),
        ({"settings": recorded(0)}, "Connected", 0, ["The token ended on 2026-11-23 12:00 UTC: the gateway answers with an empty body."]),
        ({"settings": recorded(-9)}, "Connected", 30, ["The token ended on 2026-11-14 12:00 UTC: the gateway answers with an empty body."]),
        ({}, "Offline", 0, ["The cluster is Offline."]),
        ({"state": "Updating"}, "Connected", 0, ["The extension is Updating."]),
        (
            {"state": "Failed", "statuses": [azure.INSTALLATION_FAILED]},
            "Connected",
            0,
            ["The extension is Failed.", f"InstallationFailed: {azure.INSTALLATION_FAILED['message']}"],
        ),
        ({"statuses": [{"code": "X", "level": "Error", "message": "m"}]}, "Connected", 0, ["X: m"]),
        ({"statuses": [{"code": "X", "level": "Information", "message": "m"}, {"code": None}, {}]}, "Connected", 0, []),
        ({"state": "Failed", "settings": recorded(-9)}, "Expired", 0,
         ["The cluster is Expired.", "The extension is Failed.",
          "The token ended on 2026-11-14 12:00 UTC: the gateway answers with an empty body."]),
    ],
)
def test_problems(extension: dict[str, Any], status: str, token_days: int, said: list[str]) -> None:
    found = Extension.from_rest(azure.extension(**extension))
    assert problems(found, Cluster.from_rest(azure.cluster(status)), NOW, token_days) == said


@pytest.mark.parametrize("given", [{"cluster_name": ""}, {"resource_group": "."}, {"name": "a b"}, {"token_days": -1}, {"token_days": 31}])
def test_options_refused(given: dict) -> None:
    with pytest.raises(ApimError, match=f"^{next(iter(given))}: "):
        parse(OPTIONS | given)
