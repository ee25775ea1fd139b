# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure refuses: the message names the resource, has what Azure said, and says what to do."""
from __future__ import annotations

from typing import Any

import pytest
from harness.emulator import Emulator
from harness.site import APIM, extension, extension_id, fleet, gateway_id, issue_token, make_gateway, writes
from harness.steps import Cases, RunPlaybook, failing, play

EXTENSION = "arcfleet.apim.apim_arc_extension"
EXTENSION_INFO = "arcfleet.apim.apim_arc_extension_info"
GATEWAY = "arcfleet.apim.apim_gateway"
GATEWAY_INFO = "arcfleet.apim.apim_gateway_info"
TOKEN = "arcfleet.apim.apim_gateway_token"
WORKSPACE = "arcfleet.apim.apim_log_analytics_info"
DEPLOY = "arcfleet.apim.deploy"
VERIFY = "arcfleet.apim.verify"

CLUSTER = {"resource_group": "rg-stores", "cluster_name": "store-oslo"}
OSLO = CLUSTER | {"target_namespace": "gateways", "wait_sleep": 0.1, "wait_timeout": 30}
SERVICE = {"resource_group": "rg-apim", "service_name": "apim-emulated"}
STORES = SERVICE | {"name": "stores"}
ISSUE = SERVICE | {"gateway_name": "stores"}
SECOND_SUBSCRIPTION = "33333333-cccc-4000-8000-000000000002"


@pytest.fixture
def wanted(emulator: Emulator) -> dict[str, Any]:
    """The options of an installation."""
    make_gateway(emulator)
    return OSLO | {"configuration_uri": "https://apim-emulated.configuration.azure-api.net", "gateway_token": issue_token(emulator)}


def install(emulator: Emulator, wanted: dict[str, Any]) -> None:
    """Put the same there without the module (and so without the annotation)."""
    emulator.settings(operation_seconds=0)
    emulator.azure("PUT", extension_id(emulator, "store-oslo"), {"properties": {
        "extensionType": "microsoft.apimanagement.gateway", "releaseTrain": "preview", "scope": {"namespace": {"targetNamespace": "gateways"}},
        "configurationSettings": {"gateway.configuration.uri": wanted["configuration_uri"]},
        "configurationProtectedSettings": {"gateway.auth.token": f"GatewayKey {wanted['gateway_token']}"}}})
    assert extension(emulator, "store-oslo")  # whoever looks completes the operation


def test_missing(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    workspace = emulator.environment["EMULATOR_WORKSPACE_ID"]
    group, parent = ("ResourceGroupNotFound", "rg-nowhere", "Check resource_group"), ("ParentResourceNotFound", "apim-nowhere", "Check the name")
    missing = ("ResourceNotFound", "nowhere", "Check the name, resource_group and subscription_id")
    cases: Cases = {
        "Extension: group": (EXTENSION, wanted | {"resource_group": "rg-nowhere"}, group),
        "Extension: cluster": (EXTENSION, wanted | {"cluster_name": "nowhere"}, ("connectedClusters/nowhere", *missing)),
        "Extension info: group": (EXTENSION_INFO, CLUSTER | {"resource_group": "rg-nowhere"}, group),
        "Extension info: cluster": (EXTENSION_INFO, CLUSTER | {"cluster_name": "nowhere"}, ("read the connected cluster", *missing)),
        "Gateway: group": (GATEWAY, STORES | {"resource_group": "rg-nowhere"}, group),
        "Gateway: service": (GATEWAY, STORES | {"service_name": "apim-nowhere"}, parent),
        "Gateway: API": (GATEWAY, STORES | {"apis": ["orders", "nowhere"]}, ("assign the API 'nowhere'", "API not found", "Check apis")),
        "Gateway info: service": (GATEWAY_INFO, STORES | {"service_name": "apim-nowhere"}, ("API Management service", *missing)),
        "Token: gateway": (TOKEN, ISSUE | {"gateway_name": "nowhere"}, ("gateways/nowhere", "Gateway not found", "apim_gateway")),
        "Token: service": (TOKEN, ISSUE | {"service_name": "apim-nowhere"}, parent),
        "Key: gateway": (TOKEN, ISSUE | {"gateway_name": "nowhere", "state": "regenerated"}, ("gateways/nowhere", "Gateway not found", "apim_gateway")),
        "Workspace": (WORKSPACE, {"resource_id": f"{workspace}-nowhere"}, ("Log Analytics workspace", *missing)),
        "Workspace: group": (WORKSPACE, {"resource_id": workspace.replace("rg-apim", "rg-nowhere")}, group),
        "Token on install": (EXTENSION, OSLO | {"configuration_uri": wanted["configuration_uri"]}, (
            "cannot start without gateway_token (gateway.auth.token)", "Nothing was changed")),
        "Everything on install": (EXTENSION, OSLO, ("gateway_token (gateway.auth.token) and configuration_uri (gateway.configuration.uri)",)),
        "Tier": (GATEWAY, STORES | {"service_name": "apim-basic"}, ("'apim-basic' is of the tier 'Basic'", "Developer, Premium")),
    }
    failing(run_playbook, cases)
    in_check_mode = ("Extension: cluster", "Gateway: service", "Key: gateway", "Token on install", "Tier")
    failing(run_playbook, {title: (cases[title][0], cases[title][1], ()) for title in in_check_mode}, check=True)


def test_removing_from_a_missing_cluster(run_playbook: RunPlaybook) -> None:
    """There is nothing to remove, but that may be a misspelt name."""
    run = run_playbook(play({EXTENSION: OSLO | {"state": "absent", "cluster_name": "nowhere"}}), warnings=("no connected cluster .*nowhere",))
    assert run.changed == 0


def test_not_registered(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    told = ("MissingSubscriptionRegistration", SECOND_SUBSCRIPTION, "az provider register --namespace")
    failing(run_playbook, {
        "Extension": (EXTENSION, wanted | {"subscription_id": SECOND_SUBSCRIPTION, "resource_group": "rg-new", "cluster_name": "store-bern"}, (
            *told, "Microsoft.KubernetesConfiguration")),
        "Gateway": (GATEWAY, STORES | {"subscription_id": SECOND_SUBSCRIPTION, "resource_group": "rg-new", "service_name": "apim-new"}, (
            *told, "Microsoft.ApiManagement"))})


def test_unusual_region(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    run_playbook(play({EXTENSION: wanted | {"resource_group": "rg-far", "cluster_name": "store-milan"}}), warnings=("'italynorth' .* is not on the list",))


FAILED_OPERATIONS: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "train": ({"release_train": "nightly"}, ("Failed to resolve the extension version", "Check release_train and version"), ()),
    "version": ({"version": "9.9.9"}, ("Failed to resolve the extension version", "Check release_train and version"), ()),
    "ingress": ({"settings": {"ingress.enabled": True}}, ("Helm installation failed", "customresourcedefinitions"), ("ingress.enabled=true is known to fail",)),
}


@pytest.mark.parametrize("options,fragments,warnings", FAILED_OPERATIONS.values(), ids=FAILED_OPERATIONS)
def test_failed_installation(
        run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any], options: dict[str, Any], fragments: tuple[str, ...],
        warnings: tuple[str, ...]) -> None:
    """Azure takes it and the agent fails: the extension stays behind as Failed, and the next run repairs it."""
    failing(run_playbook, {"Install": (EXTENSION, wanted | options, (
        extension_id(emulator, "store-oslo"), "ExtensionOperationFailed", "is now Failed", *fragments))}, warnings=warnings)
    run = run_playbook(play({EXTENSION: wanted | {"purge_settings": True, "release_train": "preview", "auto_upgrade_minor_version": True}}),
                       warnings=("is Failed and has to be created again",))
    assert run.result()["action"] == "repair"
    assert run.result()["extension"]["provisioning_state"] == "Succeeded"


def test_agent_that_never_ends(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    emulator.cluster("store-oslo", agent={"outcome": "never"})
    run = failing(run_playbook, {
        "Install": (EXTENSION, wanted | {"wait_timeout": 1}, (
            extension_id(emulator, "store-oslo"), "did not end within 1 seconds", "the extension is Creating", "Arc agents"))})
    assert run.result()["extension"]["provisioning_state"] == "Creating"


def test_somebody_else_is_quicker(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any]) -> None:
    """A change that is under way from somewhere else is waited for, and then ours is made."""
    install(emulator, wanted)
    emulator.settings(operation_seconds=3)
    emulator.azure("PATCH", extension_id(emulator, "store-oslo"), {"properties": {"configurationSettings": {"replicaCount": "1"}}})
    run = run_playbook(play({EXTENSION: OSLO | {"replicas": 2}}))
    assert run.result()["changes"] == {"replicaCount": {"before": "1", "after": "2"}}


@pytest.mark.parametrize("told", [True, False], ids=["Retry-After", "only in the text"])
def test_throttled(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any], told: bool) -> None:
    """Azure's word on when to come back is followed, wherever it stands."""
    emulator.settings(throttling={"reads": {"size": 2, "refill": 1}, "writes": {"size": 1, "refill": 1}, "retry_after": told})
    run_playbook(play({EXTENSION: wanted}))
    answers = [request["status"] for request in emulator.requests(path="/extensions/")]
    assert 429 in answers
    assert len(answers) < 30
    emulator.settings(throttling=None)
    found = extension(emulator, "store-oslo")
    assert found and found["provisioningState"] == "Succeeded"


# action: (module, options, whether an extension is there before)
DENIED: dict[str, tuple[str, dict[str, Any], bool]] = {
    "Microsoft.Kubernetes/connectedClusters/read": (EXTENSION_INFO, CLUSTER, False),
    "Microsoft.KubernetesConfiguration/extensions/read": (EXTENSION, OSLO | {"replicas": 1}, True),
    "Microsoft.KubernetesConfiguration/extensions/write": (EXTENSION, OSLO | {"replicas": 1}, True),
    "Microsoft.KubernetesConfiguration/extensions/delete": (EXTENSION, OSLO | {"state": "absent"}, True),
    "Microsoft.KubernetesConfiguration/extensions/operations/read": (EXTENSION, OSLO | {"replicas": 1}, True),
    "Microsoft.ApiManagement/service/read": (GATEWAY_INFO, STORES, False),
    "Microsoft.ApiManagement/service/gateways/read": (GATEWAY, STORES, False),
    "Microsoft.ApiManagement/service/gateways/write": (GATEWAY, STORES | {"description": "new"}, False),
    "Microsoft.ApiManagement/service/gateways/delete": (GATEWAY, STORES | {"state": "absent"}, False),
    "Microsoft.ApiManagement/service/gateways/apis/read": (GATEWAY_INFO, STORES, False),
    "Microsoft.ApiManagement/service/gateways/apis/write": (GATEWAY, STORES | {"apis": ["orders", "stock"]}, False),
    "Microsoft.ApiManagement/service/gateways/apis/delete": (GATEWAY, STORES | {"apis": [], "purge_apis": True}, False),
    "Microsoft.ApiManagement/service/gateways/generateToken/action": (TOKEN, ISSUE, False),
    "Microsoft.ApiManagement/service/gateways/regenerateKey/action": (TOKEN, ISSUE | {"state": "regenerated"}, False),
    "Microsoft.OperationalInsights/workspaces/read": (WORKSPACE, {}, False),
    "Microsoft.OperationalInsights/workspaces/sharedKeys/action": (WORKSPACE, {}, False),
}


@pytest.mark.parametrize("action", DENIED)
def test_denied(run_playbook: RunPlaybook, emulator: Emulator, wanted: dict[str, Any], action: str) -> None:
    module, options, installed = DENIED[action]
    if installed:
        install(emulator, wanted)
        emulator.settings(operation_seconds=1)
    emulator.azure("PUT", f"{gateway_id(emulator)}/apis/orders", {}, APIM)
    if module == WORKSPACE:
        options = {"resource_id": emulator.environment["EMULATOR_WORKSPACE_ID"]}
    client = emulator.environment["AZURE_CLIENT_ID"]
    emulator.settings(deny={client: [action]})
    run = failing(run_playbook, {"Try": (module, options, (
        "Could not ", "AuthorizationFailed (HTTP 403)", client, f"'{action}'", "Give the identity a role with the action named above"))})
    error = run.result()["error"]
    assert (error["code"], error["status"]) == ("AuthorizationFailed", 403)
    assert error["correlation_id"] in run.result()["msg"]


PREPARATIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "token": ({}, ("issue a token for the gateway", "AuthorizationFailed", "generateToken")),
    "workspace": ({"apim_arc_gateway_monitoring_workspace": "log-emulated"}, ("resource_id: 'log-emulated' is not the resource id",)),
    "lifetime": ({"apim_arc_gateway_gateway": STORES | {"token_lifetime_days": 40}}, ("lifetime_days: 40 is not from 2 to 30",)),
    "service": ({"apim_arc_gateway_gateway": STORES | {"service_name": "apim-nowhere"}}, ("ParentResourceNotFound", "apim-nowhere")),
    "tier": ({"apim_arc_gateway_gateway": STORES | {"service_name": "apim-basic"}}, ("is of the tier 'Basic'",)),
}


@pytest.mark.parametrize("variables,fragments", PREPARATIONS.values(), ids=PREPARATIONS)
def test_failed_preparation(
        run_playbook: RunPlaybook, emulator: Emulator, variables: dict[str, Any], fragments: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    """When a gateway cannot be prepared, no cluster is touched, and the reason is readable although secrets are around."""
    if request.node.callspec.id == "token":
        emulator.settings(deny={emulator.environment["AZURE_CLIENT_ID"]: ["*/generateToken/action"]})
    run = run_playbook(DEPLOY, inventory=fleet(emulator, **variables), expect="failed")
    told = " ".join(str(item.get("msg")) for result in run.results() for item in result.get("results", [result]))
    for fragment in fragments:
        assert fragment in told
    assert not [request for request in writes(emulator) if "extensions" in request["path"]]
    assert not run.results("Submit what has to change")


ROLE_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "state": ({"apim_arc_gateway_state": "installed"}, "value of apim_arc_gateway_state must be one of: present, absent"),
    "service type": ({"apim_arc_gateway_service_type": "Ingress"}, "value of apim_arc_gateway_service_type must be one of"),
    "gateway name": ({"apim_arc_gateway_gateway": SERVICE}, "missing required arguments: name found in apim_arc_gateway_gateway"),
    "gateway option": ({"apim_arc_gateway_gateway": STORES | {"names": 1}}, "names"),
    "no gateway": ({}, "apim_arc_gateway_gateway"),
    "protected settings": ({"apim_arc_gateway_protected_settings": "a hidden thing"}, "apim_arc_gateway_protected_settings"),
}


@pytest.mark.parametrize("variables,fragment", ROLE_OPTIONS.values(), ids=ROLE_OPTIONS)
def test_bad_role_options(run_playbook: RunPlaybook, emulator: Emulator, variables: dict[str, Any], fragment: str) -> None:
    play = [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
             "roles": [{"role": "arcfleet.apim.apim_arc_gateway"}]}]
    inventory = fleet(emulator, {"store-oslo": {}}, **variables)
    if not variables:
        del inventory["all"]["vars"]["apim_arc_gateway_gateway"]
    run = run_playbook(play, inventory=inventory, expect="failed")
    told = " ".join(str(result.get("msg")) for result in run.results())
    assert fragment in told
    assert "a hidden thing" not in run.stdout
    assert not emulator.requests()


def test_verify_without_a_cluster(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    run = run_playbook(VERIFY, inventory=fleet(emulator, {"nowhere": {}}), expect="failed")
    assert "connectedClusters/nowhere" in run.result("Look at the cluster and its extension")["msg"]
    assert extension(emulator, "store-oslo") is None
