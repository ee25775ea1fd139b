# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module apim_log_analytics_info."""
from __future__ import annotations

import hashlib

from harness.emulator import Emulator
from harness.steps import RunPlaybook, play

MODULE = "arcfleet.apim.apim_log_analytics_info"


def test_workspace_and_keys(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    workspace = emulator.environment["EMULATOR_WORKSPACE_ID"]
    keys = emulator.azure("POST", f"{workspace}/sharedKeys", api_version="2020-08-01")
    tasks = [task for key in ("primary", "secondary") for task in (
        {"name": "Read", MODULE: {"resource_id": workspace, "key": key}, "register": "found", "no_log": True},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ found | combine({'ingestion_key': found.ingestion_key | hash('sha256')}) }}"}})]
    run = run_playbook(play(*tasks), check=True)
    assert run.changed == 0
    for key, result in zip(("primary", "secondary"), run.results("Show")):
        assert result["msg"]["ingestion_key"] == hashlib.sha256(keys[f"{key}SharedKey"].encode()).hexdigest()
        assert result["msg"]["workspace"] == {
            "id": workspace, "name": "log-emulated", "location": "westeurope",
            "workspace_id": emulator.azure("GET", workspace, api_version="2020-08-01")["properties"]["customerId"]}
