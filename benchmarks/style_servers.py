"""Own the same server in each style: /echo, and /broadcast to all that are there; a process of its own if run.

It prints its port and ends when its stdin does, as the servers of tests/peers do.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast

from wslab import actors, filters
from wslab.channel import Channel
from wslab.errors import MailboxClosedError, MailboxFullError
from wslab.filters import path, ws
from wslab.hub import Hub
from wslab.listener import Handler
from wslab.mailbox import Address
from wslab.servers import Server, serve

# Clients here just vanish, which websockets logs for a plain handler.
QUIET = logging.getLogger("benchmarks.quiet")
QUIET.disabled = True
# Compression and keepalive are not what is measured here.
OPTIONS: dict[str, Any] = {"compression": None, "ping_interval": None, "logger": QUIET}
KEPT_MESSAGES = 64


async def echo(websocket: ServerConnection) -> None:
    """Send back what comes, in a plain handler."""
    async for message in websocket:
        await websocket.send(message)


def by_path(talk: Handler) -> Handler:
    """Make the plain handler of /echo and of another."""

    async def handler(websocket: ServerConnection) -> None:
        await (echo if websocket.request.path == "/echo" else talk)(websocket)

    return handler


@asynccontextmanager
async def plain() -> AsyncIterator[Server]:
    """Serve with a handler, and a set to which websockets broadcasts."""
    members: set[ServerConnection] = set()

    async def talk(websocket: ServerConnection) -> None:
        members.add(websocket)
        try:
            async for message in websocket:
                broadcast(members, message)
        finally:
            members.discard(websocket)

    async with serve(by_path(talk), **OPTIONS) as server:
        yield server


@asynccontextmanager
async def plain_queues() -> AsyncIterator[Server]:
    """Serve with a handler, and a queue and a task for each client: what the other styles have for each, by hand."""
    members: set[asyncio.Queue[str | bytes]] = set()

    async def send(queue: asyncio.Queue[str | bytes], websocket: ServerConnection) -> None:
        while True:
            await websocket.send(await queue.get())

    async def talk(websocket: ServerConnection) -> None:
        queue: asyncio.Queue[str | bytes] = asyncio.Queue(KEPT_MESSAGES)
        sending = asyncio.create_task(send(queue, websocket))
        members.add(queue)
        try:
            async for message in websocket:
                for member in members:
                    member.put_nowait(message)
        finally:
            members.discard(queue)
            sending.cancel()
            await asyncio.wait({sending})

    async with serve(by_path(talk), **OPTIONS) as server:
        yield server


class Echo(actors.WebSocketActor):
    """Sends back what comes."""

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        """Send back."""
        await ctx.text(text)

    async def on_binary(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        """Send back."""
        await ctx.binary(data)


class Lobby(actors.Actor):
    """Knows who is there: an address joins, leaves, or says something to all."""

    def __init__(self) -> None:
        self.members: set[Address] = set()

    async def handle(self, message: tuple[str, Any], ctx: actors.Context) -> None:
        """Do as the message says."""
        match message:
            case ("join", address):
                self.members.add(address)
            case ("leave", address):
                self.members.discard(address)
            case ("say", said):
                for member in self.members:
                    self.pass_on(member, said)

    def pass_on(self, member: Address, said: str | bytes) -> None:
        """Leave it to one member; stop who is too slow."""
        with suppress(MailboxClosedError):
            try:
                member.do_send(said)
            except MailboxFullError:
                member.stop()


class Chatter(actors.WebSocketActor):
    """Says to the lobby what its client says, and to its client what the lobby says."""

    def __init__(self, lobby: Address) -> None:
        self.lobby = lobby

    async def started(self, ctx: actors.WebSocketContext) -> None:
        """Join."""
        await self.lobby.send(("join", ctx.address))

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        """Say it."""
        await self.lobby.send(("say", text))

    async def stopped(self, ctx: actors.WebSocketContext) -> None:
        """Leave."""
        await self.lobby.send(("leave", ctx.address))


class Choosy(Chatter):
    """Has a hook of its own for what the lobby says, as one that chooses what its client gets to hear."""

    async def handle(self, message: str, ctx: actors.WebSocketContext) -> None:
        """Hear it."""
        await ctx.text(message)


class HubChatter(Echo):
    """Is a member of a hub, which writes to its connection directly."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.membership = AsyncExitStack()

    async def started(self, ctx: actors.WebSocketContext) -> None:
        """Join."""
        await self.membership.enter_async_context(self.hub.join(ctx.websocket))

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        """Say it."""
        await self.hub.broadcast(text)

    async def stopped(self, ctx: actors.WebSocketContext) -> None:
        """Leave."""
        await self.membership.aclose()


def actor_server(talk: Handler) -> Server:
    """Serve an actor a connection."""
    handlers = {"/echo": actors.handler(Echo), "/broadcast": talk}

    async def handler(websocket: ServerConnection) -> None:
        await handlers[websocket.request.path](websocket)

    return serve(handler, **OPTIONS)


@asynccontextmanager
async def actor(chatter: type[Chatter] = Chatter) -> AsyncIterator[Server]:
    """Serve with actors: a lobby leaves each message to each of them."""
    async with Lobby().start() as lobby, actor_server(actors.handler(chatter, lobby)) as server:
        yield server


@asynccontextmanager
async def actor_hub() -> AsyncIterator[Server]:
    """Serve with actors that share a hub."""
    async with actor_server(actors.handler(HubChatter, Hub())) as server:
        yield server


def filter_server(talk: Handler) -> Server:
    """Serve routes."""

    async def echo(websocket: ServerConnection) -> None:
        sink, stream = filters.split(websocket)
        await filters.forward(stream, sink)

    routes = (path("echo") & ws()).on_upgrade(echo) | (path("broadcast") & ws()).on_upgrade(talk)
    return serve(**filters.server_options(routes), **OPTIONS)


@asynccontextmanager
async def filter_() -> AsyncIterator[Server]:
    """Serve with filters: a channel, from which a task for each client forwards to its sink."""
    channel: Channel[str | bytes] = Channel(KEPT_MESSAGES)

    async def talk(websocket: ServerConnection) -> None:
        sink, stream = filters.split(websocket)
        with channel.subscribe() as receiver:
            forwarding = asyncio.create_task(filters.forward(receiver, sink))
            try:
                async for message in stream:
                    channel.send(message)
            finally:
                forwarding.cancel()
                await asyncio.wait({forwarding})

    async with filter_server(talk) as server:
        yield server


@asynccontextmanager
async def filter_hub() -> AsyncIterator[Server]:
    """Serve with filters, and handlers that share a hub."""
    hub = Hub()

    async def talk(websocket: ServerConnection) -> None:
        async with hub.join(websocket):
            async for message in websocket:
                await hub.broadcast(message)

    async with filter_server(talk) as server:
        yield server


STYLES: dict[str, Callable[[], AbstractAsyncContextManager[Server]]] = {
    "plain": plain,
    "plain, a queue and a task each": plain_queues,
    "actor, an address each": actor,
    "actor, an address and a hook each": partial(actor, Choosy),
    "actor, a hub for all": actor_hub,
    "filter, a receiver and a task each": filter_,
    "filter, a hub for all": filter_hub,
}


async def run(style: str) -> None:
    """Serve until stdin ends."""
    async with STYLES[style]() as server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
