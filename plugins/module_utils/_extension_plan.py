# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""What has to happen to an extension: a pure decision from the observed and the desired state.

Check mode, diff mode and the real run all use L(plan).
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._settings import REQUIRED_NAMES, SECRET_NAMES

EXTENSION_TYPE = "Microsoft.ApiManagement.Gateway"
# The train that Microsoft's instructions name for this extension.
FIRST_RELEASE_TRAIN = "preview"


class Release(t.NamedTuple):
    """Which version runs: the newest of a train, or a pinned one."""

    train: str | None
    version: str | None
    auto_upgrade: bool


@dataclasses.dataclass(frozen=True)
class Extension:
    """The extension as Azure shows it. Protected settings come without their values."""

    id: str
    name: str
    extension_type: str
    target_namespace: str | None  # of a cluster-wide instance: its release namespace
    cluster_wide: bool
    release_train: str | None
    version: str | None
    current_version: str | None
    auto_upgrade_minor_version: bool
    provisioning_state: str
    settings: Mapping[str, str]
    protected_names: frozenset[str]
    statuses: tuple[Mapping[str, t.Any], ...] = ()
    principal_id: str | None = None

    @classmethod
    def from_rest(cls, body: Mapping[str, t.Any]) -> Extension:
        """Read ARM's resource; a member that is absent or null gets its empty value."""
        properties = body.get("properties") or {}
        scope = properties.get("scope") or {}
        namespace = (scope.get("namespace") or {}).get("targetNamespace")
        auto_upgrade = properties.get("autoUpgradeMinorVersion")
        return cls(
            id=body.get("id") or "",
            name=body.get("name") or "",
            extension_type=properties.get("extensionType") or "",
            target_namespace=namespace or (scope.get("cluster") or {}).get("releaseNamespace"),
            cluster_wide=bool(scope.get("cluster")) and not namespace,
            release_train=properties.get("releaseTrain"),
            version=properties.get("version"),
            current_version=properties.get("currentVersion"),
            auto_upgrade_minor_version=True if auto_upgrade is None else auto_upgrade,
            provisioning_state=properties.get("provisioningState") or "Unknown",
            settings=dict(properties.get("configurationSettings") or {}),
            protected_names=frozenset(properties.get("configurationProtectedSettings") or {}),
            statuses=tuple(properties.get("statuses") or ()),
            principal_id=(body.get("identity") or {}).get("principalId"),
        )

    @property
    def release(self) -> Release:
        return Release(self.release_train, self.version, self.auto_upgrade_minor_version)

    @property
    def busy(self) -> bool:
        """An operation is under way: Azure answers a change with a conflict (HTTP 409)."""
        return self.provisioning_state in ("Creating", "Updating", "Deleting")

    @property
    def broken(self) -> bool:
        """The last operation ended badly. Creating it again is the documented repair."""
        return self.provisioning_state in ("Failed", "Canceled")


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the task asks for. None means that the task does not say."""

    target_namespace: str
    release_train: str | None = None
    version: str | None = None
    auto_upgrade_minor_version: bool | None = None
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    protected: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    record: str | None = None  # of the protected settings; None leaves them untracked
    purge_settings: bool = False
    resend_protected_settings: bool = False
    recreate: bool = False


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do, why, and what changes by it.

    :ivar action: C(none), C(create), C(repair) (create again over a broken one), C(update) (PATCH), C(replace) (PUT),
        C(recreate) (delete, wait, create) or C(refuse).
    :ivar properties: the request's C(properties).
    :ivar before: the state now, as shown to people: no secret in it.
    :ivar after: the state that the request leads to, in the same form.
    :ivar reason: why it is refused, and the remedy.
    """

    action: str
    properties: Mapping[str, t.Any] = dataclasses.field(default_factory=dict, repr=False)
    before: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    after: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    reason: str = ""

    @property
    def changes(self) -> dict[str, dict[str, t.Any]]:
        """Old and new value of everything that changes, by the name of the setting or property."""
        before, after = _rows(self.before), _rows(self.after)
        names = [*before, *(name for name in after if name not in before)]
        return {
            name: {"before": before.get(name), "after": after.get(name)}
            for name in names
            if before.get(name) != after.get(name)
        }

    @property
    def only_failed(self) -> bool:
        """Whether nothing is different but that the last operation failed."""
        return self.changes.keys() <= {"provisioning_state"}


def _rows(view: Mapping[str, t.Any]) -> dict[str, t.Any]:
    rows = {name: value for name, value in view.items() if not isinstance(value, Mapping)}
    return rows | dict(view.get("settings") or {}) | dict(view.get("protected_settings") or {})


def shown(settings: Mapping[str, str], protected: t.AbstractSet[str] = frozenset()) -> dict[str, str]:
    """The settings as people may see them: a secret among them is masked.

    :param protected: more names of secrets: a setting that becomes protected is one already now.
    """
    secrets = SECRET_NAMES | protected
    return {name: "********" if name in secrets else value for name, value in sorted(settings.items())}


def _view(
    state: str, namespace: str | None, release: Release, settings: Mapping, protected: Mapping
) -> dict[str, t.Any]:
    return {
        "provisioning_state": state,
        "target_namespace": namespace,
        "release_train": release.train,
        "version": release.version,
        "auto_upgrade_minor_version": release.auto_upgrade,
        "settings": settings,
        "protected_settings": dict(sorted(protected.items())),
    }


def view(observed: Extension, protected: t.AbstractSet[str] = frozenset()) -> dict[str, t.Any]:
    """The extension as the diff shows it.

    :param protected: the names that the task protects.
    """
    return _view(
        observed.provisioning_state,
        observed.target_namespace,
        observed.release,
        shown(observed.settings, protected),
        {name: "(set)" for name in observed.protected_names},
    )


def plan(observed: Extension | None, desired: Desired) -> Plan:
    """Decide what to do. While an operation is under way this is what it would be now; nothing may be sent then.

    :param observed: the extension now; None when there is none.
    """
    if observed is None:
        return _create("create", None, desired)
    fixed = _fixed_difference(observed, desired)
    if fixed:
        if desired.recreate:
            return _create("recreate", observed, desired)
        remedy = "Give recreate=true to delete it and create it again; the gateway is down meanwhile."
        return Plan("refuse", reason=f"{fixed} Azure cannot change that on an extension that exists. {remedy}")
    return _change(observed, desired)


def _fixed_difference(observed: Extension, desired: Desired) -> str:
    if observed.extension_type.lower() != EXTENSION_TYPE.lower():
        return f"The extension {observed.name!r} is of the type {observed.extension_type!r}, not {EXTENSION_TYPE!r}."
    if observed.cluster_wide:
        return (
            f"The extension {observed.name!r} is installed for the whole cluster (release namespace "
            f"{observed.target_namespace!r}), not for the namespace {desired.target_namespace!r}."
        )
    if observed.target_namespace != desired.target_namespace:
        return (
            f"The extension {observed.name!r} is in the namespace {observed.target_namespace!r}, "
            f"and target_namespace is {desired.target_namespace!r}."
        )
    return ""


def _create(action: str, observed: Extension | None, desired: Desired) -> Plan:
    settings = _with_record(desired.settings, desired)
    missing = _missing(settings, desired.protected.keys())
    if missing:
        return Plan("refuse", reason=missing)
    auto = not desired.version and desired.auto_upgrade_minor_version is not False
    release = Release(desired.release_train or FIRST_RELEASE_TRAIN, desired.version, auto)
    sent = {name: "(set)" for name in desired.protected}
    after = _view("Succeeded", desired.target_namespace, release, shown(settings), sent)
    before = view(observed, desired.protected.keys()) if observed else {}
    return Plan(action, _whole(desired, release, settings), before, after)


def _whole(desired: Desired, release: Release, settings: Mapping[str, str]) -> dict:
    """The properties of a PUT, which replaces everything."""
    # Azure refuses a version beside auto upgrade
    pinned = {"version": release.version} if release.version and not release.auto_upgrade else {}
    return {
        "extensionType": EXTENSION_TYPE.lower(),  # as the Azure CLI sends it
        "autoUpgradeMinorVersion": release.auto_upgrade,
        "releaseTrain": release.train,
        **pinned,
        "scope": {"namespace": {"targetNamespace": desired.target_namespace}},
        "configurationSettings": dict(settings),
        "configurationProtectedSettings": dict(desired.protected),
    }


def _with_record(settings: Mapping[str, str], desired: Desired) -> dict[str, str]:
    return {**settings, secret_record.SETTING: desired.record} if desired.record else dict(settings)


def _missing(settings: Mapping[str, str], protected: t.AbstractSet[str]) -> str:
    missing = sorted(REQUIRED_NAMES.difference(settings, protected))
    if not missing:
        return ""
    options = {"gateway.configuration.uri": "configuration_uri", "gateway.auth.token": "gateway_token"}
    names = " and ".join(f"{options[name]} ({name})" for name in missing)
    return f"The gateway cannot start without {names}. Give it in the task."


def _change(observed: Extension, desired: Desired) -> Plan:
    settings = _settings_after(observed, desired)
    release = _release_after(observed, desired)
    lost = observed.protected_names - desired.protected.keys() - desired.settings.keys()
    sends_protected = _sends_protected(observed, desired, lost)
    # A PATCH does not take settings away, and what failed has to be created again: both need a PUT, with everything in it.
    replaces = bool(observed.settings.keys() - settings.keys()) or observed.broken

    properties: dict[str, t.Any] = {}
    if release.train != observed.release_train:
        properties["releaseTrain"] = release.train
    if release[1:] != observed.release[1:]:
        properties |= {"autoUpgradeMinorVersion": release.auto_upgrade, "version": release.version}
    if settings != observed.settings or sends_protected:
        properties["configurationSettings"] = settings
    if sends_protected:
        properties["configurationProtectedSettings"] = dict(desired.protected)

    before = view(observed, desired.protected.keys())
    if not (replaces or properties):
        return Plan("none", before=before, after=before)
    if (replaces or sends_protected) and lost and not desired.purge_settings:
        return Plan("refuse", reason=_would_lose(lost))
    protected = desired.protected.keys() if replaces or sends_protected else observed.protected_names
    missing = _missing(settings, protected)
    if missing:
        return Plan("refuse", reason=missing)

    again = observed.protected_names if sends_protected else frozenset()
    fate = {name: "(set again)" if name in again else "(set)" for name in protected}
    after = _view("Succeeded", observed.target_namespace, release, shown(settings), fate)
    if replaces:
        return Plan("repair" if observed.broken else "replace", _whole(desired, release, settings), before, after)
    return Plan("update", properties, before, after)


def _settings_after(observed: Extension, desired: Desired) -> dict[str, str]:
    """The ordinary settings: those on the cluster stay unless the task names, protects or purges them."""
    record = secret_record.SETTING
    settings = _with_record(desired.settings, desired)
    if not desired.purge_settings:
        settings = {**observed.settings, **settings}
    elif not desired.protected and record in observed.settings:
        settings[record] = observed.settings[record]  # the secrets stay, and so does their record
    if desired.protected and not desired.record:
        settings.pop(record, None)  # of secrets that are sent now and not tracked any more
    return {name: value for name, value in settings.items() if name not in desired.protected}


def _sends_protected(observed: Extension, desired: Desired, lost: t.AbstractSet[str]) -> bool:
    """Whether the protected settings are sent. Azure replaces them as a whole, so it is all of them or none."""
    if observed.protected_names & desired.settings.keys():
        return True  # one becomes an ordinary setting
    if not desired.protected:
        return False
    return (
        desired.record is None
        or desired.record != observed.settings.get(secret_record.SETTING)
        or desired.resend_protected_settings
        or not observed.protected_names >= desired.protected.keys()
        or desired.purge_settings and bool(lost)
    )


def _release_after(observed: Extension, desired: Desired) -> Release:
    """Release train, pinned version and auto upgrade after the change."""
    train = desired.release_train
    if not train or train.lower() == (observed.release_train or "").lower():
        train = observed.release_train  # Azure takes a train in any letters and shows it as it was first given
    if desired.version:
        return Release(train, desired.version, False)
    if desired.auto_upgrade_minor_version in (None, observed.auto_upgrade_minor_version):
        return Release(train, observed.version, observed.auto_upgrade_minor_version)
    if desired.auto_upgrade_minor_version:
        return Release(train, None, True)
    return Release(train, observed.version or observed.current_version, False)  # stay where it is


def _would_lose(names: t.AbstractSet[str]) -> str:
    listed = ", ".join(sorted(names))
    return (
        f"The cluster holds protected settings that the task does not give: {listed}. Azure replaces protected settings "
        "as a whole, so this change would delete them. Give them in the task (monitoring.ingestionKey is "
        "monitoring.ingestion_key, everything else goes into protected_settings), or give purge_settings=true to let them go."
    )
