# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""Whom to trust, read once.

requests reads all its certificates again for every new session, which takes longer than anything else in a short task. A
parent process can read them once for all that it forks: a context holds settings, no connection.
"""

from __future__ import annotations

import os
import ssl
import typing as t
from collections.abc import Mapping

try:
    import requests
    from requests.adapters import HTTPAdapter
except ImportError:
    HTTPAdapter = object  # azure-core brings requests; that it is missing is said elsewhere


def trusted(environ: Mapping[str, str]) -> ssl.SSLContext | None:
    """A context with the certificates that requests would use: C(REQUESTS_CA_BUNDLE), C(CURL_CA_BUNDLE), or its own.

    None when they cannot be read; requests then says why.
    """
    if HTTPAdapter is object:
        return None
    path = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or requests.certs.where()
    try:
        return ssl.create_default_context(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError:
        return None


class _Adapter(HTTPAdapter):
    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._tls, **options)

    def proxy_manager_for(self, proxy: t.Any, **options: t.Any) -> t.Any:
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **options)

    def build_connection_pool_key_attributes(self, request: t.Any, verify: t.Any, cert: t.Any = None) -> t.Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {name: value for name, value in pool.items() if name not in ("ca_certs", "ca_cert_dir")}

    def cert_verify(self, conn: t.Any, url: str, verify: t.Any, cert: t.Any) -> None:
        """The context knows whom to trust, and checks it."""


def session_with(tls: ssl.SSLContext) -> requests.Session:
    """A session that uses this context for https. Nothing else is ever asked."""
    session = requests.Session()
    session.mount("https://", _Adapter(tls))
    return session
