# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Graph: the two tables, paging, quota, and the part of the query language that is understood."""

from __future__ import annotations

from typing import Any

import pytest
from emulator import kql

from .conftest import EXTENSION, OSLO, SUBSCRIPTION, Answer, Azure

COLUMNS = {"id": True, "name": True, "tags": False, "size": False}
ROWS = [
    {"id": "/A/one", "name": "one", "tags": {"env": "Prod", "n.x": 1}, "size": 3},
    {"id": "/A/two", "name": "two", "tags": None, "size": 10},
    {"id": "/B/Three", "name": "Three-store", "tags": {"env": "test", "list": ["a", "b"]}, "size": None},
]
OTHER = [{"key": "/a/one", "color": "red"}, {"key": "/a/one", "color": "blue"}]
TABLES: Any = {"things": (COLUMNS, lambda: ROWS), "others": ({"key": True, "color": True}, lambda: OTHER)}


def names(query: str) -> list[str]:
    return [row["name"] for row in kql.run("things | " + query, TABLES)[1]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("where name == 'one'", ["one"]),
        ("where name == 'ONE'", []),
        ("where name =~ 'ONE'", ["one"]),
        ("where name !~ 'ONE'", ["two", "Three-store"]),
        ("where name != 'one' and size == 10", ["two"]),
        ("where name in ('one', 'two')", ["one", "two"]),
        ("where name in~ ('ONE')", ["one"]),
        ("where name !in ('one')", ["two", "Three-store"]),
        ("where name contains 'THREE'", ["Three-store"]),
        ("where name has 'store'", ["Three-store"]),
        ("where name has 'tore'", []),
        ("where id startswith '/a'", ["one", "two"]),
        ("where id endswith 'TWO'", ["two"]),
        ("where name !startswith 't'", ["one"]),
        ("where tags.env =~ 'prod'", ["one"]),
        ("where tags['n.x'] == 1", ["one"]),
        ("where tags.list[1] == 'b'", ["Three-store"]),
        ("where isnotempty(tags.env)", ["one", "Three-store"]),
        ("where isnull(tags)", ["two"]),
        ("where name == 'one' or (name == 'two' and not(size > 10))", ["one", "two"]),
        ("where size >= 3", ["one", "two"]),
        ("where tostring(coalesce(tags.nothing, tags.env)) == 'test'", ["Three-store"]),
        ("order by name asc", ["Three-store", "one", "two"]),
        ("order by size", ["two", "one", "Three-store"]),
        ("sort by tolower(name) asc | take 1", ["one"]),
        ("extend name = toupper(name) | limit 1", ["ONE"]),
        ("where array_length(tags.list) == 2", ["Three-store"]),
        ("where iff(size > 5, true, false)", ["two"]),
        ("where split(id, '/')[1] == 'B'", ["Three-store"]),
        ("where name == @'one' // remark\n", ["one"]),
        ('where name == "two"', ["two"]),
    ],
)
def test_conditions_and_order(query: str, expected: list[str]) -> None:
    assert names(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("project name, tags.env | take 1", [{"name": "one", "tags_env": "Prod"}]),
        ("project both = strcat(name, '-', tostring(size)) | take 1", [{"both": "one-3"}]),
        ("project-away id, tags, size | take 1", [{"name": "one"}]),
        ("parse tolower(id) with '/' group '/' rest | project group, rest | take 1", [{"group": "a", "rest": "one"}]),
        ("parse id with '/A/' rest | where name has 'three' | project rest", [{"rest": ""}]),
        ("summarize count()", [{"count_": 3}]),
        ("summarize n = count(), big = countif(size > 5) by first = substring(name)", None),
        (
            "summarize n = count(), big = countif(size > 5) by place = tostring(split(id, '/')[1])",
            [{"place": "A", "n": 2, "big": 1}, {"place": "B", "n": 1, "big": 0}],
        ),
        (
            "extend key = tolower(id) | join kind=leftouter (others) on key | project name, color",
            [
                {"name": "one", "color": "red"},
                {"name": "one", "color": "blue"},
                {"name": "two", "color": ""},
                {"name": "Three-store", "color": ""},
            ],
        ),
        (
            "extend low = tolower(id) | join kind=inner (others | where color == 'red') on $left.low == $right.key"
            " | project name, key",
            [{"name": "one", "key": "/a/one"}],
        ),
        ("distinct name | count", [{"Count": 3}]),
    ],
)
def test_shapes(query: str, expected: list[dict[str, Any]] | None) -> None:
    if expected is None:
        with pytest.raises(kql.KqlError):
            kql.run("things | " + query, TABLES)
    else:
        assert kql.run("things | " + query, TABLES)[1] == expected


@pytest.mark.parametrize(
    ("query", "line", "position", "token"),
    [
        ("nothing", 1, 0, "nothing"),
        ("things |", 1, 8, "<EOF>"),
        ("things\n| where", 2, 7, "<EOF>"),
        ("things | mv-expand tags", 1, 9, "mv"),
        ("things | where colour == 'x'", 1, 15, "colour"),
        ("things | where f(name)", 1, 15, "f"),
        ("things | where name == 'x", 1, 23, "'"),
        ("things things", 1, 7, "things"),
        ("things | project tostring()", 1, 17, "tostring"),
        ("things | join kind=fullouter (others) on id", 1, 29, "("),
    ],
)
def test_what_is_not_understood_is_refused(query: str, line: int, position: int, token: str) -> None:
    with pytest.raises(kql.KqlError) as caught:
        kql.run(query, TABLES)
    assert (caught.value.line, caught.value.position, caught.value.token) == (line, position, token)


def ask_graph(azure: Azure, query: str, **more: Any) -> Answer:
    return azure.call("POST", "/providers/Microsoft.ResourceGraph/resources", {"query": query} | more, "2021-03-01")


def test_clusters_and_extensions_as_resource_graph_shows_them(azure: Azure) -> None:
    azure.install()
    azure.wait()
    [cluster] = ask_graph(
        azure, "resources | where type =~ 'Microsoft.Kubernetes/connectedClusters' and name == 'oslo'"
    ).json()["data"]
    assert (cluster["id"], cluster["type"], cluster["tags"]) == (
        OSLO,
        "microsoft.kubernetes/connectedclusters",
        {"a": "b"},
    )
    assert cluster["properties"]["connectivityStatus"] == "Connected"
    [extension] = ask_graph(
        azure, "kubernetesconfigurationresources | where type == 'microsoft.kubernetesconfiguration/extensions'"
    ).json()["data"]
    assert extension["id"] == EXTENSION.replace("/extensions/", "/Extensions/")
    properties = extension["properties"]
    assert (properties["ExtensionType"], properties["ProvisioningState"]) == (
        "microsoft.apimanagement.gateway",
        "Succeeded",
    )
    assert properties["ConfigurationSettings"] == {"gateway.configuration.uri": "apim.configuration.azure-api.net"}
    assert properties["ConfigurationProtectedSettings"] == {"gateway.auth.token": ""}
    assert properties["Scope"] == {"Namespace": {"TargetNamespace": "apim"}}


FLEET = """
resources
| where type =~ 'microsoft.kubernetes/connectedclusters'
| extend clusterId = tolower(id)
| join kind=leftouter (
    kubernetesconfigurationresources
    | where type == 'microsoft.kubernetesconfiguration/extensions'
    | where tostring(coalesce(properties.ExtensionType, properties.extensionType)) =~ 'Microsoft.ApiManagement.Gateway'
    | parse tolower(id) with clusterId '/providers/microsoft.kubernetesconfiguration/extensions/' ext
    | project clusterId, ext, extension = properties) on clusterId
| project id, name, ext, extension, state = tostring(extension.ProvisioningState)
| order by name asc
"""


def test_the_fleet_with_and_without_the_extension(azure: Azure) -> None:
    azure.install()
    data = ask_graph(azure, FLEET, subscriptions=[SUBSCRIPTION]).json()["data"]
    assert [(row["name"], row["ext"], row["state"]) for row in data] == [("lyon", "", ""), ("oslo", "gw", "Creating")]
    assert data[0]["extension"] is None
    azure.wait()
    assert ask_graph(azure, FLEET).json()["data"][1]["state"] == "Succeeded"


def test_paging(azure: Azure) -> None:
    first = ask_graph(azure, "resources | project id, name | order by name asc", options={"$top": 3}).json()
    assert (first["totalRecords"], first["count"], first["resultTruncated"]) == (4, 3, "false")
    second = ask_graph(
        azure,
        "resources | project id, name | order by name asc",
        options={"$top": 3, "$skipToken": first["$skipToken"]},
    ).json()
    assert [row["name"] for row in first["data"] + second["data"]] == ["apim", "logs", "lyon", "oslo"]
    assert "$skipToken" not in second
    cut = ask_graph(azure, "resources | project name", options={"$top": 3}).json()
    assert (cut["resultTruncated"], "$skipToken" in cut) == ("true", False)


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("resources | where", {}, "InvalidQuery"),
        ("resources", {"options": {"$top": 1001}}, "InvalidQueryOptions"),
        ("resources", {"options": {"$skipToken": "x"}}, "InvalidSkipToken"),
        ("resources", {"options": {"resultFormat": "table"}}, "InvalidResultFormat"),
        ("resources", {"subscriptions": ["unknown"]}, "NoValidSubscriptionsInQueryRequest"),
    ],
)
def test_refused_queries(azure: Azure, query: str, more: dict[str, Any], code: str) -> None:
    answer = ask_graph(azure, query, **more)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"][0]["code"]) == (400, "BadRequest", code)
    if code == "InvalidQuery":
        assert error["details"][1] == {
            "code": "ParserFailure",
            "message": "ParserFailure",
            "line": 1,
            "characterPositionInLine": 17,
            "token": "<EOF>",
            "expectedToken": "Ǐ",
        }


def test_quota(azure: Azure) -> None:
    azure.control("PATCH", "settings", {"resource_graph_queries": 2})
    answers = [ask_graph(azure, "resources") for _turn in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ms-user-quota-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["x-ms-user-quota-resets-after"].startswith("00:00:0")
