# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness finds what it is there to find."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from harness.emulator import Emulator
from harness.playbook import Run


def play(*tasks: dict[str, Any], hosts: str = "localhost") -> list[dict[str, Any]]:
    return [{"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}]


SAY = {"name": "Say it", "ansible.builtin.debug": {"msg": "{{ words }}"}, "changed_when": True}
FAIL = {"name": "Give up", "ansible.builtin.fail": {"msg": "enough"}}


def test_results_and_figures(run_playbook: Callable[..., Run], emulator: Emulator) -> None:
    run = run_playbook(play(SAY, hosts="clusters"), extra_vars={"words": "hello"}, check=True, diff=True, verbosity=4)
    assert emulator.clusters
    for cluster in emulator.clusters:
        assert run.result("Say it", cluster)["msg"] == "hello"
        assert run.stats[cluster]["changed"] == 1
    assert run.changed == len(emulator.clusters)
    assert run.rc == 0


def test_expected_failure(run_playbook: Callable[..., Run]) -> None:
    assert run_playbook(play(FAIL), expect="failed").result("Give up")["msg"] == "enough"


@pytest.mark.parametrize(("task", "expected"), [(SAY, "failed"), (FAIL, "successful")])
def test_unexpected_end(run_playbook: Callable[..., Run], task: dict[str, Any], expected: str) -> None:
    with pytest.raises(AssertionError, match=f"expected {expected}"):
        run_playbook(play(task), extra_vars={"words": "hello"}, expect=expected)


def test_traceback(run_playbook: Callable[..., Run]) -> None:
    with pytest.raises(AssertionError, match="Traceback"):
        run_playbook(play(SAY), extra_vars={"words": "Traceback (most recent call last)"})


def test_warning(run_playbook: Callable[..., Run]) -> None:
    with pytest.raises(AssertionError, match="ignoring: nowhere"):
        run_playbook(play(SAY, hosts="localhost,nowhere"), extra_vars={"words": "hello"})


def test_expected_warning(run_playbook: Callable[..., Run]) -> None:
    run = run_playbook(play(SAY, hosts="localhost,nowhere"), extra_vars={"words": "hello"}, warnings=("ignoring: nowhere",))
    assert len(run.warnings) == 1


def test_missing_warning(run_playbook: Callable[..., Run]) -> None:
    with pytest.raises(AssertionError, match="no warning matches"):
        run_playbook(play(SAY), extra_vars={"words": "hello"}, warnings=("not there",))


def test_secret_in_output(run_playbook: Callable[..., Run]) -> None:
    with pytest.raises(AssertionError, match="a secret of .* is in the output"):
        run_playbook(play(SAY), extra_vars={"words": "{{ lookup('env', 'AZURE_SECRET') }}"})


def test_secret_in_file(run_playbook: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a secret of .* is in home/left"):
        run_playbook(play({"ansible.builtin.shell": 'printenv AZURE_SECRET > "$HOME/left"'}))
    assert (tmp_path / "run1/home/left").exists()


DISREGARD_CHECK_MODE = """
- hosts: localhost
  gather_facts: false
  vars:
    azure: "{{ lookup('ansible.builtin.env', 'EMULATOR_URL') }}"
  module_defaults:
    ansible.builtin.uri:
      ca_path: "{{ lookup('ansible.builtin.env', 'REQUESTS_CA_BUNDLE') }}"
  tasks:
    - name: Sign in
      ansible.builtin.uri:
        url: "{{ azure }}/{{ lookup('ansible.builtin.env', 'AZURE_TENANT') }}/oauth2/v2.0/token"
        method: POST
        body_format: form-urlencoded
        body:
          grant_type: client_credentials
          client_id: "{{ lookup('ansible.builtin.env', 'AZURE_CLIENT_ID') }}"
          client_secret: "{{ lookup('ansible.builtin.env', 'AZURE_SECRET') }}"
          scope: "{{ azure }}/.default"
      register: token
      check_mode: false
      no_log: true
    - name: Write
      ansible.builtin.uri:
        url: "{{ azure }}{{ cluster_id }}?api-version=2024-01-01"
        method: PATCH
        headers:
          Authorization: Bearer {{ token.json.access_token }}
        body_format: json
        body: {tags: {written: "yes"}}
      check_mode: false
      no_log: true
      ignore_errors: true
"""


@pytest.mark.parametrize("check", [False, True])
def test_write(run_playbook: Callable[..., Run], emulator: Emulator, check: bool) -> None:
    cluster = emulator.clusters[0]
    variables = {"cluster_id": emulator.cluster_id(cluster)}
    if check:
        with pytest.raises(AssertionError, match="check mode wrote"):
            run_playbook(DISREGARD_CHECK_MODE, extra_vars=variables, check=True)
    else:
        run_playbook(DISREGARD_CHECK_MODE, extra_vars=variables)
    assert ("written" in emulator.cluster(cluster)["tags"]) is not check
