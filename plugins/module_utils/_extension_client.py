# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Requests for the extension resource, through Microsoft's own client.

Answers are taken as the JSON that came, not as the client's models: a member that the models do not know stays visible.
"""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Mapping

from ansible_collections.arcfleet.apim.plugins.module_utils import _cluster as cluster
from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Answer, Arm, explained
from ansible_collections.arcfleet.apim.plugins.module_utils._extension_plan import Extension

try:
    from azure.core.pipeline.policies import ContentDecodePolicy
    from azure.core.serialization import NULL
    from azure.mgmt.kubernetesconfiguration.v2023_05_01 import SourceControlConfigurationClient
    from azure.mgmt.kubernetesconfiguration.v2023_05_01 import models
except ImportError:
    pass  # reported by the module before anything here is used

PROVIDER = "Microsoft.KubernetesConfiguration"
_API_VERSION = "2023-05-01"  # that of the client, too


def extension_id(cluster_id: str, name: str) -> str:
    """The ARM id of an extension."""
    return f"{cluster_id}/providers/{PROVIDER}/extensions/{name}"


class ExtensionClient:
    """The extension I(name) on one connected cluster."""

    def __init__(self, arm: Arm, resource_group: str, cluster_name: str, name: str) -> None:
        self._arm = arm
        self._cluster_address = (resource_group, cluster.PROVIDER, cluster.RESOURCE_TYPE, cluster_name)
        self._address = (*self._cluster_address, name)
        self.cluster_id = cluster.cluster_path(arm.subscription_id, resource_group, cluster_name)
        self.id = extension_id(self.cluster_id, name)

    @functools.cached_property
    def _extensions(self) -> t.Any:
        arm = self._arm
        client = SourceControlConfigurationClient(
            arm.sign_in.credential, arm.subscription_id, arm.sign_in.cloud.resource_manager, pipeline=arm.pipeline
        )
        return client.extensions

    def get(self) -> Extension | None:
        """The extension; None when the cluster has none of that name.

        :raises AzureFailure: the cluster, resource group or subscription does not exist, or may not be read.
        """
        # As plain JSON: this is the one request for an unchanged cluster, and the client would take a third of its time again.
        found = self._arm.find(f"read the extension {self.id}", self.id, _API_VERSION)
        return Extension.from_rest(found.body or {}) if found else None

    def list(self) -> list[Extension]:
        """All extensions on the cluster, of any type."""
        with explained(f"list the extensions of {self.cluster_id}", self._arm.sign_in):
            # as_attribute_dict is not in all versions; the wire form is what from_rest reads
            return [Extension.from_rest(item.serialize(keep_readonly=True)) for item in self._extensions.list(*self._cluster_address)]

    def put(self, properties: Mapping[str, t.Any]) -> Answer:
        """Create or replace; Azure answers while the operation runs."""
        body = models.Extension.from_dict({"properties": dict(properties), "identity": {"type": "SystemAssigned"}})
        return self._change("create", self._extensions.begin_create, extension=body)

    def patch(self, properties: Mapping[str, t.Any]) -> Answer:
        """Update; a version of None lifts the pin."""
        body = models.PatchExtension.from_dict({"properties": dict(properties)})
        if "version" in properties and properties["version"] is None:
            body.version = NULL
        return self._change("update", self._extensions.begin_update, patch_extension=body)

    def delete(self, force: bool) -> Answer:
        """Remove; with I(force) Azure forgets the extension at once, whatever the cluster's agent does."""
        return self._change("delete", self._extensions.begin_delete, force_delete=force)

    def operation(self, url: str) -> Mapping[str, t.Any]:
        """The state of an operation, read from the URL that Azure gave for it, exactly as given."""
        return self._arm.follow(f"follow the operation on the extension {self.id}", url) or {}

    def _change(self, verb: str, method: t.Callable[..., t.Any], **arguments: t.Any) -> Answer:
        with explained(f"{verb} the extension {self.id}", self._arm.sign_in):
            # polling=False: waiting is done by Deadline, which has one
            return method(*self._address, polling=False, cls=_answer, **arguments).result()


def _answer(response: t.Any, _model: t.Any, _headers: t.Any) -> Answer:
    body = response.context.get(ContentDecodePolicy.CONTEXT_NAME)
    return Answer(response.http_response.status_code, body, response.http_response.headers)
