"""Measure recovery: 200 faults between a feed and two clients, one that resumes and one that only connects again.

The times are of the clock on the wall: almost all of them is waiting, for a fault to end or for a delay.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.backoff import Backoff
from wslab.chaos import ChaosLog, chaos
from wslab.errors import WslabError
from wslab.feed import Feed
from wslab.feed_format import Gap, Message, Wanted, encode_wanted, parse_item
from wslab.resuming import resume
from wslab.servers import serve
from wslab.table import Table
from wslab.tap import Tap, tap

FAULTS = 200
MESSAGES = 10_000
SEED = 0
PAUSE_S = 0.0008
PATIENCE_S = 60
KEEPALIVE: dict[str, Any] = {"ping_interval": 0.1, "ping_timeout": 0.1, "close_timeout": 0.1, "open_timeout": 1}
BACKOFF = Backoff(initial_s=0.005, max_s=0.05)


@dataclass
class Heard:
    """What a client has received."""

    client: str
    connections: int = 0
    ids: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def row(self, published: int) -> list[object]:
        """Compare with what was published."""
        lost = published - len(set(self.ids))
        return [self.client, self.connections, len(self.ids), lost, len(self.ids) - len(set(self.ids)), len(self.gaps)]


async def read_resuming(url: str, heard: Heard) -> None:
    """Read a feed."""
    async with resume(url, after=0, backoff=BACKOFF, max_attempts=None, **KEEPALIVE) as client:
        async for item in client:
            heard.connections = client.connections
            if isinstance(item, Message):
                heard.ids.append(item.id)
            else:
                heard.gaps.append(item)


async def read_naively(url: str, heard: Heard) -> None:
    """Read what comes on each of the connections that websockets makes one after another."""
    async for websocket in connect(url, proxy=None, reconnect_delays=BACKOFF.delays, **KEEPALIVE):
        with contextlib.suppress(ConnectionClosed):
            await websocket.send(encode_wanted(Wanted(None, None)))
            await websocket.recv()
            heard.connections += 1
            async for message in websocket:
                item = parse_item(message)
                heard.ids += [item.id] if isinstance(item, Message) else []


@contextlib.asynccontextmanager
async def tapped(feed: Feed) -> AsyncIterator[Tap]:
    """Serve a feed behind a tap."""

    async def handler(websocket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed, WslabError):
            async with feed.joined(websocket):
                await websocket.wait_closed()

    async with serve(handler, **KEEPALIVE) as server, tap(server, seed=SEED) as tap_:
        yield tap_


async def publish(feed: Feed, until: asyncio.Future[ChaosLog]) -> None:
    """Publish until the chaos is over and there were enough messages."""
    while not until.done() or feed.newest_id < MESSAGES:
        await feed.publish(feed.newest_id + 1)
        await asyncio.sleep(0 if until.done() else PAUSE_S)


async def run(feed: Feed, heard: list[Heard]) -> ChaosLog:
    """Let both clients live through the same faults."""
    async with asyncio.timeout(PATIENCE_S), tapped(feed) as tap_, asyncio.TaskGroup() as tasks:
        reading = [
            tasks.create_task(read(tap_.url, one))
            for read, one in zip((read_resuming, read_naively), heard, strict=True)
        ]
        # Before both are there one of them would miss what is published. Nothing tells of that.
        while len(feed.hub) < len(heard):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)
        injecting = tasks.create_task(chaos(tap_, lambda: len(heard[0].ids), count=FAULTS, seed=SEED))
        await publish(feed, injecting)
        while any(one.ids[-1:] != [feed.newest_id] for one in heard):  # the naive one hears the end if it is there
            await feed.publish(feed.newest_id + 1)
            await asyncio.sleep(PAUSE_S)
        for task in reading:
            task.cancel()
    return injecting.result()


async def tables() -> tuple[Table, Table]:
    """Say how long each kind of fault took, and what each client got."""
    feed, heard = Feed(history=MESSAGES), [Heard("resuming"), Heard("naive")]
    log = await run(feed, heard)
    recoveries = log.table()
    recoveries.caption = (
        f"Recovery of the resuming client: {len(log)} faults, seed {log.seed}, by the clock on the wall"
    )
    caption = f"Two clients and the same faults: {feed.newest_id:,} messages published"
    headings = ["client", "connections", "received", "lost", "twice", "gaps"]
    return recoveries, Table(headings, [one.row(feed.newest_id) for one in heard], caption)
