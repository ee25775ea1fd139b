# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Bringing the extension on one cluster to the wanted state."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _cluster as cluster
from ansible_collections.arcfleet.apim.plugins.module_utils import _extension_plan as extension_plan
from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway_token as gateway_token
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils import _settings as names
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Answer, Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import (
    AzureFailure,
    Said,
    correlation_text,
    error_facts,
    inner_error,
    quote,
    remedy,
    sentences,
)
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_client import ExtensionClient
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Desired, Extension, Plan
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome
from ansible_collections.arcfleet.apim.plugins.module_utils._wait import Deadline


_NO_CLUSTER = ("ResourceNotFound", "ResourceGroupNotFound", "ParentResourceNotFound")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_arc_extension), checked."""

    resource_group: str
    cluster_name: str
    name: str
    present: bool
    desired: Desired
    expires_on: dt.datetime | None
    track: bool
    repair: bool
    allow_offline: bool
    force_delete: bool
    wait: bool
    wait_timeout: float
    wait_sleep: float
    warnings: t.Sequence[str] = ()

    def desired_on(self, extension_id: str) -> Desired:
        """The desired state of this very extension: with the record of its secrets, when they are tracked."""
        if not (self.track and self.desired.protected):
            return self.desired
        record = secret_record.record(extension_id, self.desired.protected, self.expires_on)
        return dataclasses.replace(self.desired, record=record)


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    present = options["state"] == "present"
    settings, protected, expires_on = _settings(options) if present else ({}, {}, None)
    if options["version"] and options["auto_upgrade_minor_version"]:
        raise ApimError(
            f"auto_upgrade_minor_version: true does not go with version {options['version']!r}, Azure refuses the pair. "
            "Give one of them."
        )
    for option in ("wait_timeout", "wait_sleep"):
        if not 0 < options[option] <= 86400:
            raise ApimError(f"{option}: {options[option]:g} is not possible. Give seconds, more than 0 and at most 86400.")
    return Wanted(
        resource_group=check_name("resource_group", options["resource_group"]),
        cluster_name=check_name("cluster_name", options["cluster_name"]),
        name=check_name("extension", options["name"], "name"),
        present=present,
        desired=Desired(
            target_namespace=check_name("target_namespace", options["target_namespace"]) if present else "",
            release_train=options["release_train"],
            version=options["version"],
            auto_upgrade_minor_version=options["auto_upgrade_minor_version"],
            settings=settings,
            protected=protected,
            purge_settings=options["purge_settings"],
            resend_protected_settings=options["resend_protected_settings"],
            recreate=options["recreate"],
        ),
        expires_on=expires_on,
        track=options["track_protected_settings"],
        repair=options["repair"],
        allow_offline=options["allow_offline"],
        force_delete=options["force_delete"],
        wait=options["wait"],
        wait_timeout=options["wait_timeout"],
        wait_sleep=options["wait_sleep"],
        warnings=names.check(settings, protected),
    )


def _settings(options: Mapping[str, t.Any]) -> tuple[dict[str, str], dict[str, str], dt.datetime | None]:
    settings = names.flatten("settings", options["settings"] or {})
    protected = names.flatten("protected_settings", options["protected_settings"] or {})
    if secret_record.SETTING in settings or secret_record.SETTING in protected:
        raise ApimError(f"settings: {secret_record.SETTING!r} is written by this module. Leave it out.")
    monitoring = options["monitoring"] or {}
    _named(settings, "configuration_uri", names.CONFIGURATION_URI, options["configuration_uri"])
    _named(settings, "service_type", names.SERVICE_TYPE, options["service_type"])
    _named(settings, "replicas", names.REPLICAS, options["replicas"])
    _named(settings, "monitoring.resource_id", names.MONITORING_RESOURCE, monitoring.get("resource_id"))
    _named(settings, "monitoring.workspace_id", names.MONITORING_WORKSPACE, monitoring.get("workspace_id"))
    _named(protected, "monitoring.ingestion_key", names.MONITORING_KEY, monitoring.get("ingestion_key"))
    _named(protected, "gateway_token", names.TOKEN, options["gateway_token"])

    uri = settings.get(names.CONFIGURATION_URI)
    if uri is not None and not re.fullmatch(r"(https://)?[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?", uri):
        raise ApimError(
            f"configuration_uri: {uri!r} is neither an https URL nor a host name. It is the gateway's configuration endpoint, such as "
            "https://contoso.configuration.azure-api.net; arcfleet.apim.apim_gateway_info returns it."
        )
    if names.TOKEN not in protected:
        return settings, protected, None
    token = gateway_token.parse(protected[names.TOKEN])
    if token.expires_on <= dt.datetime.now(dt.timezone.utc):
        raise ApimError(
            f"gateway_token: the token of gateway {token.gateway!r} expired at {token.expires_on:%Y-%m-%d %H:%M} UTC. "
            "arcfleet.apim.apim_gateway_token gets a new one."
        )
    protected[names.TOKEN] = token.setting
    return settings, protected, token.expires_on


def _named(target: dict[str, str], option: str, name: str, value: t.Any) -> None:
    if value is None:
        return
    if name in target:
        raise ApimError(f"{option}: {name!r} is among the settings as well. Give it once.")
    target[name] = str(value)


def ensure(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """Install, update, repair or remove the extension.

    :raises ApimError: refused by the plan, by the cluster's state or by Azure; the operation failed; time ran out.
    """
    run = _Run(wanted, arm, check_mode)
    try:
        return run.outcome()
    except ApimError as error:
        error.warnings = run.warnings
        raise


class _Run:
    """One task on one extension. It goes round until there is nothing to wait for:

    an operation is under way: join it when the task waits (not in check mode, not for a forced removal), else leave it alone;
    as wanted: done; different: check the cluster, send one change, wait for it when the task waits;
    Azure answers with a conflict (409) because somebody else was quicker: join, when the task waits, and decide again.
    """

    def __init__(self, wanted: Wanted, arm: Arm, check_mode: bool) -> None:
        self.wanted = wanted
        self.arm = arm
        self.check_mode = check_mode
        self.client = ExtensionClient(arm, wanted.resource_group, wanted.cluster_name, wanted.name)
        self.deadline = Deadline(wanted.wait_timeout, wanted.wait_sleep, arm.on_wait)
        self.warnings = list(wanted.warnings)
        # A forced deletion is for operations that never end, so it does not wait for one.
        self.forced = wanted.force_delete and not wanted.present
        self.joins = wanted.wait and not check_mode and not self.forced
        self.desired = wanted.desired_on(self.client.id)

    def outcome(self) -> Outcome:
        step = self._present if self.wanted.present else self._absent
        while True:
            observed = self._observe()
            if observed and observed.busy and self.joins:
                self._join(observed)
                continue
            try:
                return step(observed)
            except AzureFailure as failure:
                # Somebody else was quicker: join that operation and decide again.
                if failure.status != 409 or not self.joins or self.deadline.passed or not self._is_busy():
                    raise

    def _join(self, observed: Extension) -> None:
        """Wait for an operation that is already under way. When it was ours to begin with, its failure is ours too."""
        ours = (
            self.wanted.present
            and observed.provisioning_state != "Deleting"
            and extension_plan.plan(observed, self.desired).action == "none"
        )
        settled = self._settle(observed)
        if ours and settled and settled.broken:
            raise self._failed(Said(settled.provisioning_state, ""), settled, {})

    def _observe(self) -> Extension | None:
        try:
            return self.client.get()
        except AzureFailure as failure:
            if failure.status == 404 and failure.said.code in _NO_CLUSTER and not self.wanted.present:
                self.warnings.append(f"There is no connected cluster {self.client.cluster_id}, so nothing to remove.")
                return None
            raise

    def _is_busy(self) -> bool:
        observed = self._observe()
        return bool(observed and observed.busy)

    # present

    def _present(self, observed: Extension | None) -> Outcome:
        deleting = observed is not None and observed.provisioning_state == "Deleting"
        plan = extension_plan.plan(None if deleting else observed, self.desired)
        if plan.action == "refuse":
            raise ApimError(sentences(f"{self.client.id}: {plan.reason}", "Nothing was changed"), extension=_facts(observed))
        if observed and observed.busy:
            return self._leave_busy(plan, observed)
        if plan.action == "none":
            return self._done(plan, observed)
        if plan.action == "repair" and not self.wanted.repair and plan.only_failed:
            raise self._failed(Said(observed.provisioning_state, ""), observed, {})
        if plan.action == "repair":
            why = _why(observed)
            self.warnings.append(
                sentences(
                    f"The extension {self.client.id} is {observed.provisioning_state} and has to be created again",
                    inner_error(why) or why,
                )
            )
        self._check_cluster()
        if self.check_mode:
            return self._done(plan, observed)
        if plan.action == "recreate":
            # Waits even for a task that does not: Azure takes the new one only when the old one is gone.
            self._wait_for(self.client.delete(force=False), None)
        answer = (self.client.patch if plan.action == "update" else self.client.put)(plan.properties)
        return self._done(plan, self._finish(answer, observed))

    def _leave_busy(self, plan: Plan, observed: Extension) -> Outcome:
        """Without wait, or in check mode: send nothing."""
        if plan.action != "none":
            self.warnings.append(
                f"The extension {self.client.id} is {observed.provisioning_state}, and Azure takes no change until that "
                "ends. Nothing was sent; a task with wait=true waits for it and then decides again."
            )
        if self.check_mode:
            return self._done(plan, observed)
        return self._done(Plan("none", before=plan.before, after=plan.before), observed)

    # absent

    def _absent(self, observed: Extension | None) -> Outcome:
        if observed is None or observed.provisioning_state == "Deleting" and not self.forced:
            return self._done(Plan("none"), observed)
        plan = Plan("delete", before=extension_plan.view(observed))
        if observed.busy and not self.forced:
            return self._leave_busy(plan, observed)
        if not self.forced:
            self._check_cluster()
        if not self.check_mode:
            observed = self._finish(self.client.delete(self.forced), observed, gone=True)
        return self._done(plan, observed)

    # both

    def _check_cluster(self) -> None:
        state = cluster.read(self.arm, self.wanted.resource_group, self.wanted.cluster_name)
        if self.wanted.present:
            rule = "Azure keeps protected settings for 48 hours; when the agent is away longer, the extension ends as Failed."
            way_out = "give allow_offline=true to submit the change all the same"
        else:
            rule = "The removal goes on when the agent is back."
            way_out = "give allow_offline=true to submit the removal, or force_delete=true to make Azure forget the extension"
        self.warnings += cluster.check_connected(state, self.wanted.allow_offline, rule, way_out)
        if self.wanted.present:
            self.warnings += cluster.check_region(state)

    def _finish(self, answer: Answer, observed: Extension | None, gone: bool = False) -> Extension | None:
        """Wait for the operation that the answer began, when the task waits, and look at what came of it."""
        if self.wanted.wait:
            return self._wait_for(answer, None if gone else observed)
        if gone:
            ended = answer.status != 202
            return None if ended or observed is None else dataclasses.replace(observed, provisioning_state="Deleting")
        return Extension.from_rest(answer.body) if answer.body else observed

    def _wait_for(self, answer: Answer, observed: Extension | None) -> Extension | None:
        url = answer.headers.get("azure-asyncoperation")
        said = self._follow(url, answer.headers) if url else None
        settled = self._settle(observed)
        if said is None and settled and settled.broken:
            said = Said(settled.provisioning_state, "")
        if said:
            raise self._failed(said, settled, answer.headers)
        return settled

    def _follow(self, url: str, headers: Mapping[str, str]) -> Said | None:
        """Wait for an operation; None when it succeeded, else what Azure said."""

        def look() -> Mapping[str, t.Any] | None:
            operation = self.client.operation(url)
            ended = str(operation.get("status", "")).lower() in ("succeeded", "failed", "canceled")
            return operation if ended else None

        ended = self.deadline.poll(look)
        if ended is None:
            raise self._too_late(self._observe(), headers)
        if str(ended["status"]).lower() == "succeeded":
            return None
        return Said.of(ended) if ended.get("error") else Said(str(ended["status"]), "")

    def _settle(self, observed: Extension | None) -> Extension | None:
        """Wait until no operation is under way; the extension then, None when it is gone."""
        latest = [observed]

        def look() -> tuple[Extension | None] | None:
            latest[0] = self._observe()
            return None if latest[0] and latest[0].busy else (latest[0],)

        found = self.deadline.poll(look)
        if found is None:
            raise self._too_late(latest[0], {})
        return found[0]

    def _too_late(self, observed: Extension | None, headers: Mapping[str, str]) -> ApimError:
        state = observed.provisioning_state if observed else "gone"
        return ApimError(
            sentences(
                f"The operation on the extension {self.client.id} did not end within {self.wanted.wait_timeout:g} seconds; "
                f"the extension is {state}",
                "It goes on in Azure: run again to join it, with a larger wait_timeout if the cluster is slow. When it "
                "never ends, look at the cluster's Arc agents",
                correlation_text(headers),
            ),
            extension=_facts(observed),
        )

    def _failed(self, said: Said, observed: Extension | None, headers: Mapping[str, str]) -> ApimError:
        if not said.message:
            said = Said(said.code, _why(observed))
        facts = error_facts(said, headers=headers)
        helm = f"The cluster's agent said: {facts['helm_error']}" if facts["helm_error"] else ""
        state = observed.provisioning_state if observed else "gone"
        next_run = "the next run installs it anew" if self.wanted.present else "force_delete=true does without the cluster"
        return ApimError(
            sentences(
                f"The operation on the extension {self.client.id} failed. {quote(said)}",
                helm,
                f"The extension is now {state}",
                remedy(said, None) or f"Mend the cause and run again: {next_run}",
                correlation_text(headers),
            ),
            error=facts,
            extension=_facts(observed),
        )

    def _done(self, plan: Plan, observed: Extension | None) -> Outcome:
        now = dt.datetime.now(dt.timezone.utc)
        changed = plan.action != "none"
        expires_on = self.wanted.expires_on or (secret_record.expiry(observed.settings) if observed else None)
        return Outcome(
            changed=changed,
            facts={
                "action": plan.action,
                "extension": _facts(observed),
                "changes": plan.changes,
                "token": gateway_token.facts(expires_on, now),
                "duration": round(self.deadline.elapsed, 1),
            },
            before=plan.before,
            after=plan.after,
            warnings=list(dict.fromkeys(self.warnings)),  # a decision that was made again warned again
        )


def _why(observed: Extension | None) -> str:
    """Why the last operation ended badly, as far as the resource's statuses say."""
    statuses = observed.statuses if observed else ()
    return "; ".join(str(status.get("message") or status.get("code") or "") for status in statuses)


def _facts(observed: Extension | None) -> dict[str, t.Any] | None:
    return facts(observed) if observed else None


def facts(observed: Extension) -> dict[str, t.Any]:
    """The extension as a return value; protected settings by name only."""
    return {
        "id": observed.id,
        "name": observed.name,
        "extension_type": observed.extension_type,
        "target_namespace": observed.target_namespace,
        "release_train": observed.release_train,
        "version": observed.version,
        "current_version": observed.current_version,
        "auto_upgrade_minor_version": observed.auto_upgrade_minor_version,
        "provisioning_state": observed.provisioning_state,
        "settings": extension_plan.shown(observed.settings),
        "protected_settings": sorted(observed.protected_names),
        "statuses": [dict(status) for status in observed.statuses],
        "principal_id": observed.principal_id,
    }
