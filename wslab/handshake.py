"""Own the opening handshake: the accept key, and what is wrong with a request or a response (RFC 6455, 4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension, parse_subprotocol

from .errors import HandshakeError
from .heads import RequestHead, ResponseHead, parse_request, parse_response
from .redaction import shown_headers, shown_target

__all__ = [
    "Problem",
    "RequestHead",
    "ResponseHead",
    "accept_key",
    "parse_request",
    "parse_response",
    "request_problems",
    "response_problems",
    "shown_headers",
    "shown_target",
]

# The GUID of RFC 6455, 1.3: who answers with it in the hash has read the RFC.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    """Compute Sec-WebSocket-Accept from Sec-WebSocket-Key (RFC 6455, 4.2.2).

    Args:
        key: The value of the request's header, as it stands there.

    Example:
        >>> accept_key("dGhlIHNhbXBsZSBub25jZQ==")
        's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    if not isinstance(key, str):
        raise HandshakeError(f"the key is a {type(key).__name__}", "the value of Sec-WebSocket-Key, a str")
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


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
        *_token_problems(headers, "Upgrade", "websocket", "4.2.1", 426),
        *_token_problems(headers, "Connection", "Upgrade", "4.2.1", 426),
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
        yield Problem("request line", "a target that is not a path", "a path such as /chat", "4.2.1", 400)
    if "#" in target:
        yield Problem("request line", "a fragment (#) in the target", "none", "3", 400)


def _host(headers: Headers) -> Iterator[Problem]:
    if (number := len(headers.get_all("Host"))) != 1:
        section = "4.2.1" if number == 0 else "RFC 9112, 3.2"
        yield Problem("Host", _number_words(number), "the server's host and port, once", section, 400)
    if (number := len(headers.get_all("Origin"))) > 1:
        yield Problem("Origin", _number_words(number), "one, or none", "RFC 6454, 7.3", 400)


def _key(headers: Headers) -> Iterator[Problem]:
    keys = headers.get_all("Sec-WebSocket-Key")
    expected = "16 random bytes in base64, once"
    if len(keys) != 1:
        section = "11.3.1" if keys else "4.2.1"
        yield Problem("Sec-WebSocket-Key", _number_words(len(keys)), expected, section, 400)
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
        yield Problem("Sec-WebSocket-Version", _number_words(len(versions)), "13, once", section, 400)
    elif versions[0] != "13":
        # The server also names the versions that it knows: Sec-WebSocket-Version: 13.
        yield Problem("Sec-WebSocket-Version", versions[0] or "nothing", "13", "4.2.2", 426)


def _offers(headers: Headers) -> Iterator[Problem]:
    subprotocols = _offered_subprotocols(headers)
    if subprotocols is None:
        yield Problem("Sec-WebSocket-Protocol", "no list of tokens", "such as chat.v2, chat.v1", "4.1", 400)
    elif len(set(subprotocols)) < len(subprotocols):
        yield Problem("Sec-WebSocket-Protocol", "a name twice", "each name once", "4.1", 400)
    if _extension_names(headers) is None:
        yield Problem("Sec-WebSocket-Extensions", "no list of extensions", "such as permessage-deflate", "9.1", 400)


def response_problems(response: ResponseHead, request: RequestHead | None = None) -> list[Problem]:
    """List why a client has to give up after a response (RFC 6455, 4.1).

    Args:
        response: The head that the server sent.
        request: The head that it answers; None leaves open whether the response fits it.
    """
    if response.status != 101:
        found = f"{response.status} {response.reason}".rstrip()
        return [Problem("status line", found, "101 Switching Protocols", "4.1")]
    headers = response.headers
    return [
        *_token_problems(headers, "Upgrade", "websocket", "4.1", alone=True),
        *_token_problems(headers, "Connection", "Upgrade", "4.1"),
        *_once(headers),
        *(_misfits(headers, request.headers) if request else ()),
    ]


def _once(headers: Headers) -> Iterator[Problem]:
    if (number := len(headers.get_all("Sec-WebSocket-Accept"))) != 1:
        section = "11.3.3" if number else "4.1"
        yield Problem("Sec-WebSocket-Accept", _number_words(number), "one, computed from the request's key", section)
    if (number := len(headers.get_all("Sec-WebSocket-Protocol"))) > 1:
        yield Problem("Sec-WebSocket-Protocol", _number_words(number), "one, or none", "11.3.4")
    if _extension_names(headers) is None:
        yield Problem("Sec-WebSocket-Extensions", "no list of extensions", "such as permessage-deflate", "9.1")


def _misfits(headers: Headers, request: Headers) -> Iterator[Problem]:
    """List what a response says that its request gave no reason for."""
    accepts, keys = headers.get_all("Sec-WebSocket-Accept"), request.get_all("Sec-WebSocket-Key")
    if len(accepts) == 1 and accepts != [accept_key(key) for key in keys]:
        computed = [f"{accept_key(key)}, computed from the key {key}" for key in keys]
        expected = computed[0] if len(keys) == 1 else "a request with one key"
        yield Problem("Sec-WebSocket-Accept", accepts[0] or "nothing", expected, "4.1")
    chosen = headers.get_all("Sec-WebSocket-Protocol")
    offered = _offered_subprotocols(request) or []
    if len(chosen) == 1 and chosen[0] not in offered:
        yield Problem("Sec-WebSocket-Protocol", chosen[0] or "nothing", _only(offered), "4.1")
    offered = _extension_names(request) or []
    for name in _extension_names(headers) or []:
        if name not in offered:
            yield Problem("Sec-WebSocket-Extensions", name, _only(offered), "4.1")


def _only(offered: list[str]) -> str:
    return f"only what the client offered: {', '.join(offered) or 'nothing'}"


def _token_problems(
    headers: Headers, name: str, wanted: str, section: str, status: int | None = None, *, alone: bool = False
) -> Iterator[Problem]:
    values = [value.strip() for line in headers.get_all(name) for value in line.split(",")]
    present = wanted.lower() in (value.lower() for value in values)
    if not present or (alone and len(values) > 1):
        yield Problem(name, ", ".join(values) or "nothing", wanted, section, status)


def _offered_subprotocols(headers: Headers) -> list[str] | None:
    """List the subprotocols of all headers, or None if one is malformed."""
    try:
        return [name for line in headers.get_all("Sec-WebSocket-Protocol") for name in parse_subprotocol(line)]
    except InvalidHeaderFormat:
        return None


def _extension_names(headers: Headers) -> list[str] | None:
    """List the names of the extensions of all headers, or None if one is malformed (RFC 6455, 9.1)."""
    try:
        return [name for line in headers.get_all("Sec-WebSocket-Extensions") for name, _ in parse_extension(line)]
    except InvalidHeaderFormat:
        return None


def _number_words(number: int) -> str:
    return f"{number} of them" if number else "nothing"
