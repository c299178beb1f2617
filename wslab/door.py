"""Own a tap's door: the port on which it listens, which can be shut for a while and is the same when it opens again."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import socket
from collections.abc import Callable
from typing import cast

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
        self._open = self._closed = False
        self._listening: socket.socket | None = None
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
        sock = _bound(0)
        if _port_of(sock) == never:
            with contextlib.closing(sock):
                sock = _bound(0)
        self.port, self._open = _port_of(sock), True
        await self._serve(sock)

    def shut(self) -> None:
        """Refuse connections from now on."""
        self._open = False
        if self._listening is not None:  # it is None while the door opens: _serve will see that it has to be shut
            self._hold()

    def reopen(self) -> None:
        """Listen again; who connects from now on is let in as soon as the loop runs."""
        self._open = True
        if self._held is not None:
            held, self._held = self._held, None
            held.listen(BACKLOG)
            self._opening = asyncio.get_running_loop().create_task(self._serve(held), context=contextvars.Context())

    async def close(self) -> None:
        """Listen no more, let nobody in any more, and let go of the port."""
        self._open, self._closed = False, True
        self._let_go()
        if self._opening is not None:
            await asyncio.wait({self._opening})
            self._let_go()

    async def _serve(self, sock: socket.socket) -> None:
        await asyncio.get_running_loop().create_server(self._let_in, sock=sock, backlog=BACKLOG)
        self._listening = sock
        if not self._open:
            self._hold()

    def _let_in(self) -> asyncio.Protocol:
        return _TurnedAway() if self._closed else self._accept()  # those who have been accepted come a round later

    def _let_go(self) -> None:
        for sock in (self._listening, self._held):
            if sock is not None:
                _close(sock)
        self._listening = self._held = None

    def _hold(self) -> None:
        """Bind the port without listening: else the system could give it to others, to these very clients even."""
        self._let_go()
        self._held = _bound(self.port)


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio turns off Nagle's algorithm, which holds back a second small message for 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # connections of this port may still be about; elsewhere this option lets others in
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    return sock


def _close(sock: socket.socket) -> None:
    """Close a listener; asyncio's own Server.close would strand whom the loop has accepted and not let in yet."""
    with contextlib.suppress(NotImplementedError):  # the proactor of Windows has no readers
        asyncio.get_running_loop().remove_reader(sock)
    sock.close()


def _port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])
