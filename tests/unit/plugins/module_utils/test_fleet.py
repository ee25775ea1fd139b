# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters differ, and what is said about a run."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import Wanted, parse
from ansible_collections.arcfleet.apim.plugins.module_utils._fleet import Verdict, Visit, compare, lines, summary
from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import Row, rows
from ansible_collections.arcfleet.apim.plugins.modules.apim_arc_extension import TASK
from harness import azure
from harness.azure import CLUSTER, EXTENSION, URI

ENDS = dt.datetime(2099, 1, 31, 12, 34, tzinfo=dt.timezone.utc)
SECRETS = {"gateway.auth.token": f"GatewayKey {azure.token()}"}
SETTLED = {"gateway.configuration.uri": URI, secret_record.SETTING: secret_record.record(EXTENSION, SECRETS, ENDS)}
INSTALL = {"target_namespace": "apim", "configuration_uri": URI, "gateway_token": azure.token()}


def wanted(**given: Any) -> Wanted:
    defaults = {name: spec.get("default") for name, spec in TASK.options.items()}
    return parse({**defaults, "resource_group": "rg", "cluster_name": "oslo", **INSTALL, **given})


def row(connectivity: str = "Connected", **extensions: dict[str, Any]) -> Row:
    """The cluster as Resource Graph shows it, with its extensions by name."""
    cluster = {"id": CLUSTER, "name": "oslo", "location": "norwayeast", "tags": None, "connectivityStatus": connectivity}
    records = [cluster | {"extensionName": name.replace("_", "-"), "extensionProperties": body["properties"]} for name, body in extensions.items()]
    (found,) = rows(records or [cluster])
    return found


def settled(state: str = "Succeeded", **settings: str) -> dict[str, Any]:
    return azure.extension(SETTLED | settings, state=state)


@pytest.mark.parametrize(("seen", "given", "verdict"), [
    (row(apim_gateway=settled()), {}, Verdict("none", "Connected")),
    (row("Offline", apim_gateway=settled()), {}, Verdict("none", "Offline")),
    (row(), {}, Verdict("create", "Connected")),
    (row("Offline"), {}, Verdict("create", "Offline")),
    (None, {}, Verdict("unknown", None)),
    (row(apim_gateway=settled()), {"service_type": "NodePort"}, Verdict("update", "Connected")),
    (row(apim_gateway=settled(replicaCount="2")), {"replicas": 3}, Verdict("update", "Connected")),
    (row(apim_gateway=settled(replicaCount="2")), {}, Verdict("none", "Connected")),
    (row(apim_gateway=settled(replicaCount="2")), {"purge_settings": True}, Verdict("replace", "Connected")),
    (row(apim_gateway=settled()), {"gateway_token": azure.token(expiry="209902101234")}, Verdict("update", "Connected")),
    (row(apim_gateway=settled()), {"target_namespace": "elsewhere"}, Verdict("refuse", "Connected")),
    (row(apim_gateway=settled()), {"target_namespace": "elsewhere", "recreate": True}, Verdict("recreate", "Connected")),
    (row(apim_gateway=settled("Failed")), {}, Verdict("repair", "Connected")),
    (row(apim_gateway=settled("Creating")), {}, Verdict("join", "Connected")),
    (row("Offline", apim_gateway=settled("Updating")), {}, Verdict("join", "Offline")),
    (row(another=settled()), {}, Verdict("create", "Connected")),
    (row(another=settled("Failed"), APIM_Gateway=settled()), {}, Verdict("none", "Connected")),
    (row(apim_gateway=settled()), {"name": "another"}, Verdict("create", "Connected")),
    (row(apim_gateway=settled()), {"state": "absent"}, Verdict("delete", "Connected")),
    (row(another=settled()), {"state": "absent"}, Verdict("none", "Connected")),
    (row(apim_gateway=settled("Deleting")), {"state": "absent"}, Verdict("join", "Connected")),
])
def test_compare(seen: Row | None, given: dict[str, Any], verdict: Verdict) -> None:
    assert compare(wanted(**given), CLUSTER, seen) == verdict


def test_compare_in_any_case() -> None:
    """The names as the user writes them are not always as Azure does."""
    assert compare(wanted(name="APIM-Gateway"), CLUSTER.upper(), row(apim_gateway=settled())) == Verdict("none", "Connected")


@pytest.mark.parametrize(("verdict", "differs", "offline"), [
    (Verdict("none", "Connected"), False, False), (Verdict("none", "Offline"), False, True), (Verdict("update", "Offline"), True, True),
    (Verdict("unknown", None), True, False), (Verdict("join", "Connecting"), True, True)])
def test_verdict(verdict: Verdict, differs: bool, offline: bool) -> None:
    assert (verdict.differs, verdict.offline) == (differs, offline)


def run(**more: Any) -> dict[str, Any]:
    return summary(95, {"away": "Offline"}, {
        "b": Visit(1, True), "a": Visit(2, True), "same": Visit(2), "bad": Visit(2, True, "No space."), "worse": Visit(1, False, "No."),
        "later": Visit(None), "after": Visit(None)}) | {"seconds": 61.4, "requests": 12} | more


def test_summary() -> None:
    assert run() == {
        "changed": ["a", "b"],
        "unchanged": 96,
        "failed": {"bad": "No space.", "worse": "No."},
        "offline": {"away": "Offline"},
        "not_visited": ["after", "later"],
        "waves": [{"wave": 1, "changed": 1, "unchanged": 0, "failed": 1}, {"wave": 2, "changed": 1, "unchanged": 1, "failed": 1}],
        "seconds": 61.4,
        "requests": 12,
    }


def test_summary_of_nothing() -> None:
    assert summary(3, {}, {}) == {"changed": [], "unchanged": 3, "failed": {}, "offline": {}, "not_visited": [], "waves": []}


def test_every_host_counts_once() -> None:
    found = run()
    assert sum(len(found[name]) for name in ("changed", "failed", "not_visited", "offline")) + found["unchanged"] == 95 + 1 + 7
    assert sum(wave[name] for wave in found["waves"] for name in ("changed", "unchanged", "failed")) == 5


def test_lines() -> None:
    assert lines(run()) == [
        "2 changed, 96 as wanted before, 2 failed, 1 offline and set aside, 2 not visited.",
        "Wave 1: 1 changed, 0 unchanged, 1 failed.",
        "Wave 2: 1 changed, 1 unchanged, 1 failed.",
        "Failed: bad: No space.",
        "Failed: worse: No.",
        "Offline: away: Offline",
        "61 seconds, 12 requests to Azure.",
    ]


def test_lines_without_a_count() -> None:
    assert lines(run(requests=None))[-1] == "61 seconds."


def test_lines_of_many() -> None:
    many = {f"store-{number:02}": "No." for number in range(25)}
    text = lines(run(failed=many, offline={}))
    assert [line for line in text if line.startswith("Failed: store")] == [f"Failed: store-{number:02}: No." for number in range(20)]
    assert "Failed: and 5 more." in text
    assert not [line for line in text if line.startswith("Offline")]
