# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own certificate authority, kept so that clients go on trusting it after a restart."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, atomically."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    os.replace(temporary, path)


def authority(state: Path) -> trustme.CA:
    """The authority of this state folder: `ca.pem` (what clients trust) and `ca.key`; made on the first start."""
    certificate, key = state / "ca.pem", state / "ca.key"
    if not (certificate.exists() and key.exists()):
        ca = trustme.CA()
        write_private(key, ca.private_key_pem.bytes())
        write_private(certificate, ca.cert_pem.bytes())
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())


def server_context(ca: trustme.CA) -> ssl.SSLContext:
    """TLS for localhost and 127.0.0.1 with a fresh certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context
