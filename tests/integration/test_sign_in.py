# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in, as it looks from a playbook. The ways to do it are tested one by one with the code that chooses among them."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.emulator import Emulator
from harness.steps import Cases, RunPlaybook, failing, play

MODULE = "arcfleet.apim.apim_gateway_info"
SERVICE = {"resource_group": "rg-apim", "service_name": "apim-emulated"}
OPTIONS = {"subscription_id": "AZURE_SUBSCRIPTION_ID", "tenant": "AZURE_TENANT", "client_id": "AZURE_CLIENT_ID", "secret": "AZURE_SECRET",
           "cloud_environment": "AZURE_CLOUD_ENVIRONMENT"}


@pytest.fixture
def nothing(emulator: Emulator) -> dict[str, str]:
    """An environment that says nothing about signing in."""
    return {name: "" for name in emulator.environment if name.startswith("AZURE_")}


def test_module_defaults(run_playbook: RunPlaybook, emulator: Emulator, nothing: dict[str, str]) -> None:
    """Options may be set once for all modules, by the collection's action group."""
    given = {option: emulator.environment[name] for option, name in OPTIONS.items()}
    run = run_playbook(
        play({MODULE: SERVICE}, {"arcfleet.apim.apim_arc_extension_info": {"resource_group": "rg-stores", "cluster_name": "store-oslo"}},
             module_defaults={"group/arcfleet.apim.azure": given | {"auth_source": "auto", "disable_instance_discovery": True}}),
        environment=nothing)
    assert run.results()[0]["service"]["tier"] == "Premium"
    assert run.results()[1]["cluster"]["name"] == "store-oslo"


def test_profile(run_playbook: RunPlaybook, emulator: Emulator, nothing: dict[str, str], tmp_path: Path) -> None:
    lines = [f"{option}={emulator.environment[name]}" for option, name in OPTIONS.items()]
    home = tmp_path / "user"
    (home / ".azure").mkdir(parents=True)
    (home / ".azure/credentials").write_text("\n".join(["[stores]", *lines]), encoding="utf-8")
    task = {MODULE: SERVICE | {"profile": "stores"}, "environment": {"HOME": str(home)}}
    run = run_playbook(play(task, {MODULE: SERVICE | {"auth_source": "credential_file", "profile": "stores"}, "environment": {"HOME": str(home)}}),
                       environment=nothing)
    assert all(result["service"]["tier"] == "Premium" for result in run.results())


def test_unchecked_certificate(run_playbook: RunPlaybook) -> None:
    """TLS without trust is possible on demand, with a warning."""
    untrusting = {"REQUESTS_CA_BUNDLE": ""}
    run_playbook(play({MODULE: SERVICE | {"cert_validation_mode": "ignore"}, "environment": untrusting}), warnings=("TLS certificates are not checked",))


def test_failures(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    def case(*fragments: str, **options: Any) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        return MODULE, SERVICE | {name.replace("task_", "."): value for name, value in options.items()}, fragments

    environment = emulator.environment
    client = environment["AZURE_CLIENT_ID"]
    stranger = "99999999-dddd-4000-8000-000000000009"
    nothing = {name: "" for name in environment if name.startswith("AZURE_")}
    cases: Cases = {
        "Wrong secret": case("Azure sign-in failed at", "AADSTS7000215", client, "Give the secret's value (not its ID)", secret="a wrong secret"),
        "Unknown client": case("Azure sign-in failed at", "AADSTS700016", stranger, client_id=stranger),
        "Unknown tenant": case("Azure sign-in failed at", stranger, "Check tenant", tenant=stranger),
        "Unknown authority": case("Azure sign-in failed at", stranger, "Check tenant", adfs_authority_url=f"{environment['EMULATOR_URL']}/{stranger}"),
        "Unknown subscription": case("SubscriptionNotFound", stranger, "Check subscription_id", subscription_id=stranger),
        "Bad subscription": case("subscription_id: 'stores' is not a valid name", "GUID", subscription_id="stores"),
        "No subscription": case("subscription_id: not given", "AZURE_SUBSCRIPTION_ID", task_environment={"AZURE_SUBSCRIPTION_ID": ""}),
        "Nothing": case("No way to sign in to Azure was found", "AZURE_CLIENT_ID", "az login", task_environment=nothing),
        "Half of it": case("tenant (AZURE_TENANT or AZURE_TENANT_ID)", task_environment=nothing, secret="a secret", client_id=client),
        "Two ways": case("mutually exclusive", secret="a secret", x509_certificate_path="/nowhere/certificate.pem"),
        "No certificate": case("/nowhere/certificate.pem", task_environment={"AZURE_SECRET": "", "AZURE_CLIENT_SECRET": ""},
                               x509_certificate_path="/nowhere/certificate.pem", x509_certificate_password="a password"),
        "No federated token": case("/nowhere/token", task_environment={"AZURE_SECRET": "", "AZURE_CLIENT_SECRET": ""},
                                   federated_token_file="/nowhere/token"),
        "Unknown profile": case("credential_file: there is no", ".azure/credentials", profile="nowhere"),
        "Unknown source": case("value of auth_source must be one of", auth_source="somewhere"),
        "Unencrypted": case("http://", "https", cloud_environment=environment["EMULATOR_URL"].replace("https", "http")),
        "Unknown cloud": case("AzureMoonCloud", "AzureUSGovernment", cloud_environment="AzureMoonCloud"),
        "Untrusted certificate": case("REQUESTS_CA_BUNDLE", "certificate", environment["EMULATOR_URL"], task_environment={"REQUESTS_CA_BUNDLE": ""}),
        "Nobody there": case("https://localhost:1", "refused", cloud_environment="https://localhost:1"),
    }
    failing(run_playbook, cases)


def test_access_token_is_refused(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """An access token that has ended by the time it is used."""
    emulator.settings(access_token_seconds=0)
    failing(run_playbook, {"Ended": (MODULE, SERVICE, ("ExpiredAuthenticationToken", "apim-emulated", "run again"))})
