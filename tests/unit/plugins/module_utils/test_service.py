# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _service as service
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from harness import azure
from harness.azure import SERVICE
from harness.wire import Call, Wire

PORTAL = {"type": "DeveloperPortal", "hostName": "portal.contoso.com"}
CONFIGURATION = {"type": "ConfigurationApi", "hostName": "config.contoso.com"}


def test_read(arm: Arm, wire: Wire) -> None:
    assert service.service_path(azure.SUBSCRIPTION, "rg", "contoso") == SERVICE
    wire.expect(Call("GET", SERVICE, 200, azure.service()))
    assert service.read(arm, SERVICE)["name"] == "contoso"
    assert wire.query() == {"api-version": "2022-08-01"}


def test_read_a_missing_one(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", SERVICE, 404, azure.NO_SERVICE, azure.FROM_ARM))
    with pytest.raises(AzureFailure, match=f"Could not read the API Management service {SERVICE}.*Check the name"):
        service.read(arm, SERVICE)


@pytest.mark.parametrize("tier", ["Developer", "Premium"])
def test_tier_with_self_hosted_gateways(tier: str) -> None:
    service.check_tier(azure.service(tier))


@pytest.mark.parametrize("tier", ["Basic", "Standard", "Consumption", "Isolated", "BasicV2", "StandardV2", "PremiumV2"])
def test_tier_without(tier: str) -> None:
    with pytest.raises(ApimError, match=f"'contoso' is of the tier '{tier}'.*Developer, Premium"):
        service.check_tier(azure.service(tier))


@pytest.mark.parametrize(
    ("body", "uri"),
    [
        (azure.service(), "https://contoso.configuration.azure-api.net"),
        (azure.service(url="https://contoso.azure-api.us"), "https://contoso.configuration.azure-api.us"),
        (azure.service(url="https://contoso.azure-api.cn:443/"), "https://contoso.configuration.azure-api.cn"),
        (azure.service(hosts=(PORTAL, CONFIGURATION)), "https://config.contoso.com"),
        (azure.service(hosts=(PORTAL,)), "https://contoso.configuration.azure-api.net"),
        (azure.service(url=None), None),
        (azure.service(url="https://localhost"), None),
        ({"properties": {"hostnameConfigurations": None}}, None),
        ({}, None),
    ],
)
def test_configuration_uri(body: dict, uri: str | None) -> None:
    assert service.configuration_uri(body) == uri
