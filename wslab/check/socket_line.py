"""Own one TCP connection of a check: what was sent on it, what came back, and what is wrong with that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ..errors import HandshakeError
from ..handshake import ResponseHead, parse_request, parse_response, response_problems
from .client import REPLY_S
from .report import Finding
from .subject import Subject

__all__ = ["SocketLine", "head_shown"]

_BLANK_LINE = b"\r\n\r\n"
_MOST_BYTES = 65536


def head_shown(data: bytes) -> str:
    """Show a head as its lines; what is not text is shown as Python would."""
    if not data.isascii():
        return repr(data)
    return data.removesuffix(_BLANK_LINE).replace(b"\r\n", b"\n").decode()


class SocketLine:
    """One connection of a case.

    Attributes:
        sent: What was sent on it, as words.
        ended: Whether the server has hung up.
    """

    def __init__(
        self, subject: Subject, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> None:
        self.sent = head_shown(request)
        self.ended = False
        self._request = request
        self._subject = subject
        self._reader, self._writer = reader, writer
        self._received = bytearray()

    async def head(self, expected: str = "HTTP/1.1 101 Switching Protocols") -> ResponseHead:
        """Read the head of the answer; that there is none, or none in HTTP, is a finding.

        Args:
            expected: Its first line, as it should be.
        """
        await self._read_until(lambda data: _BLANK_LINE in data)
        if _BLANK_LINE not in self._received:
            raise self._no_head(bytes(self._received), expected)
        try:
            response = parse_response(bytes(self._received))
        except HandshakeError as error:
            raise Finding(
                "The answer is not HTTP.", sent=self.sent, got=error.happened, expected=error.expected
            ) from None
        assert response is not None
        del self._received[: response.size_bytes]
        return response

    async def opened(self) -> ResponseHead:
        """Read an answer that has to be 101; its Sec-WebSocket-Accept is not judged."""
        response = await self.head()
        if response.status != 101:
            raise Finding(
                f"A good request was answered with {response.status}.",
                sent=self.sent,
                got=response.first_line(),
                expected="HTTP/1.1 101 Switching Protocols",
                section="RFC 6455, 4.2.2",
                hint="The request is in order, and 101 is the only yes. Names of headers may come in any case.",
            )
        for problem in response_problems(response, parse_request(self._request)):
            if problem.header != "Sec-WebSocket-Accept" or "Sec-WebSocket-Accept" not in response.headers:
                raise Finding(
                    f"A client would give up after this 101: its {problem.header} is not what it must be.",
                    sent=self.sent,
                    got=problem.found,
                    expected=problem.expected,
                    section=f"RFC 6455, {problem.section}",
                    hint='Look at the four lines under "Which lines of the server\'s answer could be left out?"',
                )
        return response

    async def data(self, size_bytes: int) -> bytes:
        """Read so many bytes; fewer if the server has hung up or says no more."""
        await self._read_until(lambda data: len(data) >= size_bytes)
        return bytes(self._received[:size_bytes])

    async def hears_the_end(self) -> None:
        """Demand that the server hangs up."""
        await self._read_until(lambda data: len(data) > _MOST_BYTES)
        if not self.ended:
            raise Finding(
                "The connection stayed open after the refusal.",
                sent=self.sent,
                expected="the end of the connection",
                hint="`writer.close()` hangs up, after all that was written has left.",
            )

    async def hang_up(self) -> None:
        """Close this end."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read_until(self, enough: Callable[[bytearray], bool]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPLY_S):
                while not self.ended and not enough(self._received):
                    await self._read()

    async def _read(self) -> None:
        try:
            data = await self._reader.read(_MOST_BYTES)
        except ConnectionError:
            data = b""
        self._received += data
        self.ended = not data

    def _no_head(self, data: bytes, expected: str) -> Finding:
        facts = {"sent": self.sent, "got": repr(data) if data else "nothing", "expected": expected}
        if failure := self._subject.failure:
            hint = "Mend that line first. All that the client sees is the end of the connection."
            return Finding("Your function raised an error.", **facts | {"got": failure}, hint=hint)
        if b"\n" in data and b"\r\n" not in data:
            hint = "Each line ends with CRLF, which Python writes `\\r\\n`; so does the blank one."
            return Finding("The lines end with LF alone.", **facts, section="RFC 9112, 2.1", hint=hint)
        if data:
            hint = "A blank line ends the head: `\\r\\n` ends the last header, and another one follows."
            return Finding("The head of the answer does not end.", **facts, section="RFC 9112, 2.1", hint=hint)
        if self.ended:
            hint = "Read up to the blank line, `writer.write` the answer, then close."
            who = "Your function returned" if self._subject.is_ours else "The connection was closed"
            return Finding(f"{who} without an answer.", **facts, section="RFC 6455, 4.2.2", hint=hint)
        waiting = self._subject.where_calls_wait
        hint = "The client sends no more before it is answered: read up to the blank line only."
        return Finding(f"No answer came within {REPLY_S:g} s.", **facts | {"got": waiting or "nothing"}, hint=hint)
