# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks deploy and verify, on a fleet."""
from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from harness.emulator import Emulator
from harness.site import APIM, RECORD, extension, extension_id, fleet, gateway_id, make_gateway, nodes, regenerate_key, writes
from harness.steps import RunPlaybook

DEPLOY = "arcfleet.apim.deploy"
VERIFY = "arcfleet.apim.verify"
SUBMIT = "Submit what has to change"
TOKEN = "gateway.auth.token"
KEY = "monitoring.ingestionKey"
STORES = ("store-lyon", "store-oslo", "store-porto")
AT_ONCE = {"rollout_waves": ["100%"]}


@pytest.fixture
def monitored(emulator: Emulator) -> dict[str, Any]:
    """Three clusters with one gateway and monitoring on."""
    return fleet(emulator, apim_arc_gateway_monitoring_workspace=emulator.environment["EMULATOR_WORKSPACE_ID"])


def settings(emulator: Emulator, cluster: str) -> dict[str, str]:
    found = extension(emulator, cluster)
    assert found and found["provisioningState"] == "Succeeded"
    return found["configurationSettings"]


def test_a_fleets_life(run_playbook: RunPlaybook, emulator: Emulator, monitored: dict[str, Any]) -> None:
    """Review, install, run again, change one setting, lose a key, deploy again."""
    review = run_playbook(DEPLOY, inventory=monitored, check=True, diff=True)
    for store in STORES:
        foretold = review.result(SUBMIT, store)
        assert foretold["changes"]["service.type"] == {"before": None, "after": "LoadBalancer"}
        assert foretold["changes"]["target_namespace"] == {"before": None, "after": "apim-gateway"}
        assert foretold["changes"][KEY] == {"before": None, "after": "(set)"}
    assert '+    "release_train": "preview"' in review.stdout

    done = run_playbook(DEPLOY, inventory=monitored, diff=True)
    for store in STORES:
        assert done.result(SUBMIT, store)["action"] == "create"
        values = settings(emulator, store)
        shown = review.result(SUBMIT, store)["changes"]
        assert {name: shown[name]["after"] for name in values if name != RECORD} == {name: values[name] for name in values if name != RECORD}
        assert values["gateway.configuration.uri"] == "https://apim-emulated.configuration.azure-api.net"
        assert values["monitoring.workspaceId"]
        assert values["monitoring.customResourceId"] == gateway_id(emulator).rpartition("/gateways/")[0]
    # Every cluster has a record of its own, and one token does for all of them.
    assert len({settings(emulator, store)[RECORD] for store in STORES}) == 3
    # The survey and every wave ask for it once; the review has one wave.
    assert len(emulator.requests("POST", "generateToken")) == (1 + 1) + (1 + len(STORES))
    assert nodes(emulator) == 9
    run_playbook(VERIFY, inventory=monitored)

    emulator.forget_requests()
    again = run_playbook(DEPLOY, inventory=monitored, diff=True)
    assert again.changed == 0
    assert not writes(emulator)
    assert [len(emulator.requests("POST", action)) for action in ("generateToken", "sharedKeys")] == [1, 1]

    changed = {**monitored["all"], "hosts": {**monitored["all"]["hosts"], "store-oslo": {"apim_arc_gateway_replicas": 2}}}
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory={"all": changed}, diff=True)
    assert run.changed == run.stats["store-oslo"]["changed"] == 1
    assert [(request["method"], list(request["body"]["properties"])) for request in writes(emulator)] == [("PATCH", ["configurationSettings"])]
    assert writes(emulator)[0]["path"].lower() == extension_id(emulator, "store-oslo").lower()
    assert nodes(emulator) == 8

    # The key is lost: the pods are cut off, though everything looks as before.
    before = {store: settings(emulator, store)[RECORD] for store in STORES}
    regenerate_key(emulator)
    assert nodes(emulator) == 0
    red = run_playbook(VERIFY, inventory={"all": changed}, expect="failed")
    for store in STORES:
        assert red.result("The extension is there and healthy", store)["msg"].startswith(f"{store}: Succeeded, token good for ")
        message = red.result("The gateway has a connected node for every cluster", store)["msg"]
        assert message.startswith(f"{store}: 0 nodes are connected to the gateway 'stores', and 3 are needed.")
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory={"all": changed}, diff=True)
    sent = writes(emulator)
    assert sorted(request["path"].split("/")[8] for request in sent) == list(STORES)
    for request in sent:
        store, properties = request["path"].split("/")[8], request["body"]["properties"]
        assert request["method"] == "PATCH"
        assert sorted(properties) == ["configurationProtectedSettings", "configurationSettings"]
        assert sorted(properties["configurationProtectedSettings"]) == [TOKEN, KEY]
        assert properties["configurationSettings"][RECORD] == settings(emulator, store)[RECORD] != before[store]
        assert run.result(SUBMIT, store)["changes"][TOKEN] == {"before": "(set)", "after": "(set again)"}
    assert nodes(emulator) == 8
    run_playbook(VERIFY, inventory={"all": changed})


def test_two_gateways(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Groups of clusters with gateways of their own in one play, and every option of a gateway."""
    subscription = emulator.environment["AZURE_SUBSCRIPTION_ID"]
    emulator.azure("PUT", f"{make_gateway(emulator, 'north')}/apis/stock", {}, APIM)
    service = {"subscription_id": subscription, "resource_group": "rg-apim", "service_name": "apim-emulated"}
    north = service | {
        "name": "north", "description": "The north", "location_data": {"name": "North", "country_or_region": "Norway"}, "apis": ["orders"],
        "purge_apis": True, "token_key": "secondary", "token_lifetime_days": 10, "token_rotation_days": 2}
    south = service | {"name": "south", "apis": ["orders", "prices"]}
    inventory = {"all": {
        "vars": fleet(emulator)["all"]["vars"] | {"apim_arc_gateway_subscription_id": subscription},
        "children": {
            "north": {"hosts": {"store-oslo": {}}, "vars": {"apim_arc_gateway_gateway": north}},
            "south": {"hosts": {"store-lyon": {}, "store-porto": {"apim_arc_gateway_monitoring_workspace": emulator.environment["EMULATOR_WORKSPACE_ID"]}},
                      "vars": {"apim_arc_gateway_gateway": south}}}}}
    run_playbook(DEPLOY, inventory=inventory, check=True)
    run_playbook(DEPLOY, inventory=inventory)
    assert (nodes(emulator, "north"), nodes(emulator, "south")) == (3, 6)
    apis = {name: [api["name"] for api in emulator.azure("GET", f"{gateway_id(emulator, name)}/apis", api_version=APIM)["value"]]
            for name in ("north", "south")}
    assert apis == {"north": ["orders"], "south": ["orders", "prices"]}
    properties = emulator.azure("GET", gateway_id(emulator, "north"), api_version=APIM)["properties"]
    assert (properties["description"], properties["locationData"]["countryOrRegion"]) == ("The north", "Norway")
    tokens = [request["body"] for request in emulator.requests("POST", "north/generateToken")]
    assert {token["keyType"] for token in tokens} == {"secondary"}
    assert "monitoring.workspaceId" in settings(emulator, "store-porto")
    assert "monitoring.workspaceId" not in settings(emulator, "store-lyon")
    assert run_playbook(DEPLOY, inventory=inventory, diff=True).changed == 0
    run_playbook(VERIFY, inventory=inventory)


def test_options(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """What can be set on a cluster, on hosts that are not called like their clusters, given as text as surveys do."""
    inventory = fleet(
        emulator, {"oslo": {"apim_arc_gateway_cluster_name": "store-oslo"}}, apim_arc_gateway_extension_name="gateway-a",
        apim_arc_gateway_target_namespace="team-a", apim_arc_gateway_release_train="stable", apim_arc_gateway_version="1.5.0",
        apim_arc_gateway_service_type="NodePort", apim_arc_gateway_replicas="2", apim_arc_gateway_settings={"telemetry": {"logs": {"std": "json"}}},
        apim_arc_gateway_protected_settings={"imagePullSecrets[0].name": "a hidden registry"}, apim_arc_gateway_verify_token_days="1")
    variables = inventory["all"]["vars"]
    run_playbook(DEPLOY, inventory=inventory, arguments="-e apim_arc_gateway_hosts=oslo")
    found = extension(emulator, "store-oslo", "gateway-a")
    assert found
    assert found["scope"] == {"namespace": {"targetNamespace": "team-a"}}
    assert (found["releaseTrain"], found["version"], found["autoUpgradeMinorVersion"]) == ("stable", "1.5.0", False)
    assert found["configurationSettings"].items() >= {"service.type": "NodePort", "replicaCount": "2", "telemetry.logs.std": "json"}.items()
    assert sorted(found["configurationProtectedSettings"]) == [TOKEN, "imagePullSecrets[0].name"]
    run_playbook(VERIFY, inventory=inventory, arguments="-e apim_arc_gateway_hosts=oslo")

    del variables["apim_arc_gateway_version"], variables["apim_arc_gateway_replicas"]
    variables |= {"apim_arc_gateway_auto_upgrade_minor_version": "true", "apim_arc_gateway_protected_settings": {}, "apim_arc_gateway_purge_settings": "true",
                  "apim_arc_gateway_target_namespace": "team-b", "apim_arc_gateway_recreate": "true"}
    assert run_playbook(DEPLOY, inventory=inventory).result(SUBMIT)["action"] == "recreate"
    assert nodes(emulator) == 3
    variables |= {"apim_arc_gateway_settings": {}}
    assert run_playbook(DEPLOY, inventory=inventory).result(SUBMIT)["action"] == "replace"
    found = extension(emulator, "store-oslo", "gateway-a")
    assert found
    assert found["scope"] == {"namespace": {"targetNamespace": "team-b"}}
    assert (found["version"], found["autoUpgradeMinorVersion"], found["currentVersion"]) == (None, True, "1.6.3")
    assert "telemetry.logs.std" not in found["configurationSettings"]
    assert list(found["configurationProtectedSettings"]) == [TOKEN]
    assert run_playbook(DEPLOY, inventory=inventory).changed == 0


def test_one_cluster_fails(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """The others are installed, the message names the cluster and has what Helm said, and the next run repairs."""
    inventory = fleet(emulator)
    emulator.cluster("store-oslo", agent={"outcome": "fail", "message": "InnerError [no space left on device]", "operation_seconds": 6})
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE, expect="failed")
    assert {store: run.stats[store]["failures"] for store in STORES} == {"store-lyon": 0, "store-oslo": 1, "store-porto": 0}
    message = run.result("Wait until it is done", "store-oslo")["msg"]
    for fragment in (extension_id(emulator, "store-oslo"), "Helm installation failed", "no space left on device", "is now Failed", "run again"):
        assert fragment in message
    red = run_playbook(VERIFY, inventory=inventory, expect="failed")
    assert "no space left on device" in red.result("The extension is there and healthy", "store-oslo")["msg"]
    assert red.stats["store-lyon"]["failures"] == 0

    emulator.cluster("store-oslo", agent={"outcome": "succeed", "operation_seconds": 0.2})
    run = run_playbook(DEPLOY, inventory=inventory, warnings=("is Failed and has to be created again",))
    assert run.result(SUBMIT)["action"] == "repair"  # nothing is to be done on the others
    run_playbook(VERIFY, inventory=inventory)


def test_many_clusters_take_the_time_of_one(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """All changes are sent before anybody waits, even one at a time."""
    emulator.settings(operation_seconds=12)
    run_playbook(DEPLOY, inventory=fleet(emulator), extra_vars=AT_ONCE, arguments="--forks 1")
    requests = emulator.requests(path="/extensions/")
    puts = [request for request in requests if request["method"] == "PUT"]
    looks = [request for request in requests if request["method"] == "GET" and request["status"] == 200]
    assert len(puts) == 3
    assert max(request["n"] for request in puts) < min(request["n"] for request in looks)
    assert (datetime.fromisoformat(looks[-1]["time"]) - datetime.fromisoformat(puts[0]["time"])).total_seconds() < 2 * 12
    assert nodes(emulator) == 9


def test_a_second_deployment_joins(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Started while the first one's operations run, it sends nothing and waits for them."""
    inventory = fleet(emulator, {"store-oslo": {}})
    emulator.cluster("store-oslo", agent={"operation_seconds": 15})
    slow = {"apim_arc_gateway_wait_timeout": 1}
    first = run_playbook(DEPLOY, inventory=inventory, extra_vars=slow, expect="failed")
    message = first.result("Wait until it is done")["msg"]
    for fragment in (extension_id(emulator, "store-oslo"), "did not end within 1 seconds", "the extension is Creating", "run again to join it"):
        assert fragment in message
    emulator.forget_requests()
    second = run_playbook(DEPLOY, inventory=inventory)
    assert second.changed == 0
    assert not writes(emulator)
    assert nodes(emulator) == 3


def test_verify_finds_what_is_wrong(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    inventory = fleet(emulator)
    check = "The extension is there and healthy"
    run_playbook(DEPLOY, inventory=inventory, arguments="--limit store-oslo,store-lyon")
    emulator.cluster("store-lyon", connectivity="Offline")
    red = run_playbook(VERIFY, inventory=inventory, expect="failed")
    assert red.result(check, "store-porto")["msg"] == "store-porto: There is no extension apim-gateway."
    assert red.result(check, "store-lyon")["msg"] == "store-lyon: The cluster is Offline."
    assert red.result(check, "store-oslo")["msg"].startswith("store-oslo: Succeeded, token good for ")
    soon = run_playbook(VERIFY, inventory=inventory, extra_vars={"apim_arc_gateway_verify_token_days": 30}, expect="failed", arguments="--limit store-oslo")
    assert "store-oslo: The token ends on" in soon.result(check)["msg"]


def test_verify_waits_for_nodes(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Nodes report once a minute, so verify asks more than once."""
    inventory = fleet(emulator, {"store-oslo": {}}, apim_arc_gateway_verify_retries=2, apim_arc_gateway_verify_delay=1)
    run_playbook(DEPLOY, inventory=inventory)
    regenerate_key(emulator)
    emulator.forget_requests()
    run_playbook(VERIFY, inventory=inventory, expect="failed")
    assert len(emulator.requests("GET", "gateways/stores/apis")) == 3
