# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The Log Analytics workspace: what the gateway needs to send its logs there."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome

API_VERSION = "2020-08-01"
_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.operationalinsights/workspaces/[^/]+", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_log_analytics_info), checked."""

    resource_id: str
    key: str


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    resource_id = options["resource_id"].strip().rstrip("/")
    if not _ID.fullmatch(resource_id):
        raise ApimError(
            f"resource_id: {options['resource_id']!r} is not the resource id of a Log Analytics workspace. It looks like "
            "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.OperationalInsights/workspaces/NAME."
        )
    return Wanted(resource_id, options["key"])


def read(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """Workspace id and ingestion key.

    :raises AzureFailure: the workspace does not exist, or its keys may not be read.
    """
    path = wanted.resource_id
    workspace = arm.get(f"read the Log Analytics workspace {path}", path, API_VERSION)
    keys = arm.call(f"read the keys of the Log Analytics workspace {path}", "POST", f"{path}/sharedKeys", API_VERSION).body
    return Outcome(
        False,
        {
            "workspace": {
                "id": workspace.get("id"),
                "name": workspace.get("name"),
                "location": workspace.get("location"),
                "workspace_id": (workspace.get("properties") or {}).get("customerId"),
            },
            "ingestion_key": (keys or {}).get(f"{wanted.key}SharedKey"),
        },
    )
