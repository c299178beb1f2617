"""Own the pace of a harmed direction: how large its next piece is, and when that may pass; order is always kept."""

from __future__ import annotations

import math
from random import Random
from typing import ClassVar, NamedTuple, Protocol

from .faults import Bandwidth, Latency, Slicer, SlowClose

LATENCY_ROOM_BYTES = 4 * 2**20
"""How much may be under way through a latency: a long wire holds a lot."""
ROOM_BYTES = 64 * 2**10
_BANDWIDTH_PIECE_S = 0.02


class Piece(NamedTuple):
    """What passes next, and when, on the clock that told when it came."""

    size_bytes: int
    due_s: float


class Pace(Protocol):
    """When the pieces of one direction pass.

    Attributes:
        room_bytes: How much may wait before whoever sends has to wait too.
        apart: Whether no two pieces pass in the same round of the loop.
    """

    room_bytes: ClassVar[int]
    apart: ClassVar[bool]

    def piece(self, came_s: float, size_bytes: int) -> Piece:
        """Cut the next piece off what came first; called once for each piece, in order.

        Args:
            came_s: When it came.
            size_bytes: How much of it is left; 0 for the end of the direction.
        """


class _InOrder:
    room_bytes: ClassVar[int] = ROOM_BYTES
    apart: ClassVar[bool] = False

    def __init__(self) -> None:
        self._free_s = -math.inf  # before this nothing more may pass

    def _from(self, came_s: float) -> float:
        return max(came_s, self._free_s)


class LatencyPace(_InOrder):
    """Each piece waits from when it came, and never overtakes."""

    room_bytes = LATENCY_ROOM_BYTES

    def __init__(self, fault: Latency, random: Random) -> None:
        super().__init__()
        self._fault, self._random = fault, random

    def piece(self, came_s: float, size_bytes: int) -> Piece:
        """Delay the whole of it."""
        jitter_s = self._random.uniform(-self._fault.jitter_s, self._fault.jitter_s)
        self._free_s = self._from(came_s + max(0, self._fault.latency_s + jitter_s))
        return Piece(size_bytes, self._free_s)


class BandwidthPace(_InOrder):
    """A piece takes its size by the rate, and the next begins where it ends."""

    def __init__(self, fault: Bandwidth) -> None:
        super().__init__()
        self._rate_bytes_s = fault.rate_bytes_s
        self._most_bytes = max(1, int(fault.rate_bytes_s * _BANDWIDTH_PIECE_S))

    def piece(self, came_s: float, size_bytes: int) -> Piece:
        """Take what 20 ms let through, at least one byte."""
        size_bytes = min(size_bytes, self._most_bytes)
        self._free_s = self._from(came_s) + size_bytes / self._rate_bytes_s
        return Piece(size_bytes, self._free_s)


class SlicerPace(_InOrder):
    """Cut at places that depend on the seed alone, and at those where what came was cut already."""

    apart = True

    def __init__(self, fault: Slicer, random: Random) -> None:
        super().__init__()
        self._fault, self._random = fault, random
        self._left_bytes = 0

    def piece(self, came_s: float, size_bytes: int) -> Piece:
        """Take up to the next cut; the one after it waits."""
        due_s = self._from(came_s)
        if size_bytes:
            self._free_s = due_s + self._fault.delay_s
            size_bytes = min(size_bytes, self._until_cut())
            self._left_bytes -= size_bytes
        return Piece(size_bytes, due_s)

    def _until_cut(self) -> int:
        average, variation = self._fault.average_bytes, self._fault.variation_bytes
        if not self._left_bytes:
            self._left_bytes = self._random.randint(average - variation, average + variation)
        return self._left_bytes


class SlowClosePace(_InOrder):
    """Only the end waits."""

    def __init__(self, fault: SlowClose) -> None:
        super().__init__()
        self._delay_s = fault.delay_s

    def piece(self, came_s: float, size_bytes: int) -> Piece:
        """Delay an end from when it came."""
        return Piece(size_bytes, came_s if size_bytes else came_s + self._delay_s)


def pace_of(fault: Latency | Bandwidth | Slicer | SlowClose, random: Random) -> Pace:
    """Give a fault's pace for one direction of one connection."""
    match fault:
        case Latency():
            return LatencyPace(fault, random)
        case Bandwidth():
            return BandwidthPace(fault)
        case Slicer():
            return SlicerPace(fault, random)
        case SlowClose():
            return SlowClosePace(fault)
