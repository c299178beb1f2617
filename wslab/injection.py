"""Own the injection of faults into a tap: which are at work, and on which connections each of them begins and ends."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import random
from collections.abc import Callable, Collection
from typing import ParamSpec

from .active_fault import ActiveFault
from .door import Door
from .errors import FaultError
from .faults import Down, Fault, Stream
from .own_loop import check_loop
from .relay import Relay

__all__ = ["Injection"]

P = ParamSpec("P")


class Injection:
    """The faults of one tap.

    Args:
        door: Where its clients come in.
        relays: Its present connections, whichever these are at a time.
        seed: What decides by chance; drawn if None.

    Attributes:
        active: The faults at work, in the order in which they were added.
        loop: Where the tap runs, once it is open.
    """

    def __init__(self, door: Door, relays: Collection[Relay], seed: int | None) -> None:
        self.active: list[ActiveFault] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self._door, self._relays = door, relays
        self._seed = random.randrange(2**32) if seed is None else seed
        self._numbers = itertools.count(1)

    def add(self, fault: Fault, stream: Stream, toxicity: float) -> ActiveFault:
        """Begin on all connections, present and future."""
        check_loop(self.loop, "tap.add", FaultError)
        active = ActiveFault(fault, stream, toxicity, f"{self._seed} {next(self._numbers)}")
        self.active.append(active)
        if isinstance(fault, Down):
            self._door.shut()
        for relay in list(self._relays):
            _outside_cells(active.strike, relay)
        return active

    def remove(self, active: ActiveFault) -> None:
        """End on all connections."""
        if active not in self.active:
            raise FaultError(f"{active!r} is not at work on this tap", "what tap.add returned", "look at tap.faults")
        check_loop(self.loop, "tap.remove", FaultError)
        self.active.remove(active)
        _outside_cells(active.lift)
        if isinstance(active.fault, Down) and not any(isinstance(other.fault, Down) for other in self.active):
            self._door.reopen()

    def clear(self) -> None:
        """End all of them, and leave the door as it is."""
        while self.active:
            _outside_cells(self.active.pop(0).lift)

    def strike(self, relay: Relay) -> None:
        """Begin on a new connection."""
        for active in self.active:
            active.strike(relay)

    def forget(self, relay: Relay) -> None:
        """Drop a connection that has ended."""
        for active in self.active:
            active.forget(relay)


def _outside_cells(call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call in an empty context, so that nothing that happens later belongs to the cell that asked for it."""
    contextvars.Context().run(call, *args, **kwargs)
