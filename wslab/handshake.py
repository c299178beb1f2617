"""Own the opening handshake: the accept key, and whether a response completes it (RFC 6455, 4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from websockets.datastructures import Headers

from .errors import HandshakeError
from .head_parser import parse_request, parse_response
from .heads import RequestHead, ResponseHead
from .problems import (
    Problem,
    extension_names,
    number_words,
    offered_subprotocols,
    request_problems,
    token_problems,
)
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
        *token_problems(headers, "Upgrade", "websocket", "4.1", alone=True),
        *token_problems(headers, "Connection", "Upgrade", "4.1"),
        *_once(headers),
        *(_misfits(headers, request.headers) if request else ()),
    ]


def _once(headers: Headers) -> Iterator[Problem]:
    if (number := len(headers.get_all("Sec-WebSocket-Accept"))) != 1:
        section = "11.3.3" if number else "4.1"
        yield Problem("Sec-WebSocket-Accept", number_words(number), "one, computed from the request's key", section)
    if (number := len(headers.get_all("Sec-WebSocket-Protocol"))) > 1:
        yield Problem("Sec-WebSocket-Protocol", number_words(number), "one, or none", "11.3.4")
    if extension_names(headers) is None:
        yield Problem("Sec-WebSocket-Extensions", "no list of extensions", "such as permessage-deflate", "9.1")


def _misfits(headers: Headers, request: Headers) -> Iterator[Problem]:
    """List what a response says that its request gave no reason for."""
    accepts, keys = headers.get_all("Sec-WebSocket-Accept"), request.get_all("Sec-WebSocket-Key")
    if len(accepts) == 1 and accepts != [accept_key(key) for key in keys]:
        computed = [f"{accept_key(key)}, computed from the key {key}" for key in keys]
        expected = computed[0] if len(keys) == 1 else "a request with one key"
        yield Problem("Sec-WebSocket-Accept", accepts[0] or "nothing", expected, "4.1")
    chosen = headers.get_all("Sec-WebSocket-Protocol")
    offered = offered_subprotocols(request) or []
    if len(chosen) == 1 and chosen[0] not in offered:
        yield Problem("Sec-WebSocket-Protocol", chosen[0] or "nothing", _only(offered), "4.1")
    offered = extension_names(request) or []
    for name in extension_names(headers) or []:
        if name not in offered:
            yield Problem("Sec-WebSocket-Extensions", name, _only(offered), "4.1")


def _only(offered: list[str]) -> str:
    return f"only what the client offered: {', '.join(offered) or 'nothing'}"
