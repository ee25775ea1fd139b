# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: arc_clusters
short_description: Azure Arc-enabled Kubernetes clusters and their API Management gateways
description:
  - Makes every connected cluster a host, with what the role P(arcfleet.apim.apim_arc_gateway#role) needs as variables, so
    that C(ansible-playbook -i arc_clusters.yml arcfleet.apim.deploy) works as it is.
  - Asks Azure Resource Graph, one call for each 1,000 clusters, whatever the number of subscriptions. It lags behind Azure by
    seconds to minutes.
  - The name of the file has to end in C(arc_clusters.yml) or C(arc_clusters.yaml).
  - All hosts are in the group C(arc_clusters), where C(ansible_connection) and C(ansible_python_interpreter) are set so that
    tasks run where Ansible runs.
  - 'Each host has the variables C(apim_arc_gateway_subscription_id), C(apim_arc_gateway_resource_group),
    C(apim_arc_gateway_cluster_name), C(arc_cluster) and C(arc_extension).'
  - 'C(arc_cluster) has C(id), C(name), C(subscription_id), C(resource_group), C(location), C(connectivity),
    C(last_connectivity_time), C(kubernetes_version), C(agent_version), C(distribution) and C(tags).'
  - 'C(arc_extension) is null on a cluster without the gateway extension, and has else C(id), C(name), C(target_namespace),
    C(release_train), C(version) (the pinned one), C(current_version), C(auto_upgrade_minor_version), C(provisioning_state),
    C(settings) (secrets masked), C(protected_settings) (names only) and C(token_expires_on) (ISO 8601, UTC; null when it is
    not known).'
  - 'A cluster with several gateway extensions has them all in C(arc_extensions), ordered by name; C(arc_extension) is then the
    one called C(apim-gateway), or else the first one.'
author:
  - arcfleet.apim contributors (@arcfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - arcfleet.apim.azure
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks a file as meant for this plugin.
    type: str
    required: true
    choices: [arcfleet.apim.arc_clusters]
  subscriptions:
    description:
      - IDs of the subscriptions to look in.
      - If neither O(subscriptions) nor O(management_groups) is given, that is O(subscription_id); if there is none either, all
        subscriptions that the identity may read.
    type: list
    elements: str
    default: []
  management_groups:
    description: Names (not display names) of management groups to look in, with all that is below them.
    type: list
    elements: str
    default: []
  resource_groups:
    description: Only clusters in these resource groups.
    type: list
    elements: str
    default: []
  locations:
    description: Only clusters in these Azure regions, written C(westeurope) or C(West Europe).
    type: list
    elements: str
    default: []
  tags:
    description:
      - Only clusters that have all these tags. A value may be a text, a list of texts of which one has to match, or null for any.
      - Upper and lower case matter, in names too.
    type: dict
    default: {}
  distributions:
    description: Only clusters of these Kubernetes distributions as Azure names them, for example V(k3s) or V(openshift).
    type: list
    elements: str
    default: []
  connectivity:
    description: Only clusters with one of these states.
    type: list
    elements: str
    choices: [Connected, Connecting, Offline, Expired, AgentNotInstalled]
    default: []
  extension:
    description: Whether only clusters are wanted on which the gateway extension is V(present), or on which it is V(absent).
    type: str
    choices: [any, present, absent]
    default: any
  hostnames:
    description:
      - Jinja2 expressions over the host's variables, without braces. The first one that gives a text names the host.
      - If there is none, it is the name of the cluster.
      - Hosts that would have the same name, whatever its letters' case, all get C(_RESOURCE_GROUP) appended, and those that
        are still the same C(_SUBSCRIPTION_ID). Names therefore depend on which clusters are selected, not on their order.
    type: list
    elements: str
    default: []
notes:
  - Other options than O(compose), O(groups), O(keyed_groups) and O(hostnames) may be Jinja2 templates, with extra variables
    and lookups.
  - The cache holds no secret. What is in it is used again only for the same options and the same account in the environment.
"""

EXAMPLES = r"""
# The smallest one: all clusters of the subscription in AZURE_SUBSCRIPTION_ID (or of the Azure CLI's).
---
plugin: arcfleet.apim.arc_clusters

---
# Stores in two countries, over all subscriptions of a management group, by groups such as
# location_norwayeast, distribution_k3s, connectivity_Offline and tag_tier_production.
plugin: arcfleet.apim.arc_clusters
management_groups: [mg-retail]
tags:
  country: [norway, sweden]
  store:
keyed_groups:
  - key: arc_cluster.location
    prefix: location
  - key: arc_cluster.distribution
    prefix: distribution
  - key: arc_cluster.connectivity
    prefix: connectivity
  - key: arc_cluster.tags
    prefix: tag
groups:
  without_gateway: not arc_extension
  canary: arc_cluster.tags.ring | default('') == '0'
compose:
  apim_arc_gateway_target_namespace: "'apim-' ~ arc_cluster.tags.country"

---
# Every connected cluster that has no gateway yet, kept for ten minutes.
plugin: arcfleet.apim.arc_clusters
subscriptions:
  - 00000000-0000-0000-0000-000000000001
  - 00000000-0000-0000-0000-000000000002
connectivity: [Connected]
extension: absent
hostnames:
  - arc_cluster.tags.fqdn
  - arc_cluster.name ~ '.' ~ arc_cluster.location
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/arc_clusters
cache_timeout: 600
"""

import collections
import functools
import hashlib
import json
import os
import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError

if t.TYPE_CHECKING:
    from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import Filters, Row


def _unchanged(text: str) -> str:
    return text


try:
    # From ansible-core 2.19 on a text may be a template only if it is marked as such,
    from ansible.template import trust_as_template as _may_be_template

    _never_template = _unchanged
except ImportError:
    # before that unless it is marked.
    from ansible.utils.unsafe_proxy import wrap_var as _never_template

    _may_be_template = _unchanged

_SUFFIXES = ("arc_clusters.yml", "arc_clusters.yaml")
_GROUP = "arc_clusters"
_GROUP_VARIABLES = {
    "ansible_connection": _may_be_template("local"),
    "ansible_python_interpreter": _may_be_template("{{ ansible_playbook_python }}"),
}
_FIRST_CHOICE = "apim-gateway"  # what the role calls the extension
_EXPRESSIONS = ("plugin", "compose", "groups", "keyed_groups", "hostnames")
_QUESTION = (
    "subscriptions", "management_groups", "resource_groups", "locations", "tags", "distributions", "connectivity", "extension",
)
# What else decides what Azure answers; no secrets.
_ACCOUNT = ("auth_source", "profile", "subscription_id", "tenant", "client_id", "cloud_environment")
_ACCOUNT_VARIABLES = (
    "ANSIBLE_AZURE_AUTH_SOURCE", "AZURE_PROFILE", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT", "AZURE_TENANT_ID", "AZURE_CLIENT_ID",
    "AZURE_CLOUD_ENVIRONMENT",
)
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FORM = 1  # of what is in the cache

_Record = dict[str, t.Any]  # a cluster and its extensions as plain data, without secrets


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):

    NAME = "arcfleet.apim.arc_clusters"
    _plain_paths = False

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(_SUFFIXES)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path)
        self._read_options(path)
        try:
            records = self._records(path, cache)
            self._populate(records)
        except ApimError as error:
            raise AnsibleParserError(str(error)) from None

    def _read_options(self, path: str) -> None:
        config = self._read_config_data(path)
        self.templar.available_variables = self._vars
        rendered = {}
        for name, value in config.items():
            if name not in _EXPRESSIONS and self.templar.is_template(value):
                try:
                    rendered[name] = self.templar.template(value)
                except Exception as error:
                    raise AnsibleParserError(f"{name}: {error}") from error
        if rendered:
            self.set_options(direct={**config, **rendered}, var_options=self._vars)

    # Reading

    def _records(self, path: str, cache: bool) -> list[_Record]:
        enabled = self.get_option("cache")
        key = f"{self.get_cache_key(path)}_{self._digest()}"
        if enabled and cache:
            try:
                return self._cache[key]
            except KeyError:
                pass  # none yet, or too old
        records = self._fetch()
        if enabled:
            self._cache[key] = records
        return records

    def _digest(self) -> str:
        """Of what the answer depends on: another question must not get this one's answer from the cache."""
        options = {name: self.get_option(name) for name in (*_QUESTION, *_ACCOUNT)}
        variables = {name: os.environ.get(name) for name in _ACCOUNT_VARIABLES}
        text = json.dumps([_FORM, options, variables], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _fetch(self) -> list[_Record]:
        # Imported here: the Azure libraries take longer than reading a cache.
        from ansible_collections.arcfleet.apim.plugins.module_utils import _arm
        from ansible_collections.arcfleet.apim.plugins.module_utils._azure_auth import AUTH_OPTIONS, sign_in
        from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import read_fleet

        if _arm.AZURE_IMPORT_ERROR:
            raise ApimError(
                "The Python packages azure-identity and azure-mgmt-kubernetesconfiguration are needed and cannot be imported."
            )
        signed_in = sign_in({name: _plain(self.get_option(name)) for name in AUTH_OPTIONS}, os.environ)
        if not signed_in.verify:
            self.display.warning(
                "TLS certificates are not checked (cert_validation_mode is 'ignore'): tokens can be stolen on the way."
            )
        question = {name: _plain(self.get_option(name)) for name in _QUESTION}
        rows = read_fleet(
            _arm.Arm(signed_in),
            subscriptions=question["subscriptions"],
            management_groups=question["management_groups"],
            where=_filters(question),
        )
        self.display.vv(f"arc_clusters: {len(rows)} clusters from Azure Resource Graph")
        return [_record(row) for row in rows]

    # Populating

    def _populate(self, records: Sequence[_Record]) -> None:
        self.inventory.add_group(_GROUP)
        for name, value in _GROUP_VARIABLES.items():
            self.inventory.set_variable(_GROUP, name, value)
        variables = [_inert(_variables(record)) for record in records]
        self._plain_paths = not self.get_option("use_extra_vars")  # they go before the host's variables
        expressions = self.get_option("hostnames")
        names = [self._name(expressions, each) for each in variables]
        constructed = {name: self.get_option(name) for name in ("compose", "groups", "keyed_groups")}
        strict = self.get_option("strict")
        for host, each in zip(_told_apart(names, variables), variables):
            self.inventory.add_host(host, _GROUP)
            for name, value in each.items():
                self.inventory.set_variable(host, name, value)
            if any(constructed.values()):
                self._construct(host, each, constructed, strict)

    def _name(self, expressions: Sequence[str], variables: Mapping[str, t.Any]) -> str:
        for expression in expressions:
            try:
                name = self._compose(expression, variables)
            except Exception as error:
                if self.get_option("strict"):
                    cluster = variables["arc_cluster"]["id"]
                    raise AnsibleParserError(f"hostnames: {expression!r} has no value for {cluster}: {error}") from error
                continue
            if name:
                return str(name)
        return variables["arc_cluster"]["name"]

    def _compose(self, template: t.Any, variables: t.Any, **options: t.Any) -> t.Any:
        """As Ansible does it, but a mere path such as C(arc_cluster.location) is followed without Jinja, 100 times faster."""
        if not self._plain_paths or not _PATH.fullmatch(str(template)):
            return super()._compose(template, variables, **options)
        value = variables
        for name in str(template).split("."):
            if not isinstance(value, dict) or name not in value or hasattr(dict, name):
                return super()._compose(template, variables, **options)
            value = value[name]
        return value

    def _construct(self, host: str, variables: Mapping[str, t.Any], constructed: Mapping[str, t.Any], strict: bool) -> None:
        known = {**variables, "inventory_hostname": host}
        self._set_composite_vars(constructed["compose"], known, host, strict)
        if constructed["compose"]:
            known |= self.inventory.get_host(host).vars
        # We have its variables already; having Ansible collect them again for every key would double the time.
        self._add_host_to_composed_groups(constructed["groups"], known, host, strict, fetch_hostvars=False)
        self._add_host_to_keyed_groups(constructed["keyed_groups"], known, host, strict, fetch_hostvars=False)


def _filters(question: Mapping[str, t.Any]) -> Filters:
    from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import Filters

    return Filters(
        resource_groups=question["resource_groups"],
        locations=question["locations"],
        tags={name: _tag_values(name, value) for name, value in question["tags"].items()},
        distributions=question["distributions"],
        connectivity=question["connectivity"],
        has_extension={"present": True, "absent": False}.get(question["extension"]),
    )


def _tag_values(name: str, value: t.Any) -> list[str]:
    """The texts that a tag may have; none is any. YAML's C(true) and C(7) are taken for what was probably typed.

    :raises ApimError: a mapping is no value.
    """
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(one, (dict, list)) or one is None for one in values):
        raise ApimError(f"tags: {name!r} must be a text, a list of texts, or null for any value.")
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]


def _record(row: Row) -> _Record:
    owner = {"subscription_id": row.subscription_id, "resource_group": row.resource_group}
    return {"cluster": {**vars(row.cluster), **owner}, "extensions": [_extension(each) for each in row.extensions]}


def _extension(extension: t.Any) -> dict[str, t.Any]:
    from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import shown
    from ansible_collections.arcfleet.apim.plugins.module_utils._secret_record import expiry

    ends = expiry(extension.settings)
    return {
        "id": extension.id,
        "name": extension.name,
        "target_namespace": extension.target_namespace,
        "release_train": extension.release_train,
        "version": extension.version,
        "current_version": extension.current_version,
        "auto_upgrade_minor_version": extension.auto_upgrade_minor_version,
        "provisioning_state": extension.provisioning_state,
        # A name that is among the protected settings too is a secret here as well.
        "settings": shown(extension.settings, extension.protected_names),
        "protected_settings": sorted(extension.protected_names),
        "token_expires_on": f"{ends:%Y-%m-%dT%H:%M:%SZ}" if ends else None,
    }


def _variables(record: _Record) -> dict[str, t.Any]:
    """The host's variables."""
    cluster, extensions = record["cluster"], record["extensions"]
    first = next((each for each in extensions if each["name"] == _FIRST_CHOICE), extensions[0] if extensions else None)
    variables = {
        "apim_arc_gateway_subscription_id": cluster["subscription_id"],
        "apim_arc_gateway_resource_group": cluster["resource_group"],
        "apim_arc_gateway_cluster_name": cluster["name"],
        "arc_cluster": cluster,
        "arc_extension": first,
    }
    return {**variables, "arc_extensions": extensions} if len(extensions) > 1 else variables


def _told_apart(names: Sequence[str], variables: Sequence[Mapping[str, t.Any]]) -> list[str]:
    """The names, with the resource group and then the subscription appended where they are not unique.

    :raises ApimError: they are still not.
    """
    names = list(names)
    for owner in ("apim_arc_gateway_resource_group", "apim_arc_gateway_subscription_id"):
        seen = collections.Counter(name.lower() for name in names)
        if len(seen) == len(names):
            return names
        names = [f"{name}_{each[owner]}" if seen[name.lower()] > 1 else name for name, each in zip(names, variables)]
    first: dict[str, str] = {}
    for name, each in zip(names, variables):
        cluster = each["arc_cluster"]["id"]
        other = first.setdefault(name.lower(), cluster)
        if other != cluster:
            raise ApimError(f"hostnames: {other} and {cluster} would both be {name!r}. Have the cluster's name in it.")
    return names


def _plain(value: t.Any) -> t.Any:
    """The value without the tags that Ansible puts on it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


def _inert(value: t.Any) -> t.Any:
    """The value with its texts marked: whoever may tag a cluster must not have templates run here."""
    if isinstance(value, dict):
        return {name: _inert(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_inert(inner) for inner in value]
    return _marked(value) if isinstance(value, str) else value


@functools.cache  # marking takes longer than looking up, and most texts are those of many clusters
def _marked(text: str) -> str:
    """The text for Ansible: dangerous if it looks like a template, else harmless.

    Left unmarked, C(ansible-inventory --list), and AWX with it, would show every text as a mapping.
    """
    return _never_template(text) if "{" in text or text.startswith("#jinja2:") else _may_be_template(text)
