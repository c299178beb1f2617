"""Own a tap's door: the port on which it listens, which can be shut for a while and is the same when it opens again."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import socket
from collections.abc import Callable

HOST = "127.0.0.1"
BACKLOG = 512


class Door:
    """A listening socket on this machine.

    Args:
        accept: Makes the protocol of each connection that comes.

    Attributes:
        port: Where it listens, or listened; 0 before it was opened.
    """

    def __init__(self, accept: Callable[[], asyncio.Protocol]) -> None:
        self.port = 0
        self._accept = accept
        self._open = False
        self._listener: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._open

    async def open(self, never: int) -> None:
        """Listen on any free port.

        Args:
            never: Any but this one.
        """
        listener = await self._listen()
        if _port_of(listener) == never:
            with contextlib.closing(listener):
                listener = await self._listen()
        self.port, self._listener, self._open = _port_of(listener), listener, True

    def shut(self) -> None:
        """Refuse connections from now on."""
        self._open = False
        if self._listener is not None:  # it is None while the door opens: _serve will see that it has to be shut
            self._hold()

    def reopen(self) -> None:
        """Listen again; who connects from now on is let in as soon as the loop runs."""
        self._open = True
        if self._held is not None:
            held, self._held = self._held, None
            held.listen(BACKLOG)
            self._opening = asyncio.get_running_loop().create_task(self._serve(held), context=contextvars.Context())

    async def close(self) -> None:
        """Listen no more, and let go of the port."""
        self._open = False
        self._let_go()
        if self._opening is not None:
            await asyncio.wait({self._opening})
            self._let_go()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(self._accept, HOST, 0, backlog=BACKLOG)

    async def _serve(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._accept, sock=sock, backlog=BACKLOG)
        if not self._open:
            self._hold()

    def _let_go(self) -> None:
        for held in (self._listener, self._held):
            if held is not None:
                held.close()
        self._listener = self._held = None

    def _hold(self) -> None:
        """Bind the port without listening: else the system could give it to others, to these very clients even."""
        self._let_go()
        self._held = socket.socket()
        if os.name == "posix":  # connections of this port may still be about; elsewhere this option lets others in
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((HOST, self.port))


def _port_of(listener: asyncio.Server) -> int:
    return int(listener.sockets[0].getsockname()[1])
