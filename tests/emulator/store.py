# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator remembers: tables in memory, changed rows written through to SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Store:
    """Named tables of JSON rows, keyed by lower-cased ids.

    Rows of the world file live in memory only; a row that was written since lies in SQLite and covers the world's row
    of the same key (a deleted one is kept as null), so a restart finds everything and is fast with 10,000 clusters.
    """

    def __init__(self, path: Path | None) -> None:
        """Open (or create) the database; `None` keeps everything in memory, for tests."""
        if path is not None:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds generated keys
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS rows (name TEXT, key TEXT, value TEXT, PRIMARY KEY (name, key))")
        self._tables: dict[str, dict[str, Row]] = {}
        self._children: dict[tuple[str, str], dict[str, Row]] = {}
        self.revision = 0  # grows with every change, so that answers made from many rows can be kept

    def load(self, world: Iterator[tuple[str, str, Row]]) -> None:
        """Fill the tables: first the world's rows (table, key, row), then what SQLite knows better."""
        self._tables.clear()
        self._children.clear()
        for name, key, row in world:
            self._set(name, key.lower(), row)
        for name, key, value in self._db.execute("SELECT name, key, value FROM rows ORDER BY rowid"):
            row = json.loads(value)
            self._unset(name, key) if row is None else self._set(name, key, row)

    def get(self, name: str, key: str) -> Row | None:
        return self._tables.get(name, {}).get(key.lower())

    def all(self, name: str) -> list[Row]:
        return list(self._tables.get(name, {}).values())

    def children(self, name: str, parent: str) -> list[Row]:
        """Rows of a table whose `parent` is this id, in the order in which they were made."""
        return list(self._children.get((name, parent.lower()), {}).values())

    def put(self, name: str, key: str, row: Row) -> None:
        self._set(name, key.lower(), row)
        self._write(name, key.lower(), row)

    def delete(self, name: str, key: str) -> None:
        self._unset(name, key.lower())
        self._write(name, key.lower(), None)

    def forget(self, keep: tuple[str, ...] = ()) -> None:
        """Drop every written row except those of the tables to keep; call `load` next."""
        marks = ",".join("?" * len(keep))
        self._db.execute(f"DELETE FROM rows WHERE name NOT IN ({marks})", keep)

    def close(self) -> None:
        self._db.close()

    def _write(self, name: str, key: str, row: Row | None) -> None:
        self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (name, key, json.dumps(row)))

    def _set(self, name: str, key: str, row: Row) -> None:
        self._tables.setdefault(name, {})[key] = row
        if "parent" in row:
            self._children.setdefault((name, row["parent"]), {})[key] = row
        self.revision += 1

    def _unset(self, name: str, key: str) -> None:
        row = self._tables.get(name, {}).pop(key, None)
        if row and "parent" in row:
            self._children[(name, row["parent"])].pop(key, None)
        self.revision += 1
