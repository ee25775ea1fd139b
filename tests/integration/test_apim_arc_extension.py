# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module apim_arc_extension."""
from __future__ import annotations

import re
from typing import Any

import pytest
from harness.emulator import Emulator
from harness.site import RECORD, extension, extension_id, issue_token, make_gateway, nodes, regenerate_key, writes
from harness.steps import RunPlaybook, failing, play, three_ways

MODULE = "arcfleet.apim.apim_arc_extension"
TOKEN = "gateway.auth.token"
KEY = "monitoring.ingestionKey"
OSLO = {"resource_group": "rg-stores", "cluster_name": "store-oslo", "target_namespace": "gateways", "wait_sleep": 0.1, "wait_timeout": 30}
URI = "https://apim-emulated.configuration.azure-api.net"
MONITORING = {"resource_id": "/subscriptions/some/service", "workspace_id": "3a6ede08-6d6f-4c5a-a1a5-0d6c4d4b3f0e", "ingestion_key": "b25lIGluZ2VzdGlvbiBrZXk="}


@pytest.fixture
def wanted(emulator: Emulator) -> dict[str, Any]:
    """The options of a small installation for a gateway that exists."""
    make_gateway(emulator)
    options = OSLO | {"configuration_uri": URI, "gateway_token": issue_token(emulator)}
    emulator.forget_requests()
    return options


@pytest.fixture
def installed(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> dict[str, Any]:
    """The same options, after they were carried out."""
    run_playbook(play({MODULE: wanted}))
    emulator.forget_requests()
    return wanted


def observed(emulator: Emulator) -> dict[str, Any]:
    found = extension(emulator, "store-oslo")
    assert found
    return found


def only_write(emulator: Emulator) -> dict[str, Any]:
    """The one change that was asked for since the requests were last forgotten, refusals in check mode apart."""
    sent = [request for request in writes(emulator) if request["status"] < 400]
    assert len(sent) == 1, sent
    return sent[0]


def test_install_with_everything(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    done = three_ways(run_playbook, MODULE, wanted | {
        "name": "store-gateway", "service_type": "NodePort", "replicas": 2, "monitoring": MONITORING, "release_train": "stable",
        "settings": {"service.http.nodePort": 30080, "telemetry": {"metrics": {"cloud": False}, "logs.std": "json"}, "tolerations": [{"key": "edge"}]},
        "protected_settings": {"imagePullSecrets": [{"name": "a hidden registry"}]}})
    assert done["action"] == "create"
    sent = only_write(emulator)
    assert (sent["method"], sent["api_version"]) == ("PUT", "2023-05-01")
    assert sent["path"].lower() == extension_id(emulator, "store-oslo", "store-gateway").lower()
    assert sent["body"]["identity"] == {"type": "SystemAssigned"}
    protected = sent["body"]["properties"].pop("configurationProtectedSettings")
    assert sorted(protected) == [TOKEN, "imagePullSecrets[0].name", KEY]
    settings = sent["body"]["properties"].pop("configurationSettings")
    assert re.fullmatch(r"v1-[0-9a-f]{32}-expires-\d{12}", settings[RECORD])
    assert settings == {
        "gateway.configuration.uri": URI, "service.type": "NodePort", "replicaCount": "2", "monitoring.customResourceId": MONITORING["resource_id"],
        "monitoring.workspaceId": MONITORING["workspace_id"], "service.http.nodePort": "30080", "telemetry.metrics.cloud": "false",
        "telemetry.logs.std": "json", "tolerations[0].key": "edge", RECORD: settings[RECORD]}
    assert sent["body"]["properties"] == {
        "extensionType": "microsoft.apimanagement.gateway", "autoUpgradeMinorVersion": True, "releaseTrain": "stable",
        "scope": {"namespace": {"targetNamespace": "gateways"}}}

    assert done["diff"]["before"] == {}
    assert done["diff"]["after"] == {
        "provisioning_state": "Succeeded", "target_namespace": "gateways", "release_train": "stable", "version": None,
        "auto_upgrade_minor_version": True, "settings": settings, "protected_settings": {TOKEN: "(set)", "imagePullSecrets[0].name": "(set)", KEY: "(set)"}}
    assert done["changes"]["service.type"] == {"before": None, "after": "NodePort"}
    assert done["changes"][TOKEN] == {"before": None, "after": "(set)"}
    assert done["token"]["expires_on"].startswith(re.sub(r".*-(\d{4})(\d\d)(\d\d)\d{4}", r"\1-\2-\3", settings[RECORD]))
    assert 19 < done["token"]["days_left"] < 20.1
    assert done["duration"] >= 0.2

    found = extension(emulator, "store-oslo", "store-gateway")
    assert found and found["provisioningState"] == "Succeeded" and found["configurationSettings"] == settings
    assert done["extension"]["settings"] == settings
    assert done["extension"]["protected_settings"] == sorted(protected)
    assert done["extension"]["current_version"] == found["currentVersion"] == "1.6.3"
    assert nodes(emulator) == 2


def test_one_setting(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """A changed setting is one PATCH without a secret in it."""
    before = observed(emulator)["configurationSettings"]
    done = three_ways(run_playbook, MODULE, installed | {"service_type": "ClusterIP"})
    assert done["action"] == "update"
    assert done["changes"] == {"service.type": {"before": None, "after": "ClusterIP"}}
    assert done["diff"]["before"]["settings"] == before
    assert done["diff"]["after"]["settings"] == before | {"service.type": "ClusterIP"}
    sent = only_write(emulator)
    assert sent["method"] == "PATCH"
    assert sent["body"] == {"properties": {"configurationSettings": before | {"service.type": "ClusterIP"}}}
    assert observed(emulator)["configurationSettings"] == before | {"service.type": "ClusterIP"}

    # What a task does not name stays, and one without secrets touches none.
    run = run_playbook(play({MODULE: OSLO}, {MODULE: OSLO | {"replicas": 1}}))
    assert [result["action"] for result in run.results()] == ["none", "update"]
    assert observed(emulator)["configurationSettings"] == before | {"service.type": "ClusterIP", "replicaCount": "1"}
    assert nodes(emulator) == 1


def test_purge_settings(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """A setting that has to go needs the whole extension sent."""
    run_playbook(play({MODULE: installed | {"settings": {"telemetry.logs.std": "json"}, "replicas": 1}}))
    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, installed | {"purge_settings": True, "settings": {"telemetry.logs.std": "text"}})
    assert done["action"] == "replace"
    assert done["changes"] == {"replicaCount": {"before": "1", "after": None}, "telemetry.logs.std": {"before": "json", "after": "text"}}
    assert only_write(emulator)["method"] == "PUT"
    assert "replicaCount" not in observed(emulator)["configurationSettings"]
    assert nodes(emulator) == 3


def test_another_token(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """A changed secret goes out with all others and with a new pod annotation in one request, and rolls the pods."""
    before = observed(emulator)["configurationSettings"]
    regenerate_key(emulator)
    assert nodes(emulator) == 0
    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, installed | {"gateway_token": f"GatewayKey {issue_token(emulator)}", "monitoring": MONITORING})
    assert done["action"] == "update"
    assert done["changes"][TOKEN] == {"before": "(set)", "after": "(set again)"}
    assert done["changes"][KEY] == {"before": None, "after": "(set)"}
    assert done["changes"][RECORD]["before"] == before[RECORD] != done["changes"][RECORD]["after"]
    sent = only_write(emulator)
    assert sent["method"] == "PATCH"
    assert sorted(sent["body"]["properties"]) == ["configurationProtectedSettings", "configurationSettings"]
    assert sorted(sent["body"]["properties"]["configurationProtectedSettings"]) == [TOKEN, KEY]
    assert observed(emulator)["configurationSettings"][RECORD] == done["changes"][RECORD]["after"]
    assert nodes(emulator) == 3


def test_untracked_token(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """Without the annotation the new token reaches the cluster, and the pods go on with the old one."""
    run_playbook(play({MODULE: installed | {"track_protected_settings": False}}))
    assert RECORD not in observed(emulator)["configurationSettings"]
    assert nodes(emulator) == 3
    regenerate_key(emulator)
    emulator.forget_requests()
    task = {MODULE: installed | {"gateway_token": issue_token(emulator), "track_protected_settings": False}}
    run = run_playbook(play(task, task))
    assert [result["changed"] for result in run.results()] == [True, True]  # nobody remembers what the cluster got
    assert [list(request["body"]["properties"]["configurationProtectedSettings"]) for request in writes(emulator)] == [[TOKEN], [TOKEN]]
    assert nodes(emulator) == 0
    run_playbook(play({MODULE: task[MODULE] | {"track_protected_settings": True}}))
    assert nodes(emulator) == 3


def test_resend(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    task = {MODULE: installed | {"resend_protected_settings": True}}
    done = run_playbook(play(task), check=True, diff=True).result()
    assert done["changes"] == run_playbook(play(task)).result()["changes"] == {TOKEN: {"before": "(set)", "after": "(set again)"}}
    assert list(only_write(emulator)["body"]["properties"]["configurationProtectedSettings"]) == [TOKEN]


def test_protected_settings_are_not_lost(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    run_playbook(play({MODULE: installed | {"monitoring": MONITORING}}))
    emulator.forget_requests()
    another = installed | {"gateway_token": issue_token(emulator, key="secondary")}
    failing(run_playbook, {
        "Forgotten": (MODULE, another, (extension_id(emulator, "store-oslo"), "would delete them", KEY, "purge_settings=true", "Nothing was changed"))})
    assert not writes(emulator)
    done = three_ways(run_playbook, MODULE, another | {"purge_settings": True})
    assert done["changes"][KEY] == {"before": "(set)", "after": None}
    assert done["diff"]["after"]["protected_settings"] == {TOKEN: "(set again)"}
    assert observed(emulator)["configurationProtectedSettings"] == {TOKEN: ""}
    assert nodes(emulator) == 3


def test_version(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """Pin, move between trains, unpin, and pin to what is there."""
    assert observed(emulator)["currentVersion"] == "1.6.4"
    done = three_ways(run_playbook, MODULE, OSLO | {"version": "1.5.0", "release_train": "stable"})
    assert done["changes"] == {
        "release_train": {"before": "preview", "after": "stable"}, "version": {"before": None, "after": "1.5.0"},
        "auto_upgrade_minor_version": {"before": True, "after": False}}
    assert only_write(emulator)["body"] == {"properties": {"releaseTrain": "stable", "autoUpgradeMinorVersion": False, "version": "1.5.0"}}
    assert observed(emulator)["currentVersion"] == "1.5.0"

    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, OSLO | {"auto_upgrade_minor_version": True})
    assert only_write(emulator)["body"] == {"properties": {"autoUpgradeMinorVersion": True, "version": None}}
    assert (observed(emulator)["version"], observed(emulator)["currentVersion"]) == (None, "1.6.3")

    done = three_ways(run_playbook, MODULE, OSLO | {"auto_upgrade_minor_version": False})
    assert done["diff"]["after"]["version"] == observed(emulator)["version"] == "1.6.3"


def test_another_namespace(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    elsewhere = installed | {"target_namespace": "elsewhere"}
    failing(run_playbook, {"Refused": (MODULE, elsewhere, (
        extension_id(emulator, "store-oslo"), "'gateways'", "'elsewhere'", "recreate=true", "Nothing was changed"))})
    assert not writes(emulator)
    done = three_ways(run_playbook, MODULE, elsewhere | {"recreate": True})
    assert done["action"] == "recreate"
    assert done["changes"]["target_namespace"] == {"before": "gateways", "after": "elsewhere"}
    assert [request["method"] for request in writes(emulator) if request["status"] < 400] == ["DELETE", "PUT"]
    assert observed(emulator)["scope"] == {"namespace": {"targetNamespace": "elsewhere"}}
    assert nodes(emulator) == 3


@pytest.mark.parametrize(("scope", "kind", "fragments"), [
    ({"cluster": {"releaseNamespace": "gateway"}}, "microsoft.apimanagement.gateway", ("for the whole cluster", "'gateway'", "'gateways'")),
    ({"namespace": {"targetNamespace": "gateways"}}, "microsoft.flux", ("of the type 'microsoft.flux'",))], ids=["scope", "type"])
def test_somebody_elses(
        run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any], scope: dict[str, Any], kind: str, fragments: tuple[str, ...]) -> None:
    """An extension of that name that is something else is not touched."""
    emulator.azure("PUT", extension_id(emulator, "store-oslo"), {"properties": {
        "extensionType": kind, "scope": scope, "configurationSettings": {"gateway.configuration.uri": URI},
        "configurationProtectedSettings": {TOKEN: f"GatewayKey {wanted['gateway_token']}"}}})
    emulator.forget_requests()
    failing(run_playbook, {"Refused": (MODULE, wanted, (*fragments, "recreate=true", "Nothing was changed"))})
    assert not writes(emulator)


def test_repair(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """A failed extension is created again."""
    emulator.cluster("store-oslo", agent={"outcome": "fail", "message": "InnerError [no space left on device]"})
    change = installed | {"replicas": 1}
    run = failing(run_playbook, {"Broken": (MODULE, change, (
        extension_id(emulator, "store-oslo"), "ExtensionOperationFailed", "no space left on device", "The extension is now Failed", "run again"))})
    result = run.result()
    assert result["error"]["code"] == "ExtensionOperationFailed"
    assert result["error"]["helm_error"].endswith("InnerError [no space left on device]")
    assert result["extension"]["provisioning_state"] == "Failed"
    emulator.cluster("store-oslo", agent={"outcome": "succeed"})
    emulator.forget_requests()
    done = three_ways(run_playbook, MODULE, change, warnings=("is Failed and has to be created again",))
    assert done["action"] == "repair"
    assert done["changes"]["provisioning_state"] == {"before": "Failed", "after": "Succeeded"}
    assert only_write(emulator)["method"] == "PUT"
    assert nodes(emulator) == 1


def test_remove(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    done = three_ways(run_playbook, MODULE, OSLO | {"state": "absent"})
    assert done["action"] == "delete"
    assert done["diff"]["before"]["settings"]["gateway.configuration.uri"] == URI
    assert done["diff"]["after"] == {}
    assert done["extension"] is None
    assert only_write(emulator)["query"]["forcedelete"] == "false"
    assert extension(emulator, "store-oslo") is None
    assert nodes(emulator) == 0


def test_offline(run_playbook: RunPlaybook, emulator: Emulator, installed: dict[str, Any]) -> None:
    """A cluster that nobody reaches: refused, submitted all the same, and at last forgotten."""
    emulator.cluster("store-oslo", connectivity="Offline")
    change, absent = installed | {"replicas": 1}, OSLO | {"state": "absent"}
    told = ("'store-oslo' is Offline", "Nothing was changed", "allow_offline=true")
    refused = {"Change": (MODULE, change, (*told, "48 hours")), "Removal": (MODULE, absent, (*told, "goes on when the agent is back", "force_delete=true"))}
    failing(run_playbook, refused)
    failing(run_playbook, refused, check=True)
    assert not writes(emulator)
    run = run_playbook(play({MODULE: change | {"allow_offline": True, "wait": False}}), warnings=("'store-oslo' is Offline",))
    assert run.result()["extension"]["provisioning_state"] == observed(emulator)["provisioningState"] == "Updating"
    done = three_ways(run_playbook, MODULE, absent | {"force_delete": True, "wait": False})
    assert done["action"] == "delete"
    assert emulator.requests("DELETE")[-1]["query"]["forcedelete"] == "true"
    assert extension(emulator, "store-oslo") is None


def test_join(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    """What is submitted without waiting is joined by the same task with wait, which sends nothing."""
    emulator.settings(operation_seconds=3)
    run = run_playbook(play(
        {"name": "Submit", MODULE: wanted | {"wait": False}},
        {"name": "Submit again", MODULE: wanted | {"wait": False}},
        {"name": "Submit something else", MODULE: wanted | {"wait": False, "replicas": 1}},
        {"name": "Join", MODULE: wanted}), warnings=("is Creating, and Azure takes no change",))
    assert [(result["changed"], result["extension"]["provisioning_state"]) for result in run.results()] == [
        (True, "Creating"), (False, "Creating"), (False, "Creating"), (False, "Succeeded")]
    assert run.result("Submit")["extension"]["settings"]["gateway.configuration.uri"] == URI
    assert only_write(emulator)["method"] == "PUT"


def test_wait_for_somebody_else(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    """A change waits for the operation under way, here a removal, and then decides anew."""
    run_playbook(play({MODULE: wanted}))
    emulator.settings(operation_seconds=3)
    run = run_playbook(play(
        {"name": "Remove", MODULE: OSLO | {"state": "absent", "wait": False}},
        {"name": "Remove again", MODULE: OSLO | {"state": "absent", "wait": False}},
        {"name": "Install", MODULE: wanted | {"wait": False}},
        {"name": "Install and wait", MODULE: wanted}), warnings=("is Deleting, and Azure takes no change",))
    assert [result["action"] for result in run.results()] == ["delete", "none", "none", "create"]
    assert observed(emulator)["provisioningState"] == "Succeeded"
