"""One behaviour, many servers: each test runs against every server, directly and through a tap."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import re
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import actor_server
import filter_server
import peers
import plain_server
import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, Close
from websockets.protocol import SERVER
from websockets.typing import Origin

from wslab.frames import WireFrame, encode
from wslab.raw_opening import connect_raw
from wslab.servers import serve
from wslab.tap import tap
from wslab.tape import Tape

# asyncio.timeout in a fixture would end with the task that sets it up, before the test.
pytestmark = pytest.mark.timeout(20)

KEY = bytes.fromhex("37fa213d")
MIB = 2**20
# Far more than kernels buffer for one connection, and than any server here keeps for one reader.
BULK = [number.to_bytes(4, "big") + bytes(MIB // 2) for number in range(160)]

Running = Callable[[], AbstractAsyncContextManager[str]]


URLS: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def others() -> Iterator[None]:
    """Run each server of another language once for all tests here; it must end well, and have complained of nothing."""
    with contextlib.ExitStack() as stack:
        for name in filter(peers.command, peers.SERVERS):
            URLS[name] = stack.enter_context(peers.running(name))
        yield


@contextlib.asynccontextmanager
async def peer(name: str) -> AsyncIterator[str]:
    peers.command_or_skip(name)
    url = URLS[name]
    async with Server(name, url, None).member() as only:  # those of the test before may still be leaving
        await until_count(only, 1)
    yield url


# Each runs a server with the paths of tests/peers/README.md, and gives its URL without a path.
PYTHON_SERVERS: dict[str, Running] = {
    "websockets": plain_server.running,
    "actors": actor_server.running,
    "filters": filter_server.running,
}
SERVERS = PYTHON_SERVERS | {name: functools.partial(peer, name) for name in peers.SERVERS}


@dataclass(frozen=True)
class Difference:
    """Where a server differs by its nature: what it does instead, and why."""

    instead: Any
    why: str


DIFFERENCES = {
    ("actix_ws", "too much in fragments"): Difference(
        1002, "its aggregated stream reports this as an I/O error, which it cannot tell from a broken connection"
    ),
    ("actix_ws", "not UTF-8"): Difference(1002, "its stream reports this as an I/O error, too"),
    ("actix_actors", "not UTF-8"): Difference(1002, "its stream reports this as an I/O error, too"),
    ("warp", "/echo/"): Difference(101, "warp::path! takes a slash at the end of a path for nothing"),
    ("filters", "/echo/"): Difference(101, "filters.path takes it as warp::path! does"),
    ("filters", "slow reader"): Difference("lags", "the channel drops the oldest messages, as tokio's does"),
    ("warp", "slow reader"): Difference("lags", "tokio's broadcast channel drops the oldest messages"),
    ("tungstenite", "slow reader"): Difference("lags", "tokio's broadcast channel drops the oldest messages"),
    ("actix_ws", "slow reader"): Difference("lags", "tokio's broadcast channel drops the oldest messages"),
    ("actors", "slow reader"): Difference("is closed", "an actor that is stopped finishes what it writes"),
    ("actix_actors", "slow reader"): Difference(
        "is told", "an actor closes itself with 1013 once its client has read what its mailbox holds"
    ),
}


def expected(server: Server, behaviour: str, usual: Any) -> Any:
    difference = DIFFERENCES.get((server.name, behaviour))
    return difference.instead if difference else usual


@dataclass
class Server:
    name: str
    url: str
    tape: Tape | None

    def connect(self, path: str, **options: Any) -> connect:
        return connect(self.url + path, compression=None, ping_interval=None, **options)

    @contextlib.asynccontextmanager
    async def member(self, **options: Any) -> AsyncIterator[ClientConnection]:
        """Join /broadcast; who has got an answer there is a member."""
        async with self.connect("/broadcast", **options) as websocket:
            await count(websocket)
            yield websocket


@contextlib.asynccontextmanager
async def reached(name: str, running: Running, way: str) -> AsyncIterator[Server]:
    async with running() as url:
        if way == "directly":
            yield Server(name, url, None)
            return
        async with tap(url) as tapped:
            yield Server(name, tapped.url.rstrip("/"), tapped.tape)


@pytest.fixture(params=["directly", "through a tap"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SERVERS)
async def server(request: pytest.FixtureRequest, way: str) -> AsyncIterator[Server]:
    async with reached(request.param, SERVERS[request.param], way) as server:
        yield server


async def count(websocket: ClientConnection) -> int:
    await websocket.send("count")
    return int(await websocket.recv())


async def until_count(websocket: ClientConnection, wanted: int) -> None:
    """Ask until it is so; the timeout of the test ends it if it never is."""
    while await count(websocket) != wanted:
        pass


async def vanish(websocket: ClientConnection) -> None:
    """Cut the connection with a RST: no closing handshake, no FIN."""
    linger = struct.pack("ii", 1, 0)
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    websocket.transport.abort()
    await websocket.wait_closed()


# /echo


@pytest.mark.parametrize(
    "message",
    ["Hello", "", "ünïcödé \N{GRINNING FACE}\0", b"\x00\xff", b"", "x" * 126, "y" * 2**16, bytes(MIB)],
    ids=["text", "empty text", "unicode", "binary", "empty binary", "16-bit length", "64-bit length", "1 MiB"],
)
async def test_what_is_sent_comes_back_as_what_it_was(server: Server, message: str | bytes) -> None:
    async with server.connect("/echo", max_size=None) as websocket:
        await websocket.send(message)
        assert await websocket.recv() == message


@pytest.mark.parametrize(("parts", "whole"), [(["a", "", "b"], "ab"), ([b"\x00", b"\xff"], b"\x00\xff")])
async def test_fragments_come_back_as_one_message(server: Server, parts: list[Any], whole: str | bytes) -> None:
    async with server.connect("/echo") as websocket:
        for _ in range(2):  # nothing of the first may be left when the second comes
            await websocket.send(parts)
            assert await websocket.recv() == whole


async def test_a_ping_between_fragments_is_answered(server: Server) -> None:
    async with connect_raw(server.url + "/echo") as raw:
        await raw.write(
            WireFrame(TEXT, b"a", fin=False, masking_key=KEY),
            WireFrame(PING, b"now", masking_key=KEY),
            WireFrame(CONT, b"b", masking_key=KEY),
        )
        answers = [await raw.frame(), await raw.frame()]
    assert {(frame.opcode, frame.payload) for frame in answers if frame} == {(PONG, b"now"), (TEXT, b"ab")}


@pytest.mark.parametrize("path", ["/echo", "/broadcast"])
@pytest.mark.parametrize("payload", [b"", b"now", bytes(range(125))], ids=["empty", "short", "longest"])
async def test_a_pong_carries_the_payload_of_its_ping(server: Server, path: str, payload: bytes) -> None:
    async with connect_raw(server.url + path) as raw:
        await raw.write(WireFrame(PING, payload, masking_key=KEY))
        pong = await raw.frame()
        assert pong is not None
        assert (pong.opcode, pong.payload) == (PONG, payload)


# The end


@pytest.mark.parametrize("path", ["/echo", "/broadcast"])
@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "leaving"), (4321, "ünïcödé")])
async def test_code_and_reason_come_back(server: Server, path: str, code: int, reason: str) -> None:
    async with server.connect(path) as websocket:
        await websocket.close(code, reason)
        assert websocket.protocol.close_rcvd == Close(code, reason)


async def test_a_close_without_a_code_is_answered_without_one(server: Server) -> None:
    async with connect_raw(server.url + "/echo") as raw:
        await raw.write(WireFrame(CLOSE, b"", masking_key=KEY))
        assert [(frame.opcode, frame.payload) for frame in await raw.frames_until_close()] == [(CLOSE, b"")]
        assert await raw.frame() is None  # the server closes TCP first


@pytest.mark.parametrize("path", ["/echo", "/broadcast"])
@pytest.mark.parametrize("message", ["x" * (MIB + 1), bytes(MIB + 1)], ids=["text", "binary"])
async def test_a_message_that_is_too_big_ends_with_1009(server: Server, path: str, message: str | bytes) -> None:
    async with server.connect(path) as websocket:
        await websocket.send(message)
        with pytest.raises(ConnectionClosed):
            await websocket.recv()
        assert websocket.close_code == 1009


async def test_fragments_that_are_too_much_together_end_with_1009(server: Server) -> None:
    async with server.connect("/echo") as websocket:
        await websocket.send([bytes(MIB // 2), bytes(MIB // 2), b"x"])
        with pytest.raises(ConnectionClosed):
            await websocket.recv()
        assert websocket.close_code == expected(server, "too much in fragments", 1009)


MISTAKES = {
    "not UTF-8": (WireFrame(TEXT, b"\xff", masking_key=KEY), 1007),
    "not masked": (WireFrame(TEXT, b"a"), 1002),
    "a reserved opcode": (bytes.fromhex("8380") + KEY, 1002),
    "a fragment of nothing": (WireFrame(CONT, b"a", masking_key=KEY), 1002),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_who_breaks_the_protocol_is_told_the_code(server: Server, mistake: str) -> None:
    wire, usual = MISTAKES[mistake]
    async with connect_raw(server.url + "/echo") as raw:
        await raw.write(wire)
        (close,) = await raw.frames_until_close()
    assert int.from_bytes(close.payload[:2], "big") == expected(server, mistake, usual)


# /broadcast


@pytest.mark.parametrize("message", ["Hello", b"\x00\xff", "", "x" * 2**16], ids=["text", "binary", "empty", "long"])
async def test_a_message_reaches_everybody_its_sender_too(server: Server, message: str | bytes) -> None:
    async with server.member() as ann, server.member() as ben, server.member() as cem:
        assert await count(ann) == 3
        await ben.send(message)
        assert [await member.recv() for member in (ann, ben, cem)] == [message] * 3


async def test_all_hear_the_same_order(server: Server) -> None:
    async with server.member() as ann, server.member() as ben:
        for number in range(20):
            await ann.send(f"ann {number}")
            await ben.send(f"ben {number}")
        heard = [[await member.recv() for _ in range(40)] for member in (ann, ben)]
    assert heard[0] == heard[1]
    assert [message for message in heard[0] if str(message).startswith("ann")] == [f"ann {n}" for n in range(20)]


@pytest.mark.parametrize("name", PYTHON_SERVERS)  # elsewhere the speed of threads decides who lags
async def test_all_hear_a_crowd_that_talks_at_once(name: str) -> None:
    async def talk(member: ClientConnection) -> None:
        for number in range(10):
            await member.send(str(number))

    async with (
        reached(name, PYTHON_SERVERS[name], "directly") as server,
        contextlib.AsyncExitStack() as stack,
    ):
        members = [await stack.enter_async_context(server.member(max_queue=None)) for _ in range(20)]
        await asyncio.gather(*map(talk, members))
        for member in members:
            heard = collections.Counter([await member.recv() for _ in range(200)])
            assert heard == {str(number): 20 for number in range(10)}


async def test_a_member_that_leaves_disturbs_nobody(server: Server) -> None:
    async with server.member() as ann, server.member() as ben:
        async with server.member():
            assert await count(ann) == 3
        await until_count(ann, 2)
        await ann.send("still here")
        assert [await ann.recv(), await ben.recv()] == ["still here"] * 2


async def test_a_member_that_vanishes_disturbs_nobody(server: Server) -> None:
    async with server.member() as ann, server.member() as ben:
        async with server.member() as cem:
            assert await count(ann) == 3
            await vanish(cem)
        await ann.send("still here")
        assert [await ann.recv(), await ben.recv()] == ["still here"] * 2
        await until_count(ann, 2)


async def test_a_member_that_vanishes_in_the_middle_of_a_message_disturbs_nobody(server: Server) -> None:
    async with server.member() as ann:
        async with connect_raw(server.url + "/broadcast") as raw:
            await until_count(ann, 2)
            await raw.write(WireFrame(TEXT, b"a", fin=False, masking_key=KEY), bytes.fromhex("80fe"))
        await until_count(ann, 1)


async def test_a_member_that_fails_leaves_nothing_behind(server: Server) -> None:
    async with server.member() as ann:
        async with server.member() as ben:
            await ben.send(bytes(MIB + 1))
            with pytest.raises(ConnectionClosed):
                await ben.recv()
        await until_count(ann, 1)


@pytest.mark.parametrize("name", SERVERS)
async def test_a_reader_that_stalls_holds_up_nobody(name: str) -> None:
    async with reached(name, SERVERS[name], "directly") as server:
        async with server.member() as ann, server.member(max_queue=None) as slow:
            slow.transport.pause_reading()
            for message in BULK:  # each comes back before the next goes out: ann never falls behind
                await ann.send(message)
                assert await ann.recv() == message
            members = await count(ann)
            slow.transport.resume_reading()
            what = await happened_to(slow)
        assert what == expected(server, "slow reader", "is cut off")
        assert members == (2 if what == "lags" else 1)


async def happened_to(slow: ClientConnection) -> str:
    """Read all that is left for a slow reader, and put it into a word."""
    heard = []
    try:
        while not heard or heard[-1] != BULK[-1]:
            heard.append(await slow.recv())
    except ConnectionClosed:
        return {1000: "is closed", 1006: "is cut off", 1013: "is told"}[slow.close_code or 0]
    finally:
        assert heard == sorted(heard) and heard[0] == BULK[0] and len(heard) < len(BULK)
    return "lags"


FLOOD_BYTES = 64 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells how much memory another process has")
@pytest.mark.parametrize("name", peers.SERVERS)
async def test_who_pings_and_never_reads_fills_no_memory(name: str) -> None:
    with peers.process(name) as process:
        server = Server(name, peers.url_of(process), None)
        async with server.member() as ann, server.connect("/echo") as pinging:
            before = memory_bytes(process.pid)
            pinging.transport.pause_reading()
            await flood(pinging, encode(WireFrame(PING, bytes(125), masking_key=KEY)) * 1000, ann)
            assert memory_bytes(process.pid) - before < FLOOD_BYTES / 2
            pinging.transport.abort()


def memory_bytes(pid: int) -> int:
    (kib,) = re.findall(r"^VmRSS:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    return int(kib) * 1024


async def flood(pinging: ClientConnection, block: bytes, ann: ClientConnection) -> None:
    """Write until all is taken, the server hangs up, or it takes nothing more however often it answers ann."""
    written = taken = answers = 0
    while taken < FLOOD_BYTES and answers < 2000 and not pinging.transport.is_closing():
        if pinging.transport.get_write_buffer_size() < len(block):
            pinging.transport.write(block)
            written += len(block)
        await count(ann)
        answers = answers + 1 if written - pinging.transport.get_write_buffer_size() == taken else 0
        taken = written - pinging.transport.get_write_buffer_size()


# Who is let in


async def status(server: Server, path: str, **options: Any) -> int:
    try:
        async with server.connect(path, **options) as websocket:
            assert websocket.response is not None
            return websocket.response.status_code
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("path", ["/", "/echo/", "/Echo", "/echo/more", "/nowhere"])
async def test_any_other_path_is_not_found(server: Server, path: str) -> None:
    assert await status(server, path) == expected(server, path, 404)


async def test_a_query_makes_no_other_path(server: Server) -> None:
    assert await status(server, "/echo?name=ann") == 101


REFUSED = {
    "another path": "GET /nowhere HTTP/1.1",
    "a foreign page": "GET /echo HTTP/1.1\r\nOrigin: http://evil.example",
}
OPENING = (
    "Connection: close, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)


@pytest.mark.parametrize("name", peers.SERVERS)
@pytest.mark.parametrize("asked", REFUSED)
async def test_who_is_refused_and_stays_is_not_kept(name: str, asked: str) -> None:
    async with peer(name) as url:
        host, port = url.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{REFUSED[asked]}\r\nHost: {host}\r\n{OPENING}\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 40")
        with pytest.raises(ConnectionError):
            await write_until_reset(writer)
        writer.close()


async def write_until_reset(writer: asyncio.StreamWriter) -> None:
    """Write for ever to who has ended only its own direction."""
    while True:
        writer.write(b"x")
        await writer.drain()


@pytest.mark.parametrize("path", ["/echo", "/broadcast"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost:evil.example",
        "null",
        "file://localhost",
    ],
)
async def test_a_page_from_elsewhere_is_refused(server: Server, path: str, origin: str) -> None:
    assert await status(server, path, origin=Origin(origin)) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:8888", "https://localhost", "http://127.0.0.1:8888", "http://[::1]:8888", "https://[::1]"],
)
async def test_a_page_of_this_machine_is_welcome(server: Server, origin: str) -> None:
    async with server.connect("/echo", origin=Origin(origin)) as websocket:
        await websocket.send("Hello")
        assert await websocket.recv() == "Hello"


@pytest.mark.parametrize("name", peers.SERVERS)
async def test_no_other_machine_is_listened_to(name: str) -> None:
    async with peer(name) as url:
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.2", int(url.rpartition(":")[2]))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("name", peers.SERVERS)
async def test_sigterm_ends_a_server_at_once(name: str) -> None:
    with peers.process(name) as process:
        async with connect(peers.url_of(process) + "/broadcast") as websocket:
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                await websocket.recv()
    assert process.returncode == -signal.SIGTERM


# The tape


@pytest.mark.parametrize("name", SERVERS)
async def test_the_tape_holds_what_a_server_sent(name: str) -> None:
    async with (
        reached(name, SERVERS[name], "through a tap") as server,
        server.connect("/echo") as websocket,
    ):
        for message in ("Hello", b"\x00\xff"):
            await websocket.send(message)
            await websocket.recv()
        await (await websocket.ping(b"now"))
        await websocket.close(4321, "bye")
    assert server.tape is not None
    frames = [record.frame for record in server.tape.frames(sender=SERVER)]
    sent = [(frame.opcode, frame.payload) for frame in frames if frame]
    assert sent == [(TEXT, b"Hello"), (BINARY, b"\x00\xff"), (PONG, b"now"), (CLOSE, b"\x10\xe1bye")]


# Clients of other languages, on Python servers


@dataclass
class Guest:
    client: peers.Client
    server: Server

    async def connect(self, path: str, **details: Any) -> dict[str, Any]:
        await self.client.do("connect", url=self.server.url + path, **details)
        return await self.client.event()

    async def ask(self, command: str, **details: Any) -> dict[str, Any]:
        await self.client.do(command, **details)
        return await self.client.event()


@pytest.fixture(params=[(client, host) for client in peers.CLIENTS for host in PYTHON_SERVERS], ids="-".join)
async def guest(request: pytest.FixtureRequest, way: str) -> AsyncIterator[Guest]:
    name, host = request.param
    async with (
        reached(host, PYTHON_SERVERS[host], way) as server,
        peers.client(name) as client,
    ):
        yield Guest(client, server)


OPEN = {"event": "open"}


async def test_a_client_gets_back_what_it_sent(guest: Guest) -> None:
    assert await guest.connect("/echo") == OPEN
    for text in ("Hello", "", "ünïcödé \N{GRINNING FACE}", "x" * 2**16, "y" * MIB):
        assert await guest.ask("text", text=text) == {"event": "text", "text": text}
    for hexed in ("00ff", "", "00" * 2**16):
        assert await guest.ask("binary", hex=hexed) == {"event": "binary", "hex": hexed}


async def test_a_client_sends_fragments_and_pings(guest: Guest) -> None:
    assert await guest.connect("/echo") == OPEN
    assert await guest.ask("fragments", parts=["a", "", "b"]) == {"event": "text", "text": "ab"}
    assert await guest.ask("ping", hex="00ff") == {"event": "pong", "hex": "00ff"}


async def test_a_client_closes_and_connects_again(guest: Guest) -> None:
    for code, reason in ((1000, ""), (4321, "ünïcödé")):
        assert await guest.connect("/echo") == OPEN
        assert await guest.ask("close", code=code, reason=reason) == {"event": "close", "code": code, "reason": reason}


async def test_a_client_is_told_that_its_message_was_too_big(guest: Guest) -> None:
    assert await guest.connect("/echo") == OPEN
    closed = await guest.ask("text", text="x" * (MIB + 1))
    assert (closed["event"], closed["code"]) == ("close", 1009)


async def test_a_client_is_refused_and_may_come_again(guest: Guest) -> None:
    assert await guest.connect("/nowhere") == {"event": "refused", "status": 404}
    assert await guest.connect("/echo", origin="http://evil.example") == {"event": "refused", "status": 403}
    assert await guest.connect("/echo", origin="http://localhost:8888") == OPEN


async def test_a_client_talks_with_python_clients_and_may_vanish(guest: Guest) -> None:
    async with guest.server.member() as ann:
        assert await guest.connect("/broadcast") == OPEN
        assert await guest.ask("text", text="count") == {"event": "text", "text": "2"}
        await ann.send("from Python")
        assert [await ann.recv(), await guest.client.event()] == [
            "from Python",
            {"event": "text", "text": "from Python"},
        ]
        assert await guest.ask("binary", hex="00ff") == {"event": "binary", "hex": "00ff"}
        assert await ann.recv() == b"\x00\xff"
        await guest.client.vanish()
        await until_count(ann, 1)


@pytest.mark.parametrize("name", peers.CLIENTS)
async def test_a_client_tells_that_nobody_listens(name: str) -> None:
    async with peers.client(name) as client:
        await client.do("connect", url="ws://127.0.0.1:1/")
        assert await client.event() == {"event": "close", "code": 1006, "reason": ""}


@pytest.mark.parametrize("name", peers.CLIENTS)
async def test_a_client_that_cannot_go_on_ends(name: str) -> None:
    async with peers.client(name) as client:
        await client.do("dance")
        assert await client.event() == {"event": "the client has ended"}


@pytest.mark.parametrize("name", peers.CLIENTS)
async def test_a_client_answers_pings_and_tells_why_the_server_closed(name: str) -> None:
    answers: asyncio.Queue[Close | None] = asyncio.Queue()

    async def ping_then_close(websocket: ServerConnection) -> None:
        await (await websocket.ping(b"now"))
        await websocket.close(4321, "enough")
        answers.put_nowait(websocket.protocol.close_rcvd)

    async with serve(ping_then_close) as server, peers.client(name) as client:
        await client.do("connect", url=server.url)
        events = [await client.event() for _ in range(3)]
        assert await answers.get() == Close(4321, "enough")
    assert events == [OPEN, {"event": "ping", "hex": "6e6f77"}, {"event": "close", "code": 4321, "reason": "enough"}]
