"""The two halves of a connection, and what joins them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, ProtocolError
from websockets.protocol import State

from wslab.channel import Channel
from wslab.check.client import reset
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


async def test_a_sink_puts_nothing_into_the_middle_of_a_fragmented_message() -> None:
    async def parts(halfway: asyncio.Event, go_on: asyncio.Event) -> AsyncIterator[str]:
        yield "Hel"
        halfway.set()
        await go_on.wait()
        yield "lo"

    async def talk(websocket: ServerConnection) -> None:
        halfway, go_on = asyncio.Event(), asyncio.Event()
        fragmented = asyncio.create_task(websocket.send(parts(halfway, go_on)))
        await halfway.wait()
        sending = asyncio.create_task(Sink(websocket).send("next"))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(fragmented, sending)

    async with serve(talk) as server, connect(server.url, proxy=None) as websocket:
        assert [await websocket.recv(), await websocket.recv()] == ["Hello", "next"]


async def test_a_sink_waits_for_a_slow_reader() -> None:
    waiting: asyncio.Queue[int] = asyncio.Queue()
    ended: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def flood(websocket: ServerConnection) -> None:
        sink = Sink(websocket)
        for _ in range(1000):
            sending = asyncio.create_task(sink.send(bytes(2**16)))
            await asyncio.sleep(0)
            if not sending.done():
                break
        waiting.put_nowait(websocket.transport.get_write_buffer_size())
        await asyncio.wait({sending})
        ended.put_nowait(sending.exception())

    async with (
        serve(flood, compression=None, ping_interval=None) as server,
        connect(server.url, proxy=None, max_queue=1) as websocket,
    ):
        assert 0 < await waiting.get() <= 2**17
        reset(websocket)
        assert isinstance(await ended.get(), ConnectionClosedError)


async def test_a_sink_waits_for_a_message_that_fills_the_room() -> None:
    waits: asyncio.Queue[bool] = asyncio.Queue()

    async def talk(websocket: ServerConnection) -> None:
        sending = asyncio.create_task(Sink(websocket).send(bytes(2**23)))
        await asyncio.sleep(0)
        waits.put_nowait(not sending.done())
        await sending
        waits.put_nowait(websocket.paused)

    async with (
        serve(talk, compression=None, ping_interval=None) as server,
        connect(server.url, proxy=None, max_size=None) as websocket,
    ):
        websocket.transport.pause_reading()
        assert await waits.get()
        websocket.transport.resume_reading()
        assert await websocket.recv() == bytes(2**23)
        assert not await waits.get()


async def test_a_sink_is_refused_as_a_connection_is_after_half_a_message() -> None:
    async def half(begun: asyncio.Event) -> AsyncIterator[str]:
        yield "Hel"
        begun.set()
        await asyncio.Event().wait()

    caught: asyncio.Queue[BaseException] = asyncio.Queue()

    async def talk(websocket: ServerConnection) -> None:
        begun = asyncio.Event()
        sending = asyncio.create_task(websocket.send(half(begun)))
        await begun.wait()
        sending.cancel()
        await asyncio.wait({sending})
        with pytest.raises(ProtocolError) as refused:
            await Sink(websocket).send("next")
        caught.put_nowait(refused.value)

    async with serve(talk, logger=QUIET) as server, connect(server.url, proxy=None):
        assert "continuation" in str(await caught.get())


async def test_a_sink_does_not_pretend_to_send_while_the_connection_closes() -> None:
    ended: asyncio.Queue[State] = asyncio.Queue()

    async def talk(websocket: ServerConnection) -> None:
        closing = asyncio.create_task(websocket.close())
        await asyncio.sleep(0)
        state = websocket.state
        with pytest.raises(ConnectionClosedOK):
            await Sink(websocket).send("too late")
        ended.put_nowait(state)
        await closing

    async with serve(talk, logger=QUIET) as server, connect(server.url, proxy=None):
        assert await ended.get() is State.CLOSING


async def test_a_sink_sends_fragments_as_a_connection_does() -> None:
    async def talk(websocket: ServerConnection) -> None:
        await Sink(websocket).send(["Hel", "lo"])  # type: ignore[arg-type]

    async with serve(talk) as server, connect(server.url, proxy=None) as websocket:
        assert await websocket.recv() == "Hello"


async def test_a_sink_sends_by_way_of_a_send_of_somebody_s_own() -> None:
    class Shouting(ServerConnection):
        async def send(self, message: str, *, text: bool | None = None) -> None:  # type: ignore[override]
            await super().send(message.upper(), text=text)

    async def talk(websocket: ServerConnection) -> None:
        await Sink(websocket).send("Hello")

    async with serve(talk, create_connection=Shouting) as server, connect(server.url, proxy=None) as websocket:
        assert await websocket.recv() == "HELLO"


async def test_a_sink_that_never_stops_learns_that_the_client_has_vanished() -> None:
    caught: asyncio.Queue[bool] = asyncio.Queue()

    async def greetings() -> AsyncIterator[str]:
        for _ in range(1000):
            yield "Hello"

    async def talk(websocket: ServerConnection) -> None:
        sink = Sink(websocket)
        await websocket.recv()
        websocket.transport.abort()
        with pytest.raises(ConnectionClosedError):
            await forward(greetings(), sink)
        caught.put_nowait(True)

    async with serve(talk, logger=QUIET) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("go")
        assert await caught.get()


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
