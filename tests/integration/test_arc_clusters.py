# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin ``arcfleet.apim.arc_clusters``, as ansible-inventory and ansible-playbook use it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible_collections.arcfleet.apim.plugins.inventory.arc_clusters import EXAMPLES
from harness import playbook as harness
from harness.emulator import Emulator
from harness.site import extension_id, issue_token, make_gateway, RECORD
from harness.steps import play

Ask = Callable[..., Any]
ALL = {"store-oslo", "store-lyon", "store-porto", "store-milan"}
BERN = "33333333-cccc-4000-8000-000000000002"


@pytest.fixture
def ask(emulator: Emulator, tmp_path: Path) -> Ask:
    """Return a function that runs ansible-inventory on options of the plugin, and checks what holds for every run.

    It returns the JSON of ``--list`` unless other arguments are given, or the errors when the run has to fail.
    """
    return asking(emulator, tmp_path)


def asking(emulator: Emulator, tmp_path: Path) -> Ask:
    def ask(
            options: dict[str, Any] | str | None = None, *arguments: str, file: str = "arc_clusters.yml", fails: bool = False,
            environment: dict[str, str] | None = None) -> Any:
        text = options if isinstance(options, str) else yaml.safe_dump({"plugin": "arcfleet.apim.arc_clusters", **(options or {})})
        (tmp_path / file).write_text(text, encoding="utf-8")
        variables = os.environ | emulator.environment | (environment or {})
        ended = subprocess.run(
            [Path(sys.executable).with_name("ansible-inventory"), "-i", tmp_path / file, *(arguments or ["--list"])],
            capture_output=True, text=True, check=False, env=variables | {
                "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": str(tmp_path / "ansible"),
                "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections")})
        output = ended.stdout + ended.stderr
        assert "Traceback" not in output, output
        assert (ended.returncode != 0) == fails, output
        assert not [secret for secret in emulator.secrets() if secret in output]
        if fails:
            return " ".join(ended.stderr.split())
        assert not ended.stderr
        return ended.stdout if arguments else json.loads(ended.stdout)

    return ask


def hosts(inventory: dict[str, Any]) -> set[str]:
    return set(inventory["_meta"]["hostvars"])


def graph_calls(emulator: Emulator) -> list[dict[str, Any]]:
    return emulator.requests("POST", "Microsoft.ResourceGraph")


def install(emulator: Emulator, cluster: str, name: str = "apim-gateway", **settings: str) -> str:
    """Install an extension behind everybody's back; returns its token."""
    token = "GatewayKey " + issue_token(emulator)
    emulator.azure("PUT", extension_id(emulator, cluster, name), {"properties": {
        "extensionType": "microsoft.apimanagement.gateway", "releaseTrain": "preview", "scope": {"namespace": {"targetNamespace": name}},
        "configurationSettings": {"gateway.configuration.uri": "https://apim-emulated.configuration.azure-api.net", **settings},
        "configurationProtectedSettings": {"gateway.auth.token": token}}})
    return token


def test_one_host(ask: Ask, emulator: Emulator) -> None:
    emulator.settings(operation_seconds=0)
    make_gateway(emulator)
    install(emulator, "store-oslo", **{RECORD: f"v1-{'0' * 32}-expires-203001020304", "service.type": "NodePort"})
    emulator.forget_requests()
    found = ask()
    assert hosts(found) == ALL
    assert set(found["arc_clusters"]["hosts"]) == ALL
    assert found["all"]["children"] == ["ungrouped", "arc_clusters"]
    oslo = found["_meta"]["hostvars"]["store-oslo"]
    assert oslo["arc_cluster"].pop("last_connectivity_time").startswith("20")
    assert oslo == {
        "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "apim_arc_gateway_subscription_id": emulator.environment["AZURE_SUBSCRIPTION_ID"],
        "apim_arc_gateway_resource_group": "rg-stores", "apim_arc_gateway_cluster_name": "store-oslo",
        "arc_cluster": {
            "id": emulator.cluster_id("store-oslo"), "name": "store-oslo", "subscription_id": emulator.environment["AZURE_SUBSCRIPTION_ID"],
            "resource_group": "rg-stores", "location": "norwayeast", "connectivity": "Connected", "kubernetes_version": "1.31.4",
            "agent_version": "1.23.3", "distribution": "k3s", "tags": {"country": "norway"}},
        "arc_extension": {
            "id": extension_id(emulator, "store-oslo"), "name": "apim-gateway", "target_namespace": "apim-gateway", "release_train": "preview",
            "version": None, "current_version": "1.6.4", "auto_upgrade_minor_version": True, "provisioning_state": "Succeeded",
            "settings": {
                "gateway.configuration.uri": "https://apim-emulated.configuration.azure-api.net", "service.type": "NodePort",
                RECORD: f"v1-{'0' * 32}-expires-203001020304"},
            "protected_settings": ["gateway.auth.token"], "token_expires_on": "2030-01-02T03:04:00Z"}}
    assert found["_meta"]["hostvars"]["store-lyon"]["arc_extension"] is None
    assert len(graph_calls(emulator)) == 1
    assert len(emulator.requests("POST", "oauth2")) == 1


def test_graph(ask: Ask) -> None:
    keyed = [{"key": "arc_cluster.location", "prefix": "location"}, {"key": "arc_cluster.tags", "prefix": "tag"}]
    assert ask({"keyed_groups": keyed, "resource_groups": ["rg-stores"]}, "--graph") == """\
@all:
  |--@ungrouped:
  |--@arc_clusters:
  |  |--store-lyon
  |  |--store-oslo
  |  |--store-porto
  |--@location_francecentral:
  |  |--store-lyon
  |--@location_norwayeast:
  |  |--store-oslo
  |--@tag_country_norway:
  |  |--store-oslo
  |--@location_westeurope:
  |  |--store-porto
"""


@pytest.mark.parametrize(("options", "expected"), [
    ({"resource_groups": ["RG-Stores"]}, {"store-oslo", "store-lyon", "store-porto"}),
    ({"resource_groups": ["rg-far", "rg-nothing"]}, {"store-milan"}),
    ({"resource_groups": ["rg-nothing"]}, set()),
    ({"locations": ["West Europe", "norwayeast"]}, {"store-oslo", "store-porto"}),
    ({"tags": {"country": "norway"}}, {"store-oslo"}),
    ({"tags": {"country": ["norway", "france"]}}, {"store-oslo", "store-lyon"}),
    ({"tags": {"country": None}}, {"store-oslo", "store-lyon"}),
    ({"tags": {"country": None, "it's": "o'clock"}}, {"store-lyon"}),
    ({"tags": {"empty": ""}}, {"store-porto"}),
    ({"tags": {"nothing": None}}, set()),
    ({"distributions": ["k3s"]}, ALL),
    ({"distributions": ["openshift"]}, set()),
    ({"connectivity": ["Offline"]}, {"store-lyon"}),
    ({"connectivity": ["Offline", "Connected"]}, ALL),
    ({"extension": "present"}, {"store-oslo", "store-milan"}),
    ({"extension": "absent"}, {"store-lyon", "store-porto"}),
    ({"extension": "absent", "connectivity": ["Connected"]}, {"store-porto"}),
    ({"subscriptions": [BERN]}, {"store-bern"}),
    ({"subscriptions": ["33333333-cccc-4000-8000-000000000001", BERN]}, ALL | {"store-bern"}),
    ({"subscription_id": BERN}, {"store-bern"}),
    ({"subscriptions": ["{{ lookup('env', 'BERN') }}"]}, {"store-bern"}),
    ({"management_groups": ["mg-retail"]}, ALL | {"store-bern"}),
    ({"management_groups": ["mg-retail"], "subscriptions": [BERN], "extension": "absent"}, {"store-lyon", "store-porto", "store-bern"}),
])
def test_filters(ask: Ask, emulator: Emulator, options: dict[str, Any], expected: set[str]) -> None:
    emulator.settings(operation_seconds=0)
    emulator.cluster("store-lyon", connectivity="Offline", tags={"country": "france", "it's": "o'clock"})
    emulator.cluster("store-porto", tags={"empty": ""})
    make_gateway(emulator)
    install(emulator, "store-oslo")
    milan = emulator.cluster_id("store-milan").replace("/rg-stores/", "/rg-far/")
    other = {"extensionType": "microsoft.flux", "scope": {"cluster": {"releaseNamespace": "flux"}}}
    emulator.azure("PUT", f"{emulator.cluster_id('store-porto')}/providers/Microsoft.KubernetesConfiguration/extensions/flux", {"properties": other})
    ours = other | {"extensionType": "Microsoft.ApiManagement.Gateway"}
    emulator.azure("PUT", f"{milan}/providers/Microsoft.KubernetesConfiguration/extensions/Any", {"properties": ours})
    assert hosts(ask(options, environment={"BERN": BERN})) == expected


def test_no_subscription_anywhere(ask: Ask, emulator: Emulator) -> None:
    assert hosts(ask({}, environment={"AZURE_SUBSCRIPTION_ID": ""})) == ALL | {"store-bern"}
    assert "subscriptions" not in json.loads(json.dumps(graph_calls(emulator)[0]["body"]))


def test_constructed(ask: Ask, emulator: Emulator) -> None:
    emulator.cluster("store-lyon", connectivity="Offline", tags={"ring": "0", "unsafe": "{{ lookup('pipe', 'id') }}"})
    found = ask({
        "compose": {"short": "arc_cluster.name | replace('store-', '')", "country": "arc_cluster.tags.country", "copied": "arc_cluster.tags"},
        "groups": {"canary": "arc_cluster.tags.ring | default('') == '0'", "bare": "not arc_extension", "long": "short | length > 4"},
        "keyed_groups": [
            {"key": "arc_cluster.connectivity", "prefix": "connectivity"},
            {"key": "arc_cluster.distribution", "prefix": "", "separator": ""},
            {"key": "short", "prefix": "short"},
            {"key": "inventory_hostname", "prefix": "host"},
            {"key": "arc_cluster.nothing", "prefix": "never"},
            {"key": "arc_cluster.tags.ring", "prefix": "ring"}]})
    assert found["canary"]["hosts"] == found["ring_0"]["hosts"] == found["connectivity_Offline"]["hosts"] == ["store-lyon"]
    assert set(found["bare"]["hosts"]) == set(found["k3s"]["hosts"]) == ALL
    assert (sorted(found["long"]["hosts"]), found["short_oslo"]["hosts"]) == (["store-milan", "store-porto"], ["store-oslo"])
    assert {name[:5] for name in found}.isdisjoint({"never"}) and "host_store-oslo" in {name.replace("store_", "store-") for name in found}
    variables = found["_meta"]["hostvars"]
    assert "oslo" in str(variables["store-oslo"]["short"])  # what an expression gives is no template, which newer versions mark
    assert variables["store-oslo"]["country"] == "norway"
    assert "country" not in variables["store-lyon"]
    # Whoever may tag a cluster must not have a template run here.
    assert "lookup('pipe', 'id')" in json.dumps(variables["store-lyon"]["copied"]) and "uid=" not in json.dumps(variables)


def test_strict(ask: Ask) -> None:
    for options in (
            {"compose": {"country": "arc_cluster.tags.country"}}, {"groups": {"x": "arc_cluster.tags.country == ''"}},
            {"keyed_groups": [{"key": "arc_cluster.tags.country"}]}, {"hostnames": ["arc_cluster.tags.country"]}):
        assert "country" in ask({"strict": True, **options}, fails=True)


def test_extra_variables_go_first(ask: Ask) -> None:
    keyed = [{"key": "arc_extension", "prefix": "x"}]
    assert "@x_given:" in ask({"keyed_groups": keyed, "use_extra_vars": True}, "--graph", "-e", "arc_extension=given")
    assert "@x_given:" not in ask({"keyed_groups": keyed}, "--graph", "-e", "arc_extension=given")


def test_host_names(ask: Ask) -> None:
    expressions = ["arc_cluster.tags.country", "arc_cluster.tags.city ~ '!'", "arc_cluster.name ~ '.' ~ arc_cluster.location"]
    assert hosts(ask({"hostnames": expressions})) == {"norway", "store-lyon.francecentral", "store-porto.westeurope", "store-milan.italynorth"}
    assert hosts(ask({"hostnames": ["arc_cluster.tags.nothing"]})) == ALL
    found = ask({"hostnames": ["'one' if arc_cluster.name in ('store-oslo', 'store-milan') else ''"]})
    assert hosts(found) == {"one_rg-stores", "one_rg-far", "store-lyon", "store-porto"}
    assert found["_meta"]["hostvars"]["one_rg-far"]["apim_arc_gateway_cluster_name"] == "store-milan"
    assert "would both be 'same_rg-stores_33333333" in ask({"hostnames": ["'same'"]}, fails=True)


def test_several_extensions(ask: Ask, emulator: Emulator) -> None:
    emulator.settings(operation_seconds=0)
    make_gateway(emulator)
    for name in ("second", "apim-gateway", "another"):
        install(emulator, "store-oslo", name)
    oslo = ask({})["_meta"]["hostvars"]["store-oslo"]
    assert [each["name"] for each in oslo["arc_extensions"]] == ["another", "apim-gateway", "second"]
    assert oslo["arc_extension"] == oslo["arc_extensions"][1]


def test_secrets_among_ordinary_settings(ask: Ask, emulator: Emulator) -> None:
    emulator.settings(operation_seconds=0)
    make_gateway(emulator)
    leaked = "GatewayKey " + issue_token(emulator)
    install(emulator, "store-oslo", **{"gateway.auth.token": leaked})
    assert ask({})["_meta"]["hostvars"]["store-oslo"]["arc_extension"]["settings"]["gateway.auth.token"] == "********"


def test_cache(ask: Ask, emulator: Emulator, tmp_path: Path) -> None:
    emulator.settings(operation_seconds=0)
    make_gateway(emulator)
    install(emulator, "store-oslo")
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    options = cached | {"keyed_groups": [{"key": "arc_cluster.location"}]}
    first = ask(options)
    emulator.cluster("store-oslo", tags={"changed": "yes"})
    emulator.forget_requests()
    assert ask(options) == first
    assert emulator.requests() == []
    [file] = (tmp_path / "cache").iterdir()
    text = file.read_text(encoding="utf-8")
    assert "store-oslo" in text
    assert not [secret for secret in emulator.secrets() if secret in text]
    # Another question, or another account, does not get that answer; other groups do.
    assert hosts(ask(options | {"locations": ["norwayeast"]})) == {"store-oslo"}
    assert hosts(ask(options, environment={"AZURE_SUBSCRIPTION_ID": BERN})) == {"store-bern"}
    assert len(graph_calls(emulator)) == 2
    emulator.forget_requests()
    assert "k3s" in ask(cached | {"keyed_groups": [{"key": "arc_cluster.distribution", "separator": ""}]})
    assert emulator.requests() == []
    assert ask(options, "--list", "--flush-cache").count('"changed": "yes"') == 1
    assert len(graph_calls(emulator)) == 1


def test_cache_is_not_read_with_the_azure_libraries(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "without/azure").mkdir(parents=True)
    (tmp_path / "without/azure/__init__.py").write_text("raise ImportError('no azure here')", encoding="utf-8")
    without = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "without"), os.environ.get("PYTHONPATH", "")])}
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    assert "azure-identity" in ask(cached, fails=True, environment=without)
    assert ask(cached) == ask(cached, environment=without)


def test_examples(ask: Ask, emulator: Emulator, tmp_path: Path) -> None:
    emulator.cluster("store-lyon", tags={"country": "norway", "store": "7", "tier": "production"})
    ours = {"subscriptions": [BERN], "cache_connection": str(tmp_path / "cache")}
    first, second, third = yaml.safe_load_all(EXAMPLES)
    assert hosts(ask(first)) == ALL
    stores = ask(second)
    assert hosts(stores) == {"store-lyon"}
    assert {"location_francecentral", "distribution_k3s", "connectivity_Connected", "tag_tier_production"} <= set(stores)
    assert hosts(ask({**third, **ours})) == {"store-bern.switzerlandnorth"}


@pytest.mark.parametrize("file", ["prod.arc_clusters.yml", "azure_arc_clusters.yaml"])
def test_file_names(ask: Ask, file: str) -> None:
    assert hosts(ask({}, file=file)) == ALL


def test_wrong_file_name(ask: Ask, emulator: Emulator) -> None:
    assert "could not be verified by inventory plugin 'arcfleet.apim.arc_clusters'" in ask({}, file="clusters.yml", fails=True)
    assert emulator.requests() == []


@pytest.mark.parametrize(("options", "message"), [
    ({"subscriptions": ["Production"]}, "subscriptions: 'Production' is not a valid name. It must be a GUID"),
    ({"subscription_id": "Production"}, "subscriptions: 'Production' is not a valid name. It must be a GUID"),
    ({"resource_groups": ["a/b"]}, "resource_groups: 'a/b' is not a valid name"),
    ({"tags": {"country": {"a": "b"}}}, "tags: 'country' must be a text, a list of texts, or null"),
    ({"connectivity": ["Sleeping"]}, "Connected, Connecting, Offline, Expired, AgentNotInstalled"),
    ({"extension": "maybe"}, "any, present, absent"),
    ({"subscriptions": "{{ nothing }}"}, "subscriptions: "),
    ({"subscriptions": ["44444444-cccc-4000-8000-000000000009"]}, "Check that the subscriptions exist and that the identity may read them."),
    ({"secret": "wrong"}, "Azure sign-in failed"),
    ({"auth_source": "credential_file"}, "No way to sign in to Azure was found"),
    ({"cloud_environment": "AzureMoonCloud"}, "AzureMoonCloud"),
    ("plugin: arcfleet.apim.arc_clusters\n- x", "arc_clusters.yml"),
])
def test_mistakes(ask: Ask, options: dict[str, Any] | str, message: str) -> None:
    failure = ask(options, fails=True)
    assert message in failure
    assert "get_token" not in failure  # what the SDK would print by itself


def test_permission_to_ask(ask: Ask, emulator: Emulator) -> None:
    emulator.settings(deny={emulator.environment["AZURE_CLIENT_ID"]: ["*"]})
    assert "AuthorizationFailed" in ask({}, fails=True)


def test_a_play_needs_nothing_more(emulator: Emulator, tmp_path: Path) -> None:
    """The module runs for every host in the file, with what the inventory says."""
    source = tmp_path / "arc_clusters.yml"
    source.write_text("plugin: arcfleet.apim.arc_clusters\n", encoding="utf-8")
    module = {
        "subscription_id": "{{ apim_arc_gateway_subscription_id }}", "resource_group": "{{ apim_arc_gateway_resource_group }}",
        "cluster_name": "{{ apim_arc_gateway_cluster_name }}"}
    run = harness.run(
        tmp_path / "run", play({"name": "Look", "arcfleet.apim.apim_arc_extension_info": module}, hosts="arc_clusters"),
        inventory={"all": {}}, environment=emulator.environment, arguments=f"-i {source}")
    run.check_status("successful")
    run.check_warnings(())
    assert set(run.stats) == ALL
    assert {host: run.result("Look", host)["cluster"]["id"] for host in ALL if host != "store-milan"} == {
        host: emulator.cluster_id(host) for host in ALL if host != "store-milan"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator.start(
        tmp_path_factory.mktemp("large"), "--world", str(Path(__file__).with_name("world.yml")), "--clusters", "2496")
    yield emulator
    emulator.stop()


def test_pages(large: Emulator, tmp_path: Path) -> None:
    large.forget_requests()
    found = asking(large, tmp_path)()
    assert hosts(found) == ALL | {f"cluster-{number + 1:04}" for number in range(2496)}
    assert len(found["arc_clusters"]["hosts"]) == 2500
    calls = graph_calls(large)
    assert [call["status"] for call in calls] == [200] * 3
    assert len({json.dumps(call["body"]) for call in calls}) == 3


def test_quota(large: Emulator, tmp_path: Path) -> None:
    """The quota is respected before it is used up, so that nothing is refused."""
    large.settings(resource_graph_queries=1)
    large.forget_requests()
    try:
        assert len(hosts(asking(large, tmp_path)())) == 2500
    finally:
        large.settings(resource_graph_queries=15)
    assert [call["status"] for call in graph_calls(large)][-3:].count(200) == 3
