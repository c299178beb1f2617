"""Own the slow reader: how a hub tells one, waits for it, and closes its connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode
from websockets.protocol import OPEN

from .members import Member
from .prepared import prepared, write

__all__ = ["Backlog", "Limits", "Message", "Policy", "Tally", "hand_over"]

Message = str | bytes
LONGEST_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a hub lets wait for one reader, and for how long; `Hub` explains each."""

    limit_bytes: int
    queue_messages: int
    patience_s: float | None
    notice: Callable[[int], Message]


@dataclass(slots=True)
class Tally:
    """What a hub has counted so far; `Counts` explains each."""

    delivered: int = 0
    dropped: int = 0
    lagged: int = 0
    disconnected: int = 0


@dataclass(slots=True)
class Backlog:
    """What waits for a member that lags: the newest messages, and how many older ones it has missed."""

    messages: deque[Message]
    missed: int = 0
    sending: asyncio.Task[None] | None = field(default=None, repr=False)


class Policy:
    """What a hub does about slow readers; a reader is slow when more than limit_bytes wait to be sent to it.

    Args:
        limits: What one reader may cost.
        tally: Where to count.

    Attributes:
        backlogs: What waits for those who lag.
    """

    def __init__(self, limits: Limits, tally: Tally) -> None:
        self.limits = limits
        self.tally = tally
        self.backlogs: dict[ServerConnection, Backlog] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def make_room(self, members: Callable[[], Iterable[Member]]) -> None:
        """Wait before a message is written to members, if the policy wants that."""

    def write(self, member: Member, message: Message) -> int:
        """Write a message to a member that has not taken all earlier ones, or hold it back; give 1 or 0."""
        websocket = member.websocket
        if websocket in self.backlogs or self.is_slow(websocket):
            self.hold(member, message)
            return 0
        return self._written(websocket, message)

    def hold(self, member: Member, message: Message) -> None:
        """Deal with a message whose reader is slow."""
        raise NotImplementedError

    def forget(self, member: Member) -> None:
        """Let go of what still waits for a member that has left."""

    def is_slow(self, websocket: ServerConnection) -> bool:
        """Whether an open connection has more than limit_bytes in its write buffer."""
        if not websocket.paused:  # the quick answer for almost all: asyncio itself has not asked to stop writing
            return False
        return websocket.state is OPEN and websocket.transport.get_write_buffer_size() > self.limits.limit_bytes

    def disconnect(self, member: Member) -> None:
        """Make a member leave the hub at once, and close its connection with 1008 in a task."""
        self.tally.disconnected += 1
        member.leave_hub()
        closing = asyncio.create_task(close_slow(member.websocket))
        self._closing.add(closing)  # the loop itself keeps only a weak reference to a task
        closing.add_done_callback(self._closing.discard)

    async def takes(self, websocket: ServerConnection) -> bool:
        """Wait until a connection is slow no more; False if for patience_s it takes nothing at all."""
        before_bytes = now_bytes = websocket.transport.get_write_buffer_size()
        while self.is_slow(websocket) and now_bytes <= before_bytes:
            before_bytes = now_bytes - 1
            await self._drain(websocket)
            now_bytes = websocket.transport.get_write_buffer_size()
        return not self.is_slow(websocket)

    async def _drain(self, websocket: ServerConnection) -> None:
        with contextlib.suppress(OSError):  # no room in time, or a connection that was lost meanwhile
            async with asyncio.timeout(self.limits.patience_s):
                # The public methods that wait for room, send() and ping(), first write something more.
                await websocket.drain()

    def _written(self, websocket: ServerConnection, message: Message) -> int:
        lost = hand_over([websocket], message)
        self.tally.delivered += 1 - lost
        self.tally.dropped += lost
        return 1 - lost


def hand_over(websockets: Iterable[ServerConnection], message: Message) -> int:
    """Write a message to those connections that are open, and give the number of those that could not take it.

    These are in the middle of a fragmented message, into which no other may be put (RFC 6455, 5.4), or at their end.

    Raises:
        UnicodeEncodeError: The message is text that cannot be encoded.
    """
    with prepared(message):
        return sum(not write(each, message) and each.protocol.state is OPEN for each in websockets)


async def close_slow(websocket: ServerConnection) -> None:
    """Close a connection with 1008, and cut it if its reader does not take the close frame in time."""
    reason = f"too slow: {websocket.transport.get_write_buffer_size()} bytes waiting"
    timeout_s = LONGEST_CLOSE_S if websocket.close_timeout is None else websocket.close_timeout
    try:
        # Behind a full buffer close() waits for room without limit: its own close_timeout begins after that.
        async with asyncio.timeout(timeout_s):
            await websocket.close(CloseCode.POLICY_VIOLATION, reason)
    except TimeoutError:
        pass
    finally:
        websocket.transport.abort()
