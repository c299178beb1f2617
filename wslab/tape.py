"""Own the tape: the bytes that crossed the wire, in order, in bounded memory; dissected when looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from websockets.protocol import Side

from .dissect import Dissector
from .inflate import Budget
from .records import End, Record, Records

MAX_BYTES = 16 * 2**20
MAX_RECORDS = 100_000
_EVENT_BYTES = 200  # what Python needs to remember one event, however short


class Event(NamedTuple):
    """What the recorder saw: bytes from one side, or its end."""

    connection: int
    sender: Side
    time_s: float
    data: bytes = b""
    end: End | None = None
    note: str = ""


class Tape(Records):
    """What crossed the wire, in order.

    A tape is a sequence of `Record`; `Records` says how to filter and show it.

    Args:
        max_bytes: How much to remember, counting what Python needs for each event. Then the tape is full: it
            remembers no more and counts what it missed.

    Attributes:
        unrecorded_bytes: Bytes that passed after the tape was full.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        super().__init__()
        self.max_bytes = max_bytes
        self.unrecorded_bytes = 0
        self._used_bytes = 0
        self._events: list[Event] = []
        self._looked_at = 0
        self._dissected: list[Record] = []
        self._dissectors: dict[int, Dissector] = {}
        self._budget = Budget()

    def write(self, connection: int, sender: Side, data: bytes, time_s: float) -> None:
        """Remember bytes that one side sent.

        Args:
            connection: The connection's number, from 1.
            sender: Who sent them.
            data: The bytes.
            time_s: When, in seconds since the tape began.
        """
        if not self._remember(Event(connection, sender, time_s, data)):
            self.unrecorded_bytes += len(data)

    def ended(self, connection: int, sender: Side, how: End, time_s: float, note: str = "") -> None:
        """Remember how one side stopped: "eof" (FIN), "reset" (RST), "error", or "fault" if the tap stopped it."""
        self._remember(Event(connection, sender, time_s, b"", how, note))

    def wire(self, sender: Side, connection: int = 1) -> bytes:
        """Give the bytes that one side sent on one connection, from the first, as they stood on the wire."""
        return b"".join(e.data for e in self._events if e.sender is sender and e.connection == connection)

    def _remember(self, event: Event) -> bool:
        cost = len(event.data) + _EVENT_BYTES
        if self.unrecorded_bytes or self._used_bytes + cost > self.max_bytes:
            return False
        self._used_bytes += cost
        self._events.append(event)
        return True

    def _all(self) -> Sequence[Record]:
        while self._looked_at < len(self._events):
            event = self._events[self._looked_at]
            self._looked_at += 1  # first, or an interrupt while looking would have the event dissected twice
            for record in self._dissect(event):
                self._dissected.append(record)
                if len(self._dissected) == MAX_RECORDS:
                    self._dissect_no_more()
        return self._dissected

    def _dissect(self, event: Event) -> Iterable[Record]:
        if event.connection not in self._dissectors:
            self._dissectors[event.connection] = Dissector(event.connection, self._budget)
            if len(self._dissected) >= MAX_RECORDS:
                self._dissect_no_more()
        dissector = self._dissectors[event.connection]
        if event.end is None:
            return dissector.data(event.sender, event.data, event.time_s)
        return dissector.end(event.sender, event.end, event.time_s, event.note)

    def _dissect_no_more(self) -> None:
        """Bound the memory: a frame of 2 bytes takes hundreds as a record. What follows is one record an event."""
        for dissector in self._dissectors.values():
            dissector.give_up(f"not dissected: {MAX_RECORDS} records come before it")

    def _footnote(self) -> str:
        if not self.unrecorded_bytes:
            return ""
        return f"The tape is full ({self.max_bytes} bytes): {self.unrecorded_bytes} more bytes passed unrecorded."
