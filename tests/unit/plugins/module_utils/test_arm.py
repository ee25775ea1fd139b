# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to Azure Resource Manager: what is sent, what is retried, how failures read."""
from __future__ import annotations

import pytest
import requests
from ansible_collections.arcfleet.apim.plugins.module_utils import _arm
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import SignIn
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import CLOUDS
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from harness import azure
from harness.azure import GATEWAY
from harness.wire import ACCESS_TOKEN, Call, Clock, Credential, Wire

PATH = f"{GATEWAY}/ü"


def test_a_request(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("PUT", PATH, 201, {"id": "x"}, {"ETag": '"1"'}))
    answer = arm.call("make it", "PUT", PATH, "2022-08-01", {"a": "ü"}, {"If-Match": "*"})
    assert (answer.status, answer.body, answer.headers["etag"]) == (201, {"id": "x"}, '"1"')
    (sent,) = wire.sent
    assert sent.url == f"https://management.azure.com{GATEWAY}/%C3%BC?api-version=2022-08-01"
    assert (sent.headers["Authorization"], sent.headers["If-Match"], sent.headers["Accept"]) == (f"Bearer {ACCESS_TOKEN}", "*", "application/json")
    assert "arcfleet.apim" in sent.headers["User-Agent"] and sent.headers["x-ms-client-request-id"]
    assert wire.bodies("PUT") == [{"a": "ü"}]


@pytest.mark.parametrize(("status", "text", "body"), [(204, "", None), (200, "null", None), (200, " {} ", {})])
def test_odd_answers(arm: Arm, wire: Wire, status: int, text: str, body: object) -> None:
    wire.expect(Call("POST", PATH, status, text))
    assert arm.call("x", "POST", PATH, "1").body == body


def test_an_answer_that_is_not_json(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("POST", PATH, 200, "<html>a captive portal</html>"))
    with pytest.raises(ApimError, match="Could not x: Azure's answer is not what its interface promises"):
        arm.call("x", "POST", PATH, "1")


def test_find(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", PATH, 404, azure.NO_GATEWAY), Call("GET", PATH, 200, {"id": "x"}), Call("GET", PATH, 404, azure.NO_SERVICE, azure.FROM_ARM))
    assert arm.find("x", PATH, "1") is None
    assert arm.find("x", PATH, "1").body == {"id": "x"}
    with pytest.raises(AzureFailure, match="service/contoso"):
        arm.find("x", PATH, "1")


def test_members_over_pages(arm: Arm, wire: Wire) -> None:
    more = "https://management.azure.com/more?$skiptoken=a%2Fb%3D&api-version=1"
    wire.expect(
        Call("GET", PATH, 200, {"value": [{"name": "a"}], "count": 3, "nextLink": more}),
        Call("GET", more, 200, {"value": [{"name": "b"}, {"name": "c"}], "nextLink": None}),
        Call("GET", PATH, 200, {"value": None}),
    )
    assert [member["name"] for member in arm.members("list", PATH, "1")] == ["a", "b", "c"]
    assert arm.members("list", PATH, "1") == []


def test_an_operation_url_is_sent_as_it_came(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", azure.OPERATION, 200, azure.operation("Creating")))
    assert arm.follow("x", azure.OPERATION)["status"] == "Creating"


@pytest.mark.parametrize(
    ("subscription", "said"), [(None, "not given"), ("", "AZURE_SUBSCRIPTION_ID"), ("Pay as you go", "'Pay as you go' is not a valid name")]
)
def test_subscription(wire: Wire, credential: Credential, subscription: str | None, said: str) -> None:
    cloud = CLOUDS["AzureCloud"]
    with pytest.raises(ApimError, match=f"^subscription_id: .*{said}"):
        str(Arm(SignIn(credential, cloud, subscription, cloud.scope, True, "parameters")).subscription_id)


# Throttling and trouble


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "body", "nap"),
    [
        ({}, azure.THROTTLED, 6),  # recorded so: the text is all there is
        ({"Retry-After": "17"}, azure.THROTTLED, 17),
        ({"Retry-After": "2"}, azure.error("TooManyRequests", "Too many."), 2),
        ({}, azure.error("X", "Please try again after 11 seconds"), 11),
    ],
)
def test_429_waits_as_told(arm: Arm, wire: Wire, clock: Clock, method: str, headers: dict, body: dict, nap: int) -> None:
    wire.expect(Call(method, PATH, 429, body, headers), Call(method, PATH, 200, {"id": "x"}))
    assert arm.call("x", method, PATH, "1").body == {"id": "x"}
    (slept,) = clock.naps
    assert nap <= slept <= 1.25 * nap


def test_429_without_end(arm: Arm, wire: Wire, clock: Clock) -> None:
    wire.expect(*[Call("GET", PATH, 429, azure.THROTTLED)] * 9)
    with pytest.raises(AzureFailure, match=r"SubscriptionRequestsThrottled \(HTTP 429\).*throttling"):
        arm.get("read it", PATH, "1")
    assert len(clock.naps) == 8 and all(6 <= nap <= 7.5 for nap in clock.naps) and len(set(clock.naps)) > 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_short_trouble_of_the_service(arm: Arm, wire: Wire, status: int) -> None:
    wire.expect(Call("GET", PATH, status, "<html>"), Call("GET", PATH, 200, {"id": "x"}))
    assert arm.get("x", PATH, "1") == {"id": "x"}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412])
def test_a_refusal_is_not_repeated(arm: Arm, wire: Wire, clock: Clock, status: int) -> None:
    wire.expect(Call("PUT", PATH, status, azure.error("C", "m")))
    with pytest.raises(AzureFailure) as caught:
        arm.call("put it", "PUT", PATH, "1")
    assert (caught.value.status, clock.naps) == (status, [])


def test_an_answer_cut_short(arm: Arm, wire: Wire) -> None:
    cut = Call("GET", PATH, 200, '{"id": ', {"Content-Type": "application/json"})
    wire.expect(cut, Call("GET", PATH, 200, {"id": "x"}))
    assert arm.get("x", PATH, "1") == {"id": "x"}
    wire.expect(*[cut] * 9)
    with pytest.raises(ApimError, match="Could not read it: Azure's answer is not what its interface promises"):
        arm.get("read it", PATH, "1")


def test_no_connection(arm: Arm, wire: Wire) -> None:
    wire.expect(*[Call("GET", PATH, answer=requests.exceptions.ConnectionError("[Errno -2] Name or service not known"))] * 4)
    with pytest.raises(ApimError) as caught:
        arm.get("read it", PATH, "1")
    for part in ("Could not read it: https://management.azure.com gave no answer", "Name or service not known", "cloud_environment", "REQUESTS_CA_BUNDLE"):
        assert part in str(caught.value)


def test_no_tls(arm: Arm, wire: Wire) -> None:
    wire.expect(*[Call("GET", PATH, answer=requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"))] * 4)
    with pytest.raises(ApimError, match="CERTIFICATE_VERIFY_FAILED.*REQUESTS_CA_BUNDLE"):
        arm.get("read it", PATH, "1")


@pytest.mark.parametrize("kind", [ClientAuthenticationError, CredentialUnavailableError])
def test_no_access_token(arm: Arm, credential: Credential, kind: type[Exception]) -> None:
    """Nothing is sent, and the network is not blamed."""
    credential.failure = kind(message="AADSTS7000215: Invalid client secret provided.")
    with pytest.raises(ApimError) as caught:
        arm.get("read it", PATH, "1")
    message = str(caught.value)
    assert message.startswith("Could not read it. Azure sign-in failed at https://login.microsoftonline.com")
    assert "The client secret is wrong" in message and "gave no answer" not in message


def test_access_token_refused(arm: Arm, wire: Wire) -> None:
    wire.expect(Call("GET", PATH, 401, azure.error("ExpiredAuthenticationToken", "The access token has expired."),
                     {"WWW-Authenticate": 'Bearer authorization_uri="https://login.windows.net/t", error="invalid_token"'}))
    with pytest.raises(AzureFailure, match=r"^Could not read it: Azure said ExpiredAuthenticationToken \(HTTP 401\).*run again"):
        arm.get("read it", PATH, "1")


@pytest.mark.parametrize("answer", [azure.NO_CLUSTER, "<html>"])
def test_the_access_token_is_in_no_message(arm: Arm, wire: Wire, answer: object) -> None:
    wire.expect(Call("GET", PATH, 400, answer))
    with pytest.raises(ApimError) as caught:
        arm.get("x", PATH, "1")
    assert ACCESS_TOKEN not in f"{caught.value!r}{caught.value.facts}{arm.sign_in!r}"
    assert caught.value.__suppress_context__


def test_certificates_are_checked_as_the_sign_in_says(monkeypatch: pytest.MonkeyPatch, credential: Credential) -> None:
    given = []
    monkeypatch.setattr(_arm, "RequestsTransport", lambda connection_verify, **_more: given.append(connection_verify))
    cloud = CLOUDS["AzureCloud"]
    for verify in (True, False):
        Arm(SignIn(credential, cloud, None, cloud.scope, verify, "parameters"))
    assert given == [True, False]
