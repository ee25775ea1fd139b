# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is on the cluster and whatever is wanted: the plan leads there, a second run has nothing to do, and no secret is lost unnoticed."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Desired, Extension, Plan, plan
from harness.azure import EXTENSION, URI, extension
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

URL, TOKEN = "gateway.configuration.uri", "gateway.auth.token"


@dataclass
class Service:
    """What Azure keeps of an extension, protected values included, and how it takes requests.

    :param merges: whether a PATCH merges configurationSettings (documented) or replaces them. Protected ones it replaces.
    """

    merges: bool
    kept: dict[str, Any] | None = None
    secrets: dict[str, str] = field(default_factory=dict)

    def seen(self) -> Extension | None:
        return Extension.from_rest(extension(**{"settings": {}, "protected": tuple(self.secrets), **self.kept})) if self.kept is not None else None

    def put(self, sent: Any) -> None:
        assert not (sent.get("version") and sent["autoUpgradeMinorVersion"]), "Azure refuses that"
        self.secrets = dict(sent["configurationProtectedSettings"])
        self.kept = {
            "settings": dict(sent["configurationSettings"]),
            "state": "Succeeded",
            "extensionType": sent["extensionType"],
            "scope": sent["scope"],
            "releaseTrain": sent["releaseTrain"],
            "autoUpgradeMinorVersion": sent["autoUpgradeMinorVersion"],
            "version": sent.get("version"),
        }

    def patch(self, sent: Any) -> None:
        properties = dict(sent)
        new = properties.pop("configurationSettings", None)
        if new is not None:
            self.kept["settings"] = {**(self.kept["settings"] if self.merges else {}), **new}
        self.secrets = properties.pop("configurationProtectedSettings", self.secrets)
        self.kept.update(properties)
        assert not (self.kept["version"] and self.kept["autoUpgradeMinorVersion"]), "Azure refuses that"

    def apply(self, decided: Plan) -> None:
        if decided.action == "update":
            self.patch(decided.properties)
        elif decided.action in ("create", "repair", "replace", "recreate"):
            self.put(decided.properties)


few = some.sampled_from(["1", "2"])
ordinary = some.dictionaries(some.sampled_from([URL, "service.type", "a.b", "both"]), few)
secret = some.dictionaries(some.sampled_from([TOKEN, "monitoring.ingestionKey", "both"]), few)


@some.composite
def desires(draw: Any) -> Desired:
    protected = draw(secret)
    named = {name: value for name, value in draw(ordinary).items() if name not in protected}
    track = draw(some.booleans())
    version = draw(some.sampled_from([None, None, "1.6.0"]))
    return Desired(
        target_namespace=draw(some.sampled_from(["apim", "apim", "other"])),
        release_train=draw(some.sampled_from([None, "preview", "Preview", "stable"])),
        version=version,
        auto_upgrade_minor_version=draw(some.sampled_from([None, True, False])) if version is None else draw(some.sampled_from([None, False])),
        settings=named,
        protected=protected,
        record=secret_record.record(EXTENSION, protected, None) if track and protected else None,
        purge_settings=draw(some.booleans()),
        resend_protected_settings=draw(some.booleans()),
        recreate=draw(some.booleans()),
    )


@some.composite
def services(draw: Any) -> Service:
    """Azure without the extension, or with one of anybody's making."""
    service = Service(draw(some.booleans()))
    if draw(some.booleans()):
        auto = draw(some.booleans())
        service.secrets = draw(secret)
        service.kept = {
            "settings": {URL: URI, **draw(ordinary)},
            "state": draw(some.sampled_from(["Succeeded", "Failed", "Canceled"])),
            "scope": draw(some.sampled_from([{"namespace": {"targetNamespace": "apim"}}, {"cluster": {"releaseNamespace": "x"}}])),
            "extensionType": "microsoft.apimanagement.gateway",
            "releaseTrain": draw(some.sampled_from(["Stable", "preview"])),
            "autoUpgradeMinorVersion": auto,
            "version": None if auto else "1.5.0",
        }
    return service


def run(service: Service, desired: Desired) -> Plan:
    """One run of the task, with all that may never happen."""
    before, secrets = service.seen(), dict(service.secrets)
    decided = plan(before, desired)
    service.apply(decided)
    after = service.seen()

    if decided.action in ("none", "refuse"):
        assert (after, service.secrets) == (before, secrets)
    if decided.action == "refuse":
        assert decided.reason
        return decided

    assert after.settings.items() >= desired.settings.items()
    assert service.secrets.items() >= desired.protected.items()
    assert not after.settings.keys() & service.secrets.keys() & (desired.settings.keys() | desired.protected.keys())
    if desired.record:
        assert after.settings[secret_record.SETTING] == desired.record
    if decided.action != "none":
        assert {URL, TOKEN} <= after.settings.keys() | service.secrets.keys()

    gone = secrets.keys() - service.secrets.keys()
    assert not gone or desired.purge_settings or decided.action == "recreate" or gone <= desired.settings.keys()
    assert gone <= decided.changes.keys()
    kept = secrets.keys() & service.secrets.keys() - desired.protected.keys()
    assert all(service.secrets[name] == secrets[name] for name in kept)
    if before and decided.action != "recreate" and not desired.purge_settings:
        lost = before.settings.keys() - after.settings.keys() - desired.protected.keys()
        assert lost <= ({secret_record.SETTING} if desired.protected and not desired.record else set())

    shown = decided.after
    assert shown["settings"].keys() == after.settings.keys()
    assert shown["protected_settings"].keys() == service.secrets.keys()
    assert (shown["release_train"], shown["version"], shown["auto_upgrade_minor_version"]) == (
        after.release_train, after.version, after.auto_upgrade_minor_version)
    return decided


# Sequences: what one task leaves, another one finds.
@given(services(), some.lists(desires(), min_size=1, max_size=4))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, derandomize=True)
def test_every_task_converges(service: Service, tasks: list[Desired]) -> None:
    for desired in tasks:
        first = run(service, desired)
        second = run(service, desired)
        if first.action == "refuse":
            assert second == first
        elif desired.protected and (desired.record is None or desired.resend_protected_settings):
            assert second.action == "update"
            assert set(second.properties) == {"configurationSettings", "configurationProtectedSettings"}
        else:
            assert second.action == "none"


@given(services(), desires())
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_repair_ends(service: Service, desired: Desired) -> None:
    assume(service.kept and service.kept["state"] != "Succeeded")
    assert run(service, desired).action in ("repair", "recreate", "refuse")


@pytest.mark.parametrize("merges", [True, False])
def test_the_simulated_service(merges: bool) -> None:
    """The simulation itself, against the documented rules."""
    service = Service(merges)
    service.put({"extensionType": "t", "scope": {}, "releaseTrain": "r", "autoUpgradeMinorVersion": True,
                 "configurationSettings": {"a": "1", "b": "1"}, "configurationProtectedSettings": {"s": "1", "t": "1"}})
    service.patch({"configurationSettings": {"a": "2"}})
    assert service.kept["settings"] == ({"a": "2", "b": "1"} if merges else {"a": "2"})
    assert service.secrets == {"s": "1", "t": "1"}
    service.patch({"configurationProtectedSettings": {"s": "2"}})
    assert service.secrets == {"s": "2"}
