# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

from __future__ import annotations


class ModuleDocFragment:
    # What the attributes mean. The module says how far it supports them.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, and then tells what it would change without changing it.
  diff_mode:
    description: In diff mode, returns what has changed, or in check mode what would change.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second run reports no change.
      - This assumes that nobody else has changed the same Azure resource in between.
  async:
    description: Supports being used with the C(async) keyword.
  platform:
    description: Families of operating systems that the module can run on. What it manages is in Azure.
    platforms: posix
    support: full
"""

    # Together with the standard fragment, for modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not change anything.
  diff_mode:
    support: N/A
    details:
      - This module does not change anything.
  idempotent:
    support: full
    details:
      - This module does not change anything.
"""

    ACTIONGROUP_AZURE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/arcfleet.apim.azure) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - arcfleet.apim.azure
"""
