# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that forked workers share: real processes, as Ansible forks them."""
from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.arcfleet.apim.plugins.plugin_utils import _shared_memory
from ansible_collections.arcfleet.apim.plugins.plugin_utils._shared_memory import SharedMemory

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere modules run as modules"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]
LATER = 4102444800.0


@pytest.fixture
def memory() -> SharedMemory:
    return SharedMemory()


def fork(work: Callable[[], Any]) -> int:
    """A process that does the work and ends with 0, or with 1 when it raised."""
    process = os.fork()
    if process:
        return process
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def together(count: int, work: Callable[[int], Any]) -> None:
    """Do the work in so many processes at the same time."""
    processes = [fork(lambda number=number: work(number)) for number in range(count)]
    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0] * count


def test_one_process_makes_it_for_all(memory: SharedMemory, tmp_path: Path) -> None:
    def make() -> tuple[Any, float]:
        (tmp_path / f"made-by-{os.getpid()}").touch()
        time.sleep(0.2)
        return ["the token", 7, None, {"a": [True]}], LATER

    together(20, lambda number: (tmp_path / f"got-{number}").write_text(json.dumps(memory.remember(["secret", "key"], make)), encoding="utf-8"))
    assert len(list(tmp_path.glob("made-by-*"))) == 1
    assert [json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("got-*")] == [["the token", 7, None, {"a": [True]}]] * 20
    assert memory.remember(["secret", "key"], lambda: pytest.fail("it is there")) == ["the token", 7, None, {"a": [True]}]


def test_keys_tell_things_apart(memory: SharedMemory) -> None:
    assert [memory.remember(key, lambda key=key: (key, LATER)) for key in (["a"], ["b"], ["a", "b"], [["a"], "b"], ["a", None])] == [
        ["a"], ["b"], ["a", "b"], [["a"], "b"], ["a", None]]
    assert memory.remember(["a"], lambda: pytest.fail("it is there")) == ["a"]


def test_keys_cannot_be_read(memory: SharedMemory) -> None:
    memory.remember(["a-client-secret"], lambda: ("value", LATER))
    assert b"a-client-secret" not in memory._memory[:]


def test_it_is_made_again_when_it_has_ended(memory: SharedMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.remember(["k"], lambda: ("old", time.time() + 60)) == "old"
    assert memory.remember(["k"], lambda: ("new", LATER)) == "old"
    monkeypatch.setattr(_shared_memory.time, "time", lambda now=time.time(): now + 61)
    assert memory.remember(["k"], lambda: ("new", LATER)) == "new"


def test_it_is_made_again_on_demand(memory: SharedMemory) -> None:
    memory.remember(["k"], lambda: ("old", LATER))
    assert memory.remember(["k"], lambda: ("new", LATER), renew=True) == "new"
    assert memory.remember(["k"], lambda: pytest.fail("it is there")) == "new"


def test_a_failure_is_not_remembered(memory: SharedMemory) -> None:
    def fail() -> tuple[Any, float]:
        raise ValueError("no")

    memory.count("before")
    with pytest.raises(ValueError, match="no"):
        memory.remember(["k"], fail)
    together(1, lambda _number: memory.remember(["k"], lambda: ("good", LATER)))  # the lock is free
    assert memory.remember(["k"], fail) == "good"
    assert memory.count("before", by=0) == 1


def test_a_killed_worker_leaves_no_lock(memory: SharedMemory) -> None:
    started, tell = os.pipe()

    def hang() -> tuple[Any, float]:
        os.write(tell, b"!")
        time.sleep(600)
        raise AssertionError

    process = fork(lambda: memory.remember(["k"], hang))
    assert os.read(started, 1) == b"!"
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    before = time.monotonic()
    assert memory.remember(["k"], lambda: ("made", LATER)) == "made"
    assert time.monotonic() - before < 5


def test_what_does_not_fit_is_not_kept(memory: SharedMemory) -> None:
    memory.remember(["small"], lambda: ("kept", LATER))
    large = "x" * (2 << 20)
    assert memory.remember(["large"], lambda: (large, LATER)) == large
    assert memory.remember(["large"], lambda: ("again", LATER)) == "again"
    assert memory.remember(["small"], lambda: pytest.fail("it is there")) == "kept"


def test_counting_together(memory: SharedMemory) -> None:
    together(8, lambda _number: [memory.count("requests") for _each in range(50)])
    assert memory.count("requests", by=0) == 400
    assert memory.count("requests", by=2) == 402
    assert memory.count("others", by=0) == 0


def test_now_and_then(memory: SharedMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """True for the first who asks when the time has come, counted from the first question on."""
    now = 1000.0
    monkeypatch.setattr(_shared_memory.time, "monotonic", lambda: now)
    asked = []
    for now in (1000, 1029, 1030, 1031, 1059, 1061, 1200, 1201):
        asked.append(memory.is_due("x", every=30))
    assert asked == [False, False, True, False, False, True, True, False]
    assert not memory.is_due("y", every=30)


def test_only_one_is_due(memory: SharedMemory, tmp_path: Path) -> None:
    memory.is_due("x", every=0.3)
    time.sleep(0.35)
    together(10, lambda number: memory.is_due("x", every=0.3) and (tmp_path / str(number)).touch())
    assert len(list(tmp_path.iterdir())) == 1


def test_others_do_not_share(memory: SharedMemory) -> None:
    memory.remember(["k"], lambda: ("mine", LATER))
    assert SharedMemory().remember(["k"], lambda: ("another's", LATER)) == "another's"
