"""Own what a hub does about slow readers: disconnect them, let them lag, or wait for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from websockets.asyncio.server import ServerConnection
from websockets.protocol import OPEN

from .errors import WslabError
from .members import Member
from .slow import Backlog, Limits, Message, Policy, Tally, hand_over

__all__ = ["POLICIES", "Disconnect", "Lag", "Wait"]


class Disconnect(Policy):
    """A slow reader leaves the hub and is closed with 1008: who cannot follow has to come back and ask."""

    def hold(self, member: Member, message: Message) -> None:
        """Let the reader go."""
        self.tally.dropped += 1
        self.disconnect(member)


class Lag(Policy):
    """A slow reader misses messages, the oldest first, and is told how many: what is new matters most.

    Who is being sent a fragmented message lags too until that has ended: no other may be put into it (RFC 6455, 5.4).
    """

    def write(self, member: Member, message: Message) -> int:
        """Write a message to a member, or queue it; give 1 or 0."""
        if member.websocket.send_in_progress is None:
            return super().write(member, message)
        self.hold(member, message)
        return 0

    def hold(self, member: Member, message: Message) -> None:
        """Queue a message for its reader; in a full queue the oldest gives way."""
        backlog = self.backlogs.get(member.websocket) or self._begin(member)
        if len(backlog.messages) == self.limits.queue_messages:
            backlog.missed += 1
            self.tally.dropped += 1
        backlog.messages.append(message)

    def forget(self, member: Member) -> None:
        """Drop what waits for a member that has left."""
        backlog = self.backlogs.pop(member.websocket, None)
        if backlog is not None and backlog.sending is not None:
            self.tally.dropped += len(backlog.messages)
            backlog.sending.cancel()

    def _begin(self, member: Member) -> Backlog:
        self.tally.lagged += 1
        backlog = self.backlogs[member.websocket] = Backlog(deque(maxlen=self.limits.queue_messages))
        backlog.sending = asyncio.create_task(self._catch_up(member, backlog))
        return backlog

    async def _catch_up(self, member: Member, backlog: Backlog) -> None:
        websocket = member.websocket
        try:
            while backlog.messages and await self._takes_next(websocket):
                self._write_next(websocket, backlog)
            if self.is_slow(websocket) and backlog.messages:
                self.disconnect(member)
        finally:
            if self.backlogs.get(websocket) is backlog:  # not if the member has left, and its connection come again
                self.forget(member)

    async def _takes_next(self, websocket: ServerConnection) -> bool:
        while await self.takes(websocket) and websocket.state is OPEN:
            if (fragmented := websocket.send_in_progress) is None:
                return True
            await asyncio.wait({fragmented})
        return False

    def _write_next(self, websocket: ServerConnection, backlog: Backlog) -> None:
        if backlog.missed:
            missed, backlog.missed = backlog.missed, 0
            hand_over([websocket], self.limits.notice(missed))
        else:
            self._written(websocket, backlog.messages.popleft())


class Wait(Policy):
    """Everybody waits for the slowest reader: nobody misses anything by being slow, and one that stalls stalls all."""

    def __init__(self, limits: Limits, tally: Tally) -> None:
        super().__init__(limits, tally)
        self._waiting: dict[ServerConnection, asyncio.Task[bool]] = {}

    async def make_room(self, members: Callable[[], Iterable[Member]]) -> None:
        """Wait until no reader is slow; one that takes nothing for patience_s is disconnected."""
        while slow := [member for member in members() if self.is_slow(member.websocket)]:
            # All at once: one after the other, each that stalls would keep everybody for patience_s more.
            waiting = {member.websocket: asyncio.create_task(self.takes(member.websocket)) for member in slow}
            self._waiting = waiting
            try:
                await asyncio.wait(waiting.values())
            finally:
                self._waiting = {}
                for each in waiting.values():
                    each.cancel()
            for member in slow:
                if member.present and not waiting[member.websocket].result():
                    self.disconnect(member)

    def hold(self, member: Member, message: Message) -> None:
        """Refuse: whoever writes has waited for room."""
        raise WslabError("a message was written while a reader had no room", "", "write inside hub.turn()")

    def forget(self, member: Member) -> None:
        """Wait no longer for a member that has left."""
        if member.websocket in self._waiting:
            self._waiting[member.websocket].cancel()


POLICIES: dict[str, type[Policy]] = {"disconnect": Disconnect, "lag": Lag, "wait": Wait}
