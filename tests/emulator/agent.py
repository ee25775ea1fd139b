# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens on a cluster: the agent carries out operations, Helm rolls pods, pods connect to their service."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import gateway_token
from .store import Row
from .world import guid

if TYPE_CHECKING:
    from .app import Emulator

_GATEWAY = "microsoft.apimanagement.gateway"
_ANNOTATIONS = "gateway.deployment.annotations."
_SECRETS_KEPT = 48 * 3600  # seconds that Azure keeps protected settings for an agent that does not fetch them
_NO_AGENT = (
    "Unable to get response from the Agent in time, please ensure the extension agents on the cluster are able to "
    "connect to Azure services"
)


def settle(emu: Emulator, row: Row) -> Row | None:
    """The extension as it is by now: an operation whose time is over is completed first. None when that deleted it."""
    operation = row["operation"]
    if not operation:
        return row
    cluster = emu.store.get("clusters", row["parent"])
    assert cluster
    now, wait = emu.clock.now(), cluster["agent"]["operation_seconds"]
    if cluster["connectivity"] == "Connected" and cluster["agent"]["outcome"] != "never":
        # Work that was submitted while the cluster was offline begins when it comes back.
        wait = emu.settings.operation_seconds if wait is None else wait
        end = max(operation["started"], cluster["online_since"]) + wait
        problem = _failure(emu, row, cluster)
    else:
        # ASSUMPTION: an offline cluster's operation fails when the protected settings are thrown away; `never` truly
        # never ends.
        end = operation["started"] + _SECRETS_KEPT if cluster["agent"]["outcome"] != "never" else math.inf
        problem = _NO_AGENT
    if now < end:
        return row
    return _fail(emu, row, problem) if problem else _succeed(emu, row)


def settle_all(emu: Emulator) -> list[Row]:
    """Every extension, as it is by now."""
    rows = (settle(emu, row) if row["operation"] else row for row in emu.store.all("extensions"))
    return [row for row in rows if row]


def forget(emu: Emulator, row: Row) -> None:
    """A forced delete: gone from Azure at once; the Helm release goes only when the agent can hear of it."""
    if row["operation"]:
        _finish(emu, row["operation"]["name"], "Canceled")
    emu.store.delete("extensions", row["id"])
    cluster = emu.store.get("clusters", row["parent"])
    if cluster and cluster["connectivity"] == "Connected":
        emu.store.delete("releases", row["id"])


def _finish(emu: Emulator, name: str, status: str, error: dict[str, str] | None = None) -> None:
    operation = emu.store.get("operations", name)
    assert operation
    emu.store.put("operations", name, operation | {"status": status, "error": error})


def _settings(row: Row) -> dict[str, str]:
    return row["wanted"]["configurationSettings"] | row["wanted"]["configurationProtectedSettings"]


def _resolve(emu: Emulator, row: Row) -> str | None:
    """The version to install, None when train and version do not go together."""
    wanted = row["wanted"]
    kind = next((one for one in emu.world.extension_types if one.name.lower() == wanted["extensionType"].lower()), None)
    trains = kind.trains.items() if kind else ()
    known = next((versions for train, versions in trains if train.lower() == wanted["releaseTrain"].lower()), [])
    if wanted["version"]:
        return wanted["version"] if wanted["version"] in known else None
    # ASSUMPTION: neither a pin nor auto upgrade installs the newest too; sending one of them is right either way.
    return known[-1] if known else None


def _failure(emu: Emulator, row: Row, cluster: Row) -> str:
    """Why the operation must fail, as the agent says it; empty when it succeeds."""
    if cluster["agent"]["outcome"] == "fail":
        return f"InnerError: [Helm installation failed : {cluster['agent']['message']}]"
    if row["operation"]["action"] == "Delete":
        return ""
    if _resolve(emu, row) is None:
        return (
            "Failed to resolve the extension version from the given values. InnerError:[ '{0}' ]. Please refer "
            "https://aka.ms/k8s-extension-type-versions for the available versions"
        )
    if row["wanted"]["extensionType"].lower() != _GATEWAY:
        return ""
    settings = _settings(row)
    if settings.get("ingress.enabled", "").lower() == "true":
        account = f"system:serviceaccount:azure-arc:ext-installer-{row['name']}"
        return (
            "InnerError: [Helm installation failed : Unable to install the chart : InnerError [unable to build "
            "kubernetes objects from release manifest: customresourcedefinitions.apiextensions.k8s.io is forbidden: "
            f'User "{account}" cannot list resource "customresourcedefinitions" in API group "apiextensions.k8s.io" '
            'at the cluster scope; no matches for kind "ConfigurationSource"]]'
        )
    for needed in ("gateway.configuration.uri", "gateway.auth.token"):
        if not settings.get(needed):
            # ASSUMPTION: both are documented as required and the chart fails without them; the wording is Helm's usual
            # one.
            return (
                "InnerError: [Helm installation failed : Unable to install the chart : InnerError [execution error: "
                f"{needed} is required]]"
            )
    return ""


def _fail(emu: Emulator, row: Row, problem: str) -> Row:
    operation = row["operation"]
    _finish(
        emu,
        operation["name"],
        "Failed",
        {
            "code": "ExtensionOperationFailed",
            "message": f"The extension operation failed with the following error:  Error: [ {problem} ] occurred "
            f"while doing the operation : [{operation['action']}] on the config, For general troubleshooting visit: "
            "https://aka.ms/k8s-extensions-TSG, For more application specific troubleshooting visit: Facing trouble? "
            "Common errors and potential fixes are detailed in the Kubernetes Extensions Troubleshooting Guide.",
        },
    )
    doing = {"Create": "Installing", "Update": "Updating", "Delete": "Deleting"}[operation["action"]]
    status = {
        "code": "InstallationFailed",
        "displayStatus": None,
        "level": None,
        "message": f"Error: {{{problem}}} occurred while doing the operation : {{{doing} the extension}} on the config",
        "time": None,
    }
    row = row | {"operation": None, "state": "Failed", "statuses": [status]}
    emu.store.put("extensions", row["id"], row)
    return row


def _succeed(emu: Emulator, row: Row) -> Row | None:
    _finish(emu, row["operation"]["name"], "Succeeded")
    if row["operation"]["action"] == "Delete":
        emu.store.delete("extensions", row["id"])
        emu.store.delete("releases", row["id"])
        return None
    row = row | {"operation": None, "state": "Succeeded", "statuses": [], "installed": _resolve(emu, row)}
    emu.store.put("extensions", row["id"], row)
    _roll(emu, row)
    return row


def _roll(emu: Emulator, row: Row) -> None:
    """Install or upgrade the Helm release: pods keep the token they started with until the pod template changes.

    The chart fills an environment variable from a Secret without a checksum annotation: a new token rolls nothing.
    """
    settings, version = _settings(row), row["installed"]
    annotations = {name: value for name, value in settings.items() if name.startswith(_ANNOTATIONS)}
    # ASSUMPTION: extension versions are chart versions; charts before 1.5.3 do not copy the annotations to the pod
    # template. Nothing else is taken to change it, so that no client can rely on a roll that might not happen.
    template = {"version": version, "annotations": annotations if _numbers(version) >= (1, 5, 3) else {}}
    old = emu.store.get("releases", row["id"])
    started_with = {
        "token": settings.get("gateway.auth.token", ""),
        "uri": settings.get("gateway.configuration.uri", ""),
    }
    if old and old["template"] == template:
        started_with = old["started_with"]
    replicas = settings.get("replicaCount", "3")
    emu.store.put(
        "releases",
        row["id"],
        {
            "id": row["id"],
            "cluster": row["parent"],
            "template": template,
            "started_with": started_with,
            "replicas": int(replicas) if replicas.isdigit() else 3,
        },
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def heartbeat(emu: Emulator, service: Row, gateway: Row) -> list[dict[str, Any]]:
    """The pods, anywhere in the fleet, that are connected to this gateway now."""
    settle_all(emu)
    hosts = {f"{service['name']}.configuration.azure-api.net".lower()}
    hosts |= {one["host"].lower() for one in service["hostnames"] if one["type"] == "ConfigurationApi"}
    keys = [emu.secrets.gateway_key(gateway, which) for which in ("primary", "secondary")]
    let_in: dict[str, bool] = {}  # many clusters share one token
    pods = []
    for release in emu.store.all("releases"):
        token, uri = release["started_with"]["token"], release["started_with"]["uri"]
        cluster = emu.store.get("clusters", release["cluster"])
        # ASSUMPTION: the pods of a cluster whose agent is offline cannot reach the service either.
        host = uri.split("//")[-1].split("/")[0].lower()
        if not cluster or cluster["connectivity"] != "Connected" or host not in hosts:
            continue
        if token not in let_in:
            let_in[token] = gateway_token.connects(token, gateway["name"], keys, emu.clock.now())
        if let_in[token]:
            pods += [f"{release['id']}/{number}" for number in range(release["replicas"])]
    if service["sku"] == "Developer":
        # ASSUMPTION: the Developer tier connects one node per gateway; its documentation only hints at it.
        pods = pods[:1]
    # ASSUMPTION: what an element holds is not public; only their number is worth anything.
    return [{"instanceId": guid(pod)} for pod in pods]
