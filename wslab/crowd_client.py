"""Own one client of a crowd: it reads by itself, remembers what it read, and can stop reading."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

__all__ = ["CrowdClient"]


class CrowdClient:
    """One client of a crowd. It reads by itself: look at its `messages`, and leave recv() alone.

    Attributes:
        number: Which client of the crowd this is, from 1.
        websocket: Its connection, as websockets' `connect` gives it.
        messages: The newest messages that it received, str or bytes, oldest first.
        received: How many messages it received in all.
        received_bytes: The size of their payloads in all, in bytes.
        paused: Whether it has stopped reading.
    """

    def __init__(
        self, number: int, websocket: ClientConnection, keep: int, changed: Callable[[CrowdClient], None]
    ) -> None:
        self.number, self.websocket = number, websocket
        self.messages: deque[str | bytes] = deque(maxlen=keep)
        self.received = self.received_bytes = 0
        self.paused = False
        self._changed = changed
        self._remembers = True
        self._reading = self._start_reading()

    @property
    def closed(self) -> int | None:
        """The status code with which the connection was closed, 1006 if there was none; None while it is open.

        A client that is paused does not read that it was closed.
        """
        code = self.websocket.close_code
        return None if code is None else int(code)

    def pause(self) -> None:
        """Stop reading from the socket, as a program that hangs does: what is sent to it piles up on the way.

        Not even pings are read and answered, so in time a server with a keepalive closes the connection.
        """
        if self.paused or self.closed is not None:
            return
        self.paused = True
        self._reading.cancel()  # recv() can be cancelled: nothing is lost
        self.websocket.transport.pause_reading()
        self._changed(self)

    def resume(self) -> None:
        """Go on reading, with what has piled up first."""
        if not self.paused:
            return
        self.paused = False
        self.websocket.transport.resume_reading()
        self._reading = self._start_reading()
        self._changed(self)

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            ConnectionClosed: The connection is closed.
        """
        await self.websocket.send(message)

    async def close(self) -> None:
        """Close with 1000. What still arrives is read, since a close frame stands behind it, and not remembered."""
        self._remembers = False
        self.resume()
        await self.websocket.close()
        await asyncio.wait({self._reading})

    def abort(self) -> None:
        """Cut the connection if it is not closed yet."""
        self.websocket.transport.abort()

    def __repr__(self) -> str:
        plural = "" if self.received == 1 else "s"
        return f"<wslab crowd client {self.number}, {self.state}, {self.received} message{plural} received>"

    @property
    def state(self) -> str:
        """In words: open, paused, or closed with which status code."""
        if self.closed is not None:
            return f"closed with {self.closed}"
        return "paused" if self.paused else "open"

    def _start_reading(self) -> asyncio.Task[None]:
        # In an empty context, so that it belongs to no cell and keeps none alive.
        return asyncio.create_task(self._read(), context=contextvars.Context())

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self.websocket.recv())
        except ConnectionClosed:
            self._changed(self)

    def _take(self, message: str | bytes) -> None:
        if not self._remembers:
            return
        self.messages.append(message)
        self.received += 1
        self.received_bytes += len(message if isinstance(message, bytes) else message.encode())
        self._changed(self)
