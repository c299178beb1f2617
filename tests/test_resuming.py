"""The resuming client: each message once, in order, through every loss; what is lost for good has a name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wslab.backoff import Backoff
from wslab.errors import FeedError, NotConnectedError, NotWebSocketError, UnreachableError, UrlError, WslabError
from wslab.feed import Feed
from wslab.hub import Hub
from wslab.resuming import Gap, Message, ResumingClient, resume
from wslab.servers import Server, serve

Handler = Callable[[ServerConnection], Awaitable[None]]
Lose = Callable[[ServerConnection], Awaitable[None]]
Item = Message | Gap

PATIENCE_S = 10
QUICK = Backoff(initial_s=0.002, max_s=0.01)
OFTEN = {"backoff": QUICK, "max_attempts": None}


class Office:
    """A server whose feed and manners change while clients stay."""

    server: Server

    def __init__(self, **options: Any) -> None:
        self.feed = Feed(**options)
        self.accepted: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.closed_with: asyncio.Queue[int | None] = asyncio.Queue()
        self.manners: Handler = self.join

    async def handle(self, websocket: ServerConnection) -> None:
        self.accepted.put_nowait(websocket)
        with contextlib.suppress(ConnectionClosed, WslabError):
            await self.manners(websocket)

    async def join(self, websocket: ServerConnection) -> None:
        async with self.feed.joined(websocket):
            await websocket.wait_closed()
        self.closed_with.put_nowait(websocket.close_code)

    async def lose(self, lose: Lose) -> None:
        """Lose every connection that is there."""
        for websocket in tuple(self.server.connections):
            with contextlib.suppress(ConnectionClosed):
                await lose(websocket)

    async def publish(self, count: int) -> None:
        for _ in range(count):
            await self.feed.publish(self.feed.newest_id + 1)


@contextlib.asynccontextmanager
async def patiently(handler: Handler, **options: Any) -> AsyncIterator[Server]:
    async with asyncio.timeout(PATIENCE_S), serve(handler, **options) as server:
        yield server


@contextlib.asynccontextmanager
async def open_office(**options: Any) -> AsyncIterator[tuple[Office, str]]:
    office = Office(**options)
    async with patiently(office.handle) as office.server:
        yield office, office.server.url


async def take(client: ResumingClient, count: int) -> list[Item]:
    return [await anext(client) for _ in range(count)]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells of."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


def messages(first: int, last: int) -> list[Item]:
    return [Message(number, number) for number in range(first, last + 1)]


def covered(items: list[Item], newest_id: int = 0) -> list[int]:
    """List the ids that items stand for; a gap without end stands for all up to the newest."""
    spans = [(each.id, each.id) if isinstance(each, Message) else each for each in items]
    return [number for first, last in spans for number in range(first, (newest_id if last is None else last) + 1)]


def reset(websocket: ServerConnection) -> None:
    linger = struct.pack("ii", 1, 0)
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    websocket.transport.abort()


async def lose_by_reset(websocket: ServerConnection) -> None:
    reset(websocket)


async def lose_by_fin(websocket: ServerConnection) -> None:
    websocket.transport.abort()


async def lose_by_half_a_frame(websocket: ServerConnection) -> None:
    websocket.transport.write(b"\x81\x7e\x01\x00{")
    websocket.transport.close()


async def lose_by_broken_utf_8(websocket: ServerConnection) -> None:
    websocket.transport.write(b"\x81\x02\xff\xff")


async def lose_by_a_masked_frame(websocket: ServerConnection) -> None:
    websocket.transport.write(b"\x81\x81\x00\x00\x00\x00x")


def lose_by_closing(code: int) -> Lose:
    return lambda websocket: websocket.close(code)


def lose_by_saying(message: str | bytes) -> Lose:
    return lambda websocket: websocket.send(message)


LOSSES = {
    "RST": lose_by_reset,
    "FIN": lose_by_fin,
    "half a frame": lose_by_half_a_frame,
    "invalid UTF-8": lose_by_broken_utf_8,
    "a masked frame": lose_by_a_masked_frame,
    **{f"close {code}": lose_by_closing(code) for code in (1001, 1008, 1011, 1012, 1013, 4000)},
    "a jump": lose_by_saying('{"id": 900, "data": 0}'),
    "a jump to a gap": lose_by_saying('{"gap": [900, 901]}'),
    "not JSON": lose_by_saying("Hello"),
    "binary": lose_by_saying(b"{}"),
    "a wrong id": lose_by_saying('{"id": -1, "data": 0}'),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
async def test_every_loss_is_an_outage_and_nothing_is_missed_or_comes_twice(lose: Lose) -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        for round_ in range(3):
            await office.publish(2)
            await take(client, 2)
            await lose(await office.accepted.get())
            await office.publish(2)
            assert await take(client, 2) == messages(4 * round_ + 3, 4 * round_ + 4)
        assert client.connections == 4 and len(client.outages) == len(client.delays_s) == 3
        assert client.last_id == 12


async def test_a_connection_that_has_missed_something_is_closed_with_1001_and_a_reason() -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        await office.publish(2)
        await take(client, 2)
        await office.lose(LOSSES["a jump"])
        await office.publish(1)
        await take(client, 1)
        websocket = await office.accepted.get()
        assert await office.closed_with.get() == 1001
        assert websocket.close_reason == "resuming after 2"


async def test_the_feed_ends_when_the_server_closes_with_1000() -> None:
    async with open_office() as (office, url), resume(url) as client:
        await office.publish(2)
        assert await take(client, 2) == messages(1, 2)
        await (await office.accepted.get()).close(1000)
        assert [item async for item in client] == []
        assert [item async for item in client] == []
        assert repr(client) == "<wslab resuming client of ws://127.0.0.1:…/, last id 2, ended>"


async def test_what_was_sent_before_the_end_still_comes() -> None:
    async with open_office() as (office, url), resume(url) as client:
        await office.publish(5)
        await (await office.accepted.get()).close(1000)
        assert [item async for item in client] == messages(1, 5)


@pytest.mark.parametrize("raises", [False, True])
async def test_leaving_closes_with_1000(raises: bool) -> None:
    async with open_office() as (office, url):
        with contextlib.suppress(KeyError):
            async with resume(url):
                if raises:
                    raise KeyError
        assert await office.closed_with.get() == 1000


async def test_leaving_does_not_wait_for_a_reader_that_has_fallen_behind() -> None:
    async with open_office() as (office, url):
        async with resume(url, max_queue=1, close_timeout=None) as client:
            await office.publish(200)
            assert await take(client, 1) == messages(1, 1)
        assert await office.closed_with.get() == 1000


@pytest.mark.parametrize("after", [0, 2])
async def test_a_client_can_begin_where_an_earlier_one_stopped(after: int) -> None:
    async with open_office() as (office, url):
        await office.publish(4)
        async with resume(url, after=after, stream=office.feed.stream) as client:
            assert await take(client, 4 - after) == messages(after + 1, 4)


async def test_a_stream_that_is_gone_is_a_gap_without_end() -> None:
    async with open_office() as (office, url):
        await office.publish(2)
        async with resume(url, after=7, stream="of yesterday") as client:
            assert (client.last_id, client.stream) == (0, office.feed.stream)
            assert await take(client, 3) == [Gap(8, None), *messages(1, 2)]


async def test_a_server_that_was_restarted_is_a_gap_without_end_and_then_its_new_stream() -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        await office.publish(3)
        await take(client, 3)
        office.feed = Feed(history=2)
        reset(await office.accepted.get())
        await office.publish(5)
        assert await take(client, 4) == [Gap(4, None), Gap(1, 3), *messages(4, 5)]


async def test_what_is_older_than_the_history_is_a_gap() -> None:
    async with open_office(history=3) as (office, url), resume(url, **OFTEN) as client:
        await office.publish(1)
        await take(client, 1)
        (websocket := await office.accepted.get()).transport.abort()
        await websocket.wait_closed()
        await office.publish(10)
        assert await take(client, 4) == [Gap(2, 8), *messages(9, 11)]


@pytest.mark.parametrize("slow", ["disconnect", "lag", "wait"])
async def test_a_client_that_falls_behind_gets_everything_whatever_the_hub_does_about_it(slow: Any) -> None:
    hub = Hub(slow=slow, queue_messages=2)
    small = {"max_queue": 1, "compression": None, "close_timeout": 0.1}
    async with open_office(hub=hub) as (office, url), resume(url, **OFTEN, **small) as client:
        await until(lambda: len(hub) == 1)
        publishing = asyncio.create_task(publish_much(office.feed))
        # It publishes more than all buffers on the way hold.
        await until(lambda: is_full(office) if slow == "wait" else publishing.done())
        items = await take(client, 80)
        await publishing
    assert [item.id for item in items if isinstance(item, Message)] == list(range(1, 81))
    assert client.connections == (1 if slow == "wait" else 2)
    assert (hub.counts.lagged, hub.counts.disconnected) == (slow == "lag", slow == "disconnect")


async def publish_much(feed: Feed) -> None:
    for _ in range(80):
        await feed.publish("x" * 2**18)


def is_full(office: Office) -> bool:
    return any(each.transport.get_write_buffer_size() > 2**20 for each in office.server.connections)


async def test_a_path_that_the_server_does_not_know_is_fatal_at_once() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.NOT_FOUND, "no such feed\n")

    async with patiently(Office().handle, process_request=refuse) as server:
        with pytest.raises(NotWebSocketError, match="HTTP 404 Not Found"):
            async with resume(server):
                pass


async def test_a_refusal_that_may_pass_is_not_fatal() -> None:
    refusals = iter([503, 502])

    def refuse_twice(connection: ServerConnection, request: Request) -> Response | None:
        status = next(refusals, None)
        return connection.respond(HTTPStatus(status), "later\n") if status else None

    async with patiently(Office().handle, process_request=refuse_twice) as server, resume(server, **OFTEN) as client:
        assert client.connections == 1
        assert [outage.reason for outage in client.outages] == [
            "answered the opening handshake with HTTP 503 Service Unavailable"
        ]


async def test_a_refusal_is_fatal_when_connecting_again_too() -> None:
    refuse = False

    def check(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.FORBIDDEN, "not any more\n") if refuse else None

    office = Office()
    async with patiently(office.handle, process_request=check) as server, resume(server, **OFTEN) as client:
        refuse = True
        reset(await office.accepted.get())
        with pytest.raises(NotWebSocketError, match="HTTP 403 Forbidden"):
            await anext(client)
        refuse = False
        await office.publish(1)
        assert await take(client, 1) == messages(1, 1)


async def test_what_is_fatal_can_be_decided_otherwise() -> None:
    refused: list[Exception] = []

    def decide(error: Exception) -> Exception | None:
        refused.append(error)
        return RuntimeError("enough") if len(refused) > 2 else None

    with free_port() as url, pytest.raises(RuntimeError, match="enough"):
        async with resume(url, **OFTEN, process_exception=decide):
            pass
    assert [type(error) for error in refused] == [ConnectionRefusedError] * 3


@contextlib.contextmanager
def free_port() -> Iterator[str]:
    """Hold a port without listening on it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{held.getsockname()[1]}/"


async def test_too_many_failures_in_a_row_end_in_an_error_that_names_the_last() -> None:
    with free_port() as url:
        client = resume(url, backoff=QUICK, max_attempts=3)
        for _ in range(2):
            with pytest.raises(UnreachableError, match="3 attempts in a row failed, the last one: connection refused"):
                await client.__aenter__()
        assert len(client.delays_s) == 6


async def test_a_client_can_wait_for_its_server() -> None:
    office = Office()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{bound.getsockname()[1]}/"
        entering = asyncio.create_task((client := resume(url, **OFTEN)).__aenter__())
        await until(lambda: bool(client.delays_s))
        async with patiently(office.handle, sock=bound):
            await entering
            await office.publish(1)
            assert await take(client, 1) == messages(1, 1)
            await client.close()


def accept_and_die(office: Office) -> Handler:
    async def die(websocket: ServerConnection) -> None:
        websocket.transport.abort()

    return die


def answer_and_die(office: Office) -> Handler:
    async def answer(websocket: ServerConnection) -> None:
        async with office.feed.joined(websocket):
            websocket.transport.abort()

    return answer


def chat_and_die(office: Office) -> Handler:
    async def chat(websocket: ServerConnection) -> None:
        async with office.feed.joined(websocket):
            await websocket.send('{"presence": []}')
            websocket.transport.close()

    return chat


def jump(office: Office) -> Handler:
    async def answer(websocket: ServerConnection) -> None:
        async with office.feed.joined(websocket):
            await websocket.send('{"id": 900, "data": 0}')
            await websocket.wait_closed()

    return answer


def stay_silent(office: Office) -> Handler:
    return lambda websocket: websocket.wait_closed()


@pytest.mark.parametrize(
    ("manners", "open_timeout", "reason"),
    [
        (accept_and_die, 10, "no close frame received or sent"),
        (answer_and_die, 10, "no close frame received or sent"),
        (chat_and_die, 10, "no close frame received or sent"),
        (jump, 10, "the ids jump from 0 to 900"),
        (stay_silent, 0.1, "no answer"),
    ],
)
async def test_a_server_that_accepts_and_brings_nothing_is_not_hammered(
    manners: Callable[[Office], Handler], open_timeout: float, reason: str
) -> None:
    steady = Backoff(initial_s=0.001, factor=2, max_s=60, jitter=False)
    async with open_office() as (office, url):
        office.manners = manners(office)
        with pytest.raises(UnreachableError, match=f"4 attempts in a row failed, the last one: {reason}"):
            async with (client := resume(url, backoff=steady, max_attempts=4, open_timeout=open_timeout)):
                await anext(client)
        assert client.delays_s == (0.001, 0.002, 0.004, 0.008)


async def test_a_message_starts_the_delays_over() -> None:
    steady = Backoff(initial_s=0.001, factor=8, max_s=60, jitter=False)
    async with open_office() as (office, url), resume(url, backoff=steady, max_attempts=1) as client:
        for _ in range(5):
            await office.publish(1)
            await take(client, 1)
            await office.lose(lose_by_reset)
            await office.accepted.get()
        await office.publish(1)
        await take(client, 1)
        assert client.delays_s == (0.001,) * 5


async def test_a_server_that_is_no_feed_is_an_error_at_once() -> None:
    async def echo(websocket: ServerConnection) -> None:
        async for message in websocket:
            await websocket.send(message)

    async with patiently(echo) as server:
        with pytest.raises(FeedError, match="does not belong to a feed"):
            async with resume(server, **OFTEN):
                pass


async def test_a_feed_whose_answer_is_broken_once_is_asked_again() -> None:
    async def babble(websocket: ServerConnection) -> None:
        await websocket.send("babble")
        await websocket.wait_closed()

    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        office.manners = babble
        reset(await office.accepted.get())
        taking = asyncio.create_task(anext(client))
        await (await office.accepted.get()).wait_closed()
        office.manners = office.join
        await until(lambda: client.connections == 2)
        await office.publish(1)
        assert await taking == Message(1, 1)


@given(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.booleans()), max_size=30))
def test_an_iteration_that_is_cancelled_anywhere_loses_nothing(
    history: int, steps: list[tuple[int, int, bool]]
) -> None:
    async def converse() -> list[Item]:
        async with open_office(history=history) as (office, url), resume(url, **OFTEN) as client:
            items: list[Item] = []
            for count, rounds, lose in steps:
                await office.publish(count)
                if lose:
                    await office.lose(lose_by_reset)
                items += await cancelled_after(rounds, client)
            while client.last_id != office.feed.newest_id:
                items.append(await anext(client))
            return items

    assert covered(asyncio.run(converse())) == list(range(1, 1 + sum(count for count, _, _ in steps)))


async def cancelled_after(rounds: int, client: ResumingClient) -> list[Item]:
    """Take an item for so many rounds of the loop; give it if it came."""
    taking = asyncio.create_task(anext(client))
    for _ in range(rounds):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait({taking})
    return [] if taking.cancelled() else [taking.result()]


@pytest.mark.parametrize("rounds", range(40))
async def test_entering_can_be_cancelled_anywhere(rounds: int) -> None:
    async with open_office() as (office, url):
        entering = asyncio.create_task((client := resume(url)).__aenter__())
        for _ in range(rounds):
            await asyncio.sleep(0)
        entering.cancel()
        await asyncio.wait({entering})
        await client.close()
        await until(lambda: not office.server.connections)


async def while_it_receives(office: Office, client: ResumingClient) -> None:
    await until(lambda: len(office.feed.hub) == 1)
    await asyncio.sleep(0)  # now the task has begun


async def while_it_connects(office: Office, client: ResumingClient) -> None:
    office.manners = stay_silent(office)
    reset(await office.accepted.get())
    await office.accepted.get()


async def while_it_waits(office: Office, client: ResumingClient) -> None:
    reset(await office.accepted.get())
    await until(lambda: bool(client.delays_s))


async def while_messages_are_on_their_way(office: Office, client: ResumingClient) -> None:
    await while_it_receives(office, client)
    for _ in range(100):
        office.feed.hub.write("{}")


@pytest.mark.parametrize(
    ("moment", "initial_s"),
    [
        (while_it_receives, 0.001),
        (while_it_connects, 0.001),
        (while_it_waits, 3600),
        (while_messages_are_on_their_way, 0.001),
    ],
)
async def test_a_task_that_takes_items_ends_when_the_client_is_closed(
    moment: Callable[[Office, ResumingClient], Awaitable[None]], initial_s: float
) -> None:
    async def read() -> list[Item]:
        return [item async for item in client]

    backoff = Backoff(initial_s, max_s=3600, jitter=False)
    async with open_office() as (office, url):
        async with resume(url, backoff=backoff, max_queue=1, close_timeout=None) as client:
            reading = asyncio.create_task(read())
            await moment(office, client)
        items = await reading
        assert items == messages(1, len(items))


async def test_a_client_that_is_closed_just_when_the_feed_has_answered_leaves_no_connection() -> None:
    class Closing(ClientConnection):
        async def recv(self, decode: bool | None = None) -> Any:
            answer = await super().recv(decode)
            if resuming:
                closing.append(asyncio.create_task(client.close()))
                await asyncio.sleep(0)  # it has asked for the end, and nothing has come of that yet
            return answer

    resuming, closing = False, list[asyncio.Task[None]]()
    async with open_office() as (office, url), resume(url, **OFTEN, create_connection=Closing) as client:
        resuming = True
        reset(await office.accepted.get())
        assert [item async for item in client] == [] and closing
        await until(lambda: not office.server.connections)


async def test_a_close_that_nobody_answers_is_no_failure() -> None:
    async def read() -> list[Item]:
        return [item async for item in client]

    async with open_office() as (office, url):
        async with resume(url, max_attempts=1, close_timeout=0.05) as client:
            reading = asyncio.create_task(read())
            await while_it_receives(office, client)
            (websocket := await office.accepted.get()).transport.pause_reading()
        websocket.transport.abort()
        assert await reading == [] and client.outages == client.delays_s == ()


async def test_two_tasks_cannot_take_items_at_the_same_time() -> None:
    async with open_office() as (office, url), resume(url) as client:
        first = asyncio.create_task(anext(client))
        await asyncio.sleep(0)
        with pytest.raises(WslabError, match="two tasks take items"):
            await anext(client)
        await office.publish(1)
        assert await first == Message(1, 1)


async def test_a_loop_that_was_left_can_be_entered_again() -> None:
    async with open_office() as (office, url), resume(url) as client:
        await office.publish(4)
        async for item in client:
            if item == Message(2, 2):
                break
        assert await take(client, 2) == messages(3, 4)


async def send_until_refused(client: ResumingClient) -> None:
    while True:
        await client.send("lost")
        await asyncio.sleep(0)


async def test_it_sends_while_it_is_connected_and_says_so_when_it_is_not() -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        office.manners = office.join
        websocket = await office.accepted.get()
        await client.send("Hello")
        assert await websocket.recv() == "Hello"
        reset(websocket)
        with pytest.raises(NotConnectedError, match=r"^there is no connection to ws://127\.0\.0\.1:…/ at the moment"):
            await send_until_refused(client)
        await office.publish(1)
        await take(client, 1)
        await client.send("again")
        assert await (await office.accepted.get()).recv() == "again"


async def test_it_cannot_send_before_it_is_entered() -> None:
    with pytest.raises(NotConnectedError):
        await resume("ws://127.0.0.1:1/").send("Hello")


async def test_it_says_why_and_how_long_it_was_cut_off() -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        reset(await office.accepted.get())
        await office.publish(1)
        await take(client, 1)
        (outage,) = client.outages
        assert outage.reason == "no close frame received or sent (the connection was reset)"
        assert outage.duration_s >= client.delays_s[0]


async def test_what_a_server_says_when_it_closes_is_shown_without_what_does_not_print() -> None:
    async with open_office() as (office, url), resume(url, **OFTEN) as client:
        await office.lose(lambda websocket: websocket.close(4000, "bad\x1b[2Jday"))
        await office.publish(1)
        await take(client, 1)
        assert "bad\\x1b[2Jday" in client.outages[0].reason


async def test_keepalive_notices_a_connection_that_is_silently_dead() -> None:
    short = {"ping_interval": 0.02, "ping_timeout": 0.02, "close_timeout": 0.02}
    async with open_office() as (office, url), resume(url, **OFTEN, **short) as client:
        (await office.accepted.get()).transport.pause_reading()  # nothing comes back from here any more
        taking = asyncio.create_task(anext(client))
        await office.accepted.get()
        await office.publish(1)
        assert await taking == Message(1, 1)
        assert "keepalive ping timeout" in client.outages[0].reason


async def test_objects_that_are_not_the_feeds_are_passed_over() -> None:
    async with open_office() as (office, url), resume(url) as client:
        for text in ('{"lagged": 3}', "{}", '{"presence": ["Ann"]}'):
            await office.feed.hub.broadcast(text)
        await office.publish(1)
        assert await take(client, 1) == messages(1, 1)
        assert client.connections == 1


async def test_no_proxy_comes_between_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with free_port() as nobody:
        monkeypatch.setenv("http_proxy", nobody.replace("ws", "http"))
        monkeypatch.delenv("no_proxy", raising=False)
        async with open_office() as (_, url), resume(url, max_attempts=1) as client:
            assert client.connections == 1


async def test_what_connect_takes_is_passed_on() -> None:
    async with open_office() as (office, url), resume(url, additional_headers={"X-Token": "t"}):
        request = (await office.accepted.get()).request
        assert request is not None and request.headers["X-Token"] == "t"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"after": -1}, "after is -1"),
        ({"after": "3"}, "after is '3'"),
        ({"max_attempts": 0}, "max_attempts is 0"),
        ({"reconnect_delays": QUICK.delays}, "reconnect_delays is given"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_at_once(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(WslabError, match=problem):
        resume("ws://127.0.0.1:1/", **options)


def test_a_url_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(UrlError):
        resume("http://127.0.0.1/")


async def test_it_shows_where_it_stands_and_nothing_that_varies() -> None:
    async with open_office() as (_, url):
        client = resume(url, **OFTEN)
        assert repr(client) == "<wslab resuming client of ws://127.0.0.1:…/, last id None, not connected>"
        async with client:
            assert repr(client) == "<wslab resuming client of ws://127.0.0.1:…/, last id 0, connected>"
        assert repr(client) == "<wslab resuming client of ws://127.0.0.1:…/, last id 0, ended>"


async def test_the_wire_is_as_the_table_says() -> None:
    async with open_office() as (office, url):
        await office.publish(1)
        async with connect(url, proxy=None) as websocket:
            await websocket.send('{"stream": null, "after": 0}')
            assert json.loads(await websocket.recv()) == {"stream": office.feed.stream, "after": 0}
            assert await websocket.recv() == '{"id":1,"data":1}'


ACTIONS = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 6)),
    st.tuples(st.just("take"), st.integers(1, 4)),
    st.tuples(st.just("lose"), st.sampled_from(sorted(LOSSES))),
    st.tuples(st.just("restart"), st.none()),
)


@given(st.integers(0, 4), st.lists(ACTIONS, max_size=50))
def test_whatever_happens_each_id_comes_once_in_order_or_in_a_gap(history: int, actions: list[tuple[str, Any]]) -> None:
    """Of each stream that the client met: the ids from 1 to the last, and no gap names one that came."""
    for items, newest_id in asyncio.run(live_through(history, actions)):
        assert covered(items, newest_id) == list(range(1, newest_id + 1))
        assert all(item.data == item.id for item in items if isinstance(item, Message))


async def live_through(history: int, actions: list[tuple[str, Any]]) -> list[tuple[list[Item], int]]:
    """Do all that; for each stream that the client met, give what came of it, and its newest id."""
    async with open_office(history=history) as (office, url), resume(url, after=0, **OFTEN, max_queue=None) as client:
        feeds, met = {office.feed.stream: office.feed}, [(office.feed.stream, list[Item]())]

        async def take_some(most: int) -> None:
            for _ in range(most):
                if (client.stream, client.last_id) == (office.feed.stream, office.feed.newest_id):
                    return
                met[-1][1].append(item := await anext(client))
                if isinstance(item, Gap) and item.last is None:
                    met.append((client.stream or "", []))

        for action, how in actions:
            if action == "publish":
                await office.publish(how)
            elif action == "take":
                await take_some(how)
            elif action == "restart":
                office.feed = Feed(history=history)
                feeds[office.feed.stream] = office.feed
            if action in ("lose", "restart"):
                await office.lose(LOSSES[how or "RST"])
        await take_some(1000)
        return [(items, feeds[stream].newest_id) for stream, items in met]
