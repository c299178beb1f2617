"""Own the check of lesson 04 that everybody knows who is here."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .client import Client, Message
from .departures import WAYS, Way, departs, nothing_is_kept
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["presence"]

_PRESENCE = "lesson 04, What if not everyone is meant?"
_NAMES = "ann", "bob", "cem", "dan", "eve", "fay", "gil", "hal"

_NOT_TO_ITSELF = "Who comes gets the list, and nothing else; only the others are told that it has joined."
_FIRST = "The newcomer gets the list first, and the handler stays until its client leaves."
_TELL = "Tell the others when somebody has entered and, in `finally`, when somebody has left."
_ONCE = "However a client goes, one place tells of it: `finally` runs after `except`, too."

News = dict[str, str | list[str]]


async def the_newcomer_gets_the_list_and_is_in_it(bench: ServerBench) -> None:
    people = await _some_come(bench, ["ann"])
    await people["ann"].hears_no_more(section=_PRESENCE, hint=_NOT_TO_ITSELF)


async def the_others_are_told_who_comes(bench: ServerBench) -> None:
    await _some_come(bench, bench.random.sample(_NAMES, 3))


async def who_closes_is_told_to_have_left(bench: ServerBench) -> None:
    await _goes(bench, "closed with 1000")


async def who_closes_with_another_code_is_told_to_have_left(bench: ServerBench) -> None:
    await _goes(bench, "closed with 4001")


async def who_vanishes_is_told_to_have_left(bench: ServerBench) -> None:
    await _goes(bench, "vanished")


async def who_breaks_a_rule_is_told_to_have_left(bench: ServerBench) -> None:
    await _goes(bench, "sent a frame without a mask")


async def nothing_is_kept_of_those_who_left(bench: ServerBench) -> None:
    ways: dict[int, Way] = {}
    for way in WAYS if bench.subject.is_ours else ():
        ways[len(bench.subject.connections)] = way
        await departs(bench, await bench.client(_NAMES[0]), way)
    await nothing_is_kept(bench, ways)


async def _some_come(bench: ServerBench, names: Sequence[str]) -> dict[str, Client]:
    people: dict[str, Client] = {}
    for name in names:
        newcomer = await bench.client(name)
        newcomer.last = f"a connection to /{name}"
        await _is_told_who_is_here(newcomer, name, people)
        await _are_told(people, {"joined": name}, f"Nobody was told that {name} had come.")
        people[name] = newcomer
    return people


async def _goes(bench: ServerBench, way: Way) -> None:
    leaver, late, *others = bench.random.sample(_NAMES, 4)
    people = await _some_come(bench, [others[0], leaver, others[1]])
    await departs(bench, people.pop(leaver), way)
    left: News = {"left": leaver}
    untold = f"{leaver} {way} and is gone, and nobody was told."
    if not bench.subject.is_ours:  # whose calls cannot be seen to end
        await _are_told(people, left, untold)
    newcomer = await bench.client(late)  # what others are told of it comes behind what was due before
    if bench.subject.is_ours:
        await _are_told(people, left, untold)
    await _are_told(people, {"joined": late}, f"Nobody was told that {late} had come.")
    await _is_told_who_is_here(newcomer, late, people)


async def _are_told(people: dict[str, Client], news: News, untold: str) -> None:
    for client in people.values():
        message, told = await _next(client, news, _TELL)
        if told != news:
            raise _finding(untold, client, message, news, _TELL)
        client.heard.append(message)


async def _is_told_who_is_here(newcomer: Client, name: str, people: dict[str, Client]) -> None:
    due: News = {"here": sorted([*people, name])}
    message, told = await _next(newcomer, due, _FIRST)
    if told == due:
        return
    here = told.get("here") if isinstance(told, dict) else None
    what, hint = (
        f"{newcomer.title} was told something else than who is here.",
        "First of all the newcomer gets the list.",
    )
    if isinstance(here, list) and name not in here:
        what, hint = "The newcomer is missing in its own list.", "Enter it first, then make the list."
    elif isinstance(here, list) and set(here) > set(due["here"]):
        what, hint = "Who has left is still in the list.", "Take the name out in `finally`, before you tell the others."
    elif told == {"joined": name}:
        what, hint = "The newcomer was told of its own coming.", _NOT_TO_ITSELF
    raise _finding(what, newcomer, message, due, hint)


async def _next(client: Client, due: News, hint: str) -> tuple[Message, object]:
    """Give the next message, and what it says in JSON, with sorted names."""
    message = await client.next(shown(json.dumps(due)), section=_PRESENCE, hint=hint)
    try:
        told = json.loads(message)
    except ValueError:
        raise _finding(
            f"What {client.name} was told is no JSON.", client, message, due, "Send json.dumps(...)."
        ) from None
    if message in client.heard:
        raise _finding(f"{client.title} was told the same twice.", client, message, due, _ONCE)
    if isinstance(told, dict) and isinstance(told.get("here"), list):
        told["here"] = sorted(map(str, told["here"]))
    return message, told


def _finding(what: str, client: Client, message: Message, due: News, hint: str) -> Finding:
    facts = {"got": shown(message), "expected": shown(json.dumps(due))}
    return Finding(what, sent=client.last, **facts, section=_PRESENCE, hint=hint)


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
        who_closes_is_told_to_have_left,
        who_closes_with_another_code_is_told_to_have_left,
        who_vanishes_is_told_to_have_left,
        who_breaks_a_rule_is_told_to_have_left,
        nothing_is_kept_of_those_who_left,
    ]
    return judged("presence", on_server(server), cases, seed)
