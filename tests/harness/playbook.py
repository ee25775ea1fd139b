# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks, and the checks that every one of them has to pass.

The variable ``TEST_ANSIBLE`` names another virtual environment whose ansible-playbook is to run them, with another version of ansible-core.
"""
from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import ansible_runner
import yaml

# The folder and file names are ansible-runner's. These hold what the test itself put in, so secrets may stand there.
_INPUTS = ("project/", "inventory/", "env/", "artifacts/run/command")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"\s*\[(?:DEPRECATION )?WARNING\]")
_WIDTH = 79
_TOP = Path(__file__).parents[2]
PROGRAMS = Path(os.environ["TEST_ANSIBLE"], "bin") if os.environ.get("TEST_ANSIBLE") else Path(sys.executable).parent
"""Where ansible-playbook is, and the Python that it runs with"""
_ENDINGS = ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    rc: int
    status: str
    """``successful`` or ``failed``"""
    stdout: str
    """Output and errors of ansible-playbook, without colours"""
    events: list[dict[str, Any]]
    """Everything that happened, as ansible-runner tells it"""
    folder: Path
    """All files of the run; ``artifacts/run`` holds those of ansible-runner"""

    @property
    def stats(self) -> dict[str, dict[str, int]]:
        """Per host, how many tasks were ``ok``, ``changed``, ``failures``, ``skipped``, ``dark``, ``rescued``, ``ignored``."""
        data = next((event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"), {})
        kinds = ("ok", "changed", "failures", "skipped", "dark", "rescued", "ignored")
        return {host: {kind: data[kind].get(host, 0) for kind in kinds} for host in data.get("processed", {})}

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts together."""
        return sum(host["changed"] for host in self.stats.values())

    @property
    def warnings(self) -> list[str]:
        """The lines of the output that are warnings, those about deprecations among them."""
        found: list[str] = []
        last = ""
        for line in self.stdout.splitlines():
            if _WARNING.match(line):
                found.append(line.strip())
            elif found and found[-1].endswith(last) and len(last) <= _WIDTH < len(f"{last} {line.split(' ')[0]}"):
                found[-1] += f" {line}"  # before 2.19, ansible-core wraps them
            last = line or "\n"
        return found

    def results(self, task: str | None = None, host: str | None = None) -> list[dict[str, Any]]:
        """Results in the order of their arrival; only those of tasks whose name ends with ``task``, only those of ``host``."""
        return [event["event_data"]["res"] for event in self.events
                if event["event"] in _ENDINGS
                and (task is None or event["event_data"]["task"].endswith(task))
                and host in (None, event["event_data"]["host"])]

    def result(self, task: str | None = None, host: str | None = None) -> dict[str, Any]:
        """The result where there is exactly one."""
        results = self.results(task, host)
        assert len(results) == 1, f"{len(results)} results of task {task!r} on host {host!r}\n{self.stdout}"
        return results[0]

    def check_status(self, expected: str) -> None:
        """Fail unless the run ended as expected, and without a traceback either way."""
        assert self.status == expected, f"the run {self.status}, expected {expected}\n{self.stdout}"
        assert "Traceback (most recent call last)" not in self.stdout, self.stdout

    def check_warnings(self, expected: tuple[str, ...]) -> None:
        """Fail on a warning that matches no pattern, and on a pattern that matches no warning."""
        surprising = [warning for warning in self.warnings if not any(re.search(pattern, warning) for pattern in expected)]
        assert not surprising, "unexpected warnings:\n" + "\n".join(surprising)
        missing = [pattern for pattern in expected if not any(re.search(pattern, warning) for warning in self.warnings)]
        assert not missing, f"no warning matches {missing}\n{self.stdout}"

    def check_secrets(self, secrets: set[str]) -> None:
        """Fail if a secret stands in the output or in any file that the run left behind."""
        leaks = [f"a secret of {len(secret)} characters is in {place}" for place, text in self._written() for secret in secrets if secret in text]
        assert not leaks, "\n".join(sorted(set(leaks)))

    def _written(self) -> Iterator[tuple[str, str]]:
        yield "the output", self.stdout
        for file in self.folder.rglob("*"):
            name = file.relative_to(self.folder).as_posix()
            if file.is_file() and not name.startswith(_INPUTS):
                yield name, file.read_text(encoding="utf-8", errors="replace")


def run(
        folder: Path, playbook: str | Path | list[dict[str, Any]], *, inventory: dict[str, Any], extra_vars: dict[str, Any] | None = None,
        environment: dict[str, str], check: bool = False, diff: bool = False, verbosity: int = 0, arguments: str = "") -> Run:
    """Run a playbook with nothing of the user's own configuration in reach.

    ``folder``: a new one, for everything that belongs to this run. ``playbook``: plays as data, YAML text, the path of a file,
    or a full name such as ``arcfleet.apim.deploy``. ``arguments``: more of the command line, as one would type it.
    """
    for name in ("project/collections/ansible_collections/arcfleet", "inventory", "env", "home", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "project/collections/ansible_collections/arcfleet/apim").symlink_to(_TOP)
    if isinstance(playbook, list):
        playbook = yaml.safe_dump(playbook, sort_keys=False)
    if isinstance(playbook, str) and "\n" in playbook:
        (folder / "project/playbook.yml").write_text(playbook, encoding="utf-8")
        playbook = "playbook.yml"
    (folder / "inventory/hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    flags = [arguments] + ["--check"] * check + ["--diff"] * diff
    ended = ansible_runner.run(
        private_data_dir=str(folder), ident="run", playbook=str(playbook), extravars=extra_vars or {}, verbosity=verbosity or None,
        cmdline=" ".join(flags).strip() or None, quiet=True, envvars=environment | {
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]),
            "ANSIBLE_HOME": str(folder / "home/.ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            # Their defaults are in the home that the password file knows, whatever HOME says.
            "ANSIBLE_REMOTE_TMP": str(folder / "tmp"),
            "ANSIBLE_ASYNC_DIR": str(folder / "tmp/async"),
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "project/collections"),
            "LC_ALL": "C.UTF-8",
        })
    with ended.stdout as output:
        stdout = _COLOUR.sub("", output.read()).replace("\r\n", "\n")
    return Run(rc=ended.rc, status=ended.status, stdout=stdout, events=list(ended.events), folder=folder)
