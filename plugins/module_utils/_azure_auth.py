# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Who we are and which cloud we talk to: options and environment in, an azure-identity credential out.

The only file that knows credentials and clouds. Option and variable names are those of azure.azcollection,
plus azure-identity's own. Nothing is sent while signing in, except the question for a custom cloud's endpoints;
the first token is requested by the first request.
"""

from __future__ import annotations

import configparser
import dataclasses
import json
import os
import re
import shutil
import sys
import traceback
import typing as t
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

# Why the Azure libraries could not be imported (a formatted traceback), or None. They are imported here and not later:
# whoever gets as far as importing this file signs in.
AZURE_IMPORT_ERROR: str | None = None
try:
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError
    from azure.core.pipeline.policies import ProxyPolicy, RetryPolicy, UserAgentPolicy
    from azure.core.rest import HttpRequest
    from azure.identity import (
        AzureCliCredential,
        CertificateCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )
except ImportError:
    AZURE_IMPORT_ERROR = traceback.format_exc()

if t.TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# No defaults and no fallbacks here: sign_in() reads the environment, so that modules, action plugins and inventory
# plugins all get the same answer, and a profile's value can come before the environment's.
AUTH_OPTIONS: dict[str, dict[str, t.Any]] = {
    "auth_source": {"type": "str", "choices": ["auto", "env", "credential_file", "cli", "msi"]},
    "profile": {"type": "str"},
    "subscription_id": {"type": "str"},
    "tenant": {"type": "str"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "x509_certificate_path": {"type": "path"},
    "x509_certificate_password": {"type": "str", "no_log": True},
    "federated_token_file": {"type": "path", "no_log": False},
    "cloud_environment": {"type": "str"},
    "adfs_authority_url": {"type": "str"},
    "cert_validation_mode": {"type": "str", "choices": ["validate", "ignore"]},
    "disable_instance_discovery": {"type": "bool"},
}
AUTH_MUTUALLY_EXCLUSIVE: list[list[str]] = [["secret", "x509_certificate_path", "federated_token_file"]]

# Where two names stand, the first is azure.azcollection's (AWX sets it on purpose), the second azure-identity's
# (which a Kubernetes webhook may have put into every pod).
VARIABLES: dict[str, tuple[str, ...]] = {
    "auth_source": ("ANSIBLE_AZURE_AUTH_SOURCE",),
    "profile": ("AZURE_PROFILE",),
    "subscription_id": ("AZURE_SUBSCRIPTION_ID",),
    "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "client_id": ("AZURE_CLIENT_ID",),
    "secret": ("AZURE_SECRET", "AZURE_CLIENT_SECRET"),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH"),
    "x509_certificate_password": ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "cloud_environment": ("AZURE_CLOUD_ENVIRONMENT",),
    "adfs_authority_url": ("AZURE_ADFS_AUTHORITY_URL",),
    "cert_validation_mode": ("AZURE_CERT_VALIDATION_MODE",),
    "disable_instance_discovery": ("AZURE_DISABLE_INSTANCE_DISCOVERY",),
}


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


@dataclasses.dataclass(frozen=True)
class SignIn:
    """A credential that has not sent anything yet, and where to use it.

    :param subscription_id: from the options, the profile, the environment or the Azure CLI's default; None if nowhere.
    :param scope: what to ask a token for.
    :param verify: False when TLS certificates are not checked; the caller must warn about it.
    :param source: C(parameters), C(env), C(credential_file), C(cli) or C(msi).
    """

    credential: TokenCredential = dataclasses.field(repr=False)
    cloud: Cloud
    subscription_id: str | None
    scope: str
    verify: bool
    source: str


def sign_in(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> SignIn:
    """Choose a source, a method and a cloud, and make the credential.

    :param options: the task's values for AUTH_OPTIONS; a missing key or None is "not given".
    :param environ: usually C(os.environ). azure-identity itself reads the process's environment for the Azure CLI's
        C(PATH), the managed identity endpoints, proxies and C(REQUESTS_CA_BUNDLE).
    :raises ApimError: libraries missing, no source usable, half a credential, unknown cloud, unreadable files.
    """
    if AZURE_IMPORT_ERROR:
        raise ApimError(
            f"The Python packages azure-identity and azure-core are needed and cannot be imported by {sys.executable}. "
            "Install them there: pip install azure-identity",
            exception=AZURE_IMPORT_ERROR,
        )
    source, method, values = _choose(options, environ)
    verify = _choice(values, "cert_validation_mode", "validate") == "validate"
    cloud, discovered = _cloud(values, environ, verify)
    values["instance_discovery"] = not _boolean(values, "disable_instance_discovery", default=discovered)
    values["verify"] = verify
    try:
        credential = METHODS[method].build(values, cloud)
    except (ValueError, TypeError, OSError) as exc:
        # azure-identity and cryptography explain themselves without repeating secrets.
        raise ApimError(f"Cannot sign in to Azure with the {METHODS[method].name} from {source}: {exc}") from exc
    subscription_id = values.get("subscription_id")
    if method == "cli":
        subscription_id = subscription_id or _cli_account(environ, None).get("id")
    return SignIn(credential, cloud, subscription_id, cloud.scope, verify, source)


# ---- methods: what kind of credential -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Method:
    """One kind of credential: the option that selects it, the options it cannot do without, and how to make it."""

    name: str
    needs: tuple[str, ...]
    build: Callable[[Mapping[str, t.Any], Cloud], TokenCredential]


# Seconds and attempts. azure-core's own would wait 300 s for a connection, again and again.
_PATIENCE: dict[str, int] = {"connection_timeout": 20, "read_timeout": 60, "retry_total": 3}


def _entra(values: Mapping[str, t.Any], cloud: Cloud) -> dict[str, t.Any]:
    """What the three methods that talk to Microsoft Entra themselves have in common."""
    return {
        "authority": cloud.authority,
        "disable_instance_discovery": not values["instance_discovery"],
        "connection_verify": values["verify"],
        **_PATIENCE,
    }


def _client_secret(values: Mapping[str, t.Any], cloud: Cloud) -> TokenCredential:
    return ClientSecretCredential(values["tenant"], values["client_id"], values["secret"], **_entra(values, cloud))


def _certificate(values: Mapping[str, t.Any], cloud: Cloud) -> TokenCredential:
    path = values["x509_certificate_path"]
    try:
        return CertificateCredential(
            values["tenant"],
            values["client_id"],
            os.path.expanduser(path),
            password=values.get("x509_certificate_password"),
            **_entra(values, cloud),
        )
    except (ValueError, TypeError) as exc:
        raise ValueError(
            f"{path}: {exc}. Needed is a PEM file with the RSA private key and its certificate, and "
            "x509_certificate_password if the key is encrypted."
        ) from exc


def _federated_token(values: Mapping[str, t.Any], cloud: Cloud) -> TokenCredential:
    path = os.path.expanduser(values["federated_token_file"])
    with open(path, "rb"):
        pass  # azure-identity reads it again for each token, because it is renewed on disk; say now when it is missing
    return WorkloadIdentityCredential(
        tenant_id=values["tenant"], client_id=values["client_id"], token_file_path=path, **_entra(values, cloud)
    )


def _cli(values: Mapping[str, t.Any], cloud: Cloud) -> TokenCredential:
    subscription = values.get("subscription_id")
    # az refuses both together, and finds the tenant of a subscription by itself.
    tenant = "" if subscription else values.get("tenant") or ""
    # az starts slowly on a busy machine; azure-identity would give it ten seconds.
    return AzureCliCredential(tenant_id=tenant, subscription=subscription, process_timeout=60)


def _managed_identity(values: Mapping[str, t.Any], cloud: Cloud) -> TokenCredential:
    # A client id selects a user-assigned identity; without one it is the machine's own.
    return ManagedIdentityCredential(client_id=values.get("client_id"))


# The first three are selected by an option of their own name, in this order.
METHODS: dict[str, Method] = {
    "secret": Method("client secret", ("client_id", "tenant"), _client_secret),
    "x509_certificate_path": Method("certificate", ("client_id", "tenant"), _certificate),
    "federated_token_file": Method("federated token (workload identity)", ("client_id", "tenant"), _federated_token),
    "cli": Method("Azure CLI", (), _cli),
    "msi": Method("managed identity", (), _managed_identity),
}
_KEYS = ("secret", "x509_certificate_path", "federated_token_file")


# ---- sources: where it comes from -----------------------------------------------------------------------------------


class _Lacking(Exception):
    """A source that cannot be used; the message says what it lacks."""


@dataclasses.dataclass(frozen=True)
class _Given:
    """What the user gave, by place. Empty strings count as not given: AWX and shells set them."""

    options: Mapping[str, t.Any]
    environment: Mapping[str, str]
    environ: Mapping[str, str]

    @property
    def profile(self) -> str | None:
        return self.options.get("profile") or self.environment.get("profile")


_Found = tuple[str, dict[str, t.Any]]  # method, values


def _service_principal(label: str, key_place: Mapping[str, t.Any], values: Mapping[str, t.Any]) -> _Found:
    """The method whose own option stands in key_place; its other options may come from anywhere in values."""
    method = next((key for key in _KEYS if key_place.get(key)), None)
    if not method:
        raise _Lacking("it has none of " + ", ".join(_KEYS))
    missing = [name for name in METHODS[method].needs if not values.get(name)]
    if missing:
        # Going on to the next source would sign in as somebody else than this user meant.
        raise ApimError(
            f"The sign-in by {METHODS[method].name} ({label}) is incomplete: "
            + " and ".join(f"{name} (or {' or '.join(VARIABLES[name])})" for name in missing)
            + (" is" if len(missing) == 1 else " are")
            + " missing."
        )
    others = set(_KEYS) - {method}
    return method, {name: value for name, value in values.items() if name not in others} | {method: key_place[method]}


def _parameters(given: _Given) -> _Found:
    return _service_principal("options of the task", given.options, {**given.environment, **given.options})


def _environment(given: _Given) -> _Found:
    try:
        return _service_principal("environment", given.environment, {**given.environment, **given.options})
    except _Lacking:
        raise _Lacking("none is set of " + ", ".join(name for key in _KEYS for name in VARIABLES[key])) from None


def _credential_file(given: _Given) -> _Found:
    home = given.environ.get("HOME") or os.path.expanduser("~")
    path = os.path.join(home, ".azure", "credentials")
    profile = given.profile or "default"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        raise _Lacking(f"there is no {path}") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ApimError(f"Cannot read {path}: {exc}") from exc
    except configparser.Error:
        # The parser's own text quotes the line, and a line may hold a secret.
        raise ApimError(f"{path} is not an INI file with one [section] for each profile.") from None
    if not parser.has_section(profile):
        raise _Lacking(f"{path} has no profile [{profile}]")
    section = _not_empty(parser[profile])
    try:
        return _service_principal(
            f"profile [{profile}] of {path}", section, {**given.environment, **section, **given.options}
        )
    except _Lacking as exc:
        raise _Lacking(f"profile [{profile}] of {path}: {exc}") from None


def _azure_cli(given: _Given) -> _Found:
    if not shutil.which("az", path=given.environ.get("PATH")):
        raise _Lacking("the command az is not on PATH")
    if not _cli_subscriptions(given.environ):
        raise _Lacking("az is not logged in (az login)")
    values = {**given.environment, **given.options}
    logged_in_to = _cli_account(given.environ, values.get("subscription_id")).get("environmentName")
    if logged_in_to and not values.get("cloud_environment"):
        if logged_in_to not in CLOUDS:
            raise ApimError(
                f"The Azure CLI is logged in to the cloud {logged_in_to!r}. "
                "Give the https URL of its Resource Manager in cloud_environment (AZURE_CLOUD_ENVIRONMENT)."
            )
        values["cloud_environment"] = logged_in_to
    return "cli", values


def _announced_managed_identity(given: _Given) -> _Found:
    # A virtual machine's identity can only be found by asking the network: slow where there is none, so only on demand.
    if not (given.environ.get("IDENTITY_ENDPOINT") or given.environ.get("MSI_ENDPOINT")):
        raise _Lacking("IDENTITY_ENDPOINT is not set (for the identity of a virtual machine say auth_source: msi)")
    return _any_managed_identity(given)


def _any_managed_identity(given: _Given) -> _Found:
    return "msi", {**given.environment, **given.options}


# auth_source -> what is tried, in order: (source, function)
_Source = tuple[str, Callable[[_Given], _Found]]
SOURCES: dict[str, tuple[_Source, ...]] = {
    "auto": (
        ("parameters", _parameters),
        ("env", _environment),
        ("credential_file", _credential_file),
        ("cli", _azure_cli),
        ("msi", _announced_managed_identity),
    ),
    "env": (("env", _environment),),
    "credential_file": (("credential_file", _credential_file),),
    "cli": (("cli", _azure_cli),),
    "msi": (("msi", _any_managed_identity),),
}


def _choose(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> tuple[str, str, dict[str, t.Any]]:
    """Source, method and values to use. Reads files, sends nothing.

    :raises ApimError: with every source tried, in order, and what each lacked.
    """
    environment = {
        option: next(value for value in (environ.get(name) for name in names) if value)
        for option, names in VARIABLES.items()
        if any(environ.get(name) for name in names)
    }
    given = _Given({name: value for name, value in _not_empty(options).items() if name in VARIABLES}, environment, environ)
    auth_source = _choice({**environment, **given.options}, "auth_source", "auto")
    sources = SOURCES[auth_source]
    if auth_source == "auto" and given.profile:
        # Somebody who names a profile does not want the environment's principal.
        sources = tuple(source for source in sources if source[0] in ("parameters", "credential_file"))
    lacks = []
    for source, find in sources:
        try:
            return (source, *find(given))
        except _Lacking as exc:
            lacks.append(f"{source}: {exc}")
    hint = ""
    if environ.get("AZURE_PASSWORD") and (environ.get("AZURE_AD_USER") or environ.get("AZURE_USERNAME")):
        hint = " Signing in with a user name and password (AZURE_AD_USER, AZURE_PASSWORD) is not supported."
    raise ApimError(
        f"No way to sign in to Azure was found. Tried, in this order (auth_source: {auth_source}): {'; '.join(lacks)}."
        f"{hint} Give tenant, client_id and secret as options or as AZURE_TENANT, AZURE_CLIENT_ID and AZURE_SECRET, "
        "or log in with az login, or set auth_source: msi on a machine with a managed identity."
    )


def _not_empty(values: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _choice(values: Mapping[str, t.Any], name: str, default: str) -> str:
    """A value that may come from the environment or a profile, where no argument spec has checked it."""
    value, choices = values.get(name, default), AUTH_OPTIONS[name]["choices"]
    if value not in choices:
        raise ApimError(f"{name} ({' or '.join(VARIABLES[name])}) must be one of {', '.join(choices)}, not {value!r}.")
    return value


def _boolean(values: Mapping[str, t.Any], name: str, default: bool) -> bool:
    value = values.get(name, default)
    if str(value).lower() in ("true", "yes", "on", "1"):
        return True
    if str(value).lower() in ("false", "no", "off", "0"):
        return False
    raise ApimError(f"{name} ({' or '.join(VARIABLES[name])}) must be true or false, not {value!r}.")


def _cli_subscriptions(environ: Mapping[str, str]) -> list[dict[str, t.Any]]:
    """The subscriptions that az login has noted; none when not logged in."""
    home = environ.get("HOME") or os.path.expanduser("~")
    directory = environ.get("AZURE_CONFIG_DIR") or os.path.join(home, ".azure")
    try:
        with open(os.path.join(directory, "azureProfile.json"), encoding="utf-8-sig") as file:
            return [entry for entry in json.load(file)["subscriptions"] if isinstance(entry, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _cli_account(environ: Mapping[str, str], subscription: str | None) -> dict[str, t.Any]:
    """What az noted of this subscription (ID or name), or else of its default one; empty when there is neither."""
    entries = _cli_subscriptions(environ)
    wanted = [entry for entry in entries if subscription and subscription in (entry.get("id"), entry.get("name"))]
    return next(iter(wanted or [entry for entry in entries if entry.get("isDefault")]), {})


# ---- clouds ---------------------------------------------------------------------------------------------------------


def _cloud(values: Mapping[str, t.Any], environ: Mapping[str, str], verify: bool) -> tuple[Cloud, bool]:
    """The cloud, and whether it was discovered (then Microsoft's instance discovery does not know it).

    :raises ApimError: unknown name, not https, or no usable answer from the endpoint.
    """
    name = values.get("cloud_environment")
    host = environ.get("AZURE_AUTHORITY_HOST")
    discovered = False
    if name and "://" in name:
        cloud, discovered = discover_cloud(_https("cloud_environment", name), verify), True
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
    return cloud, discovered


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


def discover_cloud(url: str, verify: bool) -> Cloud:
    """Ask an Azure Resource Manager endpoint (Azure Stack, a private cloud) where it is and who signs its users in.

    :raises ApimError: unreachable, not trusted, or an answer in none of the three published shapes.
    """
    answers = []
    policies = [UserAgentPolicy("arcfleet.apim"), ProxyPolicy(), RetryPolicy(**_PATIENCE)]
    with PipelineClient(url, policies=policies, connection_verify=verify, **_PATIENCE) as client:
        for version in ("2022-09-01", "2019-05-01", "2015-01-01"):
            request = HttpRequest("GET", f"{url}/metadata/endpoints", params={"api-version": version})
            try:
                response = client.send_request(request)
            except AzureError as exc:
                raise ApimError(f"Cannot ask {url} for its endpoints: {exc.message}. {_tls_remedy(str(exc))}") from exc
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


# ---- explaining -----------------------------------------------------------------------------------------------------


# Microsoft Entra error codes -> what to do.
_REMEDIES: dict[str, str] = {
    "7000215": "The client secret is wrong. Give the secret's value (not its ID) in secret or AZURE_SECRET.",
    "7000222": "The client secret has expired. Make a new one for the app registration and give it in secret.",
    "7000216": "The app registration wants a secret or an assertion. Give secret or x509_certificate_path.",
    "700016": "This tenant does not know the application. Check client_id and tenant.",
    "7000229": "The application has no service principal in this tenant. Make one: az ad sp create --id <client_id>.",
    "7000112": "The application is disabled. Enable it in Microsoft Entra ID.",
    "90002": "There is no such tenant in this cloud. Check tenant and cloud_environment.",
    "900023": "The tenant is neither a tenant ID nor a domain name. Check tenant.",
    "700027": "The certificate is not the one that is registered (or it has expired). Check x509_certificate_path and "
    "the certificates of the app registration.",
    "700024": "The assertion is not valid now. Check this machine's clock, and that the federated token is fresh.",
    "70021": "No federated credential of the application matches this token. Compare its issuer, subject and audience.",
    "700211": "No federated credential of the application has this token's issuer.",
    "700212": "No federated credential of the application has this token's audience.",
    "700213": "No federated credential of the application has this token's subject.",
    "500011": "The tenant does not know this cloud's Resource Manager. Check cloud_environment and tenant.",
    "50076": "This user must pass multi-factor authentication: az login. For automation use a service principal.",
    "53003": "A Conditional Access policy forbids it. Ask who manages Microsoft Entra ID.",
    "50173": "The session was revoked. Log in again: az login.",
    "70043": "The session has expired. Log in again: az login.",
    "700082": "The session has expired. Log in again: az login.",
}


def explain_sign_in_failure(exc: BaseException, sign_in: SignIn) -> str:
    """What to tell a person when no token was issued: where, what Microsoft Entra said, and the remedy.

    Pure. For ClientAuthenticationError, CredentialUnavailableError and what the network raises while a token is
    fetched. Tokens in the text are masked.
    """
    said = str(getattr(exc, "message", None) or exc)
    said = re.sub(r"eyJ[\w-]*\.[\w-]+\.[\w-]*", "***", said)  # any JWT
    said = re.split(r"\s*(?:Trace ID:|To mitigate this issue)", said, maxsplit=1)[0]
    said = " ".join(said.split()).removeprefix("Authentication failed: ").rstrip(".")
    where = f"{sign_in.cloud.authority} ({sign_in.cloud.name}, auth_source {sign_in.source})"
    return f"Azure sign-in failed at {where}: {said}. {_remedy(said, sign_in)}"


def _remedy(said: str, sign_in: SignIn) -> str:
    code = re.search(r"AADSTS(\d+)", said)
    if code and code[1] in _REMEDIES:
        return _REMEDIES[code[1]]
    if code:
        return f"See https://login.microsoftonline.com/error?code={code[1]}"
    if sign_in.source == "cli":
        if sign_in.cloud.name in CLOUDS:
            return "Log in with the Azure CLI: az login"
        return f"Set the Azure CLI to this cloud ({sign_in.cloud.resource_manager}) and log in: az cloud set, az login"
    if sign_in.source == "msi":
        return (
            "The managed identity endpoint did not answer. Is this a machine in Azure (or an Arc-enabled server) with an "
            "identity, and is client_id (AZURE_CLIENT_ID) that of a user-assigned identity or not set?"
        )
    if "authority configuration" in said or "invalid_instance" in said or "not well-known" in said:
        return "Check tenant and cloud_environment. A private authority needs disable_instance_discovery: true."
    return _tls_remedy(said)


def _tls_remedy(said: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "Let REQUESTS_CA_BUNDLE name a PEM file with the authority that signed the server's certificate."
    return "Check the address, the proxy (HTTPS_PROXY, NO_PROXY) and the network."
