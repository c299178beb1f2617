"""Own the opening handshake of the raw client, header by header (RFC 6455, 4.1)."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Generator, Mapping
from types import TracebackType
from urllib.parse import unquote

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.headers import build_authorization_basic, build_host
from websockets.utils import generate_key

from .errors import HandshakeError, NotWebSocketError
from .handshake import RequestHead, ResponseHead, accept_key, parse_request, parse_response
from .opening import opening_errors
from .raw import READ_BYTES, RawClient
from .target import HasUrl, Target, websocket_target

__all__ = ["connect_raw"]


def connect_raw(
    url_or_server: str | HasUrl,
    *,
    headers: Mapping[str, str | None] | None = None,
    ssl: tls.SSLContext | None = None,
    timeout_s: float = 5,
) -> RawOpening:
    """Open a WebSocket connection by hand, to write and read whatever frames one likes.

    The request asks for no extension and no subprotocol unless `headers` does.

    Args:
        url_or_server: A ws:// or wss:// URL, or a running server or tap.
        headers: Headers of the request to add or to replace; None leaves one out.
        ssl: How to speak TLS with a wss:// server; by default its certificate must be trusted by this machine.
        timeout_s: How long the opening handshake, and each wait after it, may take, in seconds.

    Returns:
        What `async with` or `await` turns into a `RawClient`.

    Raises:
        UrlError: The URL cannot be used.
        UnreachableError: Nobody listens there; raised on opening, as the next two.
        NotWebSocketError: The server does not accept the opening handshake.
        AnswerTimeoutError: The server is silent.

    Example:
        >>> async with wslab.connect_raw(server) as raw:  # doctest: +SKIP
        ...     await raw.write(wslab.WireFrame(wslab.TEXT, b"Hello", masking_key=b"abcd"))
        ...     print(await raw.frame())
    """
    return RawOpening(websocket_target(url_or_server), headers or {}, ssl, timeout_s)


class RawOpening:
    """A raw client that is about to be opened, by `async with` or by `await`."""

    def __init__(
        self, target: Target, headers: Mapping[str, str | None], ssl: tls.SSLContext | None, timeout_s: float
    ) -> None:
        self._target = target
        self._headers = headers
        self._ssl = (ssl or tls.create_default_context()) if target.secure else None
        self._timeout_s = timeout_s
        self._client: RawClient | None = None

    def __await__(self) -> Generator[object, None, RawClient]:
        return self._open().__await__()

    async def __aenter__(self) -> RawClient:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.__aexit__(exc_type, exc, traceback)

    async def _open(self) -> RawClient:
        target = self._target
        data, request = _request(target, self._headers)
        with opening_errors(target, self._timeout_s):
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_connection(target.host, target.port, ssl=self._ssl)
                try:
                    return await self._handshake(reader, writer, data, request)
                except BaseException:
                    writer.transport.abort()
                    raise

    async def _handshake(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, request: RequestHead
    ) -> RawClient:
        writer.write(data)
        response, beyond = await _read_response(reader)
        self._check(request, response)
        client = RawClient(reader, writer, request, response, self._timeout_s)
        client.take(beyond)
        return client

    def _check(self, request: RequestHead, response: ResponseHead) -> None:
        if response.status != 101:
            raise NotWebSocketError(self._target.shown, response.status, response.reason)
        expected = [accept_key(key) for key in request.headers.get_all("Sec-WebSocket-Key")]
        if response.headers.get_all("Sec-WebSocket-Accept") != expected:
            raise NotWebSocketError(self._target.shown, 101, "but a wrong Sec-WebSocket-Accept")


def _request(target: Target, replaced: Mapping[str, str | None]) -> tuple[bytes, RequestHead]:
    """Make the request, as bytes and as a head, before anything is opened: a bad one is not the server's fault."""
    try:
        data = _request_bytes(target, replaced)
        request = parse_request(data)
    except (InvalidHeader, UnicodeEncodeError):  # neither says more than this without the value, which may be secret
        request = None
    if request is None:
        found = "the URL or a header holds what no head can carry"
        raise HandshakeError(found, "visible ASCII; in a URL anything else is %-encoded")
    return data, request


def _request_bytes(target: Target, replaced: Mapping[str, str | None]) -> bytes:
    headers = Headers(
        {
            "Host": build_host(target.host, target.port, target.secure),
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": generate_key(),
            "Sec-WebSocket-Version": "13",
        }
    )
    if target.userinfo:
        user, _, password = target.userinfo.rstrip("@").partition(":")
        headers["Authorization"] = build_authorization_basic(unquote(user), unquote(password))
    for name, value in replaced.items():
        if name in headers:
            del headers[name]
        if value is not None:
            headers[name] = value
    return f"GET {target.suffix} HTTP/1.1\r\n{headers}".encode("latin-1")


async def _read_response(reader: asyncio.StreamReader) -> tuple[ResponseHead, bytes]:
    data = b""
    while (response := parse_response(data)) is None:
        piece = await reader.read(READ_BYTES)
        if not piece:
            raise EOFError
        data += piece
    return response, data[response.size_bytes :]
