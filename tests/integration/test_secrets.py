# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, keys and client secrets are nowhere to be found, however much Ansible is asked to tell and to keep.

The harness searches the output of every run, and all files that it leaves, for everything that the emulator knows to be secret.
"""
from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from harness.emulator import Emulator
from harness.playbook import Run
from harness.site import extension_id, fleet, issue_token, make_gateway, regenerate_key
from harness.steps import RunPlaybook, play

HIDDEN = "the-name-of-a-hidden-registry"


@contextlib.contextmanager
def command_lines() -> Iterator[set[str]]:
    """Collect the command lines of all processes on this machine meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


@pytest.fixture
def talkative(run_playbook: RunPlaybook, tmp_path: Path) -> Callable[..., Run]:
    """Run a playbook with all that Ansible can say or keep, into the folder that the harness searches."""

    def run(playbook: Any, **options: Any) -> Run:
        number = len(list(tmp_path.glob("run*"))) + 1
        kept = tmp_path / f"run{number}/home"
        ended = run_playbook(playbook, diff=True, verbosity=4, environment={
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit", "JUNIT_OUTPUT_DIR": str(kept / "junit"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(kept / "facts"),
            "ANSIBLE_LOG_PATH": str(kept / "ansible.log")}, **options)
        assert "TASK" in (kept / "ansible.log").read_text(encoding="utf-8")
        assert list((kept / "junit").glob("*.xml"))
        return ended

    return run


def test_a_fleets_life(talkative: Callable[..., Run], emulator: Emulator) -> None:
    inventory = fleet(
        emulator, apim_arc_gateway_monitoring_workspace=emulator.environment["EMULATOR_WORKSPACE_ID"],
        apim_arc_gateway_protected_settings={"imagePullSecrets": [{"name": HIDDEN}]})
    with command_lines() as seen:
        talkative("arcfleet.apim.deploy", inventory=inventory, check=True)
        talkative("arcfleet.apim.deploy", inventory=inventory)
        assert talkative("arcfleet.apim.deploy", inventory=inventory).changed == 0
        talkative("arcfleet.apim.verify", inventory=inventory)
        regenerate_key(emulator)
        talkative("arcfleet.apim.deploy", inventory=inventory, extra_vars={"apim_arc_gateway_replicas": 2})
        emulator.cluster("store-oslo", agent={"outcome": "fail", "operation_seconds": 6})
        talkative("arcfleet.apim.deploy", inventory=inventory, extra_vars={"apim_arc_gateway_replicas": 1}, expect="failed")
        emulator.cluster("store-oslo", agent={"outcome": "succeed", "operation_seconds": 0.2})
        talkative("arcfleet.apim.remove", inventory=inventory)
    secrets = emulator.secrets()
    assert HIDDEN in secrets
    assert len([line for line in seen if "ansible-playbook" in line]) >= 7
    assert not [line for line in seen if any(secret in line for secret in secrets)]


def test_modules_without_no_log(talkative: Callable[..., Run], emulator: Emulator, tmp_path: Path) -> None:
    """Secrets given as options are hidden by the modules themselves, also when they fail, and when Azure shows them in clear."""
    make_gateway(emulator)
    uri = "https://apim-emulated.configuration.azure-api.net"
    # In variables, because Ansible shows the lines of a playbook around a failed task.
    secret = {"token": issue_token(emulator), "key": "an-ingestion-key-of-somebody", "hidden": HIDDEN, "password": "a-wrong-client-secret"}
    module = "arcfleet.apim.apim_arc_extension"
    oslo = {"resource_group": "rg-stores", "cluster_name": "store-oslo", "target_namespace": "gateways", "wait_sleep": 0.1}
    wanted = oslo | {
        "configuration_uri": uri, "gateway_token": "{{ token }}", "protected_settings": {"dapr.app.id": "{{ hidden }}"},
        "monitoring": {"resource_id": "/subscriptions/1", "workspace_id": "2", "ingestion_key": "{{ key }}"}}
    emulator.azure("PUT", extension_id(emulator, "store-lyon"), {"properties": {
        "extensionType": "microsoft.apimanagement.gateway", "scope": {"namespace": {"targetNamespace": "gateways"}},
        "configurationSettings": {"gateway.configuration.uri": uri, "gateway.auth.token": secret["token"]}}})
    lyon = oslo | {"cluster_name": "store-lyon"}
    run = talkative(play(
        {module: wanted},
        {module: wanted | {"target_namespace": "elsewhere"}, "ignore_errors": True},
        {module: wanted | {"gateway_token": "{{ token }} and more"}, "ignore_errors": True},
        {module: wanted | {"replicas": "many"}, "ignore_errors": True},
        {module: wanted | {"secret": "{{ password }}"}, "ignore_errors": True},
        {module: oslo | {"settings": {"gateway": {"auth.token": "{{ token }}"}}}, "ignore_errors": True},
        {module: lyon | {"service_type": "NodePort"}},
        {"arcfleet.apim.apim_arc_extension_info": {"resource_group": "rg-stores", "cluster_name": "store-lyon"}},
        {module: lyon | {"gateway_token": "{{ token }}"}}), extra_vars=secret)
    assert run.stats["localhost"]["ignored"] == 5
    run.check_secrets(set(secret.values()))
