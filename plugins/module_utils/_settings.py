# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The extension's settings: what they are called, what they may hold, and how they travel.

ARM takes two maps of strings, C(configurationSettings) and C(configurationProtectedSettings); it refuses nested values,
numbers and booleans. The names are those of Microsoft's reference of the extension on Azure Arc, which differ from
those of the open-source Helm chart.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

CONFIGURATION_URI = "gateway.configuration.uri"
TOKEN = "gateway.auth.token"
SERVICE_TYPE = "service.type"
REPLICAS = "replicaCount"
MONITORING_RESOURCE = "monitoring.customResourceId"
MONITORING_WORKSPACE = "monitoring.workspaceId"
MONITORING_KEY = "monitoring.ingestionKey"

# Never shown, wherever they are found: Azure also takes them as ordinary settings and then returns them in clear.
SECRET_NAMES = frozenset((TOKEN, MONITORING_KEY))
# What the gateway cannot start without.
REQUIRED_NAMES = frozenset((CONFIGURATION_URI, TOKEN))

SERVICE_TYPES = ("LoadBalancer", "NodePort", "ClusterIP")
_BOOLEAN = ("true", "false")

# name: the values it may have, or None for any text
_KNOWN: dict[str, tuple[str, ...] | None] = {
    CONFIGURATION_URI: None,
    TOKEN: None,
    "gateway.configuration.backup.enabled": _BOOLEAN,
    "gateway.configuration.backup.persistentVolumeClaim.accessMode": None,
    "gateway.configuration.backup.persistentVolumeClaim.size": None,
    "gateway.configuration.backup.persistentVolumeClaim.storageClassName": None,
    "service.instance.heartbeat.port": None,
    "service.instance.synchronization.port": None,
    "telemetry.metrics.cloud": _BOOLEAN,
    "telemetry.metrics.local": ("none", "statsd"),
    "telemetry.metrics.localStatsd.endpoint": None,
    "telemetry.metrics.localStatsd.sampling": None,
    "telemetry.metrics.localStatsd.tagFormat": ("ibrato", "dogStatsD", "influxDB"),  # Azure writes "ibrato"
    "telemetry.metrics.opentelemetry.enabled": _BOOLEAN,
    "telemetry.metrics.opentelemetry.collector.uri": None,
    "telemetry.logs.std": ("none", "text", "json"),
    "telemetry.logs.local": ("none", "auto", "localsyslog", "rfc5424", "journal", "json"),
    "telemetry.logs.localConfig.localsyslog.endpoint": None,
    "telemetry.logs.localConfig.localsyslog.facility": None,
    "telemetry.logs.localConfig.rfc5424.endpoint": None,
    "telemetry.logs.localConfig.rfc5424.facility": None,
    "telemetry.logs.localConfig.journal.endpoint": None,
    SERVICE_TYPE: SERVICE_TYPES,
    "service.http.port": None,
    "service.http.nodePort": None,
    "service.https.port": None,
    "service.https.nodePort": None,
    "ingress.enabled": _BOOLEAN,
    "dapr.enabled": _BOOLEAN,
    "dapr.app.id": None,
    "dapr.config": None,
    "dapr.logging.level": None,
    "dapr.logging.useJsonOutput": _BOOLEAN,
    MONITORING_RESOURCE: None,
    MONITORING_WORKSPACE: None,
    MONITORING_KEY: None,
    REPLICAS: None,
    "image.repository": None,
    "image.pullPolicy": ("Always", "IfNotPresent", "Never"),
    "image.tag": None,
    "probes.readiness.httpGet.path": None,
    "probes.readiness.httpGet.port": None,
    "probes.liveness.httpGet.path": None,
    "probes.liveness.httpGet.port": None,
    "highAvailability.enabled": _BOOLEAN,
    "highAvailability.disruption.maximumUnavailable": None,
    "highAvailability.podTopologySpread.whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
}
# Maps and lists whose inner names are the user's own.
_OPEN_BRANCHES = (
    "service.annotations",
    "ingress.annotations",
    "ingress.tls",
    "ingress.hosts",
    "imagePullSecrets",
    "resources",
    "nodeSelector",
    "affinity",
    "tolerations",
    "gateway.deployment.annotations",
)
# (a setting, its value, what the chart then needs)
_NEEDS = (
    ("telemetry.metrics.local", "statsd", "telemetry.metrics.localStatsd.endpoint"),
    ("telemetry.metrics.opentelemetry.enabled", "true", "telemetry.metrics.opentelemetry.collector.uri"),
    ("telemetry.logs.local", "localsyslog", "telemetry.logs.localConfig.localsyslog.endpoint"),
    ("telemetry.logs.local", "rfc5424", "telemetry.logs.localConfig.rfc5424.endpoint"),
    ("telemetry.logs.local", "journal", "telemetry.logs.localConfig.journal.endpoint"),
)


def flatten(option: str, value: Mapping[str, t.Any]) -> dict[str, str]:
    r"""Dotted names and string values, as C(helm --set) writes them: C(a.b), C(a.list[0]), booleans C(true) and C(false).

    Inside a branch with names of the user's own, such as C(service.annotations), dots in a nested name are escaped: C(x\.io/y).

    :param option: the option's name, for error texts. Values never stand in them, they may be secret.
    :raises ApimError: a name that is empty or given twice (C(a.b) beside C(a: {b: })), a value that is null.
    """
    flat: dict[str, str] = {}
    for name, text in _leaves(option, "", value):
        if name in flat:
            raise ApimError(f"{option}: {name!r} is given twice, dotted and nested. Give it once.")
        flat[name] = text
    return flat


def _leaves(option: str, path: str, value: t.Any) -> t.Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = key.replace("\\.", "") if isinstance(key, str) else ""  # a dot inside a name may be written as Helm wants it
            if not name.strip(". ") or any(char.isspace() or char in "=,{}\\" for char in name):
                raise ApimError(
                    f"{option}: {key!r} cannot be the name of a setting. "
                    "Use names without white space and = , { } \\, for example 'service.http.port'."
                )
            if path.startswith(_OPEN_BRANCHES):
                key = re.sub(r"(?<!\\)\.", r"\\.", key)  # the user's own name, such as service.beta.kubernetes.io/x
            yield from _leaves(option, f"{path}.{key}" if path else key, inner)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _leaves(option, f"{path}[{index}]", inner)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif isinstance(value, (str, int, float)):
        yield path, str(value)
    else:
        raise ApimError(f"{option}: {path!r} has no value. Give it one, or leave it out.")


def misplaced_secrets(options: Mapping[str, t.Any]) -> set[str]:
    """Secrets that stand among the ordinary settings: refused later, and not to be shown until then."""
    found = set()
    try:
        for name, text in _leaves("settings", "", options["settings"] or {}):
            if text and name in SECRET_NAMES:  # hiding the empty text would put asterisks between all letters
                found.add(text)
    except ApimError:
        pass  # said when the options are parsed
    return found


def check(settings: Mapping[str, str], protected: Mapping[str, str]) -> list[str]:
    """Look at both maps together and return warnings.

    :raises ApimError: a name in both maps, a secret among the ordinary settings, a value that is not one of the choices.
    """
    twice = sorted(settings.keys() & protected.keys())
    if twice:
        raise ApimError(f"settings and protected_settings: {twice[0]!r} is in both. Keep it in one of them.")
    bare = sorted(settings.keys() & SECRET_NAMES)
    if bare:
        raise ApimError(f"settings: {bare[0]!r} is a secret, and Azure shows ordinary settings. Use protected_settings.")
    both = {**settings, **protected}
    for name, value in both.items():
        choices = _KNOWN.get(name)
        if choices and value not in choices:
            given = f"settings: {name!r} is {value!r}." if name in settings else f"protected_settings: {name!r}."
            raise ApimError(f"{given} It must be one of: {', '.join(choices)}.")

    warnings = [_unknown_name(name) for name in both if not _is_known(name)]
    for name, value, needed in _NEEDS:
        if both.get(name) == value and needed not in both:
            warnings.append(f"The setting {name!r} is {value!r}, which needs {needed!r} as well; the task does not give it.")
    for port in ("service.http.nodePort", "service.https.nodePort"):
        if port in both and both.get(SERVICE_TYPE, "NodePort") != "NodePort":
            warnings.append(f"The setting {port!r} has no effect unless the service type is NodePort.")
    if both.get("ingress.enabled") == "true":
        warnings.append(
            "ingress.enabled=true is known to fail on Azure Arc: the extension's installer may not list the cluster's "
            "custom resource definitions. Install an ingress for the gateway's service yourself instead."
        )
    return warnings


def _is_known(name: str) -> bool:
    return name in _KNOWN or any(name.startswith((f"{branch}.", f"{branch}[")) for branch in _OPEN_BRANCHES)


def _unknown_name(name: str) -> str:
    near = difflib.get_close_matches(name, [*_KNOWN, *_OPEN_BRANCHES], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"The extension has no setting {name!r} that Microsoft documents; it is sent as it is.{hint}"
