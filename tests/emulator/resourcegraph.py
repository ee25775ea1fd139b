# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.ResourceGraph: queries over the whole fleet (rows, paging and quota; the language is in `kql`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Emulator


class Graph:
    """Placeholder."""


ROUTES: list[Any] = []
