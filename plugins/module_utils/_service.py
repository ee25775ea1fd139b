# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The API Management service: its tier and its configuration endpoint."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from urllib.parse import urlsplit

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import resource_path

API_VERSION = "2022-08-01"
# The only tiers with self-hosted gateways.
_TIERS = ("Developer", "Premium")


def service_path(subscription_id: str, resource_group: str, name: str) -> str:
    return resource_path(subscription_id, resource_group, "Microsoft.ApiManagement", "service", name)


def read(arm: Arm, path: str) -> Mapping[str, t.Any]:
    """:raises AzureFailure: the service does not exist, or may not be read."""
    return arm.get(f"read the API Management service {path}", path, API_VERSION)


def tier(service: Mapping[str, t.Any]) -> str:
    return str((service.get("sku") or {}).get("name") or "Unknown")


def check_tier(service: Mapping[str, t.Any]) -> None:
    """:raises ApimError: the tier has no self-hosted gateways."""
    if tier(service) not in _TIERS:
        raise ApimError(
            f"The API Management service {service.get('name')!r} is of the tier {tier(service)!r}. Self-hosted gateways "
            f"need one of: {', '.join(_TIERS)}."
        )


def configuration_uri(service: Mapping[str, t.Any]) -> str | None:
    """The configuration endpoint that a self-hosted gateway talks to.

    A custom host name of the type C(ConfigurationApi) when the service has one. Otherwise derived from the gateway URL:
    ARM has no property for it, and Microsoft documents C(https://NAME.configuration.azure-api.net); in other clouds the
    domain is that of the service's gateway URL. None when the service does not show that either.
    """
    properties = service.get("properties") or {}
    for host in properties.get("hostnameConfigurations") or ():
        if host.get("type") == "ConfigurationApi" and host.get("hostName"):
            return f"https://{host['hostName']}"
    name, _dot, domain = (urlsplit(properties.get("gatewayUrl") or "").hostname or "").partition(".")
    return f"https://{name}.configuration.{domain}" if name and domain else None
