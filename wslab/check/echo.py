"""Own the checks of lesson 03: servers that answer, each client by itself."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.exceptions import ConnectionClosed

from .client import REPLY_S, Client
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["at_once", "echo", "shout"]

_ECHO = "lesson 03, str or bytes?"
_HANGS_UP = "lesson 03, What is a handler?"


async def text_comes_back(bench: ServerBench) -> None:
    client = await bench.client()
    for text in ("Hello", " two  blanks \n", ""):
        await client.says(text)
        await client.hears(text, section=_ECHO, unanswered=_HANGS_UP)


async def many_messages_come_back_in_order(bench: ServerBench) -> None:
    client = await bench.client()
    texts = [bench.text() for _ in range(5)]
    for text in texts:
        await client.says(text)
    client.last = ", ".join(map(shown, texts))
    for text in texts:
        await client.hears(text, section=_ECHO, unanswered=_HANGS_UP)


async def bytes_come_back_as_bytes(bench: ServerBench) -> None:
    client = await bench.client()
    for data in (bench.data(), b"", bench.data(70_000)):
        await client.says(data)
        await client.hears(data, section=_ECHO, unanswered=_HANGS_UP)


async def once_and_to_the_sender_only(bench: ServerBench) -> None:
    one, other = await bench.client(), await bench.client()
    text = bench.text()
    await one.says(text)
    await one.hears(text)
    await other.hears_no_more(hint="An echo goes to the connection that it came from.")
    await one.hears_no_more(hint="One message in, one message out.")


def echo(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that says back each message as what it was, text or binary (lesson 03).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.echo(handler)
    """
    cases = [
        text_comes_back,
        many_messages_come_back_in_order,
        bytes_come_back_as_bytes,
        once_and_to_the_sender_only,
    ]
    return judged("echo", on_server(server), cases, seed)


MOST_CHARACTERS = 100
_CODE_SAYS_WHY = "`await websocket.close(code)` says why. A handler that returns says 1000, one that raises says 1011."


async def capitals_come_back(bench: ServerBench) -> None:
    client = await bench.client()
    for text, answer in (("Hello", "HELLO"), ("straße 7", "STRASSE 7")):
        await client.says(text)
        await client.hears(answer, section=_ECHO, unanswered=_HANGS_UP, hint="`text.upper()` gives a text in capitals.")


async def up_to_100_characters_are_answered(bench: ServerBench) -> None:
    for letter, what, hint in (
        ("a", "letters", "100 is allowed, more is not."),
        (
            "é",
            "letters outside ASCII",
            "Count the characters of the text, not the bytes that it takes on the wire.",
        ),
        ("ß", "ß", "Count what came in: the capitals of ß are two letters."),
    ):
        client = await bench.client()
        await client.says(letter * MOST_CHARACTERS)
        try:
            await client.hears(letter.upper() * MOST_CHARACTERS)
        except Finding as finding:
            happened = f"A text of exactly 100 {what} was not answered in capitals."
            raise Finding(happened, sent=client.last, got=finding.got, expected="the capitals", hint=hint) from None


async def longer_texts_end_with_1009(bench: ServerBench) -> None:
    for size in (bench.random.randint(MOST_CHARACTERS + 2, 300), MOST_CHARACTERS + 1):
        what = f"A text of {size} characters" if size == MOST_CHARACTERS + 1 else "A text that is too long"
        await _refused(bench, "a" * size, 1009, what, _CODE_SAYS_WHY)


async def bytes_end_with_1003(bench: ServerBench) -> None:
    await _refused(bench, bench.data(), 1003, "A binary message", _CODE_SAYS_WHY)
    of_any_size = "Bytes are refused because they are bytes, however many: check the type before the length."
    await _refused(bench, bench.data(MOST_CHARACTERS + 1), 1003, "A long binary message", of_any_size)


async def _refused(bench: ServerBench, message: str | bytes, code: int, what: str, hint: str) -> None:
    """Demand that a message closes its connection with this code, and nobody else's."""
    client, other = await bench.client(), await bench.client()
    await client.says(message)
    facts = {"sent": client.last, "expected": f"close code {code}", "section": "RFC 6455, 7.4.1"}
    found = await _code_of_refusal(bench, client, what, facts)
    if found != code:
        await bench.subject.calls_end(but=1)  # a connection can end before its handler has told why
        hint = "No close frame left your server. The code is a number: `1009`, not text." if found == 1006 else hint
        got = f"close code {found}" + (f": {bench.subject.failure}" if bench.subject.failure else "")
        raise Finding(f"{what} was refused with the wrong close code.", **facts, got=got, hint=hint)
    text = bench.text()
    await other.says(text)
    answer = await other.next(shown(text.upper()), section=_HANGS_UP) if not await _is_closed(other) else None
    if answer != text.upper():
        raise Finding(
            f"{client.title} was refused, and {other.name} was no longer served.",
            sent=f"{client.last} from {client.name}, {other.last} from {other.name}",
            got=shown(answer) if answer is not None else f"close code {other.websocket.close_code} at {other.name}",
            expected=f"{shown(text.upper())} at {other.name}",
            section=_HANGS_UP,
            hint="Each call of the handler has a connection of its own, and closes no other.",
        )


async def _code_of_refusal(bench: ServerBench, client: Client, what: str, facts: dict[str, str]) -> int:
    """Give the code with which a message was refused; that it was answered, or neither, is a finding."""
    try:
        async with asyncio.timeout(REPLY_S):
            answer = await client.websocket.recv()
    except ConnectionClosed:
        return (await client.closed())[0]
    except TimeoutError:
        got = "nothing" + (f"; {bench.subject.where_calls_wait}" if bench.subject.where_calls_wait else "")
        hint = "Leaving it unanswered is not enough: `await websocket.close(code)` ends the connection."
        raise Finding(f"{what} was neither answered nor refused.", **facts, got=got, hint=hint) from None
    hint = "The code belongs in a close frame, `await websocket.close(code)`, and no answer goes out before it."
    raise Finding(f"{what} was answered.", **facts, got=shown(answer), hint=hint)


async def _is_closed(client: Client) -> bool:
    """Whether the server has closed the connection; whatever it sent before a pong has come when the pong has."""
    with contextlib.suppress(ConnectionClosed):
        await (await client.websocket.ping())
    return client.websocket.close_code is not None


def shout(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that answers texts of at most 100 characters in capitals (lesson 03).

    A longer text it closes with 1009, a binary message with 1003.

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.
    """
    cases = [
        capitals_come_back,
        up_to_100_characters_are_answered,
        longer_texts_end_with_1009,
        bytes_end_with_1003,
    ]
    return judged("shout", on_server(server), cases, seed)


async def the_square_comes_back(bench: ServerBench) -> None:
    client = await bench.client()
    for number, square in (("7", "49"), ("12", "144")):
        await client.says(number)
        await client.hears(
            square,
            section=_ECHO,
            unanswered=_HANGS_UP,
            hint='What arrives is text: `int("7")` is 7, `str(49)` is "49".',
        )


async def others_are_served_meanwhile(bench: ServerBench) -> None:
    slow, quick = await bench.client(), await bench.client()
    number = bench.random.randint(10, 99)
    await slow.says(str(number))
    answer, pongs = asyncio.create_task(slow.hears(str(number**2))), asyncio.create_task(_pongs(quick))
    try:
        await asyncio.wait({answer, pongs}, return_when=asyncio.FIRST_COMPLETED)
        late = not pongs.done()
        await answer
    finally:
        pongs.cancel()
    if late and bench.watch.stood_at:
        raise Finding(
            "Nobody else was served while one square was worked out.",
            sent=f"{slow.last} from client 1, pings from client 2",
            got=f"the pongs after the square; the loop was stuck at {bench.watch.stood_at}",
            expected="the pongs first",
            section="lesson 03, What stops everybody?",
            hint="`slow_square` cannot be made quicker, but it can be called in another thread, and awaited. "
            "A plain join() or result() makes the whole loop wait.",
        )


async def _pongs(client: Client) -> None:
    """Ask whether the loop turns, several times: one ping can be answered before the handler gets its turn."""
    with contextlib.suppress(ConnectionClosed):
        for number in range(1, 4):
            await (await client.websocket.ping(f"awake? {number}"))


async def every_client_gets_its_own(bench: ServerBench) -> None:
    clients = [await bench.client() for _ in range(3)]
    numbers = bench.random.sample(range(100, 1000), 3)
    for client, number in zip(clients, numbers, strict=True):
        await client.says(str(number))
    for client, number in zip(clients, numbers, strict=True):
        await client.hears(str(number**2), hint="Is there a variable that two calls of the handler share?")


def at_once(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a server that squares numbers by a slow, blocking function, and serves others meanwhile (lesson 03).

    Args:
        server: A handler, a running server, or the URL of one; only of a handler can be told that it blocks.
        seed: Draws the same random inputs again.
    """
    cases = [the_square_comes_back, others_are_served_meanwhile, every_client_gets_its_own]
    return judged("at_once", on_server(server), cases, seed)
