# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Calls to Azure Resource Manager with plain JSON.

Every resource but the extension goes this way: a handful of calls do not justify a software development kit for each
provider, and the typed ones drop what they do not know, such as a gateway's heartbeat.
"""

from __future__ import annotations

import json
import random
import re
import ssl
import traceback
import typing as t
from collections.abc import Mapping
from contextlib import contextmanager

from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import SignIn, explain_sign_in_failure
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure, Said, body_of, sentences
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name, url_path
from ansible_collections.arcfleet.apim.plugins.module_utils._tls import session_with

try:
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        DeserializationError,
        HttpResponseError,
    )
    from azure.core.pipeline import Pipeline
    from azure.core.pipeline.policies import (
        ContentDecodePolicy,
        HeadersPolicy,
        ProxyPolicy,
        RequestIdPolicy,
        RetryPolicy,
        SansIOHTTPPolicy,
        UserAgentPolicy,
    )
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
except ImportError:
    AZURE_IMPORT_ERROR: str | None = traceback.format_exc()
    SansIOHTTPPolicy = object
else:
    AZURE_IMPORT_ERROR = None

_TRY_AGAIN = re.compile(r"try again after '?(\d+)'? seconds", re.IGNORECASE)


class _WaitAsTold(SansIOHTTPPolicy):
    """How long to wait after a 429. Some of ARM's say so in their text only, so it is put where the retry policy looks.

    Up to a quarter is added, so that the workers that were told the same do not all come back at once.
    """

    def on_response(self, request: t.Any, response: t.Any) -> None:
        answer = response.http_response
        if answer.status_code != 429:
            return
        told = answer.headers.get("Retry-After") or (_TRY_AGAIN.findall(answer.text()) or [""])[0]
        if told.isdigit():
            answer.headers["Retry-After"] = f"{int(told) * random.uniform(1, 1.25):.2f}"


class _Count(SansIOHTTPPolicy):
    """Tell of every request that is sent, repeated ones included."""

    def __init__(self, count: t.Callable[[], t.Any]) -> None:
        self._count = count

    def on_request(self, request: t.Any) -> None:
        self._count()


def _nothing() -> None:
    pass


class Answer(t.NamedTuple):
    """ARM's answer: status, JSON body (None when empty), headers."""

    status: int
    body: t.Any
    headers: Mapping[str, str]


class Arm:
    """One identity's view of one cloud. Made after a fork, never shared with a parent process.

    :ivar sign_in: who we are and which cloud this is.
    :ivar pipeline: azure-core's pipeline, shared with the extension's client.
    :ivar on_wait: called at every look at an operation that goes on, for telling people that it does.
    """

    def __init__(
        self,
        sign_in: SignIn,
        on_request: t.Callable[[], t.Any] = _nothing,
        on_wait: t.Callable[[], t.Any] = _nothing,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        :param on_request: called for every request that is sent, for counting them.
        :param tls: from L(_tls.trusted), when it was made before.
        """
        self.sign_in = sign_in
        self.on_wait = on_wait
        self.pipeline = Pipeline(
            RequestsTransport(
                session=session_with(tls) if tls and sign_in.verify else None,
                connection_verify=sign_in.verify,
                connection_timeout=20,
                read_timeout=60,
            ),
            # No logging policy: with a log file configured, Ansible would write the SDK's log to it.
            [
                RequestIdPolicy(),
                HeadersPolicy(),
                UserAgentPolicy(sdk_moniker="arcfleet.apim"),
                ProxyPolicy(),
                RetryPolicy(retry_total=8, retry_connect=3, retry_read=3, retry_status=8, retry_backoff_max=60),
                ARMChallengeAuthenticationPolicy(sign_in.credential, sign_in.scope),
                _WaitAsTold(),
                _Count(on_request),
                ContentDecodePolicy(),
            ],
        )
        self._client = ARMPipelineClient(sign_in.cloud.resource_manager, pipeline=self.pipeline, policies=[])

    @property
    def subscription_id(self) -> str:
        """:raises ApimError: neither the task nor the environment says which subscription."""
        if not self.sign_in.subscription_id:
            raise ApimError("subscription_id: not given. Set the option, or AZURE_SUBSCRIPTION_ID in the environment.")
        return check_name("subscription_id", self.sign_in.subscription_id)

    def call(
        self,
        doing: str,
        method: str,
        path: str,
        api_version: str,
        body: t.Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request.

        :param doing: completes "Could not ..." in an error text.
        :param path: the resource id, with an action behind it where there is one.
        :raises AzureFailure: Azure refused, or could not be reached.
        """
        request = HttpRequest(
            method,
            self._client.format_url(url_path(path)),
            params={"api-version": api_version},
            json=body,
            headers={"Accept": "application/json", **(headers or {})},
        )
        return self._send(doing, request)

    def get(self, doing: str, path: str, api_version: str) -> t.Any:
        """The resource's body."""
        return self.call(doing, "GET", path, api_version).body

    def find(self, doing: str, path: str, api_version: str) -> Answer | None:
        """The resource, or None when it does not exist. A missing parent is an error.

        :raises AzureFailure: as L(call) does.
        """
        try:
            return self.call(doing, "GET", path, api_version)
        except AzureFailure as failure:
            if failure.absent:
                return None
            raise

    def members(self, doing: str, path: str, api_version: str) -> list[dict[str, t.Any]]:
        """All members of a list, over all its pages."""
        page = self.get(doing, path, api_version)
        found = list(page.get("value") or ())
        while page.get("nextLink"):
            page = self.follow(doing, page["nextLink"])
            found += page.get("value") or ()
        return found

    def follow(self, doing: str, url: str) -> t.Any:
        """GET a URL that Azure gave, exactly as it is: operation URLs are signed."""
        return self._send(doing, HttpRequest("GET", url, headers={"Accept": "application/json"})).body

    def _send(self, doing: str, request: t.Any) -> Answer:
        with explained(doing, self.sign_in):
            response = self._client.send_request(request)
            response.raise_for_status()
            text = response.text().strip()
            return Answer(response.status_code, json.loads(text) if text else None, response.headers)


@contextmanager
def explained(doing: str, sign_in: SignIn) -> t.Iterator[None]:
    """Turn the exceptions of azure-core and azure-identity into ours.

    :param doing: completes "Could not ...".
    :raises AzureFailure: Azure answered with an error.
    :raises ApimError: no answer, no access token, or an answer that is not what the interface promises.
    """
    # "from None": the originals carry requests and responses.
    try:
        yield
    except (DecodeError, DeserializationError, json.JSONDecodeError):
        raise ApimError(f"Could not {doing}: Azure's answer is not what its interface promises. Run again.") from None
    except HttpResponseError as error:
        response = error.response
        if isinstance(error, ClientAuthenticationError) and not _from_resource_manager(response, sign_in):
            raise ApimError(sentences(f"Could not {doing}", explain_sign_in_failure(error, sign_in))) from None
        if response is None:
            raise ApimError(_unreachable(doing, sign_in, error)) from None
        raise AzureFailure(doing, response.status_code, Said.of(body_of(response.text())), response.headers) from None
    except AzureError as error:
        raise ApimError(_unreachable(doing, sign_in, error)) from None


def _from_resource_manager(response: t.Any, sign_in: SignIn) -> bool:
    """Whether an authentication error is ARM's own 401, which the SDK raises like azure-identity's failure to get a token."""
    url = str(response.request.url) if response is not None else ""
    return url.startswith(sign_in.cloud.resource_manager) and "/oauth2/" not in url


def _unreachable(doing: str, sign_in: SignIn, error: Exception) -> str:
    return sentences(
        f"Could not {doing}: {sign_in.cloud.resource_manager} gave no answer: {error}",
        "Check cloud_environment, the network, the proxy and, for a private certificate authority, REQUESTS_CA_BUNDLE",
    )
