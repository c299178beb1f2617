"""Own the hub: the registry of connections, their rooms, and one message to all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.protocol import OPEN

from .errors import MessageTypeError, WslabError
from .members import Member, Members, connections_of
from .own_loop import check_loop
from .policies import POLICIES
from .slow import Limits, Message, Tally, hand_over

__all__ = ["Counts", "Hub", "Member"]


class Counts(NamedTuple):
    """What a hub has counted.

    Each message to an open member is either delivered or dropped in the end; until then it waits for a lagging one.

    Attributes:
        connected: Members now.
        delivered: Messages written to a connection. Whether they arrived, only the other side knows.
        dropped: Messages that a member missed: because it was slow, or, unless readers lag, because the application was
            in the middle of sending it a fragmented message, into which no other may be put (RFC 6455, 5.4).
        lagged: How often a member began to lag.
        disconnected: Members that were disconnected because they were slow.
    """

    connected: int
    delivered: int
    dropped: int
    lagged: int
    disconnected: int


def lagged_notice(count: int) -> str:
    """Tell a reader how many messages it has missed."""
    return json.dumps({"lagged": count})


class Hub:
    """The connections of a server, their rooms, and what happens to a reader that is too slow.

    A reader is slow when more than limit_bytes wait on this side to be sent to it. In no policy does more wait for one
    reader than limit_bytes and one message; where readers lag, queue_messages more, which they share.

    A hub belongs to one event loop, that of its connections: another thread, such as that of a widget's callback, asks
    for a message with `asyncio.run_coroutine_threadsafe(hub.broadcast(message), loop)`.

    Args:
        slow: "disconnect": the slow reader leaves the hub and is closed with 1008. "lag": it misses the oldest
            messages and is told how many. "wait": `broadcast` waits for it, so that one reader that stalls, stalls
            everybody, until it is gone.
        limit_bytes: How much may wait in the write buffer of one connection.
        queue_messages: How many messages are kept for a reader that lags.
        patience_s: When a reader that lags or is waited for takes nothing for so long, it is disconnected. The
            keepalive of websockets does not see to that, because its pings wait behind the same full buffer. The
            default is what keepalive takes otherwise: 20 s to the next ping, 20 s for the answer. None: for ever.
        notice: Makes the message that tells a reader how many it has missed; by default {"lagged": count} in JSON.

    Attributes:
        loop: The event loop of its connections; None before the first.

    Raises:
        WslabError: An argument cannot be used.

    Example:
        hub = Hub(slow="lag")

        async def chat(websocket):
            async with hub.join(websocket) as member:
                async for message in websocket:
                    await hub.broadcast(message, exclude=[member])
    """

    def __init__(
        self,
        slow: Literal["disconnect", "lag", "wait"] = "disconnect",
        *,
        limit_bytes: int = 2**20,
        queue_messages: int = 64,
        patience_s: float | None = 40.0,
        notice: Callable[[int], Message] = lagged_notice,
    ) -> None:
        if slow not in POLICIES:
            raise WslabError(f"slow is {slow!r}", '"disconnect", "lag" or "wait"')
        limits = Limits(limit_bytes, queue_messages, patience_s, notice)
        _check_limits(limits)
        self._turns = asyncio.Lock()
        self._tally = Tally()
        self._policy = POLICIES[slow](limits, self._tally)
        self._members = Members(has_left=self._policy.forget)
        self.loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def join(self, websocket: ServerConnection, *rooms: str) -> AsyncIterator[Member]:
        """Be a member while the block runs, however it ends. Joining and leaving are one synchronous step each.

        The block should await the connection, as with `async for message in websocket`: it ends with it then.

        Args:
            websocket: The connection that the handler was given.
            *rooms: Rooms to enter.

        Raises:
            WslabError: It is no connection, or has joined already.
        """
        member = self._add(websocket, rooms)
        self.loop = asyncio.get_running_loop()
        try:
            yield member
        finally:
            member.leave_hub()

    async def broadcast(
        self, message: Message, *, room: str | None = None, exclude: Iterable[ServerConnection | Member] = ()
    ) -> int:
        """Send a message to all members, or to those in a room. If this is cancelled, it goes to all or to nobody.

        Args:
            message: A str goes as text, bytes go as binary.
            room: Only to the members in this room.
            exclude: Members, or their connections, that do not get it.

        Returns:
            To how many connections it was written. Those who lag get it later, or miss it.

        Raises:
            MessageTypeError: The message is neither str nor bytes.
            UnknownRoomError: Nobody is in that room.
            WslabError: Another thread runs the event loop of the connections.
        """
        check_loop(self.loop, "hub.broadcast", awaited=True)
        _check_message(message)
        async with self.turn(room):
            count = self.write(message, room=room, exclude=exclude)
        await asyncio.sleep(0)  # a loop of broadcasts that never waits would let nobody read
        return count

    @asynccontextmanager
    async def turn(self, room: str | None = None) -> AsyncIterator[None]:
        """Wait for the turn to write to a room: first come, first served, and as the policy demands for slow readers.

        Inside, call `write` once, and nothing that waits for a turn again.
        """
        async with self._turns:
            await self._policy.make_room(lambda: self._members.of(room).values())
            yield

    def write(
        self, message: Message, *, room: str | None = None, exclude: Iterable[ServerConnection | Member] = ()
    ) -> int:
        """Do what `broadcast` does in its turn, in one synchronous step."""
        _check_message(message)
        members = self._members.of(room)
        excluded = connections_of(exclude)
        others: list[ServerConnection] = []
        lost = hand_over(_ready(members, self._policy.backlogs.keys() | excluded, others), message)
        written = len(members) - len(others) - lost
        self._tally.delivered += written
        self._tally.dropped += lost
        for websocket in others:
            if websocket.state is OPEN and websocket not in excluded:
                written += self._policy.write(members[websocket], message)
        return written

    def members(self, room: str | None = None) -> tuple[Member, ...]:
        """Give all members, or those in a room, in the order in which they came.

        Raises:
            UnknownRoomError: Nobody is in that room.
        """
        return tuple(self._members.of(room).values())

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms in which there is somebody, sorted."""
        return tuple(sorted(self._members.rooms))

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        tally = self._tally
        return Counts(len(self), tally.delivered, tally.dropped, tally.lagged, tally.disconnected)

    def __len__(self) -> int:
        return len(self._members.everybody)

    def __contains__(self, one: object) -> bool:
        return one in self._members

    def __repr__(self) -> str:
        return f"<wslab hub, {_count(len(self), 'connection')}, {_count(len(self._members.rooms), 'room')}>"

    def _add(self, websocket: ServerConnection, rooms: tuple[str, ...]) -> Member:
        member = self._members.add(websocket, rooms)
        transport, limit_bytes = websocket.transport, self._policy.limits.limit_bytes
        # Who waits for room is woken below the transport's own limit, so that must not be above the hub's.
        if transport.get_write_buffer_limits()[1] > limit_bytes:
            transport.set_write_buffer_limits(limit_bytes)
        return member


def _ready(
    websockets: Iterable[ServerConnection], aside: set[ServerConnection], others: list[ServerConnection]
) -> Iterator[ServerConnection]:
    """Yield the connections to which the next message can go at once, and gather the others."""
    for websocket in websockets:
        # The quickest sign that more is waiting than asyncio likes to buffer, which is never more than limit_bytes.
        if (
            websocket.paused
            or websocket.send_in_progress is not None  # a fragmented message
            or websocket.protocol.state is not OPEN
            or websocket in aside
        ):
            others.append(websocket)
        else:
            yield websocket


def _check_limits(limits: Limits) -> None:
    for name in ("limit_bytes", "queue_messages"):
        if not isinstance(value := getattr(limits, name), int) or value < 1:
            raise WslabError(f"{name} is {value!r}", "a whole number greater than 0")
    patience_s = limits.patience_s
    if patience_s is not None and (not isinstance(patience_s, int | float) or patience_s <= 0):
        raise WslabError(f"patience_s is {patience_s!r}", "seconds, more than 0; or None to be patient for ever")
    _check_message(limits.notice(1))


def _check_message(message: object) -> None:
    if not isinstance(message, str | bytes):
        raise MessageTypeError(message)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
