"""Measure the styles of a server: round trips, and one message to a thousand clients; plain websockets is 1.

For the table every server is a process of its own, and so are the originals of tests/peers where they are built. Its
times are of the clock on the wall, because only that is the same for all of them; the client is the same for all, bare
sockets, so that almost all of the time is the server's. In a round trip client and server wait for each other, so both
run on one core: on two, what is measured is how fast the system wakes the other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import selectors
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from websockets.asyncio.client import connect
from websockets.frames import PING, PONG, TEXT

from wslab import originals
from wslab.file_limit import make_room
from wslab.frames import WireFrame, encode
from wslab.table import Table

from .echo import round_trips
from .readers import REQUEST, opened
from .rounds import Comparison, compare
from .style_servers import STYLES

ROUND_TRIPS = 400
CLIENTS = 1000
BROADCASTS = 5
ROUNDS = 15
PATIENCE_S = 30
KEY = bytes.fromhex("37fa213d")
MESSAGE = b"x" * 100
PLAIN = "Python, plain"

FOOTNOTE = (
    "plain is broadcast() of websockets, which makes the frame anew for each connection. A hub makes it once, and so "
    "do an address and a receiver that pass on; where there is room they write at once. Where a task is woken for each "
    "client, as for a queue, or for a hook that chooses what to send, that costs about as much as the writing: the "
    "floor of these is plain with a queue and a task each."
)

Command = tuple[str, ...]


def commands() -> dict[str, Command]:
    """Name the servers that can be measured here: the styles, and what is built of the originals."""
    found: dict[str, Command] = {
        f"Python, {style}": (sys.executable, "-m", "benchmarks.style_servers", style) for style in STYLES
    }
    for name in filter(originals.is_built, originals.NAMES):
        language = "Node" if name == "node" else "Rust"
        found[f"{language}, {name}"] = tuple(map(str, originals.command(name)))
    return found


@contextlib.asynccontextmanager
async def running(command: Command) -> AsyncIterator[int]:
    """Run a server; give the port that it prints, and end it by closing its stdin."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield int(await process.stdout.readline())
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def request(path: str) -> bytes:
    """Ask for a connection."""
    return f"{REQUEST}\r\n".replace("GET / ", f"GET {path} ").encode()


def echoes_per_second(connection: socket.socket) -> float:
    """Measure round trips a second."""
    frame, answer = encode(WireFrame(TEXT, MESSAGE, masking_key=KEY)), len(encode(WireFrame(TEXT, MESSAGE)))
    start_s = time.perf_counter()
    for _ in range(ROUND_TRIPS):
        connection.sendall(frame)
        received = 0
        while received < answer:
            received += len(connection.recv(answer - received))
    return ROUND_TRIPS / (time.perf_counter() - start_s)


@dataclass
class Audience:
    """Clients that all get what one of them says."""

    connections: list[socket.socket]
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        for connection in self.connections:
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ)

    def deliveries_per_second(self) -> float:
        """Say something several times, each time until all have heard it."""
        start_s = time.perf_counter()
        for _ in range(BROADCASTS):
            self.connections[0].send(encode(WireFrame(TEXT, MESSAGE, masking_key=KEY)))
            self.hear()
        return BROADCASTS * len(self.connections) / (time.perf_counter() - start_s)

    def hear(self) -> None:
        """Read one message at every client."""
        missing_bytes = len(self.connections) * len(encode(WireFrame(TEXT, MESSAGE)))
        while missing_bytes:
            events = self.selector.select(PATIENCE_S)
            if not events:
                raise TimeoutError(f"{missing_bytes} bytes were not delivered")
            for key, _ in events:
                missing_bytes -= len(key.fileobj.recv(65536))  # type: ignore[union-attr]

    def close(self) -> None:
        """Leave, all at once."""
        self.selector.close()
        for connection in self.connections:
            connection.close()


async def measure() -> AsyncIterator[Comparison]:
    """Compare round trips of the actor and the filter style with a plain handler's, all in this process."""
    trips = partial(compare, unit="round trips/s", rounds=21, target=0.8)
    async with AsyncExitStack() as stack:
        clients = {}
        for style, start in STYLES.items():
            server = await stack.enter_async_context(start())
            clients[style] = await stack.enter_async_context(connect(f"{server.url}echo", compression=None, proxy=None))
        for style in ("actor, an address each", "filter, a receiver and a task each"):
            subject, baseline = (partial(round_trips, clients[each]) for each in (style, "plain"))
            yield await trips(f"echo: {style.partition(',')[0]} style / plain handler", subject, baseline)


async def tables() -> list[Table]:
    """Compare all servers from outside: rounds in turn, each server in each round; medians."""
    make_room(CLIENTS)
    with one_core():
        echoes = await in_turn(echo_round, ROUNDS)
    deliveries = await in_turn(fan_out_round, ROUNDS)
    rows = [[name, *shown(echoes, name), *shown(deliveries, name)] for name in commands()]
    headings = ["server", "round trips/s", "plain = 1", f"deliveries/s to {CLIENTS:,}", "plain = 1"]
    return [Table(headings, rows, "Styles and originals, each in a process of its own, from outside", FOOTNOTE)]


def echo_round(port: int) -> float:
    """Measure the echo on a new connection, after some round trips that warm up."""
    with contextlib.closing(opened(port, request("/echo"))) as connection:
        echoes_per_second(connection)
        return echoes_per_second(connection)


def fan_out_round(port: int) -> float:
    """Measure the fan-out to a new audience, after some messages that warm up."""
    connections = [joined(port) for _ in range(CLIENTS)]
    with contextlib.closing(Audience(connections)) as audience:
        audience.deliveries_per_second()
        return audience.deliveries_per_second()


def joined(port: int) -> socket.socket:
    """Connect to the room. Some servers answer 101 first and join it then; none answers a ping before that."""
    connection = opened(port, request("/broadcast"))
    connection.sendall(encode(WireFrame(PING, b"", masking_key=KEY)))
    if (pong := connection.recv(2)) != encode(WireFrame(PONG, b"")):
        raise RuntimeError(f"no pong, but {pong!r}")
    return connection


async def in_turn(measure_round: Callable[[int], float], rounds: int) -> dict[str, list[float]]:
    """Run all servers, and measure them in turn by their ports; who goes first changes with the round."""
    async with AsyncExitStack() as stack:
        found = commands()
        ports = {name: await stack.enter_async_context(running(command)) for name, command in found.items()}
        rates: dict[str, list[float]] = {name: [] for name in found}
        names = itertools.cycle(found)
        for _ in range(rounds):
            for name in itertools.islice(names, len(found)):
                rates[name].append(measure_round(ports[name]))
            next(names)
    return rates


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those that it starts, on one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def shown(rates: dict[str, list[float]], name: str) -> tuple[str, str]:
    """Give the median rate, and the median of each round's ratio to the plain handler."""
    ratios = [rate / plain for rate, plain in zip(rates[name], rates[PLAIN], strict=True)]
    return f"{statistics.median(rates[name]):,.0f}", f"{statistics.median(ratios):.2f}"


async def report() -> None:
    """Print both."""
    async for comparison in measure():
        print(*comparison.row())
    for table in await tables():
        print(table)


if __name__ == "__main__":
    asyncio.run(report())
