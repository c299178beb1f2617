"""Own the crowd: many clients of one server that are connected, counted and closed together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, overload

from websockets.asyncio.client import ClientConnection

from . import registry
from .crowd_client import CrowdClient
from .crowd_opening import CrowdOpening
from .errors import WslabError
from .file_limit import make_room
from .hearing import Hearing
from .loopback import is_loopback
from .progress_bar import progress_bar
from .table import Table
from .tap import Tap
from .target import HasUrl, Target, websocket_target

__all__ = ["Crowd", "crowd"]

# How long all clients together have for their closing handshakes; then they are cut off.
CLOSE_S = 2.0
CLOSE_EACH_S = 0.003
# A client has a socket, its server has one, and a tap between them two. All may be in this process.
MOST_FILES_A_CLIENT = 4


def crowd(
    url: str | HasUrl,
    count: int,
    *,
    progress: bool = True,
    at_once: int = 100,
    timeout_s: float = 60,
    keep: int = 1000,
    **connect_kwargs: Any,
) -> Crowd:
    """Connect many clients to one server: all of them or none.

    Running the cell again replaces the crowd that it connected before. Unless you say otherwise, the clients do not
    compress, which would about triple the memory of a connection, and send no pings, which takes each of them a task.
    A limit on open files is raised as far as needed and possible.

    Args:
        url: A ws:// or wss:// URL, or a running server or tap.
        count: How many clients.
        progress: Whether to show a progress bar where somebody watches: a front end for notebooks, or a terminal.
        at_once: How many opening handshakes may be under way at a time.
        timeout_s: How long connecting all of them may take, in seconds.
        keep: How many messages each client remembers, the newest ones.
        **connect_kwargs: What else websockets' `connect` takes.

    Returns:
        The crowd, to be entered with `async with` or awaited.

    Raises:
        UrlError: The URL cannot be used.
        FileLimitError: The system does not allow this process that many sockets; raised when it connects.
        CrowdError: A client did not connect; raised when it connects.

    Example:
        async with wslab.crowd(server, 2000) as crowd:
            await hub.broadcast("Hello")
            await crowd.heard()
        crowd.report()
    """
    for name, value, least in (("count", count, 1), ("at_once", at_once, 1), ("keep", keep, 0)):
        _check_whole(name, value, least)
    if not isinstance(timeout_s, int | float) or timeout_s <= 0:
        raise WslabError(f"timeout_s is {timeout_s!r}", "seconds, more than 0")
    target = websocket_target(url)
    options = {"compression": None, "ping_interval": None, "open_timeout": timeout_s} | connect_kwargs
    if is_loopback(target.host):
        # websockets asks the environment for a proxy, which may not know that this machine needs none.
        options.setdefault("proxy", None)
    opening = CrowdOpening(url if isinstance(url, str) else url.url, target, count, at_once, timeout_s, options)
    return Crowd(opening, keep, progress, files_a_client=_files_a_client(url, target))


def _files_a_client(url: str | HasUrl, target: Target) -> int:
    """Count the sockets that a client surely costs this process.

    A URL of this machine counts as one of this process. Where the sockets of a server run out, the clients wait in
    vain and asyncio logs each attempt to accept them; here it can still be said what is wrong.
    """
    if isinstance(url, Tap):
        return MOST_FILES_A_CLIENT
    return 2 if is_loopback(target.host) else 1


def _check_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise WslabError(f"{name} is {value!r}", f"a whole number, at least {least}")


class Crowd(Sequence[CrowdClient]):
    """A crowd of clients, made by `crowd`: a sequence of `CrowdClient`, empty until it has connected."""

    def __init__(self, opening: CrowdOpening, keep: int, progress: bool, files_a_client: int) -> None:
        self._opening, self._keep, self._progress, self._files_a_client = opening, keep, progress, files_a_client
        self._clients: list[CrowdClient] = []
        self._hearings: set[Hearing] = set()
        self._started = False

    async def heard(
        self, count: int = 1, *, timeout_s: float = 10, except_: CrowdClient | Iterable[CrowdClient] = ()
    ) -> None:
        """Wait until each client that is not paused has received at least count messages since it connected.

        Args:
            count: How many messages.
            timeout_s: How long to wait, in seconds.
            except_: Clients that are not waited for.

        Raises:
            NotHeardError: Time is up, or a client that has received fewer is closed. It says who has what.
        """
        if not self._started:
            raise WslabError("the crowd has not connected", "", "await it, or enter it with async with")
        _check_whole("count", count, 0)
        left_out = {except_} if isinstance(except_, CrowdClient) else set(except_)
        if not left_out <= set(self):
            raise WslabError("except_ names one who is not in this crowd", "its clients, such as crowd[0]")
        hearing = Hearing(set(self) - left_out, count)
        self._hearings.add(hearing)
        try:
            await hearing.wait(timeout_s)
        finally:
            self._hearings.discard(hearing)

    def report(self) -> Table:
        """Tell how many clients received how many messages, and which connections are closed with which code."""
        groups = Counter((client.received, client.state) for client in self)
        rows = [[received, state, clients] for (received, state), clients in sorted(groups.items(), reverse=True)]
        return Table(["messages received", "connection", "clients"], rows)

    async def close(self) -> None:
        """Close every connection with 1000, within seconds, also those of paused clients; then nothing is left."""
        closing = [asyncio.create_task(client.close()) for client in self]
        try:
            if closing:
                await asyncio.wait(closing, timeout=CLOSE_S + CLOSE_EACH_S * len(closing))
        finally:
            for client in self:
                client.abort()
            if closing:
                await asyncio.wait(closing)
            registry.forget(self)

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._clients)

    @overload
    def __getitem__(self, index: int) -> CrowdClient: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[CrowdClient]: ...

    def __getitem__(self, index: int | slice) -> CrowdClient | Sequence[CrowdClient]:
        return self._clients[index]

    def __repr__(self) -> str:
        if not self._started:
            return f"<wslab crowd of {self._opening.count}, not connected: await it, or enter it with async with>"
        states = Counter(client.state.split(" with ")[0] for client in self)
        shown = (
            f"all {next(iter(states))}" if len(states) == 1 else ", ".join(f"{states[s]} {s}" for s in sorted(states))
        )
        return f"<wslab crowd of {self._opening.count}, {shown}>"

    async def _start(self) -> Self:
        if self._started:
            return self
        await registry.replace_earlier()
        count = self._opening.count
        make_room(MOST_FILES_A_CLIENT * count, at_least=self._files_a_client * count)
        with progress_bar(count, "client", shown=self._progress) as advance:

            def joined(number: int, websocket: ClientConnection) -> None:
                self._clients.append(CrowdClient(number, websocket, self._keep, self._changed))
                advance()

            try:
                await self._opening.run(joined)
            except BaseException:
                await self.close()
                self._clients.clear()
                raise
        self._clients.sort(key=lambda client: client.number)
        self._started = True
        registry.register(self)
        return self

    def _changed(self, client: CrowdClient) -> None:
        for hearing in self._hearings:
            hearing.changed(client)
