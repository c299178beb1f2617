"""Own how a crowd connects: a bounded number of opening handshakes at a time, and all clients or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from .errors import AnswerTimeoutError, CrowdError, FileLimitError, WslabError
from .file_limit import make_room
from .opening import opening_errors
from .target import Target

__all__ = ["CrowdOpening"]

# How long a handshake that is no longer wanted may go on: cut in the middle of it, the server would report a failure.
GRACE_S = 1.0
Joined = Callable[[int, ClientConnection], None]


@dataclass(slots=True)
class CrowdOpening:
    """The opening of a crowd.

    Attributes:
        url: Where the clients connect.
        target: The same, parsed.
        count: How many clients.
        at_once: How many opening handshakes may be under way at a time.
        timeout_s: How long all of it may take, in seconds.
        options: What websockets' `connect` takes.
        connected: How many have connected.
    """

    url: str
    target: Target
    count: int
    at_once: int
    timeout_s: float
    options: dict[str, Any]
    connected: int = 0

    async def run(self, joined: Joined) -> None:
        """Connect all clients; at the first failure begin no more.

        Args:
            joined: Takes the number, from 1, and the connection of each client that has connected.

        Raises:
            FileLimitError: This process has no files left.
            CrowdError: A client did not connect.
        """
        self.connected = 0
        numbers = iter(range(1, self.count + 1))
        try:
            async with asyncio.timeout(self.timeout_s), asyncio.TaskGroup() as group:
                for _ in range(min(self.at_once, self.count)):
                    group.create_task(self._connect_some(numbers, joined))
        except TimeoutError:
            silence = AnswerTimeoutError(f"answer from {self.target.shown} to the opening handshake", self.timeout_s)
            raise self._failure(self.connected + 1, silence) from silence
        except ExceptionGroup as failures:
            first = failures.exceptions[0]
            raise first from first.__cause__

    async def _connect_some(self, numbers: Iterator[int], joined: Joined) -> None:
        for number in numbers:
            connecting = asyncio.create_task(self._connect(number, joined))
            try:
                await asyncio.shield(connecting)
            except asyncio.CancelledError:
                await _end(connecting)
                raise

    async def _connect(self, number: int, joined: Joined) -> None:
        try:
            with opening_errors(self.target, self.options["open_timeout"]):
                websocket = await connect(self.url, **self.options)
        except WslabError as error:
            raise self._failure(number, error) from error
        self.connected += 1
        joined(number, websocket)

    def _failure(self, number: int, cause: WslabError) -> WslabError:
        try:
            make_room(self.count - self.connected)
        except FileLimitError as error:  # then that is the cause, however it showed
            return error
        return CrowdError(number, self.connected, self.count, cause)


async def _end(connecting: asyncio.Task[None]) -> None:
    try:
        await asyncio.wait({connecting}, timeout=GRACE_S)
    finally:
        connecting.cancel()
        await asyncio.wait({connecting})
