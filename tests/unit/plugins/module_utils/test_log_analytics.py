# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._log_analytics import parse, read
from harness import azure
from harness.azure import WORKSPACE
from harness.wire import Call, Wire

BODY = {"id": WORKSPACE, "name": "logs", "location": "norwayeast", "properties": {"customerId": "3a6ede08-0000-4000-8000-000000000000"}}
HOME = Call("GET", WORKSPACE, 200, BODY)
KEYS = {"primarySharedKey": "Zmlyc3Q=", "secondarySharedKey": "c2Vjb25k"}


@pytest.mark.parametrize(("key", "value"), [("primary", "Zmlyc3Q="), ("secondary", "c2Vjb25k")])
def test_read(arm: Arm, wire: Wire, key: str, value: str) -> None:
    wire.expect(HOME, Call("POST", f"{WORKSPACE}/sharedKeys", 200, KEYS))
    outcome = read(parse({"resource_id": f" {WORKSPACE}/ ", "key": key}), arm, True)
    assert wire.query() == {"api-version": "2020-08-01"}
    assert outcome.facts["workspace"] == {
        "id": WORKSPACE, "name": "logs", "location": "norwayeast", "workspace_id": "3a6ede08-0000-4000-8000-000000000000"
    }
    assert (outcome.changed, outcome.facts["ingestion_key"]) == (False, value)


def test_keys_may_not_be_read(arm: Arm, wire: Wire) -> None:
    wire.expect(HOME, Call("POST", f"{WORKSPACE}/sharedKeys", 403, azure.error("AuthorizationFailed", "no action 'sharedKeys/action'")))
    with pytest.raises(AzureFailure, match=f"Could not read the keys of the Log Analytics workspace {WORKSPACE}: .*sharedKeys.*role"):
        read(parse({"resource_id": WORKSPACE, "key": "primary"}), arm, False)


def test_no_such_workspace(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", WORKSPACE, 404, azure.error("ResourceNotFound", "The Resource was not found."), azure.FROM_ARM))
    with pytest.raises(AzureFailure, match="Check the name"):
        read(parse({"resource_id": WORKSPACE, "key": "primary"}), arm, False)


@pytest.mark.parametrize("resource_id", [WORKSPACE.upper(), WORKSPACE.lower(), WORKSPACE.replace("resourceGroups", "resourcegroups")])
def test_ids_have_no_case(resource_id: str) -> None:
    assert parse({"resource_id": resource_id, "key": "primary"}).resource_id == resource_id


@pytest.mark.parametrize(
    "resource_id",
    ["", "logs", WORKSPACE[1:], f"{WORKSPACE}/tables/x", azure.SERVICE, f"https://management.azure.com{WORKSPACE}", WORKSPACE.replace("/logs", "/")],
)
def test_options_refused(resource_id: str) -> None:
    with pytest.raises(ApimError, match="^resource_id: .*/subscriptions/SUBSCRIPTION/"):
        parse({"resource_id": resource_id, "key": "primary"})
