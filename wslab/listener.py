"""Own the running server inside `servers.Server`: opened in an empty context, and closed within seconds."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as websockets_serve
from websockets.frames import CloseCode

from . import registry
from .cells import in_kernel
from .errors import PortInUseError
from .loopback import netloc

__all__ = ["Handler", "Listener", "in_empty_context"]

Handler = Callable[[ServerConnection], Awaitable[None]]

# How long connections and handlers have to end by themselves; then they are cut off.
GRACE_S = 1.0


async def in_empty_context(coroutine: Coroutine[Any, Any, None]) -> None:
    """Await in a context that belongs to no cell: a kernel shows what is printed from there in the running cell."""
    await asyncio.create_task(coroutine, context=contextvars.Context())


class Listener:
    """A websockets Server, what it is bound to, and its registration.

    Args:
        handler: What handles each connection.
        options: The other arguments of websockets' serve.
    """

    def __init__(self, handler: Handler, options: dict[str, Any]) -> None:
        self._port: int | None = options["port"]
        # websockets lists no connection whose opening handshake is under way; those too must end with the server.
        self._connections: weakref.WeakSet[ServerConnection] = weakref.WeakSet()
        factory = options.get("create_connection") or ServerConnection

        def tracked(*args: Any, **kwargs: Any) -> ServerConnection:
            connection: ServerConnection = factory(*args, **kwargs)
            self._connections.add(connection)
            return connection

        self.server: Server = websockets_serve(handler, **{**options, "create_connection": tracked})
        self.address: tuple[str, int] | None = None

    async def open(self) -> None:
        """Listen, and register; cancelled in the middle, leave nothing behind.

        Raises:
            PortInUseError: Somebody has the port that was asked for.
        """
        await registry.replace_earlier(self._port)
        opening = asyncio.create_task(self._open(), context=contextvars.Context())
        try:
            # asyncio loses the sockets of a create_server that is cancelled, so this one runs to its end.
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(self._abandon(opening)))
            raise
        self.address = netloc(self.server.sockets[0])
        registry.register(self, self.address[1] if self.address else None)

    async def _open(self) -> None:
        try:
            await self.server
        except OSError as error:
            if error.errno == errno.EADDRINUSE and self._port:
                raise PortInUseError(self._port, _owner(self._port)) from error
            raise

    async def _abandon(self, opening: asyncio.Task[None]) -> None:
        await asyncio.wait({opening})
        if not opening.cancelled() and opening.exception() is None:
            await self.close()

    def begin_close(self, close_connections: bool, code: CloseCode | int, reason: str) -> None:
        """Begin to close as websockets does, and leave the registry when that has ended."""
        self.server.close(close_connections, code, reason)
        if self.server.close_task is not None:
            self.server.close_task.add_done_callback(lambda _: registry.forget(self))

    async def finish(self) -> None:
        """Close with 1001 and wait for every handler; cut off whoever takes nothing of what is written to it.

        websockets does not: closing waits for room behind a full write buffer, and its close_timeout begins after that.
        """
        self.begin_close(True, CloseCode.GOING_AWAY, "")
        before: dict[asyncio.Transport, int] = {}
        while not await self._closed_in_time():
            waiting = {transport: transport.get_write_buffer_size() for transport in self._transports()}
            for transport, size_bytes in waiting.items():
                if size_bytes and size_bytes == before.get(transport):
                    transport.abort()
            before = waiting

    async def close(self) -> None:
        """Close with 1001; after a grace period cut connections off and cancel handlers, so that nothing hangs."""
        self.begin_close(True, CloseCode.GOING_AWAY, "")
        if not await self._closed_in_time():
            for transport in self._transports():
                transport.abort()
            for task in self.server.handler_tasks:
                task.cancel()
            await self._closed_in_time()
        registry.forget(self)

    def _transports(self) -> list[asyncio.Transport]:
        # A connection whose TLS handshake is under way has no transport yet.
        return [connection.transport for connection in self._connections if hasattr(connection, "transport")]

    async def _closed_in_time(self) -> bool:
        if self.server.close_task is None:
            return True
        _, unfinished = await asyncio.wait({self.server.close_task}, timeout=GRACE_S)
        return not unfinished


def _owner(port: int) -> str:
    if registry.running_on(port):
        return f"another server of this {'kernel' if in_kernel() else 'process'}"
    return "another program, or a server that wslab did not start"
