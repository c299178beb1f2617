"""Own a fault at work: which connections it strikes, what it does to them, and how that is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random

from .errors import FaultError
from .faults import Bandwidth, Down, Fault, Latency, LimitData, ResetPeer, Slicer, SlowClose, Stream, Timeout
from .leg import Leg
from .line import Stage
from .pacing import pace_of
from .relay import Relay
from .stages import BlackHole, Limit, Paced

__all__ = ["ActiveFault"]


class ActiveFault:
    """A fault at work on a tap, made by `Tap.add` and `Tap.fault`.

    Attributes:
        fault: What it does.
        stream: In which direction.
        toxicity: Which share of the connections it strikes, from 0 to 1.
        strikes: How often it has done something: cut a connection, made bytes wait, lost some.
    """

    def __init__(self, fault: Fault, stream: Stream, toxicity: float, seed: str) -> None:
        _check(fault, stream, toxicity)
        self.fault = fault
        self.stream: Stream = stream
        self.toxicity = toxicity
        self.strikes = 0
        self._seed = seed
        self._struck = asyncio.Event()
        self._harms: dict[Relay, _Harm] = {}

    async def struck(self) -> None:
        """Wait until it has done something."""
        await self._struck.wait()

    def strike(self, relay: Relay) -> None:
        """Begin on one connection, or spare it; the same seed decides the same."""
        random = Random(f"{self._seed} {self.stream} {relay.number}")
        if random.random() < self.toxicity and not relay.over:
            harm = self._harms[relay] = _Harm(relay, relay.source(self.stream), self._count)
            harm.begin(self.fault, random)

    def lift(self) -> None:
        """Stop on every connection."""
        while self._harms:
            self._harms.popitem()[1].undo()

    def forget(self, relay: Relay) -> None:
        """Drop a connection that has ended."""
        if relay in self._harms:
            self._harms.pop(relay).cancel()

    def _count(self) -> None:
        self.strikes += 1
        self._struck.set()

    def __repr__(self) -> str:
        where = "" if isinstance(self.fault, ResetPeer | Down) else f" {self.stream}"
        return f"<{self.fault}{where}{'' if self.toxicity == 1 else f', toxicity {self.toxicity:g}'}>"


class _Harm:
    """What one fault does to one connection."""

    def __init__(self, relay: Relay, leg: Leg, count: Callable[[], None]) -> None:
        self._relay, self._leg, self._count = relay, leg, count
        self._stage: Stage | None = None
        self._countdown: asyncio.TimerHandle | None = None

    def begin(self, fault: Fault, random: Random) -> None:
        match fault:
            case Latency() | Bandwidth() | Slicer() | SlowClose():
                self._add(Paced(pace_of(fault, random), self._leg.pace_reading, self._count))
            case LimitData():
                self._add(Limit(fault.limit_bytes, partial(self._end, fault)))
            case Timeout():
                self._add(BlackHole(self._count, partial(self._end, fault)))
                self._end_after(fault.timeout_s or None, fault)
            case ResetPeer():
                self._end_after(fault.timeout_s, fault)
            case Down():
                self._end(fault)

    def undo(self) -> None:
        self.cancel()
        if self._stage is not None:
            self._leg.heal(self._stage)

    def cancel(self) -> None:
        if self._countdown is not None:
            self._countdown.cancel()

    def _add(self, stage: Stage) -> None:
        self._stage = stage
        self._leg.harm(stage)

    def _end_after(self, time_s: float | None, fault: Fault) -> None:
        if time_s == 0:
            self._end(fault)
        elif time_s is not None:
            self._countdown = asyncio.get_running_loop().call_later(time_s, self._end, fault)

    def _end(self, fault: Fault) -> None:
        if not self._relay.over:
            self._count()
            self._relay.break_off(fault.name, reset=isinstance(fault, ResetPeer))


def _check(fault: object, stream: object, toxicity: object) -> None:
    if not isinstance(fault, Fault):
        raise FaultError(f"{fault!r} is not a fault", "one of wslab.faults", "for example tap.fault(Latency(0.2))")
    if stream not in ("upstream", "downstream"):
        raise FaultError(f"stream is {stream!r}", '"upstream", towards the server, or "downstream", to the client')
    if not isinstance(toxicity, int | float) or not 0 <= toxicity <= 1:
        raise FaultError(f"toxicity is {toxicity!r}", "the share of connections to strike, from 0 to 1")
    if isinstance(fault, Down) and toxicity != 1:
        raise FaultError(f"Down has a toxicity of {toxicity!r}", "1: it strikes the tap and no single connection")
