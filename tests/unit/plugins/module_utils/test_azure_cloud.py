# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clouds by name, by authority, and asked from an endpoint over real TLS."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import ssl
import threading
from urllib.parse import parse_qs, urlsplit

import azure.core
import pytest
import trustme
from ansible_collections.arcfleet.apim.plugins.module_utils import _azure_cloud
from ansible_collections.arcfleet.apim.plugins.module_utils._azure_cloud import CLOUDS, choose_cloud, discover_cloud
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from azure.mgmt.core import tools

PUBLIC = CLOUDS["AzureCloud"]
STACK_AUDIENCE = "https://management.stack.onmicrosoft.com/4de154de"


@pytest.mark.parametrize(
    ("values", "environ", "expected"),
    [
        ({}, {}, PUBLIC),
        ({"cloud_environment": "AzureUSGovernment"}, {}, CLOUDS["AzureUSGovernment"]),
        ({"cloud_environment": "AzureChinaCloud"}, {}, CLOUDS["AzureChinaCloud"]),
        ({}, {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/"}, CLOUDS["AzureUSGovernment"]),
        ({}, {"AZURE_AUTHORITY_HOST": "login.chinacloudapi.cn"}, CLOUDS["AzureChinaCloud"]),
        (
            {},
            {"AZURE_AUTHORITY_HOST": "https://login.example:8443/"},
            dataclasses.replace(PUBLIC, authority="https://login.example:8443"),
        ),
        # a cloud that is named decides, whatever a webhook has put into the pod
        (
            {"cloud_environment": "AzureUSGovernment"},
            {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/"},
            CLOUDS["AzureUSGovernment"],
        ),
        (
            {"adfs_authority_url": "https://adfs.example/"},
            {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/"},
            dataclasses.replace(CLOUDS["AzureUSGovernment"], authority="https://adfs.example"),
        ),
    ],
)
def test_named_clouds(values, environ, expected):
    assert choose_cloud(values, environ, verify=True) == expected


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_known_clouds_agree_with_the_sdk(cloud):
    if not hasattr(tools, "get_arm_endpoints"):
        pytest.skip("older than azure-mgmt-core 1.6")
    name = {"AzureCloud": "PUBLIC_CLOUD", "AzureUSGovernment": "US_GOVERNMENT", "AzureChinaCloud": "CHINA_CLOUD"}
    endpoints = tools.get_arm_endpoints(azure.core.AzureClouds[f"AZURE_{name[cloud.name]}"])
    assert endpoints["resource_manager"] == cloud.resource_manager + "/"
    assert endpoints["credential_scopes"] == [cloud.scope]


@pytest.mark.parametrize(
    ("values", "environ", "words"),
    [
        ({"cloud_environment": "AzurePublicCloud"}, {}, "AzureCloud, AzureUSGovernment, AzureChinaCloud"),
        ({"cloud_environment": "http://localhost:8443"}, {}, "cloud_environment must be an https URL"),
        ({"cloud_environment": "https://[oops"}, {}, "cloud_environment must be an https URL"),
        ({"cloud_environment": "https://host:port"}, {}, "cloud_environment must be an https URL"),
        ({}, {"AZURE_AUTHORITY_HOST": "http://login.example"}, "AZURE_AUTHORITY_HOST must be an https URL"),
        ({"adfs_authority_url": "ftp://x"}, {}, "adfs_authority_url must be an https URL"),
    ],
)
def test_unusable_clouds(values, environ, words):
    with pytest.raises(ApimError, match=words):
        choose_cloud(values, environ, verify=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and the file that clients trust it by."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, str(path)


@pytest.fixture
def endpoint(authority):
    """Serve these answers, by api-version (the URL stands in for {url}); yields the URL and what was asked."""

    @contextlib.contextmanager
    def serve(answers):
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                version = parse_qs(parts.query)["api-version"][0]
                asked.append((parts.path, version))
                answer = answers.get(version, 404)
                status, body = (answer, "{}") if isinstance(answer, int) else (200, answer)
                body = (body if isinstance(body, str) else json.dumps(body)).replace("{url}", url).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *args):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority[0].issue_cert("localhost").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            url = f"https://localhost:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield url, asked
            server.shutdown()
            thread.join()

    return serve


def cloud_2022(resource_manager="{url}/", audiences=("https://graph.example/", "{url}/")):
    return {
        "name": "Stack",
        "resourceManager": resource_manager,
        "authentication": {"loginEndpoint": "https://login.example/", "audiences": list(audiences)},
    }


CLOUD_2015 = {"authentication": {"loginEndpoint": "https://login.example/", "audiences": [STACK_AUDIENCE]}}
ELSEWHERE = cloud_2022(resource_manager="https://elsewhere.example/")


@pytest.mark.parametrize(
    ("answers", "name", "audience", "versions"),
    [
        ({"2022-09-01": cloud_2022()}, "Stack", "{url}", 1),
        ({"2022-09-01": cloud_2022(audiences=[STACK_AUDIENCE + "/"])}, "Stack", STACK_AUDIENCE + "/", 1),
        ({"2022-09-01": cloud_2022(audiences=[])}, "Stack", "{url}", 1),
        ({"2019-05-01": [ELSEWHERE, cloud_2022()]}, "Stack", "{url}", 2),
        ({"2022-09-01": 400, "2019-05-01": [cloud_2022()]}, "Stack", "{url}", 2),
        ({"2022-09-01": 400, "2015-01-01": CLOUD_2015}, "{url}", STACK_AUDIENCE, 3),
        ({"2022-09-01": "<html>", "2019-05-01": "null", "2015-01-01": CLOUD_2015}, "{url}", STACK_AUDIENCE, 3),
    ],
)
def test_discovery(endpoint, authority, monkeypatch, answers, name, audience, versions):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority[1])
    with endpoint(answers) as (url, asked):
        cloud = choose_cloud({"cloud_environment": url + "/"}, {"AZURE_AUTHORITY_HOST": "https://x.example"}, True)
    assert cloud.name == name.replace("{url}", url)
    assert cloud.resource_manager == url
    assert cloud.authority == "https://login.example"
    assert cloud.audience == audience.replace("{url}", url)
    assert cloud.scope == cloud.audience + "/.default"
    assert cloud.apim_suffix is None
    expected = ["2022-09-01", "2019-05-01", "2015-01-01"][:versions]
    assert asked == [("/metadata/endpoints", version) for version in expected]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (404, "2022-09-01: HTTP 404; 2019-05-01: HTTP 404; 2015-01-01: HTTP 404"),
        ({"authentication": {}}, "no authentication.loginEndpoint"),
        (["x"], "no authentication.loginEndpoint"),
        ([], "none with this endpoint"),
        ([ELSEWHERE, ELSEWHERE], "none with this endpoint"),
        ({"authentication": {"loginEndpoint": "http://plain.example"}}, "loginEndpoint must be an https URL"),
    ],
)
def test_discovery_without_an_answer(endpoint, authority, monkeypatch, answer, words):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority[1])
    versions = ("2022-09-01", "2019-05-01", "2015-01-01")
    with endpoint(dict.fromkeys(versions, answer)) as (url, _asked):
        with pytest.raises(ApimError, match=words) as caught:
            discover_cloud(url, verify=True)
    assert "is not an Azure Resource Manager endpoint" in str(caught.value)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_untrusted_certificate(endpoint, authority, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setitem(_azure_cloud.PATIENCE, "retry_total", 0)
    with endpoint({"2022-09-01": cloud_2022()}) as (url, _asked):
        with pytest.raises(ApimError, match="Let REQUESTS_CA_BUNDLE name a PEM file"):
            discover_cloud(url, verify=True)
        assert discover_cloud(url, verify=False).name == "Stack"


def test_nobody_there(monkeypatch):
    monkeypatch.setitem(_azure_cloud.PATIENCE, "retry_total", 0)
    with pytest.raises(ApimError, match="Cannot ask https://localhost:1 for its endpoints: .*Check the address"):
        discover_cloud("https://localhost:1", verify=True)


def test_public_endpoint_by_url_keeps_the_suffix():
    metadata = {"authentication": {"loginEndpoint": "https://login.microsoftonline.com"}, "name": "AzureCloud"}
    assert _azure_cloud.cloud_from_metadata("https://management.azure.com", metadata) == PUBLIC
