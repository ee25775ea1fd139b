# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Waiting with a deadline.

The Azure SDK's pollers wait on a thread of their own, without a deadline, and only for an operation that they started.
Here an operation that somebody else started can be joined as well.
"""

from __future__ import annotations

import random
import time
import typing as t

T = t.TypeVar("T")


class Deadline:
    """A point on the monotonic clock.

    :param timeout: seconds from now.
    :param pause: the shortest time between two looks, in seconds.
    :param on_wait: called before every pause.
    """

    def __init__(self, timeout: float, pause: float, on_wait: t.Callable[[], t.Any] = lambda: None) -> None:
        self._on_wait = on_wait
        self._started = time.monotonic()
        self.timeout = timeout
        self._pause = pause

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def passed(self) -> bool:
        return self.elapsed >= self.timeout

    def poll(self, look: t.Callable[[], T | None]) -> T | None:
        """Look until there is an answer. None when the deadline passes first.

        The older an operation is, the rarer the looks: a tenth of its age, at most a minute, at least I(pause),
        give or take a fifth so that the members of a fleet do not ask in the same second.
        """
        started = time.monotonic()
        while True:
            answer = look()
            if answer is not None or self.passed:
                return answer
            self._on_wait()
            age = time.monotonic() - started
            pause = max(self._pause, min(age / 10, 60)) * random.uniform(0.8, 1.2)
            time.sleep(max(0.0, min(pause, self.timeout - self.elapsed)))
