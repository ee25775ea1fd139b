# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the scenarios, all or those whose numbers are given, and write docs/benchmark.md and docs/benchmark.svg when all ran."""
from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

import ansible.release
from benchmark.fleet import TOP
from benchmark.plot import svg
from benchmark.scenarios import SCENARIOS, Row

_HEAD = """<!--
Copyright (c) 2026, arcfleet.apim contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->
# Benchmark

Written by `make bench`. All figures are from one run on one machine ({machine}; ansible-core {ansible}), with the
emulator on the same machine; times are medians. Ratios are what counts: they are taken side by side.

![Ratios and goals](benchmark.svg)

| what | figure | ratio | goal |
|---|---|---|---|
"""


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = []
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        goal = "" if row.goal is None else f"at most {row.goal:g}: {'met' if row.met else '**missed**'}"
        lines.append(f"| {row.what} | {row.figure} | {ratio} | {goal} |")
    return "\n".join(lines) + "\n"


def main(numbers: list[str]) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers or SCENARIOS:
            for row in SCENARIOS[number](Path(folder) / number):
                print(table([row]), end="", flush=True)
                rows.append(row)
    if not numbers:
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
        head = _HEAD.format(machine=machine, ansible=ansible.release.__version__)
        (TOP / "docs/benchmark.md").write_text(head + table(rows), encoding="utf-8")
        (TOP / "docs/benchmark.svg").write_text(svg([row for row in rows if row.goal]), encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
