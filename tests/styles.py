"""The same chat in three styles: what test_bad_input.py treats badly.

On /chat, each text or binary message goes to all; "raise" makes the server's own code raise, "pour" makes it send to
this client without end. On /broken, what decides about the request raises. Other paths do not exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import filter_server
from actor_server import Member, Room
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab import actors, filters
from wslab.channel import Channel
from wslab.filters import path, ws
from wslab.hub import Hub
from wslab.servers import Server, serve

QUIET = logging.getLogger("wslab.tests.styles.quiet")
QUIET.disabled = True
OPTIONS: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": 0.2, "logger": QUIET}
BULK = bytes(2**16)


@dataclass
class Place:
    """A chat, and how many it thinks are there."""

    server: Server
    present: Callable[[], int]


def by_path(websocket: ServerConnection, request: Request) -> Response | None:
    if request.path == "/broken":
        raise ValueError("on purpose")
    return None if request.path == "/chat" else websocket.respond(404, "nothing is served on this path\n")


@contextlib.asynccontextmanager
async def plain() -> AsyncIterator[Place]:
    hub = Hub()

    async def chat(websocket: ServerConnection) -> None:
        async with hub.join(websocket):
            async for message in websocket:
                if message == "raise":
                    raise ValueError("on purpose")
                while message == "pour":
                    await websocket.send(BULK)
                await hub.broadcast(message)

    async with serve(chat, process_request=by_path, **OPTIONS) as server:
        yield Place(server, hub.__len__)


class Chatter(Member):
    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        if text == "raise":
            raise ValueError("on purpose")
        while text == "pour":
            await ctx.binary(BULK)
        await super().on_text(text, ctx)


@contextlib.asynccontextmanager
async def actor() -> AsyncIterator[Place]:
    room = Room()
    async with (
        room.start() as address,
        serve(actors.handler(Chatter, address), process_request=by_path, **OPTIONS) as server,
    ):
        yield Place(server, lambda: len(room.members))


def broken(*values: object) -> None:
    raise ValueError("on purpose")


@contextlib.asynccontextmanager
async def filter_() -> AsyncIterator[Place]:
    room: filter_server.Room = Channel(16)

    async def chat(websocket: ServerConnection) -> None:
        sink, stream = filters.split(websocket)
        with room.subscribe() as receiver:
            hearing = asyncio.create_task(filter_server.hear(receiver, sink))
            try:
                async for message in stream:
                    if message == "raise":
                        raise ValueError("on purpose")
                    while message == "pour":
                        await sink.send(BULK)
                    room.send(message)
            finally:
                hearing.cancel()
                await asyncio.wait({hearing})

    routes = (path("chat") & ws()).on_upgrade(chat) | path("broken").map(broken).on_upgrade(chat)
    async with serve(**filters.server_options(routes), **OPTIONS) as server:
        yield Place(server, lambda: room.receiver_count)


STYLES = {"plain": plain, "actor": actor, "filter": filter_}
