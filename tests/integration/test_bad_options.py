# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that cannot be right are refused before anything is sent, with the option's name and the remedy."""
from __future__ import annotations

from typing import Any

from harness.emulator import Emulator
from harness.steps import Cases, RunPlaybook, failing, play

EXTENSION = "arcfleet.apim.apim_arc_extension"
EXTENSION_INFO = "arcfleet.apim.apim_arc_extension_info"
GATEWAY = "arcfleet.apim.apim_gateway"
GATEWAY_INFO = "arcfleet.apim.apim_gateway_info"
TOKEN = "arcfleet.apim.apim_gateway_token"
WORKSPACE = "arcfleet.apim.apim_log_analytics_info"

OSLO = {"resource_group": "rg-stores", "cluster_name": "store-oslo", "target_namespace": "gateways"}
STORES = {"resource_group": "rg-apim", "service_name": "apim-emulated", "name": "stores"}
ISSUE = {"resource_group": "rg-apim", "service_name": "apim-emulated", "gateway_name": "stores"}
SIGNATURE = "c2lnbmVkIGJ5IG5vYm9keSBhdCBhbGwgYW5kIHRoZXJlZm9yZSBub3Qgd29ydGggYW55dGhpbmc="
ENDED = f"stores&202001010000&{SIGNATURE}"


def extension(*fragments: str, **options: Any) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    return EXTENSION, OSLO | options, fragments


def test_extension(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    cases: Cases = {
        "Bad group": extension("resource_group: 'rg stores' is not a valid name", resource_group="rg stores"),
        "Bad cluster": extension("cluster_name: 'store/oslo' is not a valid name", cluster_name="store/oslo"),
        "Bad name": extension("name: '-gateway' is not a valid name", "starting with a letter or digit", name="-gateway"),
        "Bad namespace": extension("target_namespace: 'Gateways' is not a valid name", "lower-case", target_namespace="Gateways"),
        "No namespace": (EXTENSION, {name: OSLO[name] for name in ("resource_group", "cluster_name")}, (
            "state is present but all of the following are missing: target_namespace",)),
        "Null namespace": extension("target_namespace: missing", "lower-case", target_namespace=None),
        "Bad URI": extension("configuration_uri: 'http://contoso.example' is neither an https URL nor a host name", "apim_gateway_info",
                             configuration_uri="http://contoso.example"),
        "Bad token": extension("gateway_token: this is not a gateway token", "GATEWAY&yyyyMMddHHmm&SIGNATURE", gateway_token="not a token"),
        "Impossible date": extension("gateway_token: this is not a gateway token", gateway_token=f"stores&202013450000&{SIGNATURE}"),
        "Ended token": extension("gateway_token: the token of gateway 'stores' expired at 2020-01-01 00:00 UTC", "apim_gateway_token", gateway_token=ENDED),
        "Bare token": extension("settings: 'gateway.auth.token' is a secret", "protected_settings", settings={"gateway.auth.token": ENDED}),
        "Bare key": extension("settings: 'monitoring.ingestionKey' is a secret", settings={"monitoring": {"ingestionKey": "a bare key"}}),
        "In both": extension("'dapr.app.id' is in both", settings={"dapr.app.id": "one"}, protected_settings={"dapr": {"app": {"id": "two"}}}),
        "Twice": extension("settings: 'service.type' is given twice", settings={"service.type": "NodePort", "service": {"type": "NodePort"}}),
        "Option and setting": extension("service_type: 'service.type' is among the settings as well", service_type="NodePort",
                                        settings={"service.type": "NodePort"}),
        "No value": extension("settings: 'dapr.config' has no value", settings={"dapr": {"config": None}}),
        "Bad setting": extension("settings: 'a b' cannot be the name of a setting", settings={"a b": 1}),
        "The record": extension("'gateway.deployment.annotations.arcfleetSecrets' is written by this module",
                                settings={"gateway.deployment.annotations.arcfleetSecrets": "mine"}),
        "Wrong choice": extension("'telemetry.logs.std' is 'xml'. It must be one of: none, text, json", settings={"telemetry.logs.std": "xml"}),
        "Wrong type": extension("value of service_type must be one of: LoadBalancer, NodePort, ClusterIP", service_type="Ingress"),
        "Wrong state": extension("value of state must be one of: present, absent", state="installed"),
        "Not a number": extension("replicas", "int", replicas="many"),
        "Not a mapping": extension("settings", "dict", settings=["one"]),
        "Pin and upgrade": extension("auto_upgrade_minor_version: true does not go with version '1.6.4'", version="1.6.4", auto_upgrade_minor_version=True),
        "No patience": extension("wait_timeout: 0 is not possible", wait_timeout=0),
        "No sleep": extension("wait_sleep: -1 is not possible", wait_sleep=-1),
        "Half of monitoring": extension("missing required arguments: ingestion_key found in monitoring",
                                        monitoring={"resource_id": "/subscriptions/1", "workspace_id": "2"}),
        "Unknown option": extension("Unsupported parameters", "namespace", namespace="gateways"),
        "Missing option": (EXTENSION, {"cluster_name": "store-oslo", "state": "absent"}, ("missing required arguments: resource_group",)),
    }
    failing(run_playbook, cases)
    assert not emulator.requests()


def test_other_modules(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    cases: Cases = {
        "Days": (EXTENSION_INFO, {"resource_group": "rg-stores", "cluster_name": "store-oslo", "token_days": 31}, ("token_days: 31 is not from 0 to 30",)),
        "Name": (EXTENSION_INFO, {"resource_group": "rg-stores", "cluster_name": "store-oslo", "name": "a b"}, ("name: 'a b' is not a valid name",)),
        "Gateway": (GATEWAY, STORES | {"name": "managed"}, ("name: 'managed' is not a valid name", "not 'managed'")),
        "Service": (GATEWAY, STORES | {"service_name": "apim_emulated"}, ("service_name: 'apim_emulated' is not a valid name",)),
        "Location": (GATEWAY, STORES | {"location_data": {"name": ""}}, ("location_data.name", "1 to 256")),
        "City": (GATEWAY, STORES | {"location_data": {"city": "x" * 257}}, ("location_data.city", "257 characters")),
        "Purge what": (GATEWAY, STORES | {"purge_apis": True}, ("purge_apis: true needs apis", "apis=[]")),
        "API": (GATEWAY, STORES | {"apis": ["orders/1"]}, ("apis: 'orders/1' is not a valid name",)),
        "Read gateway": (GATEWAY_INFO, STORES | {"name": "a b"}, ("name: 'a b' is not a valid name",)),
        "Nodes": (GATEWAY_INFO, STORES | {"min_nodes": -1}, ("min_nodes: -1 is negative",)),
        "Token gateway": (TOKEN, ISSUE | {"gateway_name": "a&b"}, ("gateway_name: 'a&b' is not a valid name",)),
        "Too long": (TOKEN, ISSUE | {"lifetime_days": 31}, ("lifetime_days: 31 is not from 2 to 30", "the most that Azure allows")),
        "Too rare": (TOKEN, ISSUE | {"lifetime_days": 10, "rotation_days": 6}, ("rotation_days: 6 is not from 1 to 5", "well before it ends")),
        "Key": (TOKEN, ISSUE | {"key": "third"}, ("value of key must be one of: primary, secondary",)),
        "Workspace": (WORKSPACE, {"resource_id": "log-emulated"}, ("resource_id: 'log-emulated' is not the resource id", "Microsoft.OperationalInsights")),
    }
    failing(run_playbook, cases)
    assert not emulator.requests()


def test_odd_settings(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """What may be right goes out, with a warning that says what is odd about it."""
    odd = {
        "service.typ": "NodePort", "ingress.enabled": True, "service.http.nodePort": 30080, "telemetry.metrics.local": "statsd",
        "telemetry.metrics.opentelemetry.enabled": True, "nothing.like.it": 1}
    run = run_playbook(
        play({EXTENSION: OSLO | {"settings": odd, "service_type": "ClusterIP", "configuration_uri": "https://x.example",
                                 "gateway_token": f"stores&203001010000&{SIGNATURE}"}}), check=True,
        warnings=(r"no setting 'service.typ'.*", r"ingress.enabled=true is known to fail", r"'service.http.nodePort' has no effect",
                  r"'telemetry.metrics.local' is 'statsd'", r"'telemetry.metrics.opentelemetry.enabled' is 'true'", r"no setting 'nothing.like.it'"))
    assert run.result()["changes"]["service.typ"]["after"] == "NodePort"
    told = " ".join(run.result()["warnings"])
    for fragment in ("Did you mean 'service.type'?", "may not list the cluster's custom resource definitions", "unless the service type is NodePort",
                     "needs 'telemetry.metrics.localStatsd.endpoint' as well", "needs 'telemetry.metrics.opentelemetry.collector.uri' as well"):
        assert fragment in told
