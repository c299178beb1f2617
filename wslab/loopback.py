"""Own what counts as this machine only: loopback addresses, and the browser origins that are served from here."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence

from websockets.typing import Origin

from .errors import NotLoopbackError, WslabError

__all__ = ["LOCAL_ORIGINS", "Origins", "check_hosts", "check_socket", "is_loopback", "netloc"]

Origins = Sequence[Origin | re.Pattern[str] | None]

# CORS does not apply to WebSockets: a page on any site could reach a server on localhost (RFC 6455, 10.2).
# None stands for a client that is no browser and sends no Origin.
LOCAL_ORIGINS: Origins = (None, re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"))


def is_loopback(host: str) -> bool:
    """Whether host can be reached from this machine only. Names other than localhost are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_hosts(host: str | Sequence[str] | None) -> None:
    """Raise NotLoopbackError unless every host is a loopback one; None and "" mean all addresses of this machine."""
    hosts = [host or ""] if host is None or isinstance(host, str) else list(host)
    if not hosts:
        raise WslabError("host is an empty list", "at least one loopback address", "leave out host= to get 127.0.0.1")
    for each in hosts:
        if not is_loopback(each):
            raise NotLoopbackError(each)


def check_socket(sock: socket.socket) -> None:
    """Raise NotLoopbackError unless sock is bound to a loopback address or is a Unix socket."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        check_hosts(sock.getsockname()[0])


def netloc(sock: socket.socket) -> tuple[str, int] | None:
    """Give host (an IPv6 one in brackets, as in a URL) and port of a TCP socket, None for a Unix socket."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    host, port = sock.getsockname()[:2]
    return (f"[{host}]" if sock.family == socket.AF_INET6 else host), port
