# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook remove."""
from __future__ import annotations

from harness.emulator import Emulator
from harness.site import APIM, extension, fleet, gateway_id, nodes, writes
from harness.steps import RunPlaybook

DEPLOY = "arcfleet.apim.deploy"
REMOVE = "arcfleet.apim.remove"
SUBMIT = "Submit what has to change"
STORES = ("store-lyon", "store-oslo", "store-porto")


def test_remove(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """From all clusters, twice; the gateway resource stays, because other clusters may use it."""
    inventory = fleet(emulator, apim_arc_gateway_monitoring_workspace=emulator.environment["EMULATOR_WORKSPACE_ID"])
    run_playbook(DEPLOY, inventory=inventory)
    emulator.forget_requests()
    review = run_playbook(REMOVE, inventory=inventory, check=True, diff=True)
    run = run_playbook(REMOVE, inventory=inventory, diff=True)
    for store in STORES:
        assert run.result(SUBMIT, store)["action"] == "delete"
        assert run.result(SUBMIT, store)["diff"] == review.result(SUBMIT, store)["diff"]
        assert extension(emulator, store) is None
    assert [request["method"] for request in writes(emulator)] == ["DELETE"] * 3
    assert not emulator.requests("POST", "Microsoft.")  # no token and no key is asked for
    assert emulator.azure("GET", gateway_id(emulator), api_version=APIM)
    assert run_playbook(REMOVE, inventory=inventory, diff=True).changed == 0


def test_unreachable_agent(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Refused at first; then submitted, or forgotten by Azure, when the user insists."""
    inventory = fleet(emulator)
    only = "--limit store-oslo,store-lyon"
    run_playbook(DEPLOY, inventory=inventory, arguments=only)
    emulator.forget_requests()
    emulator.cluster("store-oslo", connectivity="Offline")
    run = run_playbook(REMOVE, inventory=inventory, expect="failed", arguments=only)
    assert {store: run.stats[store]["failures"] for store in run.stats} == {"store-lyon": 0, "store-oslo": 1}
    for fragment in ("'store-oslo' is Offline", "The removal goes on when the agent is back", "force_delete=true", "allow_offline=true", "Nothing was changed"):
        assert fragment in run.result(SUBMIT, "store-oslo")["msg"]
    assert extension(emulator, "store-oslo")

    only = "--limit store-oslo"
    insist = {"apim_arc_gateway_allow_offline": True, "apim_arc_gateway_wait_timeout": 1}
    run = run_playbook(REMOVE, inventory=inventory, extra_vars=insist, expect="failed", arguments=only, warnings=("'store-oslo' is Offline",))
    assert "did not end within 1 seconds" in run.result("Wait until it is done")["msg"]
    found = extension(emulator, "store-oslo")
    assert found and found["provisioningState"] == "Deleting"

    run_playbook(REMOVE, inventory=inventory, extra_vars={"apim_arc_gateway_force_delete": True}, arguments=only)
    assert extension(emulator, "store-oslo") is None


def test_one_of_two_gateways_on_a_cluster(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """Extensions of other names stay."""
    inventory = fleet(emulator, {"store-oslo": {}})
    second = {"apim_arc_gateway_extension_name": "second", "apim_arc_gateway_target_namespace": "second"}
    run_playbook(DEPLOY, inventory=inventory)
    run_playbook(DEPLOY, inventory=inventory, extra_vars=second)
    assert nodes(emulator) == 6
    run_playbook(REMOVE, inventory=inventory, extra_vars=second)
    assert nodes(emulator) == 3
    assert extension(emulator, "store-oslo")


def test_role_with_a_state(run_playbook: RunPlaybook, emulator: Emulator) -> None:
    """The role in a play of the user's own, from a variable."""
    play = [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
             "roles": [{"role": "arcfleet.apim.apim_arc_gateway"}]}]
    inventory = fleet(emulator, {"store-oslo": {}})
    run_playbook(play, inventory=inventory)
    assert extension(emulator, "store-oslo")
    run_playbook(play, inventory=inventory, extra_vars={"apim_arc_gateway_state": "absent"})
    assert extension(emulator, "store-oslo") is None
