"""Own the clients of a lesson: a conversation in one line, without hiding websockets' `connect`."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from .errors import AnswerTimeoutError
from .loopback import is_loopback
from .opening import opening_errors
from .target import HasUrl, websocket_target

__all__ = ["exchange"]


async def exchange(
    url: str | HasUrl, *messages: str | bytes, timeout_s: float = 5, **connect_kwargs: Any
) -> list[str | bytes]:
    """Connect, send each message and await one reply to it, close with 1000.

    Args:
        url: A ws:// or wss:// URL, or a running server or tap.
        *messages: What to send: a str as text, bytes as binary.
        timeout_s: How long the opening handshake, and each reply, may take, in seconds.
        **connect_kwargs: What else websockets' `connect` takes.

    Returns:
        The replies, in order.

    Raises:
        UrlError: The URL cannot be used.
        UnreachableError: Nobody listens there.
        NotWebSocketError: The server does not accept the opening handshake.
        AnswerTimeoutError: The server is silent.
        ConnectionClosed: The server closes before it has replied; this one is websockets' own.

    Example:
        >>> await wslab.exchange(server, "Hello")  # doctest: +SKIP
        ['Hello']
    """
    async with await _open(url, timeout_s, connect_kwargs) as websocket:
        return [await _ask(websocket, message, number, timeout_s) for number, message in enumerate(messages, 1)]


async def _open(given: str | HasUrl, timeout_s: float, connect_kwargs: dict[str, Any]) -> ClientConnection:
    target = websocket_target(given)
    options = {"open_timeout": timeout_s, "close_timeout": timeout_s} | connect_kwargs
    if is_loopback(target.host):
        # websockets asks the environment for a proxy, which may not know that this machine needs none.
        options.setdefault("proxy", None)
    with opening_errors(target, options["open_timeout"]):
        return await connect(given if isinstance(given, str) else given.url, **options)


async def _ask(websocket: ClientConnection, message: str | bytes, number: int, timeout_s: float) -> str | bytes:
    try:
        async with asyncio.timeout(timeout_s):
            await websocket.send(message)
            return await websocket.recv()
    except TimeoutError:
        raise AnswerTimeoutError(f"reply to message {number}", timeout_s) from None
