# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure on localhost: enough of Entra, Resource Manager and Resource Graph for the gateway extension and its clients."""
