# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted wire: the calls that a test expects, in order, each with its answer. Above it everything is real: our code, the SDK, azure-core, requests."""
from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

ACCESS_TOKEN = "eyJhbGciOiJub25lIn0.eyJvaWQiOiJtZSJ9.c2VjcmV0"


class Credential:
    """Signs in without asking anybody, or fails as it is told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        if self.failure is not None:
            raise self.failure
        return AccessToken(ACCESS_TOKEN, 4102444800)


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class Call:
    """One expected request and its answer.

    :param target: the path, or the whole URL when it has to be sent exactly so.
    :param answer: a JSON body, text, or an exception to raise.
    """

    method: str
    target: str
    status: int = 200
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Wire(BaseAdapter):
    """Where requests would send; fails on a call that is not the next one of the script."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.script: list[Call] = []
        self.sent: list[requests.PreparedRequest] = []

    def expect(self, *calls: Call) -> None:
        self.script += calls

    def bodies(self, method: str) -> list[Any]:
        """What was sent with this method."""
        return [json.loads(request.body) if request.body else None for request in self.sent if request.method == method]

    def query(self, position: int = -1) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.sent[position].url).query).items()}

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        actual = f"{request.method} {request.url}"
        assert self.script, f"one call too many: {actual}"
        call = self.script.pop(0)
        where = request.url if call.target.startswith("https://") else unquote(urlsplit(request.url).path)
        assert (request.method, where) == (call.method, call.target), f"{actual} instead of {call.method} {call.target}"
        self.sent.append(request)
        if isinstance(call.answer, Exception):
            raise call.answer
        return _response(request, call)

    def close(self) -> None:
        pass

    def transport(self, **options: Any) -> RequestsTransport:
        """azure-core's own transport over this wire."""
        session = requests.Session()
        session.mount("https://", self)
        transport = RequestsTransport(**options | {"session": session, "session_owner": False})
        transport.sleep = self.clock.sleep
        return transport


def _response(request: requests.PreparedRequest, call: Call) -> requests.Response:
    text = call.answer if isinstance(call.answer, str) else "" if call.answer is None else json.dumps(call.answer)
    kind = "text/html" if isinstance(call.answer, str) else "application/json; charset=utf-8"
    headers = {"Content-Type": kind, "Content-Length": str(len(text.encode())), **call.headers}
    response = requests.Response()
    response.status_code, response.url, response.request = call.status, request.url, request
    response.headers.update(headers)
    response.raw = HTTPResponse(io.BytesIO(text.encode()), headers=headers, status=call.status, preload_content=False)
    return response
