"""Own the check of lesson 04 that a message stays in its room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sized

from ..errors import CheckError
from .broadcast import Place, goes_on_without, hears_all
from .client import Message
from .departures import WAYS, Way, departs, departure_is_survived, nothing_is_kept
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, value_shown
from .subject import Served

__all__ = ["rooms"]

_ROOMS = "lesson 04, What if not everyone is meant?"
_ROOM = Place(
    _ROOMS,
    "The room includes the speaker.",
    "The first who enters makes the room, and all others enter the same one. Each message goes to all in it.",
)
_APART = "A room ends with the last one who leaves it, not with the first. What does your code take away, and when?"


async def whoever_speaks_hears_it_too(bench: ServerBench) -> None:
    alone = await bench.client("tea")
    await alone.says("Hello")
    await alone.hears("Hello", section=_ROOMS, silence="The room includes the speaker. Does the handler send at all?")


async def a_room_hears_what_is_said_in_it(bench: ServerBench) -> None:
    path = _path(bench)
    room = [await bench.client(path) for _ in range(3)]
    said: list[Message] = [bench.text() for _ in room]
    for number, speaker in enumerate(room, 1):
        await speaker.says(said[number - 1])
        await hears_all(speaker, said[:number], _ROOM)
    for client in room:
        await hears_all(client, said, _ROOM)


async def no_other_room_hears_it(bench: ServerBench) -> None:
    path = _path(bench)
    paths = path, _path(bench), f"{path}-room"  # the first is how the last begins
    clients = [await bench.client(each) for each in paths]
    for speaker in clients:
        text = bench.text()
        await speaker.says(text)
        await speaker.hears(
            text,
            otherwise=f"{speaker.title} heard what had been said in another room.",
            section=_ROOMS,
            hint="The room is the path, all of it: websocket.request.path. Nobody in another room hears the message.",
        )
    for client in clients:
        await client.hears_no_more(
            section=_ROOMS, hint="Who is in another room, with a path that only begins the same?"
        )


async def a_room_outlives_those_who_leave_it(bench: ServerBench) -> None:
    await _is_the_same_after(bench, "closed with 1000")
    await _is_the_same_after(bench, "vanished")


async def leaving_while_messages_are_on_their_way_disturbs_nobody(bench: ServerBench) -> None:
    await goes_on_without(bench, "closed with 1000", _ROOM, _path(bench))


def _nothing_is_kept_in(kept: Sized) -> Callable[[ServerBench], Awaitable[None]]:
    async def those_who_left_are_forgotten(bench: ServerBench) -> None:
        ways: dict[int, Way] = {}
        for way in WAYS if bench.subject.is_ours else ():
            ways[len(bench.subject.connections)] = way
            await departs(bench, await bench.client(_path(bench)), way)
        await nothing_is_kept(bench, ways)
        if len(kept):
            raise Finding(
                "Your code keeps rooms that nobody is in.",
                sent=f"{len(bench.subject.connections)} connections, all of which have ended",
                got=f"{len(kept)} left in {value_shown(kept)}",
                expected="a room that is gone with the last one who leaves it",
                section=_ROOMS,
                hint="In `finally`, when the connection has been taken out: is the set of its room empty now?",
            )

    return those_who_left_are_forgotten


async def _is_the_same_after(bench: ServerBench, way: Way) -> None:
    path = _path(bench)
    stays, leaver = await bench.client(path), await bench.client(path)
    await departs(bench, leaver, way)
    comes = await bench.client(path)
    with departure_is_survived(bench):
        first, second = bench.text(), bench.text()
        await comes.says(first)
        await comes.hears(first, section=_ROOMS)
        await stays.says(second)
        apart = "Somebody left, and whoever came next was not in the room of those who had stayed."
        for message in (first, second):
            await stays.hears(message, otherwise=apart, section=_ROOMS, hint=_APART, silence=_APART)
        await comes.hears(second, section=_ROOMS)


def _path(bench: ServerBench) -> str:
    return f"room{bench.random.randrange(10**6)}"


def rooms(server: Served, kept: Sized = (), *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that keeps each message in the room that the path of the connection names (lesson 04).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        kept: Where a handler keeps its rooms, such as a dict; empty when nobody is there.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these, or kept has no len().
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.rooms(talk, rooms)
    """
    if not isinstance(kept, Sized):
        raise CheckError(kept, "the dict in which the handler keeps its rooms")
    cases = [
        whoever_speaks_hears_it_too,
        a_room_hears_what_is_said_in_it,
        no_other_room_hears_it,
        a_room_outlives_those_who_leave_it,
        leaving_while_messages_are_on_their_way_disturbs_nobody,
        _nothing_is_kept_in(kept),
    ]
    return judged("rooms", on_server(server), cases, seed)
