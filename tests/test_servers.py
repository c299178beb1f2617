from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import re
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect, unix_connect
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as websockets_serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from wslab import listener, registry
from wslab.errors import HandlerError, NotLoopbackError, PortInUseError, WslabError
from wslab.servers import Server, serve

PEM = Path(__file__).parent / "test_only_localhost.pem"
# The errors of handlers that fail on purpose.
QUIET = logging.getLogger("wslab.tests.quiet")
QUIET.disabled = True


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(message)


async def asleep(websocket: ServerConnection) -> None:
    await asyncio.get_running_loop().create_future()


async def echoes(server: Server, **options: Any) -> bool:
    async with connect(server.url, **options) as websocket:
        await websocket.send("Hello")
        return await websocket.recv() == "Hello"


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "GRACE_S", 0.05)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def free_port() -> int:
    """Find a port below those that the system hands out by itself, also to another test, a moment later."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


async def test_async_with_serves_and_closes() -> None:
    async with serve(echo) as server:
        assert server.is_serving() and await echoes(server)
    assert not server.is_serving() and server.sockets == ()


async def test_await_serves_until_it_is_closed() -> None:
    server = await serve(echo)
    assert await echoes(server)
    server.close()
    await server.wait_closed()
    assert not server.is_serving()


async def test_awaiting_a_running_server_gives_the_same_one() -> None:
    async with serve(echo) as server:
        port = server.port
        assert await server is server and server.port == port


async def test_the_url_leads_to_127_0_0_1_and_stays_when_the_server_is_closed() -> None:
    async with serve(echo) as server:
        assert server.url == f"ws://127.0.0.1:{server.port}/"
        assert server.sockets[0].getsockname() == ("127.0.0.1", server.port)
        url = server.url
    assert server.url == url


async def test_the_url_says_wss_when_the_server_has_a_certificate() -> None:
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(PEM)
    async with serve(echo, ssl=certified) as server:
        assert server.url == f"wss://127.0.0.1:{server.port}/"
        assert await echoes(server, ssl=ssl.create_default_context(cafile=PEM))


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_an_ipv6_host_stands_in_brackets() -> None:
    async with serve(echo, "::1") as server:
        assert server.url == f"ws://[::1]:{server.port}/"
        assert await echoes(server)


async def test_localhost_and_several_hosts_are_served() -> None:
    for host in ("localhost", ["127.0.0.1", "127.0.0.2"]):
        async with serve(echo, host) as server:
            assert await echoes(server)


async def test_a_fixed_port_is_kept_and_free_again_afterwards() -> None:
    port = free_port()
    for _ in range(2):
        async with serve(echo, port=port) as server:
            assert server.port == port and await echoes(server)


@pytest.mark.parametrize("use", [lambda s: s.url, lambda s: s.port, lambda s: s.close()], ids=["url", "port", "close"])
def test_a_server_that_was_not_started_says_so(use: Any) -> None:
    server = serve(echo)
    with pytest.raises(WslabError, match=r"has not been started.*await it, or enter it with async with"):
        use(server)
    assert server.connections == set() and server.sockets == () and not server.is_serving()


async def test_the_repr_tells_the_state_and_nothing_that_varies() -> None:
    server = serve(echo)
    shown = [repr(server)]
    async with server:
        shown.append(repr(server))
        async with connect(server.url), connect(server.url):
            shown.append(repr(server))
            server.close()
            shown.append(repr(server))
    shown.append(repr(server))
    assert shown == [
        "<wslab server echo, not started: await it, or enter it with async with>",
        "<wslab server echo, running, 0 connections>",
        "<wslab server echo, running, 2 connections>",
        "<wslab server echo, closing>",
        "<wslab server echo, closed>",
    ]


async def test_one_connection_is_not_plural() -> None:
    async with serve(echo) as server, connect(server.url):
        assert repr(server) == "<wslab server echo, running, 1 connection>"


async def test_the_connections_can_be_broadcast_to() -> None:
    async with serve(echo) as server, connect(server.url) as one, connect(server.url) as two:
        broadcast(server.connections, "news")
        assert await one.recv() == await two.recv() == "news"


async def test_every_keyword_of_websockets_passes_through() -> None:
    class Connection(ServerConnection):
        pass

    def teapot(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.IM_A_TEAPOT, "no coffee") if request.path == "/coffee" else None

    async def tell(websocket: ServerConnection) -> None:
        await websocket.send(f"{websocket.subprotocol} {type(websocket).__name__}")

    async with serve(tell, subprotocols=["chat"], process_request=teapot, create_connection=Connection) as server:
        async with connect(server.url, subprotocols=["chat"]) as websocket:
            assert await websocket.recv() == "chat Connection"
        with pytest.raises(InvalidStatus, match="418"):
            await connect(server.url + "coffee")


async def test_an_unknown_keyword_is_a_type_error_as_in_websockets() -> None:
    with pytest.raises(TypeError, match="unheard_of"):
        await serve(echo, unheard_of=True)


async def test_serving_can_begin_later() -> None:
    server = await serve(echo, start_serving=False)
    assert repr(server) == "<wslab server echo, not serving yet>"
    await server.start_serving()
    assert await echoes(server)
    await registry.stop_all()


async def test_serve_forever_begins_to_serve_and_closes_when_it_is_cancelled() -> None:
    server = await serve(echo, start_serving=False)
    forever = asyncio.create_task(server.serve_forever())
    while not server.is_serving():  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(0)
    assert await echoes(server)
    forever.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forever
    assert repr(server) == "<wslab server echo, closed>"


async def test_serve_forever_ends_when_the_server_is_closed() -> None:
    server = await serve(echo)
    forever = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    server.close()
    await forever


async def test_a_socket_of_ones_own_is_served() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with serve(echo, sock=sock) as server:
        assert server.port == sock.getsockname()[1] and await echoes(server)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
async def test_a_unix_socket_is_served_and_has_no_url(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with serve(echo, unix=True, path=path) as server:
        async with unix_connect(path) as websocket:
            await websocket.send("Hello")
            assert await websocket.recv() == "Hello"
        with pytest.raises(WslabError, match=r"no URL and no port.*unix_connect"):
            _ = server.url


@pytest.mark.parametrize("host", ["0.0.0.0", "", None, "192.168.0.1", ["127.0.0.1", "0.0.0.0"]], ids=repr)
def test_a_host_that_others_can_reach_is_refused(host: Any) -> None:
    with pytest.raises(NotLoopbackError):
        serve(echo, host)


def test_a_socket_that_others_can_reach_is_refused() -> None:
    with socket.create_server(("0.0.0.0", 0)) as sock, pytest.raises(NotLoopbackError):
        serve(echo, sock=sock)


@pytest.mark.parametrize("port", [-1, 65536, "8765", 1.5], ids=repr)
def test_a_port_that_cannot_be_is_refused(port: Any) -> None:
    with pytest.raises(WslabError, match=f"the port is {port!r}.*0 to 65535"):
        serve(echo, port=port)


def test_a_handler_that_is_not_async_is_refused() -> None:
    with pytest.raises(HandlerError, match="the handler print is not async"):
        serve(print)


async def test_a_port_of_another_program_is_in_use(taken_port: int) -> None:
    with pytest.raises(PortInUseError, match=f"port {taken_port} is in use by another program") as caught:
        await serve(echo, port=taken_port)
    assert caught.value.port == taken_port and isinstance(caught.value, OSError)


async def test_a_port_of_a_server_that_wslab_did_not_start_is_in_use() -> None:
    async with websockets_serve(echo, "127.0.0.1", 0) as other:
        with pytest.raises(PortInUseError, match="or a server that wslab did not start"):
            await serve(echo, port=other.sockets[0].getsockname()[1])


async def test_a_port_of_another_server_of_this_process_is_in_use_and_that_one_goes_on() -> None:
    async with serve(echo) as first:
        with pytest.raises(PortInUseError, match="in use by another server of this process"):
            await serve(echo, port=first.port)
        assert await echoes(first)


@pytest.mark.parametrize("origin", [None, "http://localhost:8888", "https://127.0.0.1"])
async def test_pages_of_this_machine_may_connect(origin: Any) -> None:
    async with serve(echo) as server:
        assert await echoes(server, origin=origin)


async def test_other_pages_are_refused_unless_the_reader_lets_them_in() -> None:
    origin: Any = "https://example.org"
    async with serve(echo) as server:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(server.url, origin=origin)
    for origins in (None, [origin], [re.compile(r"https://.*\.org")]):
        async with serve(echo, origins=origins) as server:
            assert await echoes(server, origin=origin)


async def test_closing_sends_1001_unless_told_otherwise() -> None:
    for arguments, expected in (
        ((), (1001, "")),
        ((True, CloseCode.SERVICE_RESTART, "back soon"), (1012, "back soon")),
    ):
        async with serve(echo) as server, connect(server.url) as websocket:
            server.close(*arguments)
            with pytest.raises(ConnectionClosed) as caught:
                await websocket.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == expected


async def test_closing_can_let_connections_go_on() -> None:
    server = await serve(echo)
    async with connect(server.url) as websocket:
        server.close(close_connections=False)
        await websocket.send("still here")
        assert await websocket.recv() == "still here"
    await server.wait_closed()


async def test_a_handler_that_fails_closes_its_connection_with_1011_and_no_other() -> None:
    async def fail(websocket: ServerConnection) -> None:
        async for message in websocket:
            raise ValueError(message)

    async with serve(fail, logger=QUIET) as server, connect(server.url) as other:
        async with connect(server.url) as websocket:
            await websocket.send("bad news")
            with pytest.raises(ConnectionClosed) as caught:
                await websocket.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011
        await (await other.ping())


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_handlers_run_in_a_context_that_belongs_to_no_cell(later: bool) -> None:
    cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="none")

    async def tell(websocket: ServerConnection) -> None:
        await websocket.send(cell.get())

    cell.set("the cell that starts the server")
    async with serve(tell, start_serving=not later) as server:
        if later:
            await server.start_serving()
        async with connect(server.url) as websocket:
            assert await websocket.recv() == "none"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("rounds", range(8))
async def test_cancelled_while_it_starts_a_server_leaves_nothing(rounds: int, host: str) -> None:
    port = free_port()
    starting = asyncio.ensure_future(asyncio.wait_for(serve(echo, host, port), None))
    for _ in range(rounds):
        await asyncio.sleep(0)
    if starting.done():  # it was faster
        await registry.stop_all()
    starting.cancel()
    await asyncio.wait({starting})
    async with serve(echo, host, port):
        pass


async def test_cancelled_while_it_starts_on_a_taken_port_it_is_just_cancelled(taken_port: int) -> None:
    starting = asyncio.ensure_future(asyncio.wait_for(serve(echo, "localhost", taken_port), None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_an_error_in_the_body_is_not_held_up_by_a_handler_that_never_ends(short_grace: None) -> None:
    with pytest.raises(ZeroDivisionError):
        async with serve(asleep) as server, connect(server.url):
            raise ZeroDivisionError
    assert repr(server) == "<wslab server asleep, closed>"


async def test_an_interrupted_cell_closes_its_server(short_grace: None) -> None:
    running = asyncio.Event()

    async def cell() -> None:
        async with serve(asleep) as server, connect(server.url):
            running.set()
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(cell())
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def stall(websocket: ServerConnection) -> None:
    await websocket.wait_closed()


@pytest.mark.parametrize("pings", [None, 0.01], ids=["no keepalive", "a ping waits for room too"])
async def test_leaving_cuts_off_a_client_that_takes_nothing(short_grace: None, pings: float | None) -> None:
    async with serve(stall, ping_interval=pings, compression=None) as server, connect(server.url) as websocket:
        websocket.transport.pause_reading()
        [connection] = server.connections
        broadcast([connection], bytes(2**25))
        if pings:
            while not connection.drain_waiters:  # noqa: ASYNC110 - no event tells when the ping begins to wait
                await asyncio.sleep(0)
        await server.__aexit__(None, None, None)
        assert connection.close_code == 1006
        websocket.transport.abort()


async def test_leaving_lets_a_client_that_reads_have_all_that_was_written() -> None:
    async with serve(stall, compression=None) as server, connect(server.url, max_size=None) as websocket:
        websocket.transport.pause_reading()
        broadcast(server.connections, bytes(2**25))
        leaving = asyncio.create_task(server.__aexit__(None, None, None))
        websocket.transport.resume_reading()
        assert len(await websocket.recv()) == 2**25
        await leaving
        assert websocket.close_code == 1001


async def test_stop_all_ends_whatever_the_other_sides_do(short_grace: None) -> None:
    async def stubborn(websocket: ServerConnection) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(websocket)

    ended: list[ServerConnection] = []
    server = await serve(stubborn)
    async with connect(server.url) as websocket:
        silent = await asyncio.open_connection("127.0.0.1", server.port)  # never asks for a WebSocket
        deaf = await asyncio.open_connection("127.0.0.1", server.port)  # never answers a close frame
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
        deaf[1].write(
            f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n".encode()
        )
        await deaf[0].readuntil(b"\r\n\r\n")
        await registry.stop_all()
        assert repr(server) == "<wslab server stubborn, closed>"
        assert len(ended) == 2 and websocket.close_code == 1001
    for reader, writer in (silent, deaf):
        await asyncio.wait({asyncio.ensure_future(reader.read())})
        writer.close()


async def test_a_handler_that_refuses_to_be_cancelled_keeps_nobody_waiting(short_grace: None) -> None:
    released = asyncio.Event()

    async def stubborn(websocket: ServerConnection) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                refused.set()

    refused = asyncio.Event()
    server = await serve(stubborn)
    async with connect(server.url):
        await registry.stop_all()
    assert refused.is_set() and repr(server) == "<wslab server stubborn, closing>"
    released.set()
    await server.wait_closed()


async def test_closing_twice_is_closing_once() -> None:
    async with serve(echo) as server:
        server.close()
        await server.wait_closed()
        server.close()
        await registry.stop_all()


@pytest.mark.parametrize(("unread", "is_answered"), [(16, True), (17, False)])
async def test_a_ping_is_answered_until_more_than_sixteen_messages_wait_unread(unread: int, is_answered: bool) -> None:
    """Lessons 03 to 05 teach it of websockets: behind max_queue it reads no further, so that no ping comes through."""

    async def never_reads(websocket: ServerConnection) -> None:
        await websocket.wait_closed()

    async with serve(never_reads) as server, connect(server.url, proxy=None) as websocket:
        for _ in range(unread):
            await websocket.send("Hello")
        [connection] = server.connections
        while not is_answered and connection.transport.is_reading():  # noqa: ASYNC110
            await asyncio.sleep(0)  # a ping that comes in one piece with the messages is answered still
        done, _ = await asyncio.wait({asyncio.ensure_future(await websocket.ping())}, timeout=5 if is_answered else 0.2)
        assert bool(done) is connection.transport.is_reading() is is_answered
        for end in (websocket, connection):
            end.transport.abort()
