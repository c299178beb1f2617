"""Own the chaos: one random fault after another on a tap, each held for a short time, and a wait until things go on."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .chaos_log import ChaosLog, Strike
from .errors import AnswerTimeoutError, WslabError
from .faults import Bandwidth, Down, Fault, Latency, LimitData, ResetPeer, Slicer, Stream, Timeout
from .tap import Tap

__all__ = ["KINDS", "ChaosLog", "Strike", "chaos"]

POLL_S = 0.001
_STREAMS: tuple[Stream, ...] = ("upstream", "downstream")


class _Draw(NamedTuple):
    fault: Fault
    stream: Stream
    hold_s: float


def _latency(chance: random.Random) -> tuple[Fault, float]:
    return Latency(chance.uniform(0.005, 0.03), jitter_s=chance.uniform(0, 0.01)), chance.uniform(0.01, 0.05)


def _bandwidth(chance: random.Random) -> tuple[Fault, float]:
    return Bandwidth(chance.uniform(2_000, 50_000)), chance.uniform(0.01, 0.05)


def _timeout(chance: random.Random) -> tuple[Fault, float]:
    if chance.random() < 0.25:  # a black hole that lasts, so that only keepalive notices it
        return Timeout(0), chance.uniform(0.2, 0.4)
    timeout_s = chance.uniform(0.002, 0.03)
    return Timeout(timeout_s), timeout_s + chance.uniform(0, 0.02)


def _reset_peer(chance: random.Random) -> tuple[Fault, float]:
    timeout_s = chance.uniform(0, 0.02)
    return ResetPeer(timeout_s), timeout_s + chance.uniform(0, 0.02)


def _slicer(chance: random.Random) -> tuple[Fault, float]:
    average_bytes = chance.randint(2, 40)
    variation_bytes = chance.randint(0, average_bytes - 1)
    return Slicer(average_bytes, variation_bytes, chance.uniform(0, 0.001)), chance.uniform(0.01, 0.05)


def _limit_data(chance: random.Random) -> tuple[Fault, float]:
    return LimitData(chance.randint(0, 1000)), chance.uniform(0.005, 0.04)


def _down(chance: random.Random) -> tuple[Fault, float]:
    return Down(), chance.uniform(0.002, 0.05)


# Each chooses a fault and how long to hold it, in seconds: at least for as long as the fault needs to strike.
# SlowClose is not among them, because nobody closes while chaos runs.
_CHOICES: dict[type[Fault], Callable[[random.Random], tuple[Fault, float]]] = {
    Latency: _latency,
    Bandwidth: _bandwidth,
    Timeout: _timeout,
    ResetPeer: _reset_peer,
    Slicer: _slicer,
    LimitData: _limit_data,
    Down: _down,
}
KINDS = tuple(_CHOICES)
"""The kinds of fault that chaos can draw."""


async def chaos(
    tap: Tap,
    progress: Callable[[], int],
    *,
    count: int = 200,
    seed: int = 0,
    kinds: Sequence[type[Fault]] = KINDS,
    timeout_s: float = 10.0,
) -> ChaosLog:
    """Inject random faults into a tap, one after another, and wait after each until there is progress again.

    Something has to make progress meanwhile: let messages flow through the tap in a task.

    Args:
        tap: An open tap.
        progress: How much has come through so far, such as the number of messages received.
        count: How many faults.
        seed: What draws the kinds, their parameters, directions and durations.
        kinds: Of which kinds, each as often as the others; all that there are by default.
        timeout_s: How long to wait for progress after each fault, in seconds.

    Returns:
        What was injected, and how long each recovery took.

    Raises:
        AnswerTimeoutError: There was no progress in time; it names the fault, its number and the seed.
        WslabError: An argument makes no sense.

    Example:
        log = await wslab.chaos(tap, lambda: len(received), count=200)
        log.table()
    """
    if not kinds or not set(kinds) <= set(KINDS):
        raise WslabError(f"kinds is {kinds!r}", f"some of {', '.join(kind.__name__ for kind in KINDS)}")
    if not isinstance(count, int) or count < 0 or not timeout_s > 0:  # NaN is not greater
        raise WslabError(f"count is {count!r}, timeout_s {timeout_s!r}", "a number of faults, and of seconds above 0")
    log = ChaosLog(seed)
    for draw in itertools.islice(_draws(random.Random(seed), kinds), count):
        try:
            log.append(await _strike(tap, progress, draw, timeout_s))
        except TimeoutError:
            happened = f"progress after fault {len(log) + 1} of seed {seed}, {draw.fault} {draw.stream},"
            raise AnswerTimeoutError(happened, timeout_s) from None
    return log


def _draws(chance: random.Random, kinds: Sequence[type[Fault]]) -> Iterator[_Draw]:
    """Draw without end: all kinds in a random order, then all in another one."""
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            fault, hold_s = _CHOICES[kind](chance)
            yield _Draw(fault, chance.choice(_STREAMS), hold_s)


async def _strike(tap: Tap, progress: Callable[[], int], draw: _Draw, timeout_s: float) -> Strike:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with tap.fault(draw.fault, stream=draw.stream):
        await asyncio.sleep(draw.hold_s)
    held_s, before = loop.time() - began_s, progress()
    async with asyncio.timeout(timeout_s):
        while progress() <= before:  # noqa: ASYNC110 - whatever makes progress knows nothing of this
            await asyncio.sleep(POLL_S)
    return Strike(draw.fault, draw.stream, held_s, loop.time() - began_s)
