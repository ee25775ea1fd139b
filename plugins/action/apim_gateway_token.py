# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.arcfleet.apim.plugins.modules.apim_gateway_token import TASK
from ansible_collections.arcfleet.apim.plugins.plugin_utils._in_process import InProcess


class ActionModule(InProcess):
    """Runs the module inside Ansible's worker where that is possible."""

    TASK = TASK
