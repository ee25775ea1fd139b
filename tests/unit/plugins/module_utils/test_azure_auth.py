# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources, methods and explanations, with azure-identity's real classes and the environment as plain data."""

from __future__ import annotations

import datetime
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.arcfleet.apim.plugins.doc_fragments.azure import ModuleDocFragment
from ansible_collections.arcfleet.apim.plugins.module_utils import _azure_auth
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import (
    AUTH_OPTIONS,
    explain_sign_in_failure,
    sign_in,
)
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import CLOUDS, Cloud
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_sources import VARIABLES
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.emulator import Emulator

SECRET = "s3cr3t-v4lue"
WHO = {"tenant": "tenant-1", "client_id": "client-1"}
AWX = {"AZURE_TENANT": "tenant-1", "AZURE_CLIENT_ID": "client-1", "AZURE_SECRET": SECRET}
SDK = {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client-1", "AZURE_CLIENT_SECRET": SECRET}
WEBHOOK = {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client-1", "AZURE_FEDERATED_TOKEN_FILE": "token"}
MACHINE = {"IDENTITY_ENDPOINT": "http://localhost:40342", "IMDS_ENDPOINT": "http://localhost:40342"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty HOME and working directory, and a PATH without az."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "IMDS_", "MSI_"))]:
        monkeypatch.delenv(name)
    Path("token").write_text("federated", encoding="utf-8")
    return {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}


def write_profiles(**profiles):
    lines = []
    for name, values in profiles.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]
    Path(".azure").mkdir(exist_ok=True)
    Path(".azure/credentials").write_text("\n".join(lines), encoding="utf-8")


def log_in_cli(*subscriptions):
    Path("bin").mkdir()
    az = Path("bin/az")
    az.write_text("#!/bin/sh\n", encoding="utf-8")
    az.chmod(0o755)
    Path(".azure").mkdir(exist_ok=True)
    text = json.dumps({"subscriptions": subscriptions})
    Path(".azure/azureProfile.json").write_text(text, encoding="utf-8-sig")


def subscription(number, cloud="AzureCloud", default=False):
    ids = {"id": f"sub-{number}", "name": f"Subscription {number}", "tenantId": f"tenant-{number}"}
    return {**ids, "environmentName": cloud, "isDefault": default}


# what is there -> what is used
ORDER = [
    ({**WHO, "secret": SECRET}, AWX, "parameters", ClientSecretCredential),
    ({"secret": SECRET}, {**AWX, "AZURE_SECRET": ""}, "parameters", ClientSecretCredential),
    ({**WHO, "federated_token_file": "token"}, AWX, "parameters", WorkloadIdentityCredential),
    ({}, AWX, "env", ClientSecretCredential),
    ({}, SDK, "env", ClientSecretCredential),
    ({"tenant": "other"}, AWX, "env", ClientSecretCredential),
    ({}, {**WEBHOOK, **AWX}, "env", ClientSecretCredential),
    ({}, WEBHOOK, "env", WorkloadIdentityCredential),
    ({}, {}, "credential_file", ClientSecretCredential),
    ({}, {"AZURE_SECRET": "", "AZURE_CLIENT_ID": ""}, "credential_file", ClientSecretCredential),
    ({"profile": "other"}, AWX, "credential_file", ClientSecretCredential),
    ({}, {**AWX, "AZURE_PROFILE": "other"}, "credential_file", ClientSecretCredential),
    ({**WHO, "secret": SECRET, "profile": "other"}, {}, "parameters", ClientSecretCredential),
    ({"auth_source": "env", "secret": "x"}, AWX, "env", ClientSecretCredential),
    ({"auth_source": "credential_file"}, AWX, "credential_file", ClientSecretCredential),
    ({"auth_source": "cli"}, AWX, "cli", AzureCliCredential),
    ({"auth_source": "msi"}, AWX, "msi", ManagedIdentityCredential),
    ({}, {**AWX, "ANSIBLE_AZURE_AUTH_SOURCE": "msi"}, "msi", ManagedIdentityCredential),
    ({"auth_source": "env"}, {**AWX, "ANSIBLE_AZURE_AUTH_SOURCE": "msi"}, "env", ClientSecretCredential),
]


@pytest.mark.parametrize(("options", "environ", "source", "kind"), ORDER)
def test_order_of_sources(home, options, environ, source, kind):
    profile = {**WHO, "secret": SECRET}
    write_profiles(default=profile, other=profile)
    log_in_cli(subscription(1, default=True))
    result = sign_in({**dict.fromkeys(AUTH_OPTIONS), **options, "name": "not ours"}, {**home, **MACHINE, **environ})
    assert result.source == source
    assert isinstance(result.credential, kind)
    assert result.cloud is CLOUDS["AzureCloud"]
    assert result.scope == "https://management.azure.com/.default"
    assert result.verify is True
    assert SECRET not in repr(result)


def test_auto_ends_with_cli_then_machine(home):
    assert sign_in({}, {**home, **MACHINE}).source == "msi"
    log_in_cli(subscription(1, default=True))
    assert sign_in({}, {**home, **MACHINE}).source == "cli"


def test_signs_in_as_the_one_that_was_given(home):
    credential = sign_in({"tenant": "other"}, {**home, **AWX, "AZURE_TENANT_ID": "webhook"}).credential
    assert (credential._tenant_id, credential._client_id, credential._client_credential) == ("other", "client-1", SECRET)


def test_nothing_found_names_everything_that_was_tried(home):
    with pytest.raises(ApimError) as caught:
        sign_in({}, {**home, "AZURE_AD_USER": "someone", "AZURE_PASSWORD": "hush-hush"})
    text = str(caught.value)
    order = ["auth_source: auto", "parameters:", "env:", "credential_file:", "cli:", "msi:", "user name and password"]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    for word in ("AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", ".azure/credentials", "az is not on PATH", "az login"):
        assert word in text
    assert "hush-hush" not in text


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        ({"auth_source": "env"}, {}, r"\(auth_source: env\): env: none is set of AZURE_SECRET"),
        ({"auth_source": "cli"}, {}, "cli: the command az is not on PATH"),
        ({"profile": "nope"}, AWX, r"credential_file: .*credentials has no profile \[nope\]"),
        ({"profile": "empty"}, {}, r"profile \[empty\] of .*: it has none of secret"),
        ({"secret": SECRET}, {}, r"Give also tenant \(AZURE_TENANT or AZURE_TENANT_ID\) and client_id"),
        ({}, {"AZURE_SECRET": SECRET, "AZURE_CLIENT_ID": "x"}, r"in the environment .* Give also tenant \("),
        ({"profile": "half"}, {}, r"in the profile \[half\] of .* Give also tenant"),
        ({}, {"ANSIBLE_AZURE_AUTH_SOURCE": "password"}, "auth_source .* must be one of auto, env"),
        ({}, {**AWX, "AZURE_CERT_VALIDATION_MODE": "no"}, "cert_validation_mode .* must be one of validate, ignore"),
        ({}, {**AWX, "AZURE_DISABLE_INSTANCE_DISCOVERY": "maybe"}, "must be true or false, not 'maybe'"),
        ({**WHO, "secret": SECRET, "tenant": "a b"}, {}, "Cannot sign in .* Invalid tenant"),
        ({**WHO, "federated_token_file": "nope"}, {}, "federated token .*No such file or directory: 'nope'"),
        ({**WHO, "x509_certificate_path": "nope"}, {}, "certificate .*No such file or directory: 'nope'"),
        ({**WHO, "x509_certificate_path": "token"}, {}, "certificate .*Needed is a PEM file"),
    ],
)
def test_unusable(home, options, environ, words):
    write_profiles(half={"secret": SECRET}, empty={"subscription_id": "x"})
    with pytest.raises(ApimError, match=words) as caught:
        sign_in(options, {**home, **environ})
    assert SECRET not in str(caught.value)


def test_az_that_is_not_logged_in(home):
    log_in_cli()
    with pytest.raises(ApimError, match="cli: az is not logged in"):
        sign_in({"auth_source": "cli"}, home)


def test_broken_credential_file_is_not_quoted(home):
    write_profiles(default={})
    Path(".azure/credentials").write_text(SECRET, encoding="utf-8")
    with pytest.raises(ApimError, match="is not an INI file") as caught:
        sign_in({}, home)
    assert SECRET not in str(caught.value)


def test_profile_goes_between_option_and_variable(home):
    profile = {**WHO, "secret": SECRET, "subscription_id": "profile", "cloud_environment": "AzureUSGovernment"}
    write_profiles(default={**profile, "cert_validation_mode": "ignore"})
    environ = {**home, "AZURE_SUBSCRIPTION_ID": "env", "AZURE_CLOUD_ENVIRONMENT": "AzureChinaCloud"}
    result = sign_in({}, environ)
    assert (result.subscription_id, result.cloud.name, result.verify) == ("profile", "AzureUSGovernment", False)
    result = sign_in({"subscription_id": "task", "cert_validation_mode": "validate"}, environ)
    assert (result.subscription_id, result.verify) == ("task", True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("sub-2", "", "AzureUSGovernment")),
        ({"subscription_id": "sub-2"}, ("sub-2", "", "AzureUSGovernment")),
        ({"subscription_id": "sub-1"}, ("sub-1", "tenant-1", "AzureCloud")),
        ({"subscription_id": "sub-1", "tenant": "tenant-2"}, ("sub-1", "", "AzureCloud")),
        ({"subscription_id": "sub-9"}, ("sub-9", "", "AzureCloud")),
        ({"subscription_id": "sub-9", "tenant": "tenant-9"}, ("sub-9", "tenant-9", "AzureCloud")),
        ({"tenant": "tenant-2"}, ("sub-2", "", "AzureUSGovernment")),
        ({"tenant": "tenant-9"}, (None, "tenant-9", "AzureCloud")),
        ({"cloud_environment": "AzureChinaCloud"}, ("sub-2", "", "AzureChinaCloud")),
    ],
)
def test_cli_takes_what_az_has_noted(home, options, expected):
    log_in_cli(subscription(1), subscription(2, cloud="AzureUSGovernment", default=True))
    result = sign_in({"auth_source": "cli", **options}, home)
    credential = result.credential
    assert (result.subscription_id, credential.tenant_id, result.cloud.name) == expected


def test_cli_in_a_private_cloud_needs_its_endpoint(home):
    log_in_cli(subscription(1, cloud="stack", default=True))
    with pytest.raises(ApimError, match="logged in to the cloud 'stack'.*cloud_environment"):
        sign_in({}, home)


@pytest.mark.parametrize(
    ("options", "environ", "authority", "disabled", "verify"),
    [
        ({}, {}, "https://login.microsoftonline.com", False, True),
        ({"cloud_environment": "AzureUSGovernment"}, {}, "https://login.microsoftonline.us", False, True),
        ({}, {"AZURE_AUTHORITY_HOST": "login.example/"}, "https://login.example", True, True),
        ({"adfs_authority_url": "https://adfs.example"}, {}, "https://adfs.example", True, True),
        ({"disable_instance_discovery": True}, {}, "https://login.microsoftonline.com", True, True),
        ({}, {"AZURE_DISABLE_INSTANCE_DISCOVERY": "yes"}, "https://login.microsoftonline.com", True, True),
        (
            {"disable_instance_discovery": False, "adfs_authority_url": "https://adfs.example"},
            {},
            "https://adfs.example",
            False,
            True,
        ),
        ({"cert_validation_mode": "ignore"}, {}, "https://login.microsoftonline.com", False, False),
        ({}, {"AZURE_CERT_VALIDATION_MODE": "ignore"}, "https://login.microsoftonline.com", False, False),
    ],
)
def test_what_reaches_azure_identity(home, options, environ, authority, disabled, verify):
    result = sign_in({**WHO, "secret": SECRET, **options}, {**home, **environ})
    credential = result.credential
    assert credential._authority == authority
    assert credential._instance_discovery is not disabled
    assert credential._client._pipeline._transport.connection_config.verify is verify
    assert result.verify is verify


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate and its key in PEM files, plain and encrypted."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    folder = tmp_path_factory.mktemp("certificates")
    for file, encryption in (
        ("plain.pem", serialization.NoEncryption()),
        ("encrypted.pem", serialization.BestAvailableEncryption(SECRET.encode())),
    ):
        kind = serialization.PrivateFormat.PKCS8
        (folder / file).write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, encryption) + public)
    (folder / "public.pem").write_bytes(public)
    return folder


@pytest.mark.parametrize(("file", "password"), [("plain.pem", None), ("encrypted.pem", SECRET)])
@pytest.mark.parametrize("variable", ["", *VARIABLES["x509_certificate_path"]])
def test_certificate(home, certificates, file, password, variable):
    path = str(certificates / file)
    options = {**WHO, "x509_certificate_password": password}
    result = sign_in({**options, **({} if variable else {"x509_certificate_path": path})}, {**home, variable: path})
    assert isinstance(result.credential, CertificateCredential)
    assert result.source == ("env" if variable else "parameters")


def test_certificate_password_from_the_environment(home, certificates):
    options = {**WHO, "x509_certificate_path": str(certificates / "encrypted.pem")}
    environ = {**home, "AZURE_CLIENT_CERTIFICATE_PASSWORD": SECRET}
    assert isinstance(sign_in(options, environ).credential, CertificateCredential)


@pytest.mark.parametrize(
    ("file", "password"),
    [("encrypted.pem", None), ("encrypted.pem", "wr0ng-guess"), ("plain.pem", "wr0ng-guess"), ("public.pem", None)],
)
def test_unusable_certificate(home, certificates, file, password):
    options = {**WHO, "x509_certificate_path": str(certificates / file), "x509_certificate_password": password}
    with pytest.raises(ApimError, match=f"{file}: .*Needed is a PEM file") as caught:
        sign_in(options, home)
    assert "wr0ng-guess" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize("client_id", ["user-assigned", None])
def test_managed_identity(home, monkeypatch, client_id):
    asked = []

    class Machine(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(parse_qs(urlsplit(self.path).query))
            answer = {"access_token": "token", "expires_in": "3600", "resource": "x", "token_type": "Bearer"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Machine) as server:
        threading.Thread(target=server.handle_request).start()
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{server.server_port}")
        result = sign_in({"auth_source": "msi", "client_id": client_id}, home)
        with result.credential as credential:
            assert credential.get_token(result.scope).token == "token"
    assert asked[0]["resource"] == ["https://management.azure.com"]
    assert asked[0].get("client_id") == (client_id and [client_id])


def test_without_the_libraries(home, monkeypatch):
    monkeypatch.setattr(_azure_auth, "AZURE_IMPORT_ERROR", "Traceback: no azure")
    with pytest.raises(ApimError, match="pip install azure-identity") as caught:
        sign_in({}, home)
    assert caught.value.facts == {"exception": "Traceback: no azure"}


def test_importing_needs_no_libraries():
    code = (
        "import sys; sys.modules['azure'] = None\n"
        f"import {_azure_auth.__name__} as auth\n"
        "assert 'ModuleNotFoundError' in auth.AZURE_IMPORT_ERROR"
    )
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


def test_documentation_names_every_option_and_variable():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert set(documented) == set(AUTH_OPTIONS) == set(VARIABLES)
    for option, names in VARIABLES.items():
        assert documented[option]["type"] == AUTH_OPTIONS[option]["type"]
        assert list(documented[option].get("choices", ())) == AUTH_OPTIONS[option].get("choices", [])
        for name in names:
            assert f"E({name})" in "".join(documented[option]["description"])


JWT = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
STACK = Cloud("Stack", "https://arm.example", "https://login.example", "https://arm.example")


@pytest.mark.parametrize(
    ("exc", "source", "cloud", "words"),
    [
        (
            ClientAuthenticationError(
                "Authentication failed: AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2"
            ),
            "env",
            CLOUDS["AzureCloud"],
            ["AADSTS7000215: Invalid client secret provided. The client secret is wrong", "credential from env"],
        ),
        (ClientAuthenticationError("AADSTS7000222: expired"), "env", STACK, ["has expired", "login.example (Stack"]),
        (ClientAuthenticationError("AADSTS700016: unknown"), "env", STACK, ["Check client_id and tenant"]),
        (ClientAuthenticationError("AADSTS90002: no tenant"), "env", STACK, ["Check tenant and cloud_environment"]),
        (ClientAuthenticationError("AADSTS700027: bad key"), "env", STACK, ["Check x509_certificate_path"]),
        (ClientAuthenticationError("AADSTS99999: new"), "env", STACK, ["error?code=99999"]),
        (
            ClientAuthenticationError("Authentication failed: Unable to get authority configuration for https://x."),
            "env",
            STACK,
            ["for https://x. Check tenant and cloud_environment"],
        ),
        (ClientAuthenticationError("SSLError: CERTIFICATE_VERIFY_FAILED"), "env", STACK, ["REQUESTS_CA_BUNDLE"]),
        (ConnectionError("refused"), "env", STACK, ["refused. Check the address"]),
        (CredentialUnavailableError("Please run 'az login'"), "cli", CLOUDS["AzureCloud"], ["Azure CLI: az login"]),
        (CredentialUnavailableError("Please run 'az login'"), "cli", STACK, ["https://arm.example", "az cloud set"]),
        (
            CredentialUnavailableError("ManagedIdentityCredential authentication unavailable, no response"),
            "msi",
            STACK,
            ["has a managed identity"],
        ),
        (ClientAuthenticationError(f"AADSTS50027: {JWT} is malformed"), "env", STACK, ["AADSTS50027: *** is malformed"]),
    ],
)
def test_explanations(exc, source, cloud, words):
    credential = sign_in({**WHO, "secret": SECRET}, {}).credential
    text = explain_sign_in_failure(exc, _azure_auth.SignIn(credential, cloud, None, cloud.scope, True, source))
    assert text.startswith("Azure sign-in failed at https://login.")
    for word in words:
        assert word in text
    for word in ("Trace ID", JWT, SECRET, ".."):
        assert word not in text


# ---- with the emulator: a real token over real TLS ------------------------------------------------------------------


@pytest.fixture(scope="module")
def running_emulator(tmp_path_factory):
    emulator = Emulator.start(tmp_path_factory.mktemp("emulator"))
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(running_emulator, home, monkeypatch):
    """A running emulator's variables, as its env.sh gives them to a user."""
    running_emulator.reset()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", running_emulator.environment["REQUESTS_CA_BUNDLE"])
    return {**home, **running_emulator.environment}


@pytest.mark.parametrize("method", ["secret", "certificate"])
def test_token_from_the_emulator(running_emulator, emulator, certificates, method):
    options = {"secret": {}, "certificate": {"x509_certificate_path": str(certificates / "plain.pem")}}[method]
    result = sign_in(options, emulator)
    assert [request["path"] for request in running_emulator.requests()] == ["/metadata/endpoints"]
    assert result.cloud.resource_manager == running_emulator.url
    with result.credential as credential:
        assert credential.get_token(result.scope).token.count(".") == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret": "wr0ng"}, "AADSTS7000215: .* The client secret is wrong"),
        ({"client_id": "nobody"}, "AADSTS700016: .* Check client_id and tenant"),
        ({"tenant": "nowhere"}, "Check tenant and cloud_environment"),
    ],
)
def test_refusals_of_the_emulator(emulator, options, words):
    result = sign_in({"secret": emulator["AZURE_SECRET"], **options}, emulator)
    with result.credential as credential, pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(result.scope)
    text = explain_sign_in_failure(caught.value, result)
    assert re.search(words, text), text
    assert emulator["AZURE_SECRET"] not in text
