"""Own the stages of a line: what holds bytes back, what lets a number of them pass, what swallows all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .line import Ending, Item
from .pacing import Pace, Piece

__all__ = ["BlackHole", "Limit", "Paced"]

_ITEM_BYTES = 200  # what Python needs to remember one item, however short


class Paced:
    """Let pieces pass when their pace says so.

    Args:
        pace: Cuts them and says when.
        on_change: Called when more or less waits than before.
        on_strike: Called when something has to wait.
    """

    emit: Callable[[Item], None]

    def __init__(self, pace: Pace, on_change: Callable[[], None], on_strike: Callable[[], None]) -> None:
        self.full = False
        self._pace, self._on_change, self._on_strike = pace, on_change, on_strike
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, Item]] = deque()
        self._waiting_bytes = 0
        self._passed_bytes = 0  # of the first item
        self._piece: Piece | None = None
        self._timer: asyncio.Handle | None = None

    def put(self, item: Item) -> None:
        """Queue, behind what came before."""
        self._queue.append((self._loop.time(), item))
        self._waiting_bytes += _size_bytes(item) + _ITEM_BYTES
        if self._timer is None:
            self._go()
        if self._queue:
            self._on_strike()
        self._weigh()

    def flush(self) -> None:
        """Pass on all of the queue."""
        while self._queue:
            self._pass(_size_bytes(self._queue[0][1]) - self._passed_bytes)
        self.stop()

    def stop(self) -> None:
        """Empty the queue."""
        if self._timer is not None:
            self._timer.cancel()
        self._queue.clear()
        self._waiting_bytes = 0
        self._weigh()

    def _go(self) -> None:
        self._timer = None
        while self._queue and self._timer is None:
            came_s, item = self._queue[0]
            self._piece = self._piece or self._pace.piece(came_s, _size_bytes(item) - self._passed_bytes)
            if self._piece.due_s > self._loop.time():
                self._timer = self._loop.call_at(self._piece.due_s, self._go)
                return
            self._pass(self._piece.size_bytes)
            if self._pace.apart:  # a timer comes after the readers of its round; call_soon would come before them
                self._timer = self._loop.call_later(0, self._go)
        self._weigh()

    def _pass(self, size_bytes: int) -> None:
        item, begin, self._piece = self._queue[0][1], self._passed_bytes, None
        self._passed_bytes += size_bytes
        self._waiting_bytes -= size_bytes
        if self._passed_bytes == _size_bytes(item):
            self._queue.popleft()
            self._waiting_bytes -= _ITEM_BYTES
            self._passed_bytes = 0
        self.emit(item if callable(item) else item[begin : begin + size_bytes])

    def _weigh(self) -> None:
        room_bytes = self._pace.room_bytes
        full = self._waiting_bytes > (room_bytes // 2 if self.full else room_bytes)
        if full != self.full:
            self.full = full
            self._on_change()


class Limit:
    """Let a number of bytes pass, then the ending.

    Args:
        limit_bytes: How many.
        ending: What comes after them.
    """

    emit: Callable[[Item], None]
    full = False

    def __init__(self, limit_bytes: int, ending: Ending) -> None:
        self._left_bytes, self._ending = limit_bytes, ending

    def put(self, item: Item) -> None:
        """Pass on what is within the limit; behind the ending nothing matters."""
        if callable(item):
            self.emit(item)
            return
        if passing := item[: self._left_bytes]:
            self._left_bytes -= len(passing)
            self.emit(passing)
        if not self._left_bytes:
            self.emit(self._ending)

    def flush(self) -> None:
        """Do nothing: nothing waits here."""

    def stop(self) -> None:
        """Do nothing: nothing waits here."""


class BlackHole:
    """Let nothing pass.

    Args:
        on_strike: Called when something is lost.
        ending: What comes when the hole is taken away, if anything has been lost.
    """

    emit: Callable[[Item], None]
    full = False

    def __init__(self, on_strike: Callable[[], None], ending: Ending) -> None:
        self._lost = False
        self._on_strike, self._ending = on_strike, ending

    def put(self, item: Item) -> None:
        """Lose it."""
        self._lost = True
        self._on_strike()

    def flush(self) -> None:
        """Pass on the ending, if anything has been lost."""
        if self._lost:
            self.emit(self._ending)

    def stop(self) -> None:
        """Do nothing: nothing waits here."""


def _size_bytes(item: Item) -> int:
    return 0 if callable(item) else len(item)
