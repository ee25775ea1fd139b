# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks, and the checks that every one of them has to pass."""
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
_WARNING = re.compile(r"^\s*\[(?:DEPRECATION )?WARNING\].*", re.MULTILINE)
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
        return _WARNING.findall(self.stdout)

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
    for name in ("project", "inventory", "env", "home", "tmp"):
        (folder / name).mkdir(parents=True)
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
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
            "ANSIBLE_HOME": str(folder / "home/.ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            # Its default is in the home that the password file knows, whatever HOME says.
            "ANSIBLE_REMOTE_TMP": str(folder / "tmp"),
            # The checkout is linked into site-packages, which is searched after this.
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "project/collections"),
            "LC_ALL": "C.UTF-8",
        })
    with ended.stdout as output:
        stdout = _COLOUR.sub("", output.read()).replace("\r\n", "\n")
    return Run(rc=ended.rc, status=ended.status, stdout=stdout, events=list(ended.events), folder=folder)
