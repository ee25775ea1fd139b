# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure on localhost: enough of it for the gateway extension and its clients."""
