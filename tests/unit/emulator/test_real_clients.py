# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a program, over TLS, used by the real Azure SDK for Python."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
import yaml
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import CertificateCredential, ClientAssertionCredential, ClientSecretCredential
from azure.mgmt.kubernetesconfiguration import SourceControlConfigurationClient

TESTS = Path(__file__).parents[2]
CLUSTER = ("rg-stores", "Microsoft.Kubernetes", "connectedClusters", "store-oslo")
QUICK = "settings: {operation_seconds: 0.2}"


@contextmanager
def running(folder: Path, port: int = 0, *more: str) -> Iterator[dict[str, str]]:
    """The emulator in the foreground of another process; yields what env.sh exports."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable,
        "-m",
        "emulator",
        "--port",
        str(port),
        "--state",
        "the state",
        "--world",
        "world.yml",
        *more,
    ]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    try:
        assert process.stdout
        assert process.stdout.readline().startswith("emulator ready at https://localhost:")
        exported = [
            shlex.split(line)
            for line in (folder / "the state" / "env.sh").read_text().splitlines()
            if line.startswith("export ")
        ]
        yield dict(word.split("=", 1) for _export, word in exported)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder's name"
    folder.mkdir()
    default = (TESTS / "emulator" / "world.yml").read_text()
    (folder / "world.yml").write_text(default.replace("settings:\n  operation_seconds: 1\n", QUICK + "\n"))
    return folder


def client(env: dict[str, str], secret: str = "") -> SourceControlConfigurationClient:
    url = env["AZURE_CLOUD_ENVIRONMENT"]
    credential = ClientSecretCredential(
        env["AZURE_TENANT_ID"],
        env["AZURE_CLIENT_ID"],
        secret or env["AZURE_CLIENT_SECRET"],
        authority=url,
        disable_instance_discovery=True,
    )
    return SourceControlConfigurationClient(
        credential,
        env["AZURE_SUBSCRIPTION_ID"],
        base_url=url,
        credential_scopes=[f"{url}/.default"],
        polling_interval=0.1,
        retry_total=0,
    )


BODY = {
    "extension_type": "microsoft.apimanagement.gateway",
    "identity": {"type": "SystemAssigned"},
    "release_train": "preview",
    "scope": {"namespace": {"target_namespace": "apim"}},
    "configuration_settings": {"gateway.configuration.uri": "apim-emulated.configuration.azure-api.net"},
    "configuration_protected_settings": {"gateway.auth.token": "GatewayKey x"},
}


def test_the_sdk_creates_reads_updates_lists_and_deletes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(folder) as env:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", env["REQUESTS_CA_BUNDLE"])
        with client(env) as sdk:
            with pytest.raises(ResourceNotFoundError, match=r"Extension instance with name 'gw' not found\."):
                sdk.extensions.get(*CLUSTER, "gw")
            created = sdk.extensions.begin_create(*CLUSTER, "gw", BODY).result()
            assert (created.provisioning_state, created.current_version) == ("Succeeded", "1.6.4")
            assert created.configuration_protected_settings == {"gateway.auth.token": ""}
            updated = sdk.extensions.begin_update(
                *CLUSTER, "gw", {"configuration_settings": {"service.type": "NodePort"}}
            ).result()
            assert (updated.provisioning_state, updated.configuration_settings["service.type"]) == (
                "Succeeded",
                "NodePort",
            )
            sdk.extensions.begin_update(
                *CLUSTER, "gw", {"configuration_settings": {"service.type": "NodePort"}}
            ).result()
            assert [one.name for one in sdk.extensions.list(*CLUSTER)] == ["gw"]
            with pytest.raises(HttpResponseError, match="Failed to resolve the extension version"):
                sdk.extensions.begin_update(*CLUSTER, "gw", {"release_train": "nightly"}).result()
            sdk.extensions.begin_delete(*CLUSTER, "gw").result()
            assert list(sdk.extensions.list(*CLUSTER)) == []
            sdk.extensions.begin_delete(*CLUSTER, "gw", force_delete=True).result()
        with client(env, "wrong") as sdk, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            sdk.extensions.get(*CLUSTER, "gw")


def test_sign_in_with_a_certificate_and_with_a_federated_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = (trustme.CA(key_type=trustme.KeyType.RSA) for _turn in range(2))
    described = yaml.safe_load((folder / "world.yml").read_text())
    described["clients"][0] |= {"certificate": ours.cert_pem.bytes().decode(), "federated_subjects": ["ci"]}
    (folder / "world.yml").write_text(yaml.safe_dump(described))
    with running(folder) as env:
        url, tenant, client_id = env["EMULATOR_URL"], env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"]
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", env["REQUESTS_CA_BUNDLE"])
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            sign_in(CertificateCredential(tenant, client_id, certificate_data=pem(other), **private(url)), url)
        assert sign_in(CertificateCredential(tenant, client_id, certificate_data=pem(ours), **private(url)), url)
        for subject, number in (("ci", ""), ("stranger", "AADSTS700213")):
            token = jwt.encode({"iss": "https://ci", "sub": subject, "exp": time.time() + 60}, "k" * 32)
            credential = ClientAssertionCredential(tenant, client_id, lambda token=token: token, **private(url))
            with pytest.raises(ClientAuthenticationError, match=number) if number else nullcontext():
                assert sign_in(credential, url)


def private(url: str) -> dict[str, Any]:
    return {"authority": url, "disable_instance_discovery": True}


def sign_in(credential: Any, url: str) -> str:
    with credential:
        return credential.get_token(f"{url}/.default").token


def pem(ca: trustme.CA) -> bytes:
    return ca.private_key_pem.bytes() + ca.cert_pem.bytes()


def test_clients_go_on_after_a_restart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(folder) as env:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", env["REQUESTS_CA_BUNDLE"])
        sdk = client(env)
        sdk.extensions.begin_create(*CLUSTER, "gw", BODY).result()
    state = folder / "the state"
    assert {path.name: path.stat().st_mode & 0o077 for path in [state, *state.iterdir()]}.items() >= {
        "the state": 0,
        "env.sh": 0,
        "ca.key": 0,
    }.items()
    with running(folder, int(env["EMULATOR_URL"].rpartition(":")[2]), "--clusters", "2") as again:
        assert again | {"EMULATOR_CLUSTERS": ""} == env | {"EMULATOR_CLUSTERS": ""}
        assert again["EMULATOR_CLUSTERS"].split()[-2:] == ["cluster-0001", "cluster-0002"]
        assert sdk.extensions.get(*CLUSTER, "gw").provisioning_state == "Succeeded"
        sdk.close()


def test_a_start_that_cannot_work_says_why(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, words in (
            (["--world", "none.yml"], "none.yml: "),
            (["--port", port], f"cannot listen on port {port}"),
        ):
            command = [sys.executable, "-m", "emulator", "--state", str(folder / "state"), *arguments]
            done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (2, "")
            assert words in done.stderr
