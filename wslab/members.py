"""Own who is in a hub and in which rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.server import ServerConnection

from .errors import UnknownRoomError, WslabError

__all__ = ["Member", "Members"]


class Member:
    """A connection in a hub, made by `Hub.join`.

    Attributes:
        websocket: The connection.
        info: What the application wants to remember about it, such as a name.
    """

    def __init__(self, members: Members, websocket: ServerConnection) -> None:
        self.websocket = websocket
        self.info: dict[str, Any] = {}
        self._members = members
        self._rooms: set[str] = set()

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that the member is in, sorted."""
        return tuple(sorted(self._rooms))

    @property
    def present(self) -> bool:
        """Whether the member is in the hub still."""
        return self in self._members

    def enter(self, room: str) -> None:
        """Enter a room, which comes into being with its first member. After the member has left the hub: nothing."""
        check_room(room)
        if self.present:
            self._rooms.add(room)
            self._members.rooms.setdefault(room, {})[self.websocket] = self

    def leave(self, room: str) -> None:
        """Leave a room, which vanishes with its last member; no error if the member is not in it."""
        if room in self._rooms:
            self._rooms.remove(room)
            del self._members.rooms[room][self.websocket]
            if not self._members.rooms[room]:
                del self._members.rooms[room]

    def leave_hub(self) -> None:
        """Leave the hub before the block of `Hub.join` ends; no error if the member has left."""
        if self.present:
            for room in self.rooms:
                self.leave(room)
            del self._members.everybody[self.websocket]
            self._members.has_left(self)

    def __repr__(self) -> str:
        return f"<wslab member, rooms: {', '.join(self.rooms) or 'none'}>"


class Members:
    """The members of a hub, in the order in which they came: everybody, and those in each room.

    Args:
        has_left: What to call with a member that has just left.
    """

    def __init__(self, has_left: Callable[[Member], None]) -> None:
        self.everybody: dict[ServerConnection, Member] = {}
        self.rooms: dict[str, dict[ServerConnection, Member]] = {}
        self.has_left = has_left

    def add(self, websocket: ServerConnection, rooms: tuple[str, ...]) -> Member:
        """Add a connection, in one step with its rooms."""
        if connection_of(websocket) in self.everybody:
            raise WslabError("the connection has joined this hub already", "one join for each connection")
        for room in rooms:
            check_room(room)
        member = self.everybody[websocket] = Member(self, websocket)
        for room in rooms:
            member.enter(room)
        return member

    def of(self, room: str | None) -> dict[ServerConnection, Member]:
        """Give those in a room; everybody for None."""
        if room is None:
            return self.everybody
        check_room(room)
        if room not in self.rooms:
            raise UnknownRoomError(room, tuple(sorted(self.rooms)))
        return self.rooms[room]

    def __contains__(self, one: object) -> bool:
        if isinstance(one, Member):
            return self.everybody.get(one.websocket) is one
        return one in self.everybody


def connection_of(given: object) -> ServerConnection:
    """Give the connection that is given or that a given member has."""
    if isinstance(given, Member):
        return given.websocket
    if not isinstance(given, ServerConnection):
        happened = f"{type(given).__name__} is not a connection of a server"
        raise WslabError(happened, "the websocket that a handler is given, or a member of the hub")
    return given


def connections_of(given: Iterable[ServerConnection | Member]) -> set[ServerConnection]:
    """Give the connections of several members."""
    if isinstance(given, ServerConnection | Member):
        raise WslabError(f"a single {type(given).__name__} is given", "several, even if it is one: [member]")
    return {connection_of(one) for one in given}


def check_room(room: object) -> None:
    """Raise an error unless this can be the name of a room."""
    if not isinstance(room, str):
        raise WslabError(f"the room is {room!r}", "the name of one room, a str")
