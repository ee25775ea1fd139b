# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The names that Azure accepts, checked before any call."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError


class _Rule(t.NamedTuple):
    pattern: str
    text: str


# '.' and '..' would name the parent in a URL.
_RULES: dict[str, _Rule] = {
    "subscription_id": _Rule(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "a GUID such as 00000000-0000-0000-0000-000000000000",
    ),
    "resource_group": _Rule(
        r"[\w.()-]{0,89}[\w()-]",
        "1 to 90 letters, digits, and _ . ( ) -, not ending in a full stop",
    ),
    "cluster_name": _Rule(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
        "1 to 63 letters, digits, and _ . -, starting with a letter or digit",
    ),
    "extension": _Rule(
        r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}",
        "1 to 253 letters, digits, and . -, starting with a letter or digit",
    ),
    "service_name": _Rule(
        r"[A-Za-z]([A-Za-z0-9-]{0,48}[A-Za-z0-9])?",
        "1 to 50 letters, digits and hyphens, starting with a letter",
    ),
    "gateway": _Rule(
        r"(?!(managed|\.|\.\.)$)[^\s*#&+:<>?/\\%]{1,80}",
        "1 to 80 characters without white space and * # & + : < > ? / \\ %, and not 'managed', '.' or '..'",
    ),
    "api": _Rule(
        r"(?!\.{1,2}$)[^\s*#&+:<>?/\\%]{1,256}",
        "1 to 256 characters without white space and * # & + : < > ? / \\ %, and not '.' or '..'",
    ),
    "target_namespace": _Rule(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a Kubernetes namespace: 1 to 63 lower-case letters, digits and hyphens",
    ),
}


def check_name(kind: str, value: str | None, option: str | None = None) -> str:
    """Return the value when it can be a name of this kind.

    :param kind: one of the rules above; also the option's name when that is not given.
    :param value: None when a task gives null, which Ansible's required_if takes for a value.
    :raises ApimError: names the option, the value and the rule.
    """
    rule = _RULES[kind]
    if value is None:
        raise ApimError(f"{option or kind}: missing. It must be {rule.text}.")
    if not re.fullmatch(rule.pattern, value):
        raise ApimError(f"{option or kind}: {value!r} is not a valid name. It must be {rule.text}.")
    return value


def resource_path(subscription_id: str, resource_group: str, *segments: str) -> str:
    """The ARM id of a resource; the segments are provider, type, name, and further pairs of type and name."""
    return "/".join(("/subscriptions", subscription_id, "resourceGroups", resource_group, "providers", *segments))


def url_path(resource_id: str) -> str:
    """The resource id as it has to stand in a URL (names may hold letters outside ASCII)."""
    return quote(resource_id, safe="/()")
