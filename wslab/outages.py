"""Own the outages of a client: when it tries again, when it gives up, and how long each one took."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .backoff import Backoff

__all__ = ["Outage", "Outages"]

MOST_KEPT = 1000
"""How many delays and outages are remembered, the newest."""


class Outage(NamedTuple):
    """One time without a connection.

    Attributes:
        reason: How the connection was lost, or why there was none.
        duration_s: From there to the feed's answer on the next connection, in seconds.
    """

    reason: str
    duration_s: float


class Outages:
    """What a client has to know about its failures. It has no clock: the caller says what time it is, in seconds.

    An attempt counts as failed until a message has arrived, or the connection has lasted for the longest delay:
    a server that accepts and then fails must not be hammered either.

    Args:
        backoff: The delays.
        max_attempts: How many attempts in a row may fail; None for any number.

    Attributes:
        delays_s: How long each wait was to be, in seconds.
        past: The outages that are over.
        due_s: When the next attempt may begin.
    """

    def __init__(self, backoff: Backoff, max_attempts: int | None) -> None:
        self.delays_s: deque[float] = deque(maxlen=MOST_KEPT)
        self.past: deque[Outage] = deque(maxlen=MOST_KEPT)
        self.due_s = 0.0
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._opened_s: float | None = None
        self._lost: tuple[str, float] | None = None
        self.calm()

    def calm(self) -> None:
        """Start over with short delays, because the connection works."""
        self._attempts = 0
        self._delays = self._backoff.delays()

    def attempt(self) -> None:
        """Count an attempt that begins."""
        self._attempts += 1

    def opened(self, now_s: float) -> None:
        """End the outage, if there is one."""
        self._opened_s = now_s
        if self._lost is not None:
            reason, lost_s = self._lost
            self.past.append(Outage(reason, now_s - lost_s))
            self._lost = None

    def lost(self, reason: str, now_s: float) -> int:
        """Begin an outage or go on with it, and set when to try again.

        Returns:
            0, or the number of failed attempts if these are too many; the caller may start over all the same.
        """
        if self._opened_s is not None and now_s - self._opened_s > self._backoff.max_s:
            self.calm()
        self._opened_s = None
        self._lost = self._lost or (reason, now_s)
        self.delays_s.append(next(self._delays))
        self.due_s = now_s + self.delays_s[-1]
        failed = self._attempts
        if self._max_attempts is None or failed < self._max_attempts:
            return 0
        self.calm()
        return failed
