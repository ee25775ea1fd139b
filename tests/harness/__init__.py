# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What integration tests stand on: the emulator as an object, and runs of real playbooks that are searched for everything that may not be there."""
