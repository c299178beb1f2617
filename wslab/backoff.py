"""Own the backoff: how long to wait before each attempt to connect again."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from math import inf

from .errors import WslabError

__all__ = ["Backoff"]

LEAST_S = 0.001
"""Without any pause a client that is refused at once would hammer the server."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Randomised exponential backoff: wait any time up to a bound that grows with each failure (RFC 6455, 7.2.3).

    The RFC asks for a random first delay, so that clients that were lost together do not come back together, and for
    increasingly longer ones after it. Here every delay is random, from zero to its bound ("full jitter"). websockets'
    own `backoff` randomises the first delay only (0 to 5 s), then waits 3.1 s, 5.0 s and so on to 90 s.

    Attributes:
        initial_s: Bound of the first delay, in seconds.
        factor: How many times longer each bound is than the one before.
        max_s: What no bound exceeds, in seconds.
        jitter: Whether to randomise; without it each delay is its bound.
        seed: What makes the random delays repeat from run to run. Clients that share a seed come back together:
            leave it out except in tests.

    Raises:
        WslabError: A number that makes no sense here.

    Example:
        async for websocket in connect(url, reconnect_delays=Backoff().delays):
            ...
    """

    initial_s: float = 0.5
    factor: float = 2
    max_s: float = 30
    jitter: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        _check("initial_s", self.initial_s, LEAST_S, f"{LEAST_S:g} s")
        _check("factor", self.factor, 1, "1, so that delays do not shrink")
        _check("max_s", self.max_s, self.initial_s, f"initial_s, {self.initial_s:g} s")

    def bounds(self) -> Generator[float, None, None]:
        """Give the longest possible delay before each attempt, in seconds, without end."""
        bound_s = float(self.initial_s)
        while True:
            yield bound_s
            bound_s = min(self.max_s, bound_s * self.factor)  # a power would overflow after a thousand failures

    def delays(self) -> Generator[float, None, None]:
        """Give the delay before each attempt, in seconds, without end: `connect` takes this as `reconnect_delays`."""
        chance = random.Random(self.seed)
        for bound_s in self.bounds():
            yield chance.uniform(0, bound_s) if self.jitter else bound_s


def _check(name: str, given: object, least: float, expected: str) -> None:
    if not (isinstance(given, int | float) and least <= given < inf):
        raise WslabError(f"{name} is {given!r}", f"a finite number, at least {expected}")
