# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Issuing a gateway token, and regenerating the key that signs it."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway_token as gateway_token
from ansible_collections.arcfleet.apim.plugins.module_utils import _service as service
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._gateway import gateway_path
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome

# Stands in for a signature in check mode when the gateway is only going to be made.
_NOT_ISSUED = base64.b64encode(b"not issued: this token comes from check mode, for a gateway to come").decode()


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_gateway_token), checked."""

    resource_group: str
    service_name: str
    name: str
    regenerate: bool
    key: str
    lifetime_days: int
    rotation_days: int


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    gateway_token.check_grid(options["lifetime_days"], options["rotation_days"])
    return Wanted(
        resource_group=check_name("resource_group", options["resource_group"]),
        service_name=check_name("service_name", options["service_name"]),
        name=check_name("gateway", options["gateway_name"], "gateway_name"),
        regenerate=options["state"] == "regenerated",
        key=options["key"],
        lifetime_days=options["lifetime_days"],
        rotation_days=options["rotation_days"],
    )


def ensure(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """Issue the token of the present rotation window, or make a new key.

    :raises ApimError: the gateway does not exist, or Azure refused.
    """
    path = gateway_path(arm, wanted.resource_group, wanted.service_name, wanted.name)
    if wanted.regenerate:
        return _regenerate(wanted, arm, path, check_mode)
    now = dt.datetime.now(dt.timezone.utc)
    expires_on = gateway_token.expiry_on_grid(now, path, wanted.lifetime_days, wanted.rotation_days)
    text = _issue(wanted, arm, path, expires_on, check_mode)
    return Outcome(False, {"token": {"value": text, "key": wanted.key, **(gateway_token.facts(expires_on, now) or {})}})


def _issue(wanted: Wanted, arm: Arm, path: str, expires_on: dt.datetime, check_mode: bool) -> str:
    body = {"keyType": wanted.key, "expiry": f"{expires_on:%Y-%m-%dT%H:%M:%SZ}"}
    try:
        answer = _act(arm, path, f"issue a token for the gateway {path}", "generateToken", body)
    except AzureFailure as failure:
        if check_mode and _gateway_is_missing(failure):
            return f"{wanted.name}&{expires_on:%Y%m%d%H%M}&{_NOT_ISSUED}"
        raise
    try:
        token = gateway_token.parse(str((answer or {}).get("value") or ""))
    except ApimError:
        raise ApimError(f"Azure's answer to the request for a token for the gateway {path} holds none. Run again.") from None
    # Azure may know the gateway in other letters than the task: its names have no case.
    if (token.gateway.lower(), token.expires_on) != (wanted.name.lower(), expires_on):
        raise ApimError(f"Azure issued {token!r} although {wanted.name!r} until {expires_on:%Y-%m-%dT%H:%MZ} was asked for.")
    return token.text


def _regenerate(wanted: Wanted, arm: Arm, path: str, check_mode: bool) -> Outcome:
    if check_mode:
        arm.get(f"read the gateway {path}", path, service.API_VERSION)
    else:
        _act(arm, path, f"regenerate the {wanted.key} key of the gateway {path}", "regenerateKey", {"keyType": wanted.key})
    return Outcome(True, {"token": None})


def _act(arm: Arm, path: str, doing: str, action: str, body: Mapping[str, t.Any]) -> t.Any:
    try:
        return arm.call(doing, "POST", f"{path}/{action}", service.API_VERSION, body).body
    except AzureFailure as failure:
        if _gateway_is_missing(failure):
            failure.args = (f"{failure} Create the gateway first, with arcfleet.apim.apim_gateway.",)
        raise


def _gateway_is_missing(failure: AzureFailure) -> bool:
    """A call below a missing gateway is a 400 ValidationError that says so in a detail."""
    return failure.status in (400, 404) and "Gateway not found" in failure.said.message
