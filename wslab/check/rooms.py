"""Own the check of lesson 04 that a message stays in its room."""

from __future__ import annotations

from .broadcast import hears_all
from .client import Message
from .departures import WAYS, Way, departs, departure_is_survived, nothing_is_kept
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .subject import Served

__all__ = ["rooms"]

_ROOMS = "lesson 04, What if not everyone is meant?"

_APART = "A room ends with the last one who leaves it, not with the first. What does your code take away, and when?"


async def who_speaks_hears_it_too(bench: ServerBench) -> None:
    alone = await bench.client("tea")
    await alone.says("Hello")
    await alone.hears("Hello", section=_ROOMS, hint="Who speaks is one of the room. Does the handler send at all?")


async def a_room_hears_what_is_said_in_it(bench: ServerBench) -> None:
    path = _path(bench)
    room = [await bench.client(path) for _ in range(3)]
    said: list[Message] = [bench.text() for _ in room]
    for number, speaker in enumerate(room, 1):
        await speaker.says(said[number - 1])
        await hears_all(speaker, said[:number])
    for client in room:
        await hears_all(client, said)


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
            hint="The room is the path, all of it: websocket.request.path. Who is in another one hears nothing.",
        )
    for client in clients:
        await client.hears_no_more(section=_ROOMS, hint="Who is in another room, and whose path only begins alike?")


async def a_room_outlives_those_who_leave_it(bench: ServerBench) -> None:
    await _goes_on_without(bench, "closed with 1000")
    await _goes_on_without(bench, "vanished")


async def nothing_is_kept_of_those_who_left(bench: ServerBench) -> None:
    ways: dict[int, Way] = {}
    for way in WAYS if bench.subject.is_ours else ():
        ways[len(bench.subject.connections)] = way
        await departs(bench, await bench.client(_path(bench)), way)
    await nothing_is_kept(bench, ways)


async def _goes_on_without(bench: ServerBench, way: Way) -> None:
    path = _path(bench)
    stays, leaver = await bench.client(path), await bench.client(path)
    await departs(bench, leaver, way)
    comes = await bench.client(path)
    with departure_is_survived(bench):
        first, second = bench.text(), bench.text()
        await comes.says(first)
        await comes.hears(first, section=_ROOMS)
        await stays.says(second)
        apart = "Somebody left, and who came then was in another room than who had stayed."
        for message in (first, second):
            await stays.hears(message, otherwise=apart, section=_ROOMS, hint=_APART)
        await comes.hears(second, section=_ROOMS)


def _path(bench: ServerBench) -> str:
    return f"room{bench.random.randrange(10**6)}"


def rooms(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that keeps each message in the room that the path of the connection names (lesson 04).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.rooms(chat)
    """
    cases = [
        who_speaks_hears_it_too,
        a_room_hears_what_is_said_in_it,
        no_other_room_hears_it,
        a_room_outlives_those_who_leave_it,
        nothing_is_kept_of_those_who_left,
    ]
    return judged("rooms", on_server(server), cases, seed)
