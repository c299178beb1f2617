"""A message that is written past `send` of websockets, to connections over pairs of sockets that the test reads."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import CLIENT, SERVER, Protocol, State

from wslab import prepared as prepared_module
from wslab.prepared import KEPT, prepared, write, write_now
from wslab.servers import serve

PEM = Path(__file__).parent / "test_only_localhost.pem"
KEY = bytes.fromhex("37fa213d")
ASTRAL = "\U0010ffff"  # four bytes in UTF-8
QUIET = logging.getLogger("wslab.tests.prepared.quiet")
QUIET.disabled = True
DEBUG = logging.getLogger("wslab.tests.prepared.debug")
DEBUG.setLevel(logging.DEBUG)


def deflate(*, takeover: bool = True, **settings: int) -> dict[str, Any]:
    return {"extensions": lambda: [PerMessageDeflate(not takeover, not takeover, 15, 12, settings)]}


KINDS: Mapping[str, dict[str, Any]] = {
    "server": {},
    "client": {"side": CLIENT},
    "deflate": deflate(memLevel=5),
    "deflate without context takeover": deflate(takeover=False),
    "debug": {"logger": DEBUG},
}


class Ours:
    """One end, and the socket at the other."""

    def __init__(self, websocket: Connection, peer: socket.socket) -> None:
        self.websocket = websocket
        self.peer = peer

    def written(self) -> bytes:
        try:
            return self.peer.recv(2**20)
        except BlockingIOError:
            return b""

    def fill(self) -> None:
        """Fill what the kernel buffers, beside the transport, to the last byte."""
        with self.websocket.transport.get_extra_info("socket").dup() as sock:
            for size_bytes in (2**12, 1):
                try:
                    while True:
                        sock.send(bytes(size_bytes))
                except BlockingIOError:
                    pass


@asynccontextmanager
async def ours(
    side: Any = SERVER,
    logger: logging.Logger = QUIET,
    extensions: Callable[[], list[Any]] = list,
    connection: type[Connection] = Connection,
    **options: Any,
) -> AsyncIterator[Ours]:
    protocol = Protocol(side, logger=logger)
    protocol.extensions = extensions()
    sock, peer = socket.socketpair()
    sock.setblocking(False)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    _, websocket = await loop.create_connection(lambda: connection(protocol, **options), sock=sock)
    try:
        yield Ours(websocket, peer)
    finally:
        websocket.transport.abort()
        await asyncio.shield(websocket.connection_lost_waiter)
        peer.close()


async def halfway(websocket: Connection) -> asyncio.Task[None]:
    """Begin to send a fragmented message, which does not go on."""
    begun = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "Hel"
        begun.set()
        await asyncio.get_running_loop().create_future()

    sending = asyncio.create_task(websocket.send(pieces()))
    await begun.wait()
    return sending


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
def one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("websockets.frames.secrets.token_bytes", lambda size_bytes: KEY)


# What is written.


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.usefixtures("one_key")
async def test_what_is_written_now_is_what_send_sends(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    messages = ["", b"", "Hello", b"Hello", "Hello", "ÄÖÜ" * 100, bytes(125), bytes(126), ASTRAL * 1000, "Hello"]
    for each in messages:
        async with ours(**options) as one, ours(**options) as other:
            for message in (each, "and", each):  # twice, because context takeover remembers
                caplog.clear()
                assert write_now(one.websocket, message)
                said = [record.getMessage() for record in caplog.records]
                caplog.clear()
                await other.websocket.send(message)
                assert said == [record.getMessage() for record in caplog.records]
                assert bool(said) is (options == KINDS["debug"])
                assert (written := one.written()) == other.written() != b""
            assert written and one.websocket.protocol.writes == []


async def test_a_frame_is_made_once_for_all_who_get_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    serialize = Frame.serialize
    monkeypatch.setattr(Frame, "serialize", lambda frame, **how: made.append(frame) or serialize(frame, **how))
    message = "made once"
    async with ours() as one, ours() as two:
        assert write_now(one.websocket, message) and write(two.websocket, message)
        assert one.written() == two.written() == b"\x81\x09made once"
    assert len(made) == 1


async def test_who_gets_different_messages_in_turn_gets_each() -> None:
    async with ours() as one, ours() as two:
        for text, data in (("1", b"1"), ("", b""), ("1", b"1")):
            assert write_now(one.websocket, text) and write_now(two.websocket, data)
            assert (one.written()[0], two.written()[0]) == (0x81, 0x82)


async def test_what_the_protocol_has_to_send_already_goes_first() -> None:
    async with ours() as one:
        one.websocket.protocol.send_ping(b"")
        assert write_now(one.websocket, "Hello")
        assert one.written() == b"\x89\x00\x81\x05Hello"


async def test_over_tls_it_is_the_same() -> None:
    written: asyncio.Queue[bool] = asyncio.Queue()

    async def handler(websocket: ServerConnection) -> None:
        written.put_nowait(write_now(websocket, "Hello"))
        await websocket.send("Bob")

    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(PEM)
    trusting = ssl.create_default_context(cafile=PEM)
    async with (
        serve(handler, ssl=certified, compression=None) as server,
        connect(server.url, proxy=None, ssl=trusting) as websocket,
    ):
        assert [await websocket.recv(), await websocket.recv()] == ["Hello", "Bob"]
        assert await written.get()


# What is not.


class Shouting(Connection):
    async def send(self, message: Any, *, text: bool | None = None) -> None:
        await super().send(message.upper(), text=text)


@pytest.mark.parametrize(
    ("message", "options"),
    [
        (bytearray(b"Hello"), {}),
        (["Hel", "lo"], {}),
        ({"text": "Hello"}, {}),
        (None, {}),
        ("\ud800", {}),
        ("\ud800", deflate()),
        ("Hello", {"write_limit": 0}),
        ("Hello", {"connection": Shouting}),
    ],
    ids=["bytearray", "list", "dict", "None", "surrogate", "surrogate, deflated", "no room", "send of its own"],
)
async def test_what_send_has_more_to_do_with_is_left_to_it(message: Any, options: dict[str, Any]) -> None:
    async with ours(**options) as one:
        assert not write_now(one.websocket, message)
        assert one.written() == b"" and one.websocket.protocol.writes == []
        assert one.websocket.state is State.OPEN


@pytest.mark.parametrize("owner", ["class", "connection"])
async def test_a_send_that_was_replaced_is_left_to_do_it(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(*arguments: object) -> None: ...

    async with ours() as one:
        monkeypatch.setattr(Connection if owner == "class" else one.websocket, "send", send)
        assert not write_now(one.websocket, "Hello")
        assert one.written() == b""


async def test_nothing_is_written_into_a_fragmented_message() -> None:
    async with ours() as one:
        sending = await halfway(one.websocket)
        assert one.written() == b"\x01\x03Hel"
        assert not write_now(one.websocket, "next") and not write(one.websocket, "next")
        await cancelled(sending)  # what is left is half a message
        assert not write_now(one.websocket, "next") and not write(one.websocket, "next")
        assert one.written() == b""


async def test_nothing_is_written_before_a_fragmented_message_has_found_room() -> None:
    async with ours(write_limit=6) as one:
        one.fill()
        sending = asyncio.create_task(one.websocket.send(["Hel"]))  # five bytes, and two of the frame that ends it
        await asyncio.sleep(0)
        assert one.websocket.paused and not one.websocket.protocol.expect_continuation_frame
        assert not write_now(one.websocket, "next") and not write(one.websocket, "next")
        await cancelled(sending)
        assert write(one.websocket, "next")


async def test_nothing_is_written_after_the_close_frame() -> None:
    async with ours() as one:
        closing = asyncio.create_task(one.websocket.close())
        await asyncio.sleep(0)
        assert one.websocket.state is State.CLOSING and one.written() == b"\x88\x02\x03\xe8"
        assert not write_now(one.websocket, "too late") and not write(one.websocket, "too late")
        assert one.written() == b""
        one.websocket.transport.abort()
        await closing
        assert one.websocket.state is State.CLOSED
        assert not write_now(one.websocket, "too late") and not write(one.websocket, "too late")


async def test_to_a_transport_that_was_aborted_nothing_is_written_now() -> None:
    async with ours() as one:
        one.websocket.transport.abort()
        assert one.websocket.state is State.OPEN  # as long as the loop has not told it
        assert not write_now(one.websocket, "too late")


@pytest.mark.parametrize("options", [{}, {"side": CLIENT}], ids=["server", "client"])
async def test_a_transport_that_refuses_is_no_error(options: dict[str, Any]) -> None:
    async with ours(**options) as one:
        one.websocket.transport.write_eof()
        assert one.websocket.state is State.OPEN
        assert not write_now(one.websocket, "too late") and not write(one.websocket, "too late")


# Room.


async def test_behind_what_waits_already_nothing_is_written_now() -> None:
    async with ours() as one:
        one.fill()
        assert write_now(one.websocket, "waits")
        assert one.websocket.transport.get_write_buffer_size() == 7 and not one.websocket.paused
        assert not write_now(one.websocket, "behind it")
        assert one.websocket.transport.get_write_buffer_size() == 7
        assert write(one.websocket, "behind it")
        assert one.websocket.transport.get_write_buffer_size() == 18


@pytest.mark.parametrize(
    "options",
    [*KINDS.values(), deflate(level=0, memLevel=1), deflate(strategy=zlib.Z_FIXED, memLevel=9)],
    ids=[*KINDS, "stored", "fixed codes"],
)
@pytest.mark.parametrize("write_limit", [100, 2**15, 2**20], ids=["tiny", "default", "huge"])
async def test_what_is_written_now_never_fills_the_buffer(options: dict[str, Any], write_limit: int) -> None:
    size = (write_limit - 64) // 5
    message = (ASTRAL + "\U0001f3fa\U0004d5e6\U00098765") * size
    async with ours(write_limit=write_limit, **options) as one:
        one.fill()
        assert not write_now(one.websocket, message[: size + 1])
        assert write_now(one.websocket, message[:size])
        assert 0 < one.websocket.transport.get_write_buffer_size() <= write_limit and not one.websocket.paused


# Memory.


async def test_a_large_message_is_kept_no_longer_than_it_is_written() -> None:
    message = bytes(KEPT + 1)
    async with ours() as one:
        with prepared(message):
            assert prepared_module._newest[0] is message
            assert write(one.websocket, message)
        assert prepared_module._newest == ("", b"\x81\x00")
        await asyncio.sleep(0)
    small = bytes(KEPT)
    with prepared(small):
        pass
    assert prepared_module._newest[0] is small


async def test_a_large_message_to_one_is_not_kept() -> None:
    message = bytes(KEPT + 1)
    async with ours(write_limit=2**20) as one:
        assert write_now(one.websocket, message)
        assert prepared_module._newest[0] is not message


async def test_text_that_cannot_be_encoded_is_an_error_before_it_is_written_to_anybody() -> None:
    with pytest.raises(UnicodeEncodeError), prepared("\ud800"):
        raise AssertionError("the block must not run")
