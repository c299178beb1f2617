"""Own the check of lesson 04 that a message goes to everyone, whoever comes or leaves meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from .client import Client, Message
from .departures import LEAVING, WAYS, Way, departs, departure_is_survived, nothing_is_kept
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import shown
from .subject import Served

__all__ = ["Place", "broadcast", "goes_on_without", "hears_all", "three_who_are_in"]

_MOST_CHUNKS = 32
_CHUNK_BYTES = 32 * 2**10
_FULL_BYTES = 32 * 2**10  # with more than this in the write buffer, a send() waits
_LOOK_S = 0.01
# One is heard by all before the server notices who has gone; some of these come between that and the leaving.
_MEANWHILE = 4


class Place(NamedTuple):
    """Where a lesson tells that a message goes to all, and what to look at if one does not.

    Attributes:
        section: Of the lesson.
        speaker_hint: For when who speaks does not hear it.
        others_hint: For when the others do not.
    """

    section: str = LEAVING
    speaker_hint: str = "Everyone includes the speaker."
    others_hint: str = "Each message goes to all who are in the set, not only to the connection that it came from."


_SET = Place()


async def whoever_speaks_hears_it_too(bench: ServerBench) -> None:
    alone = await bench.client()
    await alone.says("Hello")
    await alone.hears("Hello", section=LEAVING, silence="Everyone includes the speaker. Does the handler send at all?")


async def everyone_hears_everything_in_order(bench: ServerBench) -> None:
    with departure_is_survived(bench):
        clients, said = await three_who_are_in(bench)
        messages: list[Message] = [bench.text(), bench.text(), bench.data()]
        for speaker, message in zip(clients, messages, strict=True):
            said.append(message)
            await speaker.says(message)
            await hears_all(speaker, said)
        for client in clients:
            await hears_all(client, said)
    for client in clients:
        await client.hears_no_more(section=LEAVING, hint="Each message goes to each client once.")


async def a_client_that_leaves_disturbs_nobody(bench: ServerBench) -> None:
    await goes_on_without(bench, "closed with 1000")


async def a_client_that_vanishes_disturbs_nobody(bench: ServerBench) -> None:
    await goes_on_without(bench, "vanished")


async def a_client_that_joins_meanwhile_disturbs_nobody(bench: ServerBench) -> None:
    speaker, slow = await bench.client(), await bench.narrow_client()
    slow.stalls()
    with departure_is_survived(bench):
        said = await _speaks_until_a_send_would_wait(bench, speaker)
        newcomer = await bench.client()
        newcomer.last = "a connection that said nothing; then somebody else spoke"
        slow.wakes()
        await hears_all(speaker, said)
        await newcomer.arrives()
        last = bench.text()
        await speaker.says(last)
        await speaker.hears(last)
        in_before = "Everyone includes a client that has said nothing yet: enter it before the loop."
        # What was on its way when it came may reach it, or not.
        while await newcomer.next(shown(last), section=LEAVING, hint=in_before) != last:
            pass


async def those_who_left_are_forgotten(bench: ServerBench) -> None:
    ways: dict[int, Way] = {}
    for way in WAYS if bench.subject.is_ours else ():
        ways[len(bench.subject.connections)] = way
        await departs(bench, await bench.client(), way)
    await nothing_is_kept(bench, ways)


async def hears_all(client: Client, said: list[Message], place: Place = _SET) -> None:
    """Demand that a client hears, in order, what it has not heard yet of what was said."""
    for message in said[len(client.heard) :]:
        await client.hears(
            message,
            otherwise=f"What somebody else had said did not reach {client.name}.",
            section=place.section,
            hint=place.others_hint,
            silence=place.others_hint,
        )


async def three_who_are_in(
    bench: ServerBench, place: Place = _SET, path: str = ""
) -> tuple[list[Client], list[Message]]:
    """Connect three, one after the other, and give what they said to be heard.

    A server may answer 101 first and count the client afterwards, so each speaks before it is relied on.
    """
    clients: list[Client] = []
    said: list[Message] = []
    for _ in range(3):
        clients.append(await bench.client(path))
        clients[-1].heard += said  # what was said before it came is not for it
        said.append(bench.text())
        await clients[-1].says(said[-1])
        await clients[-1].hears(said[-1], section=place.section, silence=place.speaker_hint)
    return clients, said


async def goes_on_without(bench: ServerBench, way: Way, place: Place = _SET, path: str = "") -> None:
    """Demand that two go on to hear all when a third leaves while messages are on their way."""
    with departure_is_survived(bench):
        (speaker, leaver, listener), said = await three_who_are_in(bench, place, path)
        said.append(bench.text())
        await speaker.says(said[-1])
        await hears_all(speaker, said, place)
        meanwhile = [bench.text() for _ in range(_MEANWHILE)]
        await asyncio.gather(departs(bench, leaver, way), _says_in_a_row(speaker, meanwhile))
        said += [*meanwhile, bench.text()]
        await speaker.says(said[-1])
        after = place._replace(others_hint=f"Client 2 {way} just before: whom did your code take out then?")
        for client in (speaker, listener):
            await hears_all(client, said, after)


async def _says_in_a_row(speaker: Client, messages: list[str]) -> None:
    for message in messages:
        await speaker.says(message)


async def _speaks_until_a_send_would_wait(bench: ServerBench, speaker: Client) -> list[Message]:
    said: list[Message] = []
    while bench.subject.is_ours and len(said) < _MOST_CHUNKS and bench.subject.waiting_bytes <= _FULL_BYTES:
        said.append(bench.data(_CHUNK_BYTES))
        await speaker.says(said[-1])
        hearing = asyncio.create_task(hears_all(speaker, said))
        while not hearing.done() and bench.subject.waiting_bytes <= _FULL_BYTES:
            await asyncio.wait({hearing}, timeout=_LOOK_S)
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing
    return said


def broadcast(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that sends each message to everyone who is connected, the speaker included (lesson 04).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.broadcast(chat)
    """
    cases = [
        whoever_speaks_hears_it_too,
        everyone_hears_everything_in_order,
        a_client_that_leaves_disturbs_nobody,
        a_client_that_vanishes_disturbs_nobody,
        a_client_that_joins_meanwhile_disturbs_nobody,
        those_who_left_are_forgotten,
    ]
    return judged("broadcast", on_server(server), cases, seed)
