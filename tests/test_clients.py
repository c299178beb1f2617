from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.http11 import Request, Response

from wslab import connect_raw, exchange
from wslab.errors import AnswerTimeoutError, NotWebSocketError, UnreachableError, UrlError, WslabError
from wslab.servers import serve

PEM = Path(__file__).parent / "test_only_localhost.pem"
Open = Callable[..., Awaitable[object]]


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(message)


async def open_raw(url: Any, **options: Any) -> None:
    async with connect_raw(url, **options):
        pass


# Both clients fail in the same words, whichever of them the reader holds.
both = pytest.mark.parametrize("client", [exchange, open_raw], ids=["exchange", "connect_raw"])


@contextlib.asynccontextmanager
async def tcp_server(answer: bytes | None, *, reset: bool = False) -> AsyncIterator[str]:
    """Answer the opening handshake with bytes, then end the connection; None is silence."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        writer.write(answer or b"")
        if reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()
    await server.wait_closed()
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        yield bound_but_not_listening.getsockname()[1]


async def test_exchange_gives_one_reply_a_message_in_order() -> None:
    async with serve(echo) as server:
        assert await exchange(server.url, "Hello", b"\x00\xff", "") == ["Hello", b"\x00\xff", ""]


async def test_exchange_takes_a_running_server() -> None:
    async with serve(echo) as server:
        assert await exchange(server, "Hello") == ["Hello"]


async def test_exchange_of_nothing_opens_and_closes() -> None:
    closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def note(websocket: ServerConnection) -> None:
        await websocket.wait_closed()
        closed.set_result(websocket.close_code)

    async with serve(note) as server:
        assert await exchange(server) == []
        assert await closed == 1000


async def test_exchange_passes_keywords_on_to_connect() -> None:
    async def tell(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.send(websocket.subprotocol or "none")

    async with serve(tell, subprotocols=["chat"]) as server:
        assert await exchange(server, "which?", subprotocols=["chat"]) == ["chat"]


async def test_exchange_speaks_tls() -> None:
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(PEM)
    async with serve(echo, ssl=certified) as server:
        assert await exchange(server, "Hello", ssl=ssl.create_default_context(cafile=PEM)) == ["Hello"]
        with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
            await exchange(server, "Hello")


async def test_no_proxy_comes_between_on_this_machine(monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serve(echo) as server:
        assert await exchange(server, "Hello") == ["Hello"]
        with pytest.raises(UnreachableError):
            await exchange(server, "Hello", proxy=True)


async def test_exchange_says_which_message_got_no_reply() -> None:
    async def once(websocket: ServerConnection) -> None:
        await websocket.send(await websocket.recv())
        await websocket.wait_closed()

    async with serve(once) as server:
        with pytest.raises(AnswerTimeoutError, match=r"no reply to message 2 within 2 s"):
            await exchange(server, "one", "two", timeout_s=2)  # the first one has to come in that time


async def test_a_close_instead_of_a_reply_is_websockets_own_error() -> None:
    async def leave(websocket: ServerConnection) -> None:
        await websocket.close(4000, "enough")

    async with serve(leave) as server:
        with pytest.raises(ConnectionClosed) as caught:
            await exchange(server, "Hello")
    assert isinstance(caught.value, ConnectionClosedError) and caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4000


@both
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "has no scheme"),
        ("127.0.0.1:8765", "scheme"),
        ("http://127.0.0.1:8765/", "has the scheme 'http'"),
        ("ws://", "names no host"),
        ("ws://127.0.0.1:99999/", "cannot be read: the port is not a number"),
        ("ws://127.0.0.1:0/", "names port 0"),
        ("ws://127.0.0.1:port/", "cannot be read"),
        ("ws://[::1/", "cannot be read"),
        ("ws://127.0.0.1/#chat", "has a fragment"),
        (None, "is neither a URL nor a server"),
        (b"ws://127.0.0.1/", "is neither a URL nor a server"),
        (SimpleNamespace(url="http://127.0.0.1/"), "has the scheme 'http'"),
    ],
    ids=repr,
)
async def test_a_url_that_cannot_be_used(client: Open, url: Any, problem: str) -> None:
    with pytest.raises(UrlError, match=problem) as caught:
        await client(url)
    assert isinstance(caught.value, ValueError)


@both
async def test_a_server_that_was_not_started_says_so(client: Open) -> None:
    with pytest.raises(WslabError, match="has not been started"):
        await client(serve(echo))


@both
async def test_nobody_there(client: Open, unused_port: int) -> None:
    with pytest.raises(UnreachableError, match=r"^no connection to ws://127\.0\.0\.1:…/chat: connection refused"):
        await client(f"ws://127.0.0.1:{unused_port}/chat")


@both
async def test_a_host_that_does_not_exist(client: Open) -> None:
    with pytest.raises(UnreachableError, match=r"no connection to ws://nobody\.invalid/: no host has this name"):
        await client("ws://nobody.invalid/")


@both
async def test_a_server_that_speaks_http_only(client: Open) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    async with tcp_server(page) as url:
        with pytest.raises(NotWebSocketError, match=r"answered the opening handshake with HTTP 200 OK") as caught:
            await client(url)
    assert caught.value.status == 200


@both
async def test_a_path_that_the_server_does_not_know(client: Open) -> None:
    def route(connection: ServerConnection, request: Request) -> Response | None:
        return None if request.path == "/chat" else connection.respond(HTTPStatus.NOT_FOUND, "no such room")

    async with serve(echo, process_request=route) as server:
        with pytest.raises(NotWebSocketError, match="HTTP 404 Not Found") as caught:
            await client(server.url + "elsewhere")
        await client(server.url + "chat")
    assert caught.value.status == 404


@both
@pytest.mark.parametrize(
    ("answer", "reset", "words"),
    [
        (b"", False, "the end of the connection"),
        (b"HTTP/1.1 101 Switch", False, "the end of the connection"),
        (b"", True, "the end of the connection|a reset of the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", False, "bytes that are not HTTP"),
    ],
    ids=["end", "end in the head", "reset", "another protocol"],
)
async def test_a_server_that_speaks_no_http(client: Open, answer: bytes, reset: bool, words: str) -> None:
    async with tcp_server(answer, reset=reset) as url:
        with pytest.raises(NotWebSocketError, match=words) as caught:
            await client(url)
    assert caught.value.status is None


@both
async def test_a_server_that_grants_without_having_read_the_key(client: Open) -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    async with tcp_server(head + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") as url:
        with pytest.raises(NotWebSocketError, match=r"HTTP 101 but .*Sec-WebSocket-Accept") as caught:
            await client(url)
    assert caught.value.status == 101


@both
async def test_a_silent_server(client: Open) -> None:
    async with tcp_server(None) as url:
        with pytest.raises(AnswerTimeoutError, match=r"opening handshake within 0\.05 s") as caught:
            await client(url, timeout_s=0.05)
    assert isinstance(caught.value, TimeoutError) and caught.value.timeout_s == 0.05


@both
async def test_cancelled_while_it_opens_a_client_leaves_nothing(client: Open) -> None:
    async with tcp_server(None) as url:
        opening = asyncio.ensure_future(client(url))
        for _ in range(5):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
