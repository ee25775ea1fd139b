# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Which Azure cloud: by name, or asked from its Azure Resource Manager endpoint."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping
from urllib.parse import urlsplit

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._remember import Remember, seconds_from_now

try:
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError
    from azure.core.pipeline.policies import ProxyPolicy, RetryPolicy, UserAgentPolicy
    from azure.core.rest import HttpRequest
except ImportError:
    pass  # sign_in() has said so before any of them is used

# Seconds and attempts. azure-core's own would wait 300 s for a connection, again and again.
PATIENCE: dict[str, int] = {"connection_timeout": 20, "read_timeout": 60, "retry_total": 3}


@dataclasses.dataclass(frozen=True)
class Cloud:
    """One Azure cloud. URLs are https and have no trailing slash; C(audience) is kept as the cloud states it.

    :param apim_suffix: host suffix of API Management (C(azure-api.net)), or None when it is not known.
    """

    name: str
    resource_manager: str
    authority: str
    audience: str
    apim_suffix: str | None = None

    @property
    def scope(self) -> str:
        """The OAuth 2.0 scope for Azure Resource Manager.

        Entra cuts C(/.default) off to find the resource, so an audience that really ends in a slash gives two.
        """
        return f"{self.audience}/.default"


# Audiences as azure-mgmt-core's get_arm_endpoints() has them.
CLOUDS: dict[str, Cloud] = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com",
            "azure-api.net",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net",
            "azure-api.us",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "azure-api.cn",
        ),
    )
}


def choose_cloud(
    values: Mapping[str, t.Any], environ: Mapping[str, str], verify: bool, remember: Remember | None = None
) -> Cloud:
    """The cloud that C(cloud_environment) names, or else C(AZURE_AUTHORITY_HOST), or else the public one.

    :raises ApimError: unknown name, not https, or no usable answer from the endpoint.
    """
    name = values.get("cloud_environment")
    host = environ.get("AZURE_AUTHORITY_HOST")
    if name and "://" in name:
        cloud = _known_or_discovered(_https("cloud_environment", name), verify, remember)
    elif name:
        if name not in CLOUDS:
            raise ApimError(
                f"cloud_environment {name!r} is not known. Known are {', '.join(CLOUDS)}, "
                "and the https URL of an Azure Resource Manager endpoint."
            )
        cloud = CLOUDS[name]
    elif host:
        # No cloud is named: the authority of a known cloud names it (a workload in Azure Government has just that).
        authority = _https("AZURE_AUTHORITY_HOST", host)
        cloud = next(
            (known for known in CLOUDS.values() if known.authority == authority),
            dataclasses.replace(CLOUDS["AzureCloud"], authority=authority),
        )
    else:
        cloud = CLOUDS["AzureCloud"]
    if values.get("adfs_authority_url"):
        cloud = dataclasses.replace(cloud, authority=_https("adfs_authority_url", values["adfs_authority_url"]))
    return cloud


def _https(name: str, url: str) -> str:
    """The https URL without a trailing slash; azure-identity and azure-core send no tokens over plain http."""
    url = url.strip().rstrip("/")
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ApimError(f"{name} must be an https URL, not {url!r}: Azure credentials are only sent over TLS.")
    return url


def _known_or_discovered(url: str, verify: bool, remember: Remember | None) -> Cloud:
    if remember is None:
        return discover_cloud(url, verify)
    found = remember(
        ["cloud", url, verify], lambda: (dataclasses.asdict(discover_cloud(url, verify)), seconds_from_now(3600))
    )
    return Cloud(**found)


def discover_cloud(url: str, verify: bool) -> Cloud:
    """Ask an Azure Resource Manager endpoint (Azure Stack, a private cloud) where it is and who signs its users in.

    :raises ApimError: unreachable, not trusted, or an answer in none of the three published shapes.
    """
    answers = []
    policies = [UserAgentPolicy("arcfleet.apim"), ProxyPolicy(), RetryPolicy(**PATIENCE)]
    with PipelineClient(url, policies=policies, connection_verify=verify, **PATIENCE) as client:
        for version in ("2022-09-01", "2019-05-01", "2015-01-01"):
            request = HttpRequest("GET", f"{url}/metadata/endpoints", params={"api-version": version})
            try:
                response = client.send_request(request)
            except AzureError as exc:
                said = exc.message.rstrip(".")
                raise ApimError(f"Cannot ask {url} for its endpoints: {said}. {network_remedy(said)}") from exc
            if response.status_code == 200:
                try:
                    return cloud_from_metadata(url, response.json())
                except ValueError as exc:
                    answers.append(f"{version}: {exc}")
            else:
                answers.append(f"{version}: HTTP {response.status_code}")
    raise ApimError(
        f"{url} does not say where its endpoints are, so it is not an Azure Resource Manager endpoint that "
        f"cloud_environment can name. GET {url}/metadata/endpoints by api-version: {'; '.join(answers)}."
    )


def cloud_from_metadata(url: str, metadata: t.Any) -> Cloud:
    """The cloud that C(/metadata/endpoints) describes: one object (2022-09-01, 2015-01-01) or a list (2019-05-01).

    :raises ValueError: when a part that we need is missing.
    """
    try:
        if isinstance(metadata, list):
            own = [entry for entry in metadata if str(entry.get("resourceManager", "")).rstrip("/") == url]
            if not own and len(metadata) != 1:
                raise ValueError("a list of clouds, none with this endpoint")
            metadata = (own or metadata)[0]
        login = _https("loginEndpoint", metadata["authentication"]["loginEndpoint"])
        audiences = [str(audience) for audience in metadata["authentication"].get("audiences") or []]
        resource_manager = _https("resourceManager", metadata.get("resourceManager") or url)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no authentication.loginEndpoint") from None
    except ApimError as exc:
        raise ValueError(str(exc)) from None
    # Where the endpoint itself is an audience, it is the one that needs no double slash.
    own_audience = any(audience.rstrip("/") == resource_manager for audience in audiences)
    audience = resource_manager if own_audience or not audiences else audiences[0]
    suffix = next((known.apim_suffix for known in CLOUDS.values() if known.resource_manager == resource_manager), None)
    return Cloud(metadata.get("name") or url, resource_manager, login, audience, suffix)


def network_remedy(said: str) -> str:
    """What to try when a server cannot be reached or trusted, from what the libraries say about it."""
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "Let REQUESTS_CA_BUNDLE name a PEM file with the authority that signed the server's certificate."
    return "Check the address, the proxy (HTTPS_PROXY, NO_PROXY) and the network."
