# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Doing once, in the parent, what every forked worker would otherwise do again on its first request."""

from __future__ import annotations

import gc
import importlib
import logging

try:
    from azure.mgmt.kubernetesconfiguration.v2023_05_01.models import Extension
except ImportError:
    Extension = None  # the modules say so

# What the Azure libraries and requests import only when it is needed first.
_IMPORTED_LATE = ("msal_extensions", "azure.core.rest._requests_basic", "netrc", "encodings.utf_8_sig")
_LOGGERS = ("azure", "msal")


def warm_up() -> None:
    """Import what is imported late, and have the patterns compiled with which the extension's client reads dates; keep the
    libraries from logging.

    Then take everything that exists out of garbage collection: a collection in a worker would write to, and so copy, every
    page of memory that it shares with the parent.
    """
    for name in _LOGGERS:
        # As in a module's process, nobody listens: not the worker's standard error (Ansible warns about that), and not a
        # log file of Ansible's.
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    for name in _IMPORTED_LATE:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # not in this version; then nothing is saved
    if Extension:
        Extension.deserialize({"systemData": {"createdAt": "2026-01-01T00:00:00.0000000+00:00"}})
    gc.freeze()
