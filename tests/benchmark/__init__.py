# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast it is, as ratios from one run on one machine: python -m benchmark [NUMBER ...] (from tests/)."""
