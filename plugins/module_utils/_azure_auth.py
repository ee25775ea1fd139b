# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Signing in to Azure: options and environment in, an azure-identity credential and a cloud out.

Nothing is sent while signing in, except the question for a custom cloud's endpoints; the first request asks for
the first token. Only this file makes credentials.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import sys
import warnings
import traceback
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import (
    CLOUDS,
    PATIENCE,
    Cloud,
    choose_cloud,
    network_remedy,
)
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_sources import (
    AUTH_MUTUALLY_EXCLUSIVE,
    AUTH_OPTIONS,
    METHOD_NAMES,
    boolean_value,
    choice_value,
    choose_source,
)
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._remember import Remember, RememberedCredential

# azure-identity logs failed sign-ins as warnings, and Python prints those where nobody has configured logging. The exceptions
# say the same.
logging.getLogger("azure").addHandler(logging.NullHandler())

# Why the Azure libraries could not be imported (a formatted traceback), or None. They are imported here and not later:
# whoever gets as far as importing this file signs in.
AZURE_IMPORT_ERROR: str | None = None
try:
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

__all__ = (
    "AUTH_MUTUALLY_EXCLUSIVE",
    "AUTH_OPTIONS",
    "AZURE_IMPORT_ERROR",
    "Cloud",
    "SignIn",
    "explain_sign_in_failure",
    "sign_in",
)


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


def sign_in(
    options: Mapping[str, t.Any], environ: Mapping[str, str], remember: Remember | None = None
) -> SignIn:
    """Choose a source, a method and a cloud, and make the credential.

    :param options: the task's values for AUTH_OPTIONS; a missing key or None is "not given", other keys are ignored.
    :param environ: usually C(os.environ). azure-identity itself reads the process's environment for the Azure CLI's
        C(PATH), the managed identity endpoints, proxies and C(REQUESTS_CA_BUNDLE).
    :param remember: shares access tokens and a custom cloud's endpoints with other processes.
    :raises ApimError: libraries missing, no source usable, half a credential, unknown cloud, unreadable files.
    """
    if AZURE_IMPORT_ERROR:
        raise ApimError(
            f"The Python packages azure-core and azure-identity are needed and cannot be imported by {sys.executable}. "
            "Install them there: pip install azure-identity",
            exception=AZURE_IMPORT_ERROR,
        )
    chosen = choose_source(options, environ)
    values = chosen.values
    verify = choice_value(values, "cert_validation_mode", "validate") == "validate"
    if not verify:
        # Whoever signs in warns about it once; urllib3 would do so, on standard error, for every request.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    cloud = choose_cloud(values, environ, verify, remember)
    entra = {
        "authority": cloud.authority,
        # Microsoft's list of authorities lacks those of other clouds, and may not be reachable from there.
        "disable_instance_discovery": boolean_value(
            values, "disable_instance_discovery", default=cloud not in CLOUDS.values()
        ),
        "connection_verify": verify,
        **PATIENCE,
    }

    def make() -> TokenCredential:
        try:
            return METHODS[chosen.method](values, entra)
        except (ValueError, TypeError, OSError) as exc:
            # azure-identity and cryptography explain themselves without repeating secrets.
            raise ApimError(
                f"Cannot sign in to Azure with the {METHOD_NAMES[chosen.method]} from {chosen.source}: {exc}"
            ) from exc

    if remember:
        # Made only by the process that asks for the token.
        identity = [chosen.method, cloud.authority, sorted(values.items())]
        credential: TokenCredential = RememberedCredential(make, remember, identity)
    else:
        credential = make()
    return SignIn(credential, cloud, values.get("subscription_id"), cloud.scope, verify, chosen.source)


# Each method takes the values, and what those that talk to Microsoft Entra themselves have in common.


def _client_secret(values: Mapping[str, t.Any], entra: Mapping[str, t.Any]) -> TokenCredential:
    return ClientSecretCredential(values["tenant"], values["client_id"], values["secret"], **entra)


def _certificate(values: Mapping[str, t.Any], entra: Mapping[str, t.Any]) -> TokenCredential:
    path, password = values["x509_certificate_path"], values.get("x509_certificate_password")
    try:
        return CertificateCredential(
            values["tenant"], values["client_id"], os.path.expanduser(path), password=password, **entra
        )
    except (ValueError, TypeError) as exc:
        raise ValueError(
            f"{path}: {exc}. Needed is a PEM file with the RSA private key and its certificate, and "
            "x509_certificate_password if the key is encrypted."
        ) from exc


def _federated_token(values: Mapping[str, t.Any], entra: Mapping[str, t.Any]) -> TokenCredential:
    path = os.path.expanduser(values["federated_token_file"])
    with open(path, "rb"):
        pass  # azure-identity reads it for each token, because it is renewed on disk; that it is missing is said now
    return WorkloadIdentityCredential(
        tenant_id=values["tenant"], client_id=values["client_id"], token_file_path=path, **entra
    )


def _azure_cli(values: Mapping[str, t.Any], entra: Mapping[str, t.Any]) -> TokenCredential:
    # az starts slowly on a busy machine; azure-identity would give it ten seconds.
    return AzureCliCredential(tenant_id=values.get("tenant", ""), process_timeout=60)


def _managed_identity(values: Mapping[str, t.Any], entra: Mapping[str, t.Any]) -> TokenCredential:
    # A client id selects a user-assigned identity; without one it is the machine's own.
    return ManagedIdentityCredential(client_id=values.get("client_id"))


METHODS: dict[str, Callable[[Mapping[str, t.Any], Mapping[str, t.Any]], TokenCredential]] = {
    "secret": _client_secret,
    "x509_certificate_path": _certificate,
    "federated_token_file": _federated_token,
    "cli": _azure_cli,
    "msi": _managed_identity,
}


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
    where = f"{sign_in.cloud.authority} ({sign_in.cloud.name}, credential from {sign_in.source})"
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
            "Check that this machine in Azure (or Arc-enabled server) has a managed identity, and that client_id "
            "(AZURE_CLIENT_ID) is either not set or that of a user-assigned identity of this machine."
        )
    if "authority configuration" in said or "invalid_instance" in said or "not well-known" in said:
        return "Check tenant and cloud_environment. A private authority needs disable_instance_discovery: true."
    return network_remedy(said)
