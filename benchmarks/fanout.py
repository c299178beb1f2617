"""Measure fan-out: one message to many clients, by the hub, by websockets' own broadcast, and by bare sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Literal

from websockets.asyncio.server import ServerConnection, broadcast

from wslab.frames import TEXT, WireFrame, encode
from wslab.hub import Hub
from wslab.servers import serve

from .readers import readers
from .rounds import Comparison, clock_s, compare

CLIENTS = 1000
BROADCASTS = 10
ROUNDS = 15
MESSAGE = "x" * 100

Send = Callable[[], Awaitable[object]]


@contextlib.asynccontextmanager
async def full_hub(slow: Literal["disconnect", "wait"]) -> AsyncIterator[Hub]:
    """Give a hub with all clients in it, without what would be measured too: compression and keepalive."""
    hub, full = Hub(slow), asyncio.Event()

    async def handler(websocket: ServerConnection) -> None:
        async with hub.join(websocket):
            await websocket.recv()
            if len(hub) == CLIENTS:
                full.set()
            await websocket.wait_closed()

    async with serve(handler, compression=None, ping_interval=None) as server, readers(server.port, CLIENTS):
        await full.wait()
        yield hub


@contextlib.contextmanager
def bare_sockets(connections: list[ServerConnection]) -> Iterator[list[socket.socket]]:
    """Give the sockets of connections as sockets that can send."""
    sockets = [socket.socket(fileno=each.transport.get_extra_info("socket").fileno()) for each in connections]
    try:
        yield sockets
    finally:
        for each in sockets:
            each.detach()


async def deliveries_per_second(send: Send, connections: list[ServerConnection]) -> float:
    """Send to all clients several times; the clock stands while they read what is left."""
    start_s = clock_s()
    for _ in range(BROADCASTS):
        await send()
    seconds = clock_s() - start_s
    # No event tells of an empty buffer.
    while any(each.transport.get_write_buffer_size() for each in connections):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    return BROADCASTS * len(connections) / seconds


async def measure() -> AsyncIterator[Comparison]:
    """Compare the hub with websockets' broadcast, then with the floor: the same bytes, written to the same sockets."""
    fan_out = partial(compare, unit="deliveries/s", rounds=ROUNDS)
    for slow in ("disconnect", "wait"):
        async with full_hub(slow) as hub:
            connections = [member.websocket for member in hub.members()]
            rate = partial(deliveries_per_second, connections=connections)
            by_hub, bare = partial(rate, partial(hub.broadcast, MESSAGE)), partial(rate, bare_broadcast(connections))
            case = f'fan-out to {CLIENTS:,}: Hub("{slow}") / websockets'
            yield await fan_out(case, by_hub, bare, target=0.95 if slow == "disconnect" else 0.9)
            if slow == "disconnect":
                with bare_sockets(connections) as sockets:
                    floor = partial(rate, bare_sends(sockets))
                    yield await fan_out(f"fan-out to {CLIENTS:,}: Hub / bare socket.send", by_hub, floor, target=0.4)


def bare_broadcast(connections: list[ServerConnection]) -> Send:
    """Send as websockets does."""

    async def send() -> None:
        broadcast(connections, MESSAGE)

    return send


def bare_sends(sockets: list[socket.socket]) -> Send:
    """Send the same bytes with one system call a client and nothing else."""
    frame = encode(WireFrame(TEXT, MESSAGE.encode()))

    async def send() -> None:
        for each in sockets:
            each.send(frame)

    return send
