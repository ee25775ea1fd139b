# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the emulator, and a way to run playbooks against it."""
from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from harness import playbook as harness
from harness.emulator import Emulator


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user() -> None:
    """Hide the user's own Ansible and Azure from all tests."""
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "AZURE_"))]:
        del os.environ[name]


@pytest.fixture(scope="session")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for each process that runs tests."""
    emulator = Emulator.start(tmp_path_factory.mktemp("emulator"), "--world", str(Path(__file__).with_name("world.yml")))
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(emulator_process: Emulator) -> Emulator:
    """The emulator, its world as good as new."""
    emulator_process.reset()
    return emulator_process


@pytest.fixture
def run_playbook(emulator: Emulator, tmp_path: Path) -> Callable[..., harness.Run]:
    """Return a function that runs a playbook against the emulator and checks what holds for every run.

    The run ends as expected and without a traceback, prints no warning that the test does not name, leaves no secret anywhere,
    and sends no write in check mode.
    """
    numbers = itertools.count(1)

    def run_playbook(
            playbook: str | Path | list[dict[str, Any]], *, inventory: dict[str, Any] | None = None, expect: str = "successful",
            warnings: tuple[str, ...] = (), environment: dict[str, str] | None = None, check: bool = False, **options: Any) -> harness.Run:
        if check:
            emulator.read_only(True)
        try:
            run = harness.run(
                tmp_path / f"run{next(numbers)}", playbook, inventory=inventory or hosts(emulator), check=check,
                environment=emulator.environment | (environment or {}), **options)
            refused = emulator.refused_writes() if check else []
        finally:
            if check:
                emulator.read_only(False)
        run.check_status(expect)
        run.check_warnings(warnings)
        run.check_secrets(emulator.secrets())
        assert not refused, f"check mode wrote: {refused}"
        return run

    return run_playbook


def hosts(emulator: Emulator) -> dict[str, Any]:
    """The inventory that is used when a test gives none: localhost, and the emulated clusters in the group ``clusters``."""
    return {
        "all": {
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "hosts": {"localhost": {}},
            "children": {"clusters": {"hosts": {name: {} for name in emulator.clusters}}},
        },
    }
