"""Bad endpoints and options: an error that names them, and nothing made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import sprint


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "localhost",
        "localhost:",
        ":443",
        "localhost:0",
        "localhost:65536",
        "localhost:https",
        "::1:443",
        "[::1:443",
        "https://localhost:443",
        "user@localhost:443",
        "localhost:443,",
        "localhost:443,localhost:443",
        "a b:443",
        "h" * 300 + ":443",
    ],
)
def test_a_malformed_endpoint_is_named(endpoint: str) -> None:
    with pytest.raises(sprint.ArgumentError, match="endpoint"):
        sprint.Pool(endpoint)


@pytest.mark.parametrize("endpoint", ["localhost:443", "127.0.0.1:1", "[::1]:443", "a:1, b:2"])
def test_a_well_formed_endpoint_is_taken_without_looking(endpoint: str) -> None:
    sprint.Pool(endpoint).free()


def test_endpoints_may_be_a_list() -> None:
    with sprint.Pool(["localhost:1", "[::1]:2"]) as pool:
        assert pool.status().endpoint == "localhost:1,[::1]:2"


HUGE = (1 << 63) - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namespace", ""),
        ("namespace", "1x"),
        ("namespace", "a b"),
        ("max_connections", 0),
        ("max_connections", -1),
        ("max_connections", 65537),
        ("max_connections", HUGE),
        ("min_idle", -2),
        ("min_idle", 101),
        ("min_idle", HUGE),
        ("max_waiters", 0),
        ("max_waiters", (1 << 20) + 1),
        ("max_dials", 0),
        ("max_dials", 1025),
        ("connect_timeout", 0),
        ("connect_timeout", -1),
        ("connect_timeout", math.inf),
        ("acquire_timeout", 0),
        ("acquire_timeout", 1e30),
        ("histogram_rotation_interval", 0),
        ("histogram_rotation_interval", -math.inf),
        ("metrics_host", ""),
        ("metrics_host", "example.com"),
        ("metrics_host", "0.0.0.0"),
        ("metrics_port", -1),
        ("metrics_port", 65536),
        ("server_name", "n" * 300),
        ("ca_file", "/nowhere/ca.pem"),
        ("ca_pem", b""),
        ("ca_pem", b"x" * ((4 << 20) + 1)),
        ("min_tls_version", 0),
        ("min_tls_version", 11),
        ("min_tls_version", 14),
        ("busy_poll_us", -1),
        ("busy_poll_us", HUGE),
    ],
)
def test_a_bad_value_is_an_argument_error_that_names_the_option(name: str, value: Any) -> None:
    options: Any = {name: value}
    with pytest.raises(sprint.ArgumentError, match=name.removesuffix("_us")):
        sprint.Pool("localhost:1", **options)


def test_min_idle_above_max_connections_names_both() -> None:
    with pytest.raises(sprint.ArgumentError, match="min_idle: 3 is above max_connections 2"):
        sprint.Pool("localhost:1", min_idle=3, max_connections=2)


def test_all_wrong_options_are_named_together() -> None:
    with pytest.raises(sprint.ArgumentError) as caught:
        sprint.Pool("localhost:1", max_connections=0, max_dials=0, min_tls_version=1)
    for name in ("max_connections", "max_dials", "min_tls_version"):
        assert name in str(caught.value)


def test_two_sources_of_roots_are_an_argument_error(tmp_path: Path) -> None:
    with pytest.raises(sprint.ArgumentError, match="ca_file and ca_pem"):
        sprint.Pool("localhost:1", ca_file=tmp_path / "ca.pem", ca_pem="x")


def test_roots_without_a_certificate_are_a_certificate_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here\n")
    with pytest.raises(sprint.CertificateError, match=r"ca_file .*empty\.pem"):
        sprint.Pool("localhost:1", ca_file=empty)
    with pytest.raises(sprint.CertificateError, match="ca_pem"):
        sprint.Pool("localhost:1", ca_pem=b"nothing here")


def test_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no option 'max_conections'"):
        sprint.Pool("localhost:1", max_conections=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_connections", 1 << 63),
        ("max_connections", (1 << 64) + 1),
        ("namespace", "a\0b"),
        ("connect_timeout", math.nan),
    ],
)
def test_what_c_could_not_carry_is_a_value_error_that_names_the_option(
    name: str, value: Any
) -> None:
    options: Any = {name: value}
    with pytest.raises(ValueError, match=name):
        sprint.Pool("localhost:1", **options)


def test_a_nul_in_the_endpoint_does_not_cut_it_off() -> None:
    with pytest.raises(ValueError, match="endpoints"):
        sprint.Pool("localhost:1\0.example:2")


def test_the_metrics_token_may_be_a_secure_buffer_that_is_freed_afterwards() -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"a-test-token")) as token:
        pool = sprint.Pool("localhost:1", metrics_host="0.0.0.0", metrics_auth_token=token)
    assert pool.stats().max_connections == 100
    pool.free()


def test_a_refused_configuration_leaves_nothing_behind() -> None:
    before = sprint.memory_stats().buffers
    for _ in range(100):
        token = sprint.SecureBuffer.from_bytearray(bytearray(b"a-test-token"))
        with pytest.raises(sprint.ArgumentError):
            sprint.Pool("localhost:1", metrics_auth_token=token, max_dials=0)
        token.close()
    assert sprint.memory_stats().buffers == before
