# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bar for each ratio that has a goal, as SVG: the bar is the ratio in parts of its goal."""
from __future__ import annotations

from html import escape

from benchmark.scenarios import Row

_LICENCE = """<!--
Copyright (c) 2026, arcfleet.apim contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->"""
_WIDTH, _BAR, _GAP, _TEXT = 900, 22, 14, 470


def svg(rows: list[Row]) -> str:
    """Draw the rows. The line is the goal; what ends left of it is better."""
    scale = (_WIDTH - _TEXT - 80) / max(1.3, *(row.ratio / row.goal for row in rows if row.ratio and row.goal))
    height = len(rows) * (_BAR + _GAP) + 40
    goal = _TEXT + scale
    parts = [
        _LICENCE,
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for index, row in enumerate(rows):
        top = 10 + index * (_BAR + _GAP)
        length = max(1.0, (row.ratio or 0) / (row.goal or 1) * scale)
        colour = "#2e7d32" if row.met else "#c62828"
        parts += [
            f'<text x="{_TEXT - 10}" y="{top + 15}" text-anchor="end">{escape(row.what.replace("`", ""))}</text>',
            f'<rect x="{_TEXT}" y="{top}" width="{length:.0f}" height="{_BAR}" fill="{colour}"/>',
            f'<text x="{_TEXT + length + 6:.0f}" y="{top + 15}">{row.ratio or 0:.2f}</text>',
        ]
    parts += [
        f'<line x1="{goal:.0f}" y1="4" x2="{goal:.0f}" y2="{height - 24}" stroke="black" stroke-dasharray="4"/>',
        f'<text x="{goal:.0f}" y="{height - 8}" text-anchor="middle">goal</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
