"""Own the two halves of a connection: a sink that only sends, and a stream that only receives."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractContextManager, nullcontext

from websockets.asyncio.connection import Connection
from websockets.frames import CloseCode

from .channel import Receiver
from .prepared import write_now

__all__ = ["Sink", "Stream", "forward", "split"]


class Sink:
    """The half that sends."""

    def __init__(self, websocket: Connection) -> None:
        self._websocket = websocket

    async def send(self, message: str | bytes) -> None:
        """Send a str as text or bytes as binary; wait for room if the other side reads too slowly.

        Raises:
            ConnectionClosed: The connection has ended.
        """
        if not write_now(self._websocket, message):
            await self._websocket.send(message)

    def send_now(self, message: object) -> bool:
        """Send a message if that needs no waiting; give whether it was sent."""
        return write_now(self._websocket, message)

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection; the stream ends with it."""
        await self._websocket.close(code, reason)


class Stream:
    """The half that receives: an async iterator over messages, which ends as `async for` over a connection does."""

    def __init__(self, websocket: Connection) -> None:
        self._websocket = websocket

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self._websocket.__aiter__()


def split(websocket: Connection) -> tuple[Sink, Stream]:
    """Split a connection into two halves, so that one task may send and another receive, and neither does both."""
    return Sink(websocket), Stream(websocket)


async def forward(stream: AsyncIterable[str | bytes], sink: Sink) -> None:
    """Send all that comes from a stream, such as the other half or the receiver of a `Channel`, until it ends.

    Raises:
        ConnectionClosed: The connection behind the sink has ended, or that of the stream with another code than 1000
            or 1001.
        Lagged: The stream is the receiver of a channel that has fallen behind; called again, this goes on from there.
    """
    with _offer(stream, sink):
        async for message in stream:
            await sink.send(message)


def _offer(stream: AsyncIterable[str | bytes], sink: Sink) -> AbstractContextManager[None]:
    # A class of somebody's own may have a recv or a send of its own.
    if isinstance(stream, Receiver) and (type(stream), type(sink)) == (Receiver, Sink):
        return stream.offered_to(sink.send_now)
    return nullcontext()
