# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra ID: OpenID configuration, the token endpoint for client credentials, and the check of bearer tokens."""

from __future__ import annotations

import base64 as b64
import hashlib
import hmac
import json
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .arm import ArmError, Reply

if TYPE_CHECKING:
    from .app import Emulator
    from .world import Client

_PUBLIC_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def base64(data: bytes) -> str:
    return b64.b64encode(data).decode()


def url64(data: bytes) -> str:
    return b64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unurl64(text: str) -> bytes:
    return b64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Entra:
    """Issues access tokens and recognises its own."""

    def __init__(self, emu: Emulator) -> None:
        self._emu = emu
        self._key = emu.secrets.make("internal", "signing").encode()
        self._audiences = {emu.url, *_PUBLIC_AUDIENCES}
        self._known: dict[str, tuple[dict[str, Any], Client]] = {}

    def issue(self, client: Client, audience: str) -> str:
        now, world = int(self._emu.clock.now()), self._emu.world
        claims = {
            "aud": audience,
            "iss": f"{self._emu.url}/{world.tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + self._emu.settings.access_token_seconds,
            "appid": client.id,
            "appidacr": "1",
            "idp": f"{self._emu.url}/{world.tenant}/",
            "idtyp": "app",
            "oid": client.object_id,
            "sub": client.object_id,
            "tid": world.tenant,
            "uti": url64(uuid.uuid4().bytes),
            "ver": "1.0",
            "xms_cc": ["CP1"],
        }
        head = url64(json.dumps({"typ": "JWT", "alg": "HS256", "kid": "emulator"}).encode())
        signed = f"{head}.{url64(json.dumps(claims).encode())}"
        token = f"{signed}.{self._sign(signed)}"
        self._emu.secrets.saw("access_token", token)
        return token

    def authenticate(self, header: str | None) -> Client:
        """The client that an Authorization header stands for; raises ARM's 401 answers."""
        if not header:
            raise self._refuse(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                "invalid_token",
                "The authentication failed because of missing 'Authorization' header.",
            )
        scheme, _space, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._refuse(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.",
                "invalid_token",
                "The authentication failed because the 'Authorization' header is malformed.",
            )
        claims, client = self._known.get(token) or self._read(token)
        if claims["exp"] <= self._emu.clock.now():
            raise self._refuse(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{self._emu.clock.moment(claims['exp']):%m/%d/%Y %I:%M:%S %p}' is "
                f"earlier than current UTC time '{self._emu.clock.moment():%m/%d/%Y %I:%M:%S %p}'.",
                "invalid_token",
                "The access token has expired.",
            )
        return client

    def _read(self, token: str) -> tuple[dict[str, Any], Client]:
        try:
            signed, _dot, signature = token.rpartition(".")
            claims = json.loads(unurl64(signed.split(".")[1]))
            genuine = hmac.compare_digest(signature, self._sign(signed))
        except (ValueError, IndexError):
            genuine, claims = False, {}
        client = self._emu_client(claims.get("appid", "")) if genuine else None
        if client is None:
            raise self._refuse(
                "InvalidAuthenticationToken",
                "The access token is invalid.",
                "invalid_token",
                "Could not parse JWT token",
            )
        if claims["aud"].rstrip("/") not in self._audiences:
            raise self._refuse(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'.",
                "invalid_token",
                "The audience is invalid",
            )
        self._known[token] = claims, client
        return claims, client

    def _emu_client(self, wanted: str) -> Client | None:
        return next((client for client in self._emu.world.clients if client.id == wanted), None)

    def _sign(self, text: str) -> str:
        return url64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())

    def _refuse(self, code: str, message: str, error: str, description: str) -> ArmError:
        # ASSUMPTION: the challenge names the emulator as the authority where Azure names login.windows.net: a client
        # that follows it must not leave the machine.
        authority = f"{self._emu.url}/{self._emu.world.tenant}"
        challenge = f'Bearer authorization_uri="{authority}", error="{error}", error_description="{description}"'
        return ArmError(401, code, message, gateway=True, headers={"www-authenticate": challenge})


def configuration(
    emu: Emulator, _method: str, path: str, _query: dict[str, str], _headers: Mapping[str, str], _raw: bytes
) -> Reply:
    """The OpenID configuration of a tenant (also under `common` and `organizations`)."""
    tenant = path.split("/")[1]
    if tenant.lower() not in (emu.world.tenant.lower(), "common", "organizations"):
        return _error(emu, 400, "invalid_tenant", 90002, _no_tenant(tenant))
    base = f"{emu.url}/{tenant}"
    return Reply(
        200,
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{emu.url}/{emu.world.tenant}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "tenant_region_scope": "EU",
            "cloud_instance_name": emu.url.split("//")[1],
            "msgraph_host": "graph.emulator.invalid",
        },
    )


def discovery(
    emu: Emulator, _method: str, _path: str, _query: dict[str, str], _headers: Mapping[str, str], _raw: bytes
) -> Reply:
    """Instance discovery, for clients that check whether an authority is known."""
    host = emu.url.split("//")[1]
    return Reply(
        200,
        {
            "tenant_discovery_endpoint": f"{emu.url}/{emu.world.tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
    )


def token(
    emu: Emulator, _method: str, path: str, _query: dict[str, str], _headers: Mapping[str, str], raw: bytes
) -> Reply:
    """The token endpoint: client credentials by secret, certificate or federated token."""
    tenant = path.split("/")[1]
    form = dict(urllib.parse.parse_qsl(raw.decode("utf-8", "replace")))
    if tenant.lower() != emu.world.tenant.lower():
        return _error(emu, 400, "invalid_request", 90002, _no_tenant(tenant))
    if form.get("grant_type") != "client_credentials":
        return _error(
            emu,
            400,
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{form.get('grant_type', '')}'. Please contact the app "
            "vendor.",
        )
    wanted = form.get("client_id", "")
    client = next((one for one in emu.world.clients if one.id.lower() == wanted.lower()), None)
    if client is None:
        return _error(
            emu,
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{wanted}' was not found in the directory '{tenant}'. This can happen if "
            "the application has not been installed by the administrator of the tenant or consented to by any user "
            "in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    if refusal := _check_credential(emu, client, form):
        return refusal
    scope = form.get("scope", "")
    if not scope.endswith("/.default"):
        return _error(
            emu,
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI).",
        )
    life = emu.settings.access_token_seconds
    return Reply(
        200,
        {
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": emu.entra.issue(client, scope.removesuffix("/.default")),
        },
        {"cache-control": "no-store, no-cache"},
    )


def _check_credential(emu: Emulator, client: Client, form: dict[str, str]) -> Reply | None:
    if "client_secret" in form:
        secret = emu.secrets.make("client_secret", client.id, client.secret)
        if hmac.compare_digest(form["client_secret"].encode(), secret.encode()):
            return None
        return _error(
            emu,
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client.id}'.",
        )
    if form.get("client_assertion_type") == _ASSERTION and "client_assertion" in form:
        return _check_assertion(emu, client, form["client_assertion"])
    return _error(
        emu,
        401,
        "invalid_client",
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )


def _check_assertion(emu: Emulator, client: Client, assertion: str) -> Reply | None:
    emu.secrets.saw("client_assertion", assertion)
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(unurl64(head)), json.loads(unurl64(body))
    except ValueError:
        return _error(emu, 401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    if claims.get("exp", 0) <= emu.clock.now():
        return _error(emu, 401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        # ASSUMPTION: a federated token is accepted for its subject alone; its issuer's signature cannot be checked
        # offline.
        if claims.get("sub") in client.federated_subjects:
            return None
        return _error(
            emu,
            401,
            "invalid_client",
            700213,
            f"No matching federated identity record found for presented assertion subject '{claims.get('sub')}'. "
            "Please check your federated identity credential Subject, Audience and Issuer against the presented "
            "assertion.",
        )
    if client.certificate and not _signed_by(
        client.certificate, header.get("alg"), f"{head}.{body}".encode(), signature
    ):
        return _error(
            emu,
            401,
            "invalid_client",
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application.",
        )
    return None


def _signed_by(pem: str, algorithm: str, signed: bytes, signature: str) -> bool:
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    pad = (
        padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        if algorithm == "PS256"
        else padding.PKCS1v15()
    )
    try:
        key.verify(unurl64(signature), signed, pad, hashes.SHA256())  # type: ignore[union-attr, call-arg, arg-type]
    except (InvalidSignature, ValueError):
        return False
    return True


def _no_tenant(tenant: str) -> str:
    return (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant."
    )


def _error(emu: Emulator, status: int, error: str, number: int, text: str) -> Reply:
    trace, correlation, stamp = str(uuid.uuid4()), str(uuid.uuid4()), f"{emu.clock.moment():%Y-%m-%d %H:%M:%SZ}"
    return Reply(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: "
            f"{stamp}",
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{emu.url}/error?code={number}",
        },
    )
