# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a home folder for gates: make_home.py FOLDER

ansible-test hides all ``PIP_*`` variables from the pip that it runs, so the user's pip configuration has to lie in a file in HOME.
It also downloads a script to bootstrap pip, unless it finds one where it keeps it.
"""
from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import ansible_test._internal

GET_PIP = '''
import subprocess
import sys

# Child processes, because ensurepip switches pip's configuration off in the process that calls it.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run(
    [sys.executable, "-m", "pip", "install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")],
    check=True)
'''


def pip_configuration() -> configparser.RawConfigParser:
    """Return what pip is told by all of the user's files and variables; variables win."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True).stdout
    settings = [line.partition("=")[::2] for line in listed.splitlines()]
    result = configparser.RawConfigParser()
    for name, value in sorted(settings, key=lambda setting: setting[0].startswith(":env:")):
        section, option = name.rsplit(".", 1)
        section = section.replace(":env:", "global")
        if not result.has_section(section):
            result.add_section(section)
        result.set(section, option, ast.literal_eval(value))
    return result


def pip_version() -> str:
    """Return the version of pip that this ansible-test wants."""
    source = Path(ansible_test._internal.__file__).with_name("python_requirements.py").read_text(encoding="utf-8")
    found = re.search(r"pip='([\d.]+)'", source)
    if not found:
        raise SystemExit("make_home.py: this ansible-test does not say which pip it wants")
    return found.group(1)


def main(home: Path) -> None:
    """Write pip's configuration and the bootstrap script."""
    configuration = home / ".config/pip/pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    # An index URL can hold a password.
    configuration.touch(mode=0o600)
    with configuration.open("w", encoding="utf-8") as file:
        pip_configuration().write(file)
    script = home / f".ansible/test/cache/get_pip_{pip_version().replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP, encoding="utf-8")


main(Path(sys.argv[1]))
