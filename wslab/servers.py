"""Own the server of a notebook: websockets' own `serve`, on loopback only, with a URL, safe to run again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode

from .errors import WslabError
from .handlers import check_handler, handler_name
from .listener import Handler, Listener, in_empty_context
from .loopback import LOCAL_ORIGINS, Origins, check_hosts, check_socket

__all__ = ["LOCAL_ORIGINS", "Handler", "Server", "serve"]


def serve(
    handler: Handler,
    host: str | Sequence[str] | None = "127.0.0.1",
    port: int | None = 0,
    *,
    origins: Origins | None = LOCAL_ORIGINS,
    **kwargs: Any,
) -> Server:
    """Serve WebSocket connections on this machine, as websockets.asyncio.server.serve does.

    Running the cell again replaces the server that it started before; so does any later cell that asks for the
    same fixed port. What the handler prints appears in the cell that is running.

    Args:
        handler: `async def handler(websocket)`; the path is websocket.request.path.
        host: A loopback address, or localhost.
        port: Where to listen; 0 takes any free port, and `url` tells which.
        origins: Which pages may connect: by default those served from this machine, and clients that are no
            browser. None lets every page connect.
        **kwargs: Everything else that websockets' serve takes.

    Returns:
        The server, to be entered with `async with` or awaited.

    Raises:
        HandlerError: The handler is not async, or does not take exactly the connection.
        NotLoopbackError: Other machines could reach this host or socket.
        PortInUseError: Somebody else has the port; raised when the server starts.

    Example:
        >>> async with wslab.serve(echo) as server, connect(server.url) as websocket:  # doctest: +SKIP
        ...     await websocket.send("Hello")
    """
    check_handler(handler)
    if port is not None and port not in range(65536):
        raise WslabError(f"the port is {port!r}", "a number from 0 to 65535; 0 takes any free port")
    if kwargs.get("sock") is not None:
        check_socket(kwargs["sock"])
        host, port = None, port or None
    elif not kwargs.get("unix"):
        check_hosts(host)
    return Server(handler, {"host": host, "port": port, "origins": origins, **kwargs})


class Server:
    """A WebSocket server, made by `serve`: websockets' Server and its methods, with a URL.

    Attributes:
        handler: What handles each connection.
    """

    def __init__(self, handler: Handler, options: dict[str, Any]) -> None:
        self.handler = handler
        self._options = options
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where clients connect, such as ws://127.0.0.1:49152/; wss if the server was given ssl."""
        host, port = self._bound_to()
        return f"{'wss' if self._options.get('ssl') else 'ws'}://{host}:{port}/"

    @property
    def port(self) -> int:
        """The port on which the server listens, or listened."""
        return self._bound_to()[1]

    @property
    def connections(self) -> set[ServerConnection]:
        """The open connections, as `websockets.asyncio.server.broadcast` takes them."""
        return self._listener.server.connections if self._listener is not None else set()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets on which the server listens."""
        return self._listener.server.sockets if self._listener is not None else ()

    def is_serving(self) -> bool:
        """Whether new connections are accepted."""
        return self._listener is not None and self._listener.server.is_serving()

    def close(
        self, close_connections: bool = True, code: CloseCode | int = CloseCode.GOING_AWAY, reason: str = ""
    ) -> None:
        """Begin to close: accept nothing new, close the open connections. `wait_closed` awaits the end.

        Args:
            close_connections: False lets the open connections go on until they end.
            code: Status code of the close frames.
            reason: Reason in the close frames, at most 123 bytes of UTF-8.
        """
        self._started().begin_close(close_connections, code, reason)

    async def wait_closed(self) -> None:
        """Wait until the server is closed and every handler has returned."""
        await self._started().server.wait_closed()

    async def start_serving(self) -> None:
        """Begin to accept connections, after serve(..., start_serving=False)."""
        await in_empty_context(self._started().server.start_serving())

    async def serve_forever(self) -> None:
        """Accept connections until the server is closed, or this call is cancelled, which closes it."""
        if not self.is_serving():
            await self.start_serving()
        try:
            await self.wait_closed()
        except asyncio.CancelledError:
            await self._started().close()
            raise

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc_type is not None:  # a handler that never ends must not keep the reader from the traceback
            await self._started().close()
        else:
            await self._started().finish()

    def __repr__(self) -> str:
        return f"<wslab server {handler_name(self.handler)}, {self._state()}>"

    async def _start(self) -> Self:
        if self._listener is None:
            listener = Listener(self.handler, self._options)
            await listener.open()
            self._listener = listener
        return self

    def _state(self) -> str:
        if self._listener is None:
            return "not started: await it, or enter it with async with"
        if (closing := self._listener.server.close_task) is not None:
            return "closed" if closing.done() else "closing"
        count = len(self.connections)
        return f"running, {count} connection{'' if count == 1 else 's'}" if self.is_serving() else "not serving yet"

    def _started(self) -> Listener:
        if self._listener is None:
            raise WslabError("the server has not been started", "", "await it, or enter it with async with")
        return self._listener

    def _bound_to(self) -> tuple[str, int]:
        address = self._started().address
        if address is None:
            raise WslabError("a server on a Unix socket has no URL and no port", "", "connect with unix_connect(path)")
        return address
