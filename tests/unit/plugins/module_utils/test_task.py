# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole module run, from its arguments to what it prints."""
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.arcfleet.apim.plugins.module_utils import _task
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome, Task, run_module
from harness import azure
from harness.wire import Wire

SIGNED = {"subscription_id": azure.SUBSCRIPTION, "tenant": "t", "client_id": "c", "secret": "hush-hush"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wire: Wire) -> Any:
    """Run a task with arguments; its exit code and its result."""
    # Tests of controller plugins in this process would have the module print its warnings instead of returning them.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def module(task: Task, **arguments: Any) -> tuple[int, dict[str, Any]]:
        with patch_module_args({**SIGNED, **arguments}), pytest.raises(SystemExit) as ended:
            run_module(task)
        return ended.value.code, json.loads(capsys.readouterr().out)

    return module


def task(perform: Any = lambda *_: Outcome(False, {}), parse: Any = dict, **more: Any) -> Task:
    return Task({"x": {"type": "int"}}, parse, perform, **more)


def test_good(run: Any) -> None:
    seen = []

    def perform(wanted: dict, arm: Any, check_mode: bool) -> Outcome:
        seen.append((wanted["x"], arm.subscription_id, check_mode))
        return Outcome(True, {"a": 1}, {"x": 1}, {"x": 2}, ["careful"])

    code, result = run(task(perform), x="7", _ansible_check_mode=True, _ansible_diff=True)
    assert seen == [(7, azure.SUBSCRIPTION, True)]
    assert (code, result["changed"], result["a"], result["diff"]) == (0, True, 1, {"before": {"x": 1}, "after": {"x": 2}})
    assert "careful" in str(result["warnings"])


def test_without_a_diff(run: Any) -> None:
    """There is none where the task has none, and where nobody asks for it."""
    _code, result = run(task(), _ansible_diff=True)
    assert "diff" not in result
    _code, result = run(task(lambda *_: Outcome(True, {}, {"x": 1}, {"x": 2})))
    assert "diff" not in result


def test_wrong_options_are_found_before_signing_in(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_options: Any) -> None:
        raise ApimError("x: no.")

    monkeypatch.setattr(_task, "sign_in", lambda *_: pytest.fail("signed in"))
    code, result = run(task(parse=parse))
    assert (code, result["failed"], result["msg"]) == (1, True, "x: no.")


def test_azure_says_no(run: Any) -> None:
    def perform(*_: Any) -> Outcome:
        raise ApimError("No.", error={"code": "C"}, extension=None)

    code, result = run(task(perform))
    assert (code, result["msg"], result["error"], result["extension"]) == (1, "No.", {"code": "C"}, None)
    assert "hush-hush" not in str({name: value for name, value in result.items() if name != "invocation"})


def test_more_secrets(run: Any) -> None:
    def perform(*_: Any) -> Outcome:
        raise ApimError("No.", found=["a 4711 b", {"c": "4711"}])

    _code, result = run(task(perform, secrets=lambda options: {str(options["x"])}), x=4711)
    assert "4711" not in str(result)


def test_nobody_to_sign_in_as(run: Any) -> None:
    code, result = run(task(), tenant=None)
    assert code == 1 and "tenant" in result["msg"] and "Traceback" not in str(result)


def test_unchecked_certificates_are_a_warning(run: Any) -> None:
    _code, result = run(task(), cert_validation_mode="ignore")
    assert "cert_validation_mode" in str(result["warnings"])


def test_azure_libraries_are_missing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_task, "AZURE_IMPORT_ERROR", "Traceback: no module named azure")
    code, result = run(task())
    assert code == 1 and "azure-identity and azure-mgmt-kubernetesconfiguration" in result["msg"]


def test_constraints(run: Any) -> None:
    code, result = run(task(required_if=[("secret", "hush-hush", ["x"])]))
    assert code == 1 and "x" in result["msg"]
