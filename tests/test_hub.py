from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosedError
from websockets.frames import BINARY, CONT, TEXT
from websockets.http11 import Request
from websockets.protocol import State

from wslab import prepared, slow
from wslab.errors import MessageTypeError, UnknownRoomError, WslabError
from wslab.frames import WireFrame, encode
from wslab.hub import Counts, Hub, Member
from wslab.raw_opening import connect_raw
from wslab.servers import Server, serve
from wslab.slow import Limits, Policy, Tally

KEY = bytes.fromhex("37fa213d")
LIMIT_BYTES = 2**18
BULK_BYTES = 2**17
HEAD_BYTES = 14  # the longest head that a frame can have
ENOUGH = 500  # bulk messages: far more than kernels buffer for one connection
# What handlers that fail on purpose, and keepalive, log.
QUIET = logging.getLogger("wslab.tests.hub.quiet")
QUIET.disabled = True


@dataclass
class Place:
    """A hub behind a server whose handler joins it, and enters the rooms that the path names."""

    hub: Hub
    arrivals: asyncio.Queue[Member] = field(default_factory=asyncio.Queue)
    departures: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)
    handling: dict[ServerConnection, asyncio.Task[Any]] = field(default_factory=dict)
    server: Server = field(init=False)

    async def handler(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        rooms = filter(None, websocket.request.path.strip("/").split(","))
        self.handling[websocket] = asyncio.current_task()  # type: ignore[assignment]
        try:
            async with self.hub.join(websocket, *rooms) as member:
                self.arrivals.put_nowait(member)
                await obey(websocket)
        finally:
            self.departures.put_nowait(websocket)

    @contextlib.asynccontextmanager
    async def client(self, path: str = "", **options: Any) -> AsyncIterator[tuple[ClientConnection, Member]]:
        defaults = {"compression": None, "max_size": None, "max_queue": None, "ping_interval": None, "proxy": None}
        async with connect(self.server.url + path, **defaults | options) as websocket:
            member = await self.arrivals.get()
            try:
                yield websocket, member
            finally:
                websocket.transport.resume_reading()  # or the closing handshake would wait behind what is unread

    @contextlib.asynccontextmanager
    async def stalled(self, **options: Any) -> AsyncIterator[tuple[ClientConnection, Member]]:
        async with self.client(**options) as (websocket, member):
            websocket.transport.pause_reading()
            yield websocket, member

    async def broadcast_until(self, done: Callable[[], bool]) -> int:
        """Broadcast numbered bulk until something has come of it; give the number of messages."""
        for number in range(ENOUGH):
            if done():
                return number
            await self.hub.broadcast(bulk(number))
        raise AssertionError("nothing came of it")


async def obey(websocket: ServerConnection) -> None:
    async for message in websocket:
        if message == "raise":
            raise ValueError("on purpose")
        if message == "return":
            return


def bulk(number: int) -> bytes:
    return struct.pack("!I", number) + bytes(BULK_BYTES)


def number_in(message: str | bytes) -> int | str:
    return message if isinstance(message, str) else int(struct.unpack_from("!I", message)[0])


def waiting_bytes(member: Member) -> int:
    return member.websocket.transport.get_write_buffer_size()


@contextlib.asynccontextmanager
async def place(hub: Hub | None = None, **options: Any) -> AsyncIterator[Place]:
    here = Place(Hub() if hub is None else hub)
    defaults = {"compression": None, "ping_interval": None, "close_timeout": 0.2, "logger": QUIET}
    async with serve(here.handler, **defaults | options) as here.server:
        yield here


async def read_until(websocket: ClientConnection, last: str | bytes) -> list[int | str]:
    """Read numbered messages up to the last, which is left out."""
    numbers = []
    async with asyncio.timeout(20):
        while (message := await websocket.recv()) != last:
            numbers.append(number_in(message))
    return numbers


async def true_soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  no event tells of a full or an empty buffer
            await asyncio.sleep(0)


# The registry.


async def test_who_joins_is_a_member_until_the_block_ends() -> None:
    async with place() as here:
        async with here.client() as (_, first), here.client() as (_, second):
            assert here.hub.members() == (first, second)
            assert len(here.hub) == 2 and first.present
            assert first in here.hub and first.websocket in here.hub and "somebody" not in here.hub
        await here.departures.get()
        await here.departures.get()
        assert here.hub.members() == () and len(here.hub) == 0
        assert first not in here.hub and first.websocket not in here.hub and not first.present


async def test_a_room_lives_from_its_first_member_to_its_last() -> None:
    async with place() as here, here.client("cats") as (_, one), here.client("cats,dogs") as (_, two):
        assert here.hub.rooms == ("cats", "dogs") and two.rooms == ("cats", "dogs")
        assert here.hub.members("cats") == (one, two) and here.hub.members("dogs") == (two,)
        two.leave("dogs")
        assert here.hub.rooms == ("cats",) and two.rooms == ("cats",)
        one.enter("birds")
        one.leave("cats")
        one.enter("cats")
        assert here.hub.rooms == ("birds", "cats") and here.hub.members("cats") == (two, one)


async def test_entering_and_leaving_twice_changes_nothing() -> None:
    async with place() as here, here.client("cats") as (_, one), here.client("cats") as (_, two):
        one.enter("cats")
        two.leave("dogs")
        assert here.hub.members("cats") == (one, two)
        one.leave("cats")
        one.leave("cats")
        assert here.hub.members("cats") == (two,)


async def test_who_has_left_the_hub_enters_no_room() -> None:
    async with place() as here, here.client("cats") as (_, member):
        member.leave_hub()
        member.leave_hub()
        member.enter("dogs")
        assert here.hub.rooms == () and member.rooms == () and len(here.hub) == 0


async def test_a_connection_joins_once_at_a_time() -> None:
    async with place() as here, here.client() as (_, member):
        with pytest.raises(WslabError, match="has joined this hub already"):
            await here.hub.join(member.websocket).__aenter__()
        assert here.hub.members() == (member,)
        member.leave_hub()
        async with here.hub.join(member.websocket, "cats") as again:
            assert here.hub.members() == (again,) and again not in (member,) and member not in here.hub
        assert len(here.hub) == 0


async def test_another_thread_is_told_how_to_broadcast() -> None:
    async with place() as here, here.client() as (client, _):
        with pytest.raises(WslabError, match=r"asyncio.run_coroutine_threadsafe\(hub.broadcast\(...\), loop\)"):
            await asyncio.to_thread(asyncio.run, here.hub.broadcast("lost"))
        there = asyncio.run_coroutine_threadsafe(here.hub.broadcast("Hello"), asyncio.get_running_loop())
        assert await asyncio.to_thread(there.result, 5) == 1
        assert await client.recv() == "Hello"


async def test_the_application_keeps_what_it_wants_to_know_about_a_member() -> None:
    async with place() as here, here.client("cats") as (_, one), here.client("cats") as (_, two):
        one.info["name"], two.info["name"] = "Ada", "Bo"
        assert [member.info["name"] for member in here.hub.members("cats")] == ["Ada", "Bo"]


async def test_reprs_tell_the_state_and_nothing_that_varies() -> None:
    async with place() as here:
        shown = [repr(here.hub)]
        async with here.client("dogs,cats") as (_, member):
            shown += [repr(here.hub), repr(member)]
            async with here.client() as (_, other):
                shown += [repr(here.hub), repr(other)]
    assert shown == [
        "<wslab hub, 0 connections, 0 rooms>",
        "<wslab hub, 1 connection, 2 rooms>",
        "<wslab member, rooms: cats, dogs>",
        "<wslab hub, 2 connections, 2 rooms>",
        "<wslab member, rooms: none>",
    ]


@pytest.mark.parametrize(
    ("arguments", "happened"),
    [
        ({"slow": "drop"}, "slow is 'drop'"),
        ({"limit_bytes": 0}, "limit_bytes is 0"),
        ({"limit_bytes": "1 MiB"}, "limit_bytes is '1 MiB'"),
        ({"queue_messages": -1}, "queue_messages is -1"),
        ({"queue_messages": 1.5}, "queue_messages is 1.5"),
        ({"patience_s": 0}, "patience_s is 0"),
        ({"notice": lambda count: {"lagged": count}}, "a message cannot be of type dict"),
    ],
    ids=["policy", "no bytes", "bytes in words", "queue", "half a message", "patience", "notice"],
)
def test_a_hub_that_cannot_work_says_so_at_once(arguments: dict[str, Any], happened: str) -> None:
    with pytest.raises(WslabError, match=happened):
        Hub(**arguments)


@pytest.mark.parametrize(
    ("rooms", "happened"),
    [((1,), "the room is 1"), ((["cats"],), r"the room is \['cats'\]"), (("cats", None), "the room is None")],
    ids=["number", "list", "None"],
)
async def test_a_room_without_a_name_is_refused_and_nothing_is_half_joined(rooms: Any, happened: str) -> None:
    async with place() as here, here.client() as (_, member):
        member.leave_hub()
        with pytest.raises(WslabError, match=happened):
            await here.hub.join(member.websocket, *rooms).__aenter__()
        with pytest.raises(WslabError, match=happened):
            member.enter(rooms[-1])
        assert len(here.hub) == 0 and here.hub.rooms == ()


async def test_what_is_no_connection_cannot_join() -> None:
    with pytest.raises(WslabError, match=r"str is not a connection of a server.*websocket that a handler is given"):
        await Hub().join("ws://127.0.0.1").__aenter__()  # type: ignore[arg-type]


# One message to all of them.


@pytest.mark.parametrize("message", ["Hello", "", "ÄÖÜ", b"\x00\xff", b""], ids=repr)
async def test_a_message_reaches_everyone_as_it_is(message: str | bytes) -> None:
    async with place() as here, here.client() as (one, _), here.client(compression="deflate") as (two, _):
        assert await here.hub.broadcast(message) == 2
        assert [await one.recv(), await two.recv()] == [message, message]
        assert here.hub.counts == Counts(connected=2, delivered=2, dropped=0, lagged=0, disconnected=0)


async def test_a_message_stays_in_its_room_and_passes_by_who_is_excluded() -> None:
    async with (
        place() as here,
        here.client("cats") as (one, a),
        here.client("cats") as (two, b),
        here.client() as (
            three,
            _,
        ),
    ):
        sent = [
            await here.hub.broadcast("to cats", room="cats"),
            await here.hub.broadcast("to cats but one", room="cats", exclude=[a]),
            await here.hub.broadcast("to one and three", exclude={b.websocket}),
            await here.hub.broadcast("end"),
        ]
        assert sent == [2, 1, 2, 3]
        assert [await one.recv() for _ in range(3)] == ["to cats", "to one and three", "end"]
        assert [await two.recv() for _ in range(3)] == ["to cats", "to cats but one", "end"]
        assert [await three.recv() for _ in range(2)] == ["to one and three", "end"]


async def test_a_message_to_nobody_is_no_error() -> None:
    hub = Hub()
    assert await hub.broadcast("Hello") == 0
    assert hub.counts == Counts(0, 0, 0, 0, 0)


@pytest.mark.parametrize("policy", ["disconnect", "lag", "wait"])
async def test_a_room_that_is_not_there_is_an_error_that_names_those_that_are(policy: Any) -> None:
    async with place(Hub(policy)) as here, here.client("cats,dogs") as (websocket, _):
        with pytest.raises(UnknownRoomError, match=r"room 'birds'.*: 'cats', 'dogs'\. To do: enter it first"):
            here.hub.members("birds")
        with pytest.raises(UnknownRoomError) as caught:
            await here.hub.broadcast("Hello", room="birds")
        assert caught.value.room == "birds" and caught.value.rooms == ("cats", "dogs")
        await here.hub.broadcast("undisturbed")
        assert await websocket.recv() == "undisturbed"


def test_of_very_many_rooms_the_error_names_a_few() -> None:
    rooms = tuple(f"room {number:03}" for number in range(500))
    assert "'room 009', 490 more." in str(UnknownRoomError("cats", rooms))
    assert "a room that somebody has entered" in str(UnknownRoomError("cats", ()))


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ({"text": "Hello"}, r"type dict.*json\.dumps\(message\)"),
        (None, r"type NoneType.*json\.dumps\(message\)"),
        (["a", "b"], r"type list.*json\.dumps\(message\)"),
        (bytearray(b"Hello"), r"type bytearray.*bytes\(message\)"),
    ],
    ids=["dict", "None", "list", "bytearray"],
)
async def test_what_is_no_message_is_an_error_that_says_what_to_do(message: Any, remedy: str) -> None:
    async with place() as here, here.client():
        with pytest.raises(MessageTypeError, match=remedy):
            await here.hub.broadcast(message)
        with pytest.raises(MessageTypeError, match=remedy):
            here.hub.write(message)
        assert here.hub.counts.delivered == 0


async def test_text_that_is_no_unicode_reaches_nobody_and_harms_nobody() -> None:
    async with place() as here, here.client() as (websocket, _):
        with pytest.raises(UnicodeEncodeError):
            await here.hub.broadcast("\ud800")
        assert await here.hub.broadcast("Hello") == 1 and here.hub.counts.delivered == 1
        assert await websocket.recv() == "Hello"


async def test_text_that_is_no_unicode_is_an_error_though_all_lag_or_nobody_is_there() -> None:
    with pytest.raises(UnicodeEncodeError):
        await Hub().broadcast("\ud800")
    hub = Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=4)
    async with place(hub) as here, here.stalled() as (websocket, _):
        count = await here.broadcast_until(lambda: hub.counts.lagged == 1)
        with pytest.raises(UnicodeEncodeError):
            await hub.broadcast("\ud800")
        await hub.broadcast("end")
        websocket.transport.resume_reading()
        assert await read_until(websocket, "end") == list(range(count))
        assert hub.counts == Counts(connected=1, delivered=count + 1, dropped=0, lagged=1, disconnected=0)


async def test_who_cannot_be_written_to_misses_a_message_and_that_is_counted() -> None:
    async with place() as here, here.client() as (_, refuses), here.client() as (other, _):
        refuses.websocket.transport.write_eof()
        assert refuses.websocket.state is State.OPEN
        assert await here.hub.broadcast("news") == 1
        assert here.hub.counts == Counts(connected=2, delivered=1, dropped=1, lagged=0, disconnected=0)
        assert await other.recv() == "news"


async def test_a_large_message_is_not_kept_once_it_is_written() -> None:
    async with place() as here, here.client() as (websocket, _):
        message = bulk(0)
        await here.hub.broadcast(message)
        assert await websocket.recv() == message
        assert prepared._newest[0] is not message


async def test_only_those_that_are_open_can_miss_a_message() -> None:
    half_way = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "Hel"
        half_way.set()
        await asyncio.get_running_loop().create_future()

    async with place() as here, here.client() as (_, closed), here.client() as (_, busy), here.client() as (one, open_):
        closed.websocket.transport.abort()
        await here.departures.get()
        sending = asyncio.create_task(busy.websocket.send(pieces()))
        await half_way.wait()
        assert slow.hand_over([closed.websocket, busy.websocket, open_.websocket], "news") == 1
        assert await one.recv() == "news"
        await cancelled(sending)


async def test_exclude_takes_members_and_connections_only() -> None:
    async with place() as here, here.client() as (_, member):
        for single in (member, member.websocket):
            with pytest.raises(WslabError, match=r"a single \w+ is given.*\[member\]"):
                await here.hub.broadcast("Hello", exclude=single)  # type: ignore[arg-type]
        with pytest.raises(WslabError, match="str is not a connection of a server"):
            await here.hub.broadcast("Hello", exclude="cats")
        assert here.hub.counts.delivered == 0


async def test_a_connection_that_is_closing_is_passed_by() -> None:
    async with place(close_timeout=5) as here, here.client() as (one, _), here.stalled() as (_, leaving):
        closing = asyncio.create_task(leaving.websocket.close())
        await true_soon(lambda: leaving.websocket.state is not State.OPEN)
        assert leaving in here.hub
        assert await here.hub.broadcast("Hello") == 1
        assert here.hub.counts == Counts(connected=2, delivered=1, dropped=0, lagged=0, disconnected=0)
        assert await one.recv() == "Hello"
        leaving.websocket.transport.abort()
        await closing


async def test_who_is_sent_a_fragmented_message_meanwhile_misses_this_one_and_that_is_counted() -> None:
    half_way, go_on = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "Hel"
        half_way.set()
        await go_on.wait()
        yield "lo"

    async with place() as here, here.client() as (one, member), here.client() as (two, _):
        sending = asyncio.create_task(member.websocket.send(pieces()))
        await half_way.wait()
        assert await here.hub.broadcast("news") == 1
        assert here.hub.counts == Counts(connected=2, delivered=1, dropped=1, lagged=0, disconnected=0)
        go_on.set()
        await sending
        assert await one.recv() == "Hello" and await two.recv() == "news"


@pytest.mark.parametrize("policy", ["disconnect", "lag", "wait"])
async def test_who_was_left_with_half_a_fragmented_message_misses_what_follows_and_that_is_counted(policy: Any) -> None:
    half_way = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "Hel"
        half_way.set()
        await asyncio.get_running_loop().create_future()

    async with place(Hub(policy)) as here, here.client() as (_, member), here.client() as (other, _):
        sending = asyncio.create_task(member.websocket.send(pieces()))
        await half_way.wait()
        await cancelled(sending)
        assert await here.hub.broadcast("news") == 1
        assert here.hub.counts == Counts(connected=2, delivered=1, dropped=1, lagged=0, disconnected=0)
        assert await other.recv() == "news"


async def test_a_loop_of_broadcasts_lets_others_run() -> None:
    async with place() as here, here.client() as (websocket, _):
        heard = asyncio.create_task(read_until(websocket, "last"))
        for _ in range(1000):
            await here.hub.broadcast("last")
            if heard.done():
                break
        assert heard.done()
        await heard


async def test_a_message_is_written_in_one_step() -> None:
    async with place() as here, here.client() as (websocket, _):
        assert here.hub.write("Hello") == 1
        assert here.hub.counts.delivered == 1
        assert await websocket.recv() == "Hello"


# A reader that is slow: disconnect it.


async def test_a_slow_reader_leaves_at_once_and_the_others_get_everything() -> None:
    async with (
        place(Hub("disconnect", limit_bytes=LIMIT_BYTES)) as here,
        here.client("cats") as (healthy, _),
        here.stalled(path="cats,dogs") as (_, late),
    ):
        count = await here.broadcast_until(lambda: here.hub.counts.disconnected == 1)
        assert late not in here.hub and late.websocket not in here.hub and here.hub.rooms == ("cats",)
        await here.hub.broadcast("end")
        assert await read_until(healthy, "end") == list(range(count))
        assert here.hub.counts == Counts(1, 2 * count, 1, 0, 1)


async def test_a_slow_reader_that_reads_again_is_told_why_it_was_closed() -> None:
    async with (
        place(Hub("disconnect", limit_bytes=LIMIT_BYTES), close_timeout=20) as here,
        here.stalled() as (websocket, _),
    ):
        count = await here.broadcast_until(lambda: len(here.hub) == 0)
        websocket.transport.resume_reading()
        with pytest.raises(ConnectionClosedError, match=r"received 1008 .*too slow: \d+ bytes waiting") as caught:
            await read_until(websocket, "never comes")
        assert caught.value.rcvd is not None
        assert LIMIT_BYTES < int(caught.value.rcvd.reason.split()[2]) <= LIMIT_BYTES + len(bulk(0)) + HEAD_BYTES
        assert here.hub.counts.delivered == count - 1


@pytest.mark.parametrize("close_timeout", [0.05, None], ids=["its own close_timeout", "no close_timeout"])
async def test_a_slow_reader_that_never_reads_again_is_cut(
    close_timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "LONGEST_CLOSE_S", 0.05)
    async with (
        place(Hub("disconnect", limit_bytes=LIMIT_BYTES), close_timeout=close_timeout) as here,
        here.stalled() as (_, member),
    ):
        await here.broadcast_until(lambda: len(here.hub) == 0)
        assert await here.departures.get() is member.websocket
        assert member.websocket.state is State.CLOSED and waiting_bytes(member) == 0
        with pytest.raises(ConnectionClosedError, match="sent 1008"):
            await member.websocket.recv()


# A reader that is slow: let it lag.


async def test_a_lagging_reader_gets_the_newest_and_is_told_how_many_it_missed() -> None:
    async with (
        place(Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=5)) as here,
        here.client() as (healthy, _),
        here.stalled() as (websocket, member),
    ):
        count = await here.broadcast_until(lambda: here.hub.counts.dropped == 7)
        websocket.transport.resume_reading()
        await true_soon(lambda: not here.hub._policy.backlogs)
        assert await here.hub.broadcast("end") == 2
        heard = await read_until(websocket, "end")
        missed_from = count - 5 - 7
        assert heard == [*range(missed_from), '{"lagged": 7}', *range(count - 5, count)]
        assert await read_until(healthy, "end") == list(range(count))
        assert here.hub.counts == Counts(2, 2 * count - 7 + 2, 7, 1, 0)
        assert member in here.hub


async def test_a_reader_that_lags_again_and_again_hears_everything_or_how_many_it_missed() -> None:
    hub = Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=3, notice=lambda count: str(count))
    async with place(hub) as here, here.stalled() as (websocket, _):
        total = 0
        for _ in range(3):
            websocket.transport.pause_reading()
            dropped = hub.counts.dropped
            for _ in range(ENOUGH):
                await hub.broadcast(bulk(total))
                total += 1
                if hub.counts.dropped > dropped + 4:
                    break
            websocket.transport.resume_reading()
            for _ in range(6):  # while it catches up
                await hub.broadcast(bulk(total))
                total += 1
            await true_soon(lambda: not hub._policy.backlogs)
        await hub.broadcast("end")
        expected = 0
        for heard in await read_until(websocket, "end"):
            expected += int(heard) if isinstance(heard, str) else 1
            assert isinstance(heard, str) or heard == expected - 1
        assert expected == total
        assert hub.counts.delivered + hub.counts.dropped == total + 1 and hub.counts.lagged >= 3


async def test_a_lagging_member_that_leaves_leaves_nothing_behind() -> None:
    async with place(Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=5)) as here, here.stalled() as (_, member):
        count = await here.broadcast_until(lambda: here.hub.counts.dropped == 1)
        (backlog,) = here.hub._policy.backlogs.values()
        assert backlog.sending is not None
        member.leave_hub()
        async with asyncio.timeout(20):
            await asyncio.wait({backlog.sending})
        counts = here.hub.counts
        assert here.hub._policy.backlogs == {} and counts.delivered + counts.dropped == count
        async with here.hub.join(member.websocket):  # and its connection may come again
            await here.hub.broadcast("Hello")
            await asyncio.sleep(0)
            assert len(here.hub._policy.backlogs) == 1


async def test_a_lagging_reader_that_takes_nothing_at_all_is_disconnected_in_the_end() -> None:
    hub = Hub("lag", limit_bytes=LIMIT_BYTES, patience_s=0.02)
    async with place(hub, close_timeout=0.02) as here, here.stalled() as (_, member):
        count = await here.broadcast_until(lambda: here.hub.counts.lagged == 1)
        assert await here.departures.get() is member.websocket
        assert len(hub) == 0 and hub.counts == Counts(0, count - 1, 1, 1, 1)


async def test_a_lagging_reader_that_closes_is_gone() -> None:
    async with place(Hub("lag", limit_bytes=LIMIT_BYTES)) as here, here.stalled() as (websocket, _):
        count = await here.broadcast_until(lambda: here.hub.counts.lagged == 1)
        websocket.transport.abort()
        await here.departures.get()
        assert here.hub.counts == Counts(0, count - 1, 1, 1, 0)


async def test_what_still_waits_for_a_connection_that_is_lost_is_dropped() -> None:
    hub = Hub("lag", limit_bytes=LIMIT_BYTES)
    async with place() as here, here.stalled() as (_, elsewhere), hub.join(elsewhere.websocket):
        while not hub.counts.lagged:
            await hub.broadcast(bulk(0))
        delivered = hub.counts.delivered
        elsewhere.websocket.transport.abort()
        await true_soon(lambda: not hub._policy.backlogs)
        assert hub.counts == Counts(1, delivered, 1, 1, 0)


@pytest.mark.parametrize("size_bytes", [BULK_BYTES, 2**24], ids=["quick reader", "slow reader"])
async def test_nothing_is_lost_unsaid_to_who_is_sent_a_fragmented_message_meanwhile(size_bytes: int) -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield struct.pack("!I", 1000) + bytes(size_bytes)
        await go_on.wait()
        yield b"the rest"

    hub = Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=2, notice=lambda count: f"missed {count}")
    async with place(hub) as here, here.stalled() as (websocket, member):
        sending = asyncio.create_task(member.websocket.send(pieces()))
        await true_soon(lambda: member.websocket.send_in_progress is not None)
        assert (waiting_bytes(member) > LIMIT_BYTES) is (size_bytes > BULK_BYTES)
        assert [await hub.broadcast(bulk(number)) for number in range(4)] == [0] * 4
        assert hub.counts == Counts(connected=1, delivered=0, dropped=2, lagged=1, disconnected=0)
        websocket.transport.resume_reading()
        await true_soon(lambda: waiting_bytes(member) == 0)
        go_on.set()
        await sending
        await true_soon(lambda: not hub._policy.backlogs)
        await hub.broadcast("end")
        assert await read_until(websocket, "end") == [1000, "missed 2", 2, 3]
        assert hub.counts == Counts(connected=1, delivered=3, dropped=2, lagged=1, disconnected=0)


# A reader that is slow: wait for it.


async def test_everybody_waits_for_a_slow_reader_and_nobody_misses_anything() -> None:
    async with (
        place(Hub("wait", limit_bytes=LIMIT_BYTES)) as here,
        here.client() as (healthy, _),
        here.stalled() as (websocket, member),
    ):
        broadcasts = [asyncio.create_task(here.hub.broadcast(bulk(number))) for number in range(ENOUGH // 4)]
        await true_soon(lambda: waiting_bytes(member) > LIMIT_BYTES)
        broadcasts.append(asyncio.create_task(here.hub.broadcast("end")))
        assert not all(broadcast.done() for broadcast in broadcasts)
        websocket.transport.resume_reading()
        heard = await asyncio.gather(read_until(healthy, "end"), read_until(websocket, "end"))
        assert heard == [list(range(ENOUGH // 4))] * 2
        assert set(await asyncio.gather(*broadcasts)) == {2}
        assert here.hub.counts == Counts(2, 2 * len(broadcasts), 0, 0, 0)


async def fill(here: Place, member: Member) -> asyncio.Task[int]:
    """Broadcast until one message has to wait for member."""
    while waiting_bytes(member) <= LIMIT_BYTES:
        await here.hub.broadcast(bulk(0))
    broadcast = asyncio.create_task(here.hub.broadcast("waits"))
    await true_soon(lambda: member.websocket in here.hub._policy._waiting)  # type: ignore[attr-defined]
    return broadcast


async def test_a_broadcast_that_is_cancelled_while_it_waits_goes_to_nobody() -> None:
    async with (
        place(Hub("wait", limit_bytes=LIMIT_BYTES)) as here,
        here.client() as (healthy, _),
        here.stalled() as (websocket, member),
    ):
        waits = await fill(here, member)
        (waiting,) = here.hub._policy._waiting.values()  # type: ignore[attr-defined]
        later = asyncio.create_task(here.hub.broadcast("later"))
        waits.cancel()
        await asyncio.wait({waits, waiting})
        assert waits.cancelled() and waiting.cancelled()
        websocket.transport.resume_reading()
        assert await later == 2
        assert "waits" not in await read_until(healthy, "later")
        assert "waits" not in await read_until(websocket, "later")


async def leave_hub(here: Place, websocket: ClientConnection, member: Member) -> None:
    member.leave_hub()


async def abort(here: Place, websocket: ClientConnection, member: Member) -> None:
    websocket.transport.abort()


async def reset(here: Place, websocket: ClientConnection, member: Member) -> None:
    linger = struct.pack("ii", 1, 0)
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    websocket.transport.abort()


async def cancel(here: Place, websocket: ClientConnection, member: Member) -> None:
    here.handling[member.websocket].cancel()


async def read_again(here: Place, websocket: ClientConnection, member: Member) -> None:
    websocket.transport.resume_reading()


@pytest.mark.parametrize("go", [leave_hub, abort, reset, cancel, read_again])
async def test_nobody_waits_longer_once_the_slow_reader_is_gone_or_reads(go: Callable[..., Awaitable[None]]) -> None:
    async with (
        place(Hub("wait", limit_bytes=LIMIT_BYTES, patience_s=None)) as here,
        here.client() as (healthy, _),
        here.stalled() as (websocket, member),
    ):
        waits = await fill(here, member)
        await go(here, websocket, member)
        async with asyncio.timeout(20):
            assert await waits == (2 if go is read_again else 1)
        assert here.hub.counts.disconnected == 0
        assert set(await read_until(healthy, "waits")) == {0}


async def test_a_connection_that_is_reset_while_all_wait_is_no_error_though_its_block_goes_on() -> None:
    hub = Hub("wait", limit_bytes=LIMIT_BYTES, patience_s=None)
    async with place() as here, here.stalled() as (websocket, elsewhere), hub.join(elsewhere.websocket):
        while waiting_bytes(elsewhere) <= LIMIT_BYTES:
            await hub.broadcast(bulk(0))
        waits = asyncio.create_task(hub.broadcast("waits"))
        await true_soon(lambda: hub._policy._waiting != {})  # type: ignore[attr-defined]
        await reset(here, websocket, elsewhere)
        async with asyncio.timeout(20):
            assert await waits == 0
        assert hub.counts.disconnected == 0 and len(hub) == 1


async def test_nobody_waits_for_a_slow_reader_that_is_closing_already() -> None:
    hub = Hub("wait", limit_bytes=LIMIT_BYTES, patience_s=None)
    async with place(hub) as here, here.client() as (healthy, _), here.stalled() as (_, member):
        (await fill(here, member)).cancel()
        closing = asyncio.create_task(member.websocket.close())
        await true_soon(lambda: member.websocket.state is not State.OPEN)
        async with asyncio.timeout(20):
            assert await hub.broadcast("end") == 1
        assert set(await read_until(healthy, "end")) == {0}
        member.websocket.transport.abort()
        await closing


async def test_a_reader_that_takes_nothing_while_all_wait_is_disconnected_in_the_end() -> None:
    hub = Hub("wait", limit_bytes=LIMIT_BYTES, patience_s=0.02)
    async with place(hub, close_timeout=0.02) as here, here.client() as (healthy, _), here.stalled() as (_, member):
        assert await (await fill(here, member)) == 1
        assert await here.departures.get() is member.websocket
        assert hub.counts.disconnected == 1 and hub.counts.dropped == 0 and len(hub) == 1
        assert set(await read_until(healthy, "waits")) == {0}


async def test_slow_readers_are_waited_for_all_at_once() -> None:
    hub = Hub("wait", limit_bytes=LIMIT_BYTES)
    async with place(hub) as here, here.stalled() as (one, a), here.stalled() as (two, b):
        for member in (a, b):
            while waiting_bytes(member) <= LIMIT_BYTES:
                broadcast([member.websocket], bulk(0))
                await asyncio.sleep(0)
        waits = asyncio.create_task(hub.broadcast("waits"))
        await asyncio.sleep(0)
        await true_soon(lambda: hub._policy._waiting != {})  # type: ignore[attr-defined]
        assert set(hub._policy._waiting) == {a.websocket, b.websocket}  # type: ignore[attr-defined]
        a.leave_hub()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waits.done()
        two.transport.resume_reading()
        async with asyncio.timeout(20):
            assert await waits == 1
        assert set(await read_until(two, "waits")) == {0} and hub.counts.disconnected == 0
        one.transport.resume_reading()


async def test_writing_outside_of_a_turn_does_not_get_round_the_wait() -> None:
    async with place(Hub("wait", limit_bytes=LIMIT_BYTES)) as here, here.stalled() as (_, member):
        waits = await fill(here, member)
        with pytest.raises(WslabError, match=r"no room\. To do: write inside hub\.turn\(\)"):
            here.hub.write("Hello")
        waits.cancel()


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    hub, order = Hub("wait"), list[int]()

    async def take(number: int) -> None:
        async with hub.turn():
            for _ in range(5 - number):  # who comes later would be done earlier
                await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*map(take, range(5)))
    assert order == [0, 1, 2, 3, 4]


# In every policy.


@pytest.mark.parametrize("policy", ["disconnect", "lag", "wait"])
@pytest.mark.parametrize("limit_bytes", [LIMIT_BYTES, 1000], ids=["limit", "limit below that of websockets"])
async def test_what_waits_for_a_reader_that_stops_reading_is_bounded(policy: Any, limit_bytes: int) -> None:
    hub = Hub(policy, limit_bytes=limit_bytes, queue_messages=4)
    async with place(hub) as here, here.client(), here.stalled() as (_, member):
        broadcasts = asyncio.create_task(broadcast_in_turn(hub, ENOUGH // 4))
        highest_bytes = rounds_over_limit = 0
        while not broadcasts.done() and rounds_over_limit < ENOUGH:  # in which a hub that waits writes nothing more
            await asyncio.sleep(0)
            highest_bytes = max(highest_bytes, waiting_bytes(member))
            rounds_over_limit += waiting_bytes(member) > limit_bytes
        assert limit_bytes < highest_bytes <= limit_bytes + len(bulk(0)) + HEAD_BYTES + 2**7  # and a close frame
        assert all(len(backlog.messages) <= 4 for backlog in hub._policy.backlogs.values())
        assert (len(hub._policy.backlogs) == 1) is (policy == "lag")
        await cancelled(broadcasts)


async def broadcast_in_turn(hub: Hub, count: int) -> None:
    for number in range(count):
        await hub.broadcast(bulk(number))


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_waits_for_those_who_lag_is_kept_once_for_all() -> None:
    hub = Hub("lag", limit_bytes=LIMIT_BYTES, queue_messages=4)
    async with place(hub) as here, here.stalled(), here.stalled():
        await here.broadcast_until(lambda: hub.counts.dropped > 4)
        one, two = (backlog.messages for backlog in hub._policy.backlogs.values())
        assert len(one) == 4 and all(first is second for first, second in zip(one, two, strict=True))


async def test_the_hub_raises_no_limit_of_a_connection() -> None:
    async with place(Hub(limit_bytes=2**20), write_limit=1000) as here, here.client() as (_, member):
        assert member.websocket.transport.get_write_buffer_limits()[1] == 1000
    async with place(Hub(limit_bytes=1000)) as here, here.client() as (_, member):
        assert member.websocket.transport.get_write_buffer_limits()[1] == 1000


@pytest.mark.parametrize(
    ("sizes", "takes"),
    [
        ([100, 90, 80, 80], False),
        ([100, 100], False),
        ([100, 60, 30, 10], True),
        ([10], True),
    ],
    ids=["stops", "never begins", "slow but steady", "not slow"],
)
async def test_a_reader_is_waited_for_as_long_as_it_takes_anything(sizes: list[int], takes: bool) -> None:
    transport = SimpleNamespace(get_write_buffer_size=lambda: sizes[0])

    async def drain() -> None:
        sizes.pop(0)
        await asyncio.get_running_loop().create_future()

    websocket: Any = SimpleNamespace(paused=True, state=State.OPEN, transport=transport, drain=drain)
    policy = Policy(Limits(limit_bytes=10, queue_messages=1, patience_s=0.001, notice=str), Tally())
    assert await policy.takes(websocket) is takes
    assert len(sizes) == 1


# Ways of leaving.


async def close(here: Place, websocket: ClientConnection, member: Member) -> None:
    await websocket.close()


async def fin(here: Place, websocket: ClientConnection, member: Member) -> None:
    websocket.transport.write_eof()


async def black_hole(here: Place, websocket: ClientConnection, member: Member) -> None:
    websocket.transport.pause_reading()  # keepalive gets no answer any more


def keep_dogs_alive(websocket: ServerConnection, request: Request) -> None:
    """Let keepalive be so impatient that on a busy machine it may close those too who answer: not for all of them."""
    if "dogs" in request.path:
        websocket.ping_interval = websocket.ping_timeout = websocket.close_timeout = 0.02


async def handler_raises(here: Place, websocket: ClientConnection, member: Member) -> None:
    await websocket.send("raise")


async def handler_returns(here: Place, websocket: ClientConnection, member: Member) -> None:
    await websocket.send("return")


async def handler_cancelled(here: Place, websocket: ClientConnection, member: Member) -> None:
    here.handling[member.websocket].cancel()


async def server_closes_it(here: Place, websocket: ClientConnection, member: Member) -> None:
    await member.websocket.close(4000)


WAYS = [close, fin, reset, black_hole, handler_raises, handler_returns, handler_cancelled, server_closes_it]


@pytest.mark.parametrize("policy", ["disconnect", "lag", "wait"])
@pytest.mark.parametrize("go", WAYS)
async def test_whoever_goes_and_however_is_gone_and_the_others_stay(
    go: Callable[..., Awaitable[None]], policy: Any
) -> None:
    async with (
        place(Hub(policy), process_request=keep_dogs_alive if go is black_hole else None) as here,
        here.client("cats,dogs") as (websocket, gone),
        here.client("cats") as (other, stays),
    ):
        await go(here, websocket, gone)
        async with asyncio.timeout(20):
            assert await here.departures.get() is gone.websocket
        assert here.hub.members() == (stays,) and here.hub.members("cats") == (stays,)
        assert here.hub.rooms == ("cats",) and gone.rooms == () and gone not in here.hub
        assert await here.hub.broadcast("Hello") == 1 and await other.recv() == "Hello"


async def test_a_server_that_closes_empties_the_hub() -> None:
    async with place() as here, here.client("cats"), here.client("cats"):
        here.server.close()
        await here.server.wait_closed()
        assert repr(here.hub) == "<wslab hub, 0 connections, 0 rooms>"


# Bad input.

ANNOUNCED = encode(WireFrame(BINARY, b"", masking_key=KEY))[:1] + b"\xff" + (2**30).to_bytes(8) + KEY
FRAGMENT = encode(WireFrame(CONT, bytes(2**19), fin=False, masking_key=KEY))
FRAGMENTS = encode(WireFrame(BINARY, b"", fin=False, masking_key=KEY)) + FRAGMENT * 3


def deflated(size_bytes: int) -> bytes:
    """Make one frame with a message that is much larger once it is inflated (RFC 7692)."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = squeeze.compress(bytes(size_bytes)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return encode(WireFrame(BINARY, data[:-4], rsv1=True, masking_key=KEY))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (ANNOUNCED, 1009),
        (FRAGMENTS, 1009),
        (deflated(2**25), 1009),
        (encode(WireFrame(TEXT, b"\xff\xfe", masking_key=KEY)), 1007),
        (encode(WireFrame(TEXT, b"raise", masking_key=KEY)), 1011),
        (encode(WireFrame(TEXT, b"not masked")), 1002),
        (b"\x8f\x80" + KEY, 1002),
    ],
    ids=["1 GiB announced", "endless fragments", "deflated", "UTF-8", "handler raises", "no mask", "opcode 15"],
)
async def test_bad_input_closes_its_connection_and_no_other(sent: bytes, code: int) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    async with place(compression="deflate") as here, here.client("cats") as (other, stays):
        async with connect_raw(here.server.url + "cats", headers=offer) as raw:
            await here.arrivals.get()
            await raw.write(sent)
            frames = await raw.frames_until_close()
            assert frames[-1].close is not None and frames[-1].close.code == code
        await here.departures.get()
        assert here.hub.members("cats") == (stays,)
        assert await here.hub.broadcast("undisturbed") == 1 and await other.recv() == "undisturbed"


@pytest.mark.parametrize("cut", [1, 3, 6, 8], ids=["in the head", "in the length", "in the key", "in the payload"])
async def test_half_a_frame_and_then_nothing_is_a_way_of_leaving(cut: int) -> None:
    frame = encode(WireFrame(TEXT, b"Hello" * 30, masking_key=KEY))
    async with place() as here, here.client() as (other, stays):
        async with connect_raw(here.server.url) as raw:
            gone = await here.arrivals.get()
            await raw.write(frame[:cut])
        assert await here.departures.get() is gone.websocket
        assert here.hub.members() == (stays,)
        assert await here.hub.broadcast("undisturbed") == 1 and await other.recv() == "undisturbed"
