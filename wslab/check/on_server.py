"""Own the checks of a server: a handler that is served for it, or whatever listens at a URL."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from ..tap import Tap, tap
from ..target import websocket_target
from .bench import Bench
from .client import Client
from .judge import Benches
from .report import Finding
from .subject import Served, Subject, subject_of

__all__ = ["ServerBench", "on_server"]

NARROW_BYTES = 16 * 2**10
"""How much the operating system shall keep for a client that does not read; it takes some more."""


class ServerBench(Bench):
    """What a case of a server's check is given.

    Attributes:
        subject: The server.
        clients: The clients of this case, in the order in which they came.
    """

    tap: Tap

    def __init__(self, seed: int, tap: Tap, subject: Subject) -> None:
        super().__init__(seed, tap)
        self.subject = subject
        self.clients: list[Client] = []

    def forget(self) -> None:
        """Let go of what the handler raised: tracebacks hold what was in its variables."""
        self.subject.errors.clear()

    async def client(self, path: str = "", **options: Any) -> Client:
        """Connect one more client, by way of the tap.

        Args:
            path: What to append to the server's URL, such as "?name=Ada".
            **options: What else websockets' connect takes.
        """
        return await self._connected(self.tap.url + path, options)

    async def direct_client(self, path: str = "", **options: Any) -> Client:
        """Connect one more client without the tap, whose buffers would hide a reader that is slow."""
        return await self._connected(self.subject.url + path, options)

    async def narrow_client(self, path: str = "") -> Client:
        """Connect one more client without the tap, for which the operating system keeps little that it has not read."""
        target = websocket_target(self.subject.url)
        narrow = socket.socket(socket.AF_INET6 if ":" in target.host else socket.AF_INET)
        try:
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
            narrow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(narrow, (target.host, target.port))
            client = await self._connected(self.subject.url + path, {"sock": narrow})
        except BaseException:
            narrow.close()
            raise
        self.subject.narrow(client.websocket.local_address, NARROW_BYTES)
        return client

    async def _connected(self, url: str, options: dict[str, Any]) -> Client:
        defaults = {"compression": None, "ping_interval": None, "open_timeout": 3, "close_timeout": 1, "proxy": None}
        try:
            websocket = await connect(url, **(defaults | options))
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise Finding(
                f"Client {len(self.clients) + 1} could not connect.",
                got=f"{type(error).__name__}: {error}",
                expected="101 Switching Protocols",
                section="RFC 6455, 4.2.2",
            ) from error
        self.clients.append(Client(self.subject, websocket, f"client {len(self.clients) + 1}"))
        return self.clients[-1]

    async def end(self) -> None:
        """Let whoever is still there leave, and demand that the handler's calls end."""
        for client in self.clients:
            with contextlib.suppress(ConnectionClosed):
                await client.leave()
        if not await self.subject.calls_end():
            raise Finding(
                "Your handler is still running a second after its client has left.",
                got=self.subject.where_calls_wait,
                expected="a call that ends when its connection does",
                section="lesson 03, What is a handler?",
                hint="`async for message in websocket` ends by itself; a wait of your own has to notice the end.",
            )


@contextlib.asynccontextmanager
async def on_server(candidate: Served, **options: Any) -> AsyncIterator[Benches[ServerBench]]:
    """Serve a handler, or find the server that is there, for a check; each case gets a tap of its own.

    Args:
        candidate: A handler, anything with a url, or a URL.
        **options: What else websockets' serve takes, for a handler.
    """
    async with subject_of(candidate, **options) as subject:

        @contextlib.asynccontextmanager
        async def bench_for(seed: int) -> AsyncIterator[ServerBench]:
            async with tap(subject.url) as relay:
                bench = ServerBench(seed, relay, subject)
                try:
                    yield bench
                    await bench.end()
                finally:
                    for client in bench.clients:
                        await client.cut()

        yield bench_for
