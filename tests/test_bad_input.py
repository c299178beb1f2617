"""Bad input gets the same answer in every style, disturbs nobody else, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from leaks import nothing_is_left  # noqa: F401
from styles import BULK, STYLES, Place
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import CLOSE, CONT, PING, TEXT

from wslab.frames import WireFrame
from wslab.raw import RawClient
from wslab.raw_opening import connect_raw

# asyncio.timeout in a fixture would end with the task that sets it up, before the test.
pytestmark = pytest.mark.timeout(30)

KEY = bytes.fromhex("37fa213d")
MESSAGES = 300  # of 64 KiB: far more than kernels and transports take for a client that reads nothing
LIMIT_BYTES = 4 * 2**20

GOOD = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def head(line: str = "GET /chat HTTP/1.1", **replaced: str | None) -> bytes:
    headers = GOOD | {name.replace("_", "-"): value for name, value in replaced.items()}
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


# What comes as an opening handshake, and the status of the answer; None is an end without one.
HANDSHAKES: dict[str, tuple[bytes, int | None]] = {
    "good": (head(), 101),
    "no path that exists": (head("GET /tea HTTP/1.1"), 404),
    "what decides raises": (head("GET /broken HTTP/1.1"), 500),
    "a page from elsewhere": (head(Origin="https://elsewhere.example"), 403),
    "not GET": (head("POST /chat HTTP/1.1"), 405),
    "no Upgrade": (head(Upgrade=None), 426),
    "another Upgrade": (head(Upgrade="h2c"), 426),
    "no Connection": (head(Connection=None), 426),
    "no key": (head(Sec_WebSocket_Key=None), 400),
    "a short key": (head(Sec_WebSocket_Key="c2hvcnQ="), 400),
    "a key that is no Base64": (head(Sec_WebSocket_Key="*" * 24), 400),
    "no version": (head(Sec_WebSocket_Version=None), 400),
    "an old version": (head(Sec_WebSocket_Version="8"), 400),
    "HTTP/1.0": (head("GET /chat HTTP/1.0"), 505),
    "a header that is too long": (head(Cookie="x" * 20_000), 431),
    "a path that is too long": (head(f"GET /{'x' * 20_000} HTTP/1.1"), 414),
    "a header without a colon": (b"GET /chat HTTP/1.1\r\nHost\r\n\r\n", None),
    "no HTTP": (b"Hello, is it me you're looking for?\r\n\r\n", None),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + b"\r\n\r\n", None),
    "half a head": (head()[:40], None),
    "nothing": (b"", None),
}


def masked(opcode: int, payload: bytes = b"", **fields: bool) -> WireFrame:
    return WireFrame(opcode, payload, masking_key=KEY, **fields)  # type: ignore[arg-type]


# What comes from a client in frames, and the status code of the close frame that answers it.
FRAMES: dict[str, tuple[tuple[bytes | WireFrame, ...], int]] = {
    "unmasked": ((WireFrame(TEXT, b"Hello"),), 1002),
    "a reserved bit": ((masked(TEXT, b"Hello", rsv1=True),), 1002),
    "an unknown opcode": ((bytes.fromhex("838037fa213d"),), 1002),
    "a fragmented ping": ((masked(PING, b"Hello", fin=False),), 1002),
    "a ping of 126 bytes": ((bytes.fromhex("89fe007e37fa213d") + bytes(126),), 1002),
    "a continuation of nothing": ((masked(CONT, b"Hello"),), 1002),
    "a message within a message": ((masked(TEXT, b"Hel", fin=False), masked(TEXT, b"lo")), 1002),
    "no UTF-8": ((masked(TEXT, b"\xff"),), 1007),
    "a close frame of one byte": ((masked(CLOSE, b"\x03"),), 1002),
    "a status code that never stands on the wire": ((masked(CLOSE, struct.pack("!H", 1005)),), 1002),
    "a reason that is no UTF-8": ((masked(CLOSE, struct.pack("!H", 1000) + b"\xff"),), 1007),
    "a message that is too big": ((bytes.fromhex("82ff000000000010000137fa213d"),), 1009),
    "what makes the server's own code raise": ((masked(TEXT, b"raise"),), 1011),
}


async def vanish(raw: RawClient) -> None:
    await raw.close(code=None)


async def reset(raw: RawClient) -> None:
    linger = struct.pack("ii", 1, 0)
    raw._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    raw._writer.transport.abort()


# How a client ends: what it writes before, and how it goes.
ENDS: dict[str, tuple[bytes | WireFrame, Callable[[RawClient], Awaitable[None]]]] = {
    "with a closing handshake": (masked(CLOSE, struct.pack("!H", 1000)), vanish),
    "silently": (b"", vanish),
    "with a reset": (b"", reset),
    "in the middle of a frame": (b"\x81\xfe\x01", vanish),
    "in the middle of a message": (masked(TEXT, b"Hel", fin=False), reset),
    "in the middle of what is sent to it": (masked(TEXT, b"pour"), vanish),
    "by a reset in the middle of what is sent to it": (masked(TEXT, b"pour"), reset),
}


@dataclass
class Bystander:
    """A client that was there before, and must not notice."""

    place: Place
    websocket: ClientConnection
    said: int = field(default=0)

    async def says_something_and_hears_it(self, message: bytes = b"") -> None:
        await self.websocket.send(message)
        while await self.websocket.recv() != message:  # what others said comes too
            pass

    async def is_alone(self) -> None:
        # No event tells that a server has noticed an end.
        while self.place.present() != 1 or len(self.place.server.connections) != 1:  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.fixture(params=STYLES)
async def bystander(request: pytest.FixtureRequest) -> AsyncIterator[Bystander]:
    async with (
        STYLES[request.param]() as place,
        connect(f"{place.server.url}chat", proxy=None, compression=None, ping_interval=None) as websocket,
    ):
        here = Bystander(place, websocket)
        await here.says_something_and_hears_it(b"first")
        yield here
        await here.says_something_and_hears_it(b"last")
        await here.is_alone()


@pytest.mark.parametrize("name", HANDSHAKES)
async def test_a_handshake_is_answered(name: str, bystander: Bystander) -> None:
    data, status = HANDSHAKES[name]
    reader, writer = await asyncio.open_connection("127.0.0.1", bystander.place.server.port)
    writer.write(data)
    if data in (b"", head()[:40]):  # the server would wait for the rest
        writer.write_eof()
    answer = await reader.readline()
    writer.transport.abort()
    assert (int(answer.split()[1]) if answer else None) == status


@pytest.mark.parametrize("name", FRAMES)
async def test_frames_are_answered(name: str, bystander: Bystander) -> None:
    frames, code = FRAMES[name]
    async with connect_raw(f"{bystander.place.server.url}chat") as raw:
        await raw.write(*frames)
        close = (await raw.frames_until_close())[-1]
        assert (close.opcode, struct.unpack_from("!H", close.payload)[0]) == (CLOSE, code)


@pytest.mark.parametrize("name", ENDS)
async def test_a_client_ends(name: str, bystander: Bystander) -> None:
    last, go = ENDS[name]
    raw = await connect_raw(f"{bystander.place.server.url}chat")
    await raw.write(last)
    if b"pour" in getattr(last, "payload", b""):
        await raw.frame()  # it has begun
    await go(raw)
    raw._writer.transport.abort()


async def test_a_client_that_reads_nothing_costs_little_and_holds_nobody_up(bystander: Bystander) -> None:
    server = bystander.place.server
    async with connect(f"{server.url}chat", proxy=None, compression=None, max_queue=1, ping_interval=None) as slow:
        while bystander.place.present() != 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        slow.transport.pause_reading()
        for number in range(MESSAGES):
            await bystander.says_something_and_hears_it(number.to_bytes(4) + BULK)
            waiting = [each.transport.get_write_buffer_size() for each in server.connections]
            assert sum(waiting) < LIMIT_BYTES
        assert max(waiting, default=0) > 0 or bystander.place.present() == 1  # it was slow indeed
        slow.transport.abort()


@pytest.mark.parametrize("style", STYLES)
async def test_a_server_closes_while_a_client_takes_nothing(style: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with STYLES[style]() as place:
            url = f"{place.server.url}chat"
            slow = await stack.enter_async_context(connect(url, proxy=None, compression=None, close_timeout=0.1))
            slow.transport.pause_reading()
            await slow.send("pour")
            while not any(each.transport.get_write_buffer_size() for each in place.server.connections):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert place.present() == 0
        slow.transport.abort()


def test_the_table_names_every_kind() -> None:
    assert {status for _, status in HANDSHAKES.values()} >= {400, 403, 404, 405, 426, 500, None}
    assert {code for _, code in FRAMES.values()} == {1002, 1007, 1009, 1011}
