"""Own the link of a resuming client to its feed: connect, ask for what is missing, receive, and judge every loss."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConcurrencyError, ConnectionClosed
from websockets.frames import CloseCode

from .cursor import Cursor
from .errors import FeedError, UnreachableError, WslabError
from .feed_format import Gap, Message, encode_wanted, parse_granted, parse_item
from .opening import describe, opening_errors
from .outages import Outages
from .redaction import visible
from .target import Target

__all__ = ["FeedLink"]


class FeedLink:
    """One connection to a feed at a time. Cancelling any of its methods loses nothing.

    Args:
        url: Where to connect.
        target: The same, for what is shown.
        options: What websockets' `connect` takes, open_timeout and process_exception among it.
        cursor: Where in the stream to go on.
        outages: When to try again, and when to give up.

    Attributes:
        websocket: The connection on which the feed has answered, None without one.
        connections: How often a feed has answered.
        ended: Whether the feed has ended, or the link was closed.
    """

    def __init__(self, url: str, target: Target, options: dict[str, Any], cursor: Cursor, outages: Outages) -> None:
        self.websocket: ClientConnection | None = None
        self.connections = 0
        self.ended = False
        self._url, self._target, self._options = url, target, options
        self._cursor, self._outages = cursor, outages

    async def open(self) -> Gap | None:
        """Make one attempt when it is due; give what the feed cannot bring any more. It may leave no connection.

        Raises:
            UnreachableError: Too many attempts in a row have failed.
            WslabError: The server will not answer otherwise the next time: no WebSocket there, or no feed.
        """
        await asyncio.sleep(self._outages.due_s - _now_s())
        self._outages.attempt()
        websocket = await self._connect()
        return await self._greet(websocket) if websocket else None

    async def receive(self, websocket: ClientConnection) -> Message | Gap | None:
        """Take the next message, or a loss, which leaves no connection; give what of it is new.

        Raises:
            UnreachableError: Too many attempts in a row have failed.
        """
        try:
            message = await websocket.recv()
            while self.ended:  # closing: the close frame stands behind what is still on its way
                message = await websocket.recv()
            item = parse_item(message)
            new = item and self._cursor.advance(item)
        except (ConnectionClosed, FeedError) as error:
            await self._leave(websocket, error)
            return None
        if isinstance(new, Message):
            self._outages.calm()
        return new

    async def close(self) -> None:
        """Close the connection with 1000, for good."""
        self.ended = True
        if self.websocket is not None:
            await _close(self.websocket, CloseCode.NORMAL_CLOSURE)

    async def _connect(self) -> ClientConnection | None:
        try:
            with opening_errors(self._target, self._options["open_timeout"]):
                return await connect(self._url, **self._options)
        except Exception as error:
            cause = error.__cause__ or error if isinstance(error, WslabError) else error
            fatal = self._options["process_exception"](cause)
            if fatal is cause:
                raise
            if fatal is not None:
                raise fatal from error
            self._lose(error)
            return None

    async def _greet(self, websocket: ClientConnection) -> Gap | None:
        """Ask for what comes after the last id, and take the answer."""
        try:
            async with asyncio.timeout(self._options["open_timeout"]):
                await websocket.send(encode_wanted(self._cursor.wanted()))
                answer = await websocket.recv()
            if self.ended:  # closed meanwhile: nobody else knows of this connection
                return None
            gap = self._cursor.start(parse_granted(answer))
            self.websocket = websocket
        except (ConnectionClosed, FeedError, TimeoutError) as error:
            await self._leave(websocket, error)
            return None
        finally:
            if self.websocket is None:
                websocket.transport.abort()
        self.connections += 1
        self._outages.opened(_now_s())
        return gap

    async def _leave(self, websocket: ClientConnection, error: Exception) -> None:
        """Deal with a connection that is lost, has ended, or is of no more use."""
        if self.ended or _is_end(error):
            self.ended, self.websocket = True, None
            return
        try:
            if isinstance(error, FeedError) and not self.connections:
                raise error  # what has never answered as a feed is none
            self._lose(error)
        finally:
            if isinstance(error, FeedError):
                await _close(websocket, CloseCode.GOING_AWAY, f"resuming after {self._cursor.last_id}")

    def _lose(self, error: Exception) -> None:
        self.websocket = None
        reason = _reason(error).removeprefix(f"{self._target.shown} ")
        if failed := self._outages.lost(reason, _now_s()):
            happened = f"{failed} attempts in a row failed, the last one: {reason}"
            raise UnreachableError(self._target.shown, happened) from error


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _is_end(error: Exception) -> bool:
    return isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code == 1000


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionClosed):
        why = visible(str(error))  # the server may have put anything into it
        return f"{why} ({describe(error.__cause__)})" if isinstance(error.__cause__, OSError) else why
    if isinstance(error, UnreachableError):
        return error.reason
    return error.happened if isinstance(error, WslabError) else describe(error)


async def _close(websocket: ClientConnection, code: CloseCode, reason: str = "") -> None:
    """Close a connection, and cut it if that is cancelled or takes too long, as behind a full buffer."""
    reading = asyncio.create_task(_read_on(websocket))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(websocket.close_timeout):
                await websocket.close(code, reason)
    finally:
        websocket.transport.abort()
        await reading


async def _read_on(websocket: ClientConnection) -> None:
    """Read to the end what nobody wants any more: the close frame stands behind it."""
    with suppress(ConnectionClosed, ConcurrencyError):  # whoever else is reading reads on too
        while True:
            await websocket.recv()
