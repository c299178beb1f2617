"""Own the check of lesson 06 that nobody waits for a slow reader, and that the room lets him go when he is too slow."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from websockets.exceptions import ConnectionClosed

from .client import Client, Message
from .judge import Verdict, judged
from .no_stall import PICTURE_BYTES, QUESTION, hears_in_rounds, hears_though, pictures, rest_of
from .on_actors import SLOW, on_actors
from .on_server import ServerBench
from .one_room import (
    ROOM,
    counted,
    everyone_hears_everything_in_order,
    only_the_asker_is_told_the_count,
    whoever_speaks_hears_it_too,
)
from .report import Finding
from .subject import Served
from .waiting import where_it_waits

__all__ = ["full_mailbox"]

_BURST = 8  # while the listener takes nothing: most of it waits, and has room in a mailbox of 16


class _Load(NamedTuple):
    """What is said while one does not read, and how much of it may be kept for that one."""

    messages: int
    size_bytes: int
    most_kept: int


_OURS = _Load(64, PICTURE_BYTES, 40)  # 16 in a mailbox, and what the buffers below it hold
# The operating system keeps up to 4 MiB where no handler of ours tells it not to; and other mailboxes have more places.
_AT_URL = _Load(160, 4 * PICTURE_BYTES, 120)
_NO_WAITING = (
    "`await member.send(...)` waits until a member has handled it, and a Chatter handles nothing while its client "
    "takes nothing. `member.do_send(...)` waits for nobody."
)
_LET_GO = (
    "`do_send` raises MailboxFullError when a mailbox has no place left: that is the moment to stop this member, "
    "`member.stop()`, and to take it out of the set."
)
_PATIENCE = (
    "Only a member that lets 16 messages wait is too slow: a mailbox holds that many by default. Then stop it, "
    "and no other."
)
_PAUSE = (
    f"Client 2 took nothing while {_BURST} messages came. Only a member that lets 16 wait, as many as a mailbox holds "
    "by default, is too slow. Then stop it, and no other."
)
_GO_ON = (
    "Nobody waits, so the message got lost on its way. `do_send` raises MailboxFullError: catch it for this member "
    "alone, inside the loop, and go on with the next."
)


async def a_burst_is_not_slowness(bench: ServerBench) -> None:
    speaker, listener = await bench.direct_client(), await bench.narrow_client()
    burst = pictures(bench, _BURST)
    listener.stalls()
    for picture in burst:
        await speaker.says(picture)
    for number, picture in enumerate(burst, 1):
        if not await hears_in_rounds(bench, speaker, picture, number, section=SLOW, hint=_PAUSE):
            listener.wakes()  # the room waits for it: that is for another case
            await hears_though(speaker, picture, number, section=SLOW, hint=_PAUSE)
    listener.wakes()
    for number, picture in enumerate(burst, 1):
        await hears_though(listener, picture, number, section=SLOW, hint=_PAUSE)


async def a_client_that_does_not_read_is_let_go(bench: ServerBench) -> None:
    slow, speaker, listener = await _who_are_in(bench)
    slow.stalls()
    load = _OURS if bench.subject.is_ours else _AT_URL
    said = pictures(bench, load.messages, load.size_bytes)
    for number, picture in enumerate(said, 1):
        await speaker.says(picture)
        for client in (speaker, listener):
            await _hears_at_once(bench, client, picture, number)
    there = await _finding_of_count(bench, speaker) if bench.subject.is_ours else None
    rest = await rest_of(slow, speaker)
    kept = [message for message in rest if message in said]
    if len(kept) > load.most_kept:
        raise Finding(
            f"Nearly everything was kept for {slow.name}, which read nothing.",
            sent=f"{load.messages} messages, {load.messages * load.size_bytes >> 20} MiB in all",
            got=f"{slow.title} woke up, and {len(kept)} of {len(said)} had been waiting for it.",
            expected="16 in its mailbox, and what was on its way; then it is let go",
            section=SLOW,
            hint="What holds the rest? `mailbox_capacity` is 16 by default; a task for each message sets no bound.",
        )
    if QUESTION in rest:
        there = there or _still_there(f"{slow.title} woke up, had missed messages, and hears what is said now.")
    if there is not None:
        raise there
    await _is_gone(slow)


async def _who_are_in(bench: ServerBench) -> list[Client]:
    """Connect one that is about to be slow and two more; each has been heard, so the server knows of all."""
    clients: list[Client] = []
    for connect in (bench.narrow_client, bench.direct_client, bench.direct_client):
        clients.append(await connect())
        await clients[-1].says("here")
        for each in clients:
            await each.next("TEXT 'here'", section=SLOW, hint=ROOM.others_hint)
    return clients


async def _hears_at_once(bench: ServerBench, client: Client, picture: Message, number: int) -> None:
    if await hears_in_rounds(bench, client, picture, number, section=SLOW, hint=_PATIENCE):
        return
    waiting = where_it_waits(bench.subject)
    if bench.subject.is_ours and not waiting:
        raise Finding(
            f"{client.title} reads, and missed a message because another client does not read.",
            sent=f"message {number}, of {len(picture) >> 10} KiB",
            got=f"nothing at {client.name}",
            expected=f"the message at {client.name}, whatever client 1 does",
            section=SLOW,
            hint=_GO_ON,
        )
    raise Finding(
        "One client does not read, and the room waits for it.",
        sent=f"message {number}, of {len(picture) >> 10} KiB",
        got=waiting or f"nothing at {client.name}",
        expected=f"the message at {client.name} at once, whatever client 1 does",
        section=SLOW,
        hint=_NO_WAITING,
    )


async def _finding_of_count(bench: ServerBench, asker: Client) -> Finding | None:
    """Ask the room for its size while one of three has read nothing for long; give a finding if it is there still."""
    try:
        await counted(bench, asker, 2)
    except Finding as finding:
        return _still_there(f"{finding.got}, the answer to count, though only 2 of them read")
    return None


def _still_there(got: str) -> Finding:
    return Finding(
        "A member whose mailbox is full is still in the room.",
        got=got,
        expected="a room without it, and the end of its connection",
        section=SLOW,
        hint=_LET_GO,
    )


async def _is_gone(slow: Client) -> None:
    """Demand that who was let go is told so by the end of its connection."""
    try:
        async with asyncio.timeout(1):
            while True:
                await slow.websocket.recv()
    except ConnectionClosed:
        return
    except TimeoutError:
        raise Finding(
            f"{slow.title} was let go, is still connected, and hears nothing more.",
            got="an open connection",
            expected="the end of its connection, so that it can come back",
            section=SLOW,
            hint="Taking a member out of the set is half of it. `member.stop()` ends it, and with it its connection.",
        ) from None


def full_mailbox(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a chat that waits for no slow reader, keeps little for one, and lets it go in the end (lesson 06).

    Args:
        server: A handler, a running server, or the URL of one in any language and style.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.full_mailbox(actors.handler(Chatter, room))
    """
    cases = [
        whoever_speaks_hears_it_too,
        everyone_hears_everything_in_order,
        only_the_asker_is_told_the_count,
        a_burst_is_not_slowness,
        a_client_that_does_not_read_is_let_go,
    ]
    return judged("full_mailbox", on_actors(server), cases, seed)
