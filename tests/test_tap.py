from __future__ import annotations

import asyncio
import contextlib
import contextvars
import http.client
import http.server
import importlib
import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import nothing_is_left  # noqa: F401
from raw_ends import End, Line, line, listening, push_until_stuck, refusing_port, url_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import CLOSE, TEXT
from websockets.protocol import CLIENT, SERVER, Side

from wslab import door, registry
from wslab.errors import UrlError, WslabError
from wslab.opening import describe
from wslab.relay import BUFFER_BYTES
from wslab.tap import Tap, tap
from wslab.tape import Tape

PEM = Path(__file__).parent / "test_only_localhost.pem"
READ_BYTES = 256 * 2**10  # what asyncio reads from a socket at once
STEPS = st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.binary(min_size=1, max_size=300)), max_size=8)


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(message)


def ends(tape: Tape) -> list[tuple[Side, str | None]]:
    return [(record.sender, record.end) for record in tape.where(kind="end")]


# Bytes


@given(STEPS)
def test_bytes_pass_unchanged_in_both_directions_and_stand_on_the_tape(steps: list[tuple[Side, bytes]]) -> None:
    async def converse() -> Tape:
        async with asyncio.timeout(20), line() as pair:  # hypothesis would try a test that hangs again and again
            for sender, data in steps:
                source, destination = pair.between(sender)
                await source.write(data)
                assert await destination.reader.readexactly(len(data)) == data
        return pair.tap.tape

    tape = asyncio.run(converse())
    for sender in (CLIENT, SERVER):
        assert tape.wire(sender) == b"".join(data for each, data in steps if each is sender)


async def test_much_in_both_directions_at_once() -> None:
    blobs = {CLIENT: bytes(range(256)) * 2**13, SERVER: bytes(range(255, -1, -1)) * 2**13}

    async def carry(pair: Line, sender: Side) -> None:
        source, destination = pair.between(sender)
        writing = asyncio.create_task(source.write(blobs[sender]))
        assert await destination.reader.readexactly(len(blobs[sender])) == blobs[sender]
        await writing

    async with line() as pair:
        await asyncio.gather(carry(pair, CLIENT), carry(pair, SERVER))
    assert {sender: pair.tap.tape.wire(sender) for sender in blobs} == blobs


async def test_the_tape_is_in_causal_order_and_time_does_not_run_backwards() -> None:
    async with (
        serve(echo, "127.0.0.1", 0, compression=None) as server,
        tap(url_of(server)) as tapped,
        connect(tapped.url) as websocket,
    ):
        for number in range(20):
            await websocket.send(str(number))
            await websocket.recv()
    spoken = tapped.tape.frames(opcode=TEXT)
    assert [(record.sender, record.text) for record in spoken] == [
        (sender, str(number)) for number in range(20) for sender in (CLIENT, SERVER)
    ]
    times = [record.time_s for record in tapped.tape]
    assert times == sorted(times) and times[0] >= 0


async def test_a_full_tape_does_not_stop_the_relay_and_says_what_it_missed() -> None:
    tape = Tape(max_bytes=4096)
    async with line(tape) as pair:
        for sender in (CLIENT, SERVER) * 5:
            source, destination = pair.between(sender)
            await source.write(bytes(1000))
            await destination.reader.readexactly(1000)
    recorded = len(tape.wire(CLIENT)) + len(tape.wire(SERVER))
    assert 0 < recorded < 4096
    assert tape.unrecorded_bytes == 10_000 - recorded
    assert f"{tape.unrecorded_bytes} more bytes passed unrecorded" in repr(tape)


async def test_max_bytes_bounds_the_new_tape() -> None:
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(url_of(server), max_bytes=1234) as tapped,
    ):
        assert tapped.tape.max_bytes == 1234


# Ends


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_half_close_arrives_after_the_data_and_leaves_the_other_direction_open(sender: Side) -> None:
    blob = bytes(5 * 2**20)
    async with line() as pair:
        source, destination = pair.between(sender)
        source.writer.write(blob)
        source.writer.write_eof()
        assert await destination.reader.read(-1) == blob
        for answer in (b"still", b"here"):
            await destination.write(answer)
            assert await source.reader.readexactly(len(answer)) == answer
        destination.writer.write_eof()
        assert await source.heard() == "FIN"
    other = SERVER if sender is CLIENT else CLIENT
    assert ends(pair.tap.tape) == [(sender, "eof"), (other, "eof")]


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_a_reset_arrives_as_a_reset(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        source.reset()
        assert await destination.heard() == "RST"
    assert ends(pair.tap.tape) == [(sender, "reset")]


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_a_close_arrives_as_a_fin(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        await source.close()
        assert await destination.heard() == "FIN"
    assert ends(pair.tap.tape)[0] == (sender, "eof")


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_bytes_for_an_endpoint_that_has_closed_come_back_as_a_reset(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        await source.close()
        assert await destination.heard() == "FIN"
        with pytest.raises(ConnectionError):
            await destination.write_until_refused()
    assert ends(pair.tap.tape) == [(sender, "eof"), (sender, "reset")]


@pytest.mark.parametrize("cause", ["EOFError", "ConnectionResetError"])
async def test_a_websocket_client_can_tell_fin_from_rst(cause: str) -> None:
    async def vanish(websocket: ServerConnection) -> None:
        if cause == "ConnectionResetError":
            linger = struct.pack("ii", 1, 0)
            websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        websocket.transport.abort()

    async with (
        serve(vanish, "127.0.0.1", 0) as server,
        tap(url_of(server)) as tapped,
        connect(tapped.url) as websocket,
    ):
        with pytest.raises(ConnectionClosedError) as caught:
            await websocket.recv()
    assert type(caught.value.__cause__).__name__ == cause


# Backpressure


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_a_reader_that_stops_stops_the_writer_and_fills_no_memory(sender: Side) -> None:
    async with line(Tape(max_bytes=0)) as pair:
        source, destination = pair.between(sender)
        destination.transport.pause_reading()
        sent = await source.push_until_stuck()
        assert sent < 32 * 2**20
        (relay,) = pair.tap._relays.values()
        buffered = [leg.transport.get_write_buffer_size() for leg in (relay.client, relay.server)]
        assert 0 < sum(buffered) <= BUFFER_BYTES + READ_BYTES
        destination.transport.resume_reading()
        await destination.reader.readexactly(sent)
        await destination.write(b"done")
        assert await source.reader.readexactly(4) == b"done"
        await source.write(b"more")
        assert await destination.reader.readexactly(4) == b"more"


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_a_reset_is_noticed_even_while_there_is_no_room_for_what_comes_before_it(
    sender: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wslab.leg.PROBE_S", 0.01)
    async with line() as pair:
        source, destination = pair.between(sender)
        destination.transport.pause_reading()
        await source.push_until_stuck()
        source.reset()
        async with asyncio.timeout(20):
            while not ends(pair.tap.tape):  # noqa: ASYNC110
                await asyncio.sleep(0)
        destination.transport.resume_reading()
        with pytest.raises(ConnectionResetError):
            await destination.reader.read(-1)
    assert ends(pair.tap.tape) == [(sender, "reset")]


async def test_a_connection_that_ended_without_room_is_not_asked_for_a_reset(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wslab.leg.PROBE_S", 0.01)
    asked = asyncio.Event()
    async with line() as pair:
        await pair.client.push_until_stuck()
        pair.server.reset()
        assert await pair.client.heard() == "RST"
        asyncio.get_running_loop().call_later(0.03, asked.set)
        await asked.wait()
    assert caplog.messages == []


async def test_a_client_that_resets_while_its_server_is_not_reached_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = asyncio.Event()

    async def reach_later(protocol: asyncio.Protocol) -> None:
        await reachable.wait()
        await reach(protocol)

    monkeypatch.setattr("wslab.leg.PROBE_S", 0.01)
    async with asyncio.timeout(20), listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        reach = tapped._connect
        monkeypatch.setattr(tapped, "_connect", reach_later)
        End(*await asyncio.open_connection(tapped.host, tapped.port)).reset()
        while not ends(tapped.tape):  # noqa: ASYNC110
            await asyncio.sleep(0)
        reachable.set()
        server = await accepted.get()
        assert await server.heard() == "RST"
        await server.close()
    assert ends(tapped.tape) == [(CLIENT, "reset")]


async def test_bytes_that_come_before_the_server_is_connected_wait_in_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, reachable = asyncio.get_running_loop(), asyncio.Event()
    create_connection: Any = loop.create_connection

    async def create_connection_later(*args: object, **kwargs: object) -> object:
        await reachable.wait()
        return await create_connection(*args, **kwargs)

    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        with socket.create_connection((tapped.host, tapped.port)) as sock:
            sock.setblocking(False)
            monkeypatch.setattr(loop, "create_connection", create_connection_later)
            sent = await push_until_stuck(sock)
            assert sent < 32 * 2**20
            assert len(tapped.tape.wire(CLIENT)) == 0
            reachable.set()
            server = await accepted.get()
            await server.reader.readexactly(sent)
        await server.close()


# Connections


async def test_200_connections_at_once() -> None:
    async def talk(url: str, number: int) -> str | bytes:
        async with connect(url) as websocket:
            await websocket.send(str(number))
            heard.append(number)
            if len(heard) == 200:
                everybody.set()
            await everybody.wait()
            return await websocket.recv()

    heard: list[int] = []
    everybody = asyncio.Event()
    async with serve(echo, "127.0.0.1", 0) as server, tap(url_of(server)) as tapped:
        answers = await asyncio.gather(*(talk(tapped.url, number) for number in range(200)))
    assert answers == [str(number) for number in range(200)]
    closes = {(record.connection, record.sender) for record in tapped.tape.frames(opcode=CLOSE)}
    assert closes == set(itertools.product(range(1, 201), (CLIENT, SERVER)))


async def test_connections_are_numbered_in_the_order_in_which_they_came() -> None:
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(url_of(server)) as tapped,
        connect(tapped.url) as first,
        connect(tapped.url) as second,
    ):
        await second.send("from the second")
        await second.recv()
        await first.send("from the first")
        await first.recv()
    assert [(r.connection, r.text) for r in tapped.tape.frames(opcode=TEXT, sender=CLIENT)] == [
        (2, "from the second"),
        (1, "from the first"),
    ]


async def test_a_tape_that_was_used_before_goes_on() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        async with tap(url_of(server)) as earlier, connect(earlier.url):
            pass
        async with tap(url_of(server), tape=earlier.tape) as later, connect(later.url):
            pass
    assert later.tape is earlier.tape
    assert {record.connection for record in later.tape} == {1, 2}
    times = [record.time_s for record in later.tape]
    assert times == sorted(times)


async def test_via_keeps_the_host_that_the_client_names() -> None:
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(url_of(server)) as tapped,
        connect("ws://service.example/chat?room=1", **tapped.via) as websocket,
    ):
        assert websocket.request is not None
    (request,) = tapped.tape.requests()
    assert request.head is not None
    assert request.head.headers["Host"] == "service.example"


# What can stand behind a tap


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=PEM)


@pytest.fixture
def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


async def test_wss_upstream(trusting: ssl.SSLContext, certified: ssl.SSLContext) -> None:
    async with (
        serve(echo, "127.0.0.1", 0, ssl=certified) as server,
        tap(url_of(server, "wss", "localhost"), ssl=trusting) as tapped,
        connect(tapped.url) as websocket,
    ):
        await websocket.send(bytes(2**19))
        assert await websocket.recv() == bytes(2**19)
    assert tapped.url.startswith("ws://127.0.0.1:")
    assert [record.sender for record in tapped.tape.frames(opcode=CLOSE)] == [CLIENT, SERVER]
    assert (SERVER, "eof") in ends(tapped.tape)


async def test_a_client_that_leaves_without_a_word_closes_a_wss_upstream(
    trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    noticed = asyncio.Event()

    async def notice(websocket: ServerConnection) -> None:
        await websocket.wait_closed()
        noticed.set()

    async with (
        serve(notice, "127.0.0.1", 0, ssl=certified) as server,
        tap(url_of(server, "wss", "localhost"), ssl=trusting) as tapped,
        connect(tapped.url) as websocket,
    ):
        websocket.transport.abort()
        await noticed.wait()


async def test_a_wss_upstream_that_closes_closes_the_client_after_the_data(
    trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    blob = bytes(5 * 2**20)
    async with (
        listening(certified) as (listener, accepted),
        tap(url_of(listener, "wss", "localhost"), ssl=trusting) as tapped,
    ):
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        server = await accepted.get()
        server.writer.write(blob)
        closing = asyncio.create_task(server.close())
        assert await client.reader.read(-1) == blob
        await closing
        with pytest.raises(ConnectionError):
            await client.write_until_refused()
        await client.close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"Hello")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def http_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/page?size=5"
        server.shutdown()
        thread.join()


async def test_http_upstream(http_server: str) -> None:
    def get(tapped: Tap) -> bytes:
        client = http.client.HTTPConnection(tapped.host, tapped.port)
        client.request("GET", "/page?size=5")
        body = client.getresponse().read()
        client.close()
        return body

    async with tap(http_server) as tapped:
        assert tapped.url == f"http://127.0.0.1:{tapped.port}/page?size=5"
        assert await asyncio.to_thread(get, tapped) == b"Hello"
    assert [record.kind for record in tapped.tape if record.kind != "end"] == ["request", "response", "data"]


@pytest.mark.parametrize(
    ("url", "tapped_url"),
    [
        ("ws://example.org", "ws://127.0.0.1:1/"),
        ("wss://example.org/a/b?c=d&e", "ws://127.0.0.1:1/a/b?c=d&e"),
        ("https://example.org:8443/x", "http://127.0.0.1:1/x"),
        ("http://user:secret@[::1]:9/", "http://user:secret@127.0.0.1:1/"),
        ("WS://EXAMPLE.org/Path", "ws://127.0.0.1:1/Path"),
    ],
)
def test_the_url_of_a_tap_keeps_path_and_query(url: str, tapped_url: str) -> None:
    tapped = tap(url)
    tapped._door.port = 1
    assert tapped.url == tapped_url


async def test_anything_with_a_url_can_be_tapped() -> None:
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(SimpleNamespace(url=url_of(server))) as inner,
        tap(inner) as outer,
        connect(outer.url) as websocket,
    ):
        await websocket.send("Hello")
        assert await websocket.recv() == "Hello"
    assert [record.text for record in inner.tape.frames(opcode=TEXT)] == ["Hello", "Hello"]
    assert repr(inner.tape) == repr(outer.tape)


# Nobody there


async def test_an_unreachable_server_is_answered_for_with_502() -> None:
    async with refusing_port() as port, tap(f"ws://127.0.0.1:{port}/chat?token=secret") as tapped:
        with pytest.raises(InvalidStatus) as caught:
            await connect(tapped.url)
    response = caught.value.response
    assert response.status_code == 502
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Connection"] == "close"
    assert response.body == (
        b"no connection to ws://127.0.0.1:\xe2\x80\xa6/chat: connection refused. "
        b"Expected: a server that listens there. To do: run the cell that starts the server, then this one again.\n"
    )
    assert [record.kind for record in tapped.tape][:2] == ["request", "end"]
    (failed,) = [record for record in tapped.tape if record.end == "error"]
    assert (failed.sender, failed.note) == (SERVER, "connection refused")


async def test_the_answer_is_whole_however_much_the_client_still_writes() -> None:
    async with refusing_port() as port, tap(f"http://127.0.0.1:{port}") as tapped:
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        writing = asyncio.create_task(client.write(b"POST / HTTP/1.1\r\n\r\n" + bytes(5 * 2**20)))
        answer = await client.reader.read(-1)
        await writing
        await client.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


async def test_a_client_that_asks_nothing_gets_nothing() -> None:
    async with refusing_port() as port, tap(f"ws://127.0.0.1:{port}") as tapped:
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        client.writer.write_eof()
        assert await client.heard() == "FIN"
        await client.close()
    assert ends(tapped.tape) == [(CLIENT, "eof"), (SERVER, "error")]


async def test_a_client_that_resets_before_it_asks_is_let_go() -> None:
    async with refusing_port() as port, tap(f"ws://127.0.0.1:{port}") as tapped:
        End(*await asyncio.open_connection(tapped.host, tapped.port)).reset()
    assert ends(tapped.tape) == [(CLIENT, "reset"), (SERVER, "error")]


async def test_a_certificate_that_is_not_trusted(certified: ssl.SSLContext) -> None:
    async with (
        serve(echo, "127.0.0.1", 0, ssl=certified) as server,
        tap(url_of(server, "wss", "localhost")) as tapped,
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connect(tapped.url)
    assert b"its certificate is not trusted" in caught.value.response.body
    assert "its certificate is not trusted" in repr(tapped.tape)


async def test_a_server_that_does_not_speak_tls(trusting: ssl.SSLContext) -> None:
    async with listening() as (listener, accepted), tap(url_of(listener, "wss", "localhost"), ssl=trusting) as tapped:
        connecting = asyncio.create_task(connect(tapped.url).__aenter__())
        server = await accepted.get()
        await server.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(InvalidStatus) as caught:
            await connecting
        await server.close()
    assert b"TLS failed" in caught.value.response.body


async def test_a_certificate_of_another_host(trusting: ssl.SSLContext, certified: ssl.SSLContext) -> None:
    async with (
        serve(echo, "127.0.0.1", 0, ssl=certified) as server,
        tap(url_of(server, "wss", "127.0.0.2"), ssl=trusting) as tapped,
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connect(tapped.url)
    assert b"127.0.0.2" in caught.value.response.body


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9), [Errno 111]"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 1] a, [Errno 2] b"), "none of the host's addresses answers"),
        (socket.gaierror(-2, "Name or service not known"), "no host has this name"),
        (UnicodeError("label too long"), "no host has this name"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(), "the connection was reset"),
        (OSError(113, "No route to host"), "no route to host"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_a_server_cannot_be_reached(error: Exception, words: str) -> None:
    assert describe(error) == words


# Bad input


@pytest.mark.parametrize(
    ("target", "happened"),
    [
        (None, "is neither a URL nor a server with a url"),
        (b"ws://127.0.0.1:80", "is neither a URL nor a server with a url"),
        (SimpleNamespace(url=80), "is neither a URL nor a server with a url"),
        ("", "has no scheme"),
        ("example.org/chat", "has no scheme"),
        ("localhost:8765", "has the scheme 'localhost'"),
        ("ftp://example.org", "has the scheme 'ftp'"),
        ("ws://", "names no host"),
        ("ws://:8765/chat", "names no host"),
        ("ws:///chat", "names no host"),
        ("ws://a b/", "cannot be read: the host has a space in it"),
        ("ws://127.0.0.1:99999", "cannot be read: the port is not a number from 1 to 65535"),
        ("ws://127.0.0.1/a b", "has a space in it"),
        ("ws://127.0.0.1:port", "cannot be read: the port is not a number"),
        ("ws://127.0.0.1:0", "names port 0"),
        ("ws://[::1", "cannot be read: Invalid IPv6 URL"),
        ("ws://" + "x" * 64 + ".org", "cannot be read:"),
        ("ws://127.0.0.1/chat#top", "has a fragment identifier"),
    ],
)
def test_a_target_that_is_none(target: object, happened: str) -> None:
    with pytest.raises(UrlError) as caught:
        tap(target)  # type: ignore[arg-type]
    assert happened in str(caught.value)


def test_ssl_for_a_target_without_tls(trusting: ssl.SSLContext) -> None:
    with pytest.raises(WslabError, match="does not use TLS"):
        tap("ws://127.0.0.1:1", ssl=trusting)


def test_a_tap_that_was_not_opened_has_no_url() -> None:
    with pytest.raises(WslabError, match="the tap has not been opened"):
        _ = tap("ws://127.0.0.1:1").url


async def test_a_repr_says_where_to_but_no_port_and_no_secret() -> None:
    tapped = tap("ws://user:pass@127.0.0.1:8765/chat?token=secret")
    assert repr(tapped) == ("<wslab tap on ws://127.0.0.1:…/chat, not opened: await it, or enter it with async with>")
    async with tapped:
        assert repr(tapped) == "<wslab tap on ws://127.0.0.1:…/chat, open>"
    assert repr(tapped) == "<wslab tap on ws://127.0.0.1:…/chat, closed>"
    assert "wss://example.org:8443/," in repr(tap("wss://example.org:8443"))


# Its life


async def test_the_tape_is_complete_once_the_tap_is_left() -> None:
    for _ in range(100):
        async with serve(echo, "127.0.0.1", 0) as server, tap(url_of(server)) as tapped, connect(tapped.url):
            pass
        assert [record.sender for record in tapped.tape.frames(opcode=CLOSE)] == [CLIENT, SERVER]
        assert sorted(ends(tapped.tape)) == [(SERVER, "eof"), (CLIENT, "eof")]


async def test_what_was_written_just_before_leaving_is_on_the_tape() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, tap(url_of(server)) as tapped:
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await client.close()
    assert tapped.tape.wire(CLIENT) == b"GET / HTTP/1.1\r\n\r\n"
    assert (CLIENT, "eof") in ends(tapped.tape)


async def test_leaving_cuts_what_is_still_open() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        async with tap(url_of(server)) as tapped:
            websocket = await connect(tapped.url)
        await websocket.wait_closed()
        assert websocket.close_code == 1006
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(tapped.host, tapped.port)


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
async def test_leaving_cuts_an_endpoint_that_does_not_read(sender: Side) -> None:
    async with line(Tape(max_bytes=0)) as pair:
        source, destination = pair.between(sender)
        destination.transport.pause_reading()
        await source.push_until_stuck()
        (relay,) = pair.tap._relays.values()
        assert relay.client.transport.get_write_buffer_size() or relay.server.transport.get_write_buffer_size()
        await pair.tap.close()
        assert relay.client.lost.is_set() and relay.server.lost.is_set()


async def test_endless_talk_does_not_keep_a_tap_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(websocket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosedError):
            while True:
                await websocket.send("and another thing")
                await websocket.recv()

    monkeypatch.setattr(importlib.import_module("wslab.tap"), "FINISH_S", 0.05)
    async with serve(echo, "127.0.0.1", 0) as server:
        tapped = await tap(url_of(server))
        talking = asyncio.create_task(talk(await connect(tapped.url)))
        await tapped.close()
        await talking
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(tapped.host, tapped.port)


async def test_leaving_cuts_a_connection_that_waits_for_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asyncio.Event()

    async def wait_for_ever(*args: object, **kwargs: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with tap("ws://127.0.0.1:1") as tapped:
        sock = socket.create_connection((tapped.host, tapped.port))
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", wait_for_ever)
        await waiting.wait()
    with sock:
        assert sock.recv(1) == b""


async def test_leaving_cuts_a_tls_handshake(trusting: ssl.SSLContext) -> None:
    async with listening() as (listener, silent):
        async with tap(url_of(listener, "wss", "localhost"), ssl=trusting) as tapped:
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            server = await silent.get()
        assert await client.heard() == "FIN"
        await client.close()
        await server.close()


async def test_it_can_be_awaited_and_closed_twice() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        tapped = await tap(url_of(server))
        async with connect(tapped.url) as websocket:
            await websocket.send("Hello")
            assert await websocket.recv() == "Hello"
        await asyncio.gather(tapped.close(), tapped.close())
        await tapped.close()
    assert tapped.tape.frames(opcode=TEXT)[0].text == "Hello"


@pytest.mark.parametrize("rounds", range(8))
async def test_cancelled_while_it_opens_it_leaves_nothing(rounds: int) -> None:
    opening = asyncio.create_task(tap("ws://127.0.0.1:1").__aenter__())
    for _ in range(rounds):
        await asyncio.sleep(0)
    opening.cancel()
    try:
        tapped = await opening
    except asyncio.CancelledError:
        return
    await tapped.close()


async def test_cancelled_while_it_closes_it_leaves_nothing() -> None:
    async with line() as pair:
        pair.client.writer.write_eof()
        assert await pair.server.heard() == "FIN"
        closing = asyncio.create_task(pair.tap.close())
        for _ in range(10):
            await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert await pair.client.heard() == "FIN"


async def test_a_connection_that_is_cancelled_twice_leaves_no_socket() -> None:
    async with line() as pair:
        await pair.client.push_until_stuck()  # the server does not read, so that closing gently would wait for it
        ((relaying, relay),) = pair.tap._relays.items()
        relaying.cancel()
        await asyncio.sleep(0)
        relaying.cancel()
        await asyncio.wait({relaying})
        assert relay.server.transport.get_write_buffer_size() == 0


async def test_stop_all_closes_it() -> None:
    tapped = await tap("ws://127.0.0.1:1")
    await registry.stop_all()
    assert repr(tapped).endswith("closed>")


async def test_a_closed_tap_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def close(self: Tap) -> None:
        pytest.fail("closed again")

    async with tap("ws://127.0.0.1:1"):
        pass
    monkeypatch.setattr(Tap, "close", close)
    await registry.stop_all()


async def test_nothing_that_it_runs_belongs_to_the_cell_that_opened_it() -> None:
    cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="none")

    class Spy(Tape):
        def write(self, connection: int, sender: Side, data: bytes, time_s: float) -> None:
            cells.add(cell.get())
            super().write(connection, sender, data, time_s)

    cells: set[str] = set()
    cell.set("the cell that opened it")
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(url_of(server), tape=Spy()) as tapped,
        connect(tapped.url),
    ):
        pass
    assert cells == {"none"}


async def test_a_tap_never_listens_on_the_port_of_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may give it the port of a server that has gone; it would relay to itself without end."""
    async with refusing_port() as port:
        pass
    ports, bound = [port, 0], door._bound
    monkeypatch.setattr(door, "_bound", lambda _: bound(ports.pop(0)))
    async with tap(f"ws://127.0.0.1:{port}/") as tapped:
        assert tapped.port != port and ports == []
        with pytest.raises(InvalidStatus, match="502"):
            await connect(tapped.url)


@pytest.mark.parametrize("rounds", range(8))
async def test_nobody_is_stranded_who_comes_just_when_the_tap_is_closed_in_a_hurry(rounds: int) -> None:
    loop = asyncio.get_running_loop()
    async with listening() as (listener, accepted), asyncio.timeout(10):
        tapped = await tap(url_of(listener))
        with socket.create_connection((tapped.host, tapped.port)) as client:
            client.setblocking(False)
            for _ in range(rounds):
                await asyncio.sleep(0)
            closing = asyncio.create_task(tapped.close())
            await asyncio.sleep(0)
            closing.cancel()  # so that it does not wait for what may still come
            await asyncio.wait({closing})
            with contextlib.suppress(ConnectionResetError):
                assert await loop.sock_recv(client, 1) == b""
        assert not tapped._relays
        while not accepted.empty():
            await accepted.get_nowait().close()
