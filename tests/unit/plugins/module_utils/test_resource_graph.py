# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the fleet: the question, the answer in every spelling, pages and the quota."""
from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _resource_graph as graph
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Extension
from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import Filters
from emulator import kql
from harness import azure
from harness.azure import CLUSTER, EXTENSION, SUBSCRIPTION
from harness.wire import Call, Clock, Wire

PATH = "/providers/Microsoft.ResourceGraph/resources"
OTHER = "99999999-2222-4333-8444-555555555555"


def record(cluster: str = CLUSTER, **members: Any) -> dict[str, Any]:
    """A row as the query projects it."""
    return {
        "id": cluster, "name": cluster.rsplit("/", 1)[1], "location": "norwayeast", "tags": {"store": "7"},
        "connectivityStatus": "Connected", "lastConnectivityTime": "2026-04-22T07:46:29.79Z", "kubernetesVersion": "1.28.5",
        "agentVersion": "1.15.6", "distribution": "k3s", "extensionName": "", "extensionProperties": None, **members}


def pascal(value: Any) -> Any:
    if isinstance(value, list):
        return [pascal(one) for one in value]
    if not isinstance(value, dict):
        return value
    data = ("configurationSettings", "configurationProtectedSettings")
    return {name[0].upper() + name[1:]: one if name in data else pascal(one) for name, one in value.items()}


def lines(where: Filters) -> list[str]:
    return [line for line in graph.query_text(where).splitlines() if line.startswith("| where")][1:]


def test_the_question() -> None:
    assert graph.query_text(Filters()) == """\
resources
| where type =~ 'microsoft.kubernetes/connectedclusters'
| project id, name, location, tags, clusterKey = tolower(id), connectivityStatus = properties.connectivityStatus, \
lastConnectivityTime = properties.lastConnectivityTime, kubernetesVersion = properties.kubernetesVersion, \
agentVersion = properties.agentVersion, distribution = properties.distribution
| join kind=leftouter (
    kubernetesconfigurationresources
    | where type =~ 'microsoft.kubernetesconfiguration/extensions'
    | where coalesce(tostring(properties.ExtensionType), tostring(properties.extensionType)) =~ 'Microsoft.ApiManagement.Gateway'
    | parse tolower(id) with clusterKey '/providers/microsoft.kubernetesconfiguration/extensions/' *
    | project clusterKey, extensionName = name, extensionProperties = properties
) on clusterKey
| project-away clusterKey, clusterKey1
| order by id asc, extensionName asc"""


@pytest.mark.parametrize(("where", "expected"), [
    (Filters(resource_groups=["rg-a", "RG(b)"]), "| where resourceGroup in~ ('rg-a', 'RG(b)')"),
    (Filters(locations=["West Europe", "norwayeast"]), "| where location in~ ('westeurope', 'norwayeast')"),
    (Filters(distributions=["k3s"]), "| where tostring(properties.distribution) in~ ('k3s')"),
    (Filters(connectivity=["Offline"]), "| where tostring(properties.connectivityStatus) in~ ('Offline')"),
    (Filters(tags={"country": ["norway", ""]}), "| where isnotnull(tags['country']) and tostring(tags['country']) in ('norway', '')"),
    (Filters(tags={"store": ()}), "| where isnotnull(tags['store'])"),
    (Filters(has_extension=True), "| where isnotempty(extensionName)"),
    (Filters(has_extension=False), "| where isempty(extensionName)"),
])
def test_filters(where: Filters, expected: str) -> None:
    assert lines(where) == [expected]


def test_filters_add_up() -> None:
    assert len(lines(Filters(["rg"], ["a"], {"a": [], "b": []}, ["k3s"], ["Connected"], True))) == 7


@pytest.mark.parametrize("evil", [
    "it's", "back\\slash", "\\' or true or '", "two\nlines", "tab\tcr\r", "') | take 0 //", '"double"', "ünïcode", "'", "\\", ""])
def test_text_stays_text(evil: str) -> None:
    rows = [{"id": "one", "tags": {evil or "-": evil}}, {"id": "two", "tags": {"x": "y"}}, {"id": "three", "tags": None}]
    tables: Any = {"things": ({"id": True, "tags": False}, lambda: rows)}
    for values in ([evil], []):
        [condition] = lines(Filters(tags={evil or "-": values}))
        assert [row["id"] for row in kql.run(f"things {condition}", tables)[1]] == ["one"]


@pytest.mark.parametrize("name", ["", "a'b", "rg/x", "ends."])
def test_impossible_resource_group(name: str) -> None:
    with pytest.raises(ApimError, match="resource_groups"):
        graph.query_text(Filters(resource_groups=[name]))


def ids(count: int) -> list[str]:
    return [f"{number:08x}-0000-4000-8000-000000000000" for number in range(count)]


def test_scopes() -> None:
    assert graph.scopes([], [], SUBSCRIPTION) == [{"subscriptions": [SUBSCRIPTION]}]
    assert graph.scopes([], [], None) == [{}]
    assert graph.scopes([], ["mg"], SUBSCRIPTION) == [{"managementGroups": ["mg"]}]
    assert graph.scopes([OTHER, OTHER], ["mg"], SUBSCRIPTION) == [{"subscriptions": [OTHER]}, {"managementGroups": ["mg"]}]
    many = graph.scopes(ids(1001), [f"mg{number}" for number in range(11)], None)
    assert [len(names) for scope in many for names in scope.values()] == [1000, 1, 10, 1]
    for wrong in (["Production"], [""]):
        with pytest.raises(ApimError, match="subscriptions: .* GUID"):
            graph.scopes(wrong, [], None)
    with pytest.raises(ApimError, match="subscriptions: .* GUID"):
        graph.scopes([], [], "Production")


@pytest.mark.parametrize("spelling", [pascal, lambda value: value], ids=["PascalCase", "camelCase"])
def test_the_same_extension_as_from_resource_manager(spelling: Any) -> None:
    settings = {"gateway.configuration.uri": azure.URI, "nodeSelector.Zone": "A", "lower": "B"}
    body = azure.extension(settings, statuses=[azure.INSTALLATION_FAILED], version="")
    [row] = graph.rows([record(extensionName="apim-gateway", extensionProperties=spelling(body["properties"]))])
    body["properties"]["version"] = None
    assert row.extensions == (Extension.from_rest({**body, "identity": None}),)
    assert row.extensions[0].id == EXTENSION
    assert row.extensions[0].settings == settings


def test_camel_case() -> None:
    assert graph.camel_case({"Scope": {"Cluster": None, "Namespace": {"TargetNamespace": "x"}}, "List": [{"A": 1}], "": 2}) == {
        "scope": {"cluster": None, "namespace": {"targetNamespace": "x"}}, "list": [{"a": 1}], "": 2}
    assert graph.camel_case({"Version": None, "version": "1"}) == {"version": "1"}
    assert graph.camel_case({"Version": "1", "version": None}) == {"version": "1"}
    assert graph.camel_case({"ConfigurationSettings": {"A": "b", "C.D": {"E": 1}}}) == {"configurationSettings": {"A": "b", "C.D": {"E": 1}}}


def test_nothing_but_an_id() -> None:
    [row] = graph.rows([{"id": CLUSTER}])
    assert (row.subscription_id, row.resource_group, row.extensions) == (SUBSCRIPTION, "rg", ())
    assert (row.cluster.connectivity, row.cluster.kubernetes_version, row.cluster.tags) == ("Unknown", None, {})
    empty = dict.fromkeys(record(), None) | {"id": CLUSTER, "distribution": "", "extensionName": "one"}
    [row] = graph.rows([empty])
    assert (row.cluster.distribution, row.extensions[0].provisioning_state, row.extensions[0].settings) == (None, "Unknown", {})
    with pytest.raises(ApimError, match="no resource id"):
        graph.rows([{"id": None}])


def test_one_row_for_each_cluster() -> None:
    small = CLUSTER.replace("/rg/", "/Small/").replace("oslo", "Bergen")
    records = [
        record(extensionName="b"), record(extensionName="a"), record(small), record(CLUSTER.upper(), extensionName="a"), record(extensionName="B")]
    for shuffled in itertools.islice(itertools.permutations(records), 0, 120, 7):
        rows = graph.rows(shuffled)
        assert [row.cluster.id.lower() for row in rows] == [CLUSTER.lower(), small.lower()]
        assert [[one.name.lower() for one in row.extensions] for row in rows] == [["a", "b"], []]
        assert rows[1].resource_group == "Small"


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(graph, "time", clock)


def page(*records: dict[str, Any], token: str | None = None, left: str = "14", resets: str = "00:00:05") -> Call:
    body = {"totalRecords": 9, "count": len(records), "data": list(records), "facets": [], "resultTruncated": "false"}
    headers = {"x-ms-user-quota-remaining": left, "x-ms-user-quota-resets-after": resets}
    return Call("POST", PATH, answer=body | ({"$skipToken": token} if token else {}), headers=headers)


def test_pages(arm: Arm, wire: Wire, clock: Clock) -> None:
    wire.expect(page(record(), token="one"), page(record(CLUSTER + "2"), token="two", left="0", resets="00:01:04"), page(left="0"))
    assert [row.cluster.name for row in graph.read_fleet(arm)] == ["oslo", "oslo2"]
    bodies = wire.bodies("POST")
    assert [body["options"].pop("$skipToken", None) for body in bodies] == [None, "one", "two"]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["options"] == {"resultFormat": "objectArray", "$top": 1000}
    assert bodies[0]["subscriptions"] == [SUBSCRIPTION]
    assert wire.query() == {"api-version": "2021-03-01"}
    assert sum(clock.naps) == 64  # until the quota is back, and not after the last page


def test_scopes_are_asked_one_after_the_other(arm: Arm, wire: Wire) -> None:
    wire.expect(page(record()), page(record(), record(CLUSTER + "2")))
    assert len(graph.read_fleet(arm, subscriptions=[OTHER], management_groups=["mg"])) == 2
    assert [(body.get("subscriptions"), body.get("managementGroups")) for body in wire.bodies("POST")] == [([OTHER], None), (None, ["mg"])]


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, 0), ({"x-ms-user-quota-remaining": "1", "x-ms-user-quota-resets-after": "00:00:05"}, 0),
    ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}, 3),
    ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "01:02:03.4567"}, 3723),
    ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "soon"}, 5), ({"x-ms-user-quota-remaining": "0"}, 5)])
def test_pause(headers: dict[str, str], seconds: float) -> None:
    assert graph.pause(headers) == seconds


THROTTLED = azure.error("RateLimiting", "Please provide below info when asking for support: ...")


def test_throttled_by_somebody_else(arm: Arm, wire: Wire, clock: Clock) -> None:
    # With Retry-After, by the client; without it, the length of the quota's window.
    wire.expect(Call("POST", PATH, 429, THROTTLED, {"Retry-After": "3"}), Call("POST", PATH, 429, THROTTLED), page(record()))
    assert len(graph.read_fleet(arm)) == 1
    assert 3 <= clock.naps[0] <= 3.75 and 5 <= clock.naps[1] <= 7.5


def test_throttled_for_ever(arm: Arm, wire: Wire) -> None:
    wire.expect(*[Call("POST", PATH, 429, THROTTLED)] * 8)
    with pytest.raises(AzureFailure, match="connected clusters: Azure said RateLimiting"):
        graph.read_fleet(arm)


def test_refused(arm: Arm, wire: Wire) -> None:
    details = [{"code": "InvalidQuery", "message": "Query is invalid."}]
    wire.expect(Call("POST", PATH, 400, azure.error("BadRequest", "Please provide below info", details=details)))
    with pytest.raises(AzureFailure, match="Query is invalid"):
        graph.read_fleet(arm)
