"""Own what is wrong with the request of an opening handshake (RFC 6455, 4.2.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension, parse_subprotocol

from .heads import RequestHead

__all__ = ["Problem", "request_problems"]


class Problem(NamedTuple):
    """What is wrong with a head.

    Attributes:
        header: The header concerned, or "request line" or "status line".
        found: What stands there.
        expected: What has to stand there.
        section: The section of RFC 6455 that demands it, or another RFC and its section.
        status: The status that a server should answer, or None if it is the client that has to give up.
    """

    header: str
    found: str
    expected: str
    section: str
    status: int | None = None


def request_problems(request: RequestHead) -> list[Problem]:
    """List what keeps a request from opening a WebSocket (RFC 6455, 4.2.1).

    Args:
        request: The head that a client sent.

    Returns:
        The problems in the order of the RFC's list.
    """
    headers = request.headers
    return [
        *_request_line(request),
        *_host(headers),
        *token_problems(headers, "Upgrade", "websocket", "4.2.1", 426),
        *token_problems(headers, "Connection", "Upgrade", "4.2.1", 426),
        *_key(headers),
        *_version(headers),
        *_offers(headers),
    ]


def _request_line(request: RequestHead) -> Iterator[Problem]:
    if request.method != "GET":
        yield Problem("request line", f"the method {request.method}", "GET", "4.2.1", 405)
    if request.version < "HTTP/1.1":
        yield Problem("request line", request.version, "HTTP/1.1 or higher", "4.2.1", 505)
    target = request.target
    if not target.isascii():
        yield Problem("request line", "a target outside ASCII", "%-encoded characters", "RFC 3986, 2.1", 400)
    if not target.lower().startswith(("/", "http://", "https://")):
        yield Problem("request line", "a target that is no path", "a path such as /chat", "4.2.1", 400)
    if "#" in target:
        yield Problem("request line", "a fragment (#) in the target", "none", "3", 400)


def _host(headers: Headers) -> Iterator[Problem]:
    if (number := len(headers.get_all("Host"))) != 1:
        section = "4.2.1" if number == 0 else "RFC 9112, 3.2"
        yield Problem("Host", number_words(number), "the server's host and port, once", section, 400)
    if (number := len(headers.get_all("Origin"))) > 1:
        yield Problem("Origin", number_words(number), "one, or none", "RFC 6454, 7.3", 400)


def token_problems(
    headers: Headers, name: str, wanted: str, section: str, status: int | None = None, *, alone: bool = False
) -> Iterator[Problem]:
    values = [value.strip() for line in headers.get_all(name) for value in line.split(",")]
    present = wanted.lower() in (value.lower() for value in values)
    if not present or (alone and len(values) > 1):
        yield Problem(name, ", ".join(values) or "nothing", wanted, section, status)


def _key(headers: Headers) -> Iterator[Problem]:
    keys = headers.get_all("Sec-WebSocket-Key")
    expected = "16 random bytes in base64, once"
    if len(keys) != 1:
        section = "11.3.1" if keys else "4.2.1"
        yield Problem("Sec-WebSocket-Key", number_words(len(keys)), expected, section, 400)
        return
    try:
        size_bytes = len(base64.b64decode(keys[0], validate=True))
    except (binascii.Error, ValueError):
        yield Problem("Sec-WebSocket-Key", "something that is not base64", expected, "4.2.1", 400)
        return
    if size_bytes != 16:
        yield Problem("Sec-WebSocket-Key", f"{size_bytes} bytes in base64", expected, "4.2.1", 400)


def _version(headers: Headers) -> Iterator[Problem]:
    versions = headers.get_all("Sec-WebSocket-Version")
    if len(versions) != 1:
        section = "11.3.5" if versions else "4.2.1"
        yield Problem("Sec-WebSocket-Version", number_words(len(versions)), "13, once", section, 400)
    elif versions[0] != "13":
        # The server also names the versions that it knows: Sec-WebSocket-Version: 13.
        yield Problem("Sec-WebSocket-Version", versions[0] or "nothing", "13", "4.2.2", 426)


def _offers(headers: Headers) -> Iterator[Problem]:
    subprotocols = offered_subprotocols(headers)
    if subprotocols is None:
        yield Problem("Sec-WebSocket-Protocol", "no list of tokens", "such as chat.v2, chat.v1", "4.1", 400)
    elif len(set(subprotocols)) < len(subprotocols):
        yield Problem("Sec-WebSocket-Protocol", "a name twice", "each name once", "4.1", 400)
    if extension_names(headers) is None:
        yield Problem("Sec-WebSocket-Extensions", "no list of extensions", "such as permessage-deflate", "9.1", 400)


def offered_subprotocols(headers: Headers) -> list[str] | None:
    """List the subprotocols of all headers, or None if one is malformed."""
    try:
        return [name for line in headers.get_all("Sec-WebSocket-Protocol") for name in parse_subprotocol(line)]
    except InvalidHeaderFormat:
        return None


def extension_names(headers: Headers) -> list[str] | None:
    """List the names of the extensions of all headers, or None if one is malformed (RFC 6455, 9.1)."""
    try:
        return [name for line in headers.get_all("Sec-WebSocket-Extensions") for name, _ in parse_extension(line)]
    except InvalidHeaderFormat:
        return None


def number_words(number: int) -> str:
    return f"{number} of them" if number else "nothing"
