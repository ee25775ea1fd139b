# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Reading the gateway extensions of a cluster or of a fleet, and whether they do their work."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _cluster as cluster
from ansible_collections.arcfleet.apim.plugins.module_utils import _gateway_token as gateway_token
from ansible_collections.arcfleet.apim.plugins.module_utils import _secret_record as secret_record
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import facts
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_client import ExtensionClient
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import EXTENSION_TYPE, Extension
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import read_fleet
from ansible_collections.arcfleet.apim.plugins.module_utils._task import Outcome


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of C(apim_arc_extension_info), checked. Without a cluster it is about a fleet."""

    resource_group: str | None
    cluster_name: str | None
    subscriptions: t.Sequence[str]
    management_groups: t.Sequence[str]
    name: str | None
    token_days: int


def parse(options: Mapping[str, t.Any]) -> Wanted:
    """:raises ApimError: an option is wrong; nothing has been sent."""
    if not 0 <= options["token_days"] <= gateway_token.MAX_LIFETIME_DAYS:
        raise ApimError(f"token_days: {options['token_days']} is not from 0 to {gateway_token.MAX_LIFETIME_DAYS}.")
    one = [option for option in ("resource_group", "cluster_name") if options[option] is not None]
    many = [option for option in ("subscriptions", "management_groups") if options[option]]
    if len(one) == 1:
        raise ApimError(f"{one[0]}: a cluster has both a resource_group and a cluster_name. Give both, or none for a fleet.")
    if one and many:
        raise ApimError(f"{many[0]}: does not go with cluster_name. Give the one for a fleet, the other for one cluster.")
    return Wanted(
        resource_group=check_name("resource_group", options["resource_group"]) if one else None,
        cluster_name=check_name("cluster_name", options["cluster_name"]) if one else None,
        subscriptions=options["subscriptions"],
        management_groups=options["management_groups"],
        name=None if options["name"] is None else check_name("extension", options["name"], "name"),
        token_days=options["token_days"],
    )


def read(wanted: Wanted, arm: Arm, check_mode: bool) -> Outcome:
    """One cluster from Resource Manager, or a fleet from Resource Graph, with the gateway extensions.

    :raises AzureFailure: the cluster does not exist, or something may not be read.
    """
    now = dt.datetime.now(dt.timezone.utc)
    if wanted.resource_group and wanted.cluster_name:
        home = cluster.read(arm, wanted.resource_group, wanted.cluster_name)
        found = _installed(ExtensionClient(arm, wanted.resource_group, wanted.cluster_name, wanted.name or ""), wanted)
        return Outcome(False, _of_one(home, found, now, wanted))
    rows = read_fleet(arm, subscriptions=wanted.subscriptions, management_groups=wanted.management_groups)
    return Outcome(False, {"clusters": [_of_one(row.cluster, row.extensions, now, wanted) for row in rows]})


def _installed(client: ExtensionClient, wanted: Wanted) -> list[Extension]:
    if wanted.name:
        one = client.get()
        return [one] if one else []
    return [each for each in client.list() if each.extension_type.lower() == EXTENSION_TYPE.lower()]


def _of_one(home: cluster.Cluster, found: t.Iterable[Extension], now: dt.datetime, wanted: Wanted) -> dict[str, t.Any]:
    shown = [each for each in found if wanted.name is None or each.name.lower() == wanted.name.lower()]
    return {
        "cluster": dataclasses.asdict(home),
        "extensions": [_report(each, home, now, wanted.token_days) for each in shown],
    }


def _report(extension: Extension, home: cluster.Cluster, now: dt.datetime, token_days: int) -> dict[str, t.Any]:
    wrong = problems(extension, home, now, token_days)
    token = gateway_token.facts(secret_record.expiry(extension.settings), now)
    return {**facts(extension), "token": token, "healthy": not wrong, "problems": wrong}


def problems(extension: Extension, home: cluster.Cluster, now: dt.datetime, token_days: int = 0) -> list[str]:
    """What keeps the gateway from doing its work, as sentences; empty when nothing is known to be wrong.

    :param token_days: a token that ends within this many days is a problem.
    """
    wrong = []
    if not home.connected:
        wrong.append(f"The cluster is {home.connectivity}.")
    if extension.provisioning_state != "Succeeded":
        wrong.append(f"The extension is {extension.provisioning_state}.")
    for status in extension.statuses:
        if status.get("level") == "Error" or str(status.get("code") or "").endswith("Failed"):
            wrong.append(f"{status.get('code')}: {status.get('message')}")
    ends = secret_record.expiry(extension.settings)
    if ends and ends <= now:
        wrong.append(f"The token ended on {ends:%Y-%m-%d %H:%M} UTC: the gateway answers with an empty body.")
    elif ends and ends <= now + dt.timedelta(days=token_days):
        wrong.append(f"The token ends on {ends:%Y-%m-%d %H:%M} UTC.")
    return wrong
