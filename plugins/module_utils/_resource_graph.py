# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The whole fleet from Azure Resource Graph: connected clusters joined with their gateway extensions, 1,000 rows a call.

Resource Graph lags behind Resource Manager by seconds to minutes: good for finding out where to look, never for
deciding what to write.
"""

from __future__ import annotations

import dataclasses
import random
import re
import time
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Answer, Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_errors import AzureFailure, sentences
from ansible_collections.arcfleet.apim.plugins.module_utils._cluster import Cluster, normal_location
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import EXTENSION_TYPE, Extension
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name

API_VERSION = "2021-03-01"
_PATH = "/providers/Microsoft.ResourceGraph/resources"
_DOING = "ask Azure Resource Graph for the connected clusters"
# What one request takes at most: rows, subscriptions, management groups.
_ROWS, _SUBSCRIPTIONS, _MANAGEMENT_GROUPS = 1000, 1000, 10
# The quota is 15 queries in 5 seconds for each identity, whoever else uses it.
_WINDOW, _TRIES = 5.0, 8

_CLUSTER_PROPERTIES = ("connectivityStatus", "lastConnectivityTime", "kubernetesVersion", "agentVersion", "distribution")
# Maps whose keys are the user's own.
_DATA = ("configurationSettings", "configurationProtectedSettings")


@dataclasses.dataclass(frozen=True)
class Row:
    """A connected cluster and the gateway extensions on it, by name.

    :ivar extensions: the service principal of an extension is not known here (C(principal_id) is None).
    """

    cluster: Cluster
    subscription_id: str
    resource_group: str
    extensions: tuple[Extension, ...]


@dataclasses.dataclass(frozen=True)
class Filters:
    """Which clusters; what is empty or None lets all through. Letters of names are compared in any case.

    :ivar tags: the name of a tag, exactly as Azure shows it, and the values that it may have (none: any value).
    :ivar has_extension: whether there has to be, or may not be, a gateway extension.
    """

    resource_groups: Sequence[str] = ()
    locations: Sequence[str] = ()
    tags: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    distributions: Sequence[str] = ()
    connectivity: Sequence[str] = ()
    has_extension: bool | None = None


def read_fleet(
    arm: Arm,
    *,
    subscriptions: Sequence[str] = (),
    management_groups: Sequence[str] = (),
    where: Filters = Filters(),
) -> list[Row]:
    """All clusters that the identity may read there, ordered by resource id.

    :param subscriptions: their ids. Where neither these nor management groups are given, it is the sign-in's subscription;
        if there is none either, every one that the identity sees.
    :param management_groups: their names (not display names); all subscriptions below them, in addition to I(subscriptions).
    :raises ApimError: an id or a name is not possible (nothing has been sent), or the identity sees none of the subscriptions.
    :raises AzureFailure: Resource Graph refused for another reason.
    """
    query = query_text(where)
    wanted = scopes(subscriptions, management_groups, arm.sign_in.subscription_id)
    return rows(record for scope in wanted for record in _records(arm, query, scope))


# What is asked


def query_text(where: Filters) -> str:
    """The query, in the Kusto query language as Resource Graph has it.

    The ids of extensions are spelled C(/Extensions/) there, their properties C(ExtensionType) or C(extensionType).

    :raises ApimError: a resource group's name is not possible.
    """
    groups = [check_name("resource_group", name, "resource_groups") for name in where.resource_groups]
    return "\n".join(
        (
            "resources",
            "| where type =~ 'microsoft.kubernetes/connectedclusters'",
            *_one_of("resourceGroup", groups),
            *_one_of("location", [normal_location(name) for name in where.locations]),
            *_one_of("tostring(properties.distribution)", where.distributions),
            *_one_of("tostring(properties.connectivityStatus)", where.connectivity),
            *(_tag(name, values) for name, values in where.tags.items()),
            "| project id, name, location, tags, clusterKey = tolower(id), "
            + ", ".join(f"{name} = properties.{name}" for name in _CLUSTER_PROPERTIES),
            "| join kind=leftouter (",
            "    kubernetesconfigurationresources",
            "    | where type =~ 'microsoft.kubernetesconfiguration/extensions'",
            "    | where coalesce(tostring(properties.ExtensionType), tostring(properties.extensionType))"
            f" =~ {_literal(EXTENSION_TYPE)}",
            "    | parse tolower(id) with clusterKey '/providers/microsoft.kubernetesconfiguration/extensions/' *",
            "    | project clusterKey, extensionName = name, extensionProperties = properties",
            ") on clusterKey",
            *_extension(where.has_extension),
            "| project-away clusterKey, clusterKey1",
            "| order by id asc, extensionName asc",  # pages are counted in rows, so the order has to be the same each time
        )
    )


def _one_of(expression: str, values: Sequence[str]) -> list[str]:
    return [f"| where {expression} in~ ({', '.join(map(_literal, values))})"] if values else []


def _tag(name: str, values: Sequence[str]) -> str:
    tag = f"tags[{_literal(name)}]"
    matches = f" and tostring({tag}) in ({', '.join(map(_literal, values))})" if values else ""
    return f"| where isnotnull({tag}){matches}"  # a missing tag would look like an empty one


def _extension(wanted: bool | None) -> list[str]:
    if wanted is None:
        return []
    return [f"| where {'isnotempty' if wanted else 'isempty'}(extensionName)"]


def _literal(text: str) -> str:
    """The text as a string literal: nothing in it can end the literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def scopes(
    subscriptions: Sequence[str], management_groups: Sequence[str], default: str | None
) -> list[dict[str, list[str]]]:
    """Where to look, one member for each question: a request takes subscriptions or management groups, not both.

    :param default: the subscription when neither is given; None is all that the identity sees.
    :raises ApimError: a subscription is not a GUID.
    """
    if not subscriptions and not management_groups:
        subscriptions = [default] if default else []
        if not subscriptions:
            return [{}]
    checked = [check_name("subscription_id", one, "subscriptions") for one in subscriptions]
    return [
        *({"subscriptions": batch} for batch in _batches(checked, _SUBSCRIPTIONS)),
        *({"managementGroups": batch} for batch in _batches(management_groups, _MANAGEMENT_GROUPS)),
    ]


def _batches(values: Sequence[str], size: int) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start:start + size] for start in range(0, len(unique), size))


# What is answered


def rows(records: Iterable[Mapping[str, t.Any]]) -> list[Row]:
    """One row for each cluster, from records that have a cluster and at most one of its extensions.

    :raises ApimError: a record without a resource id.
    """
    clusters: dict[str, Row] = {}
    extensions: dict[str, dict[str, Extension]] = {}
    for record in records:  # overlapping scopes, or a page turned while something changed, show a record twice
        key = str(record.get("id")).lower()
        if key not in clusters:
            clusters[key] = _cluster_row(record)
        if record.get("extensionName"):
            extension = _extension_of(record)
            extensions.setdefault(key, {})[extension.id.lower()] = extension
    return [
        dataclasses.replace(row, extensions=tuple(one for _id, one in sorted(extensions.get(key, {}).items())))
        for key, row in sorted(clusters.items())
    ]


def _cluster_row(record: Mapping[str, t.Any]) -> Row:
    # Not Resource Graph's own column: that has the resource group in small letters.
    owner = re.match(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/", str(record.get("id")), re.IGNORECASE)
    if not owner:
        raise ApimError(f"Could not {_DOING}: a row has no resource id. Run again.")
    properties = {name: record.get(name) or None for name in _CLUSTER_PROPERTIES}
    return Row(Cluster.from_rest({**record, "properties": properties}), owner[1], owner[2], ())


def _extension_of(record: Mapping[str, t.Any]) -> Extension:
    # The id as Resource Manager spells it, so that the same extension looks the same from both.
    identifier = f"{record['id']}/providers/Microsoft.KubernetesConfiguration/extensions/{record['extensionName']}"
    properties = camel_case(record.get("extensionProperties") or {})
    known = {name: value for name, value in properties.items() if value != ""}
    return Extension.from_rest({"id": identifier, "name": record["extensionName"], "properties": known})


def camel_case(value: t.Any) -> t.Any:
    """The names of properties as Resource Manager spells them, at every depth; the keys of settings stay as they are.

    Where both spellings are there, the one that is not null counts.
    """
    if isinstance(value, list):
        return [camel_case(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, t.Any] = {}
    for key, inner in value.items():
        name = key[:1].lower() + key[1:]
        if found.get(name) is None:
            found[name] = inner if name in _DATA else camel_case(inner)
    return found


# Asking


def _records(arm: Arm, query: str, scope: Mapping[str, t.Any]) -> Iterator[Mapping[str, t.Any]]:
    options: dict[str, t.Any] = {"resultFormat": "objectArray", "$top": _ROWS}
    while True:
        answer = _ask(arm, {**scope, "query": query, "options": options})
        yield from answer.body.get("data") or ()
        token = answer.body.get("$skipToken")
        if not token:
            return
        options = {**options, "$skipToken": token}
        time.sleep(pause(answer.headers))


def _ask(arm: Arm, body: Mapping[str, t.Any]) -> Answer:
    for tries_left in reversed(range(_TRIES)):
        try:
            return arm.call(_DOING, "POST", _PATH, API_VERSION, body)
        except AzureFailure as failure:
            if "subscription that is eligible" in failure.said.message:
                advice = "Check that the subscriptions exist and that the identity may read them"
                raise ApimError(sentences(str(failure), advice), **failure.facts) from None
            # With Retry-After the client has waited already; without it this is how long the quota takes to come back.
            if failure.status != 429 or not tries_left:
                raise
        time.sleep(_WINDOW * random.uniform(1, 1.5))
    raise AssertionError


def pause(headers: Mapping[str, str]) -> float:
    """Seconds until the next question may be asked, by the quota that the answer to this one tells."""
    if headers.get("x-ms-user-quota-remaining") != "0":
        return 0
    told = re.fullmatch(r"(\d+):(\d+):(\d+)(?:\.\d+)?", headers.get("x-ms-user-quota-resets-after") or "")
    return sum(int(number) * unit for number, unit in zip(told.groups(), (3600, 60, 1))) if told else _WINDOW
