"""The two halves of a connection, and what joins them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, ProtocolError
from websockets.protocol import State

from wslab.channel import Channel, Receiver
from wslab.check.client import reset
from wslab.errors import Lagged, WslabError
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

    async with serve(talk, compression=None) as server, connect(server.url, proxy=None) as websocket:
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

    async with serve(talk, compression=None, logger=QUIET) as server, connect(server.url, proxy=None):
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


async def test_a_sink_sends_at_once_only_what_needs_no_waiting() -> None:
    async def talk(websocket: ServerConnection) -> None:
        sink = Sink(websocket)
        said = [sink.send_now("Hello"), sink.send_now(["Hel", "lo"]), sink.send_now(bytes(2**20))]
        await sink.send(repr(said))

    async with serve(talk) as server, connect(server.url, proxy=None) as websocket:
        assert [await websocket.recv(), await websocket.recv()] == ["Hello", "[True, False, False]"]


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


# A channel forwarded to a sink.


class Forwarding(NamedTuple):
    """A client, and the task that forwards a channel to it: that waits when this is given."""

    client: ClientConnection
    sink: Sink
    receiver: Receiver[str | bytes]
    task: asyncio.Task[None]


@asynccontextmanager
async def forwarding(channel: Channel[str | bytes], kind: type[Sink] = Sink) -> AsyncIterator[Forwarding]:
    sinks: asyncio.Queue[Sink] = asyncio.Queue()

    async def handler(websocket: ServerConnection) -> None:
        sinks.put_nowait(kind(websocket))
        await websocket.wait_closed()

    async with (
        serve(handler, compression=None, ping_interval=None, logger=QUIET) as server,
        connect(server.url, proxy=None, compression=None, max_queue=None) as client,
    ):
        sink, receiver = await sinks.get(), channel.subscribe()
        task = asyncio.create_task(forward(receiver, sink))
        await asyncio.sleep(0)
        yield Forwarding(client, sink, receiver, task)
        task.cancel()
        await asyncio.wait({task})


async def test_what_is_sent_into_a_channel_is_forwarded_at_once() -> None:
    channel: Channel[str | bytes] = Channel(1)
    async with forwarding(channel) as to:
        for each in ("one", b"two", "three"):  # more than the channel could keep
            assert channel.send(each) == 1
            assert len(to.receiver) == len(channel) == 0
        assert [await to.client.recv() for _ in range(3)] == ["one", b"two", "three"]


async def test_a_slow_reader_gets_all_that_the_channel_keeps_in_order() -> None:
    channel: Channel[str | bytes] = Channel(64)
    async with forwarding(channel) as to:
        to.client.transport.pause_reading()
        sent: list[str | bytes] = []
        while len(to.receiver) < 50:
            sent.append(len(sent).to_bytes(4) * 1500)
            channel.send(sent[-1])
            if len(to.receiver) < 2:  # once it waits for room, the rest comes in one go
                await asyncio.sleep(0)
        to.client.transport.resume_reading()
        assert [await to.client.recv() for _ in sent] == sent
        assert channel.send("end") == 1 and len(to.receiver) == 0
        assert await to.client.recv() == "end"


async def test_a_slow_reader_that_lags_ends_the_forwarding_which_can_go_on() -> None:
    channel: Channel[str | bytes] = Channel(2)
    async with forwarding(channel) as to:
        to.client.transport.pause_reading()
        while len(to.receiver) < 4:
            channel.send(bytes(6000))
            if not to.receiver:
                await asyncio.sleep(0)
        to.client.transport.resume_reading()
        with pytest.raises(Lagged) as caught:
            await to.task
        assert caught.value.count == len(to.receiver) == 2
        channel.send("next")
        assert len(to.receiver) == 3  # nobody forwards
        channel.close()
        with pytest.raises(Lagged, match="missed 1"):
            await forward(to.receiver, to.sink)
        await forward(to.receiver, to.sink)
        while (message := await to.client.recv()) != "next":
            assert message == bytes(6000)


@pytest.mark.parametrize("before", [["sent"], []], ids=["after a message", "before any"])
async def test_a_forwarding_that_is_cancelled_leaves_what_comes_then(before: list[str]) -> None:
    channel: Channel[str | bytes] = Channel(4)
    async with forwarding(channel) as to:
        for each in before:
            channel.send(each)
        to.task.cancel()
        channel.send("left")
        await asyncio.wait({to.task})
        channel.send("left too")
        assert [to.receiver.try_recv(), to.receiver.try_recv()] == ["left", "left too"]
        await to.sink.send("end")
        assert [await to.client.recv() for _ in [*before, "end"]] == [*before, "end"]


async def test_a_second_forwarding_of_a_receiver_is_an_error_and_the_first_goes_on() -> None:
    channel: Channel[str | bytes] = Channel(4)
    async with forwarding(channel) as to:
        with pytest.raises(WslabError, match="two tasks receive from one receiver at once"):
            await forward(to.receiver, to.sink)
        channel.send("Hello")
        assert len(to.receiver) == 0 and await to.client.recv() == "Hello"


async def test_a_sink_of_somebody_s_own_is_forwarded_to_by_its_send() -> None:
    class Shouting(Sink):
        async def send(self, message: str | bytes) -> None:
            await super().send(message.upper())

    channel: Channel[str | bytes] = Channel(4)
    async with forwarding(channel, Shouting) as to:
        channel.send("Hello")
        assert await to.client.recv() == "HELLO"


async def test_a_receiver_of_somebody_s_own_is_forwarded_by_its_recv() -> None:
    class Counting(Receiver[str | bytes]):
        async def recv(self) -> str:
            return f"1. {await super().recv()!r}"

    channel: Channel[str | bytes] = Channel(4)
    async with forwarding(channel) as to:
        channel._receiver_count += 1  # as subscribe does
        task = asyncio.create_task(forward(Counting(channel), to.sink))
        await asyncio.sleep(0)
        channel.send("Hello")
        assert sorted([await to.client.recv(), await to.client.recv()]) == ["1. 'Hello'", "Hello"]
        task.cancel()
        await asyncio.wait({task})


async def test_a_transport_that_refuses_harms_no_other_forwarding() -> None:
    channel: Channel[str | bytes] = Channel(4)
    async with forwarding(channel) as to, forwarding(channel) as other:
        to.sink._websocket.transport.write_eof()
        assert channel.send("Hello") == 2
        assert await other.client.recv() == "Hello"
        with pytest.raises(ConnectionClosedError):
            await to.task
