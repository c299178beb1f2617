"""Own the checks of lesson 03: servers that answer, each client by itself."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.exceptions import ConnectionClosed

from .client import Client
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["at_once", "echo", "shout"]

_ECHO = "lesson 03, str or bytes?"


async def text_comes_back(bench: ServerBench) -> None:
    client = await bench.client()
    await client.says("Hello")
    await client.hears("Hello", section=_ECHO)


async def many_messages_come_back_in_order(bench: ServerBench) -> None:
    client = await bench.client()
    texts = [bench.text() for _ in range(5)]
    for text in texts:
        await client.says(text)
    client.last = ", ".join(map(shown, texts))
    for text in texts:
        await client.hears(text, section=_ECHO)


async def bytes_come_back_as_bytes(bench: ServerBench) -> None:
    client = await bench.client()
    for data in (b"", bench.data(), bench.data(70_000)):
        await client.says(data)
        await client.hears(data, section=_ECHO)


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
_HANGS_UP = "lesson 03, What is a handler?"


async def capitals_come_back(bench: ServerBench) -> None:
    client = await bench.client()
    for text, answer in (("Hello", "HELLO"), ("straße 7", "STRASSE 7")):
        await client.says(text)
        await client.hears(answer, section=_ECHO, hint="`text.upper()` gives the capitals of a text.")


async def up_to_100_characters_are_answered(bench: ServerBench) -> None:
    for letter, hint in (
        ("a", "100 is allowed, more is not."),
        ("é", "Count the characters of the text, not the bytes that it takes on the wire."),
    ):
        client = await bench.client()
        await client.says(letter * MOST_CHARACTERS)
        try:
            await client.hears(letter.upper() * MOST_CHARACTERS)
        except Finding as finding:
            what = "letters" if letter == "a" else "letters outside ASCII"
            happened = f"A text of exactly 100 {what} was not answered in capitals."
            raise Finding(happened, sent=client.last, got=finding.got, expected="the capitals", hint=hint) from None


async def longer_texts_end_with_1009(bench: ServerBench) -> None:
    for size in (bench.random.randint(MOST_CHARACTERS + 2, 300), MOST_CHARACTERS + 1):
        what = f"A text of {size} characters" if size == MOST_CHARACTERS + 1 else "A text that is too long"
        await _refused(bench, "a" * size, 1009, what)


async def bytes_end_with_1003(bench: ServerBench) -> None:
    await _refused(bench, bench.data(), 1003, "A binary message")


async def _refused(bench: ServerBench, message: str | bytes, code: int, what: str) -> None:
    """Demand that a message closes its connection with this code, and nobody else's."""
    client, other = await bench.client(), await bench.client()
    await client.says(message)
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(1.5):
            answer = await client.websocket.recv()
        raise Finding(f"{what} was answered.", sent=client.last, got=shown(answer), expected=f"close code {code}")
    found, _ = await client.closed()
    if found != code:
        hint = "`await websocket.close(code)` says why. A handler that returns says 1000, one that raises 1011."
        raise Finding(
            f"{what} was refused with another close code.",
            sent=client.last,
            got=f"close code {found}" + (f": {bench.subject.failure}" if bench.subject.failure else ""),
            expected=f"close code {code}",
            section="RFC 6455, 7.4.1",
            hint=hint,
        )
    text = bench.text()
    await other.says(text)
    await other.hears(text.upper(), section=_HANGS_UP)


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
    await client.says("7")
    await client.hears("49", section=_ECHO, hint='What arrives is a text: `int("7")` is 7, `str(49)` is "49".')


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
            got=f"the pongs after the square; the loop stood at {bench.watch.stood_at}",
            expected="the pongs first",
            section="lesson 03, What stops everybody?",
            hint="`slow_square` cannot be made quicker, but it can be called in another thread.",
        )


async def _pongs(client: Client) -> None:
    """Ask whether the loop turns, several times: one ping can be answered before the handler gets its turn."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(3):
            await (await client.websocket.ping())


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
