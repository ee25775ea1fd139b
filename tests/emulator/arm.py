# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Resource Manager envelope: what Azure checks and adds around every call of a resource provider."""

from __future__ import annotations

import fnmatch
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import providers
from .world import Throttling

if TYPE_CHECKING:
    from .app import Emulator
    from .world import Client, Subscription


@dataclass
class Reply:
    """What a handler answers. `crlf` prints the body as API Management does: indented, CRLF."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    crlf: bool = False

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        if self.crlf:
            return json.dumps(self.body, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


class ArmError(Exception):
    """An error answer in ARM's shape. `gateway` marks those that ARM itself gives, before any provider is reached."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        gateway: bool = False,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        head = ({"x-ms-failure-cause": "gateway"} if gateway else {}) | dict(headers or {})
        self.reply = Reply(status, {"error": {"code": code, "message": message} | more}, head)


@dataclass
class Call:
    """One request, taken apart. `query` has lower-case names; `params` holds the variable parts of the path as sent."""

    emu: Emulator
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    client: Client
    params: dict[str, str] = field(default_factory=dict)
    subscription: Subscription | None = None

    @property
    def version(self) -> str:
        return self.query["api-version"]

    def id(self, tail: str) -> str:
        """The resource id of something in the called resource group, e.g. `id("Microsoft.ApiManagement/service/x")`."""
        return f"/subscriptions/{self.params['subscription']}/resourceGroups/{self.params['group']}/providers/{tail}"


Handler = Callable[[Call], Reply]


@dataclass
class Route:
    """One operation: `{name}` in the template matches one path segment, letters match in any case."""

    method: str
    template: str
    type: str  # Namespace/type, for api-versions and RBAC
    handler: Handler
    action: str = ""  # the verb of a POST; empty for plain read, write, delete
    reads: bool = False  # a POST that changes nothing

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        self.regex = re.compile(pattern + "/?", re.IGNORECASE)
        self.writes = self.method in ("PUT", "PATCH", "DELETE") or self.method == "POST" and not self.reads

    @property
    def permission(self) -> str:
        if self.reads and not self.action:
            return f"{self.type}/read"
        if self.action:
            return f"{self.type}/{self.action}/action"
        return f"{self.type}/" + {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(self.method, "write")


class Throttle:
    """Resource Manager's token buckets. Off until the settings say otherwise; the headers count all the same."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, ...], tuple[float, float]] = {}

    def take(self, call: Call) -> dict[str, str]:
        """Take one token; returns the headers that tell what is left, or raises the real 429."""
        settings = call.emu.settings.throttling
        kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(call.method, "writes")
        bucket = getattr(settings or Throttling(), kind)
        size, refill = bucket.size, bucket.refill
        scope = "subscription" if call.subscription else "tenant"
        key = (call.subscription.id if call.subscription else "", call.client.id, kind)
        now = call.emu.clock.monotonic()
        level, since = self._levels.get(key, (size, now))
        if settings:
            level = min(size, level + (now - since) * refill)
            if level < 1:
                self._levels[key] = (level, now)
                wait = max(1, math.ceil((1 - level) / refill))
                owner = call.subscription.id if call.subscription else call.emu.world.tenant
                raise ArmError(
                    429,
                    "SubscriptionRequestsThrottled",
                    f"Number of requests for {scope} '{owner}' and operation '{call.method}{call.path.upper()}' "
                    f"exceeded the backend storage limit. Please try again after '{wait}' seconds.",
                    headers={"connection": "close"} | ({"retry-after": str(wait)} if settings.retry_after else {}),
                )
        else:
            level = size
        self._levels[key] = (level - 1, now)
        return {
            f"x-ms-ratelimit-remaining-{scope}-{kind}": str(int(level - 1)),
            f"x-ms-ratelimit-remaining-{scope}-global-{kind}": str(int(size * 15 - 1)),
        }


def dispatch(
    emu: Emulator, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], raw: bytes
) -> Reply:
    """Answer one Resource Manager request."""
    ids = {
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        "cache-control": "no-cache",
    }
    try:
        call = Call(
            emu,
            method,
            re.sub("/{2,}", "/", path),
            query,
            headers,
            None,
            emu.entra.authenticate(headers.get("authorization")),
        )
        reply, left = _answer(call, raw)
        ids.update(left)
    except ArmError as error:
        reply = error.reply
    reply.headers = ids | reply.headers
    return reply


def _answer(call: Call, raw: bytes) -> tuple[Reply, dict[str, str]]:
    emu = call.emu
    if not call.query.get("api-version"):
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
            gateway=True,
        )
    _enter_subscription(call)
    route = _find(call)
    counted = route.action or not route.reads  # Resource Graph has a quota of its own
    left = emu.throttle.take(call) if counted else {}
    _authorize(call, route)
    if emu.read_only and route.writes:
        emu.refused.append({"time": emu.clock.stamp(), "method": call.method, "path": call.path})
        raise ArmError(
            403, "EmulatorReadOnly", f"The emulator is in read-only mode and refused {call.method} {call.path}."
        )
    if route.writes and call.subscription:
        _need_registration(call, route.type.split("/")[0])
    if "group" in call.params and not _group_exists(call):
        raise ArmError(
            404, "ResourceGroupNotFound", f"Resource group '{call.params['group']}' could not be found.", gateway=True
        )
    _check_version(call, route)
    call.body = _parse(call, raw)
    return route.handler(call), left


def _enter_subscription(call: Call) -> None:
    match = re.match(r"/subscriptions/([^/]+)", call.path, re.IGNORECASE)
    if not match:
        return
    wanted = match[1].lower()
    call.subscription = next((one for one in call.emu.world.subscriptions if one.id.lower() == wanted), None)
    if call.subscription:
        return
    try:
        uuid.UUID(wanted)
    except ValueError:
        raise ArmError(
            400,
            "InvalidSubscriptionId",
            f"The provided subscription identifier '{match[1]}' is malformed or invalid.",
            gateway=True,
        ) from None
    raise ArmError(404, "SubscriptionNotFound", f"The subscription '{match[1]}' could not be found.", gateway=True)


def _find(call: Call) -> Route:
    allowed = False
    for route in call.emu.routes:
        if match := route.regex.fullmatch(call.path):
            if route.method == call.method:
                call.params = match.groupdict()
                return route
            allowed = True
    if allowed:
        raise ArmError(405, "MethodNotAllowed", f"The requested resource does not support http method '{call.method}'.")
    namespace = re.search(r".*/providers/([^/]+)", call.path, re.IGNORECASE)
    if namespace and not providers.find(namespace[1]):
        raise ArmError(
            404, "InvalidResourceNamespace", f"The resource namespace '{namespace[1]}' is invalid.", gateway=True
        )
    if namespace:
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The resource type could not be found in the namespace '{providers.find(namespace[1])}' for api version "
            f"'{call.version}'.",
            gateway=True,
        )
    raise ArmError(404, "NotFound", f"The emulator knows no operation {call.method} {call.path}.")


def _authorize(call: Call, route: Route) -> None:
    action = route.permission.lower()
    if any(fnmatch.fnmatchcase(action, denied.lower()) for denied in call.emu.denied(call.client)):
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{call.client.id}' with object id '{call.client.object_id}' does not have authorization to "
            f"perform action '{route.permission}' over scope '{call.path}' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials.",
            gateway=True,
            headers={"connection": "close"},
        )


def _need_registration(call: Call, namespace: str) -> None:
    assert call.subscription
    if not call.emu.registered(call.subscription, namespace):
        message = (
            f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for "
            "how to register subscriptions."
        )
        raise ArmError(
            409,
            "MissingSubscriptionRegistration",
            message,
            gateway=True,
            details=[{"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}],
        )


def _group_exists(call: Call) -> bool:
    assert call.subscription
    return any(group.name.lower() == call.params["group"].lower() for group in call.subscription.resource_groups)


def _check_version(call: Call, route: Route) -> None:
    known = providers.versions(route.type)
    if call.version in known or not known and re.fullmatch(r"20\d\d-\d\d-\d\d(-[\w.]+)?", call.version):
        return
    name = route.type.partition("/")[2]
    if not known:
        raise ArmError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{call.version}' is invalid. The supported versions are "
            "'2025-04-01,2022-12-01,2021-04-01,2020-01-01'.",
            gateway=True,
        )
    regions = ", ".join(region.replace(" ", "").lower() for region in providers.REGIONS)
    raise ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location 'global' and API version '{call.version}' for type "
        f"'{name}'. The supported api-versions are '{', '.join(known)}'. The supported locations are '{regions}'.",
        gateway=True,
    )


def _parse(call: Call, raw: bytes) -> Any:
    if not raw or call.method in ("GET", "HEAD", "DELETE"):
        return None
    media = call.headers.get("content-type", "<null>")
    if not media.lower().startswith(("application/json", "text/json")):
        raise ArmError(
            415,
            "UnsupportedMediaType",
            f"The content media type '{media}' is not supported. Only 'application/json' is supported.",
            gateway=True,
        )
    try:
        return json.loads(raw)
    except ValueError as error:
        raise invalid_content(str(error)) from None


def not_found(call: Call, kind: str, name: str) -> ArmError:
    """ARM's own 404 for a resource that it tracks (clusters, services, workspaces)."""
    message = (
        f"The Resource '{kind}/{name}' under resource group '{call.params['group']}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(404, "ResourceNotFound", message, gateway=True)


def invalid_content(why: str) -> ArmError:
    """The 400 for a body that is not what the operation takes."""
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{why}'."
    )


def member(body: Any, name: str, kind: type = dict) -> Any:
    """A member of a JSON object, None when it is absent or null; the 400 when it is of another type."""
    if body is None:
        return None
    if not isinstance(body, dict):
        raise invalid_content(f"Error converting value to an object. Path '{name}'")
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise invalid_content(f"Error converting value {json.dumps(value)} to type '{kind.__name__}'. Path '{name}'")
    return value
