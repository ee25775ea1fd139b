# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every decision about an extension, one row each: what Azure has, what the task wants, what is sent."""
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Desired, Extension, Plan, plan
from harness.azure import EXTENSION, URI, extension

URL = {"gateway.configuration.uri": URI}
TOKEN = {"gateway.auth.token": "GatewayKey hush-1"}
TOKEN2 = {"gateway.auth.token": "GatewayKey hush-2"}
KEY = {"monitoring.ingestionKey": "hush-3"}
NODE_PORT = {"service.type": "NodePort"}
CLUSTER_IP = {"service.type": "ClusterIP"}
CLUSTER_WIDE = {"cluster": {"releaseNamespace": "gateway"}}


def rec(protected: dict[str, str]) -> dict[str, str]:
    """The record of these secrets, as a setting."""
    return {secret_record.SETTING: secret_record.record(EXTENSION, protected, None)}


def have(settings: dict[str, str], *protected: str, **properties: Any) -> Extension:
    return Extension.from_rest(extension(settings, protected or ("gateway.auth.token",), **properties))


def want(settings: dict[str, str] | None = None, protected: dict[str, str] | None = None, track: bool = True, **more: Any) -> Desired:
    record = rec(protected)[secret_record.SETTING] if track and protected else None
    return Desired(**{"target_namespace": "apim", "settings": settings or {}, "protected": protected or {}, "record": record, **more})


def whole(settings: dict[str, str], protected: dict[str, str], **more: Any) -> dict[str, Any]:
    """The properties of a PUT."""
    return {
        "extensionType": "microsoft.apimanagement.gateway",
        "autoUpgradeMinorVersion": True,
        "releaseTrain": "preview",
        "scope": {"namespace": {"targetNamespace": "apim"}},
        "configurationSettings": settings,
        "configurationProtectedSettings": protected,
        **more,
    }


SETTLED = URL | rec(TOKEN)  # what this collection leaves on a cluster
OWN = have(SETTLED)
MONITORED = have(URL | rec(TOKEN | KEY), "gateway.auth.token", "monitoring.ingestionKey")
PINNED = have(SETTLED, autoUpgradeMinorVersion=False, version="1.6.0", currentVersion="1.6.0")

NONE = {
    "nothing named": (OWN, want()),
    "everything named": (OWN, want(URL, TOKEN)),
    "settings that the task does not name stay": (have(SETTLED | NODE_PORT), want(URL, TOKEN)),
    "secrets that the task does not name stay": (MONITORED, want(URL)),
    "of somebody else, no secret given": (have(URL), want(URL)),
    "purge, everything named": (have(SETTLED | NODE_PORT), want(URL | NODE_PORT, TOKEN, purge_settings=True)),
    "purge without secrets keeps the record": (OWN, want(URL, purge_settings=True)),
    "purge without secrets keeps all secrets": (MONITORED, want(URL, purge_settings=True)),
    "release train in other letters": (OWN, want(release_train="Preview")),
    "type in other letters": (have(SETTLED, extensionType="Microsoft.ApiManagement.Gateway"), want(URL, TOKEN)),
    "pinned so": (PINNED, want(version="1.6.0")),
    "pinned, nothing said": (PINNED, want(URL, TOKEN)),
    "pinned, auto upgrade not wanted": (PINNED, want(auto_upgrade_minor_version=False)),
    "upgraded, auto upgrade wanted": (OWN, want(auto_upgrade_minor_version=True)),
    "resend without secrets": (OWN, want(URL, resend_protected_settings=True)),
    "recreate without need": (OWN, want(URL, TOKEN, recreate=True)),
    "members missing or null": (
        have(SETTLED, autoUpgradeMinorVersion=None, statuses=None, currentVersion=None),
        want(URL, TOKEN),
    ),
}

UPDATE = {
    "another value": (have(SETTLED | CLUSTER_IP), want(URL | NODE_PORT, TOKEN), {"configurationSettings": SETTLED | NODE_PORT}),
    "one more setting": (OWN, want(NODE_PORT), {"configurationSettings": SETTLED | NODE_PORT}),
    "the whole map, with what is not named": (
        have(SETTLED | CLUSTER_IP),
        want({"replicaCount": "2"}, TOKEN),
        {"configurationSettings": SETTLED | CLUSTER_IP | {"replicaCount": "2"}},
    ),
    "another token: secrets and record together": (
        OWN,
        want(URL, TOKEN2),
        {"configurationSettings": URL | rec(TOKEN2), "configurationProtectedSettings": TOKEN2},
    ),
    "another token: every protected key again": (
        MONITORED,
        want({}, TOKEN2 | KEY),
        {"configurationSettings": URL | rec(TOKEN2 | KEY), "configurationProtectedSettings": TOKEN2 | KEY},
    ),
    "one more secret": (
        OWN,
        want({}, TOKEN | KEY),
        {"configurationSettings": URL | rec(TOKEN | KEY), "configurationProtectedSettings": TOKEN | KEY},
    ),
    "of somebody else: the secrets become known": (
        have(URL),
        want(URL, TOKEN),
        {"configurationSettings": SETTLED, "configurationProtectedSettings": TOKEN},
    ),
    "the record is ours, the key is gone": (
        have(URL | rec(TOKEN | KEY), "gateway.auth.token"),
        want(URL, TOKEN | KEY),
        {"configurationSettings": URL | rec(TOKEN | KEY), "configurationProtectedSettings": TOKEN | KEY},
    ),
    "somebody changed the record": (
        have(URL | {secret_record.SETTING: "x"}),
        want(URL, TOKEN),
        {"configurationSettings": SETTLED, "configurationProtectedSettings": TOKEN},
    ),
    "resend": (
        OWN,
        want(URL, TOKEN, resend_protected_settings=True),
        {"configurationSettings": SETTLED, "configurationProtectedSettings": TOKEN},
    ),
    "not tracked: sent every time": (
        have(URL),
        want(URL, TOKEN, track=False),
        {"configurationSettings": URL, "configurationProtectedSettings": TOKEN},
    ),
    "purge a secret": (
        MONITORED,
        want(URL, TOKEN, purge_settings=True),
        {"configurationSettings": SETTLED, "configurationProtectedSettings": TOKEN},
    ),
    "purge a secret that somebody added": (
        have(SETTLED, "gateway.auth.token", "dapr.config"),
        want(URL, TOKEN, purge_settings=True),
        {"configurationSettings": SETTLED, "configurationProtectedSettings": TOKEN},
    ),
    "from protected to ordinary": (
        have(URL | rec(TOKEN | {"dapr.config": "x"}), "gateway.auth.token", "dapr.config"),
        want({"dapr.config": "x"}, TOKEN),
        {"configurationSettings": SETTLED | {"dapr.config": "x"}, "configurationProtectedSettings": TOKEN},
    ),
    "pin": (OWN, want(version="1.6.4"), {"autoUpgradeMinorVersion": False, "version": "1.6.4"}),
    "another pin": (PINNED, want(version="1.7.0"), {"autoUpgradeMinorVersion": False, "version": "1.7.0"}),
    "lift the pin": (PINNED, want(auto_upgrade_minor_version=True), {"autoUpgradeMinorVersion": True, "version": None}),
    "stay at the present version": (OWN, want(auto_upgrade_minor_version=False), {"autoUpgradeMinorVersion": False, "version": "1.6.4"}),
    "train": (OWN, want(release_train="stable"), {"releaseTrain": "stable"}),
    "train and version, as the preview needs both": (
        have(SETTLED, releaseTrain="Stable"),
        want(release_train="preview", version="1.6.4"),
        {"releaseTrain": "preview", "autoUpgradeMinorVersion": False, "version": "1.6.4"},
    ),
    "several at once": (
        PINNED,
        want(NODE_PORT, TOKEN, auto_upgrade_minor_version=True, release_train="stable"),
        {
            "releaseTrain": "stable",
            "autoUpgradeMinorVersion": True,
            "version": None,
            "configurationSettings": SETTLED | NODE_PORT,
        },
    ),
}

REPLACE = {
    "purge": (have(SETTLED | NODE_PORT), want(URL, TOKEN, purge_settings=True), whole(SETTLED, TOKEN)),
    "purge secrets and settings": (
        have(URL | rec(TOKEN | KEY) | NODE_PORT, "gateway.auth.token", "monitoring.ingestionKey"),
        want(URL, TOKEN, purge_settings=True),
        whole(SETTLED, TOKEN),
    ),
    "from ordinary to protected": (
        have(SETTLED | {"dapr.config": "hush-4"}),
        want(URL, TOKEN | {"dapr.config": "hush-4"}),
        whole(URL | rec(TOKEN | {"dapr.config": "hush-4"}), TOKEN | {"dapr.config": "hush-4"}),
    ),
    "the token stood among the ordinary settings": (
        Extension.from_rest(extension(URL | TOKEN, ())),
        want(URL, TOKEN),
        whole(SETTLED, TOKEN),
    ),
    "no longer tracked: a record would lie": (OWN, want(URL, TOKEN, track=False), whole(URL, TOKEN)),
    "upgraded, with a version all the same: Azure refuses both": (
        have(SETTLED | NODE_PORT, version="1.6.4"),
        want(URL, TOKEN, purge_settings=True),
        whole(SETTLED, TOKEN),
    ),
    "pin and train stay": (
        have(SETTLED | NODE_PORT, autoUpgradeMinorVersion=False, version="1.6.0", releaseTrain="stable"),
        want(URL, TOKEN, purge_settings=True),
        whole(SETTLED, TOKEN, autoUpgradeMinorVersion=False, version="1.6.0", releaseTrain="stable"),
    ),
}

CREATE = {
    "by default": (want(URL, TOKEN), whole(SETTLED, TOKEN)),
    "not tracked": (want(URL, TOKEN, track=False), whole(URL, TOKEN)),
    "train": (want(URL, TOKEN, release_train="stable"), whole(SETTLED, TOKEN, releaseTrain="stable")),
    "pinned": (want(URL, TOKEN, version="1.6.4"), whole(SETTLED, TOKEN, autoUpgradeMinorVersion=False, version="1.6.4")),
    "not upgraded": (want(URL, TOKEN, auto_upgrade_minor_version=False), whole(SETTLED, TOKEN, autoUpgradeMinorVersion=False)),
    "more of both": (want(URL | NODE_PORT, TOKEN | KEY), whole(URL | NODE_PORT | rec(TOKEN | KEY), TOKEN | KEY)),
}

REPAIR = {
    "failed, nothing else": (have(SETTLED, state="Failed"), want(URL, TOKEN), whole(SETTLED, TOKEN)),
    "canceled": (have(SETTLED, state="Canceled"), want(URL, TOKEN), whole(SETTLED, TOKEN)),
    "with what is not named": (have(SETTLED | NODE_PORT, state="Failed"), want({}, TOKEN), whole(SETTLED | NODE_PORT, TOKEN)),
    "another version": (
        have(SETTLED, state="Failed", autoUpgradeMinorVersion=False, version="9.9.9", currentVersion=None),
        want(URL, TOKEN, version="1.6.4"),
        whole(SETTLED, TOKEN, autoUpgradeMinorVersion=False, version="1.6.4"),
    ),
    "purge": (
        have(URL | rec(TOKEN | KEY) | NODE_PORT, "gateway.auth.token", "monitoring.ingestionKey", state="Failed"),
        want(URL, TOKEN, purge_settings=True),
        whole(SETTLED, TOKEN),
    ),
}

RECREATE = {
    "type": have({}, "x", extensionType="microsoft.dapr"),
    "namespace": have(SETTLED, scope={"namespace": {"targetNamespace": "elsewhere"}}),
    "scope": have(SETTLED, scope=CLUSTER_WIDE),
    "no scope": have(SETTLED, scope=None),
    "failed as well": have(SETTLED, scope=CLUSTER_WIDE, state="Failed"),
}

REFUSE = {
    "create without anything": (None, want(), ["configuration_uri", "gateway_token"]),
    "create without a token": (None, want(URL, KEY), ["gateway_token", "gateway.auth.token"]),
    "create without an endpoint": (None, want({}, TOKEN), ["configuration_uri", "gateway.configuration.uri"]),
    "another token would lose the key": (MONITORED, want(URL, TOKEN2), ["monitoring.ingestionKey", "purge_settings=true"]),
    "the key would lose the token": (MONITORED, want(URL, {"monitoring.ingestionKey": "other"}), ["gateway.auth.token"]),
    "resend would lose the key": (MONITORED, want(URL, TOKEN, resend_protected_settings=True), ["monitoring.ingestionKey"]),
    "not tracked, would lose the key": (MONITORED, want(URL, TOKEN, track=False), ["monitoring.ingestionKey"]),
    "several would be lost": (have(URL, "gateway.auth.token", "b.key", "a.key"), want({}, TOKEN), ["a.key, b.key"]),
    "repair would lose all secrets": (have(SETTLED, state="Failed"), want(URL), ["gateway.auth.token", "purge_settings=true"]),
    "repair would lose the key": (
        have(URL | rec(TOKEN), "gateway.auth.token", "monitoring.ingestionKey", state="Failed"),
        want(URL, TOKEN),
        ["monitoring.ingestionKey"],
    ),
    "moving one key would lose another": (
        have(URL, "gateway.auth.token", "dapr.config"),
        want({"dapr.config": "x"}),
        ["gateway.auth.token"],
    ),
    "purge would lose the token": (MONITORED, want(URL, KEY, purge_settings=True), ["gateway_token"]),
    "purge would lose the endpoint": (OWN, want(NODE_PORT, TOKEN, purge_settings=True), ["configuration_uri"]),
    "purge a setting without giving the secrets": (have(SETTLED | NODE_PORT), want(URL, purge_settings=True), ["gateway_token"]),
    "another type": (have({}, "x", extensionType="microsoft.dapr"), want(URL, TOKEN), ["'microsoft.dapr'", "recreate=true"]),
    "another namespace": (OWN, want(URL, TOKEN, target_namespace="other"), ["'apim'", "'other'", "recreate=true"]),
    "the whole cluster": (have(SETTLED, scope=CLUSTER_WIDE), want(URL, TOKEN), ["whole cluster", "'gateway'", "'apim'"]),
    "recreate without a token": (have(SETTLED, scope=CLUSTER_WIDE), want(URL, recreate=True), ["gateway_token"]),
}


@pytest.mark.parametrize(("observed", "desired"), NONE.values(), ids=NONE)
def test_none(observed: Extension, desired: Desired) -> None:
    decided = plan(observed, desired)
    assert (decided.action, decided.properties, decided.changes) == ("none", {}, {})
    assert decided.before == decided.after != {}


@pytest.mark.parametrize(("observed", "desired", "sent"), UPDATE.values(), ids=UPDATE)
def test_update(observed: Extension, desired: Desired, sent: dict) -> None:
    decided = plan(observed, desired)
    assert (decided.action, decided.properties) == ("update", sent)
    assert decided.changes


@pytest.mark.parametrize(("observed", "desired", "sent"), REPLACE.values(), ids=REPLACE)
def test_replace(observed: Extension, desired: Desired, sent: dict) -> None:
    decided = plan(observed, desired)
    assert (decided.action, decided.properties) == ("replace", sent)
    assert decided.changes


@pytest.mark.parametrize(("observed", "desired", "sent"), REPAIR.values(), ids=REPAIR)
def test_repair(observed: Extension, desired: Desired, sent: dict) -> None:
    decided = plan(observed, desired)
    assert (decided.action, decided.properties) == ("repair", sent)
    assert decided.changes["provisioning_state"] == {"before": observed.provisioning_state, "after": "Succeeded"}


@pytest.mark.parametrize(("desired", "sent"), CREATE.values(), ids=CREATE)
def test_create(desired: Desired, sent: dict) -> None:
    decided = plan(None, desired)
    assert (decided.action, decided.properties, decided.before) == ("create", sent, {})
    assert decided.changes["gateway.auth.token"] == {"before": None, "after": "(set)"}


@pytest.mark.parametrize("observed", RECREATE.values(), ids=RECREATE)
def test_recreate(observed: Extension) -> None:
    decided = plan(observed, want(URL, TOKEN, recreate=True))
    assert (decided.action, decided.properties) == ("recreate", whole(SETTLED, TOKEN))


@pytest.mark.parametrize(("observed", "desired", "said"), REFUSE.values(), ids=REFUSE)
def test_refuse(observed: Extension | None, desired: Desired, said: list[str]) -> None:
    decided = plan(observed, desired)
    assert (decided.action, decided.properties) == ("refuse", {})
    assert all(part in decided.reason for part in said), decided.reason
    assert "hush" not in decided.reason


# What people see


@pytest.mark.parametrize(
    ("observed", "desired", "changes"),
    [
        (OWN, want({"replicaCount": "2"}), {"replicaCount": (None, "2")}),
        (have(SETTLED | CLUSTER_IP), want(NODE_PORT, TOKEN), {"service.type": ("ClusterIP", "NodePort")}),
        (
            OWN,
            want(URL, TOKEN2),
            {secret_record.SETTING: (*rec(TOKEN).values(), *rec(TOKEN2).values()), "gateway.auth.token": ("(set)", "(set again)")},
        ),
        (
            MONITORED,
            want(URL, TOKEN, purge_settings=True),
            {
                secret_record.SETTING: (*rec(TOKEN | KEY).values(), *rec(TOKEN).values()),
                "gateway.auth.token": ("(set)", "(set again)"),
                "monitoring.ingestionKey": ("(set)", None),
            },
        ),
        (have(SETTLED | NODE_PORT), want(URL, TOKEN, purge_settings=True), {"service.type": ("NodePort", None)}),
        (PINNED, want(auto_upgrade_minor_version=True), {"version": ("1.6.0", None), "auto_upgrade_minor_version": (False, True)}),
        (OWN, want(NODE_PORT, release_train="PREVIEW"), {"service.type": (None, "NodePort")}),
        (have(SETTLED, state="Failed"), want(URL, TOKEN), {"provisioning_state": ("Failed", "Succeeded")}),
        (OWN, want(URL, TOKEN, resend_protected_settings=True), {"gateway.auth.token": ("(set)", "(set again)")}),
    ],
)
def test_changes(observed: Extension, desired: Desired, changes: dict) -> None:
    decided = plan(observed, desired).changes
    assert {name: (row["before"], row["after"]) for name, row in decided.items()} == changes


@pytest.mark.parametrize(
    "decided",
    [
        *(plan(observed, desired) for observed, desired, _rest in (*UPDATE.values(), *REPLACE.values(), *REPAIR.values(), *REFUSE.values())),
        *(plan(None, desired) for desired, _sent in CREATE.values()),
        plan(have(SETTLED | KEY), want(NODE_PORT)),
    ],
)
def test_no_secret_is_shown(decided: Plan) -> None:
    assert "hush" not in f"{decided!r}{decided.before}{decided.after}{decided.changes}{decided.reason}"


def test_desired_hides_its_secrets() -> None:
    assert "hush" not in repr(want(URL, TOKEN | KEY))


# Reading Azure's answer


def test_from_rest() -> None:
    read = Extension.from_rest(extension(URL, ("gateway.auth.token", "b"), statuses=[{"code": "x"}]))
    assert (read.id, read.name, read.target_namespace, read.cluster_wide) == (EXTENSION, "apim-gateway", "apim", False)
    assert (read.release_train, read.version, read.current_version, read.auto_upgrade_minor_version) == ("preview", None, "1.6.4", True)
    assert (read.settings, read.protected_names) == (URL, {"gateway.auth.token", "b"})
    assert (read.statuses, read.principal_id) == (({"code": "x"},), "0f4b3a52-3b43-4c53-9d7e-2f4f9b1f6a55")


@pytest.mark.parametrize("body", [{}, {"properties": None}, {"properties": {"scope": None, "configurationSettings": None}, "identity": None}])
def test_from_rest_with_members_missing(body: dict) -> None:
    read = Extension.from_rest(body)
    assert (read.provisioning_state, read.settings, read.protected_names, read.statuses) == ("Unknown", {}, frozenset(), ())
    assert read.auto_upgrade_minor_version is True  # Azure's default
    assert read.target_namespace is read.principal_id is None


@pytest.mark.parametrize(
    ("state", "busy", "broken"),
    [("Succeeded", False, False), ("Creating", True, False), ("Updating", True, False), ("Deleting", True, False),
     ("Failed", False, True), ("Canceled", False, True), ("SomethingNew", False, False)],
)
def test_state(state: str, busy: bool, broken: bool) -> None:
    read = Extension.from_rest(extension(state=state))
    assert (read.busy, read.broken) == (busy, broken)
