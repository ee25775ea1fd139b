# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read when Azure says no. The texts are those that were recorded from the service."""
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import (
    AzureFailure,
    Said,
    body_of,
    error_facts,
    inner_error,
    remedy,
    sentences,
)
from harness import azure
from harness.azure import FROM_ARM, error

DENIED = (
    "The client 'app' with object id 'oid' does not have authorization to perform action "
    "'Microsoft.KubernetesConfiguration/extensions/write' over scope '/subscriptions/s' or the scope is invalid. If access was "
    "recently granted, please refresh your credentials."
)
# HTTP status, body, headers, what the message has to say beside Azure's own code and text
ROWS: dict[str, tuple[int, Any, dict[str, str], list[str]]] = {
    "extension missing": (404, azure.NO_EXTENSION, {}, ["Check the name"]),
    "cluster missing": (404, azure.NO_CLUSTER, FROM_ARM, ["Check the name", "resource_group", "subscription_id"]),
    "group missing": (
        404, error("ResourceGroupNotFound", "Resource group 'x' could not be found."), FROM_ARM, ["Check resource_group"],
    ),
    "subscription missing": (
        404, error("SubscriptionNotFound", "The subscription 'x' could not be found."), FROM_ARM, ["Check subscription_id"],
    ),
    "parent missing": (
        404,
        error("ParentResourceNotFound", "Failed to perform 'write' on resource(s) of type 'service/gateways', because the parent "
              "resource '/subscriptions/s' could not be found."),
        FROM_ARM,
        ["Check the name of the parent"],
    ),
    "parent missing, no header": (
        404,
        error("ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource 'x' not found."),
        {},
        ["Check the name of the parent"],
    ),
    "no permission": (403, error("AuthorizationFailed", DENIED), FROM_ARM, ["extensions/write", "role", "takes some minutes"]),
    "access token ended": (
        401, error("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."), {}, ["run again"],
    ),
    "another tenant": (401, error("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer."), {}, ["Check tenant"]),
    "provider not registered": (
        409,
        error("MissingSubscriptionRegistration", "The subscription is not registered to use namespace "
              "'Microsoft.KubernetesConfiguration'. See https://aka.ms/rps-not-found for how to register subscriptions.",
              details=[{"code": "MissingSubscriptionRegistration", "target": "Microsoft.KubernetesConfiguration",
                        "message": "The subscription is not registered to use namespace 'Microsoft.KubernetesConfiguration'. See "
                        "https://aka.ms/rps-not-found for how to register subscriptions."}]),
        FROM_ARM,
        ["az provider register --namespace Microsoft.KubernetesConfiguration'"],
    ),
    "no such api-version here": (
        400, error("NoRegisteredProviderFound", "No registered resource provider found for location 'x' and API version 'y'."), {},
        ["cloud_environment"],
    ),
    "invalid api-version": (
        400, error("InvalidApiVersionParameter", "The api-version 'x' is invalid. The supported versions are 'y'."), {},
        ["cloud_environment"],
    ),
    "unknown type": (
        404,
        error("InvalidResourceType", "The resource type could not be found in the namespace 'Microsoft.KubernetesConfiguration' for "
              "api version '2022-01-15-preview'."),
        {},
        ["not offered here"],
    ),
    "type not in region": (
        400,
        error("ExtensionTypeRegistrationGetFailed", "Extension type microsoft.apimanagement.gateway is not registered in region "
              "ukwest. Extension is available in eastus2euap. Please try to install in these regions."),
        {},
        ["region", "use a cluster"],
    ),
    "auto upgrade not allowed": (
        400,
        error("ExtensionAutoUpgradeCannotBeEnabled", "AutoUpgradeMinorVersion cannot be set to true.  You must set "
              "AutoUpgradeMinorVersion to false and provide a valid Version."),
        {},
        ["auto_upgrade_minor_version=false"],
    ),
    "patched while updating": (409, azure.CONFLICT, {}, ["Another operation", "wait=true"]),
    "put while updating": (
        409,
        error("UpdateFailed", "Update failed for this resource, as there is a conflicting operation in progress."),
        {},
        ["Another operation", "wait=true"],
    ),
    "throttled": (429, azure.THROTTLED, {}, ["throttling", "fewer forks"]),
    "gateway missing": (400, azure.NO_GATEWAY_BELOW, {}, ["[gwid: Gateway not found]"]),
    "etag": (412, error("PreconditionFailed", "The condition is not met."), {}, ["run again"]),
    "code unknown": (409, error("SomethingNew", "Nobody knows."), {}, ["run again"]),
    "no code": (403, {"Message": "x"}, {}, ["role"]),
}


@pytest.mark.parametrize(("status", "body", "headers", "said"), ROWS.values(), ids=ROWS)
def test_message(status: int, body: Any, headers: dict[str, str], said: list[str]) -> None:
    failure = AzureFailure("update the extension X", status, Said.of(body), headers)
    message = str(failure)
    assert message.startswith("Could not update the extension X: Azure said ")
    assert f"(HTTP {status})" in message
    if "error" in body:
        assert body["error"]["code"] in message
        assert message.count(body["error"]["message"]) == 1
    assert all(part in message for part in said), message
    assert message.endswith(".") and ".." not in message and "{" not in message
    assert (failure.status, failure.facts["error"]["status"]) == (status, status)


def test_correlation_id() -> None:
    failure = AzureFailure("x", 404, Said.of(azure.NO_CLUSTER), FROM_ARM)
    assert str(failure).endswith("Correlation id for Microsoft's support: c0ffee00-0000-4000-8000-000000000002.")
    assert failure.facts["error"] == {
        "code": "ResourceNotFound",
        "message": azure.NO_CLUSTER["error"]["message"],
        "helm_error": None,
        "status": 404,
        "correlation_id": "c0ffee00-0000-4000-8000-000000000002",
    }


@pytest.mark.parametrize(
    ("row", "absent"),
    [
        ("extension missing", True),
        ("cluster missing", False),
        ("group missing", False),
        ("subscription missing", False),
        ("parent missing", False),
        ("parent missing, no header", False),
        ("unknown type", False),
        ("no permission", False),
        ("gateway missing", False),
    ],
)
def test_404s_told_apart(row: str, absent: bool) -> None:
    status, body, headers, _said = ROWS[row]
    assert AzureFailure("x", status, Said.of(body), headers).absent is absent


def test_404_of_a_proxy_says_nothing_about_the_resource() -> None:
    assert not AzureFailure("x", 404, Said.of(body_of("<html>Not Found</html>")), {}).absent


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (error("A", "b"), ("A", "b")),
        ({"code": "A", "message": " b "}, ("A", "b")),
        ({"error": "invalid_client", "error_description": "x"}, ("", "invalid_client")),
        ({"error": {"code": None, "message": None}}, ("", "")),
        ({"error": None}, ("", "")),
        ({}, ("", "")),
        (None, ("", "")),
        ([], ("", "")),
        ("text", ("", "")),
        (error("A", "b", details=None), ("A", "b")),
        (error("A", "b", details="c"), ("A", "b")),
        (error("A", "b", details=[None, 1, {}, {"message": None}]), ("A", "b")),
        (error("A", "b", details=[{"message": "b"}]), ("A", "b")),
        (error("A", "see", details=[{"message": "one"}, {"target": "t", "message": "two"}]), ("A", "see [one] [t: two]")),
        (error("A", "", details=[{"message": "one"}]), ("A", "[one]")),
    ],
)
def test_said(body: Any, said: tuple[str, str]) -> None:
    assert Said.of(body) == said


@pytest.mark.parametrize(
    ("text", "body"),
    [('{"a": 1}', {"a": 1}), ("", None), (None, None), ("null", None), ("<html>", {"message": "<html>"}), ("\ufeff{}x", {"message": "\ufeff{}x"})],
)
def test_body_of(text: str | None, body: Any) -> None:
    assert body_of(text) == body


def test_body_of_cuts_what_nobody_reads() -> None:
    assert len(body_of("<html>" * 10_000)["message"]) == 500


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        (azure.OPERATION_ERROR["error"]["message"], azure.HELM),
        (azure.INSTALLATION_FAILED["message"], azure.STATUS_HELM),
        ("Error: [ InnerError: [Helm installation failed : cut off", "Helm installation failed : cut off"),
        ("InnerError [ plain ]", "plain"),
        ("Error: [[a] {b}] tail", "[a] {b}"),
        ("Error: {}", None),
        ("Extension instance with name 'x' not found.", None),
        ("", None),
    ],
)
def test_inner_error(text: str, inner: str | None) -> None:
    assert inner_error(text) == inner
    assert error_facts(Said("C", text))["helm_error"] == inner


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Failed to resolve the extension version from the given values. InnerError:[ '{0}' ].", "release_train and version"),
        ("Unable to get response from the Agent in time, please ensure ...", "Arc agents"),
        ("error: Unable to get the status from the local CRD with the error", "Arc agents"),
    ],
)
def test_remedies_of_operations(message: str, advice: str) -> None:
    assert advice in remedy(Said("ExtensionOperationFailed", message), None)


def test_no_advice_rather_than_a_wrong_one() -> None:
    assert remedy(Said("ExtensionOperationFailed", "x"), None) == ""
    assert "NAMESPACE" in remedy(Said("MissingSubscriptionRegistration", "x"), 409)


@pytest.mark.parametrize(
    ("parts", "text"),
    [(("a", "", "b."), "a. b."), (("a!", " b? "), "a! b?"), ((), ""), (("", " "), "")],
)
def test_sentences(parts: tuple[str, ...], text: str) -> None:
    assert sentences(*parts) == text
