# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Which members of a fleet differ from what is wanted of them, judged from one reading of Azure Resource Graph."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

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


@dataclasses.dataclass(frozen=True)
class Visit:
    """How far the visit to one host came.

    :ivar wave: its number, from 1; None when the host's turn has not come.
    :ivar failure: why it failed; None when it did not.
    """

    wave: int | None
    changed: bool = False
    failure: str | None = None


def summary(unchanged: int, set_aside: Mapping[str, str], visits: Mapping[str, Visit]) -> dict[str, t.Any]:
    """The run so far, as data: hosts by what became of them, and numbers by wave."""
    failed = {host: visit.failure for host, visit in visits.items() if visit.failure}
    done = {host: visit for host, visit in visits.items() if visit.wave is not None and host not in failed}
    waves: dict[int, dict[str, int]] = {}
    for host, visit in visits.items():
        if visit.wave is not None:
            wave = waves.setdefault(visit.wave, {"wave": visit.wave, "changed": 0, "unchanged": 0, "failed": 0})
            wave["failed" if host in failed else "changed" if visit.changed else "unchanged"] += 1
    return {
        "changed": sorted(host for host, visit in done.items() if visit.changed),
        "unchanged": unchanged + sum(not visit.changed for visit in done.values()),
        "failed": failed,
        "offline": dict(set_aside),
        "not_visited": sorted(host for host, visit in visits.items() if visit.wave is None),
        "waves": [waves[number] for number in sorted(waves)],
    }


def lines(run: Mapping[str, t.Any]) -> list[str]:
    """The summary for people. Of long lists, the first twenty.

    :param run: what L(summary) returns, with C(seconds) and C(requests) (None when they were not counted).
    """
    text = [
        f"{len(run['changed'])} changed, {run['unchanged']} as wanted before, {len(run['failed'])} failed, "
        f"{len(run['offline'])} offline and set aside, {len(run['not_visited'])} not visited."
    ]
    text += [
        f"Wave {wave['wave']}: {wave['changed']} changed, {wave['unchanged']} unchanged, {wave['failed']} failed."
        for wave in run["waves"]
    ]
    for title, hosts in (("Failed", run["failed"]), ("Offline", run["offline"])):
        text += [f"{title}: {host}: {reason}" for host, reason in list(hosts.items())[:20]]
        text += [f"{title}: and {len(hosts) - 20} more."] if len(hosts) > 20 else []
    requests = f", {run['requests']} requests to Azure" if run["requests"] is not None else ""
    return [*text, f"{run['seconds']:.0f} seconds{requests}."]
