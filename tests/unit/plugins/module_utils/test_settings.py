# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._settings import check, flatten, misplaced_secrets

FLAT = {
    "empty": ({}, {}),
    "dotted already": ({"service.type": "NodePort"}, {"service.type": "NodePort"}),
    "nested": ({"resources": {"limits": {"cpu": "500m"}}}, {"resources.limits.cpu": "500m"}),
    "nested below dotted": ({"resources.limits": {"cpu": 1}}, {"resources.limits.cpu": "1"}),
    "booleans": ({"a": True, "b": False}, {"a": "true", "b": "false"}),
    "numbers": ({"a": 3, "b": 0, "c": 0.5}, {"a": "3", "b": "0", "c": "0.5"}),
    "text stays": ({"a": "", "b": " x ", "c": "True", "d": "a=b,c"}, {"a": "", "b": " x ", "c": "True", "d": "a=b,c"}),
    "list": ({"tolerations": [{"key": "k"}, "x"]}, {"tolerations[0].key": "k", "tolerations[1]": "x"}),
}
UNFIT = {
    "twice": ({"a.b": "hush", "a": {"b": "hush"}}, "'a.b' is given twice"),
    "null": ({"a": {"b": None}}, "'a.b' has no value"),
    "null in a list": ({"a": ["hush", None]}, "'a[1]' has no value"),
    "empty name": ({"": "hush"}, "'' cannot be the name"),
    "only dots": ({"a": {"..": "hush"}}, "'..' cannot be the name"),
    "number as a name": ({7: "hush"}, "7 cannot be the name"),
    "white space": ({"a b": "hush"}, "'a b' cannot be the name"),
    "newline": ({"a\n": "hush"}, "cannot be the name"),
    "equal sign": ({"a=b": "hush"}, "'a=b' cannot be the name"),
    "brace": ({"a{": "hush"}, "cannot be the name"),
    "bytes": ({"a": b"hush"}, "'a' has no value"),
}


@pytest.mark.parametrize(("given", "flat"), FLAT.values(), ids=FLAT)
def test_flatten(given: dict, flat: dict) -> None:
    assert flatten("settings", given) == flat


@pytest.mark.parametrize(("given", "said"), UNFIT.values(), ids=UNFIT)
def test_flatten_refuses(given: dict, said: str) -> None:
    with pytest.raises(ApimError) as caught:
        flatten("protected_settings", given)
    assert str(caught.value).startswith("protected_settings: ") and said in str(caught.value)
    assert "hush" not in str(caught.value)


REFUSED = {
    "in both maps": ({"dapr.config": "hush"}, {"dapr.config": "hush"}, ["'dapr.config'", "both"]),
    "bare token": ({"gateway.auth.token": "hush"}, {}, ["'gateway.auth.token'", "secret", "protected_settings"]),
    "bare ingestion key": ({"monitoring.ingestionKey": "hush"}, {}, ["'monitoring.ingestionKey'", "protected_settings"]),
    "wrong choice": ({"service.type": "nodeport"}, {}, ["'service.type' is 'nodeport'", "LoadBalancer, NodePort, ClusterIP"]),
    "not a boolean": ({"telemetry.metrics.cloud": "yes"}, {}, ["'telemetry.metrics.cloud'", "true, false"]),
    "wrong log format": ({"telemetry.logs.std": "xml"}, {}, ["none, text, json"]),
    "wrong choice, protected": ({}, {"telemetry.logs.std": "hush"}, ["'telemetry.logs.std'", "none, text, json"]),
}


@pytest.mark.parametrize(("settings", "protected", "said"), REFUSED.values(), ids=REFUSED)
def test_check_refuses(settings: dict, protected: dict, said: list[str]) -> None:
    with pytest.raises(ApimError) as caught:
        check(settings, protected)
    assert all(part in str(caught.value) for part in said)
    assert "hush" not in str(caught.value)


WARNED = {
    "typing error": ({"gateway.configuration.urii": "x"}, {}, ["'gateway.configuration.urii'", "'gateway.configuration.uri'?"]),
    "name of the open-source chart": ({}, {"gateway.auth.key": "hush"}, ["'gateway.auth.key'", "sent as it is"]),
    "nothing near": ({"zzzzzzzz": "x"}, {}, ["'zzzzzzzz'"]),
    "branch without a name in it": ({"resources": "x"}, {}, ["'resources'"]),
    "statsd": ({"telemetry.metrics.local": "statsd"}, {}, ["'telemetry.metrics.localStatsd.endpoint'"]),
    "opentelemetry": ({"telemetry.metrics.opentelemetry.enabled": "true"}, {}, ["opentelemetry.collector.uri"]),
    "localsyslog": ({"telemetry.logs.local": "localsyslog"}, {}, ["localConfig.localsyslog.endpoint"]),
    "rfc5424": ({"telemetry.logs.local": "rfc5424"}, {}, ["localConfig.rfc5424.endpoint"]),
    "journal": ({"telemetry.logs.local": "journal"}, {}, ["localConfig.journal.endpoint"]),
    "node port": ({"service.type": "ClusterIP", "service.http.nodePort": "30080"}, {}, ["'service.http.nodePort'", "NodePort"]),
    "ingress": ({"ingress.enabled": "true"}, {}, ["ingress.enabled=true", "known to fail"]),
}


@pytest.mark.parametrize(("settings", "protected", "said"), WARNED.values(), ids=WARNED)
def test_check_warns(settings: dict, protected: dict, said: list[str]) -> None:
    (warning,) = check(settings, protected)
    assert all(part in warning for part in said)
    assert "hush" not in warning


@pytest.mark.parametrize(
    ("settings", "protected"),
    [
        ({}, {}),
        ({"service.type": "NodePort", "service.https.nodePort": "30443"}, {}),
        ({"service.http.nodePort": "30080"}, {}),  # the cluster may have the service type
        ({"telemetry.metrics.local": "statsd", "telemetry.metrics.localStatsd.endpoint": "x"}, {}),
        ({"telemetry.metrics.local": "none", "ingress.enabled": "false"}, {}),
        ({"telemetry.metrics.localStatsd.tagFormat": "ibrato"}, {}),  # as Azure spells it
        ({"resources.limits.cpu": "1", "tolerations[0].key": "k", "nodeSelector.disk": "ssd", "ingress.hosts[0].host": "h"}, {}),
        ({"gateway.deployment.annotations.mine": "x", "image.pullPolicy": "Always"}, {}),
        ({"gateway.configuration.uri": "x"}, {"gateway.auth.token": "x", "monitoring.ingestionKey": "x"}),
    ],
)
def test_check_is_content(settings: dict, protected: dict) -> None:
    assert check(settings, protected) == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (None, set()),
        ({"service.type": "hush"}, set()),
        ({"gateway.auth.token": "hush", "monitoring": {"ingestionKey": 7}}, {"hush", "7"}),
        ({"gateway": {"auth": {"token": "hush"}}}, {"hush"}),
        ({"gateway.auth.token": ""}, set()),
        ({"gateway.auth.token": "hush", "a b": 1}, {"hush"}),
    ],
)
def test_misplaced_secrets(settings: dict | None, found: set) -> None:
    assert misplaced_secrets({"settings": settings}) == found


@pytest.mark.parametrize(
    ("given", "flat"),
    [
        ({"service": {"annotations": {"service.beta.kubernetes.io/x": True}}}, {r"service.annotations.service\.beta\.kubernetes\.io/x": "true"}),
        ({"service.annotations": {"a.b/c": "x"}}, {r"service.annotations.a\.b/c": "x"}),
        ({r"service.annotations.a\.b/c": "x"}, {r"service.annotations.a\.b/c": "x"}),
        ({"resources": {"limits": {"nvidia.com/gpu": 1}}}, {r"resources.limits.nvidia\.com/gpu": "1"}),
        ({"telemetry": {"logs.std": "json"}}, {"telemetry.logs.std": "json"}),
    ],
)
def test_dots_in_names_of_the_users_own(given: dict, flat: dict) -> None:
    assert flatten("settings", given) == flat
    assert check(flat, {}) == []
