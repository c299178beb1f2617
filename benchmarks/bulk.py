"""Measure bulk: bytes that one socket sends to another through a relay, all ends in one process and one loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import cast

from wslab.tap import tap
from wslab.tape import Tape

from .rounds import Comparison, clock_s, compare

MEBIBYTE = 2**20
BULK_BYTES = 32 * MEBIBYTE
PIECE_BYTES = 64 * 2**10
ROUNDS = 9

Address = tuple[str, int]
RelayTo = Callable[[Address], AbstractAsyncContextManager[Address]]


class Half(asyncio.Protocol):
    """One half of the barest relay: what comes in here goes out on the other half, with backpressure."""

    transport: asyncio.Transport
    other: Half

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other half."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        """Stop reading on the other half."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again on the other half."""
        self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Close the other half too."""
        self.other.transport.close()


class Accepted(Half):
    """The half that a client meets: it reads once the server is connected."""

    def __init__(self, target: Address) -> None:
        self.target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the server."""
        super().connection_made(transport)
        self.transport.pause_reading()
        self.other = Half()
        self.other.other = self
        self.connecting = asyncio.create_task(self.connect())

    async def connect(self) -> None:
        """Read once there is somewhere to write."""
        await asyncio.get_running_loop().create_connection(lambda: self.other, *self.target)
        self.transport.resume_reading()


@asynccontextmanager
async def protocol_relay(target: Address) -> AsyncIterator[Address]:
    """Relay with bare asyncio Protocols, as the tap does, but record nothing."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Accepted(target), "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end."""
    while data := await reader.read(PIECE_BYTES):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


@asynccontextmanager
async def stream_relay(target: Address) -> AsyncIterator[Address]:
    """Relay with StreamReader and StreamWriter, as most relays in Python are written; record nothing."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*target)
        with contextlib.closing(writer), contextlib.closing(server_writer):
            await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.append(asyncio.create_task(relay(reader, writer)))

    relays: list[asyncio.Task[None]] = []
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()
        await asyncio.gather(*relays)


@asynccontextmanager
async def tap_relay(target: Address, max_bytes: int) -> AsyncIterator[Address]:
    """Relay with the tap."""
    async with tap("ws://{}:{}".format(*target), tape=Tape(max_bytes)) as tapped:
        yield tapped.host, tapped.port


async def megabytes_per_second(relay_to: RelayTo) -> float:
    """Send bulk through a relay to a socket that reads it; the relay is set up and torn down off the clock."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        async with relay_to(listener.getsockname()) as address:
            with socket.create_connection(address) as source:
                source.setblocking(False)
                destination, _ = await loop.sock_accept(listener)
                with destination:
                    seconds = await carry(source, destination)
    return BULK_BYTES / 1e6 / seconds


async def carry(source: socket.socket, destination: socket.socket) -> float:
    """Send, and read until all has come; give the seconds that took."""
    loop = asyncio.get_running_loop()
    start_s = clock_s()
    sending: Awaitable[None] = asyncio.ensure_future(loop.sock_sendall(source, bytes(BULK_BYTES)))
    buffer, missing_bytes = bytearray(256 * 2**10), BULK_BYTES
    while missing_bytes:
        missing_bytes -= await loop.sock_recv_into(destination, buffer)
    await sending
    return clock_s() - start_s


async def measure() -> AsyncIterator[Comparison]:
    """Compare the tap, recording everything and with a full tape, with two bare relays."""
    bulk = partial(compare, unit="MB/s", rounds=ROUNDS, target=0.5)
    recording = partial(megabytes_per_second, partial(tap_relay, max_bytes=2**30))
    full = partial(megabytes_per_second, partial(tap_relay, max_bytes=0))
    protocols = partial(megabytes_per_second, protocol_relay)
    streams = partial(megabytes_per_second, stream_relay)
    yield await bulk("bulk: tap / bare Protocol relay", recording, protocols)
    yield await bulk("bulk: tap, tape full / bare Protocol relay", full, protocols)
    yield await bulk("bulk: tap / StreamReader relay", recording, streams)
