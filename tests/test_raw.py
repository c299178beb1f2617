from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT
from websockets.protocol import CLIENT

from wslab.errors import AnswerTimeoutError, DecodeError, HandshakeError, NotWebSocketError, WslabError
from wslab.frames import Decoder, WireFrame, encode
from wslab.handshake import accept_key, parse_request
from wslab.raw import READ_BYTES, RawClient
from wslab.raw_opening import connect_raw
from wslab.servers import Server, serve

PEM = Path(__file__).parent / "test_only_localhost.pem"
KEY = bytes.fromhex("37fa213d")  # of RFC 6455, 5.7
HELLO = WireFrame(TEXT, b"Hello")
BYE = WireFrame(CLOSE, b"\x03\xe8")
SOON_S = 0.05  # for what never comes; never for what has to come
RECORDED: list[bytes] = []


async def echo(websocket: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in websocket:
            await websocket.send(message)


@contextlib.asynccontextmanager
async def script(*pieces: bytes | WireFrame | str) -> AsyncIterator[str]:
    """Open as a server does, write the pieces and do as the words among them say, then end the stream."""
    released = asyncio.Event()
    RECORDED.clear()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = parse_request(await reader.readuntil(b"\r\n\r\n"))
        assert request is not None
        accept = accept_key(request.headers["Sec-WebSocket-Key"])
        head = f"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        frames = [encode(piece) if isinstance(piece, WireFrame) else piece for piece in pieces]
        writer.write(b"".join([head, *(frame for frame in frames if isinstance(frame, bytes))]))
        if "open" in pieces:
            await released.wait()
        if "end first" in pieces:
            writer.write_eof()
        if "record" in pieces:
            RECORDED.append(await reader.read())
        if "reset" in pieces:
            await reader.read(1)
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    released.set()
    server.close()
    await server.wait_closed()
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)


async def test_a_masked_frame_is_echoed() -> None:
    async with serve(echo) as server, connect_raw(server) as raw:
        await raw.write(WireFrame(TEXT, b"Hello", masking_key=KEY))
        assert await raw.frame() == HELLO
        assert raw.received == bytes.fromhex("810548656c6c6f")


async def test_the_example_of_the_rfc_is_written_byte_by_byte() -> None:
    async with serve(echo) as server, connect_raw(server) as raw:
        for byte in bytes.fromhex("818537fa213d7f9f4d5158"):
            await raw.write(bytes([byte]))
        assert await raw.frame() == HELLO


async def test_several_pieces_go_out_together() -> None:
    fragments = (
        WireFrame(TEXT, b"Hel", fin=False, masking_key=KEY),
        WireFrame(PING, b"between", masking_key=KEY),
        encode(WireFrame(CONT, b"lo", masking_key=KEY)),
    )
    async with serve(echo) as server, connect_raw(server) as raw:
        await raw.write(*fragments)
        assert [await raw.frame(), await raw.frame()] == [WireFrame(PONG, b"between"), HELLO]
        await raw.write(bytearray(encode(WireFrame(CLOSE, BYE.payload, masking_key=KEY))))
        assert await raw.frames_until_close() == [BYE]


@pytest.mark.parametrize(
    ("illegal", "code"),
    [
        (WireFrame(TEXT, b"Hello"), 1002),
        (WireFrame(3, masking_key=KEY), 1002),
        (WireFrame(PING, bytes(126), masking_key=KEY), 1002),
        (WireFrame(TEXT, b"\xff", masking_key=KEY), 1007),
        (WireFrame(BINARY, bytes(2**20 + 1), masking_key=KEY), 1009),
    ],
    ids=["not masked", "reserved opcode", "long ping", "not UTF-8", "too big"],
)
async def test_what_a_real_server_answers_to_illegal_frames(illegal: WireFrame, code: int) -> None:
    async with serve(echo) as server, connect_raw(server) as raw:
        await raw.write(illegal)
        *_, last = await raw.frames_until_close()
        assert last.close is not None and last.close.code == code


async def test_it_keeps_the_heads() -> None:
    async with serve(echo) as server, connect_raw(server.url + "chat?room=1") as raw:
        assert raw.request.target == "/chat?room=1"
        assert raw.response.headers["Sec-WebSocket-Accept"] == accept_key(raw.request.headers["Sec-WebSocket-Key"])
        assert [name for name, _ in raw.request.headers.raw_items()] == [
            "Host",
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version",
        ]
        assert raw.request.headers["Host"] == f"127.0.0.1:{server.port}"


async def test_headers_are_added_replaced_and_left_out() -> None:
    changed = {
        "Origin": "http://localhost",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "chat",
        "Host": None,
    }
    async with serve(echo, subprotocols=["chat"]) as server, connect_raw(server, headers=changed) as raw:
        assert raw.response.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert raw.response.headers["Sec-WebSocket-Protocol"] == "chat"
        assert "Host" not in raw.request.headers and raw.request.headers["Origin"] == "http://localhost"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": None}, 426),
        ({"Sec-WebSocket-Version": "12"}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Origin": "https://example.org"}, 403),
    ],
    ids=["no Upgrade", "old version", "bad key", "no key", "foreign Origin"],
)
async def test_a_refusal_tells_its_status(headers: dict[str, str | None], status: int) -> None:
    async with serve(echo) as server:
        with pytest.raises(NotWebSocketError) as caught:
            await connect_raw(server, headers=headers)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "headers", [{"X": "s3cret\r\n"}, {"X": "s3cret\u20ac"}, {"s3cret X": "1"}, {"X\u20ac": "1"}], ids=repr
)
async def test_a_request_that_cannot_be_written_is_no_fault_of_the_server(headers: dict[str, str | None]) -> None:
    async with serve(echo) as server:
        with pytest.raises(HandshakeError):
            await connect_raw(server, headers=headers)
        with pytest.raises(HandshakeError, match="the URL or a header"):
            await connect_raw(server.url + "caf\u00e9\u20ac")
        assert not server.connections


async def test_a_user_in_the_url_is_authorized_as_websockets_does_it() -> None:
    async def tell(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        await websocket.send(websocket.request.headers["Authorization"])

    async with serve(tell) as server, connect_raw(server.url.replace("127", "Aladdin:open%20sesame@127", 1)) as raw:
        assert await raw.frame() == WireFrame(TEXT, b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")


async def test_it_speaks_tls() -> None:
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(PEM)
    async with serve(echo, ssl=certified) as server:
        async with connect_raw(server, ssl=ssl.create_default_context(cafile=PEM)) as raw:
            await raw.write(WireFrame(TEXT, b"Hello", masking_key=KEY))
            assert await raw.frame() == HELLO
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect_raw(server)


async def test_awaited_it_stays_open_until_it_is_closed() -> None:
    async with serve(echo) as server:
        raw = await connect_raw(server)
        assert isinstance(raw, RawClient) and repr(raw) == "<raw client, open>"
        await raw.close()
        await raw.close()
        assert repr(raw) == "<raw client, closed>"


@pytest.fixture
async def noted() -> AsyncIterator[tuple[Server, list[int | None]]]:
    """A server, and the status codes with which its connections ended."""
    codes: list[int | None] = []

    async def note(websocket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in websocket:
                await websocket.send(message)
        codes.append(websocket.close_code)

    async with serve(note) as server:
        yield server, codes


@pytest.mark.parametrize(("code", "expected"), [(1000, 1000), (4001, 4001), (None, 1006)])
async def test_closing_is_a_closing_handshake_unless_the_client_is_to_vanish(
    noted: tuple[Server, list[int | None]], code: int | None, expected: int
) -> None:
    server, codes = noted
    raw = await connect_raw(server)
    await raw.close(code)
    server.close()
    await server.wait_closed()
    assert codes == [expected]


@pytest.mark.parametrize(
    ("pieces", "adds_close"),
    [
        ([], True),
        ([HELLO], True),
        ([encode(HELLO)], True),
        ([encode(HELLO)[:3], encode(HELLO)[3:]], True),
        ([WireFrame(BINARY, bytes(100_000))], True),
        ([WireFrame(CLOSE)], False),
        ([encode(WireFrame(CLOSE))], False),
        ([encode(HELLO)[:3]], False),
        ([encode(HELLO)[:3], HELLO], False),
        ([b"\x81\xff" + b"\xff" * 8], False),
        ([bytes(2**16 + 2)], False),
    ],
    ids=[
        "nothing",
        "a frame",
        "bytes of a frame",
        "two halves of a frame",
        "a large frame",
        "a close frame",
        "bytes of a close frame",
        "half a frame",
        "a frame inside a frame",
        "an endless frame",
        "many bytes",
    ],
)
async def test_a_close_frame_is_written_where_one_can_stand(pieces: list[bytes | WireFrame], adds_close: bool) -> None:
    data = b"".join(encode(piece) if isinstance(piece, WireFrame) else piece for piece in pieces)
    async with script("record") as url:
        raw = await connect_raw(url)
        await raw.write(*pieces)
        raw.timeout_s = SOON_S
        await raw.close()
        await raw.close()
    (recorded,) = RECORDED
    assert recorded.startswith(data)
    last = [frame.close and frame.close.code for frame in Decoder(CLIENT).feed(recorded[len(data) :])]
    assert last == ([1000] if adds_close else [])


async def test_a_closing_handshake_that_is_interrupted_still_closes() -> None:
    async with script("open") as url:
        raw = await connect_raw(url)
        closing = asyncio.create_task(raw.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert repr(raw) == "<raw client, closed>"


async def test_nothing_is_written_to_a_server_that_has_ended() -> None:
    async with script("record", "end first") as url, connect_raw(url) as raw:
        assert await raw.frame() is None
    assert RECORDED == [b""]


async def test_a_body_that_ends_well_ends_with_1000_and_one_that_fails_just_ends(
    noted: tuple[Server, list[int | None]],
) -> None:
    server, codes = noted
    async with connect_raw(server), await connect_raw(server):
        pass
    with pytest.raises(ZeroDivisionError):
        async with connect_raw(server):
            raise ZeroDivisionError
    server.close()
    await server.wait_closed()
    assert codes == [1000, 1000, 1006]


async def test_unread_frames_do_not_turn_the_closing_handshake_into_a_reset(
    noted: tuple[Server, list[int | None]],
) -> None:
    server, codes = noted
    async with connect_raw(server) as raw:
        for _ in range(8):
            await raw.write(WireFrame(BINARY, bytes(100_000), masking_key=KEY))
    server.close()
    await server.wait_closed()
    assert codes == [1000]


async def test_a_server_that_never_closes_holds_the_client_up_for_one_timeout_only() -> None:
    async with script("open") as url:
        async with connect_raw(url) as raw:
            raw.timeout_s = SOON_S
        assert repr(raw) == "<raw client, closed>" and raw.ended is None


async def test_frames_that_come_with_the_head_are_not_lost() -> None:
    async with script(HELLO, b"\x81\x05Hel", b"lo", BYE) as url, connect_raw(url) as raw:
        assert await raw.frames_until_close() == [HELLO, HELLO, BYE]
        assert raw.received == encode(HELLO) * 2 + encode(BYE)


async def test_the_end_of_the_stream_is_none_and_stays_none() -> None:
    async with script(HELLO, b"\x81\x7e") as url, connect_raw(url) as raw:
        assert await raw.frame() == HELLO
        assert await raw.frame() is None and await raw.frame() is None
        assert raw.ended == "eof" and repr(raw) == "<raw client, the server has ended: eof>"
        assert raw.received == encode(HELLO) + b"\x81\x7e"


async def test_a_reset_is_told_from_an_end() -> None:
    async with script(HELLO, "reset") as url, connect_raw(url) as raw:
        assert await raw.frame() == HELLO
        await raw.write(b"\x00")
        assert await raw.frames_until_close() == []
        assert raw.ended == "reset"


async def test_frames_until_close_ends_with_the_stream() -> None:
    async with script(HELLO, HELLO) as url, connect_raw(url) as raw:
        assert await raw.frames_until_close() == [HELLO, HELLO]


async def test_what_follows_the_close_frame_is_still_there() -> None:
    async with script(BYE, HELLO) as url, connect_raw(url) as raw:
        assert await raw.frames_until_close() == [BYE]
        assert await raw.frame() == HELLO


async def test_frames_that_no_server_may_send_are_read_as_they_are() -> None:
    odd = WireFrame(0xB, b"odd", fin=False, rsv3=True, masking_key=KEY, length_bits=64)
    async with script(odd) as url, connect_raw(url) as raw:
        assert await raw.frame() == odd


async def test_a_length_that_nothing_has_is_an_error_after_the_frames_before_it() -> None:
    async with script(HELLO, b"\x81\x7f" + b"\xff" * 8, "open") as url, connect_raw(url) as raw:
        with pytest.raises(DecodeError):
            await raw.frames_until_close()
        assert await raw.frame() == HELLO
        for _ in range(2):
            with pytest.raises(DecodeError, match=r"the frame at byte 7"):
                await raw.frame()
        raw.timeout_s = SOON_S


async def test_a_server_that_sends_nothing_times_out_and_nothing_is_lost() -> None:
    async with script(HELLO, "open") as url, connect_raw(url) as raw:
        raw.timeout_s = SOON_S
        with pytest.raises(AnswerTimeoutError, match=r"no close frame within 0\.05 s"):
            await raw.frames_until_close()
        assert await raw.frame() == HELLO
        with pytest.raises(AnswerTimeoutError, match=r"no frame within 0\.05 s"):
            await raw.frame()


async def test_a_server_that_does_not_read_cannot_hold_a_write_for_ever() -> None:
    async with script("open") as url, connect_raw(url) as raw:
        raw.timeout_s = SOON_S
        with pytest.raises(AnswerTimeoutError, match="no room for what was written"):
            await raw.write(bytes(2**24))


@pytest.mark.parametrize("piece", ["Hello", None, 5], ids=repr)
async def test_only_bytes_and_frames_can_be_written(piece: Any) -> None:
    async with serve(echo) as server, connect_raw(server) as raw:
        with pytest.raises(WslabError, match=f"a {type(piece).__name__} cannot be written"):
            await raw.write(HELLO, piece)


async def test_what_a_raw_client_keeps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.raw.MAX_RECEIVED_BYTES", 100_000)

    async def flood(websocket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await websocket.send(bytes(50_000))

    async with serve(flood) as server, connect_raw(server) as raw:
        with pytest.raises(WslabError, match="more than the 100000 bytes"):
            await raw.frames_until_close()
        assert len(raw.received) < 100_000 + READ_BYTES
