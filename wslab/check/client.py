"""Own the client of a check: it says, it hears, and what it does not hear becomes a finding."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from .remedies import remedy
from .report import Finding, shown
from .subject import Subject

__all__ = ["REPLY_S", "Client", "Message", "reset"]

REPLY_S = 1.5
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

# Why a client closes by itself, and where it stands.
_REFUSALS = {1002: "RFC 6455, 5.2", 1007: "RFC 6455, 8.1", 1009: "RFC 6455, 7.4.1 (1009)"}

Message = str | bytes


class Client:
    """One client of a case.

    Attributes:
        websocket: Its connection.
        name: Such as "client 2", as the tape's diagrams call it.
        last: What it said last, as words.
        heard: What it heard and was due, in order.
    """

    def __init__(self, subject: Subject, websocket: ClientConnection, name: str) -> None:
        self.websocket = websocket
        self.name = name
        self.last = ""
        self.heard: list[Message] = []
        self._subject = subject

    @property
    def failure(self) -> str:
        """What a handler raised first and where, or ""."""
        return self._subject.failure

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return self.name.capitalize()

    async def says(self, message: Message | list[str] | list[bytes]) -> None:
        """Send a message; a list goes as fragments."""
        self.last = shown(message) if not isinstance(message, list) else " + ".join(map(shown, message))
        with contextlib.suppress(ConnectionClosed):  # what comes back, or does not, tells more
            await self.websocket.send(message)

    async def arrives(self) -> None:
        """Wait until the server's side has begun, if it says so: it may answer 101 first, and a ping only then."""
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(REPLY_S):
                await (await self.websocket.ping())

    async def hears(
        self,
        expected: Message,
        *,
        otherwise: str = "",
        section: str = "",
        hint: str = "",
        silence: str = "",
        unanswered: str = "",
        within_s: float = REPLY_S,
    ) -> None:
        """Demand that the next message is this one, as text or binary just so.

        Args:
            expected: The message.
            otherwise: What it means if another message comes, one sentence.
            section: Where it stands.
            hint: What to look at if another message comes.
            silence: What to look at if none comes.
            unanswered: Where it stands if none comes, if that is elsewhere.
            within_s: How long to wait.
        """
        got = await self.next(shown(expected), section=unanswered or section, hint=silence, within_s=within_s)
        if got == expected and isinstance(got, str) is isinstance(expected, str):
            self.heard.append(got)
            return
        if got in self.heard:
            raise Finding(
                f"{self.title} got a message a second time.",
                sent=self.last,
                got=shown(got),
                expected=shown(expected),
                section=section,
                hint="Count the calls to send() for one message.",
            )
        both = {"sent": self.last, "got": shown(got), "expected": shown(expected)}
        hint = hint or "Compare what you hand to send() with what came in."
        if isinstance(got, str) is not isinstance(expected, str):
            raise Finding(
                f"{self.title} got {_kind(got)} where {_kind(expected)} was due.",
                **both,
                section="RFC 6455, 5.6",
                hint="`str` leaves as TEXT, `bytes` as BINARY. Look at what you hand to send().",
            )
        otherwise = otherwise or f"{self.title} got a different message from the one that was due."
        raise Finding(otherwise, **both, section=section, hint=hint)

    async def next(
        self, expected: str = "a message", *, section: str = "", hint: str = "", within_s: float = REPLY_S
    ) -> Message:
        """Give the next message; that none comes is a finding."""
        facts = {"sent": self.last, "expected": expected}
        try:
            async with asyncio.timeout(within_s):
                message = await self.websocket.recv()
        except TimeoutError:
            raise Finding(
                f"Nothing came to {self.name} within {within_s:g} s.",
                **facts,
                got=self._subject.where_calls_wait,
                section=section,
                hint=hint or "Does the handler reach its send(), and is there an await in front of it?",
            ) from None
        except ConnectionClosed as closed:
            raise self._closed(closed, facts, section, hint) from None
        return message

    def _closed(self, closed: ConnectionClosed, facts: dict[str, str], section: str, hint: str) -> Finding:
        if closed.sent and not closed.rcvd_then_sent and closed.sent.code != 1000:
            return Finding(
                f"{self.title} could not take what the server sent, and closed.",
                **facts,
                got=f"close code {closed.sent.code}, which {self.name} sent: {closed.sent.reason}",
                section=_REFUSALS.get(closed.sent.code, "RFC 6455, 7.4.1"),
                hint="Look at the last frame from the server.",
            )
        code = closed.rcvd.code if closed.rcvd else 1006
        if code == 1011 or self._subject.errors:
            failure = self._subject.failure
            return Finding(
                "Your handler raised an error." if failure else "The server failed.",
                **facts,
                got=failure or "close code 1011",
                section="RFC 6455, 7.4.1 (1011)",
                hint=f"{remedy(failure)}Mend that first; the client sees only the code 1011.",
            )
        return Finding(
            f"The connection of {self.name} was closed before the answer.",
            **facts,
            got=f"close code {code}" if closed.rcvd else "the end of the connection, without a close frame",
            section=section or "lesson 03, What is a handler?",
            hint=f"A handler that returns hangs up. {hint or 'Does it loop over the messages?'}",
        )

    async def hears_no_more(self, *, section: str = "", hint: str = "") -> None:
        """Leave, and demand that nothing more had come: no waiting needed, for order holds within a connection."""
        more = await self.leave()
        if more:
            raise Finding(
                f"{self.title} got {'one message' if len(more) == 1 else f'{len(more)} messages'} too many.",
                sent=self.last,
                got=", ".join(map(shown, more[:3])),
                expected="nothing more",
                section=section,
                hint=hint,
            )

    async def leave(self, code: int = 1000) -> list[Message]:
        """Say goodbye with a closing handshake; give the messages that had come by then."""
        if self.websocket.close_code is None:
            await self.websocket.close(code)
        found: list[Message] = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                found.append(await self.websocket.recv())
        return found

    async def closed(self, within_s: float = REPLY_S, *, silently: bool = False) -> tuple[int, str]:
        """Wait until the server has closed; give the code and the reason. Staying open is a finding.

        Args:
            within_s: How long to wait, in seconds.
            silently: Whether a message before the close is a finding too.
        """
        try:
            async with asyncio.timeout(within_s):
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        message = await self.websocket.recv()
                        if silently:
                            raise Finding(
                                f"{self.title} got a message where the close was due.",
                                sent=self.last,
                                got=shown(message),
                                expected="a close frame",
                            )
        except TimeoutError:
            raise Finding(
                f"The server did not close the connection of {self.name}.",
                sent=self.last,
                expected="a close frame",
                section="RFC 6455, 7.1.2",
            ) from None
        return self.websocket.close_code or 1006, self.websocket.close_reason or ""

    def stalls(self) -> None:
        """Stop reading from the socket, as a laptop does that is shut."""
        self.websocket.transport.pause_reading()

    def wakes(self) -> None:
        """Read on."""
        self.websocket.transport.resume_reading()

    def vanishes(self) -> None:
        """Go without a word: RST, as after a crash."""
        reset(self.websocket)

    async def cut(self) -> None:
        """Be gone, whatever state this is in."""
        self.websocket.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.websocket.wait_closed()


def reset(websocket: Connection) -> None:
    """End TCP with an RST; an abort alone would be seen as a FIN."""
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    websocket.transport.abort()


def _kind(message: Message) -> str:
    return "TEXT" if isinstance(message, str) else "BINARY"
