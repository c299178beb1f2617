"""Own the checks of lesson 03: servers and clients that echo."""

from __future__ import annotations

from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .subject import Served

__all__ = ["echo"]

_ECHO = "lesson 03, str or bytes?"


async def text_comes_back(bench: ServerBench) -> None:
    client = await bench.client()
    await client.says("Hello")
    await client.hears("Hello", section=_ECHO)


async def many_messages_come_back_in_order(bench: ServerBench) -> None:
    client = await bench.client()
    for _ in range(5):
        text = bench.text()
        await client.says(text)
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
