"""Own one relayed connection: two legs that move its bytes and tell the tape, and who answers for a missing server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from websockets.protocol import CLIENT, SERVER, Side

from .opening import RESETS, describe
from .records import End

BUFFER_BYTES = 64 * 2**10
"""How much may wait to be written on a leg before the other leg stops reading."""

Connect = Callable[[asyncio.Protocol], Awaitable[object]]
RecordBytes = Callable[[Side, bytes], None]
RecordEnd = Callable[[Side, End, str], None]

_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Leg(asyncio.Protocol):
    """The relay's socket towards one endpoint: what comes from there is recorded, then passed on to the other leg.

    Attributes:
        sender: The endpoint at the far end.
        finished: Whether that endpoint has stopped sending.
        opened: Set once the socket is connected.
        lost: Set once the socket is closed.
    """

    transport: asyncio.Transport
    other: Leg

    def __init__(self, sender: Side, record: RecordBytes, record_end: RecordEnd) -> None:
        self.sender = sender
        self.finished = False
        self.opened = asyncio.Event()
        self.lost = asyncio.Event()
        self._record = record
        self._record_end = record_end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait with reading until there is somewhere to write."""
        self.transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        if self.other.opened.is_set():
            self.other.transport.resume_reading()
        else:
            transport.pause_reading()
        self.opened.set()

    def data_received(self, data: bytes) -> None:
        """Record first, so that no answer stands on the tape before what it answers."""
        self._record(self.sender, data)
        self.forward(data)

    def eof_received(self) -> bool:
        """Pass on a FIN behind the data before it; the other direction stays open where the transport allows it."""
        self.finish("eof")
        self.forward_eof()
        return self.transport.can_write_eof()

    def forward(self, data: bytes) -> None:
        """Pass on data. All of one direction goes through here and `forward_eof`: the place for what harms a wire."""
        self.other.transport.write(data)

    def forward_eof(self) -> None:
        """Pass on the end of one direction; the second end closes both legs."""
        if self.other.finished:
            self.transport.close()
            self.other.transport.close()
        elif self.other.transport.can_write_eof():
            with contextlib.suppress(OSError):  # not connected any more: the other leg's reader learns of that itself
                self.other.transport.write_eof()
        else:
            self.other.transport.close()  # TLS cannot be closed by halves

    def pause_writing(self) -> None:
        """Stop reading where these bytes come from: this is all of the backpressure."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again, unless there is nothing more to read."""
        if not self.other.finished:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on an RST as an RST. Without an error it was the relay, or TLS, that closed the socket."""
        self.lost.set()
        if error is not None:
            self.finish(*(("reset",) if isinstance(error, RESETS) else ("error", describe(error))))
            self.other.reset()
        elif self.other.opened.is_set():
            self.other.transport.close()

    def finish(self, how: End, note: str = "") -> None:
        """Record how the endpoint stopped sending."""
        self.finished = True
        self._record_end(self.sender, how, note)

    def reset(self) -> None:
        """Close with an RST; what has not been sent yet is dropped, as it is by any RST."""
        if (connected := self.transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):  # some systems take no option on a socket that is already reset
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    async def cut(self) -> None:
        """Close at once and wait until the socket is closed."""
        if self.opened.is_set():
            self.transport.abort()
            await self.lost.wait()


class Relay:
    """One client's connection through a tap.

    Args:
        record: Takes the bytes that one side sent.
        record_end: Takes how one side stopped, and a note.
    """

    def __init__(self, record: RecordBytes, record_end: RecordEnd) -> None:
        self.client = Leg(CLIENT, record, record_end)
        self.server = Leg(SERVER, record, record_end)
        self.client.other, self.server.other = self.server, self.client

    @property
    def ending(self) -> bool:
        """Whether one side has stopped sending."""
        return self.client.finished or self.server.finished

    async def run(self, connect: Connect, answer: Callable[[str], bytes]) -> None:
        """Connect to the server and relay until both sockets are closed; cancelled, close them at once.

        Args:
            connect: Connects a protocol to the server.
            answer: Makes the client's answer out of the reason why the server cannot be reached.
        """
        try:
            await self.client.opened.wait()
            try:
                await connect(self.server)
            except (OSError, UnicodeError) as error:  # ssl.SSLError and TimeoutError are OSErrors
                reason = describe(error)
                self.server.connection_made(_Unreachable(self.server, reason, answer(reason)))
            await self.server.lost.wait()
            await self.client.lost.wait()
        finally:
            try:
                await self.client.cut()
            finally:  # a second cancellation may end the waiting
                await self.server.cut()


class _Unreachable(asyncio.Transport):
    """A transport to nobody: it answers the client's first bytes in the server's place, once.

    Args:
        leg: The server's leg.
        reason: Why the server cannot be reached.
        answer: What the client gets.
    """

    def __init__(self, leg: Leg, reason: str, answer: bytes) -> None:
        super().__init__()
        self._leg = leg
        self._reason = reason
        self._answer = answer

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: nothing is buffered."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Answer the first bytes; let the rest come, or closing would be an RST, which may eat the answer."""
        if not self._leg.finished:
            self._finish()
            self._leg.other.transport.write(self._answer)
            self._leg.other.transport.write_eof()

    def can_write_eof(self) -> bool:
        """Say no: the client's end is the end."""
        return False

    def close(self) -> None:
        """Close the client's leg too; on the tape, say why even if the client never asked."""
        self._finish()
        self._leg.other.transport.close()
        self._leg.lost.set()

    abort = close

    def _finish(self) -> None:
        if not self._leg.finished:
            self._leg.finish("error", self._reason)
