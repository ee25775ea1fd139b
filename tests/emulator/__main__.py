# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the emulator in the foreground."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import socket
import ssl
import sys
from pathlib import Path

import uvicorn

from . import tls, world
from .app import Emulator, application


class Server(uvicorn.Server):
    """Says one line when it is ready to answer."""

    ready = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self.ready, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # type: ignore[union-attr]  # else idle clients hold the end up for a second
        await super().shutdown(sockets)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="Azure on localhost.")
    parser.add_argument("--port", type=int, default=8443, help="0 picks a free one")
    parser.add_argument(
        "--state", type=Path, default=Path(".emulator"), help="folder for certificates, database and env.sh"
    )
    parser.add_argument("--world", type=Path, default=world.DEFAULT, help="YAML file that says what exists")
    parser.add_argument("--clusters", type=int, default=0, metavar="N", help="generate N more clusters")
    return parser.parse_args()


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off only then; 40 ms per answer hang on it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _write_environment(path: Path, variables: dict[str, str]) -> None:
    lines = ["# Written by the emulator at every start; it holds a secret."]
    for name, value in variables.items():
        lines.append(f"export {name}='" + value.replace("'", "'\"'\"'") + "'")
    tls.write_private(path, ("\n".join(lines) + "\n").encode())


def main() -> int:
    arguments = _arguments()
    try:
        described = world.load(arguments.world, arguments.clusters)
        listener = _listen(arguments.port)
    except world.WorldError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"emulator: cannot listen on port {arguments.port}: {error.strerror}", file=sys.stderr)
        return 2
    state = arguments.state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca = tls.authority(state)
    url = f"https://localhost:{listener.getsockname()[1]}"
    emu = Emulator(described, state / "emulator.db", url, ssl.PEM_cert_to_DER_cert((state / "ca.pem").read_text()))
    _write_environment(state / "env.sh", emu.environment(state / "ca.pem"))

    config = uvicorn.Config(
        application(emu), log_level="warning", access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=75
    )
    config.load()
    config.ssl = tls.server_context(ca)
    server = Server(config)
    server.ready = f"emulator ready at {url}, environment in {shlex.quote(str(state / 'env.sh'))}"
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    emu.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
