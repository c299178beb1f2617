"""Own the check of lesson 06 that all connections are in one room, which knows how many they are."""

from __future__ import annotations

import asyncio

from .broadcast import Place, goes_on_without, hears_all, three_who_are_in
from .client import REPLY_S, Client, Message
from .departures import WAYS, Way, departs, departure_is_survived
from .judge import Verdict, judged
from .on_actors import OWNS, SURFACES, on_actors
from .on_server import ServerBench
from .report import Finding, shown
from .subject import Served

__all__ = ["counted", "one_room"]

ROOM = Place(
    OWNS,
    "What the room is told goes to all its members, the speaker included: `on_text` or `on_binary` tells the "
    "room, and the room leaves it at the address of each member, by `do_send`.",
    "Is there one room for all? Start it once, outside the actors, and hand its address to each: "
    "`actors.handler(Chatter, room)`.",
)
_BYTES = ROOM._replace(
    others_hint="Bytes come to `on_binary`, text to `on_text`. Does each tell the room? A `handle` of your own has to "
    "pass on both as what they are."
)
_LEFT = ROOM._replace(section=SURFACES)
_JOINS = "Whoever comes is in the room before saying a word: `started` is the hook for joining it."
_COUNT = "`count` is a question to the room: `await self.room.send(...)` gives what the room's `handle` returns."
_STAYS = "Whoever joins in `started` leaves in `stopped`, which runs however the connection ends."


async def whoever_speaks_hears_it_too(bench: ServerBench) -> None:
    alone = await bench.client()
    await alone.says("Hello")
    await alone.hears("Hello", section=OWNS, hint=ROOM.speaker_hint, silence=ROOM.speaker_hint)


async def the_other_hears_what_one_says(bench: ServerBench) -> None:
    one = await bench.client()
    await one.says("Hello")
    await one.hears("Hello", section=OWNS, hint=ROOM.speaker_hint, silence=ROOM.speaker_hint)
    other = await bench.client()
    await other.says("Hello yourself")
    await other.hears("Hello yourself", section=OWNS, hint=ROOM.speaker_hint, silence=ROOM.speaker_hint)
    one.last = f"{other.last}, from {other.name}"
    await hears_all(one, ["Hello", "Hello yourself"], ROOM)


async def whoever_says_nothing_hears_it_too(bench: ServerBench) -> None:
    speaker = await bench.client()
    await speaker.says("Hello")
    await speaker.hears("Hello", section=OWNS, hint=ROOM.speaker_hint, silence=ROOM.speaker_hint)
    newcomer = await bench.client()
    await newcomer.arrives()
    newcomer.last = "a connection that said nothing; then TEXT 'Is anybody there?', from client 1"
    await speaker.says("Is anybody there?")
    await newcomer.hears("Is anybody there?", section=OWNS, hint=ROOM.others_hint, silence=_JOINS)


async def everyone_hears_everything_in_order(bench: ServerBench) -> None:
    with departure_is_survived(bench):
        clients, said = await three_who_are_in(bench, ROOM)
        messages: list[Message] = [bench.text(), bench.data(), bench.text()]
        for speaker, message in zip(clients, messages, strict=True):
            said.append(message)
            await speaker.says(message)
            await hears_all(speaker, said, _BYTES if isinstance(message, bytes) else ROOM)
        for client in clients:
            await hears_all(client, said, ROOM)
    for client in clients:
        await client.hears_no_more(section=OWNS, hint="Each message goes to each member once.")


async def only_the_asker_is_told_the_count(bench: ServerBench) -> None:
    clients, said = await three_who_are_in(bench, ROOM)
    await hears_all(clients[1], said, ROOM)
    if bench.subject.is_ours:
        await counted(bench, clients[1], 3)
    else:
        await _answer(clients[1])
    said.append(bench.text())
    await clients[1].says(said[-1])
    told = f"TEXT 'count', then {clients[1].last}, from {clients[1].name}"
    for client in clients:
        client.last = told
        for message in said[len(client.heard) :]:
            await client.hears(
                message,
                otherwise=f"{client.title} was told what only {clients[1].name} had asked.",
                section=OWNS,
                hint="`count` is a question, not a message for all. Answer only the one who asked: `ctx.text(...)`.",
            )


async def a_client_that_leaves_disturbs_nobody(bench: ServerBench) -> None:
    await goes_on_without(bench, "closed with 1000", _LEFT)


async def a_client_that_vanishes_disturbs_nobody(bench: ServerBench) -> None:
    await goes_on_without(bench, "vanished", _LEFT)


async def whoever_has_left_is_not_counted(bench: ServerBench) -> None:
    stays = await bench.client()
    await stays.says("Hello")
    await stays.hears("Hello", section=OWNS, hint=ROOM.speaker_hint, silence=ROOM.speaker_hint)
    before = await _answer(stays)
    for way in WAYS:
        leaver = await bench.client()
        await leaver.says("Hello")
        await leaver.hears("Hello", section=OWNS)
        await stays.next("Hello", section=OWNS)
        await departs(bench, leaver, way)
        await counted(bench, stays, before, way)


async def counted(bench: ServerBench, client: Client, expected: int, way: Way | None = None) -> None:
    """Demand what the room answers to `count`.

    Args:
        bench: That of the case.
        client: Who asks.
        expected: The answer.
        way: How somebody has just left, if somebody has.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + (0 if bench.subject.is_ours else REPLY_S)
    while (count := await _answer(client)) != expected and loop.time() < deadline_s:
        pass  # a server at a URL may learn late that somebody has left
    if count == expected:
        return
    what = f"The room counts {count} where {expected} {'is' if expected == 1 else 'are'} connected."
    facts = {"sent": client.last, "got": shown(str(count)), "expected": shown(str(expected))}
    if count < expected:
        raise Finding(
            what, **facts, section=OWNS, hint="Each member joins once, in `started`: count them with `len(...)`."
        )
    what = f"Somebody {way}, and the room still counts them." if way else what
    raise Finding(what, **facts, section=SURFACES, hint=_STAYS)


async def _answer(client: Client) -> int:
    await client.says("count")
    answer = await client.next("the number of members, such as TEXT '3'", section=OWNS, hint=_COUNT)
    if isinstance(answer, str) and answer.isdecimal():
        return int(answer)
    raise Finding(
        "The question count was not answered with a number.",
        sent=client.last,
        got=shown(answer),
        expected="the number of members, such as TEXT '3'",
        section=OWNS,
        hint=_COUNT,
    )


def one_room(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a chat whose connections are all in one room, which is asked for its size by the text count (lesson 06).

    Args:
        server: A handler, a running server, or the URL of one in any language and style.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.one_room(actors.handler(Chatter, room))
    """
    cases = [
        whoever_speaks_hears_it_too,
        the_other_hears_what_one_says,
        whoever_says_nothing_hears_it_too,
        everyone_hears_everything_in_order,
        only_the_asker_is_told_the_count,
        a_client_that_leaves_disturbs_nobody,
        a_client_that_vanishes_disturbs_nobody,
        whoever_has_left_is_not_counted,
    ]
    return judged("one_room", on_actors(server), cases, seed)
