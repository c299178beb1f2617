"""Own the check of what a handler leaves behind, in every way in which a guest leaves (lesson 05)."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Container, Sized
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection

from ..errors import CheckError
from ..listener import Handler
from .client import Client
from .judge import Verdict, judged
from .on_server import ServerBench, on_server
from .report import Finding, shown
from .subject import END_S
from .watch import is_readers, waits_at

__all__ = ["clean_up"]

_CLEAN = "lesson 05, Is the guest list right again?"
_BESIDE = (
    "`asyncio.create_task(beat(websocket))` before the loop runs it beside the loop; an `await` would wait for its end."
)
_GUESTS = 5
_THIS_ONE = "Take out this connection and no other: `present.discard(websocket)`."
_WAITS_FOR = "What does it still wait for? A TaskGroup waits for its tasks; a beat ends when it is cancelled."


@dataclass
class _Guest:
    """One guest, and what the handler holds for it: its call, its tasks, its connection.

    Attributes:
        before: How many are present beside it.
        is_cancelled: Whether it is the check that cancelled its call.
    """

    client: Client
    call: asyncio.Task[Any]
    tasks: set[asyncio.Task[Any]]
    before: int
    connection: weakref.ref[ServerConnection]
    is_cancelled: bool = False


class _Leaving:
    """Every way in which a guest leaves, against a handler that notes who is present.

    Args:
        present: Where the handler notes it.
    """

    def __init__(self, present: Sized) -> None:
        self.present = present

    async def present_until_1000(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        await guest.client.leave()
        await self._gone(bench, guest, "The guest said goodbye with 1000")

    async def whoever_stays_is_still_present(self, bench: ServerBench) -> None:
        stays, leaves = await self._guest(bench), await self._guest(bench)
        await leaves.client.leave()
        await self._gone(bench, leaves, "One of two guests left")
        await stays.client.says("5")
        await stays.client.hears("10", section=_CLEAN, hint="The guest who stayed still has to be answered.")

    async def each_guest_leaves_without_the_others(self, bench: ServerBench) -> None:
        guests = [await self._guest(bench) for _ in range(_GUESTS)]
        nobody, way = guests[0].before, "The first of several guests left"
        while len(guests) > 1:
            leaver, *guests = guests
            leaver.before = nobody + len(guests)
            await leaver.client.leave()
            found = None
            try:
                await self._gone(bench, leaver, way)
            except Finding as finding:
                found = finding
            self._stay(guests, way)  # tells more, if the handler took another one's things for its own
            if found is not None:
                raise found

    def _stay(self, guests: list[_Guest], way: str) -> None:
        """Demand that those who stay are still in present, each with its heartbeat."""
        facts = {"expected": "the others as they were", "section": _CLEAN}
        for guest in guests:
            if any(task.done() for task in guest.tasks):
                what = f"{way}, and the heartbeat of another guest stopped."
                hint = "Is the task kept in a variable that all calls of the handler share? Each call needs its own."
                raise Finding(what, **facts, got=f"no heartbeat for {guest.client.name}", hint=hint)
            if isinstance(self.present, Container) and guest.connection() not in self.present:
                what = f"{way}, and another guest is no longer in present."
                raise Finding(what, **facts, got=f"{guest.client.name} is not in present", hint=_THIS_ONE)

    async def gone_after_1001(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        await guest.client.leave(1001)
        await self._gone(bench, guest, "The guest left with 1001")

    async def gone_after_a_code_of_its_own(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        code = bench.random.randint(4000, 4999)
        await guest.client.leave(code)
        await self._gone(bench, guest, f"The guest left with {code}")

    async def gone_without_a_close_frame(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        guest.client.websocket.transport.abort()
        await self._gone(bench, guest, "The guest hung up without a close frame (FIN)")

    async def gone_after_a_reset(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        guest.client.vanishes()
        await self._gone(bench, guest, "The guest was cut off (RST)")

    async def gone_after_an_error_in_the_handler(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        await guest.client.says("four")
        ends = "The loop stays as it is: the error ends the call, and the clean-up runs on the way out."
        await self._gone(bench, guest, 'The guest sent "four", at which int() raises', still_runs=ends)

    async def gone_when_the_call_is_cancelled(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        guest.is_cancelled = guest.call.cancel()
        await self._gone(bench, guest, "The guest was in a call that was cancelled, as when a program ends")

    async def gone_when_the_server_closes(self, bench: ServerBench) -> None:
        guest = await self._guest(bench)
        if bench.subject.server is not None:
            bench.subject.server.close()
        await self._gone(bench, guest, "The guest was closed with 1001 when the server closed")

    async def _guest(self, bench: ServerBench) -> _Guest:
        """Let a guest come, and see that it is present, has its heartbeat, and is answered."""
        bench.subject.errors.clear()
        bench.subject.cancelled_at = ""
        tasks, calls, before = asyncio.all_tasks(), set(bench.subject.calls), len(self.present)
        client = await bench.client()
        await _served(client)
        if len(self.present) != before + 1:
            raise Finding(
                "A guest came, was answered, and is not in present.",
                got=f"len(present) is {len(self.present)}, and was {before}",
                expected="one more",
                section=_CLEAN,
                hint="Add the connection to the `present` that the check is given, before the loop begins.",
            )
        call = next(iter(bench.subject.calls - calls), None)
        if call is None:
            raise Finding("A guest is there, and the call of your handler has ended.", expected="a call that goes on")
        begun = {task for task in asyncio.all_tasks() - tasks - {call} if _is_readers(task)}
        return _Guest(client, call, begun, before, bench.subject.connections[-1])

    async def _gone(self, bench: ServerBench, guest: _Guest, way: str, still_runs: str = _WAITS_FOR) -> None:
        """Demand that nothing is left of a guest; what is left all the same is ended here."""
        try:
            await self._nothing_left(bench, guest, way, still_runs)
        finally:
            for task in guest.tasks:
                task.cancel()

    async def _nothing_left(self, bench: ServerBench, guest: _Guest, way: str, still_runs: str) -> None:
        await asyncio.wait({guest.call}, timeout=END_S)
        if not guest.call.done():
            raise Finding(
                f"{way}, and the call of your handler is still running.",
                got=f"a call{waits_at(guest.call)}",
                expected="a call that ends with its connection",
                section=_CLEAN,
                hint=still_runs,
            )
        facts = {"expected": "the others in present, and nobody else", "section": _CLEAN}
        ended = f"your handler ended with {failure}" if (failure := bench.subject.failure) else "your handler ended"
        if len(self.present) > guest.before:
            hint = "Which line takes the guest off the list, and does it run in this case? `finally` always runs."
            if bench.subject.cancelled_at and not guest.is_cancelled:
                ended += f" with CancelledError, at {bench.subject.cancelled_at}"
                hint += " But a line in it that raises keeps those below from running, such as the await of a task "
                hint += "that was cancelled."
            raise Finding(f"{way}, and is still in present.", **facts, got=ended, hint=hint)
        if len(self.present) < guest.before:
            raise Finding(f"{way}, and the other guest is no longer in present.", **facts, got=ended, hint=_THIS_ONE)
        await _tasks_ended(guest, way)


async def _served(client: Client) -> None:
    """See that a guest is answered and has its heartbeat, which may be second: a task begins at the next wait."""
    heard: list[object] = []
    for number, double in (("21", "42"), ("4", "8")):
        await client.says(number)
        while double not in heard:
            heard.append(await client.next(shown(double), section=_CLEAN, hint=_BESIDE))
            if heard[-1] not in (double, "beat"):
                facts = {"sent": client.last, "got": shown(heard[-1]), "expected": shown(double)}
                raise Finding("A guest got the wrong answer.", **facts, hint="The answer is str(2 * int(message)).")
    if "beat" not in heard:
        raise Finding(
            "A guest was answered, and heard no heartbeat.",
            sent='"21", then "4"',
            got=", ".join(map(shown, heard)),
            expected=f"{shown('beat')} among them",
            section=_CLEAN,
            hint=_BESIDE,
        )


async def _tasks_ended(guest: _Guest, way: str) -> None:
    left = guest.tasks
    if left:
        _, left = await asyncio.wait(left, timeout=END_S / 2)
    if left:
        raise Finding(
            f"{way}, and a task that your handler started is still running.",
            got="; ".join(sorted(f"a task{waits_at(task)}" for task in left)),
            expected="no task that outlives its connection",
            section=_CLEAN,
            hint="Keep what create_task() returns, and call its cancel() where you take the guest off the list. Each "
            "call to create_task() starts one more.",
        )


def _is_readers(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and is_readers(code)


def clean_up(handler: Handler, present: Sized, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a handler that notes who is present, and leaves nothing behind however a guest leaves (lesson 05).

    Args:
        handler: It adds a connection to present, runs `beat(websocket)` beside, and answers a number by its double.
        present: Where it notes who is there: whatever has a len().
        seed: Draws the same random inputs again.

    Raises:
        CheckError: One of them is something else.
        HandlerError: The handler is a function, but no handler.

    Example:
        report = await wslab.check.clean_up(handler, present)
    """
    if not callable(handler):
        raise CheckError(handler, "a handler: async def handler(websocket)")
    if not isinstance(present, Sized):
        raise CheckError(present, "the set that the handler keeps")
    ways = _Leaving(present)
    cases = [
        ways.present_until_1000,
        ways.whoever_stays_is_still_present,
        ways.each_guest_leaves_without_the_others,
        ways.gone_after_1001,
        ways.gone_after_a_code_of_its_own,
        ways.gone_without_a_close_frame,
        ways.gone_after_a_reset,
        ways.gone_after_an_error_in_the_handler,
        ways.gone_when_the_call_is_cancelled,
        ways.gone_when_the_server_closes,  # the last: nobody can come after it
    ]
    return judged("clean_up", on_server(handler), cases, seed)
