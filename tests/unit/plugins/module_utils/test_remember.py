# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._remember import RememberedCredential
from azure.core.credentials import AccessToken
from harness.azure import GROUP
from harness.wire import Call, Wire

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1750000000"}}}'
REVOKED = {"WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
                               f'error="insufficient_claims", claims="{base64.b64encode(CLAIMS.encode()).decode()}"'}


class Memory:
    """Remembers in this process, and notes what it was asked."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.renewed: list[bool] = []
        self.until = 0.0

    def __call__(self, key: Any, make: Any, renew: bool = False) -> Any:
        name = json.dumps(key)
        self.renewed.append(renew)
        if renew or name not in self.kept:
            value, self.until = make()
            self.kept[name] = json.loads(json.dumps(value))  # it has to be plain data
        return self.kept[name]


class Numbered:
    """Signs in again each time."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append((scopes, options))
        return AccessToken(f"token {len(self.asked)}", 4102444800)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def source() -> Numbered:
    return Numbered()


@pytest.fixture
def credential(memory: Memory, source: Numbered) -> RememberedCredential:
    return RememberedCredential(lambda: source, memory, ["secret", "https://login", [["client_id", "c"]]])


def test_one_sign_in(credential: RememberedCredential, source: Numbered, memory: Memory) -> None:
    first, second = credential.get_token("scope"), credential.get_token("scope")
    assert first == second == AccessToken("token 1", 4102444800)
    assert isinstance(second, AccessToken)
    assert source.asked == [(("scope",), {})]
    assert memory.until == 4102444800 - 300  # before azure-core thinks that it is time for a new one


def test_nobody_signs_in_before_a_token_is_needed(memory: Memory) -> None:
    RememberedCredential(lambda: pytest.fail("made"), memory, [])


@pytest.mark.parametrize("other", [
    {"scopes": ("elsewhere",)}, {"tenant_id": "another"}, {"enable_cae": True}])
def test_what_is_asked_for_tells_tokens_apart(credential: RememberedCredential, other: dict[str, Any]) -> None:
    scopes = other.pop("scopes", ("scope",))
    assert credential.get_token("scope").token == "token 1"
    assert credential.get_token(*scopes, **other).token == "token 2"
    assert credential.get_token("scope").token == "token 1"


def test_who_asks_tells_tokens_apart(memory: Memory, source: Numbered) -> None:
    one, two = (RememberedCredential(lambda: source, memory, [name]) for name in ("one", "two"))
    assert (one.get_token("scope").token, two.get_token("scope").token) == ("token 1", "token 2")


def test_a_claims_challenge_renews(credential: RememberedCredential, source: Numbered, memory: Memory) -> None:
    assert credential.get_token("scope", enable_cae=True).token == "token 1"
    assert credential.get_token("scope", enable_cae=True, claims=CLAIMS).token == "token 2"
    assert credential.get_token("scope", enable_cae=True).token == "token 2"
    assert memory.renewed == [False, True, False]
    assert source.asked[1][1]["claims"] == CLAIMS


def test_a_revoked_token_on_the_wire(arm: Arm, wire: Wire, credential: RememberedCredential, source: Numbered) -> None:
    """Azure revokes the token in the middle of a run: the request is sent again with a new one, which all use from then on."""
    signed_in = dataclasses.replace(arm.sign_in, credential=credential)
    wire.expect(Call("GET", GROUP, 200, {}), Call("GET", GROUP, 401, {}, REVOKED), Call("GET", GROUP, 200, {}), Call("GET", GROUP, 200, {}))
    first = Arm(signed_in)
    first.get("read", GROUP, "1")
    first.get("read", GROUP, "1")
    Arm(signed_in).get("read", GROUP, "1")
    assert [request.headers["Authorization"] for request in wire.sent] == [f"Bearer token {number}" for number in (1, 1, 2, 2)]
    assert json.loads(source.asked[1][1]["claims"]) == json.loads(CLAIMS)


def test_it_shows_nothing(credential: RememberedCredential) -> None:
    assert "client_id" not in repr(credential)
