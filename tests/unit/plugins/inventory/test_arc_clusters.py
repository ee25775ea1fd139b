# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's decisions: names, variables, filters, and which texts are no templates."""
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.inventory import arc_clusters
from ansible_collections.arcfleet.apim.plugins.module_utils import _resource_graph as graph
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from harness import azure

SUBSCRIPTIONS = ("11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555")


def record(*extensions: str, settings: dict[str, str] | None = None) -> dict[str, Any]:
    """What the cache would hold of a cluster with these extensions."""
    body = azure.extension(settings, protected=("gateway.auth.token", "some.password"))
    cluster = {**azure.cluster(), **azure.cluster()["properties"]}
    [row] = graph.rows([{**cluster, "extensionName": name, "extensionProperties": body["properties"]} for name in extensions or [""]])
    return arc_clusters._record(row)


def test_variables() -> None:
    record_setting = {"gateway.deployment.annotations.arcfleetSecrets": f"v1-{'a' * 32}-expires-203012312359"}
    variables = arc_clusters._variables(record("one", settings={"service.type": "NodePort", **record_setting}))
    assert variables == {
        "apim_arc_gateway_subscription_id": azure.SUBSCRIPTION,
        "apim_arc_gateway_resource_group": "rg",
        "apim_arc_gateway_cluster_name": "oslo",
        "arc_cluster": {
            "id": azure.CLUSTER, "name": "oslo", "subscription_id": azure.SUBSCRIPTION, "resource_group": "rg", "location": "norwayeast",
            "connectivity": "Connected", "last_connectivity_time": "2026-04-22T07:46:29.79Z", "kubernetes_version": "1.28.5",
            "agent_version": "1.15.6", "distribution": "k3s", "tags": {"store": "7"}},
        "arc_extension": {
            "id": azure.EXTENSIONS + "/one", "name": "one", "target_namespace": "apim", "release_train": "preview", "version": None,
            "current_version": "1.6.4", "auto_upgrade_minor_version": True, "provisioning_state": "Succeeded",
            "settings": {"service.type": "NodePort", **record_setting}, "protected_settings": ["gateway.auth.token", "some.password"],
            "token_expires_on": "2030-12-31T23:59:00Z"}}


def test_no_extension_and_several() -> None:
    assert arc_clusters._variables(record())["arc_extension"] is None
    assert "arc_extensions" not in arc_clusters._variables(record("one"))
    several = arc_clusters._variables(record("zebra", "apim-gateway", "alpha"))
    assert several["arc_extension"]["name"] == "apim-gateway"
    assert [each["name"] for each in several["arc_extensions"]] == ["alpha", "apim-gateway", "zebra"]
    assert arc_clusters._variables(record("zebra", "alpha"))["arc_extension"]["name"] == "alpha"


def test_secrets_among_ordinary_settings() -> None:
    secrets = {"gateway.auth.token": "GatewayKey x", "monitoring.ingestionKey": "y", "some.password": "z"}
    found = record("one", settings={**secrets, "service.type": "NodePort"})["extensions"][0]["settings"]
    assert found == {**dict.fromkeys(secrets, "********"), "service.type": "NodePort"}


def owner(group: str, subscription: int = 0, cluster: str = "c") -> dict[str, Any]:
    return {
        "apim_arc_gateway_resource_group": group, "apim_arc_gateway_subscription_id": SUBSCRIPTIONS[subscription],
        "arc_cluster": {"id": f"{subscription}/{group}/{cluster}"}}


def test_names_that_are_told_apart() -> None:
    hosts = [("a", owner("rg1")), ("b", owner("rg1")), ("A", owner("rg2")), ("a", owner("rg1", 1)), ("b_rg1", owner("rg3"))]
    expected = ["a_rg1_" + SUBSCRIPTIONS[0], "b", "A_rg2", "a_rg1_" + SUBSCRIPTIONS[1], "b_rg1"]
    for turn in range(len(hosts)):
        turned = hosts[turn:] + hosts[:turn]
        names = arc_clusters._told_apart([name for name, _owner in turned], [each for _name, each in turned])
        assert names == expected[turn:] + expected[:turn]


def test_names_that_cannot_be_told_apart() -> None:
    with pytest.raises(ApimError, match="hostnames: 0/rg/one and 0/rg/two would both be 'x_rg_11111111-.*'"):
        arc_clusters._told_apart(["x", "x"], [owner("rg", cluster="one"), owner("rg", cluster="two")])
    assert arc_clusters._told_apart([], []) == []


@pytest.mark.parametrize(("value", "expected"), [
    (None, []), ("norway", ["norway"]), (["a", "b"], ["a", "b"]), (7, ["7"]), (True, ["true"]), ("", [""]), ([1, False], ["1", "false"])])
def test_tag_values(value: Any, expected: list[str]) -> None:
    assert arc_clusters._tag_values("country", value) == expected


@pytest.mark.parametrize("value", [[], {}, {"a": "b"}, [["a"]], [None]])
def test_impossible_tag_values(value: Any) -> None:
    with pytest.raises(ApimError, match="tags: 'country' must be"):
        arc_clusters._tag_values("country", value)


@pytest.mark.parametrize(("text", "template"), [
    ("plain", False), ("{{ 1 }}", True), ("{% if %}", True), ("{# #}", True), ("#jinja2: variable_start_string:'['\n[[ 1 ]]", True), ("#1", False)])
def test_texts_of_azure_are_no_templates(monkeypatch: pytest.MonkeyPatch, text: str, template: bool) -> None:
    monkeypatch.setattr(arc_clusters, "_never_template", lambda text: ("never", text))
    monkeypatch.setattr(arc_clusters, "_may_be_template", lambda text: ("plain", text))
    arc_clusters._marked.cache_clear()
    try:
        marked = ("never" if template else "plain", text)
        assert arc_clusters._inert({"tags": {"a": text}, "list": [text, None, 1]}) == {"tags": {"a": marked}, "list": [marked, None, 1]}
    finally:
        arc_clusters._marked.cache_clear()
