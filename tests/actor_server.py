"""The paths of tests/peers/README.md in the actor style: an actor for each connection, one room that knows them all.

State belongs to one actor, and actors send each other messages. The actor of a client that does not read waits in its
`handle`, so its mailbox fills: the room then stops it, and it is closed with 1000. Nobody waits for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from plain_server import serve_paths

from wslab import actors
from wslab.actors import Address
from wslab.errors import MailboxClosedError, MailboxFullError


@dataclass(frozen=True)
class Join:
    member: Address


@dataclass(frozen=True)
class Leave:
    member: Address


@dataclass(frozen=True)
class Say:
    said: str | bytes


@dataclass(frozen=True)
class Count:
    pass


class Room(actors.Actor[actors.Context]):
    def __init__(self) -> None:
        self.members: set[Address] = set()

    async def handle(self, message: Any, ctx: actors.Context) -> int:
        match message:
            case Join(member):
                self.members.add(member)
            case Leave(member):
                self.members.discard(member)
            case Say(said):
                for member in tuple(self.members):
                    self.pass_on(said, member)
        return len(self.members)

    def pass_on(self, said: str | bytes, member: Address) -> None:
        try:
            member.do_send(said)
        except MailboxClosedError:
            self.members.discard(member)
        except MailboxFullError:
            self.members.discard(member)
            member.stop()


class Echo(actors.WebSocketActor):
    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        await ctx.text(text)

    async def on_binary(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        await ctx.binary(data)


class Member(actors.WebSocketActor):
    mailbox_capacity = 64  # as many members may talk at once: their mail comes while this one waits for the room

    def __init__(self, room: Address) -> None:
        self.room = room

    async def started(self, ctx: actors.WebSocketContext) -> None:
        await self.room.send(Join(ctx.address))

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        if text == "count":
            await ctx.text(str(await self.room.send(Count())))
        else:
            await self.room.send(Say(text))

    async def on_binary(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        await self.room.send(Say(data))

    async def handle(self, said: str | bytes, ctx: actors.WebSocketContext) -> None:
        await ctx.websocket.send(said)

    async def stopped(self, ctx: actors.WebSocketContext) -> None:
        await self.room.send(Leave(ctx.address))


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    async with (
        Room().start() as room,
        serve_paths({"/echo": actors.handler(Echo), "/broadcast": actors.handler(Member, room)}) as server,
    ):
        yield server.url.rstrip("/")
