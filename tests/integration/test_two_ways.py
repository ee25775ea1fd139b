# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast path, in Ansible's worker, and the ordinary way, as a module: nobody can tell them apart but by the time they take."""
from __future__ import annotations

import difflib
import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml
from harness.emulator import Emulator
from harness.playbook import PROGRAMS, Run
from harness.steps import RunPlaybook, play

EXTENSION = "arcfleet.apim.apim_arc_extension"
EXTENSION_INFO = "arcfleet.apim.apim_arc_extension_info"
GATEWAY = "arcfleet.apim.apim_gateway"
GATEWAY_INFO = "arcfleet.apim.apim_gateway_info"
TOKEN = "arcfleet.apim.apim_gateway_token"
WORKSPACE = "arcfleet.apim.apim_log_analytics_info"
# Ansible lists what is a boolean in the order of a set.
WORKER = {"PYTHONHASHSEED": "0"}
ORDINARY = WORKER | {"ANSIBLE_ARCFLEET_IN_PROCESS": "false"}

SIGNATURE = "c2lnbmVkIGJ5IG5vYm9keSBhdCBhbGwgYW5kIHRoZXJlZm9yZSBub3Qgd29ydGggYW55dGhpbmc="
OTHER = SIGNATURE.replace("bm9ib2R5", "c29tZWJv")
SECRETS = {"token": f"stores&203001010000&{SIGNATURE}", "next": f"stores&203002020000&{OTHER}", "key": "an-ingestion-key-of-somebody",
           "hidden": "the-name-of-a-hidden-registry", "password": "a-wrong-client-secret"}
OSLO = {"resource_group": "rg-stores", "cluster_name": "store-oslo", "target_namespace": "gateways", "wait_sleep": 0.1, "wait_timeout": 30}
LYON = OSLO | {"cluster_name": "store-lyon"}
PORTO = OSLO | {"cluster_name": "store-porto"}
WANTED = {"configuration_uri": "https://apim-emulated.configuration.azure-api.net", "gateway_token": "{{ token }}", "replicas": 1}
MONITORING = {"resource_id": "/subscriptions/some/service", "workspace_id": "3a6ede08", "ingestion_key": "{{ key }}"}
SERVICE = {"resource_group": "rg-apim", "service_name": "apim-emulated"}
STORES = SERVICE | {"name": "stores"}
ISSUE = {"resource_group": "rg-apim", "service_name": "apim-custom", "gateway_name": "existing"}

# What may differ between any two runs, however they are made: how long it took, when the emulated agent was last seen, the
# numbers that Azure gives to a request, the folder of the run.
LEFT_OUT = ("duration", "last_connectivity_time", "correlation_id")
NUMBERS = re.compile(r"(?<=ID: )[0-9a-f-]{36}|(?<=Microsoft's support: )[0-9a-f-]{36}|(?<=Timestamp: )[0-9-]+ [0-9:]+Z|(?<=last seen\s)[0-9T:-]+Z")
FOLDERS = re.compile(r"/run\d+/")
# What ansible-core puts before the message of a failed task, from 2.19 on.
WHO = re.compile(r"(?<=Task failed: )(Action|Module)(?= failed: )")

# What a task says; a keyword of the task has a leading dot.
Task = tuple[str, dict[str, Any]]


def tasks(cases: dict[str, Task]) -> list[dict[str, Any]]:
    """A task for each case, which may fail."""
    found = []
    for title, (module, given) in cases.items():
        keywords = {name[1:]: value for name, value in given.items() if name.startswith(".")}
        found.append({"name": title, module: {name: value for name, value in given.items() if not name.startswith(".")}, "ignore_errors": True} | keywords)
    return found


def told(value: Any) -> Any:
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {name: told(inner) for name, inner in value.items() if name not in LEFT_OUT}
    if isinstance(value, list):
        return [told(inner) for inner in value]
    return FOLDERS.sub("(folder)", NUMBERS.sub("(number)", value)) if isinstance(value, str) else value


def account(run: Run) -> list[str]:
    """Everything that the run told, line by line: of every task its end and its result; the numbers at its end; the output."""
    lines = []
    for event in run.events:
        data = event["event_data"]
        if event["event"].startswith(("runner_on", "runner_item_on", "runner_retry")) and "res" in data:
            lines.append(f"{event['event']} {data['task']} {data['host']}")
            lines += json.dumps(told(data["res"]), indent=1, sort_keys=True).splitlines()
    output = WHO.sub("(who)", told(run.stdout))
    output = re.sub(r'"(' + "|".join(LEFT_OUT) + r')": ("[^"]*"|[0-9.]+)(, )?', "", output)
    return [*lines, json.dumps(run.stats), *output.splitlines()]


@pytest.fixture
def both(run_playbook: RunPlaybook, emulator: Emulator) -> Callable[..., Run]:
    """Run a playbook both ways from the same state, compare all that they tell, and return the run in the worker."""

    def run(playbook: Any, *, prepare: Callable[[], Any] = lambda: None, **options: Any) -> Run:
        runs = []
        for environment in (WORKER, ORDINARY):
            emulator.reset()
            prepare()
            emulator.forget_requests()
            runs.append(run_playbook(playbook, environment=environment | options.pop("environment", {}), **options))
            runs[-1].check_secrets(set(SECRETS.values()))
        different = list(difflib.unified_diff(account(runs[0]), account(runs[1]), "in the worker", "as a module", n=5))
        assert not different, "\n".join(different)
        return runs[0]

    return run


def test_extension(both: Callable[..., Run], emulator: Emulator) -> None:
    """Installing, changing, removing; what check mode and diff mode show; refused by the plan, by the cluster, by Azure."""
    everything = OSLO | WANTED | {
        "monitoring": MONITORING, "service_type": "NodePort", "release_train": "stable", "protected_settings": {"dapr.app.id": "{{ hidden }}"},
        "settings": {"service.http.nodePort": 30080, "telemetry": {"metrics": {"cloud": False}, "logs.std": "json"}, "tolerations": [{"key": "Tromsø 東京"}]}}
    cases: dict[str, Task] = {
        "Review": (EXTENSION, everything | {".check_mode": True}),
        "Install": (EXTENSION, everything),
        "Install again": (EXTENSION, everything),
        "Change one setting": (EXTENSION, everything | {"replicas": 2}),
        "Review a change": (EXTENSION, everything | {"replicas": 3, ".check_mode": True}),
        "No diff": (EXTENSION, everything | {"replicas": 3, ".check_mode": True, ".diff": False}),
        "Another secret": (EXTENSION, everything | {"gateway_token": "{{ next }}"}),
        "The secrets once more": (EXTENSION, everything | {"gateway_token": "{{ next }}", "resend_protected_settings": True}),
        "Forgotten secrets": (EXTENSION, OSLO | WANTED | {"resend_protected_settings": True}),
        "Another namespace": (EXTENSION, OSLO | WANTED | {"target_namespace": "elsewhere"}),
        "Pin": (EXTENSION, OSLO | {"version": "1.5.0", "release_train": "stable"}),
        "No such version": (EXTENSION, OSLO | {"version": "7.0.0"}),
        "Repair": (EXTENSION, everything | {"version": "1.5.0", "gateway_token": "{{ next }}"}),
        "Do not repair": (EXTENSION, LYON | WANTED | {"wait": True}),
        "Is still broken": (EXTENSION, LYON | WANTED | {"repair": False}),
        "Remove what is broken": (EXTENSION, LYON | {"state": "absent"}),
        "Offline": (EXTENSION, PORTO | WANTED),
        "Offline all the same": (EXTENSION, PORTO | WANTED | {"allow_offline": True, "wait": False}),
        "Waiting for nobody": (EXTENSION, PORTO | WANTED | {"wait_timeout": 0.5}),
        "Offline, forgotten": (EXTENSION, PORTO | {"state": "absent", "force_delete": True}),
        "Another region, and odd settings": (EXTENSION, OSLO | WANTED | {
            "resource_group": "rg-far", "cluster_name": "store-milan", ".check_mode": True, "settings": {"service.typ": "NodePort", "ingress.enabled": True}}),
        "Look": (EXTENSION_INFO, {name: OSLO[name] for name in ("resource_group", "cluster_name")}),
        "Look for one": (EXTENSION_INFO, {"resource_group": "rg-stores", "cluster_name": "store-oslo", "name": "apim-gateway", "token_days": 30}),
        "Look for nothing": (EXTENSION_INFO, {"resource_group": "rg-stores", "cluster_name": "store-lyon"}),
        "Look where nothing is": (EXTENSION_INFO, {"resource_group": "rg-stores", "cluster_name": "store-nowhere"}),
        "Remove": (EXTENSION, OSLO | {"state": "absent"}),
        "Remove again": (EXTENSION, OSLO | {"state": "absent"}),
        "Remove from nowhere": (EXTENSION, OSLO | {"state": "absent", "cluster_name": "store-nowhere"}),
    }

    def prepare() -> None:
        emulator.cluster("store-lyon", agent={"outcome": "fail", "message": "InnerError [no space left on device]"})
        emulator.cluster("store-porto", connectivity="Offline")
        emulator.cluster("store-oslo", tags={"note": "{{ 6 * 7 }} {% raw %}"})

    run = both(play(*tasks(cases)), prepare=prepare, extra_vars=SECRETS, diff=True, warnings=(
        "is Failed and has to be created again", "The region 'italynorth'", "no setting 'service.typ'", "ingress.enabled=true",
        "'store-porto' is Offline", "There is no connected cluster"))
    failed = {event["event_data"]["task"] for event in run.events if event["event"] == "runner_on_failed"}
    assert failed == {"Forgotten secrets", "Another namespace", "No such version", "Do not repair", "Is still broken", "Remove what is broken",
                      "Offline", "Waiting for nobody", "Look where nothing is"}
    # What Azure returns is never taken for a template.
    assert run.result("Look")["cluster"]["tags"] == {"note": "{{ 6 * 7 }} {% raw %}"}


def test_other_modules(both: Callable[..., Run], emulator: Emulator) -> None:
    """Gateways, tokens, workspaces; values as surveys give them; results of loops; secrets by their digests."""
    workspace = emulator.environment["EMULATOR_WORKSPACE_ID"]
    digest = "{{ issued | combine({'token': issued.token | default({}, true) | combine({'days_left': 0})}) | to_json(sort_keys=true) | hash('sha256') }}"
    cases: dict[str, Task] = {
        "Review": (GATEWAY, STORES | {"apis": ["orders"], ".check_mode": True}),
        "Create": (GATEWAY, STORES | {"apis": "orders,prices", "description": "Tromsø 東京 {{ '{{' }} 1 }}", "location_data": {"name": "Here"}}),
        "Create again": (GATEWAY, STORES | {"apis": ["orders"], "purge_apis": "no"}),
        "Change": (GATEWAY, STORES | {"apis": ["orders"], "purge_apis": "yes", "location_data": '{"city": "Oslo"}', "description": 7}),
        "No such API": (GATEWAY, STORES | {"apis": ["oranges"]}),
        "No such service": (GATEWAY, STORES | {"service_name": "apim-nowhere"}),
        "Wrong tier": (GATEWAY, STORES | {"service_name": "apim-basic"}),
        "Read": (GATEWAY_INFO, STORES | {"min_nodes": "1"}),
        "Read all": (GATEWAY_INFO, SERVICE),
        "Read one by one": (GATEWAY_INFO, SERVICE | {"name": "{{ item }}", ".loop": ["stores", "nowhere", "a b"]}),
        "Read until": (GATEWAY_INFO, STORES | {".register": "read", ".until": "read.gateways == []", ".retries": 1, ".delay": 0.1}),
        "Issue": (TOKEN, ISSUE | {".register": "issued", ".no_log": True}),
        "Issued": ("ansible.builtin.debug", {"msg": digest}),
        "Regenerate": (TOKEN, ISSUE | {"state": "regenerated", "key": "secondary", ".register": "issued"}),
        "Regenerated": ("ansible.builtin.debug", {"msg": digest}),
        "Issue for nobody": (TOKEN, ISSUE | {"gateway_name": "nobody", ".no_log": True, ".register": "issued"}),
        "Why not": ("ansible.builtin.debug", {"msg": "{{ issued.msg }} {{ issued.keys() | sort }}"}),
        "Look up": (WORKSPACE, {"resource_id": workspace, ".register": "issued", ".no_log": True}),
        "Looked up": ("ansible.builtin.debug", {"msg": "{{ issued | to_json(sort_keys=true) | hash('sha256') }}"}),
        "Look up nothing": (WORKSPACE, {"resource_id": f"{workspace}-nowhere"}),
        "May not": (GATEWAY, STORES | {"state": "absent"}),
    }
    client = emulator.environment["AZURE_CLIENT_ID"]

    def prepare() -> None:
        emulator.settings(deny={client: ["Microsoft.ApiManagement/service/gateways/delete"]})

    run = both(play(*tasks(cases)), prepare=prepare, diff=True)
    failed = [event["event_data"]["task"] for event in run.events if event["event"] == "runner_on_failed"]
    assert failed == ["No such API", "No such service", "Wrong tier", "Read one by one", "Read until", "Issue for nobody", "Look up nothing", "May not"]
    assert run.result("Create")["gateway"]["description"] == "Tromsø 東京 {{ 1 }}"


def test_options(both: Callable[..., Run], emulator: Emulator) -> None:
    """Everything that can be wrong with options, in the words of Ansible and in ours."""
    given = OSLO | {".check_mode": True}
    cases: dict[str, Task] = {
        "Unknown": (EXTENSION, given | {"namespace": "gateways"}),
        "Unknown ones": (EXTENSION, given | {"namespace": "gateways", "colour": "red"}),
        "Unknown and missing": (EXTENSION, {"namespace": "gateways"}),
        "Missing": (EXTENSION, {"cluster_name": "store-oslo", "state": "absent"}),
        "Missing ones": (GATEWAY, {}),
        "Missing for this state": (EXTENSION, {"resource_group": "rg-stores", "cluster_name": "store-oslo"}),
        "Null": (EXTENSION, given | {"resource_group": None}),
        "Omitted": (EXTENSION, given | {"resource_group": "{{ omit }}"}),
        "Choice": (EXTENSION, given | {"service_type": "Ingress"}),
        "Choices": (TOKEN, ISSUE | {"key": "third", "state": "gone"}),
        "Not a number": (EXTENSION, given | {"replicas": "many"}),
        "Not a boolean": (EXTENSION, given | {"wait": "perhaps"}),
        "Not a mapping": (EXTENSION, given | {"settings": ["one"]}),
        "Not a list": (GATEWAY, STORES | {"apis": {"orders": 1}}),
        "Missing below": (EXTENSION, given | {"monitoring": {"workspace_id": "2", "ingestion_key": "{{ key }}"}}),
        "Unknown below": (EXTENSION, given | {"monitoring": MONITORING | {"colour": "red"}}),
        "Exclusive": (GATEWAY_INFO, SERVICE | {"secret": "{{ password }}", "x509_certificate_path": "/nowhere/certificate.pem"}),
        "Bad name": (EXTENSION, given | {"resource_group": "rg stores"}),
        "Bad setting": (EXTENSION, given | {"settings": {"telemetry.logs.std": "xml"}}),
        "Bad time": (EXTENSION, given | {"wait_timeout": 0}),
        "Bad token": (EXTENSION, given | {"gateway_token": "{{ token }} and more"}),
        "Token in the open": (EXTENSION, given | {"settings": {"gateway": {"auth.token": "{{ token }}"}}}),
        "Secret in the open as well": (EXTENSION, given | WANTED | {
            "protected_settings": {"dapr.app.id": "{{ hidden }}"}, "settings": {"dapr.config": "x {{ hidden }} x"}}),
        "Secret that is a word": (EXTENSION, given | WANTED | {"protected_settings": {"dapr.app.id": "gateways"}}),
        "Secret number": (EXTENSION, given | WANTED | {"protected_settings": {"dapr.app.id": 4711}, "settings": {"dapr.config": "no 4711"}}),
        "Numbers for text": (EXTENSION, given | WANTED | {"name": 7, "version": 1.5, "settings": {"dapr.app.id": 12, "dapr.config": True}}),
        "JSON for a mapping": (EXTENSION, given | WANTED | {"settings": '{"dapr.config": "x"}'}),
        "Text for a mapping": (EXTENSION, given | WANTED | {"settings": "dapr.config=x dapr.app.id=y"}),
    }
    run = both(play(*tasks(cases)), extra_vars=SECRETS, diff=True)
    good = {event["event_data"]["task"] for event in run.events if event["event"] == "runner_on_ok"}
    assert good == {"Secret in the open as well", "Secret that is a word", "Secret number", "Numbers for text", "JSON for a mapping", "Text for a mapping"}


def test_sign_in(both: Callable[..., Run], emulator: Emulator, tmp_path: Path) -> None:
    """Sign-in that fails, and where its options come from."""
    environment = emulator.environment
    stranger = "99999999-dddd-4000-8000-000000000009"
    certificate = {
        "tenant": environment["AZURE_TENANT"],
        "client_id": environment["AZURE_CLIENT_ID"],
        "cloud_environment": environment["AZURE_CLOUD_ENVIRONMENT"],
        "subscription_id": environment["AZURE_SUBSCRIPTION_ID"],
    }
    cases: dict[str, Task] = {
        "Wrong secret": (GATEWAY_INFO, SERVICE | {"secret": "{{ password }}"}),
        "Unknown client": (GATEWAY_INFO, SERVICE | {"client_id": stranger}),
        "Unknown tenant": (GATEWAY_INFO, SERVICE | {"tenant": stranger}),
        "Unknown subscription": (GATEWAY_INFO, SERVICE | {"subscription_id": stranger}),
        "Bad subscription": (GATEWAY_INFO, SERVICE | {"subscription_id": "stores"}),
        "No certificate": (GATEWAY_INFO, SERVICE | certificate | {"x509_certificate_path": "nowhere/certificate.pem"}),
        "Certificate beside the playbook": (GATEWAY_INFO, SERVICE | certificate | {"x509_certificate_path": "certificate.pem"}),
        "Unknown profile": (GATEWAY_INFO, SERVICE | {"profile": "nowhere"}),
        "Unknown cloud": (GATEWAY_INFO, SERVICE | {"cloud_environment": "AzureMoonCloud"}),
        "Nobody there": (GATEWAY_INFO, SERVICE | {"cloud_environment": "https://localhost:1"}),
        "Not checked": (GATEWAY_INFO, SERVICE | {"cert_validation_mode": "ignore"}),
        "Not checked, and fails": (GATEWAY_INFO, SERVICE | {"cert_validation_mode": "ignore", "service_name": "apim-nowhere"}),
        "Signed in": (GATEWAY_INFO, SERVICE | {"secret": environment["AZURE_SECRET"]}),
    }
    defaults = {"group/arcfleet.apim.azure": {"tenant": environment["AZURE_TENANT"], "auth_source": "auto"}}
    site = tmp_path / "site"
    site.mkdir()
    (site / "certificate.pem").write_text("not a certificate", encoding="utf-8")
    (site / "playbook.yml").write_text(yaml.safe_dump(play(*tasks(cases), module_defaults=defaults)), encoding="utf-8")
    run = both(site / "playbook.yml", extra_vars=SECRETS, warnings=("TLS certificates are not checked",))
    good = {event["event_data"]["task"] for event in run.events if event["event"] == "runner_on_ok"}
    assert good == {"Not checked", "Signed in"}
    assert "Needed is a PEM file" in run.result("Certificate beside the playbook")["msg"]


def test_vault(both: Callable[..., Run], tmp_path: Path) -> None:
    """Vaulted text is opened for the module, and stays hidden."""
    password = tmp_path / "password"
    password.write_text("open sesame", encoding="utf-8")
    vault = [PROGRAMS / "ansible-vault", "encrypt_string", "--vault-password-file", password]
    text = {name: subprocess.run([*vault, SECRETS[name]], check=True, capture_output=True, text=True).stdout for name in ("token", "hidden")}
    variables = tmp_path / "variables.yml"
    variables.write_text(f"token: {text['token']}\nnested:\n  dapr.app.id: {text['hidden']}\n", encoding="utf-8")
    arguments = f"-e @{variables} --vault-password-file {password}"
    run = both(play(*tasks({"Install": (EXTENSION, OSLO | WANTED | {"protected_settings": "{{ nested }}"})})), arguments=arguments, diff=True)
    record = run.result("Install")["extension"]["settings"]["gateway.deployment.annotations.arcfleetSecrets"]
    plain = both(play(*tasks({"Install": (EXTENSION, OSLO | WANTED | {"protected_settings": {"dapr.app.id": "{{ hidden }}"}})})), extra_vars=SECRETS)
    assert record == plain.result("Install")["extension"]["settings"]["gateway.deployment.annotations.arcfleetSecrets"]


def test_time_limit(both: Callable[..., Run], emulator: Emulator) -> None:
    """Ansible's own limit for a task holds while the task waits for Azure."""
    cases: dict[str, Task] = {"Install": (EXTENSION, OSLO | WANTED | {".timeout": 4}), "Leave it": (EXTENSION, OSLO | WANTED | {"wait": False})}
    run = both(play(*tasks(cases)), prepare=lambda: emulator.settings(operation_seconds=60), extra_vars=SECRETS)
    assert re.search("Timed out|expected time", run.result("Install")["msg"])
    assert run.result("Leave it")["extension"]["provisioning_state"] == "Creating"


# Which way is taken


@pytest.fixture
def sign_ins(run_playbook: RunPlaybook, emulator: Emulator) -> Callable[..., int]:
    """Run one reading task on three clusters; how often somebody signed in.

    Workers share a sign-in, modules cannot.
    """

    def count(*, play_keywords: dict[str, Any] | None = None, environment: dict[str, str] | None = None,
              variables: dict[str, Any] | None = None, **keywords: Any) -> int:
        emulator.forget_requests()
        look = {EXTENSION_INFO: {"resource_group": "rg-stores", "cluster_name": "{{ inventory_hostname }}"}, "name": "Look"} | keywords
        own = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"} | (variables or {})
        inventory = {"all": {"vars": {name: value for name, value in own.items() if value is not None}, "hosts": {name: {} for name in emulator.clusters}}}
        run = run_playbook(play(look, hosts="all", **play_keywords or {}), inventory=inventory, environment=environment)
        seen = [one["cluster"]["name"] for result in run.results("Look") for one in result.get("results", [result])]
        assert set(seen) == set(emulator.clusters)
        assert run.changed == 0
        return len(emulator.requests("POST", "/oauth2/v2.0/token"))

    return count


def program(path: Path, *lines: str) -> str:
    """A shell script of one's own; its path."""
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_in_the_worker(sign_ins: Callable[..., int]) -> None:
    """One sign-in for all."""
    assert sign_ins() == 1
    assert sign_ins(play_keywords={"connection": "local", "strategy": "free"}, variables={"ansible_connection": None}) == 1
    assert sign_ins(variables={"ansible_python_interpreter": "auto_silent"}) == 1
    assert sign_ins(delegate_to="localhost", environment={"ANSIBLE_ARCFLEET_IN_PROCESS": "yes"}) == 1
    assert sign_ins(loop=[1, 2], until="seen is success", register="seen", no_log=False, environment={"ANSIBLE_ARCFLEET_IN_PROCESS": ""}) == 1


def test_as_a_module(sign_ins: Callable[..., int], tmp_path: Path) -> None:
    """Whatever is special about a task, it has a process of its own."""
    sudo = program(tmp_path / "sudo", 'while [ "$1" != /bin/sh ]; do shift; done', 'exec "$@"')
    python = program(tmp_path / "python", f'exec "{PROGRAMS}/python" "$@"')
    (tmp_path / "elsewhere.py").write_text(CONNECTION, encoding="utf-8")
    assert sign_ins(environment=ORDINARY) == 3
    assert [sign_ins(environment={"ANSIBLE_ARCFLEET_IN_PROCESS": value}) for value in ("no", "0")] == [3, 3]
    task_environment = {"SOMETHING": "else"}
    assert sign_ins(play_keywords={"environment": task_environment}) == 3
    if " " not in sys.executable:  # Ansible itself does not quote the interpreter's path for async
        assert sign_ins(**{"async": 30}, poll=1) == 3
    assert sign_ins(variables={"ansible_become": True, "ansible_become_exe": sudo}) == 3
    assert sign_ins(play_keywords={"become": True}, variables={"ansible_become_exe": sudo}) == 3
    assert sign_ins(variables={"ansible_connection": "elsewhere"}, environment={"ANSIBLE_CONNECTION_PLUGINS": str(tmp_path)}) == 3
    assert sign_ins(variables={"ansible_python_interpreter": python}) == 3


CONNECTION = """
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = '''
name: elsewhere
short_description: The local machine, under another name
description: For tests.
author: arcfleet.apim contributors
options: {}
extends_documentation_fragment:
- connection_pipelining
'''


class Connection(Local):
    transport = "elsewhere"
"""
