"""Own the clients of a measurement: sockets in a process of their own that shake hands, say one thing, and read."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator

from websockets.frames import TEXT

from wslab.file_limit import make_room
from wslab.frames import WireFrame, encode

BUFFER_BYTES = 256 * 2**10
HELLO = b"Hello, this is one of very many clients." * 25
REQUEST = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@contextlib.asynccontextmanager
async def readers(port: int, count: int, *, deflate: bool = False) -> AsyncIterator[None]:
    """Let clients in another process connect, one after the other; on leaving, end them all at once."""
    make_room(count)
    arguments = [str(port), str(count), "deflate" if deflate else "plain"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.readers", *arguments, stdin=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def hello(deflate: bool) -> bytes:
    """Make the frame with which each client begins, compressed with the smallest window if at all (RFC 7692)."""
    key = bytes.fromhex("37fa213d")
    if not deflate:
        return encode(WireFrame(TEXT, HELLO, masking_key=key))
    squeeze = zlib.compressobj(wbits=-9)
    data = squeeze.compress(HELLO) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return encode(WireFrame(TEXT, data[:-4], rsv1=True, masking_key=key))


def opened(port: int, request: bytes) -> socket.socket:
    """Connect, and read the server's head."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(request)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return connection


def read_all(port: int, count: int, deflate: bool) -> None:
    """Connect the clients, then read whatever comes to any of them, until this process is ended."""
    make_room(count)
    request = f"{REQUEST}{OFFER if deflate else ''}\r\n".encode()
    selector, buffer = selectors.DefaultSelector(), bytearray(BUFFER_BYTES)
    for _ in range(count):
        connection = opened(port, request)
        connection.sendall(hello(deflate))
        selector.register(connection, selectors.EVENT_READ, connection)
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.recv_into(buffer):
                selector.unregister(key.data)


if __name__ == "__main__":
    read_all(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "deflate")
