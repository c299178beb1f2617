"""Own the checks of lesson 00: a server that speaks first, an event stream, and talk in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .client import REPLY_S, Client, Message
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["countdown", "enough", "event_stream"]

_FIRST = "lesson 00, A server that speaks first"
_STREAM = "HTML standard, 9.2.6"
_BOTH = "lesson 00, What if the client has something to say?"
_COUNT = "Count the ticks that you have sent; the first is number 0."
_LIST = "Return a list, with one text for each event."
COUNTDOWN = ("3", "2", "1", "lift-off")
MOST_TICKS = 1000


async def four_messages_come_unasked(bench: ServerBench) -> None:
    await _counted_down(await bench.client())


async def everybody_gets_a_countdown_of_their_own(bench: ServerBench) -> None:
    clients = [await bench.client() for _ in range(bench.random.randint(2, 4))]
    for client in clients:
        await _counted_down(client)


async def _counted_down(client: Client) -> None:
    client.last = "nothing: the server speaks first"
    for message in COUNTDOWN:
        got = await client.next(shown(message), section=_FIRST, hint="One send() for each, and no recv() before it.")
        if isinstance(got, str) and len(got.split()) > 1:
            hint = "A message is what one send() gives. Call it four times."
            raise Finding("Several words came in one message.", got=shown(got), expected=shown(message), hint=hint)
        if got != message:
            what, hint = _another_countdown(got, message)
            raise Finding(what, got=shown(got), expected=shown(message), hint=hint)
    code, _ = await client.closed(silently=True)
    if code != 1000:
        raise Finding("The server did not say goodbye.", got=f"close code {code}", expected="close code 1000")


def _another_countdown(got: Message, due: str) -> tuple[str, str]:
    """Say what is wrong with a message that is not the one of the countdown."""
    if isinstance(got, bytes):
        return "A message came as bytes where text was due.", "`str` leaves as TEXT, `bytes` as BINARY."
    if got == "".join(COUNTDOWN):
        return "A list went out as one message.", "Its parts are fragments of it. Call send() four times."
    if got.lower() == due:
        return (
            "The word is right, but its capitals are not.",
            "A message arrives exactly as you wrote it, letter for letter.",
        )
    hint = "Three, two, one, then the word; `range(3, 0, -1)` counts down and leaves out the 0."
    return "The countdown is not the one asked for.", hint


def countdown(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that sends 3, 2, 1 and lift-off to whoever connects, then hangs up (lesson 00).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.
    """
    cases = [four_messages_come_unasked, everybody_gets_a_countdown_of_their_own]
    return judged("countdown", on_server(server), cases, seed)


async def the_events_from_the_lesson(bench: FunctionBench) -> None:
    bench.gives(["tick 00", "tick 01"], "data: tick 00\n\ndata: tick 01\n\n", section=_STREAM, hint=_LIST)


async def one_space_after_the_colon_is_not_data(bench: FunctionBench) -> None:
    for text, data in (("data:  two spaces\n\n", [" two spaces"]), ("data:none\n\n", ["none"])):
        if (result := bench.call(text)) != data:
            what = "The space after the colon is not treated as the standard says."
            raise bench.finding(
                what, result, data, (text,), _STREAM, "One space is taken off, if there is one; any others are data."
            )


async def several_lines_make_one_event(bench: FunctionBench) -> None:
    lines = [bench.text(2) for _ in range(bench.random.randint(2, 4))]
    text = "".join(f"data: {line}\n" for line in lines) + "\n"
    if (result := bench.call(text)) != (due := ["\n".join(lines)]):
        what = "Lines of data that belong to one event were not joined."
        raise bench.finding(what, result, due, (text,), _STREAM, "Only a blank line ends an event.")


async def comments_and_other_fields_are_not_data(bench: FunctionBench) -> None:
    word = bench.text(1)
    text = f": data: a comment\nid: {bench.random.randint(1, 99)}\nevent: tick\ndata: {word}\n\n"
    if (result := bench.call(text)) != [word]:
        what = "Something that is not data was taken for data."
        raise bench.finding(what, result, [word], (text,), _STREAM, "Only lines that begin with `data:` carry data.")
    alive = f": still here\n\ndata: {word}\n\n"
    if (result := bench.call(alive)) != [word]:
        what = "A comment on its own became an event."
        raise bench.finding(
            what, result, [word], (alive,), _STREAM, "Without a line of data before the blank line there is no event."
        )


async def what_has_not_ended_is_not_an_event_yet(bench: FunctionBench) -> None:
    word = bench.text(1)
    text = f"data: {word}\n\ndata: half of the next\n"
    if (result := bench.call(text)) != [word]:
        what = "An event without its blank line was taken for a whole one."
        raise bench.finding(what, result, [word], (text,), _STREAM, "The rest may still be on its way.")


def event_stream(function: Callable[..., Any], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a function that reads the data of the events out of an event stream (lesson 00; HTML standard, 9.2.6).

    Args:
        function: `events(text)`; it returns a list of texts.
        seed: Draws the same random inputs again.
    """
    cases = [
        the_events_from_the_lesson,
        one_space_after_the_colon_is_not_data,
        several_lines_make_one_event,
        comments_and_other_fields_are_not_data,
        what_has_not_ended_is_not_an_event_yet,
    ]
    return judged("event_stream", on_function(function, "a function events(text)"), cases, seed)


async def ticks_come_and_stop_when_told(bench: ServerBench) -> None:
    await _stopped_after(await bench.client(), 3)


async def each_client_says_when(bench: ServerBench) -> None:
    patient, quick = await bench.client(), await bench.client()
    await _stopped_after(quick, bench.random.randint(1, 4), bench.text(1))
    await _stopped_after(patient, bench.random.randint(5, 8))


async def a_client_that_leaves_without_a_word_is_let_go(bench: ServerBench) -> None:
    client = await bench.client()
    await _ticks(client, bench.random.randint(1, 3))
    await client.leave()


async def _stopped_after(client: Client, count: int, word: str = "enough") -> None:
    await _ticks(client, count)
    await client.says(word)
    try:
        async with asyncio.timeout(REPLY_S):
            await _counted(client, count)
    except TimeoutError:
        raise _went_on(client, f"{REPLY_S:g} s") from None
    code, _ = await client.closed(silently=True)
    if code != 1000:
        raise Finding("The server did not hang up after the count.", got=f"close code {code}", expected="1000")


async def _counted(client: Client, count: int) -> None:
    for number in range(count, count + MOST_TICKS):
        got = await client.next(f"TEXT '{number} ticks', at the end", section=_BOTH)
        if got == f"{number} ticks":
            return
        if got != f"tick {number}":
            due = f"{shown(f'tick {number}')} or {shown(f'{number} ticks')}"
            right = isinstance(got, str) and str(number) in got.split()
            hint = f"The number is right; the words should be '{number} ticks'." if right else _COUNT
            raise Finding("The count at the end is not the number of ticks.", got=shown(got), expected=due, hint=hint)
    raise _went_on(client, f"{MOST_TICKS} ticks")


def _went_on(client: Client, how_long: str) -> Finding:
    return Finding(
        f"It went on for {how_long} after the client had spoken.",
        sent=client.last,
        expected="the count, then the close",
        section=_BOTH,
        hint="Whatever the client says ends it: wait for one recv() beside the ticking.",
    )


async def _ticks(client: Client, count: int) -> None:
    client.last = client.last or "nothing yet"
    for number in range(count):
        hint = "Ticking must not wait for the client: let a separate task listen."
        got = await client.next(shown(f"tick {number}"), section=_BOTH, hint=hint)
        if got != f"tick {number}":
            raise Finding(
                "The ticks do not count from 0.", got=shown(got), expected=shown(f"tick {number}"), section=_BOTH
            )


def enough(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that ticks until the client says enough, then tells how often it ticked (lesson 00).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.
    """
    cases = [ticks_come_and_stop_when_told, each_client_says_when, a_client_that_leaves_without_a_word_is_let_go]
    return judged("enough", on_server(server), cases, seed)
