"""Own the turn of an actor: one of its hooks runs at a time, and none waits in a circle of actors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from .errors import DeadlockError

__all__ = ["Turn", "waiting_for"]

_held: dict[asyncio.Task[object] | None, Turn] = {}


class Turn:
    """Entered by the task that runs one of an actor's hooks; the next waits until it is left.

    Attributes:
        owner: The name of the actor's class, for errors.
        waits_for: The turn of the actor for whose answer that hook waits, if it does.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.waits_for: Turn | None = None
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None
        self._wanted_count = 0

    @property
    def free(self) -> bool:
        """Whether no hook runs now, and none is next."""
        return not self._wanted_count

    async def __aenter__(self) -> None:
        self._wanted_count += 1
        try:
            await self._lock.acquire()
        except BaseException:  # cancelled in the line
            self._wanted_count -= 1
            raise
        self._holder = asyncio.current_task()
        _held[self._holder] = self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        holder, self._holder = self._holder, None
        del _held[holder]  # not the current task: where a loop has ended before its tasks, there is none
        self._wanted_count -= 1
        self._lock.release()


@contextmanager
def waiting_for(answering: Turn) -> Iterator[None]:
    """Note, if this is called in a hook, that its actor waits for the answer of another.

    What another task waits for is not noted, even if a hook has started it: the hook itself may go on.

    Raises:
        DeadlockError: The other one waits already for the answer of this one, or of one that waits for it, and so on.
    """
    __tracebackhide__ = True
    asking = _held.get(asyncio.current_task())
    if asking is None:
        yield
        return
    circle = [asking, answering]
    while circle[-1] is not asking and (further := circle[-1].waits_for):
        circle.append(further)
    if circle[-1] is asking:
        raise DeadlockError([each.owner for each in circle])
    asking.waits_for = answering
    try:
        yield
    finally:
        asking.waits_for = None
