"""Own the tap: a listening socket that relays every client to one target and records what passes."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import ssl as tls
from collections.abc import Generator
from types import TracebackType
from typing import Any, Self

from websockets.protocol import Side

from . import registry
from .errors import UnreachableError, WslabError
from .records import End
from .relay import Relay
from .tape import MAX_BYTES, Tape
from .target import HasUrl, Target, parse_target

__all__ = ["Tap", "tap"]

BACKLOG = 512
CONNECT_S = 10.0
FINISH_S = 2.0
_QUIET_ROUNDS = 3


def tap(
    target: str | HasUrl,
    *,
    tape: Tape | None = None,
    max_bytes: int = MAX_BYTES,
    ssl: tls.SSLContext | None = None,
) -> Tap:
    """Put a tap in front of a server: a relay that records what crosses the wire and changes nothing.

    Running the cell again replaces the tap that it opened before.

    Args:
        target: A URL (ws, wss, http or https), or anything that has one as its `url`.
        tape: The tape to record on; a new one if left out. Two taps that run together need a tape each.
        max_bytes: How much a new tape remembers. When it is full, the tap goes on relaying.
        ssl: How to speak TLS with the server; left out, its certificate must be one that this machine trusts.

    Returns:
        The tap, to be entered with `async with` or awaited.

    Raises:
        UrlError: A tap cannot lead to this target.

    Example:
        async with wslab.tap(server) as tap, connect(tap.url) as websocket:
            await websocket.send("Hello")
        tap.tape
    """
    parsed = parse_target(target)
    if ssl is not None and not parsed.secure:
        raise WslabError(f"ssl= is given, but {parsed.shown} does not use TLS", "a wss:// or https:// URL")
    if ssl is None and parsed.secure:
        ssl = tls.create_default_context()
    return Tap(parsed, Tape(max_bytes) if tape is None else tape, ssl)


class Tap:
    """A tap, made by `tap`. Clients connect to its `url` instead of the server's.

    Attributes:
        tape: What crossed the wire; complete once the tap is closed.
        host: Where the tap listens: on this machine only.
    """

    host = "127.0.0.1"

    def __init__(self, target: Target, tape: Tape, ssl: tls.SSLContext | None) -> None:
        self.tape = tape
        self._target, self._ssl = target, ssl
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._relays: dict[asyncio.Task[None], Relay] = {}
        self._numbers = itertools.count(1)
        self._began_s = 0.0
        self._news = 0

    @property
    def port(self) -> int:
        """The port on which the tap listens, or listened."""
        if not self._port:
            raise WslabError("the tap has not been opened", "", "await it, or enter it with async with")
        return self._port

    @property
    def url(self) -> str:
        """Where clients connect: the target's URL by way of the tap, without TLS."""
        return self._target.through(self.host, self.port)

    @property
    def via(self) -> dict[str, Any]:
        """Arguments with which `connect` takes the real URL, and so sends the real Host, by way of the tap.

        Example:
            async with connect("ws://example.org/chat", **tap.via) as websocket:
                ...
        """
        return {"host": self.host, "port": self.port, "proxy": None}  # a proxy would not find its way back here

    async def close(self) -> None:
        """Stop listening, let what is ending come to its end, cut the rest; then the tape is complete."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FINISH_S):
                    await self._settle()
                    self._stop_listening()
                    await self._finish()
        finally:
            self._stop_listening()
            for relaying in self._relays:
                relaying.cancel()
            await asyncio.gather(*self._relays, return_exceptions=True)
            registry.forget(self)

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        if self._listener is None:
            state = "not opened: await it, or enter it with async with"
        else:
            state = "open" if self._listener.is_serving() else "closed"
        return f"<wslab tap on {self._target.shown}, {state}>"

    async def _start(self) -> Self:
        if self._listener is not None:
            return self
        await registry.replace_earlier()
        # In an empty context, so that nothing that runs later for this tap belongs to the cell that opened it.
        opening = asyncio.create_task(self._open(), context=contextvars.Context())
        try:
            await asyncio.shield(opening)  # cancelled half-way, create_server would leave its socket open
        except asyncio.CancelledError:
            await asyncio.wait({opening})
            await self.close()
            raise
        registry.register(self)
        return self

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        if len(self.tape):  # a tape that was used before goes on where it stopped
            self._numbers = itertools.count(1 + max(record.connection for record in self.tape))
            self._began_s = -self.tape[-1].time_s
        self._began_s += loop.time()
        self._listener = await self._listen()
        self._port = _port_of(self._listener)

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self._accept, self.host, 0, backlog=BACKLOG)
        if _port_of(listener) != self._target.port:
            return listener
        # The target has gone and its port was free: here the tap would relay to itself without end.
        with contextlib.closing(listener):
            return await loop.create_server(self._accept, self.host, 0, backlog=BACKLOG)

    def _accept(self) -> asyncio.Protocol:
        loop, number = asyncio.get_running_loop(), next(self._numbers)

        def record(sender: Side, data: bytes) -> None:
            self._news += 1
            self.tape.write(number, sender, data, loop.time() - self._began_s)

        def record_end(sender: Side, how: End, note: str) -> None:
            self._news += 1
            self.tape.ended(number, sender, how, loop.time() - self._began_s, note)

        self._news += 1
        relay = Relay(record, record_end)
        relaying = loop.create_task(relay.run(self._connect, self._answer))
        self._relays[relaying] = relay
        relaying.add_done_callback(self._relays.pop)
        return relay.client

    async def _connect(self, protocol: asyncio.Protocol) -> None:
        loop, target = asyncio.get_running_loop(), self._target
        async with asyncio.timeout(CONNECT_S):
            await loop.create_connection(lambda: protocol, target.host, target.port, ssl=self._ssl)

    def _answer(self, reason: str) -> bytes:
        body = f"{UnreachableError(self._target.shown, reason)}\n".encode()
        head = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
        return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def _settle(self) -> None:
        """Let in what the kernel already holds; when that brings no news for some rounds, it was all."""
        quiet_rounds = 0
        while quiet_rounds < _QUIET_ROUNDS:
            news = self._news
            await asyncio.sleep(0)
            quiet_rounds = quiet_rounds + 1 if self._news == news else 0

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()

    async def _finish(self) -> None:
        while ending := [relaying for relaying, relay in self._relays.items() if relay.ending]:
            await asyncio.wait(ending)


def _port_of(listener: asyncio.Server) -> int:
    return int(listener.sockets[0].getsockname()[1])
