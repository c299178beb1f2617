"""One actor a connection: what its hooks hear, what its context does, and how both ends of its life meet."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import broadcast
from websockets.asyncio.server import serve as plain_serve
from websockets.exceptions import ConnectionClosed

from wslab import actors
from wslab.errors import MailboxClosedError, MailboxFullError, WslabError
from wslab.servers import Server, serve
from wslab.tap import tap

QUIET = logging.getLogger("wslab.tests.actors.quiet")
QUIET.disabled = True
OPTIONS: dict[str, Any] = {"ping_interval": None, "close_timeout": 0.2, "logger": QUIET, "compression": None}


class Chatter(actors.WebSocketActor):
    """Notes every hook, and does what the client says."""

    mailbox_capacity = 2

    def __init__(self, notes: asyncio.Queue[Any], veto: bool = False, gate: asyncio.Event | None = None) -> None:
        self.notes = notes
        self.veto = veto
        self.gate = gate or asyncio.Event()

    async def started(self, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait(ctx)
        self.notes.put_nowait("started")

    async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait(text)
        await getattr(self, f"do_{text}", self.echo)(text, ctx)

    async def echo(self, text: str, ctx: actors.WebSocketContext) -> None:
        await ctx.text(text)

    async def on_binary(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait(data)
        await ctx.binary(data)

    async def on_ping(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait(("ping", data))

    async def on_pong(self, data: bytes, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait(("pong", data))

    async def handle(self, message: Any, ctx: actors.WebSocketContext) -> str:
        self.notes.put_nowait(("mail", message))
        if message == "raise":
            raise ValueError("on purpose")
        if message == "wait":
            await self.gate.wait()
        await ctx.text(f"mail: {message}")
        return f"{message} passed on"

    async def stopping(self, ctx: actors.WebSocketContext) -> actors.Running:
        self.notes.put_nowait("stopping")
        return actors.Running.CONTINUE if self.veto else actors.Running.STOP

    async def stopped(self, ctx: actors.WebSocketContext) -> None:
        self.notes.put_nowait("stopped")

    async def do_ping(self, text: str, ctx: actors.WebSocketContext) -> None:
        await ctx.ping(b"are you there?")

    async def do_wait(self, text: str, ctx: actors.WebSocketContext) -> None:
        await self.gate.wait()

    async def do_stop(self, text: str, ctx: actors.WebSocketContext) -> None:
        ctx.stop()

    async def do_twice(self, text: str, ctx: actors.WebSocketContext) -> None:
        ctx.address.do_send("one")
        ctx.address.do_send("two")

    async def do_close(self, text: str, ctx: actors.WebSocketContext) -> None:
        await ctx.close(4000, "on purpose")

    async def do_raise(self, text: str, ctx: actors.WebSocketContext) -> None:
        raise ValueError("on purpose")

    async def do_pour(self, text: str, ctx: actors.WebSocketContext) -> None:
        while True:
            await ctx.binary(bytes(2**20))

    async def do_flood(self, text: str, ctx: actors.WebSocketContext) -> None:
        broadcast([ctx.websocket], bytes(2**25))
        await ctx.close(1008, "too slow")

    async def do_farewell(self, text: str, ctx: actors.WebSocketContext) -> None:
        await ctx.binary(bytes(2**23))
        await ctx.close()

    async def do_elsewhere(self, text: str, ctx: actors.WebSocketContext) -> None:
        async with plain_serve(lambda websocket: websocket.close(), "127.0.0.1", 0) as other:
            port = other.sockets[0].getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", proxy=None) as elsewhere:
                await elsewhere.recv()


class Passing(Chatter):
    """Has no `handle` of its own."""

    handle = actors.WebSocketActor.handle


class Scene:
    """A server of chatters, and what they have noted."""

    def __init__(self, chatter: type[Chatter] = Chatter, **keywords: Any) -> None:
        self.notes: asyncio.Queue[Any] = asyncio.Queue()
        self.server: Server = serve(actors.handler(chatter, self.notes, **keywords), **OPTIONS)

    async def noted(self, last: object) -> list[Any]:
        """Wait for a note; give all that came up to it."""
        notes = [await self.notes.get()]
        while notes[-1] != last:
            notes.append(await self.notes.get())
        return notes

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[ClientConnection, actors.WebSocketContext]]:
        async with connect(self.server.url, proxy=None, compression=None, max_size=None) as websocket:
            ctx = await self.notes.get()
            assert await self.notes.get() == "started"
            yield websocket, ctx


@contextlib.asynccontextmanager
async def scene(chatter: type[Chatter] = Chatter, **keywords: Any) -> AsyncIterator[Scene]:
    here = Scene(chatter, **keywords)
    async with here.server, asyncio.timeout(20):
        yield here


async def closed(websocket: ClientConnection) -> tuple[int | None, str | None]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await websocket.recv()
    return websocket.close_code, websocket.close_reason


async def test_text_and_binary_come_to_their_hooks_and_go_out_as_such() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await websocket.send("Hello")
        await websocket.send(b"\x00\x01")
        assert [await websocket.recv(), await websocket.recv()] == ["Hello", b"\x00\x01"]
        assert await here.noted(b"\x00\x01") == ["Hello", b"\x00\x01"]


async def test_each_connection_has_an_actor_of_its_own() -> None:
    class Counter(actors.WebSocketActor):
        def __init__(self) -> None:
            self.count = 0

        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            self.count += 1
            await ctx.text(str(self.count))

    async with (
        serve(actors.handler(Counter), **OPTIONS) as server,
        connect(server.url, proxy=None) as one,
        connect(server.url, proxy=None) as two,
    ):
        answers = []
        for websocket in (one, one, two):
            await websocket.send("count")
            answers.append(await websocket.recv())
    assert answers == ["1", "2", "1"]


async def test_a_ping_is_answered_by_websockets_and_told_to_the_actor() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await (await websocket.ping(b"1234"))
        assert await here.noted(("ping", b"1234"))


async def test_a_pong_to_our_ping_comes_to_its_hook() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await websocket.send("ping")
        assert await here.noted(("pong", b"are you there?")) == ["ping", ("pong", b"are you there?")]


async def test_a_ping_that_finds_the_mailbox_full_is_answered_and_not_told() -> None:
    gate = asyncio.Event()
    async with scene(gate=gate) as here, here.client() as (websocket, ctx):
        await websocket.send("wait")
        await here.noted("wait")
        ctx.address.do_send("one")
        ctx.address.do_send("two")
        await (await websocket.ping(b"1234"))
        gate.set()
        assert await here.noted(("mail", "two")) == [("mail", "one"), ("mail", "two")]
        await websocket.send("done")
        assert await here.noted("done") == ["done"]


async def test_a_connection_works_as_before_once_its_actor_is_gone() -> None:
    kept = []

    async def handler(websocket: Any) -> None:
        await actors.handler(Chatter, asyncio.Queue())(websocket)
        kept.append("process_event" in vars(websocket))

    async with serve(handler, **OPTIONS) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("stop")
        await closed(websocket)
    assert kept == [False]


async def test_others_reach_an_actor_at_its_address() -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        assert await ctx.address.send("news") == "news passed on"
        ctx.address.do_send("more")
        assert [await websocket.recv(), await websocket.recv()] == ["mail: news", "mail: more"]


@pytest.mark.parametrize("message", ["Hello", b"\x00\x01"])
async def test_without_a_handle_what_is_sent_to_the_address_goes_to_the_client(message: str | bytes) -> None:
    async with scene(Passing) as here, here.client() as (websocket, ctx):
        await ctx.address.send(message)
        assert await websocket.recv() == message
        ctx.address.do_send(message)
        assert ctx.mailbox.at_rest  # it is written, and the actor was not even woken
        assert await websocket.recv() == message


async def test_without_a_handle_too_nothing_overtakes_what_waits_in_the_mailbox() -> None:
    gate = asyncio.Event()
    async with scene(Passing, gate=gate) as here, here.client() as (websocket, ctx):
        await websocket.send("wait")
        await here.noted("wait")
        ctx.address.do_send("one")
        ctx.address.do_send("two")
        assert len(ctx.mailbox) == 2
        gate.set()
        while ctx.mailbox:  # noqa: ASYNC110
            await asyncio.sleep(0)
        ctx.address.do_send("three")
        assert [await websocket.recv() for _ in range(3)] == ["one", "two", "three"]


async def test_without_a_handle_too_nothing_overtakes_a_hook_that_is_next() -> None:
    async with scene(Passing) as here, here.client() as (websocket, ctx):

        async def ask_and_tell() -> None:
            await ctx.address.send("asked")
            ctx.address.do_send("told")

        async def noting() -> Any:
            message = await recv()
            read.set()  # and without a pause whoever reads stands in line for the turn
            return message

        recv, read = ctx.websocket.recv, asyncio.Event()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ctx.websocket, "recv", noting)
            await websocket.send("first")
            assert await websocket.recv() == "first"
            async with ctx.turn:
                asking = asyncio.create_task(ask_and_tell())
                while ctx.mailbox.at_rest:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                await asyncio.sleep(0)
                await websocket.send("second")
                await read.wait()
            await asking
        assert [await websocket.recv() for _ in range(3)] == ["asked", "second", "told"]


async def test_without_a_handle_nothing_is_written_before_the_actor_has_started_or_after_its_end() -> None:
    class Late(actors.WebSocketActor):
        async def started(self, ctx: actors.WebSocketContext) -> None:
            known.set_result(ctx)
            await gate.wait()
            await ctx.text("started")

    gate, known = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with (
        serve(actors.handler(Late), **OPTIONS) as server,
        connect(server.url, proxy=None) as websocket,
    ):
        ctx = await known
        ctx.address.do_send("mail")
        gate.set()
        assert [await websocket.recv(), await websocket.recv()] == ["started", "mail"]
        ctx.address.stop()
        with pytest.raises(MailboxClosedError):
            ctx.address.do_send("late")
        assert await closed(websocket) == (1000, "")


async def test_without_a_handle_a_slow_reader_fills_the_mailbox() -> None:
    async with scene(Passing) as here, here.client() as (websocket, ctx):
        websocket.transport.pause_reading()
        told = 0
        with contextlib.suppress(MailboxFullError):
            while told < 2**14:
                ctx.address.do_send(f"{told:5000}")
                await asyncio.sleep(0)
                told += 1
        assert told < 2**14 and ctx.websocket.transport.get_write_buffer_size() < 2**17
        websocket.transport.resume_reading()
        assert [int(await websocket.recv()) for _ in range(told)] == list(range(told))


async def test_without_a_handle_only_text_and_bytes_are_passed_on() -> None:
    async with scene(Passing) as here, here.client() as (websocket, ctx):
        ctx.address.do_send(7)
        assert await closed(websocket) == (1011, "")
        assert await here.noted("stopped") == ["stopped"]


async def test_an_actor_may_get_a_handle_of_its_own_later_and_lose_it_again() -> None:
    class Changing(Passing):
        async def do_louder(self, text: str, ctx: actors.WebSocketContext) -> None:
            self.handle = self.louder  # type: ignore[method-assign]
            await self.echo(text, ctx)

        async def do_plain(self, text: str, ctx: actors.WebSocketContext) -> None:
            del self.handle
            await self.echo(text, ctx)

        async def louder(self, message: Any, ctx: actors.WebSocketContext) -> None:
            await ctx.text(f"{message}!")

    async with scene(Changing) as here, here.client() as (websocket, ctx):
        for way, heard in (("louder", "Hello!"), ("plain", "Hello")):
            await websocket.send(way)
            assert await websocket.recv() == way
            while not ctx.turn.free:  # noqa: ASYNC110
                await asyncio.sleep(0)
            ctx.address.do_send("Hello")
            assert await websocket.recv() == heard


async def test_an_address_that_somebody_keeps_does_not_keep_the_connection() -> None:
    async with scene(Passing) as here:
        async with here.client() as (_, ctx):
            address, connection = ctx.address, weakref.ref(ctx.websocket)
        await here.noted("stopped")
    del ctx
    gc.collect()
    assert connection() is None and not address.connected


async def test_nothing_else_is_handled_while_a_hook_waits() -> None:
    gate = asyncio.Event()
    async with scene(gate=gate) as here, here.client() as (websocket, ctx):
        await websocket.send("wait")
        await here.noted("wait")
        ctx.address.do_send("news")
        await (await websocket.ping(b"1234"))
        assert here.notes.empty()
        gate.set()
        assert await here.noted(("ping", b"1234")) == [("mail", "news"), ("ping", b"1234")]


async def test_what_waits_for_a_hook_is_refused_when_the_actor_is_stopped_meanwhile() -> None:
    gate = asyncio.Event()
    async with scene(gate=gate) as here, here.client() as (websocket, ctx):
        await websocket.send("wait")
        await here.noted("wait")
        late = [asyncio.create_task(ctx.address.send(number)) for number in range(2)]
        await (await websocket.ping())
        ctx.address.stop()
        gate.set()
        for each in late:
            with pytest.raises(MailboxClosedError):
                await each
        assert await here.noted("stopped") == ["stopping", "stopped"]


async def test_what_the_client_sent_is_not_handled_when_the_actor_is_stopped_meanwhile() -> None:
    gate = asyncio.Event()
    async with scene(gate=gate) as here, here.client() as (websocket, ctx):
        ctx.address.do_send("wait")
        await here.noted(("mail", "wait"))
        await websocket.send("late")
        await (await websocket.ping())
        ctx.address.stop()
        gate.set()
        assert await here.noted("stopped") == ["stopping", "stopped"]


async def test_nothing_is_handled_before_the_actor_has_started() -> None:
    notes: asyncio.Queue[str] = asyncio.Queue()
    gate = asyncio.Event()

    class Sleepy(actors.WebSocketActor):
        async def started(self, ctx: actors.WebSocketContext) -> None:
            await gate.wait()
            notes.put_nowait("started")

        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            notes.put_nowait(text)
            await ctx.text(text)

    async with serve(actors.handler(Sleepy), **OPTIONS) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("Hello")
        await (await websocket.ping())
        assert notes.empty()
        gate.set()
        assert await websocket.recv() == "Hello"
        assert [notes.get_nowait(), notes.get_nowait()] == ["started", "Hello"]


async def test_an_actor_that_fails_to_start_closes_with_1011_and_is_cleaned_up() -> None:
    stopped = asyncio.Event()

    class Broken(actors.WebSocketActor):
        async def started(self, ctx: actors.WebSocketContext) -> None:
            raise ValueError("on purpose")

        async def stopped(self, ctx: actors.WebSocketContext) -> None:
            stopped.set()

    async with serve(actors.handler(Broken), **OPTIONS) as server, connect(server.url, proxy=None) as websocket:
        assert (await closed(websocket))[0] == 1011
        await stopped.wait()


async def test_a_client_that_sends_too_fast_does_not_fill_the_mailbox() -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        for _ in range(50):
            await websocket.send("Hello")
        for _ in range(50):
            assert not len(ctx.mailbox)
            assert await websocket.recv() == "Hello"


async def test_a_client_that_talks_much_does_not_keep_its_actor_from_its_mail() -> None:
    async with scene() as here, here.client() as (websocket, _):
        for _ in range(10):
            await websocket.send("twice")
        heard = [await websocket.recv() for _ in range(20)]
    assert heard == ["mail: one", "mail: two"] * 10


async def test_a_client_that_talks_much_does_not_keep_other_actors_from_what_they_do() -> None:
    class Lobby(actors.Actor[actors.Context]):
        mailbox_capacity = 2

        def __init__(self) -> None:
            self.heard: list[object] = []

        async def handle(self, message: object, ctx: actors.Context) -> None:
            self.heard.append(message)

    class Talker(actors.WebSocketActor):
        async def started(self, ctx: actors.WebSocketContext) -> None:
            await started.wait()

        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            lobby.do_send(text)
            await ctx.text("done")

    started, everybody = asyncio.Event(), Lobby()
    async with (
        everybody.start() as lobby,
        serve(actors.handler(Talker), **OPTIONS) as server,
        connect(server.url, proxy=None) as websocket,
    ):
        for number in range(10):
            await websocket.send(str(number))
        await (await websocket.ping())  # all have come when the actor begins
        started.set()
        assert [await websocket.recv() for _ in range(10)] == ["done"] * 10
    assert everybody.heard == [str(number) for number in range(10)]


async def test_a_client_that_leaves_ends_its_actor_which_has_no_veto() -> None:
    async with scene(veto=True) as here, here.client() as (websocket, ctx):
        await websocket.close()
        assert await here.noted("stopped") == ["stopping", "stopped"]
        with pytest.raises(MailboxClosedError):
            ctx.address.do_send("late")


async def test_a_client_that_vanishes_ends_its_actor() -> None:
    async with scene() as here, here.client() as (websocket, _):
        websocket.transport.abort()
        assert await here.noted("stopped") == ["stopping", "stopped"]


async def test_an_actor_that_stops_closes_with_1000() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await websocket.send("stop")
        assert await closed(websocket) == (1000, "")
        assert await here.noted("stopped") == ["stop", "stopping", "stopped"]


async def test_stopping_can_veto_what_the_actor_asked_for() -> None:
    async with scene(veto=True) as here, here.client() as (websocket, _):
        await websocket.send("stop")
        await websocket.send("still here")
        assert await websocket.recv() == "still here"
        assert await here.noted("still here") == ["stop", "stopping", "still here"]


async def test_an_actor_closes_with_a_code_of_its_own() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await websocket.send("close")
        assert await closed(websocket) == (4000, "on purpose")
        assert await here.noted("stopped") == ["close", "stopping", "stopped"]


async def test_a_stop_from_outside_closes_with_1000() -> None:
    async with scene(veto=True) as here, here.client() as (websocket, ctx):
        ctx.address.stop()
        await ctx.address.wait_stopped()
        assert await closed(websocket) == (1000, "")
        assert await here.noted("stopped") == ["stopping", "stopped"]


@pytest.mark.parametrize("way", ["text", "mail"])
async def test_a_hook_that_raises_closes_with_1011_and_is_not_asked_about_it(way: str) -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        if way == "text":
            await websocket.send("raise")
        else:
            ctx.address.do_send("raise")
        assert (await closed(websocket))[0] == 1011
        assert (await here.noted("stopped"))[1:] == ["stopped"]


async def test_a_hook_that_raises_is_logged_as_any_handler_is(caplog: pytest.LogCaptureFixture) -> None:
    notes: asyncio.Queue[Any] = asyncio.Queue()
    async with serve(actors.handler(Chatter, notes)) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("raise")
        await closed(websocket)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [(each.getMessage(), repr(each.exc_info[1])) for each in errors if each.exc_info] == [
        ("connection handler failed", "ValueError('on purpose')")
    ]


async def test_a_client_that_vanishes_in_the_middle_of_a_send_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    notes: asyncio.Queue[Any] = asyncio.Queue()
    async with serve(actors.handler(Chatter, notes), ping_interval=None) as server:
        async with connect(server.url, proxy=None, compression=None, max_size=None) as websocket:
            websocket.transport.pause_reading()
            await websocket.send("pour")
            while await notes.get() != "pour":
                pass
            websocket.transport.abort()
        while await notes.get() != "stopped":
            pass
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_hook_that_raises_is_logged_though_the_last_words_find_nobody(caplog: pytest.LogCaptureFixture) -> None:
    gate, waiting = asyncio.Event(), asyncio.Event()

    class Polite(actors.WebSocketActor):
        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            waiting.set()
            await gate.wait()
            raise ValueError("on purpose")

        async def stopped(self, ctx: actors.WebSocketContext) -> None:
            await ctx.text("Goodbye")

    async with serve(actors.handler(Polite), ping_interval=None) as server:
        async with connect(server.url, proxy=None) as websocket:
            await websocket.send("Hello")
            await waiting.wait()
            websocket.transport.abort()
        while server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        gate.set()
    errors = [record.exc_info[1] for record in caplog.records if record.levelname == "ERROR" and record.exc_info]
    assert [repr(error) for error in errors] == ["ValueError('on purpose')"]


async def test_a_failure_keeps_no_actor_alive() -> None:
    known: list[weakref.ref[actors.WebSocketActor]] = []

    class Known(actors.WebSocketActor):
        def __init__(self) -> None:
            known.append(weakref.ref(self))

        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            raise ValueError("on purpose")

    gc.disable()
    try:
        async with serve(actors.handler(Known), **OPTIONS) as server, connect(server.url, proxy=None) as websocket:
            await websocket.send("Hello")
            await closed(websocket)
        assert [each() for each in known] == [None]
    finally:
        gc.enable()


class Anybody(actors.Actor[actors.Context]):
    pass


@pytest.mark.parametrize("wrong", [Chatter(asyncio.Queue()), Anybody, "Chatter"], ids=["an actor", "another", "a name"])
async def test_what_makes_no_actor_of_a_connection_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(WslabError, match="pass the class itself"):
        actors.handler(wrong)


async def test_a_function_may_make_the_actors() -> None:
    notes: asyncio.Queue[Any] = asyncio.Queue()
    async with (
        serve(actors.handler(lambda: Chatter(notes)), **OPTIONS) as server,
        connect(server.url, proxy=None) as websocket,
    ):
        await websocket.send("Hello")
        assert await websocket.recv() == "Hello"


async def test_another_connection_that_closes_in_a_hook_is_a_failure() -> None:
    async with scene() as here, here.client() as (websocket, _):
        await websocket.send("elsewhere")
        assert (await closed(websocket))[0] == 1011


async def test_a_slow_reader_fills_the_mailbox_and_stopping_its_actor_cuts_it_off() -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        websocket.transport.pause_reading()
        await websocket.send("pour")
        await here.noted("pour")
        ctx.address.do_send("one")
        ctx.address.do_send("two")
        with pytest.raises(MailboxFullError):
            ctx.address.do_send("one too many")
        ctx.address.stop()
        await ctx.address.wait_stopped()
        websocket.transport.resume_reading()
        assert (await closed(websocket))[0] == 1006


async def test_what_an_actor_sent_to_a_slow_reader_is_not_cut_off_when_it_closes() -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        websocket.transport.pause_reading()
        await websocket.send("farewell")
        await here.noted("farewell")
        assert not ctx.mailbox.closed  # from then on the client would have close_timeout to take it
        websocket.transport.resume_reading()
        assert await websocket.recv() == bytes(2**23)
        assert await closed(websocket) == (1000, "")


async def test_a_client_that_takes_nothing_does_not_keep_an_actor_that_closes() -> None:
    async with scene() as here, here.client() as (websocket, _):
        websocket.transport.pause_reading()
        await websocket.send("flood")
        assert await here.noted("stopped") == ["flood", "stopping", "stopped"]
        websocket.transport.abort()


@pytest.mark.parametrize("way", ["text", "mail"])
async def test_a_handler_that_is_cancelled_takes_its_actor_with_it(way: str) -> None:
    async with scene() as here, here.client() as (websocket, ctx):
        if way == "text":
            await websocket.send("wait")
        else:
            ctx.address.do_send("wait")
        await here.notes.get()
        for task in here.server._listener.server.handler_tasks:  # type: ignore[union-attr]
            task.cancel()
        assert await here.noted("stopped") == ["stopped"]
        await closed(websocket)


async def test_whoever_waits_for_the_end_of_an_actor_learns_of_it_though_its_handler_is_cancelled_twice() -> None:
    addresses: asyncio.Queue[actors.Address] = asyncio.Queue()
    cleaning, never = asyncio.Event(), asyncio.Event()

    class Tidy(actors.WebSocketActor):
        async def on_text(self, text: str, ctx: actors.WebSocketContext) -> None:
            addresses.put_nowait(ctx.address)
            try:
                await never.wait()
            finally:
                cleaning.set()
                await never.wait()

    async with serve(actors.handler(Tidy), **OPTIONS) as server, connect(server.url, proxy=None) as websocket:
        await websocket.send("Hello")
        address = await addresses.get()
        (handling,) = server._listener.server.handler_tasks  # type: ignore[union-attr]
        handling.cancel()
        await cleaning.wait()
        handling.cancel()
        await address.wait_stopped()


async def test_a_server_that_closes_ends_its_actors_with_1001() -> None:
    async with scene() as here, here.client() as (websocket, _):
        here.server.close()
        assert (await closed(websocket))[0] == 1001
        assert await here.noted("stopped") == ["stopping", "stopped"]


async def test_actors_are_seen_through_the_tap_and_served_without_wslab() -> None:
    handler = actors.handler(Chatter, asyncio.Queue())
    async with plain_serve(handler, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with tap(url) as tapped, connect(tapped.url, proxy=None, compression=None) as websocket:
            await websocket.send("Hello")
            assert await websocket.recv() == "Hello"
        texts = [record.payload for record in tapped.tape if getattr(record, "payload", None) == b"Hello"]
        assert len(texts) == 2


async def test_a_server_names_the_class_of_its_actors() -> None:
    async with scene() as here:
        assert repr(here.server) == "<wslab server Chatter, running, 0 connections>"
