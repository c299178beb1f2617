"""The two halves of a connection, and what joins them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError

from wslab.channel import Channel
from wslab.halves import Sink, Stream, forward, split
from wslab.servers import Server, serve

QUIET = logging.getLogger("wslab.tests.halves.quiet")
QUIET.disabled = True


def serve_halves(handle: Callable[[Sink, Stream], Awaitable[None]]) -> Server:
    async def handler(websocket: ServerConnection) -> None:
        await handle(*split(websocket))

    return serve(handler, logger=QUIET, ping_interval=None)


async def test_a_stream_forwarded_to_its_own_sink_is_an_echo() -> None:
    async def echo(sink: Sink, stream: Stream) -> None:
        await forward(stream, sink)

    async with serve_halves(echo) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("Hello")
        await websocket.send(b"\x00")
        assert [await websocket.recv(), await websocket.recv()] == ["Hello", b"\x00"]


async def test_each_half_does_one_thing() -> None:
    async def look(sink: Sink, stream: Stream) -> None:
        await sink.send(repr([hasattr(sink, "recv"), hasattr(sink, "__aiter__"), hasattr(stream, "send")]))

    async with serve_halves(look) as server, connect(server.url, proxy=None) as websocket:
        assert await websocket.recv() == "[False, False, False]"


async def test_a_sink_closes_the_connection_and_the_stream_ends() -> None:
    ended = asyncio.Event()

    async def close(sink: Sink, stream: Stream) -> None:
        await sink.close(1001, "enough")
        async for _ in stream:
            pass
        ended.set()

    async with serve_halves(close) as server, connect(server.url, proxy=None) as websocket:
        await websocket.wait_closed()
        await ended.wait()
    assert (websocket.close_code, websocket.close_reason) == (1001, "enough")


async def test_forward_ends_with_the_stream() -> None:
    async def three() -> AsyncIterator[str]:
        for each in ("one", "two", "three"):
            yield each

    async def count(sink: Sink, stream: Stream) -> None:
        await forward(three(), sink)
        await sink.send("end")

    async with serve_halves(count) as server, connect(server.url, proxy=None) as websocket:
        assert [await websocket.recv() for _ in range(4)] == ["one", "two", "three", "end"]


async def test_forwarding_a_channel_to_a_client_that_vanished_says_so() -> None:
    channel: Channel[str] = Channel(4)
    caught: asyncio.Queue[Exception] = asyncio.Queue()

    async def listen(sink: Sink, stream: Stream) -> None:
        with channel.subscribe() as receiver:
            try:
                await forward(receiver, sink)
            except ConnectionClosedError as error:
                caught.put_nowait(error)

    async with serve_halves(listen) as server, connect(server.url, proxy=None) as websocket:
        while not channel.receiver_count:  # noqa: ASYNC110
            await asyncio.sleep(0)
        channel.send("Hello")
        assert await websocket.recv() == "Hello"
        websocket.transport.abort()
        while server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        channel.send("late")
        assert isinstance(await caught.get(), ConnectionClosedError)
    assert channel.receiver_count == 0


async def test_a_stream_whose_client_vanished_says_so() -> None:
    caught: asyncio.Queue[bool] = asyncio.Queue()

    async def listen(sink: Sink, stream: Stream) -> None:
        with pytest.raises(ConnectionClosedError):
            await forward(stream, sink)
        caught.put_nowait(True)

    async with serve_halves(listen) as server, connect(server.url, proxy=None) as websocket:
        websocket.transport.abort()
        assert await caught.get()
