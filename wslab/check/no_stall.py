"""Own the check of lesson 04 that one slow reader costs the others nothing, and the server little."""

from __future__ import annotations

import asyncio

from websockets.exceptions import ConnectionClosed

from .broadcast import everyone_hears_everything_in_order, whoever_speaks_hears_it_too
from .client import REPLY_S, Client, Message
from .judge import LIMIT_S, Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import Served

__all__ = ["PICTURE_BYTES", "QUESTION", "hears_in_rounds", "hears_though", "no_stall", "pictures", "rest_of"]

_STALL = "lesson 04, What does one slow reader do to the others?"
_LIMIT = "lesson 04, Who decides about the slow reader?"
_LIMIT_BYTES = 2**20
PICTURE_BYTES = 64 * 2**10
_BURST = 6  # 384 KiB, far below the limit of 1 MiB
_PICTURES = 96  # 6 MiB, far above it, and above what a hub adds to it where readers lag
_MOST_KEPT = 40  # 2.5 MiB: the limit, as many messages in a queue, and what the operating system keeps
_BYTES_AT_URL = 3 * PICTURE_BYTES  # the operating system keeps up to 4 MiB where no handler of ours tells it not to
_ROUNDS = 20
_ROUND_S = 0.05
QUESTION = "Was that all?"
_RETURNED = "A handler that returns hangs up on its own client. It is another client that is slow."
_PATIENCE = "At most 384 KiB were waiting for it. Only a client that lets 1 MiB wait is slow."


async def a_burst_is_not_slowness(bench: ServerBench) -> None:
    speaker, listener = await bench.direct_client(), await bench.narrow_client()
    burst = pictures(bench, _BURST)
    for picture in burst:
        await speaker.says(picture)
    for client in (speaker, listener):
        for number, picture in enumerate(burst, 1):
            await hears_though(client, picture, number)


async def a_client_that_does_not_read_costs_the_others_nothing(bench: ServerBench) -> None:
    slow = await bench.narrow_client()
    speaker, listener = await bench.direct_client(), await bench.direct_client()
    slow.stalls()
    size_bytes = PICTURE_BYTES if bench.subject.is_ours else _BYTES_AT_URL
    said = pictures(bench, _PICTURES, size_bytes)
    most_bytes = 0
    for number, picture in enumerate(said, 1):
        await speaker.says(picture)
        for client in (speaker, listener):
            await _hears_at_once(bench, client, picture, number)
        most_bytes = max(most_bytes, bench.subject.waiting_bytes)
    kept = [message for message in await rest_of(slow, speaker) if message in said]
    if len(kept) > _MOST_KEPT:
        raise Finding(
            f"{'Everything' if len(kept) == len(said) else 'Too much'} was kept for {slow.name}, which read nothing.",
            sent=f"{_PICTURES} messages, {_PICTURES * size_bytes >> 20} MiB in all",
            got=f"{slow.title} woke up, and {len(kept)} of {len(said)} had been waiting for it.",
            expected="not much more than 1 MiB; then it is closed, or misses messages",
            section=_LIMIT,
            hint="What tells you how much waits for a client, or what has a fixed number of places? How many "
            "messages of 64 KiB fit into 1 MiB, and what happens when it is full?",
        )
    if most_bytes > _LIMIT_BYTES + 2 * PICTURE_BYTES:
        raise Finding(
            f"More than 1 MiB waited for {slow.name}, before it was cut off or missed messages.",
            sent=f"{_PICTURES} messages, {_PICTURES * size_bytes >> 20} MiB in all",
            got=f"up to {most_bytes >> 10} KiB in the write buffer of {slow.name}",
            expected="at most 1 MiB, which is 1024 KiB, and perhaps the message that was one too many",
            section=_LIMIT,
            hint="`LIMIT_BYTES` is 1 MiB. Check after each message, whoever sent it.",
        )


async def hears_though(
    client: Client,
    picture: Message,
    number: int,
    within_s: float = REPLY_S,
    *,
    section: str = _LIMIT,
    hint: str = "",
) -> None:
    """Demand the next picture, whose number stands in its last two bytes; that it was cut off is a finding too."""
    returned, hint = hint or _RETURNED, hint or _PATIENCE
    facts = {"sent": f"message {number}, of {len(picture) >> 10} KiB", "section": section}
    expected = f"message {number} at {client.name}"
    try:
        got = await client.next(expected, within_s=within_s)
    except Finding as finding:
        code = client.websocket.close_code
        if code is None:
            missed = f"{client.title} reads, and missed a message."
            got_instead = f"nothing within {within_s:g} s" + (f"; {finding.got}" if finding.got else "")
            raise Finding(missed, **facts, got=got_instead, expected=expected, hint=hint) from None
        if code == 1011:
            raise Finding(finding.happened, **facts, got=finding.got, expected=expected, hint=finding.hint) from None
        if code == 1000:
            hint = returned
        end = "the end of the connection, without a close frame" if code == 1006 else f"close code {code}"
        raise Finding(
            f"{client.title} reads, and was cut off.", **facts, got=end, expected=expected, hint=hint
        ) from None
    if got != picture:
        raise Finding(
            f"{client.title} reads, and missed a message.", **facts, got=_named(got), expected=expected, hint=hint
        )


def _named(message: Message) -> str:
    if isinstance(message, bytes) and len(message) >= PICTURE_BYTES:
        return f"message {int.from_bytes(message[-2:], 'big') + 1}"
    return shown(message)


async def hears_in_rounds(
    bench: ServerBench, client: Client, picture: Message, number: int, *, section: str = _LIMIT, hint: str = ""
) -> bool:
    """Demand a message if it comes soon, and tell whether anything came.

    Rounds of the loop are counted, so that a slow machine has more time.
    """
    hearing = asyncio.create_task(hears_though(client, picture, number, LIMIT_S, section=section, hint=hint))
    rounds = 0
    # A server at a URL is another process, which gets its share of the machine when it gets it.
    while not hearing.done() and rounds < (_ROUNDS if bench.subject.is_ours else 3 * _ROUNDS):
        await asyncio.wait({hearing}, timeout=_ROUND_S)
        rounds += 1
    if hearing.done():
        await hearing
        return True
    hearing.cancel()
    await asyncio.wait({hearing})
    return False


async def _hears_at_once(bench: ServerBench, client: Client, picture: Message, number: int) -> None:
    if await hears_in_rounds(bench, client, picture, number):
        return
    raise Finding(
        "One client does not read, and the others hear nothing more.",
        sent=f"message {number}, of {len(picture) >> 10} KiB",
        got=bench.subject.where_calls_wait or f"nothing at {client.name}",
        expected=f"the message at {client.name} at once, whatever client 1 does",
        section=_STALL,
        hint="When its buffers are full, send() and close() wait for the one that does not read. Who else has to wait?",
    )


async def rest_of(slow: Client, speaker: Client) -> list[Message]:
    """Let the slow client read on; give all that it gets until it is closed, or hears what is said only now."""
    slow.wakes()
    heard: list[Message] = []
    asked = 0
    while QUESTION not in heard and asked < _ROUNDS:
        try:
            async with asyncio.timeout(_ROUND_S):
                heard.append(await slow.websocket.recv())
        except TimeoutError:
            await speaker.says(QUESTION)
            asked += 1
        except ConnectionClosed:
            break
    return heard


def pictures(bench: ServerBench, count: int, size_bytes: int = PICTURE_BYTES) -> list[Message]:
    """Draw pictures of one size; the number of each stands in its last two bytes."""
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
        whoever_speaks_hears_it_too,
        everyone_hears_everything_in_order,
        a_burst_is_not_slowness,
        a_client_that_does_not_read_costs_the_others_nothing,
    ]
    return judged("no_stall", on_server(server), cases, seed)
