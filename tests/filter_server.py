"""The paths of tests/peers/README.md in the filter style: routes of filters; a connection is a sink and a stream.

The channel keeps the last messages once, whoever has yet to read them. The task of a client that does not read waits in
its sink; once more messages have come than the channel keeps, it has lagged and goes on with the oldest that is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError

from wslab import filters
from wslab.channel import Channel, Receiver
from wslab.errors import Lagged
from wslab.filters import Sink, path, ws
from wslab.servers import serve

KEPT_MESSAGES = 64

Room = Channel[str | bytes]


async def echo(websocket: ServerConnection) -> None:
    sink, stream = filters.split(websocket)
    with suppress(ConnectionClosedError):  # any code but 1000 and 1001, or none at all
        await filters.forward(stream, sink)


async def broadcast(websocket: ServerConnection, room: Room) -> None:
    sink, stream = filters.split(websocket)
    with room.subscribe() as receiver, suppress(ConnectionClosedError):
        hearing = asyncio.create_task(hear(receiver, sink))
        try:
            async for message in stream:
                if message == "count":
                    await sink.send(str(room.receiver_count))
                else:
                    room.send(message)
                    await asyncio.sleep(0)  # more may have come already, and those who listen must not lag for that
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def hear(receiver: Receiver[str | bytes], sink: Sink) -> None:
    while True:
        with suppress(Lagged):  # the next turn goes on with the oldest that is kept
            await filters.forward(receiver, sink)


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    room = Room(KEPT_MESSAGES)  # one for all: made in a map, each connection would be alone in its own
    routes = (path("echo") & ws()).on_upgrade(echo) | (path("broadcast").map(lambda: room) & ws()).on_upgrade(broadcast)
    # Only pages of this machine are let in: the default of wslab.serve.
    async with serve(**filters.server_options(routes), compression=None) as server:
        yield server.url.rstrip("/")
