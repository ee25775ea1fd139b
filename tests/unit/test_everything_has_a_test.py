# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that users can name is left without a test."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

TOP = Path(__file__).parents[2]


def text_of(*folders: str) -> str:
    """All Python and YAML below the folders, this file apart."""
    files = (file for folder in folders for file in (TOP / folder).rglob("*") if file.suffix in (".py", ".yml"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file != Path(__file__))


def role_options() -> list[str]:
    """The names of all options of all roles, and of the options inside those."""
    specs = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(TOP.glob("roles/*/meta/argument_specs.yml")))
    return sorted({name for spec in specs for entry in spec["argument_specs"].values() for name in names(entry)})


def names(entry: dict[str, Any]) -> Iterator[str]:
    """The names of options at any depth."""
    for name, option in entry.get("options", {}).items():
        yield name
        yield from names(option)


def mentioned(name: str, text: str) -> bool:
    """Whether the name stands there as a whole word."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


@pytest.fixture(scope="module")
def behaviour() -> str:
    """The tests that run the real thing."""
    return text_of("tests/integration", "extensions/molecule")


@pytest.mark.parametrize("module", sorted(file.stem for file in TOP.glob("plugins/modules/*.py")))
def test_module(module: str, behaviour: str) -> None:
    assert mentioned(f"arcfleet.apim.{module}", behaviour)


@pytest.mark.parametrize("playbook", sorted(file.stem for file in TOP.glob("playbooks/*.yml")))
def test_playbook(playbook: str, behaviour: str) -> None:
    assert mentioned(f"arcfleet.apim.{playbook}", behaviour)


@pytest.mark.parametrize("option", role_options())
def test_role_option(option: str, behaviour: str) -> None:
    assert mentioned(option, behaviour)


@pytest.mark.parametrize(("text", "found"), [("a name: 1", True), ("name", True), ("names", False), ("my_name", False), ("", False)])
def test_whole_words_only(text: str, found: bool) -> None:
    assert mentioned("name", text) is found
