# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft's client makes of our requests, and we of its answers."""
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_client import ExtensionClient
from harness import azure
from harness.azure import ACCEPTED, CLUSTER, EXTENSION, EXTENSIONS, FROM_ARM
from harness.wire import Call, Clock, Wire

# What a forced deletion really answers.
DOTNET = {"version": "1.1", "content": {"headers": []}, "statusCode": 200, "reasonPhrase": "OK", "headers": [],
          "trailingHeaders": [], "requestMessage": None, "isSuccessStatusCode": True}


@pytest.fixture
def client(arm: Arm) -> ExtensionClient:
    return ExtensionClient(arm, "rg", "oslo", "apim-gateway")


def test_ids(client: ExtensionClient) -> None:
    assert (client.cluster_id, client.id) == (CLUSTER, EXTENSION)


def test_get(client: ExtensionClient, wire: Wire) -> None:
    wire.expect(Call("GET", EXTENSION, 200, azure.extension(protected=("a", "b"), futureMember={"x": 1}, provisioningState="Newish")))
    found = client.get()
    assert (found.id, found.protected_names, found.provisioning_state) == (EXTENSION, {"a", "b"}, "Newish")
    assert wire.query() == {"api-version": "2023-05-01"}


def test_get_a_missing_one(client: ExtensionClient, wire: Wire) -> None:
    wire.expect(Call("GET", EXTENSION, 404, azure.NO_EXTENSION))
    assert client.get() is None


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (404, azure.NO_CLUSTER, FROM_ARM, "connectedClusters/oslo' under resource group 'rg' was not found"),
        (404, azure.error("ResourceGroupNotFound", "Resource group 'rg' could not be found."), FROM_ARM, "Resource group 'rg'"),
        (404, azure.error("InvalidResourceType", "The resource type could not be found."), {}, "not offered here"),
        (404, "<html>no such page</html>", {}, "no such page"),
        (403, azure.error("AuthorizationFailed", "The client may not."), FROM_ARM, "The client may not"),
    ],
)
def test_get_fails(client: ExtensionClient, wire: Wire, status: int, body: object, headers: dict, said: str) -> None:
    wire.expect(Call("GET", EXTENSION, status, body, headers))
    with pytest.raises(AzureFailure) as caught:
        client.get()
    assert str(caught.value).startswith(f"Could not read the extension {EXTENSION}: Azure said")
    assert said in str(caught.value)


def test_list_over_pages(client: ExtensionClient, wire: Wire) -> None:
    more = f"https://management.azure.com{EXTENSIONS}?api-version=2023-05-01&$skiptoken=b"
    wire.expect(
        Call("GET", EXTENSIONS, 200, {"value": [azure.extension()], "nextLink": more}),
        Call("GET", EXTENSIONS, 200, {"value": [azure.extension(protected=(), version="1.5.0", statuses=[azure.INSTALLATION_FAILED])], "nextLink": None}),
    )
    first, second = client.list()
    assert (first.id, first.principal_id, first.protected_names) == (EXTENSION, "0f4b3a52-3b43-4c53-9d7e-2f4f9b1f6a55", {"gateway.auth.token"})
    assert (second.version, second.current_version, second.target_namespace) == ("1.5.0", "1.6.4", "apim")
    assert second.statuses[0]["code"] == "InstallationFailed"


def test_put(client: ExtensionClient, wire: Wire) -> None:
    properties = {
        "extensionType": "microsoft.apimanagement.gateway",
        "autoUpgradeMinorVersion": False,
        "releaseTrain": "preview",
        "version": "1.6.4",
        "scope": {"namespace": {"targetNamespace": "apim"}},
        "configurationSettings": {"a.b": "1", "c": ""},
        "configurationProtectedSettings": {"s": "x"},
    }
    wire.expect(Call("PUT", EXTENSION, 201, azure.extension(state="Creating"), ACCEPTED))
    answer = client.put(properties)
    assert wire.bodies("PUT") == [{"properties": properties, "identity": {"type": "SystemAssigned"}}]
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (201, "Creating")
    assert answer.headers["azure-asyncoperation"] == azure.OPERATION


@pytest.mark.parametrize("status", [200, 201])
def test_put_over_an_existing_one(client: ExtensionClient, wire: Wire, status: int) -> None:
    wire.expect(Call("PUT", EXTENSION, status, azure.extension()))
    assert client.put({}).status == status


@pytest.mark.parametrize(
    "properties",
    [
        {"configurationSettings": {"a.b": "1"}},
        {"configurationSettings": {"a.b": "1"}, "configurationProtectedSettings": {"s": "x"}},
        {"configurationProtectedSettings": {}},
        {"autoUpgradeMinorVersion": False, "version": "1.6.4"},
        {"autoUpgradeMinorVersion": True, "version": None},  # null lifts the pin; left out it would stay
        {"releaseTrain": "stable"},
    ],
)
def test_patch_sends_this_and_nothing_else(client: ExtensionClient, wire: Wire, properties: dict) -> None:
    wire.expect(Call("PATCH", EXTENSION, 202, azure.extension(state="Updating"), ACCEPTED))
    client.patch(properties)
    assert wire.bodies("PATCH") == [{"properties": properties}]


@pytest.mark.parametrize(("status", "body"), [(202, None), (200, azure.extension())])
def test_patch_without_much_of_an_answer(client: ExtensionClient, wire: Wire, status: int, body: object) -> None:
    wire.expect(Call("PATCH", EXTENSION, status, body))
    assert client.patch({"releaseTrain": "stable"}).body == body


@pytest.mark.parametrize(
    ("force", "status", "body", "headers"),
    [(False, 202, None, ACCEPTED), (False, 204, None, {}), (True, 200, DOTNET, {}), (True, 200, "OK", {}), (True, 204, None, {})],
)
def test_delete(client: ExtensionClient, wire: Wire, force: bool, status: int, body: object, headers: dict) -> None:
    wire.expect(Call("DELETE", EXTENSION, status, body, headers))
    assert client.delete(force).status == status
    assert wire.query() == {"api-version": "2023-05-01", "forceDelete": str(force).lower()}


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_change_refused(client: ExtensionClient, wire: Wire, verb: str) -> None:
    method, change = {"create": ("PUT", client.put), "update": ("PATCH", client.patch), "delete": ("DELETE", client.delete)}[verb]
    wire.expect(Call(method, EXTENSION, 409, azure.CONFLICT, ACCEPTED))
    with pytest.raises(AzureFailure) as caught:
        change({})
    assert str(caught.value).startswith(f"Could not {verb} the extension {EXTENSION}: Azure said ExtensionPatchFailed (HTTP 409)")
    assert caught.value.facts["error"]["correlation_id"] == ACCEPTED["x-ms-correlation-request-id"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_throttled_changes_wait_as_told(client: ExtensionClient, wire: Wire, clock: Clock, method: str) -> None:
    change = {"PUT": client.put, "PATCH": client.patch, "DELETE": client.delete}[method]
    wire.expect(Call(method, EXTENSION, 429, azure.THROTTLED), Call(method, EXTENSION, 200, azure.extension()))
    change({})
    assert len(clock.naps) == 1 and 6 <= clock.naps[0] <= 7.5


def test_operation(client: ExtensionClient, wire: Wire) -> None:
    wire.expect(Call("GET", azure.OPERATION, 200, azure.operation("Creating")), Call("GET", azure.OPERATION, 200, None))
    assert client.operation(azure.OPERATION)["status"] == "Creating"
    assert client.operation(azure.OPERATION) == {}


def test_not_json(client: ExtensionClient, wire: Wire) -> None:
    wire.expect(Call("GET", EXTENSION, 200, "<html>a captive portal</html>"))
    with pytest.raises(ApimError, match="not what its interface promises"):
        client.get()
