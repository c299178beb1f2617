"""Own the feed: numbered messages over a hub, with a bounded history from which a client resumes.

What server and clients say to each other stands as a table in `wslab.feed_format`; a client in any language can take
part. The one in Python is `wslab.resume`.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode

from .errors import AnswerTimeoutError, FeedError, WslabError
from .feed_format import Gap, Granted, Wanted, encode_data, encode_gap, encode_granted, encode_message, parse_wanted
from .hub import Hub, Member
from .own_loop import check_loop
from .slow import close_slow

__all__ = ["Feed"]

BURST_MESSAGES = 64
"""How many kept messages are sent between two turns of the loop: with one, a publisher that never waits would always
be one message ahead of a client that catches up."""

_REASON = 'expected {"stream": null, "after": null} or {"stream": "…", "after": 17} first'


class Feed:
    """Numbered messages to every member of a hub; who comes back gets what it has missed.

    The history is bounded by a number of messages. What is older is reported to who asks for it, as a gap.

    Attributes:
        hub: Who is there, and what happens to slow readers. One that it disconnects, or lets lag, has missed something,
            sees that in the ids, connects again and resumes.
        stream: The name of the stream; a new one for each feed, so that a client can tell that a server was restarted.
        newest_id: The id of the message that was published last, 0 before the first.

    Args:
        hub: A hub; left out, the feed makes one that disconnects slow readers.
        history: How many messages are kept.
        timeout_s: How long a client may take for its first message, in seconds.
        patience_s: How long a client that catches up may leave no room for its next message, in seconds. The keepalive
            of websockets does not notice that: its pings wait behind the same full buffer.

    Raises:
        WslabError: An argument makes no sense.

    Example:
        feed = Feed()

        async def handler(websocket):
            async with feed.joined(websocket):
                async for message in websocket:
                    await feed.publish(message)
    """

    def __init__(
        self, hub: Hub | None = None, *, history: int = 1000, timeout_s: float = 5.0, patience_s: float = 40.0
    ) -> None:
        if not isinstance(history, int) or history < 0:
            raise WslabError(f"history is {history!r}", "how many messages to keep: a whole number, 0 or more")
        if not all(isinstance(each_s, int | float) and each_s > 0 for each_s in (timeout_s, patience_s)):  # nor NaN
            happened = f"timeout_s is {timeout_s!r}, patience_s {patience_s!r}"
            raise WslabError(happened, "numbers of seconds greater than 0")
        self.hub = Hub() if hub is None else hub
        self.stream = secrets.token_hex(8)
        self.newest_id = 0
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._kept: deque[str] = deque(maxlen=history)

    @property
    def oldest_id(self) -> int:
        """The id of the oldest message that is kept; the next id if none is."""
        return self.newest_id - len(self._kept) + 1

    async def publish(self, data: object) -> int:
        """Number a message, keep it, and send it to every member. If this is cancelled, all of that is done or nothing.

        Args:
            data: What JSON can say: dict, list, str, int, finite float, bool, None. It is encoded at once; what
                happens to it later changes nothing.

        Returns:
            The id of the message.

        Raises:
            FeedError: JSON cannot say it.
            WslabError: Another thread runs the event loop of the connections.
        """
        check_loop(self.hub.loop, "feed.publish", awaited=True)
        encoded = encode_data(data)
        async with self.hub.turn():
            number = self._number(encoded)
        await asyncio.sleep(0)  # a loop that publishes and never waits would let nobody read
        return number

    @asynccontextmanager
    async def joined(self, websocket: ServerConnection) -> AsyncIterator[Member]:
        """Hear what the client has and bring it up to date; then it is a member of the hub while the block runs.

        A client that says nothing in time, or what no feed's client says first, is closed with 1008 (bytes: with 1003);
        so is one that does not take in time what it has missed.

        Args:
            websocket: The connection that the handler was given.

        Raises:
            FeedError: The first message was none of a feed's client; the connection is closed.
            AnswerTimeoutError: The client was too slow; the connection is closed.
            ConnectionClosed: The client is gone; this one is websockets' own.
        """
        granted = self._grant(await self._wanted(websocket))
        await self._send(websocket, encode_granted(granted))
        await self._catch_up(websocket, granted.after)
        # Nothing waits between the last look at newest_id and this: no message falls between history and hub.
        async with self.hub.join(websocket) as member:
            yield member

    def __repr__(self) -> str:
        members = f"{len(self.hub)} connection{'' if len(self.hub) == 1 else 's'}"
        return f"<wslab feed, {self.newest_id} published, {len(self._kept)} kept, {members}>"

    def _number(self, encoded: str) -> int:
        self.newest_id += 1
        message = encode_message(self.newest_id, encoded)
        self._kept.append(message)
        self.hub.write(message)
        return self.newest_id

    async def _wanted(self, websocket: ServerConnection) -> Wanted:
        try:
            async with asyncio.timeout(self._timeout_s):
                first = await websocket.recv()
        except TimeoutError:
            await websocket.close(CloseCode.POLICY_VIOLATION, f"no first message within {self._timeout_s:g} s")
            raise AnswerTimeoutError("first message of the client", self._timeout_s) from None
        try:
            return parse_wanted(first)
        except FeedError:
            code = CloseCode.POLICY_VIOLATION if isinstance(first, str) else CloseCode.UNSUPPORTED_DATA
            await websocket.close(code, _REASON)
            raise

    def _grant(self, wanted: Wanted) -> Granted:
        after = wanted.after
        if after is None:
            return Granted(self.stream, self.newest_id)
        if wanted.stream not in (None, self.stream) or after > self.newest_id:
            return Granted(self.stream, 0, Gap(after + 1, None))
        if after + 1 < self.oldest_id:
            return Granted(self.stream, self.oldest_id - 1, Gap(after + 1, self.oldest_id - 1))
        return Granted(self.stream, after)

    async def _catch_up(self, websocket: ServerConnection, last_id: int) -> None:
        """Send what is kept, no faster than the client reads."""
        for count in itertools.count(1):
            if last_id == self.newest_id:
                return
            last_id, text = self._following(last_id)
            await self._send(websocket, text)
            if count % BURST_MESSAGES == 0:
                await asyncio.sleep(0)

    async def _send(self, websocket: ServerConnection, text: str) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await websocket.send(text)
        except TimeoutError:
            await close_slow(websocket)
            raise AnswerTimeoutError("room for what the client has missed", self._patience_s) from None

    def _following(self, last_id: int) -> tuple[int, str]:
        """Give up to which id the next text goes, and that text: a message, or the gap if it is not kept any more."""
        ahead = last_id + 1 - self.oldest_id
        if ahead < 0:
            return self.oldest_id - 1, encode_gap(Gap(last_id + 1, self.oldest_id - 1))
        return last_id + 1, self._kept[ahead]
