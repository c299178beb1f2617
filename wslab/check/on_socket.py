"""Own the checks of a server that is looked at byte by byte: requests as they stand, and what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from ..loopback import is_loopback
from ..records import Records
from ..tap import Tap, tap
from ..target import HasUrl, parse_target
from .bench import Bench
from .judge import Benches
from .report import Finding
from .socket_line import SocketLine
from .streams import OnStreams, Streams, on_streams

__all__ = ["SAMPLE_KEY", "SocketBench", "on_socket"]

HEARD_S = 1.0
SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_GOOD = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": SAMPLE_KEY,
    "Sec-WebSocket-Version": "13",
}


class SocketBench(Bench):
    """What a case is given.

    Attributes:
        subject: The server.
    """

    tap: Tap

    def __init__(self, seed: int, relay: Tap, subject: OnStreams) -> None:
        super().__init__(seed, relay)
        self.subject = subject
        self._lines: list[SocketLine] = []

    @property
    def crossed(self) -> Records | None:
        """What crossed the wire on the last connection, or None if nothing did; the heads are what this is about."""
        found = self.tap.tape
        numbers = {record.connection for record in found}
        return found.where(connection=max(numbers)) if numbers else None

    def request(self, changed: Mapping[str, str | None] | None = None, *, method: str = "GET", path: str = "") -> bytes:
        """Write the request of an opening handshake.

        Args:
            changed: Headers to add or to replace; None leaves one out.
            method: Such as POST.
            path: What to append to the path of the server's URL, such as "/chat/tea".
        """
        target = parse_target(self.subject.url)
        asked = target.suffix.rstrip("/") + path if path else target.suffix
        host = "localhost" if is_loopback(target.host) else target.host
        headers = {"Host": host} | _GOOD | dict(changed or {})
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([f"{method} {asked} HTTP/1.1", *lines, "", ""]).encode()

    async def line(self, *pieces: bytes) -> SocketLine:
        """Connect and send pieces, each after the server has heard the one before."""
        reader, writer = await asyncio.open_connection(self.tap.host, self.tap.port)
        line = SocketLine(self.subject, reader, writer, b"".join(pieces))
        self._lines.append(line)
        for number, piece in enumerate(pieces, 1):
            self.subject.heard.clear()
            writer.write(piece)
            if number < len(pieces) and self.subject.is_ours:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.subject.heard.wait(), HEARD_S)
        return line

    async def end(self) -> None:
        """Hang up, and demand that the function has closed what it was given, and ends."""
        sent = self._lines[-1].sent if self._lines else ""
        await self.cut()
        if not await self.subject.calls_end():
            raise Finding(
                "Your function is still running a second after its client has left.",
                sent=sent,
                got=self.subject.where_calls_wait,
                expected="a call that ends when its connection does",
                hint="At the end of a connection `read` gives b'', again and again: a loop has to notice it.",
            )
        if failure := self.subject.failure:
            raise Finding("Your function raised an error after its answer.", sent=sent, got=failure)
        if self.subject.left_open:
            raise Finding(
                "Your function returned and left its connection open.",
                sent=sent,
                got="an answer, and no end: the FIN in the picture is the check's own",
                expected="an answer, then the end of the connection",
                section="lesson 01, Break it",
                hint="asyncio does not close it for you: `writer.close()` at the end, whatever the answer was.",
            )

    async def cut(self) -> None:
        """Hang up on every line."""
        for line in self._lines:
            await line.hang_up()


@contextlib.asynccontextmanager
async def on_socket(candidate: Streams | HasUrl | str, wanted: str = "") -> AsyncIterator[Benches[SocketBench]]:
    """Serve a function of two streams, or find the server that is there; each case gets a tap of its own.

    Args:
        candidate: A coroutine function of a reader and a writer, anything with a url, or a URL.
        wanted: How the function has to look, such as "async def greet(reader, writer)".

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
    """
    async with on_streams(candidate, wanted) as subject:

        @contextlib.asynccontextmanager
        async def bench_for(seed: int) -> AsyncIterator[SocketBench]:
            async with tap(subject.url) as relay:
                bench = SocketBench(seed, relay, subject)
                try:
                    yield bench
                    await bench.end()
                finally:
                    await bench.cut()

        yield bench_for
