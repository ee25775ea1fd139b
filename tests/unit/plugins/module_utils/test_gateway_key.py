# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and keys, call by call."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway_token as gateway_token
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._gateway_key import ensure, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome
from ansible_collections.arcfleet.apim.plugins.modules.apim_gateway_token import TASK
from harness import azure
from harness.azure import GATEWAY
from harness.wire import Call, Wire

DEFAULTS = {name: spec.get("default") for name, spec in TASK.options.items()}
OPTIONS = {**DEFAULTS, "resource_group": "rg", "service_name": "contoso", "gateway_name": "stores"}
NO_GATEWAY = {"status": 400, "answer": azure.NO_GATEWAY_BELOW}


def run(arm: Arm, check_mode: bool = False, **given: Any) -> Outcome:
    return ensure(parse(OPTIONS | given), arm, check_mode)


def generate(**answer: Any) -> Call:
    return Call("POST", f"{GATEWAY}/generateToken", **answer)


def regenerate(**answer: Any) -> Call:
    return Call("POST", f"{GATEWAY}/regenerateKey", **answer)


def expected_end() -> dt.datetime:
    return gateway_token.expiry_on_grid(dt.datetime.now(dt.timezone.utc), GATEWAY, 30, 10)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("key", ["primary", "secondary"])
def test_issue(arm: Arm, wire: Wire, key: str, check_mode: bool) -> None:
    ends = expected_end()
    issued = azure.token(expiry=f"{ends:%Y%m%d%H%M}")
    wire.expect(*[generate(answer={"value": issued})] * 2)
    first, second = (run(arm, check_mode, key=key) for _turn in range(2))
    assert wire.bodies("POST") == [{"keyType": key, "expiry": f"{ends:%Y-%m-%dT%H:%M:00Z}"}] * 2
    assert wire.query() == {"api-version": "2022-08-01"}
    assert first == second and not first.changed
    token = first.facts["token"]
    assert (token["value"], token["key"], token["expires_on"]) == (issued, key, f"{ends:%Y-%m-%dT%H:%M:00Z}")
    assert 19.9 <= token["days_left"] <= 30


def test_lifetime_and_rotation(arm: Arm, wire: Wire) -> None:
    ends = gateway_token.expiry_on_grid(dt.datetime.now(dt.timezone.utc), GATEWAY, 7, 3)
    wire.expect(generate(answer={"value": azure.token(expiry=f"{ends:%Y%m%d%H%M}")}))
    assert run(arm, lifetime_days=7, rotation_days=3).facts["token"]["days_left"] <= 7


@pytest.mark.parametrize(
    "answer",
    [
        {"value": azure.token("other", f"{expected_end():%Y%m%d%H%M}")},
        {"value": azure.token(expiry="202001010000")},
        {"value": "x"},
        {"value": None},
        {},
        None,
    ],
)
def test_another_token_than_asked_for(arm: Arm, wire: Wire, answer: Any) -> None:
    wire.expect(generate(answer=answer))
    with pytest.raises(ApimError, match="^Azure") as caught:
        run(arm)
    signature = ((answer or {}).get("value") or "").rpartition("&")[2]
    assert "stores" in str(caught.value) and (len(signature) < 9 or signature not in str(caught.value))


def test_ids_have_no_case(arm: Arm, wire: Wire) -> None:
    """Azure may know the gateway in other letters than the task."""
    ends = expected_end()
    wire.expect(generate(answer={"value": azure.token("Stores", f"{ends:%Y%m%d%H%M}")}))
    assert run(arm).facts["token"]["value"].startswith("Stores&")


@pytest.mark.parametrize("call", [generate, regenerate])
def test_no_such_gateway(arm: Arm, wire: Wire, call: Any) -> None:
    wire.expect(call(**NO_GATEWAY))
    with pytest.raises(AzureFailure) as caught:
        run(arm, state="regenerated" if call is regenerate else "present")
    for part in (GATEWAY, "ValidationError (HTTP 400)", "[gwid: Gateway not found]", "Create the gateway first, with arcfleet.apim.apim_gateway."):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "headers", "parts"),
    [
        (403, azure.error("AuthorizationFailed", "not authorized to perform action 'x/generateToken/action'"), {}, ["generateToken", "role"]),
        (404, azure.NO_SERVICE, azure.FROM_ARM, ["service/contoso", "Check the name"]),
        (400, azure.error("ValidationError", "One or more fields contain incorrect values:",
                          details=[{"target": "expiry", "message": "too late"}]), {}, ["[expiry: too late]"]),
    ],
)
def test_refused_by_azure(arm: Arm, wire: Wire, status: int, body: dict, headers: dict, parts: list[str]) -> None:
    for check_mode in (True, False):
        wire.expect(generate(status=status, answer=body, headers=headers))
        with pytest.raises(AzureFailure) as caught:
            run(arm, check_mode)
        assert f"Could not issue a token for the gateway {GATEWAY}" in str(caught.value)
        assert all(part in str(caught.value) for part in parts)
        assert "Create the gateway first" not in str(caught.value)


def test_check_mode_for_a_gateway_to_come(arm: Arm, wire: Wire) -> None:
    """A stand-in that the extension's module accepts, so that a whole play can be checked."""
    wire.expect(generate(**NO_GATEWAY))
    token = run(arm, check_mode=True).facts["token"]
    parsed = gateway_token.parse(token["value"])
    assert (parsed.gateway, parsed.expires_on) == ("stores", expected_end())


@pytest.mark.parametrize("key", ["primary", "secondary"])
def test_regenerate(arm: Arm, wire: Wire, key: str) -> None:
    wire.expect(regenerate(status=204))
    outcome = run(arm, state="regenerated", key=key)
    assert wire.bodies("POST") == [{"keyType": key}]
    assert (outcome.changed, outcome.facts) == (True, {"token": None})


def test_regenerate_in_check_mode(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", GATEWAY, 200, azure.gateway()))
    assert run(arm, check_mode=True, state="regenerated").changed
    wire.expect(Call("GET", GATEWAY, 404, azure.NO_GATEWAY))
    with pytest.raises(AzureFailure, match="Gateway not found"):
        run(arm, check_mode=True, state="regenerated")


@pytest.mark.parametrize(
    "given", [{"gateway_name": "managed"}, {"service_name": ""}, {"resource_group": "x."}, {"lifetime_days": 31}, {"rotation_days": 16}]
)
def test_options_refused(given: dict) -> None:
    with pytest.raises(ApimError, match=f"^{next(iter(given))}: "):
        parse(OPTIONS | given)
