# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._wait import Deadline
from harness.wire import Clock


@pytest.fixture
def even(monkeypatch: pytest.MonkeyPatch) -> None:
    """No jitter."""
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)


def test_no_nap_when_the_answer_is_there(clock: Clock) -> None:
    assert Deadline(10, 1).poll(lambda: "answer") == "answer"
    assert clock.naps == []


@pytest.mark.parametrize("answer", [False, 0, "", (None,)])
def test_only_none_is_no_answer(clock: Clock, answer: object) -> None:
    assert Deadline(10, 1).poll(lambda: answer) == answer


def test_one_last_look_at_the_deadline(clock: Clock, even: None) -> None:
    looks = []
    assert Deadline(25, 10).poll(lambda: looks.append(clock.now)) is None
    assert looks == [0, 10, 20, 25]


def test_an_answer_at_the_deadline_counts(clock: Clock, even: None) -> None:
    assert Deadline(25, 10).poll(lambda: "late" if clock.now >= 25 else None) == "late"


def test_the_deadline_is_that_of_the_task_not_of_one_wait(clock: Clock, even: None) -> None:
    deadline = Deadline(25, 10)
    deadline.poll(lambda: "first" if clock.now >= 20 else None)
    deadline.poll(lambda: None)
    assert clock.now == deadline.elapsed == 25
    assert deadline.passed
    looks = []
    assert deadline.poll(lambda: looks.append(1)) is None
    assert (looks, clock.now) == ([1], 25), "past the deadline there is one look and no nap"


def test_naps_grow_with_age(clock: Clock, even: None) -> None:
    Deadline(3600, 10).poll(lambda: None)
    assert clock.naps[:10] == [10] * 10
    assert all(nap == pytest.approx(max(10, min(sum(clock.naps[:index]) / 10, 60))) for index, nap in enumerate(clock.naps[:-1]))
    assert max(clock.naps) == 60
    assert sum(clock.naps) == 3600


def test_jitter(clock: Clock) -> None:
    Deadline(1000, 10).poll(lambda: "answer" if len(clock.naps) == 8 else None)
    assert len(set(clock.naps)) == 8
    assert all(8 <= nap <= 12 for nap in clock.naps)
