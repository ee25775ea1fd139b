# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's work done in Ansible's worker: what goes in, what comes out."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome, Task
from ansible_collections.arcfleet.apim.plugins.plugin_utils import _worker
from ansible_collections.arcfleet.apim.plugins.plugin_utils._worker import plain, run_here, said_by, validate
from harness.azure import SUBSCRIPTION
from harness.wire import Wire

SIGNED = {"subscription_id": SUBSCRIPTION, "tenant": "t", "client_id": "c", "secret": "hush-hush"}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that reads YAML text as Ansible reads a playbook."""
    loader = DataLoader()
    secret = VaultSecret(b"open sesame")
    loader.set_vault_secrets([(DEFAULT_VAULT_ID_MATCH, secret)])
    if hasattr(vault, "VaultSecretsContext"):  # from ansible-core 2.19 on, there is one for the whole process
        monkeypatch.setattr(vault.VaultSecretsContext, "_current", vault.VaultSecretsContext([(DEFAULT_VAULT_ID_MATCH, secret)]))
    vaulted = VaultLib([(DEFAULT_VAULT_ID_MATCH, secret)]).encrypt("a vaulted text").decode()
    indented = "".join(f"\n            {line}" for line in vaulted.splitlines())

    def load(text: str) -> Any:
        file = tmp_path / "file.yml"
        file.write_text(text.replace("VAULTED", f"!vault |{indented}"), encoding="utf-8")
        return loader.load_from_file(str(file))

    return load


def types(value: Any) -> set[type]:
    """The types of everything in a value."""
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {type(value)}.union(*map(types, inner))


def test_plain(loaded: Any) -> None:
    given = loaded("text: abc\nunsafe: !unsafe '{{ x }}'\nnumber: 7\nratio: 1.5\ngood: true\nnothing:\nlist: [a, {b: c}]\n9: nine\n")
    value = plain(given)
    assert value == {"text": "abc", "unsafe": "{{ x }}", "number": 7, "ratio": 1.5, "good": True, "nothing": None, "list": ["a", {"b": "c"}], "9": "nine"}
    assert types(value) == {dict, str, int, float, bool, type(None), list}
    assert types(given) != types(value)  # Ansible's own types were there


def test_plain_opens_the_vault(loaded: Any) -> None:
    value = plain(loaded("a: VAULTED\nb:\n  - c: VAULTED\n"))
    assert value == {"a": "a vaulted text", "b": [{"c": "a vaulted text"}]}
    assert types(value) == {dict, list, str}


@pytest.mark.parametrize(("given", "expected"), [((1, "a"), [1, "a"]), ([], []), ({}, {}), ("", ""), (False, False), (0, 0), (None, None)])
def test_plain_of_plain(given: Any, expected: Any) -> None:
    value = plain(given)
    assert (value, type(value)) == (expected, type(expected))


def task(perform: Any = lambda *_: Outcome(False, {}), **more: Any) -> Task:
    options = {"x": {"type": "int", "default": 3}, "hidden": {"type": "dict", "no_log": True}, "choice": {"type": "str", "choices": ["a", "b"]}}
    return Task(options, dict, perform, **more)


def test_validate(loaded: Any) -> None:
    found = validate(task(), loaded("x: '7'\nhidden:\n  a: VAULTED\nsecret: VAULTED\n"))
    assert not found.error_messages
    assert found.validated_parameters.items() >= {"x": 7, "hidden": {"a": "a vaulted text"}, "choice": None, "tenant": None}.items()
    assert "a vaulted text" in found._no_log_values
    assert validate(task(), {}).validated_parameters["x"] == 3


@pytest.mark.parametrize(("arguments", "message"), [
    ({"y": 1}, "Unsupported parameters for (my.own.name) module: y. Supported parameters include: "),
    ({"choice": "c"}, "value of choice must be one of: a, b, got: c"),
    ({"x": "many"}, "argument 'x' is of type"),
    ({"hidden": []}, "argument 'hidden' is of type"),
    ({"secret": "s", "x509_certificate_path": "p"}, "parameters are mutually exclusive: "),
])
def test_said_by(arguments: dict[str, Any], message: str) -> None:
    assert said_by(validate(task(), arguments), "my.own.name").startswith(message)


def test_required_if() -> None:
    found = validate(task(required_if=[("choice", "a", ["hidden"])]), {"choice": "a"})
    assert said_by(found, "m") == "choice is a but all of the following are missing: hidden"


def run(what: Task, check_mode: bool = False, diff_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    return run_here(what, "arcfleet.apim.x", {**SIGNED, **arguments}, check_mode, diff_mode)


def test_good(wire: Wire) -> None:
    def perform(wanted: dict, arm: Any, check_mode: bool) -> Outcome:
        return Outcome(True, {"a": wanted["x"], "who": arm.subscription_id, "check": check_mode}, {"x": 1}, {"x": 2}, ["careful"])

    done = run(task(perform), True, True, x="7")
    arguments = done.pop("invocation")["module_args"]
    assert done == {"changed": True, "a": 7, "who": SUBSCRIPTION, "check": True, "diff": {"before": {"x": 1}, "after": {"x": 2}}, "warnings": ["careful"]}
    assert (arguments["x"], arguments["secret"]) == (7, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
    assert "diff" not in run(task(perform), True, False)


def test_wrong_options() -> None:
    done = run(task(lambda *_: pytest.fail("performed")), x="many", hidden={"a": "b-secret"})
    assert done["failed"] and done["msg"].startswith("argument 'x'")
    assert "b-secret" not in json.dumps(done) and "hush-hush" not in json.dumps(done)


def test_no_secret_comes_out(wire: Wire) -> None:
    def perform(*_: Any) -> Outcome:
        raise ApimError("The secret is hush-hush.", found={"some": ["a b-secret c", "hush-hush"], "own": "4711 and b-secret"})

    done = run(task(perform, secrets=lambda options: {str(options["x"])}), x=4711, hidden={"a": {"deep": ["b-secret"]}})
    assert done["failed"]
    assert not any(secret in json.dumps(done) for secret in ("hush-hush", "b-secret", "4711"))


def test_our_own_mistakes(wire: Wire) -> None:
    """No traceback, and not the end of the worker."""
    done = run(task(lambda *_: {}["missing"]))
    assert done["failed"] and done["msg"].startswith("This is a mistake in the collection, please report it: KeyError at test_worker.py:")


def test_azure_libraries_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.arcfleet.apim.plugins.module_utils._task.AZURE_IMPORT_ERROR", "Traceback: no module named azure")
    assert "azure-identity and azure-mgmt-kubernetesconfiguration" in run(task())["msg"]


def test_without_shared_memory(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    """The fleet's own plugins work there as well, each process with a sign-in of its own."""
    monkeypatch.setattr(_worker, "SHARED", None)
    assert not run(task()).get("failed")
