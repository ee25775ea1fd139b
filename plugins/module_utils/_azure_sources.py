# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Where a credential comes from: the task, the environment, a credential file, the Azure CLI, the machine.

Option and variable names are those of azure.azcollection, plus azure-identity's own. Reads files, sends nothing.
"""

from __future__ import annotations

import configparser
import dataclasses
import json
import os
import shutil
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import CLOUDS
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

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

# Method -> its name. The first three are selected by the option that they are called after, in this order.
METHOD_NAMES: dict[str, str] = {
    "secret": "client secret",
    "x509_certificate_path": "certificate",
    "federated_token_file": "federated token (workload identity)",
    "cli": "Azure CLI",
    "msi": "managed identity",
}
_KEYS = ("secret", "x509_certificate_path", "federated_token_file")


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The source, the method, and the value of every option that is set: for the caller's eyes only."""

    source: str
    method: str
    values: dict[str, t.Any] = dataclasses.field(repr=False)


class _Lacking(Exception):
    """A source that cannot be used; the message says what it lacks."""


@dataclasses.dataclass(frozen=True, repr=False)
class _Given:
    """What the user gave, by place. Empty strings count as not given: AWX and shells set them."""

    options: Mapping[str, t.Any]
    variables: Mapping[str, str]
    environ: Mapping[str, str]

    def values(self, profile: Mapping[str, str] | None = None) -> dict[str, t.Any]:
        """All values, by option: a task's option goes before a profile, a profile before a variable."""
        return {**self.variables, **(profile or {}), **self.options}


_Found = tuple[str, dict[str, t.Any]]  # method, values


def _service_principal(label: str, place: Mapping[str, t.Any], values: Mapping[str, t.Any]) -> _Found:
    """The method whose own option stands in place; what else it needs may come from anywhere in values."""
    method = next((key for key in _KEYS if place.get(key)), None)
    if not method:
        raise _Lacking("it has none of " + ", ".join(_KEYS))
    missing = [f"{name} ({' or '.join(VARIABLES[name])})" for name in ("tenant", "client_id") if not values.get(name)]
    if missing:
        # Going on to the next source would sign in as somebody else than this user meant.
        raise ApimError(
            f"The {METHOD_NAMES[method]} in the {label} is not enough to sign in to Azure. "
            f"Give also {' and '.join(missing)}."
        )
    return method, {**values, method: place[method]}


def _parameters(given: _Given) -> _Found:
    return _service_principal("options of the task", given.options, given.values())


def _environment(given: _Given) -> _Found:
    try:
        return _service_principal("environment", given.variables, given.values())
    except _Lacking:
        raise _Lacking("none is set of " + ", ".join(name for key in _KEYS for name in VARIABLES[key])) from None


def _credential_file(given: _Given) -> _Found:
    path = os.path.join(_azure_directory(given.environ), "credentials")
    profile = given.values().get("profile", "default")
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
        return _service_principal(f"profile [{profile}] of {path}", section, given.values(section))
    except _Lacking as exc:
        raise _Lacking(f"profile [{profile}] of {path}: {exc}") from None


def _azure_cli(given: _Given) -> _Found:
    if not shutil.which("az", path=given.environ.get("PATH")):
        raise _Lacking("the command az is not on PATH")
    accounts = _cli_accounts(given.environ)
    if not accounts:
        raise _Lacking("az is not logged in (az login)")
    values = given.values()
    default = next((account for account in accounts if account.get("isDefault")), {})
    used = _used_account(accounts, default, values)
    tenant = values.get("tenant") or used.get("tenantId")
    found = {
        "subscription_id": used.get("id"),
        "cloud_environment": used.get("environmentName"),
        **values,
        # Only to leave az's own tenant: az refuses any when it is logged in with a managed identity.
        "tenant": "" if tenant == default.get("tenantId") else tenant,
    }
    if "cloud_environment" not in values and found["cloud_environment"] not in (None, *CLOUDS):
        raise ApimError(
            f"The Azure CLI is logged in to the cloud {found['cloud_environment']!r}. "
            "Give the https URL of its Resource Manager in cloud_environment (AZURE_CLOUD_ENVIRONMENT)."
        )
    return "cli", {name: value for name, value in found.items() if value}


def _announced_managed_identity(given: _Given) -> _Found:
    # A virtual machine's identity can only be found by asking the network: slow where there is none, so only on demand.
    if not (given.environ.get("IDENTITY_ENDPOINT") or given.environ.get("MSI_ENDPOINT")):
        raise _Lacking("IDENTITY_ENDPOINT is not set (for the identity of a virtual machine say auth_source: msi)")
    return _any_managed_identity(given)


def _any_managed_identity(given: _Given) -> _Found:
    return "msi", given.values()


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


def choose_source(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> Chosen:
    """The first source that can be used.

    :raises ApimError: none can (then every source tried, in order, and what each lacked), or one is half set.
    """
    variables = {
        option: next(environ[name] for name in names if environ.get(name))
        for option, names in VARIABLES.items()
        if any(environ.get(name) for name in names)
    }
    given = _Given(_not_empty(options), variables, environ)
    values = given.values()
    auth_source = choice_value(values, "auth_source", "auto")
    sources = SOURCES[auth_source]
    if auth_source == "auto" and "profile" in values:
        # Somebody who names a profile does not want the environment's principal.
        sources = tuple(source for source in sources if source[0] in ("parameters", "credential_file"))
    lacks = []
    for source, find in sources:
        try:
            return Chosen(source, *find(given))
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
    """Our options in values, as far as they are set."""
    return {name: values[name] for name in VARIABLES if values.get(name) not in (None, "")}


def choice_value(values: Mapping[str, t.Any], name: str, default: str) -> str:
    """A value that may come from the environment or a profile, where no argument spec has checked it."""
    value, choices = values.get(name, default), AUTH_OPTIONS[name]["choices"]
    if value not in choices:
        raise ApimError(f"{name} ({' or '.join(VARIABLES[name])}) must be one of {', '.join(choices)}, not {value!r}.")
    return value


def boolean_value(values: Mapping[str, t.Any], name: str, default: bool) -> bool:
    """Like choice_value(), for true and false."""
    value = values.get(name, default)
    if str(value).lower() in ("true", "yes", "on", "1"):
        return True
    if str(value).lower() in ("false", "no", "off", "0"):
        return False
    raise ApimError(f"{name} ({' or '.join(VARIABLES[name])}) must be true or false, not {value!r}.")


def _azure_directory(environ: Mapping[str, str]) -> str:
    return os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".azure")


def _cli_accounts(environ: Mapping[str, str]) -> list[dict[str, t.Any]]:
    """The subscriptions that az login has noted; none when not logged in."""
    directory = environ.get("AZURE_CONFIG_DIR") or _azure_directory(environ)
    try:
        with open(os.path.join(directory, "azureProfile.json"), encoding="utf-8-sig") as file:
            return [account for account in json.load(file)["subscriptions"] if isinstance(account, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _used_account(
    accounts: list[dict[str, t.Any]], default: dict[str, t.Any], values: Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """What az has noted of the wanted subscription, or else of its default one if that is in the wanted tenant."""
    wanted, tenant = values.get("subscription_id"), values.get("tenant")
    if wanted:
        return next((account for account in accounts if wanted in (account.get("id"), account.get("name"))), {})
    return default if tenant in (None, default.get("tenantId")) else {}
