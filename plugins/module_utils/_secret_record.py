# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Remembering which secrets a cluster got.

ARM never returns protected values, so a later run cannot see whether they are the wanted ones. And the gateway reads
its token from an environment variable, so a Helm upgrade that changes only the Kubernetes Secret leaves the running
pods on the old token. One ordinary setting mends both: a pod annotation with a digest of the protected settings and the
token's expiry, written in the same request as the secrets. When it changes, Kubernetes rolls the pods.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping

SETTING = "gateway.deployment.annotations.arcfleetSecrets"
_FORM = re.compile(r"v1-[0-9a-f]{32}-expires-(\d{12}|unknown)")


def record(extension_id: str, protected: Mapping[str, str], expires_on: dt.datetime | None) -> str:
    """C(v1-<digest>-expires-<yyyyMMddHHmm>) for this extension and these protected settings.

    The digest is HMAC-SHA-256 cut to 128 bits, keyed with the extension's resource id: equal secrets on two clusters do
    not look equal. The value is never a number, because Kubernetes wants annotations to be strings.

    :param expires_on: the end of the gateway token (UTC); None when the protected settings hold no token.
    """
    content = json.dumps(sorted(protected.items()), separators=(",", ":")).encode()
    digest = hmac.new(extension_id.lower().encode(), content, hashlib.sha256).hexdigest()[:32]
    return f"v1-{digest}-expires-{expires_on:%Y%m%d%H%M}" if expires_on else f"v1-{digest}-expires-unknown"


def expiry(settings: Mapping[str, str]) -> dt.datetime | None:
    """The token's expiry (UTC) as the record among these settings has it; None without a readable record."""
    match = _FORM.fullmatch(settings.get(SETTING) or "")
    if not match or match[1] == "unknown":
        return None
    year, rest = match[1][:4], re.findall("..", match[1][4:])
    try:
        return dt.datetime(int(year), *map(int, rest), tzinfo=dt.timezone.utc)
    except ValueError:
        return None
