# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""What Azure said, in words a person can act on."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

# Azure's code: what to do about it. The codes are those of ARM, of Microsoft.KubernetesConfiguration and of API Management.
_REMEDIES = {
    "AuthorizationFailed": "Give the identity a role with the action named above on that scope; a new role assignment "
    "takes some minutes to work.",
    "ExpiredAuthenticationToken": "The access token ended during the run; run again.",
    "InvalidAuthenticationToken": "Check that tenant and cloud_environment belong to the subscription.",
    "InvalidAuthenticationTokenTenant": "Check tenant: the subscription belongs to another one.",
    "ResourceGroupNotFound": "Check resource_group and subscription_id.",
    "ResourceNotFound": "Check the name, resource_group and subscription_id.",
    "ParentResourceNotFound": "Check the name of the parent resource, resource_group and subscription_id.",
    "SubscriptionNotFound": "Check subscription_id, and that the identity may read that subscription.",
    "InvalidSubscriptionId": "Check subscription_id.",
    "MissingSubscriptionRegistration": "Register the resource provider in the subscription, for example with "
    "'az provider register --namespace {provider}', and wait until it is Registered.",
    "InvalidResourceType": "The resource type is not offered here; check cloud_environment.",
    "NoRegisteredProviderFound": "This cloud does not offer that API version; check cloud_environment.",
    "InvalidApiVersionParameter": "This cloud does not offer that API version; check cloud_environment.",
    "ExtensionTypeRegistrationGetFailed": "The extension is not offered in the connected cluster's region; use a cluster "
    "in one of the regions that Azure names.",
    "ExtensionAutoUpgradeCannotBeEnabled": "Give auto_upgrade_minor_version=false and a version.",
    "ExtensionPatchFailed": "Another operation is under way; with wait=true the task waits for it first.",
    "UpdateFailed": "Another operation is under way; with wait=true the task waits for it first.",
    "TooManyRequests": "Azure is throttling; run again later, with fewer forks.",
    "SubscriptionRequestsThrottled": "Azure is throttling; run again later, with fewer forks.",
    "ResourceRequestsThrottled": "Azure is throttling; run again later, with fewer forks.",
    "ScopeLocked": "A lock on the resource forbids the change; remove it first.",
    "RequestDisallowedByPolicy": "An Azure Policy of the subscription forbids the change; ask its owner.",
}
_REMEDY_BY_STATUS = {
    401: "Sign in again: check client_id, secret, tenant and cloud_environment.",
    403: "Check the identity's role assignments.",
    404: "Check the names, resource_group and subscription_id.",
    409: "Something else is changing the resource; run again.",
    412: "Somebody changed the resource in between; run again.",
    429: "Azure is throttling; run again later, with fewer forks.",
}
_HELM_HINTS = (
    ("Failed to resolve the extension version", "Check release_train and version: the version has to exist in that train."),
    ("Unable to get response from the Agent", "Check that the cluster's Arc agents run and reach Azure."),
    ("Unable to get the status from the local CRD", "Check that the cluster's Arc agents run and reach Azure."),
)


class Said(t.NamedTuple):
    """The error of an answer or of an operation, as Azure put it."""

    code: str
    message: str

    @classmethod
    def of(cls, body: t.Any) -> Said:
        """Read an error body; its inner details are appended to the message. Tolerates any shape."""
        error = body.get("error", body) if isinstance(body, Mapping) else {}
        if not isinstance(error, Mapping):
            error = {"message": error}
        message = str(error.get("message") or "").strip()
        details = error.get("details")
        for detail in details if isinstance(details, list) else ():
            inner = str(detail.get("message") or "").strip() if isinstance(detail, Mapping) else ""
            if inner and inner not in message:
                target = detail.get("target")
                message = f"{message} [{f'{target}: ' if target else ''}{inner}]".strip()
        return cls(str(error.get("code") or ""), message)


class AzureFailure(ApimError):
    """Azure refused a request.

    :ivar status: HTTP status; None when there was no answer.
    :ivar said: what Azure said.
    :ivar absent: the resource itself does not exist. When it is a parent that is missing, ARM answers in the provider's
        place, with another code or, with the same one, with C(x-ms-failure-cause: gateway). A 404 of somebody else, such as
        a proxy, says nothing about the resource.
    """

    def __init__(self, doing: str, status: int | None, said: Said, headers: Mapping[str, str] | None = None) -> None:
        headers = headers or {}
        self.status = status
        self.said = said
        answered_by_arm = headers.get("x-ms-failure-cause") == "gateway"
        self.absent = status == 404 and said.code == "ResourceNotFound" and not answered_by_arm
        super().__init__(
            sentences(f"Could not {doing}: {quote(said, status)}", remedy(said, status), correlation_text(headers)),
            error=error_facts(said, status, headers),
        )


def error_facts(said: Said, status: int | None = None, headers: Mapping[str, str] | None = None) -> dict[str, t.Any]:
    """The return value C(error) of a failed task."""
    return {
        "code": said.code or None,
        "message": said.message or None,
        "helm_error": inner_error(said.message),
        "status": status,
        "correlation_id": (headers or {}).get("x-ms-correlation-request-id"),
    }


def sentences(*parts: str) -> str:
    """Join the parts that are not empty, each closed with a full stop."""
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in (p.strip() for p in parts) if part)


def quote(said: Said, status: int | None = None) -> str:
    """Azure's own words, as part of a sentence."""
    where = f" (HTTP {status})" if status else ""
    if said.code and said.message:
        return f"Azure said {said.code}{where}: {said.message}"
    return f"Azure said {said.code or said.message or 'nothing more'}{where}"


def correlation_text(headers: Mapping[str, str]) -> str:
    identifier = headers.get("x-ms-correlation-request-id")
    return f"Correlation id for Microsoft's support: {identifier}" if identifier else ""


def remedy(said: Said, status: int | None) -> str:
    """What to do about this error; empty when we have no advice."""
    for text, advice in _HELM_HINTS:
        if text in said.message:
            return advice
    advice = _REMEDIES.get(said.code) or _REMEDY_BY_STATUS.get(status or 0, "")
    provider = re.search(r"namespace '([\w.]+)'", said.message)
    return advice.replace("{provider}", provider[1] if provider else "NAMESPACE")


def inner_error(text: str) -> str | None:
    """The part of an extension's error that helps: what Helm or Kubernetes said, dug out of its nest of brackets.

    Seen: C(Error: [ InnerError: [Helm installation failed : ... InnerError [...]]] occurred while doing ...) from an
    operation, and C(Error: {failed to install chart ...} occurred while doing ...) in the resource's statuses.
    """
    for opening in (re.search(r"InnerError:?\s*\[", text), re.search(r"Error:\s*[\[{]", text)):
        inner = _up_to_its_bracket(text[opening.end():]).strip() if opening else ""
        # "Failed to resolve the extension version ... InnerError:[ '{0}' ]" is what Azure really says: nothing was filled in.
        if inner.strip("'\"{}0123456789 "):
            return inner
    return None


def _up_to_its_bracket(text: str) -> str:
    """The text before the bracket that closes one opened before it."""
    depth = 1
    for position, char in enumerate(text):
        depth += (char in "[{") - (char in "]}")
        if depth == 0:
            return text[:position]
    return text


def body_of(text: str | None) -> t.Any:
    """The JSON in an answer; the text itself when it is not JSON, cut to a readable length."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return {"message": (text or "").strip()[:500]}
