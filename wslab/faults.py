"""Own the faults: what a tap can do to the connections through it, in Toxiproxy's terms.

A fault is only a description. `Tap.fault` and `Tap.add` bring it about, in one direction: "downstream", towards the
client, which is Toxiproxy's default too, or "upstream", towards the server. What Toxiproxy documents and does is cited
from its README and source, version 2 (github.com/Shopify/toxiproxy); times here are in seconds and sizes in bytes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from .errors import FaultError

__all__ = [
    "Bandwidth",
    "Down",
    "Fault",
    "Latency",
    "LimitData",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Stream",
    "Timeout",
]

Stream = Literal["upstream", "downstream"]
"""A direction: "upstream" is what the client sends, "downstream" what the server sends."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Base of the faults; all are values that compare equal when their parameters do.

    Attributes:
        name: What Toxiproxy calls it.
    """

    name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Delay all that passes: data, FIN and RST (Toxiproxy: latency).

    Each piece waits from when it came, so throughput stays, and order is kept whatever the jitter. Removed, it lets
    go at once of what waits. A long latency that is removed is an outage that heals: nothing is lost.

    Args:
        latency_s: How long, in seconds, at least 0.
        jitter_s: How much more or less, evenly spread, in seconds; no delay falls below 0.

    Example:
        with tap.fault(Latency(0.2, jitter_s=0.05)):
            ...
    """

    name = "latency"
    latency_s: float
    jitter_s: float = 0

    def __post_init__(self) -> None:
        _check_seconds(self)


@dataclass(frozen=True, slots=True)
class Bandwidth(Fault):
    """Let only so many bytes pass in a second, on each connection (Toxiproxy: bandwidth).

    What is too much waits at the tap, up to 64 KiB; then whoever sends is made to wait.

    Args:
        rate_bytes_s: Bytes per second, above 0. Toxiproxy's rate is in KB/s, and its 0 means no limit.
    """

    name = "bandwidth"
    rate_bytes_s: float

    def __post_init__(self) -> None:
        if not _is_number(self.rate_bytes_s) or self.rate_bytes_s <= 0:
            raise FaultError(f"rate_bytes_s is {self.rate_bytes_s!r}", "a number of bytes per second, above 0")


@dataclass(frozen=True, slots=True)
class Timeout(Fault):
    """Let nothing pass, then close: a black hole (Toxiproxy: timeout).

    What is sent meanwhile is lost, FIN and RST as well, so that nobody notices anything. When the time is over, both
    sockets are closed with a FIN. A connection that has lost anything is closed when the fault is removed too, since
    TCP never leaves a hole in a stream and goes on. Toxiproxy closes every connection then, lets a FIN through, and
    begins to count anew with all that comes; here the time runs from when the fault begins on a connection.

    Args:
        timeout_s: After how long to close, in seconds; 0: never.
    """

    name = "timeout"
    timeout_s: float

    def __post_init__(self) -> None:
        _check_seconds(self)


@dataclass(frozen=True, slots=True)
class ResetPeer(Fault):
    """Close both sockets with an RST (Toxiproxy: reset_peer).

    It has no direction: stream makes no difference. Until the time is over everything passes; new connections are
    reset as well. Toxiproxy waits for data first and passes on none of it, and closes with a FIN what was open before.

    Args:
        timeout_s: After how long, in seconds; 0: at once.
    """

    name = "reset_peer"
    timeout_s: float = 0

    def __post_init__(self) -> None:
        _check_seconds(self)


@dataclass(frozen=True, slots=True)
class Slicer(Fault):
    """Cut data into small pieces, each written by itself (Toxiproxy: slicer).

    Nagle's algorithm is off, so each piece is a TCP segment; a reader that is slow still finds several at once.

    Args:
        average_bytes: The size of a piece in bytes, at least 1.
        variation_bytes: How much more or less, evenly spread, in bytes; smaller than the average.
        delay_s: How long to wait after each piece, in seconds. Toxiproxy counts microseconds here.
    """

    name = "slicer"
    average_bytes: int
    variation_bytes: int = 0
    delay_s: float = 0

    def __post_init__(self) -> None:
        _check_seconds(self)
        _check_count("average_bytes", self.average_bytes, 1)
        _check_count("variation_bytes", self.variation_bytes, 0)
        if self.variation_bytes >= self.average_bytes:
            happened = f"variation_bytes is {self.variation_bytes} and average_bytes {self.average_bytes}"
            raise FaultError(happened, "a variation below the average, or a piece could be empty")


@dataclass(frozen=True, slots=True)
class LimitData(Fault):
    """Let exactly so many bytes of a connection pass, then close it (Toxiproxy: limit_data).

    The receiver gets these bytes and a FIN. Counting begins when the fault begins on a connection.

    Args:
        limit_bytes: How many, at least 0; 0 closes when the first byte comes.
    """

    name = "limit_data"
    limit_bytes: int

    def __post_init__(self) -> None:
        _check_count("limit_bytes", self.limit_bytes, 0)


@dataclass(frozen=True, slots=True)
class SlowClose(Fault):
    """Hold back the end of a direction, FIN or RST, but no data (Toxiproxy: slow_close).

    Args:
        delay_s: For how long, in seconds.
    """

    name = "slow_close"
    delay_s: float

    def __post_init__(self) -> None:
        _check_seconds(self)


@dataclass(frozen=True, slots=True)
class Down(Fault):
    """Be gone: close all connections with a FIN, refuse new ones until removed, then listen on the same port again.

    A client that connects meanwhile gets ECONNREFUSED, as from any port on which nobody listens. It strikes the tap
    and no single connection: stream makes no difference, and toxicity has to be 1. Toxiproxy has no such toxic;
    its README calls this state down, and its proxies are brought there with `enabled`.
    """

    name = "down"


def _check_seconds(fault: Fault) -> None:
    for field in fields(fault):
        value = getattr(fault, field.name)
        if field.name.endswith("_s") and not (_is_number(value) and value >= 0):
            raise FaultError(f"{field.name} is {value!r}", "a number of seconds, at least 0")


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise FaultError(f"{name} is {value!r}", f"a whole number of bytes, at least {least}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
