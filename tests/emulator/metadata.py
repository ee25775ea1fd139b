# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`/metadata/endpoints`: how clients find out about a cloud, in the three shapes that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .arm import Reply

if TYPE_CHECKING:
    from .app import Emulator


def endpoints(
    emu: Emulator, _method: str, _path: str, query: dict[str, str], _headers: Mapping[str, str], _raw: bytes
) -> Reply:
    """2015-01-01 for msrestazure, 2019-05-01 (a list) and 2022-09-01 (one object) for the Azure CLI and Terraform."""
    version = query.get("api-version", "")
    if version <= "2015-01-01":
        return Reply(
            200,
            {
                "galleryEndpoint": emu.url,
                "graphEndpoint": emu.url,
                "portalEndpoint": emu.url,
                "authentication": {"loginEndpoint": emu.url, "audiences": [emu.url + "/"]},
            },
        )
    cloud = _cloud(emu.url)
    return Reply(200, cloud if version >= "2022-01-01" else [cloud])


def _cloud(url: str) -> dict[str, Any]:
    # ASSUMPTION: services outside the emulator get names that resolve nowhere, so that nothing leaves the machine by
    # accident.
    suffixes = (
        "azureDataLakeStoreFileSystem",
        "acrLoginServer",
        "sqlServerHostname",
        "keyVaultDns",
        "storage",
        "azureFrontDoorEndpointSuffix",
        "storageSyncEndpointSuffix",
        "mhsmDns",
        "mysqlServerEndpoint",
        "postgresqlServerEndpoint",
        "mariadbServerEndpoint",
        "synapseAnalytics",
        "attestationEndpoint",
        "azureDataLakeAnalyticsCatalogAndJob",
    )
    return {
        "portal": url,
        "authentication": {
            "loginEndpoint": url,
            "audiences": [url + "/", url],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "media": url,
        "graphAudience": url + "/",
        "graph": url + "/",
        "name": "AzureEmulator",
        "suffixes": {name: f"{name.lower()}.emulator.invalid" for name in suffixes},
        "batch": url + "/",
        "resourceManager": url,
        "vmImageAliasDoc": url,
        "activeDirectoryDataLake": url,
        "sqlManagement": url,
        "microsoftGraphResourceId": url + "/",
        "appInsightsResourceId": url,
        "appInsightsTelemetryChannelResourceId": url,
        "attestationResourceId": url,
        "synapseAnalyticsResourceId": url,
        "logAnalyticsResourceId": url,
        "ossrDbmsResourceId": url,
        "gallery": url,
    }
