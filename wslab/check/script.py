"""Own the script against which a client comes back: how each connection goes, and a sleep that takes no time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from .on_client import ClientBench
from .report import Finding, value_shown

__all__ = ["CODES", "WAITING", "WITHIN_S", "End", "Part", "Script", "end_words"]

WITHIN_S = 5.0
WAITING = "RFC 6455, 7.2.3; lesson 05, When to come back?"
CODES = "lesson 05, Who says which code, and who hears it?"

End = int | None
"""How the server ends a connection: a close code, None for no close frame, 403 for a refusal before it begins."""

Part = tuple[list[str], End]


class Script:
    """A server that says and ends as the script has it, connection by connection, and a sleep that takes no time.

    Args:
        bench: The bench of the case.
        *parts: For each connection what the server says, and how it ends it. After the last one nobody has to come.

    Attributes:
        waits_s: How long the client waited before each connection but the first.
    """

    def __init__(self, bench: ClientBench, *parts: Part) -> None:
        self.parts = parts
        self.waits_s: list[float] = []
        self._bench = bench
        self._begun = 0
        self._waited_s: float | None = None

    async def heard(self) -> Any:
        """Run the client against the script, and give what it returns."""
        return await self._bench.result(await self.started(), WITHIN_S)

    async def heard_to_the_end(self) -> None:
        """Run the client against the script; that it returns before the last part is a finding."""
        heard = await self.heard()
        if self._begun < len(self.parts):
            end = end_words(self.parts[self._begun - 1][1])
            raise Finding(
                f"Your client gave up after connection {self._begun}, which ended with {end}.",
                sent=f"{len(self.parts)} connections, of which only the last ends with 1000",
                got=f"the end of your client, which returned {value_shown(heard)}",
                expected="a wait and a new connection, however often it takes",
                section=WAITING,
                hint="Nobody knows how long a server will be away: `while True`, and a return only after 1000.",
            )

    async def started(self) -> asyncio.Task[Any]:
        """Start the client against the script."""
        url = await self._bench.serve(self._play, process_request=self._admit)
        return self._bench.start(url, self.sleep)

    async def sleep(self, delay_s: float) -> None:
        """Note a wait, and object to one after the end."""
        if not self._begun:
            await self._object(_waited_first())
        if self._begun == len(self.parts):
            await self._object(_came_back_after(self.parts[-1][1]))
        if not isinstance(delay_s, int | float) or not delay_s >= 0:
            got = f"sleep({value_shown(delay_s)})"
            hint = "`next(delays)` takes one wait out of a series of delays."
            await self._object(Finding("A wait is not a number of seconds.", got=got, expected="0 or more", hint=hint))
        self._waited_s = delay_s + (self._waited_s or 0)
        await asyncio.sleep(0)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if wrong := self._wrong_opening():
            self._bench.objects(wrong)
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "the case is over\n")
        if self._begun:
            self.waits_s.append(self._waited_s or 0)
        self._begun, self._waited_s = self._begun + 1, None
        if self.parts[self._begun - 1][1] == HTTPStatus.FORBIDDEN:
            return connection.respond(HTTPStatus.FORBIDDEN, "not you\n")
        return None

    def _wrong_opening(self) -> Finding | None:
        if self._begun == len(self.parts):
            return _came_back_after(self.parts[-1][1])
        if self._begun and self._waited_s is None:
            return _did_not_wait(self.parts[self._begun - 1][1])
        return None

    async def _play(self, websocket: ServerConnection) -> None:
        messages, end = self.parts[self._begun - 1]
        for message in messages:
            await websocket.send(message)
        if end is None:
            websocket.transport.abort()
        else:
            await websocket.close(end)

    async def _object(self, finding: Finding) -> None:
        """End the case here: the client waits until that cancels it."""
        self._bench.objects(finding)
        await asyncio.Event().wait()


def _came_back_after(end: End) -> Finding:
    how = "After the loop over the messages, `websocket.close_code` tells how the connection ended, as a number."
    which = "Which errors do you catch? A loss may pass, so catch that; this answer will be the same each time."
    return Finding(
        f"Your client wants to come back after {end_words(end)}.",
        sent=end_words(end),
        got="one more wait, or one more connection",
        expected="the end of your client",
        section=CODES if end == 1000 else "lesson 01, Who is let in?",
        hint=how if end == 1000 else which,
    )


def _did_not_wait(end: End) -> Finding:
    return Finding(
        f"Your client came back after {end_words(end)} without waiting.",
        sent=end_words(end),
        got="a new connection, and sleep was not called",
        expected="await sleep(...), with the sleep that it was given, then a new connection",
        section=WAITING,
        hint="Every way from an end to a new connection leads through `await sleep(...)`; no other sleep counts. "
        "`async for websocket in connect(url)` does not wait after a loss: write the loop yourself.",
    )


def _waited_first() -> Finding:
    return Finding(
        "Your client waited before it had connected at all.",
        got="a call to sleep before the first connection",
        expected="a connection at once; a wait comes after a loss",
        section=WAITING,
        hint="`await sleep(...)` belongs at the end of the loop, after everything that concerns the connection.",
    )


def end_words(end: End) -> str:
    """Say how a connection ended."""
    if end is None:
        return "an end without a close frame"
    return "the refusal 403 Forbidden" if end == HTTPStatus.FORBIDDEN else f"close code {end}"
