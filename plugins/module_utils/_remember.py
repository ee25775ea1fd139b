# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Sharing what signing in costs: access tokens, and where a custom cloud's endpoints are.

A module process has nobody to share with. The action plugin's workers share one memory; see plugin_utils/_shared_memory.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Callable, Sequence

if t.TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

# azure-core asks for a new token when the one it has ends within five minutes.
_EARLY = 300


class Remember(t.Protocol):
    """A memory that several processes share."""

    def __call__(self, key: Sequence[t.Any], make: Callable[[], tuple[t.Any, float]], renew: bool = False) -> t.Any:
        """What is remembered under the key, made by one process while the others wait.

        :param key: plain data; it may hold secrets, and only a digest of it is kept.
        :param make: returns plain data and the time (seconds since 1970) until which it is good.
        :param renew: make it anew even if it is there.
        """


class RememberedCredential:
    """A credential whose access tokens are shared.

    :param make: makes the credential, when a token is needed that nobody has asked for yet.
    :param identity: plain data that tells this credential from others.
    """

    def __init__(self, make: Callable[[], TokenCredential], remember: Remember, identity: Sequence[t.Any]) -> None:
        self._make = make
        self._remember = remember
        self._identity = identity

    def get_token(self, *scopes: str, **options: t.Any) -> AccessToken:
        """As C(TokenCredential.get_token). A claims challenge (the token was revoked) gets a new token."""

        def make() -> tuple[t.Any, float]:
            token = self._make().get_token(*scopes, **options)
            return list(token), token.expires_on - _EARLY

        key = [*self._identity, scopes, options.get("tenant_id"), bool(options.get("enable_cae"))]
        return _access_token(self._remember(key, make, renew=bool(options.get("claims"))))


def _access_token(pair: Sequence[t.Any]) -> AccessToken:
    from azure.core.credentials import AccessToken

    return AccessToken(*pair)


def seconds_from_now(seconds: float) -> float:
    return time.time() + seconds
