"""Own the checks of who is let in: routes that are served for it, or whatever listens at a URL, asked byte by byte."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection

from ..errors import CheckError
from ..filters import server_options
from ..heads import ResponseHead
from ..records import Records
from ..routes import Filter
from ..servers import serve
from ..tap import tap
from ..target import HasUrl
from .judge import Benches
from .on_socket import SocketBench
from .report import Finding, shown
from .socket_line import SocketLine
from .streams import OnStreams, on_streams
from .subject import silent_logger

__all__ = ["Door", "DoorBench", "Let", "on_door"]

Door = Filter | HasUrl | str
_TEXT, _BINARY, _CLOSE = 0x81, 0x82, 0x88
_LET_IN = 101


class Let(NamedTuple):
    """What came of one request.

    Attributes:
        sent: The request, as words.
        head: The head of the answer.
        line: Its connection.
    """

    sent: str
    head: ResponseHead
    line: SocketLine


class DoorBench(SocketBench):
    """What a case of a door's check is given."""

    _knocked = 0

    @property
    def crossed(self) -> Records | None:
        """What crossed the wire on the connection of the last knock: that is what a finding is about."""
        return self.tap.tape.where(connection=self._knocked) if self._knocked else None

    async def knocks(
        self,
        words: str,
        status: int,
        path: str,
        changed: Mapping[str, str | None],
        *,
        hint: str,
        hints: Mapping[int, str] | None = None,
        method: str = "GET",
    ) -> Let:
        """Send one request, and demand the status of its answer.

        Args:
            words: What is special about the request, as the beginning of a sentence.
            status: What it deserves; 101 is to be let in.
            path: What it asks for.
            changed: Headers that an opening handshake has not by itself; None leaves one out.
            hint: What to look at after another answer.
            hints: The same for answers that tell more, by their status.
            method: Its method.
        """
        self.subject.errors.clear()
        line = await self.line(self.request(changed, method=method, path=path))
        self._knocked = len(self._lines)
        head = await line.head(f"the status {status}")
        if head.status == status:
            return Let(line.sent, head, line)
        section = "RFC 6455, 10.2" if 403 in (status, head.status) else "lesson 06, What is a filter?"
        facts = {"sent": line.sent, "expected": f"the status {status}", "section": section}
        if failure := self.subject.failure:
            hint = "A filter that raises anything but a Rejection is answered with 500. Mend that line first."
            raise Finding("One of your filters raised an error.", **facts, got=failure, hint=hint)
        happened = f"{words} was answered with {head.status}, not {status}."
        if head.status == _LET_IN:
            happened = f"{words} was let in."
        elif status == _LET_IN:
            happened = f"{words} was refused with {head.status}."
        got = head.first_line() + (f"; {reason}" if (reason := await self.body(Let(line.sent, head, line))) else "")
        raise Finding(happened, **facts, got=got, hint=(hints or {}).get(head.status, hint))

    async def body(self, let: Let) -> str:
        """Give the body of a refusal, on one line."""
        size = let.head.headers.get("Content-Length", "0")
        return " ".join((await let.line.data(int(size) if size.isdecimal() else 0)).decode(errors="replace").split())

    async def status(self, path: str, changed: Mapping[str, str | None], *, method: str = "GET") -> int:
        """Send one request, and give the status of its answer."""
        return (await (await self.line(self.request(changed, method=method, path=path))).head()).status

    async def hears(self, let: Let) -> str:
        """Give the first message to somebody who was let in; that none comes, or no text, is a finding."""
        facts = {"sent": let.sent, "expected": "a text message", "section": "lesson 06, What is a filter?"}
        frame = await let.line.data(2)
        payload = (await let.line.data(2 + (frame[1] & 127)))[2:] if len(frame) == 2 else b""
        if frame[:1] == bytes([_TEXT]):
            return payload.decode(errors="replace")
        if failure := self.subject.failure:
            hint = "A handler gets the connection, then what the filters extract, in their order: a part of the path, "
            hint += "the subprotocol that was agreed on."
            raise Finding("Your handler raised an error.", **facts, got=failure, hint=hint)
        if frame[:1] == bytes([_BINARY]):
            hint = "`str` leaves as TEXT, `bytes` as BINARY. Look at what you hand to send()."
            raise Finding(
                "A client that was let in heard BINARY where TEXT was due.", **facts, got=shown(payload), hint=hint
            )
        got = shown(frame + payload) if frame else "nothing"
        if frame[:1] == bytes([_CLOSE]):
            got = f"close code {int.from_bytes(payload[:2], 'big')}" if payload else "a close frame without a code"
        hint = "Which handler ends this route, and does it send before it waits for its client?"
        raise Finding("A client that was let in heard nothing.", **facts, got=got, hint=hint)

    async def end(self) -> None:
        """Hang up."""
        await self.cut()


@contextlib.asynccontextmanager
async def on_door(candidate: Door) -> AsyncIterator[Benches[DoorBench]]:
    """Serve routes, or find the server that is there; each case gets a tap of its own.

    Args:
        candidate: Routes of filters, anything with a url, or a URL.

    Raises:
        CheckError: It is none of these.
        WslabError: A filter does not end in on_upgrade.
        UnreachableError: Nobody listens at the URL.
    """
    async with _subject_of(candidate) as subject:

        @contextlib.asynccontextmanager
        async def bench_for(seed: int) -> AsyncIterator[DoorBench]:
            async with tap(subject.url) as relay:
                bench = DoorBench(seed, relay, subject)
                try:
                    yield bench
                finally:
                    await bench.end()

        yield bench_for


@contextlib.asynccontextmanager
async def _subject_of(candidate: Door) -> AsyncIterator[OnStreams]:
    if isinstance(candidate, str) or hasattr(candidate, "url"):
        async with on_streams(candidate, "") as subject:
            yield subject
        return
    if not isinstance(candidate, Filter):
        raise CheckError(
            candidate,
            "routes of filters, a running server, or its ws:// URL",
            "end each route in on_upgrade(handler), join them with |, and pass what that gives",
        )
    subject = OnStreams("", False)
    options: dict[str, Any] = {
        name: _noting(function, subject.errors) for name, function in server_options(candidate).items()
    }
    # The routes say which origins come in, and nobody else does.
    async with serve(**options, origins=None, compression=None, logger=silent_logger) as server:
        subject.url = server.url
        yield subject


def _noting(function: Callable[..., Any], errors: list[BaseException]) -> Callable[..., Any]:
    """Note what a function raises, be it a coroutine function or not."""
    if function.__name__ == "process_request":

        def asked(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Exception as error:
                errors.append(error)
                raise

        return asked

    async def handled(websocket: ServerConnection) -> None:
        try:
            await function(websocket)
        except Exception as error:
            errors.append(error)
            raise

    return handled
