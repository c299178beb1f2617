"""Raw TCP endpoints with a tap between them: what test_tap.py and test_faults.py share."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from websockets.asyncio.server import Server
from websockets.protocol import CLIENT, SERVER, Side

from wslab.tap import Tap, tap
from wslab.tape import Tape


def url_of(server: Server | asyncio.Server, scheme: str = "ws", host: str = "127.0.0.1") -> str:
    return f"{scheme}://{host}:{next(iter(server.sockets)).getsockname()[1]}"


@contextlib.asynccontextmanager
async def refusing_port() -> AsyncIterator[int]:
    """Hold a port without listening on it: a free one could be given to the tap itself, or to another test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


async def push_until_stuck(sock: socket.socket) -> int:
    """Send 64 MiB, or until nothing has moved for many rounds of the loop; give the number of bytes."""
    sent = idle_rounds = 0
    while sent < 64 * 2**20 and idle_rounds < 500:
        try:
            sent += sock.send(bytes(2**20))
            idle_rounds = 0
        except BlockingIOError:
            idle_rounds += 1
        await asyncio.sleep(0)
    return sent


@dataclass
class End:
    """One end of a TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.writer.transport)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def write_until_refused(self) -> None:
        for _ in range(100_000):
            await self.write(b"too late")
            await asyncio.sleep(0)

    async def heard(self) -> str:
        """Say what comes next: data, FIN or RST."""
        try:
            return "data" if await self.reader.read(1) else "FIN"
        except ConnectionResetError:
            return "RST"

    async def push_until_stuck(self) -> int:
        """Send beside the transport, which would buffer; give the number of bytes."""
        with self.writer.get_extra_info("socket").dup() as sock:
            return await push_until_stuck(sock)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass
class Line:
    """A raw client and a raw server with a tap between them."""

    tap: Tap
    client: End
    server: End
    ends: dict[Side, End] = field(init=False)

    def __post_init__(self) -> None:
        self.ends = {CLIENT: self.client, SERVER: self.server}

    def between(self, sender: Side) -> tuple[End, End]:
        return self.ends[sender], self.ends[CLIENT if sender is SERVER else SERVER]


@contextlib.asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[asyncio.Server, asyncio.Queue[End]]]:
    accepted: asyncio.Queue[End] = asyncio.Queue()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(End(reader, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context) as listener:
        yield listener, accepted


@contextlib.asynccontextmanager
async def line(tape: Tape | None = None, seed: int | None = None) -> AsyncIterator[Line]:
    async with listening() as (listener, accepted), tap(url_of(listener), tape=tape, seed=seed) as tapped:
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        server = await accepted.get()
        try:
            yield Line(tapped, client, server)
        finally:
            await client.close()
            await server.close()
