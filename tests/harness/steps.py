# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays made of plain data, and the ways in which every change is tried."""
from __future__ import annotations

from typing import Any, Callable

from harness.playbook import Run

RunPlaybook = Callable[..., Run]


def play(*tasks: dict[str, Any], hosts: str = "localhost", **keywords: Any) -> list[dict[str, Any]]:
    """A playbook with one play."""
    return [{"hosts": hosts, "gather_facts": False, **keywords, "tasks": list(tasks)}]


def three_ways(run_playbook: RunPlaybook, module: str, options: dict[str, Any], *, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Change something in check mode, really, and once more; the caller reads back, which is the fourth way.

    Check mode has to foretell what the real run does, and the third run must find nothing to do.
    Returns the result of the real run.
    """
    task = {"name": "Change it", module: options}
    foretold = run_playbook(play(task), check=True, diff=True, warnings=warnings).result()
    run = run_playbook(play(task, task | {"name": "Change it again"}), diff=True, warnings=warnings)
    changed, again = run.results()
    assert foretold["changed"] and changed["changed"], foretold
    for name in ("diff", "changes", "action"):
        assert foretold.get(name) == changed.get(name)
    assert not again["changed"], again
    assert again["diff"]["before"] == again["diff"]["after"]
    return changed


Cases = dict[str, tuple[str, dict[str, Any], tuple[str, ...]]]


def failing(run_playbook: RunPlaybook, cases: Cases, **options: Any) -> Run:
    """Run tasks that all have to fail: ``{title: (module, its options, what the message must contain)}``.

    Task keywords may stand among the options with a leading dot, as ``.environment``. More ``options`` are those of ``run_playbook``.
    """
    tasks = []
    for title, (module, given, _fragments) in cases.items():
        keywords = {name[1:]: value for name, value in given.items() if name.startswith(".")}
        task = {"name": title, module: {name: value for name, value in given.items() if not name.startswith(".")}, "ignore_errors": True}
        tasks.append(task | keywords)
    run = run_playbook(play(*tasks), **options)
    wrong = []
    for title, (_module, _given, fragments) in cases.items():
        message = str(run.result(title).get("msg"))
        missing = [fragment for fragment in fragments if fragment not in message]
        if missing:
            wrong.append(f"{title}: no {missing} in: {message}")
    assert not wrong, "\n".join(wrong)
    assert run.stats["localhost"]["ignored"] == len(cases), run.stdout
    return run
