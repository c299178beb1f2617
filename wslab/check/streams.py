"""Own what is checked through two streams: a function that is served for it, or whatever listens at a URL."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from ..errors import CheckError
from ..opening import opening_errors
from ..target import HasUrl, websocket_target
from .on_function import check_arguments
from .subject import Subject

__all__ = ["OnStreams", "Streams", "on_streams"]

OPEN_S = 3.0
HEARD_S = 1.0
Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class OnStreams(Subject):
    """A subject that is a function of two streams, or whatever listens at a URL.

    Attributes:
        heard: Set when bytes have come to the function.
        left_open: Whether a call returned and had not closed its connection.
    """

    heard: asyncio.Event = field(default_factory=asyncio.Event)
    left_open: bool = False


@contextlib.asynccontextmanager
async def on_streams(candidate: Streams | HasUrl | str, wanted: str) -> AsyncIterator[OnStreams]:
    """Serve a function, or find the server that is there.

    Args:
        candidate: A coroutine function of a reader and a writer, anything with a url, or a URL.
        wanted: How the function has to look, such as "async def greet(reader, writer)".

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
    """
    if isinstance(candidate, str) or hasattr(candidate, "url"):
        await _knock(candidate)
        yield OnStreams(candidate if isinstance(candidate, str) else candidate.url, False)
        return
    if not inspect.iscoroutinefunction(candidate):
        raise CheckError(candidate, f"{wanted}, a running server, or its ws:// URL")
    check_arguments(candidate, wanted)
    subject = OnStreams("", True)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: _Hearing(candidate, subject), "127.0.0.1", 0) as server:
        subject.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/chat"
        try:
            yield subject
        finally:
            for call in subject.calls:
                call.cancel()


async def _knock(candidate: HasUrl | str) -> None:
    """See whether somebody listens. What it answers is for the cases to judge."""
    target = websocket_target(candidate)
    with opening_errors(target, OPEN_S):
        async with asyncio.timeout(OPEN_S):
            _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()


class _Hearing(asyncio.StreamReaderProtocol):
    """What asyncio.start_server makes for a connection, and it tells when bytes have come."""

    def __init__(self, function: Streams, subject: OnStreams) -> None:
        super().__init__(asyncio.StreamReader(), self._call)
        self._function, self._subject = function, subject
        self._heard = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._heard.set()
        self._subject.heard.set()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None
        self._subject.calls.add(call)
        call.add_done_callback(self._subject.calls.discard)
        try:
            await self._function(reader, writer)
            self._subject.left_open |= not writer.is_closing()
        except Exception as error:
            # Else the frames would keep a coroutine that nobody awaited, and so what Python has to say of it.
            traceback.clear_frames(error.__traceback__)
            self._subject.errors.append(error)
        finally:
            await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close what was left open; not before the request is here, as unread bytes would turn the end into a reset."""
        if not writer.is_closing():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), HEARD_S)
        writer.close()
