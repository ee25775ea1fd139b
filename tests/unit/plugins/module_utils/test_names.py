# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.arcfleet.apim.plugins.module_utils._errors import ApimError
from ansible_collections.arcfleet.apim.plugins.module_utils._names import check_name, resource_path, url_path

GOOD = [
    ("subscription_id", "0a1B2c3d-0000-4000-8000-00000000000F"),
    ("resource_group", "rg_(1).Größe-x"),
    ("resource_group", "r" * 90),
    ("cluster_name", "store-7_b.c"),
    ("extension", "a" * 253),
    ("service_name", "c"),
    ("service_name", "Contoso-2"),
    ("gateway", "Stores.no~1"),
    ("gateway", "managed-2"),
    ("gateway", "ü" * 80),
    ("gateway", "..."),
    ("api", "orders;rev=2"),
    ("target_namespace", "a" * 63),
]
BAD = [
    ("subscription_id", "0a1b2c3d000040008000000000000000"),
    ("subscription_id", "my subscription"),
    ("resource_group", "rg."),
    ("resource_group", ".."),
    ("resource_group", "rg/x"),
    ("resource_group", "r" * 91),
    ("resource_group", ""),
    ("cluster_name", "-a"),
    ("cluster_name", "a" * 64),
    ("cluster_name", "a/../b"),
    ("extension", ".a"),
    ("extension", "a" * 254),
    ("extension", "a_b"),
    ("extension", "a\n"),
    ("service_name", "7up"),
    ("service_name", "c-"),
    ("service_name", "c" * 51),
    ("gateway", "managed"),
    ("gateway", "a b"),
    ("gateway", "a/b"),
    ("gateway", "a&b"),
    ("gateway", "g" * 81),
    # As part of a URL these would name the parent: a deletion would hit the service.
    ("gateway", "."),
    ("gateway", ".."),
    ("api", ".."),
    ("api", "a?b"),
    ("target_namespace", "Apim"),
    ("target_namespace", "a-"),
    ("target_namespace", "a" * 64),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_good(kind: str, value: str) -> None:
    assert check_name(kind, value) == value


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_bad(kind: str, value: str) -> None:
    with pytest.raises(ApimError) as caught:
        check_name(kind, value)
    assert str(caught.value).startswith(f"{kind}: {value!r} is not a valid name. It must be ")


def test_null() -> None:
    with pytest.raises(ApimError, match="^target_namespace: missing. It must be a Kubernetes namespace"):
        check_name("target_namespace", None)


def test_the_message_names_the_option() -> None:
    with pytest.raises(ApimError, match=r"^gateway_name: 'a b' "):
        check_name("gateway", "a b", "gateway_name")


def test_resource_path() -> None:
    assert resource_path("s", "g", "P", "t", "n", "u", "m") == "/subscriptions/s/resourceGroups/g/providers/P/t/n/u/m"


@pytest.mark.parametrize(("path", "url"), [("/a(1)/b.c-d_e", "/a(1)/b.c-d_e"), ("/ü", "/%C3%BC"), ("/a?b#c%2F{d}", "/a%3Fb%23c%252F%7Bd%7D")])
def test_url_path(path: str, url: str) -> None:
    assert url_path(path) == url
