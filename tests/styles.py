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

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab import actors, filters
from wslab.channel import Channel
from wslab.errors import Lagged, MailboxClosedError, MailboxFullError
from wslab.filters import path, ws
from wslab.hub import Hub
from wslab.mailbox import Address
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


class Lobby(actors.Actor):
    def __init__(self) -> None:
        self.members: set[Address] = set()

    async def handle(self, message: Any, ctx: actors.Context) -> None:
        match message:
            case ("join", address):
                self.members.add(address)
            case ("leave", address):
                self.members.discard(address)
            case ("say", said):
                for member in list(self.members):
                    self.pass_on(member, said)

    def pass_on(self, member: Address, said: str | bytes) -> None:
        try:
            member.do_send(said)
        except MailboxFullError:
            member.stop()
            self.members.discard(member)
        except MailboxClosedError:
            self.members.discard(member)


class Chatter(actors.WebSocketActor):
    def __init__(self, lobby: Address) -> None:
        self.lobby = lobby

    async def started(self, ctx: actors.WebSocketContext) -> None:
        await self.lobby.send(("join", ctx.address))

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        if text == "raise":
            raise ValueError("on purpose")
        while text == "pour":
            await ctx.binary(BULK)
        await self.lobby.send(("say", text))

    async def on_binary(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        await self.lobby.send(("say", data))

    async def handle(self, said: str | bytes, ctx: actors.WebSocketContext) -> None:
        await ctx.websocket.send(said)

    async def stopped(self, ctx: actors.WebSocketContext) -> None:
        await self.lobby.send(("leave", ctx.address))


@contextlib.asynccontextmanager
async def actor() -> AsyncIterator[Place]:
    lobby = Lobby()
    async with (
        lobby.start() as address,
        serve(actors.handler(Chatter, address), process_request=by_path, **OPTIONS) as server,
    ):
        yield Place(server, lambda: len(lobby.members))


async def pass_on(channel: Channel[str | bytes], sink: filters.Sink) -> None:
    with channel.subscribe() as receiver:
        while True:
            with contextlib.suppress(Lagged):
                await filters.forward(receiver, sink)


def broken(*values: object) -> None:
    raise ValueError("on purpose")


@contextlib.asynccontextmanager
async def filter_() -> AsyncIterator[Place]:
    channel: Channel[str | bytes] = Channel(16)

    async def chat(websocket: ServerConnection) -> None:
        sink, stream = filters.split(websocket)
        passing_on = asyncio.create_task(pass_on(channel, sink))
        try:
            async for message in stream:
                if message == "raise":
                    raise ValueError("on purpose")
                while message == "pour":
                    await sink.send(BULK)
                channel.send(message)
        finally:
            passing_on.cancel()
            await asyncio.wait({passing_on})

    routes = (path("chat") & ws()).on_upgrade(chat) | path("broken").map(broken).on_upgrade(chat)
    async with serve(**filters.server_options(routes), **OPTIONS) as server:
        yield Place(server, lambda: channel.receiver_count)


STYLES = {"plain": plain, "actor": actor, "filter": filter_}
