# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Memory that Ansible's workers share with each other, and with nobody else.

It is made in the parent and inherited by every worker that is forked later. It lies in memory only, belongs to this run and
goes with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import mmap
import os
import time
import typing as t
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

_SIZE = 1 << 20
_LENGTH = 8  # bytes before the content that say how long it is


class SharedMemory:
    """A small table from keys to plain data with an end date. Keys are kept as digests only."""

    def __init__(self) -> None:
        # An unlinked file in memory rather than plain shared pages: a lock on it belongs to a process, so that it is free
        # again when a worker dies.
        self._file = os.memfd_create("arcfleet.apim")
        os.ftruncate(self._file, _SIZE)
        self._memory = mmap.mmap(self._file, _SIZE)

    def remember(self, key: Sequence[t.Any], make: Callable[[], tuple[t.Any, float]], renew: bool = False) -> t.Any:
        """See module_utils/_remember.Remember."""
        name = hashlib.sha256(json.dumps(key, default=str).encode()).hexdigest()
        with self._locked() as table:
            found = table.get(name)
            if found and found[1] > time.time() and not renew:
                return found[0]
            value, until = make()
            table[name] = [value, until]
        return value

    def count(self, name: str, by: int = 1) -> int:
        """Add to a counter and return it."""
        with self._locked() as table:
            table[name] = table.get(name, 0) + by
            return table[name]

    def is_due(self, name: str, every: float) -> bool:
        """Whether it is this process's turn: true for one caller in I(every) seconds, the first time after that long."""
        now = time.monotonic()
        with self._locked() as table:
            due = now - table.setdefault(name, now) >= every
            if due:
                table[name] = now
        return due

    @contextmanager
    def _locked(self) -> Iterator[dict[str, t.Any]]:
        """The table, alone; what was changed in it is kept, unless there is an exception or no room."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            length = int.from_bytes(self._memory[:_LENGTH], "big")
            table = json.loads(self._memory[_LENGTH:_LENGTH + length] or "{}")
            yield table
            content = json.dumps(table).encode()
            if len(content) <= _SIZE - _LENGTH:
                self._memory[:_LENGTH + len(content)] = len(content).to_bytes(_LENGTH, "big") + content
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
