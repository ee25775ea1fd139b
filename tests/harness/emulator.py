# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator in a process of its own, and what tests ask of it."""
from __future__ import annotations

import json
import os
import shlex
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

_TOP = Path(__file__).parents[2]


class Emulator:
    """A running emulator. ``environment`` holds the variables that its clients need, as a user gets them from ``env.sh``."""

    def __init__(self, state: Path) -> None:
        """Attach to the emulator that keeps its state in the folder ``state``."""
        self.state = state
        self.environment = _exports(state / "env.sh")
        self._tls = ssl.create_default_context(cafile=str(state / "ca.pem"))

    @classmethod
    def start(cls, state: Path, *arguments: str) -> Emulator:
        """Start one on a free port, with more command line arguments if need be, and wait until it answers."""
        _run("start", state, *arguments)
        return cls(state)

    def stop(self) -> None:
        """End the process; the state stays on disk."""
        _run("stop", self.state)

    @property
    def url(self) -> str:
        """Where Azure Resource Manager is."""
        return self.environment["EMULATOR_URL"]

    @property
    def clusters(self) -> list[str]:
        """Names of the connected clusters in the first subscription."""
        return self.environment["EMULATOR_CLUSTERS"].split()

    def cluster_id(self, name: str) -> str:
        """The ARM resource id of a connected cluster."""
        return (f"/subscriptions/{self.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{self.environment['EMULATOR_RESOURCE_GROUP']}"
                f"/providers/Microsoft.Kubernetes/connectedClusters/{name}")

    def reset(self) -> None:
        """Put the world, the clock and the settings back to what the world file says, and forget all requests."""
        self.control("POST", "reset")

    def forget_requests(self) -> None:
        """Start a new list of requests."""
        self.control("DELETE", "requests")

    def requests(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """The requests so far, oldest first; only those of ``method``, only those with ``path`` in their path, whatever its case."""
        return [request for request in self.control("GET", "requests")["requests"]
                if method in (None, request["method"]) and path.lower() in request["path"].lower()]

    def read_only(self, enabled: bool) -> None:
        """Refuse, and remember, all requests that would change something; or stop doing so."""
        self.control("PUT", "read_only", {"enabled": enabled})

    def refused_writes(self) -> list[dict[str, Any]]:
        """The writes that were refused since the emulator was made read-only."""
        return self.control("GET", "read_only")["refused"]

    def clock(self, offset_seconds: float) -> None:
        """Set how far the emulator's clock is ahead of the real one."""
        self.control("PUT", "clock", {"offset_seconds": offset_seconds})

    def cluster(self, name: str, **change: Any) -> dict[str, Any]:
        """Change ``connectivity``, ``tags``, ``agent``, ... of a cluster, if anything is given, and return all about it."""
        return self.control("PATCH" if change else "GET", f"clusters/{name}", change or None)

    def settings(self, **change: Any) -> dict[str, Any]:
        """Change how the service behaves (``operation_seconds``, ``deny``, ...), if anything is given, and return all settings."""
        return self.control("PATCH" if change else "GET", "settings", change or None)

    def secrets(self) -> set[str]:
        """Every secret that the emulator has made or was ever given."""
        return set(self.control("GET", "secrets")["values"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the control interface and return what it answers."""
        return self._send(method, f"_emulator/{path}", body)

    def azure(self, method: str, path: str, body: Any = None, api_version: str = "2023-05-01") -> Any:
        """Send a request to Azure Resource Manager, signed in as the clients are; None when there is no such resource.

        This is how tests prepare a state and read it back without the code that they test.
        """
        try:
            return self._send(method, f"{path.lstrip('/')}?api-version={api_version}", body, {"Authorization": f"Bearer {self.access_token()}"})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def access_token(self) -> str:
        form = {"grant_type": "client_credentials", "client_id": self.environment["AZURE_CLIENT_ID"],
                "client_secret": self.environment["AZURE_SECRET"], "scope": f"{self.url}/.default"}
        url = f"{self.url}/{self.environment['AZURE_TENANT']}/oauth2/v2.0/token"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), context=self._tls, timeout=30) as response:
            return json.loads(response.read())["access_token"]

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | (headers or {}))
        with urllib.request.urlopen(request, context=self._tls, timeout=30) as response:
            return json.loads(response.read() or b"null")


def _exports(file: Path) -> dict[str, str]:
    words = (shlex.split(line) for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("export "))
    return dict(word.split("=", 1) for _export, word in words)


def _run(action: str, state: Path, *arguments: str) -> None:
    subprocess.run([_TOP / "tests/run/emulator", action, state, *arguments], check=True, env=os.environ | {"PYTHON": sys.executable})
