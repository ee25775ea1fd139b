# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured. Each scenario yields rows for the table."""
from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmark.fleet import BIN, NAMESPACE, TOP, Fleet, Timed, median

DEPLOY = "arcfleet.apim.deploy"
ALL_AT_ONCE = ("-e", '{"rollout_waves": ["100%"]}')
ONE_CHANGE = ("-e", "apim_arc_gateway_service_type=NodePort")


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    :ivar ratio: what the goal is about; None for a figure without one.
    :ivar goal: the most that the ratio may be.
    """

    what: str
    figure: str
    ratio: float | None = None
    goal: float | None = None

    @property
    def met(self) -> bool:
        return self.goal is None or self.ratio is not None and self.ratio <= self.goal


def one_task(folder: Path) -> Iterator[Row]:
    """One task on 100 unchanged clusters, per cluster."""
    with Fleet(folder, 100) as fleet:
        task = {
            "arcfleet.apim.apim_arc_extension": {
                "resource_group": "{{ apim_arc_gateway_resource_group }}",
                "cluster_name": "{{ inventory_hostname }}",
                "target_namespace": NAMESPACE,
                "service_type": "LoadBalancer",
            }
        }
        books = {
            "empty": fleet.playbook("empty", []),
            "debug": fleet.playbook("debug", [{"ansible.builtin.debug": {"msg": "hello"}}]),
            "here": fleet.playbook("here", [task]),
        }
        runs: dict[str, list[Timed]] = {name: [] for name in books}
        fleet.emulator.forget_requests()
        for _round in range(7):
            for name, book in books.items():
                runs[name].append(fleet.run(book))
        sent = fleet.emulator.requests()
        rounds = len(runs["here"])
        runs["module"] = [fleet.run(books["here"], ANSIBLE_ARCFLEET_IN_PROCESS="false") for _round in range(2)]
        per_cluster = {name: (median(taken) - median(runs["empty"])) / 100 for name, taken in runs.items() if name != "empty"}
        debug = per_cluster["debug"]
        yield Row("one task, unchanged cluster: `debug`", _ms(debug), 1.0)
        yield Row("one task, unchanged cluster: in the worker", _ms(per_cluster["here"]), per_cluster["here"] / debug, 2.0)
        yield Row("one task, unchanged cluster: ordinary module process", _ms(per_cluster["module"]), per_cluster["module"] / debug)
        az = _az(fleet)
        if az is not None:
            yield Row("one `az rest` GET a cluster, `xargs -P 2`", _ms(az), az / debug)
        arm = sum("/subscriptions/" in request["path"] for request in sent) / rounds / 100
        sign_ins = sum(request["path"].endswith("/oauth2/v2.0/token") for request in sent) / rounds
        yield Row("requests to Resource Manager for an unchanged cluster", f"{arm:g}", arm, 1.0)
        yield Row("sign-ins of a run on 100 clusters", f"{sign_ins:g}", sign_ins, 1.0)


def _az(fleet: Fleet) -> float | None:
    az = TOP / ".venv-azure-cli/bin/az"
    if not az.exists():
        return None
    variables = {"AZURE_CONFIG_DIR": str(fleet.folder / "azure"), "AZ": str(az)}
    sign_in = (
        '"$AZ" cloud register -n emulator --endpoint-resource-manager "$EMULATOR_URL" && "$AZ" cloud set -n emulator && '
        '"$AZ" login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_SECRET" --tenant "$AZURE_TENANT"'
    )
    fleet.time(["sh", "-c", sign_in], **variables)
    names = " ".join(fleet.hosts[:20])
    url = f"{fleet.emulator.cluster_id('{}')}/providers/Microsoft.KubernetesConfiguration/extensions/apim-gateway?api-version=2023-05-01"
    ask = f"""echo {names} | tr ' ' '\\n' | xargs -P 2 -I '{{}}' "$AZ" rest --url '{url}'"""
    return fleet.time(["sh", "-c", ask], **variables).seconds / 20


def unchanged_fleet(folder: Path) -> Iterator[Row]:
    """Checking a fleet of which nothing differs."""
    for clusters, rounds in ((1000, 5), (10000, 2)):
        with Fleet(folder / str(clusters), clusters) as fleet:
            empty = fleet.playbook("empty", [])
            nothing, checks = [], []
            for _round in range(rounds):
                nothing.append(fleet.run(empty))
                time.sleep(5)  # Resource Graph's quota is for five seconds
                fleet.emulator.forget_requests()
                checks.append(fleet.run(DEPLOY))
            ratio = median(checks) / median(nothing)
            sent = fleet.emulator.requests()
            reads = sum("resourcegraph" in request["path"].lower() for request in sent)
            yield Row(
                f"`deploy` on {clusters:,} unchanged clusters, to an empty run",
                f"{median(checks):.2f} s to {median(nothing):.2f} s; {len(sent)} requests, {reads} of them Resource Graph",
                ratio,
                3.0 if clusters == 1000 else None,
            )
            yield Row(f"peak memory with {clusters:,} hosts", f"{max(run.memory for run in checks):.0f} MiB")
            if clusters == 1000:
                yield from _few_differ(fleet)


def _few_differ(fleet: Fleet) -> Iterator[Row]:
    host_vars = {host: "NodePort" for host in fleet.hosts[:10]}
    few = fleet.run(DEPLOY, *ALL_AT_ONCE, inventory=_with(fleet, "few", host_vars))
    every = fleet.run(DEPLOY, *ALL_AT_ONCE, "-e", "full_check=true", inventory=_with(fleet, "all", dict.fromkeys(host_vars, "ClusterIP")))
    yield Row(
        "1,000 clusters of which 10 differ, to visiting all",
        f"{few.seconds:.1f} s to {every.seconds:.1f} s",
        few.seconds / every.seconds,
        0.10,
    )


def _with(fleet: Fleet, name: str, service_types: dict[str, str]) -> Path:
    """The fleet's inventory with a service type of their own for some hosts."""
    path = fleet.folder / name
    path.mkdir()
    shutil.copy(fleet.inventory, path / "inventory.yml")
    (path / "host_vars").mkdir()
    for host, service_type in service_types.items():
        (path / "host_vars" / f"{host}.yml").write_text(f"apim_arc_gateway_service_type: {service_type}\n", encoding="utf-8")
    return path


def rollout(folder: Path) -> Iterator[Row]:
    """Changing 200 clusters whose operations take a minute."""
    with Fleet(folder, 200) as fleet:
        fleet.emulator.settings(operation_seconds=0)
        dispatch = fleet.run(DEPLOY, *ALL_AT_ONCE, *ONE_CHANGE).seconds
        fleet.emulator.settings(operation_seconds=60)
        whole = fleet.run(DEPLOY, *ALL_AT_ONCE, "-e", "apim_arc_gateway_service_type=ClusterIP").seconds
        yield Row(
            "a change on 200 clusters, operations of 60 s, to 60 s and dispatch",
            f"{whole:.0f} s to 60 s + {dispatch:.0f} s",
            whole / (60 + dispatch),
            1.25,
        )
        task = {
            "arcfleet.apim.apim_arc_extension": {
                "resource_group": "{{ apim_arc_gateway_resource_group }}",
                "cluster_name": "{{ inventory_hostname }}",
                "target_namespace": NAMESPACE,
                "service_type": "LoadBalancer",
                "wait_sleep": 5,
            }
        }
        one_by_one = fleet.run(fleet.playbook("waits", [task]), "--limit", ",".join(fleet.hosts[:40])).seconds
        yield Row("the same with `wait: true` in one task, 20 at a time, on 40 clusters", f"{one_by_one:.0f} s", one_by_one / (60 + dispatch))


def throttled(folder: Path) -> Iterator[Row]:
    """A thousand changes with Azure's published token buckets."""
    with Fleet(folder, 1000) as fleet:
        fleet.emulator.settings(throttling={})
        fleet.emulator.forget_requests()
        taken = fleet.run(DEPLOY, *ALL_AT_ONCE, *ONE_CHANGE).seconds
        answered = [request for request in fleet.emulator.requests() if "/subscriptions/" in request["path"] and request["status"] != 429]
        reads = sum(request["method"] == "GET" for request in answered)
        writes = len(answered) - reads
        least = max((reads - 250) / 25, (writes - 200) / 10)
        yield Row(
            "1,000 changes with throttling, to the buckets' own minimum",
            f"{taken:.0f} s to {least:.0f} s ({reads} reads, {writes} writes)",
            taken / least,
            1.2,
        )


def two_slices(folder: Path) -> Iterator[Row]:
    """Two job slices at once, each with half of the inventory, against one."""
    with Fleet(folder, 200) as fleet:
        whole = fleet.run(DEPLOY, *ALL_AT_ONCE, *ONE_CHANGE).seconds
        fleet.emulator.forget_requests()
        halves = [fleet.write_inventory(f"slice{number}", fleet.hosts[number::2]) for number in range(2)]
        started = time.perf_counter()
        jobs = [
            fleet.start([str(BIN / "ansible-runner"), "run", str(_job(fleet, half)), "-p", DEPLOY, "--forks", "20",
                         "--cmdline", "-e apim_arc_gateway_service_type=ClusterIP -e rollout_waves=100%"])
            for half in halves
        ]
        said = [job.communicate()[0] for job in jobs]
        taken = time.perf_counter() - started
        if any(job.returncode for job in jobs):
            raise SystemExit("\n".join(text[-3000:] for text in said))
        changes = [request["path"] for request in fleet.emulator.requests("PATCH")]
        yield Row("two job slices of 100 clusters each, to one of 200", f"{taken:.1f} s to {whole:.1f} s", taken / whole)
        yield Row("changes sent by the two slices, to clusters", f"{len(changes)} to 200", len(changes) / len(set(changes)), 1.0)


def _job(fleet: Fleet, inventory: Path) -> Path:
    """A private data folder of ansible-runner for this inventory."""
    folder = fleet.folder / f"job-{inventory.stem}"
    (folder / "inventory").mkdir(parents=True)
    shutil.copy(inventory, folder / "inventory/hosts.yml")
    return folder


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


SCENARIOS = {"1": one_task, "2": unchanged_fleet, "3": rollout, "4": throttled, "5": two_slices}
