"""Own the target: where a tap leads to, read from a URL or from a running server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from .errors import UrlError
from .loopback import is_loopback

_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}
_PLAIN = {"ws": "ws", "http": "http", "wss": "ws", "https": "http"}
_EXPECTED = "ws://, wss://, http:// or https://, then host:port/path"


class HasUrl(Protocol):
    """Anything that knows its own URL, as the servers and taps of wslab do."""

    @property
    def url(self) -> str:
        """Where to connect."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tap leads to.

    Attributes:
        scheme: "ws", "wss", "http" or "https".
        host: The host, without the brackets of an IPv6 address.
        port: The port, the scheme's own if the URL names none.
        suffix: Path and query as they stand in the URL.
        userinfo: The user and password that stand before the host, with their "@", or "".
    """

    scheme: str
    host: str
    port: int
    suffix: str
    userinfo: str

    @property
    def secure(self) -> bool:
        """Whether TLS protects the way there."""
        return self.scheme in ("wss", "https")

    @property
    def shown(self) -> str:
        """The target without what is secret (user, query) or differs from run to run (a port of this machine)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        path = self.suffix.partition("?")[0]
        return f"{self.scheme}://{host}{':…' if is_loopback(self.host) else port}{path}"

    def through(self, host: str, port: int) -> str:
        """Give the URL that leads to the same place by way of a relay without TLS."""
        return f"{_PLAIN[self.scheme]}://{self.userinfo}{host}:{port}{self.suffix}"


def parse_target(given: str | HasUrl) -> Target:
    """Read a URL, or the URL of a server.

    Raises:
        UrlError: It is no URL, or one that a tap cannot lead to.
    """
    url = given if isinstance(given, str) else getattr(given, "url", None)
    if not isinstance(url, str):
        raise UrlError(given, "is neither a URL nor a server with a url", _EXPECTED)
    try:
        parts = urlsplit(url)
        host, port = _host(parts), _port(parts)
    except ValueError as error:
        raise UrlError(url, f"cannot be read: {error}", _EXPECTED) from None
    if parts.scheme not in _PORTS:
        raise UrlError(url, f"has the scheme {parts.scheme!r}" if parts.scheme else "has no scheme", _EXPECTED)
    if not host:
        raise UrlError(url, "names no host", _EXPECTED)
    if port == 0:
        raise UrlError(url, "names port 0, where nobody can listen", _EXPECTED)
    if any(character.isspace() for character in url):
        raise UrlError(url, "has a space in it, which would have to be %20", _EXPECTED)
    if "#" in url:
        raise UrlError(url, "has a fragment identifier, which a WebSocket URL may not (RFC 6455, 3)", _EXPECTED)
    userinfo = parts.netloc.rpartition("@")[0]
    suffix = parts.path + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], suffix or "/", userinfo and f"{userinfo}@")


def websocket_target(given: str | HasUrl) -> Target:
    """Read the URL of a WebSocket server, or of a running server or tap.

    Raises:
        UrlError: It is no URL, or not one of a WebSocket server.
    """
    target = parse_target(given)
    if target.scheme not in ("ws", "wss"):
        raise UrlError(given, f"has the scheme {target.scheme!r}")
    return target


def _host(parts: SplitResult) -> str:
    """Give the host; the domain name system refuses empty and overlong labels and so does this."""
    host = parts.hostname or ""
    if any(character.isspace() for character in host):
        raise ValueError("the host has a space in it")
    host.encode("idna")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:  # its text quotes what stands there: half of a password, if that has a slash in it
        raise ValueError("the port is not a number from 1 to 65535") from None
