# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module apim_arc_extension_info."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from harness.emulator import Emulator
from harness.site import RECORD, extension_id
from harness.steps import RunPlaybook, play

MODULE = "arcfleet.apim.apim_arc_extension_info"
OSLO = {"resource_group": "rg-stores", "cluster_name": "store-oslo"}
SETTINGS = {"gateway.configuration.uri": "https://apim-emulated.configuration.azure-api.net", "service.type": "ClusterIP"}


def install(emulator: Emulator, name: str, *, kind: str = "Microsoft.ApiManagement.Gateway", days: float | None = 20) -> str:
    """Put an extension there; its annotation says that its token ends in so many days. Returns the expiry."""
    ends = datetime.now(timezone.utc) + timedelta(days=days or 0)
    record = {} if days is None else {RECORD: f"v1-{'0' * 32}-expires-{ends:%Y%m%d%H%M}"}
    emulator.azure("PUT", extension_id(emulator, "store-oslo", name), {"properties": {
        "extensionType": kind, "scope": {"namespace": {"targetNamespace": name}}, "configurationSettings": SETTINGS | record,
        "configurationProtectedSettings": {"gateway.auth.token": f"GatewayKey {name}"}}, "identity": {"type": "SystemAssigned"}})
    return f"{ends:%Y-%m-%dT%H:%M:00Z}"


def test_info(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    emulator.settings(operation_seconds=0)
    ends = install(emulator, "good")
    install(emulator, "untracked", days=None)
    install(emulator, "soon", days=3)
    install(emulator, "ended", days=-1)
    install(emulator, "flux", kind="microsoft.flux")
    emulator.cluster("store-oslo", agent={"outcome": "fail", "message": "InnerError [no space left on device]"})
    install(emulator, "failed")
    emulator.cluster("store-oslo", agent={"outcome": "never"})
    install(emulator, "slow")
    emulator.forget_requests()
    run = run_playbook(play(
        {"name": "All", MODULE: OSLO},
        {"name": "One", MODULE: OSLO | {"name": "good"}},
        {"name": "Strict", MODULE: OSLO | {"name": "good", "token_days": 30}},
        {"name": "Lax", MODULE: OSLO | {"name": "soon", "token_days": 1}},
        {"name": "None", MODULE: OSLO | {"name": "nothing"}},
    ), check=True)
    assert run.changed == 0
    found = run.result("All")
    assert found["cluster"] == {
        "id": emulator.cluster_id("store-oslo"), "name": "store-oslo", "location": "norwayeast", "connectivity": "Connected", "distribution": "k3s",
        "last_connectivity_time": found["cluster"]["last_connectivity_time"], "kubernetes_version": "1.31.4", "agent_version": "1.23.3",
        "tags": {"country": "norway"}}
    extensions: dict[str, dict[str, Any]] = {one["name"]: one for one in found["extensions"]}
    assert sorted(extensions) == ["ended", "failed", "good", "slow", "soon", "untracked"]
    good = extensions["good"]
    assert run.result("One")["extensions"] == [good]
    assert good.pop("principal_id")
    assert good.pop("settings").items() >= SETTINGS.items()
    assert 19 < good["token"].pop("days_left") <= 20
    assert good == {
        "id": extension_id(emulator, "store-oslo", "good"), "name": "good", "extension_type": "Microsoft.ApiManagement.Gateway",
        "target_namespace": "good", "release_train": "Stable", "version": None, "current_version": "1.6.3", "auto_upgrade_minor_version": True,
        "provisioning_state": "Succeeded", "protected_settings": ["gateway.auth.token"], "statuses": [], "token": {"expires_on": ends},
        "healthy": True, "problems": []}
    assert (extensions["untracked"]["token"], extensions["untracked"]["healthy"]) == (None, True)
    for name, fragment in {"soon": "The token ends on", "ended": "answers with an empty body", "failed": "no space left on device",
                           "slow": "The extension is Creating"}.items():
        assert not extensions[name]["healthy"]
        assert fragment in " ".join(extensions[name]["problems"])
    assert not run.result("Strict")["extensions"][0]["healthy"]
    assert run.result("Lax")["extensions"][0]["healthy"]
    assert run.result("None")["extensions"] == []


def test_offline_cluster(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    emulator.settings(operation_seconds=0)
    install(emulator, "good")
    emulator.cluster("store-oslo", connectivity="Offline")
    found = run_playbook(play({MODULE: OSLO})).result()
    assert found["cluster"]["connectivity"] == "Offline"
    assert found["extensions"][0]["problems"] == ["The cluster is Offline."]


def test_a_fleet(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Without a cluster's name, all clusters come from one question to Resource Graph, as one would from Resource Manager."""
    emulator.settings(operation_seconds=0)
    install(emulator, "good")
    install(emulator, "ended", days=-1)
    emulator.forget_requests()
    subscription = emulator.environment["AZURE_SUBSCRIPTION_ID"]
    run = run_playbook(play(
        {"name": "Fleet", MODULE: {}},
        {"name": "Subscription", MODULE: {"subscriptions": [subscription], "name": "good"}},
        {"name": "Group", MODULE: {"management_groups": ["mg-retail"]}},
    ), check=True)
    assert len(emulator.requests("POST", "Microsoft.ResourceGraph")) == 3 and not emulator.requests(path="connectedClusters")
    fleet = {one["cluster"]["name"]: one for one in run.result("Fleet")["clusters"]}
    assert set(emulator.clusters) <= set(fleet)
    # The management group has another subscription as well.
    assert {one["cluster"]["name"] for one in run.result("Group")["clusters"]} == {*fleet, "store-bern"}
    assert {each["name"]: each["healthy"] for each in fleet["store-oslo"]["extensions"]} == {"good": True, "ended": False}
    assert fleet["store-lyon"]["extensions"] == []
    alone = run_playbook(play({"name": "One", MODULE: OSLO})).result("One")
    for one in (alone, fleet["store-oslo"]):
        for each in one["extensions"]:
            each.pop("principal_id")  # Resource Graph does not have it
        one["extensions"].sort(key=lambda each: each["name"])
        one["cluster"].pop("last_connectivity_time")
    assert {"cluster": alone["cluster"], "extensions": alone["extensions"]} == fleet["store-oslo"]
    named = {one["cluster"]["name"]: [each["name"] for each in one["extensions"]] for one in run.result("Subscription")["clusters"]}
    assert named["store-oslo"] == ["good"]
