"""The feed: whoever comes, whenever, gets every message that is kept once and in order, and hears what is not kept."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from math import nan
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from wslab.errors import AnswerTimeoutError, FeedError, WslabError
from wslab.feed import Feed
from wslab.hub import Hub, Member
from wslab.servers import Server, serve

PATIENCE_S = 20
MEBIBYTE = 2**20


@dataclass
class Desk:
    """A feed behind a server, and what became of its handlers."""

    feed: Feed
    server: Server = field(init=False)
    accepted: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)
    joined: asyncio.Queue[Member] = field(default_factory=asyncio.Queue)
    failed: asyncio.Queue[Exception] = field(default_factory=asyncio.Queue)

    async def handle(self, websocket: ServerConnection) -> None:
        self.accepted.put_nowait(websocket)
        try:
            async with self.feed.joined(websocket) as member:
                self.joined.put_nowait(member)
                await websocket.wait_closed()
        except (ConnectionClosed, WslabError) as error:
            self.failed.put_nowait(error)

    @contextlib.asynccontextmanager
    async def ask(self, stream: str | None, after: int | None, **options: Any) -> AsyncIterator[ClientConnection]:
        async with connect(self.server.url, proxy=None, **options) as websocket:
            await websocket.send(json.dumps({"stream": stream, "after": after}))
            yield websocket

    async def publish(self, count: int) -> None:
        for _ in range(count):
            await self.feed.publish(f"message {self.feed.newest_id + 1}")


@contextlib.asynccontextmanager
async def desk(hub: Hub | None = None, **options: Any) -> AsyncIterator[Desk]:
    running = Desk(Feed(hub, **options))
    async with asyncio.timeout(PATIENCE_S), serve(running.handle) as running.server:
        yield running


async def hear(websocket: ClientConnection, count: int) -> list[Any]:
    return [json.loads(await websocket.recv()) for _ in range(count)]


def messages(first: int, last: int) -> list[dict[str, object]]:
    return [{"id": number, "data": f"message {number}"} for number in range(first, last + 1)]


async def test_ids_count_from_one() -> None:
    feed = Feed()
    assert [await feed.publish("x"), await feed.publish("y"), feed.newest_id, feed.oldest_id] == [1, 2, 2, 1]


async def test_another_thread_is_told_how_to_publish() -> None:
    async with desk() as running, running.ask(None, None):
        await running.joined.get()
        with pytest.raises(WslabError, match=r"asyncio.run_coroutine_threadsafe\(feed.publish\(...\), loop\)"):
            await asyncio.to_thread(asyncio.run, running.feed.publish("lost"))
        assert running.feed.newest_id == 0


async def test_a_client_without_an_id_hears_what_comes_from_now_on() -> None:
    async with desk() as running:
        await running.publish(2)
        async with running.ask(None, None) as websocket:
            assert await hear(websocket, 1) == [{"stream": running.feed.stream, "after": 2}]
            await running.joined.get()
            await running.publish(2)
            assert await hear(websocket, 2) == messages(3, 4)


@pytest.mark.parametrize("known", [True, False], ids=["of this stream", "of any stream"])
@pytest.mark.parametrize("after", [0, 3, 5])
async def test_a_client_hears_what_it_missed_then_what_comes(known: bool, after: int) -> None:
    async with desk() as running:
        await running.publish(5)
        async with running.ask(running.feed.stream if known else None, after) as websocket:
            assert await hear(websocket, 1) == [{"stream": running.feed.stream, "after": after}]
            await running.joined.get()
            await running.publish(2)
            assert await hear(websocket, 7 - after) == messages(after + 1, 7)


@pytest.mark.parametrize(
    ("history", "after", "gap"),
    [(5, 5, None), (5, 4, [5, 5]), (5, 0, [1, 5]), (1, 9, None), (1, 8, [9, 9]), (0, 10, None), (0, 4, [5, 10])],
)
async def test_what_is_older_than_the_history_is_reported(history: int, after: int, gap: list[int] | None) -> None:
    async with desk(history=history) as running:
        await running.publish(10)
        async with running.ask(running.feed.stream, after) as websocket:
            first = gap[1] if gap else after
            answer: dict[str, object] = {"stream": running.feed.stream, "after": first}
            assert await hear(websocket, 1) == [answer | ({"gap": gap} if gap else {})]
            await running.joined.get()
            await running.publish(1)
            assert await hear(websocket, 11 - first) == messages(first + 1, 11)


@pytest.mark.parametrize(
    ("stream", "after"), [("another", 3), ("another", 900), (None, 900)], ids=["other", "other, further", "further"]
)
async def test_another_stream_is_heard_from_its_beginning_and_nobody_claims_to_know_the_gap(
    stream: str | None, after: int
) -> None:
    async with desk() as running:
        await running.publish(2)
        async with running.ask(stream, after) as websocket:
            answer = {"stream": running.feed.stream, "after": 0, "gap": [after + 1, None]}
            assert await hear(websocket, 3) == [answer, *messages(1, 2)]


async def test_two_feeds_have_two_streams() -> None:
    assert Feed().stream != Feed().stream


async def test_nothing_falls_between_the_history_and_the_hub() -> None:
    """Clients come at every moment of a publisher that never waits."""

    async def publish_on() -> None:
        while True:
            await running.publish(1)

    async def listen(after: int) -> list[Any]:
        async with running.ask(running.feed.stream, after) as websocket:
            await websocket.recv()
            return await hear(websocket, 150)

    async with desk(history=10_000) as running:
        await running.publish(30)
        publishing = asyncio.create_task(publish_on())
        heard = await asyncio.gather(*(listen(after) for after in range(0, 30)))
        publishing.cancel()
    assert heard == [messages(after + 1, after + 150) for after in range(0, 30)]


async def test_a_publisher_that_never_waits_does_not_keep_a_client_from_catching_up() -> None:
    async with desk(history=10_000) as running:
        await running.publish(500)
        async with running.ask(None, 0, max_queue=None) as websocket:
            while running.joined.empty():
                await running.publish(1)
            assert running.feed.newest_id < 5_000
            assert (await hear(websocket, 501))[1:] == messages(1, 500)


async def stuck(websocket: ServerConnection) -> None:
    """Wait until a server cannot send any more; nothing tells of that."""
    while not websocket.transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(0)


def ids(item: dict[str, Any]) -> list[int]:
    """Give the ids that an item stands for."""
    return [item["id"]] if "id" in item else list(range(item["gap"][0], item["gap"][1] + 1))


async def test_a_client_that_catches_up_more_slowly_than_the_history_moves_is_told_what_it_missed() -> None:
    async with desk(history=32) as running:
        for _ in range(32):
            await running.feed.publish("x" * MEBIBYTE)
        async with running.ask(None, 0, max_queue=1, max_size=None, compression=None) as websocket:
            await websocket.recv()
            await stuck(await running.accepted.get())
            await running.publish(50)
            items = await hear(websocket, 1)
            while ids(items[-1])[-1] != 82:
                items += await hear(websocket, 1)
    assert [number for item in items for number in ids(item)] == list(range(1, 83))
    assert any("gap" in item for item in items) and items[-32:] == messages(51, 82)


async def test_a_client_that_stops_reading_while_it_catches_up_is_sent_away() -> None:
    async with desk(patience_s=0.05) as running:
        for _ in range(16):
            await running.feed.publish("x" * MEBIBYTE)
        async with running.ask(None, 0, max_queue=1, max_size=None, compression=None, close_timeout=0.05):
            websocket = await running.accepted.get()
            websocket.close_timeout = 0.05
            assert isinstance(await running.failed.get(), AnswerTimeoutError)
            await websocket.wait_closed()
        assert running.joined.empty() and not len(running.feed.hub)


async def test_silence_is_closed_with_1008() -> None:
    async with desk(timeout_s=0.05) as running, connect(running.server.url, proxy=None) as websocket:
        with pytest.raises(ConnectionClosedError) as caught:
            await websocket.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "no first message within 0.05 s")
        assert isinstance(await running.failed.get(), AnswerTimeoutError)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("Hello", 1008),
        ('{"stream": 1}', 1008),
        ("[" * 50_000, 1008),
        ("", 1008),
        ('{"after": ' + "9" * 4300 + "}", 1008),
        (b"{}", 1003),
    ],
    ids=["text", "wrong type", "deep", "empty", "huge", "binary"],
)
async def test_what_no_client_of_a_feed_says_first_is_closed_with_a_reason(first: str | bytes, code: int) -> None:
    async with desk() as running, connect(running.server.url, proxy=None) as websocket:
        await websocket.send(first)
        with pytest.raises(ConnectionClosedError) as caught:
            await websocket.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == code
        assert caught.value.rcvd.reason.startswith('expected {"stream": null, "after": null}')
        assert isinstance(await running.failed.get(), FeedError)
        assert not len(running.feed.hub)


@pytest.mark.parametrize("asks", [False, True], ids=["before it asks", "while it catches up"])
async def test_a_client_that_goes_before_it_has_joined_leaves_nothing(asks: bool) -> None:
    async with desk() as running:
        await running.publish(1000)
        websocket = await connect(running.server.url, proxy=None)
        if asks:
            await websocket.send('{"after": 0}')
            await websocket.recv()
        websocket.transport.abort()
        await (await running.accepted.get()).wait_closed()
        if running.joined.empty():
            assert isinstance(await running.failed.get(), ConnectionClosed)
        await running.publish(1)
        await websocket.wait_closed()
    assert not len(running.feed.hub)


async def test_many_publishers_number_without_holes_and_everybody_hears_one_order() -> None:
    async def publish(name: str) -> list[int]:
        return [await running.feed.publish([name, number]) for number in range(50)]

    async with desk() as running, running.ask(None, None) as one, running.ask(None, None) as other:
        await running.joined.get()
        await running.joined.get()
        given = await asyncio.gather(*map(publish, "abcd"))
        heard = [(await hear(websocket, 201))[1:] for websocket in (one, other)]
    assert heard[0] == heard[1]
    assert [item["id"] for item in heard[0]] == list(range(1, 201)) == sorted(itertools.chain(*given))
    for name in "abcd":
        assert [item["data"][1] for item in heard[0] if item["data"][0] == name] == list(range(50))


async def test_what_json_cannot_say_gets_no_number() -> None:
    feed = Feed()
    with pytest.raises(FeedError):
        await feed.publish(b"bytes")
    assert feed.newest_id == 0


async def test_what_happens_to_published_data_later_changes_nothing() -> None:
    async with desk() as running:
        data = [1]
        async with running.feed.hub.turn():
            publishing = asyncio.create_task(running.feed.publish(data))
            await asyncio.sleep(0)
            data.append(2)
        await publishing
        async with running.ask(None, 0) as websocket:
            assert (await hear(websocket, 2))[1] == {"id": 1, "data": [1]}


async def test_a_publisher_that_is_cancelled_while_it_waits_its_turn_has_published_nothing() -> None:
    feed = Feed()
    async with feed.hub.turn():
        publishing = asyncio.create_task(feed.publish("x"))
        await asyncio.sleep(0)
        publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    assert (feed.newest_id, await feed.publish("y")) == (0, 1)


async def test_members_leave_with_their_block_and_other_members_of_the_hub_hear_the_feed_too() -> None:
    hub = Hub()
    async with desk(hub) as running:
        async with running.ask(None, None) as websocket:
            member = await running.joined.get()
            assert hub.members() == (member,)
            await websocket.recv()
            await hub.broadcast('{"presence": 1}')
            assert await hear(websocket, 1) == [{"presence": 1}]
        await member.websocket.wait_closed()
    assert len(hub) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"history": -1},
        {"history": 1.5},
        {"history": None},
        {"timeout_s": 0},
        {"patience_s": -1},
        {"patience_s": nan},
        {"timeout_s": "5"},
    ],
    ids=repr,
)
def test_an_argument_that_makes_no_sense_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(WslabError):
        Feed(**options)


async def test_it_shows_how_much_it_keeps_and_nothing_that_varies() -> None:
    feed = Feed(history=2)
    for _ in range(3):
        await feed.publish("x")
    assert repr(feed) == "<wslab feed, 3 published, 2 kept, 0 connections>"
