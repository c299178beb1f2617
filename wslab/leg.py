"""Own one leg of a relay: the socket towards one endpoint, and how bytes, ends and backpressure go on from it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import cast

from websockets.protocol import Side

from .line import Item, Line, Stage
from .opening import RESETS, describe
from .records import End

BUFFER_BYTES = 64 * 2**10
"""How much may wait to be written on a leg before the other leg stops reading."""
LINGER_S = 0.5
"""How long a leg that a fault has closed listens for the other side's end: closing with bytes unread sends an RST."""
PROBE_S = 0.25
"""How often a leg that does not read is asked for an RST, of which a reader would have learned."""

RecordBytes = Callable[[Side, bytes], None]
RecordEnd = Callable[[Side, End, str], None]

_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Leg(asyncio.Protocol):
    """The relay's socket towards one endpoint: what comes from there is recorded, then passed on to the other leg.

    Attributes:
        sender: The endpoint at the far end.
        finished: Whether that endpoint has stopped sending.
        ended: Whether that endpoint has been told that nothing more comes.
        opened: Set once the socket is connected.
        lost: Set once the socket is closed.
        line: What harms the direction from that endpoint to the other one, if any fault does.
    """

    transport: asyncio.Transport
    other: Leg

    def __init__(self, sender: Side, record: RecordBytes, record_end: RecordEnd) -> None:
        self.sender = sender
        self.finished = self.ended = False
        self.opened = asyncio.Event()
        self.lost = asyncio.Event()
        self.line: Line | None = None
        self._choked = False
        self._probing: asyncio.TimerHandle | None = None
        self._parting: Callable[[], None] | None = None
        self._record = record
        self._record_end = record_end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait with reading until there is somewhere to write."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self.opened.set()
        if self._parting is not None:
            self._parting()
            return
        self.pace_reading()
        self.other.pace_reading()

    def data_received(self, data: bytes) -> None:
        """Record first, so that no answer stands on the tape before what it answers."""
        if self._parting is None:
            self._record(self.sender, data)
            self.pass_on(data)

    def eof_received(self) -> bool:
        """Pass on a FIN behind the data before it; the other direction stays open where the transport allows it."""
        if self._parting is not None:
            return False
        self.finish("eof")
        self.pass_on(self.deliver_end)
        return self.transport.can_write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on an RST as an RST. Without an error it was the relay, or TLS, that closed the socket."""
        self.lost.set()
        if self._parting is not None:
            return
        if error is None:
            self.pass_on(self.deliver_end)
        else:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.finish(*(("reset",) if isinstance(error, RESETS) else ("error", describe(error))))
        self.pass_on(self.other.reset)

    def finish(self, how: End, note: str = "") -> None:
        """Record how the endpoint stopped sending."""
        self.finished = True
        if self._parting is None:
            self._record_end(self.sender, how, note)

    # The way to the other leg

    def pass_on(self, item: Item) -> None:
        """Pass on bytes, or an ending. All of one direction goes through here: the place for what harms a wire."""
        if self.line is None:
            self._deliver(item)
        else:
            self.line.put(item)

    def harm(self, stage: Stage) -> None:
        """Let what comes from here go through one more stage."""
        if self.line is None:
            self.line = Line(self._deliver)
        self.line.append(stage)

    def heal(self, stage: Stage) -> None:
        """Take out a stage; what waits there goes on."""
        if (line := self.line) is not None:
            line.remove(stage)  # this may bring about the end of the connection
            self.line = None if line.sound else self.line

    def drop_line(self) -> None:
        """Drop all that waits on the way from here, and harm no longer what may come."""
        if self.line is not None:
            self.line.stop()
            self.line = None

    def _deliver(self, item: Item) -> None:
        if callable(item):
            item()
        elif not self.other.transport.is_closing():
            self.other.transport.write(item)

    def deliver_end(self) -> None:
        """Tell the other endpoint that nothing more comes; if it has nothing more to say either, this was all."""
        other, was_ended = self.other, self.other.ended
        other.ended = True
        if not other.opened.is_set() or other.lost.is_set():
            return
        if self.lost.is_set() or other.finished or not other.transport.can_write_eof():
            other.transport.close()  # TLS cannot be closed by halves
        elif not was_ended:
            with contextlib.suppress(OSError):  # not connected any more: its own reader learns of that itself
                other.transport.write_eof()

    # Backpressure

    def pause_writing(self) -> None:
        """Stop reading where these bytes come from."""
        self._choked = True
        self.other.pace_reading()

    def resume_writing(self) -> None:
        """Read there again."""
        self._choked = False
        self.other.pace_reading()

    def pace_reading(self) -> None:
        """Read only while there is somewhere to write and room on the way there: this is all of the backpressure."""
        if not self.opened.is_set() or self.finished or self._parting is not None:
            return
        full = self.line is not None and self.line.full
        if full or self.other._choked or not self.other.opened.is_set():
            self.transport.pause_reading()
            self._probing = self._probing or asyncio.get_running_loop().call_later(PROBE_S, self._probe)
        else:
            self.transport.resume_reading()

    def _probe(self) -> None:
        self._probing, connected = None, self.transport.get_extra_info("socket")
        if self._parting is not None or self.lost.is_set() or connected is None:
            return
        if number := connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(OSError(number, os.strerror(number)))  # Python makes it a ConnectionResetError
            self.transport.abort()
        else:
            self.pace_reading()

    # Closing

    def reset(self) -> None:
        """Close with an RST, at the latest once there is a socket; what has not been sent is dropped, as by any RST."""
        if not self.opened.is_set():
            self._parting = self.reset
            return
        if (connected := self.transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):  # some systems take no option on a socket that is already reset
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def part(self, how: End, note: str, *, reset: bool) -> None:
        """Close for a reason that is no endpoint's; what waits on the way from here is dropped.

        Args:
            how: What to record, unless this direction has ended already.
            note: Why.
            reset: Whether to close with an RST, or with a FIN behind what has been passed on.
        """
        if not self.other.ended and not self.other.lost.is_set():
            self._record_end(self.sender, how, note)
        self._parting = self.reset if reset else self._hang_up
        self.drop_line()
        if self.opened.is_set():
            self._parting()

    def _hang_up(self) -> None:
        if self.finished or not self.transport.can_write_eof():
            self.transport.close()
            return
        with contextlib.suppress(OSError):
            self.transport.write_eof()
        self.transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)

    def abort(self) -> None:
        """Close at once, or as soon as there is a socket."""
        if self.opened.is_set():
            self.transport.abort()
        else:
            self._parting = self.abort

    async def cut(self) -> None:
        """Close at once and wait until the socket is closed."""
        self.abort()
        if self.opened.is_set():
            await self.lost.wait()
