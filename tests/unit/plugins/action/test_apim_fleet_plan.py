# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the survey decides. That it sees the same as the role's tasks is tested with real playbooks."""
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.arcfleet.apim.plugins.action.apim_fleet_plan import _has_template, _report, _unique
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._fleet import Verdict

SAME, UPDATE, CREATE = (Verdict(action, "Connected") for action in ("none", "update", "create"))
AWAY, AWAY_BUT_SAME, UNKNOWN = Verdict("update", "Offline"), Verdict("none", "Offline"), Verdict("unknown", None)


def report(verdicts: dict[str, Verdict], offline: str = "fail", changed: bool = False) -> dict[str, Any]:
    return _report(verdicts, offline, {"__apim_arc_gateway_created": {"results": [{"changed": False}, {"changed": changed}]}})


@pytest.mark.parametrize(("value", "found"), [
    ("plain", False), ("{{ x }}", True), ("a {% if x %}b{% endif %}", True), ({"a": {"b": ["c", "{{ d }}"]}}, True), ({"a": [1, None, True]}, False),
    (("{{ x }}",), True), ("}} {{", True), ("", False), (7, False), (None, False)])
def test_has_template(value: Any, found: bool) -> None:
    assert _has_template(value) is found


def test_unique() -> None:
    one, same, other = {"a": 1, "b": [2]}, {"b": [2], "a": 1}, {"a": 1, "b": [3]}
    assert _unique([one, same, other, one]) == [one, other]
    assert _unique([]) == []
    assert _unique(["", "w", ""]) == ["", "w"]


def test_nothing_differs() -> None:
    assert report({"a": SAME, "b": AWAY_BUT_SAME}) == {
        "changed": False, "visit": {}, "set_aside": {}, "unchanged": 2, "msg": "2 clusters: 2 as wanted, 0 to visit."}


def test_some_differ() -> None:
    found = report({"a": SAME, "b": UPDATE, "c": CREATE, "d": UPDATE, "e": UNKNOWN}, changed=True)
    assert found["visit"] == {"b": "update", "c": "create", "d": "update", "e": "unknown"}
    assert list(found["visit"]) == ["b", "c", "d", "e"]  # the inventory's order is the order of the waves
    assert (found["unchanged"], found["changed"]) == (1, True)
    assert found["msg"] == "5 clusters: 1 as wanted, 4 to visit (create 1, unknown 1, update 2)."


def test_offline_fails() -> None:
    with pytest.raises(ApimError) as caught:
        report({"a": SAME, "b": UPDATE, "away": AWAY})
    assert str(caught.value).startswith("1 clusters that have to change are not connected: away (Offline). Nothing was changed on any cluster.")
    for way_out in ("offline=skip", "offline=submit", "48 hours"):
        assert way_out in str(caught.value)
    assert caught.value.facts == {"offline": {"away": "Offline"}}


def test_many_offline() -> None:
    with pytest.raises(ApimError, match=r"^25 clusters .* s19 \(Offline\) and more\. ") as caught:
        report({f"s{number:02}": AWAY for number in range(25)})
    assert "s20" not in str(caught.value)
    assert len(caught.value.facts["offline"]) == 25


def test_offline_skipped_or_submitted() -> None:
    verdicts = {"a": SAME, "away": AWAY, "b": UPDATE, "gone": Verdict("join", "Expired")}
    found = report(verdicts, "skip")
    assert (found["visit"], found["set_aside"]) == ({"b": "update"}, {"away": "Offline", "gone": "Expired"})
    assert found["msg"] == "4 clusters: 1 as wanted, 1 to visit (update 1), 2 not connected and set aside."
    found = report(verdicts, "submit")
    assert (found["visit"], found["set_aside"]) == ({"away": "update", "b": "update", "gone": "join"}, {})
