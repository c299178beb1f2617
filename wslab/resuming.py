"""Own the resuming client: it reads a feed, connects again whenever it is cut off, and asks for what it missed.

websockets can connect again by itself: `async for websocket in connect(url)`. A feed needs more than that gives:

- After a connection that was established and then lost it connects again at once; backoff starts only where connecting
  itself fails. A server that accepts and dies, or that throws out all its clients together, would be hammered.
- Only the first of its delays is random.
- It tries for ever, and a cancelled wait ends the iterator.

What it does well is used from there: `connect`, and `process_exception`, which tells errors that may pass from others.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed

from .backoff import Backoff
from .cursor import Cursor
from .errors import NotConnectedError, WslabError
from .feed_format import Gap, Message
from .feed_link import FeedLink
from .loopback import is_loopback
from .outages import Outage, Outages
from .target import HasUrl, Target, websocket_target

__all__ = ["Gap", "Message", "Outage", "ResumingClient", "resume"]

OPEN_TIMEOUT_S = 10
_BACKOFF = Backoff()


def resume(
    url: str | HasUrl,
    *,
    after: int | None = None,
    stream: str | None = None,
    backoff: Backoff = _BACKOFF,
    max_attempts: int | None = 10,
    **connect_kwargs: Any,
) -> ResumingClient:
    """Read a feed through whatever happens to the connection: each message once, in order, and each gap named.

    How soon a silent loss is noticed is a matter of websockets' keepalive: pass ping_interval, ping_timeout and
    close_timeout, which add up to 50 s by default.

    Args:
        url: A ws:// or wss:// URL, or a running server or tap.
        after: The id after which to begin: 0 for all that the feed keeps, None for what comes from now on.
        stream: The stream to which that id belongs, if it comes from an earlier client's `stream`.
        backoff: How long to wait before each attempt to connect.
        max_attempts: How many attempts in a row may fail, or bring no message; None for any number.
        **connect_kwargs: What else websockets' `connect` takes. open_timeout also bounds the feed's answer.

    Returns:
        The client, to be entered with `async with`, which connects, and iterated with `async for`.

    Raises:
        UrlError: The URL cannot be used.
        WslabError: An argument makes no sense.

    Example:
        async with wslab.resume(server, after=0) as client:
            async for item in client:
                match item:
                    case wslab.Message(id, data): ...
                    case wslab.Gap(first, last): ...
    """
    target = websocket_target(url)
    for name, number, least in (("after", after, 0), ("max_attempts", max_attempts, 1)):
        if number is not None and (not isinstance(number, int) or number < least):
            raise WslabError(f"{name} is {number!r}", f"None, or a whole number, {least} or more")
    if "reconnect_delays" in connect_kwargs:
        raise WslabError("reconnect_delays is given", "backoff=", "pass backoff=Backoff(...) instead")
    options = {"open_timeout": OPEN_TIMEOUT_S, "process_exception": process_exception} | connect_kwargs
    if is_loopback(target.host):
        options.setdefault("proxy", None)  # the environment's proxy may not know that this machine needs none
    cursor, outages = Cursor(stream, after), Outages(backoff, max_attempts)
    link = FeedLink(url if isinstance(url, str) else url.url, target, options, cursor, outages)
    return ResumingClient(target, link, cursor, outages)


class ResumingClient:
    """A client that reads a feed, made by `resume`. An iteration that was cancelled or left can be taken up again.

    It connects when it is entered, and when an item is taken while there is no connection. The iteration ends when the
    server closes with 1000 or the client is closed; any other loss is an outage.
    """

    def __init__(self, target: Target, link: FeedLink, cursor: Cursor, outages: Outages) -> None:
        self._target, self._link, self._cursor, self._outages = target, link, cursor, outages
        self._first: Gap | None = None
        self._opening: asyncio.Timeout | None = None
        self._taking = False

    @property
    def last_id(self) -> int | None:
        """The id of the last message or gap; before the first of them the id after which to begin, if that is known."""
        return self._cursor.last_id

    @property
    def stream(self) -> str | None:
        """The name of the feed's stream, for `resume(..., stream=)`; None if no feed has answered yet."""
        return self._cursor.stream

    @property
    def connections(self) -> int:
        """How often a feed has answered."""
        return self._link.connections

    @property
    def delays_s(self) -> tuple[float, ...]:
        """How long each wait before an attempt was to be, in seconds, the newest 1000."""
        return tuple(self._outages.delays_s)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """The outages that are over: why, and how many seconds; the newest 1000."""
        return tuple(self._outages.past)

    async def send(self, message: str | bytes) -> None:
        """Send a message to the server. Nothing tells whether it arrived, and it is not sent again.

        Raises:
            NotConnectedError: There is no connection at the moment.
        """
        if self._link.websocket is None:
            raise NotConnectedError(self._target.shown)
        try:
            await self._link.websocket.send(message)
        except ConnectionClosed as closed:
            raise NotConnectedError(self._target.shown) from closed

    async def close(self) -> None:
        """Close the connection with 1000; a task that takes items comes to their end."""
        await self._link.close()
        if self._opening is not None and not self._opening.expired():
            self._opening.reschedule(0)

    async def __aenter__(self) -> Self:
        while self._link.websocket is None and not self._link.ended:
            self._first = await self._link.open()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message | Gap:
        if self._taking:
            raise WslabError("two tasks take items from one client at the same time", "one `async for` for a client")
        self._taking = True
        try:
            return await self._next()
        finally:
            self._taking = False

    def __repr__(self) -> str:
        state = "ended" if self._link.ended else "connected" if self._link.websocket else "not connected"
        return f"<wslab resuming client of {self._target.shown}, last id {self.last_id}, {state}>"

    async def _next(self) -> Message | Gap:
        if (first := self._first) is not None:
            self._first = None
            return first
        while not self._link.ended:
            if item := await self._step():
                return item
        raise StopAsyncIteration

    async def _step(self) -> Message | Gap | None:
        """Receive, or connect, and give what that brings."""
        if self._link.websocket is not None:
            return await self._link.receive(self._link.websocket)
        try:
            async with asyncio.timeout(None) as self._opening:  # close() sets its end
                return await self._link.open()
        except TimeoutError:
            if not self._link.ended:
                raise
            return None
        finally:
            self._opening = None
