# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world file: what exists, and how it behaves. Every key that it may hold is a field below."""

from __future__ import annotations

import copy
import dataclasses
import typing
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal

import yaml

from .store import Row

DEFAULT = Path(__file__).with_name("world.yml")
_GENERATED_LOCATIONS = ("westeurope", "northeurope", "eastus", "southeastasia")


class WorldError(ValueError):
    """The world file cannot be used; the text says where and why."""


@dataclass
class Client:
    """An application (service principal) that may sign in."""

    id: str
    object_id: str = ""
    secret: str = ""
    certificate: str = ""  # PEM text; when given, certificate assertions are verified with it
    federated_subjects: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)  # RBAC actions that it lacks, with * as wildcard


@dataclass
class Agent:
    """How the Arc agent of a cluster carries out what Azure asks of it."""

    operation_seconds: float | None = None  # None: the setting of that name
    outcome: Literal["succeed", "fail", "never"] = "succeed"
    message: str = "InnerError [release gateway failed, and has been uninstalled due to atomic being set: timed out]"


@dataclass
class Cluster:
    """An Arc-enabled Kubernetes cluster."""

    name: str
    location: str = "westeurope"
    tags: dict[str, str] = field(default_factory=dict)
    connectivity: Literal["Connected", "Offline", "Connecting", "Expired", "AgentNotInstalled"] = "Connected"
    distribution: str = "k3s"
    infrastructure: str = "generic"
    kubernetes_version: str = "1.31.4"
    agent_version: str = "1.23.3"
    agent: Agent = field(default_factory=Agent)


@dataclass
class Hostname:
    """A custom hostname of an API Management service."""

    type: str
    host: str


@dataclass
class Gateway:
    """A self-hosted gateway that exists from the start."""

    name: str
    location_name: str = "emulated"
    description: str = ""
    apis: list[str] = field(default_factory=list)
    primary_key: str = ""
    secondary_key: str = ""


@dataclass
class Service:
    """An API Management service."""

    name: str
    location: str = "West Europe"  # a display name, as the service really returns it
    sku: str = "Premium"
    apis: list[str] = field(default_factory=list)
    hostnames: list[Hostname] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)


@dataclass
class Workspace:
    """A Log Analytics workspace."""

    name: str
    location: str = "westeurope"
    primary_key: str = ""
    secondary_key: str = ""


@dataclass
class ResourceGroup:
    """A resource group and what lies in it."""

    name: str
    location: str = "westeurope"
    clusters: list[Cluster] = field(default_factory=list)
    api_management: list[Service] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=list)


@dataclass
class Subscription:
    """A subscription."""

    id: str
    name: str = "Emulated"
    unregistered: list[str] = field(default_factory=list)  # provider namespaces: writes answer 409
    resource_groups: list[ResourceGroup] = field(default_factory=list)


@dataclass
class ExtensionType:
    """An extension type of the catalogue: versions per release train, oldest first; regions when not everywhere."""

    name: str
    trains: dict[str, list[str]]
    regions: list[str] = field(default_factory=list)


@dataclass
class Bucket:
    """A token bucket: how many calls at once, and how many more every second."""

    size: float
    refill: float


@dataclass
class Throttling:
    """Resource Manager's token buckets (per subscription and principal); `retry_after: false` leaves only the text."""

    reads: Bucket = field(default_factory=lambda: Bucket(250, 25))
    writes: Bucket = field(default_factory=lambda: Bucket(200, 10))
    deletes: Bucket = field(default_factory=lambda: Bucket(200, 10))
    retry_after: bool = True


@dataclass
class Settings:
    """What holds everywhere, and may be changed while the emulator runs."""

    operation_seconds: float = 1
    access_token_seconds: int = 3599
    throttling: Throttling | None = None
    resource_graph_queries: int = 15  # per 5 seconds and principal; 0: no limit


@dataclass
class World:
    """The whole file."""

    tenant: str
    clients: list[Client] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    extension_types: list[ExtensionType] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    def groups(self) -> Iterator[tuple[Subscription, ResourceGroup]]:
        for subscription in self.subscriptions:
            for group in subscription.resource_groups:
                yield subscription, group

    def rows(self) -> Iterator[tuple[str, str, Row]]:
        """Table, id and row of everything that the file describes."""
        for subscription, group in self.groups():
            base = f"/subscriptions/{subscription.id}/resourceGroups/{group.name}"

            def place(provider: str, name: str, base: str = base) -> Row:
                return {"id": f"{base}/providers/{provider}/{name}", "parent": base.lower()}

            for cluster in group.clusters:
                row = vars(cluster) | place("Microsoft.Kubernetes/connectedClusters", cluster.name)
                yield (
                    "clusters",
                    row["id"],
                    row | {"agent": dict(vars(cluster.agent)), "tags": dict(cluster.tags), "online_since": 0},
                )
            for workspace in group.workspaces:
                row = dataclasses.asdict(workspace) | place("Microsoft.OperationalInsights/workspaces", workspace.name)
                yield "workspaces", row["id"], row
            for service in group.api_management:
                row = dataclasses.asdict(service) | place("Microsoft.ApiManagement/service", service.name)
                gateways = row.pop("gateways")
                yield "services", row["id"], row
                for gateway in gateways:
                    yield (
                        "gateways",
                        f"{row['id']}/gateways/{gateway['name']}",
                        {
                            "id": f"{row['id']}/gateways/{gateway['name']}",
                            "parent": row["id"].lower(),
                            "name": gateway["name"],
                            "etag": 1,
                            "locationData": {
                                "name": gateway["location_name"],
                                "city": None,
                                "district": None,
                                "countryOrRegion": None,
                            },
                            "description": gateway["description"] or None,
                            "apis": gateway["apis"],
                            "keys": {"primary": gateway["primary_key"], "secondary": gateway["secondary_key"]},
                        },
                    )


def build(kind: type, data: Any, where: str = "the world") -> Any:
    """Make a dataclass of this module from plain YAML data, refusing what it does not know."""
    fields = {item.name: item for item in dataclasses.fields(kind)}
    if not isinstance(data, dict):
        raise WorldError(f"{where}: expected a mapping with some of {', '.join(fields)}")
    if unknown := set(data) - set(fields):
        raise WorldError(f"{where}: unknown key {', '.join(sorted(map(str, unknown)))}; known are {', '.join(fields)}")
    given = {name: value for name, value in data.items() if value is not None}  # an empty key is one that is not there
    none = dataclasses.MISSING
    needed = [name for name, item in fields.items() if item.default is none and item.default_factory is none]
    if absent := [name for name in needed if given.get(name, "") == ""]:
        raise WorldError(f"{where}: missing {', '.join(absent)}")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _checked(hints[name], value, f"{where}, {name}") for name, value in given.items()})


def _checked(kind: Any, value: Any, where: str) -> Any:
    """A value as this type hint wants it."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return build(kind, value, where)  # type: ignore[arg-type]
    if origin is UnionType:
        return _checked(parts[0], value, where)
    if origin is Literal and value in parts:
        return value
    if origin is list and isinstance(value, list):
        return [_checked(parts[0], one, f"{where}[{index}]") for index, one in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {str(name): _checked(parts[1], one, f"{where}, {name}") for name, one in value.items()}
    plain = (int, float) if kind is float else kind
    if origin is None and isinstance(value, plain) and (kind is bool or not isinstance(value, bool)):
        return value
    wanted = {str: "a text (in quotes)", Literal: f"one of {', '.join(map(str, parts))}"}.get(origin or kind)
    raise WorldError(f"{where}: expected {wanted or 'a ' + (origin or kind).__name__}, got {value!r}")


def load(path: Path, more_clusters: int = 0) -> World:
    """Read a world file; add generated clusters (`cluster-0001` ...) to the first resource group that has clusters."""
    try:
        world = build(World, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WorldError(f"{path}: {error}") from error
    except WorldError as error:
        raise WorldError(f"{path}: {error}") from None
    groups = [group for _subscription, group in world.groups()]
    if not (groups and world.clients):
        raise WorldError(f"{path}: at least one client, one subscription and one resource group are needed")
    for client in world.clients:
        client.object_id = client.object_id or str(uuid.uuid5(uuid.NAMESPACE_URL, f"principal/{client.id}"))
    target = next((group for group in groups if group.clusters), groups[0])
    for number in range(more_clusters):
        location = _GENERATED_LOCATIONS[number % len(_GENERATED_LOCATIONS)]
        target.clusters.append(Cluster(name=f"cluster-{number + 1:04}", location=location))
    return world


def guid(text: str) -> str:
    """A GUID that is always the same for the same text (principal ids, workspace ids and the like)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.lower()))


def fresh_settings(world: World) -> Settings:
    """The world's settings, to be changed at run time without changing the world."""
    return copy.deepcopy(world.settings)
