# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated fleet that is as wanted already, its inventory, and runs of Ansible on it that are timed from outside."""
from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
import yaml
from ansible_collections.arcfleet.apim.plugins.module_utils import _extension_plan as extension_plan
from ansible_collections.arcfleet.apim.plugins.module_utils._cluster import cluster_path
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import parse
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_client import extension_id
from ansible_collections.arcfleet.apim.plugins.modules.apim_arc_extension import TASK
from harness.emulator import Emulator

BIN = Path(sys.executable).parent
TOP = Path(__file__).parents[2]
NAMESPACE = "apim-gateway"


@dataclasses.dataclass(frozen=True)
class Timed:
    """One run: wall-clock seconds, the peak memory of its largest process in MiB, and what it printed."""

    seconds: float
    memory: float
    output: str


class Fleet:
    """An emulator with clusters on which the gateway is installed, and a folder for inventories and playbooks."""

    def __init__(self, folder: Path, clusters: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.emulator = Emulator.start(folder / "emulator", "--clusters", str(clusters))
        self.emulator.settings(operation_seconds=0, resource_graph_queries=0)
        self.hosts = [f"cluster-{number:04d}" for number in range(1, clusters + 1)]
        self.gateway = {
            "resource_group": self.emulator.environment["EMULATOR_APIM_RESOURCE_GROUP"],
            "service_name": self.emulator.environment["EMULATOR_APIM_SERVICE"],
            "name": "stores",
            "apis": ["orders", "prices"],
        }
        self.inventory = self.write_inventory("inventory", self.hosts)

    def __enter__(self) -> Fleet:
        try:
            self._install()
        except BaseException:
            self.emulator.stop()
            raise
        self.emulator.settings(operation_seconds=1, resource_graph_queries=15)
        self.emulator.forget_requests()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.emulator.stop()

    def write_inventory(self, name: str, hosts: list[str]) -> Path:
        """An inventory of these clusters."""
        group = self.emulator.environment["EMULATOR_RESOURCE_GROUP"]
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "apim_arc_gateway_resource_group": group,
            "apim_arc_gateway_gateway": self.gateway,
            "apim_arc_gateway_wait_sleep": 5,
            "apim_arc_gateway_verify_delay": 1,
        }
        return self._write(f"{name}.yml", {"stores": {"hosts": dict.fromkeys(hosts), "vars": variables}})

    def playbook(self, name: str, tasks: list[dict[str, Any]]) -> Path:
        """A playbook with these tasks for every cluster."""
        return self._write(f"{name}.yml", [{"name": name, "hosts": "all", "gather_facts": False, "tasks": tasks}])

    def run(self, playbook: str | Path, *arguments: str, inventory: Path | None = None, **environment: str) -> Timed:
        """Run a playbook with 20 forks. A run that fails ends the benchmark."""
        command = [BIN / "ansible-playbook", "-f", "20", "-i", inventory or self.inventory, playbook, *arguments]
        return self.time([str(word) for word in command], **environment)

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[str]:
        """Start a command as a client of the emulator."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AZURE_"))}
        own |= self.emulator.environment | {"ANSIBLE_HOME": str(self.folder / "home"), "LC_ALL": "C.UTF-8"} | environment
        own["ANSIBLE_REMOTE_TMP"] = str(self.folder / "remote")
        own["PATH"] = f"{BIN}:{own['PATH']}"
        return subprocess.Popen(command, env=own, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def time(self, command: list[str], **environment: str) -> Timed:
        """Run a command as a client of the emulator and time it."""
        started = time.perf_counter()
        process = self.start(command, **environment)
        output = process.stdout.read() if process.stdout else ""
        _pid, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed:\n{output[-5000:]}")
        return Timed(time.perf_counter() - started, usage.ru_maxrss / 1024, output)

    def _write(self, name: str, content: Any) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def _install(self) -> None:
        """Put the gateway on every cluster as the role would, in a fraction of the time: one PUT each, on one connection."""
        self.run(self.playbook("gateway", [{"arcfleet.apim.apim_gateway": self.gateway, "run_once": True}]))
        issue = {name: self.gateway[name] for name in ("resource_group", "service_name")} | {"gateway_name": "stores"}
        show = {"ansible.builtin.copy": {"content": "{{ issued.token.value }}", "dest": str(self.folder / "token"), "mode": "0600"}}
        self.run(self.playbook("token", [
            {"arcfleet.apim.apim_gateway_token": issue, "register": "issued", "run_once": True, "no_log": True},
            show | {"run_once": True, "no_log": True},
        ]))
        options = {name: option.get("default") for name, option in TASK.options.items()} | {
            "resource_group": self.emulator.environment["EMULATOR_RESOURCE_GROUP"],
            "cluster_name": "any",
            "target_namespace": NAMESPACE,
            "release_train": "preview",
            "configuration_uri": f"https://{self.gateway['service_name']}.configuration.azure-api.net",
            "gateway_token": (self.folder / "token").read_text(encoding="utf-8"),
            "service_type": "LoadBalancer",
        }
        wanted = parse(options)
        subscription = self.emulator.environment["AZURE_SUBSCRIPTION_ID"]
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.emulator.state / "ca.pem")
        session.headers["Authorization"] = f"Bearer {self.emulator.access_token()}"
        for host in self.hosts:
            identifier = extension_id(cluster_path(subscription, wanted.resource_group, host), wanted.name)
            plan = extension_plan.plan(None, wanted.desired_on(identifier))
            session.put(
                f"{self.emulator.url}{identifier}?api-version=2023-05-01",
                data=json.dumps({"properties": dict(plan.properties), "identity": {"type": "SystemAssigned"}}),
                headers={"Content-Type": "application/json"},
                timeout=30,
            ).raise_for_status()


def median(runs: list[Timed]) -> float:
    """The median of the runs' seconds."""
    return statistics.median(run.seconds for run in runs)
