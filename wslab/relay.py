"""Own one relayed connection: its two legs, how it begins and ends, and who answers for a missing server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from websockets.protocol import CLIENT, SERVER

from .faults import Stream
from .leg import BUFFER_BYTES, Leg, RecordBytes, RecordEnd
from .opening import describe

__all__ = ["BUFFER_BYTES", "Connect", "Relay"]

Connect = Callable[[asyncio.Protocol], Awaitable[object]]


class Relay:
    """One client's connection through a tap.

    Args:
        number: The connection's number on the tape.
        record: Takes the bytes that one side sent.
        record_end: Takes how one side stopped, and a note.

    Attributes:
        over: Whether it has ended, by itself or by a fault.
    """

    def __init__(self, number: int, record: RecordBytes, record_end: RecordEnd) -> None:
        self.number = number
        self.client = Leg(CLIENT, record, record_end)
        self.server = Leg(SERVER, record, record_end)
        self.client.other, self.server.other = self.server, self.client
        self.over = False

    @property
    def ending(self) -> bool:
        """Whether one side has stopped sending, or a fault has stopped both."""
        return self.over or self.client.finished or self.server.finished

    def source(self, stream: Stream) -> Leg:
        """Give the leg from which a direction comes."""
        return self.client if stream == "upstream" else self.server

    def break_off(self, name: str, *, reset: bool) -> None:
        """Close both sockets because of a fault.

        Args:
            name: The fault's name, for the tape.
            reset: Whether to close with an RST, or with a FIN behind what has been passed on.
        """
        self.over = True
        note = f"by {name}, with {'an RST' if reset else 'a FIN'}"
        self.client.part("fault", note, reset=reset)
        self.server.part("fault", note, reset=reset)

    async def run(self, connect: Connect, answer: Callable[[str], bytes]) -> None:
        """Connect to the server and relay until both sockets are closed; cancelled, close them at once.

        Args:
            connect: Connects a protocol to the server.
            answer: Makes the client's answer out of the reason why the server cannot be reached.
        """
        try:
            await self.client.opened.wait()
            if not self.over:
                await self._reach_server(connect, answer)
                await self.server.lost.wait()
            await self.client.lost.wait()
        finally:
            self.over = True
            self.client.drop_line()
            self.server.drop_line()
            try:
                await self.client.cut()
            finally:  # a second cancellation may end the waiting
                await self.server.cut()

    async def _reach_server(self, connect: Connect, answer: Callable[[str], bytes]) -> None:
        try:
            await connect(self.server)
        except (OSError, UnicodeError) as error:  # ssl.SSLError and TimeoutError are OSErrors
            reason = describe(error)
            self.server.connection_made(_Unreachable(self.server, reason, answer(reason)))


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

    def pause_reading(self) -> None:
        """Do nothing: nothing is read."""

    resume_reading = pause_reading

    def is_closing(self) -> bool:
        """Whether it has been closed."""
        return self._leg.lost.is_set()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Answer the first bytes; let the rest come, or closing would be an RST, which may eat the answer."""
        if not self._leg.finished:
            self._finish()
            self._leg.pass_on(self._answer)
            self._leg.pass_on(self._leg.deliver_end)

    def can_write_eof(self) -> bool:
        """Say no: the client's end is the end."""
        return False

    def close(self) -> None:
        """Close the client's leg too; on the tape, say why even if the client never asked."""
        if not self._leg.lost.is_set():
            self._finish()
            self._leg.connection_lost(None)

    abort = close

    def _finish(self) -> None:
        if not self._leg.finished:
            self._leg.finish("error", self._reason)
