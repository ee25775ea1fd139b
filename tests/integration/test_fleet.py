# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying to thirty clusters: only those that differ, in waves, stopping when the first ones break."""
from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest
from harness.emulator import Emulator
from harness.playbook import Run
from harness.site import extension, fleet, nodes, writes
from harness.steps import RunPlaybook, play

DEPLOY = "arcfleet.apim.deploy"
PLAN = "arcfleet.apim.apim_fleet_plan"
REPORT = "arcfleet.apim.apim_fleet_report"
SURVEY = "Look after the gateways and find the clusters that differ"
SUBMIT = "Submit what has to change"
AT_ONCE = {"rollout_waves": ["100%"]}


@pytest.fixture(scope="module")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator with thirty clusters."""
    world = str(Path(__file__).with_name("world.yml"))
    emulator = Emulator.start(tmp_path_factory.mktemp("emulator"), "--world", world, "--clusters", "27")
    yield emulator
    emulator.stop()


def some(emulator: Emulator, count: int) -> dict[str, dict[str, Any]]:
    """Hosts for so many of the clusters, in the order of their names, which is the inventory's."""
    return {name: {} for name in sorted(emulator.clusters)[:count]}


def visited(emulator: Emulator) -> list[str]:
    """The clusters that somebody looked at or changed, one by one, in the order of the first request."""
    paths = [request["path"].split("/") for request in emulator.requests(path="/connectedClusters/")]
    return list(dict.fromkeys(path[8] for path in paths))


def questions(emulator: Emulator) -> int:
    """How often Resource Graph was asked."""
    return len(emulator.requests("POST", "/Microsoft.ResourceGraph/"))


def said(run: Run) -> dict[str, Any]:
    """The summary as data, as a workflow gets it; the last one counts."""
    stats = [event["event_data"] for event in run.events if event["event"] == "playbook_on_stats"][0]
    return stats["artifact_data"]["apim_arc_gateway"]


def by_wave(run: Run) -> list[tuple[int, int, int]]:
    """How many changed, stayed and failed, wave by wave."""
    assert [wave["wave"] for wave in said(run)["waves"]] == list(range(1, len(said(run)["waves"]) + 1))
    return [(wave["changed"], wave["unchanged"], wave["failed"]) for wave in said(run)["waves"]]


def vary(inventory: dict[str, Any], **hosts: dict[str, Any]) -> dict[str, Any]:
    """The inventory with more variables for some hosts; in their names, _ stands for -."""
    more = {name.replace("_", "-"): variables for name, variables in hosts.items()}
    return {"all": inventory["all"] | {"hosts": {name: own | more.get(name, {}) for name, own in inventory["all"]["hosts"].items()}}}


def test_only_those_that_differ(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Thirty are installed; then nothing, three, all and none of them are looked at."""
    inventory = fleet(emulator)
    review = run_playbook(DEPLOY, inventory=inventory, check=True, diff=True)
    assert said(review)["waves"] == [{"wave": 1, "changed": 30, "unchanged": 0, "failed": 0}]
    assert {result["changes"]["service.type"]["after"] for result in review.results(SUBMIT)} == {"LoadBalancer"}
    assert review.stdout.count('+    "release_train": "preview"') == 30

    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE)
    assert run.result(SURVEY)["msg"] == "30 clusters: 0 as wanted, 30 to visit (create 30)."
    assert "30 changed, 0 as wanted before, 0 failed, 0 offline and set aside, 0 not visited." in run.stdout
    assert (len(said(run)["changed"]), by_wave(run)) == (30, [(30, 0, 0)])
    assert said(run)["requests"] == len([request for request in emulator.requests() if "api-version" in request["query"]]) - len(
        emulator.requests(path="/metadata/"))
    assert len(writes(emulator, "/extensions/")) == 30
    assert (questions(emulator), len(emulator.requests("POST", "/oauth2/v2.0/token"))) == (1, 1)
    assert nodes(emulator) == 90

    emulator.forget_requests()
    again = run_playbook(DEPLOY, inventory=inventory)
    assert (again.changed, visited(emulator), questions(emulator)) == (0, [], 1)
    assert not writes(emulator)
    assert len(emulator.requests("POST", "/oauth2/v2.0/token")) == len(emulator.requests("POST", "/generateToken")) == 1
    assert "    0 changed, 30 as wanted before, 0 failed, 0 offline and set aside, 0 not visited.\n" in again.stdout
    assert said(again).items() >= {"changed": [], "unchanged": 30, "failed": {}, "offline": {}, "not_visited": [], "waves": []}.items()
    assert not again.results(SUBMIT)

    emulator.forget_requests()
    two = {"apim_arc_gateway_replicas": 2}
    differing = vary(inventory, cluster_0003=two, cluster_0020=two, store_oslo=two)
    review = run_playbook(DEPLOY, inventory=differing, check=True, diff=True)
    assert [result["changes"] for result in review.results(SUBMIT)] == [{"replicaCount": {"before": None, "after": "2"}}] * 3
    assert sorted(visited(emulator)) == ["cluster-0003", "cluster-0020", "store-oslo"]
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=differing)
    assert run.result(SURVEY)["visit"] == {"cluster-0003": "update", "cluster-0020": "update", "store-oslo": "update"}
    assert visited(emulator) == ["cluster-0003", "cluster-0020", "store-oslo"]
    assert (said(run)["changed"], said(run)["unchanged"]) == (visited(emulator), 27)
    assert {request["method"] for request in writes(emulator, "/extensions/")} == {"PATCH"}
    assert nodes(emulator) == 87

    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=differing, extra_vars=AT_ONCE | {"full_check": True})
    assert (run.changed, len(visited(emulator)), questions(emulator)) == (0, 30, 0)
    assert not writes(emulator)
    assert by_wave(run) == [(0, 30, 0)]

    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, arguments="--limit cluster-0001,cluster-0003", extra_vars={"apim_arc_gateway_replicas": 1})
    assert sorted(visited(emulator)) == ["cluster-0001", "cluster-0003"]
    assert said(run)["unchanged"] == 0


def test_variables_with_templates(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """What differs from host to host is compared as the tasks would see it: after the visit, nothing differs any more."""
    gateway = fleet(emulator)["all"]["vars"]["apim_arc_gateway_gateway"]
    inventory = fleet(emulator, some(emulator, 8), settings={"telemetry.logs.std": "json"}, size=2, apim_arc_gateway_replicas="{{ size }}")
    variables = inventory["all"]["vars"]
    variables |= {
        "apim_arc_gateway_gateway": gateway | {"name": "{{ 'north' if 'north' in group_names else 'south' }}"},
        "apim_arc_gateway_settings": "{{ settings | combine({'dapr.app.id': inventory_hostname, 'dapr.config': groups['all'] | length}) }}",
    }
    inventory["all"]["children"] = {
        "north": {"hosts": {"cluster-0001": {}, "cluster-0002": {}}},
        "renamed": {"hosts": {"cluster-0003": {}}, "vars": {"apim_arc_gateway_extension_name": "edge", "apim_arc_gateway_target_namespace": "edge-{{ size }}"}},
        "moved": {"hosts": {"milan": {}}, "vars": {
            "place": "milan", "apim_arc_gateway_cluster_name": "store-{{ place }}", "apim_arc_gateway_resource_group": "rg-far"}}}
    region = ("The region 'italynorth'",)
    run = run_playbook(DEPLOY, inventory=vary(inventory, cluster_0004={"size": 4}), extra_vars=AT_ONCE, warnings=region)
    assert len(said(run)["changed"]) == 9
    assert (nodes(emulator, "north"), nodes(emulator, "south")) == (4, 16)
    edge = extension(emulator, "cluster-0003", "edge")
    assert edge and edge["scope"]["namespace"]["targetNamespace"] == "edge-2"
    milan = emulator.azure("GET", emulator.cluster_id("store-milan").replace("rg-stores", "rg-far")
                           + "/providers/Microsoft.KubernetesConfiguration/extensions/apim-gateway")
    assert milan["properties"]["configurationSettings"].items() >= {"dapr.app.id": "milan", "dapr.config": "9", "replicaCount": "2"}.items()

    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=vary(inventory, cluster_0004={"size": 4}))
    assert (run.changed, visited(emulator), said(run)["unchanged"]) == (0, [], 9)
    assert len(emulator.requests("POST", "/generateToken")) == 2  # one for each gateway

    run = run_playbook(DEPLOY, inventory=vary(inventory, cluster_0005={"size": 5}), check=True)
    assert run.result(SURVEY)["visit"] == {"cluster-0004": "update", "cluster-0005": "update"}
    assert {name: run.result(SUBMIT, name)["changes"]["replicaCount"]["after"] for name in ("cluster-0004", "cluster-0005")} == {
        "cluster-0004": "2", "cluster-0005": "5"}
    others = vary(inventory, cluster_0004={"size": 4}, cluster_0005={"apim_arc_gateway_replicas": "{{ hostvars['cluster-0004'].size }}"},
                  cluster_0006={"apim_arc_gateway_replicas": "{{ ansible_play_hosts_all | length }}"})
    run = run_playbook(DEPLOY, inventory=others, check=True)
    assert run.result(SURVEY)["visit"] == {"cluster-0005": "update", "cluster-0006": "update"}
    assert run.result(SUBMIT, "cluster-0005")["changes"] == {"replicaCount": {"before": "2", "after": "4"}}
    variables["settings"] = {"telemetry.logs.std": "text"}
    assert len(run_playbook(DEPLOY, inventory=inventory, check=True, warnings=region).result(SURVEY)["visit"]) == 9


def test_waves(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """One, then a tenth, then the rest; each is installed and verified before the next begins."""
    run = run_playbook(DEPLOY, inventory=fleet(emulator))
    assert by_wave(run) == [(1, 0, 0), (3, 0, 0), (26, 0, 0)]
    assert [f"Wave {number}:" in run.stdout for number in (1, 2, 3, 4)] == [True, True, True, False]
    order = sorted(emulator.clusters)
    first, tenth, rest = order[:1], order[1:4], order[4:]
    requests = [(request["path"].split("/")[8], request["n"]) for request in emulator.requests(path="/connectedClusters/")]
    spans = [[number for cluster, number in requests if cluster in wave] for wave in (first, tenth, rest)]
    assert max(spans[0]) < min(spans[1]) < max(spans[1]) < min(spans[2])
    # In a wave, all are submitted before anybody waits.
    puts = [request["n"] for request in writes(emulator, "/extensions/") if request["path"].split("/")[8] in rest]
    waits = [request["n"] for request in emulator.requests("GET", "/operations/") if request["path"].split("/")[8] in rest]
    assert max(puts) < min(waits, default=max(puts) + 1)


def test_a_failing_canary(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Nothing after the first wave is touched, the summary says why; once mended, a later run carries on."""
    inventory = fleet(emulator, some(emulator, 12))
    emulator.cluster("cluster-0001", agent={"outcome": "fail", "message": "InnerError [no space left on device]"})
    run = run_playbook(DEPLOY, inventory=inventory, expect="failed")
    assert run.rc != 0
    assert visited(emulator) == ["cluster-0001"]
    assert by_wave(run) == [(0, 0, 1)]
    assert list(said(run)["failed"]) == ["cluster-0001"]
    assert "no space left on device" in said(run)["failed"]["cluster-0001"]
    assert said(run)["not_visited"] == sorted(emulator.clusters)[1:12]
    total = "    0 changed, 0 as wanted before, 1 failed, 0 offline and set aside, 11 not visited.\n"
    assert f"{total}    Wave 1: 0 changed, 0 unchanged, 1 failed.\n" in run.stdout
    assert "    Failed: cluster-0001: The operation on the extension " in run.stdout

    emulator.cluster("cluster-0001", agent={"outcome": "succeed"})
    emulator.cluster("cluster-0003", agent={"outcome": "fail", "message": "InnerError [no route to host]"})
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"rollout_waves": [2, 3, "100%"]}, expect="failed",
                       warnings=("is Failed and has to be created again",))
    assert sorted(visited(emulator)) == sorted(emulator.clusters)[:5]
    assert by_wave(run) == [(2, 0, 0), (2, 0, 1)]
    assert len(said(run)["not_visited"]) == 7

    emulator.cluster("cluster-0003", agent={"outcome": "succeed"})
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, warnings=("is Failed and has to be created again",))
    assert sorted(visited(emulator)) == ["cluster-0003", *sorted(emulator.clusters)[5:12]]
    assert (said(run)["unchanged"], by_wave(run)) == (4, [(1, 0, 0), (1, 0, 0), (6, 0, 0)])
    assert nodes(emulator) == 36


def test_some_may_fail(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Up to the percentage that is given, the rollout goes on, and fails at its end."""
    inventory = fleet(emulator, some(emulator, 8))
    for name in ("cluster-0002", "cluster-0005", "cluster-0006"):
        emulator.cluster(name, agent={"outcome": "fail"})
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"rollout_waves": [4, 2, "100%"], "rollout_max_fail_percentage": 25}, expect="failed")
    assert by_wave(run) == [(3, 0, 1), (0, 0, 2)]
    assert said(run)["not_visited"] == ["cluster-0007", "cluster-0008"]
    for name in ("cluster-0002", "cluster-0005", "cluster-0006"):
        emulator.cluster(name, agent={"outcome": "succeed"})
    emulator.cluster("cluster-0007", agent={"outcome": "fail"})
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"rollout_waves": [4, "100%"], "rollout_max_fail_percentage": 25}, expect="failed",
                       warnings=("is Failed and has to be created again",))
    assert by_wave(run) == [(3, 0, 1), (1, 0, 0)]


def test_pods_that_do_not_connect(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Azure says Succeeded, the gateway hears nothing: the rollout stops. The chart 1.5.0 leaves its pods on the old token."""
    inventory = fleet(emulator, some(emulator, 6), apim_arc_gateway_version="1.5.0", apim_arc_gateway_release_train="stable")
    run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE)
    service = inventory["all"]["vars"]["apim_arc_gateway_gateway"]
    emulator.azure("POST", f"/subscriptions/{emulator.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{service['resource_group']}/providers/"
                   f"Microsoft.ApiManagement/service/{service['service_name']}/gateways/stores/regenerateKey", {"keyType": "primary"}, "2022-08-01")
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, expect="failed")
    assert visited(emulator) == ["cluster-0001"]
    assert said(run)["failed"]["cluster-0001"].startswith("cluster-0001: 0 nodes are connected to the gateway 'stores', and 1 are needed.")
    assert by_wave(run) == [(0, 0, 1)]


def test_offline(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Clusters that are away: nothing happens at all, or they are set aside and listed, or they get the change all the same."""
    inventory = fleet(emulator, some(emulator, 6), apim_arc_gateway_wait_timeout=3)
    for name in ("cluster-0002", "cluster-0004"):
        emulator.cluster(name, connectivity="Offline")
    run = run_playbook(DEPLOY, inventory=inventory, expect="failed")
    message = run.result(SURVEY)["msg"]
    assert message.startswith("2 clusters that have to change are not connected: cluster-0002 (Offline), cluster-0004 (Offline). Nothing was changed")
    assert run.result(SURVEY)["offline"] == {"cluster-0002": "Offline", "cluster-0004": "Offline"}
    assert not visited(emulator)

    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"offline": "skip"})
    assert sorted(visited(emulator)) == ["cluster-0001", "cluster-0003", "cluster-0005", "cluster-0006"]
    assert said(run)["offline"] == {"cluster-0002": "Offline", "cluster-0004": "Offline"}
    assert "    Offline: cluster-0002: Offline\n    Offline: cluster-0004: Offline\n" in run.stdout
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"offline": "skip"})
    assert (visited(emulator), said(run)["offline"]) == ([], {"cluster-0002": "Offline", "cluster-0004": "Offline"})

    # Those that are away and as wanted are in nobody's way.
    emulator.cluster("cluster-0006", connectivity="Offline")
    for name in ("cluster-0002", "cluster-0004"):
        emulator.cluster(name, connectivity="Connected")
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE)
    assert said(run)["changed"] == ["cluster-0002", "cluster-0004"]


def test_submitting_to_offline_clusters(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """They get the change, and are waited for as long as the others; what has not ended then is a failure. The next run joins."""
    inventory = fleet(emulator, some(emulator, 4), apim_arc_gateway_wait_timeout=3)
    emulator.cluster("cluster-0002", connectivity="Offline")
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE | {"offline": "submit"}, warnings=("'cluster-0002' is Offline",), expect="failed")
    assert sorted(request["path"].split("/")[8] for request in writes(emulator, "/extensions/")) == sorted(emulator.clusters)[:4]
    assert by_wave(run) == [(3, 0, 1)]
    assert "did not end within 3 seconds; the extension is Creating" in said(run)["failed"]["cluster-0002"]
    emulator.settings(operation_seconds=4)
    emulator.cluster("cluster-0002", connectivity="Connected")
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars={"apim_arc_gateway_wait_timeout": 60})
    assert run.result(SURVEY)["visit"] == {"cluster-0002": "join"}
    assert not writes(emulator)


def test_killed_in_the_middle_of_a_wave(run_playbook: RunPlaybook, emulator: Emulator, tmp_path: Path) -> None:
    """Nothing is left but what Azure knows, and that is enough: the next run sends only what was not sent, and waits for the rest."""
    inventory = fleet(emulator, some(emulator, 20))
    emulator.settings(operation_seconds=8)

    def sent() -> list[str]:
        return [request["path"].split("/")[8] for request in writes(emulator, "/extensions/")]

    with ThreadPoolExecutor() as pool:
        first = pool.submit(run_playbook, DEPLOY, inventory=inventory, extra_vars=AT_ONCE, arguments="--forks 2", expect="failed")
        while len(sent()) < 6:
            assert not first.done(), first.result().stdout
            time.sleep(0.02)
        for group in {os.getpgid(process) for process in processes("ansible-playbook", str(tmp_path))}:
            os.killpg(group, signal.SIGKILL)
        assert first.result().rc not in (0, 1, 2)
    before = sent()
    assert 6 <= len(before) < 20
    assert len(set(before)) == len(before)

    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE)
    assert {name for name, action in run.result(SURVEY)["visit"].items() if action == "join"} == set(before)
    assert sorted(sent()) == sorted(inventory["all"]["hosts"])  # each once, in both runs together
    assert nodes(emulator) == 60
    assert run_playbook(DEPLOY, inventory=inventory).changed == 0


def processes(*words: str) -> list[int]:
    """The processes whose command lines have all these words."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = file.read_bytes().decode(errors="replace")
            found += [int(file.parent.name)] if all(word in line for word in words) else []
    return found


def test_resource_graphs_quota(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Somebody else has used it up: the survey waits as it is told, and asks once more."""
    emulator.settings(resource_graph_queries=1)
    body = {"query": "resources | limit 1", "subscriptions": [emulator.environment["AZURE_SUBSCRIPTION_ID"]]}
    emulator.azure("POST", "/providers/Microsoft.ResourceGraph/resources", body, "2021-03-01")
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=fleet(emulator, some(emulator, 2)), check=True)
    assert len(run.result(SURVEY)["visit"]) == 2
    assert [request["status"] for request in emulator.requests("POST", "/Microsoft.ResourceGraph/")] == [429, 200]


@pytest.mark.parametrize("retry_after", [True, False], ids=["header", "text"])
def test_throttled(run_playbook: RunPlaybook, emulator: Emulator, retry_after: bool) -> None:
    """Azure's token buckets, scaled down: it takes the time that they need, and nobody fails."""
    inventory = fleet(emulator, some(emulator, 12))
    bucket = {"size": 3, "refill": 2}
    emulator.settings(throttling={"reads": {"size": 40, "refill": 40}, "writes": bucket, "deletes": bucket, "retry_after": retry_after})
    run = run_playbook(DEPLOY, inventory=inventory, extra_vars=AT_ONCE, arguments="--forks 10")
    emulator.settings(throttling=None)
    assert len(said(run)["changed"]) == 12
    refused = [request for request in emulator.requests() if request["status"] == 429]
    assert refused  # it was throttled indeed
    assert len(refused) < 4 * 12
    assert len([request for request in writes(emulator, "/extensions/") if request["status"] < 400]) == 12
    assert nodes(emulator) == 36


def test_survey_and_report_alone(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """The two modules in a playbook of one's own, and what is wrong with their options."""
    tasks = [
        {"name": "Survey", PLAN: {"offline": "skip"}, "register": "plan"},
        {"name": "Choice", PLAN: {"offline": "perhaps"}, "ignore_errors": True},
        {"name": "Unknown", PLAN: {"colour": "red"}, "ignore_errors": True},
        {"name": "Not a boolean", PLAN: {"full_check": "perhaps"}, "ignore_errors": True},
        {"name": "Wrong secret", PLAN: {"secret": "{{ password }}"}, "ignore_errors": True},
        {"name": "Report", REPORT: {}},
    ]
    inventory = fleet(emulator, some(emulator, 3), password="a-wrong-client-secret")
    run = run_playbook(play(*tasks, hosts="all", connection="local"), inventory=inventory, check=True)
    assert run.result("Survey")["visit"] == {name: "create" for name in some(emulator, 3)}
    assert [len(run.results(task["name"])) for task in tasks] == [1] * 6
    assert run.result("Choice")["msg"] == "value of offline must be one of: fail, skip, submit, got: perhaps"
    assert run.result("Unknown")["msg"].startswith(f"Unsupported parameters for ({PLAN}) module: colour.")
    assert "full_check" in run.result("Not a boolean")["msg"]
    assert "AADSTS7000215" in run.result("Wrong secret")["msg"]
    run.check_secrets({"a-wrong-client-secret"})
    assert run.result("Report")["run"]["not_visited"] == []


def test_what_is_missing_or_wrong(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Found by the survey, for the whole fleet, before anything is sent to a cluster."""
    hosts = some(emulator, 3)
    group = {"cluster-0002": {"apim_arc_gateway_resource_group": "rg stores"}}
    nowhere = {"cluster-0002": {"apim_arc_gateway_service_type": "Ingress"}}
    for more, told in ((group, "'rg stores' is not a valid name"), (nowhere, "value of service_type must be one of")):
        run = run_playbook(DEPLOY, inventory=fleet(emulator, hosts | more), expect="failed")
        assert told in run.result(SURVEY)["msg"]
        assert run.result(SURVEY)["msg"].startswith("cluster-0002: ")
    inventory = fleet(emulator, hosts)
    variables = fleet(emulator, hosts | {"cluster-0002": {"apim_arc_gateway_service_type": "{{ no_such_variable }}"}})
    told = run_playbook(DEPLOY, inventory=variables, expect="failed").result(SURVEY)["msg"]
    assert told.startswith("cluster-0002: ") and "'no_such_variable' is undefined" in told
    del inventory["all"]["vars"]["apim_arc_gateway_gateway"]
    assert "apim_arc_gateway_gateway: not given for cluster-0001" in run_playbook(DEPLOY, inventory=inventory, expect="failed").result(SURVEY)["msg"]
    assert not visited(emulator)
    unknown = fleet(emulator, hosts | {"store-nowhere": {}})
    run = run_playbook(DEPLOY, inventory=unknown, extra_vars=AT_ONCE, expect="failed")
    assert run.result(SURVEY)["visit"]["store-nowhere"] == "unknown"
    assert "store-nowhere' under resource group 'rg-stores' was not found" in said(run)["failed"]["store-nowhere"]
    assert by_wave(run) == [(3, 0, 1)]


def test_no_hosts(run_playbook: RunPlaybook) -> None:
    run = run_playbook(DEPLOY, inventory={"all": {"hosts": {}}}, warnings=("provided hosts list is empty",))
    assert run.stdout.count("skipping: no hosts matched") == 2


def test_without_the_fast_path(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """The same, with every task in a process of its own; only the requests are not counted then."""
    inventory, slowly = fleet(emulator, some(emulator, 2)), {"ANSIBLE_ARCFLEET_IN_PROCESS": "false"}
    run = run_playbook(DEPLOY, inventory=inventory, environment=slowly)
    assert (by_wave(run), said(run)["requests"]) == ([(1, 0, 0), (1, 0, 0)], None)
    emulator.forget_requests()
    run = run_playbook(DEPLOY, inventory=inventory, environment=slowly)
    assert (run.changed, visited(emulator), questions(emulator)) == (0, [], 1)


def test_variables_of_a_playbook(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Given where the playbook is imported, they come before the inventory's and after those of the command line, as Ansible has it."""
    inventory = fleet(emulator, some(emulator, 3), size=2, apim_arc_gateway_replicas=1)
    site = [{"import_playbook": DEPLOY, "vars": {"apim_arc_gateway_replicas": "{{ size }}", "rollout_waves": ["100%"]}}]
    run = run_playbook(site, inventory=inventory)
    assert (nodes(emulator), by_wave(run)) == (6, [(3, 0, 0)])
    emulator.forget_requests()
    assert said(run_playbook(site, inventory=inventory))["unchanged"] == 3
    run = run_playbook(site, inventory=vary(inventory, cluster_0002={"size": 3}))
    assert said(run)["changed"] == visited(emulator) == ["cluster-0002"]
    site[0]["vars"]["apim_arc_gateway_replicas"] = 4
    assert len(said(run_playbook(site, inventory=inventory))["changed"]) == 3
    assert len(said(run_playbook(site, inventory=inventory, extra_vars={"apim_arc_gateway_replicas": 5}))["changed"]) == 3
    assert nodes(emulator) == 15
