"""Own the check of lesson 04 that everybody knows who is here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence

from websockets.exceptions import ConnectionClosed

from .client import REPLY_S, Client, Message
from .departures import WAYS, Way, departs, nothing_is_kept
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["presence"]

_PRESENCE = "lesson 04, What if not everyone is meant?"
_NAMES = "ann", "bob", "cem", "dan", "eve", "fay", "gil", "hal"

_NOT_TO_ITSELF = "The newcomer gets the list, and nothing else; only the others are told who joined."
_FIRST = "The newcomer gets the list first, and the handler stays until its client leaves."
_TELL = "Tell the others when somebody has entered and, in `finally`, when somebody has left."
_ONE_KEY = 'One key and one name: `{"joined": "bob"}` when he has come, `{"left": "bob"}` when he is gone.'
_GONE_TOO = (
    "The one you tell may be gone, too: a `send()` to a client that has left raises, and what follows it does not run."
)
_READS = (
    "`wait_closed()` reads nothing. After 16 unread messages websockets stops reading, and nothing gets through, no "
    "ping and no goodbye. `async for _ in websocket: pass` reads until the client is gone."
)
_ONCE = "However a client goes, one place tells of it: `finally` runs after `except`, too."

_MANY = 20  # more than websockets lets wait for a handler that does not read

News = dict[str, str | list[str]]


async def the_newcomer_gets_the_list_and_is_in_it(bench: ServerBench) -> None:
    people = await _some_come(bench, ["ann"])
    await _stays(people["ann"], "it had got the list")
    await people["ann"].hears_no_more(section=_PRESENCE, hint=_NOT_TO_ITSELF)


async def the_others_are_told_who_comes(bench: ServerBench) -> None:
    await _some_come(bench, bench.random.sample(_NAMES, 3))


async def whoever_says_something_stays(bench: ServerBench) -> None:
    first, second = bench.random.sample(_NAMES, 2)
    people = await _some_come(bench, [first])
    await people[first].says("Hello")
    await _stays(people[first], "it had said something")
    for number in range(_MANY):
        await people[first].says(f"Hello {number}")
    people[first].last = f"{_MANY} messages and a ping"
    await _stays(people[first], "it had said a lot")
    await _some_come(bench, [second], people)


async def the_others_are_told_who_closed(bench: ServerBench) -> None:
    await _goes(bench, "closed with 1000")


async def the_others_are_told_who_closed_with_another_code(bench: ServerBench) -> None:
    await _goes(bench, "closed with 4001")


async def the_others_are_told_who_vanished(bench: ServerBench) -> None:
    await _goes(bench, "vanished")


async def the_others_are_told_who_broke_a_rule(bench: ServerBench) -> None:
    await _goes(bench, "sent a frame without a mask")


async def the_others_are_told_of_two_who_vanish_at_once(bench: ServerBench) -> None:
    names = bench.random.sample(_NAMES, 4)
    people = await _some_come(bench, names)
    leavers = [people.pop(name) for name in names[1:3]]
    for leaver in leavers:
        leaver.vanishes()
    await bench.subject.calls_end(but=len(people))
    due: list[News] = [{"left": name} for name in names[1:3]]
    for client in people.values():
        sent = f"{names[1]} and {names[2]} vanished at the same time"
        untold = "Two vanished at the same time, and the others were not told of both."
        told = [(await _next(client, news, sent, untold, _GONE_TOO))[1] for news in due]
        if sorted(map(str, told)) != sorted(map(str, due)):
            raise Finding(untold, sent=sent, got=str(told), expected=str(due), section=_PRESENCE, hint=_GONE_TOO)


async def those_who_left_are_forgotten(bench: ServerBench) -> None:
    ways: dict[int, Way] = {}
    for way in WAYS if bench.subject.is_ours else ():
        ways[len(bench.subject.connections)] = way
        await departs(bench, await bench.client(_NAMES[0]), way)
    await nothing_is_kept(bench, ways)


async def _some_come(
    bench: ServerBench, names: Sequence[str], people: dict[str, Client] | None = None
) -> dict[str, Client]:
    """Let people come, one after the other, to those who are here; see that all are told; give all who are here."""
    people = people or {}
    for name in names:
        newcomer = await _comes(bench, name)
        await _is_told_who_is_here(newcomer, name, people)
        await _are_told_who_comes(people, name)
        people[name] = newcomer
    return people


async def _comes(bench: ServerBench, name: str) -> Client:
    client = await bench.client(name)
    client.name += f" ({name})"  # the wire knows the number, the messages the name
    client.last = f"a connection to /{name}"
    return client


async def _stays(client: Client, when: str) -> None:
    """Demand that the server has not closed a connection.

    What was sent before a pong has come when the pong has. The library answers the first one before the handler's turn.
    """
    try:
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(REPLY_S):
                for number in (1, 2):
                    await (await client.websocket.ping(f"still here? {number}"))
    except TimeoutError:
        what, got = "Nobody reads what a client says.", f"no pong within {REPLY_S:g} s"
        expected = "a server that reads what comes, if only to drop it"
        raise Finding(
            what, sent=client.last, got=got, expected=expected, section="lesson 04, When it goes wrong", hint=_READS
        ) from None
    if client.websocket.close_code is not None:
        raise Finding(
            f"{client.title} was closed after {when}.",
            sent=client.last,
            got=f"close code {client.websocket.close_code}" + (f": {client.failure}" if client.failure else ""),
            expected="a connection that lasts until its client leaves",
            section="lesson 03, What is a handler?",
            hint="A handler that returns hangs up. What could it wait for until its client is gone?",
        )


async def _goes(bench: ServerBench, way: Way) -> None:
    leaver, late, *others = bench.random.sample(_NAMES, 4)
    people = await _some_come(bench, [others[0], leaver, others[1]])
    await departs(bench, people.pop(leaver), way)
    if not bench.subject.is_ours:  # whose calls cannot be seen to end
        await _are_told_who_left(people, leaver, way)
    newcomer = await _comes(bench, late)  # what others are told of it comes behind what was due before
    if bench.subject.is_ours:
        await _are_told_who_left(people, leaver, way)
    await _are_told_who_comes(people, late)
    await _is_told_who_is_here(newcomer, late, people)


async def _are_told_who_comes(people: dict[str, Client], name: str) -> None:
    untold = f"Nobody was told that {name} had come."
    await _are_told(people, {"joined": name}, f"a connection to /{name}", untold)


async def _are_told_who_left(people: dict[str, Client], name: str, way: Way) -> None:
    await _are_told(people, {"left": name}, f"{name} {way}", f"{name} {way} and is gone, and nobody was told.")


async def _are_told(people: dict[str, Client], due: News, sent: str, untold: str) -> None:
    for client in people.values():
        message, told = await _next(client, due, sent, untold, _TELL)
        if told != due:
            is_news = isinstance(told, dict) and told.keys() & {"joined", "left"}
            what = untold if is_news else f"{client.title} was told something other than who comes or goes."
            raise _finding(what, sent, message, due, _TELL if is_news else _ONE_KEY)
        client.heard.append(message)


async def _is_told_who_is_here(newcomer: Client, name: str, people: dict[str, Client]) -> None:
    due: News = {"here": sorted([*people, name])}
    message, told = await _next(newcomer, due, newcomer.last, "", _FIRST)
    if told != due:
        what, hint = _wrong_list(told, name, due)
        raise _finding(
            what or f"{newcomer.title} was told something other than who is here.", newcomer.last, message, due, hint
        )


def _wrong_list(told: object, name: str, due: News) -> tuple[str, str]:
    """Say what is wrong with what a newcomer got in the place of the list, and what to look at."""
    if told == {"joined": name}:
        return "The newcomer was told of its own arrival.", _NOT_TO_ITSELF
    here = told.get("here") if isinstance(told, dict) else None
    if not isinstance(here, list):
        return "", 'First of all the newcomer gets the list, under the key "here": `{"here": [...]}`.'
    if f"/{name}" in here:
        return "A name still has the slash of its path.", "In `/ann`, the name is what follows the slash."
    if name not in here:
        return "The newcomer is missing from its own list.", "Enter it first, then make the list."
    if set(here) > set(due["here"]):
        return (
            "Somebody who has left is still in the list.",
            "Take the name out in `finally`, before you tell the others.",
        )
    if set(here) < set(due["here"]):
        return "Somebody who came before is missing from the list.", "Do all calls of the handler use the same `dict`?"
    return "", "Everybody who is here is in the list, once."


async def _next(client: Client, due: News, sent: str, untold: str, hint: str) -> tuple[Message, object]:
    """Give the next message, and what it says in JSON, with sorted names."""
    client.last = sent
    try:
        message = await client.next(shown(json.dumps(due)), section=_PRESENCE, hint=hint)
    except Finding as finding:
        if untold and client.websocket.close_code is None:
            finding.happened = untold
        raise
    if not isinstance(message, str):
        hint = "`json.dumps(...)` gives a `str`, which leaves as TEXT. A page would get bytes as a Blob."
        raise _finding(f"{client.title} was told in BINARY.", sent, message, due, hint)
    try:
        told = json.loads(message)
    except ValueError:
        hint = "`json.dumps(...)` turns a dict into JSON; `str(...)` turns it into Python."
        raise _finding(f"What {client.name} was told is not JSON.", sent, message, due, hint) from None
    if message in client.heard:
        raise _finding(f"{client.title} was told the same twice.", sent, message, due, _ONCE)
    if isinstance(told, dict) and isinstance(told.get("here"), list):
        told["here"] = sorted(map(str, told["here"]))
    return message, told


def _finding(what: str, sent: str, message: Message, due: News, hint: str) -> Finding:
    facts = {"got": shown(message), "expected": shown(json.dumps(due))}
    return Finding(what, sent=sent, **facts, section=_PRESENCE, hint=hint)


def presence(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that tells everybody who is here, who comes and who leaves (lesson 04).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.presence(presence)
    """
    cases = [
        the_newcomer_gets_the_list_and_is_in_it,
        the_others_are_told_who_comes,
        whoever_says_something_stays,
        the_others_are_told_who_closed,
        the_others_are_told_who_closed_with_another_code,
        the_others_are_told_who_vanished,
        the_others_are_told_who_broke_a_rule,
        the_others_are_told_of_two_who_vanish_at_once,
        those_who_left_are_forgotten,
    ]
    return judged("presence", on_server(server), cases, seed)
