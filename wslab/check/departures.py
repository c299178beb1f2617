"""Own departures: the ways in which a client goes, that the server has noticed it, and that nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Literal

from websockets.exceptions import ConnectionClosed

from .client import Client, Message
from .on_server import ServerBench
from .report import Finding
from .subject import Subject
from .watch import error_line

__all__ = ["WAYS", "Way", "departs", "departure_is_survived", "nothing_is_kept"]

LEAVING = "lesson 04, Who is everyone?"
_UNMASKED = bytes.fromhex("8100")  # an empty TEXT frame, which the server has to answer with 1002

Way = Literal["closed with 1000", "closed with 4001", "vanished", "sent a frame without a mask"]
WAYS: tuple[Way, ...] = "closed with 1000", "closed with 4001", "vanished", "sent a frame without a mask"


async def departs(bench: ServerBench, client: Client, way: Way) -> list[Message]:
    """Let a client go, wait until a handler's call for it has ended, give the messages that it had not read."""
    others = len(bench.subject.calls) - 1
    unread: list[Message] = []
    if way == "vanished":
        client.vanishes()
    elif way == "sent a frame without a mask":
        client.websocket.transport.write(_UNMASKED)
        await client.closed()
    else:
        unread = await client.leave(int(way.split()[-1]))
    await bench.subject.calls_end(but=max(others, 0))
    return unread


@contextmanager
def departure_is_survived(bench: ServerBench) -> Iterator[None]:
    """Explain a finding by a message to somebody who had left, or by a set that changed, if it came from that."""
    try:
        yield
    except Finding as finding:
        raise _explained(finding, bench.subject) or finding from None


def _explained(finding: Finding, subject: Subject) -> Finding | None:
    changed = [error for error in subject.errors if isinstance(error, RuntimeError) and "changed size" in str(error)]
    failed = [error for error in subject.errors if isinstance(error, ConnectionClosed) and _in_send(error)]
    if changed:
        return Finding(
            "Somebody came or left while your loop waited, and that broke the loop.",
            sent=finding.sent,
            got=f"{type(changed[0]).__name__}: {changed[0]}, at {error_line(changed[0])}",
            expected=finding.expected,
            section="lesson 04, What does one slow reader do to the others?",
            hint="An await inside the loop lets others run. Loop over a copy, or leave the loop to broadcast().",
        )
    if failed:
        return Finding(
            "A message to somebody who had left ended somebody else's handler.",
            sent=finding.sent,
            got=f"{type(failed[0]).__name__}, at {error_line(failed[0])}",
            expected=finding.expected,
            section=LEAVING,
            hint="Whoever enters has to leave, in `finally`. And a send() to one that is gone must not end the loop.",
        )
    return None


def _in_send(error: BaseException) -> bool:
    return any(frame.f_code.co_name == "send" for frame, _ in walk_tb(error.__traceback__))


async def nothing_is_kept(bench: ServerBench, ways: dict[int, Way]) -> None:
    """Demand that nothing holds a connection any more; all calls of the handler must have ended.

    Args:
        bench: That of a handler; a server at a URL does not tell.
        ways: How they went, by their place among all connections of the check.
    """
    held = await bench.subject.held()
    if not held:
        return
    told = [f"one that {ways[number]}" for number in held if number in ways]
    raise Finding(
        "Your code keeps connections that have ended.",
        got=f"still held: {', '.join(told) or 'one of an earlier case'}",
        expected="nothing held but open connections, or the server's memory fills up day by day",
        section=LEAVING,
        hint="Is the line that takes out whoever leaves in `finally`? It has to run however the handler ends. "
        "Or does something else hold a connection: a second list, a message with its sender, a task?",
    )
