from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from wslab.errors import NotLoopbackError, WslabError
from wslab.loopback import LOCAL_ORIGINS, check_hosts, check_socket, is_loopback, netloc

HERE = ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1", "0:0:0:0:0:0:0:1"]
ELSEWHERE = [
    "0.0.0.0",
    "::",
    "192.168.0.1",
    "example.org",
    "localhost.example.org",
    "127.0.0.1.example.org",
    "",
    "127.1",
]

LOCAL = [
    "http://localhost",
    "http://localhost:8888",
    "https://localhost:8888",
    "http://127.0.0.1:49152",
    "http://[::1]:8888",
]
FOREIGN = [
    "http://example.org",
    "http://localhost.example.org",
    "http://localhost:8888.example.org",
    "http://evil-localhost",
    "http://127.0.0.1:80@example.org",
    "http://127x0x0x1",
    "http://127.0.0.2",
    "http://localhost:8888/",
    "http://localhost:",
    "http://localhost\n",
    "file://",
    "null",
    "",
]


@pytest.mark.parametrize("host", HERE)
def test_a_loopback_host_passes(host: str) -> None:
    assert is_loopback(host)
    check_hosts(host)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_any_other_host_is_refused(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(NotLoopbackError, match="can be reached from other machines") as caught:
        check_hosts(host)
    assert caught.value.host == host


def test_none_stands_for_all_addresses_and_is_refused() -> None:
    with pytest.raises(NotLoopbackError):
        check_hosts(None)


def test_no_host_at_all_is_refused() -> None:
    with pytest.raises(WslabError, match="empty list"):
        check_hosts([])


def test_of_several_hosts_each_is_checked() -> None:
    check_hosts(["127.0.0.1", "::1"])
    with pytest.raises(NotLoopbackError, match=r"0\.0\.0\.0"):
        check_hosts(["127.0.0.1", "0.0.0.0"])


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        yield sock


def test_a_socket_bound_to_loopback_passes_and_tells_where_it_is(tcp: socket.socket) -> None:
    tcp.bind(("127.0.0.1", 0))
    check_socket(tcp)
    assert netloc(tcp) == ("127.0.0.1", tcp.getsockname()[1])


@pytest.mark.parametrize("bind", [True, False], ids=["all addresses", "not bound"])
def test_a_socket_that_others_can_reach_is_refused(tcp: socket.socket, bind: bool) -> None:
    if bind:
        tcp.bind(("0.0.0.0", 0))
    with pytest.raises(NotLoopbackError):
        check_socket(tcp)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_a_unix_socket_passes_and_has_no_port() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        check_socket(sock)
        assert netloc(sock) is None


def accepts(origin: str | None) -> bool:
    return any(
        each.fullmatch(origin or "") is not None if isinstance(each, re.Pattern) else each == origin
        for each in LOCAL_ORIGINS
    )


@pytest.mark.parametrize("origin", [None, *LOCAL])
def test_pages_of_this_machine_and_clients_that_are_no_browser_are_let_in(origin: str | None) -> None:
    assert accepts(origin)


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_from_elsewhere_are_kept_out(origin: str) -> None:
    assert not accepts(origin)
