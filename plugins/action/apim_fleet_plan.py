# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the clusters that differ, before any of them is visited."""

from __future__ import annotations

import collections
import dataclasses
import json
import typing as t
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.arcfleet.apim.plugins.module_utils._arm import Arm
from ansible_collections.arcfleet.apim.plugins.module_utils._cluster import cluster_path
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._extension import Wanted
from ansible_collections.arcfleet.apim.plugins.module_utils._fleet import Verdict, compare
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name
from ansible_collections.arcfleet.apim.plugins.module_utils._resource_graph import read_fleet
from ansible_collections.arcfleet.apim.plugins.modules import (
    apim_arc_extension,
    apim_fleet_plan,
    apim_gateway,
    apim_gateway_info,
    apim_gateway_token,
    apim_log_analytics_info,
)
from ansible_collections.arcfleet.apim.plugins.plugin_utils._worker import connect, plain, run_here, said_by, validate

display = Display()

_ROLE = "apim_arc_gateway_"
_ROLE_FOLDER = Path(__file__).parents[2] / "roles/apim_arc_gateway"
# They say which cluster a host is. Hosts that differ in nothing else are wanted alike.
_SUBSCRIPTION = f"{_ROLE}subscription_id"
_GROUP = f"{_ROLE}resource_group"
_CLUSTER = f"{_ROLE}cluster_name"
# What a host's variables lack outside a task, beside the variables of the play.
_OF_THE_PLAY = ("hostvars", "ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "play_hosts")


@dataclasses.dataclass
class _Alike:
    """Hosts whose variables for the role are the same, but for which cluster they are.

    :ivar variables: the role's and the first host's, not templated yet.
    """

    variables: Mapping[str, t.Any]
    hosts: dict[str, Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)

    @property
    def first(self) -> str:
        return list(self.hosts)[0]


class ActionModule(ActionBase):
    """Works for the whole batch at once."""

    BYPASS_HOST_LOOP = True
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        validation = validate(apim_fleet_plan.TASK, self._task.args)
        if validation.error_messages:
            return result | {"failed": True, "msg": said_by(validation, self._task.action)}
        self._sign_in_options = {name: value for name, value in self._task.args.items() if name not in apim_fleet_plan.TASK.options}
        try:
            plan = self._plan(validation.validated_parameters, task_vars or {})
            display.display(f"    {plan['msg']}")
            return result | plan
        except ApimError as error:
            return result | {"failed": True, "msg": str(error), **error.facts}

    def _plan(self, options: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        groups = self._alike(task_vars)
        results = self._look_after_gateways(groups)
        arm = connect(options)
        members = {host: member for group in groups for host, member in self._members(group, results, arm)}
        hosts = [host for host in task_vars["ansible_play_batch"] if host in members]
        if options["full_check"]:
            verdicts = {host: Verdict("visit", None) for host in hosts}
        else:
            rows = read_fleet(arm, subscriptions=sorted({subscription for subscription, _wanted in members.values()}))
            by_id = {row.cluster.id.lower(): row for row in rows}
            verdicts = {}
            for host in hosts:
                subscription, wanted = members[host]
                path = cluster_path(subscription, wanted.resource_group, wanted.cluster_name)
                verdicts[host] = compare(wanted, path, by_id.get(path.lower()))
        return _report(verdicts, options["offline"], results)

    def _alike(self, task_vars: dict[str, t.Any]) -> list[_Alike]:
        """Sort the batch's hosts by what is wanted of them.

        Templating the role's variables takes milliseconds, so it is done once for all hosts that have the same. A value with
        a template may mean something else for each host.
        """
        defaults, role_vars = self._role_file("defaults"), self._role_file("vars")
        names = (*_OF_THE_PLAY, *self._task.get_play().get_vars())
        play = {name: task_vars[name] for name in names if name in task_vars}
        groups: dict[str, _Alike] = {}
        for host in task_vars["ansible_play_batch"]:
            variables = {**task_vars["hostvars"].raw_get(host), **play}
            own = {name: variables[name] for name in variables if name.startswith(_ROLE)}
            identity = {name: own.pop(name) for name in (_SUBSCRIPTION, _GROUP, _CLUSTER) if name in own}
            if _has_template(own) or _has_template(identity):
                key = f"host {host}"
            else:
                key = json.dumps(own, sort_keys=True, default=repr)
            group = groups.setdefault(key, _Alike({**defaults, **variables, **role_vars}))
            group.hosts[host] = identity
        return list(groups.values())

    def _role_file(self, folder: str) -> dict[str, t.Any]:
        """The role's variables, as the role would load them. Running in the role would cost every host of the play some time."""
        path = str(_ROLE_FOLDER / folder / "main.yml")
        try:
            return self._loader.load_from_file(path, trusted_as_template=True)
        except TypeError:  # before ansible-core 2.19 all that is loaded may be a template
            return self._loader.load_from_file(path)

    def _template(self, group: _Alike, name: str, **more: t.Any) -> t.Any:
        variables = {**group.variables, **more}
        templar = self._templar.copy_with_new_env(available_variables=variables)
        try:
            value = templar.template(variables[name])
        except KeyError:
            raise ApimError(f"{name}: not given for {group.first}.") from None
        except AnsibleError as error:
            raise ApimError(f"{group.first}: {error}") from error
        if isinstance(value, Mapping):
            value = {key: inner for key, inner in value.items() if inner != variables.get("omit")}
        return plain(value)

    def _look_after_gateways(self, groups: list[_Alike]) -> dict[str, t.Any]:
        """Bring every gateway resource to the wanted state and get its secrets, once for all clusters that share it.

        :return: the variables that the role's tasks of the same purpose register.
        """
        gateways = _unique(self._template(group, f"{_ROLE}gateway") for group in groups)
        workspaces = _unique(self._template(group, f"{_ROLE}monitoring_workspace") for group in groups)
        created, read, issued, looked_up = [], [], [], []
        for gateway in gateways:
            address = {name: gateway[name] for name in ("subscription_id", "resource_group", "service_name") if name in gateway}
            wanted = {name: value for name, value in gateway.items() if not name.startswith("token_")}
            token = {name.removeprefix("token_"): value for name, value in gateway.items() if name.startswith("token_")}
            name = gateway.get("name")
            created.append(self._do(apim_gateway, wanted, gateway))
            read.append(self._do(apim_gateway_info, address | {"name": name}, gateway))
            issued.append(self._do(apim_gateway_token, address | {"gateway_name": name} | token, gateway))
        for workspace in filter(None, workspaces):
            looked_up.append(self._do(apim_log_analytics_info, {"resource_id": workspace}, workspace))
        return {
            f"__{_ROLE}created": {"results": created},
            f"__{_ROLE}read": {"results": read},
            f"__{_ROLE}issued": {"results": issued},
            f"__{_ROLE}looked_up": {"results": looked_up},
        }

    def _do(self, module: t.Any, arguments: Mapping[str, t.Any], item: t.Any) -> dict[str, t.Any]:
        name = module.__name__.rpartition(".")[2]
        result = run_here(module.TASK, name, {**self._sign_in_options, **arguments}, self._task.check_mode, False)
        if result.get("failed"):
            raise ApimError(result["msg"], **{name: result[name] for name in ("error",) if name in result})
        return result | {"item": item}

    def _members(self, group: _Alike, results: dict[str, t.Any], arm: Arm) -> t.Iterator[tuple[str, tuple[str, Wanted]]]:
        """Each host's subscription, and what is wanted of it."""
        validation = validate(apim_arc_extension.TASK, self._template(group, f"__{_ROLE}options", **results))
        if validation.error_messages:
            raise ApimError(f"{group.first}: {said_by(validation, 'apim_arc_extension')}")
        options = validation.validated_parameters
        with _about(group.first):
            wanted = apim_arc_extension.TASK.parse(options)
        for host, identity in group.hosts.items():
            if len(group.hosts) == 1:  # templated with this very host's variables
                yield host, (options["subscription_id"] or arm.subscription_id, wanted)
                continue
            with _about(host):
                own = dataclasses.replace(
                    wanted,
                    resource_group=check_name("resource_group", str(identity.get(_GROUP, options["resource_group"]))),
                    cluster_name=check_name("cluster_name", str(identity.get(_CLUSTER, host))),
                )
            yield host, (identity.get(_SUBSCRIPTION) or arm.subscription_id, own)


@contextmanager
def _about(host: str) -> t.Iterator[None]:
    """Name the host in an error: it is one of many."""
    try:
        yield
    except ApimError as error:
        raise ApimError(f"{host}: {error}", **error.facts) from None


def _has_template(value: t.Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_template(inner) for inner in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _unique(values: t.Iterable[t.Any]) -> list[t.Any]:
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def _report(verdicts: Mapping[str, Verdict], offline: str, results: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The task's result.

    :raises ApimError: a cluster that differs is offline, and I(offline) is C(fail).
    """
    differing = {host: verdict for host, verdict in verdicts.items() if verdict.differs}
    away = {host: verdict.connectivity for host, verdict in differing.items() if verdict.offline}
    if away and offline == "fail":
        listed = ", ".join(f"{host} ({connectivity})" for host, connectivity in list(away.items())[:20])
        raise ApimError(
            f"{len(away)} clusters that have to change are not connected: {listed}{' and more' if len(away) > 20 else ''}. "
            "Nothing was changed on any cluster. Give offline=skip to set them aside, or offline=submit to send the change all "
            "the same: Azure keeps protected settings for 48 hours.",
            offline=away,
        )
    set_aside = away if offline == "skip" else {}
    visit = {host: verdict.action for host, verdict in differing.items() if host not in set_aside}
    counts = collections.Counter(visit.values())
    parts = [f"{len(verdicts) - len(differing)} as wanted", f"{len(visit)} to visit"]
    parts[1] += f" ({', '.join(f'{action} {count}' for action, count in sorted(counts.items()))})" if visit else ""
    parts += [f"{len(set_aside)} not connected and set aside"] if set_aside else []
    return {
        "changed": any(result["changed"] for result in results[f"__{_ROLE}created"]["results"]),
        "visit": visit,
        "set_aside": set_aside,
        "unchanged": len(verdicts) - len(differing),
        "msg": f"{len(verdicts)} clusters: {', '.join(parts)}.",
    }
