"""Own the check of lesson 04 that one slow reader costs the others nothing, and the server little."""

from __future__ import annotations

import asyncio

from websockets.exceptions import ConnectionClosed

from .broadcast import everyone_hears_everything_in_order, who_speaks_hears_it_too
from .client import REPLY_S, Client, Message
from .judge import LIMIT_S, Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding
from .subject import Served

__all__ = ["no_stall"]

_STALL = "lesson 04, What does one slow reader do to the others?"
_LIMIT = "lesson 04, Who decides about the slow reader?"
_PICTURE_BYTES = 64 * 2**10
_BURST = 6  # 384 KiB, far below the limit of 1 MiB
_PICTURES = 64  # 4 MiB, far above it
_BYTES_AT_URL = 4 * _PICTURE_BYTES  # the operating system keeps up to 4 MiB where no handler of ours tells it not to
_ROUNDS = 20
_ROUND_S = 0.05
_QUESTION = "Was that all?"


async def a_burst_is_no_slowness(bench: ServerBench) -> None:
    speaker, listener = await bench.direct_client(), await bench.narrow_client()
    pictures = _pictures(bench, _BURST)
    for picture in pictures:
        await speaker.says(picture)
    for client in (speaker, listener):
        for picture in pictures:
            await _hears_though(client, picture)


async def one_who_does_not_read_costs_the_others_nothing(bench: ServerBench) -> None:
    slow = await bench.narrow_client()
    speaker, listener = await bench.direct_client(), await bench.direct_client()
    slow.stalls()
    size_bytes = _PICTURE_BYTES if bench.subject.is_ours else _BYTES_AT_URL
    pictures = _pictures(bench, _PICTURES, size_bytes)
    for number, picture in enumerate(pictures, 1):
        await speaker.says(picture)
        for client in (speaker, listener):
            await _hears_at_once(bench, client, picture, number)
    kept = [message for message in await _rest_of(slow, speaker) if message in pictures]
    if len(kept) > len(pictures) // 2:
        raise Finding(
            f"All was kept for {slow.name}, which read nothing.",
            sent=f"{_PICTURES} messages, {_PICTURES * size_bytes >> 20} MiB in all",
            got=f"{slow.title} woke up, and {len(kept)} of {len(pictures)} had been waiting for it.",
            expected="not much more than 1 MiB; then it is closed, or misses messages",
            section=_LIMIT,
            hint="What tells how much waits for a client, or what has only so many places? And when it is full?",
        )


async def _hears_though(client: Client, picture: Message, within_s: float = REPLY_S) -> None:
    what = f"{client.title} reads, and missed a message."
    hint = "It had 384 KiB before it at the most. Only who lets 1 MiB wait is slow."
    try:
        await client.hears(picture, otherwise=what, section=_LIMIT, hint=hint, within_s=within_s)
    except Finding:
        if (code := client.websocket.close_code) is None:
            raise
        got = "the end of the connection, without a close frame" if code == 1006 else f"close code {code}"
        cut = f"{client.title} reads, and was cut off."
        raise Finding(cut, sent=client.last, got=got, section=_LIMIT, hint=hint) from None


async def _hears_at_once(bench: ServerBench, client: Client, picture: Message, number: int) -> None:
    """Demand a message without waiting long: rounds of the loop are counted, so that a slow machine has more time."""
    hearing = asyncio.create_task(_hears_though(client, picture, LIMIT_S))
    rounds = 0
    # A server at a URL is another process, which gets its share of the machine when it gets it.
    while not hearing.done() and rounds < (_ROUNDS if bench.subject.is_ours else 3 * _ROUNDS):
        await asyncio.wait({hearing}, timeout=_ROUND_S)
        rounds += 1
    if hearing.done():
        return await hearing
    hearing.cancel()
    await asyncio.wait({hearing})
    raise Finding(
        "One client does not read, and the others hear nothing more.",
        sent=f"message {number}, of {len(picture) >> 10} KiB",
        got=bench.subject.where_calls_wait or f"nothing at {client.name}",
        expected=f"the message at {client.name} at once, whatever client 1 does",
        section=_STALL,
        hint="When its buffers are full, send() waits for the one that does not read. Who has to wait with it?",
    )


async def _rest_of(slow: Client, speaker: Client) -> list[Message]:
    """Let the slow client read on; give all that it gets until it is closed, or hears what is said only now."""
    slow.wakes()
    heard: list[Message] = []
    asked = 0
    while _QUESTION not in heard and asked < _ROUNDS:
        try:
            async with asyncio.timeout(_ROUND_S):
                heard.append(await slow.websocket.recv())
        except TimeoutError:
            await speaker.says(_QUESTION)
            asked += 1
        except ConnectionClosed:
            break
    return heard


def _pictures(bench: ServerBench, count: int, size_bytes: int = _PICTURE_BYTES) -> list[Message]:
    data = bench.data(size_bytes - 2)
    return [data + number.to_bytes(2, "big") for number in range(count)]


def no_stall(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a broadcast that one slow reader cannot stall, and that keeps about 1 MiB for it at the most (lesson 04).

    Args:
        server: A handler, a running server, or the URL of one in any language.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.no_stall(chat)
    """
    cases = [
        who_speaks_hears_it_too,
        everyone_hears_everything_in_order,
        a_burst_is_no_slowness,
        one_who_does_not_read_costs_the_others_nothing,
    ]
    return judged("no_stall", on_server(server), cases, seed)
