# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Which members of a fleet differ from what is wanted of them, judged from one reading of Azure Resource Graph."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.arcfleet.apim.plugins.module_utils import _extension_plan as extension_plan
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import Wanted
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_client import extension_id

if t.TYPE_CHECKING:
    from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import Row


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a visit to one cluster would do.

    :ivar action: an action of C(_extension_plan.Plan); C(join) when an operation is under way; C(unknown) when Resource
        Graph does not know the cluster (a new one, or a wrong name).
    :ivar connectivity: of the cluster; None when it is not known.
    """

    action: str
    connectivity: str | None

    @property
    def differs(self) -> bool:
        return self.action != "none"

    @property
    def offline(self) -> bool:
        """Whether a change could not reach the cluster now."""
        return self.connectivity not in (None, "Connected")


def compare(wanted: Wanted, cluster_id: str, row: Row | None) -> Verdict:
    """Judge one cluster with the same function that a visit uses.

    Resource Graph is some seconds to minutes behind, so a visit reads the extension again before it changes anything.
    """
    if row is None:
        return Verdict("unknown", None)
    connectivity = row.cluster.connectivity
    observed = next((each for each in row.extensions if each.name.lower() == wanted.name.lower()), None)
    if observed and observed.busy:
        return Verdict("join", connectivity)
    if not wanted.present:
        return Verdict("delete" if observed else "none", connectivity)
    return Verdict(extension_plan.plan(observed, wanted.desired_on(extension_id(cluster_id, wanted.name))).action, connectivity)
