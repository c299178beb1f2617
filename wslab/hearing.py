"""Own the wait until the clients of a crowd have received enough messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from .crowd_client import CrowdClient
from .errors import NotHeardError

__all__ = ["Hearing"]


class Hearing:
    """A wait for messages that does not poll: each client tells of each change.

    Args:
        clients: Who has to receive them, unless paused.
        count: How many messages, of all that a client has ever received.
    """

    def __init__(self, clients: Iterable[CrowdClient], count: int) -> None:
        self._clients, self._count = frozenset(clients), count
        self._lacking: set[CrowdClient] = set()
        self._in_vain: set[CrowdClient] = set()
        self._over = asyncio.Event()
        for client in self._clients:
            self._sort(client)

    def changed(self, client: CrowdClient) -> None:
        """Look again at a client that has received, paused, resumed or been closed."""
        if client in self._clients:
            self._sort(client)
            self._end_if_over()

    async def wait(self, timeout_s: float) -> None:
        """Wait until nobody lacks a message.

        Raises:
            NotHeardError: Time is up, or a client that lacks messages is closed.
        """
        self._end_if_over()
        try:
            async with asyncio.timeout(timeout_s):
                await self._over.wait()
        except TimeoutError:
            if not self._over.is_set():  # it may be, since the moment when time was up
                raise self._error(self._lacking, timeout_s) from None
        if self._in_vain:
            raise self._error(self._in_vain, None)

    def _sort(self, client: CrowdClient) -> None:
        self._lacking.discard(client)
        if client.received < self._count and not client.paused:
            (self._lacking if client.closed is None else self._in_vain).add(client)

    def _end_if_over(self) -> None:
        if self._in_vain or not self._lacking:
            self._over.set()

    def _error(self, clients: set[CrowdClient], timeout_s: float | None) -> NotHeardError:
        received = {client.number: client.received for client in sorted(clients, key=lambda client: client.number)}
        return NotHeardError(self._count, received, timeout_s)
