"""Own the tap: a listening socket that relays every client to one target, records what passes, harms it on demand."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import ssl as tls
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Any, Self

from websockets.protocol import Side

from . import registry
from .active_fault import ActiveFault
from .door import HOST, Door
from .errors import FaultError, UnreachableError, WslabError
from .faults import Fault, Stream
from .injection import Injection
from .records import End
from .relay import Relay
from .tape import MAX_BYTES, Tape
from .target import HasUrl, Target, parse_target

__all__ = ["Tap", "tap"]

CONNECT_S = 10.0
FINISH_S = 2.0
_QUIET_ROUNDS = 3


def tap(
    target: str | HasUrl,
    *,
    tape: Tape | None = None,
    max_bytes: int = MAX_BYTES,
    ssl: tls.SSLContext | None = None,
    seed: int | None = None,
) -> Tap:
    """Put a tap in front of a server: a relay that records what crosses the wire, and changes nothing but on demand.

    Running the cell again replaces the tap that it opened before.

    Args:
        target: A URL (ws, wss, http or https), or anything that has one as its `url`.
        tape: The tape to record on; a new one if left out. Two taps that run together need a tape each.
        max_bytes: How much a new tape remembers. When it is full, the tap goes on relaying.
        ssl: How to speak TLS with the server; left out, its certificate must be one that this machine trusts.
        seed: What decides wherever a fault leaves something to chance, whatever the timing; drawn if left out.

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
    return Tap(parsed, Tape(max_bytes) if tape is None else tape, ssl, seed)


class Tap:
    """A tap, made by `tap`. Clients connect to its `url` instead of the server's.

    Attributes:
        tape: What crossed the wire; complete once the tap is closed.
        host: Where the tap listens: on this machine only.
    """

    host = HOST

    def __init__(self, target: Target, tape: Tape, ssl: tls.SSLContext | None, seed: int | None = None) -> None:
        self.tape = tape
        self._target, self._ssl = target, ssl
        self._door = Door(self._accept)
        self._relays: dict[asyncio.Task[None], Relay] = {}
        self._injection = Injection(self._door, self._relays.values(), seed)
        self._numbers = itertools.count(1)
        self._closed = False
        self._began_s = 0.0
        self._news = 0

    @property
    def port(self) -> int:
        """The port on which the tap listens, or listened."""
        if not self._door.port:
            raise WslabError("the tap has not been opened", "", "await it, or enter it with async with")
        return self._door.port

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

    @property
    def faults(self) -> tuple[ActiveFault, ...]:
        """The faults at work, in the order in which they were added, which is that in which bytes meet them."""
        return tuple(self._injection.active)

    @contextlib.contextmanager
    def fault(self, fault: Fault, *, stream: Stream = "downstream", toxicity: float = 1) -> Iterator[ActiveFault]:
        """Harm the connections in this block; for the arguments see `add`.

        Example:
            with tap.fault(Latency(0.2)), tap.fault(Slicer(1), stream="upstream"):
                await websocket.send("Hello")
        """
        active = self.add(fault, stream=stream, toxicity=toxicity)
        try:
            yield active
        finally:
            if active in self.faults:  # whoever removed it, or closed the tap, was first
                self.remove(active)

    def add(self, fault: Fault, *, stream: Stream = "downstream", toxicity: float = 1) -> ActiveFault:
        """Harm the connections, present and future, until `remove`.

        Args:
            fault: What to do, one of `wslab.faults`.
            stream: "downstream" harms what the server sends, "upstream" what the client sends.
            toxicity: Which share of the connections it strikes, drawn for each; from 0 to 1.

        Returns:
            The fault at work, for `remove`.

        Raises:
            FaultError: The arguments cannot be, or the tap is not open.
        """
        if self._closed or not self._door.port:
            state = "has been closed" if self._closed else "has not been opened"
            raise FaultError(f"the tap {state}", "an open tap", "add faults inside its async with")
        return self._injection.add(fault, stream, toxicity)

    def remove(self, fault: ActiveFault) -> None:
        """Harm the connections no longer; what was held back passes at once, in order.

        Args:
            fault: What `add` returned.

        Raises:
            FaultError: It is not at work.
        """
        self._injection.remove(fault)

    async def close(self) -> None:
        """Stop listening, let what is ending come to its end, cut the rest; then the tape is complete."""
        self._closed = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FINISH_S):
                    await self._settle()
                    self._injection.clear()
                    await self._door.close()
                    await self._finish()
        finally:
            self._injection.clear()
            await self._door.close()
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
        if not self._door.port:
            state = "not opened: await it, or enter it with async with"
        else:
            state = "closed" if self._closed else "open" if self._door.is_open else "down"
        return f"<wslab tap on {self._target.shown}, {state}>"

    async def _start(self) -> Self:
        if self._door.port:
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
        self._injection.loop = loop
        await self._door.open(never=self._target.port)  # free if the target has gone: the tap would relay to itself

    def _accept(self) -> asyncio.Protocol:
        loop, number = asyncio.get_running_loop(), next(self._numbers)

        def record(sender: Side, data: bytes) -> None:
            self._news += 1
            self.tape.write(number, sender, data, loop.time() - self._began_s)

        def record_end(sender: Side, how: End, note: str) -> None:
            self._news += 1
            self.tape.ended(number, sender, how, loop.time() - self._began_s, note)

        self._news += 1
        relay = Relay(number, record, record_end)
        relaying = loop.create_task(relay.run(self._connect, self._answer))
        self._relays[relaying] = relay
        relaying.add_done_callback(self._forget)
        self._injection.strike(relay)
        return relay.client

    def _forget(self, relaying: asyncio.Task[None]) -> None:
        relay = self._relays.pop(relaying)
        relay.client.abort()  # it is open still if the task was cancelled before it began
        self._injection.forget(relay)

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

    async def _finish(self) -> None:
        while ending := [relaying for relaying, relay in self._relays.items() if relay.ending]:
            await asyncio.wait(ending)
