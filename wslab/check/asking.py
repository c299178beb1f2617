"""Own the check of lesson 03's client, which asks one question after another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .judge import Verdict, judged
from .on_client import ClientBench, on_client
from .report import Finding, shown, value_shown

__all__ = ["ask"]

_A_LIST = "Collect the answers in a list, in the order of the questions, and return it."
_ENDS = "lesson 03, async for, or recv() in a loop?"


class _Answering:
    """A server that answers questions, hangs up when it has given so many, and remembers how it was left.

    Args:
        most: How many answers it gives.
        politely: Whether it hangs up with a close frame.
    """

    def __init__(self, most: int | None = None, *, politely: bool = True) -> None:
        self.most = most
        self.politely = politely
        self.heard: list[list[str | bytes]] = []
        self.early: list[str | bytes] = []
        self.codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def handler(self, websocket: ServerConnection) -> None:
        questions: list[str | bytes] = []
        self.heard.append(questions)
        with contextlib.suppress(ConnectionClosed):
            async for question in websocket:
                early = await self._early(websocket)
                questions += [question, *early]
                for each in (question, *early):
                    await websocket.send(f"{each!s}?")
                if len(questions) == self.most:
                    await self._hang_up(websocket)
                    break
        if self.most is None:
            close = websocket.protocol.close_rcvd
            await self.codes.put(close.code if close else None)

    async def _hang_up(self, websocket: ServerConnection) -> None:
        if not self.politely:
            await (await websocket.ping("anything else?"))  # when the pong has come, the answer has been read
            websocket.transport.abort()

    async def _early(self, websocket: ServerConnection) -> list[str | bytes]:
        """Give what the client has said without waiting for the answer: all of it came before the pong."""
        await (await websocket.ping("anything more?"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                self.early = [await websocket.recv()]
                return self.early
        return []


async def the_answers_are_returned_in_order(bench: ClientBench) -> None:
    await _asked(bench, ["one", "two"])


async def as_many_answers_as_questions(bench: ClientBench) -> None:
    await _asked(bench, [bench.text() for _ in range(bench.random.randint(3, 6))])


async def _asked(bench: ClientBench, questions: list[str]) -> None:
    server = _Answering()
    answers = await bench.run(await bench.serve(server.handler), questions)
    due = [f"{question}?" for question in questions]
    facts = {"sent": value_shown(questions), "got": value_shown(answers), "expected": value_shown(due)}
    if len(server.heard) > 1:
        raise Finding(
            "Your client connected more than once.",
            **(facts | {"got": f"{len(server.heard)} connections", "expected": "one connection for all questions"}),
            hint="Connect once, outside the loop.",
        )
    if answers is None:
        raise Finding("Your client returned nothing.", **facts, hint=_A_LIST)
    if server.early:
        raise Finding(
            "Your client did not wait for the answer before it asked again.",
            **(facts | {"got": f"{shown(server.early[0])}, before the previous question was answered"}),
            hint="One recv() for each send(), in turn: both inside the loop.",
        )
    if not isinstance(answers, list):
        raise Finding(
            f"Your client returned a value of type {type(answers).__name__}, not a list.", **facts, hint=_A_LIST
        )
    if len(answers) < len(due):
        raise Finding("Your client returned too few answers.", **facts, hint="One for each question, in a loop.")
    if answers != due:
        raise Finding("Your client returned the wrong answers.", **facts, hint="One recv() for each send(), in turn.")
    try:
        async with asyncio.timeout(1.5):
            code = await server.codes.get()
    except TimeoutError:
        raise Finding(
            "Your client returned and left its connection open.",
            expected="a close frame, 1000",
            section="RFC 6455, 7.1.2",
            hint="`async with connect(url) as websocket:` closes it, whatever happens inside.",
        ) from None
    if code != 1000:
        raise Finding(
            "Your client left without a goodbye.",
            got=f"close code {code}" if code else "no close frame with a code",
            expected="close code 1000",
            section="RFC 6455, 7.4.1",
            hint="`async with connect(url) as websocket:` says 1000 at its end.",
        )


async def what_came_before_the_server_hung_up_is_kept(bench: ClientBench) -> None:
    await _kept(bench, "The server hung up in the middle", politely=True)


async def what_came_before_a_loss_is_kept(bench: ClientBench) -> None:
    await _kept(bench, "The connection was lost in the middle", politely=False)


async def _kept(bench: ClientBench, happened: str, *, politely: bool) -> None:
    """Demand that a client returns the two answers that came before the server hung up."""
    questions = [bench.text() for _ in range(4)]
    due = [f"{question}?" for question in questions[:2]]
    end = "two answers, then close code 1000" if politely else "two answers, then the end of TCP, without a close frame"
    facts = {"sent": f"{end}, to {value_shown(questions)}", "expected": value_shown(due), "section": _ENDS}
    url = await bench.serve(_Answering(most=2, politely=politely).handler)
    try:
        answers = await bench.run(url, questions)
    except Finding as finding:
        hint = "`recv()` and `send()` raise ConnectionClosed at the end. Catch it around the loop."
        if not politely:
            hint = "ConnectionClosedOK is only the end with a goodbye. `ConnectionClosed` covers every end."
        raise Finding(f"{happened}, and your client lost what it had.", **facts, got=finding.got, hint=hint) from None
    if answers != due:
        what = f"{happened}, and your client returned something other than the two answers that had come."
        hint = "Make the list before the loop, append only what recv() gives, and return it however the loop ends."
        raise Finding(what, **facts, got=value_shown(answers), hint=hint)


def ask(client: Callable[..., Coroutine[Any, Any, Any]], *, seed: int | None = None) -> Verdict[ClientBench]:
    """Check a client that asks one question after another and returns the answers (lesson 03).

    Args:
        client: `async def ask(url, questions)`; it returns the answers that came, a list.
        seed: Draws the same random inputs again.
    """
    cases = [
        the_answers_are_returned_in_order,
        as_many_answers_as_questions,
        what_came_before_the_server_hung_up_is_kept,
        what_came_before_a_loss_is_kept,
    ]
    return judged("ask", on_client(client, "async def ask(url, questions)"), cases, seed)
