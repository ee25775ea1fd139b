# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module apim_gateway_token."""
from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from harness.emulator import Emulator
from harness.playbook import Run
from harness.steps import RunPlaybook, play

MODULE = "arcfleet.apim.apim_gateway_token"
EXISTING = {"resource_group": "rg-apim", "service_name": "apim-custom", "gateway_name": "existing"}
DAY = timedelta(days=1)


def issue(**options: Any) -> list[dict[str, Any]]:
    """Tasks that issue a token and show a digest of it, because the token may not be shown."""
    return [
        {"name": "Issue", MODULE: EXISTING | options, "register": "issued", "no_log": True},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ issued.token | combine({'value': issued.token.value | hash('sha256'), 'parts': "
                                                          "issued.token.value.split('&')[:2], 'changed': issued is changed}) }}"}},
    ]


def shown(run: Run) -> list[dict[str, Any]]:
    return [result["msg"] for result in run.results("Show")]


def real(token: dict[str, Any], emulator: Emulator) -> bool:
    """Whether Azure issued this token."""
    return token["value"] in {hashlib.sha256(secret.encode()).hexdigest() for secret in emulator.secrets()}


def test_issue(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Every run inside a window gets the same token, in check mode as well; issuing is never a change."""
    checked = shown(run_playbook(play(*issue()), check=True))[0]
    first, again, secondary, short = shown(run_playbook(play(
        *issue(), *issue(state="present", key="primary"), *issue(key="secondary"), *issue(lifetime_days=4, rotation_days=1))))
    assert checked == first == again
    assert not first["changed"]
    assert first["key"] == "primary"
    assert first["parts"] == ["existing", datetime.fromisoformat(first["expires_on"]).strftime("%Y%m%d%H%M")]
    left = datetime.fromisoformat(first["expires_on"]) - datetime.now(timezone.utc)
    assert 20 * DAY - timedelta(hours=1, minutes=1) <= left <= 30 * DAY - timedelta(hours=1)
    assert abs(first["days_left"] - left / DAY) < 0.11
    assert (secondary["key"], secondary["expires_on"]) == ("secondary", first["expires_on"])
    assert secondary["value"] != first["value"]
    assert 3 * DAY - timedelta(hours=1, minutes=1) <= datetime.fromisoformat(short["expires_on"]) - datetime.now(timezone.utc) <= 4 * DAY
    assert all(real(token, emulator) for token in (first, secondary, short))


@pytest.mark.parametrize("key", ["primary", "secondary"])
def test_regenerate(run_playbook: RunPlaybook, emulator: Emulator, key: str) -> None:
    regenerate = {"name": "Regenerate", MODULE: EXISTING | {"state": "regenerated", "key": key}}
    run = run_playbook(play(regenerate), check=True)
    assert run.result()["changed"]
    run = run_playbook(play(*issue(key="primary"), *issue(key="secondary"), regenerate, *issue(key="primary"), *issue(key="secondary")))
    assert run.result("Regenerate") | {"changed": True, "token": None} == run.result("Regenerate")
    before, after = dict(zip(("primary", "secondary"), shown(run)[:2])), dict(zip(("primary", "secondary"), shown(run)[2:]))
    other = {"primary": "secondary", "secondary": "primary"}[key]
    assert before[key]["value"] != after[key]["value"]
    assert before[other]["value"] == after[other]["value"]
    assert [request["body"] for request in emulator.requests("POST", "regenerateKey") if request["status"] < 400] == [{"keyType": key}]


def test_gateway_to_come(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """In check mode a gateway may be one that an earlier task would have made: its token has everything but a signature."""
    token = shown(run_playbook(play(*issue(gateway_name="future")), check=True))[0]
    assert token["parts"][0] == "future"
    assert token["days_left"] > 19
    assert not real(token, emulator)
