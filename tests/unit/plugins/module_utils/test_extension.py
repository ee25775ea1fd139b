# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing the extension to the wanted state, call by call."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import Wanted, ensure, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome
from ansible_collections.arcfleet.apim.plugins.modules.apim_arc_extension import TASK
from harness import azure
from harness.azure import ACCEPTED, CLUSTER, EXTENSION, FROM_ARM, OPERATION, URI
from harness.wire import Call, Clock, Wire

TEXT = azure.token()
SIGNATURE = TEXT.rpartition("&")[2]
NEXT = azure.token(expiry="209902101234")
KEY = "aW5nZXN0aW9uIGtleQ=="
ENDS = dt.datetime(2099, 1, 31, 12, 34, tzinfo=dt.timezone.utc)
URL = {"gateway.configuration.uri": URI}
INSTALL = {"target_namespace": "apim", "configuration_uri": URI, "gateway_token": TEXT}


def secrets(token: str = TEXT, **more: str) -> dict[str, str]:
    return {"gateway.auth.token": f"GatewayKey {token}", **more}


def record(protected: dict[str, str], ends: dt.datetime = ENDS) -> dict[str, str]:
    return {secret_record.SETTING: secret_record.record(EXTENSION, protected, ends)}


SETTLED = URL | record(secrets())  # what INSTALL leaves on a cluster


def wanted(**given: Any) -> Wanted:
    defaults = {name: spec.get("default") for name, spec in TASK.options.items()}
    return parse({**defaults, "resource_group": "rg", "cluster_name": "oslo", **given})


def run(arm: Arm, check_mode: bool = False, **given: Any) -> Outcome:
    """One task; whatever comes of it, it shows no secret."""
    task = wanted(**given)
    assert SIGNATURE not in repr(task)
    try:
        outcome = ensure(task, arm, check_mode)
    except ApimError as error:
        assert not any(secret in f"{error!r}{error.facts}" for secret in (SIGNATURE, KEY))
        raise
    assert not any(secret in repr(outcome) for secret in (SIGNATURE, KEY))
    return outcome


def fails(arm: Arm, **given: Any) -> ApimError:
    with pytest.raises(ApimError) as caught:
        run(arm, **given)
    return caught.value


NOTHING = Call("GET", EXTENSION, 404, azure.NO_EXTENSION)
NO_CLUSTER = Call("GET", EXTENSION, 404, azure.NO_CLUSTER, FROM_ARM)
CONNECTED = Call("GET", CLUSTER, 200, azure.cluster())
OFFLINE = Call("GET", CLUSTER, 200, azure.cluster("Offline"))
CONFLICT = Call("PATCH", EXTENSION, 409, azure.CONFLICT)
DELETED = Call("DELETE", EXTENSION, 202, None, ACCEPTED)


def seen(settings: dict[str, str] | None = None, state: str = "Succeeded", **more: Any) -> Call:
    return Call("GET", EXTENSION, 200, azure.extension(SETTLED if settings is None else settings, state=state, **more))


def put(state: str = "Creating") -> Call:
    return Call("PUT", EXTENSION, 201, azure.extension(SETTLED, state=state), ACCEPTED)


def patched(**settings: str) -> Call:
    return Call("PATCH", EXTENSION, 202, azure.extension(SETTLED | settings, state="Updating"), ACCEPTED)


def said(status: str, **more: Any) -> Call:
    return Call("GET", OPERATION, 200, azure.operation(status, **more))


NODE_PORT = {"service.type": "NodePort"}


# Changing


def test_install(arm: Arm, wire: Wire, clock: Clock) -> None:
    wire.expect(NOTHING, CONNECTED, put(), said("Creating"), said("Creating"), said("Succeeded"), seen())
    outcome = run(arm, **INSTALL, service_type=None)
    (sent,) = wire.bodies("PUT")
    assert sent == {
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "extensionType": "microsoft.apimanagement.gateway",
            "autoUpgradeMinorVersion": True,
            "releaseTrain": "preview",
            "scope": {"namespace": {"targetNamespace": "apim"}},
            "configurationSettings": SETTLED,
            "configurationProtectedSettings": secrets(),
        },
    }
    assert (outcome.changed, outcome.facts["action"], list(outcome.warnings)) == (True, "create", [])
    assert outcome.facts["extension"]["provisioning_state"] == "Succeeded"
    assert outcome.facts["extension"]["protected_settings"] == ["gateway.auth.token"]
    assert outcome.facts["changes"]["gateway.auth.token"] == {"before": None, "after": "(set)"}
    assert outcome.facts["token"]["expires_on"] == "2099-01-31T12:34:00Z"
    assert outcome.facts["duration"] == pytest.approx(clock.now, abs=0.1) and len(clock.naps) == 2


def test_second_run_changes_nothing(arm: Arm, wire: Wire) -> None:
    wire.expect(seen())
    outcome = run(arm, **INSTALL)
    assert (outcome.changed, outcome.facts["action"], outcome.facts["changes"]) == (False, "none", {})
    assert outcome.before == outcome.after
    assert outcome.facts["token"]["expires_on"] == "2099-01-31T12:34:00Z"


def test_one_setting_sends_no_protected_value(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, patched(**NODE_PORT), said("Updating"), said("Succeeded"), seen(SETTLED | NODE_PORT))
    outcome = run(arm, **INSTALL, service_type="NodePort")
    assert wire.bodies("PATCH") == [{"properties": {"configurationSettings": SETTLED | NODE_PORT}}]
    assert not any(SIGNATURE in str(request.body) for request in wire.sent)
    assert outcome.facts["changes"] == {"service.type": {"before": None, "after": "NodePort"}}
    assert outcome.facts["extension"]["settings"] == SETTLED | NODE_PORT


def test_another_token_goes_with_every_secret_and_its_record(arm: Arm, wire: Wire) -> None:
    old, new = (secrets(token, **{"monitoring.ingestionKey": KEY}) for token in (TEXT, NEXT))
    logs = {"monitoring.customResourceId": "r", "monitoring.workspaceId": "w"}
    before = URL | logs | record(old)
    after = URL | logs | record(new, dt.datetime(2099, 2, 10, 12, 34, tzinfo=dt.timezone.utc))
    both = ("gateway.auth.token", "monitoring.ingestionKey")
    wire.expect(seen(before, protected=both), CONNECTED, patched(), said("Succeeded"), seen(after, protected=both))
    monitoring = {"resource_id": "r", "workspace_id": "w", "ingestion_key": KEY}
    outcome = run(arm, **INSTALL | {"gateway_token": NEXT}, monitoring=monitoring)
    assert wire.bodies("PATCH") == [{"properties": {"configurationSettings": after, "configurationProtectedSettings": new}}]
    assert outcome.facts["changes"][secret_record.SETTING]["after"].endswith("-expires-209902101234")
    assert outcome.facts["token"]["expires_on"] == "2099-02-10T12:34:00Z"


def test_not_tracked(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(URL), CONNECTED, patched(), said("Succeeded"), seen(URL))
    run(arm, **INSTALL, track_protected_settings=False)
    assert wire.bodies("PATCH") == [{"properties": {"configurationSettings": URL, "configurationProtectedSettings": secrets()}}]


def test_azure_found_nothing_to_update(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, Call("PATCH", EXTENSION, 200, azure.extension(SETTLED)), seen())
    run(arm, **INSTALL, release_train="stable")


@pytest.mark.parametrize("wait", [True, False])
def test_recreate_waits_for_the_deletion_in_any_case(arm: Arm, wire: Wire, wait: bool) -> None:
    wire.expect(
        seen(scope={"cluster": {"releaseNamespace": "gateway"}}), CONNECTED, DELETED, said("Deleting"), said("Succeeded"), NOTHING, put()
    )
    if wait:
        wire.expect(said("Succeeded"), seen())
    outcome = run(arm, **INSTALL, recreate=True, wait=wait)
    assert (outcome.facts["action"], outcome.facts["extension"]["provisioning_state"]) == ("recreate", "Succeeded" if wait else "Creating")
    assert len(wire.bodies("PUT")) == 1


def test_repair(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Failed", statuses=[azure.INSTALLATION_FAILED]), CONNECTED, put(), said("Succeeded"), seen())
    outcome = run(arm, **INSTALL)
    assert outcome.facts["action"] == "repair"
    assert wire.bodies("PUT")[0]["properties"]["configurationProtectedSettings"] == secrets()
    (warning,) = outcome.warnings
    assert warning == f"The extension {EXTENSION} is Failed and has to be created again. {azure.STATUS_HELM}."


# Somebody else's operation


def test_join_then_decide(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Updating"), seen(state="Updating"), seen(), seen(), CONNECTED, patched(), said("Succeeded"), seen(SETTLED | NODE_PORT))
    assert run(arm, **INSTALL, service_type="NodePort").facts["action"] == "update"


def test_join_what_was_submitted_before(arm: Arm, wire: Wire) -> None:
    """The same task, first with wait=false, then with wait=true."""
    wire.expect(NOTHING, CONNECTED, put())
    first = run(arm, **INSTALL, wait=False)
    assert (first.changed, first.facts["extension"]["provisioning_state"]) == (True, "Creating")
    wire.expect(seen(state="Creating"), seen(state="Creating"), seen(), seen())
    assert run(arm, **INSTALL).changed is False
    assert len(wire.bodies("PUT")) == 1


def test_what_was_submitted_before_fails(arm: Arm, wire: Wire) -> None:
    """Not repaired on the quiet: the user of the second task has to hear of it."""
    wire.expect(seen(state="Creating"), seen(state="Failed", statuses=[azure.INSTALLATION_FAILED]))
    error = fails(arm, **INSTALL)
    assert azure.STATUS_HELM in str(error)
    assert error.facts["error"]["helm_error"] == azure.STATUS_HELM


def test_what_another_submitted_fails(arm: Arm, wire: Wire) -> None:
    failed = seen(URL, state="Failed")
    wire.expect(seen(URL, state="Updating"), failed, failed, CONNECTED, put(), said("Succeeded"), seen())
    assert run(arm, **INSTALL).facts["action"] == "repair"


def test_somebody_was_quicker(arm: Arm, wire: Wire) -> None:
    busy = seen(SETTLED, state="Updating")
    wire.expect(seen(), CONNECTED, CONFLICT, busy, busy, seen(), seen(), CONNECTED, patched(), said("Succeeded"), seen(SETTLED | NODE_PORT))
    assert run(arm, **INSTALL, service_type="NodePort").facts["action"] == "update"


def test_somebody_was_quicker_with_the_same(arm: Arm, wire: Wire) -> None:
    done = seen(SETTLED | NODE_PORT)
    wire.expect(seen(), CONNECTED, CONFLICT, seen(SETTLED | NODE_PORT, state="Updating"), done)
    assert run(arm, **INSTALL, service_type="NodePort").changed is False


def test_quicker_without_wait(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, CONFLICT)
    assert "wait=true" in str(fails(arm, **INSTALL, service_type="NodePort", wait=False))


def test_409_that_is_no_conflict(arm: Arm, wire: Wire) -> None:
    refusal = azure.error("MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.KubernetesConfiguration'.")
    wire.expect(NOTHING, CONNECTED, Call("PUT", EXTENSION, 409, refusal, FROM_ARM), NOTHING)
    error = fails(arm, **INSTALL)
    assert isinstance(error, AzureFailure) and "az provider register --namespace Microsoft.KubernetesConfiguration" in str(error)


def test_busy_without_wait_is_left_alone(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Creating"))
    outcome = run(arm, **INSTALL, service_type="NodePort", wait=False)
    assert (outcome.changed, outcome.facts["action"], outcome.facts["changes"]) == (False, "none", {})
    assert "is Creating" in outcome.warnings[0] and "wait=true" in outcome.warnings[0]


def test_busy_with_the_same_needs_no_warning(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Creating"))
    outcome = run(arm, **INSTALL, wait=False)
    assert (outcome.changed, list(outcome.warnings)) == (False, [])


def test_deleting_without_wait(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Deleting"))
    outcome = run(arm, **INSTALL, wait=False)
    assert not outcome.changed and "is Deleting" in outcome.warnings[0]


def test_deleting_then_install(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Deleting"), seen(state="Deleting"), NOTHING, NOTHING, CONNECTED, put(), said("Succeeded"), seen())
    assert run(arm, **INSTALL).facts["action"] == "create"


# Failing


def test_failed_operation(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING, CONNECTED, put(), said("Creating"), said("Failed", **azure.OPERATION_ERROR), seen(state="Failed"))
    error = fails(arm, **INSTALL)
    message = str(error)
    for part in (EXTENSION, "ExtensionOperationFailed", f"The cluster's agent said: {azure.HELM}.", "is now Failed", "run again",
                 ACCEPTED["x-ms-correlation-request-id"]):
        assert part in message
    assert error.facts["error"] == {
        "code": "ExtensionOperationFailed",
        "message": azure.OPERATION_ERROR["error"]["message"],
        "helm_error": azure.HELM,
        "status": None,
        "correlation_id": ACCEPTED["x-ms-correlation-request-id"],
    }
    assert error.facts["extension"]["provisioning_state"] == "Failed"


@pytest.mark.parametrize(
    ("operation", "state", "parts"),
    [
        ("Succeeded", "Failed", ["Azure said Failed: Error: {", f"said: {azure.STATUS_HELM}."]),
        ("Failed", "Failed", ["Azure said Failed: Error: {", f"said: {azure.STATUS_HELM}."]),
        ("CANCELED", "Canceled", ["Azure said CANCELED: Error: {", "is now Canceled"]),
    ],
)
def test_the_reason_is_in_the_resource(arm: Arm, wire: Wire, operation: str, state: str, parts: list[str]) -> None:
    wire.expect(seen(), CONNECTED, patched(), said(operation), seen(state=state, statuses=[azure.INSTALLATION_FAILED]))
    message = str(fails(arm, **INSTALL, service_type="NodePort"))
    assert all(part in message for part in parts), message


def test_no_reason_at_all(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING, CONNECTED, put(), said("Failed", error=None), seen(state="Failed"))
    assert "failed. Azure said Failed. The extension is now Failed. Mend the cause" in str(fails(arm, **INSTALL))


@pytest.mark.parametrize(
    ("text", "advice"),
    [("Failed to resolve the extension version from the given values. InnerError:[ '{0}' ].", "release_train and version"),
     ("Unable to get response from the Agent in time, please ensure ...", "Arc agents")],
)
def test_failed_with_a_remedy(arm: Arm, wire: Wire, text: str, advice: str) -> None:
    wire.expect(NOTHING, CONNECTED, put(), said("Failed", **azure.error("ExtensionOperationFailed", text)), seen(state="Failed"))
    assert advice in str(fails(arm, **INSTALL))


@pytest.mark.parametrize(
    "calls",
    [(NOTHING, CONNECTED, put(), *[said("Creating")] * 3, seen(state="Creating")), (seen(state="Creating"), *[seen(state="Creating")] * 3)],
    ids=["own", "joined"],
)
def test_too_late(arm: Arm, wire: Wire, clock: Clock, calls: tuple[Call, ...]) -> None:
    """Whoever began it: after wait_timeout the task ends and says what it knows."""
    wire.expect(*calls)
    error = fails(arm, **INSTALL, wait_timeout=15, wait_sleep=10)
    assert error.facts["extension"]["provisioning_state"] == "Creating"
    for part in (EXTENSION, "within 15 seconds", "is Creating", "wait_timeout", "Arc agents"):
        assert part in str(error)
    assert clock.now == pytest.approx(15)


@pytest.mark.parametrize(
    ("calls", "parts"),
    [
        ((NO_CLUSTER,), ["Could not read the extension", "connectedClusters/oslo", "Check the name"]),
        ((Call("GET", EXTENSION, 403, azure.error("AuthorizationFailed", "may not read"), FROM_ARM),), ["may not read", "role"]),
        ((NOTHING, Call("GET", CLUSTER, 403, azure.error("AuthorizationFailed", "may not read"))), ["Could not read the connected cluster"]),
        (
            (NOTHING, CONNECTED, Call("PUT", EXTENSION, 400, azure.error("ExtensionTypeRegistrationGetFailed", "not registered in region"))),
            ["Could not create the extension", EXTENSION, "not registered in region", "regions that Azure names"],
        ),
        ((NOTHING, CONNECTED, put(), Call("GET", OPERATION, 403, azure.error("AuthorizationFailed", "x"))), ["Could not follow the operation"]),
    ],
)
def test_refused_by_azure(arm: Arm, wire: Wire, calls: tuple[Call, ...], parts: list[str]) -> None:
    wire.expect(*calls)
    message = str(fails(arm, **INSTALL))
    assert all(part in message for part in parts), message


def test_refused_by_the_plan(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(SETTLED, protected=("gateway.auth.token", "monitoring.ingestionKey")))
    error = fails(arm, **INSTALL | {"gateway_token": NEXT})
    assert str(error).startswith(f"{EXTENSION}: ") and str(error).endswith("Nothing was changed.")
    assert "monitoring.ingestionKey" in str(error)
    assert error.facts["extension"]["provisioning_state"] == "Succeeded"


@pytest.mark.parametrize("given", [{"wait": False}, {"check_mode": True}])
def test_refused_even_while_busy(arm: Arm, wire: Wire, given: dict) -> None:
    wire.expect(seen(state="Updating"))
    assert "recreate=true" in str(fails(arm, **INSTALL | {"target_namespace": "other"}, **given))


# The cluster


def test_offline(arm: Arm, wire: Wire) -> None:
    wire.expect(NOTHING, OFFLINE)
    assert "allow_offline=true" in str(fails(arm, **INSTALL))
    wire.expect(NOTHING, OFFLINE, put())
    outcome = run(arm, **INSTALL, allow_offline=True, wait=False)
    assert outcome.changed and "48 hours" in outcome.warnings[0]


def test_offline_with_nothing_to_do(arm: Arm, wire: Wire) -> None:
    wire.expect(seen())
    assert not run(arm, **INSTALL).changed


def test_region(arm: Arm, wire: Wire) -> None:
    elsewhere = Call("GET", CLUSTER, 200, azure.cluster(location="ukwest"))
    wire.expect(NOTHING, elsewhere, put())
    (warning,) = run(arm, **INSTALL, wait=False).warnings
    assert "'ukwest'" in warning


def test_a_second_decision_does_not_warn_twice(arm: Arm, wire: Wire) -> None:
    elsewhere = Call("GET", CLUSTER, 200, azure.cluster(location="ukwest"))
    wire.expect(seen(), elsewhere, CONFLICT, seen(state="Updating"), seen(), elsewhere, patched(), said("Succeeded"), seen())
    assert len(run(arm, **INSTALL, service_type="NodePort").warnings) == 1


# Removing


def test_remove(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, DELETED, said("Deleting"), said("Succeeded"), NOTHING)
    outcome = run(arm, state="absent")
    assert wire.query(2)["forceDelete"] == "false"
    assert (outcome.changed, outcome.facts["action"], outcome.facts["extension"]) == (True, "delete", None)
    assert (outcome.before["settings"], outcome.after) == (SETTLED, {})
    assert outcome.facts["changes"]["gateway.auth.token"] == {"before": "(set)", "after": None}


@pytest.mark.parametrize("present", [NOTHING, seen(state="Deleting")])
def test_remove_what_is_gone_or_going(arm: Arm, wire: Wire, present: Call) -> None:
    wire.expect(present)
    outcome = run(arm, state="absent", wait=False)
    assert (outcome.changed, list(outcome.warnings)) == (False, [])


@pytest.mark.parametrize("body", [azure.NO_CLUSTER, azure.error("ResourceGroupNotFound", "Resource group 'rg' could not be found.")])
def test_remove_from_a_cluster_that_is_gone(arm: Arm, wire: Wire, body: dict) -> None:
    wire.expect(Call("GET", EXTENSION, 404, body, FROM_ARM))
    outcome = run(arm, state="absent")
    assert not outcome.changed and CLUSTER in outcome.warnings[0]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, azure.error("SubscriptionNotFound", "The subscription 'x' could not be found.")), (404, "<html>"), (403, azure.error("AuthorizationFailed", "x"))],
)
def test_remove_without_knowing(arm: Arm, wire: Wire, status: int, body: object) -> None:
    """An answer that says nothing about the extension is no success."""
    wire.expect(Call("GET", EXTENSION, status, body))
    fails(arm, state="absent")


def test_remove_waits_for_what_is_under_way(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Updating"), seen(), seen(), CONNECTED, DELETED, said("Succeeded"), NOTHING)
    assert run(arm, state="absent").changed


def test_remove_a_busy_one_without_wait(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Creating"))
    outcome = run(arm, state="absent", wait=False)
    assert not outcome.changed and "is Creating" in outcome.warnings[0]


def test_remove_without_wait(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, DELETED)
    outcome = run(arm, state="absent", wait=False)
    assert (outcome.changed, outcome.facts["extension"]["provisioning_state"]) == (True, "Deleting")


def test_remove_from_an_offline_cluster(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), OFFLINE)
    fails(arm, state="absent")


@pytest.mark.parametrize("state", ["Succeeded", "Creating", "Deleting"])
@pytest.mark.parametrize("wait", [True, False])
def test_remove_by_force(arm: Arm, wire: Wire, state: str, wait: bool) -> None:
    """At once, whatever the cluster does: no look at it, no waiting for an operation that may never end."""
    odd = {"version": "1.1", "content": {"headers": []}, "statusCode": 200, "isSuccessStatusCode": True}
    wire.expect(seen(state=state), Call("DELETE", EXTENSION, 200, odd))
    if wait:
        wire.expect(NOTHING)
    outcome = run(arm, state="absent", force_delete=True, wait=wait)
    assert wire.query(1)["forceDelete"] == "true"
    assert (outcome.changed, outcome.facts["extension"]) == (True, None)


def test_remove_by_force_refused(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(state="Creating"), Call("DELETE", EXTENSION, 409, azure.CONFLICT))
    fails(arm, state="absent", force_delete=True)


def test_removal_fails(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(), CONNECTED, DELETED, said("Failed", **azure.OPERATION_ERROR), seen(state="Failed"))
    assert f"{azure.HELM}. The extension is now Failed. Mend the cause and run again: force_delete=true" in str(fails(arm, state="absent"))


# Check mode: the script has no writes, so one would fail


@pytest.mark.parametrize(
    ("calls", "given", "action"),
    [
        ((NOTHING, CONNECTED), INSTALL, "create"),
        ((seen(),), INSTALL, "none"),
        ((seen(), CONNECTED), INSTALL | {"service_type": "NodePort"}, "update"),
        ((seen(), CONNECTED), INSTALL | {"gateway_token": NEXT}, "update"),
        ((seen(SETTLED | NODE_PORT), CONNECTED), INSTALL | {"purge_settings": True}, "replace"),
        ((seen(state="Failed"), CONNECTED), INSTALL, "repair"),
        ((seen(), CONNECTED), INSTALL | {"target_namespace": "other", "recreate": True}, "recreate"),
        ((seen(state="Updating"),), INSTALL | {"service_type": "NodePort"}, "update"),
        ((seen(state="Updating"),), INSTALL, "none"),
        ((seen(state="Deleting"),), INSTALL, "create"),
        ((seen(), CONNECTED), {"state": "absent"}, "delete"),
        ((seen(),), {"state": "absent", "force_delete": True}, "delete"),
        ((NOTHING,), {"state": "absent"}, "none"),
    ],
)
def test_check_mode(arm: Arm, wire: Wire, calls: tuple[Call, ...], given: dict, action: str) -> None:
    wire.expect(*calls)
    outcome = run(arm, check_mode=True, **given)
    assert (outcome.facts["action"], outcome.changed) == (action, action != "none")
    assert (outcome.before != outcome.after) is outcome.changed


@pytest.mark.parametrize(
    ("calls", "given"),
    [((NOTHING, OFFLINE), INSTALL), ((seen(),), INSTALL | {"target_namespace": "other"}), ((NO_CLUSTER,), INSTALL), ((seen(), OFFLINE), {"state": "absent"})],
)
def test_check_mode_fails_as_the_real_run_would(arm: Arm, wire: Wire, calls: tuple[Call, ...], given: dict) -> None:
    wire.expect(*calls)
    fails(arm, check_mode=True, **given)


# Options


@pytest.mark.parametrize(
    ("given", "settings", "protected"),
    [
        ({}, {}, {}),
        (INSTALL, URL, secrets()),
        ({"gateway_token": f"GatewayKey {TEXT}"}, {}, secrets()),
        ({"protected_settings": {"gateway": {"auth": {"token": TEXT}}}}, {}, secrets()),
        ({"service_type": "ClusterIP", "replicas": 2}, {"service.type": "ClusterIP", "replicaCount": "2"}, {}),
        ({"replicas": 0}, {"replicaCount": "0"}, {}),
        (
            {"monitoring": {"resource_id": "r", "workspace_id": "w", "ingestion_key": KEY}},
            {"monitoring.customResourceId": "r", "monitoring.workspaceId": "w"},
            {"monitoring.ingestionKey": KEY},
        ),
        ({"settings": {"dapr": {"enabled": True}}, "protected_settings": {"dapr.config": "x"}}, {"dapr.enabled": "true"}, {"dapr.config": "x"}),
        ({"settings": None, "protected_settings": None}, {}, {}),
    ],
)
def test_options(given: dict, settings: dict, protected: dict) -> None:
    task = wanted(**{"target_namespace": "apim", **given})
    assert (task.desired.settings, task.desired.protected) == (settings, protected)
    assert task.expires_on == (ENDS if "gateway.auth.token" in protected else None)


def test_nothing_is_wanted_of_what_has_to_go() -> None:
    assert wanted(state="absent", **INSTALL | {"target_namespace": None}).desired.settings == {}


def test_warnings_of_the_settings_arrive(arm: Arm, wire: Wire) -> None:
    wire.expect(seen(SETTLED | {"no.such": "1"}))
    (warning,) = run(arm, **INSTALL, settings={"no.such": 1}).warnings
    assert "'no.such'" in warning


EXPIRED = azure.token(expiry="202001010000")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resource_group": "rg."}, ["resource_group: 'rg.'"]),
        ({"cluster_name": "a/b"}, ["cluster_name: 'a/b'"]),
        ({"name": "a b"}, ["name: 'a b'"]),
        ({"target_namespace": "Apim"}, ["target_namespace: 'Apim'"]),
        ({"configuration_uri": "http://contoso.configuration.azure-api.net"}, ["configuration_uri", "https", "apim_gateway_info"]),
        ({"configuration_uri": "https://"}, ["configuration_uri"]),
        ({"settings": {"gateway.configuration.uri": "ftp://x"}}, ["configuration_uri: 'ftp://x'"]),
        ({"gateway_token": f"{TEXT}&x"}, ["gateway_token: this is not a gateway token"]),
        ({"gateway_token": ""}, ["gateway_token: this is not a gateway token"]),
        ({"gateway_token": EXPIRED}, ["gateway_token", "'stores'", "expired at 2020-01-01 00:00 UTC", "gets a new one"]),
        ({"gateway_token": TEXT, "protected_settings": {"gateway.auth.token": TEXT}}, ["gateway_token: 'gateway.auth.token'", "Give it once"]),
        ({"service_type": "NodePort", "settings": NODE_PORT}, ["service_type: 'service.type'", "Give it once"]),
        ({"settings": {"gateway.auth.token": TEXT}}, ["'gateway.auth.token' is a secret", "protected_settings"]),
        ({"settings": {"a.b": 1}, "protected_settings": {"a": {"b": 2}}}, ["'a.b' is in both"]),
        ({"settings": {secret_record.SETTING: "x"}}, [secret_record.SETTING, "written by this module"]),
        ({"settings": {"gateway": {"deployment": {"annotations": {"arcfleetSecrets": "x"}}}}}, ["written by this module"]),
        ({"version": "1.6.4", "auto_upgrade_minor_version": True}, ["auto_upgrade_minor_version", "'1.6.4'"]),
        ({"wait_timeout": 0}, ["wait_timeout: 0"]),
        ({"wait_timeout": -1}, ["wait_timeout: -1"]),
        ({"wait_timeout": float("nan")}, ["wait_timeout: nan"]),
        ({"wait_sleep": 0}, ["wait_sleep: 0"]),
        ({"wait_sleep": 86401}, ["wait_sleep: 86401"]),
    ],
)
def test_options_refused(given: dict, said: list[str]) -> None:
    with pytest.raises(ApimError) as caught:
        wanted(**{"target_namespace": "apim", **given})
    assert all(part in str(caught.value) for part in said), caught.value
    assert SIGNATURE not in str(caught.value) and EXPIRED.rpartition("&")[2] not in str(caught.value)
