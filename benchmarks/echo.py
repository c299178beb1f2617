"""Measure round trips: through `wslab.serve`, and through the tap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as plain_serve

from wslab.servers import serve
from wslab.tap import tap
from wslab.tape import Tape

from .rounds import Comparison, clock_s, compare

ROUND_TRIPS = 600
ROUNDS = 21


async def echo(websocket: ServerConnection) -> None:
    """Send back what comes."""
    async for message in websocket:
        await websocket.send(message)


async def round_trips(websocket: ClientConnection) -> float:
    """Measure round trips a second."""
    start_s = clock_s()
    for _ in range(ROUND_TRIPS):
        await websocket.send("Hello")
        await websocket.recv()
    return ROUND_TRIPS / (clock_s() - start_s)


async def measure() -> AsyncIterator[Comparison]:
    """Compare `wslab.serve` with websockets' own, then the tap with a direct connection."""
    trips = partial(compare, unit="round trips/s", rounds=ROUNDS)
    async with (
        serve(echo) as server,
        plain_serve(echo, "127.0.0.1", 0) as plain,
        connect(server.url) as ours,
        connect(f"ws://127.0.0.1:{plain.sockets[0].getsockname()[1]}") as theirs,
        tap(server, tape=Tape(max_bytes=2**30)) as tapped,
        connect(tapped.url) as through,
    ):
        yield await trips(
            "echo: wslab.serve / websockets.serve",
            partial(round_trips, ours),
            partial(round_trips, theirs),
            target=0.98,
        )
        yield await trips(
            "echo: through the tap / direct", partial(round_trips, through), partial(round_trips, ours), target=0.4
        )
