"""Measure a hub under churn: clients that come and go at random for a minute, and what is left when all have gone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import socket
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection

from wslab.file_limit import make_room
from wslab.hub import Hub, Member
from wslab.servers import serve
from wslab.table import Table

from .memory import resident_bytes

CLIENTS = 500
WARM_UP_S = 10.0
CHURN_S = 50.0
CHECK_EVERY_S = 5.0
BROADCAST_EVERY_S = 0.1
STAY_S = 2.0
SETTLE_S = 10.0
ROOMS = ("birds", "cats", "dogs")
# Without a limit to its queue a client takes the close frame even if it has not read what came before.
OPTIONS = {"compression": None, "max_queue": None, "proxy": None}
HEADINGS = [
    "clients",
    "came and went",
    "registry exact",
    "tasks left",
    "sockets left",
    "connections left",
    "blocks left",
    "KiB grown",
]
# What handlers that fail on purpose log.
QUIET = logging.getLogger("wslab.benchmarks.quiet")
QUIET.disabled = True


async def close(websocket: ClientConnection) -> None:
    """Leave as one should."""
    await websocket.close()


async def vanish(websocket: ClientConnection) -> None:
    """Leave with a FIN and no close frame."""
    websocket.transport.close()


async def reset(websocket: ClientConnection) -> None:
    """Leave with an RST."""
    linger = struct.pack("ii", 1, 0)
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    websocket.transport.abort()


async def break_off(websocket: ClientConnection) -> None:
    """Leave in the middle of a frame."""
    websocket.transport.write(b"\x81\xfe\x01")
    websocket.transport.close()


async def be_sent_away(websocket: ClientConnection) -> None:
    """Ask the handler to return."""
    await websocket.send("return")
    await websocket.wait_closed()


async def break_handler(websocket: ClientConnection) -> None:
    """Make the handler raise."""
    await websocket.send("raise")
    await websocket.wait_closed()


Way = Callable[[ClientConnection], Awaitable[None]]
WAYS: tuple[Way, ...] = (close, vanish, reset, break_off, be_sent_away, break_handler)


class Churn:
    """Clients that come and go at random while the gate is open, and what must stand in the hub because of them.

    Args:
        url: Where they connect.
        seed: Makes what each client does repeatable.
    """

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.gate = asyncio.Event()
        self.moving = 0
        self.inside: dict[str, str] = {}
        self.ways: Counter[str] = Counter()
        self.lives = [asyncio.create_task(self.live(number, seed)) for number in range(CLIENTS)]

    async def live(self, number: int, seed: int) -> None:
        """Come and go, until this is cancelled."""
        chance, name = random.Random(seed * CLIENTS + number), f"client {number}"
        while True:
            await asyncio.sleep(chance.uniform(0, STAY_S))
            async with self.move():
                websocket = await self.come(name, chance.choice(ROOMS))
            try:
                await asyncio.sleep(chance.uniform(0, STAY_S))
                async with self.move():
                    await self.go(name, websocket, chance.choice(WAYS))
            finally:
                websocket.transport.abort()

    async def come(self, name: str, room: str) -> ClientConnection:
        """Connect, enter a room, and wait until one is told to be in it."""
        websocket = await connect(self.url + room, **OPTIONS)
        await websocket.send(name)
        while await websocket.recv() != "welcome":
            pass
        self.inside[name] = room
        return websocket

    async def go(self, name: str, websocket: ClientConnection, way: Way) -> None:
        """Leave in one of the ways."""
        del self.inside[name]
        self.ways[way.__name__] += 1
        await way(websocket)
        await websocket.wait_closed()

    @contextlib.asynccontextmanager
    async def move(self) -> AsyncIterator[None]:
        """Wait until the gate is open, then be between outside and inside."""
        await self.gate.wait()
        self.moving += 1
        try:
            yield
        finally:
            self.moving -= 1

    async def end(self) -> None:
        """End all clients at once, wherever they are; an error of one of them is raised here."""
        for life in self.lives:
            life.cancel()
        await asyncio.wait(self.lives)
        for life in self.lives:
            if not life.cancelled():
                life.result()


class Scene:
    """A server with a hub, and what each of its clients may ask of its handler."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.exact: list[bool] = []

    async def handler(self, websocket: ServerConnection) -> None:
        """Join, say welcome, and do as one is told."""
        room, name = websocket.request.path.strip("/"), await websocket.recv()
        async with self.hub.join(websocket, room) as member:
            member.info["name"] = name
            await websocket.send("welcome")
            async for message in websocket:
                if message == "raise":
                    raise ValueError("on purpose")
                return

    async def talk(self) -> None:
        """Broadcast to everybody and to each room."""
        while True:
            await asyncio.sleep(BROADCAST_EVERY_S)
            for room in (None, *self.hub.rooms):
                await self.hub.broadcast("news", room=room)

    def shows(self, inside: dict[str, str]) -> bool:
        """Whether exactly those who are inside are in the hub, each in its room and in no other."""
        by_room = {room: {name for name, its in inside.items() if its == room} for room in set(inside.values())}
        shown = {room: {member.info["name"] for member in self.hub.members(room)} for room in self.hub.rooms}
        return len(self.hub) == len(inside) and shown == by_room

    async def check(self, churn: Churn) -> None:
        """Stop coming and going, and compare when all have arrived wherever they were going."""
        churn.gate.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                # Who has gone without a word is noticed a moment later, and no event tells when all are.
                while churn.moving or not self.shows(churn.inside):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        self.exact.append(not churn.moving and self.shows(churn.inside))
        churn.gate.set()


async def churn_for(seconds: float, seed: int) -> tuple[list[bool], Counter[str]]:
    """Let clients come and go, check now and then, and let all go; give the outcomes of the checks and the ways."""
    scene = Scene()
    async with serve(scene.handler, compression=None, logger=QUIET) as server:
        churn, talking = Churn(server.url, seed), asyncio.create_task(scene.talk())
        churn.gate.set()
        for _ in range(round(seconds / CHECK_EVERY_S)):
            await asyncio.sleep(CHECK_EVERY_S)
            await scene.check(churn)
        churn.gate.clear()
        await churn.end()
        churn.inside.clear()
        await scene.check(churn)
        talking.cancel()
    return scene.exact, churn.ways


async def tables() -> tuple[Table]:
    """Measure for a minute: a while to warm up, then what the rest has left behind."""
    make_room(2 * CLIENTS)
    await churn_for(WARM_UP_S, seed=1)
    files, before_bytes, blocks = open_files(), resident_bytes(), sys.getallocatedblocks()
    exact, ways = await churn_for(CHURN_S, seed=2)
    await asyncio.sleep(0)
    grown_bytes = resident_bytes() - before_bytes
    left_blocks = sys.getallocatedblocks() - blocks
    alive = sum(isinstance(each, ServerConnection | Member) for each in gc.get_objects())
    row = [
        CLIENTS,
        ways.total(),
        f"{sum(exact)} of {len(exact)}",
        len(asyncio.all_tasks()) - 1,
        open_files() - files,
        alive,
        left_blocks,
        grown_bytes // 1024,
    ]
    caption = f"A hub whose clients come and go at random for {CHURN_S:g} s, after {WARM_UP_S:g} s to warm up"
    how = ", ".join(f"{way.__name__} {ways[way.__name__]}" for way in WAYS)
    return (Table(HEADINGS, [row], caption, f"How they left: {how}. Blocks: what Python has allocated."),)


def open_files() -> int:
    """Count the open files and sockets of this process."""
    return len(os.listdir("/dev/fd"))
