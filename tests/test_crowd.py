from __future__ import annotations

import asyncio
import importlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from unittest.mock import Mock

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as websockets_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wslab import crowd_opening, registry
from wslab.crowd import crowd
from wslab.crowd_client import CrowdClient
from wslab.errors import (
    AnswerTimeoutError,
    CrowdError,
    NotHeardError,
    NotWebSocketError,
    UnreachableError,
    UrlError,
    WslabError,
)
from wslab.hearing import Hearing
from wslab.servers import Server, serve
from wslab.tap import tap

# The package gives the name to the function.
crowd_module = importlib.import_module("wslab.crowd")
# Far longer than any of these waits takes: where it matters, the test would end at its own time limit first.
LONG_S = 600
# Together more than the buffers of two sockets hold.
LARGE = [f"{number} " + "x" * 200_000 for number in range(64)]


async def listen(websocket: ServerConnection) -> None:
    async for _ in websocket:
        pass


async def asleep(websocket: ServerConnection) -> None:
    await websocket.wait_closed()


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        yield bound_but_not_listening.getsockname()[1]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0)


def end_of(server: Server, client: CrowdClient) -> ServerConnection:
    """Give the server's end of a client's connection."""
    (end,) = [end for end in server.connections if end.remote_address == client.websocket.local_address]
    return end


async def test_as_many_clients_as_asked_for_connect_and_are_closed_with_1000() -> None:
    ends: list[ServerConnection] = []

    async def handler(websocket: ServerConnection) -> None:
        ends.append(websocket)
        await listen(websocket)

    async with serve(handler) as server:
        async with crowd(server, 250) as clients:
            assert len(clients) == 250 == len(server.connections)
        assert server.connections == set()
    assert [end.close_code for end in ends] == [1000] * 250


async def test_a_crowd_is_a_sequence_of_clients_in_the_order_of_their_numbers() -> None:
    async with serve(listen) as server, crowd(server, 5) as clients:
        assert [client.number for client in clients] == [1, 2, 3, 4, 5]
        assert clients[0].number == 1 and clients[-1].number == 5
        assert [client.number for client in clients[1:3]] == [2, 3]
        assert clients[2] in clients and clients.index(clients[2]) == 2
        with pytest.raises(IndexError):
            _ = clients[5]


async def test_a_crowd_can_be_awaited_and_closed_by_hand() -> None:
    async with serve(listen) as server:
        clients = await crowd(server, 3)
        assert await clients is clients and len(server.connections) == 3
        await clients.close()
        await clients.close()
        assert server.connections == set()


@pytest.mark.parametrize("take", [lambda server: server, lambda server: server.url], ids=["server", "url"])
async def test_a_crowd_takes_a_server_or_its_url(take: Callable[[Server], Any]) -> None:
    async with serve(listen) as server, crowd(take(server), 2) as clients:
        assert len(clients) == 2


async def test_a_crowd_can_go_through_a_tap() -> None:
    async with serve(listen) as server, tap(server) as wire, crowd(wire, 3) as clients:
        broadcast(server.connections, "Hello")
        await clients.heard()
    assert {record.connection for record in wire.tape} == {1, 2, 3}


async def test_so_many_handshakes_are_under_way_at_a_time_and_no_more() -> None:
    waiting: list[asyncio.Event] = []
    counts = []

    async def hold(connection: ServerConnection, request: Request) -> None:
        waiting.append(asyncio.Event())
        await waiting[-1].wait()

    async with serve(listen, process_request=hold) as server:
        connecting = asyncio.ensure_future(crowd(server, 20, at_once=4)._start())
        released = 0
        while released < 20:
            await until(lambda released=released: len(waiting) == min(released + 4, 20))
            for _ in range(50):  # one too many would come in now
                await asyncio.sleep(0)
            counts.append(len(waiting) - released)
            waiting[released].set()
            released += 1
        await (await connecting).close()
    assert counts == [4] * 17 + [3, 2, 1]


async def test_clients_neither_compress_nor_ping_unless_asked_to() -> None:
    async with serve(listen) as server:
        async with crowd(server, 1) as clients:
            assert clients[0].websocket.ping_interval is None
            assert clients[0].websocket.response is not None
            assert "Sec-WebSocket-Extensions" not in clients[0].websocket.response.headers
        async with crowd(server, 1, ping_interval=7, compression="deflate", subprotocols=["chat"]) as clients:
            assert clients[0].websocket.ping_interval == 7
            assert clients[0].websocket.response is not None
            assert "permessage-deflate" in clients[0].websocket.response.headers["Sec-WebSocket-Extensions"]
            assert clients[0].websocket.request is not None
            assert clients[0].websocket.request.headers["Sec-WebSocket-Protocol"] == "chat"


async def test_no_proxy_comes_between_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    async with serve(listen) as server, crowd(server, 2) as clients:
        assert len(clients) == 2


async def test_clients_remember_what_they_received() -> None:
    async with serve(listen) as server, crowd(server, 3) as clients:
        broadcast(server.connections, "Grüße")
        broadcast(server.connections, b"\x00\xff")
        await clients.heard(2)
        for client in clients:
            assert list(client.messages) == ["Grüße", b"\x00\xff"]
            assert (client.received, client.received_bytes) == (2, 7 + 2)


@pytest.mark.parametrize("keep", [0, 3])
async def test_clients_remember_the_newest_messages_and_count_all(keep: int) -> None:
    async with serve(listen) as server, crowd(server, 2, keep=keep) as clients:
        for number in range(10):
            broadcast(server.connections, str(number))
        await clients.heard(10)
        for client in clients:
            assert list(client.messages) == ["7", "8", "9"][:keep]
            assert (client.received, client.received_bytes) == (10, 10)


async def test_a_client_can_send() -> None:
    async def echo(websocket: ServerConnection) -> None:
        async for message in websocket:
            await websocket.send(message)

    async with serve(echo) as server, crowd(server, 2) as clients:
        await clients[1].send("Hello")
        await clients.heard(except_=clients[0])
        assert (list(clients[0].messages), list(clients[1].messages)) == ([], ["Hello"])
    with pytest.raises(ConnectionClosed):
        await clients[1].send("too late")


async def test_heard_waits_until_the_last_client_has_enough() -> None:
    async with serve(listen) as server, crowd(server, 3) as clients:
        hearing = asyncio.ensure_future(clients.heard(2, timeout_s=LONG_S))
        broadcast(server.connections, "one")
        await clients.heard(1)
        last, *others = server.connections
        broadcast(others, "two")
        await until(lambda: sum(client.received for client in clients) == 5)
        assert not hearing.done()
        broadcast([last], "two")
        await hearing
        assert [client.received for client in clients] == [2, 2, 2]


async def test_what_has_been_heard_is_not_waited_for() -> None:
    async with serve(listen) as server, crowd(server, 2) as clients:
        await clients.heard(0)
        broadcast(server.connections, "one")
        await clients.heard()
        await clients.heard(1)


async def test_heard_says_who_did_not_hear() -> None:
    async with serve(listen) as server, crowd(server, 8) as clients:
        one, *_ = server.connections
        broadcast([one], "only you")
        await until(lambda: any(client.received for client in clients))
        with pytest.raises(NotHeardError, match=r"8 clients received fewer than 2 messages within 0.01 s") as caught:
            await clients.heard(2, timeout_s=0.01)
    assert caught.value.received == {client.number: client.received for client in clients}
    assert caught.value.timeout_s == 0.01 and isinstance(caught.value, TimeoutError)


async def test_what_is_heard_in_the_moment_when_time_is_up_counts() -> None:
    client: Any = Mock(number=1, received=0, paused=False, closed=None)
    hearing = Hearing([client], 1)
    waiting = asyncio.create_task(hearing.wait(0))
    await until(waiting.cancelling)  # time is up, and the wait has yet to see it
    client.received = 1
    hearing.changed(client)
    await waiting


@pytest.mark.parametrize(
    ("count", "received", "timeout_s", "words"),
    [
        (3, {4: 2}, 10.0, "1 client received fewer than 3 messages within 10 s (client 4: 2)."),
        (1, {1: 0, 7: 0}, None, "2 clients received fewer than 1 messages before the connection was closed "),
        (2, dict.fromkeys(range(1, 8), 0), 0.5, "client 4: 0, client 5: 0, 2 more)."),
    ],
    ids=["one", "closed", "many"],
)
def test_the_error_of_heard_is_short_and_clear(
    count: int, received: dict[int, int], timeout_s: float | None, words: str
) -> None:
    assert words in str(NotHeardError(count, received, timeout_s))


async def test_heard_does_not_wait_for_a_client_that_was_closed() -> None:
    async with serve(asleep) as server, crowd(server, 2) as clients:
        hearing = asyncio.ensure_future(clients.heard(timeout_s=LONG_S))
        await asyncio.sleep(0)
        await next(iter(server.connections)).close(1008, "go away")
        with pytest.raises(NotHeardError, match="1 client received fewer than 1 messages before the connection was"):
            await hearing
        with pytest.raises(NotHeardError, match="before the connection was closed"):
            await clients.heard(timeout_s=LONG_S)
        broadcast(server.connections, "to who is left")
        await clients.heard(except_=[client for client in clients if client.closed])


async def test_a_client_that_was_closed_later_has_heard() -> None:
    async def say_goodbye(websocket: ServerConnection) -> None:
        await websocket.send("goodbye")

    async with serve(say_goodbye) as server, crowd(server, 5) as clients:
        await clients.heard(timeout_s=LONG_S)
        assert clients.report().rows[0][0] == 1


async def test_a_client_that_is_paused_or_left_out_is_not_waited_for() -> None:
    async with serve(listen) as server, crowd(server, 3) as clients:
        clients[0].pause()
        hearing = asyncio.ensure_future(clients.heard(timeout_s=LONG_S))
        both = asyncio.ensure_future(clients.heard(timeout_s=LONG_S, except_=[clients[1], clients[2]]))
        await both
        assert not hearing.done()
        for client in clients[1:]:
            client.pause()
        await hearing


async def test_what_happens_to_a_client_that_is_left_out_does_not_matter() -> None:
    async with serve(asleep) as server, crowd(server, 3) as clients:
        hearing = asyncio.ensure_future(clients.heard(2, timeout_s=LONG_S, except_=clients[:2]))
        broadcast(server.connections, "one")
        await end_of(server, clients[0]).close(1008)
        await until(lambda: clients[0].closed)
        broadcast([end_of(server, clients[2])], "two")
        await hearing


async def test_a_client_that_resumes_is_waited_for_again() -> None:
    async with serve(listen) as server, crowd(server, 2) as clients:
        clients[0].pause()
        hearing = asyncio.ensure_future(clients.heard(timeout_s=LONG_S))
        await asyncio.sleep(0)
        clients[0].resume()
        clients[1].pause()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not hearing.done()
        broadcast(server.connections, "Hello")
        await hearing
        assert [client.received for client in clients] == [1, 0]


async def test_a_paused_client_really_stops_reading_and_goes_on_where_it_stopped() -> None:
    async with serve(listen) as server, crowd(server, 2) as clients:
        slow, quick = clients
        end = end_of(server, slow)
        slow.pause()
        assert slow.paused and not quick.paused
        for message in LARGE:
            broadcast(server.connections, message)
        await clients.heard(len(LARGE))
        assert quick.received == len(LARGE) and slow.received == 0
        assert end.transport.get_write_buffer_size() > 1_000_000
        slow.resume()
        await clients.heard(len(LARGE))
        assert not slow.paused and list(slow.messages) == LARGE
        assert end.transport.get_write_buffer_size() == 0


@pytest.mark.parametrize("rounds", range(8))
async def test_nothing_is_received_from_the_moment_of_the_pause_and_nothing_is_lost(rounds: int) -> None:
    async with serve(listen) as server, crowd(server, 2) as clients:
        for number in range(30):
            broadcast(server.connections, str(number))
        for _ in range(rounds):
            await asyncio.sleep(0)
        clients[0].pause()
        received = clients[0].received
        await clients.heard(30)
        assert clients[0].received == received
        clients[0].resume()
        await clients.heard(30)
        assert list(clients[0].messages) == [str(number) for number in range(30)]


async def test_a_client_can_be_paused_and_resumed_in_any_rhythm() -> None:
    async with serve(listen) as server, crowd(server, 1) as clients:
        (client,) = clients
        tasks = asyncio.all_tasks()
        client.resume()
        assert asyncio.all_tasks() == tasks
        for rounds in (0, 0, 1, 0, 2, 0, 3):
            broadcast(server.connections, "Hello")
            for _ in range(rounds):
                await asyncio.sleep(0)
            client.pause()
            client.pause()
            client.resume()
        await clients.heard(7)
        assert client.received == 7


async def test_a_closed_client_cannot_be_paused() -> None:
    async with serve(listen) as server, crowd(server, 1) as clients:
        await end_of(server, clients[0]).close()
        await until(lambda: clients[0].closed)
        clients[0].pause()
        assert not clients[0].paused


@pytest.mark.parametrize("code", [1000, 1001, 1008, 4000])
async def test_closed_tells_the_status_code(code: int) -> None:
    async with serve(asleep) as server, crowd(server, 1) as clients:
        assert clients[0].closed is None
        await end_of(server, clients[0]).close(code)
        await until(lambda: clients[0].closed)
        assert clients[0].closed == code


async def test_closed_tells_1006_where_no_close_frame_came() -> None:
    async with serve(asleep) as server, crowd(server, 1) as clients:
        end_of(server, clients[0]).transport.abort()
        await until(lambda: clients[0].closed)
        assert clients[0].closed == 1006


async def test_a_paused_client_does_not_see_that_it_was_closed_before_it_resumes() -> None:
    async with serve(asleep) as server, crowd(server, 2) as clients:
        slow, quick = clients
        slow.pause()
        closing = [asyncio.ensure_future(end_of(server, client).close(1008)) for client in clients]
        await until(lambda: quick.closed)
        assert slow.closed is None and slow.paused
        slow.resume()
        await asyncio.wait(closing)
        await until(lambda: slow.closed)
        assert slow.closed == 1008


async def test_the_report_says_how_many_clients_received_how_many_messages() -> None:
    async with serve(asleep) as server, crowd(server, 5) as clients:
        broadcast(server.connections, "to all")
        await clients.heard(1)
        clients[0].pause()
        await end_of(server, clients[1]).close(1008)
        await until(lambda: clients[1].closed)
        broadcast(server.connections, "to who is left")
        await clients.heard(2, except_=clients[1])
        during = clients.report()
    assert repr(during).splitlines()[2:] == [
        "                2  open                    3",
        "                1  paused                  1",
        "                1  closed with 1008        1",
    ]
    assert clients.report().rows == ((2, "closed with 1000", 3), (1, "closed with 1008", 1), (1, "closed with 1000", 1))


async def test_the_reprs_tell_the_state_and_nothing_that_varies() -> None:
    async with serve(listen) as server:
        clients = crowd(server, 3)
        shown = [repr(clients)]
        async with clients:
            shown += [repr(clients), repr(clients[0])]
            broadcast(server.connections, "Hello")
            await clients.heard()
            clients[2].pause()
            shown += [repr(clients), repr(clients[0]), repr(clients[2])]
        shown += [repr(clients), repr(clients[0])]
    assert shown == [
        "<wslab crowd of 3, not connected: await it, or enter it with async with>",
        "<wslab crowd of 3, all open>",
        "<wslab crowd client 1, open, 0 messages received>",
        "<wslab crowd of 3, 2 open, 1 paused>",
        "<wslab crowd client 1, open, 1 message received>",
        "<wslab crowd client 3, paused, 1 message received>",
        "<wslab crowd of 3, all closed>",
        "<wslab crowd client 1, closed with 1000, 1 message received>",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"count": 0}, "count is 0. Expected: a whole number, at least 1"),
        ({"count": 2.0}, "count is 2.0"),
        ({"count": 2, "at_once": 0}, "at_once is 0"),
        ({"count": 2, "keep": -1}, "keep is -1"),
        ({"count": 2, "timeout_s": 0}, "timeout_s is 0. Expected: seconds, more than 0"),
        ({"count": 2, "timeout_s": None}, "timeout_s is None. Expected: seconds, more than 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arguments_that_cannot_be_are_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(WslabError, match=words):
        crowd("ws://127.0.0.1:1/", **arguments)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "nonsense", 8765], ids=str)
def test_what_is_no_websocket_server_is_refused_at_once(url: Any) -> None:
    with pytest.raises(UrlError):
        crowd(url, 2)


async def test_a_crowd_that_has_not_connected_hears_nothing() -> None:
    with pytest.raises(WslabError, match=r"has not connected.*await it, or enter it with async with"):
        await crowd("ws://127.0.0.1:1/", 2).heard()


@pytest.mark.parametrize("except_", [[0], ["client 1"]], ids=str)
async def test_who_is_left_out_must_be_in_the_crowd(except_: Any) -> None:
    async with serve(listen) as server, crowd(server, 1) as clients:
        with pytest.raises(WslabError, match=r"not in this crowd\. Expected: its clients, such as crowd"):
            await clients.heard(except_=except_)
        with pytest.raises(WslabError, match="count is 'all'"):
            await clients.heard("all")  # type: ignore[arg-type]


async def test_where_nobody_listens_the_error_names_the_client_and_the_reason(unused_port: int) -> None:
    with pytest.raises(
        CrowdError, match=r"client 1 of 50 did not connect, 0 others had: no connection to ws"
    ) as caught:
        await crowd(f"ws://127.0.0.1:{unused_port}/", 50)
    assert isinstance(caught.value.__cause__, UnreachableError) and isinstance(caught.value, ConnectionError)
    assert caught.value.remedy == caught.value.__cause__.remedy


@pytest.mark.parametrize("at_once", [1, 5, 50])
async def test_when_one_client_is_refused_none_is_left(at_once: int, caplog: pytest.LogCaptureFixture) -> None:
    ends: list[ServerConnection] = []

    def only_seven(connection: ServerConnection, request: Request) -> Response | None:
        ends.append(connection)
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full") if len(ends) > 7 else None

    async with serve(listen, process_request=only_seven) as server:
        with pytest.raises(CrowdError, match=r"answered the opening handshake with HTTP 503") as caught:
            await crowd(server, 50, at_once=at_once)
        await until(lambda: not server.connections)
    assert isinstance(caught.value.__cause__, NotWebSocketError)
    assert (caught.value.connected, caught.value.count) == (7, 50) and len(ends) <= 7 + at_once
    assert [end.close_code for end in ends[:7]] == [1000] * 7
    assert caplog.records == []


async def test_a_crowd_that_did_not_connect_can_try_again() -> None:
    asked = 0

    def refuse_two(connection: ServerConnection, request: Request) -> Response | None:
        nonlocal asked
        asked += 1
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full") if asked in (3, 6) else None

    async with serve(listen, process_request=refuse_two) as server:
        clients = crowd(server, 4, at_once=1)
        for _ in range(2):
            with pytest.raises(CrowdError, match="client 3 of 4 did not connect, 2 others had"):
                await clients
            assert len(clients) == 0
        async with clients:
            assert [client.number for client in clients] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "options", [{"open_timeout": LONG_S}, {"timeout_s": LONG_S, "open_timeout": 0.2}], ids=["all", "one"]
)
async def test_a_server_that_is_silent_is_given_up(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_opening, "GRACE_S", 0.01)
    asked, over = [], asyncio.Event()

    async def silence(connection: ServerConnection, request: Request) -> None:
        asked.append(connection)
        if len(asked) > 3:
            await over.wait()

    async with serve(listen, process_request=silence) as server:
        with pytest.raises(
            CrowdError, match=r"of 9 did not connect, \d others had: no answer from ws.*in 0.2 s"
        ) as caught:
            await crowd(server, 9, **({"timeout_s": 0.2} | options))
        over.set()
    assert isinstance(caught.value.__cause__, AnswerTimeoutError)


async def test_an_unknown_keyword_is_a_type_error_as_in_websockets() -> None:
    async with serve(listen) as server:
        with pytest.raises(TypeError, match="unheard_of"):
            await crowd(server, 3, unheard_of=True)


@pytest.mark.parametrize("rounds", [0, 1, 2, 5, 10, 20, 40])
async def test_cancelled_while_it_connects_a_crowd_leaves_nothing(
    rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(listen) as server:
        connecting = asyncio.ensure_future(crowd(server, 100, at_once=10)._start())
        for _ in range(rounds):
            await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await until(lambda: not server.connections)
    assert caplog.records == []


async def test_cancelled_in_its_body_a_crowd_leaves_nothing() -> None:
    inside = asyncio.Event()

    async def cell(server: Server) -> None:
        async with crowd(server, 20):
            inside.set()
            await asyncio.get_running_loop().create_future()

    async with serve(listen) as server:
        task = asyncio.create_task(cell(server))
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not server.connections)


async def test_leaving_closes_paused_clients_with_1000_too(caplog: pytest.LogCaptureFixture) -> None:
    ends: list[ServerConnection] = []

    async def handler(websocket: ServerConnection) -> None:
        ends.append(websocket)
        await listen(websocket)

    async with serve(handler) as server:
        async with crowd(server, 4) as clients:
            for client in clients[:3]:
                client.pause()
            for message in LARGE:
                broadcast(server.connections, message)
            await clients.heard(len(LARGE))
        assert [client.received for client in clients] == [0, 0, 0, len(LARGE)]
        await until(lambda: not server.connections)
    assert [end.close_code for end in ends] == [1000] * 4
    assert caplog.records == []


@pytest.fixture
def short_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "CLOSE_S", 0.05)
    monkeypatch.setattr(crowd_module, "CLOSE_EACH_S", 0)


async def test_a_server_that_does_not_answer_close_frames_keeps_nobody_waiting(short_close: None) -> None:
    async with serve(asleep) as server:
        async with crowd(server, 3, close_timeout=LONG_S) as clients:
            end_of(server, clients[0]).transport.pause_reading()
            deaf = end_of(server, clients[0])
        assert [client.closed for client in clients] == [1006, 1000, 1000]
        deaf.transport.resume_reading()


async def test_cancelled_while_it_closes_a_crowd_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "CLOSE_S", LONG_S)
    async with serve(asleep) as server:
        clients = await crowd(server, 2)
        ends = [end_of(server, client) for client in clients]
        for end in ends:
            end.transport.pause_reading()
        closing = asyncio.ensure_future(clients.close())
        for _ in range(10):
            await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert [client.closed for client in clients] == [1006, 1006]
        for end in ends:
            end.transport.resume_reading()


async def test_stop_all_closes_a_crowd() -> None:
    async with websockets_serve(listen, "127.0.0.1", 0) as server:
        clients = await crowd(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", 3)
        await registry.stop_all()
        assert [client.closed for client in clients] == [1000] * 3


FILES_SETUP = """
import asyncio, os, resource
from wslab.crowd import crowd
from wslab.errors import FileLimitError
from wslab.servers import serve
from websockets.asyncio.server import broadcast

async def listen(websocket):
    await websocket.wait_closed()

async def main():
    async with serve(listen, process_request=globals().get("hog")) as server:
        await test(server)
    assert len(asyncio.all_tasks()) == 1

"""


def run_with_files(soft: int, hard: int | None, code: str) -> str:
    """Run a test in a process of its own, whose limits are what we say."""
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {allowed if hard is None else hard}))\n"
    script = FILES_SETUP + limits + code + "\nasyncio.run(main())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


with_file_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on open files")


@with_file_limits
def test_2000_clients_work_in_one_process_with_their_server_and_a_usual_limit() -> None:
    shown = run_with_files(
        1024,
        None,
        """
async def test(server):
    async with crowd(server, 2000) as clients:
        broadcast(server.connections, "Hello")
        await clients.heard(timeout_s=60)
        print(clients, len(server.connections))
    print(clients.report().rows)
""",
    )
    assert shown == "<wslab crowd of 2000, all open> 2000\n((1, 'closed with 1000', 2000),)\n"


@with_file_limits
def test_a_crowd_for_which_there_are_too_few_files_is_refused_before_it_connects() -> None:
    shown = run_with_files(
        256,
        256,
        """
async def test(server):
    for target in (server, server.url):
        try:
            await crowd(target, 200)
        except FileLimitError as error:
            print(error.needed > 400, error.soft, error.hard, len(server.connections))
    async with crowd(server, 50) as clients:
        print(clients)
""",
    )
    assert shown == "True 256 256 0\nTrue 256 256 0\n<wslab crowd of 50, all open>\n"


@with_file_limits
def test_when_files_run_out_while_it_connects_that_is_what_the_error_says() -> None:
    shown = run_with_files(
        256,
        256,
        """
files = []
def hog(connection, request):
    while len(server.connections) == 10:
        try:
            files.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return

async def test(given):
    global server
    server = given
    try:
        await crowd(server, 50, at_once=1)
    except FileLimitError as error:
        print(error.soft, "too many open files" in str(error.__cause__))
    for file in files:
        os.close(file)
""",
    )
    assert shown == "256 True\n"
