# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions: bodies, status codes, headers, operations and errors as Azure's are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import EXTENSION, LYON, OSLO, SUBSCRIPTION, Azure

OLD = [
    "extensionType",
    "autoUpgradeMinorVersion",
    "releaseTrain",
    "version",
    "scope",
    "provisioningState",
    "configurationSettings",
    "configurationProtectedSettings",
    "statuses",
    "aksAssignedIdentity",
]
NEW = [*OLD[:4], "currentVersion", *OLD[4:], "isSystemExtension"]
NEWEST = [*NEW[:2], "autoUpgradeMode", *NEW[2:], "extensionState", "additionalDetails"]


def state(azure: Azure, path: str = EXTENSION) -> str:
    return azure.call("GET", path).json()["properties"]["provisioningState"]


def test_put_answers_201_with_the_resource_and_the_operation(azure: Azure) -> None:
    answer = azure.install(protected={"gateway.auth.token": "GatewayKey x", "other": "y"})
    assert answer.status_code == 201
    body = answer.json()
    assert list(body) == ["id", "name", "type", "properties", "systemData", "identity"]
    assert set(body["identity"]) == {"type", "principalId"}
    assert body["properties"]["configurationProtectedSettings"] == {"gateway.auth.token": "", "other": ""}
    assert body["properties"]["provisioningState"] == "Creating"
    assert body["properties"]["releaseTrain"] == "Stable"
    assert body["properties"]["scope"] == {"namespace": {"targetNamespace": "apim"}}
    assert (body["properties"]["version"], body["properties"]["currentVersion"]) == (None, None)
    assert body["systemData"]["createdBy"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", body["systemData"]["createdAt"])
    assert answer.headers["location"].startswith("https://norwayeast.rp.kubernetesconfiguration.azure.com/")
    operation = answer.headers["azure-asyncoperation"]
    assert "/ConnectedClusters/oslo/" in operation
    assert "?api-Version=2023-05-01&t=" in operation
    assert all(f"&{name}=" in operation for name in "tcsh")
    assert "retry-after" not in answer.headers
    assert "api-supported-versions" in answer.headers
    assert "x-ms-ratelimit-remaining-subscription-writes" in answer.headers


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2020-07-01-preview", [key for key in OLD if key != "configurationProtectedSettings"]),
        ("2022-03-01", OLD),
        ("2022-07-01", OLD),
        ("2022-11-01", NEW),
        ("2023-05-01", NEW),
        ("2024-11-01", NEW),
        ("2025-03-01", NEWEST),
    ],
)
def test_keys_of_each_api_version_in_order(azure: Azure, version: str, keys: list[str]) -> None:
    azure.install()
    assert list(azure.call("GET", EXTENSION, version=version).json()["properties"]) == keys


def test_newest_version_spells_its_operation_parameter_in_lower_case(azure: Azure) -> None:
    operation = azure.install(api="2025-03-01").headers["azure-asyncoperation"]
    assert "?api-version=2025-03-01&" in operation
    assert azure.call("GET", operation).status_code == 200


def test_operation_runs_then_succeeds_and_old_versions_show_the_installed_one(azure: Azure) -> None:
    operation = azure.install().headers["azure-asyncoperation"]
    running = azure.call("GET", operation)
    assert running.status_code == 200
    assert list(running.json()) == ["id", "name", "status"]
    assert running.json()["status"] == "Creating"
    azure.wait()
    assert azure.call("GET", operation).json()["status"] == "Succeeded"
    properties = azure.call("GET", EXTENSION).json()["properties"]
    assert (properties["provisioningState"], properties["version"], properties["currentVersion"]) == (
        "Succeeded",
        None,
        "1.6.0",
    )
    assert azure.call("GET", EXTENSION, version="2022-03-01").json()["properties"]["version"] == "1.6.0"


@pytest.mark.parametrize(("old", "new"), [("s=", "s=x"), ("t=", "t=1"), ("2023-05-01", "2024-11-01"), ("&h=", "&x=")])
def test_a_rebuilt_operation_url_is_refused(azure: Azure, old: str, new: str) -> None:
    operation = azure.install().headers["azure-asyncoperation"]
    assert azure.call("GET", operation.replace(old, new)).status_code == 403


def test_pinned_version_shows_as_current_while_it_is_being_installed(azure: Azure) -> None:
    assert (
        azure.install(autoUpgradeMinorVersion=False, releaseTrain="preview").json()["properties"]["releaseTrain"]
        == "preview"
    )
    azure.wait()
    azure.call("PATCH", EXTENSION, {"properties": {"version": "1.6.4"}})
    azure.wait(2)
    properties = azure.call("GET", EXTENSION).json()["properties"]
    assert (properties["version"], properties["currentVersion"], properties["provisioningState"]) == (
        "1.6.4",
        "1.6.4",
        "Updating",
    )


def test_put_over_an_existing_one_replaces_it_and_keeps_its_creation_time(azure: Azure) -> None:
    first = azure.install(configurationSettings={"a": "1", "b": "2"}).json()
    azure.wait()
    second = azure.install(configurationSettings={"a": "3"})
    assert second.status_code == 201
    assert second.json()["properties"]["configurationSettings"] == {"a": "3"}
    assert second.json()["systemData"]["createdAt"] == first["systemData"]["createdAt"]
    assert second.json()["systemData"]["lastModifiedAt"] > first["systemData"]["lastModifiedAt"]


def test_patch_merges_settings_and_replaces_protected_settings(azure: Azure) -> None:
    azure.install(protected={"gateway.auth.token": "GatewayKey x", "gone": "y"})
    azure.wait()
    answer = azure.call(
        "PATCH",
        EXTENSION,
        {
            "properties": {
                "configurationSettings": {"service.type": "NodePort"},
                "configurationProtectedSettings": {"gateway.auth.token": "GatewayKey z"},
            }
        },
    )
    assert answer.status_code == 202
    assert "azure-asyncoperation" in answer.headers
    properties = answer.json()["properties"]
    assert properties["provisioningState"] == "Updating"
    assert properties["configurationSettings"] == {
        "gateway.configuration.uri": "apim.configuration.azure-api.net",
        "service.type": "NodePort",
    }
    assert properties["configurationProtectedSettings"] == {"gateway.auth.token": ""}
    assert azure.call("GET", answer.headers["azure-asyncoperation"]).json()["status"] == "Updating"
    azure.wait()
    assert state(azure) == "Succeeded"


def test_patch_that_changes_nothing_answers_200(azure: Azure) -> None:
    azure.install()
    azure.wait()
    answer = azure.call("PATCH", EXTENSION, {"properties": {"releaseTrain": "Stable", "configurationSettings": {}}})
    assert (answer.status_code, "azure-asyncoperation" in answer.headers) == (200, False)
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"


def test_null_version_in_patch_clears_the_pin(azure: Azure) -> None:
    azure.install(autoUpgradeMinorVersion=False, version="1.5.0")
    azure.wait()
    assert azure.call("GET", EXTENSION).json()["properties"]["currentVersion"] == "1.5.0"
    assert azure.call("PATCH", EXTENSION, {"properties": {"autoUpgradeMinorVersion": True}}).status_code == 400
    answer = azure.call("PATCH", EXTENSION, {"properties": {"autoUpgradeMinorVersion": True, "version": None}})
    assert (answer.status_code, answer.json()["properties"]["version"]) == (202, None)
    azure.wait()
    assert azure.call("GET", EXTENSION).json()["properties"]["currentVersion"] == "1.6.0"


def test_no_change_while_an_operation_runs(azure: Azure) -> None:
    azure.install()
    for answer, code, words in (
        (azure.install(), "UpdateFailed", "there is a conflicting operation in progress"),
        (
            azure.call("PATCH", EXTENSION, {"properties": {}}),
            "ExtensionPatchFailed",
            "(ProvisioningState of extension: Creating)",
        ),
        (azure.call("DELETE", EXTENSION), "ExtensionDeleteFailed", "(ProvisioningState of extension: Creating)"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
        assert words in answer.json()["error"]["message"]


def test_delete(azure: Azure) -> None:
    assert azure.call("DELETE", EXTENSION).status_code == 204
    azure.install()
    azure.wait()
    answer = azure.call("DELETE", f"{EXTENSION}?api-version=2023-05-01&forceDelete=false")
    assert (answer.status_code, answer.content, "location" in answer.headers) == (202, b"", False)
    assert state(azure) == "Deleting"
    azure.wait()
    assert azure.call("GET", answer.headers["azure-asyncoperation"]).json()["status"] == "Succeeded"
    assert azure.call("GET", EXTENSION).status_code == 404
    assert azure.call("GET", EXTENSION.rpartition("/")[0]).json() == {"value": [], "nextLink": None}


def test_forced_delete_answers_at_once_with_its_odd_body(azure: Azure) -> None:
    azure.install()
    answer = azure.call("DELETE", f"{EXTENSION}?api-version=2023-05-01&forceDelete=true")
    assert (answer.status_code, answer.json()["isSuccessStatusCode"], answer.json()["reasonPhrase"]) == (
        200,
        True,
        "OK",
    )
    assert azure.call("GET", EXTENSION).status_code == 404


def test_offline_cluster_leaves_operations_running_until_it_is_back(azure: Azure) -> None:
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    operation = azure.install().headers["azure-asyncoperation"]
    azure.wait(3600)
    assert azure.call("GET", operation).json()["status"] == "Creating"
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Connected"})
    assert azure.call("GET", operation).json()["status"] == "Creating"
    azure.wait()
    assert azure.call("GET", operation).json()["status"] == "Succeeded"
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    azure.call("DELETE", EXTENSION)
    azure.wait(3600)
    assert state(azure) == "Deleting"


def test_offline_for_two_days_fails(azure: Azure) -> None:
    azure.control("PATCH", "clusters/oslo", {"connectivity": "Offline"})
    azure.install()
    azure.wait(49 * 3600)
    assert state(azure) == "Failed"


def test_an_agent_that_never_answers_leaves_creating(azure: Azure) -> None:
    azure.control("PATCH", "clusters/oslo", {"agent": {"outcome": "never"}})
    azure.install()
    azure.wait(100 * 3600)
    assert state(azure) == "Creating"


@pytest.mark.parametrize(
    ("agent", "changes", "words"),
    [
        ({"outcome": "fail", "message": "no room"}, {}, "Helm installation failed : no room"),
        ({}, {"releaseTrain": "nightly"}, "from the given values. InnerError:[ '{0}' ]."),
        (
            {},
            {"version": "9.9.9", "autoUpgradeMinorVersion": False},
            "Failed to resolve the extension version from the given values.",
        ),
        (
            {},
            {"configurationSettings": {"gateway.configuration.uri": "x", "ingress.enabled": "true"}},
            "system:serviceaccount:azure-arc:ext-installer-gw",
        ),
        ({}, {"configurationSettings": {}}, "gateway.configuration.uri"),
        ({}, {"configurationProtectedSettings": {}}, "gateway.auth.token"),
    ],
)
def test_failed_operations_and_what_the_resource_says(
    azure: Azure, agent: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    azure.control("PATCH", "clusters/oslo", {"agent": agent})
    body = {
        "properties": {
            "extensionType": "microsoft.apimanagement.gateway",
            "configurationSettings": {"gateway.configuration.uri": "x"},
            "configurationProtectedSettings": {"gateway.auth.token": "y"},
        }
        | changes
    }
    operation = azure.call("PUT", EXTENSION, body).headers["azure-asyncoperation"]
    azure.wait()
    answer = azure.call("GET", operation).json()
    assert (answer["status"], answer["error"]["code"]) == ("Failed", "ExtensionOperationFailed")
    assert words in answer["error"]["message"]
    assert "occurred while doing the operation : [Create] on the config" in answer["error"]["message"]
    properties = azure.call("GET", EXTENSION).json()["properties"]
    assert properties["provisioningState"] == "Failed"
    [status] = properties["statuses"]
    assert list(status) == ["code", "displayStatus", "level", "message", "time"]
    assert (status["code"], status["level"], status["time"]) == ("InstallationFailed", None, None)
    assert words in status["message"]


STRANGER = "99999999-0000-4000-8000-000000000000"
PROPERTIES = {"extensionType": "microsoft.apimanagement.gateway"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "words", "gateway"),
    [
        ("GET", EXTENSION, None, 404, "ResourceNotFound", "Extension instance with name 'gw' not found.", False),
        (
            "PATCH",
            EXTENSION,
            {"properties": {}},
            404,
            "ResourceNotFound",
            "Extension instance with name 'gw' not found.",
            False,
        ),
        (
            "GET",
            EXTENSION.replace("oslo", "x"),
            None,
            404,
            "ResourceNotFound",
            "The Resource 'Microsoft.Kubernetes/connectedClusters/x' under resource group 'rg' was not found.",
            True,
        ),
        (
            "PUT",
            EXTENSION.replace("oslo", "x"),
            {"properties": PROPERTIES},
            404,
            "ResourceNotFound",
            "connectedClusters/x",
            True,
        ),
        (
            "GET",
            EXTENSION.replace("/rg/", "/nope/"),
            None,
            404,
            "ResourceGroupNotFound",
            "Resource group 'nope' could not be found.",
            True,
        ),
        ("GET", EXTENSION.replace(SUBSCRIPTION, STRANGER), None, 404, "SubscriptionNotFound", STRANGER, True),
        ("PUT", EXTENSION, {"properties": {}}, 400, "InvalidRequestContent", "extensionType", False),
        (
            "PUT",
            EXTENSION,
            {"properties": PROPERTIES | {"configurationSettings": {"replicaCount": 3}}},
            400,
            "InvalidRequestContent",
            "string",
            False,
        ),
        (
            "PUT",
            EXTENSION,
            {"properties": PROPERTIES | {"configurationSettings": {"a": {"b": "c"}}}},
            400,
            "InvalidRequestContent",
            "string",
            False,
        ),
        (
            "PUT",
            EXTENSION,
            {"properties": PROPERTIES | {"scope": {"cluster": {}, "namespace": {}}}},
            400,
            "InvalidRequestContent",
            "scope",
            False,
        ),
        (
            "PUT",
            EXTENSION,
            {"properties": PROPERTIES | {"version": "1.6.0"}},
            400,
            "InvalidExtensionVersionSettings",
            "AutoUpgradeMinorVersion",
            False,
        ),
        (
            "PUT",
            EXTENSION,
            {"properties": {"extensionType": "microsoft.example"}},
            400,
            "ExtensionTypeRegistrationGetFailed",
            "microsoft.example is not registered in region norwayeast. Extension is available in westeurope.",
            False,
        ),
        (
            "PUT",
            EXTENSION,
            {"properties": {"extensionType": "x"}},
            400,
            "ExtensionTypeRegistrationGetFailed",
            "Extension type x",
            False,
        ),
    ],
)
def test_refusals(
    azure: Azure, method: str, path: str, body: Any, status: int, code: str, words: str, gateway: bool
) -> None:
    answer = azure.call(method, path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert words in answer.json()["error"]["message"]
    assert (answer.headers.get("x-ms-failure-cause") == "gateway") is gateway


def test_missing_extension_has_the_providers_own_shape(azure: Azure) -> None:
    answer = azure.call("GET", EXTENSION)
    assert answer.json()["error"]["additionalInfo"] == []
    assert "api-supported-versions" in answer.headers


@pytest.mark.parametrize(
    "changes", [{"extensionType": "microsoft.example"}, {"scope": {"namespace": {"targetNamespace": "other"}}}]
)
def test_type_and_scope_cannot_be_changed(azure: Azure, changes: dict[str, Any]) -> None:
    azure.emu.world.extension_types[1].regions = []
    azure.install()
    azure.wait()
    assert azure.install(**changes).status_code == 400


def test_only_the_specified_properties_can_be_patched(azure: Azure) -> None:
    azure.install()
    azure.wait()
    assert azure.call("PATCH", EXTENSION, {"properties": {"extensionType": "x"}}).status_code == 400


def test_paths_match_in_any_case_and_lists_hold_only_the_clusters_own(azure: Azure) -> None:
    azure.install()
    azure.install(EXTENSION.replace(OSLO, LYON))
    assert azure.call("GET", EXTENSION.upper().replace("SUBSCRIPTIONS", "subscriptions")).json()["id"] == EXTENSION
    assert [one["id"] for one in azure.call("GET", EXTENSION.rpartition("/")[0].lower()).json()["value"]] == [EXTENSION]
